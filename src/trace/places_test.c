// SPDX-License-Identifier: Apache-2.0
// Places and contents: endings, folders, and whose a file is.
#include "trace/places.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static enum ov_trace_content content_of(const char *path) {
    return ov_trace_content_of(ov_span_text(path));
}

static void test_contents(void **state) {
    (void)state;
    assert_int_equal(content_of("/a/b.docx"), OV_TRACE_CONTENT_DOCUMENT);
    assert_int_equal(content_of("/a/B.DOCX"), OV_TRACE_CONTENT_DOCUMENT);
    assert_int_equal(content_of("/a/b.tar.gz"), OV_TRACE_CONTENT_ARCHIVE);
    assert_int_equal(content_of("b.exe"), OV_TRACE_CONTENT_PROGRAM);
    assert_int_equal(content_of("/a.exe/b"), OV_TRACE_CONTENT_OTHER);
    assert_int_equal(content_of("/a/b."), OV_TRACE_CONTENT_OTHER);
    assert_int_equal(content_of("/a/exe"), OV_TRACE_CONTENT_OTHER);
    assert_int_equal(content_of(""), OV_TRACE_CONTENT_OTHER);
    assert_int_equal(content_of("/a/b.doc docx"), OV_TRACE_CONTENT_OTHER);
    assert_int_equal(content_of("/a/b.averyverylongending"), OV_TRACE_CONTENT_OTHER);
    for (unsigned i = 0; i < OV_TRACE_CONTENTS; i++) {
        assert_non_null(ov_trace_content_word((enum ov_trace_content)i));
    }
}

static void expect_folder(const char *scope, const char *path, const char *folder) {
    struct ov_span item = ov_span_text(scope);
    struct ov_trace_begin begin = {.scope = {&item, scope[0] != '\0' ? 1 : 0, 1}};
    assert_true(ov_span_is_text(ov_trace_folder_of(&begin, ov_span_text(path)), folder));
}

static void test_folders(void **state) {
    (void)state;
    expect_folder("", "/a/b/c/d/e", "/a/b/c");
    expect_folder("", "/a/b", "/a");
    expect_folder("", "/a", "/");
    expect_folder("", "", "");
    expect_folder("/srv/docs", "/srv/docs/x/y/z", "/srv/docs/x");
    expect_folder("/srv/docs/", "/srv/docs/x", "/srv/docs");
    expect_folder("/srv/docs/x", "/srv/docs/x", "/srv/docs/x");
    expect_folder("/", "/a/b/c/d/e", "/a/b/c");
}

// The place of one file of a model with a scope, an own folder and a program.
static enum ov_trace_place place_of(bool has_scope, const char *path,
                                    struct ov_trace_model_file file) {
    struct ov_span scope = ov_span_text("/srv");
    struct ov_span own = ov_span_text("/var/lib/scan");
    struct ov_trace_process event = {.exe = {.device = 1, .inode = 99}};
    struct ov_trace_places places;
    struct ov_arena arena;
    file.path = ov_span_text(path);
    file.is_in_scope = !has_scope || ov_trace_path_is_under(file.path, scope);
    struct ov_trace_model model = {
        .begin = {.scope = {&scope, has_scope ? 1 : 0, has_scope ? 1 : 0}, .own = {&own, 1, 1}},
        .files = &file,
        .file_count = 1,
        .events = &event,
        .event_count = 1};
    ov_arena_init(&arena, 1 << 20);
    assert_int_equal(ov_trace_places_build(&model, &arena, &places), OV_OK);
    enum ov_trace_place place = places.places[0];
    ov_arena_release(&arena);
    return place;
}

static void test_places(void **state) {
    const struct ov_trace_model_file file = {.read_bytes = 5, .largest_bytes = 10};
    struct ov_trace_model_file other = file;
    (void)state;
    assert_int_equal(place_of(true, "/srv/a", file), OV_TRACE_PLACE_SCOPE);
    assert_int_equal(place_of(true, "/srvx/a", file), OV_TRACE_PLACE_OUTSIDE);
    assert_int_equal(place_of(false, "/srvx/a", file), OV_TRACE_PLACE_SCOPE);
    assert_int_equal(place_of(true, "", file), OV_TRACE_PLACE_OUTSIDE);
    assert_int_equal(place_of(true, "/usr/lib/a.so", file), OV_TRACE_PLACE_SYSTEM);
    assert_int_equal(place_of(true, "/etc/passwd", file), OV_TRACE_PLACE_SYSTEM);
    assert_int_equal(place_of(true, "/etc/shadow", file), OV_TRACE_PLACE_OUTSIDE);
    assert_int_equal(place_of(true, "/etc/ssh/key", file), OV_TRACE_PLACE_OUTSIDE);
    assert_int_equal(place_of(true, "/var/lib/scan/db", file), OV_TRACE_PLACE_OWN);
    other.inode = (struct ov_trace_inode){.device = 1, .inode = 99};
    assert_int_equal(place_of(true, "/opt/scan", other), OV_TRACE_PLACE_SYSTEM);
    other = file;
    other.written_bytes = 10;
    assert_int_equal(place_of(true, "/tmp/copy", other), OV_TRACE_PLACE_COPY);
    other.written_bytes = 1; // a little was written, all was read
    assert_int_equal(place_of(true, "/home/secret", other), OV_TRACE_PLACE_OUTSIDE);
    other = file;
    other.kind = OV_TRACE_KIND_PIPE;
    assert_int_equal(place_of(true, "/x", other), OV_TRACE_PLACE_OTHER);
    other.kind = OV_TRACE_KIND_FILE;
    other.filesystem = ov_span_text("proc");
    assert_int_equal(place_of(true, "/proc/1/maps", other), OV_TRACE_PLACE_OTHER);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
