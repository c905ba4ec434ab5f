// SPDX-License-Identifier: Apache-2.0
//
// What tests/log_tiles_test.py drives a log's folder with:
//
//   log-files write FOLDER SIZE BATCH < ENTRIES   goes on after SIZE entries; flushes each BATCH
//   log-files audit FOLDER SIZE ROOT              all entries and tiles, against a root in hex
//   log-files include FOLDER INDEX SIZE           an inclusion proof from the tiles
//   log-files extend FOLDER OLD NEW               a consistency proof from the tiles
//   log-files wish OLD NEW                        the paths of the tiles that proof needs
//
// ENTRIES: each with its length before it in two bytes, big-endian. Prints size and root, or one
// hash a line, in hex; what is wrong goes to standard error, and the exit status is that of the
// call.
#include "base/fd.h"
#include "base/hex.h"
#include "ledger/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct ov_log_writer writer;
static struct ov_tile_reader reader;

static void print_hash(const struct ov_tree_hash *hash) {
    char text[2 * OV_SHA256_BYTES + 1];
    ov_hex_write(ov_span_make(hash->bytes, sizeof hash->bytes), text);
    (void)printf("%s\n", text);
}

static void print_proof(const struct ov_tree_proof *proof) {
    for (size_t i = 0; i < proof->count; i++) {
        print_hash(&proof->hashes[i]);
    }
}

static void print_flaw(const struct ov_tile_flaw *flaw) {
    (void)fprintf(stderr, "%s: %s\n", flaw->path.text, flaw->why != NULL ? flaw->why : "");
}

static uint64_t read_number(const char *text) {
    return strtoull(text, NULL, 10);
}

static enum ov_status add_entries(uint64_t batch) {
    static uint8_t entry[OV_ENTRY_BYTES_MAX];
    for (uint64_t i = 1;; i++) {
        int high = getchar();
        int low = getchar();
        if (low == EOF) {
            return ov_log_writer_flush(&writer);
        }
        size_t size = (size_t)(high << 8 | low);
        if (fread(entry, 1, size, stdin) != size) {
            return OV_DAMAGED;
        }
        TRY(ov_log_writer_add(&writer, ov_span_make(entry, size)));
        if (i % batch == 0) {
            TRY(ov_log_writer_flush(&writer));
        }
    }
}

static enum ov_status write_log(int folder, char **words) {
    struct ov_tree_head head;
    enum ov_status status = ov_log_writer_open(folder, read_number(words[0]), &writer);
    if (status == OV_OK) {
        status = add_entries(read_number(words[1]));
        ov_log_writer_close(&writer);
    }
    if (status != OV_OK) {
        print_flaw(&writer.flaw);
        return status;
    }
    ov_log_writer_head(&writer, &head);
    (void)printf("%llu ", (unsigned long long)head.size);
    print_hash(&head.root);
    return OV_OK;
}

static enum ov_status count_entry(void *arg, uint64_t index, struct ov_span entry) {
    uint64_t *counts = (uint64_t *)arg;
    if (index != counts[0]) {
        return OV_INVALID;
    }
    counts[0]++;
    counts[1] += entry.size;
    return OV_OK;
}

static enum ov_status audit_log(int folder, char **words) {
    uint64_t counts[2] = {0};
    struct ov_log_audit audit = {.on_entry = count_entry, .arg = counts};
    struct ov_tree_head head = {.size = read_number(words[0])};
    TRY(ov_hex_read(ov_span_text(words[1]), head.root.bytes, sizeof head.root.bytes));
    enum ov_status status = ov_log_audit(folder, &head, &audit);
    if (status != OV_OK) {
        print_flaw(&audit.flaw);
        return status;
    }
    (void)printf("%llu entries, %llu bytes\n", (unsigned long long)counts[0],
                 (unsigned long long)counts[1]);
    return OV_OK;
}

static enum ov_status prove(int folder, bool is_inclusion, char **words) {
    struct ov_tree_proof proof;
    uint64_t size = read_number(words[1]);
    ov_tile_reader_init(folder, size, &reader);
    struct ov_tree_source source = ov_tile_reader_source(&reader);
    enum ov_status status =
        is_inclusion ? ov_inclusion_prove(&source, read_number(words[0]), size, &proof)
                     : ov_consistency_prove(&source, read_number(words[0]), size, &proof);
    if (status != OV_OK) {
        print_flaw(&reader.flaw);
        return status;
    }
    print_proof(&proof);
    return OV_OK;
}

static enum ov_status wish(uint64_t old_size, uint64_t new_size) {
    struct ov_tile_wishes wishes;
    struct ov_tree_proof proof;
    ov_tile_wishes_init(new_size, &wishes);
    struct ov_tree_source source = ov_tile_wishes_source(&wishes);
    enum ov_status status = ov_consistency_prove(&source, old_size, new_size, &proof);
    (void)fwrite(wishes.paths.data, 1, wishes.paths.size, stdout);
    ov_buf_release(&wishes.paths);
    return status;
}

int main(int count, char **words) {
    if (count == 4 && strcmp(words[1], "wish") == 0) {
        return (int)wish(read_number(words[2]), read_number(words[3]));
    }
    OV_AUTO_FD folder = count == 5 ? open(words[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (folder < 0) {
        return 99;
    }
    if (strcmp(words[1], "write") == 0) {
        return (int)write_log(folder, &words[3]);
    }
    if (strcmp(words[1], "audit") == 0) {
        return (int)audit_log(folder, &words[3]);
    }
    return (int)prove(folder, strcmp(words[1], "include") == 0, &words[3]);
}
