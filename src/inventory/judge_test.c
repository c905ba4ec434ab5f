// SPDX-License-Identifier: Apache-2.0
// What evidence adds up to: installed, a trace, or nothing.
#include "inventory/inventory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

struct seen {
    enum ov_indicator_kind kind;
    const char *value;
    const char *place;
    bool is_residue;
};

// The state of a product when all that was seen is told.
static enum ov_product_state judge(const char *id, const struct seen *seen, size_t count) {
    struct ov_inventory *inventory = NULL;
    enum ov_product_state state = OV_PRODUCT_ABSENT;
    assert_int_equal(ov_inventory_new(&inventory), OV_OK);
    for (size_t i = 0; i < count; i++) {
        const struct ov_sight sight = {.kind = seen[i].kind,
                                       .value = seen[i].value,
                                       .place = seen[i].place,
                                       .is_residue = seen[i].is_residue};
        (void)ov_inventory_see(inventory, &sight);
    }
    ov_inventory_judge(inventory);
    for (size_t i = 0; i < ov_inventory_count(inventory); i++) {
        const struct ov_found *found = ov_inventory_get(inventory, i);
        state = strcmp(found->product->id, id) == 0 ? found->state : state;
    }
    assert_int_equal(ov_inventory_status(inventory), OV_OK);
    ov_inventory_free(inventory);
    return state;
}

#define JUDGE(id, ...)                                                                             \
    judge(id, (const struct seen[]){__VA_ARGS__},                                                  \
          sizeof((const struct seen[]){__VA_ARGS__}) / sizeof(struct seen))

static const struct seen package = {OV_INDICATOR_PACKAGE, "kesl", "", false};
static const struct seen folder = {OV_INDICATOR_PATH, "/opt/kaspersky/kesl", "", false};
static const struct seen unit = {OV_INDICATOR_UNIT, "kesl.service", "", false};
static const struct seen group = {OV_INDICATOR_GROUP, "kesladmin", "", false};

static void test_two_kinds_are_installed(void **state) {
    (void)state;
    assert_int_equal(JUDGE("kaspersky-kesl", package, folder), OV_PRODUCT_INSTALLED);
    assert_int_equal(JUDGE("kaspersky-kesl", package, group), OV_PRODUCT_INSTALLED);
    assert_int_equal(JUDGE("kaspersky-kesl", folder, unit), OV_PRODUCT_INSTALLED);
}

static void test_one_kind_is_a_trace(void **state) {
    (void)state;
    assert_int_equal(JUDGE("kaspersky-kesl", package), OV_PRODUCT_TRACE);
    assert_int_equal(JUDGE("kaspersky-kesl", group), OV_PRODUCT_TRACE);
    const struct seen more = {OV_INDICATOR_PATH, "/opt/kaspersky/kesl/bin/kesl-control", "", false};
    assert_int_equal(JUDGE("kaspersky-kesl", folder, more), OV_PRODUCT_TRACE);
    const struct seen other = {OV_INDICATOR_PACKAGE, "bash", "", false};
    assert_int_equal(JUDGE("kaspersky-kesl", other), OV_PRODUCT_ABSENT);
}

static void test_without_the_program_it_is_a_trace(void **state) {
    (void)state;
    const struct seen cron = {OV_INDICATOR_CRON, "/etc/cron.hourly/BitdefenderRedline", "", false};
    const struct seen sudoers = {OV_INDICATOR_SUDOERS, "/etc/sudoers.d/99-bduitool", "", false};
    const struct seen audit = {OV_INDICATOR_AUDIT, "/etc/audit/rules.d/bd_ausecd.rules", "", false};
    assert_int_equal(JUDGE("bitdefender-best", cron, sudoers, audit), OV_PRODUCT_TRACE);
    assert_int_equal(JUDGE("kaspersky-kesl", group, unit), OV_PRODUCT_TRACE);
    const struct seen settings = {OV_INDICATOR_PATH, "/var/opt/kaspersky/kesl", "", false};
    assert_int_equal(JUDGE("kaspersky-kesl", group, unit, settings), OV_PRODUCT_TRACE);
}

static void test_two_places_are_two_machines(void **state) {
    (void)state;
    const struct seen there = {OV_INDICATOR_PATH, "/opt/kaspersky/kesl", "layer 1", false};
    const struct seen also = {OV_INDICATOR_PACKAGE, "kesl", "layer 1", false};
    assert_int_equal(JUDGE("kaspersky-kesl", package, there), OV_PRODUCT_TRACE);
    assert_int_equal(JUDGE("kaspersky-kesl", package, there, also), OV_PRODUCT_INSTALLED);
}

static void test_residue_hints_and_shared_are_traces(void **state) {
    (void)state;
    const struct seen removed = {OV_INDICATOR_PACKAGE, "kesl", "", true};
    const struct seen hint = {OV_INDICATOR_CERTIFICATE, "Kaspersky Root", "", false};
    const struct seen shared = {OV_INDICATOR_PATH, "/etc/opt/kaspersky", "", false};
    assert_int_equal(JUDGE("kaspersky-kesl", removed, unit), OV_PRODUCT_TRACE);
    assert_int_equal(JUDGE("kaspersky-kesl", package, hint), OV_PRODUCT_TRACE);
    assert_int_equal(JUDGE("kaspersky-kesl", package, shared), OV_PRODUCT_TRACE);
}

static void test_what_is_told_is_fit_for_a_report_and_told_once(void **state) {
    (void)state;
    struct ov_inventory *inventory = NULL;
    assert_int_equal(ov_inventory_new(&inventory), OV_OK);
    const struct ov_sight sight = {.kind = OV_INDICATOR_PATH,
                                   .value = "/var/opt/kaspersky/kesl/install_\xff\n%",
                                   .detail = "\x1b[31m"};
    assert_int_equal(ov_inventory_see(inventory, &sight), 1);
    assert_int_equal(ov_inventory_see(inventory, &sight), 1);
    ov_inventory_judge(inventory);
    assert_int_equal(ov_inventory_count(inventory), 1);
    const struct ov_found *found = ov_inventory_get(inventory, 0);
    assert_int_equal(found->evidence_count, 1);
    assert_string_equal(found->evidence[0].matched, "/var/opt/kaspersky/kesl/install_%ff%0a%25");
    assert_string_equal(found->evidence[0].detail, "%1b[31m");
    assert_string_equal(found->evidence[0].place, "");
    ov_inventory_free(inventory);
}

static void test_a_path_belongs_to_its_product(void **state) {
    (void)state;
    const struct ov_product *owner = ov_inventory_owner("/opt/kaspersky/kesl/libexec/other");
    assert_non_null(owner);
    assert_string_equal(owner->id, "kaspersky-kesl");
    assert_null(ov_inventory_owner("/usr/bin/bash"));
    assert_null(ov_inventory_owner("/opt/kaspersky"));
    assert_null(ov_inventory_owner("/etc/opt/kaspersky/other"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_kinds_are_installed),
        cmocka_unit_test(test_one_kind_is_a_trace),
        cmocka_unit_test(test_without_the_program_it_is_a_trace),
        cmocka_unit_test(test_two_places_are_two_machines),
        cmocka_unit_test(test_residue_hints_and_shared_are_traces),
        cmocka_unit_test(test_what_is_told_is_fit_for_a_report_and_told_once),
        cmocka_unit_test(test_a_path_belongs_to_its_product),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
