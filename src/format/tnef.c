// SPDX-License-Identifier: Apache-2.0
// TNEF ("winmail.dat", [MS-OXTNEF]): attachments, and the body in all its forms.
#include "format/format.h"
#include "format/mail/tnef_rtf.h"

enum {
    KEY_BYTES = 2,
    CHECKSUM_BYTES = 2,
    ATTRIBUTE_BYTES_MIN = 11, // level, name, size, checksum
    OBJECT_ID_BYTES = 16,     // in front of an embedded object
    NAMED_GUID_BYTES = 16,
};

// Attributes, [MS-OXTNEF] 2.1.3.1: the type of their value, then what they mean.
enum attribute {
    ATTRIBUTE_BODY = 0x2800c,
    ATTRIBUTE_ATTACH_DATA = 0x6800f,
    ATTRIBUTE_ATTACH_TITLE = 0x18010,
    ATTRIBUTE_ATTACH_METAFILE = 0x68011,
    ATTRIBUTE_ATTACH_RENDERING = 0x69002, // opens the next attachment
    ATTRIBUTE_MESSAGE_PROPERTIES = 0x69003,
    ATTRIBUTE_ATTACHMENT_PROPERTIES = 0x69005,
};

// Properties, [MS-OXPROPS], and the types of their values, [MS-OXCDATA] 2.11.1.
enum property {
    PROPERTY_BODY = 0x1000,
    PROPERTY_RTF = 0x1009,
    PROPERTY_HTML = 0x1013,
    PROPERTY_ATTACH_DATA = 0x3701,
    PROPERTY_ATTACH_NAME = 0x3704,
    PROPERTY_ATTACH_LONG_NAME = 0x3707,
    PROPERTY_NAMED = 0x8000, // from here on with a name of its own
    TYPE_SHORT = 2,
    TYPE_FLOAT = 4,
    TYPE_BOOLEAN = 11,
    TYPE_OBJECT = 13,
    TYPE_STRING = 30,
    TYPE_UNICODE = 31,
    TYPE_GUID = 72,
    TYPE_BINARY = 258,
    TYPE_SEVERAL = 0x1000,
};

// What is known of the attachment at hand.
struct attachment {
    struct ov_span title, long_name, short_name;
    struct ov_span data, metafile, object;
};

struct tnef {
    struct ov_walk *walk;
    struct ov_buf plain;
    struct attachment attachment;
    bool is_damaged;
};

// ---- attachments -------------------------------------------------------------------------------

static struct ov_span drop_zero(struct ov_span text) {
    return ov_span_part(text, 0, ov_span_find(text, 0, 0));
}

// The long name is in UTF-16 mostly, where zeros are half of its bytes.
static struct ov_span choose_name(const struct attachment *attachment) {
    if (attachment->title.size > 0) {
        return drop_zero(attachment->title);
    }
    return attachment->long_name.size > 0 ? attachment->long_name : attachment->short_name;
}

// An embedded message is TNEF again, behind the identifier of what it is; other objects are told
// as they stand.
static enum ov_status tell_object(struct tnef *tnef, struct ov_span object, struct ov_span name) {
    static const uint8_t signature[] = {0x78, 0x9f, 0x3e, 0x22};
    struct ov_span inner = ov_span_from(object, OBJECT_ID_BYTES);
    bool is_tnef =
        inner.size > sizeof signature && memcmp(inner.data, signature, sizeof signature) == 0;
    return ov_walk_stored(tnef->walk, is_tnef ? inner : object, name);
}

// Tells of the attachment whose attributes have been read, and starts the next.
static enum ov_status tell_attachment(struct tnef *tnef) {
    struct attachment attachment = tnef->attachment;
    struct ov_span name = choose_name(&attachment);
    tnef->attachment = (struct attachment){0};
    if (attachment.data.size > 0) {
        TRY(ov_walk_stored(tnef->walk, attachment.data, name));
    }
    if (attachment.metafile.size > 0) {
        TRY(ov_walk_stored(tnef->walk, attachment.metafile, name));
    }
    bool is_same = ov_span_is_equal(attachment.object, attachment.data);
    return attachment.object.size > 0 && !is_same ? tell_object(tnef, attachment.object, name)
                                                  : OV_OK;
}

// ---- properties --------------------------------------------------------------------------------

static enum ov_status tell_rtf(struct tnef *tnef, struct ov_span packed) {
    ov_buf_reset(&tnef->plain);
    enum ov_status status = ov_tnef_rtf_unpack(packed, ov_walk_room(tnef->walk), &tnef->plain);
    if (status == OV_LIMIT) {
        ov_walk_note_cut(tnef->walk);
    } else if (status == OV_DAMAGED) {
        tnef->is_damaged = true;
    } else {
        TRY(status);
    }
    if (tnef->plain.size == 0) {
        return OV_OK;
    }
    return ov_walk_member(tnef->walk, ov_buf_span(&tnef->plain), ov_span_text("body.rtf"),
                          OV_FILETYPE_NONE);
}

static enum ov_status take_value(struct tnef *tnef, unsigned property, struct ov_span value) {
    switch (property) {
    case PROPERTY_BODY:
        return ov_walk_stored(tnef->walk, value, ov_span_text("body"));
    case PROPERTY_HTML:
        return ov_walk_stored(tnef->walk, value, ov_span_text("body.html"));
    case PROPERTY_RTF:
        return tell_rtf(tnef, value);
    case PROPERTY_ATTACH_DATA:
        tnef->attachment.object = value;
        return OV_OK;
    case PROPERTY_ATTACH_NAME:
        tnef->attachment.short_name = value;
        return OV_OK;
    case PROPERTY_ATTACH_LONG_NAME:
        tnef->attachment.long_name = value;
        return OV_OK;
    default:
        return OV_OK;
    }
}

// How many bytes a value of this type takes; 0: it says so itself.
static size_t measure_value(unsigned type) {
    switch (type) {
    case TYPE_STRING:
    case TYPE_UNICODE:
    case TYPE_OBJECT:
    case TYPE_BINARY:
        return 0;
    case TYPE_SHORT:
    case TYPE_BOOLEAN:
    case TYPE_FLOAT:
    case 1:       // null
    case 3:       // integer
    case 10:      // error
        return 4; // what is shorter is filled up
    case TYPE_GUID:
        return 16;
    default:
        return 8; // double, currency, date, 64-bit integer
    }
}

static struct ov_span read_padded(struct ov_cursor *in, size_t size) {
    size_t left = ov_cursor_left(in);
    struct ov_span bytes = ov_cursor_bytes(in, size < left ? size : left);
    size_t padding = (4 - size % 4) % 4;
    ov_cursor_skip(in, padding < ov_cursor_left(in) ? padding : ov_cursor_left(in));
    return bytes;
}

// The name of a property that has one: an identifier, and a number or a text.
static void skip_name(struct ov_cursor *in) {
    ov_cursor_skip(in, NAMED_GUID_BYTES);
    bool is_text = ov_cursor_u32le(in) == 1;
    uint32_t value = ov_cursor_u32le(in);
    if (is_text) {
        (void)read_padded(in, value);
    }
}

// One property, [MS-OXTNEF] 2.1.3.4; the values of those that have several are told alike.
static enum ov_status read_property(struct tnef *tnef, struct ov_cursor *in) {
    unsigned type = ov_cursor_u16le(in);
    unsigned property = ov_cursor_u16le(in);
    if (property >= PROPERTY_NAMED) {
        skip_name(in);
    }
    bool is_several = (type & TYPE_SEVERAL) != 0;
    type &= ~(unsigned)TYPE_SEVERAL;
    size_t size = measure_value(type);
    uint64_t count = 1;
    if (is_several || size == 0) {
        count = ov_cursor_count(in, ov_cursor_u32le(in), 4);
    }
    for (; count > 0 && !in->has_failed; count--) {
        struct ov_span value =
            size > 0 ? ov_cursor_bytes(in, size) : read_padded(in, ov_cursor_u32le(in));
        TRY(take_value(tnef, property, value));
    }
    return OV_OK;
}

static enum ov_status read_properties(struct tnef *tnef, struct ov_span bytes) {
    struct ov_cursor in = ov_cursor_init(bytes);
    for (uint32_t left = ov_cursor_u32le(&in); left > 0 && ov_cursor_left(&in) > 0; left--) {
        TRY(ov_walk_has_time(tnef->walk));
        TRY(read_property(tnef, &in));
    }
    tnef->is_damaged = tnef->is_damaged || in.has_failed;
    return OV_OK;
}

// ---- attributes --------------------------------------------------------------------------------

static enum ov_status take_attribute(struct tnef *tnef, uint32_t name, struct ov_span value) {
    switch (name) {
    case ATTRIBUTE_BODY:
        return ov_walk_stored(tnef->walk, value, ov_span_text("body"));
    case ATTRIBUTE_ATTACH_RENDERING:
        return tell_attachment(tnef);
    case ATTRIBUTE_ATTACH_TITLE:
        tnef->attachment.title = value;
        return OV_OK;
    case ATTRIBUTE_ATTACH_DATA:
        if (tnef->attachment.data.size > 0) {
            TRY(tell_attachment(tnef)); // the line that opens the next is missing
        }
        tnef->attachment.data = value;
        return OV_OK;
    case ATTRIBUTE_ATTACH_METAFILE:
        tnef->attachment.metafile = value;
        return OV_OK;
    case ATTRIBUTE_MESSAGE_PROPERTIES:
    case ATTRIBUTE_ATTACHMENT_PROPERTIES:
        return read_properties(tnef, value);
    default:
        return OV_OK;
    }
}

static enum ov_status read_attributes(struct tnef *tnef, struct ov_cursor *in) {
    while (ov_cursor_left(in) >= ATTRIBUTE_BYTES_MIN - CHECKSUM_BYTES) {
        TRY(ov_walk_has_time(tnef->walk));
        ov_cursor_skip(in, 1); // level: of the message or of an attachment
        uint32_t name = ov_cursor_u32le(in);
        uint32_t size = ov_cursor_u32le(in);
        size_t left = ov_cursor_left(in);
        tnef->is_damaged = tnef->is_damaged || size > left;
        TRY(take_attribute(tnef, name, ov_cursor_bytes(in, size < left ? size : left)));
        left = ov_cursor_left(in);
        ov_cursor_skip(in, left < CHECKSUM_BYTES ? left : CHECKSUM_BYTES);
    }
    return tell_attachment(tnef);
}

static void release_tnef(struct tnef *tnef) {
    ov_buf_release(&tnef->plain);
}

static enum ov_status walk_tnef(struct ov_cursor *in, struct ov_walk *walk) {
    OV_CLEANUP(release_tnef) struct tnef tnef = {.walk = walk};
    ov_cursor_skip(in, sizeof(uint32_t) + KEY_BYTES);
    TRY(read_attributes(&tnef, in));
    return tnef.is_damaged ? OV_DAMAGED : OV_OK;
}

static const struct ov_magic magics[] = {OV_MAGIC(0, "\x78\x9f\x3e\x22")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_TNEF, OV_MAGICS(magics), .walk = walk_tnef},
};

OV_FORMAT_SET(tnef, formats);
