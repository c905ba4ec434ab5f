// SPDX-License-Identifier: Apache-2.0
// Parts of a file of evidence about rules and witnesses, read and written.
#include "journal/evidence_parts.h"

#include "ledger/proof.h"

#include <inttypes.h>
#include <strings.h>

enum { FOUND_TEXT_BYTES = 256 }; // of RULE in a line `found`: a longer one is cut

// ---- a rule -------------------------------------------------------------------------------------

static enum ov_status read_release(struct ov_cursor *cursor, struct ov_tree_hash *ret_release) {
    struct ov_span line;
    TRY(ov_line_read(cursor, &line));
    TRY(ov_line_take(line, "release", &line));
    return ov_tree_hash_read(line, ret_release);
}

static void add_release(struct ov_buf *buf, const struct ov_tree_hash *release) {
    ov_buf_add_text(buf, "release ");
    ov_tree_hash_add(buf, release);
    ov_buf_add_u8(buf, '\n');
}

enum ov_status ov_evidence_leaf_read(struct ov_span entry, struct ov_span *ret_file,
                                     struct ov_span *ret_text) {
    size_t end = ov_span_find(entry, 0, '\n');
    if (end == entry.size) {
        return OV_DAMAGED;
    }
    *ret_file = ov_span_part(entry, 0, end);
    *ret_text = ov_span_from(entry, end + 1);
    return OV_OK;
}

enum ov_status ov_evidence_rule_read(struct ov_span part, struct ov_evidence_rule *ret_rule) {
    struct ov_cursor cursor = ov_cursor_init(part);
    struct ov_evidence_rule rule = {0};
    struct ov_span line;
    TRY(read_release(&cursor, &rule.release));
    TRY(ov_line_read(&cursor, &line));
    TRY(ov_line_take(line, "index", &line));
    TRY(ov_number_read(line, &rule.index));
    while (true) {
        TRY(ov_line_read(&cursor, &line));
        if (line.size == 0) {
            break;
        }
        TRY(rule.path.count < OV_TREE_PROOF_MAX ? OV_OK : OV_DAMAGED);
        TRY(ov_tree_hash_read(line, &rule.path.hashes[rule.path.count]));
        rule.path.count++;
    }
    rule.entry = ov_span_from(part, cursor.at);
    TRY(ov_evidence_leaf_read(rule.entry, &rule.file, &rule.text));
    *ret_rule = rule;
    return OV_OK;
}

void ov_evidence_rule_add(struct ov_buf *buf, const struct ov_evidence_rule *rule) {
    add_release(buf, &rule->release);
    ov_buf_printf(buf, "index %" PRIu64 "\n", rule->index);
    for (size_t i = 0; i < rule->path.count; i++) {
        ov_tree_hash_add(buf, &rule->path.hashes[i]);
        ov_buf_add_u8(buf, '\n');
    }
    ov_buf_add_u8(buf, '\n');
    ov_buf_add(buf, rule->entry.data, rule->entry.size);
}

// ---- its name -----------------------------------------------------------------------------------

// How a rule's name stands in its text: in the field of this number, fields being parted so.
struct form {
    char ending[4]; // of the file's name
    char parting;
    unsigned field;
};

static const struct form forms[] = {
    {"db", '=', 0},  {"ndb", ':', 0}, {"ndu", ':', 0}, {"sdb", ':', 0},
    {"cdb", ':', 0}, {"ldb", ';', 0}, {"ldu", ';', 0}, {"hdb", ':', 2},
    {"hsb", ':', 2}, {"hdu", ':', 2}, {"hsu", ':', 2}, {"mdb", ':', 2},
    {"msb", ':', 2}, {"mdu", ':', 2}, {"msu", ':', 2}, {"imp", ':', 2},
};

static const struct form *find_form(struct ov_span file) {
    size_t at = file.size;
    while (at > 0 && file.data[at - 1] != '.') {
        at--;
    }
    struct ov_span ending = ov_span_from(file, at);
    for (size_t i = 0; at > 0 && i < sizeof forms / sizeof forms[0]; i++) {
        if (strlen(forms[i].ending) == ending.size &&
            strncasecmp(forms[i].ending, (const char *)ending.data, ending.size) == 0) {
            return &forms[i];
        }
    }
    return NULL;
}

// Empty when there is none.
static struct ov_span find_name(struct ov_span file, struct ov_span text) {
    const struct form *form = find_form(file);
    for (unsigned field = 0; form != NULL && field <= form->field; field++) {
        size_t end = ov_span_find(text, 0, (uint8_t)form->parting);
        if (field == form->field) {
            return ov_span_part(text, 0, end);
        }
        text = ov_span_from(text, end + 1);
    }
    return ov_span_make(NULL, 0);
}

static bool is_plain(uint8_t byte) {
    return byte > ' ' && byte <= '~' && byte != '%';
}

// Whether the words cannot be of this name: by the bytes that stand for themselves.
static bool is_another(struct ov_span name, struct ov_span found_rule) {
    if (found_rule.size < name.size) {
        return true;
    }
    for (size_t i = 0; i < name.size && is_plain(name.data[i]); i++) {
        if (name.data[i] != found_rule.data[i]) {
            return true;
        }
    }
    return false;
}

bool ov_evidence_rule_is(struct ov_span file, struct ov_span text, struct ov_span found_rule,
                         struct ov_span found_file) {
    OV_CLEANUP(ov_buf_release) struct ov_buf written = {0};
    struct ov_span name = find_name(file, text);
    if (name.size == 0 || name.size > FOUND_TEXT_BYTES || is_another(name, found_rule) ||
        !ov_span_is_equal(file, found_file)) {
        return false;
    }
    ov_entry_text_add(&written, name);
    if (ov_span_is_equal(ov_buf_span(&written), found_rule)) {
        return written.size <= FOUND_TEXT_BYTES;
    }
    ov_buf_add_text(&written, ".UNOFFICIAL");
    return ov_buf_status(&written) == OV_OK && written.size <= FOUND_TEXT_BYTES &&
           ov_span_is_equal(ov_buf_span(&written), found_rule);
}

// ---- all rules ----------------------------------------------------------------------------------

enum ov_status ov_evidence_list_read(struct ov_span part, struct ov_evidence_list *ret_list) {
    struct ov_evidence_list list = {.cursor = ov_cursor_init(part)};
    struct ov_span line;
    TRY(read_release(&list.cursor, &list.release));
    TRY(ov_line_read(&list.cursor, &line));
    TRY(line.size == 0 ? OV_OK : OV_DAMAGED);
    *ret_list = list;
    return OV_OK;
}

enum ov_status ov_evidence_list_next(struct ov_evidence_list *list, struct ov_span *ret_entry) {
    if (ov_cursor_left(&list->cursor) == 0) {
        return OV_END;
    }
    uint32_t size = ov_cursor_u32be(&list->cursor);
    *ret_entry = ov_cursor_bytes(&list->cursor, size);
    return ov_cursor_status(&list->cursor);
}

void ov_evidence_list_add(struct ov_buf *buf, const struct ov_tree_hash *release) {
    add_release(buf, release);
    ov_buf_add_u8(buf, '\n');
}

// ---- releases -----------------------------------------------------------------------------------

enum ov_status ov_evidence_release(const struct ov_evidence *evidence,
                                   const struct ov_tree_hash *leaf, struct ov_buf *ret_entry,
                                   size_t *ret_index) {
    for (size_t i = 0; i < evidence->release_count; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf entry = {0};
        struct ov_proof proof;
        struct ov_tree_hash hash;
        if (ov_proof_read(evidence->releases[i], &proof) != OV_OK || !proof.has_extra) {
            continue;
        }
        TRY(ov_proof_add_extra(&entry, &proof));
        ov_leaf_hash(ov_buf_span(&entry), &hash);
        if (ov_tree_hash_is_equal(&hash, leaf)) {
            ov_buf_add(ret_entry, entry.data, entry.size);
            *ret_index = i;
            return ov_buf_status(ret_entry);
        }
    }
    return OV_END;
}

// ---- witnesses ----------------------------------------------------------------------------------

enum ov_status ov_evidence_witness_read(struct ov_span part,
                                        struct ov_evidence_witness *ret_witness) {
    struct ov_cursor cursor = ov_cursor_init(part);
    TRY(ov_evidence_follow(&cursor, &ret_witness->proof));
    ret_witness->note = ov_span_from(part, cursor.at);
    return OV_OK;
}

void ov_evidence_witness_add(struct ov_buf *buf, const struct ov_evidence_witness *witness) {
    ov_evidence_follow_add(buf, &witness->proof);
    ov_buf_add(buf, witness->note.data, witness->note.size);
}
