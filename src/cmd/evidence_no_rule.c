// SPDX-License-Identifier: Apache-2.0
// Whether a rule with some text was loaded, by the lists of all rules of what was.
#include "cmd/evidence.h"

static uint8_t fold(uint8_t byte) {
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
}

static bool begins_with(struct ov_span text, struct ov_span wanted) {
    for (size_t i = 0; i < wanted.size; i++) {
        if (fold(text.data[i]) != fold(wanted.data[i])) {
            return false;
        }
    }
    return true;
}

static bool has_text(struct ov_span text, struct ov_span wanted) {
    for (size_t at = 0; at + wanted.size <= text.size; at++) {
        if (begins_with(ov_span_from(text, at), wanted)) {
            return true;
        }
    }
    return false;
}

static const char *search_list(struct ov_evidence_list *list, struct ov_span wanted) {
    struct ov_span entry;
    struct ov_span file;
    struct ov_span text;
    while (ov_evidence_list_next(list, &entry) == OV_OK) {
        if (ov_evidence_leaf_read(entry, &file, &text) == OV_OK && has_text(text, wanted)) {
            return "no, one has it";
        }
    }
    return "yes";
}

static const char *search_release(const struct ov_evidence *evidence,
                                  const struct ov_evidence_report *report,
                                  const struct ov_tree_hash *leaf, struct ov_span wanted) {
    for (size_t i = 0; i < evidence->list_count; i++) {
        struct ov_evidence_list list;
        if (ov_evidence_list_read(evidence->lists[i], &list) == OV_OK &&
            ov_tree_hash_is_equal(&list.release, leaf)) {
            return (report->proven_lists >> i & 1) != 0 ? search_list(&list, wanted)
                                                        : "cannot be told: a release is not proven";
        }
    }
    return "cannot be told: the file does not have all rules of a release";
}

static const char *search_load(const struct ov_evidence *evidence,
                               const struct ov_evidence_report *report, struct ov_span body,
                               struct ov_span wanted) {
    struct ov_span line;
    struct ov_span name;
    struct ov_tree_hash leaf;
    const char *word = "yes";
    size_t count = 0;
    for (; ov_entry_value(body, "set", count, &line) == OV_OK; count++) {
        bool is_release =
            ov_word_take(&line, &name) == OV_OK && ov_tree_hash_read(line, &leaf) == OV_OK;
        const char *one = is_release ? search_release(evidence, report, &leaf, wanted)
                                     : "cannot be told: a set is in no public log";
        if (one[0] != 'y' && word[0] != 'n') { // one that has it is enough
            word = one;
        }
    }
    return count > 0 ? word : "cannot be told: an image names no sets";
}

const char *ov_evidence_no_rule(const struct ov_evidence *evidence,
                                const struct ov_evidence_report *report, const char *text) {
    struct ov_cursor cursor = ov_cursor_init(evidence->entries);
    struct ov_span bytes;
    struct ov_entry entry;
    const char *word = "yes";
    while (ov_evidence_entry(&cursor, &bytes) == OV_OK) {
        if (ov_entry_read(bytes, &entry) != OV_OK || entry.type != OV_ENTRY_LOAD) {
            continue;
        }
        const char *one = search_load(evidence, report, entry.body, ov_span_text(text));
        if (one[0] != 'y' && word[0] != 'n') {
            word = one;
        }
    }
    return word;
}

void ov_evidence_each_match(const struct ov_evidence *evidence, const char *text, void *arg,
                            void (*tell)(void *arg, struct ov_span file, struct ov_span text)) {
    struct ov_evidence_list list;
    struct ov_span entry;
    struct ov_span file;
    struct ov_span rule;
    size_t count = 0;
    for (size_t i = 0; i < evidence->list_count; i++) {
        if (ov_evidence_list_read(evidence->lists[i], &list) != OV_OK) {
            continue;
        }
        while (count < OV_EVIDENCE_MATCHES_MAX && ov_evidence_list_next(&list, &entry) == OV_OK) {
            if (ov_evidence_leaf_read(entry, &file, &rule) == OV_OK &&
                has_text(rule, ov_span_text(text))) {
                tell(arg, file, rule);
                count++;
            }
        }
    }
}
