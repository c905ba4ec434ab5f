// SPDX-License-Identifier: Apache-2.0
// Whether partitions of a disk overlap.
//
// UEFI Specification 2.10, 5.2 (MBR) and 5.3 (GPT); Inside Macintosh: Devices, 3 (SCSI Manager).
#include "format/archive/disk_overlap.h"

#include <zlib.h>

enum { ENTRIES_MAX = 50 }; // as many as clamscan looks at

// Partitions of one table, in blocks.
struct overlaps {
    struct ov_disk_place places[ENTRIES_MAX];
    uint32_t count;
    bool has_any;
};

static void add_place(struct overlaps *overlaps, uint64_t at, uint64_t size) {
    for (uint32_t i = 0; i < overlaps->count; i++) {
        const struct ov_disk_place *other = &overlaps->places[i];
        bool is_inside = at > other->at && at - other->at < other->size;
        bool is_around = at < other->at && other->at - at < size;
        overlaps->has_any = overlaps->has_any || at == other->at || is_inside || is_around;
    }
    if (overlaps->count < ENTRIES_MAX) {
        overlaps->places[overlaps->count++] = (struct ov_disk_place){.at = at, .size = size};
    }
}

// ---- master boot record ------------------------------------------------------------------------

enum {
    TABLE_AT = 446,
    ENTRY_BYTES = 16,
    ENTRIES = 4,
    TYPE_CHAIN = 0x05, // clamscan knows no other
};

// One entry of the boot record in a sector. False: the image ends before.
static bool read_entry(struct ov_span image, uint64_t sector, uint32_t number, uint8_t *ret_type,
                       struct ov_disk_place *ret_sectors) {
    struct ov_cursor in =
        ov_cursor_init(ov_span_part(image, sector * OV_DISK_SECTOR_BYTES, OV_DISK_SECTOR_BYTES));
    ov_cursor_seek(&in, TABLE_AT + (uint64_t)number * ENTRY_BYTES + 4);
    *ret_type = ov_cursor_u8(&in);
    ov_cursor_skip(&in, 3);
    *ret_sectors = (struct ov_disk_place){.at = ov_cursor_u32le(&in)};
    ret_sectors->size = ov_cursor_u32le(&in);
    return !in.has_failed && in.bytes.size == OV_DISK_SECTOR_BYTES;
}

// The chain of an extended partition: each record's first entry is a partition, and its second one
// the next record. Places count from the start of the chain. False: the image ends before.
static bool check_chain(struct ov_disk *disk, uint64_t start, uint32_t *io_count, bool *ret_any) {
    struct overlaps overlaps = {0};
    uint64_t next = 0;
    do {
        uint8_t type, chain_type;
        struct ov_disk_place own, chain;
        if (!read_entry(disk->image, start + next, 0, &type, &own) ||
            !read_entry(disk->image, start + next, 1, &chain_type, &chain)) {
            return false;
        }
        (*io_count)++;
        add_place(&overlaps, next, own.size);
        *ret_any = *ret_any || overlaps.has_any;
        next = chain_type == TYPE_CHAIN ? chain.at : 0;
    } while (next != 0 && *io_count < ENTRIES_MAX);
    return true;
}

void ov_disk_check_mbr(struct ov_disk *disk) {
    struct overlaps overlaps = {0};
    bool has_any = false, is_whole = disk->image.size % OV_DISK_SECTOR_BYTES == 0;
    uint32_t count = 0;
    for (uint32_t i = 0; is_whole && i < ENTRIES && count < ENTRIES_MAX; i++) {
        uint8_t type;
        struct ov_disk_place sectors;
        if (!read_entry(disk->image, 0, i, &type, &sectors)) {
            break;
        }
        if (type != 0) {
            add_place(&overlaps, sectors.at, sectors.size);
        }
        if (type == TYPE_CHAIN) {
            is_whole = check_chain(disk, sectors.at, &count, &has_any);
        } else {
            count++;
        }
    }
    if (has_any || overlaps.has_any) {
        ov_walk_alert(disk->walk, OV_HEURISTIC_MBR_PARTITIONS);
    }
}

// ---- GUID partition table ----------------------------------------------------------------------

enum {
    GPT_HEADER_BYTES = 92,
    GPT_CHECKSUM_AT = 16,
    GPT_ENTRY_BYTES = 128,
};

struct gpt_header {
    uint32_t bytes, checksum, reserved;
    uint64_t own, other; // where this header stands, and its copy
    uint64_t first, last;
    uint64_t table_at;
    uint32_t count, entry_bytes, table_checksum;
};

static struct gpt_header read_gpt_header(struct ov_span sector) {
    struct ov_cursor in = ov_cursor_init(sector);
    struct gpt_header header = {0};
    ov_cursor_skip(&in, 12);
    header.bytes = ov_cursor_u32le(&in);
    header.checksum = ov_cursor_u32le(&in);
    header.reserved = ov_cursor_u32le(&in);
    header.own = ov_cursor_u64le(&in);
    header.other = ov_cursor_u64le(&in);
    header.first = ov_cursor_u64le(&in);
    header.last = ov_cursor_u64le(&in);
    ov_cursor_skip(&in, 16); // the disk's identity
    header.table_at = ov_cursor_u64le(&in);
    header.count = ov_cursor_u32le(&in);
    header.entry_bytes = ov_cursor_u32le(&in);
    header.table_checksum = ov_cursor_u32le(&in);
    return header;
}

// The checksum counts its own field as zeros.
static bool is_checksum_right(struct ov_span sector, uint32_t checksum) {
    uint8_t bytes[GPT_HEADER_BYTES];
    if (sector.size < GPT_HEADER_BYTES || !ov_span_has_prefix(sector, "EFI PART")) {
        return false;
    }
    memcpy(bytes, sector.data, sizeof bytes);
    memset(bytes + GPT_CHECKSUM_AT, 0, 4);
    return crc32(0, bytes, sizeof bytes) == checksum;
}

// Whether the places that a header names leave room for each other.
static bool is_layout_sane(const struct gpt_header *header, uint64_t last_sector,
                           uint64_t table_end) {
    bool is_first = header->own == 1 && header->other == last_sector;
    bool is_copy = header->own == last_sector && header->other == 1;
    bool is_before = header->table_at <= header->first && table_end >= header->first;
    bool is_among = header->table_at >= header->first && header->table_at <= header->last;
    return (is_first || is_copy) && header->first <= header->last && header->first > 1 &&
           header->last < last_sector && !is_before && !is_among && header->table_at > 1 &&
           table_end < last_sector;
}

// Whether clamscan would read partitions by this header.
static bool is_gpt_header(struct ov_span image, struct ov_span sector, uint32_t sector_bytes) {
    struct gpt_header header = read_gpt_header(sector);
    uint32_t table_bytes = header.count * header.entry_bytes;
    uint64_t table_at = header.table_at * sector_bytes;
    uint64_t table_end = header.table_at + table_bytes / sector_bytes - 1;
    struct ov_span table = ov_span_part(image, table_at, table_bytes);
    return is_checksum_right(sector, header.checksum) && header.bytes == GPT_HEADER_BYTES &&
           header.reserved == 0 && header.entry_bytes == GPT_ENTRY_BYTES &&
           is_layout_sane(&header, image.size / sector_bytes - 1, table_end) &&
           table.size == table_bytes && crc32_z(0, table.data, table.size) == header.table_checksum;
}

// False: the image ends in the table.
static bool check_gpt_table(struct ov_span image, struct ov_span sector, uint32_t sector_bytes,
                            bool *ret_any) {
    struct gpt_header header = read_gpt_header(sector);
    struct overlaps overlaps = {0};
    uint64_t at = header.table_at * sector_bytes;
    for (uint32_t i = 0; i < header.count && i < ENTRIES_MAX; i++) {
        struct ov_cursor in = ov_cursor_init(ov_span_part(image, at, GPT_ENTRY_BYTES));
        if (in.bytes.size < GPT_ENTRY_BYTES) {
            return false;
        }
        ov_cursor_seek(&in, 32); // kind, identity
        uint64_t first = ov_cursor_u64le(&in), last = ov_cursor_u64le(&in);
        if (first != 0 && first <= last && first >= header.first && last <= header.last &&
            last < image.size / sector_bytes) {
            add_place(&overlaps, first, last - first + 1);
        }
        *ret_any = *ret_any || overlaps.has_any;
        at += header.entry_bytes;
    }
    return true;
}

// How large sectors are is seen from where the header stands; 0: there is none.
static uint32_t find_sector_bytes(struct ov_span image) {
    for (uint32_t bytes = OV_DISK_SECTOR_BYTES; bytes <= 4096; bytes *= 2) {
        if (ov_span_has_prefix(ov_span_part(image, bytes, 8), "EFI PART")) {
            return bytes;
        }
    }
    return 0;
}

enum ov_status ov_disk_check_gpt(struct ov_disk *disk) {
    struct ov_span image = disk->image;
    uint32_t bytes = find_sector_bytes(image);
    if (bytes == 0 || image.size % bytes != 0) {
        return OV_OK;
    }
    struct ov_span first = ov_span_part(image, bytes, bytes);
    struct ov_span last = ov_span_part(image, image.size - bytes, bytes);
    bool has_any = false;
    TRY(ov_walk_has_time(disk->walk));
    if (is_gpt_header(image, first, bytes) || is_gpt_header(image, last, bytes)) {
        (void)(check_gpt_table(image, first, bytes, &has_any) &&
               check_gpt_table(image, last, bytes, &has_any));
    }
    if (has_any) {
        ov_walk_alert(disk->walk, OV_HEURISTIC_GPT_PARTITIONS);
    }
    return OV_OK;
}

// ---- Apple's partition map ---------------------------------------------------------------------

enum {
    APM_ENTRY_BYTES = 136, // as far as it is read
    APM_TEXT_BYTES = 32,
    APM_DISC_BYTES = 2048,
    APM_MARK = 0x504d,
};

struct apm_entry {
    uint32_t mark, count; // of all entries
    struct ov_disk_place blocks;
    struct ov_span kind;
};

// False: the image ends before.
static bool read_apm_entry(struct ov_span image, uint64_t at, struct apm_entry *ret_entry) {
    struct ov_cursor in = ov_cursor_init(ov_span_part(image, at, APM_ENTRY_BYTES));
    struct apm_entry entry = {.mark = ov_cursor_u16be(&in)};
    ov_cursor_skip(&in, 2);
    entry.count = ov_cursor_u32be(&in);
    entry.blocks.at = ov_cursor_u32be(&in);
    entry.blocks.size = ov_cursor_u32be(&in);
    ov_cursor_skip(&in, APM_TEXT_BYTES);
    struct ov_span kind = ov_cursor_bytes(&in, APM_TEXT_BYTES);
    entry.kind = ov_span_part(kind, 0, ov_span_find(kind, 0, 0));
    *ret_entry = entry;
    return in.bytes.size == APM_ENTRY_BYTES;
}

// Drivers and patches of discs are counted in blocks of 2048 bytes.
static bool is_driver(struct ov_span kind) {
    static const char *const kinds[] = {"Apple_Driver",       "Apple_Driver43",
                                        "Apple_Driver43_CD",  "Apple_Driver_ATA",
                                        "Apple_Driver_ATAPI", "Apple_Patches"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (ov_span_is_text(kind, kinds[i])) {
            return true;
        }
    }
    return false;
}

static bool is_map(struct ov_span kind) {
    return ov_span_is_text(kind, "Apple_Partition_Map") ||
           ov_span_is_text(kind, "Apple_partition_map") ||
           ov_span_is_text(kind, "Apple_patition_map");
}

void ov_disk_check_apm(struct ov_disk *disk) {
    struct ov_cursor in = ov_cursor_init(disk->image);
    ov_cursor_skip(&in, 2);
    uint32_t block_bytes = ov_cursor_u16be(&in), block_count = ov_cursor_u32be(&in);
    struct overlaps overlaps = {0};
    struct apm_entry map;
    if (block_bytes * block_count != disk->image.size) {
        return;
    }
    bool is_disc = block_bytes == APM_DISC_BYTES &&
                   read_apm_entry(disk->image, OV_DISK_SECTOR_BYTES, &map) && map.mark == APM_MARK;
    block_bytes = is_disc ? OV_DISK_SECTOR_BYTES : block_bytes;
    if (!read_apm_entry(disk->image, block_bytes, &map) || map.mark != APM_MARK ||
        !is_map(map.kind)) {
        return;
    }
    for (uint32_t i = 1; i <= map.count && i <= ENTRIES_MAX; i++) {
        struct apm_entry entry;
        if (!read_apm_entry(disk->image, (uint64_t)i * block_bytes, &entry)) {
            break;
        }
        bool is_coarse = is_disc && i % 4 == 0 && is_driver(entry.kind);
        add_place(&overlaps, entry.blocks.at,
                  is_coarse ? (uint32_t)entry.blocks.size * 4 : entry.blocks.size);
    }
    if (overlaps.has_any) {
        ov_walk_alert(disk->walk, OV_HEURISTIC_APM_PARTITIONS);
    }
}
