// SPDX-License-Identifier: Apache-2.0
// The journal: opened, locked, added to, synced.
#include "journal/journal.h"

#include "base/durable.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/hex.h"
#include "journal/frames.h"
#include "journal/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NS_IN_SECOND   1000000000ull
#define CLOCK_SLACK_NS (2 * NS_IN_SECOND)         // by which a clock may be set back without a word
#define CLOCK_LEAP_NS  (24 * 3600 * NS_IN_SECOND) // and forward, while a run goes on

enum ov_status ov_journal_fail(struct ov_journal *journal, enum ov_status status,
                               const char *what) {
    int error = errno;
    (void)snprintf(journal->reason, sizeof journal->reason, "%s: %s", what,
                   status == OV_SYSTEM ? strerror(error) : ov_status_text(status));
    errno = error;
    return status;
}

// ---- clocks -------------------------------------------------------------------------------------

static uint64_t read_clock(clockid_t clock) {
    struct timespec now = {0};
    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * NS_IN_SECOND + (uint64_t)now.tv_nsec;
}

// "0123abcd-..." without its dashes.
static enum ov_status read_boot(uint8_t ret_boot[OV_BOOT_BYTES]) {
    OV_AUTO_FD fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    char text[40];
    char digits[2 * OV_BOOT_BYTES];
    size_t size = 0;
    size_t count = 0;
    if (fd < 0) {
        return OV_SYSTEM;
    }
    TRY(ov_fd_read_full(fd, text, sizeof text, &size));
    for (size_t i = 0; i < size && count < sizeof digits; i++) {
        if (ov_hex_digit((uint8_t)text[i]) >= 0) {
            digits[count++] = text[i];
        }
    }
    return ov_hex_read(ov_span_make(digits, count), ret_boot, OV_BOOT_BYTES);
}

// ---- what stands in the file `pending` ----------------------------------------------------------

void ov_journal_note(struct ov_journal *journal, const struct ov_entry *entry) {
    struct ov_span number;
    journal->last_time_ns = entry->time_ns;
    journal->last_mono_ns = entry->mono_ns;
    memcpy(journal->last_boot, entry->boot, sizeof entry->boot);
    if (entry->type == OV_ENTRY_EPOCH &&
        ov_entry_value(entry->body, "number", 0, &number) == OV_OK &&
        ov_number_read(number, &journal->epoch) == OV_OK) {
        journal->epoch_began_ns = entry->time_ns;
        journal->has_pending_epoch = true;
    }
}

// Of what is not sealed, the first says how long it waits.
static void note_first(struct ov_journal *journal, const struct ov_entry *entry) {
    if (journal->size == journal->sealed.size) {
        journal->first_mono_ns = entry->mono_ns;
        memcpy(journal->first_boot, entry->boot, sizeof entry->boot);
    }
}

// Keeps one frame that was read; those that were sealed already are passed over.
static enum ov_status keep_entry(struct ov_journal *journal, struct ov_span bytes) {
    struct ov_entry entry;
    if (ov_entry_read(bytes, &entry) != OV_OK || entry.seq > journal->size) {
        return ov_journal_fail(journal, OV_DAMAGED, OV_JOURNAL_FILE_PENDING);
    }
    if (entry.seq < journal->size) {
        return entry.seq < journal->sealed.size
                   ? OV_OK
                   : ov_journal_fail(journal, OV_DAMAGED, OV_JOURNAL_FILE_PENDING);
    }
    note_first(journal, &entry);
    ov_frame_add(&journal->frames, bytes);
    journal->size++;
    ov_journal_note(journal, &entry);
    return ov_buf_status(&journal->frames);
}

enum ov_status ov_journal_read_pending(struct ov_journal *journal, uint64_t *ret_lost) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    TRY(ov_file_map_open_fd(journal->pending, &map));
    struct ov_cursor cursor = ov_cursor_init(map.bytes);
    struct ov_span bytes;
    ov_cursor_seek(&cursor, journal->pending_bytes);
    enum ov_status status = ov_frame_read(&cursor, &bytes);
    while (status == OV_OK) {
        TRY(keep_entry(journal, bytes));
        status = ov_frame_read(&cursor, &bytes);
    }
    if (status == OV_DAMAGED && ov_frame_is_any_behind(&cursor)) {
        return ov_journal_fail(journal, OV_DAMAGED, OV_JOURNAL_FILE_PENDING);
    }
    *ret_lost = status == OV_DAMAGED ? ov_cursor_left(&cursor) : 0;
    if (*ret_lost > 0) {
        ov_fault_point();
        if (ftruncate(journal->pending, (off_t)cursor.at) != 0 || fsync(journal->pending) != 0) {
            return ov_journal_fail(journal, OV_SYSTEM, OV_JOURNAL_FILE_PENDING);
        }
    }
    journal->pending_bytes = cursor.at;
    journal->synced_bytes = journal->frames.size;
    return OV_OK;
}

static enum ov_status add_recovery(struct ov_journal *journal, uint64_t lost) {
    struct ov_entry_run none = {0};
    char body[96];
    uint64_t seq;
    (void)snprintf(body, sizeof body, "lost %llu\nfrom %llu\n", (unsigned long long)lost,
                   (unsigned long long)journal->size);
    TRY(ov_journal_add(journal, OV_ENTRY_RECOVER, &none, ov_span_text(body), &seq));
    return ov_journal_sync(journal);
}

// Reads everything again: at the start, and when another process has sealed something.
static enum ov_status load(struct ov_journal *journal) {
    uint64_t lost = 0;
    ov_buf_reset(&journal->frames);
    journal->synced_bytes = 0;
    journal->pending_bytes = 0;
    journal->has_pending_epoch = false;
    journal->is_lost = false;
    enum ov_status status = ov_journal_read_checkpoint(journal);
    if (status == OV_END) {
        return OV_END;
    }
    TRY(status);
    if (journal->last_time_ns == 0 && journal->sealed.size > 0) { // the first time
        TRY(ov_journal_note_last(journal));
    }
    TRY(ov_journal_read_pending(journal, &lost));
    TRY(ov_journal_read_keys(journal));
    return lost > 0 ? add_recovery(journal, lost) : OV_OK;
}

// Reads what another process has added since, and not sealed.
static enum ov_status load_added(struct ov_journal *journal) {
    uint64_t lost = 0;
    TRY(ov_journal_read_pending(journal, &lost));
    return lost > 0 ? add_recovery(journal, lost) : OV_OK;
}

// Changes whenever another process has sealed.
static uint64_t mark_of(const struct ov_journal *journal) {
    struct stat checkpoint = {0};
    (void)fstatat(journal->folder, OV_JOURNAL_FILE_CHECKPOINT, &checkpoint, 0);
    return (uint64_t)checkpoint.st_ino * 0x9e3779b97f4a7c15u ^
           (uint64_t)checkpoint.st_mtim.tv_nsec << 32 ^ (uint64_t)checkpoint.st_mtim.tv_sec;
}

// What is in `pending`, of which we have seen so many bytes; it becomes shorter by a seal alone.
static enum ov_status follow(struct ov_journal *journal) {
    struct stat pending = {0};
    if (fstat(journal->pending, &pending) != 0) {
        return OV_SYSTEM;
    }
    bool is_sealed = journal->is_lost || mark_of(journal) != journal->seen_mark;
    if (!is_sealed && (uint64_t)pending.st_size == journal->pending_bytes) {
        return OV_OK;
    }
    if (!is_sealed && (uint64_t)pending.st_size > journal->pending_bytes) {
        return load_added(journal);
    }
    enum ov_status status = load(journal);
    return status == OV_END ? ov_journal_create(journal) : status;
}

// ---- open and lock ------------------------------------------------------------------------------

static enum ov_status open_files(struct ov_journal *journal, const char *path) {
    char inside[4096];
    (void)snprintf(inside, sizeof inside, "%s/x", path);
    TRY(ov_durable_folders(AT_FDCWD, inside, 0700));
    journal->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (journal->folder < 0) {
        return OV_SYSTEM;
    }
    const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    journal->lock = openat(journal->folder, OV_JOURNAL_FILE_LOCK, flags, 0600);
    journal->pending = openat(journal->folder, OV_JOURNAL_FILE_PENDING, flags | O_APPEND, 0600);
    return journal->lock >= 0 && journal->pending >= 0 ? OV_OK : OV_SYSTEM;
}

enum ov_status ov_journal_lock(struct ov_journal *journal) {
    while (flock(journal->lock, LOCK_EX) != 0) {
        if (errno != EINTR) {
            return ov_journal_fail(journal, OV_SYSTEM, OV_JOURNAL_FILE_LOCK);
        }
    }
    enum ov_status status = follow(journal);
    if (status != OV_OK) {
        journal->is_lost = true;
        (void)flock(journal->lock, LOCK_UN);
        return status;
    }
    journal->seen_mark = mark_of(journal);
    return OV_OK;
}

void ov_journal_unlock(struct ov_journal *journal) {
    journal->seen_mark = mark_of(journal);
    (void)flock(journal->lock, LOCK_UN);
}

void ov_journal_free(struct ov_journal *journal) {
    if (journal == NULL) {
        return;
    }
    if (journal->has_writer) {
        ov_log_writer_close(&journal->writer);
    }
    ov_signer_release(&journal->signer);
    ov_buf_release(&journal->frames);
    ov_fd_close(&journal->folder);
    ov_fd_close(&journal->lock);
    ov_fd_close(&journal->pending);
    free(journal);
}

enum ov_status ov_journal_open(const char *path, struct ov_journal **ret_journal,
                               char ret_reason[OV_JOURNAL_REASON_BYTES]) {
    struct ov_journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL) {
        (void)snprintf(ret_reason, OV_JOURNAL_REASON_BYTES, "%s: out of memory", path);
        return OV_MEMORY;
    }
    journal->folder = journal->lock = journal->pending = -1;
    journal->seen_mark = UINT64_MAX; // of nothing
    ov_signer_init(&journal->signer);
    enum ov_status status = open_files(journal, path);
    status = status == OV_OK ? read_boot(journal->boot) : status;
    if (status != OV_OK) {
        (void)ov_journal_fail(journal, status, path);
    } else {
        status = ov_journal_lock(journal);
    }
    if (status != OV_OK) {
        (void)snprintf(ret_reason, OV_JOURNAL_REASON_BYTES, "%s", journal->reason);
        ov_journal_free(journal);
        return status;
    }
    ov_journal_unlock(journal);
    *ret_journal = journal;
    return OV_OK;
}

// ---- adding -------------------------------------------------------------------------------------

static enum ov_status add_entry(struct ov_journal *journal, const struct ov_entry *entry) {
    struct ov_entry back;
    size_t at = ov_frame_begin(&journal->frames);
    ov_entry_add(&journal->frames, entry);
    TRY(ov_buf_status(&journal->frames));
    struct ov_span bytes = ov_frame_entry(&journal->frames, at);
    // What the keeper wrote of files is not read again: there is a line for each of a scan.
    bool is_read = entry->type != OV_ENTRY_FILES;
    if (bytes.size > OV_JOURNAL_ENTRY_BYTES_MAX ||
        (is_read && ov_entry_read(bytes, &back) != OV_OK)) {
        journal->frames.size = at;
        return ov_journal_fail(journal, OV_INVALID, ov_entry_type_name(entry->type));
    }
    note_first(journal, entry);
    ov_frame_end(&journal->frames, at);
    journal->size++;
    ov_journal_note(journal, entry);
    return OV_OK;
}

// An entry that came after a long silence does not stand beside what waits for a checkpoint since
// before it.
static enum ov_status seal_old(struct ov_journal *journal, uint64_t mono_ns) {
    bool is_same_boot = memcmp(journal->boot, journal->first_boot, sizeof journal->boot) == 0;
    bool is_old =
        !is_same_boot || mono_ns >= journal->first_mono_ns + OV_JOURNAL_SEAL_SECONDS * NS_IN_SECOND;
    bool is_due = journal->size > journal->sealed.size && is_old && !journal->has_pending_epoch;
    return is_due ? ov_journal_seal(journal, OV_SEAL_KEEP_EPOCH) : OV_OK;
}

// What is to be said of the clock before this entry; NULL: nothing.
static const char *judge_clock(const struct ov_journal *journal, const struct ov_entry *entry) {
    bool is_same_boot = memcmp(journal->boot, journal->last_boot, sizeof journal->boot) == 0;
    if (!is_same_boot || entry->type == OV_ENTRY_FINDING || entry->type == OV_ENTRY_EPOCH) {
        return NULL;
    }
    if (entry->time_ns + CLOCK_SLACK_NS < journal->last_time_ns) {
        return "what the%20clock%20was%20set%20back\n";
    }
    bool is_going_on = !ov_entry_run_is_none(&entry->run) && entry->type != OV_ENTRY_START;
    uint64_t due_ns = journal->last_time_ns + (entry->mono_ns - journal->last_mono_ns);
    return is_going_on && entry->time_ns > due_ns + CLOCK_LEAP_NS
               ? "what the%20clock%20was%20set%20forward\n"
               : NULL;
}

enum ov_status ov_journal_add(struct ov_journal *journal, enum ov_entry_type type,
                              const struct ov_entry_run *run, struct ov_span body,
                              uint64_t *ret_seq) {
    struct ov_entry entry = {
        .type = type,
        .time_ns = read_clock(CLOCK_REALTIME),
        .mono_ns = read_clock(CLOCK_BOOTTIME),
        .run = *run,
        .body = body,
    };
    memcpy(entry.boot, journal->boot, sizeof entry.boot);
    TRY(seal_old(journal, entry.mono_ns));
    const char *what = judge_clock(journal, &entry);
    if (what != NULL) {
        struct ov_entry finding = entry;
        finding.type = OV_ENTRY_FINDING;
        finding.run = (struct ov_entry_run){0};
        finding.body = ov_span_text(what);
        finding.seq = journal->size;
        TRY(add_entry(journal, &finding));
    }
    entry.seq = journal->size;
    TRY(add_entry(journal, &entry));
    *ret_seq = entry.seq;
    return OV_OK;
}

// Takes back what was added and could not be written: nobody was told of it.
static void forget_unsynced(struct ov_journal *journal) {
    struct ov_cursor cursor =
        ov_cursor_init(ov_span_from(ov_buf_span(&journal->frames), journal->synced_bytes));
    struct ov_span entry;
    while (ov_frame_read(&cursor, &entry) == OV_OK) {
        journal->size--;
    }
    journal->frames.size = journal->synced_bytes;
}

static enum ov_status write_frames(struct ov_journal *journal, struct ov_span fresh) {
    struct stat before;
    if (fstat(journal->pending, &before) != 0) {
        return OV_SYSTEM;
    }
    ov_fault_point();
    enum ov_status status = ov_fd_write_all(journal->pending, fresh);
    ov_fault_point();
    if (status == OV_OK && fdatasync(journal->pending) == 0) {
        return OV_OK;
    }
    int error = errno;
    if (ftruncate(journal->pending, before.st_size) != 0) {
        // Left for the next who opens it, as after a crash.
    }
    errno = error;
    return OV_SYSTEM;
}

enum ov_status ov_journal_sync(struct ov_journal *journal) {
    struct ov_span fresh = ov_span_from(ov_buf_span(&journal->frames), journal->synced_bytes);
    if (fresh.size == 0) {
        return OV_OK;
    }
    enum ov_status status = write_frames(journal, fresh);
    if (status != OV_OK) {
        (void)ov_journal_fail(journal, status, OV_JOURNAL_FILE_PENDING);
        forget_unsynced(journal);
        return status;
    }
    journal->pending_bytes += fresh.size;
    journal->synced_bytes = journal->frames.size;
    ov_journal_feed(journal);
    return OV_OK;
}

uint64_t ov_journal_size(const struct ov_journal *journal) {
    return journal->size;
}

uint64_t ov_journal_unsealed(const struct ov_journal *journal) {
    return journal->size - journal->sealed.size;
}

int ov_journal_folder(const struct ov_journal *journal) {
    return journal->folder;
}

enum ov_status ov_journal_place(struct ov_journal *journal, int first) {
    int *const places[OV_JOURNAL_DESCRIPTORS] = {&journal->folder, &journal->lock,
                                                 &journal->pending};
    for (int i = 0; i < OV_JOURNAL_DESCRIPTORS; i++) { // out of the way of one another
        int away = fcntl(*places[i], F_DUPFD_CLOEXEC, first + OV_JOURNAL_DESCRIPTORS);
        if (away < 0) {
            return OV_SYSTEM;
        }
        (void)close(*places[i]);
        *places[i] = away;
    }
    for (int i = 0; i < OV_JOURNAL_DESCRIPTORS; i++) {
        if (dup3(*places[i], first + i, O_CLOEXEC) < 0) {
            return OV_SYSTEM;
        }
        (void)close(*places[i]);
        *places[i] = first + i;
    }
    if (journal->has_writer) {
        journal->writer.folder = journal->folder;
    }
    return OV_OK;
}

const char *ov_journal_reason(const struct ov_journal *journal) {
    return journal->reason;
}

const uint8_t *ov_journal_names_key(const struct ov_journal *journal) {
    return journal->names_key;
}
