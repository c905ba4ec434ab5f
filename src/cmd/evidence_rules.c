// SPDX-License-Identifier: Apache-2.0
// The texts of rules that a file of evidence has: those that found something, or all of a release.
//
// Rule files are read by the caged builder. What it says is believed for one reason: its leaves
// lead to the rules' root that the release names.
#include "base/arena.h"
#include "cmd/evidence_export.h"
#include "feed/set.h"
#include "journal/evidence_found.h"
#include "ledger/note.h"
#include "ledger/proof.h"
#include "ledger/release.h"
#include "role/leaves_job.h"

#include <stdio.h>
#include <stdlib.h>

// The words of a line `found` that name a rule of a release.
struct wanted {
    struct ov_span rule, file;
};

// The rules of one release, as they come.
struct texts {
    struct ov_buf *list;   // all of them, or NULL
    struct ov_buf wanted;  // struct wanted
    struct ov_buf pending; // what came last, from the first that is not whole
    struct ov_buf hashes;
    struct ov_buf kept; // struct kept
    struct ov_arena arena;
    enum ov_status status;
};

struct kept {
    uint64_t index;
    struct ov_span entry; // in the arena
};

static void release_texts(struct texts *texts) {
    ov_buf_release(&texts->wanted);
    ov_buf_release(&texts->pending);
    ov_buf_release(&texts->hashes);
    ov_buf_release(&texts->kept);
    ov_arena_release(&texts->arena);
}

// ---- which are wanted ---------------------------------------------------------------------------

static void want(struct texts *texts, const struct ov_evidence_found *found) {
    const struct wanted *items = (const struct wanted *)(const void *)texts->wanted.data;
    for (size_t i = 0; i < texts->wanted.size / sizeof *items; i++) {
        if (ov_span_is_equal(items[i].rule, found->rule) &&
            ov_span_is_equal(items[i].file, found->file)) {
            return;
        }
    }
    const struct wanted one = {found->rule, found->file};
    ov_buf_add(&texts->wanted, &one, sizeof one);
}

static void want_found(struct texts *texts, struct ov_evidence_loads *loads,
                       const struct ov_entry *entry, const struct ov_tree_hash *release) {
    struct ov_cursor body = ov_cursor_init(entry->body);
    struct ov_span line;
    while (ov_line_read(&body, &line) == OV_OK) {
        struct ov_evidence_found found;
        if (ov_line_take(line, "found", &line) == OV_OK &&
            ov_evidence_found_read(loads, &entry->run, line, &found) == OV_OK &&
            ov_tree_hash_is_equal(&found.release, release)) {
            want(texts, &found);
        }
    }
}

static enum ov_status want_all(struct ov_evidence_work *work, const struct ov_tree_hash *release,
                               struct texts *texts) {
    OV_CLEANUP(ov_evidence_loads_release) struct ov_evidence_loads loads = {0};
    struct ov_cursor cursor = ov_cursor_init(ov_buf_span(&work->entries));
    struct ov_span bytes;
    while (ov_evidence_entry(&cursor, &bytes) == OV_OK) {
        struct ov_entry entry;
        TRY(ov_entry_read(bytes, &entry));
        TRY(ov_evidence_loads_take(&loads, &entry));
        if (entry.type == OV_ENTRY_FILES) {
            want_found(texts, &loads, &entry, release);
        }
    }
    return ov_buf_status(&texts->wanted);
}

// ---- what the builder says ----------------------------------------------------------------------

static bool is_wanted(const struct texts *texts, struct ov_span entry) {
    const struct wanted *items = (const struct wanted *)(const void *)texts->wanted.data;
    struct ov_span file;
    struct ov_span text;
    if (ov_evidence_leaf_read(entry, &file, &text) != OV_OK) {
        return false;
    }
    for (size_t i = 0; i < texts->wanted.size / sizeof *items; i++) {
        if (ov_evidence_rule_is(file, text, items[i].rule, items[i].file)) {
            return true;
        }
    }
    return false;
}

static enum ov_status take_leaf(struct texts *texts, struct ov_span entry) {
    struct ov_tree_hash hash;
    struct kept kept = {.index = texts->hashes.size / sizeof hash};
    ov_leaf_hash(entry, &hash);
    ov_buf_add(&texts->hashes, hash.bytes, sizeof hash.bytes);
    if (is_wanted(texts, entry)) {
        const char *copy = ov_arena_text(&texts->arena, entry);
        if (copy == NULL) {
            return OV_MEMORY;
        }
        kept.entry = ov_span_make(copy, entry.size);
        ov_buf_add(&texts->kept, &kept, sizeof kept);
    }
    return ov_buf_status(&texts->hashes);
}

// Takes all leaves that are whole.
static void take_text(void *arg, struct ov_span text) {
    struct texts *texts = arg;
    if (texts->list != NULL) {
        ov_buf_add(texts->list, text.data, text.size);
    }
    ov_buf_add(&texts->pending, text.data, text.size);
    struct ov_cursor cursor = ov_cursor_init(ov_buf_span(&texts->pending));
    size_t used = 0;
    while (texts->status == OV_OK && ov_cursor_left(&cursor) >= sizeof(uint32_t)) {
        uint32_t size = ov_cursor_u32be(&cursor);
        if (ov_cursor_left(&cursor) < size) {
            break;
        }
        texts->status = take_leaf(texts, ov_cursor_bytes(&cursor, size));
        used = cursor.at;
    }
    if (used > 0) {
        texts->pending.size -= used;
        memmove(texts->pending.data, texts->pending.data + used, texts->pending.size);
    }
    texts->status = texts->status == OV_OK ? ov_buf_status(&texts->pending) : texts->status;
}

static enum ov_status read_subtree(void *arg, unsigned level, uint64_t index,
                                   struct ov_tree_hash *ret_hash) {
    const struct texts *texts = arg;
    const struct ov_tree_hash *hashes =
        (const struct ov_tree_hash *)(const void *)texts->hashes.data;
    struct ov_tree tree;
    ov_tree_init(&tree);
    for (uint64_t i = index << level; i < (index + 1) << level; i++) {
        ov_tree_append(&tree, &hashes[i]);
    }
    ov_tree_root(&tree, ret_hash);
    return OV_OK;
}

// ---- one release --------------------------------------------------------------------------------

static enum ov_status read_release(struct ov_span part, struct ov_tree_hash *ret_leaf,
                                   struct ov_release *ret_release) {
    static struct ov_note note;
    OV_CLEANUP(ov_buf_release) struct ov_buf entry = {0};
    struct ov_proof proof;
    TRY(ov_proof_read(part, &proof));
    TRY(ov_proof_add_extra(&entry, &proof));
    ov_leaf_hash(ov_buf_span(&entry), ret_leaf);
    TRY(ov_note_read(ov_buf_span(&entry), &note));
    return ov_release_read(note.text, ret_release);
}

static enum ov_status run_builder(struct ov_evidence_work *work, size_t at,
                                  const struct ov_release *release, struct texts *texts) {
    OV_CLEANUP(ov_sources_release) struct ov_sources sources = {0};
    char rules[PATH_MAX];
    char why[OV_LEAVES_REASON_BYTES];
    struct ov_tree_hash root;
    uint64_t count = 0;
    int size = snprintf(rules, sizeof rules, "%s/../rules", work->options->journal);
    TRY(size > 0 && (size_t)size < sizeof rules ? OV_OK : OV_LIMIT);
    struct ov_set_path prefix =
        ov_set_path_of(rules, work->feeds[at], work->sets[at], OV_SET_FILES);
    struct ov_leaves_request request = {.sources = &sources,
                                        .prefix = prefix.text,
                                        .arg = texts,
                                        .on_text = take_text,
                                        .with_texts = true};
    TRY(ov_set_add_sources(rules, work->feeds[at], work->sets[at], &sources));
    enum ov_status status = ov_leaves_run(&request, &count, &root, why);
    if (status != OV_OK) {
        (void)snprintf(work->reason, sizeof work->reason, "the rules of %s: %s", work->feeds[at],
                       why);
        return ov_evidence_fail(work, status, work->reason);
    }
    TRY(texts->status);
    const struct ov_tree_source source = {.arg = texts, .read = read_subtree};
    uint64_t leaves = texts->hashes.size / sizeof root;
    bool is_so = texts->pending.size == 0 && leaves == release->rule_count &&
                 ov_tree_root_at(&source, leaves, &root) == OV_OK &&
                 ov_tree_hash_is_equal(&root, &release->rule_root);
    return is_so ? OV_OK
                 : ov_evidence_fail(work, OV_DENIED,
                                    "the rules on disk are not those of their release: overt rules "
                                    "verify says which");
}

static enum ov_status keep_rules(struct ov_evidence_work *work, const struct ov_tree_hash *leaf,
                                 struct texts *texts) {
    const struct ov_tree_source source = {.arg = texts, .read = read_subtree};
    const struct kept *kept = (const struct kept *)(const void *)texts->kept.data;
    for (size_t i = 0; i < texts->kept.size / sizeof *kept; i++) {
        struct ov_evidence_rule rule = {
            .release = *leaf, .index = kept[i].index, .entry = kept[i].entry};
        size_t at = work->evidence.rule_count;
        if (at == OV_EVIDENCE_RULES_MAX) {
            return OV_OK;
        }
        TRY(ov_inclusion_prove(&source, rule.index, texts->hashes.size / sizeof *leaf, &rule.path));
        ov_evidence_rule_add(&work->rules[at], &rule);
        TRY(ov_buf_status(&work->rules[at]));
        work->evidence.rules[at] = ov_buf_span(&work->rules[at]);
        work->evidence.rule_count++;
    }
    return OV_OK;
}

static enum ov_status add_texts(struct ov_evidence_work *work, size_t at, struct texts *texts) {
    struct ov_release release;
    struct ov_tree_hash leaf;
    TRY(read_release(work->evidence.releases[at], &leaf, &release));
    TRY(want_all(work, &leaf, texts));
    if (work->options->with_rules) {
        texts->list = &work->lists[work->evidence.list_count];
        ov_evidence_list_add(texts->list, &leaf);
    } else if (texts->wanted.size == 0) {
        return OV_OK;
    }
    TRY(run_builder(work, at, &release, texts));
    if (texts->list != NULL) {
        TRY(ov_buf_status(texts->list));
        work->evidence.lists[work->evidence.list_count++] = ov_buf_span(texts->list);
    }
    return keep_rules(work, &leaf, texts);
}

enum ov_status ov_evidence_add_rules(struct ov_evidence_work *work) {
    for (size_t i = 0; i < work->evidence.release_count; i++) {
        OV_CLEANUP(release_texts) struct texts texts = {0};
        ov_arena_init(&texts.arena, SIZE_MAX);
        TRY(add_texts(work, i, &texts));
    }
    return OV_OK;
}
