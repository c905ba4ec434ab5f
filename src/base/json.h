// SPDX-License-Identifier: Apache-2.0
//
// Writes JSON (RFC 8259) into a buffer, commas included. Read by json_read.h.
//
// Strings may hold any bytes: what is not UTF-8 is written as U+DCxx surrogate escapes, one for
// each byte (as Python's surrogateescape does), so that no path is ever dropped or made ambiguous.
#pragma once

#include "base/buf.h"

enum { OV_JSON_DEPTH = 16 }; // objects and arrays inside one another

struct ov_json {
    struct ov_buf *out;            // borrowed
    unsigned depth;                // open objects and arrays
    bool has_items[OV_JSON_DEPTH]; // whether the level already holds an item
};

void ov_json_init(struct ov_json *ret_json, struct ov_buf *out);

// An object or array; `key` is NULL inside an array and at the top.
void ov_json_object(struct ov_json *json, const char *key);
void ov_json_object_end(struct ov_json *json);
void ov_json_array(struct ov_json *json, const char *key);
void ov_json_array_end(struct ov_json *json);

void ov_json_text(struct ov_json *json, const char *key, const char *text);
void ov_json_bytes(struct ov_json *json, const char *key, struct ov_span bytes);
void ov_json_uint(struct ov_json *json, const char *key, uint64_t value);
void ov_json_int(struct ov_json *json, const char *key, int64_t value);
void ov_json_float(struct ov_json *json, const char *key, double value);
void ov_json_bool(struct ov_json *json, const char *key, bool value);
void ov_json_null(struct ov_json *json, const char *key);
