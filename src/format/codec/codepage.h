// SPDX-License-Identifier: Apache-2.0
//
// Narrow text in a Windows code page into UTF-8. Any process.
#pragma once

#include "base/buf.h"

// Adds the text. False: the page is not known (those of several bytes a character are not), and
// the bytes were added as they are.
bool ov_codepage_add(struct ov_buf *text, struct ov_span bytes, unsigned number);
