// SPDX-License-Identifier: Apache-2.0
// The names that a file of evidence shows.
#include "cmd/evidence_export.h"

#include <stdlib.h>

static int compare_names(const void *a, const void *b) {
    const struct ov_evidence_name *left = a;
    const struct ov_evidence_name *right = b;
    return memcmp(left->commitment.bytes, right->commitment.bytes, sizeof left->commitment.bytes);
}

static bool is_wanted(const struct ov_evidence_work *work, struct ov_span path) {
    return work->options->file == NULL || ov_span_is_text(path, work->options->file);
}

static enum ov_status keep_name(struct ov_evidence_work *work, const struct ov_journal_name *name,
                                size_t *room) {
    if (work->known_count == *room) {
        struct ov_evidence_name *known = reallocarray(work->known, *room * 2 + 64, sizeof *known);
        if (known == NULL) {
            return OV_MEMORY;
        }
        work->known = known;
        *room = *room * 2 + 64;
    }
    struct ov_evidence_name *kept = &work->known[work->known_count++];
    kept->path = name->path;
    ov_journal_names_salt(&work->names_file, name, &kept->salt);
    ov_commitment_of(&kept->salt, name->path, &kept->commitment);
    return OV_OK;
}

enum ov_status ov_evidence_read_names(struct ov_evidence_work *work) {
    struct ov_journal_name name;
    size_t room = 0;
    enum ov_status status = work->options->is_redacted
                                ? OV_END
                                : ov_journal_names_open(work->folder, &work->names_file);
    if (status != OV_OK) {
        return status == OV_END ? OV_OK : status;
    }
    while (ov_journal_names_next(&work->names_file, &name) == OV_OK) {
        TRY(is_wanted(work, name.path) ? keep_name(work, &name, &room) : OV_OK);
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
