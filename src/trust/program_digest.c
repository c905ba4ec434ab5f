// SPDX-License-Identifier: Apache-2.0
// The digest of a program: Authenticode (2008), "SpcIndirectDataContent" and "Calculating the PE
// Image Hash".
#include "trust/signed_data.h"

static const uint8_t image_oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x0f};

// DigestInfo, behind what says that it is one of a program.
static enum ov_status read_digest(struct ov_span content, enum ov_sign_hash *ret_hash,
                                  struct ov_span *ret_digest) {
    struct ov_der der = ov_der_of(content), data, info;
    struct ov_der_item digest;
    struct ov_span oid;
    TRY(ov_der_enter(&der, OV_DER_SEQUENCE, &data));
    TRY(ov_der_expect(&data, OV_DER_OID, ov_span_make(image_oid, sizeof image_oid)));
    TRY(ov_der_enter_last(&der, OV_DER_SEQUENCE, &info));
    TRY(ov_der_algorithm(&info, &oid));
    TRY(ov_sign_hash_of_digest(oid, ret_hash));
    TRY(ov_der_take(&info, OV_DER_OCTET_STRING, &digest));
    *ret_digest = digest.body;
    return ov_der_end(&info);
}

bool ov_signed_is_of(struct ov_span content, const struct ov_span *parts, uint32_t count) {
    enum ov_sign_hash hash;
    struct ov_span wanted;
    struct ov_sign_digest digest;
    uint8_t bytes[OV_SIGN_DIGEST_BYTES];
    if (read_digest(content, &hash, &wanted) != OV_OK) {
        return false;
    }
    ov_sign_digest_init(hash, &digest);
    for (uint32_t i = 0; i < count; i++) {
        ov_sign_digest_update(&digest, parts[i]);
    }
    ov_sign_digest_finish(&digest, bytes);
    return ov_span_is_equal(wanted, ov_span_make(bytes, ov_sign_hash_bytes(hash)));
}
