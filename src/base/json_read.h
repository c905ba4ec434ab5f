// SPDX-License-Identifier: Apache-2.0
//
// Reads a small JSON document (RFC 8259) into a tree: plans, reports to merge, manifests of images.
//
// Strict: one value and nothing after it, no key twice in an object, UTF-8 alone, numbers as the
// RFC spells them. A surrogate U+DC80 to U+DCFF that stands alone is the byte that ov_json_bytes()
// wrote so. All memory comes from the caller's arena, whose cap limits what a document may cost.
// Strangers' documents are read in a cage, as every input of theirs.
#pragma once

#include "base/arena.h"

enum {
    OV_JSON_READ_DEPTH = 32,  // objects and arrays inside one another
    OV_JSON_READ_KEYS = 1024, // in one object
};

enum ov_json_kind {
    OV_JSON_NULL,
    OV_JSON_FALSE,
    OV_JSON_TRUE,
    OV_JSON_NUMBER,
    OV_JSON_TEXT,
    OV_JSON_ARRAY,
    OV_JSON_OBJECT,
};

struct ov_json_value {
    struct ov_json_value *next;  // in the same object or array, NULL at the end
    struct ov_json_value *first; // of an object or array, NULL when it is empty
    size_t count;                // items of an object or array
    struct ov_span key;          // inside an object, decoded
    struct ov_span text;         // TEXT: decoded; NUMBER: as it is written
    enum ov_json_kind kind;
};

struct ov_json_error {
    size_t at;       // the byte where reading ended
    const char *why; // constant, for people
};

// The whole document; the tree lives as long as the arena, and borrows nothing from `bytes`.
// OV_DAMAGED: no such document. OV_LIMIT: too deep, too many keys, or the arena is full. Both leave
// the place and the reason in `ret_error`, which may be NULL.
enum ov_status ov_json_read(struct ov_span bytes, struct ov_arena *arena,
                            const struct ov_json_value **ret_value,
                            struct ov_json_error *ret_error);

// The value of a key; NULL when `object` is NULL, no object, or has no such key.
const struct ov_json_value *ov_json_find(const struct ov_json_value *object, const char *key);

// The first item of an array; NULL when it is NULL, no array, or empty. Go on with `next`.
const struct ov_json_value *ov_json_items(const struct ov_json_value *array);

// A string; NULL when the value is NULL, no string, or holds a NUL.
const char *ov_json_string(const struct ov_json_value *value);

// The string of a key, as ov_json_find() and ov_json_string().
const char *ov_json_find_string(const struct ov_json_value *object, const char *key);

// A number without sign, fraction and exponent. OV_DAMAGED: the value is none, or does not fit.
enum ov_status ov_json_number(const struct ov_json_value *value, uint64_t *ret_number);
