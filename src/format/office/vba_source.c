// SPDX-License-Identifier: Apache-2.0
// The compression of VBA sources ([MS-OVBA] 2.4.1), and their plain form for rules.
#include "format/office/vba.h"

enum {
    SIGNATURE = 1,
    CHUNK_BYTES = 4096,
    CHUNK_SIZE_MASK = 0xfff,
    CHUNK_SIGNATURE = 3,
    CHUNK_IS_PACKED = 0x8000,
    COPY_BITS_MIN = 4,
    COPY_BYTES_MIN = 3,
};

// ---- unpacking ---------------------------------------------------------------------------------

// How many bits of a token tell the distance: enough for what the chunk holds so far
// (2.4.1.3.19.1).
static unsigned count_bits(size_t done) {
    unsigned bits = COPY_BITS_MIN;
    while (((size_t)1 << bits) < done) {
        bits++;
    }
    return bits;
}

// Repeats bytes of the chunk that begins at `start`.
static enum ov_status copy_token(unsigned token, size_t start, struct ov_buf *plain) {
    size_t done = plain->size - start;
    unsigned bits = count_bits(done);
    size_t back = (token >> (16 - bits)) + 1;
    size_t count = (token & (0xffffu >> bits)) + COPY_BYTES_MIN;
    if (back > done) {
        return OV_DAMAGED;
    }
    for (; count > 0 && plain->size - start < CHUNK_BYTES && !plain->has_failed; count--) {
        ov_buf_add_u8(plain, plain->data[plain->size - back]);
    }
    return count == 0 ? OV_OK : OV_DAMAGED;
}

static enum ov_status unpack_chunk(struct ov_span chunk, struct ov_buf *plain) {
    struct ov_cursor in = ov_cursor_init(chunk);
    size_t start = plain->size;
    while (ov_cursor_left(&in) > 0 && plain->size - start < CHUNK_BYTES) {
        unsigned flags = ov_cursor_u8(&in);
        for (unsigned i = 0; i < 8 && ov_cursor_left(&in) > 0; i++) {
            if ((flags >> i & 1) == 0) {
                ov_buf_add_u8(plain, ov_cursor_u8(&in));
                continue;
            }
            unsigned token = ov_cursor_u16le(&in);
            if (in.has_failed) {
                return OV_DAMAGED;
            }
            TRY(copy_token(token, start, plain));
        }
        TRY(ov_buf_status(plain));
    }
    return OV_OK;
}

// One chunk behind the cursor. A wrong signature ends the container; that of the first is not
// looked at, since readers differ there.
static enum ov_status unpack_next(struct ov_cursor *in, bool is_first, struct ov_buf *plain) {
    unsigned header = ov_cursor_u16le(in);
    if (in->has_failed || (!is_first && (header >> 12 & 7) != CHUNK_SIGNATURE)) {
        return OV_DAMAGED;
    }
    size_t size = (header & CHUNK_SIZE_MASK) + 1;
    struct ov_span chunk = ov_span_part(in->bytes, in->at, size);
    ov_cursor_skip(in, size);
    if ((header & CHUNK_IS_PACKED) != 0) {
        TRY(unpack_chunk(chunk, plain));
    } else {
        ov_buf_add(plain, chunk.data, chunk.size);
    }
    return in->has_failed ? OV_DAMAGED : ov_buf_status(plain);
}

enum ov_status ov_vba_unpack(struct ov_span packed, struct ov_walk *walk, struct ov_buf *plain) {
    struct ov_cursor in = ov_cursor_init(packed);
    size_t room = ov_walk_room(walk);
    if (ov_cursor_u8(&in) != SIGNATURE || in.has_failed) {
        return OV_DAMAGED;
    }
    for (bool is_first = true; ov_cursor_left(&in) > 0; is_first = false) {
        if (plain->size + CHUNK_BYTES > room) {
            ov_walk_note_cut(walk);
            return OV_LIMIT;
        }
        TRY(ov_walk_has_time(walk));
        TRY(unpack_next(&in, is_first, plain));
    }
    return OV_OK;
}

// ---- folding -----------------------------------------------------------------------------------

// Where in a line we are. A string goes on until its quote, over lines too.
enum place {
    PLACE_CODE,
    PLACE_STRING,
    PLACE_SPACE,       // behind a space
    PLACE_BREAK,       // behind an underscore after a space: the line may go on in the next
    PLACE_BREAK_RETURN // and behind its carriage return
};

static enum place fold_quote(enum place place) {
    if (place == PLACE_BREAK_RETURN) {
        return place;
    }
    return place == PLACE_STRING ? PLACE_CODE : PLACE_STRING;
}

static enum place fold_space(enum place place, struct ov_buf *text) {
    if (place != PLACE_SPACE) {
        ov_buf_add_u8(text, ' ');
    }
    return place == PLACE_CODE || place == PLACE_BREAK ? PLACE_SPACE : place;
}

static enum place fold_line_end(enum place place, struct ov_buf *text) {
    if (place != PLACE_BREAK && place != PLACE_BREAK_RETURN) {
        ov_buf_add_u8(text, '\n');
        return place;
    }
    size_t taken_back = place == PLACE_BREAK ? 1 : 2;
    text->size -= text->size >= taken_back ? taken_back : 0;
    return PLACE_SPACE;
}

static enum place fold_other(enum place place, uint8_t byte, struct ov_buf *text) {
    bool is_code = place == PLACE_CODE || place == PLACE_SPACE || place == PLACE_BREAK;
    bool is_capital = byte >= 'A' && byte <= 'Z';
    ov_buf_add_u8(text, is_code && is_capital ? (uint8_t)(byte + 'a' - 'A') : byte);
    return is_code ? PLACE_CODE : place;
}

void ov_vba_fold(struct ov_span source, struct ov_buf *text) {
    enum place place = PLACE_CODE;
    for (size_t i = 0; i < source.size && !text->has_failed; i++) {
        uint8_t byte = source.data[i];
        switch (byte) {
        case '"':
            ov_buf_add_u8(text, byte);
            place = fold_quote(place);
            break;
        case '_':
            ov_buf_add_u8(text, byte);
            place = place == PLACE_SPACE ? PLACE_BREAK : place;
            break;
        case '\r':
            ov_buf_add_u8(text, byte);
            place = place == PLACE_BREAK ? PLACE_BREAK_RETURN : place;
            break;
        case '\n':
            place = fold_line_end(place, text);
            break;
        case '\t':
        case ' ':
            place = fold_space(place, text);
            break;
        default:
            place = fold_other(place, byte, text);
        }
    }
}
