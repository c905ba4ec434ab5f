// SPDX-License-Identifier: Apache-2.0
//
// What a PE carries: resources, what stands behind its sections, resources of .NET.
//
// Only parts that begin as something that is looked into, or is a program: the others are matched
// with the whole, and would be matched twice. Nor those that the search for marks in the whole
// finds (scan/embedded.c). Worker process only.
#pragma once

#include "format/exe.h"
#include "format/walk.h"

enum { OV_PE_PARTS_SEEN = 64 };

struct ov_pe_parts {
    struct ov_span file;
    struct ov_walk *walk;
    struct ov_exe exe;
    struct ov_buf name;                    // of a part
    const uint8_t *seen[OV_PE_PARTS_SEEN]; // where the last ones begin: tables may name one twice
    uint32_t seen_count;
};

// Tells what a PE carries. OV_OK, OV_DAMAGED (no PE that could be read), OV_LIMIT, OV_MEMORY, or
// what the sink said.
enum ov_status ov_pe_parts_walk(struct ov_span file, struct ov_walk *walk);

// Tells one part, by the name that stands in `parts->name`, if it is worth it.
enum ov_status ov_pe_part_tell(struct ov_pe_parts *parts, struct ov_span part);

// Tells the resources of .NET: those of the assembly, and what stands in them (dotnet.c).
enum ov_status ov_dotnet_tell(struct ov_pe_parts *parts);

// Whether a part of a PE begins as something that is looked into or a program, and is not found by
// its mark (known.c).
bool ov_known_is_worth(struct ov_span file, struct ov_span part);
