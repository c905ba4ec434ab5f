// SPDX-License-Identifier: Apache-2.0
// Compiles a rule set into an image: the order of the work.
#include "rules/emit.h"

#include "rules/emit_hash.h"
#include "rules/emit_state.h"

#include <stdlib.h>

void ov_build_report_release(struct ov_build_report *report) {
    free(report->costs);
    *report = (struct ov_build_report){0};
}

static void tell(const struct ov_emit *emit, const char *stage, unsigned percent) {
    if (emit->options->progress != NULL) {
        emit->options->progress(emit->options->progress_arg, stage, percent);
    }
}

static enum ov_status open_sections(struct ov_emit *emit) {
    struct {
        struct ov_buf **section;
        uint32_t type;
    } const wanted[] = {
        {&emit->rules, OV_SECTION_RULES},
        {&emit->subs, OV_SECTION_SUBS},
        {&emit->patterns, OV_SECTION_PATTERNS},
        {&emit->code, OV_SECTION_CODE},
        {&emit->limits, OV_SECTION_LIMITS},
        {&emit->triggers, OV_SECTION_TRIGGERS},
        {&emit->metadata, OV_SECTION_METADATA},
        {&emit->magics, OV_SECTION_MAGICS},
        {&emit->icons, OV_SECTION_ICONS},
        {&emit->pictures, OV_SECTION_PICTURES},
        {&emit->certificates, OV_SECTION_CERTIFICATES},
        {&emit->listed, OV_SECTION_LISTED},
        {&emit->links, OV_SECTION_LINKS},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        *wanted[i].section = ov_image_writer_add(emit->writer, wanted[i].type, 0);
        if (*wanted[i].section == NULL) {
            return OV_LIMIT;
        }
    }
    return OV_OK;
}

static enum ov_status emit_rules(struct ov_emit *emit) {
    const struct ov_ruleset *set = emit->set;
    for (size_t i = 0; i < set->rule_count; i++) {
        if (i % 4096 == 0) {
            tell(emit, "compiling rules", (unsigned)(i * 100 / set->rule_count));
        }
        TRY(ov_emit_rule(emit, &set->rules[i]));
        TRY(ov_buf_status(emit->rules));
        TRY(ov_buf_status(emit->subs));
        TRY(ov_buf_status(emit->patterns));
        TRY(ov_buf_status(emit->limits));
        TRY(ov_buf_status(emit->metadata));
        TRY(ov_buf_status(&emit->emit_patterns));
        TRY(ov_buf_status(&emit->fours));
        TRY(ov_emit_cover(emit, (uint32_t)i));
    }
    return OV_OK;
}

static enum ov_status emit_hashes(struct ov_emit *emit) {
    const struct ov_ruleset *set = emit->set;
    struct ov_hash_report report = {0};
    tell(emit, "sorting hashes", 0);
    TRY(ov_emit_hashes(set->hashes, set->hash_count, (uint32_t)set->rule_count, emit->writer,
                       &report));
    for (unsigned kind = 0; kind < OV_HASH_KINDS; kind++) {
        emit->report.any_size_hashes += (uint32_t)(report.any_size_count[OV_HASH_OBJECT][kind] +
                                                   report.any_size_count[OV_HASH_ALLOW][kind]);
    }
    for (size_t i = 0; i < set->hash_count && emit->options->with_costs; i++) {
        const struct ov_hash_rule *rule = &set->hashes[i];
        bool is_object = rule->scope == OV_HASH_OBJECT || rule->scope == OV_HASH_ALLOW;
        struct ov_rule_cost cost = {.rule = (uint32_t)i, .kind = OV_COST_HASHES, .frequency = 1};
        if (is_object && rule->size == OV_HASH_ANY_SIZE) {
            ov_buf_add(&emit->costs, &cost, sizeof cost);
        }
    }
    return OV_OK;
}

static enum ov_status emit_all(struct ov_emit *emit) {
    TRY(open_sections(emit));
    TRY(emit_rules(emit));
    TRY(ov_emit_magics(emit));
    TRY(ov_emit_icons(emit));
    TRY(ov_emit_pictures(emit));
    TRY(ov_emit_listed(emit));
    TRY(ov_emit_links(emit));
    TRY(ov_emit_order(emit));
    TRY(ov_emit_filters(emit));
    TRY(emit_hashes(emit));
    tell(emit, "writing names", 0);
    return ov_emit_names(emit);
}

static int compare_costs(const void *a, const void *b) {
    const struct ov_rule_cost *left = a, *right = b;
    if (left->frequency != right->frequency) {
        return left->frequency < right->frequency ? 1 : -1;
    }
    return (left->rule > right->rule) - (left->rule < right->rule);
}

// What the build has to tell besides the image; the costs change hands.
static void fill_report(struct ov_emit *emit, struct ov_build_report *ret_report) {
    struct ov_build_report report = emit->report;
    const struct ov_image_rule *rules = (const struct ov_image_rule *)emit->rules->data;
    const struct ov_emit_pattern *patterns =
        (const struct ov_emit_pattern *)emit->emit_patterns.data;
    report.rule_count = (uint32_t)emit->set->rule_count;
    report.hash_rule_count = (uint32_t)emit->set->hash_count;
    for (uint32_t i = 0; i < report.rule_count; i++) {
        report.always_count += (rules[i].flags & OV_RULE_FLAG_ALWAYS) != 0;
    }
    uint32_t count = ov_emit_count(&emit->emit_patterns, sizeof *patterns);
    for (uint32_t i = 0; i < count; i++) {
        bool is_used = patterns[i].trigger != OV_IMAGE_NONE;
        report.trigger_count += is_used;
        report.tail_count += is_used && patterns[i].window.kind == OV_WINDOW_TAIL;
        report.probe_count += is_used && patterns[i].window.kind == OV_WINDOW_PROBE;
    }
    report.cost_count = ov_emit_count(&emit->costs, sizeof *report.costs);
    report.costs = (struct ov_rule_cost *)emit->costs.data;
    if (report.cost_count > 1) {
        qsort(report.costs, report.cost_count, sizeof *report.costs, compare_costs);
    }
    emit->costs = (struct ov_buf){0};
    *ret_report = report;
}

enum ov_status ov_image_build(const struct ov_ruleset *set, const struct ov_build_options *options,
                              struct ov_buf *ret_image, struct ov_build_report *ret_report) {
    if (set->rule_count + set->hash_count >= UINT32_MAX) {
        return OV_LIMIT;
    }
    struct ov_image_writer *writer = malloc(sizeof *writer);
    if (writer == NULL) {
        return OV_MEMORY;
    }
    ov_image_writer_init(writer);
    struct ov_emit emit = {.set = set, .options = options, .writer = writer};
    emit.plain = calloc(1, sizeof *emit.plain);
    emit.places = calloc(1, sizeof *emit.places);
    bool has_room = emit.plain != NULL && emit.places != NULL;
    enum ov_status status = has_room ? emit_all(&emit) : OV_MEMORY;
    if (status == OV_OK && ret_report != NULL) {
        fill_report(&emit, ret_report);
    }
    if (status == OV_OK) {
        writer->rule_count = (uint32_t)set->rule_count;
        writer->hash_rule_count = (uint32_t)set->hash_count;
        writer->window_overlap = emit.window_overlap;
        tell(&emit, "writing the image", 0);
        status = ov_image_writer_finish(writer, ret_image);
    }
    ov_image_writer_release(writer);
    free(writer);
    free(emit.plain);
    free(emit.places);
    ov_buf_release(&emit.emit_patterns);
    ov_buf_release(&emit.fours);
    ov_buf_release(&emit.parts);
    ov_buf_release(&emit.costs);
    return status;
}
