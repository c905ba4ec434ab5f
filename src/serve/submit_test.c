// SPDX-License-Identifier: Apache-2.0
// How often a witness may be asked.
#include "serve/submit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SECOND_NS = 1000000000 };

static unsigned take_many(struct ov_submit_rate *rate, uint64_t now_ns, unsigned count) {
    unsigned taken = 0;
    for (unsigned i = 0; i < count; i++) {
        taken += ov_submit_rate_take(rate, now_ns);
    }
    return taken;
}

static void test_a_burst_and_then_so_many_a_second(void **state) {
    (void)state;
    struct ov_submit_rate rate = {.a_second = 10, .burst = 30};
    uint64_t now_ns = 5ull * SECOND_NS;
    assert_int_equal(take_many(&rate, now_ns, 100), 30);
    assert_int_equal(take_many(&rate, now_ns + SECOND_NS / 20, 100), 0);
    assert_int_equal(take_many(&rate, now_ns + SECOND_NS, 100), 10);
    for (uint64_t second = 2; second < 10; second++) {
        assert_int_equal(take_many(&rate, now_ns + second * SECOND_NS, 100), 10);
    }
}

static void test_the_burst_comes_back_and_grows_no_larger(void **state) {
    (void)state;
    struct ov_submit_rate rate = {.a_second = 10, .burst = 30};
    assert_int_equal(take_many(&rate, SECOND_NS, 100), 30);
    assert_int_equal(take_many(&rate, 3600ull * SECOND_NS, 100), 30);
}

static void test_one_is_always_let_through_at_first(void **state) {
    (void)state;
    struct ov_submit_rate rate = {.a_second = 1, .burst = 1};
    assert_int_equal(take_many(&rate, 0, 5), 1);
    assert_int_equal(take_many(&rate, SECOND_NS - 1, 5), 0);
    assert_int_equal(take_many(&rate, SECOND_NS, 5), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_burst_and_then_so_many_a_second),
        cmocka_unit_test(test_the_burst_comes_back_and_grows_no_larger),
        cmocka_unit_test(test_one_is_always_let_through_at_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
