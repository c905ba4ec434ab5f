// SPDX-License-Identifier: Apache-2.0
// rooms: rules
//
// Databases as whoever stands between the vendor and us may change them: all that is read before a
// signature was checked, and what follows it, for seeds that are signed.
//
// Input: one byte, 1 for a .cld; then the file.
#include "feed_keys.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_BYTES = 1 << 20 };

static void try_verify(struct ov_span bytes, bool is_local) {
    struct ov_feed_file file = {.bytes = bytes, .is_local = is_local};
    struct ov_feed_policy policy = {.most_bytes = MOST_BYTES};
    struct ov_database_report report = {0};
    struct ov_feed_database database = {0};
    for (unsigned id = 0; id < OV_VENDOR_KEY_COUNT; id++) {
        policy.keys.by_id[id] = &feed_keys[id];
    }
    enum ov_status status = ov_feed_file_verify(&file, &policy, &report, &database);
    if ((status == OV_DAMAGED) != (report.refusal != OV_DATABASE_ACCEPTED) ||
        (status == OV_OK && (report.checks & OV_DATABASE_INFO) == 0)) {
        abort();
    }
    ov_feed_database_release(&database);
}

// The list of members, whoever signed it.
static void try_info(struct ov_span bytes) {
    struct ov_feed_info info;
    struct ov_feed_entry entry;
    if (ov_feed_info_read(bytes, &info) != OV_OK) {
        return;
    }
    struct ov_span rest = info.entries;
    size_t count = 0;
    while (ov_feed_entry_next(&rest, &entry) == OV_OK) {
        count++;
        if (!ov_feed_name_is_sound(entry.name)) {
            abort();
        }
    }
    if (count > bytes.size / OV_SHA256_BYTES) {
        abort();
    }
}

// What was read, and written again, is read as the same.
static void try_again(const struct ov_feed_members *members) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    OV_CLEANUP(ov_feed_members_release) struct ov_feed_members again = {0};
    for (uint32_t i = 0; i < members->count; i++) {
        ov_tar_add(&out, ov_span_text(members->items[i].name), members->items[i].bytes);
    }
    ov_tar_end(&out);
    struct ov_clamav_archive archive = {.tar = ov_buf_span(&out)};
    if (ov_feed_members_read(&archive, &again) != OV_OK || again.count != members->count) {
        abort();
    }
    for (uint32_t i = 0; i < members->count; i++) {
        if (strcmp(again.items[i].name, members->items[i].name) != 0 ||
            !ov_span_is_equal(again.items[i].bytes, members->items[i].bytes)) {
            abort();
        }
    }
}

static void try_members(struct ov_span bytes) {
    struct ov_clamav_archive archive = {0};
    struct ov_feed_members members = {0};
    if (ov_clamav_archive_open(bytes, MOST_BYTES, &archive) != OV_OK) {
        return;
    }
    if (ov_feed_members_read(&archive, &members) == OV_OK) {
        const struct ov_feed_member *list = ov_feed_members_info(&members);
        try_again(&members);
        if (list != NULL) {
            try_info(list->bytes);
        }
        ov_feed_members_release(&members);
    }
    ov_clamav_archive_close(&archive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_span bytes = ov_span_make(data, size);
    if (size > 0) {
        try_verify(ov_span_from(bytes, 1), (data[0] & 1) != 0);
        try_members(ov_span_from(bytes, 1));
        try_info(ov_span_from(bytes, 1));
    }
    return 0;
}
