// SPDX-License-Identifier: Apache-2.0
// The text behind the import hash of a PE (import directory: PE/COFF specification, section 6.4),
// with clamscan's choices of what stands in it.
#include "base/cursor.h"
#include "format/exe.h"
#include "format/office/ordinals.h"

#include <stdio.h>

enum {
    DESCRIPTOR_BYTES = 20,
    LIBRARIES_MAX = 1024, // clamscan reads no more
    NAME_BYTES = 256,     // longer names are cut
    // Ours, against files whose libraries share one giant table; no real program comes near.
    FUNCTIONS_MAX = 1 << 18,
    TEXT_BYTES_MAX = 8 << 20,
};

static const uint32_t IS_ORDINAL = UINT32_C(1) << 31;

struct import_walk {
    struct ov_span file;
    const struct ov_exe *exe;
    struct ov_arena *arena;
    uint8_t *text;
    size_t size, room;
    uint32_t function_count;
};

// OV_END: there is no import hash.
static enum ov_status grow_text(struct import_walk *walk) {
    size_t room = walk->room == 0 ? 1024 : walk->room * 2;
    if (room > TEXT_BYTES_MAX) {
        return OV_END;
    }
    uint8_t *text = ov_arena_array(walk->arena, room, 1);
    if (text == NULL) {
        return OV_MEMORY;
    }
    for (size_t i = 0; i < walk->size; i++) {
        text[i] = walk->text[i];
    }
    walk->text = text;
    walk->room = room;
    return OV_OK;
}

static enum ov_status add_text(struct import_walk *walk, struct ov_span part) {
    while (walk->room - walk->size < part.size) {
        TRY(grow_text(walk));
    }
    for (size_t i = 0; i < part.size; i++) {
        walk->text[walk->size++] = part.data[i];
    }
    return OV_OK;
}

static uint8_t lower(uint8_t byte) {
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

// A lower-case copy of a name, taken once: the file may change under us.
struct import_name {
    uint8_t bytes[NAME_BYTES];
    size_t size;
};

static struct ov_span span_name(const struct import_name *name) {
    return ov_span_make(name->bytes, name->size);
}

static void read_name(struct ov_cursor in, struct import_name *ret_name) {
    ret_name->size = 0;
    while (ret_name->size < NAME_BYTES && ov_cursor_left(&in) > 0) {
        uint8_t byte = ov_cursor_u8(&in);
        if (byte == 0) {
            break;
        }
        ret_name->bytes[ret_name->size++] = lower(byte);
    }
}

// Letters, digits, underscore and dot: with another character in any function, there is no hash.
static bool is_function_name(const struct import_name *name) {
    for (size_t i = 0; i < name->size; i++) {
        uint8_t byte = name->bytes[i];
        bool is_good = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
                       byte == '_' || byte == '.';
        if (!is_good) {
            return false;
        }
    }
    return true;
}

static bool open_rva(const struct import_walk *walk, uint32_t rva, struct ov_cursor *ret_in) {
    uint64_t offset = 0;
    *ret_in = ov_cursor_init(walk->file);
    if (!ov_pe_find_offset(walk->exe, walk->file.size, rva, &offset)) {
        return false;
    }
    ov_cursor_seek(ret_in, offset);
    return !ret_in->has_failed;
}

// Finds what to call the function behind one thunk. False: leave it out. ret_status OV_END: there
// is no hash at all.
static bool name_function(const struct import_walk *walk, struct ov_span library, uint32_t thunk,
                          struct import_name *ret_name, enum ov_status *ret_status) {
    ret_name->size = 0;
    if ((thunk & IS_ORDINAL) != 0) {
        uint16_t ordinal = (uint16_t)thunk;
        const char *known = ov_ordinal_name(library, ordinal);
        char text[NAME_BYTES];
        int size = known != NULL ? snprintf(text, sizeof text, "%s", known)
                                 : snprintf(text, sizeof text, "ord%u", ordinal);
        read_name(ov_cursor_init(ov_span_make(text, (size_t)size)), ret_name);
        return true;
    }
    struct ov_cursor in;
    if (!open_rva(walk, thunk, &in)) {
        return true; // an address that leads nowhere makes an empty name
    }
    ov_cursor_skip(&in, 2); // hint
    // clamscan asks for the longest name's bytes at once and leaves out what ends sooner.
    if (in.has_failed || ov_cursor_left(&in) < NAME_BYTES) {
        return false;
    }
    read_name(in, ret_name);
    *ret_status = is_function_name(ret_name) ? OV_OK : OV_END;
    return true;
}

static enum ov_status add_function(struct import_walk *walk, struct ov_span prefix,
                                   const struct import_name *function) {
    if (walk->size > 0) {
        TRY(add_text(walk, ov_span_text(",")));
    }
    TRY(add_text(walk, prefix));
    TRY(add_text(walk, ov_span_text(".")));
    return add_text(walk, span_name(function));
}

// The library's name as it stands in the text: without the usual extensions.
static struct ov_span cut_extension(struct ov_span library) {
    size_t dot = ov_span_find(library, 0, '.');
    struct ov_span rest = ov_span_part(library, dot, SIZE_MAX);
    bool is_usual = ov_span_has_prefix(rest, ".dll") || ov_span_has_prefix(rest, ".ocx") ||
                    ov_span_has_prefix(rest, ".sys");
    return is_usual ? ov_span_part(library, 0, dot) : library;
}

// Adds the functions of one library, thunk by thunk up to a zero or the end of the file.
static enum ov_status add_library(struct import_walk *walk, struct ov_span library,
                                  struct ov_cursor thunks) {
    struct ov_span prefix = cut_extension(library);
    while (ov_cursor_left(&thunks) >= 4) {
        uint32_t thunk = ov_cursor_u32le(&thunks);
        if (thunk == 0) {
            break;
        }
        if (++walk->function_count > FUNCTIONS_MAX) {
            return OV_END;
        }
        struct import_name function;
        enum ov_status status = OV_OK;
        if (name_function(walk, library, thunk, &function, &status)) {
            TRY(status);
            TRY(add_function(walk, prefix, &function));
        }
    }
    return OV_OK;
}

// Walks the import descriptors.
static enum ov_status walk_imports(struct import_walk *walk) {
    struct ov_cursor directory;
    if (!open_rva(walk, walk->exe->pe.imports_rva, &directory)) {
        return OV_END;
    }
    struct ov_cursor in = ov_cursor_init(ov_cursor_bytes(&directory, walk->exe->pe.imports_bytes));
    for (unsigned i = 0; i < LIBRARIES_MAX && ov_cursor_left(&in) > DESCRIPTOR_BYTES; i++) {
        uint32_t lookup_rva = ov_cursor_u32le(&in);
        ov_cursor_skip(&in, 8); // time, forwarder
        uint32_t name_rva = ov_cursor_u32le(&in);
        uint32_t thunks_rva = ov_cursor_u32le(&in);
        if (name_rva == 0) {
            break;
        }
        struct ov_cursor at;
        struct import_name library;
        if (!open_rva(walk, name_rva, &at)) {
            return OV_END;
        }
        read_name(at, &library);
        struct ov_cursor thunks;
        if (lookup_rva == 0 || !open_rva(walk, lookup_rva, &thunks)) {
            if (!open_rva(walk, thunks_rva, &thunks)) {
                return OV_END;
            }
        }
        TRY(add_library(walk, span_name(&library), thunks));
    }
    return directory.has_failed ? OV_END : OV_OK;
}

enum ov_status ov_pe_import_text(struct ov_span file, const struct ov_exe *exe,
                                 struct ov_arena *arena, struct ov_span *ret_text) {
    struct import_walk walk = {.file = file, .exe = exe, .arena = arena};
    enum ov_status status = OV_END;
    if (exe->is_hashable && !exe->is_64 && exe->pe.imports_bytes != 0) {
        status = walk_imports(&walk);
    }
    if (status == OV_MEMORY) {
        return OV_MEMORY;
    }
    *ret_text = status == OV_OK ? ov_span_make(walk.text, walk.size) : ov_span_make(NULL, 0);
    return OV_OK;
}
