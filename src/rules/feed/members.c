// SPDX-License-Identifier: Apache-2.0
// A sorted array: there are a few hundred at most.
#include "rules/feed/members.h"

#include <stdlib.h>

bool ov_feed_name_is_sound(struct ov_span name) {
    if (name.size == 0 || name.size >= OV_TAR_NAME_BYTES || name.data[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-') {
            return false;
        }
    }
    return true;
}

static int compare(struct ov_span name, const struct ov_feed_member *member) {
    struct ov_span other = ov_span_text(member->name);
    size_t size = name.size < other.size ? name.size : other.size;
    int order = memcmp(name.data, other.data, size);
    return order != 0 ? order : (name.size > other.size) - (name.size < other.size);
}

// Where the name is, or belongs.
static uint32_t find_place(const struct ov_feed_members *members, struct ov_span name) {
    uint32_t low = 0, high = members->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare(name, &members->items[middle]) > 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct ov_feed_member *ov_feed_members_find(const struct ov_feed_members *members,
                                            struct ov_span name) {
    uint32_t at = find_place(members, name);
    bool is_there = at < members->count && compare(name, &members->items[at]) == 0;
    return is_there ? &members->items[at] : NULL;
}

enum ov_status ov_feed_members_add(struct ov_feed_members *members, struct ov_span name,
                                   struct ov_feed_member **ret_member) {
    if (members->count == OV_FEED_MEMBERS_MAX) {
        return OV_LIMIT;
    }
    if (members->items == NULL) {
        members->items = calloc(OV_FEED_MEMBERS_MAX, sizeof *members->items);
        if (members->items == NULL) {
            return OV_MEMORY;
        }
    }
    uint32_t at = find_place(members, name);
    struct ov_feed_member *member = &members->items[at];
    memmove(member + 1, member, (members->count - at) * sizeof *member);
    *member = (struct ov_feed_member){0};
    memcpy(member->name, name.data, name.size);
    members->count++;
    *ret_member = member;
    return OV_OK;
}

void ov_feed_members_remove(struct ov_feed_members *members, struct ov_feed_member *member) {
    size_t at = (size_t)(member - members->items);
    ov_buf_release(&member->own);
    memmove(member, member + 1, (members->count - at - 1) * sizeof *member);
    members->count--;
}

void ov_feed_member_set(struct ov_feed_member *member, struct ov_buf *bytes) {
    ov_buf_release(&member->own);
    member->own = *bytes;
    member->bytes = ov_buf_span(&member->own);
    *bytes = (struct ov_buf){0};
}

static bool is_zero(struct ov_span bytes) {
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.data[i] != 0) {
            return false;
        }
    }
    return true;
}

static enum ov_status read_all(struct ov_clamav_archive *archive, struct ov_feed_members *members) {
    struct ov_clamav_member found;
    enum ov_status status;
    while ((status = ov_clamav_archive_next(archive, &found)) == OV_OK) {
        struct ov_feed_member *member;
        if (!ov_feed_name_is_sound(found.name) ||
            ov_feed_members_find(members, found.name) != NULL) {
            return OV_DAMAGED;
        }
        TRY(ov_feed_members_add(members, found.name, &member));
        member->bytes = found.bytes;
    }
    bool is_end =
        status == OV_END && !archive->has_tail && is_zero(ov_span_from(archive->tar, archive->at));
    return is_end ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_feed_members_read(struct ov_clamav_archive *archive,
                                    struct ov_feed_members *ret_members) {
    struct ov_feed_members members = {0};
    enum ov_status status = read_all(archive, &members);
    if (status != OV_OK) {
        ov_feed_members_release(&members);
        return status == OV_MEMORY ? OV_MEMORY : OV_DAMAGED;
    }
    *ret_members = members;
    return OV_OK;
}

void ov_feed_members_release(struct ov_feed_members *members) {
    for (uint32_t i = 0; i < members->count; i++) {
        ov_buf_release(&members->items[i].own);
    }
    free(members->items);
    *members = (struct ov_feed_members){0};
}
