// SPDX-License-Identifier: Apache-2.0
// Times that people write are read as `date -u -d` reads them, and others are refused.
#include "cmd/journal_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW 1790000000000000007ull

static void expect(const char *text, uint64_t ns) {
    uint64_t found = 1;
    assert_int_equal(ov_journal_time_read(text, NOW, &found), OV_OK);
    assert_true(found == ns);
}

static void test_times(void **state) {
    (void)state;
    expect("1970-01-01", 0);
    expect("2026-11-22", 1795305600000000000);
    expect("2026-11-22Z", 1795305600000000000);
    expect("2026-11-22T10:30", 1795343400000000000);
    expect("2026-11-22 10:30:05", 1795343405000000000);
    expect("2024-02-29T23:59:59Z", 1709251199000000000);
    expect("0s", NOW);
    expect("90s", NOW - 90000000000);
    expect("5m", NOW - 300000000000);
    expect("2h", NOW - 7200000000000);
    expect("3d", NOW - 259200000000000);
    expect("1w", NOW - 604800000000000);
    expect("20000w", 0);
}

static void test_what_is_no_time(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "yesterday",
        "2026",
        "2026-11",
        "2026-13-01",
        "2026-02-29",
        "2026-11-31",
        "2026-11-22T",
        "2026-11-22T1",
        "2026-11-22T24:00",
        "2h30m",
        "2026-11-22T10:60",
        "2026-11-22 10",
        "h",
        "2",
        "-2h",
        " 2h",
        "02h",
        "99999999999999999w",
        "26-11-22",
        "2026-11-22T10:30:61",
        "2026-11-22x",
        "2026/11/22",
        "1969-12-31",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint64_t found = 1;
        if (ov_journal_time_read(texts[i], NOW, &found) != OV_INVALID || found != 1) {
            fail_msg("%s was read", texts[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_what_is_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
