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

// What to compute of section `index`; no kinds: no rule can know it.
static struct ov_digest_job job_of_section(const struct ov_subject *subject, uint32_t index) {
    const struct ov_exe_section *section = &subject->exe.sections[index];
    bool is_whole = section->raw_bytes > 0 && section->raw_offset <= subject->bytes.size &&
                    section->raw_bytes <= subject->bytes.size - section->raw_offset;
    struct ov_digest_job job = {.kinds = 0};
    if (is_whole) {
        job.bytes = ov_span_part(subject->bytes, section->raw_offset, section->raw_bytes);
        job.kinds = ov_hashset_kinds_wanted(&subject->scanner->sections, section->raw_bytes);
    }
    return job;
}

static void look_up_sections(struct ov_subject *subject, const struct ov_digest_job *jobs,
                             size_t count) {
    for (size_t i = 0; i < count; i++) {
        look_up(subject, &subject->scanner->sections, OV_FIND_SECTION, &jobs[i]);
    }
}

static void hash_sections(struct ov_subject *subject) {
    if (subject->hashed_count > 0) {
        look_up_sections(subject, subject->hashed, subject->hashed_count);
        return;
    }
    struct ov_digest_job jobs[SECTIONS_AT_ONCE];
    size_t count = 0;
    for (uint32_t i = 0; i < subject->exe.section_count; i++) {
        struct ov_digest_job job = job_of_section(subject, i);
        if (job.kinds != 0) {
            jobs[count++] = job;
        }
        if (count == SECTIONS_AT_ONCE || (count > 0 && i + 1 == subject->exe.section_count)) {
            ov_digest_many(jobs, count);
            look_up_sections(subject, jobs, count);
            count = 0;
        }
    }
}

size_t ov_sections_list(struct ov_scanner *scanner, struct ov_span file, size_t room,
                        struct ov_digest_job *ret_jobs) {
    struct ov_subject subject = {.scanner = scanner, .arena = &scanner->arena, .bytes = file};
    if (!scanner->has_sections || file.size < 2 || memcmp(file.data, "MZ", 2) != 0) {
        return 0;
    }
    ov_arena_reset(&scanner->arena);
    if (ov_subject_open(&subject, OV_FILETYPE_NONE) != OV_OK || !subject.exe.is_hashable) {
        return 0;
    }
    size_t count = 0;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < subject.exe.section_count; i++) {
        struct ov_digest_job job = job_of_section(&subject, i);
        bytes += job.kinds != 0 ? job.bytes.size : 0;
        if (bytes > file.size || (job.kinds != 0 && count == room)) {
            return 0;
        }
        if (job.kinds != 0) {
            ret_jobs[count++] = job;
        }
    }
    return count;
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
