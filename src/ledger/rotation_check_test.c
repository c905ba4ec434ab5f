// SPDX-License-Identifier: Apache-2.0
// Which new keys and policies a client takes over: one good rotation, and one wrong thing at a
// time.
#include "ledger/rotation_check.h"

#include "ledger/update_world.h"

enum { NEW_KEYS = 2 };

// What a rotation is made of; each test changes one thing of a good one.
struct plan {
    struct ov_signer keys[NEW_KEYS];
    struct ov_trust trust;
    struct ov_rotation rotation;
    struct ov_buf policy;
    unsigned old_mask, new_mask; // who signs
    struct ov_buf entry;
};

static struct ov_rotation_found found;
static char reason[OV_UPDATE_REASON_BYTES];

static struct plan make_plan(struct world *world) {
    struct plan plan = {.old_mask = 3, .new_mask = 3};
    plan.trust = (struct ov_trust){.feed = {"stable"},
                                   .version = 2,
                                   .key_count = NEW_KEYS,
                                   .threshold = NEW_KEYS,
                                   .warn_age_days = 3,
                                   .max_age_days = 20};
    for (unsigned i = 0; i < NEW_KEYS; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "n%u.example", i);
        make_signer(name, OV_KEY_NOTE, (uint8_t)(50 + i), &plan.keys[i]);
        plan.trust.keys[i] = plan.keys[i].key;
    }
    plan.rotation = (struct ov_rotation){.feed = {"stable"}, .version = 2, .time = NOW - DAY};
    ov_buf_add_text(&plan.policy, "# after the summer\n\n");
    ov_buf_add(&plan.policy, world->policy_text.data, world->policy_text.size);
    return plan;
}

static void release_plan(struct plan *plan) {
    for (unsigned i = 0; i < NEW_KEYS; i++) {
        ov_signer_release(&plan->keys[i]);
    }
    ov_buf_release(&plan->policy);
    ov_buf_release(&plan->entry);
}

// Signs the text and publishes it behind a release, a withdrawal and before another entry.
static void publish_text(struct world *world, struct plan *plan, struct ov_span text) {
    ov_buf_reset(&plan->entry);
    ov_note_add_text(&plan->entry, text);
    for (unsigned i = 0; i < RELEASE_KEYS; i++) {
        if ((plan->old_mask >> i & 1) != 0) {
            ov_note_sign(&plan->entry, text, &world->releases[i], 0);
        }
    }
    for (unsigned i = 0; i < NEW_KEYS; i++) {
        if ((plan->new_mask >> i & 1) != 0) {
            ov_note_sign(&plan->entry, text, &plan->keys[i], 0);
        }
    }
    assert_int_equal(ov_buf_status(&plan->entry), OV_OK);
    add_seq(world, 1);
    add_withdrawal(world, 1);
    add_entry(world, ov_buf_span(&plan->entry));
    add_entry(world, ov_span_text("somebody else's"));
    publish(world, 2, 4);
}

static void publish_plan(struct world *world, struct plan *plan) {
    OV_CLEANUP(ov_buf_release) struct ov_buf trust = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    ov_trust_add(&trust, &plan->trust);
    assert_int_equal(
        ov_rotation_add(&text, &plan->rotation, ov_buf_span(&trust), ov_buf_span(&plan->policy)),
        OV_OK);
    publish_text(world, plan, ov_buf_span(&text));
}

static enum ov_status check(const struct world *world) {
    struct ov_rotation_input input = {.policy = &world->policy,
                                      .trust = &world->trust,
                                      .state = &world->state,
                                      .proof = ov_buf_span(&world->proof),
                                      .now = NOW};
    return ov_rotation_check(&input, &found, reason);
}

static void assert_refused(const struct world *world, const char *why) {
    enum ov_status status = check(world);
    assert_true(status == OV_DENIED || status == OV_DAMAGED);
    if (strstr(reason, why) == NULL) {
        fail_msg("refused for another reason: %s", reason);
    }
}

static void refuse_plan(struct world *world, struct plan *plan, const char *why) {
    publish_plan(world, plan);
    assert_refused(world, why);
    release_plan(plan);
}

// ---- a good one ---------------------------------------------------------------------------------

static void test_a_good_rotation_brings_both_files(void **state) {
    struct world *world = *state;
    OV_CLEANUP(release_plan) struct plan plan = make_plan(world);
    OV_CLEANUP(ov_buf_release) struct ov_buf trust = {0};
    publish_plan(world, &plan);
    if (check(world) != OV_OK) {
        fail_msg("refused: %s", reason);
    }
    ov_trust_add(&trust, &plan.trust);
    assert_true(ov_span_is_equal(ov_buf_span(&found.trust), ov_buf_span(&trust)));
    assert_true(ov_span_is_equal(ov_buf_span(&found.policy), ov_buf_span(&plan.policy)));
    assert_int_equal(found.version, 2);
    assert_int_equal(found.index, 2);
    assert_int_equal(found.time, NOW - DAY);
    ov_rotation_found_release(&found);
    found = (struct ov_rotation_found){0};
}

static void test_a_proof_does_not_age(void **state) {
    struct world *world = *state;
    OV_CLEANUP(release_plan) struct plan plan = make_plan(world);
    plan.rotation.time = NOW - 900 * DAY;
    world->times[0] = world->times[1] = NOW - 800 * DAY;
    (void)snprintf(world->state.origin, sizeof world->state.origin, "log.example/rules");
    world->state.head.size = 77; // a client that has seen more of the log since then
    publish_plan(world, &plan);
    assert_int_equal(check(world), OV_OK);
    ov_rotation_found_release(&found);
    found = (struct ov_rotation_found){0};
}

static void test_a_policy_of_forty_witnesses_fits(void **state) {
    struct world *world = *state;
    OV_CLEANUP(release_plan) struct plan plan = make_plan(world);
    for (unsigned i = 0; i < 40; i++) {
        struct ov_signer signer;
        make_signer("witness.example/of-a-name-that-is-long", OV_KEY_COSIGNATURE,
                    (uint8_t)(100 + i), &signer);
        ov_buf_printf(&plan.policy, "witness long%u ", i);
        assert_int_equal(ov_key_add(&plan.policy, &signer.key), OV_OK);
        ov_buf_add_text(&plan.policy, " https://witness.example/and/its/address\n");
        ov_signer_release(&signer);
    }
    publish_plan(world, &plan);
    assert_true(plan.entry.size > OV_LEAF_BYTES_MAX);
    assert_int_equal(check(world), OV_OK);
    ov_rotation_found_release(&found);
    found = (struct ov_rotation_found){0};
}

// ---- who has signed -----------------------------------------------------------------------------

static void test_thresholds_of_both_must_sign(void **state) {
    struct world *world = *state;
    static const struct {
        unsigned old_mask, new_mask;
        const char *why;
    } rows[] = {
        {0, 3, "by the keys that are believed now: no release key"},
        {1, 3, "by the keys that are believed now: fewer release keys"}, // one stolen key
        {4, 3, "by the keys that are believed now: fewer release keys"},
        {3, 0, "by the new keys: no release key"},
        {3, 1, "by the new keys: fewer release keys"},
        {7, 2, "by the new keys: fewer release keys"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct plan plan = make_plan(world);
        plan.old_mask = rows[i].old_mask;
        plan.new_mask = rows[i].new_mask;
        for (; world->size > 0; world->size--) {
            ov_buf_release(&world->entries[world->size - 1]);
        }
        refuse_plan(world, &plan, rows[i].why);
    }
}

static void test_a_false_signature_of_an_old_key(void **state) {
    struct world *world = *state;
    struct plan plan = make_plan(world);
    struct ov_signer honest = world->releases[2];
    struct ov_signer other;
    make_signer("other.example", OV_KEY_NOTE, 99, &other);
    other.key = honest.key; // its name and id, signed with another secret
    plan.old_mask = 7;
    world->releases[2] = other;
    refuse_plan(world, &plan, "a signature is false");
    world->releases[2] = honest;
    ov_signer_release(&other);
}

// ---- what it says -------------------------------------------------------------------------------

static void test_the_next_version_alone(void **state) {
    struct world *world = *state;
    struct plan plan = make_plan(world);
    plan.rotation.version = plan.trust.version = 3; // one was left out
    refuse_plan(world, &plan, "a rotation to version 3 of the trust file; this is version 1");
}

static void test_a_rotation_is_not_replayed(void **state) {
    struct world *world = *state;
    struct plan plan = make_plan(world);
    world->trust.version = 2; // came by this very rotation
    refuse_plan(world, &plan, "a rotation to version 2 of the trust file; this is version 2");
}

static void test_the_trust_file_has_the_version_of_the_entry(void **state) {
    struct world *world = *state;
    struct plan plan = make_plan(world);
    plan.trust.version = 9;
    refuse_plan(world, &plan, "trust file is of the feed stable and version 9");
}

static void test_of_another_feed(void **state) {
    struct world *world = *state;
    struct plan plan = make_plan(world);
    plan.rotation.feed = plan.trust.feed = (struct ov_feed_name){"testing"};
    refuse_plan(world, &plan, "a rotation of the feed testing, not of stable");
}

static void test_with_the_trust_file_of_another_feed(void **state) {
    struct world *world = *state;
    struct plan plan = make_plan(world);
    plan.trust.feed = (struct ov_feed_name){"testing"};
    refuse_plan(world, &plan, "trust file is of the feed testing");
}

static void test_dated_in_the_future(void **state) {
    struct world *world = *state;
    struct plan plan = make_plan(world);
    plan.rotation.time = NOW + DAY;
    refuse_plan(world, &plan, "in the future");
}

static void test_witnessed_in_the_future(void **state) {
    struct world *world = *state;
    struct plan plan = make_plan(world);
    world->times[0] = world->times[1] = NOW + DAY;
    refuse_plan(world, &plan, "in the future");
}

static void test_a_clock_that_was_set_back(void **state) {
    struct world *world = *state;
    OV_CLEANUP(release_plan) struct plan plan = make_plan(world);
    plan.rotation.time = NOW + DAY;
    world->state.time = NOW + DAY; // witnesses have said so before
    publish_plan(world, &plan);
    assert_int_equal(check(world), OV_OK);
    ov_rotation_found_release(&found);
    found = (struct ov_rotation_found){0};
}

static void test_another_entry_is_no_rotation(void **state) {
    struct world *world = *state;
    add_seq(world, 1);
    add_seq(world, 2);
    publish(world, 1, 2);
    assert_refused(world, "no rotation in the form overt-policy/v1");
}

// ---- the new files ------------------------------------------------------------------------------

static void test_a_policy_that_is_none(void **state) {
    struct world *world = *state;
    struct plan plan = make_plan(world);
    ov_buf_add_text(&plan.policy, "quorum none\n");
    refuse_plan(world, &plan, "the rotation's policy, line 9: there is a second quorum");
}

static void test_a_policy_of_another_log(void **state) {
    struct world *world = *state;
    struct plan plan = make_plan(world);
    struct ov_signer other;
    make_signer("log.example/other", OV_KEY_NOTE, 98, &other);
    ov_buf_reset(&plan.policy);
    ov_buf_add_text(&plan.policy, "log ");
    assert_int_equal(ov_key_add(&plan.policy, &other.key), OV_OK);
    ov_buf_add_text(&plan.policy, "\nquorum none\n");
    refuse_plan(world, &plan, "does not know this log any more (log.example/rules)");
    ov_signer_release(&other);
}

static void test_a_trust_file_that_is_none(void **state) {
    struct world *world = *state;
    OV_CLEANUP(release_plan) struct plan plan = make_plan(world);
    publish_text(world, &plan,
                 ov_span_text("overt-policy/v1\nfeed stable\nversion 2\ntime 1799900000\n"
                              "trust overt-trust/v1\ntrust feed stable\ntrust version 2\n"
                              "trust threshold 0\npolicy quorum none\n"));
    assert_refused(world, "the rotation's trust file, line 4: the threshold must be");
}

// ---- the log ------------------------------------------------------------------------------------

static void test_too_few_witnesses_of_the_old_policy(void **state) {
    struct world *world = *state;
    struct plan plan = make_plan(world);
    world->witness_mask = 4;
    refuse_plan(world, &plan, "not proven to stand in the log: ");
}

static void test_an_entry_that_is_not_in_the_log(void **state) {
    struct world *world = *state;
    struct plan plan = make_plan(world);
    publish_plan(world, &plan);
    ov_buf_reset(&world->entries[2]);
    ov_buf_add_text(&world->entries[2], "what stands in the log instead");
    ov_leaf_hash(ov_buf_span(&world->entries[2]), &world->leaves[2]);
    struct ov_proof proof = {.index = 2};
    OV_CLEANUP(ov_buf_release) struct ov_buf honest = {0};
    publish(world, 2, 4);
    ov_buf_add(&honest, world->proof.data, world->proof.size);
    assert_int_equal(ov_proof_read(ov_buf_span(&honest), &proof), OV_OK);
    ov_buf_reset(&world->proof);
    ov_proof_add(&world->proof, &proof, ov_buf_span(&plan.entry));
    assert_refused(world, "the entry is not in the log where the proof says");
    release_plan(&plan);
}

static void test_another_log_than_before(void **state) {
    struct world *world = *state;
    struct plan plan = make_plan(world);
    (void)snprintf(world->state.origin, sizeof world->state.origin, "log.example/before");
    refuse_plan(world, &plan, "stands in another log (log.example/rules) than before");
}

static void test_another_tree_of_a_known_size(void **state) {
    struct world *world = *state;
    struct plan plan = make_plan(world);
    world->state.head.size = 4;
    refuse_plan(world, &plan, "split view");
}

static void test_what_is_no_proof(void **state) {
    struct world *world = *state;
    ov_buf_add_text(&world->proof, "no proof\n");
    assert_refused(world, "proof is malformed");
    add_seq(world, 1);
    publish(world, 0, 1);
    struct ov_proof proof;
    OV_CLEANUP(ov_buf_release) struct ov_buf honest = {0};
    ov_buf_add(&honest, world->proof.data, world->proof.size);
    assert_int_equal(ov_proof_read(ov_buf_span(&honest), &proof), OV_OK);
    ov_buf_reset(&world->proof);
    ov_proof_add(&world->proof, &proof, ov_span_make(NULL, 0)); // without its entry
    assert_refused(world, "proof is malformed");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_good_rotation_brings_both_files),
        TEST(test_a_proof_does_not_age),
        TEST(test_a_policy_of_forty_witnesses_fits),
        TEST(test_thresholds_of_both_must_sign),
        TEST(test_a_false_signature_of_an_old_key),
        TEST(test_the_next_version_alone),
        TEST(test_a_rotation_is_not_replayed),
        TEST(test_the_trust_file_has_the_version_of_the_entry),
        TEST(test_of_another_feed),
        TEST(test_with_the_trust_file_of_another_feed),
        TEST(test_dated_in_the_future),
        TEST(test_witnessed_in_the_future),
        TEST(test_a_clock_that_was_set_back),
        TEST(test_another_entry_is_no_rotation),
        TEST(test_a_policy_that_is_none),
        TEST(test_a_policy_of_another_log),
        TEST(test_a_trust_file_that_is_none),
        TEST(test_too_few_witnesses_of_the_old_policy),
        TEST(test_an_entry_that_is_not_in_the_log),
        TEST(test_another_log_than_before),
        TEST(test_another_tree_of_a_known_size),
        TEST(test_what_is_no_proof),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
