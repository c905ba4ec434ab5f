// SPDX-License-Identifier: Apache-2.0
// The file of paths: opened under a lock, written anew.
#include "journal/names_prune.h"

#include "base/durable.h"
#include "base/fd.h"
#include "journal/check.h"
#include "journal/names.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#define NAMES_FILE "names"

enum { TRIES = 16 };

// Whether this is still the file of that name: another may have been put in its place while we
// waited for the lock.
static bool is_in_place(int folder, int fd) {
    struct stat own;
    struct stat named;
    return fstat(fd, &own) == 0 && fstatat(folder, NAMES_FILE, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           own.st_dev == named.st_dev && own.st_ino == named.st_ino;
}

static int open_locked(int folder, int flags, int lock) {
    for (unsigned i = 0; i < TRIES; i++) {
        OV_AUTO_FD fd = openat(folder, NAMES_FILE, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 || flock(fd, lock) != 0) {
            return -1;
        }
        if (is_in_place(folder, fd)) {
            int taken = fd;
            fd = -1;
            return taken;
        }
    }
    errno = EWOULDBLOCK;
    return -1;
}

int ov_names_open(const char *folder) {
    OV_AUTO_FD fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? open_locked(fd, O_WRONLY | O_APPEND | O_CREAT, LOCK_SH) : -1;
}

// ---- which paths entries speak of ---------------------------------------------------------------

struct spoken {
    struct ov_tree_hash *items;
    size_t count, room;
    bool has_failed;
};

static void add_commitment(struct spoken *spoken, const struct ov_tree_hash *commitment) {
    if (spoken->count == spoken->room) {
        size_t room = spoken->room > 0 ? 2 * spoken->room : 1024;
        struct ov_tree_hash *items = realloc(spoken->items, room * sizeof *items);
        if (items == NULL) {
            spoken->has_failed = true;
            return;
        }
        spoken->items = items;
        spoken->room = room;
    }
    spoken->items[spoken->count++] = *commitment;
}

// Whatever its type: `path C`, and `file C` with or without more words.
static void take_entry(void *arg, const struct ov_entry *entry) {
    struct ov_cursor cursor = ov_cursor_init(entry->body);
    struct ov_tree_hash commitment;
    struct ov_span line;
    struct ov_span rest;
    struct ov_span word;
    while (ov_line_read(&cursor, &line) == OV_OK) {
        bool has_path = ov_line_take(line, "path", &rest) == OV_OK ||
                        ov_line_take(line, "file", &rest) == OV_OK;
        if (has_path && ov_word_take(&rest, &word) == OV_OK &&
            ov_tree_hash_read(word, &commitment) == OV_OK) {
            add_commitment(arg, &commitment);
        }
    }
}

static int compare(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct ov_tree_hash));
}

static enum ov_status read_spoken(int folder, struct spoken *spoken) {
    struct ov_journal_report report;
    struct ov_journal_check check = {.folder = folder, .arg = spoken, .on_entry = take_entry};
    TRY(ov_journal_verify(&check, &report));
    if (spoken->has_failed) {
        return OV_MEMORY;
    }
    if (report.problem_count > report.open_count) {
        return OV_DAMAGED;
    }
    if (spoken->count > 0) {
        qsort(spoken->items, spoken->count, sizeof *spoken->items, compare);
    }
    return OV_OK;
}

// ---- writing it anew ----------------------------------------------------------------------------

static bool is_spoken_of(const struct spoken *spoken, const struct ov_tree_hash *commitment) {
    return spoken->count > 0 &&
           bsearch(commitment, spoken->items, spoken->count, sizeof *commitment, compare) != NULL;
}

// Those that are spoken of. What was cut short counts as one that is not.
static enum ov_status filter(struct ov_journal_names *names, const struct spoken *spoken,
                             struct ov_names_batch *ret_kept, uint64_t *ret_dropped) {
    struct ov_journal_name name;
    while (ov_journal_names_next(names, &name) == OV_OK) {
        struct ov_tree_hash commitment;
        ov_journal_names_commitment(names, &name, &commitment);
        if (is_spoken_of(spoken, &commitment)) {
            ov_names_batch_add(ret_kept, &name.run, name.number, name.path);
        } else {
            ++*ret_dropped;
        }
    }
    *ret_dropped += ov_cursor_left(&names->cursor) > 0;
    return ov_buf_status(&ret_kept->bytes);
}

// Nobody else adds to it meanwhile.
static enum ov_status prune(int folder, const struct spoken *spoken, uint64_t *ret_dropped) {
    OV_CLEANUP(ov_journal_names_close) struct ov_journal_names names = {0};
    OV_CLEANUP(ov_names_batch_release) struct ov_names_batch kept = {0};
    uint64_t dropped = 0;
    enum ov_status status = ov_journal_names_open(folder, &names);
    status = status == OV_OK ? filter(&names, spoken, &kept, &dropped) : status;
    sodium_memzero(names.key, sizeof names.key);
    TRY(status == OV_END ? OV_DAMAGED : status); // the names are there: their key is not
    if (dropped > 0) {
        TRY(ov_durable_write(folder, NAMES_FILE, ov_buf_span(&kept.bytes), 0600));
    }
    *ret_dropped = dropped;
    return OV_OK;
}

enum ov_status ov_names_prune(int folder, uint64_t *ret_dropped) {
    struct spoken spoken = {0};
    OV_AUTO_FD names = open_locked(folder, O_RDONLY, LOCK_EX | LOCK_NB);
    if (names < 0) {
        *ret_dropped = 0;
        return errno == ENOENT ? OV_OK : errno == EWOULDBLOCK ? OV_PEER : OV_SYSTEM;
    }
    enum ov_status status = read_spoken(folder, &spoken);
    if (status == OV_OK) {
        status = prune(folder, &spoken, ret_dropped);
    }
    int error = errno;
    free(spoken.items);
    errno = error;
    return status;
}
