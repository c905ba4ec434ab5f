// SPDX-License-Identifier: Apache-2.0
// Trusted certificates: whom they name (RFC 5280, 4.1.2.6); as files of PEM or DER, and in the list
// of keys that a machine's owner enrolled (UEFI 2.10, 32.4.1, EFI_SIGNATURE_LIST).
#include "survey/readers.h"

#include "base/cursor.h"
#include "trust/der.h"
#include "trust/pem.h"

enum {
    TEXT_UTF16 = 0x1e, // BMPString
    GUID_BYTES = 16,
    ATTRIBUTE_BYTES = 4, // before what a variable holds, in files of efivarfs
    CERTIFICATES_MAX = 4096,
};

// ---- names ------------------------------------------------------------------------------------

// UTF-16 loses what is not ASCII.
static enum ov_status tell_text(struct ov_survey_out *out, enum ov_survey_kind kind,
                                const struct ov_der_item *text, const char *what) {
    OV_CLEANUP(ov_buf_release) struct ov_buf narrow = {0};
    struct ov_cursor in = ov_cursor_init(text->body);
    if (text->tag != TEXT_UTF16) {
        ov_survey_tell(out, kind, text->body, ov_span_text(what));
        return OV_OK;
    }
    while (ov_cursor_left(&in) >= 2) {
        uint16_t letter = ov_cursor_u16be(&in);
        ov_buf_add_u8(&narrow, letter > 0 && letter < 0x80 ? (uint8_t)letter : '?');
    }
    TRY(ov_buf_status(&narrow));
    ov_survey_tell(out, kind, ov_buf_span(&narrow), ov_span_text(what));
    return OV_OK;
}

static enum ov_status tell_part(struct ov_survey_out *out, enum ov_survey_kind kind,
                                struct ov_der part) {
    static const uint8_t organisation[] = {0x55, 4, 10}, common_name[] = {0x55, 4, 3};
    struct ov_der_item oid, text;
    TRY(ov_der_take(&part, OV_DER_OID, &oid));
    TRY(ov_der_next(&part, &text));
    if (ov_span_is_equal(oid.body, ov_span_make(organisation, sizeof organisation))) {
        return tell_text(out, kind, &text, "subject O");
    }
    if (ov_span_is_equal(oid.body, ov_span_make(common_name, sizeof common_name))) {
        return tell_text(out, kind, &text, "subject CN");
    }
    return OV_OK;
}

static enum ov_status tell_name(struct ov_survey_out *out, enum ov_survey_kind kind,
                                struct ov_der name) {
    while (!ov_der_is_done(&name)) {
        struct ov_der set;
        TRY(ov_der_enter(&name, OV_DER_SET, &set));
        while (!ov_der_is_done(&set)) {
            struct ov_der part;
            TRY(ov_der_enter(&set, OV_DER_SEQUENCE, &part));
            TRY(tell_part(out, kind, part));
        }
    }
    return OV_OK;
}

static enum ov_status read_certificate(struct ov_survey_out *out, enum ov_survey_kind kind,
                                       struct ov_span bytes) {
    struct ov_der file = ov_der_of(bytes), certificate, tbs, subject;
    struct ov_der_item item;
    TRY(ov_der_enter(&file, OV_DER_SEQUENCE, &certificate));
    TRY(ov_der_enter(&certificate, OV_DER_SEQUENCE, &tbs));
    TRY(ov_der_next(&tbs, &item));
    if (item.tag == OV_DER_CONTEXT_0) { // the version
        TRY(ov_der_next(&tbs, &item));
    }
    if (item.tag != OV_DER_INTEGER) {
        return OV_DAMAGED;
    }
    TRY(ov_der_take(&tbs, OV_DER_SEQUENCE, &item)); // algorithm
    TRY(ov_der_take(&tbs, OV_DER_SEQUENCE, &item)); // issuer
    TRY(ov_der_take(&tbs, OV_DER_SEQUENCE, &item)); // validity
    TRY(ov_der_enter(&tbs, OV_DER_SEQUENCE, &subject));
    out->count++;
    return tell_name(out, kind, subject);
}

static enum ov_status note_damage(struct ov_survey_out *out, enum ov_status status) {
    if (status != OV_DAMAGED) {
        return status;
    }
    ov_survey_problem(out, "a certificate cannot be read", 0);
    return OV_OK;
}

// ---- files ------------------------------------------------------------------------------------

enum ov_status ov_survey_certificates(struct ov_span bytes, struct ov_survey_out *out) {
    OV_CLEANUP(ov_buf_release) struct ov_buf der = {0};
    struct ov_span rest = bytes;
    if (bytes.size > 0 && bytes.data[0] == OV_DER_SEQUENCE) {
        return read_certificate(out, OV_FACT_CERTIFICATE, bytes);
    }
    for (unsigned i = 0; i < CERTIFICATES_MAX; i++) {
        ov_buf_reset(&der);
        enum ov_status status = ov_pem_next(&rest, &der);
        if (status == OV_END) {
            return OV_OK;
        }
        TRY(status);
        TRY(note_damage(out, read_certificate(out, OV_FACT_CERTIFICATE, ov_buf_span(&der))));
    }
    ov_survey_problem(out, "there are more certificates than are read", 0);
    return OV_OK;
}

// ---- enrolled keys ----------------------------------------------------------------------------

static enum ov_status read_signature_list(struct ov_cursor *in, struct ov_survey_out *out) {
    static const uint8_t x509[GUID_BYTES] = {0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a,
                                             0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72};
    struct ov_span type = ov_cursor_bytes(in, GUID_BYTES);
    uint32_t list_bytes = ov_cursor_u32le(in);
    uint32_t header_bytes = ov_cursor_u32le(in);
    uint32_t item_bytes = ov_cursor_u32le(in);
    enum { HEAD_BYTES = GUID_BYTES + 12 };
    if (in->has_failed || list_bytes < HEAD_BYTES || item_bytes <= GUID_BYTES) {
        return OV_DAMAGED;
    }
    struct ov_cursor list = ov_cursor_init(ov_cursor_bytes(in, list_bytes - HEAD_BYTES));
    ov_cursor_skip(&list, header_bytes);
    while (!in->has_failed && !list.has_failed && ov_cursor_left(&list) > 0) {
        ov_cursor_skip(&list, GUID_BYTES); // the owner
        struct ov_span item = ov_cursor_bytes(&list, item_bytes - GUID_BYTES);
        if (!list.has_failed && ov_span_is_equal(type, ov_span_make(x509, GUID_BYTES))) {
            TRY(note_damage(out, read_certificate(out, OV_FACT_MOK, item)));
        }
    }
    return in->has_failed || list.has_failed ? OV_DAMAGED : OV_OK;
}

static bool has_attributes(struct ov_span bytes) {
    struct ov_cursor in = ov_cursor_init(bytes);
    return ov_cursor_u32le(&in) <= 0xff; // no GUID of a list begins so
}

enum ov_status ov_survey_mok(struct ov_span bytes, struct ov_survey_out *out) {
    struct ov_cursor in = ov_cursor_init(bytes);
    ov_cursor_skip(&in, has_attributes(bytes) && bytes.size > 0 ? ATTRIBUTE_BYTES : 0);
    while (!in.has_failed && ov_cursor_left(&in) > 0) {
        TRY(read_signature_list(&in, out));
    }
    return in.has_failed ? OV_DAMAGED : OV_OK;
}
