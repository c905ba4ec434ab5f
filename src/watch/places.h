// SPDX-License-Identifier: Apache-2.0
//
// Where file systems stand in the recorder's tree of folders, from /proc/self/mountinfo (proc(5)).
//
// The kernel tells the path of an inode within its file system; this puts the rest before it.
#pragma once

#include "base/arena.h"
#include "base/buf.h"

struct ov_place {
    uint32_t device;      // s_dev: major << 20 | minor
    struct ov_span root;  // the folder of that file system which is seen, "/" for all of it
    struct ov_span point; // where it is seen
};

struct ov_places {
    struct ov_arena arena;
    struct ov_place *places;
    size_t count;
};

// Reads the text of a mountinfo; lines that have not its form are passed over. OV_MEMORY. Release
// in any case.
enum ov_status ov_places_read(struct ov_span text, struct ov_places *ret_places);
// The same of the running system. OV_SYSTEM (errno) as well.
enum ov_status ov_places_load(struct ov_places *ret_places);
void ov_places_release(struct ov_places *places);

// Appends the whole path of what is `path` in its file system: `path` alone where that stands
// nowhere. Returns whether it stands somewhere.
bool ov_places_add_path(const struct ov_places *places, uint32_t device, struct ov_span path,
                        struct ov_buf *buf);
