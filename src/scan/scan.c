// SPDX-License-Identifier: Apache-2.0
// One object in, one verdict out.
#include "scan/scan.h"

#include "base/fd.h"
#include "base/filetype.h"
#include "scan/scanner_state.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ARENA_BYTES = 64 << 20, // what the headers of one object may take
    JOBS_AT_ONCE = 64,      // hashed side by side
    SECTIONS_AT_ONCE = 192, // of programs among them, likewise
    KEPT_BYTES = 2 << 20,   // of free memory in a worker, at most
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

// Parts of files are unpacked into memory that is given back after each: without this, malloc would
// return it to the kernel every time, and have it cleared and mapped again for the next.
static void keep_memory(void) {
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    (void)mallopt(M_MMAP_THRESHOLD, KEPT_BYTES / 2);
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
    keep_memory();
    scanner->finds.has_precedence = (options->alerts & OV_ALERT_PRECEDENCE) != 0;
    ov_arena_init(&scanner->arena, ARENA_BYTES);
    enum ov_status status = ov_image_open(image, &scanner->image, reason);
    status = status == OV_OK ? open_sets(scanner, reason) : status;
    status = status == OV_OK ? ov_magics_new(&scanner->image, reason, &scanner->magics) : status;
    status = status == OV_OK ? ov_metadata_rules_new(&scanner->image, reason, &scanner->metadata)
                             : status;
    status = status == OV_OK ? ov_trusted_open(&scanner->image, reason, &scanner->trusted) : status;
    status = status == OV_OK ? ov_link_lists_new(&scanner->image, reason, &scanner->links) : status;
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
    ov_metadata_rules_free(scanner->metadata);
    ov_magics_free(scanner->magics);
    ov_trusted_close(&scanner->trusted);
    ov_link_lists_free(scanner->links);
    ov_arena_release(&scanner->arena);
    free(scanner);
}

// What a failed step means for the verdict. Nothing that failed is ever clean.
static enum ov_scan_error error_of(enum ov_status status) {
    switch (status) {
    case OV_OK:
    case OV_END:
    case OV_LIMIT:
        return OV_SCAN_NONE;
    case OV_MEMORY:
        return OV_SCAN_NO_MEMORY;
    default:
        return OV_SCAN_BAD_IMAGE;
    }
}

// A file on its way: digests of its own and of its sections.
struct hashed {
    const struct ov_digest_job *file, *sections;
    size_t section_count;
};

// Fills in the verdict of a file that fits the budget.
static void scan_file(struct ov_scanner *scanner, struct ov_scan_job *job,
                      const struct hashed *hashed) {
    struct ov_verdict *verdict = &job->verdict;
    struct ov_subject subject = {.scanner = scanner,
                                 .arena = &scanner->arena,
                                 .bytes = job->bytes,
                                 .hashed = hashed->sections,
                                 .hashed_count = hashed->section_count};
    scanner->verdict = verdict;
    ov_arena_reset(&scanner->arena);
    enum ov_status status = ov_subject_open(&subject, OV_FILETYPE_NONE);
    status = status == OV_OK ? ov_subject_scan(&subject, hashed->file) : status;
    ov_subject_alert(&subject, ov_heuristic_of_limit(scanner->budget.hit));
    verdict->error = error_of(status);
    if (scanner->budget.hit != OV_LIMIT_NONE) {
        verdict->limit = scanner->budget.hit; // counts more than that not all finds had room
    }
    if (verdict->kind == OV_VERDICT_FOUND) {
        return;
    }
    verdict->kind = verdict->error != OV_SCAN_NONE    ? OV_VERDICT_ERROR
                    : verdict->limit != OV_LIMIT_NONE ? OV_VERDICT_LIMITED
                                                      : OV_VERDICT_CLEAN;
}

// Hashes of all files what rules may know: the files themselves, and the sections of programs. The
// more there is side by side, the less the longest are waited for. `digests` has room for
// JOBS_AT_ONCE + SECTIONS_AT_ONCE.
static void hash_some(struct ov_scanner *scanner, const struct ov_scan_job *jobs, size_t count,
                      struct ov_digest_job *digests, struct hashed *ret_hashed) {
    size_t used = count;
    for (size_t i = 0; i < count; i++) {
        uint64_t file_bytes = scanner->options.limits.file_bytes;
        bool fits = file_bytes == 0 || jobs[i].bytes.size <= file_bytes;
        unsigned kinds = fits && scanner->has_objects
                             ? ov_hashset_kinds_wanted(&scanner->objects, jobs[i].bytes.size)
                             : 0;
        digests[i] = (struct ov_digest_job){.bytes = jobs[i].bytes, .kinds = kinds};
        size_t room = JOBS_AT_ONCE + SECTIONS_AT_ONCE - used;
        size_t sections = fits ? ov_sections_list(scanner, jobs[i].bytes, room, digests + used) : 0;
        ret_hashed[i] = (struct hashed){
            .file = &digests[i], .sections = digests + used, .section_count = sections};
        used += sections;
    }
    ov_digest_many(digests, used);
}

static void scan_some(struct ov_scanner *scanner, struct ov_scan_job *jobs, size_t count) {
    struct ov_digest_job digests[JOBS_AT_ONCE + SECTIONS_AT_ONCE];
    struct hashed hashed[JOBS_AT_ONCE];
    for (size_t i = 0; i < count; i++) {
        jobs[i].verdict.kind = OV_VERDICT_ERROR;
        jobs[i].verdict.error = OV_SCAN_NO_ANSWER;
        jobs[i].verdict.limit = OV_LIMIT_NONE;
        jobs[i].verdict.count = 0;
        jobs[i].verdict.has_strong = false;
    }
    hash_some(scanner, jobs, count, digests, hashed);
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
            scan_file(scanner, &jobs[i], &hashed[i]);
        }
    }
}

void ov_scanner_run(struct ov_scanner *scanner, struct ov_scan_job *jobs, size_t count) {
    for (size_t at = 0; at < count; at += JOBS_AT_ONCE) {
        scan_some(scanner, jobs + at, count - at < JOBS_AT_ONCE ? count - at : JOBS_AT_ONCE);
    }
}
