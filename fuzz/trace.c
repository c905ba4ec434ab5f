// SPDX-License-Identifier: Apache-2.0
// rooms: trace
//
// A trace: what is read is written again as it was, and no number is made of what is not good.
//
// Input: a whole trace; or the texts of records with a zero byte between them, which are framed
// here as a writer would, checkpoints with their right number and chain.
#include "trace/form.h"
#include "trace/frame.h"
#include "trace/report.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SCRATCH_BYTES = 1 << 20, MODEL_BYTES = 16 << 20 };

static void expect(bool is_so) {
    if (!is_so) {
        abort();
    }
}

static void check_record(struct ov_span bytes, const struct ov_trace_record *record) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    expect(record->type < OV_TRACE_TYPES);
    expect(ov_trace_record_add(&out, record->type, &record->begin) == OV_OK);
    expect(ov_span_is_equal(ov_buf_span(&out), bytes));
    for (size_t i = 0; i < bytes.size; i++) { // fit for terminals
        expect(bytes.data[i] == '\n' || (bytes.data[i] >= ' ' && bytes.data[i] <= '~'));
    }
}

static void check_sums(const struct ov_trace_model *model) {
    const struct ov_trace_totals *totals = &model->totals;
    for (size_t i = 0; i < model->use_count; i++) {
        const struct ov_trace_model_use *use = &model->uses[i];
        expect(use->file < model->file_count && use->process < model->process_count);
        expect(use->covered_bytes <= use->read_bytes);
    }
    for (size_t i = 0; i < model->file_count; i++) {
        const struct ov_trace_model_file *file = &model->files[i];
        expect(file->covered_bytes <= file->largest_bytes);
        expect(file->covered_bytes <= file->read_bytes && file->fate < OV_TRACE_FATES);
    }
    for (size_t i = 0; i < model->step_count; i++) {
        const struct ov_trace_step *step = &model->steps[i];
        bool is_file = step->kind <= OV_TRACE_STEP_WRITE;
        expect(step->index < (is_file ? model->use_count : model->socket_count));
        expect(step->bytes > 0 && (i == 0 || model->steps[i - 1].at_ns <= step->at_ns));
    }
    expect(totals->covered_bytes <= totals->read_bytes);
    expect(totals->kept_bytes == totals->fate_bytes[OV_TRACE_FATE_KEPT]);
}

// Every form of a report can be made of it, and none lets through what a terminal or a browser
// obeys.
static void check_report(const struct ov_trace_model *model, struct ov_arena *arena) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_trace_report report;
    if (ov_trace_report_build(model, arena, &report) != OV_OK) {
        return; // no memory
    }
    expect(report.finding_count == 0 || model->has_begin);
    ov_trace_report_add_html(&report, &out);
    expect(ov_trace_page_is_ours(ov_buf_span(&out)));
    ov_trace_report_add_text(&report, &out);
    ov_trace_report_add_json(&report, &out);
    for (size_t i = 0; i < out.size; i++) {
        expect(out.data[i] == '\n' || (out.data[i] >= ' ' && out.data[i] != 0x7f));
    }
}

static void check_model(struct ov_span bytes, const struct ov_trace_check *check) {
    OV_CLEANUP(ov_arena_release) struct ov_arena arena = {.cap_bytes = MODEL_BYTES};
    struct ov_trace_model model;
    enum ov_status status = ov_trace_model_build(bytes, &arena, &model);
    if (status == OV_MEMORY) {
        return;
    }
    expect(status == OV_OK && model.check.verdict == check->verdict);
    expect(model.has_begin == (check->records > 0));
    expect(!model.is_complete || (check->verdict == OV_TRACE_WHOLE && model.gap_count == 0));
    expect(model.is_complete == (model.gap_count == 0));
    check_sums(&model);
    check_report(&model, &arena);
}

static void check_trace(struct ov_span bytes) {
    struct ov_trace_check check;
    struct ov_trace_reader reader;
    struct ov_trace_record record;
    expect(ov_trace_check_of(bytes, &check) == OV_OK);
    expect(check.good_bytes <= bytes.size);
    expect((check.verdict == OV_TRACE_WHOLE) == (check.counts[OV_TRACE_END] == 1));
    expect(check.verdict != OV_TRACE_BAD || (check.good_bytes == 0 && check.bad_why != NULL));
    check_model(bytes, &check);
    struct ov_span part = ov_span_part(bytes, 0, (size_t)check.good_bytes);
    if (part.size == 0 || ov_trace_reader_init(part, &reader) != OV_OK) {
        return;
    }
    uint64_t count = 0;
    enum ov_status status = OV_OK;
    while ((status = ov_trace_next(&reader, &record)) == OV_OK) {
        count++;
    }
    ov_trace_reader_release(&reader);
    expect(status == OV_END && count == check.records);
}

// A checkpoint that says what is true here.
static void correct(struct ov_trace_checkpoint *checkpoint, uint64_t records,
                    const uint8_t chain[OV_SHA256_BYTES]) {
    checkpoint->records = records;
    memcpy(checkpoint->chain, chain, OV_SHA256_BYTES);
}

static void check_records(struct ov_span bytes) {
    OV_CLEANUP(ov_arena_release) struct ov_arena arena = {.cap_bytes = SCRATCH_BYTES};
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_cursor cursor = ov_cursor_init(bytes);
    uint8_t chain[OV_SHA256_BYTES];
    uint64_t count = 0;
    ov_buf_add_text(&out, OV_TRACE_MAGIC);
    ov_trace_chain_start(chain);
    while (ov_cursor_left(&cursor) > 0) {
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        struct ov_span part = ov_cursor_until(&cursor, 0);
        struct ov_trace_record record;
        ov_arena_reset(&arena);
        if (ov_trace_record_read(part, &arena, &record) != OV_OK) {
            continue;
        }
        check_record(part, &record);
        if (record.type == OV_TRACE_CHECKPOINT || record.type == OV_TRACE_END) {
            correct(record.type == OV_TRACE_END ? &record.end.checkpoint : &record.checkpoint,
                    count, chain);
        }
        expect(ov_trace_record_add(&text, record.type, &record.begin) == OV_OK);
        ov_trace_frame_add(&out, ov_buf_span(&text), chain);
        count++;
    }
    check_trace(ov_buf_span(&out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_span bytes = ov_span_make(data, size);
    if (ov_span_has_prefix(bytes, OV_TRACE_MAGIC)) {
        check_trace(bytes);
    } else {
        check_records(bytes);
    }
    return 0;
}
