// SPDX-License-Identifier: Apache-2.0
// What is demanded of a whole trace (docs/formats/trace.md), looked at record by record.
#include "trace/form.h"
#include "trace/frame.h"
#include "trace/reader.h"

struct state {
    struct ov_trace_reader reader;
    uint64_t counts[OV_TRACE_TYPES]; // of all records so far
    uint64_t mono_ns;                // of the last checkpoint
    size_t loss_count;
    uint64_t losses[OV_TRACE_LOSSES_MAX];
    struct ov_span loss_names[OV_TRACE_LOSSES_MAX]; // in `names`
    char names[OV_TRACE_LOSSES_MAX][OV_TRACE_NAME_BYTES_MAX];
    struct ov_trace_check check;
};

// ---- losses -------------------------------------------------------------------------------------

static size_t find_loss(const struct state *state, struct ov_span name) {
    size_t at = 0;
    while (at < state->loss_count && !ov_span_is_equal(state->loss_names[at], name)) {
        at++;
    }
    return at;
}

// What is wrong with a count, or NULL: it is noted.
static const char *note_loss(struct state *state, const struct ov_trace_loss *loss) {
    size_t at = find_loss(state, loss->name);
    if (at == OV_TRACE_LOSSES_MAX) {
        return "there are too many loss counters";
    }
    if (at == state->loss_count) {
        memcpy(state->names[at], loss->name.data, loss->name.size);
        state->loss_names[at] = ov_span_make(state->names[at], loss->name.size);
        state->loss_count++;
    } else if (loss->count < state->losses[at]) {
        return "a loss counter fell";
    }
    state->losses[at] = loss->count;
    return NULL;
}

// Every counter so far stands in a checkpoint once.
static const char *note_losses(struct state *state, const struct ov_trace_checkpoint *checkpoint) {
    bool is_there[OV_TRACE_LOSSES_MAX] = {false};
    size_t before = state->loss_count;
    for (size_t i = 0; i < checkpoint->loss_count; i++) {
        const char *why = note_loss(state, &checkpoint->losses[i]);
        size_t at = find_loss(state, checkpoint->losses[i].name);
        if (why != NULL || is_there[at]) {
            return why != NULL ? why : "a loss counter stands in a checkpoint twice";
        }
        is_there[at] = true;
    }
    for (size_t i = 0; i < before; i++) {
        if (!is_there[i]) {
            return "a loss counter is not in a checkpoint";
        }
    }
    return NULL;
}

// ---- records ------------------------------------------------------------------------------------

static const char *check_checkpoint(struct state *state,
                                    const struct ov_trace_checkpoint *checkpoint, uint64_t records,
                                    const uint8_t chain[OV_SHA256_BYTES]) {
    if (checkpoint->records != records) {
        return "its number of records is wrong";
    }
    if (memcmp(checkpoint->chain, chain, OV_SHA256_BYTES) != 0) {
        return "its chain is wrong";
    }
    if (checkpoint->mono_ns < state->mono_ns) {
        return "it is older than the one before";
    }
    state->mono_ns = checkpoint->mono_ns;
    return note_losses(state, checkpoint);
}

// What is wrong with the record, with all before it in mind, or NULL. `chain` is that before it.
static const char *check_record(struct state *state, const struct ov_trace_record *record,
                                const uint8_t chain[OV_SHA256_BYTES]) {
    uint64_t before = state->reader.records - 1;
    if ((before == 0) != (record->type == OV_TRACE_BEGIN)) {
        return before == 0 ? "the first record is no begin" : "it begins again";
    }
    if (state->counts[OV_TRACE_END] > 0) {
        return "it stands behind the end";
    }
    if (state->reader.cursor.at - state->check.good_bytes > OV_TRACE_TAIL_BYTES_MAX) {
        return "no checkpoint comes for too long";
    }
    switch (record->type) {
    case OV_TRACE_LOSS:
        return note_loss(state, &record->loss);
    case OV_TRACE_CHECKPOINT:
        return check_checkpoint(state, &record->checkpoint, before, chain);
    case OV_TRACE_END:
        return check_checkpoint(state, &record->end.checkpoint, before, chain);
    default:
        return NULL;
    }
}

// All so far is good.
static void keep(struct state *state) {
    struct ov_trace_check *check = &state->check;
    check->good_bytes = state->reader.cursor.at;
    check->records = state->reader.records;
    memcpy(check->counts, state->counts, sizeof check->counts);
    memcpy(check->chain, state->reader.chain, sizeof check->chain);
}

static void note_bad(struct state *state, uint64_t record, size_t offset, const char *why) {
    state->check.bad_record = record;
    state->check.bad_offset = offset;
    state->check.bad_why = why;
}

// Reads on to the end, or to the first bad record.
static enum ov_status read_all(struct state *state) {
    struct ov_trace_reader *reader = &state->reader;
    struct ov_trace_record record;
    for (;;) {
        uint8_t chain[OV_SHA256_BYTES];
        size_t offset = reader->cursor.at;
        memcpy(chain, reader->chain, sizeof chain);
        enum ov_status status = ov_trace_next(reader, &record);
        if (status == OV_DAMAGED) {
            note_bad(state, reader->records, offset, reader->why);
        }
        if (status != OV_OK) {
            return status == OV_MEMORY ? OV_MEMORY : OV_OK;
        }
        const char *why = check_record(state, &record, chain);
        if (why != NULL) {
            note_bad(state, reader->records - 1, offset, why);
            return OV_OK;
        }
        state->counts[record.type]++;
        if (record.type == OV_TRACE_CHECKPOINT || record.type == OV_TRACE_END) {
            keep(state);
        }
    }
}

// ---- the tail -----------------------------------------------------------------------------------

// How many sound forms of that type stand behind `at`, whatever their checks say; `first` is the
// beginning of their text.
static enum ov_status count_forms(struct state *state, size_t at, const char *first,
                                  size_t *ret_count) {
    struct ov_span bytes = state->reader.cursor.bytes;
    struct ov_span mark = ov_span_text(first);
    size_t count = 0;
    at += OV_TRACE_HEAD_BYTES;
    for (; (at = ov_span_search(bytes, at, mark)) < bytes.size; at++) {
        struct ov_cursor cursor = ov_cursor_init(bytes);
        struct ov_trace_record record;
        ov_cursor_seek(&cursor, at - OV_TRACE_HEAD_BYTES);
        uint32_t size = ov_cursor_u32be(&cursor);
        ov_cursor_seek(&cursor, at);
        struct ov_span text = ov_cursor_bytes(&cursor, size);
        ov_arena_reset(&state->reader.scratch);
        enum ov_status status = ov_trace_record_read(text, &state->reader.scratch, &record);
        if (status == OV_MEMORY) {
            return status;
        }
        count += status == OV_OK ? 1 : 0;
    }
    *ret_count = count;
    return OV_OK;
}

// Whether what stands behind the last good checkpoint is what a crash leaves.
static enum ov_status judge_tail(struct state *state, bool is_torn, bool *ret_is_left) {
    size_t ends = 0;
    size_t checkpoints = 0;
    bool is_short = state->check.tail_bytes <= OV_TRACE_TAIL_BYTES_MAX;
    if (!is_short || (state->check.bad_why != NULL && !is_torn)) {
        *ret_is_left = false;
        return OV_OK;
    }
    if (is_torn) {
        size_t at = (size_t)state->check.bad_offset;
        TRY(count_forms(state, at, "end\nwhy ", &ends));
        TRY(count_forms(state, at, "checkpoint\nmono ", &checkpoints));
    }
    *ret_is_left = ends == 0 && checkpoints <= 1;
    return OV_OK;
}

static enum ov_status judge(struct state *state) {
    struct ov_trace_check *check = &state->check;
    bool is_torn = check->bad_why != NULL && state->reader.is_torn;
    bool is_left = false;
    if (state->counts[OV_TRACE_END] > 0) {
        check->verdict = check->bad_why == NULL ? OV_TRACE_WHOLE : OV_TRACE_BAD;
        return OV_OK;
    }
    check->tail_bytes = state->reader.cursor.bytes.size - check->good_bytes;
    check->tail_records = state->reader.records - check->records;
    TRY(judge_tail(state, is_torn, &is_left));
    check->verdict = is_left ? OV_TRACE_CUT : OV_TRACE_BAD;
    if (!is_left && check->bad_why == NULL) {
        note_bad(state, state->reader.records, state->reader.cursor.at,
                 "no checkpoint comes for too long");
    }
    return OV_OK;
}

static enum ov_status check_all(struct state *state) {
    TRY(read_all(state));
    return judge(state);
}

enum ov_status ov_trace_check_of(struct ov_span bytes, struct ov_trace_check *ret_check) {
    struct state state = {0};
    if (ov_trace_reader_init(bytes, &state.reader) != OV_OK) {
        *ret_check = (struct ov_trace_check){.bad_why = "this is no trace"};
        return OV_OK;
    }
    enum ov_status status = check_all(&state);
    ov_trace_reader_release(&state.reader);
    if (status == OV_OK) {
        if (state.check.verdict == OV_TRACE_BAD) { // nothing of it is counted
            state.check.good_bytes = 0;
            state.check.records = 0;
            memset(state.check.counts, 0, sizeof state.check.counts);
            memset(state.check.chain, 0, sizeof state.check.chain);
        }
        *ret_check = state.check;
    }
    return status;
}
