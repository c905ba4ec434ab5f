// SPDX-License-Identifier: Apache-2.0
// What is demanded of a journal: each thing that does not hold is told, and nothing else.
//
// The journals are written here, entry by entry, with signatures that hold: what is wrong with each
// is the one thing that its case is about.
#include "journal/check_world.h"

// ---- cases --------------------------------------------------------------------------------------

static void expect_sound_at(size_t sealed) {
    seal(sealed, 1);
    expect_sound();
    assert_int_equal(world.report.entry_count, world.count);
    assert_int_equal(world.report.head.size, sealed);
    assert_int_equal(world.report.epoch_count, 2);
    assert_int_equal(world.report.run_count, 3);
    assert_int_equal(world.report.file_count, 1);
    assert_string_equal(world.report.origin, ORIGIN);
}

static void test_what_holds_is_not_told(void **state) {
    (void)state;
    add_epoch(0, 0);
    add_run(1);
    add_epoch(1, 1);
    add(OV_ENTRY_START, 2, START);
    add(OV_ENTRY_START, 3, START); // side by side
    add(OV_ENTRY_STOP, 2, STOP);
    world.seconds += 600; // heartbeats come as often
    add(OV_ENTRY_STOP, 3, STOP);
    for (size_t sealed = 5; sealed <= world.count; sealed++) {
        expect_sound_at(sealed);
    }
    size_t sealed = world.count; // when a run ends, all is
    world.seconds += 86400;      // nothing runs
    add(OV_ENTRY_FINDING, NONE, "what nothing\n");
    for (; sealed <= world.count; sealed++) {
        expect_sound_at(sealed);
    }
    seal(world.count, 1); // a crash left what is sealed in `pending`
    OV_CLEANUP(ov_buf_release) struct ov_buf pending = {0};
    ov_frame_add(&pending, ov_buf_span(&world.entries[world.count - 1]));
    write_file("pending", ov_buf_span(&pending));
    expect_sound();
}

static void test_no_journal(void **state) {
    (void)state;
    struct ov_journal_check check = {.folder = world.folder};
    struct ov_tree_head head;
    uint64_t entries;
    assert_int_equal(ov_journal_verify(&check, &world.report), OV_END);
    assert_int_equal(ov_journal_glance(world.folder, &head, &entries), OV_END);
}

static void test_a_glance(void **state) {
    (void)state;
    struct ov_tree_head head;
    uint64_t entries = 0;
    add_epoch(0, 0);
    add_run(1);
    seal(2, 0);
    assert_int_equal(ov_journal_glance(world.folder, &head, &entries), OV_OK);
    assert_int_equal(entries, 4);
    assert_int_equal(head.size, 2);
    assert_true(ov_tree_hash_is_equal(&head.root, &world.head.root));
    write_file("checkpoint", ov_span_text("no checkpoint\n"));
    assert_int_equal(ov_journal_glance(world.folder, &head, &entries), OV_DAMAGED);
}

static void test_epochs(void **state) {
    (void)state;
    add_epoch(0, 0);
    add_epoch(2, 1);
    expect(1, 1, "an epoch that does not follow the one before");
    verify(NULL, &world.keys[1].key);
    assert_int_equal(world.problem_count, 2);
    assert_string_equal(world.problems[0].why,
                        "the first epoch's key is not the one that is known");
}

static void test_an_epoch_that_nobody_before_has_signed(void **state) {
    (void)state;
    add_epoch(0, 0);
    add_epoch_by(1, 1, 1, true);
    expect(1, 1, "an epoch that the key before it has not signed");
}

static void test_an_epoch_after_other_entries(void **state) {
    (void)state;
    add_epoch(0, 0);
    add_epoch_by(1, 1, 0, false);
    expect(1, 1, "an epoch that the key before it has not signed");
}

static void test_another_first_key(void **state) {
    (void)state;
    add_epoch(0, 0);
    seal(1, 0);
    verify(NULL, &world.keys[1].key);
    expect_told(0, "the first epoch's key is not the one that is known");
    verify(NULL, NULL);
    assert_int_equal(world.problem_count, 0);
}

static void test_no_epoch_first(void **state) {
    (void)state;
    add(OV_ENTRY_HEARTBEAT, NONE, "runs 0\n");
    add_epoch(1, 0);
    expect(0, 0, "the first entry begins no epoch");
}

static void test_a_run_that_begins_twice(void **state) {
    (void)state;
    add_epoch(0, 0);
    add(OV_ENTRY_START, 1, START);
    add_run(1);
    expect(0, 2, "a run that begins twice");
}

static void test_a_run_that_has_not_begun(void **state) {
    (void)state;
    add_epoch(0, 0);
    add(OV_ENTRY_FILES, 1, FILES);
    add_run(1);
    expect(0, 1, "an entry of a run that has not begun, or has ended");
}

static void test_a_run_that_has_ended(void **state) {
    (void)state;
    add_epoch(0, 0);
    add_run(1);
    add(OV_ENTRY_FILES, 1, FILES);
    expect(0, 4, "an entry of a run that has not begun, or has ended");
}

static void test_a_run_that_begins_again(void **state) {
    (void)state;
    add_epoch(0, 0);
    add_run(1);
    add_run(1);
    expect(0, 4, "a run that begins twice");
}

static void test_a_run_that_does_not_end(void **state) {
    (void)state;
    add_epoch(0, 0);
    add(OV_ENTRY_START, 1, START);
    add_run(2);
    expect(0, 1, "a run that does not end");
}

// By the next who opens the journal.
static void test_what_was_sent(void **state) {
    (void)state;
    static const char sent[] = "role fetcher\npeer http://a:80\nbytes 5\nreceived 7\n";
    static const char stop[] = "exit 0\nfiles 1\nfound 0\nerrors 0\nlimited 0\nread 5\nsent ";
    static const char *const said[] = {"10\n", "-\n", "9\n"};
    add_epoch(0, 0);
    for (unsigned i = 0; i < 3; i++) {
        char body[sizeof stop + 8];
        (void)snprintf(body, sizeof body, "%s%s", stop, said[i]);
        add(OV_ENTRY_START, i + 1, START);
        add(OV_ENTRY_SENT, i + 1, sent);
        add(OV_ENTRY_SENT, i + 1, sent);
        add(OV_ENTRY_STOP, i + 1, body);
        if (i < 2) {
            seal(world.count, 0);
            expect_sound();
        }
    }
    expect(0, 12, "what was sent is not the sum of the run's entries");
}

static void test_a_run_that_is_told_to_be_cut_off(void **state) {
    (void)state;
    add_epoch(0, 0);
    add(OV_ENTRY_START, 1, START);
    add(OV_ENTRY_CRASH, 1, "role overt\nfile -\nwhy cut%20off\n");
    seal(world.count, 0);
    expect_sound();
    add(OV_ENTRY_START, 2, START);
    add(OV_ENTRY_CRASH, 2, "role worker\nfile -\nwhy killed\n");
    add(OV_ENTRY_RECOVER, NONE, "lost 0\nfrom 5\n");
    expect(0, 3, "a run that does not end");
}

static void test_time_since_boot(void **state) {
    (void)state;
    add_epoch(0, 0);
    struct ov_entry entry = entry_of(OV_ENTRY_HEARTBEAT, NONE, "runs 0\n");
    entry.mono_ns--;
    put(&entry);
    expect(0, 1, "the time since the machine's start went back");
}

static void test_the_clock(void **state) {
    (void)state;
    add_epoch(0, 0);
    struct ov_entry entry = entry_of(OV_ENTRY_HEARTBEAT, NONE, "runs 0\n");
    entry.time_ns -= 2000000000; // a slack
    put(&entry);
    seal(world.count, 0);
    expect_sound();
    entry = entry_of(OV_ENTRY_HEARTBEAT, NONE, "runs 0\n");
    entry.time_ns -= 4000000001;
    put(&entry);
    expect(0, 2, "the clock was set back");
}

static void test_another_boot_has_other_clocks(void **state) {
    (void)state;
    add_epoch(0, 0);
    world.seconds -= 5000;
    world.boot = 1;
    add(OV_ENTRY_HEARTBEAT, NONE, "runs 0\n");
    seal(world.count, 0);
    expect_sound();
}

static void test_a_gap_behind_a_run_that_was_cut_off(void **state) {
    (void)state;
    add_epoch(0, 0);
    add(OV_ENTRY_START, 1, START);
    world.seconds += 12 * 60;
    add(OV_ENTRY_RECOVER, NONE, "lost 9\nfrom 2\n");
    world.seconds += 12 * 60;
    add(OV_ENTRY_CRASH, 1, "role overt\nfile -\nwhy cut%20off\n");
    seal(world.count, 0);
    expect_sound();
}

static void test_a_gap_in_a_run(void **state) {
    (void)state;
    add_epoch(0, 0);
    add(OV_ENTRY_START, 1, START);
    world.seconds += 11 * 60 - 1;
    add(OV_ENTRY_FILES, 1, FILES);
    world.seconds += 11 * 60;
    add(OV_ENTRY_STOP, 1, STOP);
    expect(0, 3, "nothing was written for more than 11 minutes of a run");
}

static void test_a_clock_that_leaps(void **state) {
    (void)state;
    const uint64_t day_ns = 24 * 3600 * 1000000000ull;
    add_epoch(0, 0);
    add(OV_ENTRY_START, 1, START);
    world.seconds++;
    struct ov_entry entry = entry_of(OV_ENTRY_STOP, 1, STOP);
    entry.time_ns += day_ns; // as much as may be
    put(&entry);
    world.seconds += 24 * 3600;
    entry = entry_of(OV_ENTRY_HEARTBEAT, NONE, "runs 0\n");
    entry.time_ns += 9 * day_ns; // of no run
    entry.mono_ns -= day_ns;
    put(&entry);
    seal(world.count, 0);
    expect_sound();
    entry = entry_of(OV_ENTRY_START, 2, START);
    entry.time_ns += 9 * day_ns;
    entry.mono_ns -= day_ns;
    put(&entry);
    entry = entry_of(OV_ENTRY_STOP, 2, STOP);
    entry.time_ns += 10 * day_ns + 1;
    entry.mono_ns -= day_ns;
    put(&entry);
    expect(0, 5, "the clock was set forward by more than a day of a run");
}

static void test_a_clock_that_creeps_back(void **state) {
    (void)state;
    add_epoch(0, 0);
    for (unsigned i = 0; i < 3; i++) {
        struct ov_entry entry = entry_of(OV_ENTRY_HEARTBEAT, NONE, "runs 0\n");
        entry.time_ns -= (i + 1) * 1000000000ull; // each within the slack after the one before
        entry.mono_ns += i;
        put(&entry);
    }
    expect(0, 3, "the clock was set back");
}

static void test_a_missing_seal(void **state) {
    (void)state;
    add_epoch(0, 0);
    add_run(1);
    world.seconds += 11 * 60;
    add_run(2);
    seal(4, 0); // the second run alone waits
    expect_sound();
    seal(3, 0);
    verify(NULL, NULL);
    expect_told(4, "entries wait for a checkpoint for more than 11 minutes");
    world.boot = 1; // clocks of another boot say nothing of how long it was
    add_run(3);
    seal(4, 0);
    expect_sound();
}

static void test_too_many_wait_for_a_seal(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf pending = {0};
    add_epoch(0, 0);
    seal(1, 0);
    for (unsigned i = 0; i < 1025; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
        struct ov_entry entry = entry_of(OV_ENTRY_HEARTBEAT, NONE, "runs 0\n");
        entry.seq = 1 + i;
        ov_entry_add(&bytes, &entry);
        ov_frame_add(&pending, ov_buf_span(&bytes));
        if (i == 1023) {
            write_file("pending", ov_buf_span(&pending));
            expect_sound();
        }
    }
    write_file("pending", ov_buf_span(&pending));
    verify(NULL, NULL);
    expect_told(1025, "more than 1024 entries wait for a checkpoint");
}

static void test_what_is_no_entry(void **state) {
    (void)state;
    add_epoch(0, 0);
    ov_buf_add_text(&world.entries[world.count++], "something else\n");
    add_run(1);
    expect(0, 1, "no entry of a journal");
    assert_int_equal(world.report.entry_count, 5);
}

static void test_another_number(void **state) {
    (void)state;
    add_epoch(0, 0);
    struct ov_entry entry = entry_of(OV_ENTRY_HEARTBEAT, NONE, "runs 0\n");
    entry.seq = 7;
    put(&entry);
    expect(0, 1, "an entry with another number");
}

static void test_against_what_was_kept(void **state) {
    (void)state;
    add_epoch(0, 0);
    add_run(1);
    seal(world.count, 0);
    struct ov_tree_head whole = world.head;
    seal(2, 0);
    struct ov_tree_head part = world.head;
    verify(&whole, NULL);
    expect_told(UINT64_MAX, "rolled back: fewer entries than the checkpoint that was kept");
    seal(world.count, 0);
    verify(&part, NULL);
    assert_int_equal(world.problem_count, 0);
    verify(&whole, NULL);
    assert_int_equal(world.problem_count, 0);
    part.root.bytes[0] ^= 1;
    verify(&part, NULL);
    expect_told(UINT64_MAX, "another journal than that of the checkpoint that was kept");
}

static void test_tiles(void **state) {
    (void)state;
    uint8_t zeros[OV_SHA256_BYTES] = {0};
    add_epoch(0, 0);
    seal(1, 0);
    OV_AUTO_FD fd = openat(world.folder, "tile/0/000.p/1", O_WRONLY);
    assert_int_equal(write(fd, zeros, sizeof zeros), sizeof zeros);
    verify(NULL, NULL);
    expect_told(UINT64_MAX, "tile/0/000.p/1 has not the hashes of the entries");
    assert_int_equal(unlinkat(world.folder, "tile/entries/000.p/1", 0), 0);
    verify(NULL, NULL);
    assert_true(world.problem_count >= 1);
    assert_memory_equal(world.problems[0].why, "tile/entries/000.p/1 ", 21);
}

static void test_pending(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf pending = {0};
    add_epoch(0, 0);
    add(OV_ENTRY_HEARTBEAT, NONE, "runs 0\n");
    seal(1, 0);
    expect_sound();
    ov_frame_add(&pending, ov_buf_span(&world.entries[1]));
    ov_buf_add_u8(&pending, 0);
    write_file("pending", ov_buf_span(&pending));
    verify(NULL, NULL);
    expect_told(UINT64_MAX, "the file pending ends in what is no entry");
    assert_int_equal(world.report.entry_count, 2);
}

static void test_checkpoints(void **state) {
    (void)state;
    add_epoch(0, 0);
    seal(1, 0);
    write_checkpoint(&world.keys[1]);
    verify(NULL, NULL);
    expect_told(UINT64_MAX, "the checkpoint is not signed by the newest epoch's key");
    write_file("checkpoint", ov_span_text("no checkpoint\n"));
    verify(NULL, NULL);
    expect_told(UINT64_MAX, "the checkpoint is malformed");
    add_epoch(1, 1);
    expect(0, UINT64_MAX, "the checkpoint is not signed by the newest epoch's key");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_world, remove_world)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_what_holds_is_not_told),
        TEST(test_no_journal),
        TEST(test_a_glance),
        TEST(test_epochs),
        TEST(test_an_epoch_that_nobody_before_has_signed),
        TEST(test_an_epoch_after_other_entries),
        TEST(test_another_first_key),
        TEST(test_no_epoch_first),
        TEST(test_a_run_that_begins_twice),
        TEST(test_a_run_that_has_not_begun),
        TEST(test_a_run_that_has_ended),
        TEST(test_a_run_that_begins_again),
        TEST(test_a_run_that_does_not_end),
        TEST(test_what_was_sent),
        TEST(test_a_run_that_is_told_to_be_cut_off),
        TEST(test_time_since_boot),
        TEST(test_the_clock),
        TEST(test_another_boot_has_other_clocks),
        TEST(test_a_gap_in_a_run),
        TEST(test_a_gap_behind_a_run_that_was_cut_off),
        TEST(test_a_clock_that_creeps_back),
        TEST(test_a_clock_that_leaps),
        TEST(test_a_missing_seal),
        TEST(test_too_many_wait_for_a_seal),
        TEST(test_what_is_no_entry),
        TEST(test_another_number),
        TEST(test_against_what_was_kept),
        TEST(test_tiles),
        TEST(test_pending),
        TEST(test_checkpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
