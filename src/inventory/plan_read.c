// SPDX-License-Identifier: Apache-2.0
// Reads a plan: known keys alone, each in its form, and in the end as it is written.
#include "inventory/plan.h"

#include <stdlib.h>
#include <string.h>

struct reader {
    struct ov_plan *plan;
    const char *why;
};

static enum ov_status refuse(struct reader *reader, const char *why) {
    reader->why = why;
    return OV_DAMAGED;
}

// The string of a key that must be there.
static enum ov_status get_text(struct reader *reader, const struct ov_json_value *object,
                               const char *key, const char **ret_text) {
    const char *text = ov_json_find_string(object, key);
    if (text == NULL) {
        return refuse(reader, "a text is missing");
    }
    *ret_text = text;
    return OV_OK;
}

static enum ov_status get_bool(struct reader *reader, const struct ov_json_value *object,
                               const char *key, bool *ret_bool) {
    const struct ov_json_value *value = ov_json_find(object, key);
    if (value == NULL || (value->kind != OV_JSON_TRUE && value->kind != OV_JSON_FALSE)) {
        return refuse(reader, "true or false is missing");
    }
    *ret_bool = value->kind == OV_JSON_TRUE;
    return OV_OK;
}

static enum ov_status get_array(struct reader *reader, const struct ov_json_value *object,
                                const char *key, const struct ov_json_value **ret_array) {
    const struct ov_json_value *value = ov_json_find(object, key);
    if (value == NULL || value->kind != OV_JSON_ARRAY) {
        return refuse(reader, "a list is missing");
    }
    *ret_array = value;
    return OV_OK;
}

// An object with as many keys as its form has; that each is there is seen when it is asked for.
static enum ov_status check_object(struct reader *reader, const struct ov_json_value *value,
                                   size_t key_count) {
    bool is_good = value->kind == OV_JSON_OBJECT && value->count == key_count;
    return is_good ? OV_OK : refuse(reader, "an object has other keys than its form");
}

static const struct ov_product *find_product(const char *id) {
    for (size_t i = 0; i < ov_product_count; i++) {
        if (strcmp(ov_products[i].id, id) == 0) {
            return &ov_products[i];
        }
    }
    return NULL;
}

// ---- steps --------------------------------------------------------------------------------------

static enum ov_status read_modified(struct reader *reader, const char *text, int64_t *ret_ns) {
    char *end = NULL;
    size_t digits = strspn(text + (text[0] == '-' ? 1 : 0), "0123456789");
    long long number = strtoll(text, &end, 10);
    bool is_good = digits > 0 && digits < 20 && *end == 0;
    *ret_ns = number;
    return is_good ? OV_OK : refuse(reader, "a time is out of form");
}

static bool is_digest(const char *text) {
    size_t size = strlen(text);
    return size == 0 || (size == 64 && strspn(text, "0123456789abcdef") == size);
}

static enum ov_status read_entry(struct reader *reader, const struct ov_json_value *value,
                                 struct ov_plan_step *step) {
    struct ov_plan_entry entry = {0};
    const char *type = NULL, *modified = NULL;
    TRY(check_object(reader, value, 6));
    TRY(get_text(reader, value, "path", &entry.path));
    TRY(get_text(reader, value, "type", &type));
    TRY(get_bool(reader, value, "may_change", &entry.may_change));
    TRY(get_text(reader, value, "modified", &modified));
    TRY(get_text(reader, value, "sha256", &entry.sha256));
    TRY(read_modified(reader, modified, &entry.modified_ns));
    bool has_type = type[0] != 0 && type[1] == 0 && strchr("fdls", type[0]) != NULL;
    if (ov_json_number(ov_json_find(value, "size"), &entry.size) != OV_OK || !has_type ||
        !ov_plan_path_is_good(entry.path) || !is_digest(entry.sha256)) {
        return refuse(reader, "a file to be removed is out of form");
    }
    entry.type = type[0];
    return ov_plan_add_entry(reader->plan, step, &entry) != NULL ? OV_OK : OV_MEMORY;
}

static bool is_target(enum ov_step_kind kind, const char *target) {
    switch (kind) {
    case OV_STEP_REMOVE:
    case OV_STEP_UNINSTALL:
        return ov_plan_path_is_good(target);
    case OV_STEP_PERSON:
        return true;
    case OV_STEP_RELOAD:
    case OV_STEP_REBOOT:
    case OV_STEP_VERIFY:
        return false;
    default:
        return ov_plan_name_is_good(kind, target);
    }
}

static enum ov_status read_kind(struct reader *reader, const char *name,
                                enum ov_step_kind *ret_kind) {
    for (enum ov_step_kind kind = 0; kind < OV_STEP_KINDS; kind++) {
        if (strcmp(ov_step_name(kind), name) == 0) {
            *ret_kind = kind;
            return OV_OK;
        }
    }
    return refuse(reader, "a step is of no known kind");
}

static enum ov_status read_lists(struct reader *reader, const struct ov_json_value *value,
                                 struct ov_plan_step *step) {
    const struct ov_json_value *targets = NULL, *entries = NULL;
    TRY(get_array(reader, value, "targets", &targets));
    TRY(get_array(reader, value, "entries", &entries));
    for (const struct ov_json_value *item = ov_json_items(targets); item != NULL;
         item = item->next) {
        const char *text = ov_json_string(item);
        if (text == NULL || !is_target(step->kind, text)) {
            return refuse(reader, "what a step acts on is out of form");
        }
        if (!ov_plan_add_target(reader->plan, step, text)) {
            return OV_MEMORY;
        }
    }
    for (const struct ov_json_value *item = ov_json_items(entries); item != NULL;
         item = item->next) {
        TRY(read_entry(reader, item, step));
    }
    bool is_good = (step->kind == OV_STEP_REMOVE) == (step->entry_count > 0) &&
                   (step->kind != OV_STEP_REMOVE || step->target_count == 1);
    return is_good ? OV_OK : refuse(reader, "a step has other lists than its kind");
}

static enum ov_status read_step(struct reader *reader, const struct ov_json_value *value) {
    const char *kind_name = NULL, *id = NULL, *tool = NULL, *command = NULL;
    enum ov_step_kind kind = OV_STEP_KINDS;
    TRY(check_object(reader, value, 6));
    TRY(get_text(reader, value, "kind", &kind_name));
    TRY(get_text(reader, value, "product", &id));
    TRY(get_text(reader, value, "tool", &tool));
    TRY(get_text(reader, value, "command", &command)); // for people: it is not asked
    TRY(read_kind(reader, kind_name, &kind));
    const struct ov_product *product = find_product(id);
    if (product == NULL && id[0] != 0) {
        return refuse(reader, "a step is of no known product");
    }
    struct ov_plan_step *step = ov_plan_add_step(reader->plan, kind, product);
    if (step == NULL) {
        return OV_MEMORY;
    }
    step->tool = OV_TOOL_KINDS;
    for (enum ov_plan_tool i = 0; i < OV_TOOL_KINDS; i++) {
        step->tool = strcmp(ov_plan_tool_name(i), tool) == 0 ? i : step->tool;
    }
    if (step->tool == OV_TOOL_KINDS || (step->tool != OV_TOOL_NONE) != (kind == OV_STEP_PACKAGES)) {
        return refuse(reader, "a step is done with no known tool");
    }
    return read_lists(reader, value, step);
}

// ---- the rest -----------------------------------------------------------------------------------

static enum ov_status read_product(struct reader *reader, const struct ov_json_value *value) {
    struct ov_plan_product item = {.state = OV_PRODUCT_TRACE};
    const char *id = NULL, *state = NULL;
    TRY(check_object(reader, value, 6));
    TRY(get_text(reader, value, "id", &id));
    TRY(get_text(reader, value, "state", &state));
    TRY(get_text(reader, value, "version", &item.version));
    item.product = find_product(id);
    if (strcmp(state, ov_product_state_name(OV_PRODUCT_INSTALLED)) == 0) {
        item.state = OV_PRODUCT_INSTALLED;
    } else if (strcmp(state, ov_product_state_name(OV_PRODUCT_TRACE)) != 0) {
        return refuse(reader, "a product is in no known state");
    }
    if (item.product == NULL) {
        return refuse(reader, "a product is none of our table");
    }
    return ov_plan_add_product(reader->plan, &item) ? OV_OK : OV_MEMORY;
}

static enum ov_status read_seen(struct reader *reader, const struct ov_json_value *value) {
    struct ov_plan_seen seen = {.kind = OV_INDICATOR_KINDS};
    const char *id = NULL, *kind = NULL;
    TRY(check_object(reader, value, 6));
    TRY(get_text(reader, value, "product", &id));
    TRY(get_text(reader, value, "kind", &kind));
    TRY(get_text(reader, value, "matched", &seen.matched));
    TRY(get_text(reader, value, "detail", &seen.detail));
    TRY(get_text(reader, value, "place", &seen.place));
    TRY(get_bool(reader, value, "residue", &seen.is_residue));
    seen.product = find_product(id);
    for (enum ov_indicator_kind i = 0; i < OV_INDICATOR_KINDS; i++) {
        seen.kind = strcmp(ov_indicator_name(i), kind) == 0 ? i : seen.kind;
    }
    if (seen.product == NULL || seen.kind == OV_INDICATOR_KINDS) {
        return refuse(reader, "evidence is out of form");
    }
    return ov_plan_add_seen(reader->plan, &seen) ? OV_OK : OV_MEMORY;
}

static enum ov_status read_head(struct reader *reader, const struct ov_json_value *root) {
    struct ov_plan *plan = reader->plan;
    const char *format = NULL;
    const struct ov_json_value *bans = NULL;
    uint64_t made_at = 0;
    TRY(check_object(reader, root, 8));
    TRY(get_text(reader, root, "format", &format));
    TRY(get_text(reader, root, "machine", &plan->machine));
    TRY(get_text(reader, root, "root", &plan->root));
    TRY(get_array(reader, root, "ban", &bans));
    if (strcmp(format, "overt-plan/1") != 0 || plan->root[0] != '/' ||
        ov_json_number(ov_json_find(root, "time"), &made_at) != OV_OK || made_at > INT64_MAX) {
        return refuse(reader, "this is no plan of a known form");
    }
    plan->made_at = (time_t)made_at;
    for (const struct ov_json_value *item = ov_json_items(bans); item != NULL; item = item->next) {
        const char *word = ov_json_string(item);
        if (word == NULL || word[0] == 0 || !ov_plan_add_ban(plan, word)) {
            return refuse(reader, "the list of what is banned is out of form");
        }
    }
    return OV_OK;
}

typedef enum ov_status read_fn(struct reader *reader, const struct ov_json_value *value);

static enum ov_status read_each(struct reader *reader, const struct ov_json_value *root,
                                const char *key, read_fn *read) {
    const struct ov_json_value *array = NULL;
    TRY(get_array(reader, root, key, &array));
    for (const struct ov_json_value *item = ov_json_items(array); item != NULL; item = item->next) {
        TRY(read(reader, item));
    }
    return OV_OK;
}

static enum ov_status read_all(struct reader *reader, const struct ov_json_value *root) {
    TRY(read_head(reader, root));
    TRY(read_each(reader, root, "products", read_product));
    TRY(read_each(reader, root, "steps", read_step));
    return read_each(reader, root, "evidence", read_seen);
}

// A second spelling of the same, or a command that its step does not run, is no plan of ours.
static bool is_spelled_so(const struct ov_plan *plan, struct ov_span bytes) {
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    ov_plan_write_json(plan, &again);
    return ov_buf_status(&again) == OV_OK && ov_span_is_equal(ov_buf_span(&again), bytes);
}

enum ov_status ov_plan_read_json(struct ov_span bytes, struct ov_plan *plan, const char **ret_why) {
    struct reader reader = {.plan = plan};
    struct ov_json_error error = {.why = "no memory"};
    const struct ov_json_value *root = NULL;
    enum ov_status status = ov_json_read(bytes, &plan->arena, &root, &error);
    reader.why = error.why;
    status = status == OV_OK ? read_all(&reader, root) : status;
    if (status == OV_OK && !is_spelled_so(plan, bytes)) {
        status = refuse(&reader, "it was changed after it was written, or by another version");
    }
    if (status != OV_OK) {
        *ret_why = reader.why;
    }
    return status;
}
