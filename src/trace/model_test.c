// SPDX-License-Identifier: Apache-2.0
// The model: every number by hand from a few records, and each gap by taking away what closes it.
#include "trace/model.h"

#include "base/fd.h"
#include "trace/samples.h"
#include "trace/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { ARENA_BYTES = 64 << 20, PAGE = 4096 };

static struct ov_trace_writer writer;
static struct ov_arena arena;
static struct ov_trace_model model;
static int copy = -1;

// ---- helpers ------------------------------------------------------------------------------------

static void put(enum ov_trace_type type, const void *record) {
    assert_int_equal(ov_trace_write(&writer, type, record), OV_OK);
}

static void put_sample(enum ov_trace_type type) {
    for (size_t i = 0; i < sample_count; i++) {
        if (samples[i].type == type) {
            put(type, &samples[i].begin);
        }
    }
}

static void begin(void) {
    int fd = memfd_create("trace", MFD_CLOEXEC);
    ov_fd_close(&copy);
    copy = dup(fd);
    assert_int_equal(ov_trace_writer_open(fd, 0, &writer), OV_OK);
    put_sample(OV_TRACE_BEGIN);
}

static void read_model(void) {
    struct ov_file_map map = {0};
    ov_trace_writer_close(&writer);
    ov_arena_release(&arena);
    assert_int_equal(ov_file_map_open_fd(copy, &map), OV_OK);
    assert_int_equal(ov_trace_model_build(map.bytes, &arena, &model), OV_OK);
    ov_file_map_close(&map); // nothing of the model may lie in it
}

static void finish(void) {
    assert_int_equal(ov_trace_writer_end(&writer, OV_TRACE_DONE, NULL), OV_OK);
    read_model();
}

static struct ov_trace_pid pid_of(uint32_t pid) {
    return (struct ov_trace_pid){.pid = pid, .start_ns = 1000};
}

static void put_process(uint32_t pid, enum ov_trace_reason reason) {
    struct ov_trace_process process = {
        .at_ns = 1000, .process = pid_of(pid), .reason = reason, .event = OV_TRACE_EVENT_FORK};
    put(OV_TRACE_PROCESS, &process);
}

static void put_name(uint64_t inode, enum ov_trace_kind kind, const char *filesystem,
                     const char *path) {
    struct ov_trace_name name = {.inode = {.inode = inode},
                                 .kind = kind,
                                 .size_bytes = 10 * PAGE,
                                 .filesystem = ov_span_text(filesystem),
                                 .path = ov_span_text(path)};
    put(OV_TRACE_NAME, &name);
}

// A file of ten pages of which nothing was done yet.
static struct ov_trace_file file_of(uint32_t pid, uint64_t inode) {
    return (struct ov_trace_file){.process = pid_of(pid),
                                  .inode = {.inode = inode},
                                  .size_bytes = 10 * PAGE,
                                  .first_ns = 2000,
                                  .last_ns = 3000,
                                  .scale = 1};
}

static bool has_gap(enum ov_trace_gap_kind kind, const char *name) {
    bool has = false;
    for (size_t i = 0; i < model.gap_count; i++) {
        has |= model.gaps[i].kind == kind && ov_span_is_text(model.gaps[i].name, name);
    }
    return has;
}

// ---- all together -------------------------------------------------------------------------------

static void test_the_samples(void **state) {
    (void)state;
    begin();
    for (size_t i = 1; i < sample_count; i++) {
        put(samples[i].type, &samples[i].begin);
    }
    finish();
    assert_true(model.is_complete);
    assert_int_equal(model.gap_count, 0);
    assert_true(model.has_begin && model.has_end && model.has_capture);
    assert_true(model.until_ns == model.end.checkpoint.mono_ns && model.until_ns > 0);
    assert_true(ov_span_is_text(model.begin.words.items[2], "/srv/my documents"));
    assert_int_equal(model.file_count, 1);
    assert_int_equal(model.files[0].covered_bytes, 100000); // 25 pages, cut to its size
    assert_int_equal(model.files[0].read_bytes, 100000);
    assert_true(model.files[0].is_canary && model.files[0].is_in_scope);
    assert_true(ov_span_is_text(model.files[0].path, "/srv/my documents/plan.txt"));
    assert_int_equal(model.files[0].fate, OV_TRACE_FATE_NONE);
    assert_int_equal(model.process_count, 1);
    assert_true(ov_span_is_text(model.processes[0].path, "/usr/bin/scan"));
    assert_int_equal(model.processes[0].sent_bytes, 50000);
    assert_int_equal(model.sockets[0].reach, OV_TRACE_REACH_NETWORK);
    assert_int_equal(model.totals.sent_bytes, 50000);
    assert_int_equal(model.totals.received_bytes, 100);
    assert_int_equal(model.totals.net_sent_bytes, 51400);
    assert_int_equal(model.totals.plaintext_bytes, 49000);
    assert_int_equal(model.totals.denied_count, 2);
    assert_int_equal(model.totals.read_files, 1);
    assert_int_equal(model.totals.kept_bytes, 0);
    assert_int_equal(model.step_count, 3);
    assert_int_equal(model.steps[0].kind, OV_TRACE_STEP_READ);
    assert_int_equal(model.steps[0].at_ns, 3000);
    assert_int_equal(model.steps[1].bytes + model.steps[2].bytes, 50100);
}

// ---- counters -----------------------------------------------------------------------------------

static void test_the_last_record_of_a_key_counts(void **state) {
    (void)state;
    begin();
    put_process(1, OV_TRACE_BY_TARGET);
    struct ov_trace_file file = file_of(1, 7);
    for (unsigned i = 1; i <= 3; i++) {
        file.read_bytes = i * 1000u;
        file.last_ns = i * 10000u;
        put(OV_TRACE_FILE, &file);
    }
    file.last_ns = 40000;
    file.coverage[0] = 0x03; // two pages: more than the calls returned
    put(OV_TRACE_FILE, &file);
    finish();
    assert_int_equal(model.use_count, 1);
    assert_int_equal(model.files[0].read_bytes, 2 * PAGE);
    assert_int_equal(model.files[0].covered_bytes, 2 * PAGE);
    assert_int_equal(model.files[0].first_ns, 2000);
    assert_int_equal(model.files[0].last_ns, 40000);
    assert_int_equal(model.step_count, 4);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(model.steps[i].bytes, 1000);
        assert_int_equal(model.steps[i].at_ns, (i + 1) * 10000);
    }
    assert_int_equal(model.steps[3].bytes, 2 * PAGE - 3000);
    assert_false(has_gap(OV_TRACE_GAP_FELL, ""));
    assert_int_equal(model.totals.read_bytes, 2 * PAGE);
}

static void test_a_counter_that_falls_is_a_gap(void **state) {
    (void)state;
    begin();
    struct ov_trace_file file = file_of(1, 7);
    file.read_bytes = 500;
    put(OV_TRACE_FILE, &file);
    file.read_bytes = 499;
    put(OV_TRACE_FILE, &file);
    struct ov_trace_net net = {.sent_packets = 2};
    put(OV_TRACE_NET, &net);
    net.sent_packets = 1;
    put(OV_TRACE_NET, &net);
    finish();
    assert_true(has_gap(OV_TRACE_GAP_FELL, ""));
    assert_int_equal(model.files[0].read_bytes, 500); // what was read was read
    for (size_t i = 0; i < model.gap_count; i++) {
        assert_true(model.gaps[i].kind != OV_TRACE_GAP_FELL || model.gaps[i].count == 2);
    }
}

static void test_a_file_that_shrank_was_read(void **state) {
    (void)state;
    begin();
    struct ov_trace_file file = file_of(1, 7);
    file.coverage[0] = 0xff;
    put(OV_TRACE_FILE, &file);
    file.size_bytes = 0;
    put(OV_TRACE_FILE, &file);
    finish();
    assert_int_equal(model.files[0].size_bytes, 0);
    assert_int_equal(model.files[0].largest_bytes, 10 * PAGE);
    assert_int_equal(model.files[0].covered_bytes, 8 * PAGE);
}

static void test_files_over_processes(void **state) {
    (void)state;
    begin();
    put_process(1, OV_TRACE_BY_TARGET);
    put_process(2, OV_TRACE_BY_PARENT);
    put_process(3, OV_TRACE_BY_CANARY);
    for (uint32_t pid = 1; pid <= 3; pid++) {
        struct ov_trace_file file = file_of(pid, 7);
        file.open_count = pid;
        file.coverage[0] = pid == 1 ? 0x0f : pid == 2 ? 0x3c : 0xff;
        put(OV_TRACE_FILE, &file);
    }
    finish();
    assert_int_equal(model.use_count, 3);
    assert_int_equal(model.file_count, 1);
    assert_int_equal(model.files[0].use_count, 3);
    assert_int_equal(model.files[0].open_count, 3); // the third is not watched
    assert_int_equal(model.files[0].covered_bytes, 6 * PAGE);
    assert_int_equal(model.files[0].read_bytes, 8 * PAGE);
    assert_int_equal(model.processes[2].read_bytes, 8 * PAGE);
    assert_false(model.processes[2].is_watched);
    assert_int_equal(model.totals.process_count, 2);
}

static void test_a_pid_that_comes_again_is_another_process(void **state) {
    (void)state;
    begin();
    struct ov_trace_process process = {.at_ns = 1, .process = {5, 100}};
    put(OV_TRACE_PROCESS, &process);
    process.event = OV_TRACE_EVENT_EXIT;
    process.status = 256;
    put(OV_TRACE_PROCESS, &process);
    process = (struct ov_trace_process){.at_ns = 9, .process = {5, 200}};
    put(OV_TRACE_PROCESS, &process);
    struct ov_trace_file file = file_of(5, 7);
    file.process.start_ns = 200;
    put(OV_TRACE_FILE, &file);
    file.process.start_ns = 0; // the last one of that pid
    file.inode.inode = 8;
    put(OV_TRACE_FILE, &file);
    finish();
    assert_int_equal(model.process_count, 2);
    assert_true(model.processes[0].has_ended);
    assert_int_equal(model.processes[0].status, 256);
    assert_int_equal(model.processes[0].file_count, 0);
    assert_int_equal(model.processes[1].file_count, 2);
    assert_int_equal(ov_trace_model_find_process(&model, &(struct ov_trace_pid){5, 100}), 0);
    assert_int_equal(ov_trace_model_find_process(&model, &(struct ov_trace_pid){5, 0}), 1);
    assert_true(ov_trace_model_find_process(&model, &(struct ov_trace_pid){6, 0}) == OV_TRACE_NONE);
}

// ---- what was written ---------------------------------------------------------------------------

static void put_written(uint32_t pid, uint64_t inode, uint64_t bytes) {
    struct ov_trace_file file = file_of(pid, inode);
    file.write_count = 1;
    file.write_bytes = bytes;
    put(OV_TRACE_FILE, &file);
}

static void test_fates(void **state) {
    (void)state;
    begin();
    put_process(1, OV_TRACE_BY_TARGET);
    put_process(2, OV_TRACE_BY_CANARY);
    put_name(1, OV_TRACE_KIND_FILE, "ext4", "/tmp/copy");
    put_name(2, OV_TRACE_KIND_FILE, "ext4", "/var/lib/scan/state");
    put_name(3, OV_TRACE_KIND_FILE, "ext4", "/var/lib/scanner");
    put_name(4, OV_TRACE_KIND_PIPE, "pipefs", "");
    put_name(5, OV_TRACE_KIND_FILE, "proc", "/proc/self/uid_map");
    put_name(7, OV_TRACE_KIND_FILE, "ext4", "/tmp/foreign");
    for (uint64_t inode = 1; inode <= 6; inode++) { // the sixth has no name
        put_written(1, inode, (uint64_t)1 << inode);
    }
    put_written(2, 7, 1000);
    finish();
    assert_int_equal(model.totals.fate_bytes[OV_TRACE_FATE_KEPT], 2 + 8 + 64);
    assert_int_equal(model.totals.fate_files[OV_TRACE_FATE_KEPT], 3);
    assert_int_equal(model.totals.kept_bytes, 2 + 8 + 64);
    assert_int_equal(model.totals.fate_bytes[OV_TRACE_FATE_OWN], 4);
    assert_int_equal(model.totals.fate_bytes[OV_TRACE_FATE_PASSED], 16);
    assert_int_equal(model.totals.fate_bytes[OV_TRACE_FATE_KERNEL], 32);
    assert_int_equal(model.totals.fate_bytes[OV_TRACE_FATE_NONE], 0);
    assert_int_equal(model.totals.written_files, 6);
}

static void test_folders(void **state) {
    (void)state;
    static const struct {
        const char *path, *folder;
        bool is_under;
    } cases[] = {
        {"/a/b", "/a", true},  {"/a", "/a", true},   {"/ab", "/a", false},  {"/a/b", "/a/", true},
        {"/a", "/a/b", false}, {"/a/b", "/", true},  {"/", "/", true},      {"", "/a", false},
        {"/a", "", false},     {"a/b", "/a", false}, {"/a//b", "/a", true}, {"", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(
            ov_trace_path_is_under(ov_span_text(cases[i].path), ov_span_text(cases[i].folder)),
            cases[i].is_under);
    }
}

static void test_largest_numbers(void **state) {
    (void)state;
    begin();
    struct ov_trace_file file = file_of(1, 7);
    file.read_bytes = UINT64_MAX;
    put(OV_TRACE_FILE, &file);
    file.process = pid_of(2);
    put(OV_TRACE_FILE, &file);
    finish();
    assert_true(model.totals.read_bytes == UINT64_MAX);
}

// ---- where it went ------------------------------------------------------------------------------

struct reach_case {
    uint32_t family;
    const char *local, *remote;
    uint32_t peer;
    uint64_t other;
    enum ov_trace_reach reach;
};

static const struct reach_case reach_cases[] = {
    {2, "10.0.0.2:1", "192.0.2.1:443", 0, 0, OV_TRACE_REACH_NETWORK},
    {2, "127.0.0.1:1", "127.0.0.1:80", 0, 0, OV_TRACE_REACH_MACHINE},
    {10, "[::1]:1", "[::1]:80", 0, 0, OV_TRACE_REACH_MACHINE},
    {10, "", "[::ffff:127.0.0.1]:80", 0, 0, OV_TRACE_REACH_MACHINE},
    {2, "", "", 0, 0, OV_TRACE_REACH_NETWORK}, // not known
    {1, "", "unix:/run/log", 77, 0, OV_TRACE_REACH_MACHINE},
    {1, "", "", 2, 0, OV_TRACE_REACH_INSIDE},  // to a process that is watched
    {1, "", "", 3, 0, OV_TRACE_REACH_MACHINE}, // to one that only touched a canary
    {1, "", "", 0, 1, OV_TRACE_REACH_INSIDE},  // to the first socket
    {1, "", "", 0, 999, OV_TRACE_REACH_MACHINE},
    {16, "", "netlink:0", 0, 0, OV_TRACE_REACH_KERNEL},
    {16, "", "netlink:7", 0, 0, OV_TRACE_REACH_MACHINE},
    {17, "", "packet:2", 0, 0, OV_TRACE_REACH_NETWORK},
    {38, "", "", 0, 0, OV_TRACE_REACH_KERNEL},
    {2, "127.0.0.1:5000", "127.0.0.1:6000", 0, 0, OV_TRACE_REACH_INSIDE}, // to the next one
    {2, "127.0.0.1:6000", "127.0.0.1:5000", 0, 0, OV_TRACE_REACH_INSIDE},
};

static void test_reaches(void **state) {
    (void)state;
    const size_t count = sizeof reach_cases / sizeof *reach_cases;
    uint64_t sums[OV_TRACE_REACHES] = {0};
    begin();
    put_process(1, OV_TRACE_BY_TARGET);
    put_process(2, OV_TRACE_BY_PARENT);
    put_process(3, OV_TRACE_BY_CANARY);
    for (size_t i = 0; i < count; i++) {
        const struct reach_case *one = &reach_cases[i];
        struct ov_trace_socket socket = {.process = pid_of(1),
                                         .cookie = i + 1,
                                         .family = one->family,
                                         .local = ov_span_text(one->local),
                                         .remote = ov_span_text(one->remote),
                                         .peer_cookie = one->other,
                                         .sent_bytes = (uint64_t)1 << i,
                                         .received_bytes = 1};
        socket.peer = one->peer != 0 ? pid_of(one->peer) : socket.peer;
        put(OV_TRACE_SOCKET, &socket);
        sums[one->reach] += socket.sent_bytes;
    }
    struct ov_trace_socket foreign = {
        .process = pid_of(3), .cookie = 500, .family = 2, .sent_bytes = 1u << 30};
    put(OV_TRACE_SOCKET, &foreign);
    finish();
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(model.sockets[i].reach, reach_cases[i].reach);
    }
    assert_memory_equal(model.totals.reach_sent_bytes, sums, sizeof sums);
    assert_int_equal(model.totals.sent_bytes,
                     sums[OV_TRACE_REACH_MACHINE] + sums[OV_TRACE_REACH_NETWORK]);
}

// ---- gaps ---------------------------------------------------------------------------------------

static void put_sensor(const char *name, enum ov_trace_state state, bool is_needed) {
    struct ov_trace_sensor sensor = {
        .name = ov_span_text(name), .state = state, .is_needed = is_needed};
    put(OV_TRACE_SENSOR, &sensor);
}

static void put_loss(const char *name, uint64_t count) {
    struct ov_trace_loss loss = {.name = ov_span_text(name), .count = count};
    put(OV_TRACE_LOSS, &loss);
}

static void test_nothing_is_not_complete(void **state) {
    (void)state;
    begin();
    finish();
    assert_false(model.is_complete);
    assert_int_equal(model.gap_count, 3);
    assert_true(has_gap(OV_TRACE_GAP_NO_LOSSES, ""));
    assert_true(has_gap(OV_TRACE_GAP_NO_SENSORS, ""));
    assert_true(has_gap(OV_TRACE_GAP_NO_SELFTEST, ""));
}

static void test_losses_and_sensors(void **state) {
    (void)state;
    begin();
    put_sample(OV_TRACE_SELFTEST);
    put_sensor("a", OV_TRACE_STATE_ON, true);
    put_sensor("b", OV_TRACE_STATE_MISSING, false); // not needed
    put_loss("ring", 0);
    finish();
    assert_true(model.is_complete);
    begin();
    put_sample(OV_TRACE_SELFTEST);
    put_sensor("a", OV_TRACE_STATE_ON, true);
    put_sensor("a", OV_TRACE_STATE_MISSING, true); // was lost on the way
    put_loss("ring", 0);
    put_loss("ring", 3);
    struct ov_trace_layer layer = {.name = ov_span_text("seccomp"),
                                   .state = OV_TRACE_STATE_MISSING};
    put(OV_TRACE_LAYER, &layer);
    finish();
    assert_int_equal(model.gap_count, 3);
    assert_true(has_gap(OV_TRACE_GAP_SENSOR, "a"));
    assert_true(has_gap(OV_TRACE_GAP_LOSS, "ring"));
    assert_true(has_gap(OV_TRACE_GAP_LAYER, "seccomp"));
    assert_int_equal(model.losses[0].count, 3);
}

static void test_selftests(void **state) {
    (void)state;
    static const struct {
        enum ov_trace_outcome expected, outcome;
        uint64_t seen;
        bool has_passed;
    } cases[] = {
        {OV_TRACE_OUTCOME_SEEN, OV_TRACE_OUTCOME_SEEN, 10, true},
        {OV_TRACE_OUTCOME_SEEN, OV_TRACE_OUTCOME_SEEN, 20, true},
        {OV_TRACE_OUTCOME_SEEN, OV_TRACE_OUTCOME_SEEN, 9, false},
        {OV_TRACE_OUTCOME_SEEN, OV_TRACE_OUTCOME_SEEN, 21, false},
        {OV_TRACE_OUTCOME_SEEN, OV_TRACE_OUTCOME_DENIED, 10, false},
        {OV_TRACE_OUTCOME_SEEN, OV_TRACE_OUTCOME_SKIPPED, 10, false},
        {OV_TRACE_OUTCOME_SEEN, OV_TRACE_OUTCOME_ABSENT, 0, true},
        {OV_TRACE_OUTCOME_DENIED, OV_TRACE_OUTCOME_DENIED, 0, true},
        {OV_TRACE_OUTCOME_DENIED, OV_TRACE_OUTCOME_SEEN, 10, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin();
        struct ov_trace_selftest selftest = {.route = ov_span_text("x"),
                                             .expected = cases[i].expected,
                                             .outcome = cases[i].outcome,
                                             .want = 10,
                                             .most = 20,
                                             .seen = cases[i].seen};
        put(OV_TRACE_SELFTEST, &selftest);
        finish();
        assert_int_equal(!has_gap(OV_TRACE_GAP_SELFTEST, "x"), cases[i].has_passed);
    }
}

static void test_other_ends(void **state) {
    (void)state;
    begin();
    assert_int_equal(ov_trace_writer_end(&writer, OV_TRACE_INTERRUPTED, NULL), OV_OK);
    read_model();
    assert_true(has_gap(OV_TRACE_GAP_END, "interrupted"));
    begin();
    struct ov_trace_file file = file_of(1, 7);
    file.read_bytes = 5;
    put(OV_TRACE_FILE, &file);
    assert_int_equal(ov_trace_writer_checkpoint(&writer), OV_OK);
    file.read_bytes = 6;
    put(OV_TRACE_FILE, &file); // behind the last checkpoint: not counted
    read_model();
    assert_true(has_gap(OV_TRACE_GAP_CUT, ""));
    assert_int_equal(model.files[0].read_bytes, 5);
    assert_true(!model.has_end && model.until_ns > 0);
}

static void test_a_bad_trace_counts_nothing(void **state) {
    (void)state;
    begin();
    put(OV_TRACE_FILE, &sample_file);
    assert_int_equal(ov_trace_writer_end(&writer, OV_TRACE_DONE, NULL), OV_OK);
    assert_int_equal(pwrite(copy, "x", 1, 100), 1);
    read_model();
    assert_true(has_gap(OV_TRACE_GAP_BAD, ""));
    assert_int_equal(model.file_count, 0);
    assert_false(model.has_begin);
}

// ---- memory -------------------------------------------------------------------------------------

static void test_every_allocation_may_fail(void **state) {
    (void)state;
    struct ov_file_map map = {0};
    begin();
    put_sample(OV_TRACE_PROCESS);
    for (uint64_t i = 0; i < 3000; i++) { // so that arrays and index grow
        struct ov_trace_file file = file_of(1, i);
        file.read_bytes = 1;
        put(OV_TRACE_FILE, &file);
    }
    finish();
    assert_int_equal(model.file_count, 3000);
    assert_int_equal(ov_file_map_open_fd(copy, &map), OV_OK);
    unsigned nth = 0;
    enum ov_status status = OV_MEMORY;
    while (status == OV_MEMORY) {
        OV_CLEANUP(ov_arena_release) struct ov_arena small = {.cap_bytes = ARENA_BYTES};
        ov_arena_set_fault(++nth);
        status = ov_trace_model_build(map.bytes, &small, &model);
    }
    ov_arena_set_fault(0);
    assert_int_equal(status, OV_OK);
    assert_true(nth > 5);
    ov_file_map_close(&map);
}

static int open_arena(void **state) {
    (void)state;
    ov_arena_init(&arena, ARENA_BYTES);
    return 0;
}

static int close_arena(void **state) {
    (void)state;
    ov_arena_release(&arena);
    ov_fd_close(&copy);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_samples),
        cmocka_unit_test(test_the_last_record_of_a_key_counts),
        cmocka_unit_test(test_a_counter_that_falls_is_a_gap),
        cmocka_unit_test(test_a_file_that_shrank_was_read),
        cmocka_unit_test(test_files_over_processes),
        cmocka_unit_test(test_a_pid_that_comes_again_is_another_process),
        cmocka_unit_test(test_fates),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_largest_numbers),
        cmocka_unit_test(test_reaches),
        cmocka_unit_test(test_nothing_is_not_complete),
        cmocka_unit_test(test_losses_and_sensors),
        cmocka_unit_test(test_selftests),
        cmocka_unit_test(test_other_ends),
        cmocka_unit_test(test_a_bad_trace_counts_nothing),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
