// SPDX-License-Identifier: Apache-2.0
// Rules on certificates, and the digests out of catalogs, as they stand in an image.
#include "rules/emit_state.h"
#include "trust/chain.h"

#include <stddef.h>
#include <stdlib.h>

void ov_emit_certificate(struct ov_emit *emit, const struct ov_rule *rule, uint32_t number) {
    const struct ov_trust_rule *asked = rule->certificate;
    struct ov_image_certificate record = {
        .rule = number,
        .modulus_at = (uint32_t)emit->code->size,
        .modulus_bytes = (uint32_t)asked->modulus.size,
        .flags = (uint8_t)((asked->is_blocked ? OV_CERTIFICATE_BLOCKED : 0) |
                           (asked->is_any_serial ? OV_CERTIFICATE_ANY_SERIAL : 0) |
                           (asked->can_sign_code ? OV_CERTIFICATE_CODE : 0) |
                           (asked->can_sign_time ? OV_CERTIFICATE_TIME : 0) |
                           (asked->can_sign_certificates ? OV_CERTIFICATE_SIGN : 0)),
        .not_before = asked->not_before,
    };
    memcpy(record.subject, asked->subject, sizeof record.subject);
    memcpy(record.serial, asked->serial, sizeof record.serial);
    ov_buf_add(emit->code, asked->modulus.data, asked->modulus.size);
    ov_buf_align(emit->code, 8);
    ov_buf_add(emit->certificates, &record, sizeof record);
}

static int compare_listed(const void *a, const void *b) {
    int keys = memcmp(a, b, offsetof(struct ov_image_listed, zero));
    const struct ov_image_listed *left = a, *right = b;
    if (keys != 0 || left->not_after != right->not_after) {
        return keys != 0 ? keys : left->not_after > right->not_after ? 1 : -1;
    }
    return (left->not_before > right->not_before) - (left->not_before < right->not_before);
}

enum ov_status ov_emit_listed(struct ov_emit *emit) {
    const struct ov_ruleset *set = emit->set;
    for (size_t i = 0; i < set->listed_count; i++) {
        const struct ov_listed_file *file = &set->listed[i];
        struct ov_image_listed record = {
            .what = file->is_program ? OV_LISTED_PROGRAM : OV_LISTED_FILE,
            .kind = file->kind,
            .not_before = file->not_before,
            .not_after = file->not_after,
        };
        memcpy(record.digest, file->digest, sizeof record.digest);
        ov_buf_add(emit->listed, &record, sizeof record);
    }
    TRY(ov_buf_status(emit->certificates));
    TRY(ov_buf_status(emit->listed));
    if (set->listed_count > 1) {
        qsort(emit->listed->data, set->listed_count, sizeof(struct ov_image_listed),
              compare_listed);
    }
    return OV_OK;
}
