// SPDX-License-Identifier: Apache-2.0
// Installers of Symbian 9: files in fields inside fields.
#include "format/archive/sis.h"

#include "format/codec/codec.h"
#include "format/codec/utf16.h"

enum {
    ALIGNMENT = 4,
    LONG_SHIFT = 31, // a length of 63 bits has its lower 31 first
};

static const uint32_t LONG_BIT = 0x80000000;

uint32_t ov_sis_type(struct ov_cursor *in) {
    return ov_cursor_u32le(in);
}

struct ov_span ov_sis_value(struct ov_cursor *in) {
    uint64_t size = ov_cursor_u32le(in);
    if ((size & LONG_BIT) != 0) {
        size = (size & ~(uint64_t)LONG_BIT) | (uint64_t)ov_cursor_u32le(in) << LONG_SHIFT;
    }
    size_t left = ov_cursor_left(in);
    struct ov_span value = ov_cursor_bytes(in, size < left ? size : left);
    in->has_failed = in->has_failed || size > left;
    size_t padding = (ALIGNMENT - size % ALIGNMENT) % ALIGNMENT;
    left = ov_cursor_left(in);
    ov_cursor_skip(in, padding < left ? padding : left);
    return value;
}

struct ov_sis_stream ov_sis_stream(struct ov_span value) {
    struct ov_cursor in = ov_cursor_init(value);
    struct ov_sis_stream stream = {.is_packed = ov_cursor_u32le(&in) != 0};
    stream.plain_bytes = ov_cursor_u64le(&in);
    stream.packed = ov_cursor_bytes(&in, ov_cursor_left(&in));
    return stream;
}

struct installer {
    struct ov_walk *walk;
    struct ov_sis_names names;
    struct ov_buf controller; // plain; what `names` borrows from
    struct ov_buf name;       // of the file at hand, in UTF-8
    enum ov_status worst;
};

// ---- files -------------------------------------------------------------------------------------

static enum ov_status tell_file(struct installer *installer, struct ov_span value, uint32_t unit,
                                uint32_t index) {
    struct ov_sis_stream stream = ov_sis_stream(value);
    ov_buf_reset(&installer->name);
    ov_utf16_add_bytes(&installer->name, ov_sis_names_find(&installer->names, unit, index));
    TRY(ov_buf_status(&installer->name));
    struct ov_span name = ov_buf_span(&installer->name);
    if (!stream.is_packed) {
        return ov_walk_stored(installer->walk, stream.packed, name);
    }
    struct ov_child child = {
        .name = name, .packed_bytes = stream.packed.size, .plain_bytes = stream.plain_bytes};
    return ov_codec_tell(OV_CODEC_ZLIB, stream.packed, &child, installer->walk, &installer->worst);
}

static void note_damage(struct installer *installer, const struct ov_cursor *in) {
    ov_walk_keep_worst(&installer->worst, ov_cursor_status(in));
}

// The elements of a field that holds one array of them; empty when it holds something else.
static struct ov_cursor open_array(struct installer *installer, struct ov_span field,
                                   uint32_t type) {
    struct ov_cursor outer = ov_cursor_init(field);
    bool is_array = ov_sis_type(&outer) == OV_SIS_ARRAY;
    struct ov_cursor array = ov_cursor_init(ov_sis_value(&outer));
    bool is_it = ov_sis_type(&array) == type;
    note_damage(installer, &outer);
    return is_array && is_it ? array : ov_cursor_init(ov_span_make(NULL, 0));
}

static enum ov_status walk_unit(struct installer *installer, struct ov_span field, uint32_t unit) {
    struct ov_cursor files = open_array(installer, field, OV_SIS_FILE_DATA);
    for (uint32_t i = 0; ov_cursor_left(&files) > 0 && !files.has_failed; i++) {
        struct ov_cursor file = ov_cursor_init(ov_sis_value(&files));
        bool is_stream = ov_sis_type(&file) == OV_SIS_COMPRESSED;
        struct ov_span value = ov_sis_value(&file);
        if (is_stream) {
            TRY(tell_file(installer, value, unit, i));
        }
        note_damage(installer, &file);
    }
    note_damage(installer, &files);
    return OV_OK;
}

static enum ov_status walk_data(struct installer *installer, struct ov_span field) {
    struct ov_cursor units = open_array(installer, field, OV_SIS_DATA_UNIT);
    for (uint32_t i = 0; ov_cursor_left(&units) > 0 && !units.has_failed; i++) {
        TRY(ov_walk_has_time(installer->walk));
        TRY(walk_unit(installer, ov_sis_value(&units), i));
    }
    note_damage(installer, &units);
    return OV_OK;
}

// ---- the whole ---------------------------------------------------------------------------------

// Without names nothing is missed: that a controller is damaged does not matter.
static enum ov_status read_names(struct installer *installer, struct ov_span value) {
    if (installer->names.names != NULL) {
        return OV_OK; // there is one, but for tricks
    }
    struct ov_sis_stream stream = ov_sis_stream(value);
    struct ov_span controller = stream.packed;
    if (stream.is_packed) {
        size_t used = 0;
        enum ov_status status = ov_codec_unpack(OV_CODEC_ZLIB, stream.packed, installer->walk,
                                                &installer->controller, &used);
        if (status == OV_MEMORY) {
            return status;
        }
        controller = ov_buf_span(&installer->controller);
    }
    return ov_sis_names_read(controller, installer->walk->arena, &installer->names);
}

static enum ov_status walk_contents(struct installer *installer, struct ov_span contents) {
    struct ov_cursor in = ov_cursor_init(contents);
    while (ov_cursor_left(&in) > 0 && !in.has_failed) {
        TRY(ov_walk_has_time(installer->walk));
        uint32_t type = ov_sis_type(&in);
        struct ov_span value = ov_sis_value(&in);
        if (type == OV_SIS_COMPRESSED) {
            TRY(read_names(installer, value));
        } else if (type == OV_SIS_DATA) {
            TRY(walk_data(installer, value));
        }
    }
    note_damage(installer, &in);
    return OV_OK;
}

enum ov_status ov_sis_fields_walk(struct ov_cursor *in, struct ov_walk *walk) {
    ov_cursor_seek(in, OV_SIS_PREFIX_BYTES);
    if (ov_sis_type(in) != OV_SIS_CONTENTS) {
        return OV_DAMAGED;
    }
    struct installer installer = {.walk = walk};
    enum ov_status status = walk_contents(&installer, ov_sis_value(in));
    note_damage(&installer, in);
    ov_buf_release(&installer.controller);
    ov_buf_release(&installer.name);
    return status != OV_OK ? status : installer.worst;
}
