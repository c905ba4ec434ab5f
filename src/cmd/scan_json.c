// SPDX-License-Identifier: Apache-2.0
// One object for each path, and one for the whole.
#include "cmd/scan_json.h"

#include "base/json.h"
#include "ledger/encoding.h"

#include <string.h>

static const char *verdict_name(enum ov_result_kind kind) {
    switch (kind) {
    case OV_RESULT_CLEAN:
    case OV_RESULT_UNCHANGED:
        return "clean";
    case OV_RESULT_FOUND:
        return "found";
    case OV_RESULT_LIMITED:
        return "limited";
    case OV_RESULT_SKIPPED:
        return "skipped";
    default:
        return "error";
    }
}

// PATH!NAME where the member's name came along, else PATH!#2!#0 by member numbers.
static void add_place(struct ov_json *json, struct ov_span path,
                      const struct ov_wire_detection *detection) {
    OV_CLEANUP(ov_buf_release) struct ov_buf place = {0};
    if (detection->depth == 0) {
        ov_json_null(json, "path_inside");
        return;
    }
    ov_buf_add(&place, path.data, path.size);
    if (detection->name_size > 0) {
        ov_buf_add_u8(&place, '!');
        ov_buf_add(&place, detection->name, detection->name_size);
    }
    for (uint32_t i = 0; detection->name_size == 0 && i < detection->depth; i++) {
        ov_buf_printf(&place, "!#%u", detection->members[i]);
    }
    ov_json_bytes(json, "path_inside", ov_buf_span(&place));
}

static void add_detection(struct ov_json *json, const struct ov_scan_output *output,
                          struct ov_span path, const struct ov_wire_detection *detection) {
    const struct ov_rule_names *names = &output->image->names;
    char name[OV_NAME_TEXT_BYTES];
    (void)ov_rule_names_get(names, detection->rule, name);
    ov_json_object(json, NULL);
    ov_json_text(json, "rule", name);
    ov_json_bytes(json, "set", ov_rule_names_source(names, detection->rule));
    add_place(json, path, detection);
    ov_json_uint(json, "offset", detection->offset);
    ov_json_object_end(json);
}

void ov_scan_json_result(struct ov_scan_output *output, const struct ov_scan_result *result,
                         const char *moved_to) {
    struct ov_json json;
    ov_json_init(&json, &output->line);
    ov_json_object(&json, NULL);
    ov_json_bytes(&json, "path", result->path);
    ov_json_text(&json, "verdict", verdict_name(result->kind));
    ov_json_array(&json, "detections");
    for (uint32_t i = 0; i < result->detection_count; i++) {
        add_detection(&json, output, result->path, &result->detections[i]);
    }
    ov_json_array_end(&json);
    ov_json_uint(&json, "bytes", result->bytes);
    if (result->kind == OV_RESULT_ERROR) {
        ov_json_text(&json, "error", result->reason);
    } else {
        ov_json_null(&json, "error");
    }
    bool has_limit = result->kind == OV_RESULT_FOUND && result->reason != NULL;
    if (result->kind == OV_RESULT_LIMITED || has_limit) {
        ov_json_text(&json, "limit", result->reason);
    }
    if (result->kind == OV_RESULT_SKIPPED) {
        ov_json_text(&json, "reason", result->reason);
    }
    if (result->kind == OV_RESULT_UNCHANGED) {
        ov_json_bool(&json, "unchanged", true);
    }
    if (moved_to != NULL) {
        ov_json_text(&json, "moved_to", moved_to);
    }
    ov_json_object_end(&json);
    ov_buf_add_u8(&output->line, '\n');
}

static void add_confinement(struct ov_json *json, const struct ov_scan_outcome *outcome) {
    ov_json_array(json, "confinement");
    for (unsigned i = 0; i < OV_LAYER_COUNT; i++) {
        if ((outcome->enforced & OV_CAGE(i)) != 0) {
            ov_json_text(json, NULL, ov_cage_layer_name(i));
        }
    }
    ov_json_array_end(json);
    ov_json_array(json, "confinement_missing");
    for (unsigned i = 0; outcome->workers_started > 0 && i < OV_LAYER_COUNT; i++) {
        if ((outcome->enforced & OV_CAGE(i)) == 0) {
            ov_json_object(json, NULL);
            ov_json_text(json, "layer", ov_cage_layer_name(i));
            ov_json_text(json, "why", strerror(outcome->refusals[i]));
            ov_json_object_end(json);
        }
    }
    ov_json_array_end(json);
}

static void add_journal(struct ov_json *json, const struct ov_scan_output *output) {
    OV_CLEANUP(ov_buf_release) struct ov_buf root = {0};
    const struct ov_tree_head *sealed = output->sealed;
    if (output->journal_error != NULL) {
        ov_json_object(json, "journal");
        ov_json_text(json, "error", output->journal_error);
        ov_json_object_end(json);
        return;
    }
    if (sealed == NULL) {
        ov_json_null(json, "journal");
        return;
    }
    ov_tree_hash_add(&root, &sealed->root);
    ov_json_object(json, "journal");
    ov_json_uint(json, "size", sealed->size);
    ov_json_bytes(json, "root", ov_buf_span(&root));
    ov_json_object_end(json);
}

void ov_scan_json_summary(struct ov_scan_output *output, const struct ov_scan_outcome *outcome,
                          double seconds) {
    const struct ov_scan_totals *totals = &output->totals;
    struct ov_json json;
    ov_json_init(&json, &output->line);
    ov_json_object(&json, NULL);
    ov_json_object(&json, "summary");
    ov_json_uint(&json, "files", totals->files);
    ov_json_uint(&json, "bytes", totals->bytes);
    ov_json_uint(&json, "found", totals->found);
    ov_json_uint(&json, "errors", totals->errors);
    ov_json_uint(&json, "limited", totals->limited);
    ov_json_uint(&json, "skipped", totals->skipped);
    ov_json_uint(&json, "unchanged", totals->unchanged);
    ov_json_float(&json, "seconds", seconds);
    ov_json_text(&json, "image", output->image->id);
    ov_json_uint(&json, "rules", output->image->names.count);
    ov_json_uint(&json, "workers", outcome->workers_started);
    ov_json_uint(&json, "workers_lost", outcome->workers_lost);
    add_confinement(&json, outcome);
    add_journal(&json, output);
    ov_json_object_end(&json);
    ov_json_object_end(&json);
    ov_buf_add_u8(&output->line, '\n');
}
