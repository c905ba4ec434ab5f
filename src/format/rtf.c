// SPDX-License-Identifier: Apache-2.0
// RTF: the objects in it, however their digits are scattered (Word 2007 RTF specification 1.9.1).
//
// Word reads hexadecimal data past almost anything: control words, groups, raw bytes in between.
// Readers do not agree on all of that, and malware lives where they differ. So data in which such
// things stand is read in each of the ways, and what comes out differently is told.
#include "base/digest.h"
#include "base/hex.h"
#include "format/format.h"
#include "format/office/rtf.h"

enum {
    NESTED_MAX = 8, // data inside data
    READINGS_MAX = 27,
    DATA_BYTES_MIN = 16, // of pictures and the like
};

// What to do with a group inside the data.
enum groups { GROUPS_PLAIN, GROUPS_NONE, GROUPS_ALL }; // PLAIN: not those that begin with \*
// With \'xx: leave it out; that, and the half byte before it too; take its digits.
enum quotes { QUOTES_SKIP, QUOTES_DROP, QUOTES_TAKE };
// With \binN: take the bytes; leave them out; they are no bytes but text.
enum raws { RAWS_TAKE, RAWS_SKIP, RAWS_TEXT };

struct reading {
    enum groups groups;
    enum quotes quotes;
    enum raws raws;
};

// A control word or symbol.
struct control {
    struct ov_span word; // empty for a symbol
    uint8_t symbol;
    uint64_t parameter;
};

// Data that is being read.
struct data {
    struct ov_cursor in;
    struct reading reading;
    struct ov_buf bytes;
    size_t room;
    int high;                  // half a byte, or -1
    size_t depth, left_out_at; // groups within the data; that from which all is left out, or 0
    bool has_groups, has_quotes, has_raws;
};

static bool is_letter(uint8_t byte) {
    return (uint8_t)((byte | 0x20) - 'a') < 26;
}

static bool is_digit(uint8_t byte) {
    return (uint8_t)(byte - '0') < 10;
}

static uint8_t peek(const struct ov_cursor *in) {
    return in->at < in->bytes.size ? in->bytes.data[in->at] : 0;
}

// Reads what follows a backslash: letters, a number, and the blank that ends them; or one symbol.
static struct control read_control(struct ov_cursor *in) {
    size_t start = in->at;
    struct control control = {0};
    while (is_letter(peek(in))) {
        in->at++;
    }
    control.word = ov_span_part(in->bytes, start, in->at - start);
    if (control.word.size == 0) {
        control.symbol = ov_cursor_u8(in);
        return control;
    }
    in->at +=
        peek(in) == '-' &&
        is_digit(ov_span_from(in->bytes, in->at + 1).size > 0 ? in->bytes.data[in->at + 1] : 0);
    for (unsigned i = 0; is_digit(peek(in)); i++) {
        uint8_t digit = (uint8_t)(ov_cursor_u8(in) - '0');
        control.parameter = i < 18 ? control.parameter * 10 + digit : UINT64_MAX;
    }
    in->at += peek(in) == ' ';
    return control;
}

// ---- data --------------------------------------------------------------------------------------

static void take_digit(struct data *data, uint8_t byte) {
    int digit = ov_hex_digit(byte);
    if (digit < 0 || data->left_out_at != 0) {
        return;
    }
    if (data->high < 0) {
        data->high = digit;
    } else {
        ov_buf_add_u8(&data->bytes, (uint8_t)(data->high * 16 + digit));
        data->high = -1;
    }
}

// \'xx: one character in text, and here nothing that the specification knows.
static void take_quote(struct data *data) {
    data->has_quotes = true;
    uint8_t first = ov_cursor_u8(&data->in);
    uint8_t second = ov_cursor_u8(&data->in);
    if (data->reading.quotes == QUOTES_DROP && data->left_out_at == 0) {
        data->high = -1;
    } else if (data->reading.quotes == QUOTES_TAKE) {
        take_digit(data, first);
        take_digit(data, second);
    }
}

static void take_raw(struct data *data, uint64_t size) {
    data->has_raws = true;
    if (data->reading.raws == RAWS_TEXT) {
        return;
    }
    struct ov_span raw = ov_span_from(data->in.bytes, data->in.at);
    raw = ov_span_part(raw, 0, size < raw.size ? (size_t)size : raw.size);
    data->in.at += raw.size;
    if (data->reading.raws == RAWS_TAKE && data->left_out_at == 0) {
        size_t left = data->room > data->bytes.size ? data->room - data->bytes.size : 0;
        ov_buf_add(&data->bytes, raw.data, raw.size < left ? raw.size : left);
    }
}

static void take_control(struct data *data) {
    struct control control = read_control(&data->in);
    if (control.symbol == '\'') {
        take_quote(data);
    } else if (ov_span_is_text(control.word, "bin")) {
        take_raw(data, control.parameter);
    }
}

// Whether the group that begins at the cursor says that who does not know it may leave it out.
static bool is_starred(struct ov_cursor in) {
    while (peek(&in) == ' ' || peek(&in) == '\r' || peek(&in) == '\n') {
        in.at++;
        if (in.at >= in.bytes.size) {
            return false;
        }
    }
    return ov_span_has_prefix(ov_span_from(in.bytes, in.at), "\\*");
}

static void open_group(struct data *data) {
    data->depth++;
    data->has_groups = true;
    bool is_out = data->reading.groups == GROUPS_NONE ||
                  (data->reading.groups == GROUPS_PLAIN && is_starred(data->in));
    if (data->left_out_at == 0 && is_out) {
        data->left_out_at = data->depth;
    }
}

static void close_group(struct data *data) {
    if (data->left_out_at == data->depth) {
        data->left_out_at = 0;
    }
    data->depth--;
}

// Reads to the end of the group; the cursor goes behind it.
static void read_data(struct data *data) {
    data->high = -1;
    while (ov_cursor_left(&data->in) > 0 && data->bytes.size < data->room) {
        uint8_t byte = ov_cursor_u8(&data->in);
        if (byte == '\\') {
            take_control(data);
        } else if (byte == '{') {
            open_group(data);
        } else if (byte == '}' && data->depth == 0) {
            return;
        } else if (byte == '}') {
            close_group(data);
        } else {
            take_digit(data, byte);
        }
    }
}

// ---- readings ----------------------------------------------------------------------------------

// Digests of what has been told of one piece of data.
struct told {
    uint8_t digests[READINGS_MAX][OV_MD5_BYTES];
    unsigned count;
};

static bool is_new(struct told *told, struct ov_span bytes) {
    uint8_t *digest = told->digests[told->count];
    ov_md5(bytes, digest);
    for (unsigned i = 0; i < told->count; i++) {
        if (memcmp(told->digests[i], digest, OV_MD5_BYTES) == 0) {
            return false;
        }
    }
    told->count++;
    return true;
}

static enum ov_status tell(struct ov_walk *walk, struct ov_span bytes, struct ov_span word,
                           bool is_main) {
    if (ov_span_is_text(word, "objdata")) {
        return ov_rtf_object_tell(walk, bytes, is_main);
    }
    return is_main && bytes.size >= DATA_BYTES_MIN ? ov_walk_stored(walk, bytes, word) : OV_OK;
}

// Reads the data behind a control word in one way, and tells what is new of it.
static enum ov_status tell_reading(struct ov_walk *walk, struct data *data, struct ov_span word,
                                   struct told *told) {
    TRY(ov_walk_has_time(walk));
    bool is_main = told->count == 0;
    data->room = ov_walk_room(walk);
    read_data(data);
    TRY(ov_buf_status(&data->bytes));
    if (data->bytes.size >= data->room) {
        ov_walk_note_cut(walk);
    }
    struct ov_span bytes = ov_span_part(ov_buf_span(&data->bytes), 0, data->room);
    return is_new(told, bytes) ? tell(walk, bytes, word, is_main) : OV_OK;
}

static void release_data(struct data *data) {
    ov_buf_release(&data->bytes);
}

// All readings that can differ. Sets where the data ends.
static enum ov_status tell_data(struct ov_walk *walk, struct ov_cursor in, struct ov_span word,
                                size_t *ret_end) {
    struct told told = {0};
    OV_CLEANUP(release_data) struct data first = {.in = in};
    TRY(tell_reading(walk, &first, word, &told));
    *ret_end = first.in.at;
    unsigned groups = first.has_groups ? 3 : 1, quotes = first.has_quotes ? 3 : 1;
    unsigned raws = first.has_raws ? 3 : 1;
    for (unsigned i = 1; i < groups * quotes * raws; i++) {
        OV_CLEANUP(release_data)
        struct data other = {.in = in,
                             .reading = {i % groups, i / groups % quotes, i / groups / quotes}};
        TRY(tell_reading(walk, &other, word, &told));
    }
    return OV_OK;
}

// ---- the walk ----------------------------------------------------------------------------------

// Control words behind which there is hexadecimal data.
static bool is_data_word(struct ov_span word) {
    static const char *const words[] = {"objdata", "datastore", "themedata", "pict"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (ov_span_is_text(word, words[i])) {
            return true;
        }
    }
    return false;
}

// Where the pieces of data end in which the cursor is; data may stand in data.
struct around {
    size_t ends[NESTED_MAX];
    unsigned count;
};

static bool has_room(struct around *around, size_t at) {
    while (around->count > 0 && around->ends[around->count - 1] <= at) {
        around->count--;
    }
    return around->count < NESTED_MAX;
}

static enum ov_status walk_rtf(struct ov_cursor *in, struct ov_walk *walk) {
    struct around around = {0};
    in->at = ov_span_find(in->bytes, 0, '\\');
    while (in->at < in->bytes.size) {
        in->at++;
        struct control control = read_control(in);
        if (is_data_word(control.word)) {
            if (has_room(&around, in->at)) {
                TRY(tell_data(walk, *in, control.word, &around.ends[around.count]));
                around.count++;
            } else {
                ov_budget_note(walk->budget, OV_LIMIT_RECURSION);
            }
        }
        in->at = ov_span_find(in->bytes, in->at, '\\');
    }
    return OV_OK;
}

static const struct ov_magic magics_rtf[] = {OV_MAGIC(0, "{\\rt")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_RTF, OV_MAGICS(magics_rtf), .walk = walk_rtf},
};

OV_FORMAT_SET(rtf, formats);
