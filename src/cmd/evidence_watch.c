// SPDX-License-Identifier: Apache-2.0
// Traces of `overt watch` in a file of evidence: put in whole, looked at again, and told.
#include "cmd/evidence_export.h"

#include "base/arena.h"
#include "base/hex.h"
#include "base/json.h"
#include "role/caged.h"
#include "trace/claims.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#define ARENA_BYTES_MAX ((size_t)640 << 20) // of the caged process's 1 GiB
#define TRACE_BYTES_MAX ((size_t)256 << 20)
enum { NAME_BYTES = 32, GAPS_TOLD = 8 };

// ---- writing ------------------------------------------------------------------------------------

// In the cage: an enum ov_trace_verdict.
static int judge(void *arg, struct ov_buf *out) {
    const struct ov_buf *bytes = arg;
    struct ov_trace_check check = {0};
    (void)out;
    return ov_trace_check_of(ov_buf_span(bytes), &check) == OV_OK ? (int)check.verdict
                                                                  : OV_TRACE_BAD;
}

static enum ov_status add_watch(struct ov_evidence_work *work, const char *path) {
    struct ov_buf *bytes = &work->watches[work->evidence.watch_count];
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    int verdict = OV_TRACE_BAD;
    enum ov_status status = ov_evidence_load_file(AT_FDCWD, path, TRACE_BYTES_MAX, bytes);
    if (status != OV_OK) {
        return ov_evidence_fail(work, OV_INVALID,
                                status == OV_LIMIT ? "--watch: a trace of more than 256 MiB is "
                                                     "given away beside the file"
                                                   : "--watch: the trace cannot be read");
    }
    const struct ov_caged_work job = {
        .role = OV_ROLE_AUDITOR, .mapped_bytes = bytes->size, .tell = judge, .arg = bytes};
    TRY(ov_caged_run(&job, &text, &verdict));
    if (verdict == OV_TRACE_BAD) {
        return ov_evidence_fail(work, OV_INVALID, "--watch: it is no trace, or it is broken");
    }
    work->evidence.watches[work->evidence.watch_count++] = ov_buf_span(bytes);
    return OV_OK;
}

enum ov_status ov_evidence_add_watches(struct ov_evidence_work *work) {
    (void)fflush(NULL);
    for (size_t i = 0; i < work->options->watch_count; i++) {
        TRY(add_watch(work, work->options->watches[i]));
    }
    return OV_OK;
}

// ---- looking ------------------------------------------------------------------------------------

static void add_gaps(const struct ov_trace_model *model, struct ov_buf *out) {
    ov_buf_add_text(out, "INCOMPLETE");
    for (size_t i = 0; i < model->gap_count && i < GAPS_TOLD; i++) {
        ov_buf_add_text(out, i == 0 ? ": " : "; ");
        ov_trace_gap_add_text(model, &model->gaps[i], out);
    }
    if (model->gap_count > GAPS_TOLD) {
        ov_buf_printf(out, "; and %zu more", model->gap_count - GAPS_TOLD);
    }
    ov_buf_add_u8(out, 0);
}

static enum ov_status tell_steps(const struct ov_trace_model *model, struct ov_span name,
                                 const struct ov_evidence_check *check) {
    static const enum ov_proven results[] = {
        [OV_TRACE_BAD] = OV_FAILED, [OV_TRACE_CUT] = OV_NOT_PROVEN, [OV_TRACE_WHOLE] = OV_PROVEN};
    OV_CLEANUP(ov_buf_release) struct ov_buf gaps = {0};
    enum ov_trace_verdict verdict = model->check.verdict;
    const char *why = verdict == OV_TRACE_BAD ? model->check.bad_why
                                              : "it has no end; what stands behind its last "
                                                "checkpoint is not counted";
    struct ov_evidence_step step = {.result = results[verdict],
                                    .what = "the trace is unbroken from its beginning to its end",
                                    .why = verdict == OV_TRACE_WHOLE ? NULL : why,
                                    .name = name};
    check->on_step(check->arg, &step);
    add_gaps(model, &gaps);
    TRY(ov_buf_status(&gaps));
    step.result = model->is_complete ? OV_PROVEN : OV_NOT_PROVEN;
    step.what = "the recorder says that it missed nothing";
    step.why = model->is_complete ? NULL : (const char *)gaps.data;
    check->on_step(check->arg, &step);
    return OV_OK;
}

static enum ov_status check_one(struct ov_span bytes, size_t number,
                                const struct ov_evidence_check *check) {
    OV_CLEANUP(ov_arena_release) struct ov_arena arena;
    struct ov_trace_model model;
    char name[NAME_BYTES];
    ov_arena_init(&arena, ARENA_BYTES_MAX);
    (void)snprintf(name, sizeof name, "trace %zu", number);
    if (ov_trace_model_build(bytes, &arena, &model) == OV_OK) {
        return tell_steps(&model, ov_span_text(name), check);
    }
    const struct ov_evidence_step step = {
        .result = OV_NOT_PROVEN,
        .what = "the trace is unbroken from its beginning to its end",
        .why = "it takes more memory to look at than this process may have",
        .name = ov_span_text(name)};
    check->on_step(check->arg, &step);
    return OV_OK;
}

enum ov_status ov_evidence_check_watches(const struct ov_evidence *evidence,
                                         const struct ov_evidence_check *check) {
    for (size_t i = 0; i < evidence->watch_count; i++) {
        TRY(check_one(evidence->watches[i], i + 1, check));
    }
    return OV_OK;
}

// ---- telling ------------------------------------------------------------------------------------

struct told {
    const struct ov_trace_model *model;
    const struct ov_trace_claim *claims;
    size_t count;
};

static void add_text(const struct told *told, size_t number, struct ov_buf *out) {
    char chain[2 * OV_SHA256_BYTES + 1];
    ov_hex_write(ov_span_make(told->model->check.chain, OV_SHA256_BYTES), chain);
    ov_buf_printf(out, "trace %-5zu %s, %" PRIu64 " records, the last of them chained to %s\n",
                  number, told->model->is_complete ? "COMPLETE" : "INCOMPLETE",
                  told->model->check.records, chain);
    for (size_t i = 0; i < told->count; i++) {
        const struct ov_trace_claim *claim = &told->claims[i];
        if (!claim->is_gap) { // these stand in the step above
            ov_buf_printf(out, "trace %-5zu %s: %s\n", number, ov_trace_claim_word(claim->kind),
                          claim->text);
        }
    }
}

static void add_json(const struct told *told, struct ov_json *json) {
    char chain[2 * OV_SHA256_BYTES + 1];
    ov_hex_write(ov_span_make(told->model->check.chain, OV_SHA256_BYTES), chain);
    ov_json_bool(json, "complete", told->model->is_complete);
    ov_json_uint(json, "records", told->model->check.records);
    ov_json_text(json, "chain", chain);
    ov_json_uint(json, "read_bytes", told->model->totals.read_bytes);
    ov_json_uint(json, "kept_bytes", told->model->totals.kept_bytes);
    ov_json_uint(json, "sent_bytes", told->model->totals.sent_bytes);
    ov_json_array(json, "claims");
    for (size_t i = 0; i < told->count; i++) {
        const struct ov_trace_claim *claim = &told->claims[i];
        ov_json_object(json, NULL);
        ov_json_text(json, "type", ov_trace_claim_word(claim->kind));
        ov_json_text(json, "what", claim->what);
        ov_json_text(json, "force", ov_trace_force_word(claim->force));
        ov_json_uint(json, "bytes", claim->bytes);
        ov_json_text(json, "text", claim->text);
        ov_json_object_end(json);
    }
    ov_json_array_end(json);
}

// One that is too large was told as such before.
static void tell_one(struct ov_span bytes, size_t number, struct ov_buf *out,
                     struct ov_json *json) {
    OV_CLEANUP(ov_arena_release) struct ov_arena arena;
    struct ov_trace_model model;
    struct ov_trace_places places;
    struct told told = {.model = &model};
    ov_arena_init(&arena, ARENA_BYTES_MAX);
    bool is_read =
        ov_trace_model_build(bytes, &arena, &model) == OV_OK &&
        ov_trace_places_build(&model, &arena, &places) == OV_OK &&
        ov_trace_claims_build(&model, &places, &arena, &told.claims, &told.count) == OV_OK;
    if (json != NULL) {
        ov_json_object(json, NULL);
        if (is_read) {
            add_json(&told, json);
        }
        ov_json_object_end(json);
    } else if (is_read) {
        add_text(&told, number, out);
    }
}

void ov_evidence_tell_watches(const struct ov_evidence *evidence, struct ov_buf *out,
                              struct ov_json *json) {
    if (json != NULL) {
        ov_json_array(json, "traces");
    }
    for (size_t i = 0; i < evidence->watch_count; i++) {
        tell_one(evidence->watches[i], i + 1, out, json);
    }
    if (json != NULL) {
        ov_json_array_end(json);
    }
}
