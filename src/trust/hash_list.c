// SPDX-License-Identifier: Apache-2.0
// Catalogs: a CertificateTrustList of Microsoft's ([MS-CAESO], 4.4.5.3.1) whose members have a
// SpcIndirectDataContent among their attributes.
#include "trust/signed_data.h"

static const uint8_t list_oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0c, 0x01, 0x01};
static const uint8_t member_oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0c, 0x01, 0x02};
static const uint8_t member2_oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0c, 0x01, 0x03};
static const uint8_t indirect_oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x04};
static const uint8_t image_oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x0f};
static const uint8_t cabinet_oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x19};

#define OV_OID(oid)          ov_span_make((oid), sizeof(oid))
#define OV_IS_OID(span, oid) ov_span_is_equal((span), OV_OID(oid))

enum ov_status ov_hash_list_open(struct ov_span content, struct ov_hash_list *ret_list) {
    struct ov_der der = ov_der_of(content), usage;
    struct ov_der_item item;
    struct ov_span oid;
    *ret_list = (struct ov_hash_list){0};
    TRY(ov_der_enter(&der, OV_DER_SEQUENCE, &usage));
    TRY(ov_der_expect(&usage, OV_DER_OID, OV_OID(list_oid)));
    TRY(ov_der_end(&usage));
    TRY(ov_der_take(&der, OV_DER_OCTET_STRING, &item)); // identifier
    TRY(ov_der_take(&der, OV_DER_UTC_TIME, &item));
    TRY(ov_der_algorithm(&der, &oid));
    if (!OV_IS_OID(oid, member_oid) && !OV_IS_OID(oid, member2_oid)) {
        return OV_DAMAGED;
    }
    return ov_der_enter(&der, OV_DER_SEQUENCE, &ret_list->members);
}

// The next attribute of any member; OV_END.
static enum ov_status next_attribute(struct ov_hash_list *list, struct ov_der *ret_attribute) {
    while (ov_der_is_done(&list->values)) {
        struct ov_der member;
        struct ov_der_item tag;
        if (ov_der_is_done(&list->members)) {
            return OV_END;
        }
        TRY(ov_der_enter(&list->members, OV_DER_SEQUENCE, &member));
        TRY(ov_der_take(&member, OV_DER_OCTET_STRING, &tag));
        TRY(ov_der_enter_last(&member, OV_DER_SET, &list->values));
    }
    return ov_der_enter(&list->values, OV_DER_SEQUENCE, ret_attribute);
}

// SpcIndirectDataContent in the set of an attribute.
static enum ov_status read_hash(struct ov_der *attribute, struct ov_listed_hash *ret_hash) {
    struct ov_der values, content, data, info;
    struct ov_der_item kind, digest;
    struct ov_span oid;
    TRY(ov_der_enter_last(attribute, OV_DER_SET, &values));
    TRY(ov_der_enter_last(&values, OV_DER_SEQUENCE, &content));
    TRY(ov_der_enter(&content, OV_DER_SEQUENCE, &data));
    TRY(ov_der_take(&data, OV_DER_OID, &kind));
    TRY(ov_der_enter_last(&content, OV_DER_SEQUENCE, &info));
    TRY(ov_der_algorithm(&info, &oid));
    TRY(ov_sign_hash_of_digest(oid, &ret_hash->hash));
    TRY(ov_der_take(&info, OV_DER_OCTET_STRING, &digest));
    TRY(ov_der_end(&info));
    ret_hash->is_program = OV_IS_OID(kind.body, image_oid);
    ret_hash->digest = digest.body;
    bool is_kind = ret_hash->is_program || OV_IS_OID(kind.body, cabinet_oid);
    bool is_hash = ret_hash->hash == OV_SIGN_SHA1 || ret_hash->hash == OV_SIGN_SHA256;
    bool is_whole = digest.body.size == ov_sign_hash_bytes(ret_hash->hash);
    return is_kind && is_hash && is_whole ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_hash_list_next(struct ov_hash_list *list, struct ov_listed_hash *ret_hash) {
    for (;;) {
        struct ov_der attribute;
        struct ov_der_item type;
        TRY(next_attribute(list, &attribute));
        TRY(ov_der_take(&attribute, OV_DER_OID, &type));
        if (OV_IS_OID(type.body, indirect_oid)) {
            return read_hash(&attribute, ret_hash);
        }
    }
}
