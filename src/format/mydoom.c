// SPDX-License-Identifier: Apache-2.0
// The list of addresses that the worm Mydoom.M leaves on a machine: records of eight words, each
// encrypted with a key of its own. Data that begins with two of them is told.
#include "format/mydoom.h"

#include "format/format.h"

enum {
    RECORD_WORDS = 8,
    RECORD_BYTES = RECORD_WORDS * 4,
    RECORDS = 2,      // have to be right
    BARRED_WORDS = 5, // the first ones, of which none is all ones; fewer in a short file
};

// The first word is the key, inverted; the others, decrypted, add up to the key inverted.
static bool is_record(struct ov_cursor *in) {
    uint32_t key = ~ov_cursor_u32be(in), sum = 0;
    for (unsigned i = 1; i < RECORD_WORDS; i++) {
        sum += ov_cursor_u32be(in) ^ key;
    }
    return ~sum == key;
}

void ov_mydoom_look(struct ov_span object, struct ov_walk *walk) {
    size_t records = object.size / RECORD_BYTES;
    struct ov_cursor words = ov_cursor_init(object), at = words;
    if (records < RECORDS) {
        return;
    }
    for (size_t i = 0; i < records && i < BARRED_WORDS; i++) {
        if (ov_cursor_u32be(&words) == UINT32_MAX) {
            return;
        }
    }
    bool is_first_right = is_record(&at);
    if (is_record(&at) && is_first_right) {
        ov_walk_alert(walk, OV_HEURISTIC_MYDOOM_LOG);
    }
}

static enum ov_status walk_data(struct ov_cursor *in, struct ov_walk *walk) {
    ov_mydoom_look(in->bytes, walk);
    return OV_OK;
}

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_BINARY_DATA, .walk = walk_data},
};

OV_FORMAT_SET(mydoom, formats);
