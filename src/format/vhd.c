// SPDX-License-Identifier: Apache-2.0
// Virtual disks (VHD, VHDX) that grow: the disk, put together from its blocks. A VHD of fixed size
// is the disk itself, with a footer.
//
// Microsoft, "Virtual Hard Disk Image Format Specification", 1.0; [MS-VHDX] 2.0.
#include "format/archive/disk.h"
#include "format/format.h"

struct vhd {
    struct ov_walk *walk;
    struct ov_span file, table;
    uint64_t disk_bytes;
    uint32_t block_bytes, sector_bytes;
    bool has_parent; // what is not there is in another file
    struct ov_buf disk;
    bool is_damaged;
};

// Adds what stands at a place of the file, or zeros when it is nowhere.
static enum ov_status add_block(struct vhd *vhd, bool is_there, uint64_t at, size_t size) {
    struct ov_span bytes = ov_span_make(NULL, 0);
    if (is_there) {
        bytes = ov_span_part(vhd->file, at, size);
        vhd->is_damaged = vhd->is_damaged || bytes.size < size;
    }
    ov_buf_add(&vhd->disk, bytes.data, bytes.size);
    TRY(ov_buf_status(&vhd->disk));
    bool has_failed = bytes.size < size && ov_buf_extend(&vhd->disk, size - bytes.size) == NULL;
    return has_failed ? OV_MEMORY : OV_OK;
}

// Bytes of the disk that fit, and how many of them the next block has.
static size_t get_wanted(const struct vhd *vhd) {
    size_t room = ov_walk_room(vhd->walk);
    return vhd->disk_bytes < room ? (size_t)vhd->disk_bytes : room;
}

static size_t get_next_size(const struct vhd *vhd) {
    size_t left = get_wanted(vhd) - vhd->disk.size;
    return left < vhd->block_bytes ? left : vhd->block_bytes;
}

// ---- VHD ---------------------------------------------------------------------------------------

enum {
    HEADER_AT_AT = 16,
    DISK_BYTES_AT = 48,
    KIND_AT = 60,
    KIND_DIFFERENCING = 4,
};

static const uint32_t no_block = 0xffffffff;

static bool read_vhd(struct vhd *vhd) {
    struct ov_cursor in = ov_cursor_init(vhd->file);
    ov_cursor_seek(&in, HEADER_AT_AT);
    uint64_t header_at = ov_cursor_u64be(&in);
    ov_cursor_seek(&in, DISK_BYTES_AT);
    vhd->disk_bytes = ov_cursor_u64be(&in);
    ov_cursor_seek(&in, KIND_AT);
    vhd->has_parent = ov_cursor_u32be(&in) == KIND_DIFFERENCING;
    struct ov_span header = ov_span_from(vhd->file, header_at);
    in = ov_cursor_init(header);
    ov_cursor_seek(&in, 16);
    uint64_t table_at = ov_cursor_u64be(&in);
    ov_cursor_skip(&in, 4); // version
    uint64_t count = ov_cursor_u32be(&in);
    vhd->block_bytes = ov_cursor_u32be(&in);
    vhd->table = ov_span_part(vhd->file, table_at, count * 4);
    return ov_span_has_prefix(header, "cxsparse") && !in.has_failed &&
           vhd->block_bytes >= OV_DISK_SECTOR_BYTES &&
           vhd->block_bytes % OV_DISK_SECTOR_BYTES == 0 && vhd->table.size >= 4;
}

// Before the data of a block stands a map of the sectors that were written; the others are zero.
static enum ov_status add_vhd_blocks(struct vhd *vhd) {
    struct ov_cursor in = ov_cursor_init(vhd->table);
    uint64_t map_bytes = vhd->block_bytes / OV_DISK_SECTOR_BYTES / 8;
    map_bytes =
        (map_bytes + OV_DISK_SECTOR_BYTES - 1) / OV_DISK_SECTOR_BYTES * OV_DISK_SECTOR_BYTES;
    while (get_next_size(vhd) > 0 && ov_cursor_left(&in) >= 4) {
        TRY(ov_walk_has_time(vhd->walk));
        uint32_t sector = ov_cursor_u32be(&in);
        uint64_t at = (uint64_t)sector * OV_DISK_SECTOR_BYTES + map_bytes;
        TRY(add_block(vhd, sector != no_block, at, get_next_size(vhd)));
    }
    return OV_OK;
}

// ---- VHDX --------------------------------------------------------------------------------------

enum {
    GUID_BYTES = 16,
    REGIONS_AT = 192 << 10,
    REGIONS_COPY_AT = 256 << 10,
    ENTRIES_MAX = 2047,
    MEGABYTE = 1 << 20,
    STATE_MASK = 7,
    STATE_WHOLE = 6,
    STATE_PART = 7, // the rest is in the parent
    HAS_PARENT = 2,
};

static const char guid_table[] = "\x66\x77\xc2\x2d\x23\xf6\x00\x42\x9d\x64\x11\x5e\x9b\xfd"
                                 "\x4a\x08";
static const char guid_metadata[] = "\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f"
                                    "\x88\x6e";
static const char guid_parameters[] = "\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa"
                                      "\x44\xe7\x6b";
static const char guid_size[] = "\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4"
                                "\xb8";
static const char guid_sector[] = "\x1d\xbf\x41\x81\x6f\xa9\x09\x47\xba\x47\xf2\x33\xa8\xfa"
                                  "\xab\x5f";

// Regions and items of metadata are listed alike: by GUID, with a place in what is given, which is
// 64 bits wide in one list and 32 in the other.
static struct ov_span find_listed(struct ov_span whole, struct ov_cursor in, uint32_t count,
                                  const char guid[GUID_BYTES + 1], bool is_wide) {
    for (uint32_t i = 0; i < count && i < ENTRIES_MAX && !in.has_failed; i++) {
        struct ov_span id = ov_cursor_bytes(&in, GUID_BYTES);
        uint64_t at = is_wide ? ov_cursor_u64le(&in) : ov_cursor_u32le(&in);
        uint32_t size = ov_cursor_u32le(&in);
        ov_cursor_skip(&in, is_wide ? 4 : 8);
        if (ov_span_is_equal(id, ov_span_make(guid, GUID_BYTES))) {
            return ov_span_part(whole, at, size);
        }
    }
    return ov_span_make(NULL, 0);
}

static struct ov_span find_region(struct ov_span file, const char guid[GUID_BYTES + 1]) {
    static const uint32_t places[] = {REGIONS_AT, REGIONS_COPY_AT};
    struct ov_span region = ov_span_make(NULL, 0);
    for (size_t i = 0; i < OV_COUNT(places) && region.size == 0; i++) {
        struct ov_cursor in = ov_cursor_init(ov_span_from(file, places[i]));
        ov_cursor_skip(&in, 8); // mark, checksum
        uint32_t count = ov_cursor_u32le(&in);
        ov_cursor_skip(&in, 4);
        if (ov_span_has_prefix(in.bytes, "regi")) {
            region = find_listed(file, in, count, guid, true);
        }
    }
    return region;
}

static struct ov_cursor find_item(struct ov_span metadata, const char guid[GUID_BYTES + 1]) {
    struct ov_cursor in = ov_cursor_init(metadata);
    ov_cursor_seek(&in, 10);
    uint16_t count = ov_cursor_u16le(&in);
    ov_cursor_seek(&in, 32);
    return ov_cursor_init(find_listed(metadata, in, count, guid, false));
}

static bool read_vhdx(struct vhd *vhd) {
    struct ov_span metadata = find_region(vhd->file, guid_metadata);
    struct ov_cursor parameters = find_item(metadata, guid_parameters);
    struct ov_cursor size = find_item(metadata, guid_size);
    struct ov_cursor sector = find_item(metadata, guid_sector);
    vhd->table = find_region(vhd->file, guid_table);
    vhd->block_bytes = ov_cursor_u32le(&parameters);
    vhd->has_parent = (ov_cursor_u32le(&parameters) & HAS_PARENT) != 0;
    vhd->disk_bytes = ov_cursor_u64le(&size);
    vhd->sector_bytes = ov_cursor_u32le(&sector);
    bool is_usual = vhd->sector_bytes == 512 || vhd->sector_bytes == 4096;
    return !parameters.has_failed && !size.has_failed && is_usual && vhd->block_bytes >= MEGABYTE &&
           vhd->block_bytes % MEGABYTE == 0 && vhd->table.size >= 8;
}

// Behind as many entries as a map of sectors can serve comes one for that map.
static enum ov_status add_vhdx_blocks(struct vhd *vhd) {
    struct ov_cursor in = ov_cursor_init(vhd->table);
    uint64_t ratio = ((uint64_t)vhd->sector_bytes << 23) / vhd->block_bytes;
    for (uint64_t i = 1; get_next_size(vhd) > 0 && ov_cursor_left(&in) >= 8; i++) {
        TRY(ov_walk_has_time(vhd->walk));
        uint64_t entry = ov_cursor_u64le(&in);
        uint64_t state = entry & STATE_MASK;
        bool is_there = state == STATE_WHOLE || state == STATE_PART;
        TRY(add_block(vhd, is_there, entry / MEGABYTE * MEGABYTE, get_next_size(vhd)));
        ov_cursor_skip(&in, ratio > 0 && i % ratio == 0 ? 8 : 0);
    }
    return OV_OK;
}

// ---- the walk ----------------------------------------------------------------------------------

static enum ov_status walk_vhd(struct ov_cursor *in, struct ov_walk *walk) {
    struct vhd vhd = {.walk = walk, .file = in->bytes};
    bool is_new = ov_span_has_prefix(in->bytes, "vhdxfile");
    if (is_new ? !read_vhdx(&vhd) : !read_vhd(&vhd)) {
        return OV_DAMAGED;
    }
    size_t wanted = get_wanted(&vhd);
    if (wanted < vhd.disk_bytes) {
        ov_walk_note_cut(walk);
    }
    enum ov_status status = is_new ? add_vhdx_blocks(&vhd) : add_vhd_blocks(&vhd);
    vhd.is_damaged = vhd.is_damaged || vhd.disk.size < wanted;
    status = status == OV_OK
                 ? ov_disk_tell_bytes(walk, ov_buf_span(&vhd.disk), ov_span_text("disk"))
                 : status;
    ov_buf_release(&vhd.disk);
    TRY(status);
    return vhd.is_damaged ? OV_DAMAGED : vhd.has_parent ? OV_UNSUPPORTED : OV_OK;
}

static const struct ov_magic magics[] = {OV_MAGIC(0, "conectix"), OV_MAGIC(0, "vhdxfile")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_VHD, OV_MAGICS(magics), .walk = walk_vhd, .is_beside = true},
};

OV_FORMAT_SET(vhd, formats);
