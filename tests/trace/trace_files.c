// SPDX-License-Identifier: Apache-2.0
//
// Writes and checks traces, for tests that do the same in another way (tests/trace_test.py):
//   trace-files write FILE COUNT SIZE   COUNT records; says how many are safe after each
//   checkpoint;
//                                       SIZE is the bound, 0 for none
//   trace-files check FILE              VERDICT RECORDS BYTES CHAIN, and BAD-RECORD or -
//   trace-files sums FILE               READ WRITTEN SENT, as the model has them, and complete or
//   not
#include "base/fd.h"
#include "base/hex.h"
#include "trace/model.h"
#include "trace/writer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILES = 50, ARENA_BYTES = 256 << 20, CHECKPOINT_EVERY = 400 };

static enum ov_status write_begin(struct ov_trace_writer *writer, uint64_t size_max_bytes) {
    const struct ov_trace_begin begin = {
        .version = ov_span_text("test"), .page_bytes = 4096, .size_max_bytes = size_max_bytes};
    const struct ov_trace_loss loss = {.name = ov_span_text("ring")};
    TRY(ov_trace_write_begin(writer, &begin));
    return ov_trace_write_loss(writer, &loss);
}

// The counters of fifty files and a socket grow.
static enum ov_status write_one(struct ov_trace_writer *writer, uint64_t number) {
    const struct ov_trace_pid process = {.pid = 7, .start_ns = 1};
    if (number % 10 == 9) {
        const struct ov_trace_socket socket = {.process = process,
                                               .cookie = 3,
                                               .family = 2,
                                               .remote = ov_span_text("192.0.2.1:443"),
                                               .last_ns = number,
                                               .sent_bytes = 10 * number};
        return ov_trace_write_socket(writer, &socket);
    }
    const struct ov_trace_file file = {.process = process,
                                       .inode = {.device = 1, .inode = number % FILES},
                                       .last_ns = number,
                                       .read_bytes = 100 * number,
                                       .write_bytes = number,
                                       .scale = 1};
    return ov_trace_write_file(writer, &file);
}

static enum ov_status write_all(struct ov_trace_writer *writer, uint64_t count,
                                uint64_t size_max_bytes) {
    uint64_t told = 0;
    TRY(write_begin(writer, size_max_bytes));
    for (uint64_t i = 0; i < count; i++) {
        TRY(write_one(writer, i));
        if (i % CHECKPOINT_EVERY == CHECKPOINT_EVERY - 1) {
            TRY(ov_trace_writer_checkpoint(writer));
        }
        if (writer->synced.records != told) {
            told = writer->synced.records;
            (void)printf("%llu\n", (unsigned long long)told);
            (void)fflush(stdout);
        }
    }
    return ov_trace_writer_end(writer, OV_TRACE_DONE, NULL);
}

static int write_file(const char *path, uint64_t count, uint64_t size_max_bytes) {
    static struct ov_trace_writer writer;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || ov_trace_writer_open(fd, size_max_bytes, &writer) != OV_OK) {
        return 2;
    }
    enum ov_status status = write_all(&writer, count, size_max_bytes);
    ov_trace_writer_close(&writer);
    return status == OV_OK ? 0 : status == OV_LIMIT ? 1 : 2;
}

static int check_file(struct ov_span bytes) {
    static const char *const verdicts[] = {"bad", "cut", "whole"};
    struct ov_trace_check check;
    char chain[2 * OV_SHA256_BYTES + 1];
    if (ov_trace_check_of(bytes, &check) != OV_OK) {
        return 2;
    }
    ov_hex_write(ov_span_make(check.chain, sizeof check.chain), chain);
    (void)printf("%s %llu %llu %s ", verdicts[check.verdict], (unsigned long long)check.records,
                 (unsigned long long)check.good_bytes, chain);
    if (check.verdict == OV_TRACE_BAD) {
        (void)printf("%llu\n", (unsigned long long)check.bad_record);
    } else {
        (void)printf("-\n");
    }
    return 0;
}

static int sum_file(struct ov_span bytes) {
    OV_CLEANUP(ov_arena_release) struct ov_arena arena = {.cap_bytes = ARENA_BYTES};
    struct ov_trace_model model;
    if (ov_trace_model_build(bytes, &arena, &model) != OV_OK) {
        return 2;
    }
    (void)printf("%llu %llu %llu %s\n", (unsigned long long)model.totals.read_bytes,
                 (unsigned long long)model.totals.kept_bytes,
                 (unsigned long long)model.totals.sent_bytes,
                 model.is_complete ? "complete" : "incomplete");
    return 0;
}

int main(int count, char **words) {
    struct ov_file_map map = {0};
    if (count == 5 && ov_span_is_text(ov_span_text(words[1]), "write")) {
        return write_file(words[2], strtoull(words[3], NULL, 10), strtoull(words[4], NULL, 10));
    }
    if (count != 3 || ov_file_map_open(words[2], &map) != OV_OK) {
        return 2;
    }
    int exit_code = ov_span_is_text(ov_span_text(words[1]), "check") ? check_file(map.bytes)
                                                                     : sum_file(map.bytes);
    ov_file_map_close(&map);
    return exit_code;
}
