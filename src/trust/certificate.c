// SPDX-License-Identifier: Apache-2.0
// Certificates (X.509): RFC 5280, section 4.1 and 4.2.
#include "trust/certificate.h"

enum {
    VERSION_3 = 2,
    SIGN_DATA = 0xc0,      // bits 0 and 1 of KeyUsage, counted from the top
    SIGN_CERTIFICATES = 4, // bit 5
    NOT_LIMITED = 255,
    SIGNATURE_BYTES_MAX = OV_RSA_BYTES_MAX,
};

static const uint8_t key_usage_oid[] = {0x55, 0x1d, 0x0f};
static const uint8_t extended_usage_oid[] = {0x55, 0x1d, 0x25};
static const uint8_t constraints_oid[] = {0x55, 0x1d, 0x13};
static const uint8_t code_oid[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03};
static const uint8_t time_oid[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08};

#define OV_IS_OID(span, oid) ov_span_is_equal((span), ov_span_make((oid), sizeof(oid)))

// ---- extensions --------------------------------------------------------------------------------

// Which extensions were there.
struct seen {
    bool key_usage, extended_usage;
};

// RFC 5280, 4.2.1.3: a string of bits, of which the first byte says how many are not used.
static enum ov_status read_key_usage(struct ov_span value, struct ov_certificate *certificate) {
    struct ov_der der = ov_der_of(value);
    struct ov_der_item bits;
    TRY(ov_der_take(&der, OV_DER_BIT_STRING, &bits));
    TRY(ov_der_end(&der));
    if (bits.body.size < 2 || bits.body.size > 3 || bits.body.data[0] > 7) {
        return OV_DAMAGED;
    }
    unsigned usage = bits.body.data[1];
    if (bits.body.size == 2) {
        usage &= ~((1u << bits.body.data[0]) - 1);
    }
    certificate->can_sign_certificates = (usage & SIGN_CERTIFICATES) != 0;
    certificate->can_sign_data = (usage & SIGN_DATA) != 0;
    return OV_OK;
}

// RFC 5280, 4.2.1.12.
static enum ov_status read_extended_usage(struct ov_span value,
                                          struct ov_certificate *certificate) {
    struct ov_der der = ov_der_of(value), purposes;
    TRY(ov_der_enter_last(&der, OV_DER_SEQUENCE, &purposes));
    while (!ov_der_is_done(&purposes)) {
        struct ov_der_item purpose;
        TRY(ov_der_take(&purposes, OV_DER_OID, &purpose));
        certificate->can_sign_code |= OV_IS_OID(purpose.body, code_oid);
        certificate->can_sign_time |= OV_IS_OID(purpose.body, time_oid);
    }
    return OV_OK;
}

// How many authorities may follow: one byte in all that are in use, and none at all in others.
static void read_path_limit(struct ov_der *constraints, struct ov_certificate *certificate) {
    struct ov_der_item limit;
    if (!ov_der_is_done(constraints)) {
        bool is_read = ov_der_take(constraints, OV_DER_INTEGER, &limit) == OV_OK;
        bool is_small = is_read && limit.body.size == 1 && limit.body.data[0] < 0x80;
        certificate->authorities_most = is_small ? limit.body.data[0] : 0;
    }
}

// RFC 5280, 4.2.1.9: without the word that it is an authority, it is none.
static enum ov_status read_constraints(struct ov_span value, struct ov_certificate *certificate) {
    struct ov_der der = ov_der_of(value), constraints;
    TRY(ov_der_enter(&der, OV_DER_SEQUENCE, &constraints));
    bool is_authority = false;
    if (!ov_der_is_done(&constraints)) {
        struct ov_der_item first;
        TRY(ov_der_next(&constraints, &first));
        bool is_boolean = first.tag == OV_DER_BOOLEAN && first.body.size == 1;
        if (!is_boolean && first.tag != OV_DER_INTEGER) {
            return OV_DAMAGED;
        }
        is_authority = is_boolean && first.body.data[0] != 0;
        read_path_limit(&constraints, certificate);
    }
    certificate->can_sign_certificates = is_authority;
    certificate->is_end = !is_authority;
    certificate->is_authority = is_authority;
    return OV_OK;
}

static enum ov_status read_extension(struct ov_der *extensions, struct seen *seen,
                                     struct ov_certificate *certificate) {
    struct ov_der extension;
    struct ov_der_item oid, value;
    TRY(ov_der_enter(extensions, OV_DER_SEQUENCE, &extension));
    TRY(ov_der_take(&extension, OV_DER_OID, &oid));
    TRY(ov_der_next(&extension, &value));
    bool is_critical = value.tag == OV_DER_BOOLEAN;
    if (is_critical) {
        if (value.body.size != 1) {
            return OV_DAMAGED;
        }
        is_critical = value.body.data[0] != 0;
        TRY(ov_der_next(&extension, &value));
    }
    if (value.tag != OV_DER_OCTET_STRING) {
        return OV_DAMAGED;
    }
    TRY(ov_der_end(&extension));
    if (OV_IS_OID(oid.body, key_usage_oid)) {
        seen->key_usage = true;
        return read_key_usage(value.body, certificate);
    }
    if (OV_IS_OID(oid.body, extended_usage_oid)) {
        seen->extended_usage = true;
        return read_extended_usage(value.body, certificate);
    }
    if (OV_IS_OID(oid.body, constraints_oid)) {
        return read_constraints(value.body, certificate);
    }
    certificate->has_unknown_demand |= is_critical;
    return OV_OK;
}

// What is not told to be forbidden is allowed, as clamscan has it: authorities in use say nothing.
static enum ov_status read_extensions(struct ov_span body, struct ov_certificate *certificate) {
    struct ov_der der = ov_der_of(body), extensions;
    struct seen seen = {0};
    TRY(ov_der_enter_last(&der, OV_DER_SEQUENCE, &extensions));
    while (!ov_der_is_done(&extensions)) {
        TRY(read_extension(&extensions, &seen, certificate));
    }
    if (!seen.extended_usage) {
        certificate->can_sign_code = true;
        certificate->can_sign_time = true;
    }
    if (!seen.key_usage) {
        certificate->can_sign_certificates = true;
        certificate->can_sign_data = true;
    }
    return OV_OK;
}

// ---- the rest ----------------------------------------------------------------------------------

// RFC 5280, 4.1.2.7, and RFC 8017, A.1.1.
static enum ov_status read_key(struct ov_der *tbs, struct ov_rsa_key *ret_key) {
    struct ov_der info, key;
    struct ov_span oid;
    struct ov_der_item bits, modulus, exponent;
    TRY(ov_der_enter(tbs, OV_DER_SEQUENCE, &info));
    TRY(ov_der_algorithm(&info, &oid));
    TRY(ov_der_take(&info, OV_DER_BIT_STRING, &bits));
    TRY(ov_der_end(&info));
    if (!ov_sign_is_rsa(oid) || bits.body.size == 0 || bits.body.data[0] != 0) {
        return OV_DAMAGED;
    }
    struct ov_der inside = ov_der_of(ov_span_from(bits.body, 1));
    TRY(ov_der_enter_last(&inside, OV_DER_SEQUENCE, &key));
    TRY(ov_der_take(&key, OV_DER_INTEGER, &modulus));
    TRY(ov_der_take(&key, OV_DER_INTEGER, &exponent));
    TRY(ov_der_end(&key));
    if (modulus.body.size < OV_RSA_BYTES_MIN || modulus.body.size > OV_RSA_BYTES_MAX ||
        exponent.body.size < 1 || exponent.body.size > modulus.body.size) {
        return OV_DAMAGED;
    }
    *ret_key = (struct ov_rsa_key){.modulus = ov_rsa_strip(modulus.body),
                                   .exponent = ov_rsa_strip(exponent.body)};
    return OV_OK;
}

// RFC 5280, 4.1.2.1 and 4.1.2.2: the serial number, and before it, from version 3 on, the version.
static enum ov_status read_serial(struct ov_der *tbs, struct ov_certificate *certificate,
                                  bool *ret_is_version_1) {
    static const uint8_t version_3[] = {VERSION_3};
    struct ov_der_item item;
    TRY(ov_der_next(tbs, &item));
    *ret_is_version_1 = item.tag == OV_DER_INTEGER;
    if (item.tag == OV_DER_CONTEXT_0) {
        struct ov_der version = ov_der_of(item.body);
        TRY(ov_der_expect(&version, OV_DER_INTEGER, ov_span_make(version_3, sizeof version_3)));
        TRY(ov_der_end(&version));
        TRY(ov_der_take(tbs, OV_DER_INTEGER, &item));
    } else if (!*ret_is_version_1) {
        return OV_DAMAGED;
    }
    ov_sha1(item.body, certificate->serial);
    return OV_OK;
}

static enum ov_status read_validity(struct ov_der *tbs, struct ov_certificate *certificate) {
    struct ov_der validity;
    TRY(ov_der_enter(tbs, OV_DER_SEQUENCE, &validity));
    TRY(ov_der_time(&validity, &certificate->not_before));
    TRY(ov_der_time(&validity, &certificate->not_after));
    TRY(ov_der_end(&validity));
    return certificate->not_before < certificate->not_after ? OV_OK : OV_DAMAGED;
}

// What follows the key: unique identifiers, which nobody uses, and extensions.
static enum ov_status read_tail(struct ov_der *tbs, struct ov_certificate *certificate) {
    uint8_t before = OV_DER_CONTEXT_0;
    while (!ov_der_is_done(tbs)) {
        struct ov_der_item item;
        TRY(ov_der_next(tbs, &item));
        if (item.tag <= before || item.tag > OV_DER_CONTEXT_3) {
            return OV_DAMAGED;
        }
        before = item.tag;
        if (item.tag == OV_DER_CONTEXT_3) {
            TRY(read_extensions(item.body, certificate));
        }
    }
    return OV_OK;
}

// RFC 5280, 4.1.2: what the issuer has signed.
static enum ov_status read_signed_part(struct ov_der tbs, struct ov_certificate *certificate,
                                       enum ov_sign_hash *ret_hash) {
    bool is_version_1;
    struct ov_span oid;
    struct ov_der_item issuer, subject;
    TRY(read_serial(&tbs, certificate, &is_version_1));
    TRY(ov_der_algorithm(&tbs, &oid));
    TRY(ov_sign_hash_of_signature(oid, ret_hash));
    TRY(ov_der_take(&tbs, OV_DER_SEQUENCE, &issuer));
    TRY(read_validity(&tbs, certificate));
    TRY(ov_der_take(&tbs, OV_DER_SEQUENCE, &subject));
    TRY(read_key(&tbs, &certificate->key));
    ov_sha1(issuer.body, certificate->issuer);
    ov_sha1(subject.body, certificate->subject);
    certificate->name = subject.body;
    certificate->authorities_most = NOT_LIMITED;
    if (is_version_1) { // it cannot say what it is for; those in use are for times
        certificate->can_sign_certificates = true;
        certificate->can_sign_time = true;
        return ov_der_end(&tbs);
    }
    return read_tail(&tbs, certificate);
}

static enum ov_status read_parts(struct ov_der parts, struct ov_certificate *certificate) {
    struct ov_der_item tbs, bits;
    enum ov_sign_hash inner;
    struct ov_span oid;
    TRY(ov_der_take(&parts, OV_DER_SEQUENCE, &tbs));
    TRY(read_signed_part(ov_der_of(tbs.body), certificate, &inner));
    TRY(ov_der_algorithm(&parts, &oid));
    TRY(ov_sign_hash_of_signature(oid, &certificate->hash));
    TRY(ov_der_take(&parts, OV_DER_BIT_STRING, &bits));
    TRY(ov_der_end(&parts));
    bool is_known = certificate->hash == inner && inner != OV_SIGN_ANY;
    if (!is_known || bits.body.size == 0 || bits.body.size > SIGNATURE_BYTES_MAX ||
        bits.body.data[0] != 0) {
        return OV_DAMAGED;
    }
    certificate->signature = ov_span_from(bits.body, 1);
    ov_sign_digest_of(inner, tbs.whole, certificate->digest);
    return OV_OK;
}

enum ov_status ov_certificate_read(struct ov_der *der, struct ov_certificate *ret_certificate,
                                   bool *ret_is_read) {
    struct ov_der parts;
    struct ov_certificate certificate = {0};
    TRY(ov_der_enter(der, OV_DER_SEQUENCE, &parts));
    *ret_is_read = read_parts(parts, &certificate) == OV_OK;
    *ret_certificate = certificate;
    return OV_OK;
}
