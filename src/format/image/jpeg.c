// SPDX-License-Identifier: Apache-2.0
// JPEG: segments up to the first scan, and which application's they are (ISO/IEC 10918-1, annex B;
// JFIF 1.02; Exif 2.3, 4.5.4; ISO/IEC 10918-3, annex F for SPIFF).
#include "format/image/image.h"

enum {
    MARKER_SCAN = 0xda,
    MARKER_END = 0xd9,
    MARKER_APP0 = 0xe0,
    MARKER_APP1 = 0xe1,
    MARKER_APP8 = 0xe8,
    MARKER_APP13 = 0xed,
    MARKER_DTI = 0xf1,
    MARKER_DTT = 0xf2,
    MARKER_JPG7 = 0xf7,
    MARKER_COMMENT = 0xfe,
    MARKER_SEARCH_BYTES = 16, // fill bytes before a marker, and more is not one
    APP_BYTES_MIN = 16,       // what a header of JFIF, Exif or SPIFF takes at least
    THUMBNAIL_OLD = 0x0409,   // resources of Photoshop (its file formats specification)
    THUMBNAIL = 0x040c,
    THUMBNAIL_HEADER_BYTES = 28,
};

// A picture on its way.
struct jpeg {
    struct ov_cursor in;
    struct ov_walk *walk;
    enum ov_heuristic broken;
    uint32_t number;          // of the segment, from 1 on
    uint8_t marker, previous; // of the segment, and of the one before
    size_t data_at;           // of the segment, behind its size
    struct ov_span data;      // cut at the end of the file
    uint32_t size;            // as stated: with its own two bytes
    bool has_comment;         // or what stands for one
    bool has_app;             // JFIF, Exif or SPIFF
    bool has_jfif, has_exif, has_spiff;
};

static bool stop(struct jpeg *jpeg, enum ov_heuristic broken) {
    jpeg->broken = broken;
    return false;
}

// Reads up to the byte behind 0xff that is none. False: there is none near by. At the end of the
// file the reader finds out when it looks for a size.
static bool read_marker(struct jpeg *jpeg) {
    uint8_t before = 0;
    for (unsigned i = 0; i < MARKER_SEARCH_BYTES; i++) {
        if (ov_cursor_left(&jpeg->in) == 0) {
            return true;
        }
        uint8_t byte = ov_cursor_u8(&jpeg->in);
        jpeg->marker = byte;
        if (before == 0xff && byte != 0xff) {
            return true;
        }
        before = byte;
    }
    return stop(jpeg, OV_HEURISTIC_MEDIA_JPEG_SPURIOUS);
}

// Reads the size and the data. A comment that is shorter than its own size was an exploit of
// Windows' decoder in 2004 (Microsoft security bulletin MS04-028).
static bool read_segment(struct jpeg *jpeg) {
    if (ov_cursor_left(&jpeg->in) < 2) {
        return stop(jpeg, OV_HEURISTIC_MEDIA_JPEG_NO_SIZE);
    }
    size_t left = ov_cursor_left(&jpeg->in);
    jpeg->data_at = jpeg->in.at + 2;
    jpeg->size = ov_cursor_u16be(&jpeg->in);
    if (jpeg->size < 2) {
        return stop(jpeg, jpeg->marker == MARKER_COMMENT ? OV_HEURISTIC_MS04_028
                                                         : OV_HEURISTIC_MEDIA_JPEG_SIZE);
    }
    if (jpeg->size >= left + 2) { // a byte too many is let pass, as clamscan does
        return stop(jpeg, OV_HEURISTIC_MEDIA_JPEG_OUT_OF_FILE);
    }
    jpeg->data = ov_span_part(jpeg->in.bytes, jpeg->data_at, jpeg->size - 2);
    ov_cursor_skip(&jpeg->in, jpeg->size - 2);
    return true;
}

// Whether the segment's bytes, or those behind it when it is too short, begin so.
static bool has_mark(const struct jpeg *jpeg, const char *mark, size_t size) {
    struct ov_span there = ov_span_part(jpeg->in.bytes, jpeg->data_at, size);
    return ov_span_is_equal(there, ov_span_make(mark, size));
}

// ---- applications ------------------------------------------------------------------------------

static bool check_jfif(struct jpeg *jpeg) {
    bool is_early = jpeg->number == 1 ||
                    (jpeg->number == 2 && (jpeg->has_comment || jpeg->has_exif)) ||
                    (jpeg->number == 3 && jpeg->has_comment && jpeg->has_exif);
    if (jpeg->has_jfif) {
        return stop(jpeg, OV_HEURISTIC_MEDIA_JPEG_JFIF_TWICE);
    }
    if (!is_early) {
        return stop(jpeg, OV_HEURISTIC_MEDIA_JPEG_JFIF_PLACE);
    }
    if (jpeg->size < APP_BYTES_MIN) {
        return stop(jpeg, OV_HEURISTIC_MEDIA_JPEG_JFIF_SHORT);
    }
    jpeg->has_app = jpeg->has_jfif = true;
    return true;
}

static bool check_exif(struct jpeg *jpeg) {
    if (jpeg->has_exif || jpeg->has_spiff) {
        return stop(jpeg, OV_HEURISTIC_MEDIA_JPEG_EXIF_TWICE);
    }
    if (jpeg->number > 3 && !jpeg->has_comment && jpeg->has_jfif) {
        return stop(jpeg, OV_HEURISTIC_MEDIA_JPEG_EXIF_PLACE);
    }
    if (jpeg->size < APP_BYTES_MIN) {
        return stop(jpeg, OV_HEURISTIC_MEDIA_JPEG_EXIF_SHORT);
    }
    jpeg->has_app = jpeg->has_exif = true;
    return true;
}

static bool check_spiff(struct jpeg *jpeg) {
    if (jpeg->has_app) {
        return stop(jpeg, OV_HEURISTIC_MEDIA_JPEG_SPIFF_TWICE);
    }
    if (jpeg->number != 1 && (jpeg->number != 2 || !jpeg->has_comment)) {
        return stop(jpeg, OV_HEURISTIC_MEDIA_JPEG_SPIFF_PLACE);
    }
    if (jpeg->size < APP_BYTES_MIN) {
        return stop(jpeg, OV_HEURISTIC_MEDIA_JPEG_SPIFF_SHORT);
    }
    jpeg->has_app = jpeg->has_spiff = true;
    return true;
}

static bool check_app1(struct jpeg *jpeg) {
    if (has_mark(jpeg, "Exif\0\0", 6)) {
        return check_exif(jpeg);
    }
    jpeg->has_comment = jpeg->has_comment || has_mark(jpeg, "http://", 7); // XMP
    return true;
}

// ---- Photoshop ---------------------------------------------------------------------------------

// Tells of the small pictures among the resources.
static enum ov_status walk_resources(struct jpeg *jpeg) {
    struct ov_cursor in = ov_cursor_init(ov_span_from(jpeg->data, sizeof "Photoshop 3.0"));
    while (ov_span_is_text(ov_cursor_bytes(&in, 4), "8BIM")) {
        TRY(ov_walk_has_time(jpeg->walk));
        uint32_t kind = ov_cursor_u16be(&in);
        uint8_t name_bytes = ov_cursor_u8(&in);
        ov_cursor_skip(&in, (uint32_t)(name_bytes | 1));
        uint32_t size = ov_cursor_u32be(&in);
        struct ov_span data = ov_cursor_bytes(&in, size);
        if (kind == THUMBNAIL || kind == THUMBNAIL_OLD) {
            struct ov_span picture = ov_span_from(data, THUMBNAIL_HEADER_BYTES);
            TRY(picture.size > 0
                    ? ov_walk_member(jpeg->walk, picture, ov_span_text("photoshop-thumbnail"),
                                     OV_FILETYPE_JPEG)
                    : OV_OK);
        }
        ov_cursor_skip(&in, size & 1);
    }
    return OV_OK;
}

// ---- the walk ----------------------------------------------------------------------------------

// Looks at the segment. False: no other one is looked at.
static bool check_segment(struct jpeg *jpeg) {
    switch (jpeg->marker) {
    case MARKER_APP0:
        return !has_mark(jpeg, "JFIF", 5) || check_jfif(jpeg);
    case MARKER_APP1:
        return check_app1(jpeg);
    case MARKER_APP8:
        return !has_mark(jpeg, "SPIFF", 6) || check_spiff(jpeg);
    case MARKER_APP13:
    case MARKER_COMMENT:
        jpeg->has_comment = true;
        return true;
    case MARKER_JPG7:
        return stop(jpeg,
                    jpeg->has_app ? OV_HEURISTIC_MEDIA_JPEG_APP_BEFORE_JPG7 : OV_HEURISTIC_NONE);
    case MARKER_SCAN:
        return false;
    case MARKER_END:
        return stop(jpeg, OV_HEURISTIC_MEDIA_JPEG_NO_IMAGE);
    case MARKER_DTT:
        return jpeg->previous == MARKER_DTI || stop(jpeg, OV_HEURISTIC_MEDIA_JPEG_DTT);
    default:
        return true;
    }
}

enum ov_status ov_jpeg_walk(struct ov_cursor *in, struct ov_walk *walk) {
    struct jpeg jpeg = {.in = *in, .walk = walk, .broken = OV_HEURISTIC_NONE};
    if (in->bytes.size < 4) {
        return OV_DAMAGED;
    }
    ov_cursor_seek(&jpeg.in, 2);
    bool has_more = true;
    while (has_more) {
        TRY(ov_walk_has_time(walk));
        jpeg.number++;
        has_more = read_marker(&jpeg) && read_segment(&jpeg) && check_segment(&jpeg);
        if (has_more && jpeg.marker == MARKER_APP13 && has_mark(&jpeg, "Photoshop 3.0", 14)) {
            TRY(walk_resources(&jpeg));
        }
        jpeg.previous = jpeg.marker;
    }
    if (jpeg.broken == OV_HEURISTIC_NONE) {
        return OV_OK;
    }
    ov_walk_alert(walk, jpeg.broken);
    return OV_DAMAGED;
}
