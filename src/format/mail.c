// SPDX-License-Identifier: Apache-2.0
// Mail: single messages (RFC 5322 and MIME), mailboxes, Apple's .emlx, web archives (MHTML).
#include "format/mail/mail.h"

#include "format/format.h"
#include "format/codec/lines.h"
#include "format/mail/mail_signs.h"

// ---- messages in a file ------------------------------------------------------------------------

static struct ov_span skip_blank_lines(struct ov_span text) {
    struct ov_lines lines = ov_lines_init(text, 0);
    struct ov_line line = {0};
    size_t start = 0;
    while (ov_lines_next(&lines, &line) && ov_line_is_blank(line.text)) {
        start = line.next;
    }
    return ov_span_from(text, start);
}

// Apple's .emlx: a line with the size of the message, the message, a list of properties.
static struct ov_span open_emlx(struct ov_span file) {
    struct ov_lines lines = ov_lines_init(file, 0);
    struct ov_line line;
    uint64_t size = 0;
    if (!ov_lines_next(&lines, &line)) {
        return file;
    }
    struct ov_span digits = ov_line_trim(line.text);
    for (size_t i = 0; i < digits.size && size < file.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') {
            return file;
        }
        size = size * 10 + (uint64_t)(digits.data[i] - '0');
    }
    struct ov_span rest = ov_span_from(file, line.next);
    bool is_told = size < rest.size && ov_span_has_prefix(ov_span_from(rest, size), "<?xml");
    return is_told ? ov_span_part(rest, 0, size) : rest;
}

// What stands before the first header in files of mail programs: a mark of the encoding, empty
// lines, the envelope of CommuniGate Pro (lines up to an empty one).
static struct ov_span skip_front(struct ov_span file) {
    if (ov_span_has_prefix(file, "\xef\xbb\xbf")) {
        file = ov_span_from(file, 3);
    }
    file = open_emlx(file);
    if (ov_span_has_prefix(file, "P I ")) {
        struct ov_lines lines = ov_lines_init(file, 0);
        struct ov_line line;
        while (ov_lines_next(&lines, &line) && !ov_line_is_blank(line.text)) {
        }
        file = ov_span_from(file, lines.at);
    }
    return skip_blank_lines(file);
}

// Whether a mailbox goes on with its next message here: "From " behind an empty line, and a header
// behind it, so that no sentence of a letter is taken for one.
static bool starts_message(struct ov_span line, const struct ov_lines *after, bool was_blank) {
    struct ov_line next;
    if (!was_blank || !ov_span_has_prefix(line, "From ") || !ov_lines_peek(after, &next)) {
        return false;
    }
    return ov_mail_line_is_field(next.text) || ov_span_has_prefix(next.text, ">From ");
}

// The size of the first message of a mailbox, up to the "From " of the next.
static size_t measure_message(struct ov_span box) {
    struct ov_lines lines = ov_lines_init(box, 0);
    struct ov_line line;
    bool was_blank = false;
    while (ov_lines_next(&lines, &line)) {
        if (line.start > 0 && starts_message(line.text, &lines, was_blank)) {
            return line.start;
        }
        was_blank = line.text.size == 0;
    }
    return box.size;
}

static enum ov_status tell_messages(struct ov_mail *mail, struct ov_span file) {
    bool is_box = ov_span_has_prefix(file, "From ");
    while (file.size > 0) {
        size_t size = is_box ? measure_message(file) : file.size;
        TRY(ov_mail_message_tell(mail, ov_span_part(file, 0, size)));
        file = ov_span_from(file, size);
    }
    return OV_OK;
}

static enum ov_status walk_mail(struct ov_cursor *in, struct ov_walk *walk) {
    OV_CLEANUP(ov_mail_release) struct ov_mail mail = {0};
    TRY(ov_mail_init(&mail, walk));
    return tell_messages(&mail, skip_front(in->bytes));
}

// ---- first lines -------------------------------------------------------------------------------

// Mail by other first lines. clamscan knows a part of it by two header lines further down, which
// make its type; that part is left out here.
static bool is_other_mail(struct ov_span object) {
    struct ov_span first = ov_span_part(object, 0, OV_MAGIC_WINDOW_BYTES);
    return !ov_mail_has_mail_sign(first) && !ov_mail_has_mhtml_sign(first) &&
           !ov_span_has_prefix(first, "MIME-Version: 1.0") && ov_mail_has_header(object);
}

static const struct ov_magic magics_mail[] = {
    OV_MAGIC(0, "From "),
    OV_MAGIC(0, ">From "),
    OV_MAGIC(0, "From: "),
    OV_MAGIC(0, "For: "),
    OV_MAGIC(0, "To: "),
    OV_MAGIC(0, "Date: "),
    OV_MAGIC(0, "Subject: "),
    OV_MAGIC(0, "Received: "),
    OV_MAGIC(0, "Received-SPF: "),
    OV_MAGIC(0, "Return-Path: "),
    OV_MAGIC(0, "Return-path: "),
    OV_MAGIC(0, "Delivered-To: "),
    OV_MAGIC(0, "Delivery-date: "),
    OV_MAGIC(0, "Envelope-to: "),
    OV_MAGIC(0, "Message-ID: "),
    OV_MAGIC(0, "Message-Id: "),
    OV_MAGIC(0, "Hi. This is the qmail-se"),
    OV_MAGIC(0, "X-Apparently-To: "),
    OV_MAGIC(0, "X-EVS"),
    OV_MAGIC(0, "X-Envelope-From: "),
    OV_MAGIC(0, "X-Original-To: "),
    OV_MAGIC(0, "X-Real-To: "),
    OV_MAGIC(0, "X-Sieve: "),
    OV_MAGIC(0, "X-Symantec-"),
    OV_MAGIC(0, "X-UIDL: "),
    OV_MAGIC(0, "v:\nReceived: "),
    OV_MAGIC(0, "v:\r\nReceived: "),
};
static const struct ov_magic magics_mhtml[] = {OV_MAGIC(0, "MIME-Version: 1.0")};
static const struct ov_magic magics_other[] = {
    OV_MAGIC(0, "\r\n"),
    OV_MAGIC(0, "\n\n"),
    OV_MAGIC(0, "P I "),
    OV_MAGIC(0, "Content-"),
    OV_MAGIC(0, "content-"),
    OV_MAGIC(0, "CONTENT-"),
    OV_MAGIC(0, "Mime-"),
    OV_MAGIC(0, "mime-"),
    OV_MAGIC(0, "MIME-"),
    OV_MAGIC(0, "X-"),
    OV_MAGIC(0, "x-"),
    OV_MAGIC(0, "ARC-"),
    OV_MAGIC(0, "Authentication-Results:"),
    OV_MAGIC(0, "DKIM-Signature:"),
    OV_MAGIC(0, "Cc:"),
    OV_MAGIC(0, "CC:"),
    OV_MAGIC(0, "cc:"),
    OV_MAGIC(0, "Bcc:"),
    OV_MAGIC(0, "Reply-To:"),
    OV_MAGIC(0, "Sender:"),
    OV_MAGIC(0, "References:"),
    OV_MAGIC(0, "In-Reply-"),
    OV_MAGIC(0, "List-"),
    OV_MAGIC(0, "User-Agent:"),
    OV_MAGIC(0, "Thread-"),
    OV_MAGIC(0, "Importance:"),
    OV_MAGIC(0, "Organization:"),
    OV_MAGIC(0, "from:"),
    OV_MAGIC(0, "FROM:"),
    OV_MAGIC(0, "to:"),
    OV_MAGIC(0, "TO:"),
    OV_MAGIC(0, "date:"),
    OV_MAGIC(0, "DATE:"),
    OV_MAGIC(0, "subject:"),
    OV_MAGIC(0, "SUBJECT:"),
    OV_MAGIC(0, "received:"),
    OV_MAGIC(0, "RECEIVED:"),
    OV_MAGIC(0, "message-id:"),
    OV_MAGIC(0, "MESSAGE-ID:"),
    OV_MAGIC(0, "return-path:"),
    OV_MAGIC(0, "Status:"),
};

// The sign of MHTML anywhere makes text so; "ersion: " is what of it has no capital letters.
static enum ov_inner find_mhtml(struct ov_span object, size_t at, struct ov_span *ret_inner) {
    static const char before[] = "\nMIME-V";
    size_t start = sizeof before - 1;
    *ret_inner = object;
    return at >= start && ov_mail_is_mhtml_sign(object, at - start) ? OV_INNER_CLOSED
                                                                    : OV_INNER_NONE;
}

static const struct ov_embedded in_text[] = {
    {.mark = OV_MAGIC(OV_MAGIC_ANYWHERE, "ersion: "), .host = OV_HOST_UNTYPED, .find = find_mhtml},
};

// In the order in which they are tried: MHTML and mail have a type, and the rest is walked beside
// the type that it has.
static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_MAIL, OV_MAGICS(magics_mail), .walk = walk_mail},
    {.type = OV_FILETYPE_MHTML, OV_MAGICS(magics_mhtml), .walk = walk_mail, OV_EMBEDDED(in_text)},
    {.type = OV_FILETYPE_MAIL,
     OV_MAGICS(magics_other),
     .is_sure = is_other_mail,
     .walk = walk_mail,
     .is_beside = true},
};

OV_FORMAT_SET(mail, formats);
