// SPDX-License-Identifier: Apache-2.0
// Paths, held against a text of mountinfo with all that can stand in it.
#include "watch/places.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char mountinfo[] = "21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
                                "22 21 0:20 / /proc rw - proc proc rw\n"
                                "30 21 254:0 /srv/data /mnt/with\\040blank rw - ext4 /dev/vda rw\n"
                                "31 21 8:1 /sub /only/part rw - xfs /dev/sda1 rw\n"
                                "32 21 8:1 /sub/deeper /other rw - xfs /dev/sda1 rw\n"
                                "no line of this kind\n"
                                "33 21 9:x / /damaged rw - xfs /dev/sda1 rw\n"
                                "34 21 7:3 / /loop\\134x rw - ext4 /dev/loop3 rw\n"
                                "35 21 99:1 / /torn";

static void expect(uint32_t major, uint32_t minor, const char *path, const char *want) {
    struct ov_places places;
    struct ov_buf buf = {0};
    assert_int_equal(ov_places_read(ov_span_text(mountinfo), &places), OV_OK);
    bool has_place = ov_places_add_path(&places, major << 20 | minor, ov_span_text(path), &buf);
    assert_int_equal(has_place, want != NULL);
    struct ov_span wanted = ov_span_text(want != NULL ? want : path);
    assert_int_equal(buf.size, wanted.size);
    assert_memory_equal(buf.data, wanted.data, wanted.size);
    ov_buf_release(&buf);
    ov_places_release(&places);
}

static void test_a_path_is_put_behind_its_mount(void **state) {
    (void)state;
    expect(254, 0, "/etc/passwd", "/etc/passwd");
    expect(254, 0, "/", "/");
    expect(0, 20, "/self/maps", "/proc/self/maps");
    expect(7, 3, "/x", "/loop\\x/x");
    expect(0, 20, "/", "/proc");
}

static void test_the_whole_is_preferred_to_a_part(void **state) {
    (void)state;
    expect(254, 0, "/srv/data/x", "/srv/data/x");
}

static void test_a_part_takes_its_root_away(void **state) {
    (void)state;
    expect(8, 1, "/sub/x", "/only/part/x");
    expect(8, 1, "/sub", "/only/part");
    expect(8, 1, "/subway", NULL);
    expect(8, 1, "/elsewhere", NULL);
}

static void test_what_is_mounted_nowhere_keeps_its_path(void **state) {
    (void)state;
    expect(0, 1, "/memfd:x", NULL);
    expect(9, 0, "/damaged", NULL);
    expect(99, 1, "/torn", NULL);
}

static void test_the_running_system_has_a_root(void **state) {
    (void)state;
    struct ov_places places;
    assert_int_equal(ov_places_load(&places), OV_OK);
    assert_true(places.count > 0);
    ov_places_release(&places);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_path_is_put_behind_its_mount),
        cmocka_unit_test(test_the_whole_is_preferred_to_a_part),
        cmocka_unit_test(test_a_part_takes_its_root_away),
        cmocka_unit_test(test_what_is_mounted_nowhere_keeps_its_path),
        cmocka_unit_test(test_the_running_system_has_a_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
