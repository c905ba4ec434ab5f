// SPDX-License-Identifier: Apache-2.0
// A ClamAV-VDB: line, a line for each member, a line DSIG: over all before it; each with its end.
#include "rules/feed/info.h"

#include "base/hex.h"
#include "rules/reader.h"
#include "trust/vendor.h"

enum { ENTRY_FIELDS = 3, SIGNATURE_MAX = 400 };

static const char mark[] = "DSIG:";

// Takes the next line off, without its end. OV_END; OV_DAMAGED: it has no end.
static enum ov_status take_line(struct ov_span *rest, struct ov_span *ret_line) {
    if (rest->size == 0) {
        return OV_END;
    }
    size_t size = ov_span_find(*rest, 0, '\n');
    if (size == rest->size) {
        return OV_DAMAGED;
    }
    *ret_line = ov_span_part(*rest, 0, size);
    *rest = ov_span_from(*rest, size + 1);
    return OV_OK;
}

enum ov_status ov_feed_info_read(struct ov_span bytes, struct ov_feed_info *ret_info) {
    struct ov_feed_info info = {0};
    struct ov_span rest = bytes, line = {0};
    if (take_line(&rest, &info.line) != OV_OK ||
        ov_feed_header_read(info.line, &info.header) != OV_OK) {
        return OV_DAMAGED;
    }
    size_t first_at = bytes.size - rest.size, line_at = first_at;
    do {
        line_at = bytes.size - rest.size;
        if (take_line(&rest, &line) != OV_OK) {
            return OV_DAMAGED;
        }
    } while (!ov_span_has_prefix(line, mark));
    info.text = ov_span_part(bytes, 0, line_at);
    info.entries = ov_span_from(info.text, first_at);
    info.signature = ov_span_from(line, sizeof mark - 1);
    if (rest.size > 0 || info.signature.size > SIGNATURE_MAX) {
        return OV_DAMAGED;
    }
    *ret_info = info;
    return OV_OK;
}

enum ov_status ov_feed_entry_next(struct ov_span *entries, struct ov_feed_entry *ret_entry) {
    struct ov_span line, fields[ENTRY_FIELDS + 1];
    struct ov_feed_entry entry = {0};
    TRY(take_line(entries, &line));
    if (ov_fields_split(line, ':', fields, ENTRY_FIELDS + 1) != ENTRY_FIELDS ||
        !ov_feed_name_is_sound(fields[0]) ||
        !ov_decimal_read(fields[1], UINT32_MAX, &entry.bytes) ||
        ov_hex_read(fields[2], entry.sha256, sizeof entry.sha256) != OV_OK) {
        return OV_DAMAGED;
    }
    entry.name = fields[0];
    *ret_entry = entry;
    return OV_OK;
}

bool ov_feed_info_is_signed(const struct ov_feed_info *info, const struct ov_rsa_key *key) {
    uint8_t digest[OV_SHA256_BYTES];
    ov_sha256(info->text, digest);
    return ov_vendor_verify_sha256(key, info->signature, digest);
}
