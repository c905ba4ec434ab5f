// SPDX-License-Identifier: Apache-2.0
//
// Bytes that others wrote, made safe for a terminal and for whoever reads lines: control characters
// (C0, DEL, and C1 as UTF-8 writes it) become \xNN.
#pragma once

#include "base/buf.h"

// Adds a name or another piece of a line; bytes that are no UTF-8 stay as they are.
void ov_printable_add(struct ov_buf *out, struct ov_span text);

// Adds whole lines: line ends and tabs stay, and bytes that are no UTF-8 become \xNN too.
void ov_printable_add_lines(struct ov_buf *out, struct ov_span text);
