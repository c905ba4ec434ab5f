// SPDX-License-Identifier: Apache-2.0
// Which rules stand in one of two sets alone: file by file, by the hashes of their leaves.
#include "rules/rule_tree.h"

#include "base/json.h"
#include "base/printable.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    TEXT_BYTES_MAX = 1000,  // of a rule, in a line for people
    JSON_BYTES_MAX = 65536, // and for programs
    FIRST_ROOM = 1024,
};

struct leaf {
    struct ov_tree_hash hash;
    struct ov_rule_text text;
    bool has_twin; // in the other set
};

// The rules of one file in one of the sets.
struct side {
    struct ov_rule_texts texts;
    struct leaf *leaves; // in order of place
    uint32_t *order;     // indices of those that were not paired by place, in order of hash
    uint32_t count, room, order_count;
};

static void release_side(struct side *side) {
    ov_rule_texts_close(&side->texts);
    free(side->leaves);
    free(side->order);
}

// ---- reading ----------------------------------------------------------------------------------

static struct leaf *add_leaf(struct side *side) {
    if (side->count == side->room) {
        uint32_t room = side->room == 0 ? FIRST_ROOM : side->room * 2;
        struct leaf *leaves =
            room > side->room ? reallocarray(side->leaves, room, sizeof *leaves) : NULL;
        if (leaves == NULL) {
            return NULL;
        }
        side->leaves = leaves;
        side->room = room;
    }
    return &side->leaves[side->count++];
}

static int compare_leaves(const void *left, const void *right, void *arg) {
    const struct leaf *leaves = arg;
    const uint32_t *a = left;
    const uint32_t *b = right;
    int order = memcmp(&leaves[*a].hash, &leaves[*b].hash, sizeof leaves->hash);
    return order != 0 ? order : (*a > *b) - (*a < *b); // the first of equals is paired first
}

static enum ov_status sort_leaves(struct side *side) {
    side->order = calloc((size_t)side->count + 1, sizeof *side->order);
    if (side->order == NULL) {
        return OV_MEMORY;
    }
    for (uint32_t i = 0; i < side->count; i++) {
        if (!side->leaves[i].has_twin) {
            side->order[side->order_count++] = i;
        }
    }
    qsort_r(side->order, side->order_count, sizeof *side->order, compare_leaves, side->leaves);
    return OV_OK;
}

static enum ov_status read_leaves(struct side *side) {
    OV_CLEANUP(ov_buf_release) struct ov_buf entry = {0};
    struct ov_rule_text text;
    enum ov_status status;
    while ((status = ov_rule_texts_next(&side->texts, &text)) == OV_OK) {
        struct leaf *leaf = add_leaf(side);
        if (leaf == NULL) {
            return OV_MEMORY;
        }
        *leaf = (struct leaf){.text = text};
        TRY(ov_rule_text_hash(&text, &entry, &leaf->hash));
    }
    return status == OV_END ? OV_OK : status;
}

// `source` may be NULL: the set has no such file.
static enum ov_status read_side(struct ov_rule_tree_work *work, const struct ov_rule_source *source,
                                struct side *side) {
    if (source == NULL) {
        return OV_OK;
    }
    work->on_reading(work->arg, source->number);
    enum ov_status status = ov_rule_texts_open(source->name, source->bytes, SIZE_MAX, &side->texts);
    status = status == OV_OK ? read_leaves(side) : status;
    work->why = side->texts.why;
    return status;
}

// ---- comparing --------------------------------------------------------------------------------

static bool pair_two(struct leaf *left, struct leaf *right) {
    bool is_same =
        !left->has_twin && !right->has_twin && ov_tree_hash_is_equal(&left->hash, &right->hash);
    left->has_twin = left->has_twin || is_same;
    right->has_twin = right->has_twin || is_same;
    return is_same;
}

// What both files begin and end with: mostly nearly all, which need not be sorted then.
static void pair_ends(struct side *old, struct side *new) {
    uint32_t least = old->count < new->count ? old->count : new->count;
    uint32_t first = 0;
    while (first < least && pair_two(&old->leaves[first], &new->leaves[first])) {
        first++;
    }
    for (uint32_t back = 1; back <= least - first; back++) {
        if (!pair_two(&old->leaves[old->count - back], &new->leaves[new->count - back])) {
            break;
        }
    }
}

static void pair_sorted(struct side *old, struct side *new) {
    uint32_t i = 0;
    uint32_t j = 0;
    while (i < old->order_count && j < new->order_count) {
        struct leaf *left = &old->leaves[old->order[i]];
        struct leaf *right = &new->leaves[new->order[j]];
        int order = memcmp(&left->hash, &right->hash, sizeof left->hash);
        left->has_twin = left->has_twin || order == 0;
        right->has_twin = right->has_twin || order == 0;
        i += order <= 0;
        j += order >= 0;
    }
}

static void add_text(struct ov_buf *out, const struct leaf *leaf, bool is_added) {
    struct ov_span text = leaf->text.text;
    ov_buf_add_text(out, is_added ? "+ " : "- ");
    ov_printable_add(out, leaf->text.name);
    ov_buf_add_text(out, ": ");
    ov_printable_add(out, ov_span_part(text, 0, TEXT_BYTES_MAX));
    if (text.size > TEXT_BYTES_MAX) {
        ov_buf_printf(out, "... (%zu bytes)", text.size);
    }
    ov_buf_add_u8(out, '\n');
}

static void add_json(struct ov_buf *out, const struct leaf *leaf, bool is_added) {
    OV_CLEANUP(ov_buf_release) struct ov_buf hash = {0};
    struct ov_json json;
    ov_tree_hash_add(&hash, &leaf->hash);
    ov_json_init(&json, out);
    ov_json_object(&json, NULL);
    ov_json_text(&json, "change", is_added ? "added" : "removed");
    ov_json_bytes(&json, "file", leaf->text.name);
    ov_json_uint(&json, "line", leaf->text.line);
    ov_json_bytes(&json, "leaf", ov_buf_span(&hash));
    ov_json_uint(&json, "bytes", leaf->text.text.size);
    ov_json_bytes(&json, "text", ov_span_part(leaf->text.text, 0, JSON_BYTES_MAX));
    ov_json_object_end(&json);
    ov_buf_add_u8(out, '\n');
    out->has_failed = out->has_failed || hash.has_failed;
}

// Tells the leaves without a twin; gives their number.
static uint64_t report_side(struct ov_report *report, const struct side *side, bool is_added) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < side->count; i++) {
        const struct leaf *leaf = &side->leaves[i];
        if (leaf->has_twin) {
            continue;
        }
        (report->is_json ? add_json : add_text)(&report->out, leaf, is_added);
        ov_report_flush(report, false);
        count++;
    }
    return count;
}

static enum ov_status compare_files(struct ov_rule_tree_work *work,
                                    const struct ov_rule_source *old_source,
                                    const struct ov_rule_source *new_source,
                                    struct ov_rule_changes *changes) {
    OV_CLEANUP(release_side) struct side old = {0};
    OV_CLEANUP(release_side) struct side new = {0};
    bool is_same = old_source != NULL && new_source != NULL &&
                   ov_span_is_equal(old_source->bytes, new_source->bytes);
    if (is_same) {
        return OV_OK;
    }
    TRY(read_side(work, old_source, &old));
    TRY(read_side(work, new_source, &new));
    pair_ends(&old, &new);
    TRY(sort_leaves(&old));
    TRY(sort_leaves(&new));
    pair_sorted(&old, &new);
    changes->removed_count += report_side(work->report, &old, false);
    changes->added_count += report_side(work->report, &new, true);
    return ov_buf_status(&work->report->out);
}

// ---- the whole --------------------------------------------------------------------------------

static void add_summary(struct ov_report *report, const struct ov_rule_changes *changes) {
    if (!report->is_json) {
        if (report->with_summary) {
            ov_buf_printf(&report->out, "added: %" PRIu64 ", removed: %" PRIu64 "\n",
                          changes->added_count, changes->removed_count);
        }
        return;
    }
    struct ov_json json;
    ov_json_init(&json, &report->out);
    ov_json_object(&json, NULL);
    ov_json_object(&json, "summary");
    ov_json_uint(&json, "added", changes->added_count);
    ov_json_uint(&json, "removed", changes->removed_count);
    ov_json_object_end(&json);
    ov_json_object_end(&json);
    ov_buf_add_u8(&report->out, '\n');
}

enum ov_status ov_rule_changes_report(struct ov_rule_tree_work *work,
                                      struct ov_rule_source_list old_sources,
                                      struct ov_rule_source_list new_sources,
                                      struct ov_rule_changes *ret_changes) {
    struct ov_rule_changes changes = {0};
    TRY(ov_rule_sources_sort(work, old_sources));
    TRY(ov_rule_sources_sort(work, new_sources));
    size_t i = 0;
    size_t j = 0;
    while (i < old_sources.count || j < new_sources.count) {
        const struct ov_rule_source *old = i < old_sources.count ? &old_sources.items[i] : NULL;
        const struct ov_rule_source *new = j < new_sources.count ? &new_sources.items[j] : NULL;
        int order = old == NULL ? 1 : new == NULL ? -1 : ov_rule_name_compare(old->name, new->name);
        TRY(compare_files(work, order <= 0 ? old : NULL, order >= 0 ? new : NULL, &changes));
        i += order <= 0;
        j += order >= 0;
    }
    add_summary(work->report, &changes);
    ov_report_flush(work->report, true);
    *ret_changes = changes;
    return ov_buf_status(&work->report->out);
}
