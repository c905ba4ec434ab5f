// SPDX-License-Identifier: Apache-2.0
// Compressed RTF, as Outlook keeps bodies.
#include "format/mail/tnef_rtf.h"

#include "base/cursor.h"
#include "format/codec/out.h"

enum {
    HEADER_SIZES_BYTES = 8, // COMPSIZE and RAWSIZE
    HEADER_CHECKSUM_BYTES = 4,
    DICTIONARY_BYTES = 4096,
    LENGTH_MIN = 2,
};

static const uint32_t COMPRESSED = 0x75465a4c;   // "LZFu"
static const uint32_t UNCOMPRESSED = 0x414c454d; // "MELA"

// [MS-OXRTFCP] 2.1.3.1.2.
static const char first_words[] =
    "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    "\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
    "\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

struct dictionary {
    size_t at; // where the next byte goes
    uint8_t bytes[DICTIONARY_BYTES];
};

static void put_byte(struct dictionary *dictionary, uint8_t byte, struct ov_out *out) {
    dictionary->bytes[dictionary->at] = byte;
    dictionary->at = (dictionary->at + 1) % DICTIONARY_BYTES;
    ov_out_byte(out, byte);
}

// One reference: 12 bits of place, 4 of length. False for the one that ends the text: to the place
// that is written next.
static bool copy_reference(struct ov_cursor *in, struct dictionary *dictionary,
                           struct ov_out *out) {
    uint16_t reference = ov_cursor_u16be(in);
    size_t from = reference >> 4;
    if (in->has_failed || from == dictionary->at) {
        return false;
    }
    size_t length = (reference & 15u) + LENGTH_MIN;
    for (size_t i = 0; i < length; i++) {
        put_byte(dictionary, dictionary->bytes[(from + i) % DICTIONARY_BYTES], out);
    }
    return true;
}

static enum ov_status unpack_runs(struct ov_cursor *in, struct ov_out *out) {
    struct dictionary dictionary = {.at = sizeof first_words - 1};
    memcpy(dictionary.bytes, first_words, sizeof first_words - 1);
    while (!in->has_failed && !out->is_full && ov_cursor_left(in) > 0) {
        uint8_t control = ov_cursor_u8(in);
        for (unsigned bit = 0; bit < 8 && ov_cursor_left(in) > 0; bit++) {
            if ((control >> bit & 1) == 0) {
                put_byte(&dictionary, ov_cursor_u8(in), out);
            } else if (!copy_reference(in, &dictionary, out)) {
                return in->has_failed ? OV_DAMAGED : OV_OK;
            }
        }
    }
    return OV_DAMAGED; // it has to end with a reference
}

enum ov_status ov_tnef_rtf_unpack(struct ov_span packed, size_t room, struct ov_buf *plain) {
    struct ov_cursor in = ov_cursor_init(packed);
    struct ov_out out;
    ov_out_init(&out, plain, room);
    ov_cursor_skip(&in, HEADER_SIZES_BYTES);
    uint32_t kind = ov_cursor_u32le(&in);
    ov_cursor_skip(&in, HEADER_CHECKSUM_BYTES);
    enum ov_status status = OV_DAMAGED;
    if (kind == UNCOMPRESSED) {
        ov_out_span(&out, ov_cursor_bytes(&in, ov_cursor_left(&in)));
        status = OV_OK;
    } else if (kind == COMPRESSED) {
        status = unpack_runs(&in, &out);
    }
    TRY(ov_out_end(&out));
    return status;
}
