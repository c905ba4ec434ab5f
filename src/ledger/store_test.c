// SPDX-License-Identifier: Apache-2.0
// A publisher's log: what is appended, signed and published; and which folders do not fit.
#include "ledger/store.h"

#include "base/durable.h"
#include "ledger/cosign.h"
#include "ledger/log_names.h"
#include "ledger/proof.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ORIGIN "log.example/rules"

struct place {
    char path[64];
    char folder[80], private_folder[80];
    struct ov_signer log, release, witness;
    struct ov_store *store;
};

// ---- a log to try things on ---------------------------------------------------------------------

static void write_text(const char *folder, const char *name, const struct ov_buf *text) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0);
    assert_int_equal(ov_durable_write(fd, name, ov_buf_span(text), 0644), OV_OK);
    close(fd);
}

static void write_policy(const struct place *place, bool has_witness) {
    struct ov_buf text = {0};
    ov_buf_add_text(&text, "log ");
    assert_int_equal(ov_key_add(&text, &place->log.key), OV_OK);
    if (has_witness) {
        ov_buf_add_text(&text, "\nwitness w ");
        assert_int_equal(ov_key_add(&text, &place->witness.key), OV_OK);
    }
    ov_buf_add_text(&text, has_witness ? "\nquorum w\n" : "\nquorum none\n");
    write_text(place->folder, OV_LOG_POLICY, &text);
    ov_buf_release(&text);
}

static void write_trust(const struct place *place) {
    struct ov_buf text = {0};
    struct ov_trust trust = {.feed = {"stable"}, .version = 1, .key_count = 1, .threshold = 1};
    trust.keys[0] = place->release.key;
    ov_trust_add(&text, &trust);
    write_text(place->folder, OV_LOG_TRUST, &text);
    ov_buf_release(&text);
}

static enum ov_status open_again(struct place *place) {
    ov_store_close(place->store);
    ov_store_init(place->store);
    return ov_store_open(place->store, place->folder, place->private_folder);
}

static int make_log(struct place *place, bool has_witness) {
    struct ov_store_error error;
    (void)snprintf(place->path, sizeof place->path, "/tmp/overt-store-XXXXXX");
    assert_non_null(mkdtemp(place->path));
    (void)snprintf(place->folder, sizeof place->folder, "%s/log", place->path);
    (void)snprintf(place->private_folder, sizeof place->private_folder, "%s/log.private",
                   place->path);
    assert_int_equal(mkdir(place->folder, 0755) | mkdir(place->private_folder, 0700), 0);
    assert_int_equal(ov_signer_new_random(ORIGIN, OV_KEY_NOTE, &place->log), OV_OK);
    assert_int_equal(ov_signer_new_random(ORIGIN "/release", OV_KEY_NOTE, &place->release), OV_OK);
    assert_int_equal(ov_signer_new_random("w.example", OV_KEY_COSIGNATURE, &place->witness), OV_OK);
    write_policy(place, has_witness);
    write_trust(place);
    int folder = open(place->folder, O_RDONLY | O_DIRECTORY);
    int private_folder = open(place->private_folder, O_RDONLY | O_DIRECTORY);
    assert_int_equal(ov_store_create(folder, private_folder, &error), OV_OK);
    assert_int_equal(ov_store_create(folder, private_folder, &error), OV_DENIED);
    close(folder);
    close(private_folder);
    place->store = calloc(1, sizeof *place->store);
    ov_store_init(place->store);
    return 0;
}

static int set_up(void **state) {
    struct place *place = calloc(1, sizeof *place);
    *state = place;
    return make_log(place, false);
}

static int set_up_witnessed(void **state) {
    struct place *place = calloc(1, sizeof *place);
    *state = place;
    return make_log(place, true);
}

static void run_shell(const char *format, const struct place *place) {
    char command[512];
    (void)snprintf(command, sizeof command, format, place->path, place->path);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): a path of our own
}

static int tear_down(void **state) {
    struct place *place = *state;
    ov_store_close(place->store);
    run_shell("rm -r %s", place);
    ov_signer_release(&place->log);
    ov_signer_release(&place->release);
    ov_signer_release(&place->witness);
    free(place->store);
    free(place);
    return 0;
}

static void append(struct place *place, unsigned count) {
    assert_int_equal(open_again(place), OV_OK);
    for (unsigned i = 0; i < count; i++) {
        char text[32];
        uint64_t index;
        struct ov_tree_head head;
        ov_log_writer_head(&place->store->writer, &head);
        (void)snprintf(text, sizeof text, "entry %u\n", (unsigned)head.size);
        assert_int_equal(ov_store_add(place->store, ov_span_text(text), &index), OV_OK);
        assert_int_equal(index, head.size);
    }
    assert_int_equal(ov_store_commit(place->store), OV_OK);
    assert_int_equal(ov_store_finish(place->store), OV_OK);
}

static void publish(struct place *place) {
    assert_int_equal(open_again(place), OV_OK);
    assert_int_equal(ov_store_sign(place->store, &place->log), OV_OK);
    assert_int_equal(ov_store_publish(place->store), OV_OK);
}

// ---- appending and publishing -------------------------------------------------------------------

static void test_entries_are_appended_signed_and_proven(void **state) {
    struct place *place = *state;
    static const unsigned counts[] = {1, 1, 253, 1, 1, 300};
    uint64_t size = 0;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        append(place, counts[i]);
        publish(place);
        size += counts[i];
        struct ov_store *store = place->store;
        assert_int_equal(store->published_size, size);
        struct ov_buf proof = {0};
        struct ov_proof_checked checked;
        struct ov_tree_hash leaf;
        char text[32];
        const char *why = NULL;
        (void)snprintf(text, sizeof text, "entry %u\n", (unsigned)size / 2);
        ov_leaf_hash(ov_span_text(text), &leaf);
        assert_int_equal(ov_store_prove(store->folder, size / 2, &store->head,
                                        ov_buf_span(&store->head_note), &proof),
                         OV_OK);
        assert_int_equal(ov_proof_check(ov_buf_span(&proof), &leaf, &store->policy, &checked, &why),
                         OV_OK);
        ov_buf_release(&proof);
    }
}

static void test_what_was_not_committed_is_not_there(void **state) {
    struct place *place = *state;
    uint64_t index;
    append(place, 3);
    assert_int_equal(ov_store_add(place->store, ov_span_text("lost"), &index), OV_OK);
    assert_int_equal(open_again(place), OV_OK);
    assert_int_equal(place->store->state.head.size, 3);
    assert_int_equal(ov_store_add(place->store, ov_span_text("kept"), &index), OV_OK);
    assert_int_equal(index, 3);
}

static void add_two(struct place *place, enum ov_status expected) {
    uint64_t index;
    assert_int_equal(open_again(place), OV_OK);
    assert_int_equal(ov_store_add(place->store, ov_span_text("one"), &index), OV_OK);
    assert_int_equal(ov_store_add(place->store, ov_span_text("two"), &index), OV_OK);
    assert_int_equal(ov_store_commit(place->store), expected);
}

static void test_what_was_committed_and_not_told_is_not_added_twice(void **state) {
    struct place *place = *state;
    append(place, 3);
    add_two(place, OV_OK); // and cut off
    add_two(place, OV_END);
    assert_int_equal(place->store->state.head.size, 5);
    assert_int_equal(ov_store_finish(place->store), OV_OK);
    add_two(place, OV_OK);
    append(place, 1); // something else in between
    add_two(place, OV_OK);
    assert_int_equal(place->store->state.head.size, 10);
}

static void test_a_second_process_is_kept_out(void **state) {
    struct place *place = *state;
    struct ov_store *other = calloc(1, sizeof *other);
    append(place, 1);
    ov_store_init(other);
    assert_int_equal(ov_store_open(other, place->folder, place->private_folder), OV_DENIED);
    assert_non_null(strstr(other->error.why, "another process"));
    ov_store_close(other);
    free(other);
}

static void test_an_entry_too_long_is_refused_and_the_next_is_not(void **state) {
    struct place *place = *state;
    uint64_t index = 7;
    uint8_t *bytes = calloc(1, OV_ENTRY_BYTES_MAX + 1);
    append(place, 1);
    assert_int_equal(
        ov_store_add(place->store, ov_span_make(bytes, OV_ENTRY_BYTES_MAX + 1), &index),
        OV_INVALID);
    assert_int_equal(index, 7);
    assert_int_equal(ov_store_add(place->store, ov_span_make(bytes, OV_ENTRY_BYTES_MAX), &index),
                     OV_OK);
    assert_int_equal(index, 1);
    free(bytes);
}

static void test_the_key_of_another_log_signs_nothing(void **state) {
    struct place *place = *state;
    append(place, 1);
    assert_int_equal(ov_store_sign(place->store, &place->release), OV_DENIED);
    assert_int_equal(place->store->head_note.size, 0);
}

// ---- folders that do not fit --------------------------------------------------------------------

static void assert_refused(struct place *place, const char *why) {
    assert_int_equal(open_again(place), OV_DENIED);
    if (strstr(place->store->error.why, why) == NULL) {
        fail_msg("%s: %s", place->store->error.what, place->store->error.why);
    }
}

static void set_back(struct place *place, const char *name) {
    char command[512];
    ov_store_close(place->store);
    ov_store_init(place->store);
    (void)snprintf(command, sizeof command, "cd %s && rm -r %s && cp -a backup/%s %s", place->path,
                   name, name, name);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): a path of our own
}

static void keep(struct place *place) {
    run_shell("cd %s && mkdir backup && cp -a log log.private backup/", place);
}

static void test_a_public_folder_from_a_backup_is_refused(void **state) {
    struct place *place = *state;
    append(place, 5);
    publish(place);
    keep(place);
    append(place, 5);
    publish(place);
    set_back(place, "log");
    assert_refused(place, "does not hold the 10 entries");
}

static void test_a_private_folder_from_a_backup_is_refused(void **state) {
    struct place *place = *state;
    append(place, 5);
    publish(place);
    keep(place);
    append(place, 5);
    publish(place);
    set_back(place, "log.private");
    assert_refused(place, "10 entries, and the private folder knows of 5");
}

static void test_a_state_from_a_backup_is_refused(void **state) {
    struct place *place = *state;
    append(place, 5);
    keep(place);
    append(place, 5);
    assert_int_equal(ov_store_sign(place->store, &place->log), OV_OK);
    set_back(place, "log.private/state");
    assert_refused(place, "10 entries, and the private folder knows of 5");
}

static void test_a_head_from_a_backup_is_refused(void **state) {
    struct place *place = *state;
    append(place, 5);
    publish(place);
    keep(place);
    append(place, 5);
    publish(place);
    set_back(place, "log.private/head");
    assert_refused(place, "10 entries, and the private folder knows of 5");
}

static void test_tiles_that_were_changed_are_refused(void **state) {
    struct place *place = *state;
    append(place, 300);
    publish(place);
    ov_store_close(place->store);
    ov_store_init(place->store);
    run_shell("printf x | dd of=%s/log/tile/0/001.p/44 bs=1 seek=77 conv=notrunc status=none",
              place);
    assert_refused(place, "does not hold the 300 entries");
}

static void test_another_history_of_the_same_size_is_refused(void **state) {
    struct place *place = *state;
    uint64_t index;
    append(place, 5);
    publish(place);
    keep(place);
    assert_int_equal(ov_store_add(place->store, ov_span_text("one"), &index), OV_OK);
    assert_int_equal(ov_store_commit(place->store), OV_OK);
    publish(place);
    run_shell("cp -a %s/log %s/kept", place);
    set_back(place, "log.private");
    set_back(place, "log");
    assert_int_equal(open_again(place), OV_OK); // both from the same backup: only witnesses know
    assert_int_equal(ov_store_add(place->store, ov_span_text("two"), &index), OV_OK);
    assert_int_equal(ov_store_commit(place->store), OV_OK);
    publish(place);
    run_shell("cp %s/kept/checkpoint %s/log/checkpoint", place);
    assert_refused(place, "do not hash to this checkpoint");
}

// ---- witnesses ----------------------------------------------------------------------------------

// What an honest witness answers to a request.
static void cosign(struct place *place, const struct ov_signer *signer, struct ov_buf *answer) {
    struct ov_note head;
    assert_int_equal(ov_note_read(ov_buf_span(&place->store->head_note), &head), OV_OK);
    ov_note_sign(answer, head.text, signer, 1700000000);
}

static void test_nothing_is_published_without_the_quorum(void **state) {
    struct place *place = *state;
    struct ov_buf answer = {0};
    struct ov_signer stranger = {0};
    unsigned count = 9;
    append(place, 3);
    assert_int_equal(ov_store_sign(place->store, &place->log), OV_OK);
    assert_int_equal(ov_store_publish(place->store), OV_DENIED);
    assert_int_equal(ov_signer_new_random("x.example", OV_KEY_COSIGNATURE, &stranger), OV_OK);
    cosign(place, &stranger, &answer);
    assert_int_equal(ov_store_take(place->store, ov_buf_span(&answer), &count), OV_OK);
    assert_int_equal(count, 0);
    assert_int_equal(ov_store_publish(place->store), OV_DENIED);
    cosign(place, &place->witness, &answer);
    assert_int_equal(ov_store_take(place->store, ov_buf_span(&answer), &count), OV_OK);
    assert_int_equal(count, 1);
    assert_int_equal(ov_store_publish(place->store), OV_OK);
    ov_buf_release(&answer);
    ov_signer_release(&stranger);
}

static void test_a_false_cosignature_is_refused(void **state) {
    struct place *place = *state;
    struct ov_buf answer = {0};
    unsigned count;
    append(place, 3);
    assert_int_equal(ov_store_sign(place->store, &place->log), OV_OK);
    ov_note_sign(&answer, ov_span_text("another text\n"), &place->witness, 1700000000);
    assert_int_equal(ov_store_take(place->store, ov_buf_span(&answer), &count), OV_DENIED);
    assert_int_equal(ov_store_publish(place->store), OV_DENIED);
    ov_buf_reset(&answer);
    ov_buf_add_text(&answer, "no line\n");
    assert_int_equal(ov_store_take(place->store, ov_buf_span(&answer), &count), OV_DAMAGED);
    ov_buf_release(&answer);
}

static void test_requests_prove_what_was_signed_before(void **state) {
    struct place *place = *state;
    struct ov_cosign_request request;
    struct ov_tree_head old_head;
    append(place, 3);
    assert_int_equal(ov_store_sign(place->store, &place->log), OV_OK);
    old_head = place->store->head;
    append(place, 300);
    assert_int_equal(ov_store_sign(place->store, &place->log), OV_OK);
    for (unsigned i = 0; i < 3; i++) {
        static const uint64_t sizes[] = {0, 3, 303};
        struct ov_buf body = {0};
        assert_int_equal(ov_store_request(place->store, sizes[i], &body), OV_OK);
        assert_int_equal(ov_cosign_request_read(ov_buf_span(&body), &request), OV_OK);
        assert_int_equal(request.old_size, sizes[i]);
        assert_int_equal(request.proof.count > 0, i == 1);
        if (i == 1) {
            assert_int_equal(ov_consistency_verify(&old_head, &place->store->head, &request.proof),
                             OV_OK);
        }
        ov_buf_release(&body);
    }
    struct ov_buf body = {0};
    assert_int_equal(ov_store_request(place->store, 304, &body), OV_DENIED);
    assert_non_null(strstr(place->store->error.why, "has seen 304 entries"));
    assert_int_equal(ov_store_request(place->store, 4, &body), OV_DENIED); // never signed
    ov_buf_release(&body);
}

static void test_a_heartbeat_keeps_the_signed_text(void **state) {
    struct place *place = *state;
    struct ov_buf before = {0};
    append(place, 3);
    publish(place);
    ov_buf_add(&before, place->store->head_note.data, place->store->head_note.size);
    publish(place);
    assert_true(ov_span_is_equal(ov_buf_span(&before), ov_buf_span(&place->store->head_note)));
    ov_buf_release(&before);
}

// ---- entries of ours ----------------------------------------------------------------------------

static void sign_entry(struct place *place, const struct ov_buf *text, struct ov_buf *entry) {
    ov_buf_reset(entry);
    ov_note_add_text(entry, ov_buf_span(text));
    ov_note_sign(entry, ov_buf_span(text), &place->release, 0);
    assert_int_equal(ov_buf_status(entry), OV_OK);
}

static enum ov_status add_release(struct place *place, struct ov_release release) {
    struct ov_buf text = {0};
    struct ov_buf entry = {0};
    uint64_t index;
    release.language = OV_RULES_LANGUAGE;
    if (release.feed.text[0] == '\0') {
        release.feed = (struct ov_feed_name){"stable"};
    }
    ov_release_add(&text, &release);
    sign_entry(place, &text, &entry);
    enum ov_status status = ov_store_add(place->store, ov_buf_span(&entry), &index);
    ov_buf_release(&text);
    ov_buf_release(&entry);
    return status;
}

static enum ov_status withdraw(struct place *place, uint64_t seq) {
    struct ov_buf text = {0};
    struct ov_buf entry = {0};
    uint64_t index;
    struct ov_withdrawal withdrawal = {
        .feed = {"stable"}, .seq = seq, .time = 1, .reason = ov_span_text("wrong")};
    ov_withdrawal_add(&text, &withdrawal);
    sign_entry(place, &text, &entry);
    enum ov_status status = ov_store_add(place->store, ov_buf_span(&entry), &index);
    ov_buf_release(&text);
    ov_buf_release(&entry);
    return status;
}

static void make_bundle(struct place *place) {
    struct ov_buf bytes = {0};
    struct ov_log_name name = ov_log_name_bundle((uint8_t[OV_SHA256_BYTES]){0});
    ov_buf_add_text(&bytes, "x");
    write_text(place->folder, name.text, &bytes);
    ov_buf_release(&bytes);
}

static void test_releases_follow_one_another(void **state) {
    struct place *place = *state;
    struct ov_release first = {.seq = 1};
    append(place, 1);
    assert_int_equal(add_release(place, first), OV_DENIED); // no bundle
    make_bundle(place);
    assert_int_equal(add_release(place, (struct ov_release){.seq = 2, .has_previous = true}),
                     OV_DENIED);
    assert_int_equal(add_release(place, (struct ov_release){.seq = 1, .feed = {"other"}}),
                     OV_DENIED);
    assert_int_equal(add_release(place, first), OV_OK);
    assert_int_equal(add_release(place, first), OV_DENIED);
    struct ov_release second = {.seq = 2, .has_previous = true};
    assert_int_equal(add_release(place, second), OV_DENIED);
    second.previous = place->store->state.newest_leaf;
    assert_int_equal(add_release(place, second), OV_OK);
    assert_int_equal(ov_store_commit(place->store), OV_OK);
    assert_int_equal(open_again(place), OV_OK);
    assert_int_equal(place->store->state.newest_seq, 2);
    assert_int_equal(place->store->state.newest_index, 2);
    assert_int_equal(place->store->state.head.size, 3);
}

static void test_withdrawn_releases_are_passed_over(void **state) {
    struct place *place = *state;
    struct ov_release release = {.seq = 1};
    append(place, 1);
    make_bundle(place);
    assert_int_equal(withdraw(place, 1), OV_DENIED);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        release.seq = seq;
        assert_int_equal(add_release(place, release), OV_OK);
        release.has_previous = true;
        release.previous = place->store->state.newest_leaf;
    }
    assert_int_equal(withdraw(place, 4), OV_DENIED);
    static const struct { uint64_t seq, current_seq; } steps[] = {{2, 3}, {3, 1}, {1, 0}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        assert_int_equal(withdraw(place, steps[i].seq), OV_OK);
        assert_int_equal(ov_store_commit(place->store), OV_OK);
        publish(place);
        const struct ov_store_state *now = &place->store->state;
        assert_int_equal(now->newest_seq, 3);
        assert_int_equal(now->has_current ? now->current_seq : 0, steps[i].current_seq);
    }
}

static void test_an_entry_of_ours_needs_its_signatures(void **state) {
    struct place *place = *state;
    uint64_t index;
    append(place, 1);
    struct ov_span entry = ov_span_text("overt-withdraw/v1\nfeed stable\n");
    assert_int_equal(ov_store_add(place->store, entry, &index), OV_DAMAGED);
    struct ov_signer kept = place->release;
    assert_int_equal(ov_signer_new_random("stranger", OV_KEY_NOTE, &place->release), OV_OK);
    make_bundle(place);
    assert_int_equal(add_release(place, (struct ov_release){.seq = 1}), OV_DENIED);
    ov_signer_release(&kept);
}

// ---- the state's text ---------------------------------------------------------------------------

static void test_a_state_is_read_as_it_is_written(void **state) {
    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        struct ov_store_state first, again;
        struct ov_buf text = {0};
        ov_store_state_init(&first);
        first.head.size = 9;
        first.has_newest = (i & 1) != 0;
        first.has_current = (i & 3) == 3;
        first.has_rotation = (i & 4) != 0;
        first.newest_index = first.has_newest ? 8 : 0;
        first.newest_seq = first.has_newest ? 3 : 0;
        first.current_index = first.has_current ? 5 : 0;
        first.current_seq = first.has_current ? 2 : 0;
        first.rotation_index = first.has_rotation ? 7 : 0;
        first.has_batch = (i & 8) != 0;
        first.batch_count = first.has_batch ? 4 : 0;
        ov_store_state_add(&text, &first);
        assert_int_equal(ov_store_state_read(ov_buf_span(&text), &again), OV_OK);
        struct ov_buf twice = {0};
        ov_store_state_add(&twice, &again);
        assert_true(ov_span_is_equal(ov_buf_span(&text), ov_buf_span(&twice)));
        for (size_t cut = 0; cut < text.size; cut++) {
            struct ov_span part = ov_span_part(ov_buf_span(&text), 0, cut);
            assert_int_equal(ov_store_state_read(part, &again), OV_DAMAGED);
        }
        ov_buf_release(&text);
        ov_buf_release(&twice);
    }
}

#define WITH(test)      cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define WITNESSED(test) cmocka_unit_test_setup_teardown(test, set_up_witnessed, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH(test_entries_are_appended_signed_and_proven),
        WITH(test_what_was_not_committed_is_not_there),
        WITH(test_what_was_committed_and_not_told_is_not_added_twice),
        WITH(test_a_second_process_is_kept_out),
        WITH(test_an_entry_too_long_is_refused_and_the_next_is_not),
        WITH(test_the_key_of_another_log_signs_nothing),
        WITH(test_a_public_folder_from_a_backup_is_refused),
        WITH(test_a_private_folder_from_a_backup_is_refused),
        WITH(test_a_state_from_a_backup_is_refused),
        WITH(test_a_head_from_a_backup_is_refused),
        WITH(test_tiles_that_were_changed_are_refused),
        WITH(test_another_history_of_the_same_size_is_refused),
        WITNESSED(test_nothing_is_published_without_the_quorum),
        WITNESSED(test_a_false_cosignature_is_refused),
        WITNESSED(test_requests_prove_what_was_signed_before),
        WITH(test_a_heartbeat_keeps_the_signed_text),
        WITH(test_releases_follow_one_another),
        WITH(test_withdrawn_releases_are_passed_over),
        WITH(test_an_entry_of_ours_needs_its_signatures),
        cmocka_unit_test(test_a_state_is_read_as_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
