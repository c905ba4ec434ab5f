// SPDX-License-Identifier: Apache-2.0
// Files of a feed, from a server or a folder.
#include "feed/stage.h"

#include "role/roles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DEADLINE_MS = 60000, // for small files
    BYTES_EACH_MS = 20,  // the slowest line that is waited for: 20 kB/s
    DEADLINE_MS_MAX = 6 * 3600 * 1000,
    COPY_BYTES = 1 << 16,
};

bool ov_stage_is_folder(const char *source) {
    return source[0] == '/';
}

void ov_stage_close(struct ov_stage *stage) {
    for (size_t i = 0; i < stage->count; i++) {
        ov_fd_close(&stage->fds[i]);
    }
    free(stage->fds);
    *stage = (struct ov_stage){0};
}

static enum ov_status make_stage(size_t count, struct ov_stage *ret_stage) {
    ret_stage->fds = calloc(count + 1, sizeof *ret_stage->fds);
    ret_stage->count = ret_stage->fds != NULL ? count : 0;
    for (size_t i = 0; i < ret_stage->count; i++) {
        ret_stage->fds[i] = -1;
    }
    return ret_stage->fds != NULL ? OV_OK : OV_MEMORY;
}

// ---- a folder -----------------------------------------------------------------------------------

static enum ov_status explain(char *reason, const char *what, enum ov_status status,
                              const char *why) {
    (void)snprintf(reason, OV_STAGE_REASON_BYTES, "%s: %s", what, why);
    return status;
}

// Copies up to `most` bytes into a nameless file: what lies on a stick may change meanwhile.
static enum ov_status copy_file(int from, uint64_t most, int to, uint64_t *ret_bytes) {
    static uint8_t buffer[COPY_BYTES];
    uint64_t total = 0;
    size_t size = 0;
    do {
        TRY(ov_fd_read_full(from, buffer, sizeof buffer, &size));
        total += size;
        if (total > most) {
            return OV_LIMIT;
        }
        TRY(ov_fd_write_all(to, ov_span_make(buffer, size)));
    } while (size == sizeof buffer);
    *ret_bytes = total;
    return OV_OK;
}

static enum ov_status take_file(const struct ov_stage_request *request, int folder,
                                const struct ov_fetch_get *want, struct ov_stage *stage, int *fd) {
    struct stat info;
    uint64_t bytes = 0;
    OV_AUTO_FD from = openat(folder, want->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (from < 0 && errno == ENOENT) {
        return want->may_miss ? OV_OK : OV_END;
    }
    if (from < 0 || fstat(from, &info) != 0) {
        return OV_SYSTEM;
    }
    if (!S_ISREG(info.st_mode)) {
        return OV_PEER;
    }
    OV_AUTO_FD to = open(request->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (to < 0) {
        return OV_SYSTEM;
    }
    TRY(copy_file(from, want->most_bytes, to, &bytes));
    stage->bytes += bytes;
    *fd = to;
    to = -1;
    return OV_OK;
}

static const char *say_failure(enum ov_status status) {
    switch (status) {
    case OV_END:
        return "is not there";
    case OV_PEER:
        return "is no regular file";
    case OV_LIMIT:
        return "is larger than it may be";
    default:
        return status == OV_SYSTEM ? strerror(errno) : ov_status_text(status);
    }
}

static enum ov_status take_folder(const struct ov_stage_request *request, struct ov_stage *stage,
                                  char *reason) {
    OV_AUTO_FD folder = open(request->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return explain(reason, request->source, OV_SYSTEM, strerror(errno));
    }
    for (size_t i = 0; i < request->want_count; i++) {
        const struct ov_fetch_get *want = &request->wants[i];
        enum ov_status status = take_file(request, folder, want, stage, &stage->fds[i]);
        if (status != OV_OK) {
            return explain(reason, want->path, status, say_failure(status));
        }
    }
    return OV_OK;
}

// ---- a server -----------------------------------------------------------------------------------

static uint32_t deadline_of(const struct ov_stage_request *request) {
    uint64_t most = 0;
    for (size_t i = 0; i < request->want_count; i++) {
        most += request->wants[i].most_bytes;
    }
    uint64_t deadline = DEADLINE_MS + most / BYTES_EACH_MS;
    deadline = deadline < DEADLINE_MS_MAX ? deadline : DEADLINE_MS_MAX;
    return request->deadline_ms > 0 ? request->deadline_ms : (uint32_t)deadline;
}

static enum ov_status take_fetched(const struct ov_fetch_result *fetched, struct ov_stage *stage) {
    for (size_t i = 0; i < stage->count; i++) {
        struct stat info;
        enum ov_status status = ov_fetch_open(fetched, i, &stage->fds[i]);
        if (status != OV_OK && status != OV_END) { // END: it may be missing, or this were no OV_OK
            return status;
        }
        if (status == OV_OK && fstat(stage->fds[i], &info) == 0) {
            stage->bytes += (uint64_t)info.st_size;
        }
    }
    return OV_OK;
}

static uint32_t missing_layers(const struct ov_fetch_result *fetched) {
    return ov_role_get(OV_ROLE_FETCHER)->layers & ~fetched->cage.layers;
}

static enum ov_status take_server(const struct ov_stage_request *request, struct ov_stage *stage,
                                  char *reason) {
    struct ov_fetch_request fetch = {
        .folder = request->folder,
        .base = request->source,
        .gets = request->wants,
        .get_count = request->want_count,
        .proxy = request->proxy,
        .deadline_ms = deadline_of(request),
    };
    struct ov_fetch_result fetched = {.folder = -1};
    enum ov_status status = ov_fetch_run(&fetch, &fetched);
    (void)snprintf(reason, OV_STAGE_REASON_BYTES, "%s", fetched.reason);
    if (status == OV_OK) {
        stage->missing_layers = missing_layers(&fetched);
        status = take_fetched(&fetched, stage);
        if (status != OV_OK) {
            (void)explain(reason, request->source, status, "what was fetched is not what was told");
        }
    }
    ov_fetch_result_release(&fetched);
    return status;
}

enum ov_status ov_stage_open(const struct ov_stage_request *request, struct ov_stage *ret_stage,
                             char *ret_reason) {
    struct ov_stage stage = {0};
    ret_reason[0] = 0;
    enum ov_status status = make_stage(request->want_count, &stage);
    if (status == OV_OK) {
        status = ov_stage_is_folder(request->source) ? take_folder(request, &stage, ret_reason)
                                                     : take_server(request, &stage, ret_reason);
    }
    if (status != OV_OK) {
        ov_stage_close(&stage);
        return status;
    }
    *ret_stage = stage;
    return OV_OK;
}
