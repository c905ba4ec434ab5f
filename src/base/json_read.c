// SPDX-License-Identifier: Apache-2.0
// The JSON reader: one pass, no recursion.
#include "base/json_read.h"

#include "base/cursor.h"
#include "base/utf8.h"

struct level {
    struct ov_json_value *value;
    struct ov_json_value *last; // its last item so far
};

struct reader {
    struct ov_cursor cursor;
    struct ov_arena *arena;
    const char *why;
    struct level levels[OV_JSON_READ_DEPTH];
    unsigned depth;
};

static enum ov_status refuse(struct reader *reader, enum ov_status status, const char *why) {
    reader->why = why;
    return status;
}

// The byte at the cursor without taking it; 0 at the end, which stands in no document outside of
// nothing.
static uint8_t peek(const struct reader *reader) {
    const struct ov_cursor *cursor = &reader->cursor;
    return ov_cursor_left(cursor) > 0 ? cursor->bytes.data[cursor->at] : 0;
}

static bool take(struct reader *reader, char byte) {
    bool is_there = ov_cursor_left(&reader->cursor) > 0 && peek(reader) == (uint8_t)byte;
    if (is_there) {
        ov_cursor_skip(&reader->cursor, 1);
    }
    return is_there;
}

static void skip_space(struct reader *reader) {
    while (take(reader, ' ') || take(reader, '\n') || take(reader, '\t') || take(reader, '\r')) {
    }
}

// ---- strings ------------------------------------------------------------------------------------

static enum ov_status read_hex(struct reader *reader, uint32_t *ret_unit) {
    uint32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t byte = ov_cursor_u8(&reader->cursor);
        uint32_t digit = byte >= '0' && byte <= '9'   ? byte - (uint32_t)'0'
                         : byte >= 'a' && byte <= 'f' ? byte - (uint32_t)'a' + 10
                         : byte >= 'A' && byte <= 'F' ? byte - (uint32_t)'A' + 10
                                                      : 16;
        if (digit == 16) {
            return refuse(reader, OV_DAMAGED, "\\u is followed by four hexadecimal digits");
        }
        unit = unit * 16 + digit;
    }
    *ret_unit = unit;
    return OV_OK;
}

static size_t encode(uint32_t point, uint8_t *out) {
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (uint8_t)(0xc0 | point >> 6);
        out[1] = (uint8_t)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (uint8_t)(0xe0 | point >> 12);
        out[1] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | point >> 18);
    out[1] = (uint8_t)(0x80 | (point >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (point & 0x3f));
    return 4;
}

// What follows "\u": a character, a pair of surrogates, or a byte that is no text. Writes no more
// than the escape took to spell.
static enum ov_status read_point(struct reader *reader, uint8_t *out, size_t *used) {
    uint32_t unit = 0, second = 0;
    TRY(read_hex(reader, &unit));
    if (unit >= 0xdc80 && unit <= 0xdcff) {
        out[(*used)++] = (uint8_t)(unit & 0xff);
        return OV_OK;
    }
    if (unit >= 0xd800 && unit <= 0xdbff && take(reader, '\\') && take(reader, 'u')) {
        TRY(read_hex(reader, &second));
        if (second >= 0xdc00 && second <= 0xdfff) {
            unit = 0x10000 + ((unit - 0xd800) << 10) + (second - 0xdc00);
        }
    }
    if (unit >= 0xd800 && unit <= 0xdfff) {
        return refuse(reader, OV_DAMAGED, "a surrogate stands alone");
    }
    *used += encode(unit, out + *used);
    return OV_OK;
}

static enum ov_status read_escape(struct reader *reader, uint8_t *out, size_t *used) {
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    uint8_t letter = ov_cursor_u8(&reader->cursor);
    if (letter == 'u') {
        return read_point(reader, out, used);
    }
    const char *at = letter != 0 ? strchr(letters, letter) : NULL;
    if (at == NULL) {
        return refuse(reader, OV_DAMAGED, "no such escape");
    }
    out[(*used)++] = (uint8_t)meanings[at - letters];
    return OV_OK;
}

// A string from its first quotation mark to its last, without either and with its escapes.
static enum ov_status find_string(struct reader *reader, struct ov_span *ret_raw) {
    if (!take(reader, '"')) {
        return refuse(reader, OV_DAMAGED, "a string is expected");
    }
    struct ov_span rest = ov_span_from(reader->cursor.bytes, reader->cursor.at);
    size_t size = 0;
    while (size < rest.size && rest.data[size] != '"') {
        size += rest.data[size] == '\\' ? 2 : 1;
    }
    if (size >= rest.size) {
        return refuse(reader, OV_DAMAGED, "a string does not end");
    }
    *ret_raw = ov_span_part(rest, 0, size);
    return OV_OK;
}

// Decoded into the arena with a NUL after it, which the span does not count.
static enum ov_status read_string(struct reader *reader, struct ov_span *ret_text) {
    struct ov_span raw = {0};
    TRY(find_string(reader, &raw));
    size_t end = reader->cursor.at + raw.size, used = 0;
    uint8_t *out = ov_arena_alloc(reader->arena, raw.size + 1);
    if (out == NULL) {
        return refuse(reader, OV_LIMIT, "the document costs too much memory");
    }
    while (reader->cursor.at < end) {
        struct ov_span rest = ov_span_from(reader->cursor.bytes, reader->cursor.at);
        unsigned length = ov_utf8_length(ov_span_part(rest, 0, end - reader->cursor.at));
        if (rest.data[0] == '\\') {
            ov_cursor_skip(&reader->cursor, 1);
            TRY(read_escape(reader, out, &used));
        } else if (length == 0 || rest.data[0] < 0x20) {
            return refuse(reader, OV_DAMAGED, "a string holds what is no text");
        } else {
            memcpy(out + used, rest.data, length);
            used += length;
            ov_cursor_skip(&reader->cursor, length);
        }
    }
    if (reader->cursor.at != end || !take(reader, '"')) {
        return refuse(reader, OV_DAMAGED, "no such escape");
    }
    *ret_text = ov_span_make(out, used);
    return OV_OK;
}

// ---- numbers and words --------------------------------------------------------------------------

static size_t skip_digits(struct reader *reader) {
    size_t count = 0;
    while (peek(reader) >= '0' && peek(reader) <= '9') {
        ov_cursor_skip(&reader->cursor, 1);
        count++;
    }
    return count;
}

// RFC 8259 section 6.
static enum ov_status read_number(struct reader *reader, struct ov_span *ret_text) {
    size_t start = reader->cursor.at;
    (void)take(reader, '-');
    bool is_good = take(reader, '0') || skip_digits(reader) > 0;
    if (is_good && take(reader, '.')) {
        is_good = skip_digits(reader) > 0;
    }
    if (is_good && (take(reader, 'e') || take(reader, 'E'))) {
        (void)(take(reader, '+') || take(reader, '-'));
        is_good = skip_digits(reader) > 0;
    }
    if (!is_good) {
        return refuse(reader, OV_DAMAGED, "a value is expected");
    }
    struct ov_span raw = ov_span_part(reader->cursor.bytes, start, reader->cursor.at - start);
    const char *copy = ov_arena_text(reader->arena, raw);
    if (copy == NULL) {
        return refuse(reader, OV_LIMIT, "the document costs too much memory");
    }
    *ret_text = ov_span_make(copy, raw.size);
    return OV_OK;
}

static bool take_word(struct reader *reader, const char *word) {
    struct ov_span rest = ov_span_from(reader->cursor.bytes, reader->cursor.at);
    bool is_there = ov_span_has_prefix(rest, word);
    if (is_there) {
        ov_cursor_skip(&reader->cursor, strlen(word));
    }
    return is_there;
}

// A value that holds no others.
static enum ov_status read_scalar(struct reader *reader, struct ov_json_value *value) {
    if (peek(reader) == '"') {
        value->kind = OV_JSON_TEXT;
        return read_string(reader, &value->text);
    }
    if (take_word(reader, "null")) {
        value->kind = OV_JSON_NULL;
    } else if (take_word(reader, "true")) {
        value->kind = OV_JSON_TRUE;
    } else if (take_word(reader, "false")) {
        value->kind = OV_JSON_FALSE;
    } else {
        value->kind = OV_JSON_NUMBER;
        return read_number(reader, &value->text);
    }
    return OV_OK;
}

// ---- levels -------------------------------------------------------------------------------------

static struct level *get_level(struct reader *reader) {
    return reader->depth > 0 ? &reader->levels[reader->depth - 1] : NULL;
}

// The key of an item of an object, which no earlier item has.
static enum ov_status read_key(struct reader *reader, struct ov_json_value *value) {
    const struct ov_json_value *object = get_level(reader)->value;
    TRY(read_string(reader, &value->key));
    for (const struct ov_json_value *item = object->first; item != NULL; item = item->next) {
        if (ov_span_is_equal(item->key, value->key)) {
            return refuse(reader, OV_DAMAGED, "an object has a key twice");
        }
    }
    if (object->count == OV_JSON_READ_KEYS) {
        return refuse(reader, OV_LIMIT, "an object has too many keys");
    }
    skip_space(reader);
    if (!take(reader, ':')) {
        return refuse(reader, OV_DAMAGED, "':' is expected after a key");
    }
    skip_space(reader);
    return OV_OK;
}

static void append(struct level *level, struct ov_json_value *value) {
    if (level->last == NULL) {
        level->value->first = value;
    } else {
        level->last->next = value;
    }
    level->last = value;
    level->value->count++;
}

// One value; of an object or array its opening bracket alone.
static enum ov_status read_value(struct reader *reader, struct ov_json_value **ret_value) {
    struct level *level = get_level(reader);
    struct ov_json_value *value = ov_arena_alloc(reader->arena, sizeof *value);
    if (value == NULL) {
        return refuse(reader, OV_LIMIT, "the document costs too much memory");
    }
    if (level != NULL && level->value->kind == OV_JSON_OBJECT) {
        TRY(read_key(reader, value));
    }
    bool is_object = take(reader, '{');
    if (is_object || take(reader, '[')) {
        if (reader->depth == OV_JSON_READ_DEPTH) {
            return refuse(reader, OV_LIMIT, "the document is too deep");
        }
        value->kind = is_object ? OV_JSON_OBJECT : OV_JSON_ARRAY;
        reader->levels[reader->depth++] = (struct level){.value = value};
    } else {
        TRY(read_scalar(reader, value));
    }
    if (level != NULL) {
        append(level, value);
    }
    *ret_value = value;
    return OV_OK;
}

// What follows a value or an opening bracket: closing brackets, or a comma before the next value.
static enum ov_status close_levels(struct reader *reader, bool is_open) {
    bool may_close = true;
    while (reader->depth > 0 && may_close) {
        skip_space(reader);
        bool is_object = get_level(reader)->value->kind == OV_JSON_OBJECT;
        may_close = take(reader, is_object ? '}' : ']');
        reader->depth -= may_close ? 1 : 0;
        is_open = is_open && !may_close;
    }
    if (reader->depth > 0 && !is_open && !take(reader, ',')) {
        return refuse(reader, OV_DAMAGED, "',' or a closing bracket is expected");
    }
    skip_space(reader);
    return OV_OK;
}

static enum ov_status read_document(struct reader *reader, struct ov_json_value **ret_root) {
    struct ov_json_value *root = NULL, *value = NULL;
    skip_space(reader);
    do {
        TRY(read_value(reader, &value));
        root = root == NULL ? value : root;
        bool is_open = reader->depth > 0 && get_level(reader)->value == value;
        TRY(close_levels(reader, is_open));
    } while (reader->depth > 0);
    if (ov_cursor_left(&reader->cursor) > 0) {
        return refuse(reader, OV_DAMAGED, "something follows the document");
    }
    *ret_root = root;
    return OV_OK;
}

enum ov_status ov_json_read(struct ov_span bytes, struct ov_arena *arena,
                            const struct ov_json_value **ret_value,
                            struct ov_json_error *ret_error) {
    struct reader reader = {.cursor = ov_cursor_init(bytes), .arena = arena};
    struct ov_json_value *root = NULL;
    enum ov_status status = read_document(&reader, &root);
    if (status == OV_OK) {
        *ret_value = root;
    } else if (ret_error != NULL) {
        *ret_error = (struct ov_json_error){.at = reader.cursor.at, .why = reader.why};
    }
    return status;
}

// ---- what was read ------------------------------------------------------------------------------

const struct ov_json_value *ov_json_find(const struct ov_json_value *object, const char *key) {
    if (object == NULL || object->kind != OV_JSON_OBJECT) {
        return NULL;
    }
    const struct ov_json_value *item = object->first;
    while (item != NULL && !ov_span_is_text(item->key, key)) {
        item = item->next;
    }
    return item;
}

const struct ov_json_value *ov_json_items(const struct ov_json_value *array) {
    return array != NULL && array->kind == OV_JSON_ARRAY ? array->first : NULL;
}

const char *ov_json_string(const struct ov_json_value *value) {
    bool is_text = value != NULL && value->kind == OV_JSON_TEXT &&
                   ov_span_find(value->text, 0, 0) == value->text.size;
    return is_text ? (const char *)value->text.data : NULL;
}

const char *ov_json_find_string(const struct ov_json_value *object, const char *key) {
    return ov_json_string(ov_json_find(object, key));
}

enum ov_status ov_json_number(const struct ov_json_value *value, uint64_t *ret_number) {
    if (value == NULL || value->kind != OV_JSON_NUMBER) {
        return OV_DAMAGED;
    }
    uint64_t number = 0;
    for (size_t i = 0; i < value->text.size; i++) {
        uint8_t byte = value->text.data[i];
        if (byte < '0' || byte > '9' || __builtin_mul_overflow(number, 10U, &number) ||
            __builtin_add_overflow(number, byte - (uint64_t)'0', &number)) {
            return OV_DAMAGED;
        }
    }
    *ret_number = number;
    return OV_OK;
}
