// SPDX-License-Identifier: Apache-2.0
// The records of a trace, one after another.
#include "trace/reader.h"

#include "trace/form.h"
#include "trace/frame.h"

enum { SCRATCH_BYTES_MAX = 1 << 20 }; // a record's texts are shorter than it, its lists are short

enum ov_status ov_trace_reader_init(struct ov_span bytes, struct ov_trace_reader *ret_reader) {
    if (!ov_span_has_prefix(bytes, OV_TRACE_MAGIC)) {
        return OV_DAMAGED;
    }
    *ret_reader = (struct ov_trace_reader){.cursor = ov_cursor_init(bytes)};
    ov_cursor_skip(&ret_reader->cursor, OV_TRACE_MAGIC_BYTES);
    ov_trace_chain_start(ret_reader->chain);
    ov_arena_init(&ret_reader->scratch, SCRATCH_BYTES_MAX);
    return OV_OK;
}

void ov_trace_reader_release(struct ov_trace_reader *reader) {
    ov_arena_release(&reader->scratch);
}

enum ov_status ov_trace_next(struct ov_trace_reader *reader, struct ov_trace_record *ret_record) {
    struct ov_cursor ahead = reader->cursor;
    struct ov_span bytes;
    uint8_t chain[OV_SHA256_BYTES];
    memcpy(chain, reader->chain, sizeof chain);
    ov_arena_reset(&reader->scratch);
    enum ov_status status = ov_trace_frame_read(&ahead, chain, &bytes, &reader->why);
    reader->is_torn = status == OV_DAMAGED;
    TRY(status);
    status = ov_trace_record_read(bytes, &reader->scratch, ret_record);
    if (status == OV_DAMAGED) {
        reader->why = "it has not the form of its type";
    }
    TRY(status);
    memcpy(reader->chain, chain, sizeof chain);
    reader->cursor = ahead;
    reader->records++;
    return OV_OK;
}
