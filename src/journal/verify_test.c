// SPDX-License-Identifier: Apache-2.0
// Journals that Overt itself wrote hold, while they are written, too, and with any number of runs.
#include "journal/check.h"
#include "journal/journal.h"
#include "journal/reader.h"
#include "journal/runs.h"

#include "base/fd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define START "command scan\nuser 0\nversion 0.1.0\n"
#define STOP  "exit 0\nfiles 1\nfound 0\nerrors 0\nlimited 0\nread 5\nsent 0\n"

enum { RUNS = 1500, CHILDREN = 3, GROWN = 60, RUNS_BEFORE_FULL = 80 };

static struct {
    char path[64];
    uint64_t seq; // of the problem told last
    char why[OV_CHECK_WHY_BYTES];
} world;

static int make_world(void **state) {
    (void)state;
    (void)snprintf(world.path, sizeof world.path, "/tmp/verify-XXXXXX");
    return mkdtemp(world.path) != NULL ? 0 : -1;
}

static int remove_world(void **state) {
    char command[96];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf %s", world.path);
    return system(command);
}

static struct ov_journal *open_journal(void) {
    struct ov_journal *journal = NULL;
    char reason[OV_JOURNAL_REASON_BYTES];
    if (ov_journal_open(world.path, &journal, reason) != OV_OK) {
        fail_msg("%s", reason);
    }
    return journal;
}

static struct ov_entry_run run_of(unsigned number) {
    return (struct ov_entry_run){.bytes = {1, (uint8_t)number, (uint8_t)(number >> 8)}};
}

static enum ov_status add(struct ov_journal *journal, unsigned run, enum ov_entry_type type,
                          const char *body) {
    struct ov_entry_run name = run_of(run);
    uint64_t seq;
    return ov_journal_add(journal, type, &name, ov_span_text(body), &seq);
}

static void keep_problem(void *arg, const struct ov_journal_problem *problem) {
    (void)arg;
    world.seq = problem->seq;
    (void)snprintf(world.why, sizeof world.why, "%s", problem->why);
}

static uint64_t verify(struct ov_journal_report *ret_report) {
    OV_AUTO_FD folder = open(world.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct ov_journal_check check = {.folder = folder, .on_problem = keep_problem};
    world.why[0] = 0;
    assert_int_equal(ov_journal_verify(&check, ret_report), OV_OK);
    return ret_report->problem_count;
}

static void test_any_number_of_runs(void **state) {
    (void)state;
    struct ov_journal *journal = open_journal();
    struct ov_journal_report report;
    assert_int_equal(ov_journal_lock(journal), OV_OK);
    for (unsigned i = 0; i < RUNS; i++) {
        assert_int_equal(add(journal, i, OV_ENTRY_START, START), OV_OK);
    }
    assert_int_equal(ov_journal_seal(journal, OV_SEAL_KEEP_EPOCH), OV_OK);
    assert_int_equal(verify(&report), RUNS); // each of them is told
    assert_int_equal(world.seq, RUNS);
    for (unsigned i = 0; i < RUNS; i++) {
        if (i != 1400) {
            assert_int_equal(add(journal, i, OV_ENTRY_STOP, STOP), OV_OK);
        }
    }
    assert_int_equal(ov_journal_seal(journal, OV_SEAL_KEEP_EPOCH), OV_OK);
    assert_int_equal(verify(&report), 1);
    assert_string_equal(world.why, "a run that does not end");
    assert_int_equal(world.seq, 1401);
    assert_int_equal(add(journal, 1400, OV_ENTRY_STOP, STOP), OV_OK);
    assert_int_equal(ov_journal_seal(journal, OV_SEAL_KEEP_EPOCH), OV_OK);
    ov_journal_unlock(journal);
    ov_journal_free(journal);
    assert_int_equal(verify(&report), 0);
    assert_int_equal(report.run_count, RUNS);
    assert_int_equal(report.entry_count, 1 + 2 * RUNS);
}

// ---- while others write -------------------------------------------------------------------------

#define DO(call)                                                                                   \
    if ((call) != OV_OK) {                                                                         \
        _exit(2);                                                                                  \
    }

static void write_run(struct ov_journal *journal, unsigned number) {
    struct ov_entry_run run = run_of(number);
    int run_fd = -1;
    DO(ov_journal_lock(journal));
    DO(ov_run_begin(journal, &run, &run_fd));
    DO(add(journal, number, OV_ENTRY_START, START));
    DO(ov_journal_sync(journal));
    ov_journal_unlock(journal);
    for (unsigned i = 0; i < number % 90; i++) {
        DO(ov_journal_lock(journal));
        DO(add(journal, number, OV_ENTRY_FINDING, "what something\n"));
        DO(i % 40 == 39 ? ov_journal_seal(journal, OV_SEAL_KEEP_EPOCH) : ov_journal_sync(journal));
        ov_journal_unlock(journal);
    }
    DO(ov_journal_lock(journal));
    DO(add(journal, number, OV_ENTRY_STOP, STOP));
    DO(ov_journal_seal(journal, OV_SEAL_KEEP_EPOCH));
    ov_journal_unlock(journal);
    ov_run_end(journal, &run);
    (void)close(run_fd);
}

// Reads every entry by its number, and finds it in its place.
static uint64_t read_all(void) {
    OV_AUTO_FD folder = open(world.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct ov_journal_reader *reader = NULL;
    assert_int_equal(ov_journal_reader_open(folder, &reader), OV_OK);
    for (uint64_t seq = 0; seq < reader->count; seq++) {
        struct ov_entry entry;
        assert_int_equal(ov_journal_reader_get(reader, seq, &entry), OV_OK);
        assert_int_equal(entry.seq, seq);
    }
    uint64_t count = reader->count;
    ov_journal_reader_free(reader);
    return count;
}

static void test_while_others_write(void **state) {
    (void)state;
    pid_t pids[CHILDREN];
    uint64_t least = 0;
    unsigned grown = 0;
    ov_journal_free(open_journal());
    for (unsigned child = 0; child < CHILDREN; child++) {
        pids[child] = fork();
        assert_true(pids[child] >= 0);
        if (pids[child] == 0) {
            struct ov_journal *journal = open_journal();
            for (unsigned i = 0; i < 20000; i++) {
                write_run(journal, CHILDREN * i + child);
            }
            _exit(0);
        }
    }
    for (unsigned i = 0; grown < GROWN && i < 50 * GROWN; i++) {
        struct ov_journal_report report;
        if (verify(&report) != 0) {
            fail_msg("entry %lld: %s", (long long)world.seq, world.why);
        }
        assert_true(report.entry_count >= least);
        grown += report.entry_count > least;
        least = read_all();
    }
    for (unsigned child = 0; child < CHILDREN; child++) {
        (void)kill(pids[child], SIGKILL);
        assert_int_equal(waitpid(pids[child], NULL, 0), pids[child]);
    }
    assert_int_equal(grown, GROWN);
}

// As many runs as `left` says, one for each entry that is read: each seals, and removes the end of
// the tree that is being verified, of which no tile is full.
struct writing {
    struct ov_journal *journal;
    uint64_t next; // the entry that must be read next
    unsigned left;
};

static void write_another(void *arg, const struct ov_entry *entry) {
    struct writing *writing = (struct writing *)arg;
    assert_true(entry->seq == writing->next++);
    if (writing->left > 0) {
        write_run(writing->journal, 90 * writing->left + 1);
        writing->left--;
    }
}

static void test_every_look_is_outrun(void **state) {
    (void)state;
    struct writing writing = {.journal = open_journal(), .left = RUNS_BEFORE_FULL};
    struct ov_journal_report report;
    OV_AUTO_FD folder = open(world.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct ov_journal_check check = {
        .folder = folder, .arg = &writing, .on_problem = keep_problem, .on_entry = write_another};
    write_run(writing.journal, 1);
    assert_int_equal(ov_journal_verify(&check, &report), OV_OK);
    ov_journal_free(writing.journal);
    if (report.problem_count > 0) {
        fail_msg("entry %lld: %s", (long long)world.seq, world.why);
    }
    assert_int_equal(report.entry_count, 1 + 3 * (RUNS_BEFORE_FULL + 1));
    assert_int_equal(report.head.size, 1 + 3 * (RUNS_BEFORE_FULL + 1));
    assert_int_equal(report.run_count, RUNS_BEFORE_FULL + 1);
    assert_int_equal(writing.next, report.entry_count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_any_number_of_runs, make_world, remove_world),
        cmocka_unit_test_setup_teardown(test_while_others_write, make_world, remove_world),
        cmocka_unit_test_setup_teardown(test_every_look_is_outrun, make_world, remove_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
