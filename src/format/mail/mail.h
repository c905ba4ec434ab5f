// SPDX-License-Identifier: Apache-2.0
//
// One mail message while its parts are told.
#pragma once

#include "format/mail/mail_header.h"
#include "format/walk.h"

enum { OV_MAIL_BOUNDARIES_MAX = 128 };

struct ov_mail_boundary {
    size_t size;
    uint8_t bytes[OV_MAIL_NAME_BYTES_MAX];
};

// What was told already, so that a second reading tells only what is new.
struct ov_mail_told {
    uint64_t *keys; // a hash table; 0: free
    size_t room, count;
};

struct ov_mail {
    struct ov_walk *walk;
    struct ov_span text;        // the message
    struct ov_arena part;       // for one part's header
    struct ov_buf field;        // scratch for header fields
    struct ov_buf plain, inner; // a decoded body, and a file in that
    struct ov_mail_told told;
    struct ov_mail_boundary *boundaries; // those that were declared; the oldest give way
    size_t boundary_count;               // ever declared
    bool is_lenient; // reading what looks like the start of a part, whoever declared it
    bool has_doubt;  // there are lines that a lenient reader takes for such
    bool has_links;  // the body at hand is shown to who reads the mail
    bool is_related; // the multipart that began last has a main part
};

// Makes a mail ready for its first message. OV_OK or OV_MEMORY.
enum ov_status ov_mail_init(struct ov_mail *ret_mail, struct ov_walk *walk);
void ov_mail_release(struct ov_mail *mail);

// Tells of all parts of one message.
enum ov_status ov_mail_message_tell(struct ov_mail *mail, struct ov_span text);

// Tells of the body [start, end) under its header, in every way in which it can be read.
enum ov_status ov_mail_body_tell(struct ov_mail *mail, const struct ov_mail_header *header,
                                 size_t start, size_t end);
