// SPDX-License-Identifier: Apache-2.0
// By what a mail is known whose first line is none of the usual ones.
#include "format/mail/mail_signs.h"

#include "format/codec/lines.h"
#include "format/mail/mail_header.h"

enum {
    HEADER_BYTES_MAX = 64 << 10, // within which the header has to say it
    FIRST_BLANK_LINES_MAX = 8,
    SIGN_START_MAX = 2048, // the greatest of those in mail_signs
    DELIVERED_TO_START_MAX = 1024,
    DELIVERED_TO_RECEIVED_BYTES = 256,
    BLOCK_BYTES = 64,
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

// Whether one header begins a line, and after it another does: the first no later than `start_max`
// bytes in, the second no more than `gap_max` behind the end of the first.
struct sign {
    const char *first, *second; // with the end of the line before
    uint32_t start_max;
    uint32_t gap_max;
};

static const struct sign mail_signs[] = {
    {"\nFrom: ", "\nMIME-Version: ", 1024, 1024},
    {"\nFrom: ", "\nContent-Type: ", 1024, 2048},
    {"\nMessage-Id: ", "\nContent-Type: ", 1024, 1024},
    {"\nMessage-ID: ", "\nContent-Type: ", 1024, 1024},
    {"\nReceived: ", "\nContent-Type: ", 2048, 2048},
    {"\nMIME-Version: ", "\nContent-Type: ", 1024, 2048},
};

enum { MHTML_GAP_MAX = 1024 };

static const char mime_version[] = "\nMIME-Version: ", content_type[] = "\nContent-Type: ";

// Whether a line begins with the header in the first `room` bytes.
static bool is_near(struct ov_span bytes, const char *header, size_t room) {
    size_t at = ov_span_find(bytes, 0, '\n');
    for (; at < bytes.size && at <= room; at = ov_span_find(bytes, at + 1, '\n')) {
        if (is_header(ov_span_from(bytes, at), header)) {
            return true;
        }
    }
    return false;
}

static bool has_sign_at(struct ov_span object, size_t at) {
    struct ov_span rest = ov_span_from(object, at);
    for (size_t i = 0; i < sizeof mail_signs / sizeof *mail_signs; i++) {
        const struct sign *sign = &mail_signs[i];
        if (at <= sign->start_max && is_header(rest, sign->first) &&
            is_near(ov_span_from(rest, strlen(sign->first)), sign->second, sign->gap_max)) {
            return true;
        }
    }
    return false;
}

// 0 where a line ends and the next begins with a letter, small or capital, with which the headers
// that come first do. Without branches and in bytes, so that the compiler can look at many at once.
static inline uint8_t differs_from_start(uint8_t end, uint8_t first) {
    uint8_t small = first | 0x20;
    uint8_t f = small ^ 'f', m = small ^ 'm', r = small ^ 'r';
    uint8_t least = f < m ? f : m;
    least = r < least ? r : least;
    return (uint8_t)(end ^ '\n') | least;
}

static bool has_start(const uint8_t block[BLOCK_BYTES + 1]) {
    uint8_t least = UINT8_MAX;
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        uint8_t differs = differs_from_start(block[i], block[i + 1]);
        least = differs < least ? differs : least;
    }
    return least == 0;
}

// The next end of a line from `at` on behind which one of those letters stands, or bytes.size.
static size_t find_start(struct ov_span bytes, size_t at) {
    while (at + 1 < bytes.size) {
        size_t end = bytes.size - 1;
        if (end - at >= BLOCK_BYTES) {
            end = at + BLOCK_BYTES;
            at = has_start(bytes.data + at) ? at : end;
        }
        for (; at < end; at++) {
            if (differs_from_start(bytes.data[at], bytes.data[at + 1]) == 0) {
                return at;
            }
        }
    }
    return bytes.size;
}

// "Delivered-To:" and, not far behind it, "Received:", wherever they stand in their lines.
static bool has_delivery(struct ov_span object) {
    static const char delivered[] = "Delivered-To:", received[] = "Received:";
    struct ov_span first = ov_span_part(object, 0, DELIVERED_TO_START_MAX + sizeof delivered - 1);
    const uint8_t *hit =
        first.size > 0 ? memmem(first.data, first.size, delivered, sizeof delivered - 1) : NULL;
    if (hit == NULL) {
        return false;
    }
    size_t at = (size_t)(hit - first.data) + sizeof delivered - 1;
    struct ov_span rest =
        ov_span_part(object, at, DELIVERED_TO_RECEIVED_BYTES + sizeof received - 1);
    return rest.size > 0 && memmem(rest.data, rest.size, received, sizeof received - 1) != NULL;
}

bool ov_mail_is_mhtml_sign(struct ov_span object, size_t at) {
    struct ov_span rest = ov_span_from(object, at);
    return is_header(rest, mime_version) &&
           is_near(ov_span_from(rest, strlen(mime_version)), content_type, MHTML_GAP_MAX);
}

bool ov_mail_has_mhtml_sign(struct ov_span first) {
    bool is_at_start =
        is_header(first, mime_version + 1) &&
        is_near(ov_span_from(first, strlen(mime_version + 1)), content_type, MHTML_GAP_MAX);
    size_t at = find_start(first, 0);
    while (!is_at_start && at < first.size && !ov_mail_is_mhtml_sign(first, at)) {
        at = find_start(first, at + 1);
    }
    return is_at_start || at < first.size;
}

bool ov_mail_has_mail_sign(struct ov_span object) {
    struct ov_span first = ov_span_part(object, 0, SIGN_START_MAX + 2);
    size_t at = find_start(first, 0);
    for (; at < first.size; at = find_start(first, at + 1)) {
        if (has_sign_at(object, at)) {
            return true;
        }
    }
    return has_delivery(object);
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
