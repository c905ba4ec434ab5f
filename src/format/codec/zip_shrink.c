// SPDX-License-Identifier: Apache-2.0
// Shrink: LZW with codes of 9 to 13 bits whose table is cleared in part (APPNOTE.TXT 5.1).
#include "format/codec/lz.h"
#include "format/archive/zip_methods.h"

enum {
    CODES = 1 << 13,
    CONTROL = 256, // followed by what to do
    CONTROL_WIDER = 1,
    CONTROL_CLEAR = 2,
    FIRST_CODE = 257,
    WIDTH_MIN = 9,
    WIDTH_MAX = 13,
    NO_CODE = 0xffff,
    PADDING_BITS = 16 // fewer bits than these behind the last byte are no data
};

struct unshrinker {
    struct ov_bits bits;
    struct ov_window window;
    uint16_t prefixes[CODES]; // NO_CODE: the code is free
    uint8_t lasts[CODES];
    uint8_t string[CODES]; // of the code before, from its end on
    unsigned string_bytes;
    unsigned width;
    unsigned next; // no code below it is free
};

// Frees every code that no other begins with.
static void clear_leaves(struct unshrinker *in) {
    bool is_prefix[CODES] = {false};
    for (unsigned code = FIRST_CODE; code < CODES; code++) {
        if (in->prefixes[code] != NO_CODE) {
            is_prefix[in->prefixes[code]] = true;
        }
    }
    for (unsigned code = FIRST_CODE; code < CODES; code++) {
        in->prefixes[code] = is_prefix[code] ? in->prefixes[code] : NO_CODE;
    }
    in->next = FIRST_CODE;
}

static enum ov_status obey_control(struct unshrinker *in) {
    unsigned what = ov_bits_take(&in->bits, in->width);
    if (what == CONTROL_WIDER && in->width < WIDTH_MAX) {
        in->width++;
        return OV_OK;
    }
    if (what != CONTROL_CLEAR || in->bits.is_past) {
        return OV_DAMAGED;
    }
    clear_leaves(in);
    return OV_OK;
}

// Spells a code from its end on, behind the `skip` bytes that are there already. A chain longer
// than there are codes runs in a circle.
static bool spell(struct unshrinker *in, unsigned code, unsigned skip) {
    unsigned size = skip;
    while (code > CONTROL) {
        if (size >= CODES - 1 || in->prefixes[code] == NO_CODE) {
            return false;
        }
        in->string[size++] = in->lasts[code];
        code = in->prefixes[code];
    }
    in->string[size++] = (uint8_t)code;
    in->string_bytes = size;
    return code != CONTROL;
}

// A free code means the string before with its own first byte behind it: the code that is about
// to be made.
static bool spell_next(struct unshrinker *in, unsigned code, unsigned before) {
    if (code < CONTROL || in->prefixes[code] != NO_CODE) {
        return spell(in, code, 0);
    }
    uint8_t first = in->string[in->string_bytes - 1];
    in->string[0] = first;
    return spell(in, before, 1);
}

static void add_code(struct unshrinker *in, unsigned before) {
    while (in->next < CODES && in->prefixes[in->next] != NO_CODE) {
        in->next++;
    }
    if (in->next < CODES) {
        in->prefixes[in->next] = (uint16_t)before;
        in->lasts[in->next] = in->string[in->string_bytes - 1];
    }
}

static bool put_string(struct unshrinker *in) {
    for (unsigned i = in->string_bytes; i > 0; i--) {
        if (!ov_window_put(&in->window, in->string[i - 1])) {
            return false;
        }
    }
    return true;
}

static enum ov_status unshrink_all(struct unshrinker *in, uint64_t plain_bytes) {
    unsigned before = NO_CODE;
    while (true) {
        bool is_done = ov_window_written(&in->window) >= plain_bytes;
        if (is_done && ov_bits_left(&in->bits) < PADDING_BITS) {
            return OV_OK;
        }
        unsigned code = ov_bits_take(&in->bits, in->width);
        if (in->bits.is_past) {
            return is_done ? OV_OK : OV_DAMAGED;
        }
        if (code == CONTROL) {
            TRY(obey_control(in));
            continue;
        }
        bool is_known =
            before == NO_CODE ? code < CONTROL && spell(in, code, 0) : spell_next(in, code, before);
        if (!is_known) {
            return OV_DAMAGED;
        }
        if (!put_string(in)) {
            return in->window.status;
        }
        if (before != NO_CODE) {
            add_code(in, before);
        }
        before = code;
    }
}

enum ov_status ov_zip_unshrink(struct ov_span packed, uint64_t plain_bytes, struct ov_walk *walk,
                               struct ov_buf *plain) {
    struct unshrinker in = {
        .bits = ov_bits_init(packed, false), .width = WIDTH_MIN, .next = FIRST_CODE};
    memset(in.prefixes, 0xff, sizeof in.prefixes);
    ov_window_init(&in.window, plain, walk);
    enum ov_status status = unshrink_all(&in, plain_bytes);
    ov_window_finish(&in.window);
    return status;
}
