// SPDX-License-Identifier: Apache-2.0
// File systems of the FAT family: FAT12, FAT16, FAT32, with long names.
//
// Microsoft, "FAT: General Overview of On-Disk Format", 1.03; ECMA-107.
#include "format/archive/disc.h"
#include "format/archive/folders.h"
#include "format/format.h"
#include "format/codec/pieces.h"
#include "format/codec/utf16.h"

enum {
    ENTRY_BYTES = 32,
    LIST_BYTES_MAX = 65536 * ENTRY_BYTES,
    FIRST_CLUSTER = 2,
    FAT12_CLUSTERS_MAX = 4084,
    ATTRIBUTE_LABEL = 0x08,
    ATTRIBUTE_FOLDER = 0x10,
    ATTRIBUTE_LONG_NAME = 0x0f,
    ENTRY_END = 0,
    ENTRY_DELETED = 0xe5,
    LONG_NAME_UNITS = 13, // in one entry
    LONG_NAME_ENTRIES = 20,
    LONG_NAME_LAST = 0x40,
    HAS_LOWER_NAME = 0x08,
    HAS_LOWER_ENDING = 0x10,
};

// What the boot sector says, in bytes.
struct layout {
    uint32_t sector_bytes, cluster_bytes;
    uint64_t table_at, table_bytes;
    uint64_t root_at, root_bytes; // of FAT12 and FAT16
    uint64_t data_at;
    uint32_t cluster_count;
    uint32_t root_cluster; // of FAT32
    unsigned bits;         // of an entry in the table
};

struct long_name {
    uint16_t units[LONG_NAME_ENTRIES * LONG_NAME_UNITS];
    uint8_t sum; // of the short name that it stands for
    bool is_used;
};

struct fat {
    struct layout layout;
    struct ov_disc disc;
    struct ov_span table;
    struct ov_folders folders;
    struct long_name long_name;
    struct ov_buf list, whole, path;
    bool is_damaged;
};

// ---- boot sector -------------------------------------------------------------------------------

static bool is_power(uint32_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

static bool read_layout(struct ov_span image, struct layout *ret_layout) {
    struct layout layout = {0};
    struct ov_cursor in = ov_cursor_init(image);
    ov_cursor_seek(&in, 11);
    layout.sector_bytes = ov_cursor_u16le(&in);
    uint32_t cluster_sectors = ov_cursor_u8(&in), reserved = ov_cursor_u16le(&in);
    uint32_t tables = ov_cursor_u8(&in), root_entries = ov_cursor_u16le(&in);
    uint32_t sectors = ov_cursor_u16le(&in), media = ov_cursor_u8(&in);
    uint32_t table_sectors = ov_cursor_u16le(&in);
    bool is_wide = table_sectors == 0;
    ov_cursor_seek(&in, 32);
    sectors = sectors != 0 ? sectors : ov_cursor_u32le(&in);
    ov_cursor_seek(&in, 36);
    table_sectors = is_wide ? ov_cursor_u32le(&in) : table_sectors;
    ov_cursor_seek(&in, 44);
    layout.root_cluster = ov_cursor_u32le(&in);
    if (in.has_failed || !is_power(layout.sector_bytes) || layout.sector_bytes < 512 ||
        layout.sector_bytes > 4096 || !is_power(cluster_sectors) || reserved == 0 || tables == 0 ||
        tables > 4 || media < 0xf0 || table_sectors == 0) {
        return false;
    }
    uint64_t sector_bytes = layout.sector_bytes;
    layout.cluster_bytes = layout.sector_bytes * cluster_sectors;
    layout.table_at = reserved * sector_bytes;
    layout.table_bytes = table_sectors * sector_bytes;
    layout.root_at = layout.table_at + tables * layout.table_bytes;
    layout.root_bytes = (uint64_t)root_entries * ENTRY_BYTES;
    layout.data_at =
        layout.root_at + (layout.root_bytes + sector_bytes - 1) / sector_bytes * sector_bytes;
    uint64_t end = sectors * sector_bytes;
    uint64_t clusters = end > layout.data_at ? (end - layout.data_at) / layout.cluster_bytes : 0;
    layout.cluster_count = (uint32_t)clusters;
    layout.bits = is_wide ? 32 : clusters <= FAT12_CLUSTERS_MAX ? 12 : 16;
    *ret_layout = layout;
    return clusters > 0;
}

static bool is_fat(struct ov_span object) {
    struct layout layout;
    return read_layout(object, &layout);
}

// ---- chains of clusters ------------------------------------------------------------------------

// The cluster that follows; 0 at the end of a chain.
static uint32_t get_next(const struct fat *fat, uint32_t cluster) {
    uint64_t bit_at = (uint64_t)cluster * fat->layout.bits;
    struct ov_cursor in = ov_cursor_init(ov_span_part(fat->table, bit_at / 8, 4));
    uint32_t value =
        fat->layout.bits == 32 ? ov_cursor_u32le(&in) & 0x0fffffff : ov_cursor_u16le(&in);
    if (fat->layout.bits == 12) {
        value = bit_at % 8 != 0 ? value >> 4 : value & 0xfff;
    }
    bool is_inside = value >= FIRST_CLUSTER && value - FIRST_CLUSTER < fat->layout.cluster_count;
    return is_inside ? value : 0;
}

// The first `size` bytes of a chain. `ret_left` is how many of them there are not.
static enum ov_status read_chain(struct fat *fat, uint32_t cluster, uint64_t size,
                                 struct ov_buf *whole, struct ov_span *ret_bytes,
                                 uint64_t *ret_left) {
    const struct layout *layout = &fat->layout;
    struct ov_pieces pieces = ov_pieces_init(fat->disc.walk, whole);
    enum ov_status status = OV_OK;
    uint64_t left = size;
    uint32_t seen = 0;
    while (cluster >= FIRST_CLUSTER && left > 0 && status == OV_OK) {
        TRY(ov_walk_has_time(fat->disc.walk));
        uint32_t first = cluster, count = 0;
        do { // as long as one cluster lies behind the other
            count++;
            cluster = get_next(fat, first + count - 1);
        } while (cluster == first + count && (uint64_t)count * layout->cluster_bytes < left);
        seen += count;
        uint64_t at = layout->data_at + (uint64_t)(first - FIRST_CLUSTER) * layout->cluster_bytes;
        uint64_t run = (uint64_t)count * layout->cluster_bytes;
        struct ov_span bytes = ov_span_part(fat->disc.image, at, run < left ? run : left);
        left -= bytes.size;
        status = ov_pieces_add(&pieces, bytes, bytes.size);
        if (bytes.size == 0 || seen > layout->cluster_count) {
            break; // behind the end of the image; or a circle
        }
    }
    if (status == OV_MEMORY) {
        return status;
    }
    *ret_bytes = ov_pieces_span(&pieces);
    *ret_left = status == OV_LIMIT ? 0 : left;
    return ov_walk_has_time(fat->disc.walk);
}

// ---- names -------------------------------------------------------------------------------------

static uint8_t sum_up(struct ov_span name) {
    uint8_t sum = 0;
    for (size_t i = 0; i < name.size; i++) {
        sum = (uint8_t)((sum << 7 | sum >> 1) + name.data[i]);
    }
    return sum;
}

// Entries with pieces of a long name stand before the one with the short name, the last piece
// first.
static void take_long_name(struct long_name *name, struct ov_span entry) {
    static const struct { uint8_t at, count; } places[] = {{1, 5}, {14, 6}, {28, 2}};
    unsigned number = entry.data[0] & (LONG_NAME_LAST - 1u);
    if ((entry.data[0] & LONG_NAME_LAST) != 0) {
        *name = (struct long_name){.sum = entry.data[13], .is_used = true};
    }
    if (number == 0 || number > LONG_NAME_ENTRIES || name->sum != entry.data[13]) {
        name->is_used = false;
        return;
    }
    uint32_t unit = (number - 1) * LONG_NAME_UNITS;
    for (size_t i = 0; i < OV_COUNT(places); i++) {
        struct ov_cursor in = ov_cursor_init(ov_span_from(entry, places[i].at));
        for (unsigned k = 0; k < places[i].count; k++) {
            name->units[unit++] = ov_cursor_u16le(&in);
        }
    }
}

static void add_long_name(struct ov_buf *path, const struct long_name *name) {
    size_t count = 0;
    while (count < OV_COUNT(name->units) && name->units[count] != 0) {
        count++;
    }
    for (size_t i = 0; i < count;) {
        i += ov_utf16_add(path, &name->units[i], count - i);
    }
}

// Part of a short name, without the blanks behind it.
static void add_padded(struct ov_buf *path, struct ov_span text, bool is_lower) {
    size_t size = text.size;
    while (size > 0 && text.data[size - 1] == ' ') {
        size--;
    }
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = text.data[i];
        bool is_letter = byte >= 'A' && byte <= 'Z';
        ov_buf_add_u8(path, is_lower && is_letter ? byte | 0x20 : byte);
    }
}

static void add_name(struct fat *fat, struct ov_span entry, struct ov_span folder) {
    struct ov_span name = ov_span_part(entry, 0, 11), ending = ov_span_from(name, 8);
    uint8_t flags = entry.data[12];
    ov_buf_reset(&fat->path);
    ov_buf_add(&fat->path, folder.data, folder.size);
    if (fat->long_name.is_used && fat->long_name.sum == sum_up(name)) {
        add_long_name(&fat->path, &fat->long_name);
        return;
    }
    add_padded(&fat->path, ov_span_part(name, 0, 8), (flags & HAS_LOWER_NAME) != 0);
    if (ending.data[0] != ' ') {
        ov_buf_add_u8(&fat->path, '.');
        add_padded(&fat->path, ending, (flags & HAS_LOWER_ENDING) != 0);
    }
}

// ---- folders and files -------------------------------------------------------------------------

static enum ov_status tell_file(struct fat *fat, uint32_t cluster, uint32_t size) {
    struct ov_span bytes = ov_span_make(NULL, 0);
    uint64_t left = 0;
    if (size > 0 && !ov_disc_is_new(&fat->disc, cluster, size)) {
        return OV_OK;
    }
    TRY(read_chain(fat, cluster, size, &fat->whole, &bytes, &left));
    fat->is_damaged = fat->is_damaged || left > 0;
    return ov_walk_stored(fat->disc.walk, bytes, ov_buf_span(&fat->path));
}

static enum ov_status take_entry(struct fat *fat, struct ov_span entry, struct ov_span folder) {
    uint8_t attributes = entry.data[11];
    if ((attributes & 0x3f) == ATTRIBUTE_LONG_NAME) {
        take_long_name(&fat->long_name, entry);
        return OV_OK;
    }
    bool is_folder = (attributes & ATTRIBUTE_FOLDER) != 0;
    bool is_told = entry.data[0] != '.' && ((attributes & ATTRIBUTE_LABEL) == 0 || is_folder);
    if (is_told) {
        add_name(fat, entry, folder);
        TRY(ov_buf_status(&fat->path));
    }
    fat->long_name.is_used = false;
    if (!is_told) {
        return OV_OK;
    }
    struct ov_cursor in = ov_cursor_init(entry);
    ov_cursor_seek(&in, 20);
    uint32_t high = fat->layout.bits == 32 ? ov_cursor_u16le(&in) : 0;
    ov_cursor_seek(&in, 26);
    uint32_t cluster = high << 16 | ov_cursor_u16le(&in);
    uint32_t size = ov_cursor_u32le(&in);
    if (!is_folder) {
        return tell_file(fat, cluster, size);
    }
    ov_buf_add_u8(&fat->path, '/');
    TRY(ov_buf_status(&fat->path));
    // A size that no file has: a file may begin at the same place.
    struct ov_folder found = {.path = ov_buf_span(&fat->path), .at = cluster};
    return ov_disc_is_new(&fat->disc, cluster, UINT64_MAX)
               ? ov_folders_add(&fat->folders, fat->disc.walk, found)
               : OV_OK;
}

static enum ov_status walk_list(struct fat *fat, struct ov_span list, struct ov_span folder) {
    fat->long_name.is_used = false;
    for (size_t at = 0; at + ENTRY_BYTES <= list.size; at += ENTRY_BYTES) {
        TRY(ov_walk_has_time(fat->disc.walk));
        struct ov_span entry = ov_span_part(list, at, ENTRY_BYTES);
        if (entry.data[0] == ENTRY_END) {
            break;
        }
        if (entry.data[0] != ENTRY_DELETED) {
            TRY(take_entry(fat, entry, folder));
        }
    }
    return OV_OK;
}

static enum ov_status walk_folder(struct fat *fat, uint32_t cluster, struct ov_span path) {
    struct ov_span list = ov_span_make(NULL, 0);
    uint64_t left = 0;
    TRY(read_chain(fat, cluster, LIST_BYTES_MAX, &fat->list, &list, &left));
    fat->is_damaged = fat->is_damaged || list.size == 0;
    return walk_list(fat, list, path);
}

static enum ov_status walk_folders(struct fat *fat) {
    const struct layout *layout = &fat->layout;
    if (layout->bits == 32) {
        TRY(walk_folder(fat, layout->root_cluster, ov_span_text("")));
    } else {
        struct ov_span root = ov_span_part(fat->disc.image, layout->root_at, layout->root_bytes);
        TRY(walk_list(fat, root, ov_span_text("")));
    }
    for (const struct ov_folder *at = fat->folders.first; at != NULL; at = at->next) {
        TRY(walk_folder(fat, (uint32_t)at->at, at->path));
    }
    return OV_OK;
}

static enum ov_status walk_fat(struct ov_cursor *in, struct ov_walk *walk) {
    struct fat fat = {0};
    if (!read_layout(in->bytes, &fat.layout)) {
        return OV_DAMAGED;
    }
    TRY(ov_disc_init(&fat.disc, in->bytes, OV_DISC_SECTOR_BYTES, walk));
    fat.table = ov_span_part(in->bytes, fat.layout.table_at, fat.layout.table_bytes);
    enum ov_status status = walk_folders(&fat);
    ov_buf_release(&fat.list);
    ov_buf_release(&fat.whole);
    ov_buf_release(&fat.path);
    TRY(status);
    return fat.is_damaged ? OV_DAMAGED : OV_OK;
}

// Old disks have no mark at the end of the boot sector, and not all that have one name themselves.
static const struct ov_magic magics[] = {
    OV_MAGIC(510, "\x55\xaa"),
    OV_MAGIC(54, "FAT1"),
    OV_MAGIC(82, "FAT32"),
};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_FAT,
     OV_MAGICS(magics),
     .is_sure = is_fat,
     .walk = walk_fat,
     .is_beside = true},
};

OV_FORMAT_SET(fat, formats);
