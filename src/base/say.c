// SPDX-License-Identifier: Apache-2.0
// The one form of an error message.
#include "base/say.h"

#include "base/printable.h"

#include <stdio.h>

void ov_say_error(const char *what, const char *why, const char *todo) {
    OV_CLEANUP(ov_buf_release) struct ov_buf line = {0};
    ov_buf_add_text(&line, "overt: ");
    ov_printable_add(&line, ov_span_text(what));
    ov_buf_add_text(&line, ": ");
    ov_printable_add(&line, ov_span_text(why));
    if (todo != NULL) {
        ov_buf_add_text(&line, " (");
        ov_printable_add(&line, ov_span_text(todo));
        ov_buf_add_text(&line, ")");
    }
    ov_buf_add_text(&line, "\n");
    if (line.has_failed) {
        (void)fputs("overt: out of memory\n", stderr);
    } else {
        (void)fwrite(line.data, 1, line.size, stderr);
    }
}
