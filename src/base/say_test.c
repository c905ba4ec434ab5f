// SPDX-License-Identifier: Apache-2.0
// The form of an error message, and a phrase for every status.
#include "base/fd.h"
#include "base/say.h"
#include "base/status.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// What the call prints to standard error.
static void capture(const char *what, const char *why, const char *todo, char *text, size_t room) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int kept = dup(STDERR_FILENO);
    assert_true(kept >= 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    ov_say_error(what, why, todo);
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    ov_fd_close(&kept);
    ov_fd_close(&ends[1]);
    size_t size = 0;
    assert_int_equal(ov_fd_read_full(ends[0], text, room - 1, &size), OV_OK);
    text[size] = '\0';
    ov_fd_close(&ends[0]);
}

static void test_with_and_without_advice(void **state) {
    (void)state;
    char text[200];
    capture("a.ndb", "cannot be read", "check its permissions", text, sizeof text);
    assert_string_equal(text, "overt: a.ndb: cannot be read (check its permissions)\n");
    capture("a%s.ndb", "cannot be read", NULL, text, sizeof text);
    assert_string_equal(text, "overt: a%s.ndb: cannot be read\n");
    capture("\x1b[2J.ndb", "bad\nline", NULL, text, sizeof text);
    assert_string_equal(text, "overt: \\x1b[2J.ndb: bad\\x0aline\n");
}

static void test_every_status_has_its_own_phrase(void **state) {
    (void)state;
    for (int a = OV_OK; a <= OV_PEER; a++) {
        const char *text = ov_status_text((enum ov_status)a);
        assert_string_not_equal(text, "unknown status");
        for (int b = OV_OK; b < a; b++) {
            assert_string_not_equal(text, ov_status_text((enum ov_status)b));
        }
    }
    assert_string_equal(ov_status_text((enum ov_status)99), "unknown status");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_with_and_without_advice),
        cmocka_unit_test(test_every_status_has_its_own_phrase),
    };
    return cmocka_run_group_tests_name("base/say", tests, NULL, NULL);
}
