// SPDX-License-Identifier: Apache-2.0
// Batches of sources, each read by one caged process; where one dies, the next goes on behind it.
#include "role/survey_job.h"

#include "role/rules_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
    const struct ov_survey_request *request;
    size_t first; // of the batch
    size_t count;
    size_t fact_count;
    size_t current; // the source that is read, in the batch
    bool is_broken; // a line of it is none: nothing more of that process is taken
};

static void tell_problem(const struct run *run, size_t source, const char *why) {
    if (run->request->on_problem != NULL) {
        run->request->on_problem(run->request->arg, source, why);
    }
}

// ---- lines ------------------------------------------------------------------------------------

// Of a process that may be hijacked: nothing of it reaches a terminal but printable ASCII.
static void take_problem(const struct run *run, const struct ov_survey_fact *fact) {
    char why[2 * OV_SURVEY_VALUE_BYTES + 8];
    (void)snprintf(why, sizeof why, fact->detail.size > 0 ? "%s: %s" : "%s%s",
                   (const char *)fact->value.data, (const char *)fact->detail.data);
    for (char *at = why; *at != 0; at++) {
        *at = *at >= 0x20 && *at < 0x7f ? *at : '?';
    }
    tell_problem(run, run->first + fact->source, why);
}

static void take_line(struct run *run, struct ov_span line) {
    uint8_t room[OV_SURVEY_ROOM_BYTES];
    struct ov_survey_fact fact;
    if (run->is_broken || ov_survey_fact_decode(line, (uint32_t)run->count, room, &fact) != OV_OK ||
        fact.source != run->current) {
        run->is_broken = true;
        return;
    }
    if (fact.kind == OV_FACT_PROBLEM) {
        take_problem(run, &fact);
    } else if (run->fact_count < OV_SURVEY_FACTS_MAX) {
        run->fact_count++;
        run->request->on_fact(run->request->arg, run->first + fact.source, &fact);
    }
}

// Each message holds whole lines; what does not end with one is none.
static void take_text(void *arg, struct ov_span text) {
    struct run *run = arg;
    size_t at = 0;
    while (at < text.size && !run->is_broken) {
        size_t end = ov_span_find(text, at, '\n');
        run->is_broken = end == text.size;
        take_line(run, ov_span_part(text, at, end - at));
        at = end + 1;
    }
}

static void take_reading(void *arg, size_t source) {
    struct run *run = arg;
    run->current = run->is_broken ? run->current : source;
}

// ---- batches ----------------------------------------------------------------------------------

static enum ov_status make_sources(const struct run *run, struct ov_source *items, char **labels) {
    for (size_t i = 0; i < run->count; i++) {
        const struct ov_survey_item *item = &run->request->items[run->first + i];
        if (asprintf(&labels[i], "%s:%.4000s", ov_survey_source_name(item->kind), item->path) < 0) {
            labels[i] = NULL;
            return OV_MEMORY;
        }
        items[i] = (struct ov_source){
            .path = labels[i], .name = labels[i], .fd = &item->fd, .is_member = true};
    }
    return OV_OK;
}

static enum ov_status run_batch(struct run *run, struct ov_rules_result *ret_result) {
    struct ov_source items[OV_SURVEY_BATCH];
    char *labels[OV_SURVEY_BATCH] = {0};
    enum ov_status status = make_sources(run, items, labels);
    if (status == OV_OK) {
        struct ov_sources sources = {.items = items, .count = run->count};
        struct ov_rules_request words = {
            .words = {.word = OV_WIRE_WORD_SURVEY},
            .sources = &sources,
            .image = -1,
            .arg = run,
            .on_text = take_text,
            .on_reading = take_reading,
        };
        run->is_broken = false;
        run->current = SIZE_MAX;
        ov_rules_run(&words, ret_result);
    }
    for (size_t i = 0; i < run->count; i++) {
        free(labels[i]);
    }
    return status;
}

// How many sources of the batch are done with; the last of them may have ended the reader, or have
// made it say what is no fact.
static size_t count_done(const struct run *run, const struct ov_rules_result *result) {
    if (result->end == OV_RULES_DONE && !run->is_broken) {
        return run->count;
    }
    size_t source = run->current < run->count ? run->current : 0;
    const char *why =
        result->end == OV_RULES_DIED ? result->reason : ov_status_text(result->status);
    tell_problem(run, run->first + source,
                 run->is_broken ? "what its reader said was no fact" : why);
    return source + 1;
}

enum ov_status ov_survey_run(const struct ov_survey_request *request,
                             char ret_reason[OV_SURVEY_REASON_BYTES]) {
    struct run run = {.request = request};
    while (run.first < request->count) {
        size_t left = request->count - run.first;
        run.count = left < OV_SURVEY_BATCH ? left : OV_SURVEY_BATCH;
        struct ov_rules_result result;
        TRY(run_batch(&run, &result));
        if (result.end == OV_RULES_START) {
            (void)snprintf(ret_reason, OV_SURVEY_REASON_BYTES, "%.250s", result.reason);
            return result.status;
        }
        run.first += count_done(&run, &result);
    }
    if (run.fact_count == OV_SURVEY_FACTS_MAX) {
        tell_problem(&run, request->count - 1, "there was more to tell than is taken");
    }
    return OV_OK;
}
