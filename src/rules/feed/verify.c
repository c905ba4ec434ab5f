// SPDX-License-Identifier: Apache-2.0
// The checks of a database, in their order. Who wrote it has a say in all that is looked at.
#include "rules/feed/verify.h"

#include "base/hex.h"

static const char ending[] = ".info";

struct ov_feed_keys ov_feed_vendor_keys(void) {
    struct ov_feed_keys keys;
    for (unsigned id = 0; id < OV_VENDOR_KEY_COUNT; id++) {
        keys.by_id[id] = ov_vendor_key((enum ov_vendor_key_id)id);
    }
    return keys;
}

static enum ov_status refuse(struct ov_database_report *report, enum ov_database_refusal refusal) {
    report->refusal = refusal;
    return OV_DAMAGED;
}

// ---- header ------------------------------------------------------------------------------------

static enum ov_status read_header(struct ov_span bytes, struct ov_database_report *report,
                                  struct ov_feed_header *ret_header) {
    struct ov_span block = ov_span_part(bytes, 0, OV_FEED_HEADER_BYTES);
    if (block.size < OV_FEED_HEADER_BYTES) {
        return refuse(report, OV_DATABASE_NO_HEADER);
    }
    switch (ov_feed_header_read(ov_feed_header_trim(block), ret_header)) {
    case OV_OK:
        return OV_OK;
    case OV_UNSUPPORTED:
        return refuse(report, OV_DATABASE_NO_HEADER);
    default:
        return refuse(report, OV_DATABASE_BAD_HEADER);
    }
}

// What follows the header is covered by it: an MD5, in digits as clamscan compares them, and a
// signature of that. Where a .sign file does its work, both may be left out.
static enum ov_status check_legacy(struct ov_span body, const struct ov_feed_header *header,
                                   const struct ov_feed_policy *policy,
                                   struct ov_database_report *report) {
    if (header->md5.size <= 1 && header->signature.size <= 1) {
        return OV_OK;
    }
    uint8_t digest[OV_MD5_BYTES];
    char digits[2 * OV_MD5_BYTES + 1];
    ov_md5(body, digest);
    ov_hex_write(ov_span_make(digest, sizeof digest), digits);
    if (!ov_span_is_text(header->md5, digits)) {
        return refuse(report, OV_DATABASE_BAD_MD5);
    }
    if (!ov_vendor_verify_md5(policy->keys.by_id[OV_VENDOR_HEADER], header->signature, digest)) {
        return refuse(report, OV_DATABASE_BAD_LEGACY);
    }
    report->checks |= OV_DATABASE_LEGACY;
    return OV_OK;
}

// ---- body --------------------------------------------------------------------------------------

static enum ov_status unpack(struct ov_span bytes, const struct ov_feed_policy *policy,
                             struct ov_database_report *report, struct ov_feed_database *database) {
    switch (ov_clamav_archive_open(bytes, policy->most_bytes, &database->archive)) {
    case OV_OK:
        break;
    case OV_MEMORY:
        return OV_MEMORY;
    case OV_LIMIT:
        return refuse(report, OV_DATABASE_TOO_LARGE);
    default:
        return refuse(report, OV_DATABASE_BAD_GZIP);
    }
    enum ov_status status = ov_feed_members_read(&database->archive, &database->members);
    return status == OV_DAMAGED ? refuse(report, OV_DATABASE_BAD_TAR) : status;
}

static bool is_info(const char *name) {
    size_t size = strlen(name);
    return size > sizeof ending - 1 && strcmp(name + size - (sizeof ending - 1), ending) == 0;
}

const struct ov_feed_member *ov_feed_members_info(const struct ov_feed_members *members) {
    const struct ov_feed_member *found = NULL;
    for (uint32_t i = 0; i < members->count; i++) {
        if (is_info(members->items[i].name)) {
            if (found != NULL) {
                return NULL;
            }
            found = &members->items[i];
        }
    }
    return found;
}

// ---- members -----------------------------------------------------------------------------------

static enum ov_status check_entry(const struct ov_feed_member *member,
                                  const struct ov_feed_entry *entry,
                                  struct ov_database_report *report) {
    uint8_t digest[OV_SHA256_BYTES];
    if (member == NULL) {
        return refuse(report, OV_DATABASE_MISSING);
    }
    if (member->bytes.size != entry->bytes) {
        return refuse(report, OV_DATABASE_BAD_MEMBER);
    }
    ov_sha256(member->bytes, digest);
    bool is_same = memcmp(digest, entry->sha256, sizeof digest) == 0;
    return is_same ? OV_OK : refuse(report, OV_DATABASE_BAD_MEMBER);
}

// Holds each entry against its member, and marks those that were listed.
static enum ov_status check_entries(const struct ov_feed_members *members,
                                    const struct ov_feed_info *info, bool *is_listed,
                                    struct ov_database_report *report) {
    struct ov_span rest = info->entries;
    struct ov_feed_entry entry;
    enum ov_status status;
    while ((status = ov_feed_entry_next(&rest, &entry)) == OV_OK) {
        const struct ov_feed_member *member = ov_feed_members_find(members, entry.name);
        TRY(check_entry(member, &entry, report));
        size_t index = (size_t)(member - members->items);
        if (is_listed[index]) {
            return refuse(report, OV_DATABASE_BAD_INFO);
        }
        is_listed[index] = true;
        report->member_count++;
    }
    return status == OV_END ? OV_OK : refuse(report, OV_DATABASE_BAD_INFO);
}

// The licence and the list itself need not be listed; all others must be.
static enum ov_status check_members(const struct ov_feed_members *members,
                                    const struct ov_feed_info *info,
                                    struct ov_database_report *report) {
    bool is_listed[OV_FEED_MEMBERS_MAX] = {false};
    report->member_count = 0;
    TRY(check_entries(members, info, is_listed, report));
    for (uint32_t i = 0; i < members->count; i++) {
        const char *name = members->items[i].name;
        if (!is_listed[i] && !is_info(name) && strcmp(name, "COPYING") != 0) {
            return refuse(report, OV_DATABASE_STRANGER);
        }
    }
    return OV_OK;
}

// The name of the database, from that of its list. False when it is too long for a report.
static bool read_name(const char *info_name, struct ov_database_report *report) {
    size_t size = strlen(info_name) - (sizeof ending - 1);
    struct ov_span name = ov_span_make(info_name, size);
    if (size >= sizeof report->name || ov_span_find(name, 0, '.') < size) {
        return false;
    }
    memset(report->name, 0, sizeof report->name);
    memcpy(report->name, info_name, size);
    return true;
}

enum ov_status ov_feed_members_verify(const struct ov_feed_members *members,
                                      const struct ov_feed_header *header,
                                      const struct ov_rsa_key *key,
                                      struct ov_database_report *report) {
    const struct ov_feed_member *list = ov_feed_members_info(members);
    struct ov_feed_info info;
    if (list == NULL || !read_name(list->name, report)) {
        return refuse(report, OV_DATABASE_NO_INFO);
    }
    if (ov_feed_info_read(list->bytes, &info) != OV_OK) {
        return refuse(report, OV_DATABASE_BAD_INFO);
    }
    if (!ov_feed_info_is_signed(&info, key)) {
        return refuse(report, OV_DATABASE_BAD_INFO_SIGN);
    }
    if (!ov_feed_header_is_same(header, &info.header)) {
        return refuse(report, OV_DATABASE_OTHER_INFO);
    }
    TRY(check_members(members, &info, report));
    report->checks |= OV_DATABASE_INFO;
    report->version = info.header.version;
    report->rule_count = info.header.rule_count;
    report->level = info.header.level;
    report->time = info.header.time;
    return OV_OK;
}

// ---- .sign files -------------------------------------------------------------------------------

enum ov_status ov_feed_sign_verify(const struct ov_feed_file *file,
                                   const struct ov_feed_policy *policy,
                                   struct ov_database_report *report) {
    report->has_sign = file->has_sign;
    if (!file->has_sign || policy->anchors == NULL) {
        return policy->is_sign_demanded ? refuse(report, OV_DATABASE_NO_SIGN) : OV_OK;
    }
    switch (
        ov_feed_sign_check(file->sign, file->bytes, policy->anchors, policy->now, report->signer)) {
    case OV_OK:
        report->checks |= OV_DATABASE_SIGN;
        return OV_OK;
    case OV_MEMORY:
        return OV_MEMORY;
    case OV_DAMAGED:
        return refuse(report, OV_DATABASE_BAD_SIGN_FILE);
    default:
        return refuse(report, OV_DATABASE_BAD_SIGN);
    }
}

// ---- all ---------------------------------------------------------------------------------------

static enum ov_status verify(const struct ov_feed_file *file, const struct ov_feed_policy *policy,
                             struct ov_database_report *report, struct ov_feed_database *database) {
    struct ov_span body = ov_span_from(file->bytes, OV_FEED_HEADER_BYTES);
    TRY(read_header(file->bytes, report, &database->header));
    if (!file->is_local) {
        TRY(check_legacy(body, &database->header, policy, report));
    }
    TRY(ov_feed_sign_verify(file, policy, report));
    if (!file->is_local && (report->checks & (OV_DATABASE_LEGACY | OV_DATABASE_SIGN)) == 0) {
        return refuse(report, OV_DATABASE_UNSIGNED);
    }
    TRY(unpack(file->bytes, policy, report, database));
    return ov_feed_members_verify(&database->members, &database->header,
                                  policy->keys.by_id[OV_VENDOR_INFO], report);
}

enum ov_status ov_feed_file_verify(const struct ov_feed_file *file,
                                   const struct ov_feed_policy *policy,
                                   struct ov_database_report *report,
                                   struct ov_feed_database *ret_database) {
    struct ov_feed_database database = {0};
    report->is_local = file->is_local;
    enum ov_status status = verify(file, policy, report, &database);
    if (status != OV_OK) {
        ov_feed_database_release(&database);
        return status;
    }
    *ret_database = database;
    return OV_OK;
}

void ov_feed_database_release(struct ov_feed_database *database) {
    ov_feed_members_release(&database->members);
    ov_clamav_archive_close(&database->archive);
}
