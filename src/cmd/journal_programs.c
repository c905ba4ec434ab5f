// SPDX-License-Identifier: Apache-2.0
// Digests of programs, and the file that remembers them.
#include "cmd/journal_programs.h"

#include "base/durable.h"
#include "base/fd.h"
#include "base/hex.h"
#include "ledger/encoding.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

enum {
    KEY_NUMBERS = 5,   // device, inode, size, mtime, ctime
    PROGRAMS_MAX = 32, // that are remembered: some versions of each
    FILE_BYTES_MAX = 1 << 14,
    FILE_MODE = 0600,
    YOUNG_SECONDS = 2,
};

static const char file_name[] = "programs";

// What tells one state of a file from another.
struct program_key {
    uint64_t numbers[KEY_NUMBERS];
};

static uint64_t read_ns(const struct timespec *time) {
    return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
}

static enum ov_status read_key(int fd, struct program_key *ret_key) {
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return OV_SYSTEM;
    }
    *ret_key = (struct program_key){{info.st_dev, info.st_ino, (uint64_t)info.st_size,
                                     read_ns(&info.st_mtim), read_ns(&info.st_ctim)}};
    return OV_OK;
}

static bool is_same(const struct program_key *a, const struct program_key *b) {
    return memcmp(a->numbers, b->numbers, sizeof a->numbers) == 0;
}

static bool is_young(const struct program_key *key) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return key->numbers[KEY_NUMBERS - 1] / 1000000000u + YOUNG_SECONDS >= (uint64_t)now.tv_sec;
}

// ---- what is remembered -------------------------------------------------------------------------

// "SHA256 DEVICE INODE SIZE MTIME CTIME"
static enum ov_status read_line(struct ov_span line, struct program_key *ret_key,
                                uint8_t ret_sha256[OV_SHA256_BYTES]) {
    struct ov_span word;
    TRY(ov_word_take(&line, &word));
    TRY(ov_hex_read(word, ret_sha256, OV_SHA256_BYTES));
    for (unsigned i = 0; i < KEY_NUMBERS; i++) {
        TRY(ov_word_take(&line, &word));
        TRY(ov_number_read(word, &ret_key->numbers[i]));
    }
    return line.size == 0 ? OV_OK : OV_DAMAGED;
}

static void add_line(struct ov_buf *buf, const struct program_key *key,
                     const uint8_t sha256[OV_SHA256_BYTES]) {
    char digest[2 * OV_SHA256_BYTES + 1];
    ov_hex_write(ov_span_make(sha256, OV_SHA256_BYTES), digest);
    ov_buf_add(buf, digest, sizeof digest - 1);
    for (unsigned i = 0; i < KEY_NUMBERS; i++) {
        ov_buf_printf(buf, " %llu", (unsigned long long)key->numbers[i]);
    }
    ov_buf_add_u8(buf, '\n');
}

// Looks for a program; else the lines that stay, when it is going to be added, go to `ret_others`:
// those of other files, but for the oldest when there are many. A file that is missing or damaged
// remembers nothing.
static bool find(int folder, const struct program_key *key, uint8_t ret_sha256[OV_SHA256_BYTES],
                 struct ov_buf *ret_others) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    OV_AUTO_FD fd = openat(folder, file_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || ov_file_map_open_fd(fd, &map) != OV_OK || map.bytes.size > FILE_BYTES_MAX) {
        return false;
    }
    struct ov_cursor cursor = ov_cursor_init(map.bytes);
    struct ov_span line;
    unsigned kept = 0;
    while (ov_line_read(&cursor, &line) == OV_OK) {
        struct program_key other;
        uint8_t sha256[OV_SHA256_BYTES];
        if (read_line(line, &other, sha256) != OV_OK) {
            break;
        }
        if (is_same(&other, key)) {
            memcpy(ret_sha256, sha256, sizeof sha256);
            return true;
        }
        bool is_older = other.numbers[0] == key->numbers[0] && other.numbers[1] == key->numbers[1];
        if (!is_older && ++kept < PROGRAMS_MAX) { // the newest stand first
            add_line(ret_others, &other, sha256);
        }
    }
    return false;
}

// It saves time alone: that it cannot be written is no error.
static void remember(int folder, const struct program_key *key,
                     const uint8_t sha256[OV_SHA256_BYTES], const struct ov_buf *others) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    add_line(&text, key, sha256);
    ov_buf_add(&text, others->data, others->size);
    if (ov_buf_status(&text) == OV_OK && ov_buf_status(others) == OV_OK) {
        (void)ov_durable_write(folder, file_name, ov_buf_span(&text), FILE_MODE);
    }
}

// ---- programs -----------------------------------------------------------------------------------

enum ov_status ov_journal_program(const char *folder, int fd, uint8_t ret_sha256[OV_SHA256_BYTES]) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf others = {0};
    OV_AUTO_FD place = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct program_key before;
    struct program_key after;
    TRY(read_key(fd, &before));
    if (find(place, &before, ret_sha256, &others)) {
        return OV_OK;
    }
    TRY(ov_file_map_open_fd(fd, &map));
    ov_mapped_populate(map.bytes);
    ov_sha256(map.bytes, ret_sha256);
    if (read_key(fd, &after) == OV_OK && is_same(&before, &after) && !is_young(&after)) {
        remember(place, &after, ret_sha256, &others);
    }
    return OV_OK;
}
