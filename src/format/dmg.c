// SPDX-License-Identifier: Apache-2.0
// Apple disk images (UDIF): the partitions that a property list or a resource fork tells of.
//
// The trailer ("koly") as libdmg-hfsplus has it; Inside Macintosh: More Macintosh Toolbox, 1, for
// the resource fork.
#include "format/archive/dmg.h"

#include "format/codec/base64.h"
#include "format/archive/disk.h"
#include "format/format.h"
#include "format/office/xml_scan.h"

#define MARK_ENCRYPTED "encrcdsa"

enum {
    TRAILER_BYTES = 512,
    TABLES_MAX = 256,
    RESOURCE_TYPE_AT = 24, // in the map: where the list of types is
    RESOURCE_BYTES = 12,
};

struct image {
    struct ov_walk *walk;
    struct ov_span file;
    struct ov_span data; // what tables count in
    struct ov_buf table, plain;
    uint32_t table_count;
    bool is_damaged, is_unsupported;
};

// A reader that unpacks only the first table of a name would miss the rest: all are told.
static enum ov_status tell_partition(struct image *image, struct ov_span table,
                                     struct ov_span name) {
    if (image->table_count++ >= TABLES_MAX) {
        ov_budget_note(image->walk->budget, OV_LIMIT_FILES);
        return OV_LIMIT;
    }
    ov_buf_reset(&image->plain);
    enum ov_status status = ov_dmg_unpack(image->walk, image->data, table, &image->plain);
    if (status == OV_MEMORY) {
        return status;
    }
    image->is_damaged = image->is_damaged || status == OV_DAMAGED;
    image->is_unsupported = image->is_unsupported || status == OV_UNSUPPORTED;
    if (image->plain.size == 0) {
        return ov_walk_has_time(image->walk);
    }
    return ov_disk_tell_bytes(image->walk, ov_buf_span(&image->plain), name);
}

// ---- property list -----------------------------------------------------------------------------

// What has been read of one dictionary: <data> that reads as a table, and the name beside it.
struct entry {
    struct ov_buf data; // in base64
    struct ov_span name, key;
};

static enum ov_status tell_entry(struct image *image, struct entry *entry) {
    struct ov_base64_signs signs;
    ov_buf_reset(&image->table);
    enum ov_status status = ov_base64_decode(ov_buf_span(&entry->data), OV_BASE64_ALL,
                                             ov_walk_room(image->walk), &image->table, &signs);
    struct ov_span table = ov_buf_span(&image->table), name = entry->name;
    ov_buf_reset(&entry->data);
    entry->name = ov_span_make(NULL, 0);
    if (status == OV_MEMORY) {
        return status;
    }
    return ov_span_has_prefix(table, "mish") ? tell_partition(image, table, name) : OV_OK;
}

static void take_text(struct entry *entry, struct ov_span element, struct ov_span text) {
    if (ov_span_is_text(element, "key")) {
        entry->key = text;
    } else if (ov_span_is_text(element, "data")) {
        ov_buf_add(&entry->data, text.data, text.size);
    } else if (ov_span_is_text(element, "string") && ov_span_is_text(entry->key, "Name")) {
        entry->name = text;
    }
}

static enum ov_status walk_events(struct image *image, struct ov_span list, struct entry *entry) {
    struct ov_xml xml = ov_xml_init(list);
    struct ov_span element = ov_span_make(NULL, 0);
    enum ov_xml_event event;
    while ((event = ov_xml_next(&xml)) != OV_XML_END) {
        TRY(ov_walk_has_time(image->walk));
        if (event == OV_XML_TEXT) {
            take_text(entry, element, xml.text);
            TRY(ov_buf_status(&entry->data));
            continue;
        }
        bool is_next = event == OV_XML_OPEN && ov_span_is_text(xml.name, "data");
        bool is_end = event == OV_XML_CLOSE && ov_span_is_text(xml.name, "dict");
        if ((is_next || is_end) && entry->data.size > 0) {
            TRY(tell_entry(image, entry));
        }
        element = event == OV_XML_OPEN ? xml.name : ov_span_make(NULL, 0);
    }
    return tell_entry(image, entry); // that was not closed
}

static enum ov_status walk_list(struct image *image, struct ov_span list) {
    struct entry entry = {0};
    enum ov_status status = walk_events(image, list, &entry);
    ov_buf_release(&entry.data);
    return status;
}

// ---- resource fork -----------------------------------------------------------------------------

struct fork {
    struct ov_span data, types, names;
};

static enum ov_status tell_resource(struct image *image, const struct fork *fork,
                                    struct ov_span reference) {
    struct ov_cursor in = ov_cursor_init(reference);
    ov_cursor_skip(&in, 2); // number
    uint16_t name_at = ov_cursor_u16be(&in);
    uint32_t data_at = ov_cursor_u32be(&in) & 0xffffff;
    struct ov_cursor data = ov_cursor_init(ov_span_from(fork->data, data_at));
    uint32_t size = ov_cursor_u32be(&data);
    struct ov_span table = ov_span_part(ov_span_from(fork->data, data_at), 4, size);
    struct ov_cursor name = ov_cursor_init(ov_span_from(fork->names, name_at));
    uint8_t name_bytes = ov_cursor_u8(&name);
    return tell_partition(image, table, ov_span_part(name.bytes, 1, name_bytes));
}

static enum ov_status walk_type(struct image *image, const struct fork *fork, uint32_t at,
                                uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        TRY(ov_walk_has_time(image->walk));
        struct ov_span reference =
            ov_span_part(fork->types, at + (size_t)i * RESOURCE_BYTES, RESOURCE_BYTES);
        if (reference.size < RESOURCE_BYTES) {
            image->is_damaged = true;
            return OV_OK;
        }
        TRY(tell_resource(image, fork, reference));
    }
    return OV_OK;
}

static enum ov_status walk_fork(struct image *image, struct ov_span bytes) {
    struct ov_cursor in = ov_cursor_init(bytes);
    uint32_t data_at = ov_cursor_u32be(&in), map_at = ov_cursor_u32be(&in);
    struct ov_span map = ov_span_from(bytes, map_at);
    in = ov_cursor_init(map);
    ov_cursor_seek(&in, RESOURCE_TYPE_AT);
    uint16_t types_at = ov_cursor_u16be(&in), names_at = ov_cursor_u16be(&in);
    struct fork fork = {.data = ov_span_from(bytes, data_at),
                        .types = ov_span_from(map, types_at),
                        .names = ov_span_from(map, names_at)};
    in = ov_cursor_init(fork.types);
    uint32_t count = (ov_cursor_u16be(&in) + 1u) & 0xffff;
    for (uint32_t i = 0; i < count && !in.has_failed; i++) {
        bool is_table = ov_cursor_u32be(&in) == 0x626c6b78; // blkx
        uint32_t references = ov_cursor_u16be(&in) + 1u, at = ov_cursor_u16be(&in);
        if (is_table) {
            TRY(walk_type(image, &fork, at, references));
        }
    }
    image->is_damaged = image->is_damaged || in.has_failed;
    return OV_OK;
}

// ---- the image ---------------------------------------------------------------------------------

// The property list is a part as well, as for clamscan.
static enum ov_status walk_tables(struct image *image, struct ov_cursor *trailer) {
    ov_cursor_seek(trailer, 40);
    uint64_t fork_at = ov_cursor_u64be(trailer), fork_bytes = ov_cursor_u64be(trailer);
    ov_cursor_seek(trailer, 216);
    uint64_t list_at = ov_cursor_u64be(trailer), list_bytes = ov_cursor_u64be(trailer);
    struct ov_span list = ov_span_part(image->file, list_at, list_bytes);
    if (list.size > 0) {
        TRY(ov_walk_stored(image->walk, list, ov_span_text("plist")));
        TRY(walk_list(image, list));
    }
    if (image->table_count == 0 && fork_bytes > 0) {
        TRY(walk_fork(image, ov_span_part(image->file, fork_at, fork_bytes)));
    }
    image->is_damaged = image->is_damaged || image->table_count == 0;
    return OV_OK;
}

static enum ov_status walk_dmg(struct ov_cursor *in, struct ov_walk *walk) {
    struct image image = {.walk = walk, .file = in->bytes};
    if (ov_span_has_prefix(in->bytes, MARK_ENCRYPTED)) {
        ov_walk_fact(walk, OV_FACT_ENCRYPTED);
        return OV_OK;
    }
    if (in->bytes.size < TRAILER_BYTES) {
        return OV_DAMAGED;
    }
    struct ov_cursor trailer =
        ov_cursor_init(ov_span_from(in->bytes, in->bytes.size - TRAILER_BYTES));
    ov_cursor_seek(&trailer, 24);
    image.data = ov_span_from(in->bytes, ov_cursor_u64be(&trailer));
    enum ov_status status = walk_tables(&image, &trailer);
    ov_buf_release(&image.table);
    ov_buf_release(&image.plain);
    TRY(status);
    return image.is_damaged ? OV_DAMAGED : image.is_unsupported ? OV_UNSUPPORTED : OV_OK;
}

// Those that are not encrypted are found by their trailer: embedded.c
static const struct ov_magic magics[] = {OV_MAGIC(0, MARK_ENCRYPTED)};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_DMG, OV_MAGICS(magics), .walk = walk_dmg, .is_beside = true},
};

OV_FORMAT_SET(dmg, formats);
