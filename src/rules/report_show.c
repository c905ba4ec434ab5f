// SPDX-License-Identifier: Apache-2.0
// overt rules show: the source text of a rule, where it stands, and what it asks for.
#include "rules/report.h"

#include "base/json.h"
#include "rules/explain.h"
#include "rules/rule_text.h"

#include <inttypes.h>
#include <string.h>

// One rule of the name that was asked for.
struct shown {
    struct ov_span name;
    struct ov_span source;
    struct ov_place place;
    struct ov_span meaning; // several lines
};

// The name of the file in a release: what follows the feed's name ("stable:a/main.ndb"), else the
// last part of the path.
static struct ov_span find_leaf_name(const char *path) {
    const char *colon = strchr(path, ':');
    const char *slash = strchr(path, '/');
    if (colon != NULL && (slash == NULL || colon < slash)) {
        return ov_span_text(&colon[1]);
    }
    const char *last = strrchr(path, '/');
    return ov_span_text(last != NULL ? &last[1] : path);
}

// The hash of the rule's leaf, as text: empty when memory ran out, which the report tells.
static void make_leaf(const struct ov_ruleset *set, const struct shown *shown,
                      struct ov_span *ret_name, struct ov_buf *ret_hash) {
    OV_CLEANUP(ov_buf_release) struct ov_buf entry = {0};
    struct ov_rule_text text = {.name = find_leaf_name(set->files[shown->place.file].path),
                                .text = shown->source};
    struct ov_tree_hash hash;
    *ret_name = text.name;
    if (ov_rule_text_hash(&text, &entry, &hash) == OV_OK) {
        ov_tree_hash_add(ret_hash, &hash);
    } else {
        ret_hash->has_failed = true;
    }
}

static void add_json(struct ov_buf *out, const struct ov_ruleset *set, const struct shown *shown) {
    OV_CLEANUP(ov_buf_release) struct ov_buf hash = {0};
    struct ov_span name;
    struct ov_json json;
    make_leaf(set, shown, &name, &hash);
    out->has_failed = out->has_failed || hash.has_failed;
    ov_json_init(&json, out);
    ov_json_object(&json, NULL);
    ov_json_bytes(&json, "rule", shown->name);
    ov_json_bytes(&json, "file", ov_span_text(set->files[shown->place.file].path));
    ov_json_uint(&json, "line", shown->place.line);
    ov_json_bytes(&json, "source", shown->source);
    ov_json_bytes(&json, "leaf", ov_buf_span(&hash));
    ov_json_bytes(&json, "leaf_name", name);
    ov_json_bytes(&json, "meaning", shown->meaning);
    ov_json_object_end(&json);
    ov_buf_add_text(out, "\n");
}

static void add_text(struct ov_report *report, const struct ov_ruleset *set,
                     const struct shown *shown) {
    OV_CLEANUP(ov_buf_release) struct ov_buf hash = {0};
    struct ov_buf *out = &report->out;
    struct ov_span name;
    make_leaf(set, shown, &name, &hash);
    ov_buf_add_text(out, "rule: ");
    ov_text_add_printable(out, shown->name);
    ov_buf_add_text(out, "\nplace: ");
    ov_report_add_place(report, set, shown->place);
    ov_buf_add_text(out, "\nsource: ");
    ov_text_add_printable(out, shown->source);
    ov_buf_add_text(out, "\nleaf: ");
    ov_buf_add(out, hash.data, hash.size);
    ov_buf_add_text(out, " of ");
    ov_text_add_printable(out, name);
    ov_buf_add_text(out, "\n");
    ov_buf_add(out, shown->meaning.data, shown->meaning.size);
    ov_buf_add_text(out, "\n");
    out->has_failed = out->has_failed || hash.has_failed;
}

static void add_shown(struct ov_report *report, const struct ov_ruleset *set,
                      const struct shown *shown) {
    if (report->is_json) {
        add_json(&report->out, set, shown);
    } else {
        add_text(report, set, shown);
    }
    ov_report_flush(report, false);
}

static void explain_hash(const struct ov_hash_rule *hash, struct ov_buf *out) {
    ov_buf_printf(out, "kind: %s\nhash: %s ", ov_hash_rule_scope_text(hash),
                  ov_hash_rule_kind_text(hash));
    for (size_t i = 0; i < ov_hash_bytes((enum ov_hash_kind)hash->kind); i++) {
        ov_buf_printf(out, "%02x", hash->digest[i]);
    }
    if (hash->size == OV_HASH_ANY_SIZE) {
        ov_buf_add_text(out, "\nsize: any\n");
    } else {
        ov_buf_printf(out, "\nsize: %" PRIu32 " bytes\n", hash->size);
    }
}

// What is asked for, without the ending that reports add.
static struct ov_span cut_ending(struct ov_span name) {
    static const char ending[] = ".UNOFFICIAL";
    size_t size = sizeof ending - 1;
    bool has_ending = name.size > size && memcmp(name.data + name.size - size, ending, size) == 0;
    return has_ending ? ov_span_part(name, 0, name.size - size) : name;
}

static size_t show_rules(struct ov_report *report, const struct ov_ruleset *set,
                         struct ov_span name) {
    OV_CLEANUP(ov_buf_release) struct ov_buf meaning = {0};
    size_t count = 0;
    for (size_t i = 0; i < set->rule_count; i++) {
        const struct ov_rule *rule = &set->rules[i];
        if (ov_span_is_equal(rule->name, name)) {
            ov_buf_reset(&meaning);
            ov_rule_explain(rule, &meaning);
            struct shown shown = {rule->name, rule->source, rule->place, ov_buf_span(&meaning)};
            add_shown(report, set, &shown);
            count++;
        }
    }
    report->out.has_failed = report->out.has_failed || meaning.has_failed;
    return count;
}

static size_t show_hashes(struct ov_report *report, const struct ov_ruleset *set,
                          struct ov_span name) {
    OV_CLEANUP(ov_buf_release) struct ov_buf meaning = {0};
    size_t count = 0;
    for (size_t i = 0; i < set->hash_count; i++) {
        const struct ov_hash_rule *hash = &set->hashes[i];
        if (ov_span_is_equal(ov_hash_rule_name(set, hash), name)) {
            ov_buf_reset(&meaning);
            explain_hash(hash, &meaning);
            struct shown shown = {name,
                                  ov_hash_rule_line(set, hash),
                                  {.file = hash->file, .line = hash->line},
                                  ov_buf_span(&meaning)};
            add_shown(report, set, &shown);
            count++;
        }
    }
    report->out.has_failed = report->out.has_failed || meaning.has_failed;
    return count;
}

size_t ov_report_show(struct ov_report *report, const struct ov_ruleset *set, struct ov_span name) {
    struct ov_span wanted = cut_ending(name);
    size_t count = show_rules(report, set, wanted) + show_hashes(report, set, wanted);
    ov_report_flush(report, true);
    return count;
}
