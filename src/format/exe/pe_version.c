// SPDX-License-Identifier: Apache-2.0
// Version strings of a PE: resources of type 16 (PE/COFF specification, section 6.9, and
// VS_VERSIONINFO of the Windows documentation), walked in clamscan's way.
#include "format/exe/pe_resources.h"

enum {
    TYPE_VERSION = 16,
    RESOURCES_MAX = 16,   // version resources that are looked at
    NODE_BYTES = 6,       // length, length of value, kind; a key follows
    STRING_MIN_BYTES = 16 // shorter strings end the walk
};

// The key and fixed part that every version resource starts with.
static const uint8_t VERSION_KEY[] = "V\0S\0_\0V\0E\0R\0S\0I\0O\0N\0_\0I\0N\0F\0O\0\0";
static const uint8_t STRINGS_KEY[] = "S\0t\0r\0i\0n\0g\0F\0i\0l\0e\0I\0n\0f\0o\0\0";
static const uint8_t OTHER_KEY[] = "V\0a\0r\0F\0i\0l\0e\0I\0n\0f\0o\0\0";

enum {
    VERSION_FIXED_BYTES = 52,
    VERSION_FIXED_AT = 40,
    VERSION_CHILDREN_AT = VERSION_FIXED_AT + VERSION_FIXED_BYTES,
    VERSION_MAGIC_LOW = 0x04bd,
    VERSION_MAGIC_HIGH = 0xfeef,
    STRINGS_CHILDREN_AT = NODE_BYTES + sizeof STRINGS_KEY,
    TABLE_CHILDREN_AT = 24,
};

struct version_walk {
    struct ov_span file;
    const struct ov_exe *exe;
    struct ov_arena *arena;
    uint64_t *offsets;
    uint32_t count, room;
    unsigned resource_count;
};

static enum ov_status add_offset(struct version_walk *walk, uint64_t offset) {
    if (walk->count == walk->room) {
        uint32_t room = walk->room == 0 ? 16 : walk->room * 2;
        uint64_t *offsets = ov_arena_array(walk->arena, room, sizeof *offsets);
        if (offsets == NULL) {
            return OV_MEMORY;
        }
        for (uint32_t i = 0; i < walk->count; i++) {
            offsets[i] = walk->offsets[i];
        }
        walk->offsets = offsets;
        walk->room = room;
    }
    walk->offsets[walk->count++] = offset;
    return OV_OK;
}

// Where the value of a string starts: after its key's NUL, rounded up to four; at least `size` when
// the key has no end. `string` begins with the node header.
static size_t find_value(struct ov_span string) {
    struct ov_cursor in = ov_cursor_init(string);
    ov_cursor_skip(&in, NODE_BYTES);
    while (ov_cursor_left(&in) >= 2 && ov_cursor_u16le(&in) != 0) {
    }
    return (in.at + 3) & ~(size_t)3;
}

// Takes the strings of one table; OV_END when a bad one ends the walk of this resource.
static enum ov_status walk_strings(struct version_walk *walk, struct ov_span table,
                                   uint64_t file_offset) {
    size_t at = TABLE_CHILDREN_AT;
    while (table.size - at > NODE_BYTES) {
        struct ov_cursor in = ov_cursor_init(ov_span_part(table, at, SIZE_MAX));
        size_t size = ((size_t)ov_cursor_u16le(&in) + 3) & ~(size_t)3;
        if (size > table.size - at || size <= STRING_MIN_BYTES) {
            return OV_END;
        }
        if (find_value(ov_span_part(table, at, size)) < size) {
            TRY(add_offset(walk, file_offset + at + NODE_BYTES));
        }
        at += size;
    }
    return OV_OK;
}

// Takes the tables of the first StringFileInfo.
static enum ov_status walk_tables(struct version_walk *walk, struct ov_span info,
                                  uint64_t file_offset) {
    size_t at = STRINGS_CHILDREN_AT;
    while (info.size - at > NODE_BYTES) {
        struct ov_cursor in = ov_cursor_init(ov_span_part(info, at, SIZE_MAX));
        size_t size = ov_cursor_u16le(&in);
        if (size > info.size - at || size <= TABLE_CHILDREN_AT) {
            return OV_OK;
        }
        enum ov_status status = walk_strings(walk, ov_span_part(info, at, size), file_offset + at);
        if (status != OV_OK) {
            return status == OV_END ? OV_OK : status;
        }
        at += size;
    }
    return OV_OK;
}

// Whether the bytes after a node's header are `key`.
static bool has_key(struct ov_span node, const uint8_t *key, size_t key_bytes) {
    struct ov_span part = ov_span_part(node, NODE_BYTES, key_bytes);
    return ov_span_is_equal(part, ov_span_make(key, key_bytes));
}

// Takes one version resource, which starts at `file_offset`.
static enum ov_status walk_version(struct version_walk *walk, struct ov_span resource,
                                   uint64_t file_offset) {
    struct ov_cursor in = ov_cursor_init(resource);
    size_t size = ov_cursor_u16le(&in);
    size_t value_bytes = ov_cursor_u16le(&in);
    ov_cursor_seek(&in, VERSION_FIXED_AT);
    bool has_magic = ov_cursor_u16le(&in) == VERSION_MAGIC_LOW;
    has_magic = ov_cursor_u16le(&in) == VERSION_MAGIC_HIGH && has_magic;
    if (size > resource.size || size <= VERSION_CHILDREN_AT || value_bytes != VERSION_FIXED_BYTES ||
        !has_magic || !has_key(resource, VERSION_KEY, sizeof VERSION_KEY)) {
        return OV_OK;
    }
    size_t at = VERSION_CHILDREN_AT;
    while (size - at > NODE_BYTES) {
        struct ov_cursor child = ov_cursor_init(ov_span_part(resource, at, size - at));
        size_t child_bytes = ov_cursor_u16le(&child);
        struct ov_span node = ov_span_part(resource, at, child_bytes);
        if (child_bytes > size - at) {
            break;
        }
        if (child_bytes > STRINGS_CHILDREN_AT && has_key(node, STRINGS_KEY, sizeof STRINGS_KEY)) {
            return walk_tables(walk, node, file_offset + at);
        }
        if (child_bytes <= NODE_BYTES + sizeof OTHER_KEY ||
            !has_key(node, OTHER_KEY, sizeof OTHER_KEY)) {
            break;
        }
        at += child_bytes;
    }
    return OV_OK;
}

// Follows one resource data entry.
static enum ov_status take_resource(void *arg, uint32_t name, uint32_t entry_rva) {
    struct version_walk *walk = arg;
    (void)name;
    if (walk->resource_count++ == RESOURCES_MAX) {
        return OV_END;
    }
    uint32_t size;
    struct ov_cursor in = ov_pe_open_resource(walk->file, walk->exe, entry_rva, &size);
    uint64_t file_offset = in.at;
    struct ov_span resource = ov_cursor_bytes(&in, size);
    return in.has_failed ? OV_OK : walk_version(walk, resource, file_offset);
}

// Restores the heap below `root`: no child may be larger than its parent.
static void sink_offset(uint64_t *heap, uint32_t root, uint32_t count) {
    uint64_t moved = heap[root];
    while (root < count / 2) {
        uint32_t child = 2 * root + 1;
        child += child + 1 < count && heap[child + 1] > heap[child];
        if (heap[child] <= moved) {
            break;
        }
        heap[root] = heap[child];
        root = child;
    }
    heap[root] = moved;
}

// Heap sort: in place, and no order of resources in a crafted file makes it slow.
static void sort_offsets(uint64_t *offsets, uint32_t count) {
    for (uint32_t root = count / 2; root > 0; root--) {
        sink_offset(offsets, root - 1, count);
    }
    for (uint32_t end = count; end > 1; end--) {
        uint64_t largest = offsets[0];
        offsets[0] = offsets[end - 1];
        offsets[end - 1] = largest;
        sink_offset(offsets, 0, end - 1);
    }
}

enum ov_status ov_pe_version_offsets(struct ov_span file, struct ov_arena *arena,
                                     struct ov_exe *exe) {
    struct version_walk walk = {.file = file, .exe = exe, .arena = arena};
    struct ov_pe_resources resources = {.file = file,
                                        .exe = exe,
                                        .type = TYPE_VERSION,
                                        .name = OV_PE_ANY_NAME,
                                        .take = take_resource,
                                        .arg = &walk};
    TRY(ov_pe_resources_walk(&resources));
    sort_offsets(walk.offsets, walk.count);
    exe->version_offsets = walk.offsets;
    exe->version_count = walk.count;
    return OV_OK;
}
