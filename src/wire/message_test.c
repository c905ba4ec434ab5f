// SPDX-License-Identifier: Apache-2.0
// Every message survives its way; every field that could be wrong is refused.
#include "wire/channel.h"
#include "wire/message.h"

#include "base/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

// Where the fields of a verdict record and of a detection record lie in their messages.
enum {
    VERDICT_KIND = 8 + 4,
    VERDICT_ERROR = 8 + 5,
    VERDICT_LIMIT = 8 + 6,
    VERDICT_COUNT = 8 + 7,
    DETECTION_RULE = 8,
    DETECTION_DEPTH = 8 + 4,
    DETECTION_OFFSET = 8 + 8,
    DETECTION_MEMBERS = 8 + 16,
    DETECTION_NAME_SIZE = DETECTION_MEMBERS + 4 * OV_WIRE_DEPTH_MAX,
    DETECTION_NAME = DETECTION_NAME_SIZE + 1,
};

static const struct ov_wire_bounds bounds = {
    .rule_count = 10,
    .members_max = 100,
    .inner_bytes = 5000,
    .is_all_matches = true,
    .with_member_names = true,
};

static struct ov_wire_jobs two_jobs(void) {
    struct ov_wire_jobs jobs = {.count = 2, .descriptor_count = 1};
    jobs.items[0] = (struct ov_wire_job){.number = 7, .ring_offset = 64, .size = 100};
    jobs.items[1] = (struct ov_wire_job){.number = 8, .is_descriptor = true, .size = 1 << 20};
    return jobs;
}

static void setup_survives(void **state) {
    (void)state;
    struct ov_buf out = {0};
    struct ov_wire_setup setup = {.image_bytes = 1234,
                                  .ring_bytes = 99,
                                  .limits = ov_limits_default(),
                                  .is_all_matches = true,
                                  .alerts = OV_ALERT_MACROS | OV_ALERT_PRECEDENCE,
                                  .with_member_names = true};
    struct ov_wire_setup back = {0};
    ov_wire_setup_encode(&setup, &out);
    assert_int_equal(ov_wire_setup_decode(ov_buf_span(&out), &back), OV_OK);
    assert_int_equal(back.image_bytes, 1234);
    assert_int_equal(back.ring_bytes, 99);
    assert_int_equal(back.limits.scan_bytes, setup.limits.scan_bytes);
    assert_int_equal(back.limits.depth, 17);
    assert_int_equal(back.limits.time_ms, 120000);
    assert_true(back.is_all_matches && back.with_member_names);
    assert_int_equal(back.alerts, OV_ALERT_MACROS | OV_ALERT_PRECEDENCE);
    for (uint32_t alerts = 0; alerts <= OV_ALERT_ALL; alerts++) {
        setup.alerts = alerts;
        ov_wire_setup_encode(&setup, &out);
        assert_int_equal(ov_wire_setup_decode(ov_buf_span(&out), &back), OV_OK);
        assert_int_equal(back.alerts, alerts);
    }
    for (size_t size = 0; size < out.size; size++) {
        assert_int_equal(ov_wire_setup_decode(ov_span_make(out.data, size), &back), OV_PEER);
    }
    out.data[11] |= 0x80; // an alert that there is not
    assert_int_equal(ov_wire_setup_decode(ov_buf_span(&out), &back), OV_PEER);
    out.data[11] = 0;
    out.data[4] = 2; // another version
    assert_int_equal(ov_wire_setup_decode(ov_buf_span(&out), &back), OV_PEER);
    ov_buf_release(&out);
}

static void jobs_survive(void **state) {
    (void)state;
    struct ov_buf out = {0};
    struct ov_wire_jobs jobs = two_jobs();
    struct ov_wire_jobs back;
    ov_wire_jobs_encode(&jobs, &out);
    assert_int_equal(ov_wire_jobs_decode(ov_buf_span(&out), 164, &back), OV_OK);
    assert_int_equal(back.count, 2);
    assert_int_equal(back.descriptor_count, 1);
    assert_int_equal(back.items[0].ring_offset, 64);
    assert_int_equal(back.items[1].size, 1 << 20);
    assert_int_equal(ov_wire_jobs_decode(ov_buf_span(&out), 163, &back), OV_PEER);
    for (size_t size = 0; size < out.size; size++) {
        assert_int_equal(ov_wire_jobs_decode(ov_span_make(out.data, size), 164, &back), OV_PEER);
    }
    ov_buf_add_u8(&out, 0);
    assert_int_equal(ov_wire_jobs_decode(ov_buf_span(&out), 164, &back), OV_PEER);
    ov_buf_release(&out);
}

static void too_many_descriptors_are_refused(void **state) {
    (void)state;
    struct ov_buf out = {0};
    struct ov_wire_jobs jobs = {.count = OV_WIRE_DESCRIPTORS_MAX + 1};
    struct ov_wire_jobs back;
    for (uint32_t i = 0; i < jobs.count; i++) {
        jobs.items[i] = (struct ov_wire_job){.number = i, .is_descriptor = true, .size = 1};
    }
    ov_wire_jobs_encode(&jobs, &out);
    assert_int_equal(ov_wire_jobs_decode(ov_buf_span(&out), 0, &back), OV_PEER);
    jobs.count--;
    ov_wire_jobs_encode(&jobs, &out);
    assert_int_equal(ov_wire_jobs_decode(ov_buf_span(&out), 0, &back), OV_OK);
    ov_buf_release(&out);
}

static void ready_survives(void **state) {
    (void)state;
    struct ov_buf out = {0};
    struct ov_wire_ready ready = {.enforced = 0x1234, .reason = "bad at byte 7"};
    struct ov_wire_ready back;
    ready.refusals[3] = 38;
    ov_wire_ready_encode(&ready, &out);
    assert_int_equal(ov_wire_ready_decode(ov_buf_span(&out), &back), OV_OK);
    assert_string_equal(back.reason, "bad at byte 7");
    assert_int_equal(back.refusals[3], 38);
    assert_false(back.has_image);
    out.data[out.size - 1] = 'x'; // no NUL at the end of the text
    assert_int_equal(ov_wire_ready_decode(ov_buf_span(&out), &back), OV_PEER);
    out.data[out.size - 1] = 0;
    out.data[28] = '\n'; // the text is printable
    assert_int_equal(ov_wire_ready_decode(ov_buf_span(&out), &back), OV_PEER);
    ready.has_image = true; // one that took the image has nothing to explain
    ov_wire_ready_encode(&ready, &out);
    assert_int_equal(ov_wire_ready_decode(ov_buf_span(&out), &back), OV_PEER);
    ov_buf_release(&out);
}

static enum ov_status decode_verdicts(const struct ov_buf *out, struct ov_wire_verdict *back) {
    struct ov_wire_jobs jobs = two_jobs();
    return ov_wire_verdicts_decode(ov_buf_span(out), &jobs, &bounds, back);
}

static void verdicts_survive(void **state) {
    (void)state;
    struct ov_buf out = {0};
    struct ov_wire_verdict verdicts[2] = {
        {.number = 7, .kind = OV_WIRE_CLEAN, .error = OV_WIRE_SCAN_ERROR_NONE},
        {.number = 8,
         .kind = OV_WIRE_FOUND,
         .error = OV_WIRE_SCAN_ERROR_NONE,
         .limit = OV_LIMIT_FILES,
         .detection_count = 3},
    };
    struct ov_wire_verdict back[OV_WIRE_JOBS_MAX];
    ov_wire_verdicts_encode(verdicts, 2, &out);
    assert_int_equal(decode_verdicts(&out, back), OV_OK);
    assert_int_equal(back[1].detection_count, 3);
    assert_int_equal(back[1].limit, OV_LIMIT_FILES);
    for (size_t size = 0; size < out.size; size++) {
        struct ov_buf part = {.data = out.data, .size = size};
        assert_int_equal(decode_verdicts(&part, back), OV_PEER);
    }
    ov_wire_verdicts_encode(verdicts, 1, &out); // one is missing
    assert_int_equal(decode_verdicts(&out, back), OV_PEER);
    ov_buf_release(&out);
}

// Each row is a change to the first record of a sound message that must not pass.
static void unsound_verdicts_are_refused(void **state) {
    (void)state;
    static const struct {
        unsigned at;
        uint8_t value;
    } changes[] = {
        {8, 9},                          // a job that nobody sent
        {VERDICT_KIND, 4},               // no such kind
        {VERDICT_KIND, OV_WIRE_FOUND},   // found what?
        {VERDICT_KIND, OV_WIRE_LIMITED}, // by which limit?
        {VERDICT_KIND, OV_WIRE_ERROR},   // which error?
        {VERDICT_ERROR, 0},              // clean, with an error
        {VERDICT_ERROR, 5},              // no such error
        {VERDICT_LIMIT, 1},              // clean, with a limit
        {VERDICT_LIMIT, OV_LIMIT_COUNT},
        {VERDICT_COUNT, 1}, // clean, with a detection
        {4, 1},             // another count
        {0, 'X'},           // another message
    };
    struct ov_wire_verdict verdicts[2] = {
        {.number = 7, .kind = OV_WIRE_CLEAN, .error = OV_WIRE_SCAN_ERROR_NONE},
        {.number = 8, .kind = OV_WIRE_CLEAN, .error = OV_WIRE_SCAN_ERROR_NONE},
    };
    struct ov_wire_verdict back[OV_WIRE_JOBS_MAX] = {0};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct ov_buf out = {0};
        ov_wire_verdicts_encode(verdicts, 2, &out);
        out.data[changes[i].at] = changes[i].value;
        assert_int_equal(decode_verdicts(&out, back), OV_PEER);
        assert_int_equal(back[0].number, 0); // untouched
        ov_buf_release(&out);
    }
}

static void counts_follow_all_matches(void **state) {
    (void)state;
    struct ov_buf out = {0};
    struct ov_wire_jobs jobs = {.count = 1};
    struct ov_wire_bounds first_alone = bounds;
    struct ov_wire_verdict verdict = {
        .kind = OV_WIRE_FOUND, .error = OV_WIRE_SCAN_ERROR_NONE, .detection_count = 2};
    struct ov_wire_verdict back[OV_WIRE_JOBS_MAX];
    first_alone.is_all_matches = false;
    ov_wire_verdicts_encode(&verdict, 1, &out);
    struct ov_span message = ov_buf_span(&out);
    assert_int_equal(ov_wire_verdicts_decode(message, &jobs, &bounds, back), OV_OK);
    assert_int_equal(ov_wire_verdicts_decode(message, &jobs, &first_alone, back), OV_PEER);
    out.data[VERDICT_COUNT] = OV_WIRE_DETECTIONS_MAX + 1;
    assert_int_equal(ov_wire_verdicts_decode(message, &jobs, &bounds, back), OV_PEER);
    ov_buf_release(&out);
}

static struct ov_wire_detection inner_detection(void) {
    struct ov_wire_detection detection = {
        .rule = 9, .depth = 2, .offset = 5000, .name_size = 3, .name = "a.b"};
    detection.members[0] = 99;
    return detection;
}

static enum ov_status decode_one(const struct ov_buf *out, struct ov_wire_detection *back) {
    struct ov_wire_job job = {.number = 7, .size = 100};
    return ov_wire_detections_decode(ov_buf_span(out), &job, 1, &bounds, back);
}

static void detections_survive(void **state) {
    (void)state;
    struct ov_buf out = {0};
    struct ov_wire_detection detection = inner_detection();
    struct ov_wire_detection back = {0};
    ov_wire_detections_encode(7, &detection, 1, &out);
    assert_int_equal(out.size, 8 + OV_WIRE_DETECTION_BYTES);
    assert_int_equal(decode_one(&out, &back), OV_OK);
    assert_memory_equal(&back.members, &detection.members, sizeof back.members);
    assert_memory_equal(back.name, "a.b", 3);
    assert_int_equal(back.offset, 5000);
    for (size_t size = 0; size < out.size; size++) {
        struct ov_buf part = {.data = out.data, .size = size};
        assert_int_equal(decode_one(&part, &back), OV_PEER);
    }
    ov_wire_detections_encode(8, &detection, 1, &out);
    assert_int_equal(decode_one(&out, &back), OV_PEER);
    ov_buf_release(&out);
}

static void unsound_detections_are_refused(void **state) {
    (void)state;
    static const struct {
        unsigned at;
        uint8_t value;
    } changes[] = {
        {DETECTION_RULE, 10},       // the image has 10 rules
        {DETECTION_RULE + 3, 0x80}, //
        {DETECTION_DEPTH, 18},      // deeper than any object
        {DETECTION_DEPTH, 0},       // then 99 is a member of nothing, and 5000 is past the end
        {DETECTION_OFFSET, 0x89},   // 5001
        {DETECTION_OFFSET + 7, 1},  //
        {DETECTION_MEMBERS, 100},   // member 100 of at most 100
        {DETECTION_MEMBERS + 8, 1}, // below the depth
        {DETECTION_NAME_SIZE, 2},   // bytes behind the name
        {DETECTION_NAME + 254, 1},  //
    };
    struct ov_wire_detection detection = inner_detection();
    struct ov_wire_detection back = {0};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct ov_buf out = {0};
        ov_wire_detections_encode(7, &detection, 1, &out);
        out.data[changes[i].at] = changes[i].value;
        assert_int_equal(decode_one(&out, &back), OV_PEER);
        assert_int_equal(back.rule, 0); // untouched
        ov_buf_release(&out);
    }
}

static void outer_offsets_end_with_the_file(void **state) {
    (void)state;
    struct ov_buf out = {0};
    struct ov_wire_detection detection = {.rule = 1, .offset = 100};
    struct ov_wire_detection back;
    ov_wire_detections_encode(7, &detection, 1, &out);
    assert_int_equal(decode_one(&out, &back), OV_OK);
    detection.offset = 101;
    ov_wire_detections_encode(7, &detection, 1, &out);
    assert_int_equal(decode_one(&out, &back), OV_PEER);
    detection = (struct ov_wire_detection){.rule = 1, .name_size = 1, .name = "x"};
    ov_wire_detections_encode(7, &detection, 1, &out); // a member's name without a member
    assert_int_equal(decode_one(&out, &back), OV_PEER);
    ov_buf_release(&out);
}

static void names_only_when_asked_for(void **state) {
    (void)state;
    struct ov_buf out = {0};
    struct ov_wire_detection detection = inner_detection();
    struct ov_wire_bounds nameless = bounds;
    struct ov_wire_job job = {.number = 7, .size = 100};
    struct ov_wire_detection back;
    nameless.with_member_names = false;
    ov_wire_detections_encode(7, &detection, 1, &out);
    assert_int_equal(ov_wire_detections_decode(ov_buf_span(&out), &job, 1, &nameless, &back),
                     OV_PEER);
    ov_buf_release(&out);
}

static void channel_carries_messages_and_descriptors(void **state) {
    (void)state;
    int ends[2];
    int passed[OV_WIRE_DESCRIPTORS_MAX];
    char buffer[64];
    size_t size = 0;
    size_t count = OV_WIRE_DESCRIPTORS_MAX;
    assert_int_equal(ov_channel_open(ends), OV_OK);
    assert_int_equal(ov_channel_receive(ends[0], buffer, sizeof buffer, &size), OV_END);
    int pair[2] = {ends[0], ends[1]};
    assert_int_equal(ov_channel_send(ends[0], ov_span_text("hello"), pair, 2), OV_OK);
    assert_int_equal(
        ov_channel_receive_descriptors(ends[1], buffer, sizeof buffer, &size, passed, &count),
        OV_OK);
    assert_int_equal(size, 5);
    assert_int_equal(count, 2);
    assert_true(fcntl(passed[0], F_GETFD) & FD_CLOEXEC);
    ov_fd_close(&passed[0]);
    ov_fd_close(&passed[1]);
    assert_int_equal(ov_channel_send(ends[1], ov_span_text("back"), NULL, 0), OV_OK);
    assert_int_equal(ov_channel_receive(ends[0], buffer, sizeof buffer, &size), OV_OK);
    assert_int_equal(size, 4);
    ov_fd_close(&ends[1]);
    assert_int_equal(ov_channel_receive(ends[0], buffer, sizeof buffer, &size), OV_PEER);
    assert_int_equal(ov_channel_send(ends[0], ov_span_text("x"), NULL, 0), OV_PEER);
    ov_fd_close(&ends[0]);
}

static void long_messages_and_descriptors_from_below_are_refused(void **state) {
    (void)state;
    int ends[2];
    char buffer[16];
    size_t size = 0;
    assert_int_equal(ov_channel_open(ends), OV_OK);
    assert_int_equal(ov_channel_send(ends[1], ov_span_text("0123456789abcdefg"), NULL, 0), OV_OK);
    assert_int_equal(ov_channel_receive(ends[0], buffer, sizeof buffer, &size), OV_PEER);
    assert_int_equal(ov_channel_send(ends[1], ov_span_text("take this"), &ends[1], 1), OV_OK);
    assert_int_equal(ov_channel_receive(ends[0], buffer, sizeof buffer, &size), OV_PEER);
    ov_fd_close(&ends[0]);
    ov_fd_close(&ends[1]);
}

static void heuristics_only_when_asked_for(void **state) {
    (void)state;
    struct ov_buf out = {0};
    struct ov_wire_jobs jobs = two_jobs();
    struct ov_wire_bounds asked = bounds;
    asked.alerts = OV_ALERT_BROKEN;
    for (unsigned i = 0; i <= OV_HEURISTIC_COUNT; i++) {
        struct ov_wire_detection detection = {.rule = OV_HEURISTIC_FIRST + i}, back;
        ov_wire_detections_encode(jobs.items[0].number, &detection, 1, &out);
        bool is_always = i == OV_HEURISTIC_XZ_DICTIONARY;
        bool is_asked = is_always || i == OV_HEURISTIC_BROKEN_EXECUTABLE;
        assert_int_equal(
            ov_wire_detections_decode(ov_buf_span(&out), &jobs.items[0], 1, &asked, &back),
            is_asked ? OV_OK : OV_PEER);
        assert_int_equal(
            ov_wire_detections_decode(ov_buf_span(&out), &jobs.items[0], 1, &bounds, &back),
            is_always ? OV_OK : OV_PEER);
    }
    ov_buf_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setup_survives),
        cmocka_unit_test(jobs_survive),
        cmocka_unit_test(too_many_descriptors_are_refused),
        cmocka_unit_test(ready_survives),
        cmocka_unit_test(verdicts_survive),
        cmocka_unit_test(unsound_verdicts_are_refused),
        cmocka_unit_test(counts_follow_all_matches),
        cmocka_unit_test(detections_survive),
        cmocka_unit_test(unsound_detections_are_refused),
        cmocka_unit_test(outer_offsets_end_with_the_file),
        cmocka_unit_test(names_only_when_asked_for),
        cmocka_unit_test(channel_carries_messages_and_descriptors),
        cmocka_unit_test(long_messages_and_descriptors_from_below_are_refused),
        cmocka_unit_test(heuristics_only_when_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
