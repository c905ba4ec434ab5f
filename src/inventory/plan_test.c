// SPDX-License-Identifier: Apache-2.0
// Plans: what may stand in one, that they are read as they were written, and what they run.
#include "inventory/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct ov_plan plan;

static int set_up(void **state) {
    (void)state;
    ov_plan_init(&plan);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    ov_plan_release(&plan);
    return 0;
}

static void test_folders_of_the_system_are_no_product_s(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",          "/",         "/etc",     "/usr/bin", "/etc/systemd/system",
        "opt/x",     "/opt/../x", "/opt/./x", "/opt//x",  "/opt/x/",
        "/var/log",  "/opt/x/..", "/home",    "/..",      "/opt/a\nb/cd",
        "/usr/lib64"};
    static const char *const good[] = {"/opt/x", "/etc/sudoers.d/99-x", "/usr/bin/x", "/opt/..x",
                                       "/var/log/x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(ov_plan_path_is_good(bad[i]));
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(ov_plan_path_is_good(good[i]));
    }
}

static void test_a_name_is_no_option_and_no_pattern(void **state) {
    (void)state;
    static const char *const bad[] = {"",    "-x",   "--purge", "a b", "a*",
                                      "a;b", "$(x)", "../x",    "a/b"};
    for (enum ov_step_kind kind = OV_STEP_STOP; kind <= OV_STEP_SELINUX; kind++) {
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            assert_false(ov_plan_name_is_good(kind, bad[i]));
        }
    }
    assert_true(ov_plan_name_is_good(OV_STEP_STOP, "clamd@scan.service"));
    assert_true(ov_plan_name_is_good(OV_STEP_PACKAGES, "g++-12:amd64"));
    assert_true(ov_plan_name_is_good(OV_STEP_USER, "_apt"));
    assert_false(ov_plan_name_is_good(OV_STEP_USER, "a:b"));
}

static void fill(const char *root) {
    plan.root = root;
    plan.machine = "m1";
    plan.made_at = 1700000000;
    assert_true(ov_plan_add_ban(&plan, "clamav"));
    const struct ov_plan_product product = {
        .product = &ov_products[0], .state = OV_PRODUCT_INSTALLED, .version = "1.0"};
    assert_true(ov_plan_add_product(&plan, &product));
    struct ov_plan_step *step = ov_plan_add_step(&plan, OV_STEP_PACKAGES, NULL);
    step->tool = OV_TOOL_DPKG;
    assert_true(ov_plan_add_target(&plan, step, "clamav"));
    assert_true(ov_plan_add_target(&plan, step, "clamav-daemon"));
    step = ov_plan_add_step(&plan, OV_STEP_REMOVE, &ov_products[0]);
    assert_true(ov_plan_add_target(&plan, step, "/opt/it's"));
    const struct ov_plan_entry entry = {
        .path = "/opt/it's", .type = 'd', .modified_ns = -5, .sha256 = ""};
    assert_non_null(ov_plan_add_entry(&plan, step, &entry));
    assert_non_null(ov_plan_add_step(&plan, OV_STEP_VERIFY, NULL));
    const struct ov_plan_seen seen = {.product = &ov_products[0],
                                      .kind = OV_INDICATOR_UNIT,
                                      .matched = "x.service",
                                      .detail = "enabled",
                                      .place = ""};
    assert_true(ov_plan_add_seen(&plan, &seen));
}

static void test_reads_what_it_wrote_and_nothing_else(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    OV_CLEANUP(ov_plan_release) struct ov_plan again;
    const char *why = NULL;
    fill("/");
    ov_plan_write_json(&plan, &text);
    ov_plan_init(&again);
    assert_int_equal(ov_plan_read_json(ov_buf_span(&text), &again, &why), OV_OK);
    assert_int_equal(again.step_count, 3);
    assert_true(ov_plan_step_is_same(plan.steps, again.steps));
    assert_false(ov_plan_step_is_same(plan.steps, again.steps->next));
    assert_true(ov_plan_entry_is_same(plan.steps->next->entries, again.steps->next->entries));
    assert_string_equal(again.seen->matched, "x.service");
    // Any byte that is another makes it no plan of ours, or one that says something else.
    for (size_t i = 0; i < text.size; i++) {
        OV_CLEANUP(ov_plan_release) struct ov_plan other;
        OV_CLEANUP(ov_buf_release) struct ov_buf written = {0};
        ov_plan_init(&other);
        text.data[i] ^= 1;
        if (ov_plan_read_json(ov_buf_span(&text), &other, &why) == OV_OK) {
            ov_plan_write_json(&other, &written);
            assert_true(ov_span_is_equal(ov_buf_span(&written), ov_buf_span(&text)));
        } else {
            assert_non_null(why);
        }
        text.data[i] ^= 1;
    }
}

static void assert_typed(const struct ov_plan_step *step, const char *expected) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    ov_plan_add_typed(&text, &plan, step);
    ov_buf_add_u8(&text, 0);
    assert_string_equal((const char *)text.data, expected);
}

static void test_commands_name_the_root_and_quote_for_people(void **state) {
    (void)state;
    struct ov_plan_command command;
    fill("/mnt/a b");
    assert_typed(plan.steps, "dpkg '--root=/mnt/a b' --purge -- clamav clamav-daemon");
    assert_typed(plan.steps->next, "rm -r --one-file-system -- '/mnt/a b/opt/it'\\''s'");
    assert_int_equal(ov_plan_command_make(&plan, plan.steps, &command), OV_OK);
    assert_string_equal(command.args[0], "dpkg");
    assert_string_equal(command.args[1], "--root=/mnt/a b");
    assert_string_equal(command.args[3], "--");
    assert_string_equal(command.args[5], "clamav-daemon");
    assert_null(command.args[6]);
    assert_int_equal(ov_plan_command_make(&plan, plan.steps->next, &command), OV_END);
    struct ov_plan_step stop = {.kind = OV_STEP_STOP};
    assert_int_equal(ov_plan_command_make(&plan, &stop, &command), OV_UNSUPPORTED);
}

static void test_content_is_held_against_the_plan_unless_it_may_change(void **state) {
    (void)state;
    struct ov_plan_entry planned = {.type = 'f', .size = 3, .modified_ns = 7, .sha256 = "aa"};
    struct ov_plan_entry now = planned;
    assert_true(ov_plan_entry_is_same(&planned, &now));
    now.sha256 = "bb";
    assert_false(ov_plan_entry_is_same(&planned, &now));
    planned.may_change = true;
    assert_true(ov_plan_entry_is_same(&planned, &now));
    now.type = 'l';
    assert_false(ov_plan_entry_is_same(&planned, &now));
}

static void test_every_function_has_a_loss_and_a_replacement(void **state) {
    (void)state;
    for (unsigned bit = 0; bit < OV_FUNCTION_COUNT; bit++) {
        assert_string_not_equal(ov_function_loss(bit), "unknown");
        assert_string_not_equal(ov_function_replacement(bit), "unknown");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_folders_of_the_system_are_no_product_s, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_name_is_no_option_and_no_pattern, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reads_what_it_wrote_and_nothing_else, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_commands_name_the_root_and_quote_for_people, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_content_is_held_against_the_plan_unless_it_may_change,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_function_has_a_loss_and_a_replacement, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
