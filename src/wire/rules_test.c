// SPDX-License-Identifier: Apache-2.0
// Every message between broker and builder survives its way; what breaks a rule is refused.
#include "wire/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SOURCES = 5, AT_VERSION = 4, AT_WORD = 8, AT_FLAGS = 12 };

static void request_survives(void **state) {
    (void)state;
    struct ov_buf out = {0};
    struct ov_wire_request request = {.word = OV_WIRE_WORD_SHOW,
                                      .is_json = true,
                                      .with_costs = true,
                                      .source_count = 7,
                                      .rule = ov_span_text("Win.Test")};
    struct ov_wire_request back;
    ov_wire_request_encode(&request, &out);
    assert_int_equal(ov_wire_request_decode(ov_buf_span(&out), &back), OV_OK);
    assert_int_equal(back.word, OV_WIRE_WORD_SHOW);
    assert_true(back.is_json && back.with_costs);
    assert_false(back.with_pua || back.is_strict || back.with_summary);
    assert_int_equal(back.source_count, 7);
    assert_true(ov_span_is_equal(back.rule, request.rule));
    for (size_t size = 0; size < 20; size++) {
        assert_int_equal(ov_wire_request_decode(ov_span_make(out.data, size), &back), OV_PEER);
    }
    static const uint8_t places[] = {0, AT_VERSION, AT_WORD, AT_FLAGS + 1};
    for (size_t i = 0; i < sizeof places; i++) {
        uint8_t kept = out.data[places[i]];
        out.data[places[i]] = 0xf7;
        assert_int_equal(ov_wire_request_decode(ov_buf_span(&out), &back), OV_PEER);
        out.data[places[i]] = kept;
    }
    out.data[AT_WORD] = OV_WIRE_WORD_CHECK; // which is asked for no name
    assert_int_equal(ov_wire_request_decode(ov_buf_span(&out), &back), OV_PEER);
    ov_buf_release(&out);
}

static void a_limit_travels_with_its_word(void **state) {
    (void)state;
    struct ov_buf out = {0};
    struct ov_wire_request request = {
        .word = OV_WIRE_WORD_UNPACK, .source_count = 2, .most_bytes = 1ull << 40};
    struct ov_wire_request back;
    ov_wire_request_encode(&request, &out);
    assert_int_equal(out.size, 28);
    assert_int_equal(ov_wire_request_decode(ov_buf_span(&out), &back), OV_OK);
    assert_true(back.word == OV_WIRE_WORD_UNPACK && back.most_bytes == 1ull << 40);
    assert_int_equal(ov_wire_request_decode(ov_span_make(out.data, 27), &back), OV_PEER);
    ov_buf_add_u8(&out, 'x'); // a name, which it is asked for none
    assert_int_equal(ov_wire_request_decode(ov_buf_span(&out), &back), OV_PEER);
    request.word = OV_WIRE_WORD_BUILD;
    ov_wire_request_encode(&request, &out);
    assert_int_equal(out.size, 20);
    ov_buf_release(&out);
}

static enum ov_status pass_source(struct ov_wire_source source, struct ov_wire_source *ret_back) {
    static struct ov_buf out; // the path that comes back points into it
    ov_wire_source_encode(&source, &out);
    return ov_wire_source_decode(ov_buf_span(&out), ret_back);
}

static void sources_survive(void **state) {
    (void)state;
    static uint8_t path[OV_WIRE_PATH_BYTES + 1];
    struct ov_wire_source back;
    struct ov_wire_source source = {.has_bytes = true, .path = ov_span_text("a/b.ndb")};
    memset(path, 'x', sizeof path);
    assert_int_equal(pass_source(source, &back), OV_OK);
    assert_true(back.has_bytes && !back.is_member && back.error == 0);
    assert_true(ov_span_is_equal(back.path, source.path));
    source.error = 13; // an error, and bytes
    assert_int_equal(pass_source(source, &back), OV_PEER);
    source.has_bytes = false;
    source.is_member = true;
    source.is_new = true;
    assert_int_equal(pass_source(source, &back), OV_OK);
    assert_true(!back.has_bytes && back.is_member && back.is_new && back.error == 13);
    source.path = ov_span_make(path, OV_WIRE_PATH_BYTES);
    source.kind = OV_WIRE_SOURCE_CERTIFICATE;
    assert_int_equal(pass_source(source, &back), OV_OK);
    assert_int_equal(back.kind, OV_WIRE_SOURCE_CERTIFICATE);
    source.kind = OV_WIRE_SOURCE_KIND_COUNT;
    assert_int_equal(pass_source(source, &back), OV_PEER);
    source.kind = OV_WIRE_SOURCE_MAIN;
    source.path = ov_span_make(path, OV_WIRE_PATH_BYTES + 1);
    assert_int_equal(pass_source(source, &back), OV_PEER);
    source.path = ov_span_make("a\0b", 3);
    assert_int_equal(pass_source(source, &back), OV_PEER);
    source.path = ov_span_make(path, 0);
    assert_int_equal(pass_source(source, &back), OV_PEER);
}

static enum ov_status pass_report(struct ov_wire_report report, struct ov_wire_report *ret_back) {
    static struct ov_buf out; // the text that comes back points into it
    ov_wire_report_encode(&report, &out);
    return ov_wire_report_decode(ov_buf_span(&out), SOURCES, ret_back);
}

static enum ov_status pass_text(enum ov_wire_report_kind kind, uint32_t number, const void *text,
                                size_t size) {
    struct ov_wire_report back;
    struct ov_wire_report report = {
        .kind = kind, .number = number, .text = ov_span_make(text, size)};
    enum ov_status status = pass_report(report, &back);
    if (status == OV_OK) {
        assert_int_equal(back.kind, kind);
        assert_int_equal(back.number, number);
        assert_true(ov_span_is_equal(back.text, report.text));
    }
    return status;
}

static void reports_keep_their_bounds(void **state) {
    (void)state;
    static uint8_t text[OV_WIRE_TEXT_BYTES + 1];
    memset(text, 'x', sizeof text);
    assert_int_equal(pass_text(OV_WIRE_REPORT_READING, SOURCES - 1, NULL, 0), OV_OK);
    assert_int_equal(pass_text(OV_WIRE_REPORT_READING, SOURCES, NULL, 0), OV_PEER);
    assert_int_equal(pass_text(OV_WIRE_REPORT_READING, 0, "x", 1), OV_PEER);
    assert_int_equal(pass_text(OV_WIRE_REPORT_STAGE, 100, "gram tables", 11), OV_OK);
    assert_int_equal(pass_text(OV_WIRE_REPORT_STAGE, 101, "gram tables", 11), OV_PEER);
    assert_int_equal(pass_text(OV_WIRE_REPORT_STAGE, 1, "\x1b[2J", 4), OV_PEER);
    assert_int_equal(pass_text(OV_WIRE_REPORT_STAGE, 1, text, OV_WIRE_STAGE_BYTES), OV_OK);
    assert_int_equal(pass_text(OV_WIRE_REPORT_STAGE, 1, text, OV_WIRE_STAGE_BYTES + 1), OV_PEER);
    assert_int_equal(pass_text(OV_WIRE_REPORT_STAGE, 1, "", 0), OV_PEER);
    assert_int_equal(pass_text(OV_WIRE_REPORT_PROBLEM, 0, text, OV_WIRE_LINE_BYTES), OV_OK);
    assert_int_equal(pass_text(OV_WIRE_REPORT_PROBLEM, 0, text, OV_WIRE_LINE_BYTES + 1), OV_PEER);
    assert_int_equal(pass_text(OV_WIRE_REPORT_PROBLEM, 1, text, 5), OV_PEER);
    assert_int_equal(pass_text(OV_WIRE_REPORT_TEXT, 0, text, OV_WIRE_TEXT_BYTES), OV_OK);
    assert_int_equal(pass_text(OV_WIRE_REPORT_TEXT, 0, text, OV_WIRE_TEXT_BYTES + 1), OV_PEER);
    assert_int_equal(pass_text(OV_WIRE_REPORT_TEXT, 1, text, 1), OV_PEER);
    assert_int_equal(pass_text(OV_WIRE_REPORT_TEXT, 0, text, 0), OV_PEER);
    assert_int_equal(pass_text(OV_WIRE_REPORT_KIND_COUNT, 0, text, 1), OV_PEER);
    assert_int_equal(pass_text(OV_WIRE_REPORT_ROOT, 0, text, OV_WIRE_ROOT_BYTES), OV_OK);
    assert_int_equal(pass_text(OV_WIRE_REPORT_CAGED, 0xffff, NULL, 0), OV_OK);
    assert_int_equal(pass_text(OV_WIRE_REPORT_CAGED, 0x10000, NULL, 0), OV_PEER);
    assert_int_equal(pass_text(OV_WIRE_REPORT_CAGED, 1, text, 1), OV_PEER);
    assert_int_equal(pass_text(OV_WIRE_REPORT_ROOT, 0, text, OV_WIRE_ROOT_BYTES - 1), OV_PEER);
    assert_int_equal(pass_text(OV_WIRE_REPORT_ROOT, 0, text, OV_WIRE_ROOT_BYTES + 1), OV_PEER);
    assert_int_equal(pass_text(OV_WIRE_REPORT_ROOT, 1, text, OV_WIRE_ROOT_BYTES), OV_PEER);
}

static void the_last_report_adds_up(void **state) {
    (void)state;
    struct ov_wire_report back;
    struct ov_wire_report end = {.kind = OV_WIRE_REPORT_DONE,
                                 .rule_count = 1ull << 40,
                                 .fault_count = 2,
                                 .skip_count = 3,
                                 .shown_count = 4};
    assert_int_equal(pass_report(end, &back), OV_OK);
    assert_true(back.rule_count == 1ull << 40 && back.fault_count == 2);
    assert_true(back.skip_count == 3 && back.shown_count == 4);
    end.status = OV_LIMIT; // done, and not done
    assert_int_equal(pass_report(end, &back), OV_PEER);
    end.number = OV_WIRE_END_READING;
    assert_int_equal(pass_report(end, &back), OV_OK);
    assert_int_equal(back.status, OV_LIMIT);
    end.error = 5; // an errno without a system call
    assert_int_equal(pass_report(end, &back), OV_PEER);
    end.status = OV_SYSTEM;
    assert_int_equal(pass_report(end, &back), OV_OK);
    assert_int_equal(back.error, 5);
    end.status = (enum ov_status)(OV_PEER + 1);
    assert_int_equal(pass_report(end, &back), OV_PEER);
    end.status = OV_SYSTEM;
    end.number = OV_WIRE_END_COUNT;
    assert_int_equal(pass_report(end, &back), OV_PEER);
}

static enum ov_status pass_database(struct ov_database_report report,
                                    struct ov_database_report *ret_back) {
    struct ov_wire_report back;
    enum ov_status status = pass_report(
        (struct ov_wire_report){.kind = OV_WIRE_REPORT_DATABASE, .database = report}, &back);
    if (status == OV_OK) {
        *ret_back = back.database;
    }
    return status;
}

static void what_is_told_of_a_database_keeps_its_bounds(void **state) {
    (void)state;
    const struct ov_database_report sound = {.checks = OV_DATABASE_LEGACY | OV_DATABASE_INFO,
                                             .has_sign = true,
                                             .source = SOURCES - 1,
                                             .member_count = 23,
                                             .version = 28038,
                                             .rule_count = 355472,
                                             .level = 90,
                                             .time = 1782023040,
                                             .name = "daily-2_x",
                                             .signer = "Signing Cert"};
    struct ov_database_report report = sound, back;
    assert_int_equal(pass_database(report, &back), OV_OK);
    assert_memory_equal(&back.name, report.name, sizeof report.name);
    assert_memory_equal(&back.signer, report.signer, sizeof report.signer);
    assert_true(back.checks == report.checks && back.has_sign && !back.is_local);
    assert_true(back.version == 28038 && back.rule_count == 355472 && back.level == 90);
    assert_true(back.time == 1782023040 && back.member_count == 23 && back.source == SOURCES - 1);
    report.source = SOURCES;
    assert_int_equal(pass_database(report, &back), OV_PEER);
    report = sound;
    report.checks = OV_DATABASE_CHECKS + 1;
    assert_int_equal(pass_database(report, &back), OV_PEER);
    report.checks = OV_DATABASE_LEGACY; // accepted without a look at the members
    assert_int_equal(pass_database(report, &back), OV_PEER);
    report = sound;
    report.name[0] = '/';
    assert_int_equal(pass_database(report, &back), OV_PEER);
    report = sound;
    report.name[20] = 'x'; // behind its end
    assert_int_equal(pass_database(report, &back), OV_PEER);
    report = sound;
    report.signer[0] = 0x1b;
    assert_int_equal(pass_database(report, &back), OV_PEER);
    memset(report.signer, 'x', sizeof report.signer);
    assert_int_equal(pass_database(report, &back), OV_PEER);
    report = sound;
    report.refusal = OV_DATABASE_BAD_MD5; // refused, and yet told of
    assert_int_equal(pass_database(report, &back), OV_PEER);
    report = (struct ov_database_report){.refusal = OV_DATABASE_BAD_LINE, .line = 7};
    assert_int_equal(pass_database(report, &back), OV_OK);
    assert_true(back.refusal == OV_DATABASE_BAD_LINE && back.line == 7);
    report.refusal = OV_DATABASE_REFUSAL_COUNT;
    assert_int_equal(pass_database(report, &back), OV_PEER);
    report = sound;
    report.version = 1ull << 32;
    assert_int_equal(pass_database(report, &back), OV_PEER);
}

static void reports_of_other_lengths_are_refused(void **state) {
    (void)state;
    struct ov_buf out = {0};
    struct ov_wire_report back;
    ov_wire_report_encode(&(struct ov_wire_report){.kind = OV_WIRE_REPORT_DONE}, &out);
    for (size_t size = 0; size < out.size; size++) {
        struct ov_span part = ov_span_make(out.data, size);
        assert_int_equal(ov_wire_report_decode(part, SOURCES, &back), OV_PEER);
    }
    assert_int_equal(ov_wire_report_decode(ov_buf_span(&out), SOURCES, &back), OV_OK);
    ov_buf_add_u8(&out, 0);
    assert_int_equal(ov_wire_report_decode(ov_buf_span(&out), SOURCES, &back), OV_PEER);
    ov_buf_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_survives),
        cmocka_unit_test(a_limit_travels_with_its_word),
        cmocka_unit_test(sources_survive),
        cmocka_unit_test(reports_keep_their_bounds),
        cmocka_unit_test(the_last_report_adds_up),
        cmocka_unit_test(what_is_told_of_a_database_keeps_its_bounds),
        cmocka_unit_test(reports_of_other_lengths_are_refused),
    };
    return cmocka_run_group_tests_name("wire/rules", tests, NULL, NULL);
}
