// SPDX-License-Identifier: Apache-2.0
// What a client refuses, one attack at a time, on logs that are made here with keys of our own.
#include "ledger/update.h"

#include "ledger/bundle.h"
#include "ledger/update_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

// ---- the client ---------------------------------------------------------------------------------

static struct ov_update update;
static char reason[OV_UPDATE_REASON_BYTES];

static struct ov_update_input input_of(const struct world *world) {
    return (struct ov_update_input){
        .policy = &world->policy,
        .trust = &world->trust,
        .state = &world->state,
        .proof = ov_buf_span(&world->proof),
        .now = NOW,
        .engine = {{0, 1, 0}},
    };
}

static enum ov_status check(const struct world *world) {
    struct ov_update_input input = input_of(world);
    return ov_update_check(&input, &update, reason);
}

static void assert_refused(const struct world *world, const char *why) {
    enum ov_status status = check(world);
    assert_true(status == OV_DENIED || status == OV_DAMAGED || status == OV_UNSUPPORTED);
    if (strstr(reason, why) == NULL) {
        fail_msg("refused for another reason: %s", reason);
    }
}

static void accept(struct world *world) {
    enum ov_status status = check(world);
    if (status != OV_OK) {
        fail_msg("refused: %s", reason);
    }
    struct ov_feed_state *state = &world->state;
    (void)snprintf(state->origin, sizeof state->origin, "%s", update.origin);
    state->head = update.head;
    state->seq = update.release.seq;
    state->leaf = update.leaf;
    state->index = update.index;
    state->time = update.time;
}

static void test_releases_in_a_row(void **state) {
    struct world *world = *state;
    for (uint64_t seq = 1; seq <= 9; seq++) {
        add_seq(world, seq);
        publish(world, world->size - 1, world->size);
        accept(world);
        assert_int_equal(update.release.seq, seq);
        assert_true(update.is_news);
        assert_int_equal(update.growth, seq == 1 ? OV_GROWTH_FIRST : OV_GROWTH_WITNESSES);
        assert_int_equal(update.time, NOW - 60); // the earlier of two
        accept(world);
        assert_false(update.is_news);
        assert_int_equal(update.growth, OV_GROWTH_SAME);
    }
}

static void test_releases_may_be_skipped(void **state) {
    struct world *world = *state;
    add_seq(world, 1);
    publish(world, 0, 1);
    accept(world);
    for (uint64_t seq = 2; seq <= 5; seq++) {
        add_seq(world, seq);
    }
    publish(world, 4, 5);
    accept(world);
}

static void test_not_in_the_log(void **state) {
    struct world *world = *state;
    add_seq(world, 1);
    add_seq(world, 2);
    publish(world, 1, 2);
    // The victim's own release, properly signed, with the proof of another.
    struct ov_release release = release_of(world, 2);
    release.rule_count = 6;
    add_release(world, &release);
    struct ov_proof proof;
    OV_CLEANUP(ov_buf_release) struct ov_buf forged = {0};
    assert_int_equal(ov_proof_read(ov_buf_span(&world->proof), &proof), OV_OK);
    ov_proof_add(&forged, &proof, ov_buf_span(&world->entries[2]));
    ov_buf_reset(&world->proof);
    ov_buf_add(&world->proof, forged.data, forged.size);
    assert_refused(world, "not proven to stand in the log");
}

// One bit of the proof, anywhere.
static void test_a_proof_that_was_changed(void **state) {
    struct world *world = *state;
    add_seq(world, 1);
    add_seq(world, 2);
    add_seq(world, 3);
    publish(world, 2, 3);
    assert_int_equal(check(world), OV_OK);
    for (size_t i = 0; i < world->proof.size; i++) {
        world->proof.data[i] ^= 1;
        enum ov_status status = check(world);
        // A cosignature by an unknown name is no cosignature: two of three are needed, two are
        // there.
        assert_true(status == OV_DENIED || status == OV_DAMAGED || status == OV_UNSUPPORTED);
        assert_true(reason[0] != 0);
        world->proof.data[i] ^= 1;
    }
    assert_int_equal(check(world), OV_OK);
}

static void test_too_few_cosignatures(void **state) {
    struct world *world = *state;
    add_seq(world, 1);
    world->witness_mask = 4;
    publish(world, 0, 1);
    assert_refused(world, "quorum");
    world->witness_mask = 0;
    publish(world, 0, 1);
    assert_refused(world, "quorum");
    world->witness_mask = 6;
    publish(world, 0, 1);
    assert_int_equal(check(world), OV_OK);
}

// The log's key alone makes no tree: witnesses that are honest do not sign a second one.
static void test_a_stolen_log_key(void **state) {
    struct world *world = *state;
    add_seq(world, 1);
    publish(world, 0, 1);
    accept(world);
    struct ov_release release = release_of(world, 2);
    release.rule_count = 666;
    add_release(world, &release);
    world->witness_mask = 0;
    publish(world, 1, 2);
    assert_refused(world, "quorum");
}

static void test_a_stolen_release_key(void **state) {
    struct world *world = *state;
    for (unsigned i = 0; i < RELEASE_KEYS; i++) {
        world->release_mask = 1u << i;
        world->size = 0;
        add_seq(world, 1);
        publish(world, 0, 1);
        assert_refused(world, "fewer release keys");
    }
    world->release_mask = 0;
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    struct ov_release release = release_of(world, 1);
    ov_release_add(&text, &release);
    world->size = 0;
    add_entry(world, ov_buf_span(&text)); // signed by nobody
    publish(world, 0, 1);
    assert_refused(world, "no signed note");
}

static void test_two_logs_for_two_clients(void **state) {
    struct world *world = *state;
    add_seq(world, 1);
    publish(world, 0, 1);
    accept(world);
    world->size = 0;
    struct ov_release release = release_of(world, 1);
    release.rule_count = 6;
    add_release(world, &release);
    publish(world, 0, 1); // even with all signatures
    assert_refused(world, "split view");
    struct ov_release second = release_of(world, 2);
    add_release(world, &second);
    publish(world, 1, 2); // whose release 1 is another
    assert_refused(world, "split view");
}

static void test_the_tree_shows_a_split_view(void **state) {
    struct world *world = *state;
    add_entry(world, ov_span_text("a"));
    add_seq(world, 1);
    publish(world, 1, 2);
    accept(world);
    struct ov_tree_hash first = world->leaves[0];
    add_seq(world, 2);
    publish(world, 2, 3);
    struct ov_update_input input = input_of(world);
    input.leaf_hashes = ov_span_make(world->leaves, 3 * sizeof world->leaves[0]);
    assert_int_equal(ov_update_check(&input, &update, reason), OV_OK);
    assert_int_equal(update.growth, OV_GROWTH_TREE);
    ov_leaf_hash(ov_span_text("b"), &world->leaves[0]); // under the same releases
    publish(world, 2, 3);
    input.proof = ov_buf_span(&world->proof);
    assert_int_equal(ov_update_check(&input, &update, reason), OV_DENIED);
    assert_non_null(strstr(reason, "does not begin with the 2 entries"));
    world->leaves[0] = first;
    publish(world, 2, 3);
    input.proof = ov_buf_span(&world->proof);
    ov_leaf_hash(ov_span_text("b"), &world->leaves[0]); // the tiles alone
    assert_int_equal(ov_update_check(&input, &update, reason), OV_DENIED);
    input.leaf_hashes = ov_span_make(world->leaves, 2 * sizeof world->leaves[0]);
    assert_int_equal(ov_update_check(&input, &update, reason), OV_DAMAGED);
    world->leaves[0] = first;
    ov_leaf_hash(ov_span_text("b"), &world->leaves[2]); // behind what was seen before
    input.leaf_hashes = ov_span_make(world->leaves, 3 * sizeof world->leaves[0]);
    assert_int_equal(ov_update_check(&input, &update, reason), OV_DENIED);
    assert_non_null(strstr(reason, "do not lead to its signed root"));
}

// Two trees of one size with the same release, and two releases of one number in trees that grew.
static void test_a_split_view_by_each_of_its_signs(void **state) {
    struct world *world = *state;
    add_entry(world, ov_span_text("a"));
    add_seq(world, 1);
    publish(world, 1, 2);
    accept(world);
    struct ov_tree_hash first = world->leaves[0];
    ov_leaf_hash(ov_span_text("b"), &world->leaves[0]);
    publish(world, 1, 2);
    assert_refused(world, "another tree of the same 2 entries");
    world->leaves[0] = first;
    struct ov_release other = release_of(world, 1);
    other.rule_count = 6;
    add_release(world, &other);
    publish(world, 2, 3);
    assert_refused(world, "another release 1 than the active");
}

static void test_forms_that_are_refused(void **state) {
    struct world *world = *state;
    static char large[OV_LEAF_BYTES_MAX + 1];
    add_seq(world, 1);
    publish(world, 0, 1);
    const char *head = "c2sp.org/tlog-proof@v1\n";
    size_t line = ov_span_find(ov_buf_span(&world->proof), strlen(head), '\n') + 1;
    memmove(world->proof.data + strlen(head), world->proof.data + line, world->proof.size - line);
    world->proof.size -= line - strlen(head); // the line `extra`
    assert_refused(world, "the feed's proof is malformed");
    ov_buf_reset(&world->proof);
    assert_refused(world, "the feed's proof is malformed");
    world->size = 0;
    memset(large, 'x', sizeof large);
    add_entry(world, ov_span_make(large, sizeof large));
    publish(world, 0, 1);
    assert_refused(world, "larger than 4096 bytes");
}

static void test_more_entries_than_are_looked_through(void **state) {
    struct world *world = *state;
    add_seq(world, 1);
    while (world->size < OV_UPDATE_LATER_MAX + 1) {
        add_entry(world, ov_span_text("x"));
    }
    publish(world, 0, world->size);
    assert_int_equal(check(world), OV_END);
    add_entry(world, ov_span_text("x"));
    publish(world, 0, world->size);
    assert_refused(world, "4097 entries after the release");
}

static void test_without_witnesses_the_tree_is_asked_for(void **state) {
    struct world *world = *state;
    add_seq(world, 1);
    world->policy.quorum = OV_QUORUM_NONE;
    publish(world, 0, 1);
    accept(world);
    add_seq(world, 2);
    publish(world, 1, 2);
    assert_int_equal(check(world), OV_END);
    assert_int_equal(update.later_from, 2);
    struct ov_update_input input = input_of(world);
    input.leaf_hashes = ov_span_make(world->leaves, 2 * sizeof world->leaves[0]);
    assert_int_equal(ov_update_check(&input, &update, reason), OV_OK);
}

static void test_rollback(void **state) {
    struct world *world = *state;
    add_seq(world, 1);
    add_seq(world, 2);
    publish(world, 1, 2);
    accept(world);
    publish(world, 0, 1);
    assert_refused(world, "rollback: the log had 2 entries");
    publish(world, 0, 2); // the release before, from the log as it is
    assert_refused(world, "rollback: release 1, but 2 is active");
}

static void test_freeze(void **state) {
    struct world *world = *state;
    add_seq(world, 1);
    publish(world, 0, 1);
    accept(world);
    assert_false(update.is_stale);
    struct ov_update_input input = input_of(world);
    input.now = NOW + 8 * DAY;
    assert_int_equal(ov_update_check(&input, &update, reason), OV_OK);
    assert_true(update.is_stale);
    input.now = NOW + 31 * DAY;
    assert_int_equal(ov_update_check(&input, &update, reason), OV_DENIED);
    assert_non_null(strstr(reason, "days old"));
    for (unsigned i = 0; i < WITNESSES; i++) {
        world->times[i] = NOW + 31 * DAY; // a heartbeat
    }
    publish(world, 0, 1);
    input.proof = ov_buf_span(&world->proof);
    assert_int_equal(ov_update_check(&input, &update, reason), OV_OK);
    assert_false(update.is_stale);
    input.now = NOW - 100 * DAY; // a clock that was set back is no help to a freeze
    assert_int_equal(ov_update_check(&input, &update, reason), OV_DENIED);
    world->state.time = NOW + 62 * DAY;
    input.now = NOW;
    world->state.head.size = 0; // another tree
    assert_int_equal(ov_update_check(&input, &update, reason), OV_DENIED);
    assert_non_null(strstr(reason, "days old"));
}

// One witness that lies about the time decides nothing.
static void test_the_future(void **state) {
    struct world *world = *state;
    add_seq(world, 1);
    world->witness_mask = 7;
    world->times[0] = NOW + 300 * DAY;
    publish(world, 0, 1);
    assert_int_equal(check(world), OV_OK);
    assert_int_equal(update.time, NOW - 60);
    world->times[1] = NOW + 300 * DAY;
    publish(world, 0, 1);
    assert_refused(world, "in the future");
    world->times[0] = NOW;
    world->times[1] = NOW;
    world->size = 0;
    struct ov_release release = release_of(world, 1);
    release.time = NOW + 2 * DAY;
    add_release(world, &release);
    publish(world, 0, 1);
    assert_refused(world, "in the future");
}

static void test_what_comes_later(void **state) {
    struct world *world = *state;
    add_seq(world, 1);
    publish(world, 0, 1);
    accept(world);
    add_seq(world, 2);
    add_entry(world, ov_span_text("an entry of somebody"));
    publish(world, 1, 3);
    assert_int_equal(check(world), OV_END);
    assert_int_equal(update.later_from, 2);
    struct ov_span later[3] = {ov_buf_span(&world->entries[2])};
    struct ov_update_input input = input_of(world);
    input.later = later;
    input.later_count = 1;
    assert_int_equal(ov_update_check(&input, &update, reason), OV_OK);
    later[0] = ov_span_text("another entry");
    assert_int_equal(ov_update_check(&input, &update, reason), OV_DENIED);
    assert_non_null(strstr(reason, "not those of the log"));
    // A newer release that is held back.
    world->size = 2;
    add_seq(world, 3);
    publish(world, 1, 3);
    input = input_of(world);
    later[0] = ov_buf_span(&world->entries[2]);
    input.later = later;
    input.later_count = 1;
    assert_int_equal(ov_update_check(&input, &update, reason), OV_DENIED);
    assert_non_null(strstr(reason, "not the newest: release 3"));
}

static void test_withdrawn(void **state) {
    struct world *world = *state;
    add_seq(world, 1);
    publish(world, 0, 1);
    accept(world);
    add_withdrawal(world, 1);
    publish(world, 0, 2);
    struct ov_span later[1] = {ov_buf_span(&world->entries[1])};
    struct ov_update_input input = input_of(world);
    input.later = later;
    input.later_count = 1;
    assert_int_equal(ov_update_check(&input, &update, reason), OV_DENIED);
    assert_non_null(strstr(reason, "release 1 was withdrawn: a false alarm"));
    assert_true(update.is_active_withdrawn);
    world->size = 1; // by one release key alone: nobody's word
    world->release_mask = 1;
    add_withdrawal(world, 1);
    publish(world, 0, 2);
    input.proof = ov_buf_span(&world->proof);
    later[0] = ov_buf_span(&world->entries[1]);
    assert_int_equal(ov_update_check(&input, &update, reason), OV_OK);
    assert_false(update.is_active_withdrawn);
}

static void test_another_feed_engine_or_log(void **state) {
    struct world *world = *state;
    struct ov_release release = release_of(world, 1);
    (void)snprintf(release.feed.text, sizeof release.feed.text, "victim");
    add_release(world, &release);
    publish(world, 0, 1);
    assert_refused(world, "of the feed victim");
    world->size = 0;
    release = release_of(world, 1);
    release.engine_min.parts[1] = 2;
    add_release(world, &release);
    publish(world, 0, 1);
    assert_refused(world, "needs Overt 0.2.0");
    world->size = 0;
    add_entry(world, ov_span_text("no release"));
    publish(world, 0, 1);
    assert_refused(world, "no signed note");
    world->size = 0;
    add_withdrawal(world, 1);
    publish(world, 0, 1);
    assert_refused(world, "no release of rules");
    world->size = 0;
    add_seq(world, 1);
    publish(world, 0, 1);
    (void)snprintf(world->state.origin, sizeof world->state.origin, "other.example");
    assert_refused(world, "another log");
}

static void test_bundles(void **state) {
    (void)state;
    static uint8_t bundle[1024]; // of no file
    struct ov_release release = {.bundle_bytes = sizeof bundle};
    struct ov_span bytes = ov_span_make(bundle, sizeof bundle);
    ov_sha256(bytes, release.bundle_sha256);
    assert_int_equal(ov_update_check_bundle(&release, bytes, reason), OV_OK);
    assert_int_equal(ov_update_check_bundle(&release, ov_span_part(bytes, 0, 1023), reason),
                     OV_DENIED);
    bundle[7] = 1;
    assert_int_equal(ov_update_check_bundle(&release, bytes, reason), OV_DENIED);
    ov_sha256(bytes, release.bundle_sha256);
    assert_int_equal(ov_update_check_bundle(&release, bytes, reason), OV_DAMAGED);
}

static void test_what_was_kept(void **state) {
    struct world *world = *state;
    add_seq(world, 1);
    add_seq(world, 2);
    publish(world, 0, 2);
    struct ov_update_input input = input_of(world);
    input.now = NOW + 1000 * DAY;
    input.is_kept = true;
    assert_int_equal(ov_update_check(&input, &update, reason), OV_OK);
    world->proof.data[200] ^= 1;
    assert_int_not_equal(ov_update_check(&input, &update, reason), OV_OK);
}

// A rotation brought other release keys: what is active stays, and what is new must have them.
static void test_what_is_active_outlives_its_keys(void **state) {
    struct world *world = *state;
    add_seq(world, 1);
    publish(world, 0, 1);
    accept(world);
    struct ov_signer signer;
    make_signer("n.example", OV_KEY_NOTE, 77, &signer);
    world->trust.keys[0] = signer.key;
    world->trust.key_count = world->trust.threshold = 1;
    assert_int_equal(check(world), OV_OK);
    assert_false(update.is_news);
    struct ov_feed_state fresh = {0};
    struct ov_update_input input = input_of(world);
    input.state = &fresh; // another client, which never had it
    assert_int_equal(ov_update_check(&input, &update, reason), OV_DENIED);
    add_seq(world, 2);
    publish(world, 1, 2);
    assert_refused(world, "the release: no release key that is trusted");
    ov_signer_release(&signer);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_releases_in_a_row),
        TEST(test_releases_may_be_skipped),
        TEST(test_not_in_the_log),
        TEST(test_a_proof_that_was_changed),
        TEST(test_too_few_cosignatures),
        TEST(test_a_stolen_log_key),
        TEST(test_a_stolen_release_key),
        TEST(test_two_logs_for_two_clients),
        TEST(test_the_tree_shows_a_split_view),
        TEST(test_a_split_view_by_each_of_its_signs),
        TEST(test_forms_that_are_refused),
        TEST(test_more_entries_than_are_looked_through),
        TEST(test_without_witnesses_the_tree_is_asked_for),
        TEST(test_rollback),
        TEST(test_freeze),
        TEST(test_the_future),
        TEST(test_what_comes_later),
        TEST(test_withdrawn),
        TEST(test_another_feed_engine_or_log),
        TEST(test_bundles),
        TEST(test_what_was_kept),
        TEST(test_what_is_active_outlives_its_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
