// SPDX-License-Identifier: Apache-2.0
// The names that a file of evidence shows.
#include "cmd/evidence_export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

// ---- names --------------------------------------------------------------------------------------

static int compare_names(const void *a, const void *b) {
    const struct ov_evidence_name *left = a;
    const struct ov_evidence_name *right = b;
    return memcmp(left->commitment.bytes, right->commitment.bytes, sizeof left->commitment.bytes);
}

static bool is_wanted(const struct ov_evidence_work *work, struct ov_span path) {
    return work->options->file == NULL || ov_span_is_text(path, work->options->file);
}

static enum ov_status keep_name(struct ov_evidence_work *work, struct ov_cursor *cursor,
                                size_t *room) {
    struct ov_entry_run run;
    struct ov_span bytes = ov_cursor_bytes(cursor, sizeof run.bytes);
    uint64_t number = ov_cursor_u64be(cursor);
    struct ov_span path = ov_cursor_bytes(cursor, ov_cursor_u16be(cursor));
    if (cursor->has_failed || !is_wanted(work, path)) {
        return OV_OK; // what a crash cut short is at the end
    }
    if (work->known_count == *room) {
        struct ov_evidence_name *known = reallocarray(work->known, *room * 2 + 64, sizeof *known);
        if (known == NULL) {
            return OV_MEMORY;
        }
        work->known = known;
        *room = *room * 2 + 64;
    }
    struct ov_evidence_name *name = &work->known[work->known_count++];
    memcpy(run.bytes, bytes.data, sizeof run.bytes);
    name->path = path;
    ov_salt_of(work->names_key, &run, number, &name->salt);
    ov_commitment_of(&name->salt, path, &name->commitment);
    return OV_OK;
}

enum ov_status ov_evidence_read_names(struct ov_evidence_work *work) {
    OV_AUTO_FD fd = openat(work->folder, "names", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    size_t room = 0;
    if (work->options->is_redacted || (fd < 0 && errno == ENOENT)) {
        return OV_OK;
    }
    TRY(fd >= 0 ? ov_file_map_open_fd(fd, &work->names_file) : OV_SYSTEM);
    struct ov_cursor cursor = ov_cursor_init(work->names_file.bytes);
    while (ov_cursor_left(&cursor) > 0) {
        TRY(keep_name(work, &cursor, &room));
    }
    if (work->known_count > 0) {
        qsort(work->known, work->known_count, sizeof *work->known, compare_names);
    }
    return OV_OK;
}

void ov_evidence_open_names(struct ov_evidence_work *work, const struct ov_entry *entry) {
    struct ov_cursor body = ov_cursor_init(entry->body);
    struct ov_span line;
    struct ov_evidence_name key;
    while (work->known_count > 0 &&
           ov_evidence_commitment(&body, &line, &key.commitment) == OV_OK) {
        const struct ov_evidence_name *name =
            bsearch(&key, work->known, work->known_count, sizeof key, compare_names);
        if (name != NULL) {
            ov_evidence_name_add(&work->names, &name->salt, name->path);
        }
    }
}
