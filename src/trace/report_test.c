// SPDX-License-Identifier: Apache-2.0
// Claims and findings of one trace of samples and of none; what is in a report when memory ends.
#include "trace/report.h"

#include "base/fd.h"
#include "trace/samples.h"
#include "trace/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { ARENA_BYTES = 64 << 20 };

static struct ov_arena arena;
static struct ov_trace_model model;
static struct ov_trace_report report;

static void make_model(bool is_ended) {
    static struct ov_trace_writer writer;
    struct ov_file_map map = {0};
    int fd = memfd_create("trace", MFD_CLOEXEC);
    int copy = dup(fd);
    assert_int_equal(ov_trace_writer_open(fd, 0, &writer), OV_OK);
    for (size_t i = 0; i < sample_count; i++) {
        assert_int_equal(ov_trace_write(&writer, samples[i].type, &samples[i].begin), OV_OK);
    }
    if (is_ended) {
        assert_int_equal(ov_trace_writer_end(&writer, OV_TRACE_DONE, NULL), OV_OK);
    } else {
        assert_int_equal(ov_trace_writer_checkpoint(&writer), OV_OK);
    }
    ov_trace_writer_close(&writer);
    ov_arena_release(&arena);
    ov_arena_init(&arena, ARENA_BYTES);
    assert_int_equal(ov_file_map_open_fd(copy, &map), OV_OK);
    assert_int_equal(ov_trace_model_build(map.bytes, &arena, &model), OV_OK);
    ov_file_map_close(&map);
    ov_fd_close(&copy);
}

static void build(bool is_ended) {
    make_model(is_ended);
    assert_int_equal(ov_trace_report_build(&model, &arena, &report), OV_OK);
}

static const struct ov_trace_claim *find_claim(enum ov_trace_claim_kind kind, const char *what) {
    for (size_t i = 0; i < report.claim_count; i++) {
        if (report.claims[i].kind == kind && strcmp(report.claims[i].what, what) == 0) {
            return &report.claims[i];
        }
    }
    return NULL;
}

static bool has_finding(enum ov_trace_rule_kind rule) {
    bool has = false;
    for (size_t i = 0; i < report.finding_count; i++) {
        has |= report.findings[i].rule == rule;
    }
    return has;
}

static void test_claims(void **state) {
    (void)state;
    build(true);
    assert_int_equal(find_claim(OV_TRACE_CLAIM_READ, "files")->bytes, 100000);
    assert_int_equal(find_claim(OV_TRACE_CLAIM_READ, "outside")->bytes, 0);
    assert_int_equal(find_claim(OV_TRACE_CLAIM_KEPT, "files")->force, OV_TRACE_FORCE_EXACT);
    assert_int_equal(find_claim(OV_TRACE_CLAIM_SENT, "network")->bytes, 50000);
    assert_int_equal(find_claim(OV_TRACE_CLAIM_SENT, "network")->force, OV_TRACE_FORCE_EXACT);
    // 51,400 bytes were on the wire, more than the sockets counted: these bound what can have left
    assert_int_equal(find_claim(OV_TRACE_CLAIM_CAPACITY, "left")->bits, 51400 * 8);
}

static void test_claims_without_an_end(void **state) {
    (void)state;
    build(false);
    assert_false(model.is_complete);
    assert_int_equal(find_claim(OV_TRACE_CLAIM_SENT, "network")->force, OV_TRACE_FORCE_SEEN);
    assert_int_equal(find_claim(OV_TRACE_CLAIM_KEPT, "files")->force, OV_TRACE_FORCE_SEEN);
    assert_int_equal(find_claim(OV_TRACE_CLAIM_CAPACITY, "left")->force, OV_TRACE_FORCE_NONE);
    assert_true(find_claim(OV_TRACE_CLAIM_NOT_OBSERVED, "end")->is_gap);
}

static void test_findings(void **state) {
    (void)state;
    build(true); // 100,000 bytes were read at 3,000 ns, and 50,000 sent at 3,500
    assert_true(has_finding(OV_TRACE_RULE_UPLOAD));
    assert_true(has_finding(OV_TRACE_RULE_SENT_AFTER_READ));
    assert_true(has_finding(OV_TRACE_RULE_ONE_WAY));
    assert_true(has_finding(OV_TRACE_RULE_AUDIT));
    assert_true(has_finding(OV_TRACE_RULE_DENIED));
    assert_false(has_finding(OV_TRACE_RULE_KEPT));
    assert_false(has_finding(OV_TRACE_RULE_OUTSIDE));
    assert_false(has_finding(OV_TRACE_RULE_ACT)); // it failed
    for (unsigned i = 0; i < OV_TRACE_RULES; i++) {
        assert_non_null(ov_trace_rules[i].word);
        assert_non_null(ov_trace_rules[i].why);
        assert_non_null(ov_trace_rules[i].thresholds[0].name);
    }
}

static void test_no_trace(void **state) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    (void)state;
    ov_arena_release(&arena);
    ov_arena_init(&arena, ARENA_BYTES);
    assert_int_equal(ov_trace_model_build(ov_span_text("no trace"), &arena, &model), OV_OK);
    assert_int_equal(ov_trace_report_build(&model, &arena, &report), OV_OK);
    assert_int_equal(report.finding_count, 0);
    assert_null(find_claim(OV_TRACE_CLAIM_SENT, "network"));
    ov_trace_report_add_text(&report, &out);
    ov_trace_report_add_json(&report, &out);
    ov_trace_report_add_html(&report, &out);
    ov_trace_check_add_text(&model, &out);
    ov_trace_check_add_json(&model, &out);
    assert_int_equal(ov_buf_status(&out), OV_OK);
}

static void test_pages_are_ours(void **state) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    (void)state;
    build(true);
    ov_trace_report_add_html(&report, &out);
    assert_true(ov_trace_page_is_ours(ov_buf_span(&out)));
}

static void test_memory_that_ends(void **state) {
    (void)state;
    for (unsigned nth = 1; nth < 100; nth++) {
        make_model(true);
        ov_arena_set_fault(nth);
        enum ov_status status = ov_trace_report_build(&model, &arena, &report);
        ov_arena_set_fault(0);
        assert_true(status == OV_OK || status == OV_MEMORY);
        if (status == OV_OK) {
            assert_true(nth > 1);
            return;
        }
    }
    fail();
}

static int release(void **state) {
    (void)state;
    ov_arena_release(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claims),         cmocka_unit_test(test_claims_without_an_end),
        cmocka_unit_test(test_findings),       cmocka_unit_test(test_no_trace),
        cmocka_unit_test(test_pages_are_ours), cmocka_unit_test(test_memory_that_ends),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
