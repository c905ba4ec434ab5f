// SPDX-License-Identifier: Apache-2.0
// The releases that were loaded, and the texts of their rules.
#include "journal/evidence_found.h"
#include "journal/evidence_inside.h"

#include <stdlib.h>

#define NS_IN_SECOND 1000000000ull

// ---- what was told already ----------------------------------------------------------------------

// Claims by their hashes, in a table whose size is a power of two.
struct told {
    struct ov_tree_hash *items; // all zero: free
    size_t count, room;
};

// Where the hash is, or has its place. The table is never full.
static struct ov_tree_hash *find_place(const struct told *told, const struct ov_tree_hash *hash) {
    static const struct ov_tree_hash none;
    uint64_t at;
    memcpy(&at, hash->bytes, sizeof at);
    while (!ov_tree_hash_is_equal(&told->items[at & (told->room - 1)], &none) &&
           !ov_tree_hash_is_equal(&told->items[at & (told->room - 1)], hash)) {
        at++;
    }
    return &told->items[at & (told->room - 1)];
}

static enum ov_status make_room(struct told *told) {
    struct told larger = {.count = told->count, .room = told->room == 0 ? 64 : told->room * 2};
    larger.items = calloc(larger.room, sizeof *larger.items);
    if (larger.items == NULL) {
        return OV_MEMORY;
    }
    for (size_t i = 0; i < told->room; i++) {
        *find_place(&larger, &told->items[i]) = told->items[i];
    }
    free(told->items);
    *told = larger;
    return OV_OK;
}

// Whether these bytes come for the first time.
static enum ov_status tell_once(struct told *told, struct ov_span bytes, bool *ret_is_new) {
    struct ov_tree_hash hash;
    if (told->count * 2 >= told->room) {
        TRY(make_room(told));
    }
    ov_leaf_hash(bytes, &hash);
    struct ov_tree_hash *place = find_place(told, &hash);
    *ret_is_new = !ov_tree_hash_is_equal(place, &hash);
    told->count += *ret_is_new;
    *place = hash;
    return OV_OK;
}

static void release_told(struct told *told) {
    free(told->items);
}

// ---- releases -----------------------------------------------------------------------------------

static void read_release(struct ov_evidence_checking *checking, size_t index) {
    OV_CLEANUP(ov_buf_release) struct ov_buf entry = {0};
    struct ov_evidence_known *known = &checking->releases[index];
    struct ov_span part = checking->evidence->releases[index];
    known->is_readable = ov_proof_read(part, &checking->proof.proof) == OV_OK &&
                         checking->proof.proof.has_extra &&
                         ov_proof_add_extra(&entry, &checking->proof.proof) == OV_OK;
    if (known->is_readable) {
        ov_leaf_hash(ov_buf_span(&entry), &known->leaf);
    }
}

static struct ov_evidence_known *find_release(struct ov_evidence_checking *checking,
                                              const struct ov_tree_hash *leaf) {
    for (size_t i = 0; i < checking->evidence->release_count; i++) {
        struct ov_evidence_known *known = &checking->releases[i];
        if (known->is_readable && ov_tree_hash_is_equal(&known->leaf, leaf)) {
            return known;
        }
    }
    return NULL;
}

// Release keys speak for their feed alone, and an entry names a set as its feed.
static const char *hold_feed(const struct ov_evidence_known *known, const struct ov_trust *trust,
                             struct ov_span name) {
    if (strcmp(known->release.feed.text, trust->feed.text) != 0) {
        return "it is of another feed than the trust file";
    }
    return ov_span_is_text(name, known->release.feed.text)
               ? NULL
               : "the entry names it as that of another feed";
}

static const char *prove_release(struct ov_evidence_checking *checking,
                                 struct ov_evidence_known *known, struct ov_span name) {
    const struct ov_evidence_check *check = checking->check;
    OV_CLEANUP(ov_buf_release) struct ov_buf entry = {0};
    size_t index = (size_t)(known - checking->releases);
    struct ov_span part = checking->evidence->releases[index];
    struct ov_span text;
    const char *why = "out of memory";
    if (ov_proof_check(part, &known->leaf, check->policy, &checking->proof, &why) != OV_OK ||
        ov_proof_add_extra(&entry, &checking->proof.proof) != OV_OK ||
        ov_trust_check(check->trust, ov_buf_span(&entry), &text, &why) != OV_OK) {
        return why;
    }
    if (ov_release_read(text, &known->release) != OV_OK) {
        return "the entry is no release of rules";
    }
    known->quorum_time = checking->proof.opened.quorum_time;
    known->has_release = true;
    why = hold_feed(known, check->trust, name);
    known->is_proven = why == NULL;
    return why;
}

static void check_order(const struct ov_evidence_checking *checking,
                        const struct ov_evidence_known *known, struct ov_span name) {
    if (known->quorum_time > 0) {
        bool is_before = known->quorum_time <= known->loaded_ns / NS_IN_SECOND;
        ov_evidence_step_of(checking, "this set was public before it was loaded",
                            is_before ? OV_PROVEN : OV_NOT_PROVEN,
                            "its proof is newer than that, or a clock was wrong", name);
    }
}

static void check_set(struct ov_evidence_checking *checking, struct ov_span name,
                      const struct ov_tree_hash *leaf) {
    static const char claim[] = "this set is a release of the public log";
    const struct ov_evidence_check *check = checking->check;
    struct ov_evidence_known *known = leaf != NULL ? find_release(checking, leaf) : NULL;
    if (known == NULL) {
        ov_evidence_step_of(
            checking, claim, OV_NOT_PROVEN,
            leaf == NULL ? "the entry says that it is none" : "the file does not have it", name);
    } else if (check->policy == NULL || check->trust == NULL) {
        ov_evidence_step_of(checking, claim, OV_NOT_PROVEN, "--policy and --trust were not given",
                            name);
    } else {
        const char *why = known->is_proven ? hold_feed(known, check->trust, name)
                                           : prove_release(checking, known, name);
        ov_evidence_step_of(checking, claim, why == NULL ? OV_PROVEN : OV_FAILED, why, name);
        if (why == NULL) {
            check_order(checking, known, name);
        }
    }
}

// When each release was loaded first.
static void note_loads(struct ov_evidence_checking *checking, const struct ov_entry *entry) {
    struct ov_span line;
    struct ov_span name;
    struct ov_tree_hash leaf;
    for (size_t i = 0; ov_entry_value(entry->body, "set", i, &line) == OV_OK; i++) {
        struct ov_evidence_known *known = NULL;
        if (ov_word_take(&line, &name) == OV_OK && ov_tree_hash_read(line, &leaf) == OV_OK) {
            known = find_release(checking, &leaf);
        }
        if (known != NULL && (!known->is_loaded || entry->time_ns < known->loaded_ns)) {
            known->is_loaded = true;
            known->loaded_ns = entry->time_ns;
        }
    }
}

static enum ov_status check_sets(struct ov_evidence_checking *checking,
                                 const struct ov_entry *entry, struct told *told) {
    struct ov_span line;
    struct ov_span name;
    struct ov_tree_hash leaf;
    for (size_t i = 0; ov_entry_value(entry->body, "set", i, &line) == OV_OK; i++) {
        bool is_new;
        TRY(tell_once(told, line, &is_new));
        if (is_new && ov_word_take(&line, &name) == OV_OK) {
            bool has_leaf = ov_tree_hash_read(line, &leaf) == OV_OK;
            check_set(checking, name, has_leaf ? &leaf : NULL);
        }
    }
    return OV_OK;
}

enum ov_status ov_evidence_check_releases(struct ov_evidence_checking *checking) {
    OV_CLEANUP(release_told) struct told told = {0};
    struct ov_entry entry;
    bool are_loaded = true;
    for (size_t i = 0; i < checking->evidence->release_count; i++) {
        read_release(checking, i);
    }
    for (size_t i = 0; i < checking->count; i++) {
        if (ov_evidence_get(checking, i, &entry) && entry.type == OV_ENTRY_LOAD) {
            note_loads(checking, &entry);
        }
    }
    for (size_t i = 0; i < checking->count; i++) {
        if (ov_evidence_get(checking, i, &entry) && entry.type == OV_ENTRY_LOAD) {
            TRY(check_sets(checking, &entry, &told));
        }
    }
    for (size_t i = 0; i < checking->evidence->release_count; i++) {
        are_loaded = are_loaded && checking->releases[i].is_loaded;
    }
    if (!are_loaded) {
        ov_evidence_step(checking, "each release in the file was loaded", OV_FAILED,
                         "one is named by no entry of the range");
    }
    return OV_OK;
}

// ---- their rules --------------------------------------------------------------------------------

static enum ov_proven weigh(const struct ov_evidence_known *known, const char *why,
                            const char **ret_why) {
    if (known == NULL || why != NULL) {
        *ret_why = known == NULL ? "the file does not have its release" : why;
        return OV_FAILED;
    }
    *ret_why = "that its release is one is not proven";
    return known->is_proven ? OV_PROVEN : OV_NOT_PROVEN;
}

// What the entry of a release says, whether it is proven or not.
static enum ov_status peek(struct ov_evidence_checking *checking, struct ov_evidence_known *known) {
    OV_CLEANUP(ov_buf_release) struct ov_buf entry = {0};
    static struct ov_note note;
    if (known->has_release) {
        return OV_OK;
    }
    size_t index = (size_t)(known - checking->releases);
    TRY(ov_proof_read(checking->evidence->releases[index], &checking->proof.proof));
    TRY(ov_proof_add_extra(&entry, &checking->proof.proof));
    TRY(ov_note_read(ov_buf_span(&entry), &note));
    TRY(ov_release_read(note.text, &known->release));
    known->has_release = true;
    return OV_OK;
}

static const char *check_list(const struct ov_release *release, struct ov_evidence_list *list) {
    struct ov_tree tree;
    struct ov_tree_hash hash;
    struct ov_span leaf;
    struct ov_span file;
    struct ov_span text;
    ov_tree_init(&tree);
    enum ov_status status = ov_evidence_list_next(list, &leaf);
    for (; status == OV_OK; status = ov_evidence_list_next(list, &leaf)) {
        if (ov_evidence_leaf_read(leaf, &file, &text) != OV_OK) {
            return "one of them is no rule";
        }
        ov_leaf_hash(leaf, &hash);
        ov_tree_append(&tree, &hash);
    }
    ov_tree_root(&tree, &hash);
    bool is_so = status == OV_END && tree.size == release->rule_count &&
                 ov_tree_hash_is_equal(&hash, &release->rule_root);
    return is_so ? NULL : "they are not the rules that the release names";
}

static void check_lists(struct ov_evidence_checking *checking) {
    for (size_t i = 0; i < checking->evidence->list_count; i++) {
        struct ov_evidence_list list;
        struct ov_evidence_known *known = NULL;
        const char *why = NULL;
        struct ov_span name = {0};
        if (ov_evidence_list_read(checking->evidence->lists[i], &list) == OV_OK) {
            known = find_release(checking, &list.release);
        }
        if (known != NULL) {
            why = peek(checking, known) == OV_OK ? check_list(&known->release, &list)
                                                 : "its release is none";
            name = ov_span_text(known->release.feed.text);
        }
        enum ov_proven result = weigh(known, why, &why);
        checking->report->proven_lists |= (uint64_t)(result == OV_PROVEN) << i;
        ov_evidence_step_of(checking, "these are all rules of the release", result, why, name);
    }
}

static const char *check_path(const struct ov_release *release,
                              const struct ov_evidence_rule *rule) {
    const struct ov_tree_head head = {.size = release->rule_count, .root = release->rule_root};
    struct ov_tree_hash hash;
    ov_leaf_hash(rule->entry, &hash);
    bool is_so = ov_inclusion_verify(rule->index, &hash, &rule->path, &head) == OV_OK;
    return is_so ? NULL : "it does not lead to the rules' root";
}

static void check_rule(struct ov_evidence_checking *checking, size_t index) {
    struct ov_evidence_known_rule *kept = &checking->rules[index];
    struct ov_evidence_rule rule = {0};
    struct ov_evidence_known *known = NULL;
    const char *why = NULL;
    if (ov_evidence_rule_read(checking->evidence->rules[index], &rule) == OV_OK) {
        known = find_release(checking, &rule.release);
    }
    if (known != NULL) {
        why = peek(checking, known) == OV_OK ? check_path(&known->release, &rule)
                                             : "its release is none";
    }
    enum ov_proven result = weigh(known, why, &why);
    *kept =
        (struct ov_evidence_known_rule){rule.release, rule.file, rule.text, result == OV_PROVEN};
    ov_evidence_step_of(checking, "this rule is one of the release", result, why, rule.file);
}

// ---- what was found -----------------------------------------------------------------------------

static const char *find_text(const struct ov_evidence_checking *checking,
                             const struct ov_evidence_found *found) {
    const char *why = "the file does not have its text";
    for (size_t i = 0; i < checking->evidence->rule_count; i++) {
        const struct ov_evidence_known_rule *rule = &checking->rules[i];
        if (ov_tree_hash_is_equal(&rule->release, &found->release) &&
            ov_evidence_rule_is(rule->file, rule->text, found->rule, found->file)) {
            if (rule->is_proven) {
                return NULL;
            }
            why = "that its release is one is not proven";
        }
    }
    return why;
}

static enum ov_status check_found(const struct ov_evidence_checking *checking,
                                  struct ov_evidence_loads *loads, const struct ov_entry *entry,
                                  struct told *told) {
    struct ov_cursor body = ov_cursor_init(entry->body);
    struct ov_span line;
    while (ov_line_read(&body, &line) == OV_OK) {
        OV_CLEANUP(ov_buf_release) struct ov_buf key = {0};
        struct ov_evidence_found found;
        bool is_new;
        if (ov_line_take(line, "found", &line) != OV_OK) {
            continue;
        }
        enum ov_status status = ov_evidence_found_read(loads, &entry->run, line, &found);
        ov_buf_printf(&key, "%d ", (int)status);
        ov_buf_add(&key, line.data, line.size - found.where.size);
        ov_buf_add(&key, found.release.bytes, sizeof found.release.bytes);
        TRY(ov_buf_status(&key));
        TRY(tell_once(told, ov_buf_span(&key), &is_new));
        if (is_new) {
            const char *why = status == OV_OK    ? find_text(checking, &found)
                              : status == OV_END ? "its run's load is not in the range"
                                                 : "its set stands in no public log";
            ov_evidence_step_of(checking, "the text of the rule that found is public",
                                why == NULL ? OV_PROVEN : OV_NOT_PROVEN, why, found.rule);
        }
    }
    return OV_OK;
}

static enum ov_status check_all_found(const struct ov_evidence_checking *checking,
                                      struct ov_evidence_loads *loads, struct told *told) {
    struct ov_entry entry;
    for (size_t i = 0; i < checking->count; i++) {
        if (ov_evidence_get(checking, i, &entry)) {
            TRY(ov_evidence_loads_take(loads, &entry));
            if (entry.type == OV_ENTRY_FILES) {
                TRY(check_found(checking, loads, &entry, told));
            }
        }
    }
    return OV_OK;
}

enum ov_status ov_evidence_check_rules(struct ov_evidence_checking *checking) {
    struct ov_evidence_loads loads = {0};
    struct told told = {0};
    checking->rules = calloc(checking->evidence->rule_count + 1, sizeof *checking->rules);
    if (checking->rules == NULL) {
        return OV_MEMORY;
    }
    check_lists(checking);
    for (size_t i = 0; i < checking->evidence->rule_count; i++) {
        check_rule(checking, i);
    }
    enum ov_status status = check_all_found(checking, &loads, &told);
    ov_evidence_loads_release(&loads);
    free(told.items);
    return status;
}
