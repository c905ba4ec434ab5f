// SPDX-License-Identifier: Apache-2.0
// Finding a command by its name, or by something near it.
#include "cmd/command.h"

#include <string.h>

enum { WORD_BYTES = 24 }; // longer words are nobody's typing mistake

const struct ov_command *ov_command_find(const char *name) {
    for (size_t i = 0; i < ov_command_count; i++) {
        if (strcmp(ov_commands[i]->name, name) == 0) {
            return ov_commands[i];
        }
    }
    return NULL;
}

static unsigned take_least(unsigned a, unsigned b, unsigned c) {
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

// How many letters must be added, dropped or changed to make `a` of `b` (Levenshtein); both are
// shorter than WORD_BYTES.
static unsigned count_edits(const char *a, const char *b) {
    unsigned row[WORD_BYTES];
    size_t width = strlen(b);
    for (size_t i = 0; i <= width; i++) {
        row[i] = (unsigned)i;
    }
    for (size_t y = 1; a[y - 1] != '\0'; y++) {
        unsigned corner = row[0];
        row[0] = (unsigned)y;
        for (size_t x = 1; x <= width; x++) {
            unsigned changed = corner + (a[y - 1] != b[x - 1]);
            corner = row[x];
            row[x] = take_least(row[x] + 1, row[x - 1] + 1, changed);
        }
    }
    return row[width];
}

const struct ov_command *ov_command_nearest(const char *word) {
    const struct ov_command *nearest = NULL;
    unsigned least = 3; // two mistakes at most
    if (strlen(word) >= WORD_BYTES) {
        return NULL;
    }
    for (size_t i = 0; i < ov_command_count; i++) {
        const char *name = ov_commands[i]->name;
        unsigned edits = strlen(name) < WORD_BYTES ? count_edits(word, name) : least;
        if (edits < least && edits < strlen(name)) {
            least = edits;
            nearest = ov_commands[i];
        }
    }
    return nearest;
}
