// SPDX-License-Identifier: Apache-2.0
// One verifier for an update: what it says of the proof, and then of the rules that it is given.
#include "role/verifier.h"

#include "base/fd.h"
#include "ledger/bundle.h"
#include "ledger/update_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ov_verifier_result result;
static struct ov_buf trust_text;

// A bundle of one file, as an open file; its release stands in the log.
static int publish_bundle(struct world *world, const char *rule) {
    uint8_t sha256[OV_SHA256_BYTES];
    struct ov_bundle_writer writer;
    int fd = memfd_create("bundle", MFD_CLOEXEC);
    assert_true(fd >= 0);
    ov_bundle_write_init(fd, &writer);
    assert_int_equal(ov_bundle_write_file(&writer, "rules.ndb", ov_span_text(rule)), OV_OK);
    assert_int_equal(ov_bundle_write_end(&writer, sha256), OV_OK);
    struct ov_release release = release_of(world, 1);
    memcpy(release.bundle_sha256, sha256, sizeof sha256);
    release.bundle_bytes = writer.size_bytes;
    add_release(world, &release);
    publish(world, 0, 1);
    return fd;
}

static struct ov_verifier_request request_of(struct world *world) {
    ov_buf_reset(&trust_text);
    ov_trust_add(&trust_text, &world->trust);
    return (struct ov_verifier_request){.policy = ov_buf_span(&world->policy_text),
                                        .trust = ov_buf_span(&trust_text),
                                        .state = &world->state,
                                        .proof = ov_buf_span(&world->proof),
                                        .now = NOW};
}

static void assert_none(const struct ov_verifier *verifier) {
    assert_int_equal(verifier->pid, 0);
    assert_int_equal(verifier->channel, -1);
    assert_int_equal(verifier->pidfd, -1);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void test_the_rules_of_the_release(void **state) {
    OV_AUTO_FD bundle = publish_bundle(*state, "Test:0:*:00112233\n");
    struct ov_verifier_request request = request_of(*state);
    struct ov_verifier verifier;
    assert_int_equal(ov_verifier_open(&request, &verifier, &result), OV_OK);
    assert_int_equal(result.status, OV_OK);
    assert_true(verifier.pid > 0);
    assert_int_equal(result.update.release.seq, 1);
    assert_int_equal(ov_verifier_give(&verifier, bundle, &result), OV_OK);
    assert_int_equal(result.status, OV_OK);
    assert_int_equal(result.update.release.seq, 1);
    assert_none(&verifier);
}

static void test_other_rules(void **state) {
    OV_AUTO_FD bundle = publish_bundle(*state, "Test:0:*:00112233\n");
    struct ov_verifier_request request = request_of(*state);
    struct ov_verifier verifier;
    assert_int_equal(ov_verifier_open(&request, &verifier, &result), OV_OK);
    assert_int_equal(pwrite(bundle, "X", 1, 520), 1);
    assert_int_equal(ov_verifier_give(&verifier, bundle, &result), OV_OK);
    assert_int_equal(result.status, OV_DENIED);
    assert_non_null(strstr(result.reason, "not the one that the release names"));
    assert_none(&verifier);
}

static void test_rules_of_another_size(void **state) {
    static const off_t sizes[] = {0, 1, 4096, 1 << 20};
    OV_AUTO_FD bundle = publish_bundle(*state, "Test:0:*:00112233\n");
    struct ov_verifier_request request = request_of(*state);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct ov_verifier verifier;
        assert_int_equal(ov_verifier_open(&request, &verifier, &result), OV_OK);
        assert_int_equal(ftruncate(bundle, sizes[i]), 0);
        assert_int_equal(ov_verifier_give(&verifier, bundle, &result), OV_OK);
        assert_int_equal(result.status, OV_DENIED);
        assert_non_null(strstr(result.reason, "the bundle has"));
        assert_none(&verifier);
    }
}

static void test_rules_that_were_there_from_the_beginning(void **state) {
    OV_AUTO_FD bundle = publish_bundle(*state, "Test:0:*:00112233\n");
    struct ov_verifier_request request = request_of(*state);
    struct ov_verifier verifier;
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    assert_int_equal(ov_file_map_open_fd(bundle, &map), OV_OK);
    request.rules = map.bytes;
    assert_int_equal(ov_verifier_open(&request, &verifier, &result), OV_OK);
    assert_int_equal(result.status, OV_OK);
    assert_none(&verifier);
    request.rules = ov_span_part(map.bytes, 0, 1024);
    assert_int_equal(ov_verifier_run(&request, &result), OV_OK);
    assert_int_equal(result.status, OV_DENIED);
}

static void test_a_refused_proof_leaves_none(void **state) {
    struct world *world = *state;
    world->witness_mask = 1;
    OV_AUTO_FD bundle = publish_bundle(world, "Test:0:*:00112233\n");
    struct ov_verifier_request request = request_of(world);
    struct ov_verifier verifier;
    assert_int_equal(ov_verifier_open(&request, &verifier, &result), OV_OK);
    assert_int_equal(result.status, OV_DENIED);
    assert_non_null(strstr(result.reason, "quorum"));
    assert_none(&verifier);
    assert_int_equal(ov_verifier_give(&verifier, bundle, &result), OV_INVALID);
    request.policy = ov_span_text("log nothing\n");
    assert_int_equal(ov_verifier_run(&request, &result), OV_OK);
    assert_int_equal(result.status, OV_DAMAGED);
    assert_non_null(strstr(result.reason, "the log's policy, line 1"));
}

static void test_entries_that_are_needed_first(void **state) {
    struct world *world = *state;
    add_seq(world, 1);
    add_withdrawal(world, 2);
    publish(world, 0, 2);
    struct ov_verifier_request request = request_of(world);
    struct ov_verifier verifier;
    assert_int_equal(ov_verifier_open(&request, &verifier, &result), OV_OK);
    assert_int_equal(result.status, OV_END);
    assert_int_equal(result.update.later_from, 1);
    assert_none(&verifier);
}

static void test_one_that_is_not_needed(void **state) {
    OV_AUTO_FD bundle = publish_bundle(*state, "Test:0:*:00112233\n");
    struct ov_verifier_request request = request_of(*state);
    struct ov_verifier verifier;
    assert_int_equal(ov_verifier_open(&request, &verifier, &result), OV_OK);
    ov_verifier_close(&verifier);
    assert_none(&verifier);
    ov_verifier_close(&verifier);
}

// Whatever it had said before: without an answer on the rules, nothing is verified.
static void test_one_that_dies(void **state) {
    OV_AUTO_FD bundle = publish_bundle(*state, "Test:0:*:00112233\n");
    struct ov_verifier_request request = request_of(*state);
    struct ov_verifier verifier;
    assert_int_equal(ov_verifier_open(&request, &verifier, &result), OV_OK);
    assert_int_equal(kill(verifier.pid, SIGKILL), 0);
    assert_int_equal(ov_verifier_give(&verifier, bundle, &result), OV_PEER);
    assert_none(&verifier);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_rules_of_the_release, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_rules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rules_of_another_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rules_that_were_there_from_the_beginning, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_refused_proof_leaves_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_entries_that_are_needed_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_that_is_not_needed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_that_dies, set_up, tear_down),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ov_buf_release(&trust_text);
    return failed;
}
