// SPDX-License-Identifier: Apache-2.0
// overt log withdraw, engine and rotate: entries of ours that are no releases.
#include "base/say.h"
#include "cmd/log_entries.h"
#include "cmd/log_leaf.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct options {
    struct ov_log_append append;
    const char *feed, *reason, *trust, *policy;
    uint64_t seq;
    char **arguments; // after the folder
    int argument_count;
};

enum {
    OPTION_KEYS = 256,
    OPTION_FEED,
    OPTION_SEQ,
    OPTION_REASON,
    OPTION_TRUST,
    OPTION_POLICY,
    OPTION_SIGN,
    OPTION_TIME,
    OPTION_JSON,
    OPTION_HELP,
};

static const struct option long_options[] = {
    {"keys", required_argument, NULL, OPTION_KEYS},
    {"feed", required_argument, NULL, OPTION_FEED},
    {"seq", required_argument, NULL, OPTION_SEQ},
    {"reason", required_argument, NULL, OPTION_REASON},
    {"trust", required_argument, NULL, OPTION_TRUST},
    {"policy", required_argument, NULL, OPTION_POLICY},
    {"sign", required_argument, NULL, OPTION_SIGN},
    {"time", required_argument, NULL, OPTION_TIME},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

// ---- options ------------------------------------------------------------------------------------

static bool take_text(int code, struct options *options) {
    const char **const places[] = {
        [0] = &options->append.keys,
        [OPTION_FEED - OPTION_KEYS] = &options->feed,
        [OPTION_REASON - OPTION_KEYS] = &options->reason,
        [OPTION_TRUST - OPTION_KEYS] = &options->trust,
        [OPTION_POLICY - OPTION_KEYS] = &options->policy,
    };
    size_t at = (size_t)(code - OPTION_KEYS);
    if (code < OPTION_KEYS || at >= sizeof places / sizeof *places || places[at] == NULL) {
        return false;
    }
    *places[at] = optarg;
    return true;
}

static bool take_option(int code, struct options *options) {
    switch (code) {
    case OPTION_SEQ:
        return ov_number_read(ov_span_text(optarg), &options->seq) == OV_OK;
    case OPTION_TIME:
        return ov_number_read(ov_span_text(optarg), &options->append.time) == OV_OK;
    case OPTION_SIGN:
        return ov_log_append_sign(&options->append, optarg);
    case OPTION_JSON:
        options->append.is_json = true;
        return true;
    default:
        return take_text(code, options);
    }
}

static int read_options(int argc, char **argv, struct options *options) {
    for (int code = 0; (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        if (code == 'h' || code == OPTION_HELP) {
            return ov_log_print_help();
        }
        if (!take_option(code, options)) {
            return ov_log_reject_option(argv);
        }
    }
    options->append.folder = optind < argc ? argv[optind] : NULL;
    options->arguments = argv + optind + 1;
    options->argument_count = argc - optind - 1;
    return -1;
}

// Reads the options, opens the log and has one word do its work.
static int run(int argc, char **argv, int (*word)(struct options *options), const char *usage) {
    struct options options = {.append = {.time = (uint64_t)time(NULL)}};
    int code = read_options(argc, argv, &options);
    if (code >= 0) {
        return code;
    }
    if (options.append.folder == NULL) {
        ov_say_error("log", "a log is needed", usage);
        return OV_EXIT_ERROR;
    }
    code = ov_log_append_open(&options.append) == OV_OK ? word(&options) : OV_EXIT_ERROR;
    if (code < 0) {
        ov_say_error("log", "something is missing, or too much", usage);
        code = OV_EXIT_ERROR;
    }
    ov_log_append_release(&options.append);
    return code;
}

// ---- withdraw -----------------------------------------------------------------------------------

static bool is_withdrawal(void *arg, uint64_t index, struct ov_span entry) {
    const struct ov_withdrawal *wanted = arg;
    struct ov_withdrawal withdrawal;
    struct ov_note note;
    (void)index;
    return ov_leaf_kind_of(entry) == OV_LEAF_WITHDRAWAL && ov_note_read(entry, &note) == OV_OK &&
           ov_withdrawal_read(note.text, &withdrawal) == OV_OK && withdrawal.seq == wanted->seq;
}

static bool is_printable(const char *text) {
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e) {
            return false;
        }
    }
    return size > 0 && size <= OV_REASON_BYTES_MAX;
}

static int withdraw(struct options *options) {
    const struct ov_store *store = options->append.store;
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    uint64_t index;
    if (options->seq == 0 || options->reason == NULL || options->argument_count != 0) {
        return -1;
    }
    struct ov_withdrawal withdrawal = {.feed = store->trust.feed,
                                       .seq = options->seq,
                                       .time = options->append.time,
                                       .reason = ov_span_text(options->reason)};
    if (options->feed != NULL &&
        ov_feed_name_read(ov_span_text(options->feed), &withdrawal.feed) != OV_OK) {
        ov_say_error(options->feed, "is no feed's name", NULL);
        return OV_EXIT_ERROR;
    }
    if (!is_printable(options->reason)) {
        ov_say_error("--reason", "one line of printable ASCII, at most 512 bytes", NULL);
        return OV_EXIT_ERROR;
    }
    if (ov_log_entries_find(store->folder, store->state.head.size, &withdrawal, is_withdrawal,
                            &index) == OV_OK) {
        ov_say_error("log withdraw", "that release is withdrawn already", NULL);
        return OV_EXIT_ERROR;
    }
    ov_withdrawal_add(&text, &withdrawal);
    return ov_log_leaf_append(&options->append, NULL, ov_buf_span(&text), "withdrawal");
}

int ov_log_withdraw(int argc, char **argv) {
    return run(argc, argv, withdraw, "overt log withdraw DIR --seq N --reason TEXT");
}

// ---- engine -------------------------------------------------------------------------------------

static int compare_files(const void *left, const void *right) {
    const struct ov_engine_file *a = left;
    const struct ov_engine_file *b = right;
    return strcmp((const char *)a->name.data, (const char *)b->name.data);
}

static enum ov_status add_engine_file(struct ov_engine *engine, const char *path) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    const char *slash = strrchr(path, '/');
    struct ov_engine_file *file = &engine->files[engine->file_count];
    enum ov_status status = ov_file_map_open(path, &map);
    if (status != OV_OK) {
        ov_say_error(path, status == OV_SYSTEM ? strerror(errno) : "is no regular file", NULL);
        return status;
    }
    file->name = ov_span_text(slash != NULL ? slash + 1 : path);
    file->bytes = map.bytes.size;
    ov_sha256(map.bytes, file->sha256);
    engine->file_count++;
    return OV_OK;
}

static int log_engine(struct options *options) {
    struct ov_engine engine = {.time = options->append.time};
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    if (options->argument_count < 2 || options->argument_count > 1 + OV_ENGINE_FILES_MAX) {
        return -1;
    }
    if (ov_version_read(ov_span_text(options->arguments[0]), &engine.version) != OV_OK) {
        ov_say_error(options->arguments[0], "is no version", "such as 1.4.0");
        return OV_EXIT_ERROR;
    }
    for (int i = 1; i < options->argument_count; i++) {
        if (add_engine_file(&engine, options->arguments[i]) != OV_OK) {
            return OV_EXIT_ERROR;
        }
    }
    qsort(engine.files, engine.file_count, sizeof engine.files[0], compare_files);
    ov_engine_add(&text, &engine);
    return ov_log_leaf_append(&options->append, NULL, ov_buf_span(&text), "engine");
}

int ov_log_engine(int argc, char **argv) {
    return run(argc, argv, log_engine, "overt log engine DIR VERSION FILE... (at most 16)");
}

// ---- rotate -------------------------------------------------------------------------------------

// A file that is left as it is stands in the log's folder.
static enum ov_status load_file(const struct ov_buf *own, const char *path, size_t most,
                                struct ov_buf *text) {
    if (path == NULL) {
        ov_buf_add(text, own->data, own->size);
        return ov_buf_status(text);
    }
    enum ov_status status = ov_log_file_load(path, most, text);
    if (status != OV_OK) {
        ov_say_error(path, status == OV_SYSTEM ? strerror(errno) : ov_status_text(status), NULL);
    }
    return status;
}

static int rotate(struct options *options) {
    const struct ov_store *store = options->append.store;
    OV_CLEANUP(ov_buf_release) struct ov_buf trust_text = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf policy_text = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    struct ov_trust trust;
    if (options->trust == NULL || options->argument_count != 0) {
        return -1;
    }
    if (load_file(&store->trust_text, options->trust, OV_TRUST_BYTES_MAX, &trust_text) != OV_OK ||
        load_file(&store->policy_text, options->policy, OV_POLICY_BYTES_MAX, &policy_text) !=
            OV_OK ||
        ov_log_trust_load(options->trust, &trust) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    struct ov_rotation rotation = {
        .feed = trust.feed, .version = trust.version, .time = options->append.time};
    if (ov_rotation_add(&text, &rotation, ov_buf_span(&trust_text), ov_buf_span(&policy_text)) !=
        OV_OK) {
        ov_say_error("log rotate", "the last line of a file does not end", NULL);
        return OV_EXIT_ERROR;
    }
    if (!options->append.is_json) {
        ov_buf_add_text(
            &options->append.out,
            "clients with the new keys load no release that the old ones alone have "
            "signed:\nafter the next checkpoint, release once more (overt log append)\n");
    }
    return ov_log_leaf_append(&options->append, &trust, ov_buf_span(&text), "rotation");
}

int ov_log_rotate(int argc, char **argv) {
    return run(argc, argv, rotate, "overt log rotate DIR --trust FILE [--policy FILE] --sign KEY");
}
