// SPDX-License-Identifier: Apache-2.0
// Counter signatures, which say when a signature was made: Authenticode (2008), "Timestamping",
// which are those of PKCS #9 (RFC 2985, 5.3.6). Time stamps after RFC 3161 are not read, as
// clamscan does not read them.
#include "trust/signer.h"

static const uint8_t data_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01};
static const uint8_t time_stamp_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
                                         0x01, 0x09, 0x10, 0x01, 0x04};

#define OV_IS_OID(span, oid) ov_span_is_equal((span), ov_span_make((oid), sizeof(oid)))

enum ov_status ov_countersignature_check(struct ov_der *der, struct ov_span message,
                                         const struct ov_certificate *certificate,
                                         const struct ov_chain *chain) {
    struct ov_der inside;
    struct ov_signer signer;
    uint8_t digest[OV_SIGN_DIGEST_BYTES];
    TRY(ov_der_enter(der, OV_DER_SEQUENCE, &inside));
    TRY(ov_signer_info_read(&inside, OV_SIGNER_COUNTER, &signer));
    TRY(ov_der_end(&inside));
    ov_sign_digest_of(signer.hash, message, digest);
    bool is_of_message = ov_span_is_equal(signer.message_digest,
                                          ov_span_make(digest, ov_sign_hash_bytes(signer.hash)));
    bool is_known_type =
        OV_IS_OID(signer.content_type, data_oid) || OV_IS_OID(signer.content_type, time_stamp_oid);
    bool is_in_time = signer.signing_time >= certificate->not_before &&
                      signer.signing_time <= certificate->not_after;
    if (!is_of_message || !is_known_type || !is_in_time ||
        ov_signer_verify(&signer, chain, OV_SIGNER_COUNTER) == NULL) {
        return OV_DAMAGED;
    }
    return OV_OK;
}
