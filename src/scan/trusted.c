// SPDX-License-Identifier: Apache-2.0
// Signed programs, before any rule is tried on them.
#include "scan/trusted.h"

#include "scan/scanner_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    TARGET_PE = 1,
    SIGNATURE_BYTES_MAX = 16 << 20, // those in use have 10 to 20 KB
};

// ---- the rules ---------------------------------------------------------------------------------

static bool is_sound(const struct ov_image *image, struct ov_span code,
                     const struct ov_image_certificate *record) {
    return record->rule < image->header->rule_count && record->flags <= OV_CERTIFICATE_FLAGS &&
           record->modulus_bytes > 0 && record->modulus_bytes <= OV_RSA_BYTES_MAX &&
           record->modulus_at <= code.size &&
           record->modulus_bytes <= code.size - record->modulus_at &&
           code.data[record->modulus_at] != 0;
}

static struct ov_trust_rule make_rule(struct ov_span code,
                                      const struct ov_image_certificate *record) {
    struct ov_trust_rule rule = {
        .is_blocked = (record->flags & OV_CERTIFICATE_BLOCKED) != 0,
        .is_any_serial = (record->flags & OV_CERTIFICATE_ANY_SERIAL) != 0,
        .can_sign_code = (record->flags & OV_CERTIFICATE_CODE) != 0,
        .can_sign_time = (record->flags & OV_CERTIFICATE_TIME) != 0,
        .can_sign_certificates = (record->flags & OV_CERTIFICATE_SIGN) != 0,
        .not_before = record->not_before,
        .modulus = ov_span_part(code, record->modulus_at, record->modulus_bytes),
    };
    memcpy(rule.subject, record->subject, sizeof rule.subject);
    memcpy(rule.serial, record->serial, sizeof rule.serial);
    return rule;
}

static enum ov_status open_rules(const struct ov_image *image, char *ret_reason,
                                 struct ov_trusted *trusted) {
    uint32_t count;
    const struct ov_image_certificate *records =
        ov_image_array(image, OV_SECTION_CERTIFICATES, 0, sizeof *records, &count);
    struct ov_span code = ov_image_section(image, OV_SECTION_CODE, 0);
    if (count == 0) {
        return OV_OK;
    }
    struct ov_trust_rule *items = calloc(count, sizeof *items);
    trusted->rules.items = items;
    trusted->numbers = calloc(count, sizeof *trusted->numbers);
    if (items == NULL || trusted->numbers == NULL) {
        return OV_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!is_sound(image, code, &records[i])) {
            (void)snprintf(ret_reason, OV_IMAGE_REASON_BYTES, "certificate %u is damaged", i);
            return OV_DAMAGED;
        }
        items[i] = make_rule(code, &records[i]);
        trusted->numbers[i] = records[i].rule;
    }
    trusted->rules.count = count;
    return OV_OK;
}

enum ov_status ov_trusted_open(const struct ov_image *image, char ret_reason[OV_IMAGE_REASON_BYTES],
                               struct ov_trusted *ret_trusted) {
    struct ov_trusted trusted = {0};
    enum ov_status status = open_rules(image, ret_reason, &trusted);
    status = status == OV_OK ? ov_listed_open(image, ret_reason, &trusted.listed) : status;
    if (status != OV_OK) {
        ov_trusted_close(&trusted);
        return status;
    }
    *ret_trusted = trusted;
    return OV_OK;
}

void ov_trusted_close(struct ov_trusted *trusted) {
    free((void *)trusted->rules.items);
    free(trusted->numbers);
    *trusted = (struct ov_trusted){0};
}

bool ov_trusted_is_asked(const struct ov_trusted *trusted) {
    return trusted->rules.count > 0 || trusted->listed.count > 0;
}

// ---- a program ---------------------------------------------------------------------------------

static int64_t read_clock(void) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

// Adds the rules that block a certificate to the verdict.
static void report_blocked(struct ov_subject *subject, const struct ov_signed *found) {
    struct ov_scanner *scanner = subject->scanner;
    scanner->finds.count = 0;
    for (uint32_t i = 0; i < found->blocked_count; i++) {
        uint32_t rule = scanner->trusted.numbers[found->blocked[i]];
        const struct ov_image_rule *record = ov_matcher_rule(scanner->matcher, rule);
        ov_finds_add_metadata(&scanner->finds, rule, i,
                              record != NULL && (record->flags & OV_RULE_FLAG_PUA) != 0);
    }
    ov_subject_report(subject);
}

// What a signature says of its program.
enum opinion { OPINION_NONE, OPINION_TRUSTED, OPINION_BLOCKED };

// The signature is read from a copy: the file may change.
static enum ov_status read_embedded(struct ov_subject *subject, struct ov_span bytes,
                                    struct ov_signed *ret_signed) {
    struct ov_scanner *scanner = subject->scanner;
    if (scanner->trusted.rules.count == 0 || bytes.size == 0 || bytes.size > SIGNATURE_BYTES_MAX) {
        return OV_OK;
    }
    uint8_t *copy = ov_arena_alloc(subject->arena, bytes.size);
    if (copy == NULL) {
        return OV_MEMORY;
    }
    memcpy(copy, bytes.data, bytes.size);
    enum ov_status status = ov_signed_read(ov_span_make(copy, bytes.size), OV_SIGNED_PROGRAM,
                                           &scanner->trusted.rules, &scanner->budget, ret_signed);
    return status == OV_DAMAGED ? OV_OK : status;
}

static enum ov_status judge_embedded(struct ov_subject *subject,
                                     const struct ov_pe_signature *signature,
                                     enum opinion *ret_opinion) {
    struct ov_signed found = {0};
    TRY(read_embedded(subject, signature->bytes, &found));
    *ret_opinion = OPINION_NONE;
    if (found.blocked_count > 0) {
        *ret_opinion = OPINION_BLOCKED;
        report_blocked(subject, &found);
        return OV_OK;
    }
    int64_t now = read_clock();
    if (found.is_trusted && now >= found.not_before && now <= found.not_after &&
        ov_signed_is_of(found.content, signature->parts, OV_PE_SIGNED_PARTS)) {
        *ret_opinion = OPINION_TRUSTED;
    }
    return OV_OK;
}

static bool is_listed(struct ov_subject *subject, const struct ov_pe_signature *signature) {
    static const enum ov_hash_kind kinds[] = {OV_HASH_SHA1, OV_HASH_SHA256};
    const struct ov_listed *listed = &subject->scanner->trusted.listed;
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        uint8_t bytes[OV_HASH_BYTES_MAX];
        struct ov_digest digest;
        if (!listed->has[OV_LISTED_PROGRAM][kinds[i]]) {
            continue;
        }
        ov_digest_init(kinds[i], &digest);
        for (unsigned k = 0; k < OV_PE_SIGNED_PARTS; k++) {
            ov_digest_update(&digest, signature->parts[k]);
        }
        ov_digest_finish(&digest, bytes);
        if (ov_listed_has(listed, OV_LISTED_PROGRAM, kinds[i], bytes, read_clock())) {
            return true;
        }
    }
    return false;
}

enum ov_status ov_subject_check_signature(struct ov_subject *subject, bool *ret_is_trusted) {
    struct ov_scanner *scanner = subject->scanner;
    bool is_program = subject->target == TARGET_PE && subject->exe.is_readable;
    bool is_off = (scanner->options.alerts & OV_ALERT_NO_CERTIFICATES) != 0;
    struct ov_pe_signature signature;
    enum opinion opinion;
    *ret_is_trusted = false;
    if (!is_program || is_off || !ov_trusted_is_asked(&scanner->trusted) ||
        ov_pe_signature_find(subject->bytes, &subject->exe, &signature) != OV_OK) {
        return OV_OK;
    }
    TRY(judge_embedded(subject, &signature, &opinion));
    *ret_is_trusted =
        opinion == OPINION_TRUSTED || (opinion == OPINION_NONE && is_listed(subject, &signature));
    return ov_scanner_is_final(scanner) ? OV_END : OV_OK;
}

bool ov_subject_is_listed(struct ov_subject *subject) {
    static const enum ov_hash_kind kinds[] = {OV_HASH_SHA1, OV_HASH_SHA256};
    const struct ov_listed *listed = &subject->scanner->trusted.listed;
    bool is_off = (subject->scanner->options.alerts & OV_ALERT_NO_CERTIFICATES) != 0;
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        uint8_t digest[OV_HASH_BYTES_MAX];
        if (listed->has[OV_LISTED_FILE][kinds[i]] && !is_off) {
            ov_digest_of(kinds[i], subject->bytes, digest);
            if (ov_listed_has(listed, OV_LISTED_FILE, kinds[i], digest, read_clock())) {
                return true;
            }
        }
    }
    return false;
}
