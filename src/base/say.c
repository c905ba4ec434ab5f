// SPDX-License-Identifier: Apache-2.0
// The one form of an error message.
#include "base/say.h"

#include <stdio.h>

void ov_say_error(const char *what, const char *why, const char *todo) {
    if (todo != NULL) {
        (void)fprintf(stderr, "overt: %s: %s (%s)\n", what, why, todo);
    } else {
        (void)fprintf(stderr, "overt: %s: %s\n", what, why);
    }
}
