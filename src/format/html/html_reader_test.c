// SPDX-License-Identifier: Apache-2.0
// Reading HTML by runs, beside the same byte by byte: made-up documents that hold what has states.
#include "format/format.h"
#include "format/html/html_links.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ROUNDS = 4000, PIECES_MAX = 160, LONG_EVERY = 16, ARENA_BYTES = 64 << 20 };

static const char *const pieces[] = {
    "word",
    "Two Words",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "\v",
    "\r",
    "\x01",
    "<",
    ">",
    "=",
    "\"",
    "'",
    "&",
    "&amp;",
    "&#65;",
    "&#x20ac;",
    "&Nothing ",
    "\xa1\x43",
    "\xe3\x80\x82",
    "\xff\xfe",
    "\x80",
    "\\",
    "\\\"",
    "<p>",
    "</p >",
    "<a href=\"http://Example.org/\xe3\x80\x82x\" title='A Title'>",
    "<a href=Plain>",
    "</a>",
    "<img SRC='Picture.png' dynsrc=other>",
    "<form action=\"/Post It\">",
    "</form>",
    "<area href=x>",
    "<!-- comment -->",
    "<!-- > \r\n",
    "<!DOCTYPE Html>",
    "<script>",
    "<script language=\"JScript.Encode\">",
    "<script Language=vbscript.encode>",
    "#@~^DgAAAA==",
    "<%@ language=JScript.Encode %>",
    "</script>",
    "</SCRIPT >",
    "<style>",
    "</style>",
    "url(data:image/png;base64,QUJD)",
    "var A = 'b' + \"c\"; // rest\n",
    "function f(x) { return x; }",
    "<a href=\"data:text/plain;base64,QUJD\">",
    "<a href=data:text/plain,%41%4g%\n'x>",
    "<img src='data:,a&amp;b\r\nc'>",
    "<img src=\"dataless data:",
    "<input disabled value = 'x\\' y' / checked>",
    "<t\xe9xt Attr\xe9 = \xe9>",
};

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

// Some of them are longer than a piece of the reader, with and without white space to end one at.
static void make_document(uint32_t *state, struct ov_buf *document) {
    uint32_t count = next_random(state) % PIECES_MAX;
    uint32_t long_kind = next_random(state) % LONG_EVERY;
    for (uint32_t i = 0; i < count; i++) {
        ov_buf_add_text(document, pieces[next_random(state) % OV_COUNT(pieces)]);
        uint32_t repeats = long_kind == 0 && next_random(state) % 16 == 0 ? 3000 : 0;
        for (uint32_t k = 0; k < repeats; k++) {
            ov_buf_add_text(document, next_random(state) % 8 == 0 ? " z" : "Lo");
        }
        if (next_random(state) % 64 == 0) {
            ov_buf_add_u8(document, 0);
        }
    }
}

struct reading {
    struct ov_html *html;
    struct ov_html_links links;
    enum ov_status status;
};

static void read_document(struct reading *reading, struct ov_walk *walk, struct ov_span document,
                          bool has_links) {
    reading->links = (struct ov_html_links){.shown_from = SIZE_MAX};
    reading->html->walk = walk;
    reading->html->in = document;
    reading->html->links = has_links ? &reading->links : NULL;
    reading->status = ov_html_read(reading->html);
}

static void release(struct reading *reading) {
    ov_html_release(reading->html);
    ov_buf_release(&reading->links.records);
    ov_buf_release(&reading->links.text);
}

static void assert_same(const struct ov_buf *by_runs, const struct ov_buf *by_steps) {
    assert_true(ov_span_is_equal(ov_buf_span(by_runs), ov_buf_span(by_steps)));
}

static void compare_way(struct ov_span document, bool has_links, ov_page_words_fn *read_words) {
    struct ov_arena arena;
    ov_arena_init(&arena, ARENA_BYTES);
    struct ov_limits limits = ov_limits_default();
    struct ov_budget budget;
    ov_budget_init(&budget, &limits);
    struct ov_walk walk = {.arena = &arena, .budget = &budget};
    struct reading runs = {.html = ov_arena_alloc(&arena, sizeof *runs.html)};
    struct reading steps = {.html = ov_arena_alloc(&arena, sizeof *steps.html)};
    assert_true(runs.html != NULL && steps.html != NULL);
    runs.html->read_words = read_words;
    steps.html->is_stepwise = true;
    read_document(&runs, &walk, document, has_links);
    read_document(&steps, &walk, document, has_links);
    assert_int_equal(runs.status, steps.status);
    assert_same(&runs.html->plain, &steps.html->plain);
    assert_same(&runs.html->text, &steps.html->text);
    assert_same(&runs.html->scripts, &steps.html->scripts);
    assert_same(&runs.html->style, &steps.html->style);
    assert_same(&runs.html->data, &steps.html->data);
    assert_same(&runs.html->data_ends, &steps.html->data_ends);
    assert_same(&runs.links.text, &steps.links.text);
    assert_int_equal(runs.links.records.size, steps.links.records.size);
    release(&runs);
    release(&steps);
    ov_arena_release(&arena);
}

static void compare(struct ov_span document, bool has_links) {
    compare_way(document, has_links, ov_page_words_plain);
    compare_way(document, has_links, ov_page_words_best());
}

static void test_runs_give_what_steps_give(void **state) {
    (void)state;
    uint32_t random = 10;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf document = {0};
        make_document(&random, &document);
        compare(ov_buf_span(&document), round % 2 != 0);
    }
}

// Every byte behind every other, in text, in a script, in a tag and in values.
static void test_pairs_of_bytes(void **state) {
    (void)state;
    static const char *const before[] = {"x",    "<script>x",       "<t",
                                         "<t a", "<t a=valuevalue", "<t a='value value"};
    for (size_t i = 0; i < OV_COUNT(before); i++) {
        for (unsigned pair = 0; pair < 0x10000; pair += 7) {
            OV_CLEANUP(ov_buf_release) struct ov_buf document = {0};
            ov_buf_add_text(&document, before[i]);
            ov_buf_add_u8(&document, (uint8_t)(pair >> 8));
            ov_buf_add_u8(&document, (uint8_t)pair);
            ov_buf_add_text(&document, "end 'x> last");
            compare(ov_buf_span(&document), false);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_give_what_steps_give),
        cmocka_unit_test(test_pairs_of_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
