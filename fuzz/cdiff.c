// SPDX-License-Identifier: Apache-2.0
// rooms: rules
//
// Updates of databases: the file, and scripts run over members, whoever signed them.
//
// Input: an update; or a script, a NUL, a.ndb, a NUL, b.hdb, maybe a NUL and what is not looked at.
#include "feed_keys.h"

#include "rules/feed/cdiff.h"
#include "rules/feed/script.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_BYTES = 4096 };

static void try_file(struct ov_span bytes) {
    OV_CLEANUP(ov_buf_release) struct ov_buf script = {0};
    struct ov_cdiff cdiff;
    enum ov_database_refusal refusal = OV_DATABASE_ACCEPTED;
    if (ov_cdiff_read(bytes, &feed_keys[OV_VENDOR_CDIFF], &cdiff, &refusal) != OV_OK) {
        if (refusal == OV_DATABASE_ACCEPTED) {
            abort();
        }
        return;
    }
    if (ov_cdiff_unpack(&cdiff, &script) == OV_OK && script.size != cdiff.script_bytes) {
        abort();
    }
}

static struct ov_span take_part(struct ov_span *rest) {
    size_t size = ov_span_find(*rest, 0, 0);
    struct ov_span part = ov_span_part(*rest, 0, size);
    *rest = ov_span_from(*rest, size + 1);
    return part;
}

static void add_member(struct ov_feed_members *members, const char *name, struct ov_span bytes) {
    struct ov_feed_member *member;
    if (ov_feed_members_add(members, ov_span_text(name), &member) == OV_OK) {
        member->bytes = bytes;
    }
}

static void try_script(struct ov_span rest) {
    OV_CLEANUP(ov_feed_members_release) struct ov_feed_members members = {0};
    struct ov_span script = take_part(&rest);
    struct ov_script_end end = {0};
    size_t sum = 0;
    add_member(&members, "a.ndb", ov_span_part(take_part(&rest), 0, MOST_BYTES / 2));
    add_member(&members, "b.hdb", ov_span_part(take_part(&rest), 0, MOST_BYTES / 2));
    enum ov_status status = ov_script_run(script, MOST_BYTES, &members, &end);
    for (uint32_t i = 0; i < members.count; i++) {
        sum += members.items[i].bytes.size;
        if (!ov_feed_name_is_sound(ov_span_text(members.items[i].name)) ||
            (i > 0 && strcmp(members.items[i - 1].name, members.items[i].name) >= 0)) {
            abort();
        }
    }
    if ((status == OV_OK && sum > MOST_BYTES) ||
        (status == OV_DAMAGED && (end.refusal == OV_DATABASE_ACCEPTED || end.line == 0))) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    try_file(ov_span_make(data, size));
    try_script(ov_span_make(data, size));
    return 0;
}
