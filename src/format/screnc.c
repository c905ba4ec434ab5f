// SPDX-License-Identifier: Apache-2.0
// Microsoft's Script Encoder: three tables in turn, and a mark for what would end a line or a tag.
#include "format/screnc.h"

#include "format/format.h"

enum {
    TABLE_COUNT = 3,
    TURN_COUNT = 64,
    FIRST_CODED = 0x20, // below it only tab is coded
    MARKED = 0xff,      // the next byte tells which
    HIGH = 0x80,        // bytes from here on stand in pairs, not coded
    TRAILER_BYTES = 12, // checksum and "^#~@"
};

// What stands for a byte from 0x20 on.
static const char tables[TABLE_COUNT][0x80 - FIRST_CODED + 1] = {
    {".GzVBj/&IA42[vrC89pEhqO\tbD#u<~>^\377wJa]\"KoN;LPg*}t"
     "T+-,0nkf5%!dMRc?{x)(sY3\177mUS|:_eFX1ilZH'\\=$y7`Q 6"},
    {"20!)[83=X:5e9\\VsfNEkbYx^}Jmq<`>S\377B'Hru17MR\"TjGd-"
     " \177.L]~loytC&v%$+(#A4\t*D?w;UiacPgQIOFh|6pnz/_KZ,W"},
    {"-uR`q^I\\b})6 |z\177kc3+hQfv1dTC<:>~\377E,*t'7DyY/o&rj9"
     "{?8wgSG4x]0#Z[lHUpi.L!$NP\tVs5aKX;W\"mM%(FJ2A=_OBe"},
};
static const uint8_t tabs[TABLE_COUNT] = {'W', '{', 'n'};

// Which table decodes the characters one after another, over and over.
static const char turns[TURN_COUNT + 1] =
    "0210212112120121012100211201211200121210100210120121002110021012";

static int32_t base64_value(uint8_t byte) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t value = ov_span_find(ov_span_make(digits, 64), 0, byte);
    return value < 64 ? (int32_t)value : -1;
}

// Four bytes, the lowest first, in base 64. What is no digit counts as zero in some places and as
// all bits in others, as clamscan has it.
struct ov_screnc ov_screnc_open(const uint8_t size[OV_SCRENC_SIZE_BYTES]) {
    int64_t digits[6];
    for (size_t i = 0; i < 6; i++) {
        digits[i] = base64_value(size[i]);
    }
    int64_t or_zero[6];
    for (size_t i = 0; i < 6; i++) {
        or_zero[i] = digits[i] < 0 ? 0 : digits[i];
    }
    int64_t left = or_zero[0] * 4 + (digits[1] >> 4);
    left += (digits[1] & 0x0f) << 12;
    left += (or_zero[2] >> 2) << 8;
    left += (digits[2] & 0x03) << 22;
    left += or_zero[3] << 16;
    left += or_zero[4] << 26;
    left += (or_zero[5] >> 4) << 24;
    return (struct ov_screnc){.left = (uint32_t)left};
}

// The byte that a mark and the byte behind it stand for; 0xff when there is none.
static uint8_t decode_marked(uint8_t byte) {
    switch (byte) {
    case '!':
        return '<';
    case '#':
        return '\r';
    case '$':
        return '@';
    case '&':
        return '\n';
    case '*':
        return '>';
    default:
        return MARKED;
    }
}

static uint8_t decode_byte(const struct ov_screnc *screnc, uint8_t byte) {
    size_t table = (size_t)(turns[screnc->turn] - '0');
    if (byte == '\t') {
        return tabs[table];
    }
    return byte < FIRST_CODED ? byte : (uint8_t)tables[table][byte - FIRST_CODED];
}

// Where decoding stands in a text.
struct place {
    uint8_t *text;
    size_t from, to;
};

static void decode_one(struct ov_screnc *screnc, struct place *place) {
    uint8_t value = decode_byte(screnc, place->text[place->from]);
    if (value == MARKED) {
        // At the end of the piece the mark alone is left.
        bool has_more = place->text[place->from + 1] != 0;
        place->from += has_more;
        value = has_more ? decode_marked(place->text[place->from]) : MARKED;
        screnc->left--;
    }
    place->text[place->to++] = value;
    screnc->turn = (uint8_t)((screnc->turn + 1) % TURN_COUNT);
    place->from++;
    screnc->left--;
}

// Moves what follows the trailer up behind what was decoded.
static void end_decoding(struct place *place) {
    size_t rest = strlen((const char *)&place->text[place->from]);
    if (rest >= TRAILER_BYTES) {
        place->from += TRAILER_BYTES;
        rest -= TRAILER_BYTES;
    }
    memmove(&place->text[place->to], &place->text[place->from], rest + 1);
}

void ov_screnc_decode(struct ov_screnc *screnc, uint8_t *text) {
    struct place place = {.text = text};
    bool is_split = false; // the piece ends inside a pair
    while (screnc->left > 0 && text[place.from] != 0 && !is_split) {
        uint8_t byte = text[place.from];
        if (byte == '\n' || byte == '\r') {
            place.from++;
        } else if (byte < HIGH) {
            decode_one(screnc, &place);
        } else {
            text[place.to++] = byte;
            uint8_t second = text[place.from + 1];
            is_split = second == 0;
            if (!is_split) {
                text[place.to++] = second;
                place.from += 2;
                screnc->left--;
            }
        }
    }
    if (screnc->left == 0) {
        end_decoding(&place);
    } else {
        text[place.to] = 0;
    }
}

// ---- files: .jse, .vbe -------------------------------------------------------------------------

// The eight bytes behind the mark, which may run over the end of a piece. False at the end.
static bool take_size(struct ov_html *html, uint8_t ret_size[OV_SCRENC_SIZE_BYTES]) {
    for (size_t i = 0; i < OV_SCRENC_SIZE_BYTES; i++) {
        if (ov_html_byte(html) == 0 && !ov_html_read_piece(html)) {
            return false;
        }
        ret_size[i] = ov_html_byte(html);
        html->at += ret_size[i] != 0;
    }
    return true;
}

static bool find_mark(struct ov_html *html) {
    while (ov_html_read_piece(html)) {
        struct ov_span piece = ov_span_make(html->piece, strlen((const char *)html->piece));
        const uint8_t *mark = memmem(piece.data, piece.size, "#@~^", 4);
        if (mark != NULL) {
            html->at = (size_t)(mark - piece.data) + 4;
            return true;
        }
    }
    return false;
}

static enum ov_status decode_file(struct ov_html *html, struct ov_buf *out) {
    uint8_t size[OV_SCRENC_SIZE_BYTES];
    if (!find_mark(html) || !take_size(html, size)) {
        return OV_DAMAGED;
    }
    html->screnc = ov_screnc_open(size);
    ov_buf_add_text(out, "<script>");
    bool has_piece = true;
    while (html->screnc.left > 0 && has_piece) {
        uint8_t *text = &html->piece[html->at];
        ov_screnc_decode(&html->screnc, text);
        ov_buf_add(out, text, strlen((const char *)text));
        has_piece = html->screnc.left > 0 && ov_html_read_piece(html);
        TRY(ov_walk_has_time(html->walk));
    }
    ov_buf_add_text(out, "</script>");
    TRY(ov_buf_status(out));
    return html->screnc.left > 0 ? OV_DAMAGED : OV_OK;
}

// An encoded file holds one member: the script, as HTML has it.
static enum ov_status walk_screnc(struct ov_cursor *in, struct ov_walk *walk) {
    struct ov_html *html = ov_arena_alloc(walk->arena, sizeof *html);
    if (html == NULL) {
        return OV_MEMORY;
    }
    html->walk = walk;
    html->in = ov_span_part(in->bytes, 0, ov_walk_room(walk));
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    enum ov_status status = decode_file(html, &out);
    if (out.size == 0 || (status != OV_OK && status != OV_DAMAGED)) {
        return status;
    }
    TRY(ov_walk_member(walk, ov_span_part(ov_buf_span(&out), 0, ov_walk_room(walk)),
                       ov_span_make(NULL, 0), OV_FILETYPE_NONE));
    return status;
}

static const struct ov_magic magics_screnc[] = {OV_MAGIC(0, "#@~^")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_SCRENC, OV_MAGICS(magics_screnc), .walk = walk_screnc},
};

OV_FORMAT_SET(screnc, formats);
