// SPDX-License-Identifier: Apache-2.0
// Sound, film, animated cursors, and other files that clamscan sets aside as harmless.
#include "format/format.h"

// ---- RIFF --------------------------------------------------------------------------------------

enum {
    ANI_HEADER_BYTES = 36, // what a header of an animated cursor has
    NESTED_MAX = 1000,     // lists in one another
};

static bool is_list(struct ov_span mark) {
    return ov_span_is_text(mark, "LIST") || ov_span_is_text(mark, "PROP") ||
           ov_span_is_text(mark, "FORM") || ov_span_is_text(mark, "CAT ");
}

// Chunks of a mark, a size and data; those of a list begin behind its kind. Windows copied a header
// of any size into a place for one of 36 bytes (Microsoft security bulletin MS05-002).
static enum ov_status walk_riff(struct ov_cursor *in, struct ov_walk *walk) {
    struct ov_cursor at = *in;
    bool is_big = ov_span_is_text(ov_cursor_bytes(&at, 4), "RIFX");
    ov_cursor_skip(&at, 4);
    if (!ov_span_is_text(ov_cursor_bytes(&at, 4), "ACON")) {
        return OV_OK; // of others so many are broken that it means nothing
    }
    unsigned nested = 1;
    while (ov_cursor_left(&at) >= 8 && nested <= NESTED_MAX) {
        TRY(ov_walk_has_time(walk));
        struct ov_span mark = ov_cursor_bytes(&at, 4);
        uint32_t size = is_big ? ov_cursor_u32be(&at) : ov_cursor_u32le(&at);
        if (ov_span_is_text(mark, "anih") && size != ANI_HEADER_BYTES) {
            ov_walk_alert(walk, OV_HEURISTIC_MS05_002);
            return OV_DAMAGED;
        }
        if (ov_span_is_text(mark, "RIFF") || ov_span_is_text(mark, "RIFX")) {
            return OV_OK;
        }
        bool has_kind = is_list(mark);
        nested = has_kind ? nested + 1 : 1;
        ov_cursor_skip(&at, has_kind ? 4 : (uint64_t)size + (size & 1));
    }
    return at.has_failed ? OV_DAMAGED : OV_OK;
}

// ---- magics ------------------------------------------------------------------------------------

static const struct ov_magic magics_ignored[] = {
    OV_MAGIC(0, "ID3"),  OV_MAGIC(0, "\xff\xfb\x90"),      OV_MAGIC(0, "OggS"),
    OV_MAGIC(0, ".RMF"), OV_MAGIC(0, "SQLite format 3\0"),
};
static const struct ov_magic magics_riff[] = {OV_MAGIC(0, "RIFF"), OV_MAGIC(0, "RIFX")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_IGNORED, OV_MAGICS(magics_ignored)},
    {.type = OV_FILETYPE_RIFF, OV_MAGICS(magics_riff), .walk = walk_riff},
};

OV_FORMAT_SET(media, formats);
