// SPDX-License-Identifier: Apache-2.0
//
// By what a mail is known whose first line is none of the usual ones.
#pragma once

#include "base/span.h"

// clamscan's signs, in the first bytes of an object: two header lines in this order. What has those
// of MHTML is that, and no mail.
bool ov_mail_has_mail_sign(struct ov_span first);
bool ov_mail_has_mhtml_sign(struct ov_span first);

// Whether the text begins with a header that says how its body is to be read, within its first
// lines. Mail programs open such files; clamscan does not look into all of them.
bool ov_mail_has_header(struct ov_span text);
