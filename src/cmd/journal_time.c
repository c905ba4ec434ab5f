// SPDX-License-Identifier: Apache-2.0
// Reads times.
#include "cmd/journal_time.h"

#include "ledger/encoding.h"

#include <time.h>

#define NS_IN_SECOND 1000000000ull

static uint64_t unit_seconds(uint8_t letter) {
    switch (letter) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    case 'w':
        return 7 * 86400;
    default:
        return 0;
    }
}

static enum ov_status read_ago(struct ov_span text, uint64_t now_ns, uint64_t *ret_ns) {
    uint64_t number = 0;
    uint64_t ns = 0;
    if (text.size < 2) {
        return OV_INVALID;
    }
    uint64_t unit = unit_seconds(text.data[text.size - 1]);
    if (unit == 0 || ov_number_read(ov_span_part(text, 0, text.size - 1), &number) != OV_OK ||
        __builtin_mul_overflow(number, unit * NS_IN_SECOND, &ns)) {
        return OV_INVALID;
    }
    *ret_ns = ns < now_ns ? now_ns - ns : 0;
    return OV_OK;
}

// The digits at the front, exactly `count`; -1 when there are not as many.
static int take_digits(struct ov_span *text, size_t count) {
    int number = 0;
    for (size_t i = 0; i < count; i++) {
        if (i >= text->size || text->data[i] < '0' || text->data[i] > '9') {
            return -1;
        }
        number = 10 * number + (text->data[i] - '0');
    }
    *text = ov_span_from(*text, count);
    return number;
}

static bool take_one_of(struct ov_span *text, const char *characters) {
    bool is_one = text->size > 0 && strchr(characters, text->data[0]) != NULL;
    *text = ov_span_from(*text, is_one ? 1 : 0);
    return is_one;
}

static bool read_clock(struct ov_span *text, struct tm *parts) {
    if (!take_one_of(text, "T ")) {
        return true;
    }
    parts->tm_hour = take_digits(text, 2);
    if (!take_one_of(text, ":")) {
        return false;
    }
    parts->tm_min = take_digits(text, 2);
    if (take_one_of(text, ":")) {
        parts->tm_sec = take_digits(text, 2);
    }
    return parts->tm_hour >= 0 && parts->tm_hour < 24 && parts->tm_min >= 0 && parts->tm_min < 60 &&
           parts->tm_sec >= 0 && parts->tm_sec < 60;
}

static enum ov_status read_date(struct ov_span text, uint64_t *ret_ns) {
    struct tm parts = {.tm_year = take_digits(&text, 4) - 1900};
    bool is_form = take_one_of(&text, "-");
    parts.tm_mon = take_digits(&text, 2) - 1;
    is_form = is_form && take_one_of(&text, "-");
    parts.tm_mday = take_digits(&text, 2);
    is_form = is_form && read_clock(&text, &parts);
    (void)take_one_of(&text, "Z");
    if (!is_form || text.size > 0 || parts.tm_year < 70 || parts.tm_year > 350) {
        return OV_INVALID;
    }
    struct tm given = parts;
    time_t seconds = timegm(&parts); // puts right what is no day of the month
    if (parts.tm_mon != given.tm_mon || parts.tm_mday != given.tm_mday) {
        return OV_INVALID;
    }
    *ret_ns = (uint64_t)seconds * NS_IN_SECOND;
    return OV_OK;
}

enum ov_status ov_journal_time_read(const char *text, uint64_t now_ns, uint64_t *ret_ns) {
    struct ov_span span = ov_span_text(text);
    return read_ago(span, now_ns, ret_ns) == OV_OK ? OV_OK : read_date(span, ret_ns);
}
