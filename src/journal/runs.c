// SPDX-License-Identifier: Apache-2.0
// The files of runs that are under way.
#include "journal/runs.h"

#include "base/fault.h"
#include "base/fd.h"
#include "base/hex.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

static const char prefix[] = "run-";

struct run_name {
    char text[sizeof prefix + 2 * OV_RUN_BYTES];
};

static struct run_name name_of(const struct ov_entry_run *run) {
    struct run_name name;
    memcpy(name.text, prefix, sizeof prefix);
    ov_hex_write(ov_span_make(run->bytes, sizeof run->bytes), &name.text[sizeof prefix - 1]);
    return name;
}

enum ov_status ov_run_begin(struct ov_journal *journal, const struct ov_entry_run *run,
                            int *ret_fd) {
    struct run_name name = name_of(run);
    ov_fault_point();
    OV_AUTO_FD fd = openat(ov_journal_folder(journal), name.text,
                           O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return OV_SYSTEM;
    }
    while (flock(fd, LOCK_EX) != 0) { // somebody may just look whether it is held
        TRY(errno == EINTR ? OV_OK : OV_SYSTEM);
    }
    ov_fault_point();
    TRY(fsync(ov_journal_folder(journal)) == 0 ? OV_OK : OV_SYSTEM);
    *ret_fd = fd;
    fd = -1;
    return OV_OK;
}

void ov_run_end(struct ov_journal *journal, const struct ov_entry_run *run) {
    struct run_name name = name_of(run);
    (void)unlinkat(ov_journal_folder(journal), name.text, 0);
}

static bool read_name(const char *text, struct ov_entry_run *ret_run) {
    struct ov_span name = ov_span_text(text);
    return ov_span_has_prefix(name, prefix) &&
           ov_hex_read(ov_span_from(name, sizeof prefix - 1), ret_run->bytes,
                       sizeof ret_run->bytes) == OV_OK;
}

static enum ov_status bury_one(struct ov_journal *journal, const char *name,
                               const struct ov_entry_run *run) {
    static const char body[] = "role overt\nfile -\nwhy cut-off\n";
    uint64_t seq;
    OV_AUTO_FD fd = openat(ov_journal_folder(journal), name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK || errno == ENOENT ? OV_OK : OV_SYSTEM; // alive, or just ended
    }
    TRY(ov_journal_add(journal, OV_ENTRY_CRASH, run, ov_span_text(body), &seq));
    TRY(ov_journal_sync(journal));
    ov_fault_point();
    (void)unlinkat(ov_journal_folder(journal), name, 0);
    return OV_OK;
}

// Calls `take` for each file of a run.
static enum ov_status walk(int folder, void *arg,
                           enum ov_status (*take)(void *arg, const char *name,
                                                  const struct ov_entry_run *run)) {
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
    enum ov_status status = list != NULL ? OV_OK : OV_SYSTEM;
    for (struct dirent *entry = list != NULL ? readdir(list) : NULL;
         entry != NULL && status == OV_OK; entry = readdir(list)) {
        struct ov_entry_run run;
        if (read_name(entry->d_name, &run)) {
            status = take(arg, entry->d_name, &run);
        }
    }
    if (list != NULL) {
        (void)closedir(list);
    }
    return status;
}

static enum ov_status bury(void *arg, const char *name, const struct ov_entry_run *run) {
    return bury_one((struct ov_journal *)arg, name, run);
}

enum ov_status ov_run_bury(struct ov_journal *journal) {
    return walk(ov_journal_folder(journal), journal, bury);
}

// ---- without the journal's lock -----------------------------------------------------------------

bool ov_run_is_held(int folder, const struct ov_entry_run *run) {
    struct run_name name = name_of(run);
    OV_AUTO_FD fd = openat(folder, name.text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

struct holders {
    int folder;
    struct ov_buf *runs;
};

static enum ov_status note_held(void *arg, const char *name, const struct ov_entry_run *run) {
    const struct holders *holders = (const struct holders *)arg;
    (void)name;
    if (ov_run_is_held(holders->folder, run)) {
        ov_buf_add(holders->runs, run->bytes, sizeof run->bytes);
    }
    return ov_buf_status(holders->runs);
}

enum ov_status ov_run_list(int folder, struct ov_buf *runs) {
    struct holders holders = {.folder = folder, .runs = runs};
    return walk(folder, &holders, note_held);
}

enum ov_status ov_run_count(int folder, uint64_t *ret_count) {
    OV_CLEANUP(ov_buf_release) struct ov_buf runs = {0};
    TRY(ov_run_list(folder, &runs));
    *ret_count = runs.size / OV_RUN_BYTES;
    return OV_OK;
}
