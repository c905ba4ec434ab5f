// SPDX-License-Identifier: Apache-2.0
//
// What the bench programs share: pattern lists, lists of files, CPU time, the counts they print.
//
// Nothing of src/ is used here, so that the references owe nothing to what they judge. Memory is
// never given back: each program does one run and ends. Errors end the program with a reason.
#pragma once

#include <stddef.h>
#include <stdint.h>

// A fixed-length pattern with a mask for each byte.
struct bench_pattern {
    uint32_t id;    // the number in its name: P000042 is 42
    uint32_t size;  // bytes
    uint8_t *value; // value & mask
    uint8_t *mask;  // 0xff fixed, 0x00 any, 0xf0 and 0x0f nibbles
};

struct bench_patterns {
    struct bench_pattern *list;
    size_t count;
};

// Reads .ndb lines P<number>:0:*:<hex with ?? a? ?a>.
struct bench_patterns bench_patterns_read(const char *path);

struct bench_file {
    char *path;
    uint8_t *bytes; // in memory, followed by 64 zero bytes; NULL until bench_files_load
    size_t size;
};

struct bench_files {
    struct bench_file *list;
    size_t count;
    uint64_t bytes; // all together
};

// All regular files below a folder (or the one file), in order of path.
struct bench_files bench_files_list(const char *root);
// Brings all of them into memory, so that programs measure their own work and not open() and
// read().
void bench_files_load(struct bench_files *files);

// Every (pattern, file) pair counts once, every (pattern, position) of a file once. The hash is a
// sum over pairs, so it does not depend on the order in which they are found.
struct bench_counts {
    uint64_t matches;
    uint64_t pairs;
    uint64_t pair_hash;
};

uint64_t bench_pair_hash(uint32_t pattern_id, uint32_t file_index);

// CPU seconds of this process, user and system.
double bench_cpu_seconds(void);
// Peak resident memory of this process in bytes.
uint64_t bench_peak_bytes(void);

// One line of key=value words that bench/run reads.
void bench_print(const char *what, const struct bench_files *files, double cpu_seconds,
                 const struct bench_counts *counts);

_Noreturn void bench_die(const char *what, const char *why);
