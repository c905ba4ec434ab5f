// SPDX-License-Identifier: Apache-2.0
// overt log append: files become entries of a log.
#include "cmd/log_append.h"

#include "base/json.h"
#include "base/printable.h"
#include "base/say.h"
#include "cmd/log_release.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

// ---- what all words share -----------------------------------------------------------------------

enum ov_status ov_log_append_open(struct ov_log_append *append) {
    enum ov_status status = ov_log_private_path(append->folder, append->keys, append->private_path,
                                                sizeof append->private_path);
    if (status != OV_OK) {
        ov_say_error(append->folder, "the path is too long", NULL);
        return status;
    }
    return ov_log_store_new(append->folder, append->keys, &append->store);
}

bool ov_log_append_sign(struct ov_log_append *append, const char *path) {
    if (append->sign_count == sizeof append->sign / sizeof *append->sign) {
        return false;
    }
    append->sign[append->sign_count++] = path;
    return true;
}

void ov_log_append_release(struct ov_log_append *append) {
    ov_log_store_free(&append->store);
    ov_buf_release(&append->out);
}

static void tell_entry(struct ov_log_append *append, uint64_t index, struct ov_span entry,
                       const char *what) {
    struct ov_json json;
    if (append->is_json) {
        ov_json_init(&json, &append->out);
        ov_json_object(&json, NULL);
        ov_json_uint(&json, "index", index);
        ov_json_text(&json, "entry", what);
        ov_json_uint(&json, "bytes", entry.size);
        ov_json_object_end(&json);
        ov_buf_add_u8(&append->out, '\n');
        return;
    }
    ov_buf_printf(&append->out, "entry %llu: ", (unsigned long long)index);
    ov_printable_add(&append->out, ov_span_text(what));
    ov_buf_printf(&append->out, ", %zu bytes\n", entry.size);
}

enum ov_status ov_log_append_entry(struct ov_log_append *append, struct ov_span entry,
                                   const char *what) {
    uint64_t index;
    enum ov_status status = ov_store_add(append->store, entry, &index);
    if (status != OV_OK) {
        struct ov_store_error *error = &append->store->error;
        ov_say_error(strcmp(error->what, "entry") == 0 ? what : error->what, error->why, NULL);
        return status;
    }
    tell_entry(append, index, entry, what);
    return OV_OK;
}

static void tell_end(struct ov_log_append *append) {
    const struct ov_tree_head *head = &append->store->state.head;
    OV_CLEANUP(ov_buf_release) struct ov_buf root = {0};
    struct ov_json json;
    if (!append->is_json) {
        ov_buf_printf(&append->out,
                      "%s has %llu entries; overt log checkpoint signs and publishes them\n",
                      append->folder, (unsigned long long)head->size);
        return;
    }
    ov_tree_hash_add(&root, &head->root);
    ov_json_init(&json, &append->out);
    ov_json_object(&json, NULL);
    ov_json_object(&json, "summary");
    ov_json_uint(&json, "size", head->size);
    ov_json_bytes(&json, "root", ov_buf_span(&root));
    ov_json_object_end(&json);
    ov_json_object_end(&json);
    ov_buf_add_u8(&append->out, '\n');
}

// A run that was cut off after it had added these entries is what this one is the repetition of.
static void tell_repetition(struct ov_log_append *append) {
    const struct ov_store_state *state = &append->store->state;
    ov_buf_reset(&append->out);
    if (!append->is_json) {
        ov_buf_printf(&append->out,
                      "a run that was cut off has added these entries already, the last %llu\n",
                      (unsigned long long)state->batch_count);
    }
}

int ov_log_append_commit(struct ov_log_append *append) {
    enum ov_status status = ov_store_commit(append->store);
    if (status == OV_END) {
        tell_repetition(append);
    } else if (status != OV_OK) {
        ov_log_store_say(&append->store->error);
        return OV_EXIT_ERROR;
    }
    tell_end(append);
    int code = ov_log_print(&append->out);
    if (code == OV_EXIT_NOTHING && ov_store_finish(append->store) != OV_OK) {
        ov_log_store_say(&append->store->error);
        return OV_EXIT_ERROR;
    }
    return code;
}

// ---- files --------------------------------------------------------------------------------------

static enum ov_status append_file(struct ov_log_append *append, const char *path) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    enum ov_status status = ov_file_map_open(path, &map);
    if (status != OV_OK) {
        ov_say_error(path, status == OV_SYSTEM ? strerror(errno) : "is no regular file", NULL);
        return status;
    }
    return ov_log_append_entry(append, map.bytes, path);
}

static enum ov_status append_line(struct ov_log_append *append, struct ov_span line,
                                  uint64_t number) {
    uint64_t index;
    if (ov_store_add(append->store, line, &index) != OV_OK) {
        char what[64];
        (void)snprintf(what, sizeof what, "line %llu", (unsigned long long)number);
        ov_say_error(what, append->store->error.why, NULL);
        return OV_INVALID;
    }
    return OV_OK;
}

// Each line, without its end, is an entry.
static enum ov_status append_lines(struct ov_log_append *append) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    if (append->lines == NULL) {
        return OV_OK;
    }
    enum ov_status status = ov_file_map_open(append->lines, &map);
    if (status != OV_OK) {
        ov_say_error(append->lines, status == OV_SYSTEM ? strerror(errno) : "is no regular file",
                     NULL);
        return status;
    }
    uint64_t count = 0;
    for (size_t at = 0; at < map.bytes.size; count++) {
        size_t end = ov_span_find(map.bytes, at, '\n');
        TRY(append_line(append, ov_span_part(map.bytes, at, end - at), count + 1));
        at = end + 1;
    }
    if (!append->is_json) {
        ov_buf_printf(&append->out, "%s: %llu entries\n", append->lines, (unsigned long long)count);
    }
    return OV_OK;
}

// Rule files and folders make one release, any other file is an entry as it is.
static enum ov_status append_all(struct ov_log_append *append, char *const *paths, int count) {
    char **rules = calloc((size_t)count + 1, sizeof *rules);
    int rule_count = 0;
    enum ov_status status = rules != NULL ? OV_OK : OV_MEMORY;
    for (int i = 0; i < count && status == OV_OK; i++) {
        if (ov_log_release_is_path(paths[i])) {
            rules[rule_count++] = paths[i];
        } else {
            status = append_file(append, paths[i]);
        }
    }
    if (status == OV_OK && (rule_count > 0 || append->remove_count > 0)) {
        status = ov_log_release_append(append, rules, rule_count);
    }
    free(rules);
    return status == OV_OK ? append_lines(append) : status;
}

// ---- the word -----------------------------------------------------------------------------------

enum {
    OPTION_KEYS = 256,
    OPTION_LINES,
    OPTION_ONLY,
    OPTION_REMOVE,
    OPTION_SIGN,
    OPTION_UNSIGNED,
    OPTION_TIME,
    OPTION_ENGINE_MIN,
    OPTION_JSON,
    OPTION_HELP,
};

static const struct option long_options[] = {
    {"keys", required_argument, NULL, OPTION_KEYS},
    {"lines", required_argument, NULL, OPTION_LINES},
    {"only", no_argument, NULL, OPTION_ONLY},
    {"remove", required_argument, NULL, OPTION_REMOVE},
    {"sign", required_argument, NULL, OPTION_SIGN},
    {"unsigned", required_argument, NULL, OPTION_UNSIGNED},
    {"time", required_argument, NULL, OPTION_TIME},
    {"engine-min", required_argument, NULL, OPTION_ENGINE_MIN},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

// Options that may stand more than once, and numbers. False when one cannot be.
static bool take_special(int code, struct ov_log_append *append) {
    switch (code) {
    case OPTION_REMOVE:
        if (append->remove_count == OV_LOG_REMOVALS_MAX) {
            return false;
        }
        append->remove[append->remove_count++] = optarg;
        return true;
    case OPTION_SIGN:
        return ov_log_append_sign(append, optarg);
    case OPTION_TIME:
        return ov_number_read(ov_span_text(optarg), &append->time) == OV_OK;
    default:
        return false;
    }
}

static int take_option(int code, char **argv, struct ov_log_append *append) {
    switch (code) {
    case OPTION_KEYS:
        append->keys = optarg;
        return -1;
    case OPTION_LINES:
        append->lines = optarg;
        return -1;
    case OPTION_ONLY:
        append->is_only = true;
        return -1;
    case OPTION_UNSIGNED:
        append->unsigned_path = optarg;
        return -1;
    case OPTION_ENGINE_MIN:
        append->engine_min = optarg;
        return -1;
    case OPTION_JSON:
        append->is_json = true;
        return -1;
    case 'h':
    case OPTION_HELP:
        return ov_log_print_help();
    default:
        return take_special(code, append) ? -1 : ov_log_reject_option(argv);
    }
}

static int read_options(int argc, char **argv, struct ov_log_append *append) {
    for (int code = 0; (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        int end = take_option(code, argv, append);
        if (end >= 0) {
            return end;
        }
    }
    for (int i = optind + 1; i < argc && append->unsigned_path != NULL; i++) {
        if (append->lines != NULL || !ov_log_release_is_path(argv[i])) {
            ov_say_error("--unsigned", "is for the files of a release, and nothing beside them",
                         NULL);
            return OV_EXIT_ERROR;
        }
    }
    append->folder = optind < argc ? argv[optind] : NULL;
    bool has_work = optind + 1 < argc || append->lines != NULL || append->remove_count > 0;
    if (append->folder == NULL || !has_work) {
        ov_say_error("log append", "a log and at least one file are needed",
                     "overt log append DIR FILE...");
        return OV_EXIT_ERROR;
    }
    return -1;
}

int ov_log_append(int argc, char **argv) {
    struct ov_log_append append = {.time = (uint64_t)time(NULL)};
    int code = read_options(argc, argv, &append);
    if (code >= 0 || append.folder == NULL) {
        return code;
    }
    enum ov_status status = ov_log_append_open(&append);
    if (status == OV_OK) {
        status = append_all(&append, argv + optind + 1, argc - optind - 1);
    }
    code = status != OV_OK                ? OV_EXIT_ERROR
           : append.unsigned_path != NULL ? ov_log_print(&append.out) // and nothing is added
                                          : ov_log_append_commit(&append);
    ov_log_append_release(&append);
    return code;
}
