// SPDX-License-Identifier: Apache-2.0
// zip archives: members of the central directory, and those of which only a local header tells.
#include "format/format.h"
#include "format/archive/zip.h"

// Searching for descriptors may go over a file a few times and no more.
enum { SEARCHES = 4 };

static struct ov_span local_signature(void) {
    return ov_span_make("PK\3\4", 4);
}

// Members between two that are known: hidden ones, and all of them when there is no directory.
static enum ov_status walk_gap(struct ov_zip *zip, uint64_t from, uint64_t to) {
    struct ov_span file = zip->file;
    // A signature may begin before the end of the gap and go on behind it.
    struct ov_span gap = ov_span_part(file, 0, to < file.size ? (size_t)to + 3 : file.size);
    size_t at = ov_span_search(gap, (size_t)from, local_signature());
    while (at < gap.size) {
        TRY(ov_walk_has_time(zip->walk));
        struct ov_cursor in = ov_cursor_init(file);
        struct ov_zip_reading reading;
        ov_cursor_seek(&in, at);
        uint64_t end = 0;
        if (ov_zip_read_local(&in, &reading) == OV_OK && ov_zip_is_method(reading.method)) {
            struct ov_zip_member member = {.local_at = at};
            TRY(ov_zip_tell_member(zip, &member, to, &end));
        }
        size_t next = end > at + 4 && end <= file.size ? (size_t)end : at + 4;
        at = ov_span_search(gap, next, local_signature());
    }
    return OV_OK;
}

static bool is_same_data(const struct ov_zip_member *a, const struct ov_zip_member *b) {
    return a->local_at == b->local_at && a->central.packed_bytes == b->central.packed_bytes &&
           a->central.method == b->central.method && a->central.flags == b->central.flags;
}

// An entry that says once more what the one before said is skipped; a new name for the same data
// is told without it.
static enum ov_status walk_again(struct ov_zip *zip, const struct ov_zip_member *before,
                                 const struct ov_zip_member *member) {
    zip->overlaps++;
    if (ov_span_is_equal(before->central.name, member->central.name)) {
        return OV_OK;
    }
    return ov_zip_tell(zip, &member->central, ov_span_make(NULL, 0));
}

static enum ov_status walk_members(struct ov_zip *zip) {
    uint64_t at = 0;
    for (size_t i = 0; i < zip->count; i++) {
        const struct ov_zip_member *member = &zip->members[i];
        TRY(ov_walk_has_time(zip->walk));
        if (i > 0 && is_same_data(member, &zip->members[i - 1])) {
            TRY(walk_again(zip, &zip->members[i - 1], member));
            continue;
        }
        if (at < member->local_at) {
            TRY(walk_gap(zip, at, member->local_at));
        }
        bool is_last = i + 1 == zip->count;
        uint64_t limit = is_last ? zip->file.size : zip->members[i + 1].local_at;
        uint64_t end = 0;
        TRY(ov_zip_tell_member(zip, member, limit, &end));
        at = end > at ? end : at;
    }
    return walk_gap(zip, at, zip->file.size);
}

static enum ov_status walk_zip(struct ov_cursor *in, struct ov_walk *walk) {
    struct ov_zip zip = {.file = in->bytes, .walk = walk};
    zip.search_left = (uint64_t)in->bytes.size * SEARCHES;
    TRY(ov_zip_read_directories(&zip));
    TRY(walk_members(&zip));
    if (zip.is_split) {
        ov_zip_note(&zip, OV_DAMAGED); // what stands on the other disks is missing
    }
    return zip.status;
}

static const struct ov_magic magics[] = {
    OV_MAGIC(0, "PK\x03\x04"), OV_MAGIC(0, "PK00PK\x03\x04"), // written to one disk of a set
};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_ZIP, OV_MAGICS(magics), .refine = ov_zip_document_type, .walk = walk_zip},
    {.type = OV_FILETYPE_OOXML_HWP, .walk = walk_zip},
    {.type = OV_FILETYPE_OOXML_PPT, .walk = walk_zip},
    {.type = OV_FILETYPE_OOXML_WORD, .walk = walk_zip},
    {.type = OV_FILETYPE_OOXML_XL, .walk = walk_zip},
};

OV_FORMAT_SET(zip, formats);
