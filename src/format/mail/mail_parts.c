// SPDX-License-Identifier: Apache-2.0
// One message, cut at the lines that separate its parts.
//
// All boundaries that were declared so far count, however deep; so parts come out the same whether
// or not an inner multipart was closed. Where lines are there that only a lenient reader takes for
// separators (a boundary with something behind it, one that nobody declared), the message is read
// once more that way, and what was not told before is told. RFC 2046, 5.1.
#include "format/codec/lines.h"
#include "format/mail/mail.h"

enum {
    PART_ARENA_BYTES = 1 << 20,
    LINES_A_CLOCK = 256, // lines that might be separators, between two looks at the clock
};

enum line_kind { LINE_OTHER, LINE_OPENS, LINE_CLOSES };

struct separator {
    enum line_kind kind;
    size_t start, next; // of the line; the end of the text when there is none
};

enum ov_status ov_mail_init(struct ov_mail *ret_mail, struct ov_walk *walk) {
    *ret_mail = (struct ov_mail){.walk = walk};
    ov_arena_init(&ret_mail->part, PART_ARENA_BYTES);
    ret_mail->boundaries =
        ov_arena_array(walk->arena, OV_MAIL_BOUNDARIES_MAX, sizeof *ret_mail->boundaries);
    return ret_mail->boundaries != NULL ? OV_OK : OV_MEMORY;
}

void ov_mail_release(struct ov_mail *mail) {
    ov_arena_release(&mail->part);
    ov_buf_release(&mail->field);
    ov_buf_release(&mail->plain);
    ov_buf_release(&mail->inner);
}

// ---- boundaries --------------------------------------------------------------------------------

static size_t count_boundaries(const struct ov_mail *mail) {
    return mail->boundary_count < OV_MAIL_BOUNDARIES_MAX ? mail->boundary_count
                                                         : OV_MAIL_BOUNDARIES_MAX;
}

static struct ov_span get_boundary(const struct ov_mail *mail, size_t i) {
    return ov_span_make(mail->boundaries[i].bytes, mail->boundaries[i].size);
}

static void add_boundary(struct ov_mail *mail, struct ov_span value) {
    for (size_t i = 0; i < count_boundaries(mail); i++) {
        if (ov_span_is_equal(get_boundary(mail, i), value)) {
            return;
        }
    }
    struct ov_mail_boundary *place =
        &mail->boundaries[mail->boundary_count++ % OV_MAIL_BOUNDARIES_MAX];
    place->size = value.size < sizeof place->bytes ? value.size : sizeof place->bytes;
    if (place->size > 0) {
        memcpy(place->bytes, value.data, place->size);
    }
}

static struct ov_span trim_end(struct ov_span line) {
    while (line.size > 0 && (line.data[line.size - 1] == ' ' || line.data[line.size - 1] == '\t')) {
        line.size--;
    }
    return line;
}

// What separates parts by the standard: two dashes, the boundary, two more dashes behind the last.
static enum line_kind judge_exactly(const struct ov_mail *mail, struct ov_span line) {
    struct ov_span rest = trim_end(ov_span_from(line, 2));
    enum line_kind kind = LINE_OTHER;
    for (size_t i = 0; i < count_boundaries(mail); i++) {
        struct ov_span boundary = trim_end(get_boundary(mail, i));
        if (ov_span_is_equal(rest, boundary)) {
            return LINE_OPENS;
        }
        bool has_size = rest.size == boundary.size + 2;
        if (has_size && ov_span_is_equal(ov_span_part(rest, 0, boundary.size), boundary) &&
            ov_span_is_text(ov_span_from(rest, boundary.size), "--")) {
            kind = LINE_CLOSES;
        }
    }
    return kind;
}

static bool is_same_but_case(struct ov_span a, struct ov_span b) {
    for (size_t i = 0; i < b.size; i++) {
        uint8_t x = a.data[i], y = b.data[i];
        x = x >= 'A' && x <= 'Z' ? (uint8_t)(x | 0x20) : x;
        y = y >= 'A' && y <= 'Z' ? (uint8_t)(y | 0x20) : y;
        if (x != y) {
            return false;
        }
    }
    return true;
}

// What lenient readers take for a separator: a boundary with blanks before it, something behind it
// or in another case; and two dashes and anything, when a field of a part's header follows.
static enum line_kind judge_leniently(const struct ov_mail *mail, struct ov_span line,
                                      const struct ov_lines *after) {
    struct ov_span rest = ov_span_from(ov_line_trim(line), 2);
    for (size_t i = 0; i < count_boundaries(mail); i++) {
        struct ov_span boundary = trim_end(get_boundary(mail, i));
        if (boundary.size > 0 && rest.size >= boundary.size && is_same_but_case(rest, boundary)) {
            struct ov_span more = ov_span_from(rest, boundary.size);
            return ov_span_has_prefix(more, "--") ? LINE_CLOSES : LINE_OPENS;
        }
    }
    struct ov_line next;
    bool is_guess = rest.size > 0 && ov_lines_peek(after, &next) &&
                    ov_text_has_prefix(next.text, "content-") && ov_mail_line_is_field(next.text);
    return is_guess ? LINE_OPENS : LINE_OTHER;
}

// Judges a line that may separate parts. In a strict reading, notes what others might see in it.
static enum line_kind judge(struct ov_mail *mail, struct ov_span line, const struct ov_lines *after,
                            bool is_lenient) {
    bool has_dashes = ov_span_has_prefix(line, "--");
    if (!has_dashes && !ov_span_has_prefix(ov_line_trim(line), "--")) {
        return LINE_OTHER;
    }
    enum line_kind kind = has_dashes ? judge_exactly(mail, line) : LINE_OTHER;
    if (kind != LINE_OTHER || (mail->has_doubt && !is_lenient)) {
        return kind;
    }
    enum line_kind guess = judge_leniently(mail, line, after);
    mail->has_doubt = mail->has_doubt || guess != LINE_OTHER;
    return is_lenient ? guess : LINE_OTHER;
}

// Finds the next separator at or after `from`.
static enum ov_status find_separator(struct ov_mail *mail, size_t from, bool is_lenient,
                                     struct separator *ret_separator) {
    struct ov_lines lines = ov_lines_init(mail->text, from);
    struct ov_line line;
    unsigned count = 0;
    while (ov_lines_next(&lines, &line)) {
        bool is_candidate =
            line.text.size > 1 && (line.text.data[0] == '-' || line.text.data[0] <= ' ');
        if (!is_candidate) {
            continue;
        }
        if (++count % LINES_A_CLOCK == 0) {
            TRY(ov_walk_has_time(mail->walk));
        }
        enum line_kind kind = judge(mail, line.text, &lines, is_lenient);
        if (kind != LINE_OTHER) {
            *ret_separator =
                (struct separator){.kind = kind, .start = line.start, .next = line.next};
            return OV_OK;
        }
    }
    *ret_separator =
        (struct separator){.kind = LINE_OTHER, .start = mail->text.size, .next = mail->text.size};
    return OV_OK;
}

// ---- parts -------------------------------------------------------------------------------------

// What stands behind the last part: nobody is shown it, but readers that know no parts.
static enum ov_status tell_epilogues(struct ov_mail *mail, struct separator *separator) {
    while (separator->kind == LINE_CLOSES) {
        size_t start = separator->next;
        TRY(find_separator(mail, start, mail->is_lenient, separator));
        struct ov_mail_header none = {0};
        size_t end = separator->kind == LINE_OTHER
                         ? mail->text.size
                         : ov_lines_before(mail->text, start, separator->start);
        TRY(ov_mail_body_tell(mail, &none, start, end));
    }
    return OV_OK;
}

// Whether clamscan looks for links in the body: in mails of one part whatever kind of text they
// are, but not in parts of plain text that are not encoded.
static bool is_read(const struct ov_mail *mail, const struct ov_mail_header *header,
                    bool is_first) {
    bool has_parts = header->is_multipart || header->is_message;
    if (is_first) {
        return !has_parts && (header->is_text || !header->has_type);
    }
    bool is_encoded = header->is_eight_bit || (header->encodings & ~(unsigned)OV_MAIL_PLAIN) != 0;
    bool is_shown = !header->is_attached || mail->is_related;
    return header->is_text && is_shown && (!header->is_plain_text || is_encoded);
}

// One part: its header at `at`, and its body up to the next separator.
static enum ov_status tell_part(struct ov_mail *mail, size_t at, struct separator *ret_separator) {
    struct ov_mail_header header;
    ov_arena_reset(&mail->part);
    TRY(ov_mail_header_read(mail->text, at, &mail->part, &mail->field, &header));
    for (unsigned i = 0; i < header.boundaries.count; i++) {
        add_boundary(mail, header.boundaries.values[i]);
    }
    // Separators inside a message are that message's own.
    bool is_lenient = mail->is_lenient && !header.is_message;
    bool had_doubt = mail->has_doubt;
    mail->is_related = header.is_multipart ? header.is_related : mail->is_related;
    TRY(find_separator(mail, header.bodies[0], is_lenient, ret_separator));
    mail->has_doubt = header.is_message ? had_doubt : mail->has_doubt;
    bool is_last = ret_separator->kind == LINE_OTHER;
    for (unsigned i = 0; i < header.body_count; i++) {
        size_t end = is_last ? mail->text.size
                             : ov_lines_before(mail->text, header.bodies[i], ret_separator->start);
        mail->has_links = i == 0 && is_read(mail, &header, at == 0);
        TRY(ov_mail_body_tell(mail, &header, header.bodies[i], end));
    }
    mail->has_links = false;
    return OV_OK;
}

static enum ov_status tell_parts(struct ov_mail *mail) {
    mail->boundary_count = 0;
    struct separator separator = {.kind = LINE_OPENS};
    while (separator.kind == LINE_OPENS) {
        TRY(ov_walk_has_time(mail->walk));
        TRY(tell_part(mail, separator.next, &separator));
        TRY(tell_epilogues(mail, &separator));
    }
    return OV_OK;
}

enum ov_status ov_mail_message_tell(struct ov_mail *mail, struct ov_span text) {
    mail->text = text;
    mail->is_lenient = false;
    mail->has_doubt = false;
    mail->is_related = false;
    if (mail->told.count > 0) {
        memset(mail->told.keys, 0, mail->told.room * sizeof *mail->told.keys);
        mail->told.count = 0;
    }
    TRY(tell_parts(mail));
    mail->is_lenient = true;
    return mail->has_doubt ? tell_parts(mail) : OV_OK;
}
