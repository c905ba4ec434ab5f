// SPDX-License-Identifier: Apache-2.0
// Which zips are office documents: by the names in their first local headers, as for clamscan.
#include "format/archive/zip.h"

enum {
    WINDOW_BYTES = 1024, // clamscan looks through the file in pieces of this size,
    PIECES_MAX = 32,     // no more of them and of headers than this,
    HEADERS_MAX = 3,     // and at three headers whose name is in the same piece
    NAME_BYTES = 22,
    ZIP_BYTES_MIN = 2 * (OV_ZIP_LOCAL_BYTES + 5),
};

// A name that tells the type, or one that makes a look into the directory worth while (NONE).
struct clue {
    const char *prefix;
    enum ov_filetype type;
};

static const struct clue clues[] = {
    {"xl/", OV_FILETYPE_OOXML_XL},
    {"ppt/", OV_FILETYPE_OOXML_PPT},
    {"word/", OV_FILETYPE_OOXML_WORD},
    {"Contents/content.hpf", OV_FILETYPE_OOXML_HWP},
    {"BinData", OV_FILETYPE_NONE},
    {"mimetype", OV_FILETYPE_NONE},
    {"Contents", OV_FILETYPE_NONE},
    {"docProps/", OV_FILETYPE_NONE},
    {"customXml/", OV_FILETYPE_NONE},
    {"version.xml", OV_FILETYPE_NONE},
    {"settings.xml", OV_FILETYPE_NONE},
    {"_.rels/.rels", OV_FILETYPE_NONE},
    {"[ContentTypes].xml", OV_FILETYPE_NONE},
    {"[Content_Types].xml", OV_FILETYPE_NONE},
    {"Preview/PrvText.txt", OV_FILETYPE_NONE},
    {"META-INF/container.xml", OV_FILETYPE_NONE},
};

static const struct clue *find_clue(struct ov_span name) {
    for (size_t i = 0; i < sizeof clues / sizeof clues[0]; i++) {
        if (ov_span_has_prefix(name, clues[i].prefix)) {
            return &clues[i];
        }
    }
    return NULL;
}

// The first name in the directory that tells a type.
static enum ov_filetype ask_directory(struct ov_span file) {
    struct ov_zip_end end = ov_zip_find_end(file);
    struct ov_cursor in = ov_cursor_init(file);
    ov_cursor_seek(&in, end.count > 0 ? end.directories[0].at : file.size);
    struct ov_zip_member member;
    while (ov_zip_read_central(&in, 0, &member) == OV_OK) {
        const struct clue *clue = find_clue(member.central.name);
        if (clue != NULL && clue->type != OV_FILETYPE_NONE) {
            return clue->type;
        }
    }
    return OV_FILETYPE_NONE;
}

enum ov_filetype ov_zip_document_type(struct ov_span file) {
    const struct ov_span signature = ov_span_make("PK\3\4", 4);
    const size_t back = OV_ZIP_LOCAL_BYTES + NAME_BYTES + 1; // a header may lie across two pieces
    size_t start = 0, from = 0, headers = 0;
    bool is_likely = false;
    if (file.size <= ZIP_BYTES_MIN) {
        return OV_FILETYPE_NONE;
    }
    for (unsigned i = 0; i < PIECES_MAX; i++) {
        struct ov_span piece = ov_span_part(file, start, WINDOW_BYTES);
        size_t name_at = ov_span_search(piece, from, signature) + OV_ZIP_LOCAL_BYTES;
        if (name_at + NAME_BYTES < piece.size) {
            const struct clue *clue = find_clue(ov_span_from(piece, name_at));
            if (clue != NULL && clue->type != OV_FILETYPE_NONE) {
                return clue->type;
            }
            is_likely = is_likely || clue != NULL;
            if (++headers == HEADERS_MAX) {
                return is_likely ? ask_directory(file) : OV_FILETYPE_NONE;
            }
            from = name_at;
            continue;
        }
        size_t end = start + piece.size;
        if (file.size - end <= OV_ZIP_LOCAL_BYTES) {
            break;
        }
        start = end - back;
        from = 0;
    }
    return OV_FILETYPE_NONE;
}
