// SPDX-License-Identifier: Apache-2.0
// Images of disks with partitions: a master boot record, a GUID partition table, Apple's map.
//
// UEFI Specification 2.10, 5.2 (MBR) and 5.3 (GPT); Inside Macintosh: Devices, 3 (SCSI Manager).
#include "format/archive/disk.h"
#include "format/archive/disk_overlap.h"
#include "format/format.h"
#include "format/codec/utf16.h"

// ---- master boot record ------------------------------------------------------------------------

enum {
    TABLE_AT = 446,
    ENTRIES = 4,
    ACTIVE = 0x80,
    TYPE_COVER = 0xee,      // what a GUID partition table shows to those who do not know it
    TYPE_COVER_SOME = 0xed, // the same, of a part of the disk
    CHAIN_MAX = 256,
};

struct entry {
    uint8_t status, type;
    struct ov_disk_place sectors;
};

static struct entry read_entry(struct ov_cursor *in) {
    struct entry entry = {.status = ov_cursor_u8(in)};
    ov_cursor_skip(in, 3);
    entry.type = ov_cursor_u8(in);
    ov_cursor_skip(in, 3);
    entry.sectors.at = ov_cursor_u32le(in);
    entry.sectors.size = ov_cursor_u32le(in);
    return entry;
}

static bool is_chain(const struct entry *entry) {
    return entry->type == 0x05 || entry->type == 0x0f || entry->type == 0x85;
}

// A cursor at the table in the boot record of that sector. False when there is none.
static bool find_table(struct ov_span image, uint64_t sector, struct ov_cursor *ret_in) {
    *ret_in =
        ov_cursor_init(ov_span_part(image, sector * OV_DISK_SECTOR_BYTES, OV_DISK_SECTOR_BYTES));
    ov_cursor_seek(ret_in, OV_DISK_SECTOR_BYTES - 2);
    bool has_mark = ov_cursor_u16le(ret_in) == 0xaa55;
    ov_cursor_seek(ret_in, TABLE_AT);
    return has_mark;
}

// Partitions inside an extended one: each boot record has one, counted from itself, and says where
// the next is, counted from the start of the extended one. What a record has beside that is told.
static enum ov_status walk_chain(struct ov_disk *disk, const struct entry *extended) {
    uint64_t sector = extended->sectors.at, next = sector;
    for (unsigned i = 0; i < CHAIN_MAX && next != 0; i++) {
        TRY(ov_walk_has_time(disk->walk));
        struct ov_cursor in;
        sector = next;
        next = 0;
        if (!find_table(disk->image, sector, &in)) {
            disk->is_damaged = true;
            return OV_OK;
        }
        for (unsigned k = 0; k < ENTRIES; k++) {
            struct entry entry = read_entry(&in);
            if (is_chain(&entry)) {
                next = extended->sectors.at + entry.sectors.at;
            } else if (entry.type != 0) {
                entry.sectors.at += sector;
                TRY(ov_disk_tell(disk, entry.sectors, OV_DISK_SECTOR_BYTES, ov_span_text("")));
            }
        }
        if (next == sector || next == extended->sectors.at) {
            return OV_OK;
        }
    }
    return OV_OK;
}

// Whether an entry does nothing but cover a GUID partition table, which is told by itself.
static bool is_cover(struct ov_span image, const struct entry *entry) {
    uint64_t at = entry->sectors.at * OV_DISK_SECTOR_BYTES;
    return (entry->type == TYPE_COVER || entry->type == TYPE_COVER_SOME) &&
           ov_span_has_prefix(ov_span_part(image, at, 8), "EFI PART");
}

static enum ov_status walk_boot_record(struct ov_disk *disk) {
    struct ov_cursor in;
    struct entry entries[ENTRIES];
    (void)find_table(disk->image, 0, &in);
    for (unsigned i = 0; i < ENTRIES; i++) {
        entries[i] = read_entry(&in);
    }
    struct ov_span boot = ov_span_part(disk->image, 0, OV_DISK_SECTOR_BYTES);
    TRY(ov_walk_member(disk->walk, boot, ov_span_text(""), OV_FILETYPE_NONE));
    ov_disk_check_mbr(disk);
    for (unsigned i = 0; i < ENTRIES; i++) {
        if (is_chain(&entries[i])) {
            TRY(walk_chain(disk, &entries[i]));
        } else if (entries[i].type != 0 && !is_cover(disk->image, &entries[i])) {
            TRY(ov_disk_tell(disk, entries[i].sectors, OV_DISK_SECTOR_BYTES, ov_span_text("")));
        }
    }
    return OV_OK;
}

// The mark of a GUID partition table is the stronger one: most of them begin with a boot sector.
static bool is_boot_sector(struct ov_span first) {
    return !ov_span_has_prefix(ov_span_part(first, 512, 8), "EFI PART");
}

// Boot code of all kinds ends with these two bytes. A table before them has entries that make
// sense, and that lie in the object, for clamscan as well.
static enum ov_filetype refine_boot_record(struct ov_span object) {
    struct ov_cursor in;
    (void)find_table(object, 0, &in);
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct entry entry = read_entry(&in);
        uint64_t end = entry.sectors.at + entry.sectors.size;
        if (i == 0 && (entry.type == TYPE_COVER || entry.type == TYPE_COVER_SOME)) {
            return OV_FILETYPE_GPT;
        }
        if ((entry.status & ~ACTIVE) != 0 || end * OV_DISK_SECTOR_BYTES > object.size) {
            return OV_FILETYPE_BINARY_DATA;
        }
    }
    bool is_large = object.size >= (size_t)2 * OV_DISK_SECTOR_BYTES;
    return is_large ? OV_FILETYPE_MBR : OV_FILETYPE_BINARY_DATA;
}

// ---- GUID partition table ----------------------------------------------------------------------

enum {
    GPT_ENTRY_MIN = 128,
    GPT_NAME_AT = 56,
    GPT_NAME_BYTES = 72,
    GPT_ENTRIES_MAX = 4096,
};

static enum ov_status tell_gpt_entry(struct ov_disk *disk, struct ov_span entry,
                                     uint32_t sector_bytes, struct ov_buf *name) {
    struct ov_cursor in = ov_cursor_init(entry);
    ov_cursor_seek(&in, 32); // kind, identity
    uint64_t first = ov_cursor_u64le(&in), last = ov_cursor_u64le(&in);
    if (first == 0 || last < first || last == UINT64_MAX) {
        disk->is_damaged = disk->is_damaged || last < first;
        return OV_OK;
    }
    ov_buf_reset(name);
    struct ov_span units = ov_span_part(entry, GPT_NAME_AT, GPT_NAME_BYTES);
    size_t used = 0;
    while (used + 1 < units.size && (units.data[used] | units.data[used + 1]) != 0) {
        used += 2;
    }
    ov_utf16_add_bytes(name, ov_span_part(units, 0, used));
    TRY(ov_buf_status(name));
    struct ov_disk_place sectors = {.at = first, .size = last - first + 1};
    return ov_disk_tell(disk, sectors, sector_bytes, ov_buf_span(name));
}

// The header in a sector, and its table.
static enum ov_status walk_gpt_header(struct ov_disk *disk, struct ov_span header,
                                      uint32_t sector_bytes) {
    struct ov_cursor in = ov_cursor_init(header);
    ov_cursor_seek(&in, 72);
    uint64_t table_at = ov_cursor_u64le(&in);
    uint32_t count = ov_cursor_u32le(&in), entry_bytes = ov_cursor_u32le(&in);
    if (!ov_span_has_prefix(header, "EFI PART") || entry_bytes < GPT_ENTRY_MIN ||
        __builtin_mul_overflow(table_at, sector_bytes, &table_at)) {
        disk->is_damaged = true;
        return OV_OK;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf name = {0};
    struct ov_span table = ov_span_from(disk->image, table_at);
    for (uint64_t i = 0; i < count && i < GPT_ENTRIES_MAX; i++) {
        struct ov_span entry = ov_span_part(table, i * entry_bytes, GPT_ENTRY_MIN);
        if (entry.size < GPT_ENTRY_MIN) {
            disk->is_damaged = true;
            break;
        }
        TRY(tell_gpt_entry(disk, entry, sector_bytes, &name));
    }
    return OV_OK;
}

// The table, and its copy at the end of the disk: readers take the one that is whole.
static enum ov_status walk_gpt_tables(struct ov_disk *disk) {
    bool has_one = false;
    TRY(ov_disk_check_gpt(disk));
    for (uint32_t bytes = OV_DISK_SECTOR_BYTES; bytes <= 4096; bytes *= 2) {
        struct ov_span first = ov_span_part(disk->image, bytes, bytes);
        struct ov_span last = ov_span_part(disk->image, disk->image.size - bytes, bytes);
        bool has_first = ov_span_has_prefix(first, "EFI PART");
        bool has_last = disk->image.size >= bytes && ov_span_has_prefix(last, "EFI PART");
        if (has_first) {
            TRY(walk_gpt_header(disk, first, bytes));
        }
        if (has_last && (has_first || !has_one)) {
            TRY(walk_gpt_header(disk, last, bytes));
        }
        has_one = has_one || has_first || has_last;
    }
    disk->is_damaged = disk->is_damaged || !has_one;
    return OV_OK;
}

// ---- Apple's partition map ---------------------------------------------------------------------

enum {
    APM_NAME_AT = 16,
    APM_TEXT_BYTES = 32,
};

// Entries stand in the blocks from the second one on, and one of them is of the map itself.
static enum ov_status walk_apple_blocks(struct ov_disk *disk, uint32_t block_bytes) {
    uint32_t count = 1;
    for (uint32_t i = 1; i <= count && i <= OV_DISK_PARTITIONS_MAX; i++) {
        struct ov_span block = ov_span_part(disk->image, (size_t)i * block_bytes, block_bytes);
        struct ov_cursor in = ov_cursor_init(block);
        if (ov_cursor_u16be(&in) != 0x504d) {
            disk->is_damaged = true;
            break;
        }
        ov_cursor_skip(&in, 2);
        uint32_t stated = ov_cursor_u32be(&in);
        count = stated > count ? stated : count;
        struct ov_disk_place blocks = {.at = ov_cursor_u32be(&in)};
        blocks.size = ov_cursor_u32be(&in);
        struct ov_span name = ov_cursor_bytes(&in, APM_TEXT_BYTES);
        struct ov_span kind = ov_cursor_bytes(&in, APM_TEXT_BYTES);
        if (!ov_span_has_prefix(kind, "Apple_partition_map") &&
            !ov_span_has_prefix(kind, "Apple_Partition_Map")) {
            name = ov_span_part(name, 0, ov_span_find(name, 0, 0));
            TRY(ov_disk_tell(disk, blocks, block_bytes, name));
        }
    }
    return OV_OK;
}

// Images of discs have two maps, with blocks of 512 bytes and of 2048.
static enum ov_status walk_apple_maps(struct ov_disk *disk) {
    bool has_one = false;
    ov_disk_check_apm(disk);
    for (uint32_t bytes = OV_DISK_SECTOR_BYTES; bytes <= 4096; bytes *= 2) {
        struct ov_cursor in = ov_cursor_init(ov_span_part(disk->image, bytes, bytes));
        bool has_mark = ov_cursor_u16be(&in) == 0x504d;
        ov_cursor_skip(&in, 2);
        uint32_t count = ov_cursor_u32be(&in);
        // Of a map with smaller blocks this is another entry, unless it describes itself.
        if (has_mark && count > 0 && (!has_one || ov_cursor_u32be(&in) == 1)) {
            TRY(walk_apple_blocks(disk, bytes));
            has_one = true;
        }
    }
    disk->is_damaged = disk->is_damaged || !has_one;
    return OV_OK;
}

// An Apple partition map has its mark in two blocks.
static bool is_apple_map(struct ov_span first) {
    return first.size > 513 && first.data[512] == 'P' && first.data[513] == 'M';
}

// The blocks of discs are larger. clamscan does not know these for maps.
static bool is_apple_disc(struct ov_span object) {
    return ov_span_has_prefix(object, "ER");
}

// ---- the walks ---------------------------------------------------------------------------------

static enum ov_status walk_disk(struct ov_cursor *in, struct ov_walk *walk,
                                enum ov_status (*walk_tables)(struct ov_disk *disk)) {
    struct ov_disk disk = {.walk = walk, .image = in->bytes};
    TRY(walk_tables(&disk));
    return disk.is_damaged ? OV_DAMAGED : OV_OK;
}

static enum ov_status walk_mbr(struct ov_cursor *in, struct ov_walk *walk) {
    return walk_disk(in, walk, walk_boot_record);
}

static enum ov_status walk_gpt(struct ov_cursor *in, struct ov_walk *walk) {
    return walk_disk(in, walk, walk_gpt_tables);
}

static enum ov_status walk_apm(struct ov_cursor *in, struct ov_walk *walk) {
    return walk_disk(in, walk, walk_apple_maps);
}

static const struct ov_magic magics_apm[] = {OV_MAGIC(0, "ER")};
static const struct ov_magic magics_apm_disc[] = {OV_MAGIC(2048, "PM\0\0"),
                                                  OV_MAGIC(4096, "PM\0\0")};
static const struct ov_magic magics_gpt[] = {OV_MAGIC(512, "EFI PART")};
static const struct ov_magic magics_mbr[] = {OV_MAGIC(510, "\x55\xaa")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_APM, OV_MAGICS(magics_apm), .is_sure = is_apple_map, .walk = walk_apm},
    {.type = OV_FILETYPE_APM,
     OV_MAGICS(magics_apm_disc),
     .is_sure = is_apple_disc,
     .walk = walk_apm,
     .is_beside = true},
    {.type = OV_FILETYPE_GPT, OV_MAGICS(magics_gpt), .walk = walk_gpt},
    {.type = OV_FILETYPE_MBR,
     OV_MAGICS(magics_mbr),
     .is_sure = is_boot_sector,
     .refine = refine_boot_record,
     .walk = walk_mbr},
};

OV_FORMAT_SET(partition, formats);
