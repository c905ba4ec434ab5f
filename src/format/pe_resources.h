// SPDX-License-Identifier: Apache-2.0
//
// Resources of a PE by type and name (PE/COFF specification, section 6.9), in clamscan's way.
//
// Borrows the file and what was read of its headers. Worker process only.
#pragma once

#include "base/cursor.h"
#include "format/exe.h"

#define OV_PE_ANY_NAME UINT32_MAX

struct ov_pe_resources {
    struct ov_span file;
    const struct ov_exe *exe; // readable
    uint32_t type, name;      // numbers; the name may be OV_PE_ANY_NAME
    // Is given each resource: its name, and the address of its data entry. OV_OK goes on; anything
    // else ends the walk.
    enum ov_status (*take)(void *arg, uint32_t name, uint32_t entry_rva);
    void *arg;
    uint32_t entry_count; // of tables that were looked at
};

// Walks all languages of all resources of that type and name. OV_OK also when there are none, when
// the tables are damaged or endless, and when `take` ended the walk with OV_END; else what it said.
enum ov_status ov_pe_resources_walk(struct ov_pe_resources *resources);

// A cursor at an address of the image; it has failed when no section holds it.
struct ov_cursor ov_pe_open_address(struct ov_span file, const struct ov_exe *exe, uint32_t rva);

// The data behind a data entry; a cursor that has failed when the file does not hold all of it.
// It covers the whole file, so that its position is the data's offset.
struct ov_cursor ov_pe_open_resource(struct ov_span file, const struct ov_exe *exe,
                                     uint32_t entry_rva, uint32_t *ret_bytes);
