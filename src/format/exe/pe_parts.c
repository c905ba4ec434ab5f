// SPDX-License-Identifier: Apache-2.0
// Resources of a PE, and what stands behind its sections.
#include "format/exe/pe_parts.h"

#include "format/exe/pe_resources.h"

enum {
    PADDING_MAX = 4096, // zeros in front of what stands behind the sections
};

static bool is_seen(struct ov_pe_parts *parts, struct ov_span part) {
    for (uint32_t i = 0; i < parts->seen_count && i < OV_PE_PARTS_SEEN; i++) {
        if (parts->seen[i] == part.data) {
            return true;
        }
    }
    return false;
}

enum ov_status ov_pe_part_tell(struct ov_pe_parts *parts, struct ov_span part) {
    TRY(ov_walk_has_time(parts->walk));
    if (part.size == 0 || is_seen(parts, part) || !ov_known_is_worth(parts->file, part)) {
        return OV_OK;
    }
    parts->seen[parts->seen_count++ % OV_PE_PARTS_SEEN] = part.data;
    TRY(ov_buf_status(&parts->name));
    return ov_walk_stored(parts->walk, part, ov_buf_span(&parts->name));
}

// ---- resources ---------------------------------------------------------------------------------

struct resource_walk {
    struct ov_pe_parts *parts;
    struct ov_pe_resources tables;
    enum ov_status status; // the sink's: OV_END means something else to the tables
};

static enum ov_status take_resource(void *arg, uint32_t name, uint32_t entry_rva) {
    struct resource_walk *walk = arg;
    struct ov_pe_parts *parts = walk->parts;
    struct ov_cursor entry = ov_pe_open_address(parts->file, &parts->exe, entry_rva);
    uint32_t rva = ov_cursor_u32le(&entry);
    uint32_t size = ov_cursor_u32le(&entry);
    struct ov_cursor in = ov_pe_open_address(parts->file, &parts->exe, rva);
    if (entry.has_failed || in.has_failed) {
        return ov_walk_has_time(parts->walk);
    }
    ov_buf_reset(&parts->name);
    ov_buf_add_text(&parts->name, "rsrc/");
    ov_pe_resource_add_name(&walk->tables, walk->tables.found_type, &parts->name);
    ov_buf_add_u8(&parts->name, '/');
    ov_pe_resource_add_name(&walk->tables, name, &parts->name);
    walk->status = ov_pe_part_tell(parts, ov_span_part(parts->file, in.at, size));
    return walk->status == OV_END ? OV_LIMIT : walk->status;
}

static enum ov_status tell_resources(struct ov_pe_parts *parts) {
    struct resource_walk walk = {.parts = parts,
                                 .tables = {.file = parts->file,
                                            .exe = &parts->exe,
                                            .type = OV_PE_ANY_TYPE,
                                            .name = OV_PE_ANY_NAME,
                                            .take = take_resource}};
    walk.tables.arg = &walk;
    enum ov_status status = ov_pe_resources_walk(&walk.tables);
    return walk.status != OV_OK ? walk.status : status;
}

// ---- behind the sections -----------------------------------------------------------------------

// What stands at an offset, or behind zeros there.
static enum ov_status tell_behind(struct ov_pe_parts *parts, uint64_t offset) {
    if (offset == 0 || offset >= parts->file.size) {
        return OV_OK;
    }
    struct ov_span rest = ov_span_from(parts->file, (size_t)offset);
    ov_buf_reset(&parts->name);
    ov_buf_add_text(&parts->name, "overlay");
    TRY(ov_pe_part_tell(parts, rest));
    size_t zeros = 0;
    while (zeros < rest.size && zeros < PADDING_MAX && rest.data[zeros] == 0) {
        zeros++;
    }
    return zeros == 0 ? OV_OK : ov_pe_part_tell(parts, ov_span_from(rest, zeros));
}

static void release_parts(struct ov_pe_parts *parts) {
    ov_buf_release(&parts->name);
}

enum ov_status ov_pe_parts_walk(struct ov_span file, struct ov_walk *walk) {
    OV_CLEANUP(release_parts) struct ov_pe_parts parts = {.file = file, .walk = walk};
    TRY(ov_pe_read(file, walk->arena, &parts.exe));
    if (parts.exe.section_count == 0) {
        return OV_OK;
    }
    TRY(tell_resources(&parts));
    TRY(ov_dotnet_tell(&parts));
    TRY(tell_behind(&parts, parts.exe.pe.overlay_offset));
    return tell_behind(&parts, parts.exe.pe.certificates_end);
}
