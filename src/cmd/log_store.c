// SPDX-License-Identifier: Apache-2.0
// Opening a log to work on it, reading policies and other small files; and what to say when that
// fails.
#include "cmd/log_store.h"

#include "base/say.h"
#include "ledger/log_names.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_BYTES = 512 };

// ---- the log ------------------------------------------------------------------------------------

enum ov_status ov_log_private_path(const char *folder, const char *keys, char *ret_path,
                                   size_t size) {
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') {
        length--;
    }
    int written = keys != NULL
                      ? snprintf(ret_path, size, "%s", keys)
                      : snprintf(ret_path, size, "%.*s" OV_LOG_PRIVATE_SUFFIX, (int)length, folder);
    return written >= 0 && (size_t)written < size ? OV_OK : OV_LIMIT;
}

void ov_log_store_say(const struct ov_store_error *error) {
    static const char set_back[] =
        "a log that was restored from a backup must not go on: it would contradict what others "
        "have seen. Restore both folders as they were last, or begin a new log";
    ov_say_error(error->what, error->why, error->is_set_back ? set_back : NULL);
}

enum ov_status ov_log_store_new(const char *folder, const char *keys, struct ov_store **ret_store) {
    char private_path[PATH_MAX];
    if (ov_log_private_path(folder, keys, private_path, sizeof private_path) != OV_OK) {
        ov_say_error(folder, "the path is too long", NULL);
        return OV_LIMIT;
    }
    struct ov_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        ov_say_error(folder, ov_status_text(OV_MEMORY), NULL);
        return OV_MEMORY;
    }
    ov_store_init(store);
    enum ov_status status = ov_store_open(store, folder, private_path);
    if (status != OV_OK) {
        ov_log_store_say(&store->error);
        ov_log_store_free(&store);
        return status;
    }
    *ret_store = store;
    return OV_OK;
}

void ov_log_store_free(struct ov_store **store) {
    if (*store != NULL) {
        ov_store_close(*store);
        free(*store);
        *store = NULL;
    }
}

// ---- files --------------------------------------------------------------------------------------

enum ov_status ov_log_file_load(const char *path, size_t most, struct ov_buf *buf) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    TRY(ov_file_map_open(path, &map));
    if (map.bytes.size > most) {
        return OV_LIMIT;
    }
    ov_buf_add(buf, map.bytes.data, map.bytes.size);
    return ov_buf_status(buf);
}

static enum ov_status load(const char *path, size_t most, struct ov_buf *buf) {
    enum ov_status status = ov_log_file_load(path, most, buf);
    if (status != OV_OK) {
        ov_say_error(path, status == OV_SYSTEM ? strerror(errno) : ov_status_text(status), NULL);
    }
    return status;
}

static void say_line(const char *path, const struct ov_policy_error *error, const char *todo) {
    char why[TEXT_BYTES];
    (void)snprintf(why, sizeof why, "line %zu: %s", error->line, error->why);
    ov_say_error(path, why, todo);
}

enum ov_status ov_log_policy_load(const char *path, struct ov_buf *text,
                                  struct ov_policy *ret_policy) {
    struct ov_policy_error error;
    TRY(load(path, OV_POLICY_BYTES_MAX, text));
    enum ov_status status = ov_policy_read(ov_buf_span(text), ret_policy, &error);
    if (status != OV_OK) {
        say_line(path, &error, "man overt-log says what a policy is");
    }
    return status;
}

enum ov_status ov_log_trust_load(const char *path, struct ov_trust *ret_trust) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    struct ov_policy_error error;
    TRY(load(path, OV_TRUST_BYTES_MAX, &text));
    enum ov_status status = ov_trust_read(ov_buf_span(&text), ret_trust, &error);
    if (status != OV_OK) {
        say_line(path, &error, "man overt-log says what a trust file is");
    }
    return status;
}

int ov_log_print(const struct ov_buf *out) {
    if (ov_buf_status(out) != OV_OK || fwrite(out->data, 1, out->size, stdout) != out->size ||
        fflush(stdout) != 0) {
        ov_say_error("standard output", ov_status_text(OV_SYSTEM), NULL);
        return OV_EXIT_ERROR;
    }
    return OV_EXIT_NOTHING;
}
