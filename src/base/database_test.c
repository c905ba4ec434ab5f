// SPDX-License-Identifier: Apache-2.0
// Every refusal has words of its own, and what a database is trusted by is never overstated.
#include "base/database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_refusal_has_its_own_words(void **state) {
    (void)state;
    for (unsigned i = 0; i < OV_DATABASE_REFUSAL_COUNT; i++) {
        const char *text = ov_database_refusal_text((enum ov_database_refusal)i);
        assert_non_null(text);
        for (unsigned j = 0; j < i; j++) {
            const char *other = ov_database_refusal_text((enum ov_database_refusal)j);
            assert_true(strcmp(text, other) != 0);
        }
    }
    assert_string_equal(ov_database_refusal_text(OV_DATABASE_REFUSAL_COUNT), "unknown");
}

static void the_weaker_signature_is_named_when_it_is_all(void **state) {
    (void)state;
    struct ov_database_report report = {.checks = OV_DATABASE_LEGACY | OV_DATABASE_INFO};
    assert_non_null(strstr(ov_database_trust_text(&report), "legacy signature only"));
    assert_non_null(strstr(ov_database_trust_text(&report), "nobody can see"));
    report.checks |= OV_DATABASE_SIGN;
    assert_null(strstr(ov_database_trust_text(&report), "legacy"));
    report.checks = OV_DATABASE_INFO;
    assert_non_null(strstr(ov_database_trust_text(&report), "patched here"));
    report.checks = 0;
    assert_string_equal(ov_database_trust_text(&report), "not signed");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_refusal_has_its_own_words),
        cmocka_unit_test(the_weaker_signature_is_named_when_it_is_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
