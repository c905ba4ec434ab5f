// SPDX-License-Identifier: Apache-2.0
//
// Objects whose first bytes do not say all: the whole of a text may tell that it is HTML or a mail.
#pragma once

#include "scan/embedded.h"
#include "scan/scanner_state.h"

// What an object is by a look at all of its bytes: OV_FILETYPE_HTML, OV_FILETYPE_MAIL, or
// OV_FILETYPE_NONE when that is nothing new. As clamscan's typing while it matches: only ASCII text
// is looked at, and GIF images for HTML; a mail counts before HTML, and MHTML before both.
enum ov_filetype ov_retype(const struct ov_subject *subject,
                           const struct ov_embedded_search *embedded);
