// SPDX-License-Identifier: Apache-2.0
// One object in, one verdict out.
#include "scan/scan.h"

#include "base/fd.h"
#include "base/filetype.h"
#include "scan/scanner_state.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ARENA_BYTES = 64 << 20, // what the headers of one object may take
    JOBS_AT_ONCE = 64,      // hashed side by side
    FEW_OBJECTS = 16,       // more, and most of the image is touched somewhere
    PREFETCH_BYTES = 4096,  // of one target type: less touches few pages of its filter
};

static enum ov_status open_sets(struct ov_scanner *scanner, char *reason) {
    const struct {
        enum ov_hash_scope scope;
        struct ov_hashset *set;
        bool *has;
    } wanted[] = {
        {OV_HASH_OBJECT, &scanner->objects, &scanner->has_objects},
        {OV_HASH_SECTION, &scanner->sections, &scanner->has_sections},
        {OV_HASH_IMPORTS, &scanner->imports, &scanner->has_imports},
        {OV_HASH_ALLOW, &scanner->allowed, &scanner->has_allowed},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        TRY(ov_hashset_open(&scanner->image, wanted[i].scope, wanted[i].set, reason));
        *wanted[i].has = !ov_hashset_is_empty(wanted[i].set);
    }
    return OV_OK;
}

enum ov_status ov_scanner_new(struct ov_span image, const struct ov_scan_options *options,
                              char *ret_reason, size_t reason_size,
                              struct ov_scanner **ret_scanner) {
    char reason[OV_IMAGE_REASON_BYTES] = "";
    struct ov_scanner *scanner = calloc(1, sizeof *scanner);
    if (scanner == NULL) {
        return OV_MEMORY;
    }
    scanner->options = *options;
    ov_arena_init(&scanner->arena, ARENA_BYTES);
    enum ov_status status = ov_image_open(image, &scanner->image, reason);
    status = status == OV_OK ? open_sets(scanner, reason) : status;
    if (status == OV_OK) {
        status = ov_matcher_new(&scanner->image, ov_kernels_best(), reason, &scanner->matcher);
    }
    if (status != OV_OK) {
        (void)snprintf(ret_reason, reason_size, "%s", reason);
        ov_scanner_free(scanner);
        return status;
    }
    *ret_scanner = scanner;
    return OV_OK;
}

void ov_scanner_free(struct ov_scanner *scanner) {
    if (scanner == NULL) {
        return;
    }
    ov_matcher_free(scanner->matcher);
    ov_arena_release(&scanner->arena);
    free(scanner);
}

// What a failed step means for the verdict. Nothing that failed is ever clean.
static void note_status(struct ov_verdict *verdict, enum ov_status status) {
    if (status == OV_OK || status == OV_LIMIT) {
        return;
    }
    verdict->error = status == OV_MEMORY ? OV_SCAN_NO_MEMORY : OV_SCAN_BAD_IMAGE;
}

// An image that is not in memory yet is read page by page as it is touched: enough for a tiny
// file, and far too slow for more. So the filter of a target type is read ahead once it pays.
static void read_ahead(struct ov_scanner *scanner, uint32_t target, size_t bytes) {
    if (++scanner->object_count == FEW_OBJECTS) {
        ov_mapped_expect_much(scanner->image.bytes);
    }
    uint64_t before = scanner->target_bytes[target];
    scanner->target_bytes[target] += bytes;
    if (before < PREFETCH_BYTES && before + bytes >= PREFETCH_BYTES) {
        ov_image_prefetch_filter(&scanner->image, target);
    }
}

static enum ov_status match_rules(struct ov_subject *subject) {
    struct ov_scanner *scanner = subject->scanner;
    struct ov_object object = {
        .bytes = subject->bytes,
        .target = subject->target,
        .container = OV_FILETYPE_ANY,
        .anchors = ov_subject_anchors(subject),
        .budget = &scanner->budget,
    };
    const struct ov_match *matches = NULL;
    size_t count = 0;
    read_ahead(scanner, subject->target, subject->bytes.size);
    enum ov_status status = ov_matcher_run(scanner->matcher, &object, &matches, &count);
    for (size_t i = 0; i < count; i++) {
        const struct ov_image_rule *rule = ov_matcher_rule(scanner->matcher, matches[i].rule);
        ov_finds_add_match(&scanner->finds, rule, &matches[i],
                           scanner->image.header->window_overlap);
    }
    return status;
}

// Fills in the verdict of an object that fits the budget.
static void scan_object(struct ov_scanner *scanner, struct ov_scan_job *job,
                        const struct ov_digest_job *digests) {
    struct ov_verdict *verdict = &job->verdict;
    struct ov_subject subject;
    scanner->finds.count = 0;
    ov_arena_reset(&scanner->arena);
    enum ov_status opened = ov_subject_open(scanner, job->bytes, &subject);
    if (opened != OV_OK) {
        note_status(verdict, opened);
        return;
    }
    enum ov_status matched = match_rules(&subject);
    ov_subject_look_up(&subject, digests);
    enum ov_status hashed = ov_subject_hash_parts(&subject);
    verdict->error = OV_SCAN_NONE;
    if (scanner->finds.count > 0 && !ov_subject_is_allowed(&subject)) {
        ov_finds_report(&scanner->finds, scanner->options.is_all_matches, verdict);
    }
    note_status(verdict, matched);
    note_status(verdict, hashed);
    verdict->limit = scanner->budget.hit;
    if (verdict->kind == OV_VERDICT_FOUND) {
        return;
    }
    verdict->kind = verdict->error != OV_SCAN_NONE    ? OV_VERDICT_ERROR
                    : verdict->limit != OV_LIMIT_NONE ? OV_VERDICT_LIMITED
                                                      : OV_VERDICT_CLEAN;
}

static void scan_some(struct ov_scanner *scanner, struct ov_scan_job *jobs, size_t count) {
    struct ov_digest_job digests[JOBS_AT_ONCE];
    for (size_t i = 0; i < count; i++) {
        uint64_t file_bytes = scanner->options.limits.file_bytes;
        bool fits = file_bytes == 0 || jobs[i].bytes.size <= file_bytes;
        unsigned kinds = fits && scanner->has_objects
                             ? ov_hashset_kinds_wanted(&scanner->objects, jobs[i].bytes.size)
                             : 0;
        digests[i] = (struct ov_digest_job){.bytes = jobs[i].bytes, .kinds = kinds};
        jobs[i].verdict.kind = OV_VERDICT_ERROR;
        jobs[i].verdict.error = OV_SCAN_NO_ANSWER;
        jobs[i].verdict.limit = OV_LIMIT_NONE;
        jobs[i].verdict.count = 0;
    }
    ov_digest_many(digests, count);
    for (size_t i = 0; i < count; i++) {
        struct ov_verdict *verdict = &jobs[i].verdict;
        ov_budget_init(&scanner->budget, &scanner->options.limits);
        if (jobs[i].bytes.size == 0) {
            verdict->kind = OV_VERDICT_CLEAN;
            verdict->error = OV_SCAN_NONE;
        } else if (!ov_budget_take_object(&scanner->budget, jobs[i].bytes.size, 0)) {
            verdict->kind = OV_VERDICT_LIMITED;
            verdict->error = OV_SCAN_NONE;
            verdict->limit = scanner->budget.hit;
        } else {
            scan_object(scanner, &jobs[i], &digests[i]);
        }
    }
}

void ov_scanner_run(struct ov_scanner *scanner, struct ov_scan_job *jobs, size_t count) {
    for (size_t at = 0; at < count; at += JOBS_AT_ONCE) {
        scan_some(scanner, jobs + at, count - at < JOBS_AT_ONCE ? count - at : JOBS_AT_ONCE);
    }
}
