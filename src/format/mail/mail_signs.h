// SPDX-License-Identifier: Apache-2.0
//
// By what a mail is known whose first line is none of the usual ones.
#pragma once

#include "base/span.h"

// clamscan's signs of a mail: two header lines in this order, in the first few kilobytes of an
// object. What has those of MHTML is that, and no mail.
bool ov_mail_has_mail_sign(struct ov_span object);
bool ov_mail_has_mhtml_sign(struct ov_span first);

// Whether the sign of MHTML stands at this place, which is the end of a line.
bool ov_mail_is_mhtml_sign(struct ov_span object, size_t at);

// Whether the text begins with a header that says how its body is to be read, within its first
// lines. Mail programs open such files; clamscan does not look into all of them.
bool ov_mail_has_header(struct ov_span text);
