// SPDX-License-Identifier: Apache-2.0
// The project of a VBA storage: its `dir` stream ([MS-OVBA] 2.3.4.2), and the modules it names.
#include "format/office/vba.h"

#include "format/codec/codepage.h"
#include "format/codec/utf16.h"

enum {
    ID_CODEPAGE = 0x03,
    ID_VERSION = 0x09,
    ID_MODULE_NAME = 0x19,
    ID_STREAM_NAME = 0x1a,
    ID_STREAM_NAME_WIDE = 0x32,
    ID_MODULE_OFFSET = 0x31,
    ID_MODULE_END = 0x2b,
    ID_END = 0x10,
    SIGNATURE = 1, // of a CompressedContainer
    CODEPAGE_WESTERN = 1252,
    SOURCES_IN_A_STREAM = 16, // that are looked at without a `dir`
    VERSION_EXTRA_BYTES = 2,  // its size field says 4, and 6 bytes follow (2.3.4.2.1.11)
};

static const char text_start[] = "REM VBA project\n\n";
static const char source_start[] = "REM ##################################################\n";

// ---- the records as lines ----------------------------------------------------------------------

enum look {
    LOOK_NARROW,
    LOOK_WIDE,
    LOOK_HEX4,
    LOOK_HEX8,
    LOOK_DECIMAL,
    LOOK_SYSTEM,
    LOOK_VERSION,
    LOOK_MARK
};

// Records that become a comment line in front of the sources, by the names of the specification.
// Rules were written against clamscan's text, which has them.
static const struct line {
    uint16_t id;
    uint8_t look;
    const char *name;
} lines[] = {
    {0x01, LOOK_SYSTEM, "PROJECTSYSKIND"},
    {0x02, LOOK_HEX8, "PROJECTLCID"},
    {ID_CODEPAGE, LOOK_HEX4, "PROJECTCODEPAGE"},
    {0x04, LOOK_NARROW, "PROJECTNAME"},
    {0x05, LOOK_NARROW, "PROJECTDOCSTRING"},
    {0x06, LOOK_NARROW, "PROJECTHELPFILEPATH"},
    {0x07, LOOK_HEX4, "PROJECTHELPCONTEXT"},
    {0x08, LOOK_HEX4, "PROJECTLIBFLAGS"},
    {ID_VERSION, LOOK_VERSION, "PROJECTVERSION"},
    {0x0f, LOOK_DECIMAL, "PROJECTMODULES"},
    {0x13, LOOK_HEX4, "PROJECTCOOKIE"},
    {0x14, LOOK_HEX8, "PROJECTLCIDINVOKE"},
    {ID_MODULE_NAME, LOOK_NARROW, "MODULENAME"},
    {ID_STREAM_NAME, LOOK_NARROW, "MODULESTREAMNAME"},
    {0x1c, LOOK_NARROW, "MODULEDOCSTRING"},
    {0x1e, LOOK_HEX8, "MODULEHELPCONTEXT"},
    {0x21, LOOK_MARK, "MODULETYPE: Procedural"},
    {0x22, LOOK_MARK, "MODULETYPE: Class"},
    {0x25, LOOK_MARK, "MODULEREADONLY"},
    {0x28, LOOK_MARK, "MODULEPRIVATE"},
    {0x2c, LOOK_HEX4, "MODULECOOKIE"},
    {ID_MODULE_OFFSET, LOOK_HEX8, "MODULEOFFSET"},
    {ID_STREAM_NAME_WIDE, LOOK_WIDE, "MODULESTREAMNAMEUNICODE"},
    {0x3d, LOOK_NARROW, "PROJECTHELPFILEPATH2"},
    {0x40, LOOK_WIDE, "PROJECTDOCSTRINGUNICODE"},
    {0x47, LOOK_WIDE, "MODULENAMEUNICODE"},
    {0x48, LOOK_WIDE, "MODULEDOCSTRINGUNICODE"},
};

// The number in a record of two or four bytes.
static uint32_t read_number(struct ov_span data) {
    struct ov_cursor in = ov_cursor_init(data);
    return data.size >= 4 ? ov_cursor_u32le(&in) : ov_cursor_u16le(&in);
}

static const char *name_system(uint32_t number) {
    static const char *const names[] = {"Windows 16 bit", "Windows 32 bit", "Macintosh",
                                        "Windows 64 bit"};
    return number < sizeof names / sizeof *names ? names[number] : "Unknown";
}

static void add_value(struct ov_vba *vba, enum look look, struct ov_span data) {
    struct ov_buf *text = &vba->text;
    switch (look) {
    case LOOK_NARROW:
        (void)ov_codepage_add(text, data, vba->codepage);
        break;
    case LOOK_WIDE:
        ov_utf16_add_bytes(text, data);
        break;
    case LOOK_HEX4:
        ov_buf_printf(text, "0x%04x", read_number(data));
        break;
    case LOOK_HEX8:
        ov_buf_printf(text, "0x%08x", read_number(data));
        break;
    case LOOK_DECIMAL:
        ov_buf_printf(text, "%u", read_number(data));
        break;
    case LOOK_SYSTEM:
        ov_buf_add_text(text, name_system(read_number(data)));
        break;
    case LOOK_VERSION: {
        struct ov_cursor minor = ov_cursor_init(ov_span_from(data, 4));
        ov_buf_printf(text, "%u.%u", read_number(data), ov_cursor_u16le(&minor));
        break;
    }
    case LOOK_MARK:
        break;
    }
}

static void add_line(struct ov_vba *vba, unsigned id, struct ov_span data) {
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (lines[i].id == id) {
            ov_buf_add_text(&vba->text, id == ID_MODULE_NAME ? "\n\nREM " : "REM ");
            ov_buf_add_text(&vba->text, lines[i].name);
            ov_buf_add_text(&vba->text, lines[i].look == LOOK_MARK ? "" : ": ");
            add_value(vba, lines[i].look, data);
            ov_buf_add_u8(&vba->text, '\n');
            return;
        }
    }
}

// ---- modules -----------------------------------------------------------------------------------

struct module {
    struct ov_span name, name_wide; // of its stream
    uint32_t offset;                // where the source starts in it
    bool is_open;                   // named, and not told yet
};

static bool is_wide_name(const struct ov_ole_entry *entry, struct ov_span wide) {
    struct ov_cursor in = ov_cursor_init(wide);
    for (unsigned i = 0; i < entry->name_units; i++) {
        if (ov_cursor_u16le(&in) != entry->name[i]) {
            return false;
        }
    }
    return !in.has_failed && ov_cursor_left(&in) < 2 && entry->name_units > 0;
}

static bool is_narrow_name(const struct ov_ole_entry *entry, struct ov_span name) {
    bool is_same = entry->name_units == name.size && name.size > 0;
    for (size_t i = 0; is_same && i < name.size; i++) {
        is_same = entry->name[i] == name.data[i];
    }
    return is_same;
}

// The stream of a module: beside `dir`, or else anywhere.
static uint32_t find_stream(const struct ov_ole *ole, uint32_t dir, const struct module *module) {
    uint32_t elsewhere = OV_OLE_NONE;
    for (uint32_t i = 0; i < ole->entry_count; i++) {
        const struct ov_ole_entry *entry = &ole->entries[i];
        if (entry->kind == OV_OLE_STREAM &&
            (is_wide_name(entry, module->name_wide) || is_narrow_name(entry, module->name))) {
            if (entry->parent == ole->entries[dir].parent) {
                return i;
            }
            elsewhere = i;
        }
    }
    return elsewhere;
}

// Tells one source by itself, and adds it to the text of the project.
static enum ov_status add_source(struct ov_vba *vba, struct ov_span packed) {
    struct ov_walk *walk = vba->ole->walk;
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf wide = {0};
    enum ov_status status = ov_vba_unpack(packed, walk, &plain);
    vba->ole->is_damaged |= status == OV_DAMAGED;
    if (status == OV_MEMORY || plain.size == 0) {
        return status == OV_MEMORY ? status : ov_walk_has_time(walk);
    }
    ov_walk_fact(walk, OV_FACT_MACROS);
    vba->has_sources = true;
    TRY(ov_walk_view(walk, ov_buf_span(&plain), OV_FILETYPE_MSOLE2));
    (void)ov_codepage_add(&wide, ov_buf_span(&plain), vba->codepage);
    if (wide.size + vba->text.size > ov_walk_room(walk)) {
        ov_walk_note_cut(walk);
        return OV_OK;
    }
    ov_vba_fold(ov_buf_span(&wide), &vba->text);
    TRY(ov_buf_status(&wide));
    return ov_buf_status(&vba->text);
}

static enum ov_status tell_module(struct ov_vba *vba, uint32_t dir, struct module *module) {
    if (!module->is_open) {
        return OV_OK;
    }
    module->is_open = false;
    ov_buf_add_text(&vba->text, source_start);
    uint32_t entry = find_stream(vba->ole, dir, module);
    if (entry == OV_OLE_NONE) {
        vba->ole->is_damaged = true;
        return OV_OK;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf stream = {0};
    TRY(ov_ole_read(vba->ole, entry, &stream));
    size_t before = vba->text.size;
    TRY(add_source(vba, ov_span_from(ov_buf_span(&stream), module->offset)));
    vba->is_told[entry] = vba->text.size > before;
    return OV_OK;
}

// ---- the project -------------------------------------------------------------------------------

static enum ov_status read_record(struct ov_vba *vba, uint32_t dir, unsigned id,
                                  struct ov_span data, struct module *module) {
    if (id == ID_MODULE_NAME || id == ID_MODULE_END) {
        TRY(tell_module(vba, dir, module));
    }
    switch (id) {
    case ID_CODEPAGE:
        vba->codepage = read_number(data);
        break;
    case ID_MODULE_NAME: // most often that of the stream, too
        *module = (struct module){.name = data, .is_open = true};
        break;
    case ID_STREAM_NAME:
        module->name = data;
        break;
    case ID_STREAM_NAME_WIDE:
        module->name_wide = data;
        break;
    case ID_MODULE_OFFSET:
        module->offset = read_number(data);
        break;
    default:
        break;
    }
    add_line(vba, id, data);
    return OV_OK;
}

static enum ov_status read_records(struct ov_vba *vba, uint32_t dir, struct ov_span plain) {
    struct ov_cursor in = ov_cursor_init(plain);
    struct module module = {0};
    unsigned id = 0;
    while (ov_cursor_left(&in) > 0 && id != ID_END) {
        TRY(ov_walk_has_time(vba->ole->walk));
        id = ov_cursor_u16le(&in);
        uint32_t size = ov_cursor_u32le(&in);
        uint64_t extra = id == ID_VERSION ? VERSION_EXTRA_BYTES : 0;
        struct ov_span data = ov_span_part(plain, in.at, size + extra);
        ov_cursor_skip(&in, size + extra);
        TRY(read_record(vba, dir, id, data, &module));
    }
    TRY(tell_module(vba, dir, &module));
    vba->ole->is_damaged |= in.has_failed;
    return OV_OK;
}

static enum ov_status tell_text(struct ov_vba *vba) {
    TRY(ov_buf_status(&vba->text));
    return ov_walk_view(vba->ole->walk, ov_buf_span(&vba->text), OV_FILETYPE_SCRIPT);
}

static enum ov_status tell_project(struct ov_vba *vba, uint32_t dir) {
    OV_CLEANUP(ov_buf_release) struct ov_buf stream = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    TRY(ov_ole_read(vba->ole, dir, &stream));
    enum ov_status status = ov_vba_unpack(ov_buf_span(&stream), vba->ole->walk, &plain);
    if (status == OV_MEMORY || plain.size == 0) {
        return status == OV_MEMORY ? status : OV_OK;
    }
    ov_walk_fact(vba->ole->walk, OV_FACT_MACROS);
    ov_buf_reset(&vba->text);
    ov_buf_add_text(&vba->text, text_start);
    vba->codepage = CODEPAGE_WESTERN;
    TRY(read_records(vba, dir, ov_buf_span(&plain)));
    return tell_text(vba);
}

enum ov_status ov_vba_tell(struct ov_ole *ole, struct ov_vba *ret_vba) {
    *ret_vba = (struct ov_vba){.ole = ole, .codepage = CODEPAGE_WESTERN};
    ret_vba->is_told = ov_arena_alloc(ole->walk->arena, ole->entry_count);
    if (ret_vba->is_told == NULL) {
        return OV_MEMORY;
    }
    for (uint32_t i = 0; i < ole->entry_count; i++) {
        if (ole->entries[i].kind == OV_OLE_STREAM && ov_ole_is_named(&ole->entries[i], "dir")) {
            TRY(tell_project(ret_vba, i));
        }
    }
    ov_buf_reset(&ret_vba->text);
    ret_vba->has_sources = false;
    return OV_OK;
}

void ov_vba_release(struct ov_vba *vba) {
    ov_buf_release(&vba->text);
}

// ---- without a `dir` ---------------------------------------------------------------------------

// A source begins with "Attribute VB_Name", which cannot be packed yet: in front of it stand the
// signature, the size of the chunk and eight flags that say so.
enum ov_status ov_vba_search(struct ov_vba *vba, uint32_t entry, struct ov_span stream) {
    static const char start[] = "\0Attribut";
    const size_t before = 3;
    size_t at = before;
    for (unsigned i = 0; i < SOURCES_IN_A_STREAM && !vba->is_told[entry]; i++) {
        struct ov_span rest = ov_span_from(stream, at);
        const uint8_t *hit =
            rest.size == 0 ? NULL : memmem(rest.data, rest.size, start, sizeof start - 1);
        if (hit == NULL) {
            break;
        }
        at += (size_t)(hit - rest.data);
        if (stream.data[at - before] == SIGNATURE) {
            ov_buf_add_text(&vba->text, vba->text.size == 0 ? text_start : "\n\n");
            ov_buf_add_text(&vba->text, source_start);
            TRY(add_source(vba, ov_span_from(stream, at - before)));
        }
        at++;
    }
    return OV_OK;
}

enum ov_status ov_vba_finish(struct ov_vba *vba) {
    return vba->has_sources ? tell_text(vba) : OV_OK;
}
