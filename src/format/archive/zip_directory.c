// SPDX-License-Identifier: Apache-2.0
// Which central directories a zip has, and their entries in order of the members' places.
#include "format/archive/zip.h"

#include <stdlib.h>

enum {
    TAIL_BYTES = 0xffff + OV_ZIP_END_BYTES, // an end record with the longest comment
    ENDS_MAX = 16,                          // the last ones are looked at
};

static struct ov_span end_signature(void) {
    return ov_span_make("PK\5\6", 4);
}

// The last places of end records at or after `from`, in order.
static size_t find_ends(struct ov_span file, size_t from, size_t *places) {
    size_t count = 0, found[ENDS_MAX];
    size_t at = ov_span_search(file, from, end_signature());
    for (; at < file.size; at = ov_span_search(file, at + 1, end_signature())) {
        found[count++ % ENDS_MAX] = at;
    }
    size_t kept = count < ENDS_MAX ? count : ENDS_MAX;
    for (size_t i = 0; i < kept; i++) {
        places[i] = found[(count - kept + i) % ENDS_MAX];
    }
    return kept;
}

// How many entries stand there, however many the end record tells of.
static size_t count_entries(struct ov_span file, uint64_t at) {
    struct ov_cursor in = ov_cursor_init(file);
    ov_cursor_seek(&in, at);
    struct ov_zip_member member;
    size_t count = 0;
    while (ov_zip_read_central(&in, 0, &member) == OV_OK) {
        count++;
    }
    return count;
}

// Many more entries than a scan may look at are cut.
static size_t cut_count(struct ov_zip *zip, size_t count) {
    const struct ov_arena *arena = zip->walk->arena;
    size_t most = (arena->cap_bytes - arena->used_bytes) / 4 / sizeof *zip->members;
    most = most > zip->count ? most - zip->count : 0;
    if (count > most) {
        ov_budget_note(zip->walk->budget, OV_LIMIT_FILES);
        ov_zip_note(zip, OV_LIMIT);
    }
    return count < most ? count : most;
}

static bool has_local(struct ov_span file, uint64_t at) {
    return at < file.size && ov_span_has_prefix(ov_span_from(file, (size_t)at), "PK\3\4");
}

// Bytes that were put before the directory, and not before the archive, move it alone.
static void settle_place(struct ov_span file, uint64_t base, struct ov_zip_member *member) {
    uint64_t told_at = member->local_at - base;
    if (base > 0 && !has_local(file, member->local_at) && has_local(file, told_at)) {
        member->local_at = told_at;
    }
}

static enum ov_status read_directory(struct ov_zip *zip, struct ov_zip_directory directory) {
    size_t count = cut_count(zip, count_entries(zip->file, directory.at));
    if (count == 0) {
        return OV_OK;
    }
    struct ov_zip_member *members =
        ov_arena_array(zip->walk->arena, zip->count + count, sizeof *members);
    if (members == NULL) {
        return OV_MEMORY;
    }
    for (size_t i = 0; i < zip->count; i++) {
        members[i] = zip->members[i];
    }
    struct ov_cursor in = ov_cursor_init(zip->file);
    ov_cursor_seek(&in, directory.at);
    for (size_t i = 0; i < count; i++) {
        struct ov_zip_member *member = &members[zip->count];
        if (ov_zip_read_central(&in, directory.base, member) != OV_OK) {
            break; // the bytes have changed meanwhile
        }
        settle_place(zip->file, directory.base, member);
        member->number = (uint32_t)++zip->count;
    }
    zip->members = members;
    return OV_OK;
}

// Whether the place lies inside a member: what a zip inside the zip says of itself.
static bool is_inside(const struct ov_zip *zip, uint64_t at) {
    for (size_t i = 0; i < zip->count; i++) {
        const struct ov_zip_member *member = &zip->members[i];
        struct ov_cursor in = ov_cursor_init(zip->file);
        struct ov_zip_reading local;
        ov_cursor_seek(&in, member->local_at);
        if (at > member->local_at && ov_zip_read_local(&in, &local) == OV_OK && at > in.at &&
            at - in.at < member->central.packed_bytes) {
            return true;
        }
    }
    return false;
}

// The last end record counts, and others near it that lie in no member: which one a program takes
// depends on where it starts to look.
static enum ov_status read_ends(struct ov_zip *zip, const size_t *places, size_t count) {
    uint64_t done[ENDS_MAX * OV_ZIP_DIRECTORIES_MAX];
    size_t done_count = 0;
    for (size_t i = count; i > 0; i--) {
        if (is_inside(zip, places[i - 1])) {
            continue;
        }
        struct ov_zip_end end = ov_zip_read_end(zip->file, places[i - 1]);
        zip->is_split = zip->is_split || (end.is_split && i == count);
        for (uint32_t k = 0; k < end.count; k++) {
            bool is_new = true;
            for (size_t d = 0; d < done_count; d++) {
                is_new = is_new && done[d] != end.directories[k].at;
            }
            if (is_new) {
                done[done_count++] = end.directories[k].at;
                TRY(read_directory(zip, end.directories[k]));
            }
        }
    }
    return OV_OK;
}

static int compare_u64(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

static int compare_members(const void *left, const void *right) {
    const struct ov_zip_member *a = left, *b = right;
    int order = compare_u64(a->local_at, b->local_at);
    order = order != 0 ? order : compare_u64(a->central.packed_bytes, b->central.packed_bytes);
    return order != 0 ? order : compare_u64(a->number, b->number);
}

enum ov_status ov_zip_read_directories(struct ov_zip *zip) {
    size_t places[ENDS_MAX];
    size_t tail_at = zip->file.size > TAIL_BYTES ? zip->file.size - TAIL_BYTES : 0;
    TRY(read_ends(zip, places, find_ends(zip->file, tail_at, places)));
    if (zip->count == 0 && tail_at > 0) {
        TRY(read_ends(zip, places, find_ends(zip->file, 0, places)));
    }
    if (zip->count > 1) {
        qsort(zip->members, zip->count, sizeof *zip->members, compare_members);
    }
    return OV_OK;
}

struct ov_zip_end ov_zip_find_end(struct ov_span file) {
    size_t places[ENDS_MAX];
    size_t count = find_ends(file, file.size > TAIL_BYTES ? file.size - TAIL_BYTES : 0, places);
    struct ov_zip_end end = {0};
    while (count > 0 && end.count == 0) {
        end = ov_zip_read_end(file, places[--count]);
    }
    return end;
}
