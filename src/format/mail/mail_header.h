// SPDX-License-Identifier: Apache-2.0
//
// The header of a mail or of one of its parts, as far as it says how the body is to be read.
//
// Where two readers would take the header to end at different places, all of them are told, and
// fields that stand there twice count twice. Worker process only; spans live in the arena.
#pragma once

#include "base/buf.h"
#include "format/mail/mail_params.h"

// How a body is encoded; several, when the header says several.
enum {
    OV_MAIL_PLAIN = 1, // as it is
    OV_MAIL_BASE64 = 2,
    OV_MAIL_QUOTED = 4,
    OV_MAIL_UU = 8, // yEnc and BinHex are found by what they say of themselves
};

enum { OV_MAIL_BODIES_MAX = 3 };

struct ov_mail_header {
    // Where the body starts: where most readers say, and where others may.
    size_t bodies[OV_MAIL_BODIES_MAX];
    unsigned body_count;
    unsigned encodings;  // 0: nothing is said
    unsigned line_count; // that have the form of a field
    bool has_type, has_version;
    bool is_multipart, is_message;
    bool is_related;             // a multipart with a main part and what that shows
    bool is_text, is_plain_text; // of the type text, of the type text/plain
    bool is_attached;            // it is not meant to be shown with the mail
    bool is_eight_bit;           // it says that it has bytes from 0x80 on, or any
    struct ov_mail_values boundaries;
    struct ov_span name; // of the file; may be empty
};

// Reads the header that starts at `at`: up to an empty line, or to one that starts with two dashes.
// `field` is scratch. OV_OK or OV_MEMORY.
enum ov_status ov_mail_header_read(struct ov_span text, size_t at, struct ov_arena *arena,
                                   struct ov_buf *field, struct ov_mail_header *ret_header);

// Whether the line has the form of a header field.
bool ov_mail_line_is_field(struct ov_span line);
