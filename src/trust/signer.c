// SPDX-License-Identifier: Apache-2.0
// SignerInfo: RFC 2315, section 9.2; attributes: RFC 2985, section 5.3.
#include "trust/signer.h"

enum { SIGNATURE_BYTES_MAX = OV_RSA_BYTES_MAX };

static const uint8_t content_type_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03};
static const uint8_t message_digest_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04};
static const uint8_t signing_time_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x05};

#define OV_IS_OID(span, oid) ov_span_is_equal((span), ov_span_make((oid), sizeof(oid)))

enum ov_status ov_signer_attribute(struct ov_der *attributes, struct ov_span *ret_type,
                                   struct ov_der *ret_rest) {
    struct ov_der_item type;
    TRY(ov_der_enter(attributes, OV_DER_SEQUENCE, ret_rest));
    TRY(ov_der_take(ret_rest, OV_DER_OID, &type));
    *ret_type = type.body;
    return OV_OK;
}

// Which attributes were there, each at most once.
struct seen {
    bool type, digest, time;
};

static enum ov_status see(bool *seen) {
    enum ov_status status = *seen ? OV_DAMAGED : OV_OK;
    *seen = true;
    return status;
}

static enum ov_status read_value(struct ov_der *rest, uint8_t tag, struct ov_span *ret_value) {
    struct ov_der values;
    struct ov_der_item value;
    TRY(ov_der_enter_last(rest, OV_DER_SET, &values));
    TRY(ov_der_take(&values, tag, &value));
    *ret_value = value.body;
    return ov_der_end(&values);
}

static enum ov_status read_time(struct ov_der *rest, int64_t *ret_time) {
    struct ov_der values;
    TRY(ov_der_enter_last(rest, OV_DER_SET, &values));
    TRY(ov_der_time(&values, ret_time));
    return ov_der_end(&values);
}

static enum ov_status read_attributes(struct ov_span body, enum ov_signer_kind kind,
                                      struct ov_signer *signer) {
    struct ov_der attributes = ov_der_of(body);
    struct seen seen = {.time = kind == OV_SIGNER_MAIN}; // whose own time nobody believes
    while (!ov_der_is_done(&attributes)) {
        struct ov_span type;
        struct ov_der rest;
        TRY(ov_signer_attribute(&attributes, &type, &rest));
        if (OV_IS_OID(type, content_type_oid)) {
            TRY(see(&seen.type));
            TRY(read_value(&rest, OV_DER_OID, &signer->content_type));
        } else if (OV_IS_OID(type, message_digest_oid)) {
            TRY(see(&seen.digest));
            TRY(read_value(&rest, OV_DER_OCTET_STRING, &signer->message_digest));
        } else if (OV_IS_OID(type, signing_time_oid) && kind == OV_SIGNER_COUNTER) {
            TRY(see(&seen.time));
            TRY(read_time(&rest, &signer->signing_time));
        }
    }
    return seen.type && seen.digest && seen.time ? OV_OK : OV_DAMAGED;
}

// RFC 2315, 6.7.
static enum ov_status read_issuer(struct ov_der *der, struct ov_signer *signer) {
    struct ov_der inside;
    struct ov_der_item issuer, serial;
    TRY(ov_der_enter(der, OV_DER_SEQUENCE, &inside));
    TRY(ov_der_take(&inside, OV_DER_SEQUENCE, &issuer));
    TRY(ov_der_take(&inside, OV_DER_INTEGER, &serial));
    ov_sha1(issuer.body, signer->issuer);
    ov_sha1(serial.body, signer->serial);
    return ov_der_end(&inside);
}

// Version 1; counter signatures in use have 0, too.
static enum ov_status read_version(struct ov_der *der, enum ov_signer_kind kind) {
    struct ov_der_item version;
    TRY(ov_der_take(der, OV_DER_INTEGER, &version));
    bool is_known =
        version.body.size == 1 &&
        (version.body.data[0] == 1 || (version.body.data[0] == 0 && kind == OV_SIGNER_COUNTER));
    return is_known ? OV_OK : OV_DAMAGED;
}

// The main signature names RSA alone; a counter signature may name its digest with it.
static enum ov_status read_algorithm(struct ov_der *der, enum ov_signer_kind kind,
                                     const struct ov_signer *signer) {
    struct ov_span oid;
    enum ov_sign_hash hash;
    TRY(ov_der_algorithm(der, &oid));
    if (ov_sign_is_rsa(oid)) {
        return OV_OK;
    }
    TRY(ov_sign_hash_of_signature(oid, &hash));
    return kind == OV_SIGNER_COUNTER && hash == signer->hash ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_signer_info_read(struct ov_der *der, enum ov_signer_kind kind,
                                   struct ov_signer *ret_signer) {
    struct ov_signer signer = {0};
    struct ov_span oid;
    struct ov_der_item attributes, signature;
    TRY(read_version(der, kind));
    TRY(read_issuer(der, &signer));
    TRY(ov_der_algorithm(der, &oid));
    TRY(ov_sign_hash_of_digest(oid, &signer.hash));
    TRY(ov_der_take(der, OV_DER_CONTEXT_0, &attributes));
    TRY(read_attributes(attributes.body, kind, &signer));
    TRY(read_algorithm(der, kind, &signer));
    TRY(ov_der_take(der, OV_DER_OCTET_STRING, &signature));
    signer.attributes = attributes.whole;
    signer.signature = signature.body;
    *ret_signer = signer;
    return signature.body.size <= SIGNATURE_BYTES_MAX ? OV_OK : OV_DAMAGED;
}

const struct ov_certificate *ov_signer_verify(const struct ov_signer *signer,
                                              const struct ov_chain *chain,
                                              enum ov_signer_kind kind) {
    // RFC 2315, 9.3: signed is the set, with the tag of a set.
    static const uint8_t set_tag[] = {OV_DER_SET};
    uint8_t bytes[OV_SIGN_DIGEST_BYTES];
    struct ov_sign_digest digest;
    ov_sign_digest_init(signer->hash, &digest);
    ov_sign_digest_update(&digest, ov_span_make(set_tag, sizeof set_tag));
    ov_sign_digest_update(&digest, ov_span_from(signer->attributes, 1));
    ov_sign_digest_finish(&digest, bytes);
    struct ov_chain_signature signature = {.issuer = signer->issuer,
                                           .serial = signer->serial,
                                           .is_time = kind == OV_SIGNER_COUNTER,
                                           .bytes = signer->signature,
                                           .hash = signer->hash,
                                           .digest = bytes};
    return ov_chain_find_signer(chain, &signature);
}
