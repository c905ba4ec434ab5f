// SPDX-License-Identifier: Apache-2.0
// The header of a mail or of one of its parts.
#include "format/mail/mail_header.h"

#include "format/codec/lines.h"

#include <ctype.h>

enum { FIELD_BYTES_MAX = 256 << 10 }; // of one field; as much as clamscan reads

struct reader {
    struct ov_span text;
    struct ov_arena *arena;
    struct ov_buf *field; // the field at hand, unfolded
    struct ov_mail_header header;
    size_t doubts[OV_MAIL_BODIES_MAX - 1]; // places where another reader may see the body start
    unsigned doubt_count;
    struct ov_span location; // a name for want of a better one
};

static size_t measure_field_name(struct ov_span line) {
    size_t at = 0;
    while (at < line.size && (isalnum(line.data[at]) || strchr("-_.+", line.data[at]) != NULL) &&
           line.data[at] != 0) {
        at++;
    }
    return at;
}

// Where the colon of a field stands; line.size when the line is none.
static size_t find_colon(struct ov_span line) {
    size_t at = measure_field_name(line);
    if (at == 0) {
        return line.size;
    }
    while (at < line.size && (line.data[at] == ' ' || line.data[at] == '\t')) {
        at++;
    }
    return at < line.size && line.data[at] == ':' ? at : line.size;
}

bool ov_mail_line_is_field(struct ov_span line) {
    return find_colon(line) < line.size;
}

// ---- what fields say ---------------------------------------------------------------------------

static bool has_word(struct ov_span text, const char *word) {
    return ov_text_find(text, 0, word) < text.size;
}

static void read_encoding(struct ov_span value, struct ov_mail_header *header) {
    unsigned encodings = 0;
    if (has_word(value, "base64") || has_word(value, "base-64") || has_word(value, "b64")) {
        encodings |= OV_MAIL_BASE64;
    }
    if (has_word(value, "quoted")) {
        encodings |= OV_MAIL_QUOTED;
    }
    if (has_word(value, "uue") || has_word(value, "x-uu")) {
        encodings |= OV_MAIL_UU;
    }
    header->is_eight_bit =
        header->is_eight_bit || has_word(value, "8bit") || has_word(value, "binary");
    if (encodings == 0 && !ov_line_is_blank(value)) {
        encodings = OV_MAIL_PLAIN; // 7bit, 8bit, binary, and what nobody knows
    }
    header->encodings |= encodings;
}

// Messages inside messages; others of the type "message" are reports, pieces or references.
static bool is_message_type(struct ov_span value) {
    return has_word(value, "message/rfc") || has_word(value, "message/news") ||
           (has_word(value, "message/global") && !has_word(value, "message/global-"));
}

static void read_type(struct reader *reader, struct ov_span value) {
    struct ov_mail_header *header = &reader->header;
    struct ov_span type = ov_span_part(value, 0, ov_span_find(value, 0, ';'));
    struct ov_span word = ov_line_trim(type);
    header->has_type = true;
    header->is_text = header->is_text || ov_text_has_prefix(word, "text/");
    header->is_plain_text = header->is_plain_text || ov_text_has_prefix(word, "text/plain");
    header->is_message = header->is_message || is_message_type(type);
    header->is_multipart = header->is_multipart || has_word(type, "multipart");
    header->is_related = header->is_related || has_word(type, "multipart/related");
    ov_mail_params_read(value, "boundary", reader->arena, &header->boundaries);
    if (header->name.size == 0) {
        header->name = ov_mail_name_read(value, "name", reader->arena);
    }
}

static struct ov_span keep(struct reader *reader, struct ov_span value) {
    value = ov_span_part(ov_line_trim(value), 0, OV_MAIL_NAME_BYTES_MAX);
    char *copy = ov_arena_text(reader->arena, value);
    return ov_span_make(copy, copy != NULL ? value.size : 0);
}

static bool is_named(struct ov_span name, const char *wanted) {
    return name.size == strlen(wanted) && ov_text_has_prefix(name, wanted);
}

static void take_value(struct reader *reader, struct ov_span name, struct ov_span value) {
    struct ov_mail_header *header = &reader->header;
    if (is_named(name, "content-type")) {
        read_type(reader, value);
    } else if (is_named(name, "content-transfer-encoding")) {
        read_encoding(value, header);
    } else if (is_named(name, "content-disposition")) {
        struct ov_span filename = ov_mail_name_read(value, "filename", reader->arena);
        header->name = filename.size > 0 ? filename : header->name;
        struct ov_span kind = ov_line_trim(ov_span_part(value, 0, ov_span_find(value, 0, ';')));
        header->is_attached = kind.size > 0 && !is_named(kind, "inline");
    } else if (is_named(name, "mime-version")) {
        header->has_version = true;
    } else if (is_named(name, "content-location")) {
        reader->location = keep(reader, value);
    }
}

// Takes in the field that was collected, and forgets it. Some programs write whole fields as
// encoded words, and some readers decode them before anything else: such a field is read both ways.
static void take_field(struct reader *reader) {
    struct ov_span field = ov_buf_span(reader->field);
    if (field.size == 0) {
        return;
    }
    struct ov_span name = ov_span_part(field, 0, measure_field_name(field));
    struct ov_span value = ov_span_from(field, find_colon(field) + 1);
    take_value(reader, name, value);
    if (has_word(value, "=?")) {
        OV_CLEANUP(ov_buf_release) struct ov_buf decoded = {0};
        ov_mail_words_decode(value, &decoded);
        take_value(reader, name, ov_buf_span(&decoded));
    }
    ov_buf_reset(reader->field);
}

// ---- lines -------------------------------------------------------------------------------------

static bool is_of_interest(struct ov_span line) {
    return ov_text_has_prefix(line, "content-") || ov_text_has_prefix(line, "mime-version");
}

static void add_text(struct reader *reader, struct ov_span text) {
    size_t room = FIELD_BYTES_MAX - reader->field->size;
    ov_buf_add(reader->field, text.data, text.size < room ? text.size : room);
}

static void note_doubt(struct reader *reader, size_t at) {
    if (reader->doubt_count < sizeof reader->doubts / sizeof *reader->doubts) {
        reader->doubts[reader->doubt_count++] = at;
    }
}

// Whether the field at hand asks for more: some programs fold lines and forget the blank.
static bool is_open(const struct reader *reader) {
    struct ov_span field = ov_line_trim(ov_buf_span(reader->field));
    return field.size > 0 &&
           (field.data[field.size - 1] == ';' || field.data[field.size - 1] == ',');
}

// A line that is neither a field nor the continuation of one.
static void take_stray(struct reader *reader, const struct ov_line *line, bool is_first) {
    bool is_envelope =
        ov_span_has_prefix(line->text, "From ") || ov_span_has_prefix(line->text, ">From ");
    if (!(is_first && is_envelope)) {
        note_doubt(reader, line->start);
    }
    if (is_open(reader)) {
        add_text(reader, ov_span_text(" "));
        add_text(reader, line->text);
    }
}

// Some programs end lines inside a header with a return alone, and some readers see that.
static void take_text(struct reader *reader, struct ov_span text) {
    while (text.size > 0) {
        size_t end = ov_span_find(text, 0, '\r');
        struct ov_span line = ov_span_part(text, 0, end);
        text = ov_span_from(text, end + 1);
        if (find_colon(line) < line.size) {
            take_field(reader);
            reader->header.line_count++;
            if (is_of_interest(line)) {
                add_text(reader, line);
            }
        } else if (reader->field->size > 0) {
            add_text(reader, ov_span_text(" "));
            add_text(reader, line);
        }
    }
}

static struct ov_span drop_zeros(struct ov_span line) {
    size_t at = 0;
    while (at < line.size && line.data[at] == 0) {
        at++;
    }
    return ov_span_from(line, at);
}

// Reads lines up to the end of the header; returns where the body starts.
static size_t read_lines(struct reader *reader, size_t at) {
    struct ov_lines lines = ov_lines_init(reader->text, at);
    struct ov_line line;
    while (ov_lines_next(&lines, &line)) {
        struct ov_span text = drop_zeros(line.text);
        bool is_folded = text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t');
        if (line.text.size == 0) {
            return line.next;
        }
        if (ov_span_has_prefix(text, "--")) {
            return line.start;
        }
        if (is_folded && ov_line_is_blank(text)) {
            note_doubt(reader, line.next); // an empty line for some
        } else if (is_folded && reader->header.line_count > 0) {
            add_text(reader, reader->field->size > 0 ? text : ov_span_part(text, 0, 0));
        } else if (find_colon(text) < text.size) {
            take_text(reader, text);
        } else {
            take_stray(reader, &line, line.start == at);
        }
    }
    // Without an empty line, the body starts at the first line that is no field.
    return reader->doubt_count > 0 ? reader->doubts[0] : reader->text.size;
}

enum ov_status ov_mail_header_read(struct ov_span text, size_t at, struct ov_arena *arena,
                                   struct ov_buf *field, struct ov_mail_header *ret_header) {
    struct reader reader = {.text = text, .arena = arena, .field = field};
    ov_buf_reset(field);
    size_t body = read_lines(&reader, at);
    take_field(&reader);
    struct ov_mail_header *header = &reader.header;
    header->bodies[header->body_count++] = body;
    for (unsigned i = 0; i < reader.doubt_count; i++) {
        if (reader.doubts[i] != body) {
            header->bodies[header->body_count++] = reader.doubts[i];
        }
    }
    header->name = header->name.size > 0 ? header->name : reader.location;
    *ret_header = *header;
    return ov_buf_status(field);
}
