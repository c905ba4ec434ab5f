// SPDX-License-Identifier: Apache-2.0
// ClamAV-Diff:VERSION:BYTES: gzip :SIGNATURE
#include "rules/feed/cdiff.h"

#include "rules/feed/gunzip.h"
#include "rules/reader.h"
#include "trust/vendor.h"

enum { HEADER_BYTES_MAX = 64, HEADER_FIELDS = 3, SIGNATURE_BYTES_MAX = 350 };

static const char magic[] = "ClamAV-Diff:";

// The signature is what follows the last colon, which is no letter of it.
static enum ov_status find_signature(struct ov_span bytes, struct ov_cdiff *cdiff) {
    size_t size = 0;
    while (size <= SIGNATURE_BYTES_MAX && size < bytes.size &&
           bytes.data[bytes.size - 1 - size] != ':') {
        size++;
    }
    if (size == 0 || size > SIGNATURE_BYTES_MAX || size == bytes.size) {
        return OV_DAMAGED;
    }
    cdiff->signature = ov_span_from(bytes, bytes.size - size);
    cdiff->text = ov_span_part(bytes, 0, bytes.size - size - 1);
    return OV_OK;
}

static enum ov_status read_header(struct ov_cdiff *cdiff) {
    struct ov_span fields[HEADER_FIELDS + 1];
    struct ov_span head = ov_span_part(cdiff->text, 0, HEADER_BYTES_MAX);
    if (ov_fields_split(head, ':', fields, HEADER_FIELDS + 1) < HEADER_FIELDS + 1 ||
        !ov_decimal_read(fields[1], UINT32_MAX, &cdiff->version) ||
        !ov_decimal_read(fields[2], OV_CDIFF_SCRIPT_BYTES_MAX, &cdiff->script_bytes)) {
        return OV_DAMAGED;
    }
    size_t size = fields[0].size + fields[1].size + fields[2].size + HEADER_FIELDS;
    cdiff->packed = ov_span_from(cdiff->text, size);
    return OV_OK;
}

static bool is_signed(const struct ov_cdiff *cdiff, const struct ov_rsa_key *key) {
    uint8_t digest[OV_SHA256_BYTES];
    ov_sha256(cdiff->text, digest);
    return ov_vendor_verify_sha256(key, cdiff->signature, digest);
}

static enum ov_database_refusal read_parts(struct ov_span bytes, const struct ov_rsa_key *key,
                                           struct ov_cdiff *cdiff) {
    if (!ov_span_has_prefix(bytes, magic)) {
        return OV_DATABASE_NO_CDIFF;
    }
    if (find_signature(bytes, cdiff) != OV_OK) {
        return OV_DATABASE_BAD_CDIFF;
    }
    if (!is_signed(cdiff, key)) {
        return OV_DATABASE_BAD_CDIFF_SIGN;
    }
    return read_header(cdiff) == OV_OK ? OV_DATABASE_ACCEPTED : OV_DATABASE_BAD_CDIFF;
}

enum ov_status ov_cdiff_read(struct ov_span bytes, const struct ov_rsa_key *key,
                             struct ov_cdiff *ret_cdiff, enum ov_database_refusal *ret_refusal) {
    struct ov_cdiff cdiff = {0};
    enum ov_database_refusal refusal = read_parts(bytes, key, &cdiff);
    if (refusal != OV_DATABASE_ACCEPTED) {
        *ret_refusal = refusal;
        return OV_DAMAGED;
    }
    *ret_cdiff = cdiff;
    return OV_OK;
}

enum ov_status ov_cdiff_unpack(const struct ov_cdiff *cdiff, struct ov_buf *script) {
    size_t used = 0, before = script->size;
    enum ov_status status = ov_gunzip(cdiff->packed, cdiff->script_bytes, script, &used);
    if (status != OV_OK) {
        return status == OV_MEMORY ? OV_MEMORY : OV_DAMAGED;
    }
    bool is_whole = used == cdiff->packed.size && script->size - before == cdiff->script_bytes;
    return is_whole ? OV_OK : OV_DAMAGED;
}
