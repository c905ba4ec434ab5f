// SPDX-License-Identifier: Apache-2.0
// Reads checkpoint and pending so that they fit together.
#include "journal/snapshot.h"

#include "base/fd.h"
#include "journal/frames.h"
#include "ledger/checkpoint.h"
#include "ledger/note.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

enum {
    CHECKPOINT_BYTES_MAX = 1 << 20,
    PENDING_BYTES_MAX = 1 << 26,
    TRIES_MAX = 500,
    SAME_MAX = 3, // times that what does not fit is found unchanged, before it is believed
    WAIT_NS = 2 * 1000 * 1000,
};

// By reading, since a mapping dies when the file is cut off beneath it.
static enum ov_status read_file(int folder, const char *name, size_t bytes_max,
                                struct ov_buf *ret_bytes) {
    OV_AUTO_FD fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat info;
    size_t size = 0;
    ov_buf_reset(ret_bytes);
    if (fd < 0) {
        return errno == ENOENT ? OV_END : OV_SYSTEM;
    }
    if (fstat(fd, &info) != 0) {
        return OV_SYSTEM;
    }
    if (!S_ISREG(info.st_mode) || (uint64_t)info.st_size > bytes_max) {
        return OV_DAMAGED;
    }
    size_t room = (size_t)info.st_size + OV_JOURNAL_ENTRY_BYTES_MAX; // it may grow
    uint8_t *place = ov_buf_reserve(ret_bytes, room);
    if (place == NULL) {
        return OV_MEMORY;
    }
    TRY(ov_fd_read_full(fd, place, room, &size));
    ov_buf_commit(ret_bytes, size);
    return OV_OK;
}

static bool is_same(const struct ov_buf *a, const struct ov_buf *b) {
    return ov_span_is_equal(ov_buf_span(a), ov_buf_span(b));
}

enum ov_status ov_journal_snapshot_head(const struct ov_journal_snapshot *snapshot,
                                        struct ov_tree_head *ret_head) {
    static struct ov_note note;
    struct ov_checkpoint checkpoint;
    if (ov_note_read(ov_buf_span(&snapshot->checkpoint), &note) != OV_OK ||
        ov_checkpoint_read(note.text, &checkpoint) != OV_OK) {
        return OV_DAMAGED;
    }
    *ret_head = checkpoint.head;
    return OV_OK;
}

// Whether what is pending goes on where the checkpoint ends, and ends with a whole frame. Entries
// that are sealed already may stand before: the file is emptied after the checkpoint is written.
static bool is_fit(const struct ov_journal_snapshot *snapshot) {
    struct ov_cursor cursor = ov_cursor_init(ov_buf_span(&snapshot->pending));
    struct ov_tree_head head;
    struct ov_span bytes;
    if (ov_journal_snapshot_head(snapshot, &head) != OV_OK) {
        return false;
    }
    uint64_t seq = head.size;
    enum ov_status status = ov_frame_read(&cursor, &bytes);
    for (; status == OV_OK; status = ov_frame_read(&cursor, &bytes)) {
        struct ov_entry entry;
        if (ov_entry_read(bytes, &entry) != OV_OK || entry.seq > seq) {
            return false;
        }
        seq += entry.seq == seq;
    }
    return status == OV_END;
}

// *ret_is_one: no seal came between the reading of the two files.
static enum ov_status read_both(int folder, struct ov_journal_snapshot *snapshot,
                                bool *ret_is_one) {
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    TRY(read_file(folder, "checkpoint", CHECKPOINT_BYTES_MAX, &snapshot->checkpoint));
    enum ov_status status = read_file(folder, "pending", PENDING_BYTES_MAX, &snapshot->pending);
    if (status != OV_OK && status != OV_END) {
        return status;
    }
    TRY(read_file(folder, "checkpoint", CHECKPOINT_BYTES_MAX, &again));
    *ret_is_one = is_same(&again, &snapshot->checkpoint);
    return OV_OK;
}

static enum ov_status take(int folder, struct ov_journal_snapshot *snapshot) {
    OV_CLEANUP(ov_buf_release) struct ov_buf last = {0};
    unsigned same = 0;
    for (unsigned i = 0; i < TRIES_MAX && same < SAME_MAX; i++) {
        const struct timespec wait = {.tv_nsec = WAIT_NS};
        bool is_one = false;
        TRY(read_both(folder, snapshot, &is_one));
        if (is_one && is_fit(snapshot)) {
            return OV_OK;
        }
        same = is_one && i > 0 && is_same(&last, &snapshot->pending) ? same + 1 : 0;
        ov_buf_reset(&last);
        ov_buf_add(&last, snapshot->pending.data, snapshot->pending.size);
        TRY(ov_buf_status(&last));
        (void)nanosleep(&wait, NULL);
    }
    return OV_OK;
}

enum ov_status ov_journal_snapshot_take(int folder, struct ov_journal_snapshot *ret_snapshot) {
    struct ov_journal_snapshot snapshot = {0};
    enum ov_status status = take(folder, &snapshot);
    if (status != OV_OK) {
        ov_journal_snapshot_release(&snapshot);
        return status;
    }
    *ret_snapshot = snapshot;
    return OV_OK;
}

void ov_journal_snapshot_release(struct ov_journal_snapshot *snapshot) {
    int error = errno;
    ov_buf_release(&snapshot->checkpoint);
    ov_buf_release(&snapshot->pending);
    errno = error;
}

bool ov_journal_snapshot_is_old(int folder, const struct ov_journal_snapshot *snapshot) {
    OV_CLEANUP(ov_buf_release) struct ov_buf now = {0};
    return read_file(folder, "checkpoint", CHECKPOINT_BYTES_MAX, &now) == OV_OK &&
           !is_same(&now, &snapshot->checkpoint);
}
