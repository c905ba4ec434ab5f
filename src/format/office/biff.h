// SPDX-License-Identifier: Apache-2.0
//
// A workbook of old Excel ([MS-XLS]): its Excel 4 macros as text, its pictures. Worker process
// only.
#pragma once

#include "format/walk.h"

// Reads a Workbook or Book stream. When it has a macro sheet: OV_FACT_MACROS_XLM, and a view with
// sheets, names, formulas and the strings that they gave, in the words that clamscan uses. Pictures
// become members. OV_OK, OV_MEMORY, OV_LIMIT, or what the sink said.
enum ov_status ov_biff_tell(struct ov_walk *walk, struct ov_span stream);

// The tokens of a formula ([MS-XLS] 2.5.198.25), as far as they are known.
void ov_biff_add_formula(struct ov_buf *text, struct ov_span tokens, bool is_biff8);

// A string of `count` characters behind its flags ([MS-XLS] 2.5.294), as UTF-8.
void ov_biff_add_string(struct ov_buf *text, struct ov_cursor *in, unsigned count);

// The name of a function or macro command; never NULL.
const char *ov_biff_function(unsigned number);
