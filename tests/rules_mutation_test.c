// SPDX-License-Identifier: Apache-2.0
// 10,000 damaged rule files: no crash, and every refusal has its file, its place and a reason.
// rooms: base rules
#include "rules/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FILES = 10000, BYTES_MAX = 4096 };

struct seed {
    const char *name;
    const char *text;
};

static const struct seed seeds[] = {
    {"a.ndb", "One:0:*:4142??43{4}44*4546{2-5}4748(41|42|4?)\n"
              "Two:1:EP+5,3:(B)414243!(41|42)43(W):51:255\n"
              "Three:6:S1+4:41[1-3]4243[2]44\nFour:1:SE2:41424344\n"},
    {"a.ldb", "One;Engine:81-255,Target:1,FileSize:1-100,Container:CL_TYPE_ZIP;(0&1)>2,2|2=1;"
              "4142::iwfa;5,4:414243;0/a[b-c]+\\/d/gsi\n"
              "Two;Engine:51-255,Target:0;0&1&2&3;4142;0(>>5#hb4#>0x10,<99);${3-7}5$;"
              "fuzzy_img#af2ad01ed42993c7\n"
              "Three;Engine:81-255,Target:0;((0|1)>1,2|2)&3;4142*4344;45{-7}4647;48494a;4b4c\n"},
    {"a.hsb", "44d88612fea8a8f36de82e1278abb02f:68:One\n"
              "3395856ce81f2b7382dee72602f798b642f14140:*:Two:73:255\n"
              "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f:1:Three\n"},
    {"a.msb", "512:44d88612fea8a8f36de82e1278abb02f:One\n"
              "*:3395856ce81f2b7382dee72602f798b642f14140:Two:73\n"},
    {"a.db", "One=414243\nTwo=4142{3}4344\n"},
    {"a.ign2", "One\nTwo:44d88612fea8a8f36de82e1278abb02f\n"},
};

static uint64_t random_state = 1;

// xorshift64* by Sebastiano Vigna: the same files in every run.
static uint32_t random_below(uint32_t bound) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 0x2545f4914f6cdd1du) >> 32) % bound;
}

// Changes, removes, doubles or inserts a few bytes.
static size_t damage(uint8_t *bytes, size_t size) {
    static const char letters[] = "0123af*?{}[]()|!:;,&=<>#$/-\\ \n\r\xff";
    for (uint32_t rounds = 1 + random_below(4); rounds > 0 && size > 1; rounds--) {
        size_t at = random_below((uint32_t)size);
        size_t run = 1 + random_below(16);
        run = run > size - at ? size - at : run;
        switch (random_below(4)) {
        case 0:
            bytes[at] = (uint8_t)letters[random_below(sizeof letters - 1)];
            break;
        case 1:
            memmove(bytes + at, bytes + at + run, size - at - run);
            size -= run;
            break;
        case 2:
            if (size + run <= BYTES_MAX) {
                memmove(bytes + at + run, bytes + at, size - at);
                size += run;
            }
            break;
        default:
            bytes[at] = (uint8_t)random_below(256);
            break;
        }
    }
    return size;
}

static uint32_t count_lines(struct ov_span bytes) {
    uint32_t lines = 1;
    for (size_t at = ov_span_find(bytes, 0, '\n'); at < bytes.size;
         at = ov_span_find(bytes, at + 1, '\n')) {
        lines++;
    }
    return lines;
}

// Loads one damaged file; gives how many refusals it had.
static size_t check_file(const char *name, struct ov_span bytes) {
    struct ov_ruleset *set;
    assert_int_equal(ov_ruleset_new(NULL, &set), OV_OK);
    assert_int_equal(ov_ruleset_load_bytes(set, name, bytes, false), OV_OK);
    uint32_t lines = count_lines(bytes);
    for (size_t i = 0; i < set->problem_count; i++) {
        const struct ov_rule_problem *problem = &set->problems[i];
        assert_int_equal(problem->place.file, 0);
        assert_string_equal(set->files[0].path, name);
        assert_in_range(problem->place.line, 1, lines);
        assert_non_null(problem->reason);
        assert_true(strlen(problem->reason) > 10);
    }
    for (size_t i = 0; i < set->rule_count; i++) {
        assert_in_range(set->rules[i].place.line, 1, lines);
        assert_true(set->rules[i].name.size > 0 && set->rules[i].sub_count > 0);
    }
    size_t count = set->problem_count;
    ov_ruleset_free(set);
    return count;
}

static void test_damaged_files(void **state) {
    (void)state;
    size_t refusals = 0;
    for (unsigned i = 0; i < FILES; i++) {
        const struct seed *seed = &seeds[i % (sizeof seeds / sizeof seeds[0])];
        // A block of the exact size, so that a read past the end is seen.
        uint8_t room[BYTES_MAX];
        size_t size = strlen(seed->text);
        memcpy(room, seed->text, size);
        size = damage(room, size);
        uint8_t *exact = malloc(size);
        assert_non_null(exact);
        memcpy(exact, room, size);
        refusals += check_file(seed->name, ov_span_make(exact, size));
        free(exact);
    }
    print_message("%zu refusals in %d files\n", refusals, FILES);
    assert_true(refusals > FILES / 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
