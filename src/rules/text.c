// SPDX-License-Identifier: Apache-2.0
// Small readings of rule text that all languages share: fields, numbers, names.
#include "rules/reader.h"

size_t ov_fields_split(struct ov_span text, uint8_t separator, struct ov_span *ret_fields,
                       size_t room) {
    size_t count = 0;
    size_t at = 0;
    for (;;) {
        size_t end = ov_span_find(text, at, separator);
        if (count < room) {
            ret_fields[count] = ov_span_part(text, at, end - at);
            if (at == text.size) { // an empty last field still has a place
                ret_fields[count] = ov_span_make(text.data + at, 0);
            }
        }
        count++;
        if (end >= text.size) {
            return count;
        }
        at = end + 1;
    }
}

bool ov_decimal_read(struct ov_span text, uint64_t max, uint64_t *ret_number) {
    uint64_t number = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9 || number > (max - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    if (text.size == 0 || number > max) {
        return false;
    }
    *ret_number = number;
    return true;
}

bool ov_number_read_int(struct ov_span text, int *ret_number) {
    uint64_t number = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9) {
            return false;
        }
        bool is_full = number > ((uint64_t)INT64_MAX - digit) / 10;
        number = is_full ? INT64_MAX : number * 10 + digit;
    }
    *ret_number = (int)(uint32_t)number;
    return true;
}

struct ov_span ov_rule_name_cut(struct ov_span name) {
    for (size_t at = ov_span_find(name, 0, ' '); at < name.size;
         at = ov_span_find(name, at + 1, ' ')) {
        if (ov_span_has_prefix(ov_span_part(name, at, name.size - at), " (Clam)")) {
            return ov_span_part(name, 0, at);
        }
    }
    return name;
}

bool ov_rule_name_is_pua(struct ov_span name) {
    return ov_span_has_prefix(name, "PUA.");
}
