// SPDX-License-Identifier: Apache-2.0
// A scanner for tests in place of the real one: files tell it what to do. Linked with the real
// worker (src/role/worker.c), it shows what broker, wire and cage do when a worker behaves badly.
//
// A file that begins with "OVERT-TEST " and a word and a newline asks for what the word says; any
// other file is clean.
#include "double.h"

#include "role/roles.h"
#include "scan/scan.h"
#include "wire/channel.h"
#include "wire/message.h"

#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct ov_scanner {
    struct ov_scan_options options;
};

static const char marker[] = "OVERT-TEST ";

enum ov_status ov_scanner_new(struct ov_span image, const struct ov_scan_options *options,
                              char *ret_reason, size_t reason_size,
                              struct ov_scanner **ret_scanner) {
    // The name of a rule: such an image is sound for everybody else.
    if (image.size > 0 && memmem(image.data, image.size, "REFUSE-ME", 9) != NULL) {
        (void)snprintf(ret_reason, reason_size, "refused\nat byte 0");
        return OV_DAMAGED;
    }
    struct ov_scanner *scanner = calloc(1, sizeof *scanner);
    if (scanner == NULL) {
        return OV_MEMORY;
    }
    scanner->options = *options;
    *ret_scanner = scanner;
    return OV_OK;
}

void ov_scanner_free(struct ov_scanner *scanner) {
    free(scanner);
}

static void set_kind(struct ov_verdict *verdict, enum ov_verdict_kind kind) {
    *verdict = (struct ov_verdict){.kind = kind, .error = OV_SCAN_NONE};
}

static void add_detection(struct ov_verdict *verdict, uint32_t rule, uint64_t offset) {
    verdict->kind = OV_VERDICT_FOUND;
    verdict->detections[verdict->count++] = (struct ov_detection){.rule = rule, .offset = offset};
}

// Reads every byte, as a scanner would: a mapping that shrank faults here.
static unsigned sum_bytes(struct ov_span bytes) {
    unsigned sum = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        sum += ((const volatile uint8_t *)bytes.data)[i];
    }
    return sum;
}

static uint64_t now_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void hang(unsigned milliseconds) {
    uint32_t nobody = 0;
    uint64_t end = now_ms() + milliseconds;
    for (uint64_t now = now_ms(); now < end; now = now_ms()) {
        struct timespec left = {.tv_sec = (time_t)((end - now) / 1000),
                                .tv_nsec = (long)((end - now) % 1000) * 1000000};
        (void)syscall(SYS_futex, &nobody, FUTEX_WAIT_PRIVATE, 0, &left, NULL, 0);
    }
}

// A worker that wants to carry a document out: every field that the wire has is filled with bits of
// it, as many as the broker's checks leave free. It answers in place of the honest code, for one
// file alone in its message; what that code says after it is refused, and comes too late.
static void smuggle(const struct ov_scan_job *job, bool with_name) {
    static struct ov_buf out;
    const uint8_t *bits = job->bytes.data + 64; // the document starts here; there are 512 bytes
    struct ov_wire_verdict verdict = {
        .kind = OV_WIRE_FOUND, .error = OV_WIRE_SCAN_ERROR_NONE, .detection_count = 1};
    struct ov_wire_detection detection = {.depth = OV_WIRE_DEPTH_MAX};
    detection.rule = (uint32_t)(bits[0] | bits[1] << 8) & 0xfff;                      // 12 bits
    detection.offset = (uint64_t)(bits[2] | bits[3] << 8 | bits[4] << 16) & 0xffffff; // 24 bits
    for (unsigned level = 0; level < OV_WIRE_DEPTH_MAX; level++) {
        detection.members[level] =
            (uint32_t)(bits[8 + 2 * level] | bits[9 + 2 * level] << 8) & 0x1fff; // 13 bits each
    }
    if (with_name) {
        detection.name_size = OV_WIRE_MEMBER_NAME_BYTES;
        memcpy(detection.name, bits + 64, OV_WIRE_MEMBER_NAME_BYTES);
    }
    ov_wire_verdicts_encode(&verdict, 1, &out);
    (void)!ov_channel_send(OV_WORKER_CHANNEL, ov_buf_span(&out), NULL, 0);
    ov_wire_detections_encode(0, &detection, 1, &out);
    (void)!ov_channel_send(OV_WORKER_CHANNEL, ov_buf_span(&out), NULL, 0);
}

static void obey(struct ov_scanner *scanner, struct ov_scan_job *job, const char *word) {
    struct ov_verdict *verdict = &job->verdict;
    if (strcmp(word, "found") == 0) {
        add_detection(verdict, 0, 3);
    } else if (strcmp(word, "all") == 0) {
        for (uint32_t i = 0; i < (scanner->options.is_all_matches ? 3u : 1u); i++) {
            add_detection(verdict, 2 - i, i);
        }
    } else if (strcmp(word, "limited") == 0) {
        set_kind(verdict, OV_VERDICT_LIMITED);
        verdict->limit = OV_LIMIT_RECURSION;
    } else if (strcmp(word, "error") == 0) {
        set_kind(verdict, OV_VERDICT_ERROR);
        verdict->error = OV_SCAN_NO_MEMORY;
    } else if (strcmp(word, "silent") == 0) {
        *verdict = (struct ov_verdict){0};
    } else if (strcmp(word, "crash") == 0) {
        __builtin_trap();
    } else if (strcmp(word, "hang") == 0) {
        hang(FOREVER_MS);
    } else if (strcmp(word, "wait") == 0) {
        hang(1500);
        (void)sum_bytes(job->bytes);
    } else if (strcmp(word, "rule") == 0) {
        add_detection(verdict, UINT32_MAX, 0);
    } else if (strcmp(word, "offset") == 0) {
        add_detection(verdict, 0, job->bytes.size + 1);
    } else if (strcmp(word, "smuggle") == 0) {
        smuggle(job, false);
    } else if (strcmp(word, "smuggle-name") == 0) {
        smuggle(job, true);
    } else if (strcmp(word, "member") == 0) {
        add_detection(verdict, 1, 77);
        verdict->detections[0].depth = 2;
        verdict->detections[0].members[0] = 4;
        verdict->detections[0].members[1] = 9;
    } else if (try_act(word, job->bytes)) {
        add_detection(verdict, 0, 0); // the forbidden act was done: the test fails on this
    }
}

static void run_one(struct ov_scanner *scanner, struct ov_scan_job *job) {
    char word[32] = "";
    struct ov_span rest = ov_span_part(job->bytes, sizeof marker - 1, job->bytes.size);
    set_kind(&job->verdict, OV_VERDICT_CLEAN);
    if (!ov_span_has_prefix(job->bytes, marker)) {
        (void)sum_bytes(job->bytes);
        return;
    }
    size_t size = ov_span_find(rest, 0, '\n');
    if (size < sizeof word) {
        memcpy(word, rest.data, size);
        obey(scanner, job, word);
    }
}

void ov_scanner_run(struct ov_scanner *scanner, struct ov_scan_job *jobs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        run_one(scanner, &jobs[i]);
    }
}
