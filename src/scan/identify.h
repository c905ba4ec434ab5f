// SPDX-License-Identifier: Apache-2.0
//
// What an object is, told from its first bytes, in the words that rules use.
//
// The answers are clamscan's: first the magics that formats declare (format/format.h), then text,
// then marks that may stand anywhere in the first bytes. Allocates nothing. Worker process only.
#pragma once

#include "base/filetype.h"
#include "base/span.h"
#include "format/format.h"

enum {
    OV_IDENTIFY_BYTES = OV_MAGIC_WINDOW_BYTES, // more than this of an object is not looked at
    OV_IDENTIFY_MIN_BYTES = 6                  // clamscan does not look at smaller objects
};

// The type of an object of `object_bytes` that begins with `first`; BINARY_DATA when nothing fits.
enum ov_filetype ov_identify(struct ov_span first, uint64_t object_bytes);

// Whether a magic of this type in Overt's own list fits.
bool ov_identify_has_magic(struct ov_span first, enum ov_filetype type);

// The next format after `last` (NULL: the first) that the object is beside its type; NULL: none.
const struct ov_format *ov_identify_beside(struct ov_span object, const struct ov_format *last);

// The type of a whole object: that of its first bytes, or a closer one that its format tells
// after a look at the rest.
enum ov_filetype ov_identify_object(struct ov_span object);

// Whether there is a sign of HTML anywhere in a text, so that it is HTML although its first bytes
// do not say so.
bool ov_identify_has_html(struct ov_span text);

// The number by which rules name a group of types (0 to 14 of ClamAV's target types); 0 when the
// type is in no group.
uint32_t ov_filetype_target(enum ov_filetype type);

// Whether objects of the type are text, in any encoding, and not markup or mail.
bool ov_filetype_is_text(enum ov_filetype type);
