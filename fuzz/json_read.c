// SPDX-License-Identifier: Apache-2.0
// rooms: base
//
// JSON of strangers: what was read is written by our own writer, and reads as the same tree again.
#include "base/json.h"
#include "base/json_read.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { ARENA_BYTES = 4 << 20 };

static void expect(bool is_so) {
    if (!is_so) {
        abort();
    }
}

// Keys go through the writer as strings do: it takes C strings, so those with a NUL end early and
// such trees are not compared. Numbers are written as they were.
static void write_value(struct ov_buf *out, const struct ov_json_value *value, unsigned depth) {
    static const char *const words[] = {"null", "false", "true"};
    expect(depth <= OV_JSON_READ_DEPTH);
    if (value->kind <= OV_JSON_TRUE) {
        ov_buf_add_text(out, words[value->kind]);
    } else if (value->kind == OV_JSON_NUMBER) {
        ov_buf_add(out, value->text.data, value->text.size);
    } else if (value->kind == OV_JSON_TEXT) {
        struct ov_json json;
        ov_json_init(&json, out);
        ov_json_bytes(&json, NULL, value->text);
    } else {
        bool is_object = value->kind == OV_JSON_OBJECT;
        size_t count = 0;
        ov_buf_add_u8(out, is_object ? '{' : '[');
        for (const struct ov_json_value *item = value->first; item != NULL; item = item->next) {
            ov_buf_add_text(out, count++ > 0 ? "," : "");
            if (is_object) {
                struct ov_json json;
                ov_json_init(&json, out);
                ov_json_bytes(&json, NULL, item->key);
                ov_buf_add_u8(out, ':');
            }
            write_value(out, item, depth + 1);
        }
        expect(count == value->count);
        ov_buf_add_u8(out, is_object ? '}' : ']');
    }
}

// A tree's second writing is its first.
static void check_again(const struct ov_json_value *value) {
    OV_CLEANUP(ov_buf_release) struct ov_buf first = {0}, second = {0};
    OV_CLEANUP(ov_arena_release) struct ov_arena arena;
    ov_arena_init(&arena, 4 * ARENA_BYTES);
    const struct ov_json_value *again = NULL;
    write_value(&first, value, 0);
    expect(ov_json_read(ov_buf_span(&first), &arena, &again, NULL) == OV_OK);
    write_value(&second, again, 0);
    expect(ov_span_is_equal(ov_buf_span(&first), ov_buf_span(&second)));
}

static void ask(const struct ov_json_value *value) {
    uint64_t number = 0;
    const char *text = ov_json_string(value);
    expect(text == NULL || strlen(text) == value->text.size);
    expect(ov_json_number(value, &number) != OV_OK || value->kind == OV_JSON_NUMBER);
    (void)ov_json_find_string(value, "id");
    for (const struct ov_json_value *item = ov_json_items(value); item != NULL; item = item->next) {
        (void)ov_json_find_string(item, "id");
        (void)ov_json_number(item, &number);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    OV_CLEANUP(ov_arena_release) struct ov_arena arena;
    ov_arena_init(&arena, ARENA_BYTES);
    const struct ov_json_value *value = NULL;
    struct ov_json_error error = {0};
    if (ov_json_read(ov_span_make(data, size), &arena, &value, &error) != OV_OK) {
        expect(error.why != NULL && error.at <= size && value == NULL);
        return 0;
    }
    ask(value);
    check_again(value);
    return 0;
}
