// SPDX-License-Identifier: Apache-2.0
// The rpm database of Berkeley DB (Packages): a hash table in pages, of which every one is looked
// at, so that no chain can lead astray.
//
// Berkeley DB 5.3, dbinc/db_page.h: the layouts of DBMETA, PAGE, HKEYDATA and HOFFPAGE. Numbers
// have the byte order of the machine that wrote it; rpm's own headers are big-endian always.
#include "survey/readers.h"

#include "base/buf.h"
#include "base/cursor.h"

enum {
    MAGIC_AT = 12,
    PAGE_BYTES_AT = 20,
    HASH_MAGIC = 0x061561,
    PAGE_HEADER_BYTES = 26,
    NEXT_AT = 16,
    TYPE_HASH_UNSORTED = 2,
    TYPE_OVERFLOW = 7,
    TYPE_HASH = 13,
    ITEM_DATA = 1,
    ITEM_OFF_PAGE = 3,
    PAGE_BYTES_LEAST = 512,
    PAGE_BYTES_MOST = 65536,
    BLOB_BYTES_MOST = 256 << 20, // what rpm allows
};

struct bdb {
    struct ov_span bytes;
    size_t page_bytes;
    bool is_big;
    uint64_t left_bytes; // that may still be put together: pages may be named more than once
    struct ov_buf blob;
};

struct page {
    struct ov_span bytes;
    uint32_t next;
    uint16_t entry_count, used;
    uint8_t type;
};

static void release_bdb(struct bdb *bdb) {
    ov_buf_release(&bdb->blob);
}

static uint32_t take_u32(const struct bdb *bdb, struct ov_cursor *in) {
    return bdb->is_big ? ov_cursor_u32be(in) : ov_cursor_u32le(in);
}

static uint16_t take_u16(const struct bdb *bdb, struct ov_cursor *in) {
    return bdb->is_big ? ov_cursor_u16be(in) : ov_cursor_u16le(in);
}

static enum ov_status read_page(const struct bdb *bdb, uint64_t number, struct page *ret_page) {
    struct ov_cursor file = ov_cursor_init(bdb->bytes);
    ov_cursor_seek(&file, number * bdb->page_bytes);
    struct page page = {.bytes = ov_cursor_bytes(&file, bdb->page_bytes)};
    struct ov_cursor in = ov_cursor_init(page.bytes);
    ov_cursor_seek(&in, NEXT_AT);
    page.next = take_u32(bdb, &in);
    page.entry_count = take_u16(bdb, &in);
    page.used = take_u16(bdb, &in);
    ov_cursor_skip(&in, 1); // level
    page.type = ov_cursor_u8(&in);
    if (file.has_failed || in.has_failed) {
        return OV_DAMAGED;
    }
    *ret_page = page;
    return OV_OK;
}

// Puts together what stands on pages of its own.
static enum ov_status gather(struct bdb *bdb, uint32_t first, uint32_t size) {
    ov_buf_reset(&bdb->blob);
    if (size > BLOB_BYTES_MOST || size > bdb->left_bytes) {
        return OV_DAMAGED;
    }
    bdb->left_bytes -= size;
    uint32_t number = first;
    while (bdb->blob.size < size) {
        struct page page;
        TRY(read_page(bdb, number, &page));
        struct ov_span part = ov_span_part(page.bytes, PAGE_HEADER_BYTES, page.used);
        if (page.type != TYPE_OVERFLOW || part.size == 0) {
            return OV_DAMAGED;
        }
        ov_buf_add(&bdb->blob, part.data, part.size);
        TRY(ov_buf_status(&bdb->blob));
        number = page.next;
    }
    return bdb->blob.size == size ? OV_OK : OV_DAMAGED;
}

static enum ov_status read_item(struct bdb *bdb, struct ov_span item, struct ov_survey_out *out) {
    struct ov_cursor in = ov_cursor_init(item);
    uint8_t type = ov_cursor_u8(&in);
    if (type == ITEM_DATA) {
        // Shorter ones are the number of the last package.
        struct ov_span data = ov_cursor_bytes(&in, ov_cursor_left(&in));
        return data.size > 8 ? ov_survey_rpm_header(data, out) : OV_OK;
    }
    if (type != ITEM_OFF_PAGE) {
        return OV_DAMAGED;
    }
    ov_cursor_skip(&in, 3);
    uint32_t first = take_u32(bdb, &in);
    uint32_t size = take_u32(bdb, &in);
    TRY(ov_cursor_status(&in));
    TRY(gather(bdb, first, size));
    return ov_survey_rpm_header(ov_buf_span(&bdb->blob), out);
}

// Items stand from the end of the page on: each ends where the one before it begins. Every second
// is data, the others are keys.
static enum ov_status read_hash_page(struct bdb *bdb, const struct page *page,
                                     struct ov_survey_out *out) {
    struct ov_cursor in = ov_cursor_init(page->bytes);
    size_t end = page->bytes.size;
    bool has_damage = false;
    ov_cursor_skip(&in, PAGE_HEADER_BYTES);
    for (unsigned i = 0; i < page->entry_count; i++) {
        size_t start = take_u16(bdb, &in);
        if (in.has_failed || start >= end || start < PAGE_HEADER_BYTES) {
            return OV_DAMAGED;
        }
        enum ov_status status =
            i % 2 == 1 ? read_item(bdb, ov_span_part(page->bytes, start, end - start), out) : OV_OK;
        if (status != OV_OK && status != OV_DAMAGED) {
            return status;
        }
        has_damage = has_damage || status == OV_DAMAGED;
        end = start;
    }
    return has_damage ? OV_DAMAGED : OV_OK;
}

static enum ov_status read_meta(struct bdb *bdb) {
    struct ov_cursor in = ov_cursor_init(bdb->bytes);
    ov_cursor_seek(&in, MAGIC_AT);
    bdb->is_big = ov_cursor_u32le(&in) != HASH_MAGIC;
    ov_cursor_seek(&in, MAGIC_AT);
    uint32_t magic = take_u32(bdb, &in);
    ov_cursor_seek(&in, PAGE_BYTES_AT);
    bdb->page_bytes = take_u32(bdb, &in);
    bool is_power = (bdb->page_bytes & (bdb->page_bytes - 1)) == 0;
    bool is_sound = !in.has_failed && magic == HASH_MAGIC && is_power &&
                    bdb->page_bytes >= PAGE_BYTES_LEAST && bdb->page_bytes <= PAGE_BYTES_MOST;
    return is_sound ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_survey_rpm_bdb(struct ov_span bytes, struct ov_survey_out *out) {
    OV_CLEANUP(release_bdb) struct bdb bdb = {.bytes = bytes, .left_bytes = bytes.size};
    TRY(read_meta(&bdb));
    uint64_t page_count = bytes.size / bdb.page_bytes;
    for (uint64_t i = 1; i < page_count; i++) {
        struct page page;
        TRY(read_page(&bdb, i, &page));
        enum ov_status status = OV_OK;
        if (page.type == TYPE_HASH || page.type == TYPE_HASH_UNSORTED) {
            status = read_hash_page(&bdb, &page, out);
        }
        if (status == OV_DAMAGED) {
            ov_survey_problem(out, "a package cannot be read", 0);
        } else {
            TRY(status);
        }
    }
    if (bytes.size % bdb.page_bytes != 0) {
        ov_survey_problem(out, "ends in the middle of a page", 0);
    }
    return OV_OK;
}
