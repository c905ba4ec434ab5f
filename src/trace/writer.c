// SPDX-License-Identifier: Apache-2.0
// Writes a trace: frames, checkpoints, and the end whatever happens.
#include "trace/writer.h"

#include "trace/form.h"
#include "trace/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FRAMES_BYTES_MAX = 64 << 10 }; // that wait before they are given to the system
#define NS_IN_SECOND 1000000000ull

static uint64_t now_ns(clockid_t clock) {
    struct timespec now = {0};
    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * NS_IN_SECOND + (uint64_t)now.tv_nsec;
}

// What no later call can mend.
static enum ov_status fail(struct ov_trace_writer *writer, enum ov_status status) {
    writer->status = status;
    return status;
}

// ---- losses -------------------------------------------------------------------------------------

static size_t find_loss(const struct ov_trace_writer *writer, struct ov_span name) {
    size_t at = 0;
    while (at < writer->loss_count && !ov_span_is_equal(writer->losses[at].name, name)) {
        at++;
    }
    return at;
}

static bool can_note_loss(const struct ov_trace_writer *writer, const struct ov_trace_loss *loss) {
    size_t at = find_loss(writer, loss->name);
    return at < writer->loss_count ? loss->count >= writer->losses[at].count
                                   : at < OV_TRACE_LOSSES_MAX;
}

static void note_loss(struct ov_trace_writer *writer, const struct ov_trace_loss *loss) {
    size_t at = find_loss(writer, loss->name);
    if (at == writer->loss_count) {
        memcpy(writer->loss_names[at], loss->name.data, loss->name.size);
        writer->losses[at].name = ov_span_make(writer->loss_names[at], loss->name.size);
        writer->loss_count++;
    }
    writer->losses[at].count = loss->count;
}

// ---- the end ------------------------------------------------------------------------------------

static struct ov_trace_checkpoint describe(const struct ov_trace_writer *writer) {
    struct ov_trace_checkpoint checkpoint = {
        .mono_ns = now_ns(CLOCK_BOOTTIME),
        .records = writer->at.records,
        .losses = writer->losses,
        .loss_count = writer->loss_count,
    };
    memcpy(checkpoint.chain, writer->at.chain, sizeof checkpoint.chain);
    return checkpoint;
}

static enum ov_status add_frame(struct ov_trace_writer *writer) {
    size_t before = writer->frames.size;
    ov_trace_frame_add(&writer->frames, ov_buf_span(&writer->text), writer->at.chain);
    TRY(ov_buf_status(&writer->frames));
    writer->at.bytes += writer->frames.size - before;
    writer->at.records++;
    return OV_OK;
}

// Writes the last record behind `place`, as if all after it had never been; the file ends with it.
// What stands before it is synced first, so that no end is ever without its records.
static enum ov_status end_at(struct ov_trace_writer *writer, const struct ov_trace_position *place,
                             enum ov_trace_why why, const uint32_t *status) {
    uint64_t unwritten = writer->unwritten + (writer->at.records - place->records);
    struct ov_trace_position at = *place;
    writer->at = at;
    struct ov_trace_end end = {
        .why = why,
        .has_status = status != NULL,
        .status = status != NULL ? *status : 0,
        .unwritten = unwritten,
        .time_ns = now_ns(CLOCK_REALTIME),
        .checkpoint = describe(writer),
    };
    writer->unwritten = unwritten;
    ov_buf_reset(&writer->frames);
    ov_buf_reset(&writer->text);
    TRY(ov_trace_record_add(&writer->text, OV_TRACE_END, &end));
    TRY(add_frame(writer));
    TRY(ov_trace_space_sync(&writer->space));
    TRY(ov_trace_space_write(&writer->space, at.bytes, ov_buf_span(&writer->frames)));
    TRY(ov_trace_space_cut(&writer->space, writer->at.bytes));
    TRY(ov_trace_space_sync(&writer->space));
    ov_buf_reset(&writer->frames);
    writer->on_disk = writer->at;
    writer->synced = writer->at;
    writer->why = why;
    return OV_OK;
}

// The disk is full: the end goes into the reserve. Without one, what came since the last checkpoint
// makes room.
static enum ov_status end_full(struct ov_trace_writer *writer) {
    const struct ov_trace_position reached = writer->at;
    const struct ov_trace_position on_disk = writer->on_disk;
    const struct ov_trace_position synced = writer->synced;
    uint64_t unwritten = writer->unwritten;
    enum ov_status status = OV_LIMIT;
    if (writer->space.can_promise) {
        status = end_at(writer, &on_disk, OV_TRACE_DISK_FULL, NULL);
    }
    if (status == OV_LIMIT) {
        writer->at = reached;
        writer->unwritten = unwritten;
        TRY(ov_trace_space_cut(&writer->space, synced.bytes));
        status = end_at(writer, &synced, OV_TRACE_DISK_FULL, NULL);
    }
    return status == OV_OK ? OV_LIMIT : OV_SYSTEM;
}

// ---- frames and checkpoints ---------------------------------------------------------------------

static enum ov_status give_frames(struct ov_trace_writer *writer) {
    TRY(ov_trace_space_ask(&writer->space, writer->at.bytes, writer->size_max_bytes));
    TRY(ov_trace_space_write(&writer->space, writer->on_disk.bytes, ov_buf_span(&writer->frames)));
    writer->on_disk = writer->at;
    ov_buf_reset(&writer->frames);
    return OV_OK;
}

// Gives what waits to the system, and syncs it when `is_synced`.
static enum ov_status flush(struct ov_trace_writer *writer, bool is_synced) {
    enum ov_status status = give_frames(writer);
    if (status == OV_OK && is_synced) {
        status = ov_trace_space_sync(&writer->space);
    }
    if (status == OV_LIMIT) {
        status = end_full(writer);
    }
    return status == OV_OK ? OV_OK : fail(writer, status);
}

// Appends the record in `text`, if the bound leaves room for it and for the end.
static enum ov_status append(struct ov_trace_writer *writer) {
    uint64_t end = writer->at.bytes + OV_TRACE_HEAD_BYTES + writer->text.size;
    if (writer->size_max_bytes != 0 && end + OV_TRACE_RESERVE_BYTES > writer->size_max_bytes) {
        TRY(flush(writer, false));
        struct ov_trace_position place = writer->on_disk;
        enum ov_status status = end_at(writer, &place, OV_TRACE_SIZE, NULL);
        return fail(writer, status == OV_OK ? OV_LIMIT : OV_SYSTEM);
    }
    enum ov_status status = add_frame(writer);
    return status == OV_OK ? OV_OK : fail(writer, status);
}

enum ov_status ov_trace_writer_checkpoint(struct ov_trace_writer *writer) {
    struct ov_trace_checkpoint checkpoint = describe(writer);
    TRY(writer->status);
    ov_buf_reset(&writer->text);
    TRY(ov_trace_record_add(&writer->text, OV_TRACE_CHECKPOINT, &checkpoint));
    TRY(append(writer));
    TRY(flush(writer, true));
    writer->synced = writer->on_disk;
    writer->checkpoint_ns = checkpoint.mono_ns;
    return OV_OK;
}

enum ov_status ov_trace_writer_tick(struct ov_trace_writer *writer) {
    TRY(writer->status);
    bool is_new = writer->at.records > writer->synced.records;
    bool is_late = now_ns(CLOCK_BOOTTIME) - writer->checkpoint_ns >= OV_TRACE_CHECKPOINT_NS;
    return is_new && is_late ? ov_trace_writer_checkpoint(writer) : OV_OK;
}

// ---- records ------------------------------------------------------------------------------------

static bool is_allowed(const struct ov_trace_writer *writer, enum ov_trace_type type,
                       const void *record) {
    bool is_theirs = type < OV_TRACE_CHECKPOINT;
    bool is_first = writer->at.records == 0;
    return is_theirs && is_first == (type == OV_TRACE_BEGIN) &&
           (type != OV_TRACE_LOSS || can_note_loss(writer, record));
}

// A checkpoint before the record in `text`, when it would make too many bytes since the last one.
static enum ov_status make_place(struct ov_trace_writer *writer, enum ov_trace_type type,
                                 const void *record) {
    uint64_t since = writer->at.bytes - writer->synced.bytes;
    uint64_t more = OV_TRACE_HEAD_BYTES + writer->text.size + OV_TRACE_RESERVE_BYTES;
    if (since + more <= OV_TRACE_CHECKPOINT_BYTES || since == 0) {
        return OV_OK;
    }
    TRY(ov_trace_writer_checkpoint(writer));
    ov_buf_reset(&writer->text);
    return ov_trace_record_add(&writer->text, type, record);
}

static enum ov_status add_record(struct ov_trace_writer *writer, enum ov_trace_type type,
                                 const void *record) {
    writer->unwritten = 1; // this one, until it stands in `frames`
    TRY(make_place(writer, type, record));
    TRY(append(writer));
    writer->unwritten = 0;
    if (type == OV_TRACE_LOSS) {
        note_loss(writer, record);
    }
    return OV_OK;
}

enum ov_status ov_trace_write(struct ov_trace_writer *writer, enum ov_trace_type type,
                              const void *record) {
    TRY(writer->status);
    if (!is_allowed(writer, type, record)) {
        return OV_INVALID;
    }
    ov_buf_reset(&writer->text);
    TRY(ov_trace_record_add(&writer->text, type, record));
    TRY(add_record(writer, type, record));
    if (type == OV_TRACE_BEGIN) {
        return ov_trace_writer_checkpoint(writer);
    }
    if (writer->frames.size >= FRAMES_BYTES_MAX) {
        TRY(flush(writer, false));
    }
    return ov_trace_writer_tick(writer);
}

// ---- a life -------------------------------------------------------------------------------------

static enum ov_status check_file(int fd) {
    struct stat stat = {0};
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fstat(fd, &stat) != 0) {
        return OV_SYSTEM;
    }
    bool is_fit = S_ISREG(stat.st_mode) && stat.st_size == 0 && (flags & O_APPEND) == 0;
    return is_fit ? OV_OK : OV_INVALID;
}

static enum ov_status open_space(struct ov_trace_writer *writer, int fd) {
    TRY(check_file(fd));
    return ov_trace_space_open(fd, writer->size_max_bytes, &writer->space);
}

enum ov_status ov_trace_writer_open(int fd, uint64_t size_max_bytes,
                                    struct ov_trace_writer *ret_writer) {
    bool is_bound = size_max_bytes != 0 && size_max_bytes < OV_TRACE_SIZE_LEAST_BYTES;
    *ret_writer = (struct ov_trace_writer){
        .space.fd = -1,
        .size_max_bytes = size_max_bytes,
        .checkpoint_ns = now_ns(CLOCK_BOOTTIME),
    };
    enum ov_status status = is_bound ? OV_INVALID : open_space(ret_writer, fd);
    if (status != OV_OK) {
        int error = errno;
        (void)close(fd);
        errno = error;
        return fail(ret_writer, status);
    }
    ov_buf_add_text(&ret_writer->frames, OV_TRACE_MAGIC);
    ret_writer->at.bytes = OV_TRACE_MAGIC_BYTES;
    ov_trace_chain_start(ret_writer->at.chain);
    status = ov_buf_status(&ret_writer->frames);
    status = status == OV_OK ? flush(ret_writer, true) : status;
    if (status != OV_OK) {
        ov_trace_writer_close(ret_writer);
        return fail(ret_writer, status == OV_LIMIT ? OV_SYSTEM : status);
    }
    ret_writer->synced = ret_writer->on_disk;
    return OV_OK;
}

enum ov_status ov_trace_writer_end(struct ov_trace_writer *writer, enum ov_trace_why why,
                                   const uint32_t *status) {
    TRY(writer->status);
    TRY(flush(writer, false));
    struct ov_trace_position place = writer->on_disk;
    enum ov_status done = end_at(writer, &place, why, status);
    if (done == OV_LIMIT) {
        done = end_full(writer);
        return fail(writer, done);
    }
    (void)fail(writer, done == OV_OK ? OV_LIMIT : done);
    return done;
}

void ov_trace_writer_close(struct ov_trace_writer *writer) {
    ov_trace_space_close(&writer->space);
    ov_buf_release(&writer->frames);
    ov_buf_release(&writer->text);
}
