// SPDX-License-Identifier: Apache-2.0
// Virtual disks (VHD) that grow: the disk, put together from its blocks. One of fixed size is the
// disk itself, with a footer.
//
// Microsoft, "Virtual Hard Disk Image Format Specification", 1.0.
#include "format/disk.h"
#include "format/format.h"

enum {
    HEADER_AT_AT = 16,
    DISK_BYTES_AT = 48,
    KIND_AT = 60,
    KIND_DIFFERENCING = 4,
    NO_BLOCK = -1,
};

struct vhd {
    struct ov_walk *walk;
    struct ov_span file, table;
    uint64_t disk_bytes;
    uint32_t block_bytes;
    struct ov_buf disk;
    bool is_damaged;
};

static bool read_header(struct vhd *vhd) {
    struct ov_cursor in = ov_cursor_init(vhd->file);
    ov_cursor_seek(&in, HEADER_AT_AT);
    uint64_t header_at = ov_cursor_u64be(&in);
    ov_cursor_seek(&in, DISK_BYTES_AT);
    vhd->disk_bytes = ov_cursor_u64be(&in);
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
static enum ov_status add_block(struct vhd *vhd, uint32_t sector, uint64_t size) {
    uint64_t map_bytes = vhd->block_bytes / OV_DISK_SECTOR_BYTES / 8;
    map_bytes =
        (map_bytes + OV_DISK_SECTOR_BYTES - 1) / OV_DISK_SECTOR_BYTES * OV_DISK_SECTOR_BYTES;
    struct ov_span bytes = ov_span_make(NULL, 0);
    if (sector != (uint32_t)NO_BLOCK) {
        uint64_t at = (uint64_t)sector * OV_DISK_SECTOR_BYTES + map_bytes;
        bytes = ov_span_part(vhd->file, at, size);
        vhd->is_damaged = vhd->is_damaged || bytes.size < size;
    }
    ov_buf_add(&vhd->disk, bytes.data, bytes.size);
    TRY(ov_buf_status(&vhd->disk));
    bool has_failed =
        bytes.size < size && ov_buf_extend(&vhd->disk, (size_t)size - bytes.size) == NULL;
    return has_failed ? OV_MEMORY : OV_OK;
}

static enum ov_status add_blocks(struct vhd *vhd) {
    struct ov_cursor in = ov_cursor_init(vhd->table);
    size_t room = ov_walk_room(vhd->walk);
    uint64_t wanted = vhd->disk_bytes < room ? vhd->disk_bytes : room;
    if (wanted < vhd->disk_bytes) {
        ov_walk_note_cut(vhd->walk);
    }
    while (vhd->disk.size < wanted && ov_cursor_left(&in) >= 4) {
        TRY(ov_walk_has_time(vhd->walk));
        uint64_t left = wanted - vhd->disk.size;
        TRY(add_block(vhd, ov_cursor_u32be(&in),
                      left < vhd->block_bytes ? left : vhd->block_bytes));
    }
    vhd->is_damaged = vhd->is_damaged || vhd->disk.size < wanted;
    return OV_OK;
}

static enum ov_status walk_vhd(struct ov_cursor *in, struct ov_walk *walk) {
    struct vhd vhd = {.walk = walk, .file = in->bytes};
    if (!read_header(&vhd)) {
        return OV_DAMAGED;
    }
    enum ov_status status = add_blocks(&vhd);
    status = status == OV_OK
                 ? ov_disk_tell_bytes(walk, ov_buf_span(&vhd.disk), ov_span_text("disk"))
                 : status;
    ov_buf_release(&vhd.disk);
    TRY(status);
    ov_cursor_seek(in, KIND_AT);
    bool has_parent = ov_cursor_u32be(in) == KIND_DIFFERENCING; // the rest is in another file
    return vhd.is_damaged ? OV_DAMAGED : has_parent ? OV_UNSUPPORTED : OV_OK;
}

static const struct ov_magic magics[] = {OV_MAGIC(0, "conectix")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_VHD, OV_MAGICS(magics), .walk = walk_vhd, .is_beside = true},
};

OV_FORMAT_SET(vhd, formats);
