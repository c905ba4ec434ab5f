// SPDX-License-Identifier: Apache-2.0
// The partitions of a disk, each told once, whatever table it stands in.
#include "format/archive/disk.h"

enum { VOLUME_HEADER_AT = 1024 };

enum ov_filetype ov_disk_type(struct ov_span partition) {
    struct ov_span mark = ov_span_part(partition, VOLUME_HEADER_AT, 4);
    bool is_hfs = ov_span_is_equal(mark, ov_span_make("H+\0\4", 4)) ||
                  ov_span_is_equal(mark, ov_span_make("HX\0\5", 4));
    return is_hfs ? OV_FILETYPE_PART_HFSPLUS : OV_FILETYPE_NONE;
}

enum ov_status ov_disk_tell_bytes(struct ov_walk *walk, struct ov_span bytes, struct ov_span name) {
    struct ov_span fits = ov_span_part(bytes, 0, ov_walk_room(walk));
    if (fits.size < bytes.size) {
        ov_walk_note_cut(walk);
    }
    return ov_walk_member(walk, fits, name, ov_disk_type(fits));
}

static bool is_told(const struct ov_disk *disk, uint64_t at, uint64_t size) {
    for (uint32_t i = 0; i < disk->told_count; i++) {
        if (disk->told[i].at == at && disk->told[i].size == size) {
            return true;
        }
    }
    return false;
}

enum ov_status ov_disk_tell(struct ov_disk *disk, struct ov_disk_place sectors,
                            uint32_t sector_bytes, struct ov_span name) {
    uint64_t at, size;
    bool is_huge = __builtin_mul_overflow(sectors.at, sector_bytes, &at);
    is_huge = __builtin_mul_overflow(sectors.size, sector_bytes, &size) || is_huge;
    if (is_huge || at == 0 || size == 0) {
        disk->is_damaged = disk->is_damaged || is_huge;
        return OV_OK;
    }
    struct ov_span bytes = ov_span_part(disk->image, at, size);
    disk->is_damaged = disk->is_damaged || bytes.size < size;
    if (bytes.size == 0 || is_told(disk, at, bytes.size)) {
        return OV_OK;
    }
    if (disk->told_count == OV_DISK_PARTITIONS_MAX) {
        ov_budget_note(disk->walk->budget, OV_LIMIT_FILES);
        return OV_LIMIT;
    }
    disk->told[disk->told_count++] = (struct ov_disk_place){.at = at, .size = bytes.size};
    return ov_disk_tell_bytes(disk->walk, bytes, name);
}
