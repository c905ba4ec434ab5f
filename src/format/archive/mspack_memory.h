// SPDX-License-Identifier: Apache-2.0
//
// What libmspack takes for files: the object that it reads, and the part that it writes.
//
// It opens no file. Reading ends at the object's end, writing where the budget does, and both when
// time runs out. Worker process only.
#pragma once

#include "format/walk.h"

#include <mspack.h>

struct ov_mspack {
    struct mspack_system system; // first, so that its pointer is one to the whole
    struct ov_walk *walk;
    struct ov_span object;
    struct ov_buf part;    // what was written last
    size_t part_room;      // and what may be
    enum ov_status status; // OV_OK, or why a read or write was refused
};

// The only name there is: of the object when it is read, of the part when it is written.
extern const char ov_mspack_name[];

// An object to read. libmspack is given `&ret_mspack->system`; the walk must outlive it.
void ov_mspack_init(struct ov_mspack *ret_mspack, struct ov_walk *walk, struct ov_span object);

void ov_mspack_release(struct ov_mspack *mspack);

// Forgets the part before; call it before one is extracted.
void ov_mspack_start(struct ov_mspack *mspack);

// What libmspack's answer to extracting the part means.
enum ov_status ov_mspack_status(const struct ov_mspack *mspack, int answer);

// Tells of the part that was just extracted, with what came before it broke off; `size` is what the
// container says. Keeps in io_worst why it broke off, a limit before damage. Statuses of the sink,
// OV_MEMORY.
enum ov_status ov_mspack_tell(struct ov_mspack *mspack, int answer, const char *name, uint64_t size,
                              enum ov_status *io_worst);
