// SPDX-License-Identifier: Apache-2.0
//
// A reader of DER (X.690): one element after another, and into an element only when asked.
//
// Nothing here recurses and nothing is allocated: elements borrow the bytes. Lengths may be longer
// than they need be, as signatures in use have them; the indefinite form, which DER forbids, is
// refused, and so are lengths beyond what is left. Worker process only.
#pragma once

#include "base/span.h"
#include "base/status.h"

enum ov_der_tag {
    OV_DER_BOOLEAN = 0x01,
    OV_DER_INTEGER = 0x02,
    OV_DER_BIT_STRING = 0x03,
    OV_DER_OCTET_STRING = 0x04,
    OV_DER_NULL = 0x05,
    OV_DER_OID = 0x06,
    OV_DER_UTC_TIME = 0x17,
    OV_DER_GENERAL_TIME = 0x18,
    OV_DER_SEQUENCE = 0x30,
    OV_DER_SET = 0x31,
    OV_DER_CONTEXT_0 = 0xa0, // constructed
    OV_DER_CONTEXT_1 = 0xa1,
    OV_DER_CONTEXT_3 = 0xa3,
};

// What is left to be read of a run of elements.
struct ov_der {
    struct ov_span rest;
};

struct ov_der_item {
    uint8_t tag;
    struct ov_span body;
    struct ov_span whole; // with tag and length
};

static inline struct ov_der ov_der_of(struct ov_span bytes) {
    return (struct ov_der){.rest = bytes};
}

static inline bool ov_der_is_done(const struct ov_der *der) {
    return der->rest.size == 0;
}

// Takes the next element off. OV_DAMAGED when there is no whole one.
enum ov_status ov_der_next(struct ov_der *der, struct ov_der_item *ret_item);

// The same; OV_DAMAGED when it has another tag.
enum ov_status ov_der_take(struct ov_der *der, uint8_t tag, struct ov_der_item *ret_item);

// The same, to read on inside of it.
enum ov_status ov_der_enter(struct ov_der *der, uint8_t tag, struct ov_der *ret_inside);

// The same, when nothing may follow it.
enum ov_status ov_der_enter_last(struct ov_der *der, uint8_t tag, struct ov_der *ret_inside);

// OV_DAMAGED unless the next element has this tag and content.
enum ov_status ov_der_expect(struct ov_der *der, uint8_t tag, struct ov_span body);

// OV_DAMAGED when something follows.
enum ov_status ov_der_end(const struct ov_der *der);

// An AlgorithmIdentifier (RFC 5280, 4.1.1.2) whose parameters are NULL or are not there.
enum ov_status ov_der_algorithm(struct ov_der *der, struct ov_span *ret_oid);

// A UTCTime or GeneralizedTime in seconds since 1970. UTCTime may lack the seconds.
enum ov_status ov_der_time(struct ov_der *der, int64_t *ret_seconds);
