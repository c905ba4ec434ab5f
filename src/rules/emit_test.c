// SPDX-License-Identifier: Apache-2.0
// Whole images as the builder writes them: the same bytes from the same sources, and what their
// readers make of damaged ones.
#include "rules/emit.h"

#include "base/digest.h"
#include "match/matcher.h"
#include "catalog/image_check.h"
#include "catalog/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char bodies[] = "Zeta:0:*:6e6565646c6520696e206120686179737461636b\n"
                             "Alpha:0:*:4142??43{2-9}4445*4546\n"
                             "Short:0:*:414141\nPlace:0:2,5:010203\nEnd:0:EOF-4:656e64\n"
                             "Pe:1:EP+0:609090\nPUA.Thing:0:*:5055415055415055412a\n";
static const char logicals[] =
    "L;Engine:81-255,Target:0;(0&1)>1,2|2=1;6e6565::iwa;5,4:414243;686179::f\n"
    "C;Engine:81-255,Target:0;0&1;73697a653d;0(>>5#de4#>1,<9999)\n"
    "R;Engine:81-255,Target:0;0&1;6e65;0/[a-z]+\\d/\n";
static const char hashes[] =
    "44d88612fea8a8f36de82e1278abb02f:68:Hash.One\n"
    "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f:*:Two:73\n";

struct source {
    const char *name, *text;
};

static void build(const struct source *sources, size_t count, struct ov_buf *ret_image) {
    static const struct ov_build_options options;
    struct ov_ruleset *set = NULL;
    assert_int_equal(ov_ruleset_new(NULL, &set), OV_OK);
    for (size_t i = 0; i < count; i++) {
        struct ov_span text = ov_span_text(sources[i].text);
        assert_int_equal(ov_ruleset_load_bytes(set, sources[i].name, text, false), OV_OK);
    }
    assert_int_equal(set->problem_count, 0);
    ov_buf_init(ret_image);
    assert_int_equal(ov_image_build(set, &options, ret_image, NULL), OV_OK);
    ov_ruleset_free(set);
}

static const struct source here[] = {{"a.ndb", bodies}, {"b.ldb", logicals}, {"c.hsb", hashes}};

// ---- the same bytes
// -------------------------------------------------------------------------------

static void test_same_sources_same_bytes(void **state) {
    (void)state;
    static const struct source elsewhere[] = {
        {"/srv/rules/of/today/a.ndb", bodies}, {"/b.ldb", logicals}, {"../../c.hsb", hashes}};
    struct ov_buf first, again, moved;
    build(here, 3, &first);
    free(malloc(100000)); // the heap is another one now
    build(here, 3, &again);
    build(elsewhere, 3, &moved);
    assert_int_equal(first.size, again.size);
    assert_memory_equal(first.data, again.data, first.size);
    assert_int_equal(first.size, moved.size);
    assert_memory_equal(first.data, moved.data, first.size); // where they lay does not show
    ov_buf_release(&first);
    ov_buf_release(&again);
    ov_buf_release(&moved);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(a, b);
}

static size_t read_names(const struct ov_buf *image, char ret_names[32][OV_NAME_TEXT_BYTES]) {
    struct ov_rule_names names;
    assert_int_equal(ov_rule_names_open(ov_buf_span(image), &names), OV_OK);
    assert_true(names.count <= 32);
    for (uint32_t i = 0; i < names.count; i++) {
        assert_true(ov_rule_names_get(&names, i, ret_names[i]));
    }
    qsort(ret_names, names.count, OV_NAME_TEXT_BYTES, compare_names);
    return names.count;
}

static void test_order_of_sources(void **state) {
    (void)state;
    static const struct source turned[] = {
        {"c.hsb", hashes}, {"b.ldb", logicals}, {"a.ndb", bodies}};
    static char first_names[32][OV_NAME_TEXT_BYTES], turned_names[32][OV_NAME_TEXT_BYTES];
    struct ov_buf first, second;
    build(here, 3, &first);
    build(turned, 3, &second);
    assert_int_equal(read_names(&first, first_names), 12);
    assert_int_equal(read_names(&second, turned_names), 12);
    assert_memory_equal(first_names, turned_names, sizeof first_names);
    ov_buf_release(&first);
    ov_buf_release(&second);
}

static void test_no_rules(void **state) {
    (void)state;
    struct ov_buf image;
    char reason[OV_IMAGE_REASON_BYTES] = "";
    struct ov_image opened;
    struct ov_matcher *matcher = NULL;
    build(NULL, 0, &image);
    assert_int_equal(ov_image_open(ov_buf_span(&image), &opened, reason), OV_OK);
    assert_int_equal(ov_image_check(ov_buf_span(&image), reason), OV_OK);
    assert_int_equal(ov_matcher_new(&opened, &ov_kernels_plain, reason, &matcher), OV_OK);
    ov_matcher_free(matcher);
    ov_buf_release(&image);
}

// ---- damage
// ---------------------------------------------------------------------------------------

// What both readers say: the worker's and the broker's.
static bool is_refused(struct ov_span bytes) {
    char reason[OV_IMAGE_REASON_BYTES] = "", second[OV_IMAGE_CHECK_REASON_BYTES] = "";
    struct ov_image image;
    bool is_bad =
        ov_image_open(bytes, &image, reason) != OV_OK || ov_image_verify(&image, reason) != OV_OK;
    assert_int_equal(ov_image_check(bytes, second) != OV_OK, is_bad);
    if (is_bad) {
        assert_non_null(strstr(reason, "(byte "));
        assert_non_null(strstr(second, "(byte "));
    }
    return is_bad;
}

static void test_every_byte_counts(void **state) {
    (void)state;
    struct ov_buf image;
    build(here, 3, &image);
    assert_false(is_refused(ov_buf_span(&image)));
    // Every byte of header and table, then one in seven.
    for (size_t at = 0; at < image.size; at += at < 2048 ? 1 : 7) {
        uint8_t bit = (uint8_t)(1u << at % 8);
        image.data[at] ^= bit;
        if (!is_refused(ov_buf_span(&image))) {
            fail_msg("a change of byte %zu goes unseen", at);
        }
        image.data[at] ^= bit;
    }
    ov_buf_release(&image);
}

static void test_every_length_counts(void **state) {
    (void)state;
    struct ov_buf image;
    build(here, 3, &image);
    for (size_t size = 0; size < image.size; size += size < 300 ? 1 : 97) {
        assert_true(is_refused(ov_span_make(image.data, size)));
    }
    ov_buf_add_u8(&image, 0);
    assert_true(is_refused(ov_buf_span(&image)));
    ov_buf_release(&image);
}

static void test_unaligned_bytes(void **state) {
    (void)state;
    char reason[OV_IMAGE_REASON_BYTES] = "";
    struct ov_buf image;
    struct ov_image opened;
    build(here, 3, &image);
    uint8_t *moved = malloc(image.size + 8);
    assert_non_null(moved);
    memcpy(moved + 8, image.data, image.size);
    assert_int_equal(ov_image_open(ov_span_make(moved + 8, image.size), &opened, reason),
                     OV_DAMAGED);
    free(moved);
    ov_buf_release(&image);
}

// ---- damage behind right digests
// ------------------------------------------------------------------

static struct ov_image_section_record *find_record(struct ov_buf *image, uint32_t type) {
    struct ov_image_header *header = (void *)image->data;
    struct ov_image_section_record *table = (void *)(image->data + sizeof *header);
    for (uint32_t i = 0; i < header->section_count; i++) {
        if (table[i].type == type) {
            return &table[i];
        }
    }
    fail_msg("no section %u", type);
    return NULL;
}

static void *find_section(struct ov_buf *image, uint32_t type) {
    return image->data + find_record(image, type)->offset;
}

static void seal(struct ov_buf *image) {
    struct ov_image_header *header = (void *)image->data;
    memset(header->digest, 0, sizeof header->digest);
    size_t bytes = sizeof *header + header->section_count * sizeof(struct ov_image_section_record);
    uint8_t digest[OV_SHA256_BYTES];
    ov_sha256(ov_span_make(image->data, bytes), digest);
    memcpy(header->digest, digest, sizeof digest);
}

static enum ov_status run_limited(struct ov_buf *image, const char *text,
                                  const struct ov_limits *limits, size_t *ret_count) {
    char reason[OV_IMAGE_REASON_BYTES] = "";
    struct ov_image opened;
    struct ov_matcher *matcher = NULL;
    struct ov_budget budget;
    const struct ov_match *matches = NULL;
    seal(image);
    *ret_count = 0;
    ov_budget_init(&budget, limits);
    enum ov_status status = ov_image_open(ov_buf_span(image), &opened, reason);
    status =
        status == OV_OK ? ov_matcher_new(&opened, &ov_kernels_plain, reason, &matcher) : status;
    struct ov_object object = {.bytes = ov_span_text(text), .budget = &budget};
    status = status == OV_OK ? ov_matcher_run(matcher, &object, &matches, ret_count) : status;
    ov_matcher_free(matcher);
    return status;
}

static enum ov_status run(struct ov_buf *image, const char *text, size_t *ret_count) {
    return run_limited(image, text, &(struct ov_limits){0}, ret_count);
}

static const char needle[] = "xx a needle in a haystack, size=1234 abc1";

static void test_matches(void **state) {
    (void)state;
    struct ov_buf image;
    size_t count;
    build(here, 3, &image);
    assert_int_equal(run(&image, needle, &count), OV_OK);
    assert_int_equal(count, 3); // Zeta, C and R
    ov_buf_release(&image);
}

// A rule that begins with a magic and goes on anywhere is triggered by what follows: the probe that
// the magic alone would have is not there. Where what follows says little, it is.
static void test_magic_is_no_trigger(void **state) {
    (void)state;
    static const struct source rare = {"m.ndb", "M:0:0:7f454c46*7a71786a766b77717a786a71\n"};
    static const struct source common = {"m.ndb", "M:0:0:7f454c46*00000000\n"};
    struct ov_buf image;
    size_t count;
    build(&rare, 1, &image);
    assert_int_equal(find_record(&image, OV_SECTION_PROBES)->bytes, 0);
    assert_int_equal(run(&image,
                         "\x7f"
                         "ELF and no more of it than that",
                         &count),
                     OV_OK);
    assert_int_equal(count, 0);
    assert_int_equal(run(&image,
                         "\x7f"
                         "ELF and here: zqxjvkwqzxjq.",
                         &count),
                     OV_OK);
    assert_int_equal(count, 1);
    assert_int_equal(run(&image,
                         "no magic before: zqxjvkwqzxjq \x7f"
                         "ELF",
                         &count),
                     OV_OK);
    assert_int_equal(count, 0);
    ov_buf_release(&image);
    build(&common, 1, &image);
    assert_int_equal(find_record(&image, OV_SECTION_PROBES)->bytes, sizeof(struct ov_image_probe));
    ov_buf_release(&image);
}

// A comparison that refers beyond its rule's subsignatures, from one that says it is number 255.
static void test_compare_refers_outside(void **state) {
    (void)state;
    struct ov_buf image;
    size_t count;
    build(here, 3, &image);
    struct ov_image_sub *subs = find_section(&image, OV_SECTION_SUBS);
    size_t sub_count = find_record(&image, OV_SECTION_SUBS)->bytes / sizeof *subs;
    unsigned changed = 0;
    for (size_t i = 0; i < sub_count; i++) {
        if (subs[i].kind == 2) {
            uint8_t *code = find_section(&image, OV_SECTION_CODE);
            struct ov_image_compare *compare = (void *)(code + subs[i].extra_at);
            subs[i].number = 255;
            compare->sub = 254;
            changed++;
        }
    }
    assert_int_equal(changed, 1);
    (void)!run(&image, needle, &count);
    assert_true(count <= 3);
    ov_buf_release(&image);
}

// Records that point outside are damage, never "no match".
static void test_outside_is_damage(void **state) {
    (void)state;
    struct ov_buf image;
    size_t count;
    build(here, 3, &image);
    struct ov_image_trigger *triggers = find_section(&image, OV_SECTION_TRIGGERS);
    size_t trigger_count = find_record(&image, OV_SECTION_TRIGGERS)->bytes / sizeof *triggers;
    for (size_t i = 0; i < trigger_count; i++) {
        triggers[i].pattern = UINT32_MAX;
    }
    assert_int_equal(run(&image, needle, &count), OV_DAMAGED);
    ov_buf_release(&image);

    build(here, 3, &image);
    struct ov_image_rule *rules = find_section(&image, OV_SECTION_RULES);
    for (unsigned i = 0; i < 10; i++) {
        rules[i].limits = 12345;
    }
    assert_int_equal(run(&image, needle, &count), OV_DAMAGED);
    ov_buf_release(&image);

    build(here, 3, &image);
    struct ov_image_header *header = (void *)image.data;
    header->rule_count++;
    assert_int_equal(run(&image, needle, &count), OV_DAMAGED);
    ov_buf_release(&image);
}

// Choices within choices: each level multiplies the work. The time that an object may take ends it,
// and what was not looked at is no "nothing found".
static void test_deep_choices_end(void **state) {
    (void)state;
    struct ov_buf one = {0}, text = {0}, object = {0}, image;
    ov_buf_add_text(&one, "(61|6161)");
    for (unsigned depth = 0; depth < 3; depth++) {
        struct ov_buf next = {0};
        ov_buf_add_text(&next, "(");
        for (unsigned i = 0; i < 8; i++) {
            ov_buf_add(&next, one.data, one.size);
        }
        ov_buf_add_text(&next, "|62)");
        ov_buf_release(&one);
        one = next;
    }
    ov_buf_printf(&text, "Deep:0:*:7a7a7a7a%.*s%.*s62717172\n", (int)one.size, (char *)one.data,
                  (int)one.size, (char *)one.data);
    ov_buf_add_u8(&text, 0);
    ov_buf_add_text(&object, "zzzz");
    for (unsigned i = 0; i < 600; i++) {
        ov_buf_add_u8(&object, 'a');
    }
    ov_buf_add_text(&object, "bqqrzzzzaaaabqqr");
    ov_buf_add_u8(&object, 0);
    build(&(struct source){"deep.ndb", (const char *)text.data}, 1, &image);
    struct ov_limits limits = {.time_ms = 100};
    size_t count;
    assert_int_equal(run_limited(&image, (const char *)object.data, &limits, &count), OV_LIMIT);
    ov_buf_release(&one);
    ov_buf_release(&text);
    ov_buf_release(&object);
    ov_buf_release(&image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_sources_same_bytes),
        cmocka_unit_test(test_order_of_sources),
        cmocka_unit_test(test_no_rules),
        cmocka_unit_test(test_every_byte_counts),
        cmocka_unit_test(test_every_length_counts),
        cmocka_unit_test(test_unaligned_bytes),
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_magic_is_no_trigger),
        cmocka_unit_test(test_compare_refers_outside),
        cmocka_unit_test(test_outside_is_damage),
        cmocka_unit_test(test_deep_choices_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
