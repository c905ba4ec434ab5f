// SPDX-License-Identifier: Apache-2.0
// overt log append: files become entries of a log.
#include "cmd/log_append.h"

#include "base/json.h"
#include "base/printable.h"
#include "base/say.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
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

int ov_log_append_commit(struct ov_log_append *append) {
    if (ov_store_commit(append->store) != OV_OK) {
        ov_log_store_say(&append->store->error);
        return OV_EXIT_ERROR;
    }
    tell_end(append);
    return ov_log_print(&append->out);
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

static enum ov_status append_all(struct ov_log_append *append, char *const *files, int count) {
    for (int i = 0; i < count; i++) {
        TRY(append_file(append, files[i]));
    }
    return append_lines(append);
}

// ---- the word -----------------------------------------------------------------------------------

enum { OPTION_KEYS = 256, OPTION_LINES, OPTION_JSON, OPTION_HELP };

static const struct option long_options[] = {
    {"keys", required_argument, NULL, OPTION_KEYS},
    {"lines", required_argument, NULL, OPTION_LINES},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static int read_options(int argc, char **argv, struct ov_log_append *append) {
    for (int code = 0; (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        switch (code) {
        case OPTION_KEYS:
            append->keys = optarg;
            break;
        case OPTION_LINES:
            append->lines = optarg;
            break;
        case OPTION_JSON:
            append->is_json = true;
            break;
        case 'h':
        case OPTION_HELP:
            return ov_log_print_help();
        default:
            return ov_log_reject_option(argv);
        }
    }
    append->folder = optind < argc ? argv[optind] : NULL;
    if (append->folder == NULL || (optind + 1 == argc && append->lines == NULL)) {
        ov_say_error("log append", "a log and at least one file are needed",
                     "overt log append DIR FILE...");
        return OV_EXIT_ERROR;
    }
    return -1;
}

int ov_log_append(int argc, char **argv) {
    struct ov_log_append append = {.time = (uint64_t)time(NULL)};
    int code = read_options(argc, argv, &append);
    if (code >= 0) {
        return code;
    }
    enum ov_status status = ov_log_append_open(&append);
    if (status == OV_OK) {
        status = append_all(&append, argv + optind + 1, argc - optind - 1);
    }
    code = status == OV_OK ? ov_log_append_commit(&append) : OV_EXIT_ERROR;
    ov_log_append_release(&append);
    return code;
}
