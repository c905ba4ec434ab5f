// SPDX-License-Identifier: Apache-2.0
// Images of discs: ISO 9660 with Joliet and Rock Ridge, all trees of all sessions.
//
// ECMA-119; Joliet specification (Microsoft, 1995); IEEE P1282 (Rock Ridge); El Torito 1.0.
#include "format/archive/iso9660.h"

#include "format/format.h"

enum {
    FIRST_DESCRIPTOR = 16,
    DESCRIPTORS_MAX = 64,
    KIND_BOOT = 0,
    KIND_PRIMARY = 1,
    KIND_SUPPLEMENTARY = 2,
    KIND_END = 255,
    CATALOG_AT = 71,
    ESCAPES_AT = 88,
    BLOCK_BYTES_AT = 128,
    ROOT_AT = 156,
};

static bool is_descriptor(struct ov_span image, uint64_t at) {
    return ov_span_has_prefix(ov_span_from(image, at + 1), "CD001");
}

// How far sectors lie apart: two descriptors in a row tell. 0: this is no image.
static size_t find_raw_bytes(struct ov_span image) {
    static const uint16_t sizes[] = {2048, 2336, 2352, 2448};
    for (size_t i = 0; i < OV_COUNT(sizes); i++) {
        uint64_t at = (uint64_t)FIRST_DESCRIPTOR * sizes[i];
        if (is_descriptor(image, at) && is_descriptor(image, at + sizes[i])) {
            return sizes[i];
        }
    }
    return is_descriptor(image, (uint64_t)FIRST_DESCRIPTOR * 2048) ? 2048 : 0;
}

// ---- what starts from an image (El Torito) -----------------------------------------------------

static enum ov_status tell_boot_image(struct ov_iso *iso, struct ov_cursor entry) {
    // Of the kinds of media that are emulated; otherwise the entry says how much is loaded.
    static const uint32_t media_bytes[] = {0, 1200 << 10, 1440 << 10, 2880 << 10};
    uint8_t media = ov_cursor_u8(&entry) & 0x0f;
    ov_cursor_skip(&entry, 4);
    uint64_t size = (uint64_t)ov_cursor_u16le(&entry) * 512;
    uint64_t at = (uint64_t)ov_cursor_u32le(&entry) * OV_DISC_SECTOR_BYTES;
    size = media > 0 && media < OV_COUNT(media_bytes) ? media_bytes[media] : size;
    if (size == 0 || !ov_disc_is_new(&iso->disc, at, size)) {
        return OV_OK;
    }
    struct ov_span bytes = ov_disc_read(&iso->disc, at, size, &iso->copy);
    return ov_walk_stored(iso->disc.walk, bytes, ov_span_text("boot image"));
}

// Entries of 32 bytes: those that can start begin with 0x88.
static enum ov_status tell_boot_images(struct ov_iso *iso, struct ov_span descriptor) {
    struct ov_cursor in = ov_cursor_init(descriptor);
    ov_cursor_seek(&in, CATALOG_AT);
    uint64_t at = (uint64_t)ov_cursor_u32le(&in) * OV_DISC_SECTOR_BYTES;
    uint8_t catalog[OV_DISC_SECTOR_BYTES];
    struct ov_span bytes = ov_disc_read(&iso->disc, at, sizeof catalog, &iso->copy);
    memcpy(catalog, bytes.data, bytes.size);
    in = ov_cursor_init(ov_span_make(catalog, bytes.size));
    while (ov_cursor_left(&in) >= 32) {
        struct ov_cursor entry = ov_cursor_init(ov_cursor_bytes(&in, 32));
        if (ov_cursor_u8(&entry) == 0x88) {
            TRY(tell_boot_image(iso, entry));
        }
    }
    return OV_OK;
}

// ---- volumes -----------------------------------------------------------------------------------

static bool is_joliet(struct ov_span descriptor) {
    struct ov_span escapes = ov_span_from(descriptor, ESCAPES_AT);
    return ov_span_has_prefix(escapes, "%/@") || ov_span_has_prefix(escapes, "%/C") ||
           ov_span_has_prefix(escapes, "%/E");
}

static enum ov_status walk_volume(struct ov_iso *iso, struct ov_span descriptor) {
    struct ov_cursor in = ov_cursor_init(descriptor);
    ov_cursor_seek(&in, BLOCK_BYTES_AT);
    uint16_t block_bytes = ov_cursor_u16le(&in);
    bool is_usual = block_bytes == 512 || block_bytes == 1024 || block_bytes == 2048;
    iso->block_bytes = is_usual ? block_bytes : OV_DISC_SECTOR_BYTES;
    iso->is_joliet = descriptor.data[0] == KIND_SUPPLEMENTARY && is_joliet(descriptor);
    return ov_iso_walk_tree(iso, ov_span_from(descriptor, ROOT_AT));
}

// The descriptors from a sector on. Trees with long names come first: what two trees tell of is
// told once, under the name of the first.
static enum ov_status walk_descriptors(struct ov_iso *iso, uint64_t sector) {
    static const uint8_t order[] = {KIND_SUPPLEMENTARY, KIND_PRIMARY, KIND_BOOT};
    for (size_t k = 0; k < OV_COUNT(order); k++) {
        for (uint64_t i = 0; i < DESCRIPTORS_MAX; i++) {
            uint8_t copy[OV_DISC_SECTOR_BYTES];
            uint64_t at = (sector + i) * iso->disc.raw_bytes;
            struct ov_span bytes = ov_span_part(iso->disc.image, at, sizeof copy);
            if (bytes.size < sizeof copy || !is_descriptor(bytes, 0) || bytes.data[0] == KIND_END) {
                break;
            }
            memcpy(copy, bytes.data, sizeof copy);
            struct ov_span descriptor = ov_span_make(copy, sizeof copy);
            if (copy[0] == order[k]) {
                TRY(copy[0] == KIND_BOOT ? tell_boot_images(iso, descriptor)
                                         : walk_volume(iso, descriptor));
            }
        }
    }
    return OV_OK;
}

// Each session has descriptors of its own; the sectors that they name are counted from the start of
// the disc. Only the last session is seen by most readers: all are told.
static enum ov_status walk_sessions(struct ov_iso *iso) {
    uint64_t count = iso->disc.image.size / iso->disc.raw_bytes;
    bool was_descriptor = false;
    for (uint64_t sector = FIRST_DESCRIPTOR; sector < count; sector++) {
        bool is_one = is_descriptor(iso->disc.image, sector * iso->disc.raw_bytes);
        if (is_one && !was_descriptor) {
            TRY(ov_walk_has_time(iso->disc.walk));
            TRY(walk_descriptors(iso, sector));
        }
        was_descriptor = is_one;
    }
    return iso->is_damaged ? OV_DAMAGED : OV_OK;
}

static enum ov_status walk_iso(struct ov_cursor *in, struct ov_walk *walk) {
    size_t raw_bytes = find_raw_bytes(in->bytes);
    if (raw_bytes == 0) {
        return OV_DAMAGED;
    }
    struct ov_iso iso = {0};
    TRY(ov_disc_init(&iso.disc, in->bytes, raw_bytes, walk));
    enum ov_status status = walk_sessions(&iso);
    ov_buf_release(&iso.copy);
    ov_buf_release(&iso.listing);
    ov_buf_release(&iso.whole);
    ov_buf_release(&iso.name);
    return status;
}

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_ISO9660, .walk = walk_iso}, // found among other bytes: embedded.c
};

OV_FORMAT_SET(iso9660, formats);
