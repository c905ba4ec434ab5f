// SPDX-License-Identifier: Apache-2.0
// Names of capabilities.
#include "base/capability.h"

#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_names(uint64_t bits, const char *text) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    ov_capability_add_names(&out, bits);
    ov_buf_add_u8(&out, 0);
    assert_false(out.has_failed);
    assert_string_equal((const char *)out.data, text);
}

static void test_numbers_are_the_kernels(void **state) {
    (void)state;
    assert_string_equal(ov_capability_name(CAP_CHOWN), "CAP_CHOWN");
    assert_string_equal(ov_capability_name(CAP_DAC_READ_SEARCH), "CAP_DAC_READ_SEARCH");
    assert_string_equal(ov_capability_name(CAP_SYS_ADMIN), "CAP_SYS_ADMIN");
    assert_string_equal(ov_capability_name(CAP_AUDIT_READ), "CAP_AUDIT_READ");
    assert_string_equal(ov_capability_name(CAP_LAST_CAP), "CAP_CHECKPOINT_RESTORE");
    assert_null(ov_capability_name(CAP_LAST_CAP + 1));
}

static void test_a_set_is_named(void **state) {
    (void)state;
    assert_names(0, "");
    assert_names(UINT64_C(1) << CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH");
    assert_names(UINT64_C(1) << CAP_BPF | 1, "CAP_CHOWN, CAP_BPF");
    assert_names(UINT64_MAX >> (63 - CAP_LAST_CAP), "all capabilities");
    assert_names(UINT64_C(1) << 63, "others (8000000000000000)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_the_kernels),
        cmocka_unit_test(test_a_set_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
