// SPDX-License-Identifier: Apache-2.0
// Names of files in the controllers of a Symbian 9 installer.
#include "format/archive/sis.h"

enum {
    NAMES_MAX = 4096,
    DEPTH_MAX = 32, // of install blocks in conditions, and controllers in controllers
    SIZES_BYTES = 24,
};

struct reader {
    struct ov_sis_names *names;
    uint32_t unit;  // of the controller at hand
    uint32_t depth; // of fields
};

static void read_fields(struct reader *reader, struct ov_span fields);

// Path, MIME type, sometimes capabilities, hash; then numbers.
static void read_description(struct reader *reader, struct ov_span value) {
    struct ov_cursor in = ov_cursor_init(value);
    ov_sis_type(&in);
    struct ov_span path = ov_sis_value(&in);
    ov_sis_type(&in);
    ov_sis_value(&in);
    if (ov_sis_type(&in) == OV_SIS_CAPABILITIES) {
        ov_sis_value(&in);
        ov_sis_type(&in);
    }
    ov_sis_value(&in);
    ov_cursor_skip(&in, SIZES_BYTES);
    uint32_t index = ov_cursor_u32le(&in);
    struct ov_sis_names *names = reader->names;
    if (!in.has_failed && names->count < NAMES_MAX) {
        names->names[names->count++] =
            (struct ov_sis_name){.unit = reader->unit, .index = index, .path = path};
    }
}

// The data unit of a controller, counted from that of the one around it.
static uint32_t read_unit(struct ov_span controller) {
    struct ov_cursor in = ov_cursor_init(controller);
    while (ov_cursor_left(&in) > 0 && !in.has_failed) {
        uint32_t type = ov_sis_type(&in);
        struct ov_cursor value = ov_cursor_init(ov_sis_value(&in));
        if (type == OV_SIS_DATA_INDEX) {
            return ov_cursor_u32le(&value);
        }
    }
    return 0;
}

static void read_value(struct reader *reader, uint32_t type, struct ov_span value) {
    uint32_t unit = reader->unit;
    switch (type) {
    case OV_SIS_DESCRIPTION:
        read_description(reader, value);
        break;
    case OV_SIS_CONTROLLER:
        reader->unit += read_unit(value);
        read_fields(reader, value);
        reader->unit = unit;
        break;
    case OV_SIS_INSTALL_BLOCK:
    case OV_SIS_IF:
    case OV_SIS_ELSE_IF:
        read_fields(reader, value);
        break;
    default:
        break;
    }
}

static void read_array(struct reader *reader, struct ov_span array) {
    struct ov_cursor in = ov_cursor_init(array);
    uint32_t type = ov_sis_type(&in);
    while (ov_cursor_left(&in) > 0 && !in.has_failed) {
        read_value(reader, type, ov_sis_value(&in));
    }
}

// Install blocks stand in conditions, and controllers in install blocks.
static void read_fields(struct reader *reader, struct ov_span fields) {
    if (reader->depth == DEPTH_MAX) {
        return;
    }
    reader->depth++;
    struct ov_cursor in = ov_cursor_init(fields);
    while (ov_cursor_left(&in) > 0 && !in.has_failed) {
        uint32_t type = ov_sis_type(&in);
        struct ov_span value = ov_sis_value(&in);
        if (type == OV_SIS_ARRAY) {
            read_array(reader, value);
        } else {
            read_value(reader, type, value);
        }
    }
    reader->depth--;
}

enum ov_status ov_sis_names_read(struct ov_span controller, struct ov_arena *arena,
                                 struct ov_sis_names *ret_names) {
    struct ov_sis_names names = {.names =
                                     ov_arena_array(arena, NAMES_MAX, sizeof(struct ov_sis_name))};
    if (names.names == NULL) {
        return OV_MEMORY;
    }
    struct reader reader = {.names = &names};
    read_fields(&reader, controller);
    *ret_names = names;
    return OV_OK;
}

struct ov_span ov_sis_names_find(const struct ov_sis_names *names, uint32_t unit, uint32_t index) {
    for (uint32_t i = 0; i < names->count; i++) {
        if (names->names[i].unit == unit && names->names[i].index == index) {
            return names->names[i].path;
        }
    }
    return ov_span_make(NULL, 0);
}
