// SPDX-License-Identifier: Apache-2.0
// The journal's files: entries stay, several processes add, torn writes are cut off, damage is
// seen.
#include "journal/journal.h"

#include "base/fd.h"
#include "journal/frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

static int make_folder(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/journal-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state) {
    char command[96];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static struct ov_journal *open_journal(void) {
    struct ov_journal *journal = NULL;
    char reason[OV_JOURNAL_REASON_BYTES];
    if (ov_journal_open(folder, &journal, reason) != OV_OK) {
        fail_msg("%s", reason);
    }
    return journal;
}

static void add(struct ov_journal *journal, unsigned count, bool is_sealed) {
    struct ov_entry_run none = {0};
    uint64_t seq;
    assert_int_equal(ov_journal_lock(journal), OV_OK);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(
            ov_journal_add(journal, OV_ENTRY_HEARTBEAT, &none, ov_span_text("runs 1\n"), &seq),
            OV_OK);
        assert_int_equal(seq + 1, ov_journal_size(journal));
    }
    assert_int_equal(ov_journal_sync(journal), OV_OK);
    if (is_sealed) {
        assert_int_equal(ov_journal_seal(journal, OV_SEAL_KEEP_EPOCH), OV_OK);
    }
    ov_journal_unlock(journal);
}

static uint64_t size_when_opened(void) {
    struct ov_journal *journal = open_journal();
    uint64_t size = ov_journal_size(journal);
    ov_journal_free(journal);
    return size;
}

static void path_of(const char *name, char ret_path[128]) {
    (void)snprintf(ret_path, 128, "%s/%s", folder, name);
}

static void test_entries_stay(void **state) {
    (void)state;
    uint64_t expected = 1; // epoch 0
    assert_int_equal(size_when_opened(), expected);
    for (unsigned i = 0; i < 8; i++) {
        struct ov_journal *journal = open_journal();
        assert_int_equal(ov_journal_size(journal), expected);
        add(journal, 100 * i, i % 2 == 1);
        expected += 100ull * i;
        ov_journal_free(journal);
    }
    assert_int_equal(size_when_opened(), expected);
}

static void test_several_processes_add(void **state) {
    (void)state;
    assert_int_equal(size_when_opened(), 1);
    for (unsigned child = 0; child < 4; child++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct ov_journal *journal = open_journal();
            for (unsigned i = 0; i < 50; i++) {
                add(journal, 3, i % 7 == child);
            }
            ov_journal_free(journal);
            _exit(0);
        }
    }
    for (unsigned child = 0; child < 4; child++) {
        int status = -1;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(size_when_opened(), 1 + 4 * 50 * 3);
}

static void test_a_torn_write_is_cut_off(void **state) {
    (void)state;
    struct ov_journal *journal = open_journal();
    char path[128];
    struct stat info;
    add(journal, 3, false);
    ov_journal_free(journal);
    path_of("pending", path);
    assert_int_equal(stat(path, &info), 0);
    for (off_t cut = 1; cut < 40; cut += 13) {
        uint64_t size = size_when_opened();
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(truncate(path, info.st_size - cut), 0);
        assert_int_equal(size_when_opened(), size); // one lost, one that says so
    }
}

static void test_epochs_change(void **state) {
    (void)state;
    struct ov_journal *journal = open_journal();
    for (unsigned i = 0; i < 3; i++) {
        add(journal, 2, false);
        assert_int_equal(ov_journal_lock(journal), OV_OK);
        assert_int_equal(ov_journal_seal(journal, OV_SEAL_NEW_EPOCH), OV_OK);
        ov_journal_unlock(journal);
        add(journal, 1, true);
    }
    ov_journal_free(journal);
    assert_int_equal(size_when_opened(), 1 + 3 * (2 + 1 + 1));
}

static void test_damage_is_seen(void **state) {
    (void)state;
    static const char *const names[] = {"checkpoint", "key", "tile/0/000.p/4",
                                        "tile/entries/000.p/4", "epoch"};
    struct ov_journal *journal = open_journal();
    char reason[OV_JOURNAL_REASON_BYTES];
    char path[128];
    add(journal, 3, true);
    ov_journal_free(journal);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        path_of(names[i], path);
        OV_AUTO_FD fd = open(path, O_RDWR);
        char byte;
        assert_true(fd >= 0);
        assert_int_equal(pread(fd, &byte, 1, 1), 1);
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, 1), 1);
        assert_int_not_equal(ov_journal_open(folder, &journal, reason), OV_OK);
        assert_true(reason[0] != 0);
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, 1), 1);
    }
    assert_int_equal(size_when_opened(), 4);
}

// A checkpoint that has no signature of the key that is there.
static void test_another_key_is_refused(void **state) {
    (void)state;
    struct ov_signer other;
    struct ov_journal *journal = open_journal();
    char reason[OV_JOURNAL_REASON_BYTES];
    char path[128];
    char name[] = "overt-journal/00000000000000000000000000000000";
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    add(journal, 3, true);
    ov_journal_free(journal);
    path_of("checkpoint", path);
    FILE *checkpoint = fopen(path, "r");
    assert_non_null(checkpoint);
    assert_int_equal(fread(name, 1, sizeof name - 1, checkpoint), sizeof name - 1);
    (void)fclose(checkpoint);
    ov_signer_init(&other);
    assert_int_equal(ov_signer_new_random(name, OV_KEY_NOTE, &other), OV_OK);
    ov_signer_add(&text, &other);
    ov_buf_add_u8(&text, '\n');
    ov_signer_release(&other);
    path_of("key", path);
    FILE *key = fopen(path, "w");
    assert_non_null(key);
    assert_int_equal(fwrite(text.data, 1, text.size, key), text.size);
    (void)fclose(key);
    assert_int_equal(ov_journal_open(folder, &journal, reason), OV_DAMAGED);
    assert_string_equal(reason, "the checkpoint is not signed by this key: damaged");
}

static void test_a_checkpoint_that_was_taken_away(void **state) {
    (void)state;
    struct ov_journal *journal = open_journal();
    char reason[OV_JOURNAL_REASON_BYTES];
    char path[128];
    path_of("checkpoint", path);
    ov_journal_free(journal);
    assert_int_equal(unlink(path), 0); // as a crash in its first moments leaves it
    journal = open_journal();
    add(journal, 12, true);
    ov_journal_free(journal);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ov_journal_open(folder, &journal, reason), OV_DAMAGED);
    assert_non_null(strstr(reason, "the checkpoint is gone"));
}

static void test_what_is_no_entry_is_not_added(void **state) {
    (void)state;
    struct ov_entry_run none = {0};
    struct ov_journal *journal = open_journal();
    uint64_t seq = 99;
    assert_int_equal(ov_journal_lock(journal), OV_OK);
    assert_int_equal(
        ov_journal_add(journal, OV_ENTRY_HEARTBEAT, &none, ov_span_text("runs x\n"), &seq),
        OV_INVALID);
    assert_int_equal(seq, 99);
    assert_int_equal(ov_journal_size(journal), 1);
    ov_journal_unlock(journal);
    ov_journal_free(journal);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_entries_stay),
        TEST(test_several_processes_add),
        TEST(test_a_torn_write_is_cut_off),
        TEST(test_epochs_change),
        TEST(test_damage_is_seen),
        TEST(test_another_key_is_refused),
        TEST(test_what_is_no_entry_is_not_added),
        TEST(test_a_checkpoint_that_was_taken_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
