// SPDX-License-Identifier: Apache-2.0
// Hash rules: of the object, of PE sections, of imports, and the allow lists.
#include "scan/scanner_state.h"

enum { SECTIONS_AT_ONCE = 32 };

// Adds every rule that has one of the job's digests.
static void look_up(struct ov_subject *subject, const struct ov_hashset *set,
                    enum ov_find_stage stage, const struct ov_digest_job *job) {
    uint64_t number = subject->scanner->finds.count;
    for (unsigned kind = 0; kind < OV_HASH_KINDS; kind++) {
        if ((job->kinds >> kind & 1) == 0) {
            continue;
        }
        struct ov_digest_job copy = *job;
        struct ov_hash_hits hits;
        uint32_t rule;
        ov_hash_hits_begin(set, (enum ov_hash_kind)kind, job->bytes.size,
                           ov_digest_job_bytes(&copy, (enum ov_hash_kind)kind), &hits);
        while (subject->scanner->finds.count < OV_FINDS_MAX && ov_hash_hits_next(&hits, &rule)) {
            ov_finds_add_hash(&subject->scanner->finds, stage, rule, number++);
        }
    }
}

void ov_subject_look_up(struct ov_subject *subject, const struct ov_digest_job *job) {
    look_up(subject, &subject->scanner->objects, OV_FIND_HASH, job);
}

static void hash_sections(struct ov_subject *subject) {
    const struct ov_hashset *set = &subject->scanner->sections;
    struct ov_digest_job jobs[SECTIONS_AT_ONCE];
    size_t count = 0;
    for (uint32_t i = 0; i < subject->exe.section_count; i++) {
        const struct ov_exe_section *section = &subject->exe.sections[i];
        bool is_whole = section->raw_bytes > 0 && section->raw_offset <= subject->bytes.size &&
                        section->raw_bytes <= subject->bytes.size - section->raw_offset;
        unsigned kinds = is_whole ? ov_hashset_kinds_wanted(set, section->raw_bytes) : 0;
        if (kinds != 0) {
            jobs[count++] = (struct ov_digest_job){
                .bytes = ov_span_part(subject->bytes, section->raw_offset, section->raw_bytes),
                .kinds = kinds,
            };
        }
        if (count == SECTIONS_AT_ONCE || (count > 0 && i + 1 == subject->exe.section_count)) {
            ov_digest_many(jobs, count);
            for (size_t k = 0; k < count; k++) {
                look_up(subject, set, OV_FIND_SECTION, &jobs[k]);
            }
            count = 0;
        }
    }
}

static enum ov_status hash_imports(struct ov_subject *subject) {
    struct ov_digest_job job = {0};
    TRY(ov_pe_import_text(subject->bytes, &subject->exe, subject->arena, &job.bytes));
    job.kinds = ov_hashset_kinds_wanted(&subject->scanner->imports, job.bytes.size);
    if (job.bytes.size > 0 && job.kinds != 0) {
        ov_digest_many(&job, 1);
        look_up(subject, &subject->scanner->imports, OV_FIND_IMPORTS, &job);
    }
    return OV_OK;
}

enum ov_status ov_subject_hash_parts(struct ov_subject *subject) {
    if (!subject->exe.is_hashable) {
        return OV_OK;
    }
    if (subject->scanner->has_sections) {
        hash_sections(subject);
    }
    // As clamscan: import hashes for 32-bit files only.
    if (subject->scanner->has_imports && !subject->exe.is_64) {
        return hash_imports(subject);
    }
    return OV_OK;
}

static bool is_allowed(struct ov_subject *subject) {
    const struct ov_hashset *set = &subject->scanner->allowed;
    struct ov_digest_job job = {.bytes = subject->bytes,
                                .kinds = ov_hashset_kinds_wanted(set, subject->bytes.size)};
    if (!subject->scanner->has_allowed || job.kinds == 0) {
        return false;
    }
    ov_digest_many(&job, 1);
    for (unsigned kind = 0; kind < OV_HASH_KINDS; kind++) {
        uint32_t rule;
        if ((job.kinds >> kind & 1) != 0 &&
            ov_hashset_find(set, (enum ov_hash_kind)kind, job.bytes.size,
                            ov_digest_job_bytes(&job, (enum ov_hash_kind)kind), &rule)) {
            return true;
        }
    }
    return false;
}

bool ov_subject_is_allowed(struct ov_subject *subject) {
    for (; subject != NULL; subject = subject->container) {
        if (is_allowed(subject) || ov_subject_is_listed(subject)) {
            return true;
        }
    }
    return false;
}
