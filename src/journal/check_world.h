// SPDX-License-Identifier: Apache-2.0
//
// Journals for check_test.c, written entry by entry with signatures that hold, and what is told of
// them. For that test alone.
#pragma once

#include "journal/check.h"

#include "base/durable.h"
#include "base/fd.h"
#include "journal/frames.h"
#include "ledger/checkpoint.h"
#include "ledger/log.h"
#include "ledger/note.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ORIGIN "overt-journal/0123456789abcdef0123456789abcdef"
#define START  "command scan\nuser 0\nversion 0.1.0\n"
#define STOP   "exit 0\nfiles 1\nfound 0\nerrors 0\nlimited 0\nread 5\nsent 0\n"
#define HASH   "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define FILES  "count 1\nfile " HASH " clean 2049 77 12 5 12 -\n"

enum { ENTRIES_MAX = 16, PROBLEMS_MAX = 8, NONE = 0 };

struct problem {
    uint64_t seq;
    char why[OV_CHECK_WHY_BYTES];
};

static struct {
    char path[64];
    int folder;
    struct ov_signer keys[2]; // of epochs 0 and 1
    struct ov_buf entries[ENTRIES_MAX];
    size_t count;
    uint64_t seconds; // of the last entry
    uint8_t boot;
    struct ov_tree_head head;
    struct problem problems[PROBLEMS_MAX];
    size_t problem_count;
    struct ov_journal_report report;
} world;

// ---- a journal ----------------------------------------------------------------------------------

static int make_world(void **state) {
    (void)state;
    memset(&world, 0, sizeof world);
    world.seconds = 1790000000;
    (void)snprintf(world.path, sizeof world.path, "/tmp/check-XXXXXX");
    if (mkdtemp(world.path) == NULL) {
        return -1;
    }
    world.folder = open(world.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned i = 0; i < 2; i++) {
        ov_signer_init(&world.keys[i]);
        assert_int_equal(ov_signer_new_random(ORIGIN, OV_KEY_NOTE, &world.keys[i]), OV_OK);
    }
    return world.folder >= 0 ? 0 : -1;
}

static int remove_world(void **state) {
    char command[96];
    (void)state;
    (void)close(world.folder);
    for (unsigned i = 0; i < 2; i++) {
        ov_signer_release(&world.keys[i]);
    }
    for (size_t i = 0; i < ENTRIES_MAX; i++) {
        ov_buf_release(&world.entries[i]);
    }
    (void)snprintf(command, sizeof command, "rm -rf %s", world.path);
    return system(command);
}

static struct ov_entry entry_of(enum ov_entry_type type, unsigned run, const char *body) {
    struct ov_entry entry = {
        .type = type,
        .seq = world.count,
        .time_ns = world.seconds * 1000000000u,
        .boot = {world.boot},
        .mono_ns = (world.seconds - 1780000000u) * 1000000000u,
        .run.bytes = {(uint8_t)run},
        .body = ov_span_text(body),
    };
    return entry;
}

static void put(const struct ov_entry *entry) {
    assert_true(world.count < ENTRIES_MAX);
    ov_entry_add(&world.entries[world.count++], entry);
}

// Adds an entry, one second after the last one.
static void add(enum ov_entry_type type, unsigned run, const char *body) {
    world.seconds++;
    struct ov_entry entry = entry_of(type, run, body);
    put(&entry);
}

// Signed by `signer` over the tree of all entries before it, as far as `is_true` says.
static void add_epoch_by(unsigned number, unsigned key, unsigned signer, bool is_true) {
    OV_CLEANUP(ov_buf_release) struct ov_buf vkey = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf message = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    uint8_t signature[OV_SIGNATURE_BYTES];
    struct ov_tree_hash root;
    struct ov_tree tree;
    ov_tree_init(&tree);
    for (size_t i = 0; i < world.count; i++) {
        ov_leaf_hash(ov_buf_span(&world.entries[i]), &root);
        ov_tree_append(&tree, &root);
    }
    ov_tree_root(&tree, &root);
    root.bytes[7] ^= !is_true;
    assert_int_equal(ov_key_add(&vkey, &world.keys[key].key), OV_OK);
    ov_entry_epoch_message(&message, ov_buf_span(&vkey), world.count, &root);
    ov_signer_sign(&world.keys[signer], ov_buf_span(&message), signature);
    ov_buf_printf(&body, "number %u\nkey %.*s\nroot ", number, (int)vkey.size,
                  (const char *)vkey.data);
    ov_tree_hash_add(&body, &root);
    ov_buf_add_text(&body, "\nby ");
    ov_base64_add(&body, ov_span_make(signature, sizeof signature));
    ov_buf_add_text(&body, "\n");
    ov_buf_add_u8(&body, 0);
    add(OV_ENTRY_EPOCH, NONE, (const char *)body.data);
}

static void add_epoch(unsigned number, unsigned key) {
    add_epoch_by(number, key, 0, true);
}

static void add_run(unsigned run) {
    add(OV_ENTRY_START, run, START);
    add(OV_ENTRY_FILES, run, FILES);
    add(OV_ENTRY_STOP, run, STOP);
}

static void write_file(const char *name, struct ov_span bytes) {
    assert_int_equal(ov_durable_write(world.folder, name, bytes, 0600), OV_OK);
}

static void write_checkpoint(const struct ov_signer *signer) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf note = {0};
    struct ov_checkpoint checkpoint = {.origin = ov_span_text(signer->key.name),
                                       .head = world.head};
    ov_checkpoint_add(&text, &checkpoint);
    ov_note_add_text(&note, ov_buf_span(&text));
    ov_note_sign(&note, ov_buf_span(&text), signer, 0);
    write_file("checkpoint", ov_buf_span(&note));
}

// The first `sealed` entries under a checkpoint of this key, the others pending.
static void seal(size_t sealed, unsigned key) {
    OV_CLEANUP(ov_buf_release) struct ov_buf pending = {0};
    static struct ov_log_writer writer;
    assert_int_equal(ov_log_writer_open(world.folder, 0, &writer), OV_OK);
    for (size_t i = 0; i < sealed; i++) {
        assert_int_equal(ov_log_writer_add(&writer, ov_buf_span(&world.entries[i])), OV_OK);
    }
    assert_int_equal(ov_log_writer_flush(&writer), OV_OK);
    ov_log_writer_head(&writer, &world.head);
    ov_log_writer_close(&writer);
    for (size_t i = sealed; i < world.count; i++) {
        ov_frame_add(&pending, ov_buf_span(&world.entries[i]));
    }
    write_file("pending", ov_buf_span(&pending));
    write_checkpoint(&world.keys[key]);
}

// ---- what is told -------------------------------------------------------------------------------

static void keep_problem(void *arg, const struct ov_journal_problem *problem) {
    (void)arg;
    assert_true(world.problem_count < PROBLEMS_MAX);
    struct problem *kept = &world.problems[world.problem_count++];
    kept->seq = problem->seq;
    (void)snprintf(kept->why, sizeof kept->why, "%s", problem->why);
}

static void verify(const struct ov_tree_head *kept, const struct ov_key *first) {
    struct ov_journal_check check = {
        .folder = world.folder, .first = first, .kept = kept, .on_problem = keep_problem};
    world.problem_count = 0;
    assert_int_equal(ov_journal_verify(&check, &world.report), OV_OK);
    assert_int_equal(world.report.problem_count, world.problem_count);
}

static void expect_told(uint64_t seq, const char *why) {
    for (size_t i = 0; i < world.problem_count; i++) {
        print_message("# told: %lld: %s\n", (long long)world.problems[i].seq,
                      world.problems[i].why);
    }
    assert_int_equal(world.problem_count, 1);
    assert_string_equal(world.problems[0].why, why);
    assert_true(world.problems[0].seq == seq);
}

static void expect_sound(void) {
    verify(NULL, &world.keys[0].key);
    assert_int_equal(world.problem_count, 0);
}

// All entries sealed by this key, and this one thing told.
static void expect(unsigned key, uint64_t seq, const char *why) {
    seal(world.count, key);
    verify(NULL, &world.keys[0].key);
    expect_told(seq, why);
}
