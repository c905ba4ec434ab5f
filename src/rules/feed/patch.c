// SPDX-License-Identifier: Apache-2.0
// Applies updates one by one, each to what came out of the one before.
#include "rules/feed/patch.h"

#include "rules/feed/cdiff.h"
#include "rules/feed/script.h"

static enum ov_status refuse(struct ov_database_report *report, enum ov_database_refusal refusal) {
    report->refusal = refusal;
    return OV_DAMAGED;
}

static enum ov_status run_script(const struct ov_cdiff *cdiff, const struct ov_feed_policy *policy,
                                 struct ov_feed_database *database, struct ov_buf *script,
                                 struct ov_database_report *report) {
    struct ov_script_end end = {0};
    enum ov_status status = ov_cdiff_unpack(cdiff, script);
    if (status != OV_OK) {
        return status == OV_DAMAGED ? refuse(report, OV_DATABASE_BAD_SCRIPT_GZIP) : status;
    }
    status = ov_script_run(ov_buf_span(script), policy->most_bytes, &database->members, &end);
    if (status == OV_DAMAGED) {
        report->line = end.line;
        return refuse(report, end.refusal);
    }
    return status;
}

// What the members, as they are now, say of themselves: the header of the new list.
static enum ov_status read_new_header(const struct ov_feed_members *members, uint64_t version,
                                      struct ov_database_report *report,
                                      struct ov_feed_info *ret_info) {
    const struct ov_feed_member *list = ov_feed_members_info(members);
    if (list == NULL) {
        return refuse(report, OV_DATABASE_NO_INFO);
    }
    if (ov_feed_info_read(list->bytes, ret_info) != OV_OK) {
        return refuse(report, OV_DATABASE_BAD_INFO);
    }
    return ret_info->header.version == version ? OV_OK : refuse(report, OV_DATABASE_BAD_RESULT);
}

static bool is_same_name(const char *before, const struct ov_database_report *report) {
    return strcmp(before, report->name) == 0;
}

static enum ov_status apply(const struct ov_feed_file *file, const struct ov_feed_policy *policy,
                            struct ov_feed_database *database, struct ov_database_report *report) {
    OV_CLEANUP(ov_buf_release) struct ov_buf script = {0};
    struct ov_cdiff cdiff;
    struct ov_feed_info info;
    char name[OV_DATABASE_NAME_BYTES];
    enum ov_database_refusal refusal = OV_DATABASE_BAD_CDIFF;
    memcpy(name, report->name, sizeof name);
    if (ov_cdiff_read(file->bytes, policy->keys.by_id[OV_VENDOR_CDIFF], &cdiff, &refusal) !=
        OV_OK) {
        return refuse(report, refusal);
    }
    TRY(ov_feed_sign_verify(file, policy, report));
    if (cdiff.version != database->header.version + 1) {
        return refuse(report, OV_DATABASE_OTHER_VERSION);
    }
    TRY(run_script(&cdiff, policy, database, &script, report));
    TRY(read_new_header(&database->members, cdiff.version, report, &info));
    database->header = info.header;
    TRY(ov_feed_members_verify(&database->members, &database->header,
                               policy->keys.by_id[OV_VENDOR_INFO], report));
    return is_same_name(name, report) ? OV_OK : refuse(report, OV_DATABASE_BAD_RESULT);
}

// ---- the new database --------------------------------------------------------------------------

// As freshclam writes it: the header is the first line of the list, the licence comes first, then
// the list. The others follow by name.
static enum ov_status write_database(const struct ov_feed_database *database,
                                     struct ov_database_report *report, struct ov_buf *out) {
    const struct ov_feed_member *list = ov_feed_members_info(&database->members);
    const struct ov_feed_member *licence =
        ov_feed_members_find(&database->members, ov_span_text("COPYING"));
    struct ov_feed_info info;
    if (list == NULL || licence == NULL || ov_feed_info_read(list->bytes, &info) != OV_OK ||
        info.line.size > OV_FEED_HEADER_BYTES) {
        return refuse(report, OV_DATABASE_BAD_RESULT);
    }
    ov_buf_reset(out);
    ov_buf_add(out, info.line.data, info.line.size);
    while (out->size < OV_FEED_HEADER_BYTES && !out->has_failed) {
        ov_buf_add_u8(out, ' ');
    }
    ov_tar_add(out, ov_span_text(licence->name), licence->bytes);
    ov_tar_add(out, ov_span_text(list->name), list->bytes);
    for (uint32_t i = 0; i < database->members.count; i++) {
        const struct ov_feed_member *member = &database->members.items[i];
        if (member != licence && member != list) {
            ov_tar_add(out, ov_span_text(member->name), member->bytes);
        }
    }
    ov_tar_end(out);
    return ov_buf_status(out);
}

// ---- all ---------------------------------------------------------------------------------------

// Nobody but the vendor signs databases, and this one is made here.
static enum ov_status verify_old(const struct ov_feed_file *file,
                                 const struct ov_feed_policy *policy,
                                 struct ov_database_report *report,
                                 struct ov_feed_database *ret_database) {
    struct ov_feed_policy own = *policy;
    own.is_sign_demanded = policy->is_sign_demanded && !file->is_local;
    return ov_feed_file_verify(file, &own, report, ret_database);
}

enum ov_status ov_feed_patch(struct ov_feed_patch *patch, const struct ov_feed_policy *policy,
                             struct ov_database_report *report, struct ov_buf *out) {
    struct ov_feed_database database;
    patch->at = 0;
    TRY(verify_old(&patch->files[0], policy, report, &database));
    enum ov_status status = OV_OK;
    for (uint32_t i = 1; status == OV_OK && i < patch->file_count; i++) {
        patch->at = i;
        status = apply(&patch->files[i], policy, &database, report);
    }
    status = status == OV_OK ? write_database(&database, report, out) : status;
    ov_feed_database_release(&database);
    report->is_local = true;
    report->checks = OV_DATABASE_INFO;
    report->has_sign = false;
    memset(report->signer, 0, sizeof report->signer);
    return status;
}
