// SPDX-License-Identifier: Apache-2.0
// Blocks as the draft (draft-ietf-opsawg-pcapng) has them, a bound, and a disk that is full.
#include "watch/pcapng.h"

#include "base/cursor.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILE_BYTES_MAX = 1 << 20, FRAME_BYTES = 1514, HEAD_BYTES = 28 + 40, AROUND_BYTES = 44 };

static uint8_t frame_bytes[FRAME_BYTES];
static uint8_t file_bytes[FILE_BYTES_MAX];

static int open_file(void) {
    int fd = memfd_create("capture", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static struct ov_span read_file(int fd) {
    ssize_t size = pread(fd, file_bytes, sizeof file_bytes, 0);
    assert_true(size >= 0 && size < FILE_BYTES_MAX);
    return ov_span_make(file_bytes, (size_t)size);
}

// The next block; both of its lengths are the same.
static struct ov_cursor take_block(struct ov_cursor *file, uint32_t kind) {
    assert_int_equal(ov_cursor_u32le(file), kind);
    uint32_t size = ov_cursor_u32le(file);
    assert_true(size >= 12 && size % 4 == 0);
    struct ov_span body = ov_cursor_bytes(file, size - 12);
    assert_int_equal(ov_cursor_u32le(file), size);
    assert_int_equal(ov_cursor_status(file), OV_OK);
    return ov_cursor_init(body);
}

static void take_head(struct ov_cursor *file) {
    struct ov_cursor section = take_block(file, 0x0a0d0d0a);
    assert_int_equal(ov_cursor_u32le(&section), 0x1a2b3c4d);
    assert_int_equal(ov_cursor_u16le(&section), 1);
    assert_int_equal(ov_cursor_u16le(&section), 0);
    struct ov_cursor interface = take_block(file, 1);
    assert_int_equal(ov_cursor_u16le(&interface), 1); // Ethernet
    ov_cursor_skip(&interface, 2);
    ov_cursor_skip(&interface, 4);
    bool has_resolution = false;
    while (ov_cursor_left(&interface) > 0) {
        uint16_t code = ov_cursor_u16le(&interface);
        uint16_t size = ov_cursor_u16le(&interface);
        struct ov_span value = ov_cursor_bytes(&interface, (size + 3u) / 4 * 4);
        has_resolution |= code == 9 && size == 1 && value.data[0] == 9; // nanoseconds
    }
    assert_true(has_resolution);
}

static void take_frame(struct ov_cursor *file, uint64_t time_ns, size_t size, bool is_outbound) {
    struct ov_cursor packet = take_block(file, 6);
    assert_int_equal(ov_cursor_u32le(&packet), 0);
    assert_int_equal(ov_cursor_u32le(&packet), time_ns >> 32);
    assert_int_equal(ov_cursor_u32le(&packet), time_ns & UINT32_MAX);
    assert_int_equal(ov_cursor_u32le(&packet), size);
    assert_int_equal(ov_cursor_u32le(&packet), size);
    struct ov_span bytes = ov_cursor_bytes(&packet, (size + 3) / 4 * 4);
    assert_memory_equal(bytes.data, frame_bytes, size);
    assert_int_equal(ov_cursor_u16le(&packet), 2);
    assert_int_equal(ov_cursor_u16le(&packet), 4);
    assert_int_equal(ov_cursor_u32le(&packet), is_outbound ? 2 : 1);
    assert_int_equal(ov_cursor_u32le(&packet), 0);
    assert_int_equal(ov_cursor_left(&packet), 0);
}

static enum ov_status add(struct ov_pcapng *pcapng, uint64_t time_ns, size_t size) {
    return ov_pcapng_add(pcapng, time_ns, size % 2 == 0, ov_span_make(frame_bytes, size));
}

static void test_frames_are_read_again(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 4, 60, 61, FRAME_BYTES};
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    const uint64_t time_ns = 1790000000123456789u;
    struct ov_pcapng pcapng;
    uint8_t wanted[OV_SHA256_BYTES];
    uint8_t sha256[OV_SHA256_BYTES];
    int fd = open_file();
    assert_int_equal(ov_pcapng_open(dup(fd), 0, &pcapng), OV_OK);
    assert_int_equal(pcapng.bytes, HEAD_BYTES);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(add(&pcapng, time_ns + i, sizes[i]), OV_OK);
    }
    assert_int_equal(ov_pcapng_flush(&pcapng), OV_OK);
    struct ov_span bytes = read_file(fd);
    struct ov_cursor file = ov_cursor_init(bytes);
    take_head(&file);
    for (size_t i = 0; i < COUNT; i++) {
        take_frame(&file, time_ns + i, sizes[i], sizes[i] % 2 == 0);
    }
    assert_int_equal(ov_cursor_left(&file), 0);
    assert_int_equal(bytes.size, pcapng.bytes);
    ov_sha256(bytes, wanted);
    ov_pcapng_digest(&pcapng, sha256);
    assert_memory_equal(sha256, wanted, sizeof wanted);
    ov_pcapng_close(&pcapng);
    (void)close(fd);
}

static void test_a_bound_is_kept(void **state) {
    (void)state;
    enum { ROOM = HEAD_BYTES + 2 * (AROUND_BYTES + 100) + AROUND_BYTES + 4 };
    struct ov_pcapng pcapng;
    int fd = open_file();
    assert_int_equal(ov_pcapng_open(dup(fd), ROOM, &pcapng), OV_OK);
    assert_int_equal(add(&pcapng, 1, 100), OV_OK);
    assert_int_equal(ov_pcapng_flush(&pcapng), OV_OK);
    assert_int_equal(add(&pcapng, 2, 100), OV_OK);
    assert_int_equal(add(&pcapng, 3, 5), OV_LIMIT);
    assert_int_equal(add(&pcapng, 4, 4), OV_OK);
    assert_int_equal(add(&pcapng, 5, 0), OV_LIMIT);
    assert_int_equal(ov_pcapng_flush(&pcapng), OV_OK);
    struct ov_cursor file = ov_cursor_init(read_file(fd));
    assert_int_equal(ov_cursor_left(&file), ROOM);
    take_head(&file);
    take_frame(&file, 1, 100, true);
    take_frame(&file, 2, 100, true);
    take_frame(&file, 4, 4, true);
    ov_pcapng_close(&pcapng);
    (void)close(fd);
}

static void test_a_disk_without_room(void **state) {
    (void)state;
    struct ov_pcapng pcapng;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ov_pcapng_open(fd, 0, &pcapng), OV_SYSTEM);
    ov_pcapng_close(&pcapng);
}

int main(void) {
    for (size_t i = 0; i < sizeof frame_bytes; i++) {
        frame_bytes[i] = (uint8_t)(i * 7 + 1);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_are_read_again),
        cmocka_unit_test(test_a_bound_is_kept),
        cmocka_unit_test(test_a_disk_without_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
