// SPDX-License-Identifier: Apache-2.0
//
// A compound file ([MS-CFB]): its directory, and the bytes of each stream.
//
// Read as leniently as the bytes allow: a table that is short, a chain that loops and a stream that
// no tree reaches cost what they hide and no more. Memory comes from the walk's arena. Worker
// process only.
#pragma once

#include "format/walk.h"

enum {
    OV_OLE_NAME_UNITS = 32,
    OV_OLE_PATH_BYTES = 1024,
    OV_OLE_NONE = 0xffffffff, // no entry, no sector
};

enum ov_ole_kind { OV_OLE_UNUSED = 0, OV_OLE_STORAGE = 1, OV_OLE_STREAM = 2, OV_OLE_ROOT = 5 };

// One entry of the directory ([MS-CFB] 2.6.1).
struct ov_ole_entry {
    uint64_t size;
    uint32_t start;              // first sector
    uint32_t left, right, child; // entries
    uint32_t parent;             // the storage that it stands in, or OV_OLE_NONE
    uint16_t name[OV_OLE_NAME_UNITS];
    uint8_t name_units; // without the NUL
    uint8_t kind;
    bool is_reached; // by the tree that starts at the root
};

// Sectors in the order in which they are read.
struct ov_ole_chain {
    uint32_t *sectors;
    uint32_t count;
};

struct ov_ole {
    struct ov_span file;
    struct ov_walk *walk;
    unsigned sector_shift, mini_shift;
    uint32_t sector_count, mini_count; // how many there could be
    uint64_t mini_cutoff;              // smaller streams stand in mini sectors
    struct ov_ole_chain fat, mini_fat, mini_stream;
    struct ov_ole_entry *entries; // the root is number 0
    uint32_t entry_count;
    uint32_t *seen, seen_mark; // for each sector or mini sector: the last chain that it was in
    bool is_damaged;           // something contradicts itself
    bool has_tried_password;   // which takes long: once a file
    bool is_installer;         // names are packed as Windows Installer does
    uint32_t hwp_flags;        // of a Hangul document; 0: it is none
};

// Reads header, tables and directory. OV_DAMAGED: this is no compound file that anybody could
// read. OV_MEMORY, OV_LIMIT.
enum ov_status ov_ole_open(struct ov_span file, struct ov_walk *walk, struct ov_ole *ret_ole);

// Replaces what `bytes` holds with those of a stream, as far as they can be had and there is room;
// sets `is_damaged` when they end too soon. OV_OK, OV_MEMORY or OV_LIMIT.
enum ov_status ov_ole_read(struct ov_ole *ole, uint32_t entry, struct ov_buf *bytes);

// Whether the entry has this name; capitals and small letters of ASCII are the same.
bool ov_ole_is_named(const struct ov_ole_entry *entry, const char *name);

// Replaces what `path` holds with the path below the root, as UTF-8, parts divided by '/'.
void ov_ole_path(const struct ov_ole *ole, uint32_t entry, struct ov_buf *path);
