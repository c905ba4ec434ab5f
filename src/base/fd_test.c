// SPDX-License-Identifier: Apache-2.0
// Descriptors, whole reads and writes, mappings, on real files, pipes and their absence.
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// A file without a name that holds the text.
static int make_file(const char *text) {
    char path[] = "/tmp/overt-fd-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ov_fd_write_all(fd, ov_span_text(text)), OV_OK);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void test_close_once(void **state) {
    (void)state;
    int fd = make_file("");
    int kept = fd;
    errno = EXDEV;
    ov_fd_close(&fd);
    assert_int_equal(fd, -1);
    assert_int_equal(errno, EXDEV); // the caller's reason survives
    assert_int_equal(fcntl(kept, F_GETFD), -1);
    ov_fd_close(&fd); // nothing to close
    assert_int_equal(fd, -1);
}

static void test_scope_closes(void **state) {
    (void)state;
    int kept;
    {
        OV_AUTO_FD fd = make_file("");
        kept = fd;
        assert_int_not_equal(fcntl(kept, F_GETFD), -1);
    }
    assert_int_equal(fcntl(kept, F_GETFD), -1);
}

static void test_read_full_to_the_end(void **state) {
    (void)state;
    OV_AUTO_FD fd = make_file("0123456789");
    char bytes[20];
    size_t size = 0;
    assert_int_equal(ov_fd_read_full(fd, bytes, 4, &size), OV_OK);
    assert_int_equal(size, 4);
    assert_memory_equal(bytes, "0123", 4);
    assert_int_equal(ov_fd_read_full(fd, bytes, 20, &size), OV_OK);
    assert_int_equal(size, 6);
    assert_memory_equal(bytes, "456789", 6);
    assert_int_equal(ov_fd_read_full(fd, bytes, 20, &size), OV_OK);
    assert_int_equal(size, 0);
}

// More than a pipe holds at once: both sides must go on after partial transfers.
static void test_pipe_in_pieces(void **state) {
    (void)state;
    enum { SIZE = 1 << 20 };
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    uint8_t *bytes = malloc(SIZE);
    assert_non_null(bytes);
    for (size_t i = 0; i < SIZE; i++) {
        bytes[i] = (uint8_t)(i * 7 >> 3);
    }
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(ov_fd_write_all(ends[1], ov_span_make(bytes, SIZE)) == OV_OK ? 0 : 1);
    }
    ov_fd_close(&ends[1]);
    uint8_t *back = malloc(SIZE);
    assert_non_null(back);
    size_t size = 0;
    assert_int_equal(ov_fd_read_full(ends[0], back, SIZE, &size), OV_OK);
    assert_int_equal(size, SIZE);
    assert_memory_equal(back, bytes, SIZE);
    ov_fd_close(&ends[0]);
    free(bytes);
    free(back);
}

static void test_failures_keep_errno_and_the_count(void **state) {
    (void)state;
    char byte;
    size_t size = 77;
    assert_int_equal(ov_fd_read_full(-1, &byte, 1, &size), OV_SYSTEM);
    assert_int_equal(errno, EBADF);
    assert_int_equal(size, 77);
    assert_int_equal(ov_fd_write_all(-1, ov_span_text("x")), OV_SYSTEM);
    assert_int_equal(errno, EBADF);
    OV_AUTO_FD full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    assert_int_equal(ov_fd_write_all(full, ov_span_text("x")), OV_SYSTEM);
    assert_int_equal(errno, ENOSPC);
}

static void test_map_of_a_file_and_of_nothing(void **state) {
    (void)state;
    struct ov_file_map map = {0};
    OV_AUTO_FD fd = make_file("mapped");
    assert_int_equal(ov_file_map_open_fd(fd, &map), OV_OK);
    assert_true(ov_span_is_text(map.bytes, "mapped"));
    ov_file_map_close(&map);
    assert_int_equal(map.bytes.size, 0);
    ov_file_map_close(&map);
    OV_AUTO_FD empty = make_file("");
    assert_int_equal(ov_file_map_open_fd(empty, &map), OV_OK);
    assert_int_equal(map.bytes.size, 0);
    ov_file_map_close(&map);
}

static void test_map_refuses_what_is_no_file(void **state) {
    (void)state;
    struct ov_file_map map = {.bytes = {.data = NULL, .size = 77}};
    assert_int_equal(ov_file_map_open("/dev/null", &map), OV_UNSUPPORTED);
    assert_int_equal(ov_file_map_open("/", &map), OV_UNSUPPORTED);
    assert_int_equal(ov_file_map_open("/no/such/file", &map), OV_SYSTEM);
    assert_int_equal(errno, ENOENT);
    char folder[] = "/tmp/overt-fd-test-XXXXXX";
    char path[64];
    assert_non_null(mkdtemp(folder));
    assert_true(snprintf(path, sizeof path, "%s/fifo", folder) > 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(ov_file_map_open(path, &map),
                     OV_UNSUPPORTED); // and does not wait for a writer
    assert_int_equal(map.bytes.size, 77);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

// Whether the kernel has noted for the mapping at `start` that reads are scattered.
static bool is_noted_as_scattered(const void *start) {
    FILE *maps = fopen("/proc/self/smaps", "r");
    assert_non_null(maps);
    char line[512];
    char wanted[32];
    bool is_here = false;
    bool is_scattered = false;
    int length = snprintf(wanted, sizeof wanted, "%lx-", (unsigned long)(uintptr_t)start);
    while (fgets(line, sizeof line, maps) != NULL) {
        is_here = is_here || strncmp(line, wanted, (size_t)length) == 0;
        if (is_here && strncmp(line, "VmFlags:", 8) == 0) {
            is_scattered = strstr(line, " rr ") != NULL;
            break;
        }
    }
    assert_true(is_here);
    assert_int_equal(fclose(maps), 0);
    return is_scattered;
}

static void test_kernel_is_told_how_a_mapping_is_read(void **state) {
    (void)state;
    struct ov_file_map map = {0};
    OV_AUTO_FD fd = make_file("mapped");
    assert_int_equal(ov_file_map_open_fd(fd, &map), OV_OK);
    assert_false(is_noted_as_scattered(map.bytes.data));
    ov_mapped_expect_little(map.bytes);
    assert_true(is_noted_as_scattered(map.bytes.data));
    ov_mapped_expect_much(map.bytes);
    assert_false(is_noted_as_scattered(map.bytes.data));
    ov_file_map_close(&map);
}

// Whether a page of the mapping is in memory.
static bool is_in_memory(struct ov_span mapping, size_t page) {
    size_t page_bytes = (size_t)getpagesize();
    unsigned char flags = 0;
    void *start = (void *)(uintptr_t)(mapping.data + page * page_bytes);
    assert_int_equal(mincore(start, page_bytes, &flags), 0);
    return (flags & 1) != 0;
}

static void test_prefetch_begins_amid_a_page_and_reads_to_the_end(void **state) {
    (void)state;
    enum { PAGES = 8 };
    size_t page_bytes = (size_t)getpagesize();
    struct ov_file_map map = {0};
    char path[] = "overt-fd-test-XXXXXX"; // beside us: /tmp may be memory, which forgets nothing
    OV_AUTO_FD fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ftruncate(fd, (off_t)(PAGES * page_bytes)), 0);
    assert_int_equal(pwrite(fd, "x", 1, (off_t)((PAGES - 1) * page_bytes)), 1);
    assert_int_equal(fdatasync(fd), 0);
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    assert_int_equal(ov_file_map_open_fd(fd, &map), OV_OK);
    if (is_in_memory(map.bytes, PAGES - 1)) {
        ov_file_map_close(&map);
        skip(); // a file system that keeps its pages
    }
    ov_mapped_prefetch(ov_span_make(NULL, 0));
    ov_mapped_prefetch(ov_span_part(map.bytes, 3 * page_bytes + 77, map.bytes.size));
    for (unsigned i = 0; i < 1000 && !is_in_memory(map.bytes, PAGES - 1); i++) {
        (void)usleep(1000);
    }
    assert_true(is_in_memory(map.bytes, PAGES - 1));
    assert_true(is_in_memory(map.bytes, 3));
    ov_file_map_close(&map);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_close_once),
        cmocka_unit_test(test_scope_closes),
        cmocka_unit_test(test_read_full_to_the_end),
        cmocka_unit_test(test_pipe_in_pieces),
        cmocka_unit_test(test_failures_keep_errno_and_the_count),
        cmocka_unit_test(test_map_of_a_file_and_of_nothing),
        cmocka_unit_test(test_map_refuses_what_is_no_file),
        cmocka_unit_test(test_kernel_is_told_how_a_mapping_is_read),
        cmocka_unit_test(test_prefetch_begins_amid_a_page_and_reads_to_the_end),
    };
    return cmocka_run_group_tests_name("base/fd", tests, NULL, NULL);
}
