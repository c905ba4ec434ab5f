// SPDX-License-Identifier: Apache-2.0
// Detached signatures, and the way from their signers to certificates that the user trusts.
#include "trust/detached.h"

#include "trust/signer.h"

#include <stdlib.h>

enum { CERTIFICATES_MAX = 16, SIGNERS_MAX = 4, STEPS_MAX = 8 };

static const uint8_t signed_data_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02};
static const uint8_t data_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01};
static const uint8_t common_name_oid[] = {0x55, 0x04, 0x03};
static const uint8_t version_1[] = {1};

#define OV_OID(oid) ov_span_make((oid), sizeof(oid))

struct reading {
    const struct ov_detached *detached;
    uint32_t count;
    struct ov_certificate certificates[CERTIFICATES_MAX];
};

// ---- paths -------------------------------------------------------------------------------------

static bool is_strong(enum ov_sign_hash hash) {
    return hash == OV_SIGN_SHA256 || hash == OV_SIGN_SHA384 || hash == OV_SIGN_SHA512;
}

static bool is_valid_at(const struct ov_certificate *certificate, int64_t now) {
    return certificate->not_before <= now && now <= certificate->not_after;
}

static bool is_same(const struct ov_certificate *a, const struct ov_certificate *b) {
    return memcmp(a->subject, b->subject, sizeof a->subject) == 0 &&
           memcmp(a->issuer, b->issuer, sizeof a->issuer) == 0 &&
           memcmp(a->serial, b->serial, sizeof a->serial) == 0 &&
           ov_span_is_equal(a->key.modulus, b->key.modulus) &&
           ov_span_is_equal(a->key.exponent, b->key.exponent);
}

// Where a path is looked for.
struct shelf {
    const struct ov_certificate *items;
    uint32_t count;
    bool is_anchors; // the user's: old ones have no word on what they are for
};

// Whether `parent` may have signed and did sign the child, `authorities` steps above the signer.
static bool is_parent(const struct shelf *shelf, const struct ov_certificate *parent,
                      const struct ov_certificate *child, unsigned authorities, int64_t now) {
    bool is_authority = parent->is_authority || (shelf->is_anchors && !parent->is_end);
    return memcmp(parent->subject, child->issuer, sizeof child->issuer) == 0 && is_authority &&
           parent->can_sign_certificates && !parent->has_unknown_demand &&
           parent->authorities_most >= authorities && is_valid_at(parent, now) &&
           is_strong(child->hash) &&
           ov_rsa_verify(&parent->key, child->signature, child->hash, child->digest);
}

static const struct ov_certificate *find_parent(const struct shelf *shelf,
                                                const struct ov_certificate *child,
                                                unsigned authorities, int64_t now) {
    for (uint32_t i = 0; i < shelf->count; i++) {
        const struct ov_certificate *parent = &shelf->items[i];
        if (parent != child && is_parent(shelf, parent, child, authorities, now)) {
            return parent;
        }
    }
    return NULL;
}

static bool is_anchor(const struct ov_detached *detached,
                      const struct ov_certificate *certificate) {
    for (uint32_t i = 0; i < detached->anchor_count; i++) {
        if (is_same(&detached->anchors[i], certificate)) {
            return true;
        }
    }
    return false;
}

// Whether the certificate leads to an anchor. What was issued twice under one name and key may be
// walked the wrong way, and is then refused.
static bool is_trusted(const struct reading *reading, const struct ov_certificate *certificate) {
    const struct ov_detached *detached = reading->detached;
    struct shelf anchors = {detached->anchors, detached->anchor_count, true};
    struct shelf others = {reading->certificates, reading->count, false};
    int64_t now = detached->now;
    for (unsigned step = 0; step < STEPS_MAX && certificate != NULL; step++) {
        if (is_anchor(detached, certificate) ||
            find_parent(&anchors, certificate, step, now) != NULL) {
            return true;
        }
        certificate = find_parent(&others, certificate, step, now);
    }
    return false;
}

// ---- the signature -----------------------------------------------------------------------------

// RFC 2315, 7 and 9.1, up to the certificates: nothing stands where the content would.
static enum ov_status read_head(struct ov_der der, struct ov_der *ret_data) {
    struct ov_der info, content, signed_info;
    struct ov_der_item algorithms;
    TRY(ov_der_enter_last(&der, OV_DER_SEQUENCE, &info));
    TRY(ov_der_expect(&info, OV_DER_OID, OV_OID(signed_data_oid)));
    TRY(ov_der_enter_last(&info, OV_DER_CONTEXT_0, &content));
    TRY(ov_der_enter_last(&content, OV_DER_SEQUENCE, ret_data));
    TRY(ov_der_expect(ret_data, OV_DER_INTEGER, OV_OID(version_1)));
    TRY(ov_der_take(ret_data, OV_DER_SET, &algorithms)); // each signer names its own
    TRY(ov_der_enter(ret_data, OV_DER_SEQUENCE, &signed_info));
    TRY(ov_der_expect(&signed_info, OV_DER_OID, OV_OID(data_oid)));
    return ov_der_end(&signed_info);
}

static enum ov_status read_certificates(struct ov_der *data, struct reading *reading) {
    struct ov_der certificates;
    TRY(ov_der_enter(data, OV_DER_CONTEXT_0, &certificates));
    while (!ov_der_is_done(&certificates)) {
        bool is_read;
        if (reading->count == CERTIFICATES_MAX) {
            return OV_DAMAGED;
        }
        TRY(ov_certificate_read(&certificates, &reading->certificates[reading->count], &is_read));
        reading->count += is_read;
    }
    return OV_OK;
}

// RFC 2315, 9.3: signed are the attributes, as a set, and the digest of the content in them.
static bool has_signed(const struct ov_signer *signer, const struct ov_certificate *certificate,
                       struct ov_span content) {
    static const uint8_t set_tag[] = {OV_DER_SET};
    uint8_t bytes[OV_SIGN_DIGEST_BYTES];
    struct ov_sign_digest digest;
    ov_sign_digest_of(signer->hash, content, bytes);
    struct ov_span wanted = ov_span_make(bytes, ov_sign_hash_bytes(signer->hash));
    if (!ov_span_is_equal(signer->content_type, OV_OID(data_oid)) ||
        !ov_span_is_equal(signer->message_digest, wanted)) {
        return false;
    }
    ov_sign_digest_init(signer->hash, &digest);
    ov_sign_digest_update(&digest, ov_span_make(set_tag, sizeof set_tag));
    ov_sign_digest_update(&digest, ov_span_from(signer->attributes, 1));
    ov_sign_digest_finish(&digest, bytes);
    return ov_rsa_verify(&certificate->key, signer->signature, signer->hash, bytes);
}

static const struct ov_certificate *find_certificate(const struct reading *reading,
                                                     const struct ov_signer *signer) {
    for (uint32_t i = 0; i < reading->count; i++) {
        const struct ov_certificate *certificate = &reading->certificates[i];
        if (memcmp(certificate->issuer, signer->issuer, sizeof signer->issuer) == 0 &&
            memcmp(certificate->serial, signer->serial, sizeof signer->serial) == 0) {
            return certificate;
        }
    }
    return NULL;
}

// What a signer is for: data, and code, as the vendor's certificates say.
static enum ov_status check_signer(const struct reading *reading, struct ov_der *info,
                                   const struct ov_certificate **ret_certificate) {
    struct ov_signer signer;
    TRY(ov_signer_info_read(info, OV_SIGNER_MAIN, &signer));
    const struct ov_certificate *certificate = find_certificate(reading, &signer);
    if (certificate == NULL || !is_strong(signer.hash) || !certificate->can_sign_data ||
        !certificate->can_sign_code || certificate->has_unknown_demand ||
        !is_valid_at(certificate, reading->detached->now) ||
        !has_signed(&signer, certificate, reading->detached->content) ||
        !is_trusted(reading, certificate)) {
        return OV_DENIED;
    }
    *ret_certificate = certificate;
    return OV_OK;
}

static enum ov_status read_signers(struct ov_der *data, const struct reading *reading,
                                   const struct ov_certificate **ret_first) {
    struct ov_der_item signers;
    const struct ov_certificate *first = NULL;
    TRY(ov_der_next(data, &signers));
    if (signers.tag == OV_DER_CONTEXT_1) { // lists of revoked certificates
        TRY(ov_der_next(data, &signers));
    }
    TRY(ov_der_end(data));
    struct ov_der set = ov_der_of(signers.body);
    for (unsigned i = 0; i == 0 || !ov_der_is_done(&set); i++) {
        struct ov_der info;
        const struct ov_certificate *certificate;
        if (i == SIGNERS_MAX || signers.tag != OV_DER_SET) {
            return OV_DAMAGED;
        }
        TRY(ov_der_enter(&set, OV_DER_SEQUENCE, &info));
        TRY(check_signer(reading, &info, &certificate));
        first = first == NULL ? certificate : first;
    }
    *ret_first = first;
    return OV_OK;
}

enum ov_status ov_detached_verify(const struct ov_detached *detached,
                                  struct ov_certificate *ret_signer) {
    struct reading *reading = calloc(1, sizeof *reading);
    if (reading == NULL) {
        return OV_MEMORY;
    }
    reading->detached = detached;
    struct ov_der data;
    const struct ov_certificate *first = NULL;
    enum ov_status status = read_head(ov_der_of(detached->signature), &data);
    status = status == OV_OK ? read_certificates(&data, reading) : status;
    status = status == OV_OK ? read_signers(&data, reading, &first) : status;
    if (status == OV_OK) {
        *ret_signer = *first;
    }
    free(reading);
    return status;
}

// ---- names -------------------------------------------------------------------------------------

// RFC 5280, 4.1.2.4: a run of sets of pairs. Empty when there is none.
static struct ov_span find_common_name(struct ov_span name) {
    struct ov_der sets = ov_der_of(name), pairs, pair;
    while (ov_der_enter(&sets, OV_DER_SET, &pairs) == OV_OK) {
        while (ov_der_enter(&pairs, OV_DER_SEQUENCE, &pair) == OV_OK) {
            struct ov_der_item type, value;
            if (ov_der_take(&pair, OV_DER_OID, &type) == OV_OK &&
                ov_der_next(&pair, &value) == OV_OK &&
                ov_span_is_equal(type.body, OV_OID(common_name_oid))) {
                return value.body;
            }
        }
    }
    return (struct ov_span){0};
}

void ov_certificate_common_name(const struct ov_certificate *certificate, char *ret_name,
                                size_t size) {
    struct ov_span name = find_common_name(certificate->name);
    memset(ret_name, 0, size);
    for (size_t i = 0; i + 1 < size && i < name.size; i++) {
        uint8_t letter = name.data[i];
        ret_name[i] = letter >= 0x20 && letter <= 0x7e ? (char)letter : '?';
    }
}
