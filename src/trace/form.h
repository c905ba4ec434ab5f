// SPDX-License-Identifier: Apache-2.0
//
// The forms of records: which lines each type has, in their order, and where their values stand in
// its struct. The one table that both writing and reading go by (docs/formats/trace.md); for the
// room alone.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "trace/record.h"

enum {
    OV_TRACE_LIST_BYTES_MAX = 12288, // of a list's lines: no item begins behind so many
};

enum ov_trace_field_kind {
    OV_TRACE_FIELD_U64,
    OV_TRACE_FIELD_U32,
    OV_TRACE_FIELD_I64,
    OV_TRACE_FIELD_TIME,
    OV_TRACE_FIELD_TEXT,
    OV_TRACE_FIELD_LIST,     // `item` is the keyword of its further lines
    OV_TRACE_FIELD_BOOT,     // 16 bytes
    OV_TRACE_FIELD_CHAIN,    // 32 bytes
    OV_TRACE_FIELD_SHA256,   // 32 bytes, or none
    OV_TRACE_FIELD_COVERAGE, // 64 bytes, or none
    OV_TRACE_FIELD_PROCESS,
    OV_TRACE_FIELD_INODE,
    OV_TRACE_FIELD_ROUTES, // bits
    OV_TRACE_FIELD_WORD,   // one of `words`
    OV_TRACE_FIELD_TRUTH,  // yes or no
    OV_TRACE_FIELD_STATUS, // u32, or none; whether there is one stands at `second_offset`
    OV_TRACE_FIELD_LOSSES, // any number of lines; how many stands at `second_offset`
};

struct ov_trace_field {
    const char *keyword;
    enum ov_trace_field_kind kind;
    size_t offset;
    const char *item;
    const char *const *words;
    size_t second_offset;
};

struct ov_trace_form {
    const struct ov_trace_field *fields;
    size_t count;
};

// Of a type, below OV_TRACE_TYPES.
const struct ov_trace_form *ov_trace_form_of(enum ov_trace_type type);

// Whether the values of a record agree with one another; single values are looked at elsewhere.
// `record` is the struct of that type.
bool ov_trace_form_is_sound(enum ov_trace_type type, const void *record);

// Appends a record's text. OV_INVALID (some of it may have been added): it has a value that cannot
// be written, or is too long.
enum ov_status ov_trace_record_add(struct ov_buf *buf, enum ov_trace_type type, const void *record);

// Reads a record's text; what it points to lies in `bytes` or the arena. OV_DAMAGED, OV_MEMORY.
enum ov_status ov_trace_record_read(struct ov_span bytes, struct ov_arena *arena,
                                    struct ov_trace_record *ret_record);
