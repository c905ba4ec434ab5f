// SPDX-License-Identifier: Apache-2.0
// Images of discs: UDF. Anchors, volumes, partitions.
#include "format/archive/udf.h"

#include "format/format.h"

enum {
    TAG_BYTES = 16,
    TAG_ANCHOR = 2,
    TAG_PARTITION = 5,
    TAG_VOLUME = 6,
    TAG_END = 8,
    DESCRIPTORS_MAX = 256,
    PARTITIONS_MAX = 8,
    MAPS_AT = 440,
    ROOT_AT = 400,
    SECTORS_BYTES_MAX = 4096,
};

struct partition {
    uint16_t number;
    uint64_t start;
};

struct volume {
    struct partition partitions[PARTITIONS_MAX];
    uint32_t partition_count;
};

uint16_t ov_udf_tag(struct ov_span bytes) {
    uint8_t sum = 0;
    for (size_t i = 0; i < TAG_BYTES && i < bytes.size; i++) {
        sum = (uint8_t)(sum + (i != 4 ? bytes.data[i] : 0));
    }
    struct ov_cursor in = ov_cursor_init(bytes);
    uint16_t tag = ov_cursor_u16le(&in);
    return bytes.size >= TAG_BYTES && sum == bytes.data[4] ? tag : 0;
}

struct ov_udf_place ov_udf_read_place(struct ov_cursor *in) {
    struct ov_udf_place place = {.bytes = ov_cursor_u32le(in)};
    place.block = ov_cursor_u32le(in);
    place.map = ov_cursor_u16le(in);
    ov_cursor_skip(in, 6);
    return place;
}

struct ov_span ov_udf_bytes(const struct ov_udf *udf, struct ov_udf_place place, uint64_t size) {
    if (place.map >= udf->map_count) {
        return ov_span_make(NULL, 0);
    }
    const struct ov_udf_map *map = &udf->maps[place.map];
    uint64_t at = (uint64_t)place.block * udf->block_bytes;
    return map->is_metadata ? ov_span_part(map->metadata, at, size)
                            : ov_span_part(udf->disc.image, map->start + at, size);
}

// ---- volumes -----------------------------------------------------------------------------------

static struct ov_span get_sector(const struct ov_udf *udf, uint64_t number) {
    return ov_span_part(udf->disc.image, number * udf->sector_bytes, udf->sector_bytes);
}

static void read_partition(struct ov_udf *udf, struct ov_span descriptor, struct volume *volume) {
    struct ov_cursor in = ov_cursor_init(descriptor);
    if (volume->partition_count == PARTITIONS_MAX) {
        return;
    }
    struct partition *partition = &volume->partitions[volume->partition_count++];
    ov_cursor_seek(&in, 22);
    partition->number = ov_cursor_u16le(&in);
    ov_cursor_seek(&in, 188);
    partition->start = (uint64_t)ov_cursor_u32le(&in) * udf->sector_bytes;
}

// A map: of a partition as it is, of one whose bad blocks are replaced (read as it is), or of a
// file that holds all that is no data. A map of blocks that move (VAT) is not built.
static void read_map(struct ov_udf *udf, uint8_t kind, struct ov_span bytes) {
    struct ov_udf_map *map = &udf->maps[udf->map_count++];
    struct ov_cursor in = ov_cursor_init(bytes);
    ov_cursor_seek(&in, kind == 1 ? 4 : 38);
    map->partition = ov_cursor_u16le(&in);
    map->metadata_file = ov_cursor_u32le(&in);
    map->is_metadata = kind == 2 && memmem(bytes.data, bytes.size, "*UDF Metadata", 13) != NULL;
}

static void read_volume(struct ov_udf *udf, struct ov_span descriptor) {
    struct ov_cursor in = ov_cursor_init(descriptor);
    ov_cursor_seek(&in, 212);
    uint32_t block_bytes = ov_cursor_u32le(&in);
    bool is_usual = block_bytes >= 512 && block_bytes <= 32768 && block_bytes % 512 == 0;
    udf->block_bytes = is_usual ? block_bytes : udf->sector_bytes;
    ov_cursor_seek(&in, 248);
    udf->file_set = ov_udf_read_place(&in);
    ov_cursor_seek(&in, 268);
    uint32_t count = ov_cursor_u32le(&in);
    ov_cursor_seek(&in, MAPS_AT);
    udf->map_count = 0;
    for (uint32_t i = 0; i < count && udf->map_count < OV_UDF_MAPS_MAX && !in.has_failed; i++) {
        struct ov_span rest = ov_span_from(in.bytes, in.at);
        uint8_t kind = ov_cursor_u8(&in), size = ov_cursor_u8(&in);
        ov_cursor_skip(&in, size >= 2 ? size - 2u : 0);
        read_map(udf, kind, ov_span_part(rest, 0, size));
    }
}

// Tells each map where its partition begins; first those that lie in no file.
static enum ov_status place_maps(struct ov_udf *udf, const struct volume *volume) {
    for (uint32_t i = 0; i < udf->map_count; i++) {
        for (uint32_t k = 0; k < volume->partition_count; k++) {
            if (volume->partitions[k].number == udf->maps[i].partition) {
                udf->maps[i].start = volume->partitions[k].start;
            }
        }
    }
    for (uint32_t i = 0; i < udf->map_count; i++) {
        struct ov_udf_map *map = &udf->maps[i];
        if (!map->is_metadata) {
            continue;
        }
        uint64_t at = map->start + (uint64_t)map->metadata_file * udf->block_bytes;
        struct ov_span entry = ov_span_part(udf->disc.image, at, udf->block_bytes);
        map->is_metadata = false; // the blocks of this file are those of the partition itself
        enum ov_status status =
            ov_udf_read_file(udf, entry, (uint16_t)i, &map->metadata_bytes, &map->metadata);
        map->is_metadata = true;
        TRY(status);
    }
    return OV_OK;
}

static enum ov_status walk_volume(struct ov_udf *udf, uint64_t first, uint64_t count) {
    struct volume volume = {0};
    count = count < DESCRIPTORS_MAX ? count : DESCRIPTORS_MAX;
    for (uint64_t i = 0; i < count; i++) {
        struct ov_span descriptor = get_sector(udf, first + i);
        uint16_t tag = ov_udf_tag(descriptor);
        if (tag == TAG_PARTITION) {
            read_partition(udf, descriptor, &volume);
        } else if (tag == TAG_VOLUME) {
            read_volume(udf, descriptor);
        } else if (tag == TAG_END || descriptor.size == 0) {
            break;
        }
    }
    TRY(place_maps(udf, &volume));
    struct ov_span files = ov_udf_bytes(udf, udf->file_set, udf->block_bytes);
    if (ov_udf_tag(files) != OV_UDF_TAG_FILE_SET) {
        return OV_DAMAGED;
    }
    struct ov_cursor in = ov_cursor_init(files);
    ov_cursor_seek(&in, ROOT_AT);
    TRY(ov_udf_walk_tree(udf, ov_udf_read_place(&in)));
    return udf->is_damaged ? OV_DAMAGED : OV_OK;
}

// ---- anchors -----------------------------------------------------------------------------------

// Whether a sector is an anchor: it says where it is itself.
static bool is_anchor(const struct ov_udf *udf, uint64_t number) {
    struct ov_span sector = get_sector(udf, number);
    struct ov_cursor in = ov_cursor_init(sector);
    ov_cursor_seek(&in, 12);
    return ov_udf_tag(sector) == TAG_ANCHOR && ov_cursor_u32le(&in) == number;
}

// Looks where anchors may stand (ECMA-167, 3/8.4.2.1), for each size of sectors.
static bool find_anchor(struct ov_udf *udf, uint64_t *ret_number) {
    static const uint16_t sizes[] = {2048, 512, 1024, SECTORS_BYTES_MAX};
    for (size_t i = 0; i < OV_COUNT(sizes); i++) {
        udf->sector_bytes = sizes[i];
        uint64_t count = udf->disc.image.size / sizes[i];
        uint64_t places[] = {256, count - 1, count - 257, 512};
        for (size_t k = 0; k < OV_COUNT(places); k++) {
            if (places[k] < count && is_anchor(udf, places[k])) {
                *ret_number = places[k];
                return true;
            }
        }
    }
    return false;
}

static enum ov_status walk_udf(struct ov_cursor *in, struct ov_walk *walk) {
    struct ov_udf udf = {0};
    uint64_t number = 0;
    TRY(ov_disc_init(&udf.disc, in->bytes, OV_DISC_SECTOR_BYTES, walk));
    if (!find_anchor(&udf, &number)) {
        return OV_DAMAGED;
    }
    struct ov_cursor anchor = ov_cursor_init(get_sector(&udf, number));
    ov_cursor_seek(&anchor, TAG_BYTES);
    enum ov_status status = OV_DAMAGED;
    for (unsigned copy = 0; copy < 2 && status == OV_DAMAGED; copy++) { // the second is a reserve
        uint64_t bytes = ov_cursor_u32le(&anchor);
        uint64_t first = ov_cursor_u32le(&anchor);
        status = walk_volume(&udf, first, bytes / udf.sector_bytes);
    }
    for (uint32_t i = 0; i < OV_UDF_MAPS_MAX; i++) {
        ov_buf_release(&udf.maps[i].metadata_bytes);
    }
    return status;
}

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_UDF, .walk = walk_udf}, // found among other bytes: embedded.c
};

OV_FORMAT_SET(udf, formats);
