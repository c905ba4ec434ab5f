// SPDX-License-Identifier: Apache-2.0
// SignedData: RFC 2315, sections 7 and 9.1; Authenticode (2008), "PKCS #7 SignedData Structure".
#include "trust/signed_data.h"

#include "trust/signer.h"

#include <stdlib.h>

static const uint8_t signed_data_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02};
static const uint8_t program_oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x04};
static const uint8_t catalog_oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0a, 0x01};
static const uint8_t counter_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x06};
static const uint8_t nested_oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x04, 0x01};
static const uint8_t stamp_oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x03, 0x03, 0x01};
static const uint8_t version_1[] = {1};

#define OV_OID(oid)          ov_span_make((oid), sizeof(oid))
#define OV_IS_OID(span, oid) ov_span_is_equal((span), OV_OID(oid))

// What is known of a signature while it is read.
struct reading {
    struct ov_span type; // of what is signed
    enum ov_sign_hash hash;
    struct ov_chain chain;
    struct ov_signed result;
};

// RFC 2315, 7 and 9.1, up to the certificates.
static enum ov_status read_head(struct ov_der der, struct reading *reading,
                                struct ov_der *ret_data) {
    struct ov_der info, content, algorithms, signed_info, signed_content;
    struct ov_der_item body;
    struct ov_span oid;
    TRY(ov_der_enter(&der, OV_DER_SEQUENCE, &info)); // zeros may follow
    TRY(ov_der_expect(&info, OV_DER_OID, OV_OID(signed_data_oid)));
    TRY(ov_der_enter_last(&info, OV_DER_CONTEXT_0, &content));
    TRY(ov_der_enter_last(&content, OV_DER_SEQUENCE, ret_data));
    TRY(ov_der_expect(ret_data, OV_DER_INTEGER, OV_OID(version_1)));
    TRY(ov_der_enter(ret_data, OV_DER_SET, &algorithms));
    TRY(ov_der_algorithm(&algorithms, &oid)); // one signer, one digest
    TRY(ov_der_end(&algorithms));
    TRY(ov_sign_hash_of_digest(oid, &reading->hash));
    TRY(ov_der_enter(ret_data, OV_DER_SEQUENCE, &signed_info));
    TRY(ov_der_expect(&signed_info, OV_DER_OID, reading->type));
    TRY(ov_der_enter_last(&signed_info, OV_DER_CONTEXT_0, &signed_content));
    TRY(ov_der_take(&signed_content, OV_DER_SEQUENCE, &body));
    reading->result.content = body.body;
    return ov_der_end(&signed_content);
}

static enum ov_status read_certificates(struct ov_der *data, struct reading *reading) {
    struct ov_der certificates;
    struct ov_chain *chain = &reading->chain;
    TRY(ov_der_enter(data, OV_DER_CONTEXT_0, &certificates));
    while (!ov_der_is_done(&certificates)) {
        struct ov_certificate certificate;
        bool is_read;
        TRY(ov_certificate_read(&certificates, &certificate, &is_read));
        if (is_read) {
            ov_chain_add(chain, &certificate);
        }
        if (chain->budget != NULL && !ov_budget_has_time(chain->budget)) {
            return OV_LIMIT;
        }
    }
    for (uint32_t i = 0; i < chain->blocked_count; i++) {
        reading->result.blocked[i] = chain->blocked[chain->blocked_count - 1 - i];
    }
    reading->result.blocked_count = chain->blocked_count;
    return ov_chain_build(chain);
}

// Attributes that are not signed: a counter signature frees the signature from the end of its
// certificate. Other signatures and time stamps are not looked into.
static enum ov_status read_unsigned(struct ov_der *info, const struct ov_signer *signer,
                                    const struct ov_certificate *certificate,
                                    struct reading *reading) {
    struct ov_der attributes;
    bool has_counter = false, has_nested = false, has_stamp = false;
    TRY(ov_der_enter_last(info, OV_DER_CONTEXT_1, &attributes));
    while (!ov_der_is_done(&attributes)) {
        struct ov_span type;
        struct ov_der rest, values;
        TRY(ov_signer_attribute(&attributes, &type, &rest));
        bool *seen = OV_IS_OID(type, counter_oid)  ? &has_counter
                     : OV_IS_OID(type, nested_oid) ? &has_nested
                     : OV_IS_OID(type, stamp_oid)  ? &has_stamp
                                                   : NULL;
        if (seen == NULL) {
            continue;
        }
        TRY(ov_der_enter_last(&rest, OV_DER_SET, &values));
        if (*seen) {
            return OV_DAMAGED;
        }
        *seen = true;
        if (seen == &has_counter) {
            TRY(ov_countersignature_check(&values, signer->signature, certificate,
                                          &reading->chain));
            TRY(ov_der_end(&values));
        }
    }
    if (has_counter) {
        reading->result.not_before = INT64_MIN;
        reading->result.not_after = INT64_MAX;
    }
    return OV_OK;
}

// RFC 2315, 9.1 and 9.3: one signer, whose attributes hold the digest of the content.
static enum ov_status read_signers(struct ov_der *data, struct reading *reading) {
    struct ov_der_item signers;
    struct ov_der set, info;
    struct ov_signer signer;
    uint8_t digest[OV_SIGN_DIGEST_BYTES];
    TRY(ov_der_next(data, &signers));
    if (signers.tag == OV_DER_CONTEXT_1) { // lists of revoked certificates
        TRY(ov_der_next(data, &signers));
    }
    TRY(ov_der_end(data));
    set = ov_der_of(signers.body);
    TRY(ov_der_enter_last(&set, OV_DER_SEQUENCE, &info));
    TRY(ov_signer_info_read(&info, OV_SIGNER_MAIN, &signer));
    ov_sign_digest_of(reading->hash, reading->result.content, digest);
    struct ov_span wanted = ov_span_make(digest, ov_sign_hash_bytes(reading->hash));
    if (signers.tag != OV_DER_SET || signer.hash != reading->hash ||
        !ov_span_is_equal(signer.content_type, reading->type) ||
        !ov_span_is_equal(signer.message_digest, wanted)) {
        return OV_DAMAGED;
    }
    const struct ov_certificate *certificate =
        ov_signer_verify(&signer, &reading->chain, OV_SIGNER_MAIN);
    if (certificate == NULL) {
        return OV_OK;
    }
    reading->result.not_before = certificate->not_before;
    reading->result.not_after = certificate->not_after;
    if (!ov_der_is_done(&info)) {
        TRY(read_unsigned(&info, &signer, certificate, reading));
    }
    reading->result.is_trusted = true;
    return OV_OK;
}

enum ov_status ov_signed_read(struct ov_span bytes, enum ov_signed_kind kind,
                              const struct ov_trust_rules *rules, struct ov_budget *budget,
                              struct ov_signed *ret_signed) {
    struct reading *reading = calloc(1, sizeof *reading);
    if (reading == NULL) {
        return OV_MEMORY;
    }
    reading->type = kind == OV_SIGNED_PROGRAM ? OV_OID(program_oid) : OV_OID(catalog_oid);
    ov_chain_init(rules, budget, &reading->chain);
    struct ov_der data;
    enum ov_status status = read_head(ov_der_of(bytes), reading, &data);
    status = status == OV_OK ? read_certificates(&data, reading) : status;
    status = status == OV_OK ? read_signers(&data, reading) : status;
    *ret_signed = reading->result;
    free(reading);
    return status;
}
