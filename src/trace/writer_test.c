// SPDX-License-Identifier: Apache-2.0
// The writer: what it promises when it is killed, when its bound is reached and when the disk is
// full.
#include "trace/writer.h"

#include "base/fd.h"
#include "trace/reader.h"
#include "trace/samples.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { KILLS = 24, KILL_STEP_US = 700, DISK_BYTES = 1 << 20 };

static struct ov_trace_writer writer;

// ---- helpers ------------------------------------------------------------------------------------

// Opens the writer on a new file in memory; what is returned is another descriptor of it.
static int open_writer(uint64_t size_max_bytes) {
    int fd = memfd_create("trace", MFD_CLOEXEC);
    int copy = dup(fd);
    assert_true(fd >= 0 && copy >= 0);
    assert_int_equal(ov_trace_writer_open(fd, size_max_bytes, &writer), OV_OK);
    return copy;
}

static enum ov_status write_sample(enum ov_trace_type type) {
    for (size_t i = 0; i < sample_count; i++) {
        if (samples[i].type == type) {
            return ov_trace_write(&writer, type, &samples[i].begin);
        }
    }
    return OV_INVALID;
}

static void begin(void) {
    assert_int_equal(write_sample(OV_TRACE_BEGIN), OV_OK);
}

// A record that says which of its kind it is.
static enum ov_status write_numbered(uint64_t number) {
    struct ov_trace_file file = sample_file;
    file.read_count = number;
    return ov_trace_write_file(&writer, &file);
}

static struct ov_trace_check check_fd(int fd) {
    struct ov_trace_check check = {0};
    struct ov_file_map map = {0};
    assert_int_equal(ov_file_map_open_fd(fd, &map), OV_OK);
    assert_int_equal(ov_trace_check_of(map.bytes, &check), OV_OK);
    ov_file_map_close(&map);
    return check;
}

// The last record.
static struct ov_trace_end end_of(int fd) {
    struct ov_file_map map = {0};
    struct ov_trace_reader reader;
    struct ov_trace_record record;
    struct ov_trace_end end = {0};
    assert_int_equal(ov_file_map_open_fd(fd, &map), OV_OK);
    assert_int_equal(ov_trace_reader_init(map.bytes, &reader), OV_OK);
    while (ov_trace_next(&reader, &record) == OV_OK) {
        end = record.type == OV_TRACE_END ? record.end : end;
    }
    ov_trace_reader_release(&reader);
    ov_file_map_close(&map);
    end.checkpoint.losses = NULL; // was in the reader
    return end;
}

// ---- order --------------------------------------------------------------------------------------

static void test_what_is_refused_changes_nothing(void **state) {
    (void)state;
    static const struct ov_trace_loss five = {.name = SAMPLE_TEXT("ring"), .count = 5};
    static const struct ov_trace_loss four = {.name = SAMPLE_TEXT("ring"), .count = 4};
    const struct ov_trace_end end = {0};
    OV_AUTO_FD fd = open_writer(0);
    assert_int_equal(write_sample(OV_TRACE_FILE), OV_INVALID); // before the begin
    begin();
    assert_int_equal(write_sample(OV_TRACE_BEGIN), OV_INVALID);
    assert_int_equal(ov_trace_write(&writer, OV_TRACE_END, &end), OV_INVALID);
    assert_int_equal(ov_trace_write(&writer, OV_TRACE_CHECKPOINT, &end.checkpoint), OV_INVALID);
    assert_int_equal(ov_trace_write_loss(&writer, &five), OV_OK);
    assert_int_equal(ov_trace_write_loss(&writer, &four), OV_INVALID);
    assert_int_equal(ov_trace_writer_end(&writer, OV_TRACE_INTERRUPTED, NULL), OV_OK);
    assert_int_equal(write_sample(OV_TRACE_FILE), OV_LIMIT);
    assert_int_equal(ov_trace_writer_end(&writer, OV_TRACE_DONE, NULL), OV_LIMIT);
    assert_true(ov_trace_writer_is_ended(&writer));
    ov_trace_writer_close(&writer);
    struct ov_trace_check check = check_fd(fd);
    assert_int_equal(check.verdict, OV_TRACE_WHOLE);
    assert_int_equal(check.records, 4); // begin, checkpoint, loss, end
    struct ov_trace_end back = end_of(fd);
    assert_int_equal(back.why, OV_TRACE_INTERRUPTED);
    assert_false(back.has_status);
    assert_int_equal(back.unwritten, 0);
    assert_int_equal(back.checkpoint.loss_count, 1);
}

// All counters that there may be, each as long as it may be: the longest `end`.
static void write_losses(void) {
    for (unsigned i = 0; i < OV_TRACE_LOSSES_MAX; i++) {
        char name[OV_TRACE_NAME_BYTES_MAX + 1];
        (void)snprintf(name, sizeof name, "%048u", i);
        struct ov_trace_loss loss = {.name = ov_span_text(name), .count = UINT64_MAX};
        assert_int_equal(ov_trace_write_loss(&writer, &loss), OV_OK);
    }
}

static void test_too_many_loss_counters(void **state) {
    (void)state;
    static const struct ov_trace_loss more = {.name = SAMPLE_TEXT("more")};
    OV_AUTO_FD fd = open_writer(0);
    begin();
    write_losses();
    assert_int_equal(ov_trace_write_loss(&writer, &more), OV_INVALID);
    assert_int_equal(ov_trace_writer_end(&writer, OV_TRACE_DONE, NULL), OV_OK);
    ov_trace_writer_close(&writer);
    assert_int_equal(check_fd(fd).verdict, OV_TRACE_WHOLE);
}

static void test_files_that_are_not_taken(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(ov_trace_writer_open(ends[1], 0, &writer), OV_INVALID);
    ov_fd_close(&ends[0]);
    int fd = memfd_create("trace", MFD_CLOEXEC);
    assert_int_equal(ov_trace_writer_open(fd, OV_TRACE_SIZE_LEAST_BYTES - 1, &writer), OV_INVALID);
    fd = memfd_create("trace", MFD_CLOEXEC);
    assert_int_equal(write(fd, "a", 1), 1);
    assert_int_equal(ov_trace_writer_open(fd, 0, &writer), OV_INVALID);
    assert_int_equal(fcntl(fd, F_GETFD), -1); // closed
}

// ---- checkpoints --------------------------------------------------------------------------------

static void test_checkpoints_come_by_size(void **state) {
    (void)state;
    OV_AUTO_FD fd = open_writer(0);
    struct stat stat = {0};
    begin();
    for (uint64_t i = 0; i < 10000; i++) {
        assert_int_equal(write_numbered(i), OV_OK);
        assert_true(writer.at.bytes - writer.synced.bytes <= OV_TRACE_CHECKPOINT_BYTES);
        assert_int_equal(fstat(fd, &stat), 0);
        assert_true((uint64_t)stat.st_size >= writer.synced.bytes);
    }
    ov_trace_writer_close(&writer); // without its end
    struct ov_trace_check check = check_fd(fd);
    assert_int_equal(check.verdict, OV_TRACE_CUT);
    assert_int_equal(check.good_bytes, writer.synced.bytes);
    assert_true(check.counts[OV_TRACE_CHECKPOINT] >= check.good_bytes / OV_TRACE_CHECKPOINT_BYTES);
}

static void test_checkpoints_come_by_time(void **state) {
    (void)state;
    OV_AUTO_FD fd = open_writer(0);
    begin();
    assert_int_equal(write_numbered(1), OV_OK);
    assert_int_equal(ov_trace_writer_tick(&writer), OV_OK);
    assert_true(writer.synced.records < writer.at.records);
    writer.checkpoint_ns -= OV_TRACE_CHECKPOINT_NS;
    assert_int_equal(ov_trace_writer_tick(&writer), OV_OK);
    assert_int_equal(writer.synced.records, writer.at.records);
    uint64_t records = writer.at.records;
    writer.checkpoint_ns -= OV_TRACE_CHECKPOINT_NS;
    assert_int_equal(ov_trace_writer_tick(&writer), OV_OK); // nothing new
    assert_int_equal(writer.at.records, records);
    writer.checkpoint_ns -= OV_TRACE_CHECKPOINT_NS;
    assert_int_equal(write_numbered(2), OV_OK); // comes by a write, too
    assert_int_equal(writer.synced.records, records + 2);
    ov_trace_writer_close(&writer);
    assert_int_equal(check_fd(fd).verdict, OV_TRACE_CUT);
    assert_int_equal(check_fd(fd).tail_bytes, 0);
}

// ---- the bound ----------------------------------------------------------------------------------

static void test_the_bound_is_kept_and_told(void **state) {
    (void)state;
    for (uint64_t bound = OV_TRACE_SIZE_LEAST_BYTES; bound <= 400000; bound += 41111) {
        OV_AUTO_FD fd = open_writer(bound);
        uint64_t count = 0;
        enum ov_status status = OV_OK;
        struct stat stat = {0};
        begin();
        while ((status = write_numbered(count)) == OV_OK) {
            count++;
        }
        assert_int_equal(status, OV_LIMIT);
        assert_int_equal(writer.why, OV_TRACE_SIZE);
        ov_trace_writer_close(&writer);
        assert_int_equal(fstat(fd, &stat), 0);
        assert_true((uint64_t)stat.st_size <= bound);
        assert_true((uint64_t)stat.st_size + OV_TRACE_RESERVE_BYTES + 1000 > bound);
        struct ov_trace_check check = check_fd(fd);
        struct ov_trace_end end = end_of(fd);
        assert_int_equal(check.verdict, OV_TRACE_WHOLE);
        assert_int_equal(end.why, OV_TRACE_SIZE);
        assert_int_equal(end.unwritten, 1);
        assert_int_equal(check.counts[OV_TRACE_FILE], count);
    }
}

// ---- killed -------------------------------------------------------------------------------------

// Writes until it is killed; after each checkpoint says how many records are to be read.
static void write_for_ever(int said) {
    uint64_t told = 0;
    for (uint64_t number = 0; write_numbered(number) == OV_OK; number++) {
        if (writer.synced.records != told) {
            told = writer.synced.records;
            if (write(said, &told, sizeof told) != sizeof told) {
                _exit(3);
            }
        }
    }
    _exit(2);
}

static uint64_t read_last(int said) {
    uint64_t value = 0;
    uint64_t last = 0;
    while (read(said, &value, sizeof value) == sizeof value) {
        last = value;
    }
    return last;
}

// Every numbered record up to the last checkpoint is there, in its order.
static void check_numbers(int fd, const struct ov_trace_check *check) {
    struct ov_file_map map = {0};
    struct ov_trace_reader reader;
    struct ov_trace_record record;
    uint64_t next = 0;
    assert_int_equal(ov_file_map_open_fd(fd, &map), OV_OK);
    struct ov_span good = ov_span_part(map.bytes, 0, (size_t)check->good_bytes);
    assert_int_equal(ov_trace_reader_init(good, &reader), OV_OK);
    while (ov_trace_next(&reader, &record) == OV_OK) {
        if (record.type == OV_TRACE_FILE) {
            assert_int_equal(record.file.read_count, next++);
        }
    }
    assert_int_equal(next, check->counts[OV_TRACE_FILE]);
    ov_trace_reader_release(&reader);
    ov_file_map_close(&map);
}

static void test_killed_again_and_again(void **state) {
    (void)state;
    uint64_t most = 0;
    for (long i = 0; i < KILLS; i++) {
        char path[] = "trace-killed-XXXXXX";
        int ends[2];
        int status = 0;
        OV_AUTO_FD fd = mkostemp(path, O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        assert_int_equal(ov_trace_writer_open(dup(fd), 0, &writer), OV_OK);
        begin();
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            write_for_ever(ends[1]);
        }
        ov_fd_close(&ends[1]);
        (void)nanosleep(&(struct timespec){.tv_nsec = i * i * KILL_STEP_US * 1000L}, NULL);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        uint64_t told = read_last(ends[0]);
        ov_fd_close(&ends[0]);
        ov_trace_writer_close(&writer);
        struct ov_trace_check check = check_fd(fd);
        assert_int_equal(check.verdict, OV_TRACE_CUT);
        assert_true(check.records >= told && check.records >= 2);
        check_numbers(fd, &check);
        most = check.records > most ? check.records : most;
    }
    assert_true(most > 2); // some of them came further than their first checkpoint
}

// ---- a full disk --------------------------------------------------------------------------------

// In a child with a small file system of its own, which goes with it. `can_promise` false: as if
// the file system could not reserve. Exits 0, or with the line that failed; 77: no such file
// system.
static void fill_disk(bool can_promise, bool is_filled_by_others) {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/mnt", "tmpfs", 0, "size=1m") != 0) {
        _exit(77);
    }
    int fd = open("/mnt/trace", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (ov_trace_writer_open(dup(fd), 0, &writer) != OV_OK) {
        _exit(__LINE__ & 63);
    }
    writer.space.can_promise = can_promise;
    begin();
    write_losses(); // so that the end needs more than what is left of a page
    if (ov_trace_writer_checkpoint(&writer) != OV_OK) {
        _exit(__LINE__ & 63);
    }
    if (is_filled_by_others) { // to the last byte, with all but what is promised
        int other = open("/mnt/other", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        static const uint8_t block[4096];
        while (write(other, block, sizeof block) > 0) {
        }
        if (errno != ENOSPC) {
            _exit(__LINE__ & 63);
        }
    }
    uint64_t count = 0;
    uint64_t on_disk = 0; // records that the system has taken
    enum ov_status status = OV_OK;
    while (count < DISK_BYTES && (status = write_numbered(count)) == OV_OK) {
        on_disk = writer.on_disk.records;
        count++;
    }
    if (status != OV_LIMIT || writer.why != OV_TRACE_DISK_FULL || count == 0) {
        _exit(__LINE__ & 63);
    }
    ov_trace_writer_close(&writer);
    struct ov_trace_check check = check_fd(fd);
    struct ov_trace_end end = end_of(fd);
    bool is_told = check.verdict == OV_TRACE_WHOLE && end.why == OV_TRACE_DISK_FULL &&
                   end.unwritten > 0 && check.counts[OV_TRACE_FILE] < count + 1;
    bool is_lost = can_promise && check.records < on_disk + 1; // nothing makes room for the end
    _exit(is_told && !is_lost ? 0 : __LINE__ & 63);
}

static void check_full_disk(bool can_promise, bool is_filled_by_others) {
    int status = 0;
    if (geteuid() != 0) {
        print_message("skipped: only root can make a file system of its own\n");
        skip();
    }
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fill_disk(can_promise, is_filled_by_others);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("skipped: mounting a small file system is not allowed here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_a_full_disk_is_told(void **state) {
    (void)state;
    check_full_disk(true, false);
}

static void test_a_disk_that_others_fill_is_told(void **state) {
    (void)state;
    check_full_disk(true, true);
}

static void test_a_full_disk_without_promises_is_told(void **state) {
    (void)state;
    check_full_disk(false, false);
    check_full_disk(false, true);
}

static void test_no_room_from_the_beginning(void **state) {
    (void)state;
    OV_AUTO_FD fd = open("/dev/full", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        print_message("skipped: no /dev/full\n");
        skip();
    }
    assert_int_equal(ov_trace_writer_open(dup(fd), 0, &writer), OV_INVALID); // no regular file
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_refused_changes_nothing),
        cmocka_unit_test(test_too_many_loss_counters),
        cmocka_unit_test(test_files_that_are_not_taken),
        cmocka_unit_test(test_checkpoints_come_by_size),
        cmocka_unit_test(test_checkpoints_come_by_time),
        cmocka_unit_test(test_the_bound_is_kept_and_told),
        cmocka_unit_test(test_killed_again_and_again),
        cmocka_unit_test(test_a_full_disk_is_told),
        cmocka_unit_test(test_a_disk_that_others_fill_is_told),
        cmocka_unit_test(test_a_full_disk_without_promises_is_told),
        cmocka_unit_test(test_no_room_from_the_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
