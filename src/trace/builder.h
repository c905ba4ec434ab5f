// SPDX-License-Identifier: Apache-2.0
//
// What a model is put together in: arrays that grow in the arena, and one index of all keys. For
// the model's own files alone.
#pragma once

#include "base/buf.h"
#include "trace/form.h"
#include "trace/model.h"

enum { OV_TRACE_KEY_BYTES = 16 };

// Items of one size; they move when it grows, their numbers stay.
struct ov_trace_array {
    struct ov_buf bytes;
    size_t count;
    size_t item_bytes;
};

// The beginning of SHA-256 of what is looked up: nobody can find two that are equal.
struct ov_trace_key {
    uint8_t bytes[OV_TRACE_KEY_BYTES];
};

struct ov_trace_index {
    struct ov_buf slots;
    size_t count, room; // a power of two
};

// Kinds of keys beside those of the types of records.
enum ov_trace_key_kind {
    OV_TRACE_KEY_PROCESS = OV_TRACE_TYPES, // pid and start
    OV_TRACE_KEY_LATEST,                   // pid: the last process of it
    OV_TRACE_KEY_FILE,                     // inode
    OV_TRACE_KEY_COOKIE,                   // of a socket that is watched
    OV_TRACE_KEY_ENDS,                     // family, type, local and remote address of one
};

struct ov_trace_builder {
    struct ov_arena *arena;
    struct ov_trace_model model;
    struct ov_trace_index index;
    struct ov_trace_array stored[OV_TRACE_TYPES]; // records as they were written
    struct ov_trace_array processes, files, uses, sockets, steps, gaps;
    uint64_t fell; // records with a counter less than the one before
};

// ---- arrays and keys ----------------------------------------------------------------------------

// A zeroed item at the end, or NULL when there is no memory.
void *ov_trace_array_add(struct ov_trace_array *array);
void *ov_trace_array_at(const struct ov_trace_array *array, size_t at);
// Its items in the arena, none left here. OV_MEMORY.
enum ov_status ov_trace_array_move(struct ov_trace_array *array, struct ov_arena *arena,
                                   void **ret_items, size_t *ret_count);

struct ov_trace_key ov_trace_key_of_numbers(unsigned kind, uint64_t first, uint64_t second,
                                            uint64_t third);
// Of the address pair of a socket, or the same from its other end.
struct ov_trace_key ov_trace_key_of_ends(const struct ov_trace_socket *socket, bool is_other);
// Of the lines of a record that are its key: `count` of them from `first` on.
struct ov_trace_key ov_trace_key_of_fields(enum ov_trace_type type, const void *record,
                                           size_t first, size_t count);

// The number under a key, or OV_TRACE_NONE.
size_t ov_trace_index_find(const struct ov_trace_index *index, const struct ov_trace_key *key);
// Puts a number under a key, in place of another. OV_MEMORY.
enum ov_status ov_trace_index_set(struct ov_trace_index *index, const struct ov_trace_key *key,
                                  size_t number);

// ---- records ------------------------------------------------------------------------------------

// Copies texts and lists of a record to the arena; where they are equal to those of `old` (NULL:
// there is none), those are taken. OV_MEMORY.
enum ov_status ov_trace_builder_keep(struct ov_trace_builder *builder, enum ov_trace_type type,
                                     void *record, const void *old);

// Takes one record into the model.
enum ov_status ov_trace_builder_add(struct ov_trace_builder *builder,
                                    struct ov_trace_record *record);

// The process of that id: found, or OV_TRACE_NONE.
size_t ov_trace_builder_find_process(const struct ov_trace_builder *builder,
                                     const struct ov_trace_pid *process);

// Sums, reaches, fates: when all records are there.
enum ov_status ov_trace_builder_finish(struct ov_trace_builder *builder);
// What is missing, at last.
enum ov_status ov_trace_builder_find_gaps(struct ov_trace_builder *builder);

// ---- numbers ------------------------------------------------------------------------------------

// Sums stop at the largest number.
uint64_t ov_trace_sum(uint64_t a, uint64_t b);

// Bytes of a file of `size_bytes` that bits of `scale` pages stand for.
uint64_t ov_trace_covered_bytes(const uint8_t coverage[OV_TRACE_COVERAGE_BYTES], uint64_t scale,
                                uint64_t page_bytes, uint64_t size_bytes);
// Joins bits of a scale into those of another; both become those of the larger one.
void ov_trace_coverage_join(uint8_t coverage[OV_TRACE_COVERAGE_BYTES], uint64_t *scale,
                            const uint8_t more[OV_TRACE_COVERAGE_BYTES], uint64_t more_scale);
// Bytes that were written: by calls, and by pages that calls do not explain.
uint64_t ov_trace_written_bytes(const struct ov_trace_file *file, uint64_t page_bytes);
