// SPDX-License-Identifier: Apache-2.0
// The model of a trace: its records taken in, sums made, gaps found.
#include "trace/model.h"

#include "trace/builder.h"
#include "trace/words.h"

#include <stdlib.h>

// ---- gaps ---------------------------------------------------------------------------------------

bool ov_trace_selftest_has_passed(const struct ov_trace_selftest *selftest) {
    if (selftest->outcome == OV_TRACE_OUTCOME_ABSENT) {
        return true;
    }
    if (selftest->outcome != selftest->expected) {
        return false;
    }
    return selftest->outcome == OV_TRACE_OUTCOME_DENIED ||
           (selftest->want <= selftest->seen && selftest->seen <= selftest->most);
}

static enum ov_status add_gap(struct ov_trace_builder *builder, enum ov_trace_gap_kind kind,
                              struct ov_span name, uint64_t count) {
    struct ov_trace_gap *gap = ov_trace_array_add(&builder->gaps);
    if (gap == NULL) {
        return OV_MEMORY;
    }
    *gap = (struct ov_trace_gap){kind, name, count};
    return OV_OK;
}

static enum ov_status add_plain_gap(struct ov_trace_builder *builder, bool is_there,
                                    enum ov_trace_gap_kind kind, uint64_t count) {
    return is_there ? add_gap(builder, kind, ov_span_make(NULL, 0), count) : OV_OK;
}

static enum ov_status find_gaps_of_file(struct ov_trace_builder *builder) {
    const struct ov_trace_model *model = &builder->model;
    enum ov_trace_verdict verdict = model->check.verdict;
    TRY(add_plain_gap(builder, verdict == OV_TRACE_BAD, OV_TRACE_GAP_BAD, 0));
    TRY(add_plain_gap(builder, verdict == OV_TRACE_CUT, OV_TRACE_GAP_CUT, 0));
    if (model->has_end && model->end.why != OV_TRACE_DONE) {
        struct ov_span why = ov_span_text(ov_trace_why_words[model->end.why]);
        TRY(add_gap(builder, OV_TRACE_GAP_END, why, 0));
    }
    TRY(add_plain_gap(builder, model->end.unwritten > 0, OV_TRACE_GAP_UNWRITTEN,
                      model->end.unwritten));
    return add_plain_gap(builder, builder->fell > 0, OV_TRACE_GAP_FELL, builder->fell);
}

static enum ov_status find_gaps_of_losses(struct ov_trace_builder *builder) {
    const struct ov_trace_model *model = &builder->model;
    TRY(add_plain_gap(builder, model->loss_count == 0, OV_TRACE_GAP_NO_LOSSES, 0));
    for (size_t i = 0; i < model->loss_count; i++) {
        const struct ov_trace_loss *loss = &model->losses[i];
        if (loss->count > 0) {
            TRY(add_gap(builder, OV_TRACE_GAP_LOSS, loss->name, loss->count));
        }
    }
    return OV_OK;
}

static enum ov_status find_gaps_of_sensors(struct ov_trace_builder *builder) {
    const struct ov_trace_model *model = &builder->model;
    TRY(add_plain_gap(builder, model->sensor_count == 0, OV_TRACE_GAP_NO_SENSORS, 0));
    for (size_t i = 0; i < model->sensor_count; i++) {
        const struct ov_trace_sensor *sensor = &model->sensors[i];
        if (sensor->is_needed && sensor->state != OV_TRACE_STATE_ON) {
            TRY(add_gap(builder, OV_TRACE_GAP_SENSOR, sensor->name, 0));
        }
    }
    TRY(add_plain_gap(builder, model->selftest_count == 0, OV_TRACE_GAP_NO_SELFTEST, 0));
    for (size_t i = 0; i < model->selftest_count; i++) {
        const struct ov_trace_selftest *selftest = &model->selftests[i];
        if (!ov_trace_selftest_has_passed(selftest)) {
            TRY(add_gap(builder, OV_TRACE_GAP_SELFTEST, selftest->route, selftest->seen));
        }
    }
    for (size_t i = 0; i < model->layer_count; i++) {
        const struct ov_trace_layer *layer = &model->layers[i];
        if (layer->state == OV_TRACE_STATE_MISSING) {
            TRY(add_gap(builder, OV_TRACE_GAP_LAYER, layer->name, 0));
        }
    }
    return OV_OK;
}

enum ov_status ov_trace_builder_find_gaps(struct ov_trace_builder *builder) {
    TRY(find_gaps_of_file(builder));
    TRY(find_gaps_of_losses(builder));
    return find_gaps_of_sensors(builder);
}

// ---- building -----------------------------------------------------------------------------------

static int compare_steps(const void *a, const void *b) {
    const struct ov_trace_step *first = a;
    const struct ov_trace_step *second = b;
    if (first->at_ns != second->at_ns) {
        return first->at_ns < second->at_ns ? -1 : 1;
    }
    if (first->kind != second->kind) {
        return first->kind < second->kind ? -1 : 1;
    }
    return first->index < second->index ? -1 : first->index > second->index;
}

// Everything goes to the arena, and the model knows where it is.
static enum ov_status hand_over(struct ov_trace_builder *builder) {
    struct ov_trace_model *model = &builder->model;
    struct ov_trace_array *stored = builder->stored;
    const struct {
        struct ov_trace_array *array;
        void *items; // the address of a pointer in the model
        size_t *count;
    } places[] = {
        {&stored[OV_TRACE_PROGRAM], &model->programs, &model->program_count},
        {&stored[OV_TRACE_LAYER], &model->layers, &model->layer_count},
        {&stored[OV_TRACE_EXCEPTION], &model->exceptions, &model->exception_count},
        {&stored[OV_TRACE_SENSOR], &model->sensors, &model->sensor_count},
        {&stored[OV_TRACE_SELFTEST], &model->selftests, &model->selftest_count},
        {&stored[OV_TRACE_PRIOR], &model->priors, &model->prior_count},
        {&stored[OV_TRACE_AUDIT], &model->audits, &model->audit_count},
        {&stored[OV_TRACE_PLANTED], &model->planted, &model->planted_count},
        {&stored[OV_TRACE_PROCESS], &model->events, &model->event_count},
        {&stored[OV_TRACE_CANARY], &model->canaries, &model->canary_count},
        {&stored[OV_TRACE_ACT], &model->acts, &model->act_count},
        {&stored[OV_TRACE_DENIED], &model->denials, &model->denial_count},
        {&stored[OV_TRACE_NET], &model->nets, &model->net_count},
        {&stored[OV_TRACE_PLAINTEXT], &model->plaintexts, &model->plaintext_count},
        {&stored[OV_TRACE_LOSS], &model->losses, &model->loss_count},
        {&builder->processes, &model->processes, &model->process_count},
        {&builder->files, &model->files, &model->file_count},
        {&builder->uses, &model->uses, &model->use_count},
        {&builder->sockets, &model->sockets, &model->socket_count},
        {&builder->steps, &model->steps, &model->step_count},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        void *items = NULL;
        TRY(ov_trace_array_move(places[i].array, builder->arena, &items, places[i].count));
        memcpy(places[i].items, &items, sizeof items);
    }
    return OV_OK;
}

static enum ov_status read_records(struct ov_trace_builder *builder,
                                   struct ov_trace_reader *reader) {
    struct ov_trace_record record;
    enum ov_status status = OV_OK;
    while ((status = ov_trace_next(reader, &record)) == OV_OK) {
        TRY(ov_trace_builder_add(builder, &record));
    }
    return status == OV_END ? OV_OK : status;
}

static enum ov_status read_good(struct ov_trace_builder *builder, struct ov_span bytes) {
    struct ov_trace_reader reader;
    struct ov_span good = ov_span_part(bytes, 0, (size_t)builder->model.check.good_bytes);
    if (good.size == 0) {
        return OV_OK;
    }
    TRY(ov_trace_reader_init(good, &reader));
    enum ov_status status = read_records(builder, &reader);
    ov_trace_reader_release(&reader);
    return status;
}

static void sort_steps(struct ov_trace_array *steps) {
    if (steps->count > 1) {
        qsort(steps->bytes.data, steps->count, steps->item_bytes, compare_steps);
    }
}

static enum ov_status build(struct ov_trace_builder *builder, struct ov_span bytes) {
    struct ov_trace_model *model = &builder->model;
    void *gaps = NULL;
    TRY(ov_trace_check_of(bytes, &model->check));
    TRY(read_good(builder, bytes));
    TRY(ov_trace_builder_finish(builder));
    sort_steps(&builder->steps);
    TRY(hand_over(builder));
    TRY(ov_trace_builder_find_gaps(builder));
    TRY(ov_trace_array_move(&builder->gaps, builder->arena, &gaps, &model->gap_count));
    model->gaps = gaps;
    model->is_complete = model->gap_count == 0;
    return OV_OK;
}

static void release(struct ov_trace_builder *builder) {
    ov_buf_release(&builder->processes.bytes);
    ov_buf_release(&builder->files.bytes);
    ov_buf_release(&builder->uses.bytes);
    ov_buf_release(&builder->sockets.bytes);
    ov_buf_release(&builder->steps.bytes);
    ov_buf_release(&builder->gaps.bytes);
    for (size_t i = 0; i < OV_TRACE_TYPES; i++) {
        ov_buf_release(&builder->stored[i].bytes);
    }
    ov_buf_release(&builder->index.slots);
}

enum ov_status ov_trace_model_build(struct ov_span bytes, struct ov_arena *arena,
                                    struct ov_trace_model *ret_model) {
    OV_CLEANUP(release)
    struct ov_trace_builder builder = {
        .arena = arena,
        .processes.item_bytes = sizeof(struct ov_trace_model_process),
        .files.item_bytes = sizeof(struct ov_trace_model_file),
        .uses.item_bytes = sizeof(struct ov_trace_model_use),
        .sockets.item_bytes = sizeof(struct ov_trace_model_socket),
        .steps.item_bytes = sizeof(struct ov_trace_step),
        .gaps.item_bytes = sizeof(struct ov_trace_gap),
    };
    TRY(build(&builder, bytes));
    *ret_model = builder.model;
    return OV_OK;
}

size_t ov_trace_model_find_process(const struct ov_trace_model *model,
                                   const struct ov_trace_pid *process) {
    size_t found = OV_TRACE_NONE;
    for (size_t i = 0; i < model->process_count; i++) {
        const struct ov_trace_pid *id = &model->processes[i].id;
        bool is_same = id->start_ns == process->start_ns || process->start_ns == 0;
        if (id->pid == process->pid && is_same) {
            found = i; // without a start: the last one of that pid
        }
    }
    return found;
}
