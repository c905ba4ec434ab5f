// SPDX-License-Identifier: Apache-2.0
// Says what a rule asks for.
#include "rules/explain.h"

#include "base/filetype.h"
#include "trust/chain.h"

#include <inttypes.h>

enum { TEXT_MIN = 3, PRINT_MAX = 4096 };

static const char *const target_names[] = {
    "any file", "PE",       "OLE2",        "HTML (normalised)",
    "mail",     "graphics", "ELF",         "text (normalised)",
    "unused",   "Mach-O",   "PDF",         "Flash",
    "Java",     "internal", "other files",
};

const char *ov_target_name(uint32_t target) {
    return target < sizeof target_names / sizeof target_names[0] ? target_names[target] : "unknown";
}

static bool is_printable(uint8_t byte) {
    return byte >= ' ' && byte < 0x7f;
}

void ov_text_add_printable(struct ov_buf *out, struct ov_span text) {
    for (size_t i = 0; i < text.size; i++) {
        if (is_printable(text.data[i])) {
            ov_buf_add_u8(out, text.data[i]);
        } else {
            ov_buf_printf(out, "\\x%02x", text.data[i]);
        }
    }
}

// ---- patterns ----------------------------------------------------------------------------------

static bool is_text_byte(const struct ov_elem *elem, uint32_t at) {
    return at < elem->size && (elem->mask[at] == 0xff || elem->mask[at] == 0xdf) &&
           is_printable(elem->value[at]);
}

// How many printable bytes begin here, each `stride` after the other with zeros between.
static uint32_t text_run(const struct ov_elem *elem, uint32_t at, uint32_t stride) {
    uint32_t count = 0;
    while (is_text_byte(elem, at)) {
        if (stride == 2 &&
            (at + 1 >= elem->size || elem->mask[at + 1] != 0xff || elem->value[at + 1] != 0)) {
            break;
        }
        count++;
        at += stride;
    }
    return count;
}

static void add_text_run(struct ov_buf *out, const struct ov_elem *elem, uint32_t at,
                         uint32_t count, uint32_t stride) {
    bool has_case = false;
    ov_buf_add_text(out, stride == 2 ? "wide\"" : "\"");
    for (uint32_t i = 0; i < count; i++) {
        uint8_t byte = elem->value[at + i * stride];
        bool is_any_case = elem->mask[at + i * stride] == 0xdf;
        has_case = has_case || is_any_case;
        byte = is_any_case ? (uint8_t)(byte | 0x20) : byte;
        if (byte == '"' || byte == '\\') {
            ov_buf_add_u8(out, '\\');
        }
        ov_buf_add_u8(out, byte);
    }
    ov_buf_add_text(out, has_case ? "\"i" : "\"");
}

static void add_hex_byte(struct ov_buf *out, uint8_t value, uint8_t mask) {
    static const char digits[] = "0123456789abcdef";
    ov_buf_add_u8(out, (mask & 0xf0) != 0 ? (uint8_t)digits[value >> 4] : '?');
    ov_buf_add_u8(out, (mask & 0x0f) != 0 ? (uint8_t)digits[value & 15] : '?');
}

static void add_bytes(struct ov_buf *out, const struct ov_elem *elem) {
    uint32_t shown = elem->size < PRINT_MAX ? elem->size : PRINT_MAX;
    for (uint32_t at = 0; at < shown;) {
        ov_buf_add_text(out, at > 0 ? " " : "");
        uint32_t narrow = text_run(elem, at, 1);
        uint32_t wide = text_run(elem, at, 2);
        if (narrow >= TEXT_MIN || (narrow == elem->size && narrow > 0)) {
            add_text_run(out, elem, at, narrow, 1);
            at += narrow;
        } else if (wide >= TEXT_MIN) {
            add_text_run(out, elem, at, wide, 2);
            at += 2 * wide;
        } else {
            add_hex_byte(out, elem->value[at], elem->mask[at]);
            at++;
        }
    }
    if (shown < elem->size) {
        ov_buf_printf(out, " ... %" PRIu32 " more bytes", elem->size - shown);
    }
}

static void add_gap(struct ov_buf *out, const struct ov_elem *elem) {
    if (elem->max == OV_GAP_UNLIMITED) {
        if (elem->min == 0) {
            ov_buf_add_text(out, "{any distance}");
        } else {
            ov_buf_printf(out, "{%" PRIu32 " bytes or more}", elem->min);
        }
    } else if (elem->min == elem->max) {
        ov_buf_printf(out, "{%" PRIu32 " bytes}", elem->min);
    } else {
        ov_buf_printf(out, "{%" PRIu32 " to %" PRIu32 " bytes}", elem->min, elem->max);
    }
}

static const char *class_name(enum ov_class class) {
    return class == OV_CLASS_BOUNDARY ? "boundary"
           : class == OV_CLASS_LINE   ? "line end"
                                      : "no word";
}

static void add_seq(struct ov_buf *out, const struct ov_seq *seq);

static void add_elem(struct ov_buf *out, const struct ov_elem *elem) {
    switch (elem->kind) {
    case OV_ELEM_BYTES:
        add_bytes(out, elem);
        break;
    case OV_ELEM_GAP:
        add_gap(out, elem);
        break;
    case OV_ELEM_ALT:
        ov_buf_add_text(out, elem->is_negated ? "not(" : "(");
        for (uint32_t i = 0; i < elem->alt_count; i++) {
            ov_buf_add_text(out, i > 0 ? " | " : "");
            add_seq(out, &elem->alts[i]);
        }
        ov_buf_add_text(out, ")");
        break;
    case OV_ELEM_CLASS:
        ov_buf_printf(out, "<%s%s%s>", elem->is_negated ? "not " : "", class_name(elem->class),
                      elem->is_edge ? "" : ", one byte");
        break;
    }
}

static void add_seq(struct ov_buf *out, const struct ov_seq *seq) {
    for (uint32_t i = 0; i < seq->count; i++) {
        ov_buf_add_text(out, i > 0 ? " " : "");
        add_elem(out, &seq->elems[i]);
    }
}

void ov_pattern_explain(const struct ov_pattern *pattern, struct ov_buf *out) {
    add_seq(out, &pattern->seq);
}

// ---- offsets -----------------------------------------------------------------------------------

static void add_distance(struct ov_buf *out, int64_t value) {
    if (value != 0) {
        ov_buf_printf(out, " %c %" PRId64, value < 0 ? '-' : '+', value < 0 ? -value : value);
    }
}

void ov_offset_explain(const struct ov_offset *offset, struct ov_buf *out) {
    switch (offset->kind) {
    case OV_OFFSET_ANY:
        ov_buf_add_text(out, "anywhere");
        return;
    case OV_OFFSET_ABSOLUTE:
        ov_buf_printf(out, "at %" PRId64, offset->value);
        break;
    case OV_OFFSET_EOF:
        ov_buf_add_text(out, "at end of file");
        add_distance(out, -offset->value);
        break;
    case OV_OFFSET_ENTRY:
        ov_buf_add_text(out, "at entry point");
        add_distance(out, offset->value);
        break;
    case OV_OFFSET_SECTION:
        ov_buf_printf(out, "at start of section %" PRIu32, offset->section);
        add_distance(out, offset->value);
        break;
    case OV_OFFSET_LAST_SECTION:
        ov_buf_add_text(out, "at start of last section");
        add_distance(out, offset->value);
        break;
    case OV_OFFSET_IN_SECTION:
        ov_buf_printf(out, "anywhere in section %" PRIu32, offset->section);
        break;
    case OV_OFFSET_VERSION:
        ov_buf_add_text(out, "in the version information");
        break;
    case OV_OFFSET_GROUP:
        ov_buf_printf(out, "as member of macro group %" PRId64, offset->value);
        break;
    }
    if (offset->shift > 0) {
        ov_buf_printf(out, " or up to %" PRIu32 " bytes later", offset->shift);
    }
}

// ---- expressions -------------------------------------------------------------------------------

static const char *op_text(enum ov_compare_op op) {
    return op == OV_COMPARE_EQ ? "=" : op == OV_COMPARE_GT ? ">" : "<";
}

void ov_expr_explain(const struct ov_expr *expr, struct ov_buf *out) {
    if (expr->kind == OV_EXPR_SUB) {
        ov_buf_printf(out, "%" PRIu32, expr->sub);
    } else {
        ov_buf_add_text(out, "(");
        ov_expr_explain(expr->left, out);
        ov_buf_add_text(out, expr->kind == OV_EXPR_AND ? " & " : " | ");
        ov_expr_explain(expr->right, out);
        ov_buf_add_text(out, ")");
    }
    if (expr->op != OV_COMPARE_NONE) {
        ov_buf_printf(out, "%s%" PRIu32, op_text(expr->op), expr->count);
    }
    if (expr->distinct > 0) {
        ov_buf_printf(out, ",%" PRIu32, expr->distinct);
    }
}

// ---- subsignatures and rules -------------------------------------------------------------------

static void add_compare(struct ov_buf *out, const struct ov_byte_compare *compare) {
    ov_buf_printf(out, "number at match of %" PRIu32, compare->sub);
    add_distance(out, compare->offset);
    ov_buf_printf(out, ", %" PRIu32 " bytes, %s, %s endian%s:", compare->size,
                  compare->base == 'h'   ? "hex text"
                  : compare->base == 'd' ? "decimal text"
                  : compare->base == 'a' ? "hex or decimal text"
                                         : "binary",
                  compare->is_big_endian ? "big" : "little", compare->is_exact ? ", exactly" : "");
    for (uint32_t i = 0; i < compare->count; i++) {
        ov_buf_printf(out, "%s %s %" PRId64, i > 0 ? " and" : "", op_text(compare->op[i]),
                      compare->value[i]);
    }
}

static void add_regex(struct ov_buf *out, const struct ov_sub *sub) {
    static const char letters[] = "greismxAEU";
    ov_buf_add_text(out, "/");
    ov_text_add_printable(out, sub->regex);
    ov_buf_add_text(out, "/");
    for (unsigned bit = 0; bit < sizeof letters - 1; bit++) {
        if ((sub->regex_flags & 1u << bit) != 0) {
            ov_buf_add_u8(out, (uint8_t)letters[bit]);
        }
    }
    ov_buf_add_text(out, " when ");
    ov_expr_explain(sub->trigger, out);
    ov_buf_add_text(out, ", ");
    ov_offset_explain(&sub->offset, out);
}

static void add_sub(struct ov_buf *out, const struct ov_sub *sub) {
    switch (sub->kind) {
    case OV_SUB_BODY:
        for (uint32_t i = 0; i < sub->pattern_count; i++) {
            ov_buf_add_text(out, i > 0 ? " or " : "");
            ov_pattern_explain(&sub->patterns[i], out);
        }
        ov_buf_add_text(out, ", ");
        ov_offset_explain(&sub->offset, out);
        break;
    case OV_SUB_REGEX:
        add_regex(out, sub);
        break;
    case OV_SUB_COMPARE:
        add_compare(out, &sub->compare);
        break;
    case OV_SUB_MACRO:
        ov_buf_printf(out, "macro group %" PRIu32 ", %" PRIu32 " to %" PRIu32 " bytes later",
                      sub->macro_group, sub->macro_min, sub->macro_max);
        break;
    case OV_SUB_IMAGE_HASH:
        ov_buf_printf(out, "image like %016" PRIx64, sub->image_hash);
        break;
    }
}

static void add_range(struct ov_buf *out, const char *what, bool has_range,
                      const struct ov_range *range) {
    if (has_range) {
        ov_buf_printf(out, "%s: %" PRIu32 " to %" PRIu32 "\n", what, range->min, range->max);
    }
}

static void add_conditions(struct ov_buf *out, const struct ov_rule *rule) {
    add_range(out, "file size", rule->has_file_size, &rule->file_size);
    add_range(out, "entry point", rule->has_entry_point, &rule->entry_point);
    add_range(out, "sections", rule->has_section_count, &rule->section_count);
    if (rule->container != OV_FILETYPE_NONE) {
        ov_buf_printf(out, "container: %s\n", ov_filetype_name(rule->container));
    }
    for (uint32_t i = 0; i < rule->intermediate_count; i++) {
        ov_buf_printf(out, "%s%s%s",
                      i > 0 ? " > " : "inside: ", ov_filetype_name(rule->intermediates[i]),
                      i + 1 == rule->intermediate_count ? "\n" : "");
    }
    for (unsigned list = 0; list < OV_ICON_LISTS; list++) {
        if (rule->icon_groups[list].data != NULL) {
            ov_buf_printf(out, "icon of group %u: ", list + 1);
            ov_text_add_printable(out, rule->icon_groups[list]);
            ov_buf_add_text(out, "\n");
        }
    }
    if (rule->handler != OV_FILETYPE_NONE) {
        ov_buf_printf(out, "scanned again as: %s\n", ov_filetype_name(rule->handler));
    }
}

const char *ov_rule_kind_text(const struct ov_rule *rule) {
    static const char *const texts[] = {
        [OV_RULE_BODY] = "body",
        [OV_RULE_LOGICAL] = "logical",
        [OV_RULE_METADATA] = "metadata",
        [OV_RULE_CERTIFICATE] = "certificate",
    };
    return texts[rule->kind];
}

static void add_size(struct ov_buf *out, const char *what, const struct ov_range *range) {
    if (range->min != 0 || range->max != UINT32_MAX) {
        ov_buf_printf(out, "%s: %" PRIu32 " to ", what, range->min);
        if (range->max != UINT32_MAX) {
            ov_buf_printf(out, "%" PRIu32 "\n", range->max);
        } else {
            ov_buf_add_text(out, "any\n");
        }
    }
}

static void add_metadata(struct ov_buf *out, const struct ov_metadata *metadata) {
    ov_buf_add_text(out, "matched with: what a container says of a member\n");
    ov_buf_printf(out, "container: %s\n",
                  metadata->container != 0 ? ov_filetype_name(metadata->container) : "any");
    add_size(out, "container size", &metadata->container_size);
    if (metadata->name.size > 0) {
        ov_buf_add_text(out, metadata->is_name_caseless ? "name, in either case: /" : "name: /");
        ov_text_add_printable(out, metadata->name);
        ov_buf_add_text(out, "/\n");
    }
    add_size(out, "stored size", &metadata->packed_size);
    add_size(out, "unpacked size", &metadata->plain_size);
    add_size(out, "position", &metadata->position);
    if (metadata->encrypted != OV_ENCRYPTED_EITHER) {
        ov_buf_printf(out, "encrypted: %s\n", metadata->encrypted != 0 ? "yes" : "no");
    }
    if (metadata->has_checksum) {
        ov_buf_printf(out, "checksum: %08" PRIx32 "\n", metadata->checksum);
    }
}

static void add_digest(struct ov_buf *out, const char *what, const uint8_t digest[OV_SHA1_BYTES]) {
    ov_buf_printf(out, "%s: SHA-1 ", what);
    for (unsigned i = 0; i < OV_SHA1_BYTES; i++) {
        ov_buf_printf(out, "%02x", digest[i]);
    }
    ov_buf_add_text(out, "\n");
}

static void add_certificate(struct ov_buf *out, const struct ov_trust_rule *certificate) {
    ov_buf_printf(out, "%s: programs signed with this certificate%s\n",
                  certificate->is_blocked ? "found" : "trusted",
                  !certificate->is_blocked && certificate->can_sign_certificates
                      ? ", or with one that it has signed"
                      : "");
    add_digest(out, "subject", certificate->subject);
    if (certificate->is_any_serial) {
        ov_buf_add_text(out, "serial number: any\n");
    } else {
        add_digest(out, "serial number", certificate->serial);
    }
    ov_buf_printf(out, "modulus: %zu bytes\n", certificate->modulus.size);
    if (!certificate->is_blocked) {
        ov_buf_printf(out, "may sign:%s%s%s\n", certificate->can_sign_code ? " programs" : "",
                      certificate->can_sign_time ? " times" : "",
                      certificate->can_sign_certificates ? " certificates" : "");
        ov_buf_printf(out, "valid from: %" PRId64 " seconds since 1970, or later\n",
                      certificate->not_before);
    }
}

void ov_rule_explain(const struct ov_rule *rule, struct ov_buf *out) {
    ov_buf_printf(out, "kind: %s\n", ov_rule_kind_text(rule));
    if (rule->certificate != NULL) {
        add_certificate(out, rule->certificate);
        return;
    }
    if (rule->metadata != NULL) {
        add_metadata(out, rule->metadata);
        return;
    }
    ov_buf_printf(out, "target: %" PRIu32 ", %s\n", rule->target, ov_target_name(rule->target));
    add_conditions(out, rule);
    for (uint32_t i = 0; i < rule->sub_count; i++) {
        ov_buf_printf(out, "%" PRIu32 ": ", i);
        add_sub(out, &rule->subs[i]);
        ov_buf_add_text(out, "\n");
    }
    if (rule->expr != NULL) {
        ov_buf_add_text(out, "found when: ");
        ov_expr_explain(rule->expr, out);
        ov_buf_add_text(out, "\n");
    }
}
