// SPDX-License-Identifier: Apache-2.0
// Addresses of one narrow form, jobs that come out as they went in, answers that go together.
#include "wire/fetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static bool is_url(const char *text) {
    struct ov_fetch_url url;
    return ov_fetch_url_parse(ov_span_text(text), &url) == OV_OK;
}

static void addresses_have_parts(void **state) {
    (void)state;
    struct ov_fetch_url url;
    assert_int_equal(ov_fetch_url_parse(ov_span_text("https://a.example/log/x"), &url), OV_OK);
    assert_true(url.is_tls && !url.is_address && url.port == 443);
    assert_true(ov_span_is_text(url.host, "a.example") && ov_span_is_text(url.path, "/log/x"));
    assert_int_equal(ov_fetch_url_parse(ov_span_text("http://[::1]:8080/"), &url), OV_OK);
    assert_true(!url.is_tls && url.is_address && url.port == 8080);
    assert_true(ov_span_is_text(url.host, "::1") && ov_span_is_text(url.path, "/"));
    assert_int_equal(ov_fetch_url_parse(ov_span_text("http://127.0.0.1:1"), &url), OV_OK);
    assert_true(url.port == 1 && url.path.size == 0);
}

static void other_addresses_are_refused(void **state) {
    (void)state;
    static const char *const refused[] = {
        "",
        "a.example/log",
        "ftp://a.example/",
        "file:///etc/passwd",
        "HTTP://a.example/",
        "http:/a.example/",
        "http://",
        "http:///x",
        "http://user@a.example/",
        "http://user:secret@a.example/",
        "http://a.example/?q",
        "http://a.example/x?q=1",
        "http://a.example/#x",
        "http://a.example/%2e%2e/x",
        "http://a.example/../x",
        "http://a.example/./x",
        "http://a.example//x",
        "http://a.example/x//",
        "http://a.example:/",
        "http://a.example:0/",
        "http://a.example:080/",
        "http://a.example:65536/",
        "http://a.example:1x/",
        "http://a.example:1:2/",
        "http://.example/",
        "http://a.example./",
        "http://-a/",
        "http://a_b/",
        "http://a b/",
        "http://[::1/",
        "http://[::g]/",
        "http://[]/",
        "http://[::1]x/",
        "http://[::1%25lo]/",
        "http://a.example/x y",
        "http://a.example/x\n",
        "http://a.example\\x",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (is_url(refused[i])) {
            fail_msg("taken: %s", refused[i]);
        }
    }
    assert_true(is_url("http://a/x/"));
    assert_true(is_url("https://a-b.example:65535/tile/8/x001/067.p/8"));
}

static void paths_stay_below(void **state) {
    (void)state;
    static const char *const refused[] = {"",    "/x",  "x/",   "..",   "a/../b", ".", "a/./b",
                                          "a?b", "a b", "a%2e", "a//b", "a\\b",   "~"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_false(ov_fetch_path_is_sound(ov_span_text(refused[i])));
    }
    assert_true(ov_fetch_path_is_sound(ov_span_text("feed/x/latest.tlog-proof")));
    assert_true(ov_fetch_path_is_sound(ov_span_text("...a")));
    char path[OV_FETCH_PATH_BYTES + 2];
    memset(path, 'a', sizeof path);
    assert_true(ov_fetch_path_is_sound(ov_span_make(path, OV_FETCH_PATH_BYTES)));
    assert_false(ov_fetch_path_is_sound(ov_span_make(path, OV_FETCH_PATH_BYTES + 1)));
}

static const struct ov_fetch_item samples[] = {
    {.most_bytes = 100, .name = {(const uint8_t *)"checkpoint", 10}},
    {.may_miss = true, .most_bytes = UINT64_MAX, .name = {(const uint8_t *)"a/b", 3}},
    {.is_post = true,
     .most_bytes = 10,
     .limit_ms = 500,
     .name = {(const uint8_t *)"http://w/add", 12},
     .body = {(const uint8_t *)"a\nb\0c", 5}},
    {.is_post = true,
     .limit_ms = 1,
     .name = {(const uint8_t *)"https://w/", 10},
     .proxy = {(const uint8_t *)"http://p:3128", 13}},
};
enum { SAMPLES = sizeof samples / sizeof samples[0] };

static void write_job(struct ov_buf *out) {
    struct ov_fetch_job job = {.deadline_ms = 60000,
                               .most_bytes = 1 << 30,
                               .authorities = ov_span_text("/etc/ca with space.pem"),
                               .base = ov_span_text("https://log.example/x/"),
                               .item_count = SAMPLES};
    ov_fetch_job_encode(&job, out);
    for (size_t i = 0; i < SAMPLES; i++) {
        ov_fetch_item_encode(&samples[i], out);
    }
    assert_int_equal(ov_buf_status(out), OV_OK);
}

static void jobs_come_out_as_they_went_in(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_fetch_job job;
    struct ov_fetch_item *items = NULL;
    write_job(&out);
    assert_int_equal(ov_fetch_job_decode(ov_buf_span(&out), &job, &items), OV_OK);
    assert_true(job.deadline_ms == 60000 && job.most_bytes == 1 << 30 && job.proxy.size == 0);
    assert_true(ov_span_is_text(job.authorities, "/etc/ca with space.pem"));
    assert_int_equal(job.item_count, SAMPLES);
    for (size_t i = 0; i < SAMPLES; i++) {
        assert_true(items[i].is_post == samples[i].is_post &&
                    items[i].may_miss == samples[i].may_miss &&
                    items[i].most_bytes == samples[i].most_bytes &&
                    items[i].limit_ms == samples[i].limit_ms &&
                    ov_span_is_equal(items[i].name, samples[i].name) &&
                    ov_span_is_equal(items[i].proxy, samples[i].proxy) &&
                    ov_span_is_equal(items[i].body, samples[i].body));
    }
    free(items);
}

// A job cut anywhere is none, nor is one with a byte more.
static void parts_of_jobs_are_refused(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_fetch_job job;
    struct ov_fetch_item *items = NULL;
    write_job(&out);
    for (size_t size = 0; size < out.size; size++) {
        struct ov_span part = ov_span_part(ov_buf_span(&out), 0, size);
        assert_int_equal(ov_fetch_job_decode(part, &job, &items), OV_DAMAGED);
    }
    ov_buf_add_u8(&out, '\n');
    assert_int_equal(ov_fetch_job_decode(ov_buf_span(&out), &job, &items), OV_DAMAGED);
}

static void odd_lines_are_refused(void **state) {
    (void)state;
    static const char *const lines[] = {"get must 01 x",
                                        "get must  1 x",
                                        "get must 1 x ",
                                        "get must 1",
                                        "get never 1 x",
                                        "get must -1 x",
                                        "get must 1 ../x",
                                        "GET must 1 x",
                                        "get must 1 x y",
                                        " get must 1 x",
                                        "post 1 1 - - 0\n",
                                        "post 1 1 http://w - 0\n",
                                        "post 1 1 http://w/a http://p/x 0\n",
                                        "get must 18446744073709551616 x",
                                        "post 1 1 http://w/a - 9\n1234",
                                        "post 90000000 1 http://w/a - 0\n"};
    struct ov_fetch_job job;
    struct ov_fetch_item *items = NULL;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
        struct ov_fetch_job head = {
            .authorities = ov_span_text("/x"), .base = ov_span_text("http://a/"), .item_count = 1};
        ov_fetch_job_encode(&head, &out);
        ov_buf_add_text(&out, lines[i]);
        ov_buf_add_u8(&out, '\n');
        if (ov_fetch_job_decode(ov_buf_span(&out), &job, &items) != OV_DAMAGED) {
            fail_msg("taken: %s", lines[i]);
        }
    }
}

static enum ov_status tell(struct ov_fetch_answer answer) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_fetch_answer again;
    ov_fetch_answer_encode(&answer, &out);
    assert_int_equal(out.size, OV_FETCH_ANSWER_BYTES);
    return ov_fetch_answer_decode(ov_buf_span(&out), samples, SAMPLES, &again);
}

static void answers_go_together(void **state) {
    (void)state;
    const struct ov_fetch_answer good[] = {
        {0, OV_FETCH_GOT, 200, 0, 100},     {0, OV_FETCH_GOT, 200, 0, 0},
        {1, OV_FETCH_MISSING, 404, 0, 0},   {0, OV_FETCH_STATUS, 500, 0, 0},
        {2, OV_FETCH_GOT, 409, 0, 10},      {2, OV_FETCH_REDIRECT, 302, 0, 0},
        {3, OV_FETCH_CONNECT, 0, 111, 0},   {3, OV_FETCH_UNTRIED, 0, 0, 0},
        {3, OV_FETCH_CERTIFICATE, 0, 0, 0},
    };
    const struct ov_fetch_answer bad[] = {
        {0, OV_FETCH_GOT, 200, 0, 101},   {0, OV_FETCH_GOT, 404, 0, 0},
        {0, OV_FETCH_GOT, 206, 0, 1},     {4, OV_FETCH_GOT, 200, 0, 0},
        {0, OV_FETCH_MISSING, 200, 0, 0}, {2, OV_FETCH_MISSING, 404, 0, 0},
        {0, OV_FETCH_STATUS, 200, 0, 0},  {0, OV_FETCH_STATUS, 0, 0, 0},
        {0, OV_FETCH_STATUS, 600, 0, 0},  {0, OV_FETCH_CONNECT, 0, 5000, 0},
        {0, OV_FETCH_TLS, 0, 1, 0},       {0, OV_FETCH_TIMEOUT, 200, 0, 0},
        {0, OV_FETCH_CLOSED, 0, 0, 1},    {0, OV_FETCH_END_COUNT, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(tell(good[i]), OV_OK);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(tell(bad[i]), OV_PEER);
    }
}

static enum ov_status pass_bytes(uint32_t number, uint64_t sent, uint64_t received) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_fetch_bytes bytes = {.number = number, .sent = sent, .received = received};
    struct ov_fetch_bytes again;
    ov_fetch_bytes_encode(&bytes, &out);
    enum ov_status status = ov_fetch_bytes_decode(ov_buf_span(&out), SAMPLES, &again);
    if (status == OV_OK) {
        assert_true(again.number == number && again.sent == sent && again.received == received);
    }
    return status;
}

static void bytes_are_of_an_item(void **state) {
    (void)state;
    assert_int_equal(pass_bytes(0, 1, INT64_MAX), OV_OK);
    assert_int_equal(pass_bytes(SAMPLES - 1, 0, 0), OV_OK);
    assert_int_equal(pass_bytes(SAMPLES, 0, 0), OV_PEER);
    assert_int_equal(pass_bytes(0, 1ull << 63, 0), OV_PEER);
    assert_int_equal(pass_bytes(0, 0, 1ull << 63), OV_PEER);
    assert_int_equal(pass_bytes(OV_FETCH_BYTES_END, 0, 0), OV_OK);
    assert_int_equal(pass_bytes(OV_FETCH_BYTES_END, 1, 0), OV_PEER);
}

static void ready_is_consistent(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_fetch_ready ready = {.layers = 0x3ff7, .refusals = {[3] = 1}};
    struct ov_fetch_ready again;
    ov_fetch_ready_encode(&ready, &out);
    assert_int_equal(ov_fetch_ready_decode(ov_buf_span(&out), &again), OV_OK);
    assert_memory_equal(&ready, &again, sizeof ready);
    ready.refusals[2] = 1;
    ov_fetch_ready_encode(&ready, &out);
    assert_int_equal(ov_fetch_ready_decode(ov_buf_span(&out), &again), OV_PEER);
    ov_buf_add_u8(&out, 0);
    assert_int_equal(ov_fetch_ready_decode(ov_buf_span(&out), &again), OV_PEER);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_have_parts),
        cmocka_unit_test(other_addresses_are_refused),
        cmocka_unit_test(paths_stay_below),
        cmocka_unit_test(jobs_come_out_as_they_went_in),
        cmocka_unit_test(parts_of_jobs_are_refused),
        cmocka_unit_test(odd_lines_are_refused),
        cmocka_unit_test(answers_go_together),
        cmocka_unit_test(bytes_are_of_an_item),
        cmocka_unit_test(ready_is_consistent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
