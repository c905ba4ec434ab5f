// SPDX-License-Identifier: Apache-2.0
// A whole trace: every flip, cut and forgery is seen, and the first bad record is named.
#include "trace/reader.h"

#include "base/fd.h"
#include "trace/form.h"
#include "trace/frame.h"
#include "trace/samples.h"
#include "trace/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { FRAMES_MAX = 128 };

static struct ov_buf whole;           // all samples twice, a checkpoint between, and the end
static size_t frames[FRAMES_MAX + 1]; // where each begins, and the end of the file
static size_t frame_count;
static size_t good[FRAMES_MAX]; // behind each checkpoint
static size_t good_count;

static int write_whole(void **state) {
    (void)state;
    static struct ov_trace_writer writer;
    int fd = memfd_create("trace", MFD_CLOEXEC);
    int copy = dup(fd);
    size_t size = 0;
    assert_int_equal(ov_trace_writer_open(fd, 0, &writer), OV_OK);
    for (size_t i = 0; i < 2 * sample_count; i++) {
        const struct ov_trace_record *sample = &samples[i % sample_count];
        if (i == sample_count) {
            assert_int_equal(ov_trace_writer_checkpoint(&writer), OV_OK);
        } else {
            assert_int_equal(ov_trace_write(&writer, sample->type, &sample->begin), OV_OK);
        }
    }
    const uint32_t status = 0;
    assert_int_equal(ov_trace_writer_end(&writer, OV_TRACE_DONE, &status), OV_OK);
    ov_trace_writer_close(&writer);
    uint8_t *bytes = ov_buf_extend(&whole, 1 << 20);
    assert_int_equal(lseek(copy, 0, SEEK_SET), 0);
    assert_int_equal(ov_fd_read_full(copy, bytes, 1 << 20, &size), OV_OK);
    whole.size = size;
    ov_fd_close(&copy);
    return 0;
}

static int find_frames(void **state) {
    (void)write_whole(state);
    struct ov_trace_reader reader;
    struct ov_trace_record record;
    assert_int_equal(ov_trace_reader_init(ov_buf_span(&whole), &reader), OV_OK);
    frames[0] = reader.cursor.at;
    while (ov_trace_next(&reader, &record) == OV_OK) {
        frames[++frame_count] = reader.cursor.at;
        if (record.type == OV_TRACE_CHECKPOINT) {
            good[good_count++] = reader.cursor.at;
        }
    }
    ov_trace_reader_release(&reader);
    assert_int_equal(frames[frame_count], whole.size);
    return 0;
}

static int release(void **state) {
    (void)state;
    ov_buf_release(&whole);
    return 0;
}

static struct ov_trace_check check_of(struct ov_span bytes) {
    struct ov_trace_check check = {0};
    assert_int_equal(ov_trace_check_of(bytes, &check), OV_OK);
    return check;
}

// ---- what the writer wrote ----------------------------------------------------------------------

static void test_whole(void **state) {
    (void)state;
    struct ov_trace_check check = check_of(ov_buf_span(&whole));
    assert_null(check.bad_why);
    assert_int_equal(check.verdict, OV_TRACE_WHOLE);
    assert_int_equal(check.good_bytes, whole.size);
    assert_int_equal(check.records, frame_count);
    assert_int_equal(check.counts[OV_TRACE_BEGIN], 1);
    assert_int_equal(check.counts[OV_TRACE_FILE], 2);
    assert_int_equal(check.counts[OV_TRACE_CHECKPOINT], 2); // one comes behind the begin
    assert_int_equal(check.counts[OV_TRACE_END], 1);
}

// The chain as the page defines it, over the bytes of the file, with nothing of frame.c.
static void test_chain_by_a_slow_twin(void **state) {
    (void)state;
    uint8_t chain[OV_SHA256_BYTES];
    ov_sha256(ov_span_text("overt-trace/v1\n"), chain);
    for (size_t i = 0; i < frame_count; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf input = {0};
        ov_buf_add(&input, chain, sizeof chain);
        ov_buf_add(&input, whole.data + frames[i], 4);
        ov_buf_add(&input, whole.data + frames[i] + 12, frames[i + 1] - frames[i] - 12);
        ov_sha256(ov_buf_span(&input), chain);
        assert_memory_equal(whole.data + frames[i] + 4, chain, 8);
    }
    struct ov_trace_check check = check_of(ov_buf_span(&whole));
    assert_memory_equal(check.chain, chain, sizeof chain);
}

// ---- changed ------------------------------------------------------------------------------------

static void check_flip(size_t at, uint8_t mask, size_t record) {
    whole.data[at] ^= mask;
    struct ov_trace_check check = check_of(ov_buf_span(&whole));
    whole.data[at] ^= mask;
    assert_int_not_equal(check.verdict, OV_TRACE_WHOLE);
    assert_non_null(check.bad_why);
    assert_int_equal(check.bad_record, record);
    assert_int_equal(check.bad_offset, frames[record]);
    if (record + 1 < frame_count) { // what is left of a broken end may be what a crash left
        assert_int_equal(check.verdict, OV_TRACE_BAD);
    }
    if (check.verdict == OV_TRACE_BAD) {
        assert_int_equal(check.good_bytes, 0);
        assert_int_equal(check.counts[OV_TRACE_FILE], 0);
    } else {
        assert_int_equal(check.good_bytes, good[good_count - 1]);
    }
}

static void test_every_flipped_byte_names_its_record(void **state) {
    (void)state;
    static const uint8_t masks[] = {0x01, 0x20, 0x80, 0xff};
    for (size_t record = 0; record < frame_count; record++) {
        for (size_t at = frames[record]; at < frames[record + 1]; at++) {
            for (size_t i = 0; i < sizeof masks; i++) {
                check_flip(at, masks[i], record);
            }
        }
    }
    for (size_t at = 0; at < frames[0]; at++) {
        whole.data[at] ^= 1;
        assert_int_equal(check_of(ov_buf_span(&whole)).verdict, OV_TRACE_BAD);
        whole.data[at] ^= 1;
    }
}

static void test_every_truncation_keeps_the_checkpoint(void **state) {
    (void)state;
    for (size_t size = 0; size < whole.size; size++) {
        struct ov_trace_check check = check_of(ov_span_part(ov_buf_span(&whole), 0, size));
        size_t expected = 0;
        for (size_t i = 0; i < good_count && good[i] <= size; i++) {
            expected = good[i];
        }
        assert_int_equal(check.verdict, size < frames[0] ? OV_TRACE_BAD : OV_TRACE_CUT);
        assert_int_equal(check.good_bytes, expected);
        assert_true(size < frames[0] || check.good_bytes + check.tail_bytes == size);
    }
}

static void test_removed_and_swapped_records(void **state) {
    (void)state;
    for (size_t i = 0; i + 1 < frame_count; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf less = {0};
        ov_buf_add(&less, whole.data, frames[i]);
        ov_buf_add(&less, whole.data + frames[i + 1], whole.size - frames[i + 1]);
        struct ov_trace_check check = check_of(ov_buf_span(&less));
        assert_int_equal(check.verdict, OV_TRACE_BAD);
        assert_int_equal(check.bad_record, i);
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf swapped = {0};
    ov_buf_add(&swapped, whole.data, frames[3]);
    ov_buf_add(&swapped, whole.data + frames[4], frames[5] - frames[4]);
    ov_buf_add(&swapped, whole.data + frames[3], frames[4] - frames[3]);
    ov_buf_add(&swapped, whole.data + frames[5], whole.size - frames[5]);
    assert_int_equal(check_of(ov_buf_span(&swapped)).bad_record, 3);
}

static void test_nothing_stands_behind_the_end(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf more = {0};
    ov_buf_add(&more, whole.data, whole.size);
    ov_buf_add_u8(&more, 0);
    struct ov_trace_check check = check_of(ov_buf_span(&more));
    assert_int_equal(check.verdict, OV_TRACE_BAD);
    assert_int_equal(check.bad_record, frame_count);
}

// What a machine without power leaves: zeros, garbage; not too much of it.
static void test_tails(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf tail = {0};
    ov_buf_add(&tail, whole.data, good[1] + 100);
    (void)ov_buf_extend(&tail, OV_TRACE_TAIL_BYTES_MAX - 100);
    struct ov_trace_check check = check_of(ov_buf_span(&tail));
    assert_int_equal(check.verdict, OV_TRACE_CUT);
    assert_int_equal(check.tail_bytes, OV_TRACE_TAIL_BYTES_MAX);
    assert_int_equal(check.good_bytes, good[1]);
    (void)ov_buf_extend(&tail, 1);
    assert_int_equal(check_of(ov_buf_span(&tail)).verdict, OV_TRACE_BAD);
}

// A checkpoint whose page was written before those of the records that it stands for, once.
static void test_a_tail_may_have_one_checkpoint(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf tail = {0};
    ov_buf_add(&tail, whole.data, good[1]);
    tail.data[frames[4]] ^= 1;
    assert_int_equal(check_of(ov_buf_span(&tail)).verdict, OV_TRACE_CUT);
    assert_int_equal(check_of(ov_buf_span(&tail)).good_bytes, good[0]);
    size_t checkpoint = 0;
    while (frames[checkpoint + 1] != good[1]) {
        checkpoint++;
    }
    ov_buf_add(&tail, whole.data + frames[checkpoint], good[1] - frames[checkpoint]);
    assert_int_equal(check_of(ov_buf_span(&tail)).verdict, OV_TRACE_BAD);
}

// ---- forged, with a good chain ------------------------------------------------------------------

struct forger {
    struct ov_buf bytes;
    uint8_t chain[OV_SHA256_BYTES];
    uint64_t records;
};

static void begin_forging(struct forger *forger) {
    *forger = (struct forger){0};
    ov_buf_add_text(&forger->bytes, OV_TRACE_MAGIC);
    ov_trace_chain_start(forger->chain);
}

static void forge(struct forger *forger, enum ov_trace_type type, const void *record) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    assert_int_equal(ov_trace_record_add(&text, type, record), OV_OK);
    ov_trace_frame_add(&forger->bytes, ov_buf_span(&text), forger->chain);
    forger->records++;
}

static struct ov_trace_checkpoint checkpoint_of(const struct forger *forger,
                                                const struct ov_trace_loss *losses, size_t count) {
    struct ov_trace_checkpoint checkpoint = {
        .mono_ns = 100, .records = forger->records, .losses = losses, .loss_count = count};
    memcpy(checkpoint.chain, forger->chain, sizeof checkpoint.chain);
    return checkpoint;
}

static void expect_bad(struct forger *forger, uint64_t record, const char *why) {
    struct ov_trace_check check = check_of(ov_buf_span(&forger->bytes));
    assert_int_equal(check.verdict, OV_TRACE_BAD);
    assert_int_equal(check.bad_record, record);
    assert_string_equal(check.bad_why, why);
    ov_buf_release(&forger->bytes);
}

static void test_forged_beginnings(void **state) {
    (void)state;
    struct forger forger;
    begin_forging(&forger);
    forge(&forger, OV_TRACE_FILE, &sample_file);
    expect_bad(&forger, 0, "the first record is no begin");
    begin_forging(&forger);
    forge(&forger, OV_TRACE_BEGIN, &samples[0].begin);
    forge(&forger, OV_TRACE_BEGIN, &samples[0].begin);
    expect_bad(&forger, 1, "it begins again");
}

static void test_forged_checkpoints(void **state) {
    (void)state;
    struct forger forger;
    begin_forging(&forger);
    forge(&forger, OV_TRACE_BEGIN, &samples[0].begin);
    struct ov_trace_checkpoint checkpoint = checkpoint_of(&forger, NULL, 0);
    checkpoint.records++;
    forge(&forger, OV_TRACE_CHECKPOINT, &checkpoint);
    expect_bad(&forger, 1, "its number of records is wrong");
    begin_forging(&forger);
    forge(&forger, OV_TRACE_BEGIN, &samples[0].begin);
    checkpoint = checkpoint_of(&forger, NULL, 0);
    checkpoint.chain[31] ^= 1;
    forge(&forger, OV_TRACE_CHECKPOINT, &checkpoint);
    expect_bad(&forger, 1, "its chain is wrong");
    begin_forging(&forger);
    forge(&forger, OV_TRACE_BEGIN, &samples[0].begin);
    checkpoint = checkpoint_of(&forger, NULL, 0);
    forge(&forger, OV_TRACE_CHECKPOINT, &checkpoint);
    checkpoint = checkpoint_of(&forger, NULL, 0);
    checkpoint.mono_ns--;
    forge(&forger, OV_TRACE_CHECKPOINT, &checkpoint);
    expect_bad(&forger, 2, "it is older than the one before");
}

static void test_forged_losses(void **state) {
    (void)state;
    static const struct ov_trace_loss five = {.name = SAMPLE_TEXT("ring"), .count = 5};
    static const struct ov_trace_loss four = {.name = SAMPLE_TEXT("ring"), .count = 4};
    const struct ov_trace_loss twice[] = {five, five};
    struct forger forger;
    begin_forging(&forger);
    forge(&forger, OV_TRACE_BEGIN, &samples[0].begin);
    forge(&forger, OV_TRACE_LOSS, &five);
    forge(&forger, OV_TRACE_LOSS, &four);
    expect_bad(&forger, 2, "a loss counter fell");
    static const struct {
        const struct ov_trace_loss *losses;
        size_t count;
        const char *why;
    } cases[] = {
        {&four, 1, "a loss counter fell"},
        {NULL, 0, "a loss counter is not in a checkpoint"},
        {NULL, 2, "a loss counter stands in a checkpoint twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin_forging(&forger);
        forge(&forger, OV_TRACE_BEGIN, &samples[0].begin);
        forge(&forger, OV_TRACE_LOSS, &five);
        struct ov_trace_checkpoint checkpoint =
            checkpoint_of(&forger, cases[i].count == 2 ? twice : cases[i].losses, cases[i].count);
        forge(&forger, OV_TRACE_CHECKPOINT, &checkpoint);
        expect_bad(&forger, 2, cases[i].why);
    }
}

static void test_forged_silence(void **state) {
    (void)state;
    struct forger forger;
    begin_forging(&forger);
    forge(&forger, OV_TRACE_BEGIN, &samples[0].begin);
    while (forger.bytes.size <= OV_TRACE_TAIL_BYTES_MAX) {
        forge(&forger, OV_TRACE_FILE, &sample_file);
    }
    uint64_t last = forger.records - 1;
    expect_bad(&forger, last, "no checkpoint comes for too long");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_chain_by_a_slow_twin),
        cmocka_unit_test(test_every_flipped_byte_names_its_record),
        cmocka_unit_test(test_every_truncation_keeps_the_checkpoint),
        cmocka_unit_test(test_removed_and_swapped_records),
        cmocka_unit_test(test_nothing_stands_behind_the_end),
        cmocka_unit_test(test_tails),
        cmocka_unit_test(test_a_tail_may_have_one_checkpoint),
        cmocka_unit_test(test_forged_beginnings),
        cmocka_unit_test(test_forged_checkpoints),
        cmocka_unit_test(test_forged_losses),
        cmocka_unit_test(test_forged_silence),
    };
    return cmocka_run_group_tests(tests, find_frames, release);
}
