// SPDX-License-Identifier: Apache-2.0
// Volumes of NTFS: the files of the master file table, with all their streams.
#include "format/archive/ntfs.h"

#include "format/format.h"
#include "format/codec/utf16.h"

enum {
    SECTOR_BYTES_MIN = 512,
    RECORD_BYTES_MAX = 65536,
    CLUSTER_BYTES_MAX = 2 << 20,
    IS_IN_USE = 1,
    FIRST_USER_RECORD = 16, // before it, what the file system keeps for itself
    ROOT_RECORD = 5,
    KIND_LIST = 0x20,
    KIND_NAME = 0x30,
    KIND_DATA = 0x80,
    NAMESPACE_DOS = 2,
    NAME_AT = 66,
    DEPTH_MAX = 32,
    PATH_BYTES_MAX = 1024,
};

static const uint64_t record_mask = 0xffffffffffff; // of a reference; above it, how often used

// A record, with the ends of its sectors put right.
struct record {
    struct ov_buf bytes;
    struct ov_cursor attributes; // at the first
    uint16_t flags;
    uint64_t base; // of one that has no room for all: the record that it belongs to
};

struct table {
    struct ov_ntfs ntfs;
    struct ov_span records;
    struct record file, other; // what is told, and what is looked up for it
    struct ov_span list;       // of attributes that stand elsewhere
    struct ov_buf list_bytes, path, stream_name, whole;
    bool is_encrypted;
};

// ---- records -----------------------------------------------------------------------------------

// The last two bytes of each sector stand in the record's header, and a number in their place.
static bool repair_sectors(struct ov_buf *bytes) {
    struct ov_cursor in = ov_cursor_init(ov_buf_span(bytes));
    ov_cursor_seek(&in, 4);
    uint16_t at = ov_cursor_u16le(&in), count = ov_cursor_u16le(&in);
    ov_cursor_seek(&in, at);
    uint16_t number = ov_cursor_u16le(&in);
    bool is_whole = true;
    for (size_t end = SECTOR_BYTES_MIN; end <= bytes->size && count > 1; end += SECTOR_BYTES_MIN) {
        uint8_t low = ov_cursor_u8(&in), high = ov_cursor_u8(&in);
        is_whole = is_whole && bytes->data[end - 2] == (number & 0xff) &&
                   bytes->data[end - 1] == number >> 8;
        if (!in.has_failed) {
            bytes->data[end - 2] = low;
            bytes->data[end - 1] = high;
        }
        count--;
    }
    return is_whole && !in.has_failed;
}

// OV_END: there is no such record.
static enum ov_status load_record(struct table *table, uint64_t number, struct record *record) {
    size_t size = table->ntfs.record_bytes;
    struct ov_span bytes = ov_span_make(NULL, 0);
    if (number < table->records.size / size) {
        bytes = ov_span_part(table->records, number * size, size);
    }
    if (!ov_span_has_prefix(bytes, "FILE")) {
        return OV_END;
    }
    ov_buf_reset(&record->bytes);
    ov_buf_add(&record->bytes, bytes.data, bytes.size);
    TRY(ov_buf_status(&record->bytes));
    bool is_whole = repair_sectors(&record->bytes);
    table->ntfs.is_damaged = table->ntfs.is_damaged || !is_whole;
    record->attributes = ov_cursor_init(ov_buf_span(&record->bytes));
    struct ov_cursor *in = &record->attributes;
    ov_cursor_seek(in, 20);
    uint16_t first_at = ov_cursor_u16le(in);
    record->flags = ov_cursor_u16le(in);
    ov_cursor_seek(in, 32);
    record->base = ov_cursor_u64le(in) & record_mask;
    ov_cursor_seek(in, first_at);
    return OV_OK;
}

// The first attribute of a record that is of a kind, has a name and begins at a cluster.
static bool find_attribute(const struct record *record, uint32_t kind, struct ov_span name,
                           uint64_t first, struct ov_ntfs_attribute *ret_attribute) {
    struct ov_cursor in = record->attributes;
    struct ov_ntfs_attribute attribute;
    while (ov_ntfs_next(&in, &attribute)) {
        if (attribute.kind == kind && attribute.first == first &&
            ov_span_is_equal(attribute.name, name)) {
            *ret_attribute = attribute;
            return true;
        }
    }
    return false;
}

// ---- attributes in other records ---------------------------------------------------------------

// An entry of the list of attributes that stand in several records.
struct listed {
    uint32_t kind;
    struct ov_span name;
    uint64_t first, record;
};

static bool read_listed(struct ov_cursor *in, struct listed *ret_listed) {
    struct ov_span rest = ov_span_from(in->bytes, in->at);
    struct listed listed = {.kind = ov_cursor_u32le(in)};
    uint16_t size = ov_cursor_u16le(in);
    uint32_t name_units = ov_cursor_u8(in), name_at = ov_cursor_u8(in);
    listed.first = ov_cursor_u64le(in);
    listed.record = ov_cursor_u64le(in) & record_mask;
    listed.name = ov_span_part(ov_span_part(rest, 0, size), name_at, (size_t)name_units * 2);
    if (in->has_failed || size < 24) {
        return false;
    }
    ov_cursor_skip(in, size - 24u);
    *ret_listed = listed;
    return true;
}

// ---- paths -------------------------------------------------------------------------------------

// The name of a record, and the record of the folder that it stands in. Files have a second name
// for DOS.
static bool read_name(const struct record *record, struct ov_span *ret_name, uint64_t *ret_folder) {
    struct ov_cursor in = record->attributes;
    struct ov_ntfs_attribute attribute;
    bool has_name = false;
    while (ov_ntfs_next(&in, &attribute)) {
        if (attribute.kind != KIND_NAME || attribute.value.size < NAME_AT) {
            continue;
        }
        struct ov_cursor value = ov_cursor_init(attribute.value);
        uint64_t folder = ov_cursor_u64le(&value) & record_mask;
        ov_cursor_seek(&value, NAME_AT - 2);
        uint32_t units = ov_cursor_u8(&value);
        uint8_t space = ov_cursor_u8(&value);
        if (!has_name || space != NAMESPACE_DOS) {
            *ret_name = ov_span_part(attribute.value, NAME_AT, (size_t)units * 2);
            *ret_folder = folder;
            has_name = true;
        }
        if (space != NAMESPACE_DOS) {
            break;
        }
    }
    return has_name;
}

// The name of a file whose record had no room for it.
static enum ov_status find_listed_name(struct table *table, bool *ret_has_name,
                                       struct ov_span *ret_name, uint64_t *ret_folder) {
    struct ov_cursor in = ov_cursor_init(table->list);
    struct listed listed;
    while (!*ret_has_name && read_listed(&in, &listed)) {
        TRY(ov_walk_has_time(table->ntfs.walk));
        if (listed.kind != KIND_NAME) {
            continue;
        }
        enum ov_status status = load_record(table, listed.record, &table->other);
        if (status != OV_OK && status != OV_END) {
            return status;
        }
        *ret_has_name = status == OV_OK && read_name(&table->other, ret_name, ret_folder);
    }
    return OV_OK;
}

// Names come from the file upwards: each is put before what there is.
static enum ov_status make_path(struct table *table) {
    OV_CLEANUP(ov_buf_release) struct ov_buf above = {0};
    struct ov_span name = ov_span_make(NULL, 0);
    uint64_t folder = ROOT_RECORD;
    ov_buf_reset(&table->path);
    bool has_name = read_name(&table->file, &name, &folder);
    if (!has_name) {
        TRY(find_listed_name(table, &has_name, &name, &folder));
    }
    if (has_name) {
        ov_utf16_add_bytes(&table->path, name);
    }
    for (unsigned i = 0; i < DEPTH_MAX && folder != ROOT_RECORD; i++) {
        enum ov_status status = load_record(table, folder, &table->other);
        if (status != OV_OK) {
            return status == OV_END ? OV_OK : status;
        }
        if (!read_name(&table->other, &name, &folder)) {
            return OV_OK;
        }
        ov_buf_reset(&above);
        ov_utf16_add_bytes(&above, name);
        ov_buf_add_u8(&above, '/');
        ov_buf_add(&above, table->path.data, table->path.size);
        ov_buf_reset(&table->path);
        ov_buf_add(&table->path, above.data,
                   above.size < PATH_BYTES_MAX ? above.size : PATH_BYTES_MAX);
        TRY(ov_buf_status(&above));
    }
    return ov_buf_status(&table->path);
}

// ---- streams -----------------------------------------------------------------------------------

// Adds the runs of a stream that stand in other records, one record after another.
static enum ov_status add_listed_runs(struct table *table, struct ov_span name) {
    struct ov_cursor in = ov_cursor_init(table->list);
    struct listed listed;
    while (read_listed(&in, &listed)) {
        TRY(ov_walk_has_time(table->ntfs.walk));
        if (listed.kind != KIND_DATA || listed.first != table->ntfs.run_clusters ||
            listed.first == 0 || !ov_span_is_equal(listed.name, name)) {
            continue;
        }
        enum ov_status status = load_record(table, listed.record, &table->other);
        struct ov_ntfs_attribute part;
        if (status == OV_OK &&
            find_attribute(&table->other, KIND_DATA, name, listed.first, &part)) {
            ov_ntfs_add_runs(&table->ntfs, part.runs);
        } else if (status == OV_MEMORY) {
            return status;
        }
    }
    return OV_OK;
}

static enum ov_status tell_stream(struct table *table, const struct ov_ntfs_attribute *stream) {
    struct ov_ntfs *ntfs = &table->ntfs;
    size_t path_bytes = table->path.size;
    ntfs->run_count = 0;
    ntfs->run_clusters = 0;
    ov_ntfs_add_runs(ntfs, stream->runs);
    ov_buf_reset(&table->stream_name); // the record that has it may make way for another
    ov_buf_add(&table->stream_name, stream->name.data, stream->name.size);
    if (stream->name.size > 0) {
        ov_buf_add_u8(&table->path, ':');
        ov_utf16_add_bytes(&table->path, stream->name);
    }
    TRY(ov_buf_status(&table->stream_name));
    TRY(ov_buf_status(&table->path));
    struct ov_span bytes = stream->value;
    if (!stream->is_resident) {
        TRY(add_listed_runs(table, ov_buf_span(&table->stream_name)));
        TRY(ov_ntfs_read(ntfs, stream, &table->whole, &bytes));
    }
    if ((stream->flags & OV_NTFS_ENCRYPTED) != 0 && !table->is_encrypted) {
        table->is_encrypted = true;
        ov_walk_fact(ntfs->walk, OV_FACT_ENCRYPTED);
    }
    enum ov_status status = ov_walk_stored(ntfs->walk, bytes, ov_buf_span(&table->path));
    table->path.size = path_bytes;
    return status;
}

// Streams whose beginning stands in another record than the file's own.
static enum ov_status tell_listed(struct table *table, uint64_t number) {
    struct ov_cursor in = ov_cursor_init(table->list);
    struct listed listed;
    while (read_listed(&in, &listed)) {
        TRY(ov_walk_has_time(table->ntfs.walk));
        if (listed.kind != KIND_DATA || listed.first != 0 || listed.record == number) {
            continue;
        }
        enum ov_status status = load_record(table, listed.record, &table->other);
        struct ov_ntfs_attribute stream;
        if (status == OV_OK && find_attribute(&table->other, KIND_DATA, listed.name, 0, &stream)) {
            TRY(tell_stream(table, &stream));
        } else if (status != OV_END && status != OV_OK) {
            return status;
        }
    }
    return OV_OK;
}

static enum ov_status read_list(struct table *table) {
    struct ov_ntfs_attribute list;
    table->list = ov_span_make(NULL, 0);
    if (!find_attribute(&table->file, KIND_LIST, ov_span_make(NULL, 0), 0, &list)) {
        return OV_OK;
    }
    table->ntfs.run_count = 0;
    ov_ntfs_add_runs(&table->ntfs, list.runs);
    return ov_ntfs_read(&table->ntfs, &list, &table->list_bytes, &table->list);
}

static enum ov_status tell_file(struct table *table, uint64_t number) {
    enum ov_status status = load_record(table, number, &table->file);
    if (status != OV_OK) {
        return status == OV_END ? OV_OK : status;
    }
    if ((table->file.flags & IS_IN_USE) == 0 || table->file.base != 0) {
        return OV_OK;
    }
    TRY(read_list(table));
    TRY(make_path(table));
    struct ov_cursor in = table->file.attributes;
    struct ov_ntfs_attribute stream;
    while (ov_ntfs_next(&in, &stream)) {
        if (stream.kind == KIND_DATA && stream.first == 0) {
            TRY(tell_stream(table, &stream));
        }
    }
    return tell_listed(table, number);
}

// ---- the volume --------------------------------------------------------------------------------

// The first record of the table tells of the table itself.
static enum ov_status walk_table(struct table *table, uint64_t table_at, struct ov_buf *whole) {
    struct ov_ntfs *ntfs = &table->ntfs;
    struct ov_ntfs_attribute own;
    table->records = ov_span_part(ntfs->volume, table_at, ntfs->record_bytes);
    enum ov_status status = load_record(table, 0, &table->file);
    if (status != OV_OK ||
        !find_attribute(&table->file, KIND_DATA, ov_span_make(NULL, 0), 0, &own)) {
        return status == OV_MEMORY ? status : OV_DAMAGED;
    }
    ov_ntfs_add_runs(ntfs, own.runs);
    TRY(ov_ntfs_read(ntfs, &own, whole, &table->records));
    TRY(read_list(table));
    if (table->list.size > 0) { // it lies in more pieces than its record has room for
        ntfs->run_count = 0;
        ntfs->run_clusters = 0;
        ov_ntfs_add_runs(ntfs, own.runs);
        TRY(add_listed_runs(table, ov_span_make(NULL, 0)));
        TRY(ov_ntfs_read(ntfs, &own, &table->whole, &table->records));
        ov_buf_release(whole);
        *whole = table->whole; // the records stay where they are
        table->whole = (struct ov_buf){0};
    }
    uint64_t count = table->records.size / ntfs->record_bytes;
    for (uint64_t number = FIRST_USER_RECORD; number < count; number++) {
        TRY(ov_walk_has_time(ntfs->walk));
        TRY(tell_file(table, number));
    }
    return ntfs->is_damaged ? OV_DAMAGED : OV_OK;
}

// A size in clusters, or, with a sign, as a power of two in bytes.
static uint32_t read_size(uint8_t value, uint32_t unit_bytes) {
    return value < 0x80 ? value * unit_bytes : value > 0xe0 ? 1u << (256 - value) : 0;
}

static bool read_boot(struct ov_ntfs *ntfs, uint64_t *ret_table_at) {
    struct ov_cursor in = ov_cursor_init(ntfs->volume);
    ov_cursor_seek(&in, 11);
    uint32_t sector_bytes = ov_cursor_u16le(&in);
    uint32_t sectors = ov_cursor_u8(&in); // of a cluster
    sectors = sectors <= 0x80 ? sectors : sectors >= 0xf4 ? 1u << (256 - sectors) : 0;
    ov_cursor_seek(&in, 48);
    uint64_t table_cluster = ov_cursor_u64le(&in);
    ov_cursor_seek(&in, 64);
    uint8_t record_size = ov_cursor_u8(&in);
    uint64_t cluster_bytes = (uint64_t)sectors * sector_bytes;
    ntfs->cluster_bytes = (uint32_t)cluster_bytes;
    bool is_usual = sector_bytes >= SECTOR_BYTES_MIN && sector_bytes <= 4096 && sectors > 0 &&
                    cluster_bytes <= CLUSTER_BYTES_MAX;
    ntfs->record_bytes = is_usual ? read_size(record_size, ntfs->cluster_bytes) : 0;
    return is_usual && !in.has_failed && ntfs->record_bytes >= SECTOR_BYTES_MIN &&
           ntfs->record_bytes <= RECORD_BYTES_MAX && ntfs->record_bytes % SECTOR_BYTES_MIN == 0 &&
           !__builtin_mul_overflow(table_cluster, ntfs->cluster_bytes, ret_table_at);
}

static enum ov_status walk_ntfs(struct ov_cursor *in, struct ov_walk *walk) {
    struct table table = {.ntfs = {.walk = walk, .volume = in->bytes}};
    uint64_t table_at = 0;
    if (!read_boot(&table.ntfs, &table_at)) {
        return OV_DAMAGED;
    }
    table.ntfs.runs = ov_arena_array(walk->arena, OV_NTFS_RUNS_MAX, sizeof *table.ntfs.runs);
    if (table.ntfs.runs == NULL) {
        return OV_MEMORY;
    }
    struct ov_buf records = {0};
    enum ov_status status = walk_table(&table, table_at, &records);
    ov_buf_release(&records);
    ov_buf_release(&table.file.bytes);
    ov_buf_release(&table.other.bytes);
    ov_buf_release(&table.list_bytes);
    ov_buf_release(&table.path);
    ov_buf_release(&table.stream_name);
    ov_buf_release(&table.whole);
    return status;
}

static const struct ov_magic magics[] = {OV_MAGIC(3, "NTFS    ")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_NTFS, OV_MAGICS(magics), .walk = walk_ntfs, .is_beside = true},
};

OV_FORMAT_SET(ntfs, formats);
