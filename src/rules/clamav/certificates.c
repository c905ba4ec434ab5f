// SPDX-License-Identifier: Apache-2.0
// Trusted and blocked certificates: `Name;Trusted;SubjectSHA1;Serial;Modulus;Exponent;CodeSign;
// TimeSign;CertSign;NotBefore;Comment[;min[;max]]` (.crb).
#include "rules/clamav/parser.h"
#include "rules/clamav/readers.h"

#include "base/hex.h"
#include "trust/chain.h"

enum {
    FIELDS = 13,
    FIELDS_MIN = 11,
    FIELD_NAME = 0,
    FIELD_TRUSTED = 1,
    FIELD_SUBJECT = 2,
    FIELD_SERIAL = 3,
    FIELD_MODULUS = 4, // the exponent behind it is not looked at: it is always 65537
    FIELD_CODE = 6,
    FIELD_TIME = 7,
    FIELD_SIGN = 8,
    FIELD_NOT_BEFORE = 9,
    FIELD_LEVELS = 11,
};

static const char unnamed[] = "(unnamed CRB rule)";

// `0` or `1`.
static enum ov_status read_switch(struct ov_parser *parser, const struct ov_span *fields,
                                  unsigned index, bool *ret_is_on) {
    struct ov_span text = fields[index];
    if (!ov_span_is_text(text, "0") && !ov_span_is_text(text, "1")) {
        return ov_parser_fail(parser, text.data, "field %u: 0 or 1 expected", index + 1);
    }
    *ret_is_on = text.data[0] == '1';
    return OV_OK;
}

static enum ov_status read_digest(struct ov_parser *parser, const struct ov_span *fields,
                                  unsigned index, uint8_t ret_digest[OV_SHA1_BYTES]) {
    struct ov_span text = fields[index];
    if (text.size != 2 * (size_t)OV_SHA1_BYTES ||
        ov_hex_read(text, ret_digest, OV_SHA1_BYTES) != OV_OK) {
        return ov_parser_fail(parser, text.data, "field %u: a SHA-1 of 40 hex digits expected",
                              index + 1);
    }
    return OV_OK;
}

// Hex digits, of any number.
static enum ov_status read_modulus(struct ov_parser *parser, struct ov_span text,
                                   struct ov_span *ret_modulus) {
    void *memory;
    size_t zeros = 0;
    while (zeros < text.size && text.data[zeros] == '0') {
        zeros++;
    }
    struct ov_span digits = ov_span_from(text, zeros);
    size_t size = digits.size / 2 + digits.size % 2;
    if (size == 0 || size > OV_RSA_BYTES_MAX) {
        return ov_parser_fail(parser, text.data, "field 5: a modulus of 1 to %d bytes expected",
                              OV_RSA_BYTES_MAX);
    }
    TRY(ov_parser_alloc(parser, 1, size, &memory));
    uint8_t *bytes = memory;
    for (size_t i = 0; i < digits.size; i++) {
        int digit = ov_hex_digit(digits.data[i]);
        size_t at = i + digits.size % 2;
        if (digit < 0) {
            return ov_parser_fail(parser, digits.data + i, "field 5: hex digits expected");
        }
        bytes[at / 2] = (uint8_t)(bytes[at / 2] << 4 | digit);
    }
    *ret_modulus = ov_span_make(bytes, size);
    return OV_OK;
}

static enum ov_status read_levels(struct ov_parser *parser, const struct ov_span *fields,
                                  size_t count, struct ov_rule *rule) {
    int level[2] = {0, INT32_MAX};
    for (size_t i = FIELD_LEVELS; i < count; i++) {
        if (!ov_number_read_int(fields[i], &level[i - FIELD_LEVELS])) {
            return ov_parser_fail(parser, fields[i].data,
                                  "field %zu: a functionality level expected", i + 1);
        }
    }
    if (level[0] > OV_RULE_LEVEL || level[1] < OV_RULE_LEVEL) {
        return ov_parser_skip(parser, "for functionality levels %d to %d, and this is %d", level[0],
                              level[1], OV_RULE_LEVEL);
    }
    rule->level_min = (uint32_t)level[0];
    rule->level_max = count == FIELDS ? (uint32_t)level[1] : UINT32_MAX;
    return OV_OK;
}

static enum ov_status read_fields(struct ov_parser *parser, const struct ov_span *fields,
                                  struct ov_trust_rule *certificate) {
    bool is_trusted = false;
    int not_before = 0;
    TRY(read_switch(parser, fields, FIELD_TRUSTED, &is_trusted));
    certificate->is_blocked = !is_trusted;
    TRY(read_digest(parser, fields, FIELD_SUBJECT, certificate->subject));
    certificate->is_any_serial = fields[FIELD_SERIAL].size == 0;
    if (!certificate->is_any_serial) {
        TRY(read_digest(parser, fields, FIELD_SERIAL, certificate->serial));
    }
    TRY(read_modulus(parser, fields[FIELD_MODULUS], &certificate->modulus));
    TRY(read_switch(parser, fields, FIELD_CODE, &certificate->can_sign_code));
    TRY(read_switch(parser, fields, FIELD_TIME, &certificate->can_sign_time));
    TRY(read_switch(parser, fields, FIELD_SIGN, &certificate->can_sign_certificates));
    if (!ov_number_read_int(fields[FIELD_NOT_BEFORE], &not_before)) {
        return ov_parser_fail(parser, fields[FIELD_NOT_BEFORE].data,
                              "field %d: seconds since 1970 expected", FIELD_NOT_BEFORE + 1);
    }
    certificate->not_before = not_before;
    return OV_OK;
}

static enum ov_status read_rule(struct ov_parser *parser, struct ov_rule *rule) {
    struct ov_span fields[FIELDS] = {0};
    size_t count = ov_fields_split(parser->line, ';', fields, FIELDS);
    void *memory;
    rule->kind = OV_RULE_CERTIFICATE;
    rule->name = fields[FIELD_NAME].size > 0 ? fields[FIELD_NAME] : ov_span_text(unnamed);
    if (count < FIELDS_MIN || count > FIELDS) {
        return ov_parser_fail(parser, NULL, "eleven to thirteen fields expected, not %zu", count);
    }
    TRY(read_levels(parser, fields, count, rule));
    TRY(ov_parser_alloc(parser, 1, sizeof(struct ov_trust_rule), &memory));
    rule->certificate = memory;
    return read_fields(parser, fields, memory);
}

static enum ov_status read_line(struct ov_parser *parser, unsigned mode, struct ov_place place) {
    (void)mode;
    struct ov_rule rule = {.place = place, .source = parser->line};
    return ov_parser_add_rule(parser, read_rule(parser, &rule), &rule);
}

enum ov_status ov_clamav_read_certificates(struct ov_ruleset *set, uint32_t file, unsigned mode) {
    return ov_parser_read_lines(set, file, mode, read_line);
}
