// SPDX-License-Identifier: Apache-2.0
// Files of libmspack that are memory.
#include "format/archive/mspack_memory.h"

#include <limits.h>
#include <stdlib.h>

const char ov_mspack_name[] = "";

struct memory_file {
    struct mspack_file file; // first, as the system is in its struct
    struct ov_mspack *mspack;
    size_t at;
    bool is_part;
};

static struct mspack_file *open_file(struct mspack_system *self, const char *name, int mode) {
    (void)name;
    struct memory_file *file = calloc(1, sizeof *file);
    if (file == NULL) {
        return NULL;
    }
    file->mspack = (struct ov_mspack *)self;
    file->is_part = mode != MSPACK_SYS_OPEN_READ;
    return &file->file;
}

static void close_file(struct mspack_file *file) {
    free(file);
}

// Asked at every read and write: decoders run long between two of them on no input.
static bool has_time(struct ov_mspack *mspack) {
    if (mspack->status == OV_OK) {
        mspack->status = ov_walk_has_time(mspack->walk);
    }
    return mspack->status == OV_OK;
}

// libmspack asks for files that it could not open, and expects to be refused.
static int read_file(struct mspack_file *handle, void *buffer, int bytes) {
    struct memory_file *file = (struct memory_file *)handle;
    if (file == NULL || bytes < 0 || file->is_part || !has_time(file->mspack)) {
        return -1;
    }
    struct ov_span run = ov_span_part(file->mspack->object, file->at, (size_t)bytes);
    if (run.size > 0) {
        memcpy(buffer, run.data, run.size);
    }
    file->at += run.size;
    return (int)run.size;
}

static int write_file(struct mspack_file *handle, void *buffer, int bytes) {
    struct memory_file *file = (struct memory_file *)handle;
    if (file == NULL || bytes < 0 || !file->is_part || !has_time(file->mspack)) {
        return -1;
    }
    struct ov_mspack *mspack = file->mspack;
    size_t left = mspack->part_room - mspack->part.size;
    size_t size = (size_t)bytes < left ? (size_t)bytes : left;
    ov_buf_add(&mspack->part, buffer, size);
    if (size < (size_t)bytes) {
        ov_walk_note_cut(mspack->walk);
        mspack->status = OV_LIMIT;
    } else {
        mspack->status = ov_buf_status(&mspack->part);
    }
    return mspack->status == OV_OK ? bytes : -1;
}

static int seek_file(struct mspack_file *handle, off_t offset, int mode) {
    struct memory_file *file = (struct memory_file *)handle;
    if (file == NULL) {
        return -1;
    }
    off_t base = mode == MSPACK_SYS_SEEK_START ? 0
                 : mode == MSPACK_SYS_SEEK_CUR ? (off_t)file->at
                                               : (off_t)file->mspack->object.size;
    off_t at = 0;
    if (file->is_part || __builtin_add_overflow(base, offset, &at) || at < 0 ||
        (size_t)at > file->mspack->object.size) {
        return -1;
    }
    file->at = (size_t)at;
    return 0;
}

static off_t tell_file(struct mspack_file *handle) {
    const struct memory_file *file = (struct memory_file *)handle;
    return file == NULL ? 0 : (off_t)(file->is_part ? file->mspack->part.size : file->at);
}

static void drop_message(struct mspack_file *file, const char *format, ...) {
    (void)file;
    (void)format;
}

static void *take_memory(struct mspack_system *self, size_t bytes) {
    (void)self;
    return calloc(1, bytes); // zeros: no decoder shows what was there before
}

static void copy_memory(void *from, void *to, size_t bytes) {
    memcpy(to, from, bytes);
}

void ov_mspack_init(struct ov_mspack *ret_mspack, struct ov_walk *walk, struct ov_span object) {
    *ret_mspack = (struct ov_mspack){
        .system =
            {
                .open = open_file,
                .close = close_file,
                .read = read_file,
                .write = write_file,
                .seek = seek_file,
                .tell = tell_file,
                .message = drop_message,
                .alloc = take_memory,
                .free = free,
                .copy = copy_memory,
            },
        .walk = walk,
        .object = object,
    };
}

void ov_mspack_release(struct ov_mspack *mspack) {
    ov_buf_release(&mspack->part);
}

void ov_mspack_start(struct ov_mspack *mspack) {
    ov_buf_reset(&mspack->part);
    mspack->part_room = ov_walk_room(mspack->walk);
    mspack->status = OV_OK;
}

enum ov_status ov_mspack_status(const struct ov_mspack *mspack, int answer) {
    if (mspack->status != OV_OK) {
        return mspack->status;
    }
    switch (answer) {
    case MSPACK_ERR_OK:
        return OV_OK;
    case MSPACK_ERR_NOMEMORY:
        return OV_MEMORY;
    default:
        return OV_DAMAGED;
    }
}

enum ov_status ov_mspack_tell(struct ov_mspack *mspack, int answer, const char *name, uint64_t size,
                              enum ov_status *io_worst) {
    enum ov_status status = ov_mspack_status(mspack, answer);
    if (status == OV_MEMORY) {
        return status;
    }
    ov_walk_keep_worst(io_worst, status);
    struct ov_child child = {
        .kind = OV_CHILD_MEMBER,
        .bytes = ov_buf_span(&mspack->part),
        .name = ov_span_text(name),
        .plain_bytes = size,
    };
    return ov_walk_child(mspack->walk, &child);
}
