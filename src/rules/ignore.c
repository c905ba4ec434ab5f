// SPDX-License-Identifier: Apache-2.0
// The table of ignored names: open addressing, several entries of one name allowed.
#include "rules/ignore.h"

#include "base/digest.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 256 };

void ov_ignore_release(struct ov_ignore *ignore) {
    free(ignore->slots);
    *ignore = (struct ov_ignore){0};
}

// FNV-1a (its authors' constants).
static uint64_t hash_name(struct ov_span name) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < name.size; i++) {
        hash = (hash ^ name.data[i]) * 0x100000001b3u;
    }
    return hash ^ hash >> 32;
}

static void put(struct ov_ignore_entry *slots, size_t room, struct ov_ignore_entry entry) {
    size_t at = hash_name(entry.name) & (room - 1);
    while (slots[at].name.size > 0) {
        at = (at + 1) & (room - 1);
    }
    slots[at] = entry;
}

static enum ov_status grow(struct ov_ignore *ignore) {
    size_t room = ignore->room == 0 ? FIRST_SLOTS : ignore->room * 2;
    struct ov_ignore_entry *slots = calloc(room, sizeof *slots);
    if (slots == NULL) {
        return OV_MEMORY;
    }
    for (size_t i = 0; i < ignore->room; i++) {
        if (ignore->slots[i].name.size > 0) {
            put(slots, room, ignore->slots[i]);
        }
    }
    free(ignore->slots);
    ignore->slots = slots;
    ignore->room = room;
    return OV_OK;
}

enum ov_status ov_ignore_add(struct ov_ignore *ignore, struct ov_span name, const uint8_t *md5) {
    if (name.size == 0) {
        return OV_INVALID;
    }
    if (ignore->count * 2 >= ignore->room) {
        TRY(grow(ignore));
    }
    struct ov_ignore_entry entry = {.name = name, .has_digest = md5 != NULL};
    if (md5 != NULL) {
        memcpy(entry.md5, md5, sizeof entry.md5);
    }
    put(ignore->slots, ignore->room, entry);
    ignore->count++;
    ignore->has_grown = true;
    return OV_OK;
}

static bool is_match(const struct ov_ignore_entry *entry, struct ov_span line) {
    if (!entry->has_digest) {
        return true;
    }
    uint8_t digest[OV_MD5_BYTES];
    ov_md5(line, digest);
    return line.size > 0 && memcmp(digest, entry->md5, sizeof entry->md5) == 0;
}

bool ov_ignore_has(const struct ov_ignore *ignore, struct ov_span name, struct ov_span line) {
    if (ignore->room == 0 || name.size == 0) {
        return false;
    }
    for (size_t at = hash_name(name) & (ignore->room - 1); ignore->slots[at].name.size > 0;
         at = (at + 1) & (ignore->room - 1)) {
        if (ov_span_is_equal(ignore->slots[at].name, name) && is_match(&ignore->slots[at], line)) {
            return true;
        }
    }
    return false;
}
