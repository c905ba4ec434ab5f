// SPDX-License-Identifier: Apache-2.0
//
// A small world for update_test.c: a log, three witnesses of which two make the quorum, three
// release keys of which two must sign; what it publishes is built straight from RFC 6962.
#pragma once

#include "ledger/note.h"
#include "ledger/update.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

enum { NOW = 1800000000, DAY = 24 * 3600, ENTRIES = 4200, RELEASE_KEYS = 3, WITNESSES = 3 };

struct world {
    struct ov_signer log, witnesses[WITNESSES], releases[RELEASE_KEYS];
    struct ov_buf policy_text, entries[ENTRIES], proof;
    struct ov_policy policy;
    struct ov_trust trust;
    struct ov_feed_state state;
    struct ov_tree_hash leaves[ENTRIES];
    size_t size;
    unsigned witness_mask, release_mask; // who signs
    uint64_t times[WITNESSES];
};

static void make_signer(const char *name, enum ov_key_type type, uint8_t seed,
                        struct ov_signer *ret_signer) {
    uint8_t bytes[OV_KEY_SEED_BYTES];
    memset(bytes, seed, sizeof bytes);
    ov_signer_init(ret_signer);
    assert_int_equal(ov_signer_from_seed(name, type, bytes, ret_signer), OV_OK);
}

static void make_policy(struct world *world) {
    struct ov_policy_error error = {0};
    struct ov_buf *text = &world->policy_text;
    ov_buf_add_text(text, "log ");
    assert_int_equal(ov_key_add(text, &world->log.key), OV_OK);
    for (unsigned i = 0; i < WITNESSES; i++) {
        ov_buf_printf(text, "\nwitness w%u ", i);
        assert_int_equal(ov_key_add(text, &world->witnesses[i].key), OV_OK);
    }
    ov_buf_add_text(text, "\ngroup g 2 w0 w1 w2\nquorum g\n");
    assert_int_equal(ov_policy_read(ov_buf_span(text), &world->policy, &error), OV_OK);
}

static void make_trust(struct world *world) {
    world->trust = (struct ov_trust){.feed = {"stable"},
                                     .version = 1,
                                     .key_count = RELEASE_KEYS,
                                     .threshold = 2,
                                     .warn_age_days = 7,
                                     .max_age_days = 30};
    for (unsigned i = 0; i < RELEASE_KEYS; i++) {
        world->trust.keys[i] = world->releases[i].key;
    }
}

static int set_up(void **state) {
    static struct world world;
    memset(&world, 0, sizeof world);
    make_signer("log.example/rules", OV_KEY_NOTE, 1, &world.log);
    for (unsigned i = 0; i < WITNESSES; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "w%u.example", i);
        make_signer(name, OV_KEY_COSIGNATURE, (uint8_t)(10 + i), &world.witnesses[i]);
        world.times[i] = NOW - 60 * i;
    }
    for (unsigned i = 0; i < RELEASE_KEYS; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "r%u.example", i);
        make_signer(name, OV_KEY_NOTE, (uint8_t)(20 + i), &world.releases[i]);
    }
    world.witness_mask = 3;
    world.release_mask = 3;
    make_policy(&world);
    make_trust(&world);
    *state = &world;
    return 0;
}

static int tear_down(void **state) {
    struct world *world = *state;
    ov_signer_release(&world->log);
    for (unsigned i = 0; i < WITNESSES; i++) {
        ov_signer_release(&world->witnesses[i]);
    }
    for (unsigned i = 0; i < RELEASE_KEYS; i++) {
        ov_signer_release(&world->releases[i]);
    }
    for (unsigned i = 0; i < ENTRIES; i++) {
        ov_buf_release(&world->entries[i]);
    }
    ov_buf_release(&world->policy_text);
    ov_buf_release(&world->proof);
    return 0;
}

// ---- the log ------------------------------------------------------------------------------------

static void add_entry(struct world *world, struct ov_span bytes) {
    struct ov_buf *entry = &world->entries[world->size];
    ov_buf_reset(entry);
    ov_buf_add(entry, bytes.data, bytes.size);
    ov_leaf_hash(bytes, &world->leaves[world->size++]);
}

static void add_signed(struct world *world, struct ov_span text) {
    OV_CLEANUP(ov_buf_release) struct ov_buf note = {0};
    ov_note_add_text(&note, text);
    for (unsigned i = 0; i < RELEASE_KEYS; i++) {
        if ((world->release_mask >> i & 1) != 0) {
            ov_note_sign(&note, text, &world->releases[i], 0);
        }
    }
    add_entry(world, ov_buf_span(&note));
}

static struct ov_release release_of(const struct world *world, uint64_t seq) {
    struct ov_release release = {.feed = {"stable"},
                                 .seq = seq,
                                 .has_previous = seq > 1,
                                 .time = NOW - DAY,
                                 .language = 1,
                                 .rule_count = 5,
                                 .bundle_bytes = 1024};
    if (seq > 1 && world->size > 0) {
        release.previous = world->leaves[world->size - 1];
    }
    return release;
}

static void add_release(struct world *world, const struct ov_release *release) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    ov_release_add(&text, release);
    add_signed(world, ov_buf_span(&text));
}

static void add_seq(struct world *world, uint64_t seq) {
    struct ov_release release = release_of(world, seq);
    add_release(world, &release);
}

static void add_withdrawal(struct world *world, uint64_t seq) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    ov_withdrawal_add(&text, &(struct ov_withdrawal){.feed = {"stable"},
                                                     .seq = seq,
                                                     .time = NOW,
                                                     .reason = ov_span_text("a false alarm")});
    add_signed(world, ov_buf_span(&text));
}

// The tree straight from RFC 6962 section 2.1.
static struct ov_tree_hash root_of(const struct world *world, size_t from, size_t to) {
    size_t left = 1;
    if (to - from == 1) {
        return world->leaves[from];
    }
    while (left * 2 < to - from) {
        left *= 2;
    }
    struct ov_tree_hash a = root_of(world, from, from + left);
    struct ov_tree_hash b = root_of(world, from + left, to);
    ov_node_hash(&a, &b, &a);
    return a;
}

static void add_path(const struct world *world, size_t index, size_t from, size_t to,
                     struct ov_tree_proof *path) {
    size_t left = 1;
    if (to - from == 1) {
        return;
    }
    while (left * 2 < to - from) {
        left *= 2;
    }
    bool is_left = index < from + left;
    add_path(world, index, is_left ? from : from + left, is_left ? from + left : to, path);
    path->hashes[path->count++] =
        is_left ? root_of(world, from + left, to) : root_of(world, from, from + left);
}

// Publishes the first `size` entries, with a proof of the one at `index`.
static void publish(struct world *world, size_t index, size_t size) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf note = {0};
    struct ov_checkpoint checkpoint = {
        .origin = ov_span_text(world->log.key.name),
        .head = {.size = size, .root = root_of(world, 0, size)},
    };
    ov_checkpoint_add(&text, &checkpoint);
    ov_note_add_text(&note, ov_buf_span(&text));
    ov_note_sign(&note, ov_buf_span(&text), &world->log, 0);
    for (unsigned i = 0; i < WITNESSES; i++) {
        if ((world->witness_mask >> i & 1) != 0) {
            ov_note_sign(&note, ov_buf_span(&text), &world->witnesses[i], world->times[i]);
        }
    }
    struct ov_proof proof = {.index = index, .checkpoint = ov_buf_span(&note)};
    add_path(world, index, 0, size, &proof.path);
    ov_buf_reset(&world->proof);
    ov_proof_add(&world->proof, &proof, ov_buf_span(&world->entries[index]));
    assert_int_equal(ov_buf_status(&world->proof), OV_OK);
}
