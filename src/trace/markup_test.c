// SPDX-License-Identifier: Apache-2.0
// Markup: names of others become text, and a page with any other element is not ours.
#include "trace/markup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool is_ours(const char *page) {
    return ov_trace_page_is_ours(ov_span_text(page));
}

static void test_what_is_ours(void **state) {
    (void)state;
    assert_true(is_ours(""));
    assert_true(is_ours("a > b"));
    assert_true(is_ours("<p>a</p>\n<svg viewBox=\"0 0 1 1\"><rect x=\"1\"/></svg>"));
}

static void test_what_is_not(void **state) {
    static const char *const pages[] = {"<script>",
                                        "<SCRIPT>",
                                        "<p><a href=x>",
                                        "<img src=x>",
                                        "<!-- x -->",
                                        "<!DOCTYPE x>",
                                        "<?xml ?>",
                                        "<meta http-equiv=refresh>",
                                        "<link rel=x>",
                                        "<p\t>",
                                        "<p/onclick=x>",
                                        "</script>",
                                        "<foreignobject>",
                                        "<use href=x>",
                                        "< p>",
                                        "<",
                                        "<p",
                                        "<\0script>",
                                        "<iframe>",
                                        "<base href=x>",
                                        "<form>",
                                        "<animate>",
                                        "<Title>"};
    (void)state;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        assert_false(is_ours(pages[i]));
    }
}

static void expect_added(struct ov_span text, const char *wanted) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    ov_trace_markup_add(&out, text);
    assert_true(ov_span_is_text(ov_buf_span(&out), wanted));
}

static void test_names_become_text(void **state) {
    (void)state;
    expect_added(ov_span_text("<b x='1' y=\"2\">&"),
                 "&lt;b x=&#39;1&#39; y=&quot;2&quot;&gt;&amp;");
    expect_added(ov_span_text("a\nb\tc"), "a b c");
    expect_added(ov_span_text("\x1b[31m"), "\\x1b[31m");
    expect_added(ov_span_make("\xff\0", 2), "\\xff\\x00");
    expect_added(ov_span_text("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
    for (unsigned byte = 0; byte < 256; byte++) { // no byte makes an element
        OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
        uint8_t text[] = {'<', (uint8_t)byte, 'a', '>'};
        ov_trace_markup_add(&out, ov_span_make(text, sizeof text));
        assert_true(ov_span_find(ov_buf_span(&out), 0, '<') == out.size);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_ours),
        cmocka_unit_test(test_what_is_not),
        cmocka_unit_test(test_names_become_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
