// SPDX-License-Identifier: Apache-2.0
// overt journal: what Overt did here, and whether that was changed.
#include "base/fd.h"
#include "base/json.h"
#include "base/printable.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/journal_run.h"
#include "journal/check.h"
#include "journal/journal.h"
#include "ledger/checkpoint.h"
#include "ledger/note.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

static const char help[] =
    "Usage: overt journal list [OPTION]... \n"
    "       overt journal verify [OPTION]...\n"
    "       overt journal checkpoint\n"
    "\n"
    "Overt writes down what it does: each scan that was asked for, each file with its verdict,\n"
    "what was loaded and refused. The entries are an append-only log under signed checkpoints.\n"
    "\n"
    "  list        one line for each entry\n"
    "  verify      reads all of it again: every entry, hash, key and clock; names what is wrong\n"
    "  checkpoint  signs what is there and prints the signed line: keep it elsewhere, and nobody\n"
    "              can put an older journal in the place of this one unseen\n"
    "\n"
    "Options:\n"
    "      --journal DIR       another journal than this machine's\n"
    "      --key VKEY          verify: the first epoch's key, as it was noted down\n"
    "      --against FILE      verify: a checkpoint that was kept elsewhere\n"
    "      --type TYPE         list: these entries alone, such as scan or files\n"
    "      --json              one JSON object a line\n"
    "      --help              print this help\n"
    "\n"
    "Exit codes: 0 done, and all holds, 1 something does not hold, 2 an error.\n"
    "\n"
    "Example:\n"
    "  overt journal verify --against checkpoint.of.monday\n";

struct options {
    const char *folder;
    const char *key;
    const char *against;
    const char *type;
    bool is_json;
    char path[PATH_MAX];
};

struct work {
    const struct options *options;
    struct ov_key key;
    struct ov_tree_head kept;
    int folder;
};

// ---- verify -------------------------------------------------------------------------------------

static void print_problem(void *arg, const struct ov_journal_problem *problem) {
    const struct work *work = arg;
    if (work->options->is_json) {
        OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
        struct ov_json json;
        ov_json_init(&json, &out);
        ov_json_object(&json, NULL);
        if (problem->seq != UINT64_MAX) {
            ov_json_uint(&json, "seq", problem->seq);
        } else {
            ov_json_null(&json, "seq");
        }
        ov_json_text(&json, "why", problem->why);
        ov_json_object_end(&json);
        (void)printf("%.*s\n", (int)out.size, (const char *)out.data);
    } else if (problem->seq != UINT64_MAX) {
        (void)printf("entry %" PRIu64 ": %s\n", problem->seq, problem->why);
    } else {
        (void)printf("%s\n", problem->why);
    }
}

static void print_report(const struct work *work, const struct ov_journal_report *report) {
    OV_CLEANUP(ov_buf_release) struct ov_buf root = {0};
    ov_tree_hash_add(&root, &report->head.root);
    if (!work->options->is_json) {
        (void)printf("%s: %" PRIu64 " entries (%" PRIu64 " sealed), %" PRIu64 " epochs, %" PRIu64
                     " runs, %" PRIu64 " files: %s\n",
                     report->origin, report->entry_count, report->head.size, report->epoch_count,
                     report->run_count, report->file_count,
                     report->problem_count == 0 ? "all holds" : "NOT as it was written");
        return;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_json json;
    ov_json_init(&json, &out);
    ov_json_object(&json, NULL);
    ov_json_text(&json, "origin", report->origin);
    ov_json_uint(&json, "size", report->head.size);
    ov_json_bytes(&json, "root", ov_buf_span(&root));
    ov_json_uint(&json, "entries", report->entry_count);
    ov_json_uint(&json, "epochs", report->epoch_count);
    ov_json_uint(&json, "runs", report->run_count);
    ov_json_uint(&json, "files", report->file_count);
    ov_json_uint(&json, "problems", report->problem_count);
    ov_json_object_end(&json);
    (void)printf("%.*s\n", (int)out.size, (const char *)out.data);
}

static enum ov_status read_kept(const char *path, struct ov_tree_head *ret_head) {
    static struct ov_note note;
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    struct ov_checkpoint checkpoint;
    enum ov_status status = ov_file_map_open(path, &map);
    if (status != OV_OK) {
        ov_say_error(path, strerror(errno), NULL);
        return status;
    }
    if (ov_note_read(map.bytes, &note) != OV_OK ||
        ov_checkpoint_read(note.text, &checkpoint) != OV_OK) {
        ov_say_error(path, "no checkpoint", "overt journal checkpoint prints one");
        return OV_DAMAGED;
    }
    *ret_head = checkpoint.head;
    return OV_OK;
}

static int verify(struct work *work) {
    const struct options *options = work->options;
    struct ov_journal_report report;
    struct ov_journal_check check = {
        .folder = work->folder, .arg = work, .on_problem = print_problem};
    if (options->key != NULL) {
        if (ov_key_read(ov_span_text(options->key), &work->key) != OV_OK) {
            ov_say_error("--key", "no vkey", "journal.vkey has it");
            return OV_EXIT_ERROR;
        }
        check.first = &work->key;
    }
    if (options->against != NULL) {
        if (read_kept(options->against, &work->kept) != OV_OK) {
            return OV_EXIT_ERROR;
        }
        check.kept = &work->kept;
    }
    enum ov_status status = ov_journal_verify(&check, &report);
    if (status != OV_OK) {
        ov_say_error(options->folder,
                     status == OV_END ? "there is no journal" : ov_status_text(status), NULL);
        return OV_EXIT_ERROR;
    }
    print_report(work, &report);
    return report.problem_count == 0 ? OV_EXIT_NOTHING : OV_EXIT_FOUND;
}

// ---- list ---------------------------------------------------------------------------------------

static void print_entry(void *arg, const struct ov_entry *entry) {
    const struct work *work = arg;
    const char *name = ov_entry_type_name(entry->type);
    char stamp[32];
    struct tm parts;
    time_t seconds = (time_t)(entry->time_ns / 1000000000u);
    if (work->options->type != NULL && strcmp(work->options->type, name) != 0) {
        return;
    }
    (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &parts));
    if (work->options->is_json) {
        OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
        struct ov_json json;
        ov_json_init(&json, &out);
        ov_json_object(&json, NULL);
        ov_json_uint(&json, "seq", entry->seq);
        ov_json_text(&json, "time", stamp);
        ov_json_text(&json, "type", name);
        ov_json_bytes(&json, "body", entry->body);
        ov_json_object_end(&json);
        (void)printf("%.*s\n", (int)out.size, (const char *)out.data);
        return;
    }
    (void)printf("%" PRIu64 " %s %s ", entry->seq, stamp, name);
    for (size_t i = 0; i + 1 < entry->body.size; i++) { // printable ASCII and LF
        (void)putchar(entry->body.data[i] == '\n' ? ';' : entry->body.data[i]);
    }
    (void)putchar('\n');
}

static int list(struct work *work) {
    struct ov_journal_report report;
    struct ov_journal_check check = {.folder = work->folder, .arg = work, .on_entry = print_entry};
    enum ov_status status = ov_journal_verify(&check, &report);
    if (status != OV_OK) {
        ov_say_error(work->options->folder,
                     status == OV_END ? "there is no journal" : ov_status_text(status), NULL);
        return OV_EXIT_ERROR;
    }
    if (report.problem_count > 0) {
        ov_say_error(work->options->folder, "not as it was written", "overt journal verify");
    }
    return report.problem_count == 0 ? OV_EXIT_NOTHING : OV_EXIT_FOUND;
}

// ---- checkpoint ---------------------------------------------------------------------------------

static int print_checkpoint(struct work *work) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    struct ov_journal *journal = NULL;
    char reason[OV_JOURNAL_REASON_BYTES];
    enum ov_status status = ov_journal_open(work->options->folder, &journal, reason);
    if (status == OV_OK) {
        status = ov_journal_lock(journal);
        if (status == OV_OK) {
            status = ov_journal_seal(journal, OV_SEAL_IF_OLD);
            ov_journal_unlock(journal);
        }
        (void)snprintf(reason, sizeof reason, "%s", ov_journal_reason(journal));
    }
    ov_journal_free(journal);
    OV_AUTO_FD fd = openat(work->folder, "checkpoint", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (status != OV_OK || fd < 0 || ov_file_map_open_fd(fd, &map) != OV_OK) {
        ov_say_error(work->options->folder, reason, NULL);
        return OV_EXIT_ERROR;
    }
    (void)fwrite(map.bytes.data, 1, map.bytes.size, stdout);
    return OV_EXIT_NOTHING;
}

// ---- words --------------------------------------------------------------------------------------

static const struct {
    const char *name;
    int (*run)(struct work *work);
} words[] = {
    {"checkpoint", print_checkpoint},
    {"list", list},
    {"verify", verify},
};

static int read_options(int argc, char **argv, struct options *options) {
    enum { OPT_JOURNAL = 256, OPT_KEY, OPT_AGAINST, OPT_TYPE, OPT_JSON, OPT_HELP };
    static const struct option long_options[] = {
        {"journal", required_argument, NULL, OPT_JOURNAL},
        {"key", required_argument, NULL, OPT_KEY},
        {"against", required_argument, NULL, OPT_AGAINST},
        {"type", required_argument, NULL, OPT_TYPE},
        {"json", no_argument, NULL, OPT_JSON},
        {"help", no_argument, NULL, OPT_HELP},
        {NULL, 0, NULL, 0},
    };
    optind = 1;
    opterr = 0;
    for (int code = 0; (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        switch (code) {
        case OPT_JOURNAL:
            options->folder = optarg;
            break;
        case OPT_KEY:
            options->key = optarg;
            break;
        case OPT_AGAINST:
            options->against = optarg;
            break;
        case OPT_TYPE:
            options->type = optarg;
            break;
        case OPT_JSON:
            options->is_json = true;
            break;
        case 'h':
        case OPT_HELP:
            (void)fputs(help, stdout);
            return OV_EXIT_NOTHING;
        default:
            ov_say_error(argv[optind - 1], "unknown option, or its value is missing",
                         "overt journal --help");
            return OV_EXIT_ERROR;
        }
    }
    return -1;
}

static int run_word(const struct options *options, int (*run)(struct work *work)) {
    struct work work = {.options = options};
    OV_AUTO_FD folder = open(options->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        ov_say_error(options->folder, strerror(errno), "nothing was written down here yet?");
        return OV_EXIT_ERROR;
    }
    work.folder = folder;
    return run(&work);
}

static int run(int argc, char **argv) {
    static struct options options;
    for (size_t i = 0; argc > 1 && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(argv[1], words[i].name) == 0) {
            int code = read_options(argc - 1, argv + 1, &options);
            if (code >= 0) {
                return code;
            }
            if (options.folder == NULL) {
                if (ov_journal_folder_path(options.path, sizeof options.path) != OV_OK) {
                    ov_say_error("journal", "no folder for it is known", "give --journal DIR");
                    return OV_EXIT_ERROR;
                }
                options.folder = options.path;
            }
            return run_word(&options, words[i].run);
        }
    }
    ov_say_error(argc > 1 ? argv[1] : "journal",
                 argc > 1 ? "unknown word" : "a word is missing, such as list or verify",
                 "overt journal --help");
    return OV_EXIT_ERROR;
}

const struct ov_command ov_command_journal = {
    .name = "journal",
    .summary = "what Overt did here, and whether that was changed",
    .run = run,
    .help = help,
};
