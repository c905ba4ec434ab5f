// SPDX-License-Identifier: Apache-2.0
// Files of every kind, split into the texts of their rules: the first byte says which kind.
// rooms: rules base
#include "rules/rule_text.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { UNPACKED_BYTES_MAX = 1 << 20, RULES_MAX = 100000 };

static const char *const names[] = {"a.ndb", "a.yar", "d/a.cvd", "a.cbc", "a"};

static void check(const struct ov_rule_texts *texts, const struct ov_rule_text *text,
                  uint32_t last_line) {
    bool is_line = texts->kind == OV_RULE_TEXT_LINES;
    bool is_same_file = text->line >= last_line || texts->is_container;
    if (text->text.size == 0 || text->line == 0 || !is_same_file ||
        !ov_span_has_prefix(text->name, (const char *)texts->name.data) ||
        (is_line &&
         (text->text.data[0] == '#' || ov_span_find(text->text, 0, '\n') < text->text.size)) ||
        ov_span_find(text->name, 0, '\n') < text->name.size) {
        abort();
    }
}

// Splits once more what was a rule of YARA: it must be one again, and whole. What is a mark of byte
// order at the beginning of a file is text elsewhere.
static void check_yara(struct ov_span text) {
    struct ov_yara_text yara;
    struct ov_span again;
    uint32_t line;
    ov_yara_text_init(text, &yara);
    yara.at = 0;
    if (ov_yara_text_next(&yara, &again, &line) != OV_OK || !ov_span_is_equal(text, again) ||
        ov_yara_text_next(&yara, &again, &line) != OV_END) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    // Letters, so that seeds can be written by hand: '0' is the first kind.
    const char *name = names[(size_t)(data[0] - '0') % (sizeof names / sizeof *names)];
    OV_CLEANUP(ov_buf_release) struct ov_buf entry = {0};
    OV_CLEANUP(ov_rule_texts_close) struct ov_rule_texts texts;
    struct ov_rule_text text;
    struct ov_tree_hash hash;
    uint32_t last_line = 0;
    enum ov_status status = ov_rule_texts_open(ov_span_text(name), ov_span_make(data + 1, size - 1),
                                               UNPACKED_BYTES_MAX, &texts);
    for (unsigned i = 0; status == OV_OK && i < RULES_MAX; i++) {
        status = ov_rule_texts_next(&texts, &text);
        if (status == OV_OK) {
            check(&texts, &text, last_line);
            last_line = text.line;
            if (texts.kind == OV_RULE_TEXT_YARA) {
                check_yara(text.text);
            }
            if (ov_rule_text_hash(&text, &entry, &hash) != OV_OK) {
                abort();
            }
        }
    }
    if ((texts.why != NULL) != (status == OV_DAMAGED || status == OV_LIMIT)) {
        abort();
    }
    return 0;
}
