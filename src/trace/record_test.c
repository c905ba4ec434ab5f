// SPDX-License-Identifier: Apache-2.0
// Records: to the byte, there and back for every type, and every other spelling refused.
#include "trace/form.h"
#include "trace/words.h"

#include "trace/samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct ov_arena arena;

static enum ov_status read_text(const char *text) {
    struct ov_trace_record record;
    ov_arena_reset(&arena);
    return ov_trace_record_read(ov_span_text(text), &arena, &record);
}

// As the page has it, written by hand.
static const char file_text[] = "file\n"
                                "process 42 1000\n"
                                "inode 254:1 77 5\n"
                                "bytes 100000\n"
                                "first 2000\n"
                                "last 3000\n"
                                "opens 1\n"
                                "reads 2\n"
                                "read 100000\n"
                                "lookups 3\n"
                                "looked 102400\n"
                                "mapped 0\n"
                                "direct 0\n"
                                "writes 0\n"
                                "written 0\n"
                                "dirtied 0\n"
                                "routes call,pages\n"
                                "scale 1\n"
                                "coverage ffffff01"
                                "00000000000000000000000000000000000000000000000000000000"
                                "0000000000000000000000000000000000000000000000000000000000000000"
                                "\n";

static void test_a_file_to_the_byte(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_trace_file file = sample_file;
    assert_int_equal(ov_trace_record_add(&out, OV_TRACE_FILE, &file), OV_OK);
    assert_int_equal(out.size, sizeof file_text - 1);
    assert_memory_equal(out.data, file_text, out.size);
}

static void test_every_type_there_and_back(void **state) {
    (void)state;
    for (size_t i = 0; i < sample_count; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
        OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
        const struct ov_trace_record *sample = &samples[i];
        struct ov_trace_record back;
        ov_arena_reset(&arena);
        assert_int_equal(ov_trace_record_add(&out, sample->type, &sample->begin), OV_OK);
        assert_int_equal(ov_trace_record_read(ov_buf_span(&out), &arena, &back), OV_OK);
        assert_int_equal(back.type, sample->type);
        assert_int_equal(ov_trace_record_add(&again, back.type, &back.begin), OV_OK);
        assert_true(ov_span_is_equal(ov_buf_span(&out), ov_buf_span(&again)));
    }
}

static void test_values_come_back(void **state) {
    (void)state;
    struct ov_trace_record back;
    ov_arena_reset(&arena);
    assert_int_equal(ov_trace_record_read(ov_span_text(file_text), &arena, &back), OV_OK);
    const struct ov_trace_file *file = &back.file;
    assert_int_equal(file->process.pid, 42);
    assert_int_equal(file->process.start_ns, 1000);
    assert_int_equal(file->inode.device, 254u << 20 | 1);
    assert_int_equal(file->inode.inode, 77);
    assert_int_equal(file->inode.generation, 5);
    assert_int_equal(file->size_bytes, 100000);
    assert_int_equal(file->last_ns, 3000);
    assert_int_equal(file->page_bytes, 102400);
    assert_int_equal(file->routes, 1 << OV_TRACE_ROUTE_CALL | 1 << OV_TRACE_ROUTE_PAGES);
    assert_int_equal(file->coverage[3], 1);
}

static void test_lists_and_strange_texts(void **state) {
    (void)state;
    static const char text[] = "process\nat 5\nevent exec\nprocess 7 1\nparent 1 0\nby parent\n"
                               "uid 4294967295\nexe 0:0 0 0\npath /tmp/a%20b%25%0A\nstatus 0\n"
                               "words 9\nword %2D\nword -\nword --x\n";
    struct ov_trace_record back;
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    ov_arena_reset(&arena);
    assert_int_equal(ov_trace_record_read(ov_span_text(text), &arena, &back), OV_OK);
    assert_true(ov_span_is_text(back.process.path, "/tmp/a b%\n"));
    assert_int_equal(back.process.words.count, 9);
    assert_int_equal(back.process.words.item_count, 3);
    assert_true(ov_span_is_text(back.process.words.items[0], "-"));
    assert_int_equal(back.process.words.items[1].size, 0);
    assert_true(ov_span_is_text(back.process.words.items[2], "--x"));
    assert_int_equal(ov_trace_record_add(&again, back.type, &back.begin), OV_OK);
    assert_true(ov_span_is_text(ov_buf_span(&again), text));
}

static void test_long_texts_and_lists_are_cut(void **state) {
    (void)state;
    static uint8_t bytes[3 * OV_TRACE_TEXT_BYTES_MAX]; // zeros: three bytes each
    static struct ov_span items[100];
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_trace_begin begin = samples[0].begin;
    struct ov_trace_record back;
    for (size_t i = 0; i < 100; i++) {
        items[i] = ov_span_make(bytes, sizeof bytes);
    }
    begin.version = begin.kernel = begin.machine = begin.target_name = items[0];
    begin.scope = begin.own = begin.words = (struct ov_trace_list){items, 100, 0};
    assert_int_equal(ov_trace_record_add(&out, OV_TRACE_BEGIN, &begin),
                     OV_OK); // the longest of all
    ov_arena_reset(&arena);
    assert_int_equal(ov_trace_record_read(ov_buf_span(&out), &arena, &back), OV_OK);
    assert_int_equal(back.begin.version.size, OV_TRACE_TEXT_BYTES_MAX);
    assert_int_equal(back.begin.words.count, 100);
    assert_int_equal(back.begin.words.item_count, 1);
    for (size_t i = 0; i < 100; i++) {
        items[i] = ov_span_make("a", 1);
    }
    ov_buf_reset(&out);
    assert_int_equal(ov_trace_record_add(&out, OV_TRACE_BEGIN, &begin), OV_OK);
    ov_arena_reset(&arena);
    assert_int_equal(ov_trace_record_read(ov_buf_span(&out), &arena, &back), OV_OK);
    assert_int_equal(back.begin.own.item_count, OV_TRACE_LIST_MAX);
}

static void test_other_spellings_are_damaged(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",
        "\n",
        "loss",
        "loss\nname a\ncount 1",
        "loss\nname a\n",
        "loss\ncount 1\nname a\n",
        "loss\nname a\ncount 01\n",
        "loss\nname a\ncount +1\n",
        "loss\nname a\ncount \n",
        "loss\nname a\ncount\n",
        "loss\nname a\ncount  1\n",
        "loss\nname a\ncount 18446744073709551616\n",
        "loss\nname a\ncount 1\n\n",
        "loss\nname a\ncount 1\nmore 1\n",
        "loss\nname a\ncount 1\r\n",
        "loss\nname %61\ncount 1\n",
        "loss\nname a%2d\ncount 1\n",
        "loss\nname a%\ncount 1\n",
        "loss\nname a%0\ncount 1\n",
        "loss\nname a b\ncount 1\n",
        "loss\nname \xc3\xa4\ncount 1\n",
        "loss\nname -\ncount 1\n", // empty
        "loss\nname 0123456789012345678901234567890123456789012345678\ncount 1\n",
        "Loss\nname a\ncount 1\n",
        "canary\nat 1\nprocess 1 1\ninode 0:0 1 0\nroute pages\nfrom 5\nto 4\n",
        "canary\nat 1\nprocess 1 1\ninode 0:0 1 0\nroute page\nfrom 1\nto 4\n",
        "canary\nat 1\nprocess 1 1\ninode 0:1048576 1 0\nroute pages\nfrom 1\nto 4\n",
        "canary\nat 1\nprocess 1 1\ninode 4096:0 1 0\nroute pages\nfrom 1\nto 4\n",
        "canary\nat 1\nprocess 4294967296 1\ninode 0:0 1 0\nroute pages\nfrom 1\nto 4\n",
        "canary\nat 1\nprocess 1\ninode 0:0 1 0\nroute pages\nfrom 1\nto 4\n",
        "act\nat 1\nprocess 1 1\ncall bpf\nresult -0\narguments 0\n",
        "act\nat 1\nprocess 1 1\ncall bpf\nresult 9223372036854775808\narguments 0\n",
        "act\nat 1\nprocess 1 1\ncall bpf\nresult 0\narguments 0\nargument a\n",
    };
    assert_int_equal(read_text("loss\nname a\ncount 18446744073709551615\n"), OV_OK);
    assert_int_equal(
        read_text("canary\nat 1\nprocess 1 1\ninode 0:0 1 0\nroute pages\nfrom 4\nto 4\n"), OV_OK);
    assert_int_equal(read_text("act\nat 1\nprocess 1 1\ncall bpf\nresult -1\narguments 0\n"),
                     OV_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(read_text(wrong[i]), OV_DAMAGED);
    }
}

static void test_digests_have_one_spelling(void **state) {
    (void)state;
    static const struct {
        const char *digest;
        enum ov_status status;
    } cases[] = {
        {"a000000000000000000000000000000000000000000000000000000000000000", OV_OK},
        {"A000000000000000000000000000000000000000000000000000000000000000", OV_DAMAGED},
        {"0000000000000000000000000000000000000000000000000000000000000000", OV_DAMAGED},
        {"a0000000000000000000000000000000000000000000000000000000000000", OV_DAMAGED},
        {"-", OV_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        (void)snprintf(text, sizeof text, "capture\npath a\npackets 1\nbytes 1\nsha256 %s\n",
                       cases[i].digest);
        assert_int_equal(read_text(text), cases[i].status);
    }
}

static void test_routes_stand_in_order_and_once(void **state) {
    (void)state;
    static const char *const routes[] = {"pages,call", "call,call", "call,", ",call", "call,-"};
    const char *after = strstr(file_text, "\nscale");
    const char *before = strstr(file_text, "call,pages");
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        char text[2 * sizeof file_text];
        (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(before - file_text), file_text,
                       routes[i], after);
        assert_int_equal(read_text(text), OV_DAMAGED);
    }
    assert_int_equal(read_text(file_text), OV_OK);
}

static void test_what_cannot_be_written(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_trace_file file = sample_file;
    file.scale = 3;
    assert_int_equal(ov_trace_record_add(&out, OV_TRACE_FILE, &file), OV_INVALID);
    file.scale = 1;
    file.routes = 1u << OV_TRACE_ROUTES;
    assert_int_equal(ov_trace_record_add(&out, OV_TRACE_FILE, &file), OV_INVALID);
    struct ov_trace_name name = {.kind = (enum ov_trace_kind)7};
    assert_int_equal(ov_trace_record_add(&out, OV_TRACE_NAME, &name), OV_INVALID);
}

// A flipped bit never reads as another record that would be written otherwise.
static void test_what_is_read_is_written_again(void **state) {
    (void)state;
    for (size_t i = 0; i < sample_count; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
        assert_int_equal(ov_trace_record_add(&out, samples[i].type, &samples[i].begin), OV_OK);
        for (size_t bit = 0; bit < 8 * out.size; bit++) {
            OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
            struct ov_trace_record back;
            out.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            ov_arena_reset(&arena);
            if (ov_trace_record_read(ov_buf_span(&out), &arena, &back) == OV_OK) {
                assert_int_equal(ov_trace_record_add(&again, back.type, &back.begin), OV_OK);
                assert_true(ov_span_is_equal(ov_buf_span(&out), ov_buf_span(&again)));
            }
            out.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

static int open_arena(void **state) {
    (void)state;
    ov_arena_init(&arena, 1 << 20);
    return 0;
}

static int close_arena(void **state) {
    (void)state;
    ov_arena_release(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_to_the_byte),
        cmocka_unit_test(test_every_type_there_and_back),
        cmocka_unit_test(test_values_come_back),
        cmocka_unit_test(test_lists_and_strange_texts),
        cmocka_unit_test(test_long_texts_and_lists_are_cut),
        cmocka_unit_test(test_other_spellings_are_damaged),
        cmocka_unit_test(test_digests_have_one_spelling),
        cmocka_unit_test(test_routes_stand_in_order_and_once),
        cmocka_unit_test(test_what_cannot_be_written),
        cmocka_unit_test(test_what_is_read_is_written_again),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
