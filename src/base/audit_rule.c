// SPDX-License-Identifier: Apache-2.0
// A rule of the kernel's audit (<linux/audit.h>) in the words of auditctl(8).
#include "base/audit_rules.h"

#include "base/cursor.h"

#include <linux/audit.h>
#include <string.h>

enum { CALLS_A_WORD = 32 };

struct name {
    uint32_t number;
    const char *text;
};

// Those that say whom or what a rule is about; others stand as their numbers.
static const struct name fields[] = {
    {AUDIT_PID, "pid"},
    {AUDIT_PPID, "ppid"},
    {AUDIT_UID, "uid"},
    {AUDIT_EUID, "euid"},
    {AUDIT_SUID, "suid"},
    {AUDIT_FSUID, "fsuid"},
    {AUDIT_GID, "gid"},
    {AUDIT_EGID, "egid"},
    {AUDIT_LOGINUID, "auid"},
    {AUDIT_SESSIONID, "sessionid"},
    {AUDIT_ARCH, "arch"},
    {AUDIT_MSGTYPE, "msgtype"},
    {AUDIT_SUBJ_USER, "subj_user"},
    {AUDIT_SUBJ_ROLE, "subj_role"},
    {AUDIT_SUBJ_TYPE, "subj_type"},
    {AUDIT_SUBJ_SEN, "subj_sen"},
    {AUDIT_SUBJ_CLR, "subj_clr"},
    {AUDIT_OBJ_USER, "obj_user"},
    {AUDIT_OBJ_ROLE, "obj_role"},
    {AUDIT_OBJ_TYPE, "obj_type"},
    {AUDIT_OBJ_LEV_LOW, "obj_lev_low"},
    {AUDIT_OBJ_LEV_HIGH, "obj_lev_high"},
    {AUDIT_DEVMAJOR, "devmajor"},
    {AUDIT_DEVMINOR, "devminor"},
    {AUDIT_INODE, "inode"},
    {AUDIT_EXIT, "exit"},
    {AUDIT_SUCCESS, "success"},
    {AUDIT_WATCH, "path"},
    {AUDIT_PERM, "perm"},
    {AUDIT_DIR, "dir"},
    {AUDIT_FILETYPE, "filetype"},
    {AUDIT_EXE, "exe"},
    {AUDIT_FSTYPE, "fstype"},
    {AUDIT_ARG0, "a0"},
    {AUDIT_ARG1, "a1"},
    {AUDIT_ARG2, "a2"},
    {AUDIT_ARG3, "a3"},
    {AUDIT_FILTERKEY, "key"},
    {0, NULL},
};

// The value is the length of a text, which stands behind the rule, in the order of the fields.
static bool has_text(uint32_t field) {
    return (field >= AUDIT_SUBJ_USER && field <= AUDIT_SUBJ_CLR) ||
           (field >= AUDIT_OBJ_USER && field <= AUDIT_OBJ_LEV_HIGH) || field == AUDIT_WATCH ||
           field == AUDIT_DIR || field == AUDIT_FILTERKEY || field == AUDIT_EXE;
}

static const char *operator_of(uint32_t flags) {
    switch (flags & AUDIT_OPERATORS) {
    case AUDIT_EQUAL:
        return "=";
    case AUDIT_NOT_EQUAL:
        return "!=";
    case AUDIT_LESS_THAN:
        return "<";
    case AUDIT_LESS_THAN_OR_EQUAL:
        return "<=";
    case AUDIT_GREATER_THAN:
        return ">";
    case AUDIT_GREATER_THAN_OR_EQUAL:
        return ">=";
    case AUDIT_BIT_MASK:
        return "&";
    case AUDIT_BIT_TEST:
        return "&=";
    default:
        return "?";
    }
}

// Words end at spaces: those within a text stand as %20.
static void add_text(struct ov_span text, struct ov_buf *buf) {
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte <= ' ' || byte == '%' || byte >= 0x7f) {
            ov_buf_printf(buf, "%%%02X", byte);
        } else {
            ov_buf_add_u8(buf, byte);
        }
    }
}

static void add_calls(const struct audit_rule_data *rule, struct ov_buf *buf) {
    bool has_all = true;
    for (size_t i = 0; i < AUDIT_BITMASK_SIZE; i++) {
        has_all &= rule->mask[i] == UINT32_MAX;
    }
    if (has_all) {
        ov_buf_add_text(buf, " -S all");
        return;
    }
    for (unsigned i = 0; i < AUDIT_BITMASK_SIZE * CALLS_A_WORD; i++) {
        if ((rule->mask[i / CALLS_A_WORD] >> i % CALLS_A_WORD & 1) != 0) {
            ov_buf_printf(buf, " -S %u", i);
        }
    }
}

static enum ov_status add_field(const struct audit_rule_data *rule, unsigned at,
                                struct ov_cursor *texts, struct ov_buf *buf) {
    const struct name *name = fields;
    while (name->text != NULL && name->number != rule->fields[at]) {
        name++;
    }
    if (name->text != NULL) {
        ov_buf_printf(buf, " -F %s%s", name->text, operator_of(rule->fieldflags[at]));
    } else {
        ov_buf_printf(buf, " -F field-%u%s", rule->fields[at], operator_of(rule->fieldflags[at]));
    }
    if (!has_text(rule->fields[at])) {
        ov_buf_printf(buf, "%u", rule->values[at]);
        return OV_OK;
    }
    add_text(ov_cursor_bytes(texts, rule->values[at]), buf);
    return ov_cursor_status(texts) == OV_OK ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_audit_rule_add(struct ov_span bytes, struct ov_buf *buf) {
    static const char *const lists[] = {"user", "task",    "entry",      "watch",
                                        "exit", "exclude", "filesystem", "io_uring"};
    static const char *const actions[] = {"never", "possible", "always"};
    struct audit_rule_data rule;
    if (bytes.size < sizeof rule) {
        return OV_DAMAGED;
    }
    memcpy(&rule, bytes.data, sizeof rule);
    uint32_t list = rule.flags & ~(uint32_t)AUDIT_FILTER_PREPEND;
    if (list >= sizeof lists / sizeof lists[0] || rule.action > AUDIT_ALWAYS ||
        rule.field_count > AUDIT_MAX_FIELDS) {
        return OV_DAMAGED;
    }
    struct ov_cursor texts = ov_cursor_init(ov_span_part(bytes, sizeof rule, rule.buflen));
    ov_buf_printf(buf, "-a %s,%s", actions[rule.action], lists[list]);
    if (list == AUDIT_FILTER_EXIT || list == AUDIT_FILTER_ENTRY) {
        add_calls(&rule, buf);
    }
    for (unsigned i = 0; i < rule.field_count; i++) {
        TRY(add_field(&rule, i, &texts, buf));
    }
    return ov_buf_status(buf);
}
