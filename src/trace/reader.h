// SPDX-License-Identifier: Apache-2.0
//
// Reads a trace (docs/formats/trace.md): strictly, since strangers send them. For caged processes.
//
// First ov_trace_check_of() looks at the whole of it and says how much is good; then a reader gives
// the records of that part. Anything that the page does not allow is the first bad record.
#pragma once

#include "base/arena.h"
#include "base/cursor.h"
#include "trace/record.h"

enum { OV_TRACE_TAIL_BYTES_MAX = 512 << 10 }; // what may stand behind a checkpoint

struct ov_trace_reader {
    struct ov_cursor cursor;
    uint64_t records;               // read so far
    uint8_t chain[OV_SHA256_BYTES]; // over these
    struct ov_arena scratch;        // texts and lists of the last record
    const char *why;                // what is wrong with the record that was not read
    bool is_torn;                   // it is its frame that is wrong, as a crash may leave it
};

// Begins with the first record of `bytes`. OV_DAMAGED: this is no trace.
enum ov_status ov_trace_reader_init(struct ov_span bytes, struct ov_trace_reader *ret_reader);
void ov_trace_reader_release(struct ov_trace_reader *reader);

// The next record; what it points to is valid until the next call. OV_END behind the last one.
// OV_DAMAGED: `why` says what is wrong, and the reader stands where it stood. Length, check and
// form are looked at, not what is demanded of all records together. OV_MEMORY.
enum ov_status ov_trace_next(struct ov_trace_reader *reader, struct ov_trace_record *ret_record);

enum ov_trace_verdict {
    OV_TRACE_BAD = 0, // broken or changed: nothing of it is counted
    OV_TRACE_CUT, // without its end; good up to a checkpoint, a short tail behind it is not counted
    OV_TRACE_WHOLE, // good to its end
};

// What is demanded of a trace, looked at.
struct ov_trace_check {
    enum ov_trace_verdict verdict;
    uint64_t good_bytes;             // these are counted: 0 when it is bad
    uint64_t records;                // in these
    uint64_t counts[OV_TRACE_TYPES]; // in these
    uint8_t chain[OV_SHA256_BYTES];  // over these: the trace's name for whoever vouches for it
    uint64_t tail_bytes;             // behind them (cut)
    uint64_t tail_records;           // sound ones in the tail
    uint64_t bad_record; // the first bad one's number (bad; cut with a torn last record)
    uint64_t bad_offset; // where its frame begins
    const char *bad_why; // NULL when there is none
};

// Looks at a whole file. OV_MEMORY is its only failure.
enum ov_status ov_trace_check_of(struct ov_span bytes, struct ov_trace_check *ret_check);
