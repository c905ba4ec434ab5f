// SPDX-License-Identifier: Apache-2.0
//
// What we say to people on standard error, in one form: "overt: what: why (what to do)".
#pragma once

// Prints one line "overt: WHAT: WHY (TODO)\n" to standard error; `todo` may be NULL.
// Names in it may be anybody's: control characters are written as \xNN.
void ov_say_error(const char *what, const char *why, const char *todo);
