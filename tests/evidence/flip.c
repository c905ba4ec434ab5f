// SPDX-License-Identifier: Apache-2.0
//
// Changes a file of evidence in each way of one kind, and says which of them go unseen: a line
// `byte AT BIT` for a bit that may be turned over, `cut SIZE` for a length that it may be cut to.
// Of each byte one bit is tried, with OVERT_LONG in the environment, and without a policy, all
// eight.
//
//     flip-evidence FILE VKEY [POLICY TRUST]
#include "base/fd.h"
#include "journal/evidence_check.h"

#include <stdio.h>
#include <stdlib.h>

struct work {
    struct ov_evidence_check check;
    struct ov_key key;
    struct ov_policy policy;
    struct ov_trust trust;
    bool has_failed;
};

static void take_step(void *arg, const struct ov_evidence_step *step) {
    struct work *work = arg;
    work->has_failed |= step->result == OV_FAILED;
}

static bool is_seen(struct work *work, const uint8_t *bytes, size_t size) {
    static struct ov_evidence evidence;
    struct ov_evidence_report report;
    work->has_failed = false;
    if (ov_evidence_read(ov_span_make(bytes, size), &evidence) != OV_OK) {
        return true;
    }
    return ov_evidence_verify(&evidence, &work->check, &report) != OV_OK || work->has_failed;
}

static void flip_all(struct work *work, uint8_t *bytes, size_t size) {
    bool has_all = getenv("OVERT_LONG") != NULL && work->check.policy == NULL; // those take long
    for (size_t at = 0; at < size; at++) {
        for (unsigned bit = has_all ? 0 : at % 8; bit < (has_all ? 8 : at % 8 + 1); bit++) {
            bytes[at] ^= (uint8_t)(1u << bit);
            if (!is_seen(work, bytes, size)) {
                (void)printf("byte %zu %u\n", at, bit);
            }
            bytes[at] ^= (uint8_t)(1u << bit);
        }
    }
    for (size_t cut = 0; cut < size; cut++) {
        if (!is_seen(work, bytes, cut)) {
            (void)printf("cut %zu\n", cut);
        }
    }
}

// What the verifier believes. The files stay mapped.
static bool read_known(struct work *work, int count, char **words) {
    static struct ov_file_map maps[2];
    struct ov_policy_error error;
    if (ov_key_read(ov_span_text(words[2]), &work->key) != OV_OK) {
        return false;
    }
    work->check.key = &work->key;
    if (count == 3) {
        return true;
    }
    work->check.policy = &work->policy;
    work->check.trust = &work->trust;
    return count == 5 && ov_file_map_open(words[3], &maps[0]) == OV_OK &&
           ov_file_map_open(words[4], &maps[1]) == OV_OK &&
           ov_policy_read(maps[0].bytes, &work->policy, &error) == OV_OK &&
           ov_trust_read(maps[1].bytes, &work->trust, &error) == OV_OK;
}

int main(int count, char **words) {
    static struct work work;
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    work.check.arg = &work;
    work.check.on_step = take_step;
    if (count < 3 || ov_file_map_open(words[1], &map) != OV_OK ||
        !read_known(&work, count, words)) {
        (void)fputs("flip-evidence: FILE VKEY [POLICY TRUST]\n", stderr);
        return 2;
    }
    uint8_t *bytes = malloc(map.bytes.size + 1);
    if (bytes == NULL) {
        return 2;
    }
    memcpy(bytes, map.bytes.data, map.bytes.size);
    bool is_good = !is_seen(&work, bytes, map.bytes.size);
    if (is_good) {
        flip_all(&work, bytes, map.bytes.size);
    }
    free(bytes);
    return is_good ? 0 : 1;
}
