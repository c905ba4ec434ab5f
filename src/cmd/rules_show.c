// SPDX-License-Identifier: Apache-2.0
// overt rules show: the source text of a rule, where it stands, and what it asks for.
#include "cmd/rules_common.h"

#include "base/json.h"
#include "base/say.h"
#include "rules/explain.h"

#include <inttypes.h>
#include <string.h>

// One rule of the name that was asked for.
struct shown {
    struct ov_span name;
    struct ov_span source;
    struct ov_place place;
    struct ov_span meaning; // several lines
};

static void add_shown(const struct ov_rules_options *options, struct ov_buf *out,
                      const struct ov_ruleset *set, const struct shown *shown) {
    if (options->is_json) {
        struct ov_json json;
        ov_json_init(&json, out);
        ov_json_object(&json, NULL);
        ov_json_bytes(&json, "rule", shown->name);
        ov_json_bytes(&json, "file", ov_span_text(set->files[shown->place.file].path));
        ov_json_uint(&json, "line", shown->place.line);
        ov_json_bytes(&json, "source", shown->source);
        ov_json_bytes(&json, "meaning", shown->meaning);
        ov_json_object_end(&json);
        ov_buf_add_text(out, "\n");
        return;
    }
    ov_buf_add_text(out, "rule: ");
    ov_text_add_printable(out, shown->name);
    ov_buf_add_text(out, "\nplace: ");
    ov_rules_add_place(out, set, shown->place);
    ov_buf_add_text(out, "\nsource: ");
    ov_text_add_printable(out, shown->source);
    ov_buf_add_text(out, "\n");
    ov_buf_add(out, shown->meaning.data, shown->meaning.size);
    ov_buf_add_text(out, "\n");
}

static void explain_hash(const struct ov_hash_rule *hash, struct ov_buf *out) {
    ov_buf_printf(out, "kind: %s\nhash: %s ", ov_rules_scope_text(hash), ov_rules_hash_text(hash));
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
static struct ov_span wanted_name(const char *argument) {
    static const char ending[] = ".UNOFFICIAL";
    struct ov_span name = ov_span_text(argument);
    size_t size = sizeof ending - 1;
    bool has_ending = name.size > size && memcmp(name.data + name.size - size, ending, size) == 0;
    return has_ending ? ov_span_part(name, 0, name.size - size) : name;
}

static size_t show_rules(const struct ov_rules_options *options, const struct ov_ruleset *set,
                         struct ov_span name, struct ov_buf *out) {
    OV_CLEANUP(ov_buf_release) struct ov_buf meaning = {0};
    size_t count = 0;
    for (size_t i = 0; i < set->rule_count; i++) {
        const struct ov_rule *rule = &set->rules[i];
        if (ov_span_is_equal(rule->name, name)) {
            ov_buf_reset(&meaning);
            ov_rule_explain(rule, &meaning);
            struct shown shown = {rule->name, rule->source, rule->place, ov_buf_span(&meaning)};
            add_shown(options, out, set, &shown);
            count++;
        }
    }
    for (size_t i = 0; i < set->hash_count; i++) {
        const struct ov_hash_rule *hash = &set->hashes[i];
        if (ov_span_is_equal(ov_rules_hash_name(set, hash), name)) {
            ov_buf_reset(&meaning);
            explain_hash(hash, &meaning);
            struct shown shown = {name,
                                  ov_rules_hash_line(set, hash),
                                  {.file = hash->file, .line = hash->line},
                                  ov_buf_span(&meaning)};
            add_shown(options, out, set, &shown);
            count++;
        }
    }
    out->has_failed = out->has_failed || meaning.has_failed;
    return count;
}

int ov_rules_show(const struct ov_rules_options *options) {
    if (options->argument_count < 1) {
        ov_say_error("rules show", "no rule named", "overt rules show NAME [SRC]...");
        return OV_EXIT_ERROR;
    }
    OV_CLEANUP(ov_rules_free) struct ov_ruleset *set = NULL;
    if (ov_rules_load(options, options->arguments + 1, options->argument_count - 1, &set) !=
        OV_OK) {
        return OV_EXIT_ERROR;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    size_t count = show_rules(options, set, wanted_name(options->arguments[0]), &out);
    bool has_failed = out.has_failed;
    ov_rules_flush(&out, true);
    if (count == 0) {
        ov_say_error(options->arguments[0], "no rule has this name",
                     "overt rules list shows all names");
        return OV_EXIT_ERROR;
    }
    return has_failed ? OV_EXIT_ERROR : OV_EXIT_NOTHING;
}
