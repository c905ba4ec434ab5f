// SPDX-License-Identifier: Apache-2.0
//
// Resources of a PE by type and name (PE/COFF specification, section 6.9), in clamscan's way.
//
// Borrows the file and what was read of its headers. Worker process only.
#pragma once

#include "base/buf.h"
#include "base/cursor.h"
#include "format/exe.h"

#define OV_PE_ANY_NAME UINT32_MAX
#define OV_PE_ANY_TYPE UINT32_MAX // numbers and texts

// Set in a type or name that is a text: the rest is where that stands among the resources.
#define OV_PE_IS_TEXT (UINT32_C(1) << 31)

struct ov_pe_resources {
    struct ov_span file;
    const struct ov_exe *exe; // readable
    uint32_t type, name;      // numbers, or OV_PE_ANY_TYPE, OV_PE_ANY_NAME
    uint32_t found_type;      // of what `take` is given
    // Is given each resource: its name, and the address of its data entry. OV_OK goes on; anything
    // else ends the walk.
    enum ov_status (*take)(void *arg, uint32_t name, uint32_t entry_rva);
    void *arg;
    uint32_t entry_count; // of tables that were looked at
};

// Adds a type or name as text: its number, or its letters in UTF-8.
void ov_pe_resource_add_name(const struct ov_pe_resources *resources, uint32_t name,
                             struct ov_buf *text);

// Walks all languages of all resources of that type and name. OV_OK also when there are none, when
// the tables are damaged or endless, and when `take` ended the walk with OV_END; else what it said.
enum ov_status ov_pe_resources_walk(struct ov_pe_resources *resources);

// A cursor at an address of the image; it has failed when no section holds it.
struct ov_cursor ov_pe_open_address(struct ov_span file, const struct ov_exe *exe, uint32_t rva);

// The data behind a data entry; a cursor that has failed when the file does not hold all of it.
// It covers the whole file, so that its position is the data's offset.
struct ov_cursor ov_pe_open_resource(struct ov_span file, const struct ov_exe *exe,
                                     uint32_t entry_rva, uint32_t *ret_bytes);
