// SPDX-License-Identifier: Apache-2.0
// Archives of ar: libraries, and Debian packages (deb(5)). ar(5) of FreeBSD; GNU's kind of names.
#include "format/codec/digits.h"
#include "format/format.h"

enum {
    MAGIC_BYTES = 8,
    HEADER_BYTES = 60,
    NAME_BYTES = 16,
    SIZE_AT = 48,
    SIZE_BYTES = 10,
    END_AT = 58,
};

static bool is_header(struct ov_span header) {
    return header.size == HEADER_BYTES && ov_span_has_prefix(ov_span_from(header, END_AT), "`\n");
}

static struct ov_span trim(struct ov_span text, char end) {
    while (text.size > 0 && text.data[text.size - 1] == (uint8_t)end) {
        text = ov_span_part(text, 0, text.size - 1);
    }
    return text;
}

// "name/", or "/123": at 123 in the table of long names, up to a slash and a line feed.
static struct ov_span read_name(struct ov_span field, struct ov_span long_names) {
    struct ov_span name = trim(field, ' ');
    uint64_t at = 0;
    if (name.size > 1 && name.data[0] == '/' && ov_digits_read(ov_span_from(name, 1), 10, &at)) {
        struct ov_span text = ov_span_from(long_names, at);
        name = ov_span_part(text, 0, ov_span_find(text, 0, '\n'));
    }
    bool is_table = ov_span_has_prefix(name, "/"); // "/" or "//"
    return is_table ? name : trim(name, '/');
}

// BSD writes "#1/20" and puts a name of 20 bytes before the data.
static void take_bsd_name(struct ov_span *name, struct ov_span *data) {
    uint64_t size = 0;
    if (ov_span_has_prefix(*name, "#1/") && ov_digits_read(ov_span_from(*name, 3), 10, &size)) {
        *name = trim(ov_span_part(*data, 0, size), 0);
        *data = ov_span_from(*data, size);
    }
}

// Whether the next header stands one byte further on: data ends at an even place, and some programs
// forget that.
static bool has_padding(const struct ov_cursor *in) {
    struct ov_span rest = ov_span_from(in->bytes, in->at);
    return in->at % 2 != 0 && (is_header(ov_span_part(rest, 1, HEADER_BYTES)) ||
                               !is_header(ov_span_part(rest, 0, HEADER_BYTES)));
}

static enum ov_status walk_ar(struct ov_cursor *in, struct ov_walk *walk) {
    struct ov_span long_names = ov_span_make(NULL, 0);
    bool is_thin = ov_span_has_prefix(in->bytes, "!<thin>\n");
    ov_cursor_skip(in, MAGIC_BYTES);
    while (ov_cursor_left(in) >= HEADER_BYTES) {
        TRY(ov_walk_has_time(walk));
        struct ov_span header = ov_cursor_bytes(in, HEADER_BYTES);
        uint64_t size = 0;
        if (!is_header(header) ||
            !ov_digits_read(ov_span_part(header, SIZE_AT, SIZE_BYTES), 10, &size)) {
            return OV_DAMAGED;
        }
        struct ov_span name = read_name(ov_span_part(header, 0, NAME_BYTES), long_names);
        bool is_table = ov_span_has_prefix(name, "/");
        if (is_thin && !is_table) {
            continue; // a name of a file elsewhere
        }
        size_t left = ov_cursor_left(in);
        struct ov_span data = ov_span_part(ov_span_from(in->bytes, in->at), 0, size);
        take_bsd_name(&name, &data);
        if (ov_span_is_text(name, "//")) {
            long_names = data;
        } else {
            TRY(ov_walk_stored(walk, data, name));
        }
        if (size > left) {
            return OV_DAMAGED;
        }
        ov_cursor_skip(in, size);
        ov_cursor_skip(in, has_padding(in) && size < left ? 1 : 0);
    }
    return OV_OK;
}

static const struct ov_magic magics[] = {OV_MAGIC(0, "!<arch>\n"), OV_MAGIC(0, "!<thin>\n")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_AR, OV_MAGICS(magics), .walk = walk_ar, .is_beside = true},
};

OV_FORMAT_SET(ar, formats);
