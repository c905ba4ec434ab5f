// SPDX-License-Identifier: Apache-2.0
// The parts of a file of evidence, read and written.
#include "journal/evidence.h"

#include <inttypes.h>

static const char first_line[] = "overt-evidence/v1";

// ---- what is in it ------------------------------------------------------------------------------

static const char *yes_or_no(struct ov_span part) {
    return part.size > 0 ? "yes" : "no";
}

static void add_about(struct ov_buf *buf, const struct ov_evidence *evidence) {
    ov_buf_printf(buf,
                  "Entries %" PRIu64 " to %" PRIu64 " of a journal of Overt, all of them, and what "
                  "it takes to check them.\n",
                  evidence->from, evidence->to);
    ov_buf_printf(buf,
                  "Names: %s. Releases of rules: %zu.\n"
                  "Whole releases: %zu. Single rules: %zu.\n"
                  "Manifest: %s. Witnesses: %s.\n",
                  evidence->names.size > 0 ? "some or all are shown" : "none is shown",
                  evidence->release_count, evidence->list_count, evidence->rule_count,
                  yes_or_no(evidence->manifest), yes_or_no(evidence->witness));
    if (evidence->watch_count > 0) {
        ov_buf_printf(
            buf,
            "Traces of overt watch: %zu, whole, with all names in them, as they stood when this\n"
            "file was written. That they were recorded on this machine, and that the recorder\n"
            "told the truth, is not shown.\n",
            evidence->watch_count);
    }
    ov_buf_add_text(
        buf, "What it shows: these entries stand, complete and in this order, at these places of\n"
             "the journal whose checkpoint is in the file, signed by its newest key.\n"
             "What it does not show:\n"
             "- that the machine or the program told the truth when it wrote an entry: root on\n"
             "  the machine can lie from the moment it is taken over; the journal protects what\n"
             "  was written before, and shows a gap;\n"
             "- what happened before the first or after the last of these entries, in a scan that\n"
             "  was told to keep no journal, or by programs other than Overt;\n"
             "- that the key is that machine's: whoever checks must know a key of the journal, or\n"
             "  have kept a checkpoint, from elsewhere;\n"
             "- the time, but by the machine's own clock, and by witnesses where there are any;\n"
             "- the texts of rules that are not in the file, and that an image was compiled from\n"
             "  the releases named;\n"
             "- that the manifest is true: it is what the machine said of itself;\n"
             "- that a rule is good: a bad rule that is public still loads, and only people who\n"
             "  read it stop it;\n"
             "- the content of any file: it is never in here.\n");
}

// ---- writing ------------------------------------------------------------------------------------

static void add_part(struct ov_buf *buf, const char *name, struct ov_span bytes) {
    ov_buf_printf(buf, "part %s %zu\n", name, bytes.size);
    ov_buf_add(buf, bytes.data, bytes.size);
    ov_buf_add_u8(buf, '\n');
}

static void add_parts(struct ov_buf *buf, const char *name, const struct ov_span *parts,
                      size_t count) {
    for (size_t i = 0; i < count; i++) {
        add_part(buf, name, parts[i]);
    }
}

void ov_evidence_add(struct ov_buf *buf, const struct ov_evidence *evidence) {
    OV_CLEANUP(ov_buf_release) struct ov_buf about = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf journal = {0};
    add_about(&about, evidence);
    ov_buf_add_text(&journal, "key ");
    ov_buf_add(&journal, evidence->first_key.data, evidence->first_key.size);
    ov_buf_printf(&journal, "\nfrom %" PRIu64 "\nto %" PRIu64 "\nexport %" PRIu64 "\n",
                  evidence->from, evidence->to, evidence->export_seq);
    ov_buf_printf(buf, "%s\n", first_line);
    add_part(buf, "about", ov_buf_span(&about));
    add_part(buf, "journal", ov_buf_span(&journal));
    add_part(buf, "checkpoint", evidence->checkpoint);
    add_part(buf, "entries", evidence->entries);
    add_part(buf, "others", evidence->others);
    add_part(buf, "proof", evidence->proof);
    add_part(buf, "follows", evidence->follows);
    add_part(buf, "names", evidence->names);
    add_part(buf, "manifest", evidence->manifest);
    add_part(buf, "witness", evidence->witness);
    add_parts(buf, "release", evidence->releases, evidence->release_count);
    add_parts(buf, "rules", evidence->lists, evidence->list_count);
    add_parts(buf, "rule", evidence->rules, evidence->rule_count);
    add_parts(buf, "watch", evidence->watches, evidence->watch_count);
    buf->has_failed |= about.has_failed || journal.has_failed;
}

// ---- reading ------------------------------------------------------------------------------------

// Parts of a file, read one after another; each is looked at before it is known which it is.
struct parts {
    struct ov_cursor cursor;
    bool has_next;
    struct ov_span name, bytes;
};

static enum ov_status read_next(struct parts *parts) {
    struct ov_cursor *cursor = &parts->cursor;
    struct ov_span line;
    uint64_t size;
    parts->has_next = false;
    if (ov_cursor_left(cursor) == 0) {
        return OV_OK;
    }
    TRY(ov_line_read(cursor, &line));
    TRY(ov_line_take(line, "part", &line));
    TRY(ov_word_take(&line, &parts->name));
    TRY(ov_number_read(line, &size));
    parts->bytes = ov_cursor_bytes(cursor, size);
    bool is_ended = ov_cursor_u8(cursor) == '\n';
    TRY(is_ended ? ov_cursor_status(cursor) : OV_DAMAGED);
    parts->has_next = true;
    return OV_OK;
}

static enum ov_status read_part(struct parts *parts, const char *name, struct ov_span *ret_bytes) {
    TRY(parts->has_next && ov_span_is_text(parts->name, name) ? OV_OK : OV_DAMAGED);
    *ret_bytes = parts->bytes;
    return read_next(parts);
}

static enum ov_status read_parts_named(struct parts *parts, const char *name, size_t most,
                                       struct ov_span *ret_parts, size_t *ret_count) {
    while (parts->has_next && ov_span_is_text(parts->name, name)) {
        TRY(*ret_count < most ? OV_OK : OV_DAMAGED);
        TRY(read_part(parts, name, &ret_parts[*ret_count]));
        ++*ret_count;
    }
    return OV_OK;
}

static enum ov_status read_value(struct ov_cursor *cursor, const char *keyword,
                                 struct ov_span *ret_value) {
    struct ov_span line;
    TRY(ov_line_read(cursor, &line));
    return ov_line_take(line, keyword, ret_value);
}

static enum ov_status read_journal(struct ov_span bytes, struct ov_evidence *evidence) {
    struct ov_cursor cursor = ov_cursor_init(bytes);
    struct ov_span value;
    TRY(read_value(&cursor, "key", &evidence->first_key));
    TRY(read_value(&cursor, "from", &value));
    TRY(ov_number_read(value, &evidence->from));
    TRY(read_value(&cursor, "to", &value));
    TRY(ov_number_read(value, &evidence->to));
    TRY(read_value(&cursor, "export", &value));
    TRY(ov_number_read(value, &evidence->export_seq));
    bool is_whole = ov_cursor_left(&cursor) == 0;
    return is_whole && evidence->from <= evidence->to ? OV_OK : OV_DAMAGED;
}

static enum ov_status read_all(struct ov_span bytes, struct ov_evidence *evidence) {
    struct parts parts = {.cursor = ov_cursor_init(bytes)};
    struct ov_span line;
    struct ov_span journal;
    TRY(ov_line_read(&parts.cursor, &line));
    TRY(ov_span_is_text(line, first_line) ? OV_OK : OV_DAMAGED);
    TRY(read_next(&parts));
    TRY(read_part(&parts, "about", &evidence->about));
    TRY(read_part(&parts, "journal", &journal));
    TRY(read_journal(journal, evidence));
    TRY(read_part(&parts, "checkpoint", &evidence->checkpoint));
    TRY(read_part(&parts, "entries", &evidence->entries));
    TRY(read_part(&parts, "others", &evidence->others));
    TRY(read_part(&parts, "proof", &evidence->proof));
    TRY(read_part(&parts, "follows", &evidence->follows));
    TRY(read_part(&parts, "names", &evidence->names));
    TRY(read_part(&parts, "manifest", &evidence->manifest));
    TRY(read_part(&parts, "witness", &evidence->witness));
    TRY(read_parts_named(&parts, "release", OV_EVIDENCE_RELEASES_MAX, evidence->releases,
                         &evidence->release_count));
    TRY(read_parts_named(&parts, "rules", OV_EVIDENCE_RELEASES_MAX, evidence->lists,
                         &evidence->list_count));
    TRY(read_parts_named(&parts, "rule", OV_EVIDENCE_RULES_MAX, evidence->rules,
                         &evidence->rule_count));
    TRY(read_parts_named(&parts, "watch", OV_EVIDENCE_WATCHES_MAX, evidence->watches,
                         &evidence->watch_count));
    return parts.has_next ? OV_DAMAGED : OV_OK;
}

enum ov_status ov_evidence_read(struct ov_span bytes, struct ov_evidence *ret_evidence) {
    OV_CLEANUP(ov_buf_release) struct ov_buf about = {0};
    struct ov_evidence evidence = {0};
    if (read_all(bytes, &evidence) != OV_OK) {
        return OV_DAMAGED;
    }
    add_about(&about, &evidence); // it cannot say anything else than it should
    TRY(ov_buf_status(&about));
    TRY(ov_span_is_equal(ov_buf_span(&about), evidence.about) ? OV_OK : OV_DAMAGED);
    *ret_evidence = evidence;
    return OV_OK;
}

enum ov_status ov_evidence_entry(struct ov_cursor *cursor, struct ov_span *ret_entry) {
    if (ov_cursor_left(cursor) == 0) {
        return OV_END;
    }
    uint16_t size = ov_cursor_u16be(cursor);
    *ret_entry = ov_cursor_bytes(cursor, size);
    return ov_cursor_status(cursor);
}

enum ov_status ov_evidence_follow(struct ov_cursor *cursor, struct ov_tree_proof *ret_proof) {
    if (ov_cursor_left(cursor) == 0) {
        return OV_END;
    }
    size_t count = ov_cursor_u8(cursor);
    TRY(count <= OV_TREE_PROOF_MAX ? OV_OK : OV_DAMAGED);
    for (size_t i = 0; i < count; i++) {
        struct ov_tree_hash *hash = &ret_proof->hashes[i];
        struct ov_span bytes = ov_cursor_bytes(cursor, sizeof hash->bytes);
        TRY(ov_cursor_status(cursor));
        memcpy(hash->bytes, bytes.data, sizeof hash->bytes);
    }
    ret_proof->count = count;
    return OV_OK;
}

void ov_evidence_follow_add(struct ov_buf *buf, const struct ov_tree_proof *proof) {
    ov_buf_add_u8(buf, (uint8_t)proof->count);
    for (size_t i = 0; i < proof->count; i++) {
        ov_buf_add(buf, proof->hashes[i].bytes, sizeof proof->hashes[i].bytes);
    }
}

// ---- names --------------------------------------------------------------------------------------

static void read_name(struct ov_evidence_names *names) {
    names->has_next = false;
    if (ov_cursor_left(&names->cursor) == 0) {
        return;
    }
    struct ov_salt salt = {0};
    struct ov_span bytes = ov_cursor_bytes(&names->cursor, sizeof salt.bytes);
    names->path = ov_cursor_bytes(&names->cursor, ov_cursor_u16be(&names->cursor));
    if (names->cursor.has_failed) {
        names->is_damaged = true;
        return;
    }
    memcpy(salt.bytes, bytes.data, sizeof salt.bytes);
    ov_commitment_of(&salt, names->path, &names->next);
    names->has_next = true;
}

void ov_evidence_names_init(struct ov_span names, struct ov_evidence_names *ret_names) {
    *ret_names = (struct ov_evidence_names){.cursor = ov_cursor_init(names)};
    read_name(ret_names);
}

enum ov_status ov_evidence_names_take(struct ov_evidence_names *names,
                                      const struct ov_tree_hash *commitment,
                                      struct ov_span *ret_path) {
    if (!names->has_next || !ov_tree_hash_is_equal(commitment, &names->next)) {
        return OV_END;
    }
    *ret_path = names->path;
    read_name(names);
    return OV_OK;
}

bool ov_evidence_names_are_all(const struct ov_evidence_names *names) {
    return !names->has_next && !names->is_damaged;
}

void ov_evidence_name_add(struct ov_buf *buf, const struct ov_salt *salt, struct ov_span path) {
    if (path.size <= UINT16_MAX) {
        ov_buf_add(buf, salt->bytes, sizeof salt->bytes);
        ov_buf_add_u8(buf, (uint8_t)(path.size >> 8));
        ov_buf_add_u8(buf, (uint8_t)path.size);
        ov_buf_add(buf, path.data, path.size);
    }
}

enum ov_status ov_evidence_commitment(struct ov_cursor *body, struct ov_span *ret_line,
                                      struct ov_tree_hash *ret_commitment) {
    struct ov_span rest;
    struct ov_span word;
    while (ov_line_read(body, ret_line) == OV_OK) {
        bool is_one = ov_line_take(*ret_line, "file", &rest) == OV_OK ||
                      ov_line_take(*ret_line, "path", &rest) == OV_OK;
        if (is_one && ov_word_take(&rest, &word) == OV_OK &&
            ov_tree_hash_read(word, ret_commitment) == OV_OK) {
            return OV_OK;
        }
    }
    return OV_END;
}
