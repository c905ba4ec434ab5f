// SPDX-License-Identifier: Apache-2.0
// Names of a log's files that are made of something.
#include "ledger/log_names.h"

#include "base/hex.h"

#include <stdio.h>

enum { HEX_ROOM = 2 * OV_SHA256_BYTES + 1 };

struct ov_log_name ov_log_name_bundle(const uint8_t sha256[OV_SHA256_BYTES]) {
    struct ov_log_name name;
    char hex[HEX_ROOM];
    ov_hex_write(ov_span_make(sha256, OV_SHA256_BYTES), hex);
    (void)snprintf(name.text, sizeof name.text, "bundle/%s.zst", hex);
    return name;
}

struct ov_log_name ov_log_name_delta(const uint8_t from[OV_SHA256_BYTES],
                                     const uint8_t to[OV_SHA256_BYTES]) {
    struct ov_log_name name;
    char from_hex[HEX_ROOM], to_hex[HEX_ROOM];
    ov_hex_write(ov_span_make(from, OV_SHA256_BYTES), from_hex);
    ov_hex_write(ov_span_make(to, OV_SHA256_BYTES), to_hex);
    (void)snprintf(name.text, sizeof name.text, "delta/%s-%s.zst", from_hex, to_hex);
    return name;
}

struct ov_log_name ov_log_name_latest(const struct ov_feed_name *feed) {
    struct ov_log_name name;
    (void)snprintf(name.text, sizeof name.text, "feed/%s/latest.tlog-proof", feed->text);
    return name;
}

struct ov_log_name ov_log_name_rotation(const struct ov_feed_name *feed, uint64_t version) {
    struct ov_log_name name;
    (void)snprintf(name.text, sizeof name.text, "feed/%s/policy-%llu.tlog-proof", feed->text,
                   (unsigned long long)version);
    return name;
}
