// SPDX-License-Identifier: Apache-2.0
// The Merkle tree over the rules of a set of files, and the list of its leaves.
#include "rules/rule_tree.h"

#include "ledger/bundle.h"

#include <inttypes.h>
#include <stdlib.h>

enum { FIRST_ROOM = 64, NAMES_BYTES_MAX = 4 << 20 }; // 10,000 names of 100 bytes each

// ---- sources ----------------------------------------------------------------------------------

enum ov_status ov_rule_source_list_add(struct ov_rule_source_list *list,
                                       const struct ov_rule_source *source) {
    if (list->count == list->room) {
        size_t room = list->room == 0 ? FIRST_ROOM : list->room * 2;
        struct ov_rule_source *items = reallocarray(list->items, room, sizeof *items);
        if (items == NULL) {
            return OV_MEMORY;
        }
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = *source;
    return OV_OK;
}

enum ov_status ov_rule_source_list_add_bundle(struct ov_rule_source_list *list,
                                              struct ov_rule_tree_work *work,
                                              const struct ov_rule_source *bundle) {
    struct ov_bundle files = ov_bundle_init(bundle->bytes);
    struct ov_bundle_file file;
    enum ov_status status;
    work->on_reading(work->arg, bundle->number);
    list->names.cap_bytes += NAMES_BYTES_MAX;
    while ((status = ov_bundle_next(&files, &file)) == OV_OK) {
        struct ov_span name = ov_span_text(file.name);
        const char *kept = ov_arena_text(&list->names, name);
        if (kept == NULL) {
            return OV_MEMORY;
        }
        struct ov_rule_source source = {
            .name = ov_span_make(kept, name.size), .bytes = file.bytes, .number = bundle->number};
        TRY(ov_rule_source_list_add(list, &source));
    }
    work->why = status == OV_END ? NULL : "no bundle of a release, or a damaged one";
    return status == OV_END ? OV_OK : status;
}

void ov_rule_source_list_release(struct ov_rule_source_list *list) {
    free(list->items);
    ov_arena_release(&list->names);
    *list = (struct ov_rule_source_list){0};
}

int ov_rule_name_compare(struct ov_span left, struct ov_span right) {
    size_t size = left.size < right.size ? left.size : right.size;
    int order = size > 0 ? memcmp(left.data, right.data, size) : 0;
    return order != 0 ? order : (left.size > right.size) - (left.size < right.size);
}

static int compare_sources(const void *left, const void *right) {
    const struct ov_rule_source *a = left;
    const struct ov_rule_source *b = right;
    return ov_rule_name_compare(a->name, b->name);
}

enum ov_status ov_rule_sources_sort(struct ov_rule_tree_work *work,
                                    struct ov_rule_source_list sources) {
    if (sources.count > 0) {
        qsort(sources.items, sources.count, sizeof *sources.items, compare_sources);
    }
    for (size_t i = 1; i < sources.count; i++) {
        if (ov_span_is_equal(sources.items[i - 1].name, sources.items[i].name)) {
            work->on_reading(work->arg, sources.items[i].number);
            work->why = "another file has the same name";
            return OV_INVALID;
        }
    }
    return OV_OK;
}

// HASH LINE NAME: what is of one length, or nearly, first.
static void list_leaf(struct ov_report *report, const struct ov_rule_text *text,
                      const struct ov_tree_hash *hash) {
    ov_tree_hash_add(&report->out, hash);
    ov_buf_printf(&report->out, " %" PRIu32 " ", text->line);
    ov_buf_add(&report->out, text->name.data, text->name.size);
    ov_buf_add_u8(&report->out, '\n');
    ov_report_flush(report, false);
}

static void give_leaf(struct ov_report *report, struct ov_span leaf) {
    for (unsigned i = 4; i-- > 0;) {
        ov_buf_add_u8(&report->out, (uint8_t)(leaf.size >> 8 * i));
    }
    ov_buf_add(&report->out, leaf.data, leaf.size);
    ov_report_flush(report, false);
}

static enum ov_status add_source(struct ov_rule_tree_work *work,
                                 const struct ov_rule_source *source, struct ov_buf *entry,
                                 struct ov_tree *tree) {
    OV_CLEANUP(ov_rule_texts_close) struct ov_rule_texts texts;
    struct ov_rule_text text;
    work->on_reading(work->arg, source->number);
    enum ov_status status = ov_rule_texts_open(source->name, source->bytes, SIZE_MAX, &texts);
    while (status == OV_OK && (status = ov_rule_texts_next(&texts, &text)) == OV_OK) {
        struct ov_tree_hash hash;
        TRY(ov_rule_text_hash(&text, entry, &hash));
        ov_tree_append(tree, &hash);
        if (work->with_list) {
            list_leaf(work->report, &text, &hash);
        }
        if (work->with_texts) {
            give_leaf(work->report, ov_buf_span(entry));
        }
    }
    work->why = texts.why;
    return status == OV_END ? OV_OK : status;
}

enum ov_status ov_rule_tree_make(struct ov_rule_tree_work *work, struct ov_rule_source_list sources,
                                 struct ov_tree_head *ret_head) {
    OV_CLEANUP(ov_buf_release) struct ov_buf entry = {0};
    struct ov_tree tree;
    ov_tree_init(&tree);
    TRY(ov_rule_sources_sort(work, sources));
    for (size_t i = 0; i < sources.count; i++) {
        TRY(add_source(work, &sources.items[i], &entry, &tree));
    }
    ov_report_flush(work->report, true);
    TRY(ov_buf_status(&work->report->out));
    ret_head->size = tree.size;
    ov_tree_root(&tree, &ret_head->root);
    return OV_OK;
}
