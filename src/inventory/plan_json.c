// SPDX-License-Identifier: Apache-2.0
// A plan as JSON (docs/formats/plan.md).
#include "inventory/plan.h"

#include "base/json.h"

static void write_list(struct ov_json *json, const char *key, const char *const *items,
                       size_t count) {
    ov_json_array(json, key);
    for (size_t i = 0; i < count; i++) {
        ov_json_text(json, NULL, items[i]);
    }
    ov_json_array_end(json);
}

static void write_entry(struct ov_json *json, const struct ov_plan_entry *entry) {
    const char type[2] = {entry->type, 0};
    ov_json_object(json, NULL);
    ov_json_text(json, "path", entry->path);
    ov_json_text(json, "type", type);
    ov_json_bool(json, "may_change", entry->may_change);
    ov_json_uint(json, "size", entry->size);
    // As text: it is larger than what some readers of JSON hold exactly.
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    ov_buf_printf(&text, "%lld", (long long)entry->modified_ns);
    ov_json_bytes(json, "modified", ov_buf_span(&text));
    ov_json_text(json, "sha256", entry->sha256);
    ov_json_object_end(json);
}

static void write_step(struct ov_json *json, const struct ov_plan *plan,
                       const struct ov_plan_step *step) {
    OV_CLEANUP(ov_buf_release) struct ov_buf typed = {0};
    ov_plan_add_typed(&typed, plan, step);
    ov_json_object(json, NULL);
    ov_json_text(json, "kind", ov_step_name(step->kind));
    ov_json_text(json, "product", step->product != NULL ? step->product->id : "");
    ov_json_text(json, "tool", ov_plan_tool_name(step->tool));
    write_list(json, "targets", step->targets, step->target_count);
    ov_json_bytes(json, "command", ov_buf_span(&typed));
    ov_json_array(json, "entries");
    for (const struct ov_plan_entry *entry = step->entries; entry != NULL; entry = entry->next) {
        write_entry(json, entry);
    }
    ov_json_array_end(json);
    ov_json_object_end(json);
}

static void write_product(struct ov_json *json, const struct ov_plan_product *item) {
    uint32_t functions = item->product->functions;
    ov_json_object(json, NULL);
    ov_json_text(json, "id", item->product->id);
    ov_json_text(json, "product", item->product->name);
    ov_json_text(json, "vendor", item->product->vendor);
    ov_json_text(json, "state", ov_product_state_name(item->state));
    ov_json_text(json, "version", item->version);
    ov_json_array(json, "functions");
    for (unsigned bit = 0; bit < OV_FUNCTION_COUNT; bit++) {
        if ((functions & 1u << bit) != 0) {
            ov_json_object(json, NULL);
            ov_json_text(json, "function", ov_function_name(bit));
            ov_json_text(json, "loss", ov_function_loss(bit));
            ov_json_text(json, "replacement", ov_function_replacement(bit));
            ov_json_object_end(json);
        }
    }
    ov_json_array_end(json);
    ov_json_object_end(json);
}

static void write_seen(struct ov_json *json, const struct ov_plan_seen *seen) {
    ov_json_object(json, NULL);
    ov_json_text(json, "product", seen->product->id);
    ov_json_text(json, "kind", ov_indicator_name(seen->kind));
    ov_json_text(json, "matched", seen->matched);
    ov_json_text(json, "detail", seen->detail);
    ov_json_text(json, "place", seen->place);
    ov_json_bool(json, "residue", seen->is_residue);
    ov_json_object_end(json);
}

void ov_plan_write_json(const struct ov_plan *plan, struct ov_buf *out) {
    struct ov_json json;
    ov_json_init(&json, out);
    ov_json_object(&json, NULL);
    ov_json_text(&json, "format", "overt-plan/1");
    ov_json_text(&json, "machine", plan->machine);
    ov_json_text(&json, "root", plan->root);
    ov_json_uint(&json, "time", (uint64_t)plan->made_at);
    write_list(&json, "ban", plan->bans, plan->ban_count);
    ov_json_array(&json, "products");
    for (const struct ov_plan_product *item = plan->products; item != NULL; item = item->next) {
        write_product(&json, item);
    }
    ov_json_array_end(&json);
    ov_json_array(&json, "steps");
    for (const struct ov_plan_step *step = plan->steps; step != NULL; step = step->next) {
        write_step(&json, plan, step);
    }
    ov_json_array_end(&json);
    ov_json_array(&json, "evidence");
    for (const struct ov_plan_seen *seen = plan->seen; seen != NULL; seen = seen->next) {
        write_seen(&json, seen);
    }
    ov_json_array_end(&json);
    ov_json_object_end(&json);
    ov_buf_add_u8(out, '\n');
}
