// SPDX-License-Identifier: Apache-2.0
// Bodies of mails and parts: decoded in every way that their headers and their look suggest.
#include "format/codec/base64.h"
#include "format/mail/blocks.h"
#include "format/codec/lines.h"
#include "format/html/html_links.h"
#include "format/mail/mail.h"
#include "format/codec/quoted.h"
#include "format/codec/uu.h"

enum {
    KEY_START_BITS = 31,
    KEY_SIZE_BITS = 30,
    FIRST_KEYS = 256,
    RETURNED_NESTED_MAX = 4,
    LETTER_BYTES_MAX = 100 << 10, // in a longer one clamscan looks for no links
};

// One body, and what it is to be told as.
struct body {
    const struct ov_mail_header *header;
    size_t start;
    struct ov_span text;
    enum ov_filetype type; // MAIL for a message inside the message
};

// ---- what was told -----------------------------------------------------------------------------

static size_t find_key(const struct ov_mail_told *told, uint64_t key) {
    size_t at = (size_t)((key * 0x9e3779b97f4a7c15U) >> 20) & (told->room - 1);
    while (told->keys[at] != 0 && told->keys[at] != key) {
        at = (at + 1) & (told->room - 1);
    }
    return at;
}

static bool grow_keys(struct ov_mail *mail) {
    struct ov_mail_told *told = &mail->told;
    struct ov_mail_told grown = {.room = told->room > 0 ? told->room * 2 : FIRST_KEYS};
    grown.keys = ov_arena_array(mail->walk->arena, grown.room, sizeof *grown.keys);
    if (grown.keys == NULL) {
        return false;
    }
    for (size_t i = 0; i < told->room; i++) {
        if (told->keys[i] != 0) {
            grown.keys[find_key(&grown, told->keys[i])] = told->keys[i];
        }
    }
    grown.count = told->count;
    *told = grown;
    return true;
}

// Whether the body was not told in this encoding yet; from now on it was.
static bool is_new(struct ov_mail *mail, const struct body *body, unsigned encoding) {
    struct ov_mail_told *told = &mail->told;
    if (body->start >> KEY_START_BITS != 0 || body->text.size >> KEY_SIZE_BITS != 0) {
        return true;
    }
    if (told->count * 2 >= told->room && !grow_keys(mail)) {
        return true;
    }
    // Never 0, which means free: a body that is told has bytes.
    uint64_t key = (uint64_t)body->start << (64 - KEY_START_BITS) | body->text.size << 3 |
                   (unsigned)__builtin_ctz(encoding);
    size_t at = find_key(told, key);
    bool is_there = told->keys[at] == key;
    told->count += is_there ? 0 : 1;
    told->keys[at] = key;
    return !is_there;
}

// ---- files and mails in a text -----------------------------------------------------------------

static bool starts_mail(struct ov_span text, size_t at) {
    struct ov_lines lines = ov_lines_init(text, at);
    struct ov_line line;
    bool has_type = false, has_version = false;
    while (ov_lines_next(&lines, &line) && !ov_line_is_blank(line.text)) {
        if (ov_text_has_prefix(line.text, "content-transfer-encoding:")) {
            return true;
        }
        has_type = has_type || ov_text_has_prefix(line.text, "content-type:");
        has_version = has_version || ov_text_has_prefix(line.text, "mime-version:");
    }
    return has_type && has_version;
}

// Finds the next mail in a text from a line on: a header behind an empty line. Gives the size of
// the text when there is none.
static size_t find_mail(struct ov_span text, size_t from) {
    struct ov_lines lines = ov_lines_init(text, from);
    struct ov_line line;
    bool was_blank = from == 0;
    while (ov_lines_next(&lines, &line)) {
        bool is_start = was_blank && ov_mail_line_is_field(line.text);
        was_blank = ov_line_is_blank(line.text);
        if (is_start && starts_mail(text, line.start)) {
            return line.start;
        }
    }
    return text.size;
}

static bool has_many_mails(struct ov_span text, size_t at) {
    unsigned count = 0;
    for (; at < text.size && count <= RETURNED_NESTED_MAX; count++) {
        at = find_mail(text, at + 1);
    }
    return count > RETURNED_NESTED_MAX;
}

// Tells of a mail that was put into a text, as programs do that return a mail to its sender. It
// reaches to the end of the text, for it may have parts that look like mails. Where there are many,
// one in the other would soon be too deep: each of them reaches to the next.
static enum ov_status tell_returned_mail(struct ov_mail *mail, struct ov_span text) {
    size_t at = find_mail(text, 0);
    bool is_row = has_many_mails(text, at);
    while (at < text.size) {
        size_t end = is_row ? find_mail(text, at + 1) : text.size;
        struct ov_span returned = ov_span_part(text, at, end - at);
        TRY(ov_walk_member(mail->walk, returned, ov_span_make(NULL, 0), OV_FILETYPE_MAIL));
        at = end;
    }
    return OV_OK;
}

static enum ov_status tell_inner(struct ov_mail *mail, struct ov_span text) {
    enum ov_status status = ov_blocks_tell(text, mail->walk, &mail->inner);
    if (status != OV_OK && status != OV_DAMAGED) {
        return status;
    }
    return tell_returned_mail(mail, text);
}

// ---- links -------------------------------------------------------------------------------------

static enum ov_status tell_links(struct ov_mail *mail, struct ov_span letter) {
    bool is_asked = mail->has_links && mail->walk->sink->link != NULL;
    return is_asked && letter.size > 0 && letter.size <= LETTER_BYTES_MAX
               ? ov_html_links_tell(letter, mail->walk)
               : OV_OK;
}

// ---- encodings ---------------------------------------------------------------------------------

// Tells of what a decoder left in mail->plain.
static enum ov_status tell_decoded(struct ov_mail *mail, const struct body *body,
                                   enum ov_status status) {
    if (status == OV_LIMIT) {
        ov_walk_note_cut(mail->walk);
        status = OV_OK;
    }
    TRY(status);
    if (mail->plain.size == 0) {
        return OV_OK;
    }
    TRY(tell_links(mail, ov_buf_span(&mail->plain)));
    return ov_walk_member(mail->walk, ov_buf_span(&mail->plain), body->header->name, body->type);
}

static enum ov_status tell_plain(struct ov_mail *mail, const struct body *body) {
    if (!is_new(mail, body, OV_MAIL_PLAIN)) {
        return OV_OK;
    }
    struct ov_span text = ov_span_part(body->text, 0, ov_walk_room(mail->walk));
    if (text.size < body->text.size) {
        ov_walk_note_cut(mail->walk);
    }
    TRY(tell_links(mail, text));
    TRY(ov_walk_member(mail->walk, text, body->header->name, body->type));
    return body->type == OV_FILETYPE_MAIL ? OV_OK : tell_inner(mail, body->text);
}

static enum ov_status tell_base64_as(struct ov_mail *mail, const struct body *body,
                                     enum ov_base64_reading reading,
                                     struct ov_base64_signs *ret_signs) {
    ov_buf_reset(&mail->plain);
    enum ov_status status =
        ov_base64_decode(body->text, reading, ov_walk_room(mail->walk), &mail->plain, ret_signs);
    TRY(tell_decoded(mail, body, status));
    return body->type == OV_FILETYPE_MAIL ? OV_OK : tell_inner(mail, ov_buf_span(&mail->plain));
}

// Where padding or bytes that are no base64 stand in between, readers differ, and the ways of all
// of them are gone.
static enum ov_status tell_base64(struct ov_mail *mail, const struct body *body,
                                  bool *ret_has_junk) {
    *ret_has_junk = false;
    if (!is_new(mail, body, OV_MAIL_BASE64)) {
        return OV_OK;
    }
    struct ov_base64_signs signs, ignored;
    TRY(tell_base64_as(mail, body, OV_BASE64_ALL, &signs));
    if (signs.has_after) {
        TRY(tell_base64_as(mail, body, OV_BASE64_TO_PAD, &ignored));
    }
    if (signs.has_junk) {
        TRY(tell_base64_as(mail, body, OV_BASE64_LINES, &ignored));
    }
    *ret_has_junk = signs.has_junk;
    return OV_OK;
}

static enum ov_status tell_quoted(struct ov_mail *mail, const struct body *body) {
    if (!is_new(mail, body, OV_MAIL_QUOTED)) {
        return OV_OK;
    }
    ov_buf_reset(&mail->plain);
    enum ov_status status = ov_quoted_decode(body->text, ov_walk_room(mail->walk), &mail->plain);
    TRY(tell_decoded(mail, body, status));
    return body->type == OV_FILETYPE_MAIL ? OV_OK : tell_inner(mail, ov_buf_span(&mail->plain));
}

// A body that is said to be uuencoded, and has no line that begins a block.
static enum ov_status tell_uu(struct ov_mail *mail, const struct body *body) {
    struct ov_uu_block block;
    if (ov_uu_find(body->text, 0, &block) || !is_new(mail, body, OV_MAIL_UU)) {
        return OV_OK; // found with the others
    }
    block = (struct ov_uu_block){0};
    size_t end;
    ov_buf_reset(&mail->plain);
    enum ov_status status =
        ov_uu_decode(body->text, &block, ov_walk_room(mail->walk), &mail->plain, &end);
    return tell_decoded(mail, body, status == OV_DAMAGED ? OV_OK : status);
}

// The body of a multipart that is base64 as a whole, which no standard allows and some readers
// undo: told as a mail of its own.
static enum ov_status tell_packed_multipart(struct ov_mail *mail, const struct body *body) {
    const struct ov_mail_values *boundaries = &body->header->boundaries;
    struct ov_base64_signs signs;
    ov_buf_reset(&mail->plain);
    ov_buf_add_text(&mail->plain, "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"");
    if (boundaries->count > 0) {
        ov_buf_add(&mail->plain, boundaries->values[0].data, boundaries->values[0].size);
    }
    ov_buf_add_text(&mail->plain, "\"\n\n");
    size_t room = ov_walk_room(mail->walk);
    room = room > mail->plain.size ? room - mail->plain.size : 0;
    struct body whole = *body;
    whole.type = OV_FILETYPE_MAIL;
    return tell_decoded(mail, &whole,
                        ov_base64_decode(body->text, OV_BASE64_ALL, room, &mail->plain, &signs));
}

static enum ov_status tell_packed(struct ov_mail *mail, const struct body *body) {
    if (is_new(mail, body, OV_MAIL_BASE64)) {
        TRY(tell_packed_multipart(mail, body));
    }
    return tell_plain(mail, body);
}

static enum ov_status tell_encoded(struct ov_mail *mail, const struct body *body,
                                   unsigned encodings) {
    bool has_junk = false;
    if ((encodings & OV_MAIL_BASE64) != 0) {
        TRY(tell_base64(mail, body, &has_junk));
    }
    if ((encodings & OV_MAIL_QUOTED) != 0) {
        TRY(tell_quoted(mail, body));
    }
    if ((encodings & OV_MAIL_UU) != 0) {
        TRY(tell_uu(mail, body));
    }
    bool is_plain = (encodings & (OV_MAIL_PLAIN | OV_MAIL_UU)) != 0;
    // What is said to be encoded and is not, some readers show as it stands.
    if (is_plain || has_junk || body->header->is_multipart || body->header->is_message) {
        TRY(tell_plain(mail, body));
    }
    // What is base64 and does not say so is read as such by those who are used to broken mails.
    bool is_silent = is_plain && (encodings & OV_MAIL_BASE64) == 0;
    if (!is_silent || !ov_base64_is_likely(body->text)) {
        return OV_OK;
    }
    mail->has_links = false; // a guess is no letter
    return tell_base64(mail, body, &has_junk);
}

// Whether there is nothing but blanks and line ends. Much of that is told as if it were something.
static bool is_blank(struct ov_span text) {
    bool has_ink = text.size > OV_MAIL_NAME_BYTES_MAX;
    for (size_t i = 0; i < text.size && !has_ink; i++) {
        has_ink = text.data[i] > ' ';
    }
    return !has_ink;
}

enum ov_status ov_mail_body_tell(struct ov_mail *mail, const struct ov_mail_header *header,
                                 size_t start, size_t end) {
    struct body body = {.header = header,
                        .start = start,
                        .text = ov_span_part(mail->text, start, end > start ? end - start : 0),
                        .type = header->is_message ? OV_FILETYPE_MAIL : OV_FILETYPE_NONE};
    unsigned encodings = header->encodings != 0 ? header->encodings : OV_MAIL_PLAIN;
    if (is_blank(body.text)) {
        return OV_OK;
    }
    return header->is_multipart && (encodings & OV_MAIL_BASE64) != 0
               ? tell_packed(mail, &body)
               : tell_encoded(mail, &body, encodings);
}
