// SPDX-License-Identifier: Apache-2.0
// Elements of DER: X.690, section 8.1 (tag, length, content) and RFC 5280, 4.1.2.5 (times).
#include "trust/der.h"

#include "base/cursor.h"

enum { LENGTH_BYTES_MAX = 4, LONG_LENGTH = 0x80 };

// X.690, 8.1.3: one byte, or the number of bytes that follow.
static uint64_t read_length(struct ov_cursor *in) {
    uint8_t first = ov_cursor_u8(in);
    if (first < LONG_LENGTH) {
        return first;
    }
    unsigned count = first - LONG_LENGTH;
    uint64_t length = 0;
    in->has_failed = in->has_failed || count == 0 || count > LENGTH_BYTES_MAX;
    for (unsigned i = 0; !in->has_failed && i < count; i++) {
        length = length << 8 | ov_cursor_u8(in);
    }
    return length;
}

enum ov_status ov_der_next(struct ov_der *der, struct ov_der_item *ret_item) {
    struct ov_cursor in = ov_cursor_init(der->rest);
    struct ov_der_item item = {.tag = ov_cursor_u8(&in)};
    uint64_t length = read_length(&in);
    item.body = ov_cursor_bytes(&in, length);
    TRY(ov_cursor_status(&in));
    item.whole = ov_span_part(der->rest, 0, in.at);
    der->rest = ov_span_from(der->rest, in.at);
    *ret_item = item;
    return OV_OK;
}

enum ov_status ov_der_take(struct ov_der *der, uint8_t tag, struct ov_der_item *ret_item) {
    struct ov_der_item item;
    TRY(ov_der_next(der, &item));
    if (item.tag != tag) {
        return OV_DAMAGED;
    }
    *ret_item = item;
    return OV_OK;
}

enum ov_status ov_der_enter(struct ov_der *der, uint8_t tag, struct ov_der *ret_inside) {
    struct ov_der_item item;
    TRY(ov_der_take(der, tag, &item));
    *ret_inside = ov_der_of(item.body);
    return OV_OK;
}

enum ov_status ov_der_enter_last(struct ov_der *der, uint8_t tag, struct ov_der *ret_inside) {
    TRY(ov_der_enter(der, tag, ret_inside));
    return ov_der_end(der);
}

enum ov_status ov_der_expect(struct ov_der *der, uint8_t tag, struct ov_span body) {
    struct ov_der_item item;
    TRY(ov_der_take(der, tag, &item));
    return ov_span_is_equal(item.body, body) ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_der_end(const struct ov_der *der) {
    return ov_der_is_done(der) ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_der_algorithm(struct ov_der *der, struct ov_span *ret_oid) {
    struct ov_der inside;
    struct ov_der_item oid;
    TRY(ov_der_enter(der, OV_DER_SEQUENCE, &inside));
    TRY(ov_der_take(&inside, OV_DER_OID, &oid));
    if (!ov_der_is_done(&inside)) {
        TRY(ov_der_expect(&inside, OV_DER_NULL, ov_span_make(NULL, 0)));
    }
    TRY(ov_der_end(&inside));
    *ret_oid = oid.body;
    return OV_OK;
}

// ---- times -------------------------------------------------------------------------------------

// Two digits; past 99 when they are none.
static unsigned read_digits(struct ov_cursor *in) {
    unsigned tens = (unsigned)ov_cursor_u8(in) - '0';
    unsigned ones = (unsigned)ov_cursor_u8(in) - '0';
    in->has_failed = in->has_failed || tens > 9 || ones > 9;
    return in->has_failed ? 0 : tens * 10 + ones;
}

static unsigned read_within(struct ov_cursor *in, unsigned least, unsigned most) {
    unsigned number = read_digits(in);
    in->has_failed = in->has_failed || number < least || number > most;
    return number;
}

// Days since 1970 of a day in the Gregorian calendar. Years are counted from March on, so that the
// leap day is the last.
static int64_t count_days(int64_t year, unsigned month, unsigned day) {
    enum { DAYS_TO_1970 = 719468 };
    year -= month <= 2;
    int64_t of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + of_year - DAYS_TO_1970;
}

enum ov_status ov_der_time(struct ov_der *der, int64_t *ret_seconds) {
    struct ov_der_item item;
    TRY(ov_der_next(der, &item));
    if (item.tag != OV_DER_UTC_TIME && item.tag != OV_DER_GENERAL_TIME) {
        return OV_DAMAGED;
    }
    struct ov_cursor in = ov_cursor_init(item.body);
    int64_t century = item.tag == OV_DER_GENERAL_TIME ? read_digits(&in) : 20;
    int64_t year = read_digits(&in);
    century = item.tag == OV_DER_UTC_TIME && year >= 50 ? 19 : century;
    unsigned month = read_within(&in, 1, 12);
    unsigned day = read_within(&in, 1, 31);
    unsigned hour = read_within(&in, 0, 23);
    unsigned minute = read_within(&in, 0, 59);
    bool has_seconds = ov_span_part(item.body, in.at, 1).size == 1 && item.body.data[in.at] != 'Z';
    unsigned second = has_seconds ? read_within(&in, 0, 59) : 0;
    in.has_failed = ov_cursor_u8(&in) != 'Z' || in.has_failed;
    TRY(ov_cursor_status(&in));
    int64_t days = count_days(century * 100 + year, month, day);
    *ret_seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    return OV_OK;
}
