// SPDX-License-Identifier: Apache-2.0
// An inventory as JSON, and whether it says anything.
#include "cmd/inventory_report.h"

#include "config.h"

#include <string.h>

bool ov_inventory_has_found(const struct ov_inventory *inventory) {
    for (size_t i = 0; i < ov_inventory_holder_count(inventory); i++) {
        if (!ov_inventory_holder(inventory, i)->is_expected) {
            return true;
        }
    }
    return ov_inventory_count(inventory) > 0;
}

const char *ov_inventory_report_subject(const struct ov_inventory_report *report) {
    bool is_machine = strcmp(report->root, "/") == 0 && report->machine[0] != 0;
    return is_machine ? report->machine : report->root;
}

static void write_evidence(struct ov_json *json, const struct ov_evidence *evidence) {
    const struct ov_indicator *indicator = evidence->indicator;
    ov_json_object(json, NULL);
    ov_json_text(json, "kind", ov_indicator_name(indicator->kind));
    ov_json_text(json, "matched", evidence->matched);
    ov_json_text(json, "detail", evidence->detail);
    ov_json_text(json, "place", evidence->place);
    ov_json_text(json, "source", indicator->source);
    ov_json_bool(json, "hint", indicator->is_hint);
    ov_json_bool(json, "shared", indicator->is_shared);
    ov_json_bool(json, "residue", evidence->is_residue);
    ov_json_text(json, "indicator", indicator->pattern);
    ov_json_object_end(json);
}

// The details of all powers of some kinds, under one key.
static void write_some(struct ov_json *json, const char *key, const struct ov_found *found,
                       uint32_t kinds) {
    ov_json_array(json, key);
    for (size_t i = 0; i < found->power_count; i++) {
        if ((kinds & 1u << found->powers[i].kind) != 0) {
            ov_json_text(json, NULL, found->powers[i].detail);
        }
    }
    ov_json_array_end(json);
}

static void write_footprint(struct ov_json *json, const struct ov_found *found) {
    ov_json_object(json, "footprint");
    write_some(json, "root", found, 1u << OV_POWER_ROOT);
    write_some(json, "capabilities", found, 1u << OV_POWER_CAPABILITY);
    write_some(json, "setuid", found, 1u << OV_POWER_SETUID);
    write_some(json, "unhardened", found, 1u << OV_POWER_UNHARDENED);
    write_some(json, "kernel", found, 1u << OV_POWER_KERNEL | 1u << OV_POWER_BPF);
    write_some(json, "connected", found, 1u << OV_POWER_CONNECTED);
    write_some(json, "listens", found, 1u << OV_POWER_LISTENS);
    if (found->product->update_channel != NULL) {
        ov_json_text(json, "update_channel", found->product->update_channel);
    } else {
        ov_json_null(json, "update_channel");
    }
    ov_json_array(json, "powers");
    for (size_t i = 0; i < found->power_count; i++) {
        ov_json_object(json, NULL);
        ov_json_text(json, "power", ov_power_name(found->powers[i].kind));
        ov_json_text(json, "detail", found->powers[i].detail);
        ov_json_text(json, "place", found->powers[i].place);
        ov_json_object_end(json);
    }
    ov_json_array_end(json);
    ov_json_object_end(json);
}

static void write_product(struct ov_json *json, const struct ov_found *found) {
    const struct ov_product *product = found->product;
    ov_json_object(json, NULL);
    ov_json_text(json, "product", product->name);
    ov_json_text(json, "vendor", product->vendor);
    ov_json_text(json, "id", product->id);
    ov_json_text(json, "state", ov_product_state_name(found->state));
    ov_json_text(json, "version", found->version);
    ov_json_bool(json, "legacy", product->is_legacy);
    ov_json_array(json, "functions");
    for (unsigned bit = 0; bit < OV_FUNCTION_COUNT; bit++) {
        if ((product->functions & 1u << bit) != 0) {
            ov_json_text(json, NULL, ov_function_name(bit));
        }
    }
    ov_json_array_end(json);
    ov_json_array(json, "evidence");
    for (size_t i = 0; i < found->evidence_count; i++) {
        write_evidence(json, &found->evidence[i]);
    }
    ov_json_array_end(json);
    write_footprint(json, found);
    ov_json_object_end(json);
}

static void write_holder(struct ov_json *json, const struct ov_holder *holder) {
    ov_json_object(json, NULL);
    ov_json_text(json, "kind", holder->what);
    ov_json_text(json, "who", holder->who);
    ov_json_text(json, "detail", holder->detail);
    ov_json_text(json, "package", holder->package);
    ov_json_bool(json, "expected", holder->is_expected);
    ov_json_object_end(json);
}

static void write_problem(struct ov_json *json, const struct ov_problem *problem) {
    ov_json_object(json, NULL);
    ov_json_text(json, "what", problem->what);
    ov_json_text(json, "why", problem->why);
    ov_json_text(json, "place", problem->place);
    ov_json_object_end(json);
}

static void write_lists(struct ov_json *json, const struct ov_inventory *inventory) {
    ov_json_array(json, "products");
    for (size_t i = 0; i < ov_inventory_count(inventory); i++) {
        write_product(json, ov_inventory_get(inventory, i));
    }
    ov_json_array_end(json);
    ov_json_array(json, "unlisted");
    for (size_t i = 0; i < ov_inventory_holder_count(inventory); i++) {
        write_holder(json, ov_inventory_holder(inventory, i));
    }
    ov_json_array_end(json);
    ov_json_array(json, "problems");
    for (size_t i = 0; i < ov_inventory_problem_count(inventory); i++) {
        write_problem(json, ov_inventory_problem(inventory, i));
    }
    ov_json_array_end(json);
    ov_json_array(json, "methods");
    for (size_t i = 0; i < ov_inventory_method_count(inventory); i++) {
        ov_json_text(json, NULL, ov_inventory_method(inventory, i));
    }
    ov_json_array_end(json);
}

void ov_inventory_report_json(const struct ov_inventory_report *report, struct ov_buf *out) {
    char made_at[32] = "";
    struct tm parts;
    struct ov_json json;
    if (gmtime_r(&report->made_at, &parts) != NULL) {
        (void)strftime(made_at, sizeof made_at, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
    ov_json_init(&json, out);
    ov_json_object(&json, NULL);
    ov_json_text(&json, "overt", OVERT_VERSION);
    ov_json_text(&json, "time", made_at);
    ov_json_text(&json, "machine", report->machine);
    ov_json_bytes(&json, "root", ov_span_text(report->root));
    write_lists(&json, report->inventory);
    ov_json_object_end(&json);
    ov_buf_add_u8(out, '\n');
}
