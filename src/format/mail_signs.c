// SPDX-License-Identifier: Apache-2.0
// By what a mail is known whose first line is none of the usual ones.
#include "format/mail_signs.h"

#include "format/lines.h"
#include "format/mail_header.h"

enum {
    HEADER_BYTES_MAX = 64 << 10, // within which the header has to say it
    FIRST_BLANK_LINES_MAX = 8,
    DELIVERED_TO_RECEIVED_BYTES = 256,
};

// Whether the bytes are the text; where it has a capital letter, a small one will do.
static bool is_header(struct ov_span line, const char *text) {
    size_t i = 0;
    for (; text[i] != '\0' && i < line.size; i++) {
        bool is_capital = text[i] >= 'A' && text[i] <= 'Z';
        if (line.data[i] != (uint8_t)text[i] &&
            !(is_capital && line.data[i] == (uint8_t)(text[i] | 0x20))) {
            return false;
        }
    }
    return text[i] == '\0';
}

// Whether a header begins a line after `from`; sets ret_end to a place behind its beginning.
static bool find_header(struct ov_span first, size_t from, const char *text, size_t *ret_end) {
    for (size_t at = ov_span_find(first, from, '\n'); at < first.size;
         at = ov_span_find(first, at + 1, '\n')) {
        if (is_header(ov_span_from(first, at + 1), text)) {
            *ret_end = at + 1;
            return true;
        }
    }
    return false;
}

static bool has_pair(struct ov_span first, const char *one, const char *other) {
    size_t at;
    return find_header(first, 0, one, &at) && find_header(first, at, other, &at);
}

// "Delivered-To:" and, not far behind it, "Received:", wherever they stand in their lines.
static bool has_delivery(struct ov_span first) {
    static const char delivered[] = "Delivered-To:", received[] = "Received:";
    const uint8_t *hit =
        first.size > 0 ? memmem(first.data, first.size, delivered, sizeof delivered - 1) : NULL;
    if (hit == NULL) {
        return false;
    }
    size_t at = (size_t)(hit - first.data) + sizeof delivered - 1;
    struct ov_span rest =
        ov_span_part(first, at, DELIVERED_TO_RECEIVED_BYTES + sizeof received - 1);
    return rest.size > 0 && memmem(rest.data, rest.size, received, sizeof received - 1) != NULL;
}

bool ov_mail_has_mhtml_sign(struct ov_span first) {
    size_t at;
    return has_pair(first, "MIME-Version: ", "Content-Type: ") ||
           (is_header(first, "MIME-Version: ") && find_header(first, 0, "Content-Type: ", &at));
}

bool ov_mail_has_mail_sign(struct ov_span first) {
    return has_pair(first, "From: ", "MIME-Version: ") ||
           has_pair(first, "From: ", "Content-Type: ") ||
           has_pair(first, "Message-Id: ", "Content-Type: ") ||
           has_pair(first, "Message-ID: ", "Content-Type: ") ||
           has_pair(first, "Received: ", "Content-Type: ") || has_delivery(first);
}

bool ov_mail_has_header(struct ov_span text) {
    text = ov_span_part(text, 0, HEADER_BYTES_MAX);
    struct ov_lines lines = ov_lines_init(text, 0);
    struct ov_line line;
    unsigned blank_count = 0, field_count = 0;
    while (ov_lines_next(&lines, &line)) {
        if (ov_line_is_blank(line.text)) {
            if (field_count > 0 || ++blank_count > FIRST_BLANK_LINES_MAX) {
                return false;
            }
            continue;
        }
        field_count += ov_mail_line_is_field(line.text) ? 1 : 0;
        if (ov_text_has_prefix(line.text, "content-type:") ||
            ov_text_has_prefix(line.text, "content-transfer-encoding:")) {
            return true;
        }
    }
    return false;
}
