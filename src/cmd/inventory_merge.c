// SPDX-License-Identifier: Apache-2.0
// overt inventory merge: the reports of many machines become that of the organisation.
//
// Each file is read by two caged forks: one checks the signature and looks at nothing else, the
// other reads the report, whose lines are held against their form here.
#include "base/durable.h"
#include "base/fd.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/inventory.h"
#include "cmd/inventory_merge.h"
#include "cmd/log_store.h"
#include "ledger/note.h"
#include "role/caged.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    KEYS_MAX = 4096,
    KEYS_BYTES_MAX = 1 << 20,
    FILE_BYTES_MAX = 64 << 20,
    DAYS_DEFAULT = 30,
    DAYS_MAX = 36500,
    PAGE_MODE = 0644,
};
#define TREE_BYTES_MAX  ((size_t)512 << 20)
#define FLEET_BYTES_MAX ((size_t)1 << 30)

static const char help[] =
    "Usage: overt inventory merge [--keys FILE] [--days N] [--json] [--html FILE] REPORT...\n"
    "\n"
    "Makes one report of those of many machines, signed ones (overt inventory sign) and those of\n"
    "overt inventory --json: which products, on which machines, and what is not to be relied on.\n"
    "Of several reports of one machine the newest counts, and a signed one before others.\n"
    "\n"
    "Options:\n"
    "      --keys FILE  public keys of the machines, one a line, as overt log key prints them\n"
    "      --days N     reports older than this are told as stale (30)\n"
    "      --json       one JSON object\n"
    "      --html FILE  a page to print, beside what is written to standard output\n"
    "      --help       print this help\n"
    "\n"
    "Exit codes: 0 nothing was found, 1 something was found, 2 an error, 3 nothing was found but "
    "a\n"
    "report was refused, or said that something could not be read.\n"
    "\n"
    "Example:\n"
    "  overt inventory merge --keys machines.keys *.report\n";

static int reject(const char *what, const char *why) {
    ov_say_error(what, why, "overt inventory merge --help");
    return OV_EXIT_ERROR;
}

// ---- keys ---------------------------------------------------------------------------------------

struct keys {
    struct ov_key *items;
    size_t count;
};

// One key a line; empty lines and those that begin with '#' are passed over.
static enum ov_status read_keys(struct ov_span text, struct keys *keys) {
    size_t from = 0;
    for (size_t i = 0; i <= text.size; i++) {
        if (i < text.size && text.data[i] != '\n') {
            continue;
        }
        struct ov_span line = ov_span_part(text, from, i - from);
        from = i + 1;
        if (line.size == 0 || line.data[0] == '#') {
            continue;
        }
        if (keys->count == KEYS_MAX) {
            return OV_LIMIT;
        }
        TRY(ov_key_read(line, &keys->items[keys->count]));
        keys->count++;
    }
    return OV_OK;
}

static enum ov_status load_keys(const char *path, struct ov_arena *arena, struct keys *keys) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    keys->items = ov_arena_array(arena, KEYS_MAX, sizeof keys->items[0]);
    if (keys->items == NULL) {
        return OV_MEMORY;
    }
    TRY(ov_log_file_load(path, KEYS_BYTES_MAX, &text));
    return read_keys(ov_buf_span(&text), keys);
}

// ---- in the cage --------------------------------------------------------------------------------

struct question {
    struct ov_span bytes;
    const struct keys *keys;
};

// All values are to be expected of it.
struct answer {
    uint8_t is_note;
    uint8_t is_denied; // a signature by one of the keys is false
    uint8_t is_signed;
    uint32_t key; // whose it is
    uint64_t text_bytes;
};

static void check_note(const void *arg, void *ret_answer) {
    const struct question *question = arg;
    struct answer answer = {.text_bytes = question->bytes.size};
    static struct ov_note note;
    if (question->bytes.size <= OV_NOTE_BYTES_MAX &&
        ov_note_read(question->bytes, &note) == OV_OK) {
        answer.is_note = 1;
        answer.text_bytes = note.text.size;
        for (size_t i = 0; i < question->keys->count && answer.is_denied == 0; i++) {
            struct ov_note_found found = {0};
            if (ov_note_verify_one(&note, &question->keys->items[i], &found) != OV_OK) {
                answer.is_denied = 1;
            } else if (found.has_signed && answer.is_signed == 0) {
                answer.is_signed = 1;
                answer.key = (uint32_t)i;
            }
        }
    }
    memcpy(ret_answer, &answer, sizeof answer);
}

static int tell_report(void *arg, struct ov_buf *out) {
    OV_CLEANUP(ov_arena_release) struct ov_arena arena;
    ov_arena_init(&arena, TREE_BYTES_MAX);
    return (int)ov_fleet_tell(*(const struct ov_span *)arg, &arena, out);
}

// ---- one file -----------------------------------------------------------------------------------

static enum ov_status ask_lines(struct ov_span text, struct ov_buf *lines, const char **ret_why) {
    int code = 0;
    (void)fflush(NULL);
    const struct ov_caged_work job = {
        .role = OV_ROLE_AUDITOR, .mapped_bytes = text.size, .tell = tell_report, .arg = &text};
    enum ov_status status = ov_caged_run(&job, lines, &code);
    if (status != OV_OK) {
        *ret_why = status == OV_PEER ? "the caged process that reads it died" : strerror(errno);
        return status;
    }
    if (code != OV_OK) {
        *ret_why = code == OV_LIMIT ? "is too large" : "is no report of an inventory";
        return OV_DAMAGED;
    }
    return OV_OK;
}

static enum ov_status take_text(struct ov_inventory_merge *merge, struct ov_fleet_report *report,
                                struct ov_span text, const char **ret_why) {
    OV_CLEANUP(ov_buf_release) struct ov_buf lines = {0};
    TRY(ask_lines(text, &lines, ret_why));
    enum ov_status status = ov_fleet_take(&merge->fleet, report, ov_buf_span(&lines));
    *ret_why = status == OV_DAMAGED ? "is no report of an inventory" : ov_status_text(status);
    return status;
}

// A path as a report shows it.
static void print_path(const char *path, char *ret_text, size_t size) {
    size_t i = 0;
    for (; path[i] != 0 && i + 1 < size; i++) {
        ret_text[i] = path[i] >= 0x20 && path[i] < 0x7f ? path[i] : '?';
    }
    ret_text[i] = 0;
}

static enum ov_status take_file(struct ov_inventory_merge *merge, const struct keys *keys,
                                const char *path, const char **ret_why) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    errno = 0;
    if (ov_file_map_open(path, &map) != OV_OK) {
        *ret_why = errno != 0 ? strerror(errno) : "is no file";
        return OV_SYSTEM;
    }
    if (map.bytes.size > FILE_BYTES_MAX) {
        *ret_why = "is too large";
        return OV_LIMIT;
    }
    const struct question question = {.bytes = map.bytes, .keys = keys};
    struct answer answer = {0};
    (void)fflush(NULL);
    if (ov_caged_ask(OV_ROLE_AUDITOR, check_note, &question, &answer, sizeof answer) != OV_OK ||
        answer.text_bytes > map.bytes.size ||
        (answer.is_signed != 0 && answer.key >= keys->count)) {
        *ret_why = "the caged process that checks it died";
        return OV_PEER;
    }
    if (answer.is_denied != 0) {
        *ret_why = "its signature is false";
        return OV_DENIED;
    }
    char name[OV_FLEET_TEXT_BYTES_MAX];
    char key[OV_FLEET_TEXT_BYTES_MAX] = "";
    print_path(path, name, sizeof name);
    if (answer.is_signed != 0) {
        print_path(keys->items[answer.key].name, key, sizeof key);
    }
    struct ov_fleet_report report = {.file = name,
                                     .key = key,
                                     .trust = answer.is_signed != 0 ? OV_FLEET_SIGNED
                                              : answer.is_note != 0 ? OV_FLEET_UNKNOWN_KEY
                                                                    : OV_FLEET_UNSIGNED};
    return take_text(merge, &report, ov_span_part(map.bytes, 0, (size_t)answer.text_bytes),
                     ret_why);
}

// ---- command ------------------------------------------------------------------------------------

struct options {
    const char *keys;
    long days;
    const char *html; // where a page goes, or NULL
    bool is_json;
};

// -1: go on.
static int read_options(int argc, char **argv, struct options *options) {
    enum { OPT_KEYS = 256, OPT_DAYS, OPT_JSON, OPT_HTML };
    static const struct option long_options[] = {{"keys", required_argument, NULL, OPT_KEYS},
                                                 {"days", required_argument, NULL, OPT_DAYS},
                                                 {"json", no_argument, NULL, OPT_JSON},
                                                 {"html", required_argument, NULL, OPT_HTML},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    optind = 1;
    opterr = 0;
    for (int code = 0; (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        char *end = NULL;
        switch (code) {
        case OPT_KEYS:
            options->keys = optarg;
            break;
        case OPT_DAYS:
            options->days = strtol(optarg, &end, 10);
            if (end == optarg || *end != 0 || options->days < 1 || options->days > DAYS_MAX) {
                return reject(optarg, "is no number of days");
            }
            break;
        case OPT_HTML:
            options->html = optarg;
            break;
        case OPT_JSON:
            options->is_json = true;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return OV_EXIT_NOTHING;
        default:
            return reject(argv[optind - 1], "unknown option, or its value is missing");
        }
    }
    return optind == argc ? reject("inventory merge", "reports are needed") : -1;
}

static bool write_page(const char *path, const struct ov_inventory_merge *merge) {
    OV_CLEANUP(ov_buf_release) struct ov_buf page = {0};
    ov_inventory_merge_html(merge, &page);
    errno = 0;
    if (ov_buf_status(&page) != OV_OK ||
        ov_durable_write(AT_FDCWD, path, ov_buf_span(&page), PAGE_MODE) != OV_OK) {
        (void)reject(path, errno != 0 ? strerror(errno) : "could not be written");
        return false;
    }
    return true;
}

static int merge_files(const struct options *options, struct ov_inventory_merge *merge,
                       char **paths) {
    struct keys keys = {0};
    if (options->keys != NULL) {
        enum ov_status status = load_keys(options->keys, merge->fleet.arena, &keys);
        if (status != OV_OK) {
            return reject(options->keys,
                          status == OV_SYSTEM ? strerror(errno) : "has something else than keys");
        }
    }
    for (size_t i = 0; paths[i] != NULL; i++) {
        const char *why = NULL;
        enum ov_status status = take_file(merge, &keys, paths[i], &why);
        if (status == OV_MEMORY) {
            return reject(paths[i], "not enough memory");
        }
        if (status != OV_OK) {
            ov_inventory_merge_refuse(merge, paths[i], why);
        }
    }
    ov_fleet_sort(&merge->fleet);
    if (options->html != NULL && !write_page(options->html, merge)) {
        return OV_EXIT_ERROR;
    }
    return ov_inventory_merge_print(merge, options->is_json);
}

static int run(int argc, char **argv) {
    struct options options = {.days = DAYS_DEFAULT};
    int code = read_options(argc, argv, &options);
    if (code >= 0) {
        return code;
    }
    OV_CLEANUP(ov_arena_release) struct ov_arena arena;
    ov_arena_init(&arena, FLEET_BYTES_MAX);
    struct ov_inventory_merge merge = {.fleet = {.arena = &arena}};
    const time_t limit = time(NULL) - (time_t)options.days * 86400;
    struct tm parts;
    if (gmtime_r(&limit, &parts) != NULL) {
        (void)strftime(merge.stale_before, sizeof merge.stale_before, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
    code = merge_files(&options, &merge, argv + optind);
    ov_inventory_merge_release(&merge);
    return code;
}

const struct ov_inventory_word ov_inventory_word_merge = {
    .name = "merge", .run = run, .help = help};
