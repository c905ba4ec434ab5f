// SPDX-License-Identifier: Apache-2.0
// The JSON writer.
#include "base/json.h"

#include "base/utf8.h"

#include <math.h>

void ov_json_init(struct ov_json *ret_json, struct ov_buf *out) {
    *ret_json = (struct ov_json){.out = out};
}

static void write_string(struct ov_buf *out, struct ov_span bytes) {
    ov_buf_add_u8(out, '"');
    size_t at = 0;
    while (at < bytes.size) {
        struct ov_span rest = ov_span_part(bytes, at, bytes.size);
        unsigned length = ov_utf8_length(rest);
        uint8_t byte = rest.data[0];
        if (length == 0) {
            ov_buf_printf(out, "\\udc%02x", byte);
            length = 1;
        } else if (byte == '"' || byte == '\\') {
            ov_buf_printf(out, "\\%c", byte);
        } else if (byte < 0x20 || byte == 0x7f) {
            ov_buf_printf(out, "\\u%04x", byte);
        } else if (byte == 0xc2 && rest.data[1] < 0xa0) { // a control character, U+0080 to U+009F
            ov_buf_printf(out, "\\u%04x", rest.data[1]);
        } else {
            ov_buf_add(out, rest.data, length);
        }
        at += length;
    }
    ov_buf_add_u8(out, '"');
}

// The comma before an item and its key.
static void begin_item(struct ov_json *json, const char *key) {
    if (json->depth > 0) {
        if (json->has_items[json->depth - 1]) {
            ov_buf_add_u8(json->out, ',');
        }
        json->has_items[json->depth - 1] = true;
    }
    if (key != NULL) {
        write_string(json->out, ov_span_text(key));
        ov_buf_add_u8(json->out, ':');
    }
}

static void open_level(struct ov_json *json, const char *key, uint8_t bracket) {
    begin_item(json, key);
    ov_buf_add_u8(json->out, bracket);
    if (json->depth == OV_JSON_DEPTH) {
        json->out->has_failed = true;
        return;
    }
    json->has_items[json->depth++] = false;
}

static void close_level(struct ov_json *json, uint8_t bracket) {
    if (json->depth > 0) {
        json->depth--;
    }
    ov_buf_add_u8(json->out, bracket);
}

void ov_json_object(struct ov_json *json, const char *key) {
    open_level(json, key, '{');
}

void ov_json_object_end(struct ov_json *json) {
    close_level(json, '}');
}

void ov_json_array(struct ov_json *json, const char *key) {
    open_level(json, key, '[');
}

void ov_json_array_end(struct ov_json *json) {
    close_level(json, ']');
}

void ov_json_text(struct ov_json *json, const char *key, const char *text) {
    ov_json_bytes(json, key, ov_span_text(text));
}

void ov_json_bytes(struct ov_json *json, const char *key, struct ov_span bytes) {
    begin_item(json, key);
    write_string(json->out, bytes);
}

void ov_json_uint(struct ov_json *json, const char *key, uint64_t value) {
    begin_item(json, key);
    ov_buf_printf(json->out, "%llu", (unsigned long long)value);
}

void ov_json_int(struct ov_json *json, const char *key, int64_t value) {
    begin_item(json, key);
    ov_buf_printf(json->out, "%lld", (long long)value);
}

void ov_json_float(struct ov_json *json, const char *key, double value) {
    begin_item(json, key);
    if (isfinite(value)) {
        ov_buf_printf(json->out, "%.6g", value);
    } else {
        ov_buf_add_text(json->out, "null");
    }
}

void ov_json_bool(struct ov_json *json, const char *key, bool value) {
    begin_item(json, key);
    ov_buf_add_text(json->out, value ? "true" : "false");
}

void ov_json_null(struct ov_json *json, const char *key) {
    begin_item(json, key);
    ov_buf_add_text(json->out, "null");
}
