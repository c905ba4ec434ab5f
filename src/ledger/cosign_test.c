// SPDX-License-Identifier: Apache-2.0
// Requests to cosign and the answers to them: the example of the specification, and what is
// refused.
#include "ledger/cosign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define DASH  "\xe2\x80\x94 "
#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

// C2SP tlog-witness, "add-checkpoint", "Example request body".
static const char example[] =
    "old 20852014\n"
    "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
    "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
    "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n"
    "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n"
    "\n"
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n" DASH
    "example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1"
    "gGzGku9nTo+zyWE+xeMcTOAYQ8=\n" DASH
    "example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267"
    "UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";

static void test_the_example_is_read_and_written(void **state) {
    (void)state;
    struct ov_cosign_request request;
    struct ov_note note;
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    assert_int_equal(ov_cosign_request_read(ov_span_text(example), &request), OV_OK);
    assert_int_equal(request.old_size, 20852014);
    assert_int_equal(request.proof.count, 4);
    assert_int_equal(request.proof.hashes[3].bytes[0], 0xff);
    assert_int_equal(ov_note_read(request.checkpoint, &note), OV_OK);
    assert_int_equal(note.line_count, 2);
    ov_cosign_request_add(&out, &request);
    assert_true(ov_span_is_text(ov_buf_span(&out), example));
}

static void test_what_is_no_request(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",
        "old 0",
        "old 0\n",
        "old\n\n",
        "old 00\n\n",
        "old -1\n\n",
        "new 0\n\n",
        " old 0\n\n",
        "old 0\r\n\r\n",
        "old 9223372036854775808\n\n",
        "old  0\n\n",
        "\nold 0\n",
        "old 0\nAAAA\n\n",
        ("old 0\n" ZEROS),
        ("old 0\n" ZEROS " \n"),
        "old 0 \n\n",
    };
    struct ov_cosign_request request = {.old_size = 7};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(ov_cosign_request_read(ov_span_text(rows[i]), &request), OV_DAMAGED);
    }
    assert_int_equal(request.old_size, 7);
    assert_int_equal(ov_cosign_request_read(ov_span_text("old 0\n\n"), &request), OV_OK);
    assert_int_equal(request.checkpoint.size, 0);
}

static void test_limits(void **state) {
    (void)state;
    for (size_t count = 62; count <= 64; count++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
        struct ov_cosign_request request;
        ov_buf_add_text(&body, "old 1\n");
        for (size_t i = 0; i < count; i++) {
            ov_buf_add_text(&body, ZEROS);
        }
        ov_buf_add_text(&body, "\n");
        assert_int_equal(ov_cosign_request_read(ov_buf_span(&body), &request),
                         count <= OV_COSIGN_HASHES_MAX ? OV_OK : OV_DAMAGED);
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    struct ov_cosign_request request;
    ov_buf_add_text(&body, "old 0\n\n");
    assert_non_null(ov_buf_extend(&body, OV_COSIGN_BYTES_MAX - body.size));
    assert_int_equal(ov_cosign_request_read(ov_buf_span(&body), &request), OV_OK);
    ov_buf_add_u8(&body, 0);
    assert_int_equal(ov_cosign_request_read(ov_buf_span(&body), &request), OV_DAMAGED);
}

static void test_sizes_in_answers(void **state) {
    (void)state;
    static const char *const bad[] = {"", "5", "\n", "5\n\n", "05\n", "5\r\n", "five\n", " 5\n"};
    uint64_t size = 0;
    assert_int_equal(ov_cosign_size_read(ov_span_text("20852014\n"), &size), OV_OK);
    assert_int_equal(size, 20852014);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(ov_cosign_size_read(ov_span_text(bad[i]), &size), OV_DAMAGED);
    }
}

#define TEXT "log.example\n5\nt97DqTfPS1sMGRzP0zaZGZy3L40xVs1ECwWoUUBP+vE=\n"

static void test_one_line_is_taken_out_of_an_answer(void **state) {
    (void)state;
    OV_CLEANUP(ov_signer_release) struct ov_signer ours = {0}, other = {0}, log = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf line = {0}, body = {0}, taken = {0};
    struct ov_span text = ov_span_text(TEXT);
    uint64_t time = 0;
    assert_int_equal(ov_signer_new_random("w", OV_KEY_COSIGNATURE, &ours), OV_OK);
    assert_int_equal(ov_signer_new_random("w", OV_KEY_COSIGNATURE, &other), OV_OK);
    assert_int_equal(ov_signer_new_random("w", OV_KEY_NOTE, &log), OV_OK);
    ov_note_sign(&line, text, &ours, 1790000000);
    ov_note_sign(&body, text, &other, 5);
    assert_int_equal(ov_cosign_take(ov_buf_span(&body), text, &ours.key, &taken, &time), OV_DENIED);
    ov_buf_add(&body, line.data, line.size);
    ov_note_sign(&body, text, &log, 0);
    assert_int_equal(ov_cosign_take(ov_buf_span(&body), text, &ours.key, &taken, &time), OV_OK);
    assert_true(ov_span_is_equal(ov_buf_span(&taken), ov_buf_span(&line)));
    assert_int_equal(time, 1790000000);
    // A log's signature is no cosignature, nor is one of another checkpoint, nor is anything else.
    assert_int_equal(ov_cosign_take(ov_buf_span(&body), text, &log.key, &taken, &time), OV_DENIED);
    assert_int_equal(
        ov_cosign_take(ov_buf_span(&body), ov_span_text("a\n"), &ours.key, &taken, &time),
        OV_DENIED);
    assert_int_equal(ov_cosign_take(ov_span_text(""), text, &ours.key, &taken, &time), OV_DAMAGED);
    assert_int_equal(ov_cosign_take(ov_span_text("<html>\n"), text, &ours.key, &taken, &time),
                     OV_DAMAGED);
    assert_int_equal(taken.size, line.size);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_example_is_read_and_written),
        cmocka_unit_test(test_what_is_no_request),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_sizes_in_answers),
        cmocka_unit_test(test_one_line_is_taken_out_of_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
