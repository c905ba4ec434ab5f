// SPDX-License-Identifier: Apache-2.0
// Every allocation fails once: while rules are read and compiled, and while objects are scanned.
// rooms: rules scan format match base
//
// No crash, nothing left behind, and never a clean verdict for an object that is not. The
// allocator is replaced by one that counts, hands out what the next one has, and fails when it is
// told to.
#include "rules/emit.h"
#include "scan/scan.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

// ---- the allocator
// --------------------------------------------------------------------------------

// What stands behind us: libc's, or the sanitizer's.
static struct {
    void *(*malloc)(size_t size);
    void *(*calloc)(size_t count, size_t size);
    void *(*realloc)(void *block, size_t size);
    void (*free)(void *block);
} next;

// A function of the next library that has it. The pointer is copied, for no cast may make one.
static void find_next(const char *name, void *ret_function) {
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(ret_function, &found, sizeof found);
}

static void find_all(void) {
    if (next.free == NULL) {
        find_next("malloc", &next.malloc);
        find_next("calloc", &next.calloc);
        find_next("realloc", &next.realloc);
        find_next("free", &next.free);
    }
}

// A sanitizer's strdup and the like pass us by, but what they gave is freed here: `live` may then
// fall below zero, and the sanitizer itself looks for what is left.
static bool is_counting;
static long calls, fail_at, live;

static bool may_have(void) {
    find_all();
    return !is_counting || ++calls != fail_at;
}

// NOLINTBEGIN: these must have libc's names
void *malloc(size_t size) {
    void *block = may_have() ? next.malloc(size) : NULL;
    live += is_counting && block != NULL;
    return block;
}

void *calloc(size_t count, size_t size) {
    void *block = may_have() ? next.calloc(count, size) : NULL;
    live += is_counting && block != NULL;
    return block;
}

void *realloc(void *old, size_t size) {
    void *block = may_have() ? next.realloc(old, size) : NULL;
    live += is_counting && block != NULL && old == NULL;
    return block;
}

void free(void *block) {
    find_all();
    live -= is_counting && block != NULL;
    next.free(block);
}
// NOLINTEND

// Starts counting; the `nth` allocation from now fails, 0 for none.
static void begin(long nth) {
    calls = live = 0;
    fail_at = nth;
    is_counting = true;
}

static void end(void) {
    is_counting = false;
}

// ---- building
// -------------------------------------------------------------------------------------

static const char bodies[] = "Zeta:0:*:6e6565646c6520696e206120686179737461636b\n"
                             "Alpha:0:*:4142??43{2-9}4445*4546\nShort:0:*:414141\n"
                             "Place:0:2,5:010203\nTail:0:*:41(41|42)4?42\n";
static const char logicals[] = "L;Engine:81-255,Target:0;0&1&2;6e6565::i;686179;0/h[a-z]+k/\n"
                               "C;Engine:81-255,Target:0;0>2&1;2a2a;6e65{-20}686179\n";
static const char hashes[] =
    "44d88612fea8a8f36de82e1278abb02f:68:One\n"
    "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f:*:Two:73\n";

static enum ov_status read_all(struct ov_ruleset *set) {
    TRY(ov_ruleset_load_bytes(set, "a.ndb", ov_span_text(bodies), false));
    TRY(ov_ruleset_load_bytes(set, "a.ldb", ov_span_text(logicals), false));
    return ov_ruleset_load_bytes(set, "a.hsb", ov_span_text(hashes), false);
}

static enum ov_status build(struct ov_buf *ret_image) {
    static const struct ov_build_options options = {.with_costs = true};
    struct ov_ruleset *set = NULL;
    struct ov_build_report report = {0};
    TRY(ov_ruleset_new(NULL, &set));
    enum ov_status status = read_all(set);
    status = status == OV_OK ? ov_image_build(set, &options, ret_image, &report) : status;
    ov_build_report_release(&report);
    ov_ruleset_free(set);
    return status;
}

static void test_build(void **state) {
    (void)state;
    struct ov_buf sound = {0};
    begin(0);
    assert_int_equal(build(&sound), OV_OK);
    end();
    long all = calls;
    assert_true(all > 30);
    for (long nth = 1; nth <= all; nth++) {
        struct ov_buf image = {0};
        begin(nth);
        enum ov_status status = build(&image);
        bool has_failed = calls >= nth;
        bool is_same = image.size == sound.size && status == OV_OK &&
                       memcmp(image.data, sound.data, sound.size) == 0;
        ov_buf_release(&image);
        end();
        if (live > 0) {
            fail_msg("allocation %ld of %ld: %ld blocks are left", nth, all, live);
        }
        // What can be done without may fail unseen, but never makes another image.
        if (!(status == OV_MEMORY || status == OV_LIMIT || is_same) || !has_failed) {
            fail_msg("allocation %ld of %ld: status %d", nth, all, (int)status);
        }
    }
    print_message("%ld allocations of a build\n", all);
    ov_buf_release(&sound);
}

// ---- scanning
// -------------------------------------------------------------------------------------

enum { OBJECTS = 3 };

static const char *const objects[OBJECTS] = {
    "xx a needle in a haystack xx",
    "** ** ** one needle more, then the haystack ** AAAA ABAB",
    "\1\1\1\2\3 nothing to be seen here, only text that is long enough",
};

// Scans all objects with one scanner. False when there was no scanner.
static bool scan(struct ov_span image, struct ov_scan_job *jobs) {
    struct ov_scan_options options = {.limits = ov_limits_default(), .is_all_matches = true};
    struct ov_scanner *scanner = NULL;
    char reason[160] = "";
    if (ov_scanner_new(image, &options, reason, sizeof reason, &scanner) != OV_OK) {
        return false;
    }
    for (size_t i = 0; i < OBJECTS; i++) {
        jobs[i].bytes = ov_span_text(objects[i]);
    }
    ov_scanner_run(scanner, jobs, OBJECTS);
    ov_scanner_free(scanner);
    return true;
}

// An error, or exactly what was found when nothing failed.
static bool is_honest(const struct ov_verdict *verdict, const struct ov_verdict *sound) {
    if (verdict->kind == OV_VERDICT_ERROR) {
        return verdict->error == OV_SCAN_NO_MEMORY;
    }
    if (verdict->kind == OV_VERDICT_CLEAN) {
        return sound->kind == OV_VERDICT_CLEAN && verdict->error == OV_SCAN_NONE;
    }
    // What was found before memory ran out stands; that it may not be all is said.
    return verdict->kind == OV_VERDICT_FOUND && sound->kind == OV_VERDICT_FOUND &&
           (verdict->count == sound->count || verdict->error == OV_SCAN_NO_MEMORY);
}

static void test_scan(void **state) {
    (void)state;
    static struct ov_scan_job sound[OBJECTS], jobs[OBJECTS];
    struct ov_buf image = {0};
    assert_int_equal(build(&image), OV_OK);
    begin(0);
    assert_true(scan(ov_buf_span(&image), sound));
    end();
    long all = calls;
    assert_true(live <= 0);
    assert_int_equal(sound[0].verdict.kind, OV_VERDICT_FOUND);
    assert_int_equal(sound[1].verdict.kind, OV_VERDICT_FOUND);
    unsigned errors = 0;
    for (long nth = 1; nth <= all; nth++) {
        memset(jobs, 0, sizeof jobs);
        begin(nth);
        bool has_scanned = scan(ov_buf_span(&image), jobs);
        end();
        if (live > 0) {
            fail_msg("allocation %ld of %ld: %ld blocks are left", nth, all, live);
        }
        errors += !has_scanned;
        for (size_t i = 0; i < OBJECTS && has_scanned; i++) {
            errors += jobs[i].verdict.error == OV_SCAN_NO_MEMORY;
            if (!is_honest(&jobs[i].verdict, &sound[i].verdict)) {
                fail_msg("allocation %ld of %ld, object %zu: kind %d, error %d, %u of %u rules",
                         nth, all, i, (int)jobs[i].verdict.kind, (int)jobs[i].verdict.error,
                         jobs[i].verdict.count, sound[i].verdict.count);
            }
        }
    }
    print_message("%ld allocations of a scan, %u seen as errors\n", all, errors);
    assert_true(errors > 5);
    ov_buf_release(&image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_build),
        cmocka_unit_test(test_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
