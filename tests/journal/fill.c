// SPDX-License-Identifier: Apache-2.0
// Writes a journal of many entries, for tests and the bench: runs of a few entries each, sealed in
// large steps.
//
//   journal-fill FOLDER ENTRIES [FILES]    FILES: lines in each entry of files (default 1)
#include "journal/commitment.h"
#include "journal/journal.h"
#include "journal/names.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { STEP = 50000, FILES_IN_RUN = 60 };

static struct {
    struct ov_journal *journal;
    struct ov_entry_run run;
    uint64_t number; // of names in the run
    unsigned files;  // a line each
    int names;
} fill;

static void check(enum ov_status status) {
    if (status != OV_OK) {
        (void)fprintf(stderr, "journal-fill: %s\n", ov_journal_reason(fill.journal));
        exit(2);
    }
}

static void add(enum ov_entry_type type, struct ov_span body) {
    uint64_t seq;
    check(ov_journal_add(fill.journal, type, &fill.run, body, &seq));
}

static void commit(struct ov_span path, struct ov_names_batch *names,
                   struct ov_tree_hash *ret_commitment) {
    struct ov_salt salt;
    ov_salt_of(ov_journal_names_key(fill.journal), &fill.run, fill.number, &salt);
    ov_commitment_of(&salt, path, ret_commitment);
    ov_names_batch_add(names, &fill.run, fill.number++, path);
}

static void add_files(uint64_t seq) {
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    OV_CLEANUP(ov_names_batch_release) struct ov_names_batch names = {0};
    ov_buf_printf(&body, "count %u\n", fill.files);
    for (unsigned i = 0; i < fill.files; i++) {
        uint64_t number = seq * fill.files + i;
        char path[64];
        (void)snprintf(path, sizeof path, "/srv/%03u/file-%07u", (unsigned)(number / 1000 % 500),
                       (unsigned)(number % 1000000));
        struct ov_entry_file file = {
            .verdict = number % 97 == 5 ? OV_ENTRY_FOUND
                                        : (enum ov_entry_verdict)(number % 501 == 7 ? 2 : 0),
            .device = 2049,
            .inode = number,
            .size = 1000 + number % 77,
            .mtime_ns = 1790000000000000000u + number,
            .read_bytes = 1000,
        };
        commit(ov_span_text(path), &names, &file.commitment);
        ov_entry_file_add(&body, &file);
        if (file.verdict == OV_ENTRY_FOUND) {
            ov_buf_printf(&body, "found Rule-%05u.UNOFFICIAL rules.ndb - 3\n",
                          (unsigned)(number % 1009));
        }
    }
    ov_names_write(fill.names, &names);
    add(OV_ENTRY_FILES, ov_buf_span(&body));
}

// The entry that comes as the `seq`-th of all: each run has a start, files and a stop.
static void add_entry(uint64_t seq, uint64_t count) {
    uint64_t place = (seq - 1) % FILES_IN_RUN;
    if (place == 0) {
        fill.run = (struct ov_entry_run){.bytes = {7, (uint8_t)seq, (uint8_t)(seq >> 8),
                                                   (uint8_t)(seq >> 16), (uint8_t)(seq >> 24)}};
        fill.number = 0;
        add(OV_ENTRY_START, ov_span_text("command scan\nuser 0\nversion 0.1.0\n"));
    } else if (place == FILES_IN_RUN - 1 || seq + 1 == count) {
        add(OV_ENTRY_STOP, ov_span_text("exit 0\nfiles 1\nfound 0\nerrors 0\nlimited 0\nread 5\n"
                                        "sent 0\n"));
    } else {
        add_files(seq);
    }
}

int main(int argc, char **argv) {
    char reason[OV_JOURNAL_REASON_BYTES];
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    if (count == 0 || ov_journal_open(argv[1], &fill.journal, reason) != OV_OK) {
        (void)fprintf(stderr, "usage: journal-fill FOLDER ENTRIES [FILES]\n");
        return 2;
    }
    fill.files = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1;
    fill.names = openat(ov_journal_folder(fill.journal), "names",
                        O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (ov_journal_size(fill.journal) != 1) { // a last run of a start alone would not end
        (void)fprintf(stderr, "journal-fill: %s: not a new journal\n", argv[1]);
        return 2;
    }
    check(ov_journal_lock(fill.journal));
    for (uint64_t seq = 1; seq < count; seq++) {
        add_entry(seq, count);
        if (seq % STEP == 0) {
            check(ov_journal_seal(fill.journal, OV_SEAL_KEEP_EPOCH));
        }
    }
    check(ov_journal_seal(fill.journal, OV_SEAL_KEEP_EPOCH));
    ov_journal_unlock(fill.journal);
    ov_journal_free(fill.journal);
    return 0;
}
