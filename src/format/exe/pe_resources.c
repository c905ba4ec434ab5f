// SPDX-License-Identifier: Apache-2.0
// The three levels of tables over a PE's resources: types, names, languages.
#include "format/exe/pe_resources.h"

#include <inttypes.h>

#include "format/codec/utf16.h"

enum {
    DIRECTORY_BYTES = 16, // followed by entries of 8 bytes, the named ones first
    ENTRY_BYTES = 8,
    ENTRIES_MAX = 1 << 20, // tables that overlap may seem to have many more
};

static const uint32_t IS_DIRECTORY = OV_PE_IS_TEXT; // in a target

struct ov_cursor ov_pe_open_address(struct ov_span file, const struct ov_exe *exe, uint32_t rva) {
    struct ov_cursor in = ov_cursor_init(file);
    uint64_t offset = 0;
    if (!ov_pe_find_offset(exe, file.size, rva, &offset)) {
        in.has_failed = true;
        return in;
    }
    ov_cursor_seek(&in, offset);
    return in;
}

struct ov_cursor ov_pe_open_resource(struct ov_span file, const struct ov_exe *exe,
                                     uint32_t entry_rva, uint32_t *ret_bytes) {
    struct ov_cursor entry = ov_pe_open_address(file, exe, entry_rva);
    uint32_t rva = ov_cursor_u32le(&entry);
    uint32_t size = ov_cursor_u32le(&entry);
    ov_cursor_skip(&entry, 8);
    struct ov_cursor in = ov_pe_open_address(file, exe, rva);
    in.has_failed = in.has_failed || entry.has_failed || ov_cursor_left(&in) < size;
    *ret_bytes = size;
    return in;
}

// Opens a table and gives how many entries of either kind it says to have.
static struct ov_cursor open_directory(const struct ov_pe_resources *resources, uint32_t rva,
                                       uint32_t *ret_named, uint32_t *ret_numbered) {
    uint32_t base = resources->exe->pe.resources_rva;
    struct ov_cursor in = ov_pe_open_address(resources->file, resources->exe, base + rva);
    ov_cursor_skip(&in, DIRECTORY_BYTES - 4);
    *ret_named = ov_cursor_u16le(&in);
    *ret_numbered = ov_cursor_u16le(&in);
    return in;
}

// Walks the languages of one name. OV_END when it or one of its entries cannot be read: then
// nothing after it counts either.
static enum ov_status walk_languages(struct ov_pe_resources *resources, uint32_t name,
                                     uint32_t rva) {
    uint32_t named, numbered;
    struct ov_cursor in = open_directory(resources, rva, &named, &numbered);
    for (uint32_t i = 0; i < named + numbered; i++) {
        ov_cursor_skip(&in, 4);
        uint32_t target = ov_cursor_u32le(&in);
        if (in.has_failed || resources->entry_count++ >= ENTRIES_MAX) {
            return OV_END;
        }
        if ((target & IS_DIRECTORY) == 0) {
            TRY(resources->take(resources->arg, name, resources->exe->pe.resources_rva + target));
        }
    }
    return in.has_failed ? OV_END : OV_OK;
}

// Walks the names of one type; those that are numbers stand behind the others.
static enum ov_status walk_names(struct ov_pe_resources *resources, uint32_t rva) {
    uint32_t named, numbered;
    struct ov_cursor in = open_directory(resources, rva, &named, &numbered);
    bool is_any = resources->name == OV_PE_ANY_NAME;
    ov_cursor_skip(&in, is_any ? 0 : (uint64_t)named * ENTRY_BYTES);
    uint32_t count = numbered + (is_any ? named : 0);
    for (uint32_t i = 0; i < count && !in.has_failed; i++) {
        uint32_t name = ov_cursor_u32le(&in);
        uint32_t target = ov_cursor_u32le(&in);
        bool is_wanted = is_any || name == resources->name;
        if (resources->entry_count++ >= ENTRIES_MAX) {
            return OV_END;
        }
        if (!in.has_failed && is_wanted && (target & IS_DIRECTORY) != 0) {
            TRY(walk_languages(resources, name, target & ~IS_DIRECTORY));
        }
    }
    return OV_OK;
}

void ov_pe_resource_add_name(const struct ov_pe_resources *resources, uint32_t name,
                             struct ov_buf *text) {
    if ((name & OV_PE_IS_TEXT) == 0) {
        ov_buf_printf(text, "%" PRIu32, name);
        return;
    }
    uint32_t rva = resources->exe->pe.resources_rva + (name & ~OV_PE_IS_TEXT);
    struct ov_cursor in = ov_pe_open_address(resources->file, resources->exe, rva);
    size_t units = ov_cursor_u16le(&in);
    ov_utf16_add_bytes(text, ov_cursor_bytes(&in, units * 2));
}

// Finds the type among the entries of the root, those that are texts first; the first one that is a
// directory counts. Tables that are damaged end the type that they belong to.
enum ov_status ov_pe_resources_walk(struct ov_pe_resources *resources) {
    uint32_t named, numbered;
    if (resources->exe->pe.resources_bytes == 0) {
        return OV_OK;
    }
    bool is_any = resources->type == OV_PE_ANY_TYPE;
    struct ov_cursor in = open_directory(resources, 0, &named, &numbered);
    ov_cursor_skip(&in, is_any ? 0 : (uint64_t)named * ENTRY_BYTES);
    uint32_t count = numbered + (is_any ? named : 0);
    enum ov_status status = OV_OK;
    for (uint32_t i = 0; i < count && !in.has_failed; i++) {
        uint32_t type = ov_cursor_u32le(&in);
        uint32_t target = ov_cursor_u32le(&in);
        bool is_wanted = is_any || type == resources->type;
        if (in.has_failed || !is_wanted || (target & IS_DIRECTORY) == 0) {
            continue;
        }
        resources->found_type = type;
        status = walk_names(resources, target & ~IS_DIRECTORY);
        bool goes_on = is_any && resources->entry_count < ENTRIES_MAX;
        if (!goes_on || (status != OV_OK && status != OV_END)) {
            break;
        }
    }
    return status == OV_END ? OV_OK : status;
}
