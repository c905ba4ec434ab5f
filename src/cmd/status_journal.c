// SPDX-License-Identifier: Apache-2.0
// The journal's line of `overt status`.
#include "cmd/status_journal.h"

#include "base/fd.h"
#include "cmd/journal_run.h"
#include "journal/check.h"
#include "ledger/encoding.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static enum ov_status read_place(struct ov_journal_place *place) {
    TRY(ov_journal_folder_path(place->folder, sizeof place->folder));
    OV_AUTO_FD folder = open(place->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return errno == ENOENT ? OV_END : OV_SYSTEM;
    }
    return ov_journal_glance(folder, &place->head, &place->entries);
}

void ov_journal_place_read(struct ov_journal_place *ret_place) {
    *ret_place = (struct ov_journal_place){0};
    ret_place->status = read_place(ret_place);
    ret_place->error = errno;
}

static const char *why_of(const struct ov_journal_place *place) {
    return place->status == OV_SYSTEM ? strerror(place->error) : ov_status_text(place->status);
}

void ov_journal_place_print(const struct ov_journal_place *place) {
    OV_CLEANUP(ov_buf_release) struct ov_buf root = {0};
    if (place->folder[0] == 0 || place->status == OV_END) {
        (void)puts("journal: none yet");
    } else if (place->status != OV_OK) {
        (void)printf("journal: %s: %s\n", place->folder, why_of(place));
    } else {
        ov_tree_hash_add(&root, &place->head.root);
        (void)printf("journal: %s: %" PRIu64 " entries; checkpoint of %" PRIu64 ", root %.*s\n",
                     place->folder, place->entries, place->head.size, (int)root.size,
                     (const char *)root.data);
    }
}

void ov_journal_place_add(struct ov_json *json, const struct ov_journal_place *place) {
    OV_CLEANUP(ov_buf_release) struct ov_buf root = {0};
    if (place->folder[0] == 0 || place->status == OV_END) {
        ov_json_null(json, "journal");
        return;
    }
    ov_json_object(json, "journal");
    ov_json_text(json, "folder", place->folder);
    if (place->status == OV_OK) {
        ov_tree_hash_add(&root, &place->head.root);
        ov_json_uint(json, "entries", place->entries);
        ov_json_uint(json, "size", place->head.size);
        ov_json_bytes(json, "root", ov_buf_span(&root));
    } else {
        ov_json_text(json, "error", why_of(place));
    }
    ov_json_object_end(json);
}
