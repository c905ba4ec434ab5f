// SPDX-License-Identifier: Apache-2.0
//
// What every file format declares of itself: its type, its magic bytes, its reader.
//
// A format is data: src/format/meson.build lists the words, the build makes one table out of them,
// and scan/identify.c looks through it. Constant; any process may read it, workers alone use it.
#pragma once

#include "base/filetype.h"
#include "base/span.h"
#include "format/exe.h"
#include "format/walk.h"

enum {
    OV_MAGIC_BYTES_MAX = 24,
    OV_MAGIC_ANYWHERE = 0xffff,  // offset of a magic that may stand anywhere in the first bytes
    OV_MAGIC_WINDOW_BYTES = 1024 // how much of an object is looked at
};

struct ov_magic {
    uint16_t offset; // from the start of the object, or OV_MAGIC_ANYWHERE
    uint16_t size;   // bytes, at most OV_MAGIC_BYTES_MAX
    uint8_t bytes[OV_MAGIC_BYTES_MAX];
};

// A magic out of a string literal; bytes after `\0` count as well.
#define OV_MAGIC(where, text)                                                                      \
    { .offset = (where), .size = sizeof(text) - 1, .bytes = text }

// In which objects something is looked for.
enum ov_host {
    OV_HOST_ANY = 0,
    OV_HOST_EXE,         // PE
    OV_HOST_EXE_OR_OLE2, // PE and OLE2
    OV_HOST_UNTYPED,     // text and unknown data: the object as a whole may turn out to be this
};

enum ov_inner {
    OV_INNER_NONE = 0, // the mark stands there by chance
    OV_INNER_OPEN,     // its headers do not tell where it ends: told to the end of the object
    OV_INNER_CLOSED,
};

// Says whether something of the type really stands at a mark in a larger object, and where it
// begins and ends. Looks at headers alone. The whole object as an answer means that it is also of
// this type.
typedef enum ov_inner ov_embedded_finder(struct ov_span object, size_t mark_at,
                                         struct ov_span *ret_inner);

// How a type is found inside an object that is something else (self-extracting archives, a program
// behind a picture). scan/embedded.c looks for the marks of all formats at once.
struct ov_embedded {
    struct ov_magic mark; // its offset is where it stands, OV_MAGIC_ANYWHERE mostly
    enum ov_host host;
    bool is_repeated; // it has many such marks inside: only the first is looked at
    ov_embedded_finder *find;
};

typedef enum ov_status ov_exe_reader(struct ov_span file, struct ov_arena *arena,
                                     struct ov_exe *ret_exe);

struct ov_format {
    enum ov_filetype type;
    uint32_t magic_count;
    const struct ov_magic *magics; // any one of them will do
    // Looks closer at the first bytes once a magic fits; NULL: the magic is enough.
    bool (*is_sure)(struct ov_span first);
    // The closer type of an object of this one, or OV_FILETYPE_NONE; NULL: there is none.
    enum ov_filetype (*refine)(struct ov_span object);
    ov_exe_reader *read; // headers, for executables alone; else NULL
    ov_walker *walk;     // what lies inside; NULL: nothing. One format of a type has it
    bool is_late;        // the object's own bytes are matched before its parts are looked at
    // Beside its type: clamscan has no type for it, or does not find it in the first bytes. The
    // object keeps the type that clamscan gives it, and is walked as this as well. Its magics may
    // stand behind the first OV_MAGIC_WINDOW_BYTES.
    bool is_beside;
    uint32_t embedded_count;
    const struct ov_embedded *embedded; // how it is found inside other objects
};

// The formats that one word declares.
struct ov_format_set {
    const char *word;
    const struct ov_format *formats;
    uint32_t count;
};

#define OV_COUNT(array) (sizeof(array) / sizeof *(array))

// The magics of a format as two initialisers.
#define OV_MAGICS(array) .magics = (array), .magic_count = OV_COUNT(array)

// The same for what is found inside other objects.
#define OV_EMBEDDED(array) .embedded = (array), .embedded_count = OV_COUNT(array)

// Defines the set of a word out of its array of formats.
#define OV_FORMAT_SET(name, array)                                                                 \
    const struct ov_format_set ov_format_set_##name = {                                            \
        .word = #name, .formats = (array), .count = OV_COUNT(array)}

// All sets in alphabetical order of their words; generated.
extern const struct ov_format_set *const ov_format_sets[];
extern const uint32_t ov_format_set_count;
