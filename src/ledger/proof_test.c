// SPDX-License-Identifier: Apache-2.0
// Proofs: those that Go's tlog made hold, malformed and false ones are refused and it is said why.
#include "ledger/proof.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define DASH "\xe2\x80\x94 "

// Two logs of 5 and 257 entries with three witnesses, made with golang.org/x/mod/sumdb/tlog and
// Go's crypto/ed25519; each proof is of an entry in the middle.
static const char policy_text[] =
    "log log.example/rules+be92726d+ARcOvdTjhlDhmkDY8xQfCCfalGhNiQOsY98ZRo9MkvV+\n"
    "witness w1 witness.example/w1+e03c8287+BOZ+u+dwbIxh7Nnb80xn+eQIe5xLvWlcE9ShU"
    "Mg/sgeW\n"
    "witness w2 witness.example/w2+805c8fac+BKbfCuJebfw1JbCtOff8oRZnUAo1shiI+ibs4"
    "viWtd3i\n"
    "witness w3 witness.example/w3+8b30ba21+BOL0LO1GIsuhiwtp3wQ3QNJCmAbAhBdkJ3QlB"
    "AuuMsQQ\n"
    "group g 2 w1 w2 w3\n"
    "quorum g\n";

#define HEADLINE "c2sp.org/tlog-proof@v1\n"
#define INDEX    "index 2\n"
#define HASHES                                                                                     \
    "rkCJiDkLtl+IDjDPkCFPt+RIkp/JkYYqariYgoluNiI=\n"                                               \
    "hwY+rD8dhWl5572p92bf3Ggdv0XBDT6ynrh8ke7qHPU=\n"                                               \
    "s19xYhvpBf73TTHVt+TQ6QtQG2rXt+fAo4MNRQhhtwU=\n"
#define CHECKPOINT                                                                                 \
    "log.example/rules\n"                                                                          \
    "5\n"                                                                                          \
    "t97DqTfPS1sMGRzP0zaZGZy3L40xVs1ECwWoUUBP+vE=\n"                                               \
    "\n" DASH "log.example/rules vpJybfAcHJRrsFfrNBDvb3LxxtR+0vDpvigji6yqeztmEpklwKnUHF"           \
    "Up8dnEe1bXpbhp2uQzpiGAIlt00bs0ofKQ3AU=\n" DASH                                                \
    "witness.example/w1 4DyChwAAAABlU/EA3HQ6WX43/2P7BTUdcdbZaFOc6ngT58F8FVIEf"                     \
    "K+fQlTvwaMqDxo8X7z/g1jZRlS9kCrJZTkX8zNPeKHFWcE2Ag==\n" DASH                                   \
    "witness.example/w2 gFyPrAAAAABlU/EABnmyhrSMfMXe6SnMa+2Yke/uZRAwJYyxvD60K"                     \
    "7VTUuJoRVV3I0G8Bb6hScHVO5Lrl8nugaascQbyK8JOj/A6Dg==\n"
#define WHOLE HEADLINE INDEX HASHES "\n" CHECKPOINT

static const char proof_257[] =
    "c2sp.org/tlog-proof@v1\n"
    "index 128\n"
    "SINrnKyTmk1f8ZUZ54PPK6s/KrPwkc7THtXKJ5SFe4E=\n"
    "KLK4/+EVOL0XAXXJdTb7uTlWNvIuGZ+sAtEfteg4KXw=\n"
    "nAoROe326aYPzKbspnAPlZGY4xHmUX3usC6pcJmRtUg=\n"
    "o6fVPZzze4ZqFFF/FqurN1+2lLJc05d/4a3628xHZ0Y=\n"
    "WmR1CIriBwh29tGcOgiC14eYQKYD7QymfDUW2EDU3v0=\n"
    "TWSwB8USLxTtSXfkCBqgR9UygxCSlsE3gG1O300QvGg=\n"
    "b4Hv4GYG3vs/LswQFlcnmlm/la9pzL+B1uWNGGUI39M=\n"
    "xQ7aBAt3B0UU4J0c/B/WNzvWZ3qrqIzsG35MzsmSD6s=\n"
    "sdqPrwGN0ql1r+UMXRM0GSf1BGkYANyDactRDHOUk6k=\n"
    "\n"
    "log.example/rules\n"
    "257\n"
    "EISWAxcoU49aLaxjA3B1yQ13LcwMiHb3nb2J7DadPZw=\n"
    "\n" DASH "log.example/rules vpJybTjpaE88nARdcjHcCaoVzZBX2D5vc+Jem5qIQnN+oK4/Y8vRam"
    "jQRtdqlqWpb6sYNBifeGXIhuMuQtbjb/0KYgw=\n" DASH
    "witness.example/w1 4DyChwAAAABlU/EAfQ0P4UhaXo2bi5usYxM0GcDHGAnxNnPlRmUiu"
    "kXK4zqF1W/jLyYp+DCzh5+odK/xT8pGNmtgMmGnohsZQNaDAg==\n" DASH
    "witness.example/w2 gFyPrAAAAABlU/EA39KEpXjiqwXUVyeP9BnJBFYByqsyUIMBFK/9d"
    "Oq1uVzEmVWyixUP0erDSdqgcXo/FbCUxKmm0mdRjksOKYB7CQ==\n";

static const char entry_5[] = "rule set 2\n";
static const char entry_257[] = "rule set 128\n";

static struct ov_policy policy;

static int read_policy(void **state) {
    (void)state;
    struct ov_policy_error error;
    return ov_policy_read(ov_span_text(policy_text), &policy, &error) == OV_OK ? 0 : -1;
}

static enum ov_status check(struct ov_span proof, const char *entry,
                            struct ov_proof_checked *ret_checked, const char **ret_why) {
    struct ov_tree_hash leaf;
    ov_leaf_hash(ov_span_text(entry), &leaf);
    return ov_proof_check(proof, &leaf, &policy, ret_checked, ret_why);
}

static void test_proofs_of_another_program_hold(void **state) {
    (void)state;
    static struct ov_proof_checked checked;
    const char *why = NULL;
    assert_int_equal(check(ov_span_text(WHOLE), entry_5, &checked, &why), OV_OK);
    assert_int_equal(checked.proof.index, 2);
    assert_int_equal(checked.proof.path.count, 3);
    assert_int_equal(checked.opened.checkpoint.head.size, 5);
    assert_int_equal(checked.opened.witnesses, 3);
    assert_int_equal(checked.opened.quorum_time, 1700000000);
    assert_int_equal(check(ov_span_text(proof_257), entry_257, &checked, &why), OV_OK);
    assert_int_equal(checked.opened.checkpoint.head.size, 257);
    assert_null(why);
}

static void test_what_is_read_is_written(void **state) {
    (void)state;
    static const char *const extras[] = {"", "extra Zm9v\n", "extra Zm9vYmE=\n"};
    static const char *const raw[] = {"", "foo", "fooba"};
    for (size_t i = 0; i < 3; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0}, out = {0}, extra = {0};
        struct ov_proof proof;
        ov_buf_printf(&text, HEADLINE "%s" INDEX HASHES "\n" CHECKPOINT, extras[i]);
        assert_int_equal(ov_proof_read(ov_buf_span(&text), &proof), OV_OK);
        assert_int_equal(proof.has_extra, i > 0);
        assert_int_equal(ov_proof_add_extra(&extra, &proof), OV_OK);
        assert_true(ov_span_is_text(ov_buf_span(&extra), raw[i]));
        assert_true(ov_span_is_text(proof.checkpoint, CHECKPOINT));
        ov_proof_add(&out, &proof, ov_buf_span(&extra));
        assert_true(ov_span_is_equal(ov_buf_span(&out), ov_buf_span(&text)));
    }
}

static void test_malformed_proofs(void **state) {
    (void)state;
#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
    static const char *const rows[] = {
        "",
        "c2sp.org/tlog-proof@v1",
        HEADLINE,
        HEADLINE INDEX,
        HEADLINE INDEX HASHES,
        "c2sp.org/tlog-proof@v2\n" INDEX HASHES "\n" CHECKPOINT,
        " " WHOLE,
        "\n" WHOLE,
        HEADLINE HASHES "\n" CHECKPOINT,
        HEADLINE "index\n" HASHES "\n" CHECKPOINT,
        HEADLINE "index \n" HASHES "\n" CHECKPOINT,
        HEADLINE "index 02\n" HASHES "\n" CHECKPOINT,
        HEADLINE "index -2\n" HASHES "\n" CHECKPOINT,
        HEADLINE "index +2\n" HASHES "\n" CHECKPOINT,
        HEADLINE "index 2 \n" HASHES "\n" CHECKPOINT,
        HEADLINE "index 2\r\n" HASHES "\n" CHECKPOINT,
        HEADLINE "index 0x2\n" HASHES "\n" CHECKPOINT,
        HEADLINE "index 9223372036854775808\n" HASHES "\n" CHECKPOINT,
        HEADLINE INDEX INDEX HASHES "\n" CHECKPOINT,
        HEADLINE "extra \n" INDEX HASHES "\n" CHECKPOINT,
        HEADLINE "extra\n" INDEX HASHES "\n" CHECKPOINT,
        HEADLINE "extra Zm9\n" INDEX HASHES "\n" CHECKPOINT,
        HEADLINE "extra Zh==\n" INDEX HASHES "\n" CHECKPOINT,
        HEADLINE "extra Zm9v\nextra Zm9v\n" INDEX HASHES "\n" CHECKPOINT,
        HEADLINE INDEX "extra Zm9v\n" HASHES "\n" CHECKPOINT,
        HEADLINE INDEX "AAAA\n" HASHES "\n" CHECKPOINT,
        HEADLINE INDEX "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n" HASHES "\n" CHECKPOINT,
        HEADLINE INDEX HASHES " \n" CHECKPOINT,
        HEADLINE INDEX HASHES CHECKPOINT,
        HEADLINE INDEX HASHES "\n\n" CHECKPOINT,
        HEADLINE INDEX HASHES "\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static struct ov_proof_checked checked;
        const char *why = NULL;
        if (check(ov_span_text(rows[i]), entry_5, &checked, &why) != OV_DAMAGED || why == NULL) {
            fail_msg("row %zu", i);
        }
    }
}

static void test_false_proofs_and_why(void **state) {
    (void)state;
    static const struct {
        const char *proof, *entry, *why;
    } rows[] = {
        {WHOLE, "another entry", "not in the log"},
        {HEADLINE "index 3\n" HASHES "\n" CHECKPOINT, entry_5, "not in the log"},
        {HEADLINE "index 5\n" HASHES "\n" CHECKPOINT, entry_5, "does not have yet"},
        {HEADLINE INDEX "\n" CHECKPOINT, entry_5, "not in the log"},
        {HEADLINE INDEX HASHES ZEROS "\n" CHECKPOINT, entry_5, "not in the log"},
        {HEADLINE INDEX ZEROS HASHES "\n" CHECKPOINT, entry_5, "not in the log"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static struct ov_proof_checked checked;
        const char *why = NULL;
        enum ov_status status = check(ov_span_text(rows[i].proof), rows[i].entry, &checked, &why);
        if (status != OV_DENIED || strstr(why, rows[i].why) == NULL) {
            fail_msg("row %zu: %s, %s", i, ov_status_text(status), why);
        }
    }
}

static void test_each_byte_of_a_proof_matters(void **state) {
    (void)state;
    static struct ov_proof_checked checked;
    for (size_t at = 0; at < sizeof WHOLE - 1; at++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        const char *why = NULL;
        ov_buf_add_text(&text, WHOLE);
        text.data[at] ^= 2;
        if (check(ov_buf_span(&text), entry_5, &checked, &why) == OV_OK) {
            fail_msg("byte %zu", at);
        }
    }
}

// Of the three witnesses two have signed, and two are needed.
static void test_one_cosignature_fewer_is_too_few(void **state) {
    (void)state;
    static struct ov_proof_checked checked;
    const char *why = NULL;
    struct ov_span whole = ov_span_text(WHOLE);
    size_t last = 0;
    for (size_t at = 0; at < whole.size - 1; at++) {
        last = whole.data[at] == '\n' ? at + 1 : last;
    }
    assert_int_equal(check(ov_span_part(whole, 0, last), entry_5, &checked, &why), OV_DENIED);
    assert_non_null(strstr(why, "too few witnesses"));
}

static void test_limits(void **state) {
    (void)state;
    static const size_t sizes[] = {OV_PROOF_EXTRA_BYTES_MAX - 1, OV_PROOF_EXTRA_BYTES_MAX,
                                   OV_PROOF_EXTRA_BYTES_MAX + 1, OV_PROOF_EXTRA_BYTES_MAX + 2};
    for (size_t i = 0; i < 4; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0}, extra = {0};
        static struct ov_proof proof, again;
        assert_non_null(ov_buf_extend(&extra, sizes[i]));
        assert_int_equal(ov_proof_read(ov_span_text(WHOLE), &proof), OV_OK);
        ov_proof_add(&text, &proof, ov_buf_span(&extra));
        assert_int_equal(ov_proof_read(ov_buf_span(&text), &again), i < 2 ? OV_OK : OV_DAMAGED);
    }
    for (size_t count = 62; count <= 64; count++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        static struct ov_proof proof;
        ov_buf_add_text(&text, HEADLINE INDEX);
        for (size_t i = 0; i < count; i++) {
            ov_buf_add_text(&text, ZEROS);
        }
        ov_buf_add_text(&text, "\n" CHECKPOINT);
        assert_int_equal(ov_proof_read(ov_buf_span(&text), &proof),
                         count <= OV_PROOF_HASHES_MAX ? OV_OK : OV_DAMAGED);
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    static struct ov_proof proof;
    ov_buf_add_text(&text, WHOLE);
    assert_non_null(ov_buf_extend(&text, OV_PROOF_BYTES_MAX - text.size));
    assert_int_equal(ov_proof_read(ov_buf_span(&text), &proof), OV_OK);
    ov_buf_add_u8(&text, '\n');
    assert_int_equal(ov_proof_read(ov_buf_span(&text), &proof), OV_DAMAGED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proofs_of_another_program_hold),
        cmocka_unit_test(test_what_is_read_is_written),
        cmocka_unit_test(test_malformed_proofs),
        cmocka_unit_test(test_false_proofs_and_why),
        cmocka_unit_test(test_each_byte_of_a_proof_matters),
        cmocka_unit_test(test_one_cosignature_fewer_is_too_few),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, read_policy, NULL);
}
