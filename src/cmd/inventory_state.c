// SPDX-License-Identifier: Apache-2.0
// How far a plan came.
#include "cmd/inventory_state.h"

#include "base/fault.h"
#include "base/hex.h"
#include "base/say.h"
#include "cmd/scan_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { PROGRESS_BYTES_MAX = 1 << 20, ID_BYTES = 16 };

static enum ov_status say(const char *path, const char *why) {
    ov_say_error(path, why, "OVERT_STATE names another folder");
    return OV_SYSTEM;
}

// ---- progress -----------------------------------------------------------------------------------

// Lines `snapshot`, `begin N` and `done N`; a last one without its end was not written whole.
static void read_line(struct ov_plan_state *state, char *line) {
    char *end = NULL;
    bool is_done = strncmp(line, "done ", 5) == 0, is_begin = strncmp(line, "begin ", 6) == 0;
    state->has_snapshot |= strcmp(line, "snapshot") == 0;
    if (!is_done && !is_begin) {
        return;
    }
    unsigned long long number = strtoull(line + (is_done ? 5 : 6), &end, 10);
    if (*end == 0 && number < state->step_count) {
        state->has_begun = true;
        state->done[number] |= is_done ? 1 : 0;
    }
}

static enum ov_status read_progress(struct ov_plan_state *state) {
    size_t size = 0;
    char *text = calloc(1, PROGRESS_BYTES_MAX + 1);
    if (text == NULL) {
        return OV_MEMORY;
    }
    enum ov_status status = ov_fd_read_full(state->progress, text, PROGRESS_BYTES_MAX, &size);
    char *line = text;
    for (char *end; status == OV_OK && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = 0;
        read_line(state, line);
    }
    // What a crash cut off must not become the beginning of the next line.
    if (status == OV_OK && *line != 0 && ftruncate(state->progress, line - text) != 0) {
        status = OV_SYSTEM;
    }
    free(text);
    return status;
}

static enum ov_status add_progress(struct ov_plan_state *state, const char *line) {
    ov_fault_point();
    TRY(ov_fd_write_all(state->progress, ov_span_text(line)));
    return fsync(state->progress) == 0 ? OV_OK : OV_SYSTEM;
}

enum ov_status ov_plan_state_begin(struct ov_plan_state *state, size_t step) {
    char line[32];
    (void)snprintf(line, sizeof line, "begin %zu\n", step);
    state->has_begun = true;
    return add_progress(state, line);
}

enum ov_status ov_plan_state_done(struct ov_plan_state *state, size_t step) {
    char line[32];
    (void)snprintf(line, sizeof line, "done %zu\n", step);
    state->done[step] = 1;
    return add_progress(state, line);
}

// ---- life ---------------------------------------------------------------------------------------

static enum ov_status open_files(struct ov_plan_state *state, bool is_read) {
    int flags = (is_read ? O_RDONLY : O_RDWR | O_CREAT | O_APPEND) | O_NOFOLLOW | O_CLOEXEC;
    state->progress = openat(state->folder, "progress", flags, 0600);
    if (state->progress < 0) {
        return is_read && errno == ENOENT ? OV_END : say(state->path, strerror(errno));
    }
    if (is_read) {
        return OV_OK;
    }
    if (flock(state->progress, LOCK_EX | LOCK_NB) != 0) {
        return say(state->path, "this plan is being carried out already");
    }
    state->log =
        openat(state->folder, "log", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    return state->log >= 0 ? OV_OK : say(state->path, strerror(errno));
}

static enum ov_status open_folder(struct ov_plan_state *state, bool is_read) {
    struct stat info;
    char below[sizeof state->path + 4];
    (void)snprintf(below, sizeof below, "%s/x", state->path);
    if (!is_read && ov_state_make_folders(below) != OV_OK) {
        return say(state->path, strerror(errno));
    }
    state->folder = open(state->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (state->folder < 0 || fstat(state->folder, &info) != 0) {
        return is_read && errno == ENOENT ? OV_END : say(state->path, strerror(errno));
    }
    if (info.st_uid != geteuid() || (info.st_mode & 077) != 0) {
        return say(state->path, "others can reach what is in it");
    }
    return OV_OK;
}

enum ov_status ov_plan_state_open(const struct ov_plan *plan, const uint8_t sha256[32],
                                  bool is_read, struct ov_plan_state *ret_state) {
    char data[4096] = "", id[2 * ID_BYTES + 1];
    *ret_state = (struct ov_plan_state){
        .folder = -1, .progress = -1, .log = -1, .step_count = plan->step_count};
    if (ov_state_folder(data, sizeof data) != OV_OK) {
        return say("inventory", "there is no folder for Overt's data");
    }
    ov_hex_write(ov_span_make(sha256, ID_BYTES), id);
    (void)snprintf(ret_state->path, sizeof ret_state->path, "%s/inventory/%s", data, id);
    ret_state->done = calloc(plan->step_count + 1, 1);
    if (ret_state->done == NULL) {
        return OV_MEMORY;
    }
    enum ov_status status = open_folder(ret_state, is_read);
    status = status == OV_OK ? open_files(ret_state, is_read) : status;
    status = status == OV_OK ? read_progress(ret_state) : status;
    if (status != OV_OK) {
        ov_plan_state_close(ret_state);
    }
    return status;
}

void ov_plan_state_close(struct ov_plan_state *state) {
    ov_fd_close(&state->folder);
    ov_fd_close(&state->progress);
    ov_fd_close(&state->log);
    free(state->done);
    state->done = NULL;
}
