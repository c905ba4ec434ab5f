// SPDX-License-Identifier: Apache-2.0
// The rpm database of SQLite (rpmdb.sqlite): the rows of its table Packages.
//
// A reader of the tree of one table, and of nothing else: sqlite.org/fileformat2.html, sections 1.3
// (header), 1.6 (b-tree pages), 2.1 (records) and 2.6 (schema). Freed pages and indices are not
// looked at.
#include "survey/readers.h"

#include "base/buf.h"
#include "base/cursor.h"

enum {
    HEADER_BYTES = 100,
    PAGE_BYTES_AT = 16,
    RESERVED_AT = 20,
    PAGE_INTERIOR = 5, // of a table
    PAGE_LEAF = 13,
    DEPTH_MAX = 24,
    COLUMNS_MAX = 5, // that are looked at
    PAYLOAD_BYTES_MOST = 256 << 20,
    USABLE_LEAST = 480,
};

struct sqlite {
    struct ov_span bytes;
    size_t page_bytes, usable_bytes;
    uint64_t left_pages; // that may still be visited: pages may be named more than once
    uint64_t left_bytes; // likewise
    uint32_t root;       // of the table Packages; 0: not known yet
    struct ov_buf payload;
    struct ov_survey_out *out;
    enum ov_status (*on_row)(struct sqlite *sqlite, struct ov_span record);
};

struct column {
    uint64_t type;
    struct ov_span bytes;
};

static void release_sqlite(struct sqlite *sqlite) {
    ov_buf_release(&sqlite->payload);
}

static uint64_t take_varint(struct ov_cursor *in) {
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint8_t byte = ov_cursor_u8(in);
        value = value << 7 | (byte & 0x7f);
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    return value << 8 | ov_cursor_u8(in);
}

// ---- records ----------------------------------------------------------------------------------

// Bytes that a value of a serial type takes (2.1).
static uint64_t size_value(uint64_t type) {
    static const uint8_t sizes[12] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
    return type < 12 ? sizes[type] : (type - 12) / 2;
}

static enum ov_status read_record(struct ov_span record, struct column columns[COLUMNS_MAX]) {
    struct ov_cursor in = ov_cursor_init(record);
    uint64_t header_bytes = take_varint(&in);
    struct ov_cursor types = ov_cursor_init(
        ov_span_part(record, 0, header_bytes < record.size ? (size_t)header_bytes : record.size));
    ov_cursor_seek(&types, in.at);
    ov_cursor_seek(&in, header_bytes);
    for (unsigned i = 0; i < COLUMNS_MAX; i++) {
        columns[i] = (struct column){0};
        if (ov_cursor_left(&types) > 0) {
            columns[i].type = take_varint(&types);
            columns[i].bytes = ov_cursor_bytes(&in, size_value(columns[i].type));
        }
    }
    return in.has_failed || types.has_failed ? OV_DAMAGED : OV_OK;
}

static bool is_text(const struct column *column, const char *text) {
    return column->type >= 13 && column->type % 2 == 1 && ov_span_is_text(column->bytes, text);
}

// ---- tree -------------------------------------------------------------------------------------

static enum ov_status read_page(struct sqlite *sqlite, uint32_t number, struct ov_span *ret_page) {
    struct ov_cursor in = ov_cursor_init(sqlite->bytes);
    if (number == 0 || sqlite->left_pages == 0) {
        return OV_DAMAGED;
    }
    sqlite->left_pages--;
    ov_cursor_seek(&in, (uint64_t)(number - 1) * sqlite->page_bytes);
    struct ov_span page = ov_cursor_bytes(&in, sqlite->page_bytes);
    TRY(ov_cursor_status(&in));
    *ret_page = ov_span_part(page, 0, sqlite->usable_bytes);
    return OV_OK;
}

// Bytes of a payload that stand on its leaf (1.6).
static uint64_t size_local(const struct sqlite *sqlite, uint64_t size) {
    uint64_t usable = sqlite->usable_bytes;
    uint64_t most = usable - 35;
    uint64_t least = (usable - 12) * 32 / 255 - 23;
    if (size <= most) {
        return size;
    }
    uint64_t local = least + (size - least) % (usable - 4);
    return local <= most ? local : least;
}

static enum ov_status read_payload(struct sqlite *sqlite, struct ov_cursor *in, uint64_t size,
                                   struct ov_span *ret_payload) {
    if (size > PAYLOAD_BYTES_MOST || size > sqlite->left_bytes) {
        return OV_DAMAGED;
    }
    sqlite->left_bytes -= size;
    struct ov_span local = ov_cursor_bytes(in, size_local(sqlite, size));
    if (local.size == size) {
        *ret_payload = local;
        return ov_cursor_status(in);
    }
    uint32_t next = ov_cursor_u32be(in);
    TRY(ov_cursor_status(in));
    ov_buf_reset(&sqlite->payload);
    ov_buf_add(&sqlite->payload, local.data, local.size);
    while (sqlite->payload.size < size) {
        struct ov_span page;
        TRY(read_page(sqlite, next, &page));
        struct ov_cursor more = ov_cursor_init(page);
        next = ov_cursor_u32be(&more);
        struct ov_span part = ov_span_part(page, 4, (size_t)size - sqlite->payload.size);
        ov_buf_add(&sqlite->payload, part.data, part.size);
        TRY(ov_buf_status(&sqlite->payload));
    }
    *ret_payload = ov_buf_span(&sqlite->payload);
    return OV_OK;
}

static enum ov_status read_row(struct sqlite *sqlite, struct ov_cursor *in) {
    struct ov_span payload;
    uint64_t size = take_varint(in);
    (void)take_varint(in); // number of the row
    TRY(read_payload(sqlite, in, size, &payload));
    return sqlite->on_row(sqlite, payload);
}

// One damaged row does not hide the others.
static enum ov_status note_damage(struct sqlite *sqlite, enum ov_status status) {
    if (status != OV_DAMAGED) {
        return status;
    }
    ov_survey_problem(sqlite->out, "a page or a package cannot be read", 0);
    return OV_OK;
}

// NOLINTNEXTLINE(misc-no-recursion): the depth is limited.
static enum ov_status walk_tree(struct sqlite *sqlite, uint32_t number, unsigned depth) {
    struct ov_span page;
    if (depth > DEPTH_MAX) {
        return OV_DAMAGED;
    }
    TRY(read_page(sqlite, number, &page));
    struct ov_cursor head = ov_cursor_init(page);
    ov_cursor_seek(&head, number == 1 ? HEADER_BYTES : 0);
    uint8_t type = ov_cursor_u8(&head);
    ov_cursor_skip(&head, 2);
    unsigned cell_count = ov_cursor_u16be(&head);
    ov_cursor_skip(&head, 3);
    uint32_t last = type == PAGE_INTERIOR ? ov_cursor_u32be(&head) : 0;
    if (type != PAGE_INTERIOR && type != PAGE_LEAF) {
        return OV_DAMAGED;
    }
    for (unsigned i = 0; i < cell_count; i++) {
        struct ov_cursor cell = ov_cursor_init(page);
        ov_cursor_seek(&cell, ov_cursor_u16be(&head));
        if (head.has_failed || cell.has_failed) {
            return OV_DAMAGED;
        }
        enum ov_status status = type == PAGE_LEAF
                                    ? read_row(sqlite, &cell)
                                    : walk_tree(sqlite, ov_cursor_u32be(&cell), depth + 1);
        TRY(note_damage(sqlite, status));
    }
    return last > 0 ? note_damage(sqlite, walk_tree(sqlite, last, depth + 1)) : OV_OK;
}

// ---- rows -------------------------------------------------------------------------------------

// The schema: type, name, table, page of the root, SQL.
static enum ov_status take_schema(struct sqlite *sqlite, struct ov_span record) {
    struct column columns[COLUMNS_MAX];
    TRY(read_record(record, columns));
    if (is_text(&columns[0], "table") && is_text(&columns[1], "Packages")) {
        struct ov_cursor in = ov_cursor_init(columns[3].bytes);
        uint64_t root = columns[3].type == 9; // the constant 1
        while (ov_cursor_left(&in) > 0) {
            root = root << 8 | ov_cursor_u8(&in);
        }
        sqlite->root = root <= UINT32_MAX ? (uint32_t)root : 0;
    }
    return OV_OK;
}

// Packages: hnum INTEGER PRIMARY KEY, blob BLOB. The last column is the header.
static enum ov_status take_package(struct sqlite *sqlite, struct ov_span record) {
    struct column columns[COLUMNS_MAX];
    TRY(read_record(record, columns));
    bool is_blob = columns[1].type >= 12 && columns[1].type % 2 == 0;
    return is_blob ? ov_survey_rpm_header(columns[1].bytes, sqlite->out) : OV_DAMAGED;
}

static enum ov_status read_head(struct sqlite *sqlite) {
    struct ov_cursor in = ov_cursor_init(sqlite->bytes);
    struct ov_span magic = ov_cursor_bytes(&in, PAGE_BYTES_AT);
    size_t page_bytes = ov_cursor_u16be(&in);
    ov_cursor_seek(&in, RESERVED_AT);
    size_t reserved = ov_cursor_u8(&in);
    page_bytes = page_bytes == 1 ? 65536 : page_bytes;
    bool is_power = (page_bytes & (page_bytes - 1)) == 0;
    if (in.has_failed || !ov_span_is_equal(magic, ov_span_make("SQLite format 3", PAGE_BYTES_AT)) ||
        !is_power || page_bytes < 512 || page_bytes - reserved < USABLE_LEAST) {
        return OV_DAMAGED;
    }
    sqlite->page_bytes = page_bytes;
    sqlite->usable_bytes = page_bytes - reserved;
    sqlite->left_pages = 2 * (sqlite->bytes.size / page_bytes) + 2;
    return OV_OK;
}

enum ov_status ov_survey_rpm_sqlite(struct ov_span bytes, struct ov_survey_out *out) {
    OV_CLEANUP(release_sqlite)
    struct sqlite sqlite = {.bytes = bytes, .left_bytes = 2 * (uint64_t)bytes.size, .out = out};
    if (bytes.size == 0) {
        ov_survey_problem(out, "empty: what it holds stands in rpmdb.sqlite-wal, or nowhere", 0);
        return OV_OK;
    }
    TRY(read_head(&sqlite));
    sqlite.on_row = take_schema;
    TRY(walk_tree(&sqlite, 1, 0));
    if (sqlite.root == 0) {
        ov_survey_problem(out, "it has no table Packages", 0);
        return OV_OK;
    }
    sqlite.on_row = take_package;
    return walk_tree(&sqlite, sqlite.root, 0);
}
