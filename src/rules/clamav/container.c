// SPDX-License-Identifier: Apache-2.0
// Containers: .cvd .cld .cud. Each member is read as a file of its own; signatures are not checked
// here.
#include "rules/clamav/archive.h"
#include "rules/clamav/readers.h"

#include <stdio.h>

enum {
    NAME_BYTES = 4096,
    UNREAD_KINDS = 4,
};

static enum ov_status tell(struct ov_ruleset *set, uint32_t file, const char *reason) {
    return ov_ruleset_add_problem(set, (struct ov_place){.file = file}, (struct ov_span){0}, false,
                                  reason);
}

// Members that are not read, counted by their reason, so that a container of hundreds of programs
// is one remark and not hundreds.
struct unread {
    const char *why[UNREAD_KINDS];
    unsigned count[UNREAD_KINDS];
};

static void note_unread(struct unread *unread, const char *why) {
    for (unsigned i = 0; i < UNREAD_KINDS; i++) {
        if (unread->why[i] == NULL || strcmp(unread->why[i], why) == 0) {
            unread->why[i] = why;
            unread->count[i]++;
            return;
        }
    }
}

static enum ov_status tell_unread(struct ov_ruleset *set, uint32_t file,
                                  const struct unread *unread) {
    for (unsigned i = 0; i < UNREAD_KINDS && unread->why[i] != NULL; i++) {
        TRY(ov_ruleset_add_problemf(set, (struct ov_place){.file = file}, (struct ov_span){0}, true,
                                    "%u member%s: %s", unread->count[i],
                                    unread->count[i] == 1 ? "" : "s", unread->why[i]));
    }
    return OV_OK;
}

static enum ov_status read_member(struct ov_ruleset *set, uint32_t file,
                                  const struct ov_clamav_member *member, bool is_official,
                                  struct unread *unread) {
    struct ov_span name = member->name;
    if (name.size >= 5 && memcmp(name.data + name.size - 5, ".info", 5) == 0) {
        return OV_OK; // what it promises is not checked here
    }
    char path[NAME_BYTES];
    snprintf(path, sizeof path, "%s!%.*s", set->files[file].path, (int)name.size,
             (const char *)name.data);
    const char *why = ov_ruleset_why_unread(set, path);
    if (why != NULL) {
        note_unread(unread, why);
        return OV_OK;
    }
    uint32_t added;
    TRY(ov_ruleset_add_file(set, path, member->bytes, is_official, &added));
    enum ov_status status = ov_ruleset_read_file(set, added);
    return status == OV_UNSUPPORTED ? OV_OK : status; // COPYING and other company
}

static enum ov_status read_members(struct ov_ruleset *set, uint32_t file,
                                   struct ov_clamav_archive *archive, bool is_official) {
    struct unread unread = {0};
    struct ov_clamav_member member;
    enum ov_status status;
    while ((status = ov_clamav_archive_next(archive, &member)) == OV_OK) {
        TRY(read_member(set, file, &member, is_official, &unread));
    }
    return status == OV_END ? tell_unread(set, file, &unread) : tell(set, file, archive->why);
}

enum ov_status ov_clamav_read_container(struct ov_ruleset *set, uint32_t file, unsigned mode) {
    OV_CLEANUP(ov_clamav_archive_close) struct ov_clamav_archive archive = {0};
    enum ov_status status =
        ov_clamav_archive_open(set->files[file].bytes, ov_ruleset_heap_left(set), &archive);
    if (status != OV_OK) {
        return tell(set, file, archive.why);
    }
    if (archive.block != NULL) {
        TRY(ov_ruleset_hold_block(set, archive.block, archive.block_bytes));
        archive.block = NULL; // the set's from now on
    }
    return read_members(set, file, &archive, mode == 1);
}
