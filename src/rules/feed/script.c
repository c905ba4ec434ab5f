// SPDX-License-Identifier: Apache-2.0
// Runs scripts. What is said of an open member is kept until CLOSE, and then done in one go.
#include "rules/feed/script.h"

#include "rules/reader.h"

#include <stdlib.h>

enum { FIRST_EDITS = 256, MOVE_WORDS = 6 };

struct edit {
    uint64_t line;
    struct ov_span start; // what the line begins with
    struct ov_span text;  // what it becomes
    bool is_removal;
};

struct script {
    struct ov_feed_members *members;
    size_t most_bytes;
    uint32_t line;
    enum ov_database_refusal refusal;
    bool is_open;
    struct ov_span open_name; // of the member that is open
    struct edit *edits;
    size_t edit_count, edit_room;
    struct ov_buf additions;
};

static enum ov_status refuse(struct script *script, enum ov_database_refusal refusal) {
    script->refusal = refusal;
    return OV_DAMAGED;
}

// ---- words of a line ---------------------------------------------------------------------------

// Takes the next word off; the last one is all that is left. False when there is none.
static bool take_word(struct ov_span *rest, struct ov_span *ret_word) {
    size_t size = ov_span_find(*rest, 0, ' ');
    *ret_word = ov_span_part(*rest, 0, size);
    *rest = ov_span_from(*rest, size + 1);
    return ret_word->size > 0;
}

static bool take_number(struct ov_span *rest, uint64_t *ret_number) {
    struct ov_span word;
    return take_word(rest, &word) && ov_decimal_read(word, UINT32_MAX, ret_number) &&
           *ret_number > 0;
}

static enum ov_status take_name(struct script *script, struct ov_span *rest,
                                struct ov_span *ret_name) {
    bool is_sound = take_word(rest, ret_name) && ov_feed_name_is_sound(*ret_name);
    return is_sound ? OV_OK : refuse(script, OV_DATABASE_BAD_NAME);
}

static bool starts_with(struct ov_span line, struct ov_span start) {
    return ov_span_is_equal(ov_span_part(line, 0, start.size), start);
}

// ---- lines of a member -------------------------------------------------------------------------

struct lines {
    struct ov_span rest;
    uint64_t number; // of the last one taken
};

// Takes the next line off, with its end. OV_END; OV_DAMAGED: it has no end.
static enum ov_status next_line(struct lines *lines, struct ov_span *ret_line) {
    if (lines->rest.size == 0) {
        return OV_END;
    }
    size_t size = ov_span_find(lines->rest, 0, '\n');
    if (size == lines->rest.size) {
        return OV_DAMAGED;
    }
    *ret_line = ov_span_part(lines->rest, 0, size + 1);
    lines->rest = ov_span_from(lines->rest, size + 1);
    lines->number++;
    return OV_OK;
}

static bool ends_in_line(struct ov_span bytes) {
    return bytes.size == 0 || bytes.data[bytes.size - 1] == '\n';
}

static void add_span(struct ov_buf *out, struct ov_span bytes) {
    ov_buf_add(out, bytes.data, bytes.size);
}

// ---- an open member ----------------------------------------------------------------------------

static enum ov_status open_member(struct script *script, struct ov_span rest) {
    if (script->is_open) {
        return refuse(script, OV_DATABASE_BAD_ORDER);
    }
    TRY(take_name(script, &rest, &script->open_name));
    if (rest.size > 0) {
        return refuse(script, OV_DATABASE_BAD_COMMAND);
    }
    script->is_open = true;
    return OV_OK;
}

static enum ov_status add_line(struct script *script, struct ov_span rest) {
    if (!script->is_open) {
        return refuse(script, OV_DATABASE_BAD_ORDER);
    }
    if (script->additions.size + rest.size >= script->most_bytes) {
        return refuse(script, OV_DATABASE_TOO_LARGE);
    }
    add_span(&script->additions, rest);
    ov_buf_add_u8(&script->additions, '\n');
    return ov_buf_status(&script->additions);
}

static enum ov_status add_edit(struct script *script, const struct edit *edit) {
    if (!script->is_open) {
        return refuse(script, OV_DATABASE_BAD_ORDER);
    }
    if (script->edit_count == script->edit_room) {
        size_t room = script->edit_room == 0 ? FIRST_EDITS : script->edit_room * 2;
        struct edit *edits = reallocarray(script->edits, room, sizeof *edits);
        if (edits == NULL) {
            return OV_MEMORY;
        }
        script->edits = edits;
        script->edit_room = room;
    }
    script->edits[script->edit_count++] = *edit;
    return OV_OK;
}

// What follows the start of the line is not read, as ClamAV does not.
static enum ov_status remove_line(struct script *script, struct ov_span rest) {
    struct edit edit = {.is_removal = true};
    if (!take_number(&rest, &edit.line) || !take_word(&rest, &edit.start)) {
        return refuse(script, OV_DATABASE_BAD_COMMAND);
    }
    return add_edit(script, &edit);
}

static enum ov_status exchange_line(struct script *script, struct ov_span rest) {
    struct edit edit = {0};
    if (!take_number(&rest, &edit.line) || !take_word(&rest, &edit.start) || rest.size == 0) {
        return refuse(script, OV_DATABASE_BAD_COMMAND);
    }
    edit.text = rest;
    return add_edit(script, &edit);
}

static int compare_edits(const void *a, const void *b) {
    const struct edit *left = a, *right = b;
    return (left->line > right->line) - (left->line < right->line);
}

// Writes the line, or what it becomes. *io_edit is the next edit that is not done yet.
static enum ov_status edit_line(struct script *script, const struct lines *lines,
                                struct ov_span line, size_t *io_edit, struct ov_buf *out) {
    const struct edit *edit = &script->edits[*io_edit];
    if (*io_edit == script->edit_count || edit->line != lines->number) {
        add_span(out, line);
        return OV_OK;
    }
    (*io_edit)++;
    if (!starts_with(ov_span_part(line, 0, line.size - 1), edit->start)) {
        return refuse(script, OV_DATABASE_BAD_LINE);
    }
    if (!edit->is_removal) {
        add_span(out, edit->text);
        ov_buf_add_u8(out, '\n');
    }
    return OV_OK;
}

// Two edits of one line leave the second one over.
static enum ov_status edit_lines(struct script *script, struct ov_span bytes, struct ov_buf *out) {
    struct lines lines = {.rest = bytes};
    struct ov_span line;
    size_t next = 0;
    enum ov_status status;
    qsort(script->edits, script->edit_count, sizeof *script->edits, compare_edits);
    while ((status = next_line(&lines, &line)) == OV_OK) {
        TRY(edit_line(script, &lines, line, &next, out));
    }
    if (status != OV_END || next != script->edit_count) {
        return refuse(script, OV_DATABASE_BAD_LINE);
    }
    return ov_buf_status(out);
}

static size_t count_bytes(const struct ov_feed_members *members) {
    size_t sum = 0;
    for (uint32_t i = 0; i < members->count; i++) {
        sum += members->items[i].bytes.size;
    }
    return sum;
}

static enum ov_status check_size(struct script *script, size_t more) {
    size_t sum;
    bool is_much = __builtin_add_overflow(count_bytes(script->members), more, &sum) ||
                   sum > script->most_bytes;
    return is_much ? refuse(script, OV_DATABASE_TOO_LARGE) : OV_OK;
}

// A member of which nothing is said stays as it is, and one that is not there begins with nothing.
static enum ov_status change_member(struct script *script, struct ov_buf *out) {
    struct ov_feed_member *member = ov_feed_members_find(script->members, script->open_name);
    if (script->edit_count == 0 && script->additions.size == 0) {
        return OV_OK;
    }
    if (member == NULL) {
        enum ov_status status = ov_feed_members_add(script->members, script->open_name, &member);
        if (status != OV_OK) {
            return status == OV_LIMIT ? refuse(script, OV_DATABASE_TOO_LARGE) : status;
        }
    }
    TRY(check_size(script, script->additions.size));
    if (script->edit_count > 0) {
        TRY(edit_lines(script, member->bytes, out));
    } else if (ends_in_line(member->bytes)) {
        add_span(out, member->bytes);
    } else {
        return refuse(script, OV_DATABASE_BAD_LINE);
    }
    add_span(out, ov_buf_span(&script->additions));
    TRY(ov_buf_status(out));
    ov_feed_member_set(member, out);
    return check_size(script, 0);
}

static enum ov_status close_member(struct script *script, struct ov_span rest) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    if (rest.size > 0) {
        return refuse(script, OV_DATABASE_BAD_COMMAND);
    }
    if (!script->is_open) {
        return refuse(script, OV_DATABASE_BAD_ORDER);
    }
    TRY(change_member(script, &out));
    script->is_open = false;
    script->edit_count = 0;
    ov_buf_reset(&script->additions);
    return OV_OK;
}

// ---- whole members -----------------------------------------------------------------------------

struct move {
    struct ov_feed_member *from, *to;
    uint64_t first, last;
    struct ov_span first_start, last_start;
};

static enum ov_status read_move(struct script *script, struct ov_span rest, struct move *ret_move) {
    struct ov_span from, to;
    struct move move = {0};
    TRY(take_name(script, &rest, &from));
    TRY(take_name(script, &rest, &to));
    if (!take_number(&rest, &move.first) || !take_word(&rest, &move.first_start) ||
        !take_number(&rest, &move.last) || !take_word(&rest, &move.last_start)) {
        return refuse(script, OV_DATABASE_BAD_COMMAND);
    }
    move.from = ov_feed_members_find(script->members, from);
    move.to = ov_feed_members_find(script->members, to);
    if (move.from == NULL || move.to == NULL || move.from == move.to) {
        return refuse(script, OV_DATABASE_BAD_NAME);
    }
    // One line alone is never done with in ClamAV, either.
    if (move.first >= move.last || !ends_in_line(move.to->bytes)) {
        return refuse(script, OV_DATABASE_BAD_LINE);
    }
    *ret_move = move;
    return OV_OK;
}

// Splits the lines into those that stay and those that go.
static enum ov_status split_lines(struct script *script, const struct move *move,
                                  struct ov_buf *stay, struct ov_buf *go) {
    struct lines lines = {.rest = move->from->bytes};
    struct ov_span line;
    enum ov_status status;
    while ((status = next_line(&lines, &line)) == OV_OK) {
        bool is_first = lines.number == move->first, is_last = lines.number == move->last;
        if ((is_first && !starts_with(line, move->first_start)) ||
            (is_last && !starts_with(line, move->last_start))) {
            return refuse(script, OV_DATABASE_BAD_LINE);
        }
        bool goes = lines.number >= move->first && lines.number <= move->last;
        add_span(goes ? go : stay, line);
    }
    if (status != OV_END || lines.number < move->last) {
        return refuse(script, OV_DATABASE_BAD_LINE);
    }
    TRY(ov_buf_status(stay));
    return ov_buf_status(go);
}

static enum ov_status move_lines(struct script *script, struct ov_span rest) {
    OV_CLEANUP(ov_buf_release) struct ov_buf stay = {0}, go = {0};
    struct move move;
    if (script->is_open) {
        return refuse(script, OV_DATABASE_BAD_ORDER);
    }
    TRY(read_move(script, rest, &move));
    add_span(&go, move.to->bytes);
    TRY(split_lines(script, &move, &stay, &go));
    ov_feed_member_set(move.from, &stay);
    ov_feed_member_set(move.to, &go);
    return OV_OK;
}

static enum ov_status unlink_member(struct script *script, struct ov_span rest) {
    struct ov_span name;
    if (script->is_open) {
        return refuse(script, OV_DATABASE_BAD_ORDER);
    }
    TRY(take_name(script, &rest, &name));
    struct ov_feed_member *member = ov_feed_members_find(script->members, name);
    if (member == NULL || rest.size > 0) {
        return refuse(script, OV_DATABASE_BAD_NAME);
    }
    ov_feed_members_remove(script->members, member);
    return OV_OK;
}

// ---- commands ----------------------------------------------------------------------------------

static const struct {
    const char *name;
    enum ov_status (*run)(struct script *script, struct ov_span rest);
} commands[] = {
    {"ADD ", add_line},         {"DEL ", remove_line},   {"XCHG ", exchange_line},
    {"OPEN ", open_member},     {"CLOSE", close_member}, {"MOVE ", move_lines},
    {"UNLINK ", unlink_member},
};

static enum ov_status run_line(struct script *script, struct ov_span line) {
    if (line.data[0] == '#') {
        return OV_OK;
    }
    line.size--; // its end
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (ov_span_has_prefix(line, commands[i].name)) {
            return commands[i].run(script, ov_span_from(line, strlen(commands[i].name)));
        }
    }
    return refuse(script, OV_DATABASE_BAD_COMMAND);
}

static enum ov_status run_lines(struct script *script, struct ov_span text) {
    struct lines lines = {.rest = text};
    struct ov_span line;
    enum ov_status status;
    while ((status = next_line(&lines, &line)) == OV_OK) {
        script->line = (uint32_t)lines.number;
        TRY(run_line(script, line));
    }
    if (status != OV_END) {
        script->line++;
        return refuse(script, OV_DATABASE_BAD_COMMAND);
    }
    return script->is_open ? refuse(script, OV_DATABASE_BAD_ORDER) : OV_OK;
}

enum ov_status ov_script_run(struct ov_span text, size_t most_bytes,
                             struct ov_feed_members *members, struct ov_script_end *ret_end) {
    struct script script = {.members = members, .most_bytes = most_bytes};
    enum ov_status status = run_lines(&script, text);
    free(script.edits);
    ov_buf_release(&script.additions);
    if (status == OV_DAMAGED) {
        *ret_end = (struct ov_script_end){.refusal = script.refusal, .line = script.line};
    }
    return status;
}
