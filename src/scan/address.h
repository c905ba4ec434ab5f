// SPDX-License-Identifier: Apache-2.0
//
// Addresses in mails, brought into the form in which clamscan compares them.
//
// A mail's author may write them as he likes; whoever protects a host has to see it in all of these
// forms. What is taken for an address, and what for its host, is as in clamscan, odd as some of it
// is: lists were tried out on that. Pure functions over fixed buffers; worker process only.
#pragma once

#include "base/span.h"

enum { OV_ADDRESS_BYTES = 1024 };

// Text up to its first zero; behind the text there are zeros.
struct ov_address {
    uint8_t bytes[OV_ADDRESS_BYTES + 8];
    size_t size;
};

// Takes text up to a zero or to OV_ADDRESS_BYTES.
void ov_address_set(struct ov_address *address, struct ov_span text);

static inline struct ov_span ov_address_span(const struct ov_address *address) {
    return ov_span_make(address->bytes, address->size);
}

// Whether a link to it is looked at: it has a scheme of the web, or ends with a top-level domain.
bool ov_address_leads_to_host(const struct ov_address *address);

// Whether text is shown as an address. What stands behind a top-level domain inside is then cut.
bool ov_address_is_shown(struct ov_address *address);

// Makes one form of an address that a link leads to: no path, small letters, no escapes, no blanks.
void ov_address_clean(struct ov_address *address);

// Likewise for what is shown. Blanks inside are dropped too; *ret_before is the text with them.
void ov_address_clean_shown(struct ov_address *address, struct ov_address *ret_before);

// A host within an address: [start, end), without a user's name. `is_mail` tells "mailto:".
struct ov_address_host {
    size_t start, end;
    bool is_mail;
};

struct ov_address_host ov_address_find_host(const struct ov_address *address, bool is_shown);

// The domain that somebody may have registered, of a host with a dot before it.
struct ov_span ov_address_domain(struct ov_span host);
