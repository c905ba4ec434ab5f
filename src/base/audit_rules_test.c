// SPDX-License-Identifier: Apache-2.0
// Rules of the kernel's audit as the kernel gives them, in auditctl's words.
#include "base/audit_rules.h"

#include <linux/audit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 256 };

struct made {
    _Alignas(struct audit_rule_data) uint8_t bytes[sizeof(struct audit_rule_data) + ROOM];
};

static struct audit_rule_data *rule_of(struct made *made) {
    return (struct audit_rule_data *)(void *)made->bytes;
}

static struct ov_span span_of(struct made *made) {
    return ov_span_make(made->bytes, sizeof(struct audit_rule_data) + rule_of(made)->buflen);
}

static void begin(struct made *made, uint32_t list, uint32_t action) {
    *made = (struct made){0};
    rule_of(made)->flags = list;
    rule_of(made)->action = action;
}

static void add_field(struct made *made, uint32_t field, uint32_t how, uint32_t value) {
    struct audit_rule_data *rule = rule_of(made);
    unsigned at = rule->field_count++;
    rule->fields[at] = field;
    rule->fieldflags[at] = how;
    rule->values[at] = value;
}

static void add_text(struct made *made, uint32_t field, const char *text) {
    struct audit_rule_data *rule = rule_of(made);
    add_field(made, field, AUDIT_EQUAL, (uint32_t)strlen(text));
    memcpy(made->bytes + sizeof *rule + rule->buflen, text, strlen(text));
    rule->buflen += (uint32_t)strlen(text);
}

static void expect(struct made *made, const char *text) {
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    assert_int_equal(ov_audit_rule_add(span_of(made), &buf), OV_OK);
    ov_buf_add_u8(&buf, 0);
    assert_string_equal((const char *)buf.data, text);
}

static void test_rules(void **state) {
    struct made made;
    (void)state;
    begin(&made, AUDIT_FILTER_TASK, AUDIT_NEVER);
    expect(&made, "-a never,task");
    begin(&made, AUDIT_FILTER_EXIT, AUDIT_NEVER);
    memset(rule_of(&made)->mask, 0xff, sizeof rule_of(&made)->mask);
    add_text(&made, AUDIT_EXE, "/opt/a scanner");
    add_field(&made, AUDIT_PID, AUDIT_NOT_EQUAL, 42);
    add_text(&made, AUDIT_FILTERKEY, "quiet");
    expect(&made, "-a never,exit -S all -F exe=/opt/a%20scanner -F pid!=42 -F key=quiet");
    begin(&made, AUDIT_FILTER_EXIT, AUDIT_ALWAYS);
    rule_of(&made)->mask[0] = 1u << 2;
    rule_of(&made)->mask[8] = 1u << 1;
    add_field(&made, 4000, AUDIT_GREATER_THAN_OR_EQUAL, 7);
    expect(&made, "-a always,exit -S 2 -S 257 -F field-4000>=7");
    begin(&made, AUDIT_FILTER_EXCLUDE, AUDIT_ALWAYS);
    add_field(&made, AUDIT_MSGTYPE, AUDIT_EQUAL, 1300);
    expect(&made, "-a always,exclude -F msgtype=1300");
}

static void test_what_is_none(void **state) {
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    struct made made;
    (void)state;
    begin(&made, AUDIT_FILTER_EXIT, AUDIT_NEVER);
    add_text(&made, AUDIT_WATCH, "/etc/passwd");
    struct ov_span whole = span_of(&made);
    assert_int_equal(ov_audit_rule_add(ov_span_part(whole, 0, whole.size - 1), &buf), OV_DAMAGED);
    assert_int_equal(
        ov_audit_rule_add(ov_span_part(whole, 0, sizeof(struct audit_rule_data) - 1), &buf),
        OV_DAMAGED);
    rule_of(&made)->field_count = AUDIT_MAX_FIELDS + 1;
    assert_int_equal(ov_audit_rule_add(span_of(&made), &buf), OV_DAMAGED);
    rule_of(&made)->field_count = 1;
    rule_of(&made)->flags = 77;
    assert_int_equal(ov_audit_rule_add(span_of(&made), &buf), OV_DAMAGED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
