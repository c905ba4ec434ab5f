// SPDX-License-Identifier: Apache-2.0
// What a pattern means in each kind, how products are named, and that the table is sound.
#include "inventory/product.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static bool does_match(enum ov_indicator_kind kind, const char *pattern, const char *under,
                       const char *value) {
    const struct ov_indicator indicator = {.kind = kind, .pattern = pattern, .under = under};
    return ov_indicator_matches(&indicator, value);
}

static void test_names_match_as_a_whole(void **state) {
    (void)state;
    assert_true(does_match(OV_INDICATOR_PACKAGE, "kesl", NULL, "kesl"));
    assert_false(does_match(OV_INDICATOR_PACKAGE, "kesl", NULL, "kesl-gui"));
    assert_false(does_match(OV_INDICATOR_PACKAGE, "kesl", NULL, "kes"));
    assert_false(does_match(OV_INDICATOR_PACKAGE, "kesl", NULL, ""));
    assert_true(does_match(OV_INDICATOR_PACKAGE, "drweb-*", NULL, "drweb-configd"));
    assert_false(does_match(OV_INDICATOR_PACKAGE, "kesl", NULL, "KESL"));
    assert_true(does_match(OV_INDICATOR_USER, "eset-efs-*", NULL, "eset-efs-scand"));
    assert_true(does_match(OV_INDICATOR_REPOSITORY, "*repo.drweb.com*", NULL,
                           "https://repo.drweb.com/drweb/debian"));
}

static void test_a_star_in_a_path_stays_in_its_part(void **state) {
    (void)state;
    const char *pattern = "/var/opt/kaspersky/kesl/install_*";
    assert_true(does_match(OV_INDICATOR_PATH, pattern, NULL,
                           "/var/opt/kaspersky/kesl/install_12.1.0.1297"));
    assert_false(
        does_match(OV_INDICATOR_PATH, pattern, NULL, "/var/opt/kaspersky/kesl/install_12/opt"));
    assert_false(does_match(OV_INDICATOR_PATH, "/opt/traps", NULL, "/opt/traps/bin/pmd"));
    assert_false(does_match(OV_INDICATOR_PATH, "/opt/traps", NULL, "/opt/trapsx"));
}

static void test_what_runs_or_is_named_may_stand_below(void **state) {
    (void)state;
    const enum ov_indicator_kind kinds[] = {OV_INDICATOR_PROCESS, OV_INDICATOR_CRON,
                                            OV_INDICATOR_SUDOERS, OV_INDICATOR_AUDIT};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        assert_true(does_match(kinds[i], "/opt/eset/efs", NULL, "/opt/eset/efs/lib/odfeeder"));
        assert_true(does_match(kinds[i], "/opt/eset/efs", NULL, "/opt/eset/efs"));
        assert_false(does_match(kinds[i], "/opt/eset/efs", NULL, "/opt/eset/efs2/lib"));
        assert_false(does_match(kinds[i], "/opt/eset/efs", NULL, "/mnt/opt/eset/efs/lib"));
    }
}

static void test_a_process_by_its_name_stands_where_it_should(void **state) {
    (void)state;
    const enum ov_indicator_kind kind = OV_INDICATOR_PROCESS;
    assert_true(does_match(kind, "falcond", NULL, "/opt/CrowdStrike/falcond"));
    assert_true(does_match(kind, "falcond", NULL, "falcond"));
    assert_false(does_match(kind, "falcond", NULL, "/opt/falcond/other"));
    assert_true(does_match(kind, "pmd", "/opt/traps", "/opt/traps/bin/pmd"));
    assert_false(does_match(kind, "pmd", "/opt/traps", "/usr/bin/pmd"));
    assert_false(does_match(kind, "pmd", "/opt/traps", "pmd"));
}

static const struct ov_product *find(const char *id) {
    for (size_t i = 0; i < ov_product_count; i++) {
        if (strcmp(ov_products[i].id, id) == 0) {
            return &ov_products[i];
        }
    }
    fail_msg("there is no %s", id);
    return NULL;
}

static size_t count_named(const char *word) {
    size_t count = 0;
    for (size_t i = 0; i < ov_product_count; i++) {
        count += ov_product_is_named(&ov_products[i], word);
    }
    return count;
}

static void test_a_word_names_products_by_id_vendor_and_name(void **state) {
    (void)state;
    assert_true(ov_product_is_named(find("kaspersky-kesl"), "kaspersky"));
    assert_true(ov_product_is_named(find("kaspersky-klnagent"), "KASPERSKY"));
    assert_true(ov_product_is_named(find("trellix-ensl"), "mcafee"));
    assert_true(ov_product_is_named(find("trellix-ensl"), "Trellix"));
    assert_true(ov_product_is_named(find("trellix-hx"), "fireeye"));
    assert_true(ov_product_is_named(find("clamav"), "ClamAV"));
    assert_false(ov_product_is_named(find("clamav"), "clam"));
    assert_false(ov_product_is_named(find("clamav"), ""));
    assert_int_equal(count_named("kaspersky-kesl"), 1);
    assert_int_equal(count_named("kaspersky"), 5);
    assert_int_equal(count_named("no such product"), 0);
}

static void test_what_all_machines_have_is_nobodys(void **state) {
    (void)state;
    static const struct {
        enum ov_indicator_kind kind;
        const char *value;
    } plain[] = {
        {OV_INDICATOR_PACKAGE, "bash"},
        {OV_INDICATOR_PACKAGE, "auditd"},
        {OV_INDICATOR_PACKAGE, "docker.io"},
        {OV_INDICATOR_PACKAGE, "bpftool"},
        {OV_INDICATOR_PATH, "/opt"},
        {OV_INDICATOR_PATH, "/etc/audit"},
        {OV_INDICATOR_UNIT, "systemd-journald.service"},
        {OV_INDICATOR_UNIT, "auditd.service"},
        {OV_INDICATOR_PROCESS, "/usr/lib/systemd/systemd"},
        {OV_INDICATOR_PROCESS, "/usr/bin/dockerd"},
        {OV_INDICATOR_PROCESS, "/usr/bin/inotifywait"},
        {OV_INDICATOR_PROCESS, "/opt/google/chrome/chrome_crashpad_handler"},
        {OV_INDICATOR_PROCESS, "/usr/lib/xorg/launcher"},
        {OV_INDICATOR_MODULE, "overlay"},
        {OV_INDICATOR_USER, "root"},
        {OV_INDICATOR_USER, "nobody"},
        {OV_INDICATOR_GROUP, "adm"},
        {OV_INDICATOR_REPOSITORY, "https://packages.microsoft.com/repos/code"},
        {OV_INDICATOR_REPOSITORY, "http://deb.debian.org/debian"},
        {OV_INDICATOR_CERTIFICATE, "COMODO RSA Certification Authority"},
        {OV_INDICATOR_CERTIFICATE, "COMODO CA Limited"},
        {OV_INDICATOR_CERTIFICATE, "Trustwave Global Certification Authority"},
        {OV_INDICATOR_CERTIFICATE, "Internet Security Research Group"},
        {OV_INDICATOR_PORT, "tcp 22"},
    };
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        for (size_t j = 0; j < ov_product_count; j++) {
            for (size_t k = 0; k < ov_products[j].indicator_count; k++) {
                const struct ov_indicator *indicator = &ov_products[j].indicators[k];
                if (indicator->kind == plain[i].kind &&
                    ov_indicator_matches(indicator, plain[i].value)) {
                    fail_msg("%s: %s is %s", ov_products[j].id, plain[i].value, indicator->pattern);
                }
            }
        }
    }
}

static void test_a_rule_that_names_a_products_file_is_evidence(void **state) {
    (void)state;
    const struct ov_product *product = find("bitdefender-best");
    size_t kinds = 0;
    for (size_t i = 0; i < product->indicator_count; i++) {
        const struct ov_indicator *indicator = &product->indicators[i];
        bool is_rule = indicator->kind == OV_INDICATOR_SUDOERS ||
                       indicator->kind == OV_INDICATOR_CRON ||
                       indicator->kind == OV_INDICATOR_AUDIT;
        kinds += is_rule &&
                 ov_indicator_matches(indicator, "/opt/bitdefender-security-tools/bin/bduitool");
    }
    assert_int_equal(kinds, 3);
}

static void test_what_a_removal_forgets_is_not_the_program(void **state) {
    (void)state;
    const struct ov_indicator forgotten[] = {
        {.kind = OV_INDICATOR_GROUP, .pattern = "kesladmin"},
        {.kind = OV_INDICATOR_UNIT, .pattern = "kesl.service"},
        {.kind = OV_INDICATOR_CRON, .pattern = "/etc/cron.hourly/BitdefenderRedline"},
        {.kind = OV_INDICATOR_AUDIT, .pattern = "/opt/eset/efs"},
        {.kind = OV_INDICATOR_PATH, .pattern = "/etc/opt/kaspersky"},
        {.kind = OV_INDICATOR_PATH, .pattern = "/var/opt/kaspersky/kesl"},
    };
    const struct ov_indicator program[] = {
        {.kind = OV_INDICATOR_PACKAGE, .pattern = "kesl"},
        {.kind = OV_INDICATOR_PATH, .pattern = "/opt/kaspersky/kesl"},
        {.kind = OV_INDICATOR_PATH, .pattern = "/var/ossec"},
        {.kind = OV_INDICATOR_PATH, .pattern = "/usr/bin/etc/x"},
        {.kind = OV_INDICATOR_PROCESS, .pattern = "falcond"},
        {.kind = OV_INDICATOR_MODULE, .pattern = "eset_rtp"},
    };
    for (size_t i = 0; i < sizeof forgotten / sizeof forgotten[0]; i++) {
        assert_false(ov_indicator_is_program(&forgotten[i]));
    }
    for (size_t i = 0; i < sizeof program / sizeof program[0]; i++) {
        assert_true(ov_indicator_is_program(&program[i]));
    }
}

static void test_the_table_is_sound(void **state) {
    (void)state;
    assert_true(ov_product_count >= 54);
    for (size_t i = 0; i < ov_product_count; i++) {
        const struct ov_product *product = &ov_products[i];
        assert_true(product->functions != 0);
        assert_true(product->functions < 1u << OV_FUNCTION_COUNT);
        for (size_t j = 0; j < product->indicator_count; j++) {
            const struct ov_indicator *indicator = &product->indicators[j];
            assert_true(indicator->kind < OV_INDICATOR_KINDS);
            assert_true(indicator->pattern[0] != 0);
            assert_true(indicator->source[0] != 0);
        }
        assert_true(product->uninstaller == NULL || product->uninstaller[0][0] == '/');
    }
    for (unsigned kind = 0; kind < OV_INDICATOR_KINDS; kind++) {
        assert_string_not_equal(ov_indicator_name((enum ov_indicator_kind)kind), "unknown");
    }
    for (unsigned bit = 0; bit < OV_FUNCTION_COUNT; bit++) {
        assert_string_not_equal(ov_function_name(bit), "unknown");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_match_as_a_whole),
        cmocka_unit_test(test_a_star_in_a_path_stays_in_its_part),
        cmocka_unit_test(test_what_runs_or_is_named_may_stand_below),
        cmocka_unit_test(test_a_process_by_its_name_stands_where_it_should),
        cmocka_unit_test(test_a_word_names_products_by_id_vendor_and_name),
        cmocka_unit_test(test_what_all_machines_have_is_nobodys),
        cmocka_unit_test(test_a_rule_that_names_a_products_file_is_evidence),
        cmocka_unit_test(test_what_a_removal_forgets_is_not_the_program),
        cmocka_unit_test(test_the_table_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
