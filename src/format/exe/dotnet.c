// SPDX-License-Identifier: Apache-2.0
// Resources of .NET assemblies (ECMA-335, II.24.2.2 and II.25.3.3), and of the files that
// System.Resources.ResourceWriter makes of them.
#include "format/format.h"
#include "format/exe/pe_parts.h"
#include "format/exe/pe_resources.h"
#include "format/codec/utf16.h"

#include <inttypes.h>

enum {
    RESOURCES_AT = 24, // in the header: where they are
    ALIGN = 8,
    ITEMS_MAX = 1 << 20,
    TYPE_BYTES = 0x20, // of a value: an array of bytes
    TYPE_STREAM = 0x21,
};

// Seven bits of a number in each byte, the low ones first (BinaryReader.Read7BitEncodedInt).
static uint32_t read_number(struct ov_cursor *in) {
    uint32_t value = 0;
    uint8_t byte = 0x80;
    for (unsigned shift = 0; (byte & 0x80) != 0 && shift < 32; shift += 7) {
        byte = ov_cursor_u8(in);
        value |= (uint32_t)(byte & 0x7f) << shift;
    }
    return value;
}

// A file of named values: where its tables are.
struct value_set {
    struct ov_span file;
    uint32_t count;
    size_t positions_at; // of names, for each value
    size_t names_at;
    uint64_t values_at;
    bool is_old; // version 1 has other types
};

// The header of the file, then that of the reader (System.Resources.RuntimeResourceSet).
static bool open_set(struct ov_span file, struct value_set *ret_set) {
    struct ov_cursor in = ov_cursor_init(file);
    if (!ov_span_has_prefix(file, "\xce\xca\xef\xbe")) {
        return false;
    }
    ov_cursor_skip(&in, 8);
    ov_cursor_skip(&in, ov_cursor_u32le(&in));
    struct value_set set = {.file = file, .is_old = ov_cursor_u32le(&in) == 1};
    set.count = ov_cursor_u32le(&in);
    uint32_t types = (uint32_t)ov_cursor_count(&in, ov_cursor_u32le(&in), 1);
    for (uint32_t i = 0; i < types; i++) {
        ov_cursor_skip(&in, read_number(&in));
    }
    ov_cursor_seek(&in, (in.at + ALIGN - 1) / ALIGN * ALIGN);
    set.count = (uint32_t)ov_cursor_count(&in, set.count, 2 * sizeof(uint32_t));
    ov_cursor_skip(&in, (uint64_t)set.count * sizeof(uint32_t)); // hashes
    set.positions_at = in.at;
    ov_cursor_skip(&in, (uint64_t)set.count * sizeof(uint32_t));
    set.values_at = ov_cursor_u32le(&in);
    set.names_at = in.at;
    *ret_set = set;
    return !in.has_failed;
}

// Tells a value that is a run of bytes, by its name behind that of the file.
static enum ov_status tell_value(struct ov_pe_parts *parts, const struct value_set *set,
                                 uint32_t index, size_t prefix_bytes) {
    struct ov_cursor in = ov_cursor_init(set->file);
    ov_cursor_seek(&in, set->positions_at + (uint64_t)index * sizeof(uint32_t));
    ov_cursor_seek(&in, set->names_at + (uint64_t)ov_cursor_u32le(&in));
    struct ov_span name = ov_cursor_bytes(&in, read_number(&in));
    ov_cursor_seek(&in, set->values_at + ov_cursor_u32le(&in));
    uint32_t type = read_number(&in);
    if (in.has_failed || (type != TYPE_BYTES && type != TYPE_STREAM)) {
        return ov_walk_has_time(parts->walk);
    }
    uint32_t size = ov_cursor_u32le(&in);
    parts->name.size = prefix_bytes;
    ov_buf_add_u8(&parts->name, '/');
    ov_utf16_add_bytes(&parts->name, name);
    return ov_pe_part_tell(parts, ov_span_part(set->file, in.at, size));
}

static enum ov_status tell_set(struct ov_pe_parts *parts, struct ov_span file) {
    struct value_set set;
    if (!open_set(file, &set) || set.is_old) {
        return OV_OK;
    }
    size_t prefix_bytes = parts->name.size;
    for (uint32_t i = 0; i < set.count && i < ITEMS_MAX; i++) {
        TRY(tell_value(parts, &set, i, prefix_bytes));
    }
    return OV_OK;
}

// They stand one after another, each behind its size. Their names are far away, in the metadata;
// numbers do.
enum ov_status ov_dotnet_tell(struct ov_pe_parts *parts) {
    const struct ov_pe_places *places = &parts->exe.pe;
    if (places->runtime_bytes == 0) {
        return OV_OK;
    }
    struct ov_cursor header = ov_pe_open_address(parts->file, &parts->exe, places->runtime_rva);
    ov_cursor_skip(&header, RESOURCES_AT);
    uint32_t rva = ov_cursor_u32le(&header);
    uint32_t bytes = ov_cursor_u32le(&header);
    struct ov_cursor place = ov_pe_open_address(parts->file, &parts->exe, rva);
    if (header.has_failed || place.has_failed) {
        return OV_OK;
    }
    struct ov_cursor in = ov_cursor_init(ov_span_part(parts->file, place.at, bytes));
    for (uint32_t i = 0; ov_cursor_left(&in) > sizeof(uint32_t) && i < ITEMS_MAX; i++) {
        uint32_t size = ov_cursor_u32le(&in);
        struct ov_span part = ov_span_part(in.bytes, in.at, size);
        ov_buf_reset(&parts->name);
        ov_buf_printf(&parts->name, "net/%" PRIu32, i);
        TRY(ov_pe_part_tell(parts, part));
        TRY(tell_set(parts, part));
        ov_cursor_seek(&in, (in.at + (uint64_t)size + ALIGN - 1) / ALIGN * ALIGN);
    }
    return OV_OK;
}
