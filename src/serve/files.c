// SPDX-License-Identifier: Apache-2.0
// Opens the file of a path, link by no link, and says how long it may be kept.
#include "serve/files.h"

#include "base/cursor.h"
#include "base/fd.h"
#include "serve/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *content_type;
    const char *cache_control;
} kinds[] = {
    // What is replaced is asked for again within a minute; what never changes, in a year.
    [OV_LOG_PATH_CHECKPOINT] = {"text/plain; charset=utf-8", "max-age=60"},
    [OV_LOG_PATH_PROOF] = {"text/plain; charset=utf-8", "max-age=60"},
    [OV_LOG_PATH_SETTING] = {"text/plain; charset=utf-8", "max-age=60"},
    [OV_LOG_PATH_TILE] = {"application/octet-stream", "max-age=31536000, immutable"},
    [OV_LOG_PATH_BUNDLE] = {"application/zstd", "max-age=31536000, immutable"},
};

// Each folder on the way is opened by itself, so that a link anywhere is an error.
static enum ov_status open_file(int folder, const char *name, int *ret_file) {
    enum { PLAIN = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC };
    char part[OV_LOG_PATH_BYTES];
    OV_AUTO_FD above = -1;
    for (struct ov_cursor cursor = ov_cursor_init(ov_span_text(name));;) {
        struct ov_span text = ov_cursor_until(&cursor, '/');
        bool is_last = ov_cursor_left(&cursor) == 0;
        (void)snprintf(part, sizeof part, "%.*s", (int)text.size, (const char *)text.data);
        int next = openat(above >= 0 ? above : folder, part, PLAIN | (is_last ? 0 : O_DIRECTORY));
        if (next < 0) {
            return OV_SYSTEM;
        }
        if (is_last) {
            *ret_file = next;
            return OV_OK;
        }
        ov_fd_close(&above);
        above = next;
    }
}

static enum ov_status open_plain_file(int folder, const char *name, int *ret_file,
                                      uint64_t *ret_bytes) {
    struct stat info;
    OV_AUTO_FD file = -1;
    TRY(open_file(folder, name, &file));
    if (fstat(file, &info) != 0) {
        return OV_SYSTEM;
    }
    if (!S_ISREG(info.st_mode)) {
        errno = ENOENT;
        return OV_SYSTEM;
    }
    *ret_bytes = (uint64_t)info.st_size;
    *ret_file = file;
    file = -1;
    return OV_OK;
}

// Why a file cannot be opened is nobody's business; but that we are out of means is not its fault.
static void tell_missing(struct ov_http_reply *reply) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EIO) {
        ov_http_reply_text(reply, 503, "not now");
    } else {
        ov_http_reply_text(reply, 404, "not found");
    }
}

void ov_log_files_answer(void *arg, const struct ov_http_request *request,
                         struct ov_http_reply *reply) {
    const struct ov_log_files *files = arg;
    struct ov_log_path path;
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
        reply->allow = "GET, HEAD";
        ov_http_reply_text(reply, 405, "only GET and HEAD");
        return;
    }
    if (ov_log_path_read(request->target, &path) != OV_OK) {
        ov_http_reply_text(reply, 404, "not found");
        return;
    }
    if (open_plain_file(files->folder, path.name, &reply->file, &reply->file_bytes) != OV_OK) {
        tell_missing(reply);
        return;
    }
    reply->status = 200;
    reply->content_type = kinds[path.kind].content_type;
    reply->cache_control = kinds[path.kind].cache_control;
}
