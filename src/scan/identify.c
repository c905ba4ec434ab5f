// SPDX-License-Identifier: Apache-2.0
// Types of objects from their first bytes.
#include "scan/identify.h"

#include "format/mail/mail_signs.h"
#include "match/marks.h"

enum {
    TAR_HEADER_BYTES = 512,
    TAR_SUM_AT = 148,
    TAR_SUM_BYTES = 8,
    UTF16_HTML_BYTES = 512,
    BLOCK_BYTES = 64,
    PIECE_BYTES = 2048 // of a text, that is looked at at once for what may stand anywhere
};

static bool has_magic(struct ov_span first, size_t offset, const struct ov_magic *magic) {
    return first.size >= offset + magic->size && first.data[offset] == magic->bytes[0] &&
           memcmp(first.data + offset, magic->bytes, magic->size) == 0;
}

// ---- the table of magics -----------------------------------------------------------------------

enum { ROWS_MAX = 192, ROW_WORDS = ROWS_MAX / 64 };

// One magic of one format. Rows stand in the order of the formats, which is that of preference.
struct row {
    const struct ov_format *format;
    const struct ov_magic *magic;
};

// A set of rows, as bits.
struct row_set {
    uint64_t words[ROW_WORDS];
};

// Which magics are worth a closer look: most files have none that begins as they do.
struct index {
    struct row rows[ROWS_MAX];
    uint32_t row_count;
    struct row_set fixed_by_first[256];  // those at a fixed place, by the first byte of the object
    struct row_set marks_by_second[256]; // those that stand anywhere, by their second byte
    struct ov_marks marks;               // the same, and what opens a link: where they may stand
    const struct ov_kernels *kernels;
};

static void add_row(struct row_set *set, uint32_t row) {
    set->words[row / 64] |= (uint64_t)1 << row % 64;
}

static void add_mark(struct index *index, const void *bytes, size_t size) {
    if (!ov_marks_add(&index->marks, ov_span_make(bytes, size))) {
        __builtin_trap(); // raise OV_MARKS_MAX; no test gets past this
    }
}

static void index_row(struct index *index, uint32_t row) {
    const struct ov_magic *magic = index->rows[row].magic;
    if (magic->offset == OV_MAGIC_ANYWHERE) {
        add_row(&index->marks_by_second[magic->bytes[1]], row);
        add_mark(index, magic->bytes, magic->size);
        return;
    }
    for (unsigned byte = 0; byte < 256; byte++) {
        if (magic->offset != 0 || magic->bytes[0] == byte) {
            add_row(&index->fixed_by_first[byte], row);
        }
    }
}

static void index_format(struct index *index, const struct ov_format *format) {
    for (uint32_t i = 0; i < format->magic_count; i++) {
        if (index->row_count == ROWS_MAX) {
            __builtin_trap(); // raise ROWS_MAX; no test gets past this
        }
        index->rows[index->row_count] = (struct row){.format = format, .magic = &format->magics[i]};
        index_row(index, index->row_count++);
    }
}

// Made at the first call; of constants, so that it is always the same.
static const struct index *get_index(void) {
    static struct index index;
    static bool is_made;
    for (uint32_t s = 0; !is_made && s < ov_format_set_count; s++) {
        for (uint32_t i = 0; i < ov_format_sets[s]->count; i++) {
            if (!ov_format_sets[s]->formats[i].is_beside) {
                index_format(&index, &ov_format_sets[s]->formats[i]);
            }
        }
    }
    if (!is_made) {
        add_mark(&index, "<a ", 3);
        add_mark(&index, "<A ", 3);
        ov_marks_finish(&index.marks);
        index.kernels = ov_kernels_best();
    }
    is_made = true;
    return &index;
}

// Takes the first row out of the set. False when it is empty.
static bool take_row(const struct index *index, struct row_set *set, struct row *ret_row) {
    for (unsigned i = 0; i < ROW_WORDS; i++) {
        if (set->words[i] != 0) {
            *ret_row = index->rows[i * 64 + (unsigned)__builtin_ctzll(set->words[i])];
            set->words[i] &= set->words[i] - 1;
            return true;
        }
    }
    return false;
}

// Goes through the magics that stand at a fixed place.
static enum ov_filetype find_magic(struct ov_span first) {
    const struct index *index = get_index();
    struct row_set set = index->fixed_by_first[first.data[0]];
    struct row row;
    while (take_row(index, &set, &row)) {
        if (has_magic(first, row.magic->offset, row.magic) &&
            (row.format->is_sure == NULL || row.format->is_sure(first))) {
            return row.format->type;
        }
    }
    return OV_FILETYPE_NONE;
}

bool ov_identify_has_magic(struct ov_span first, enum ov_filetype type) {
    const struct index *index = get_index();
    struct row_set set =
        first.size > 0 ? index->fixed_by_first[first.data[0]] : (struct row_set){0};
    struct row row;
    while (take_row(index, &set, &row)) {
        if (row.format->type == type && has_magic(first, row.magic->offset, row.magic)) {
            return true;
        }
    }
    return false;
}

// Goes through the magics that may stand anywhere, for one place.
static enum ov_filetype find_mark_at(struct ov_span first, size_t at) {
    if (first.size - at < 2) {
        return OV_FILETYPE_NONE;
    }
    const struct index *index = get_index();
    struct row_set set = index->marks_by_second[first.data[at + 1]];
    struct row row;
    while (take_row(index, &set, &row)) {
        if (has_magic(first, at, row.magic)) {
            return row.format->type;
        }
    }
    return OV_FILETYPE_NONE;
}

// ---- text
// ----------------------------------------------------------------------------------------

// 1 for what stands in no text: control characters but for bell, backspace, tab, line feed, form
// feed, return and escape. Bytes from 0x80 on may be a letter of some alphabet. Without branches
// and in bytes, so that the compiler can look at many at once.
static inline uint8_t is_control(uint8_t byte) {
    uint8_t is_low = byte <= 6;
    uint8_t is_tab = byte == 11;
    uint8_t is_high = (uint8_t)(byte - 14) <= 17; // 14 to 31
    uint8_t is_escape = byte == 27;
    uint8_t is_delete = byte == 127;
    return (uint8_t)(is_low | is_tab | (is_high & (is_escape ^ 1)) | is_delete);
}

static bool is_ascii(struct ov_span first) {
    size_t i = 0;
    for (; i + BLOCK_BYTES <= first.size; i += BLOCK_BYTES) {
        uint8_t controls = 0;
        for (size_t k = 0; k < BLOCK_BYTES; k++) {
            controls |= is_control(first.data[i + k]);
        }
        if (controls != 0) {
            return false;
        }
    }
    for (; i < first.size; i++) {
        if (is_control(first.data[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool is_utf16_little(struct ov_span first) {
    return first.size >= 2 && first.data[0] == 0xff && first.data[1] == 0xfe;
}

// Whether nothing speaks against UTF-16. Without a mark the bytes are read as big-endian, so that
// much binary data passes: that is clamscan's way, and its rules for text see those files.
static bool is_utf16(struct ov_span first) {
    size_t low = is_utf16_little(first) ? 0 : 1;
    for (size_t i = 2; i + 1 < first.size; i += 2) {
        unsigned value = first.data[i + low] | (unsigned)first.data[i + 1 - low] << 8;
        if (value == 0xfffe || (value < 128 && is_control((uint8_t)value) != 0)) {
            return false;
        }
    }
    return first.size >= 2;
}

// Whether the header's own checksum says that this is a tar archive without a magic.
static bool is_old_tar(struct ov_span first) {
    if (first.size < TAR_HEADER_BYTES) {
        return false;
    }
    unsigned declared = 0, sum = 0;
    bool has_digits = false;
    for (size_t i = 0; i < TAR_HEADER_BYTES; i++) {
        bool is_sum = i >= TAR_SUM_AT && i < TAR_SUM_AT + TAR_SUM_BYTES;
        uint8_t byte = first.data[i];
        if (is_sum && byte >= '0' && byte <= '7') {
            declared = declared * 8 + (byte - '0');
            has_digits = true;
        }
        sum += is_sum ? ' ' : byte;
    }
    return has_digits && declared == sum;
}

// The sign of a link, which no single magic can tell: "<a " and, anywhere later, "href". The "a"
// may be a capital letter, so may be each of "h" and "r", and "ef" as a whole.
static bool is_link_opening(struct ov_span bytes, size_t at) {
    return bytes.size - at >= 3 && (bytes.data[at + 1] | 0x20) == 'a' && bytes.data[at + 2] == ' ';
}

static bool has_link_target(struct ov_span rest) {
    for (size_t i = 0; i + 4 <= rest.size; i++) {
        bool is_start = (rest.data[i] | 0x20) == 'h' && (rest.data[i + 1] | 0x20) == 'r';
        struct ov_span end = ov_span_part(rest, i + 2, 2);
        if (is_start && (ov_span_is_text(end, "ef") || ov_span_is_text(end, "EF"))) {
            return true;
        }
    }
    return false;
}

// Where magics that may stand anywhere could begin in a piece of a text, or a link.
struct places {
    uint32_t at[PIECE_BYTES + BLOCK_BYTES];
    uint32_t count;
};

// Kernels read behind the piece: at the end of the text, a copy of it.
static void list_places(struct ov_span text, size_t from, struct places *ret_places) {
    uint8_t edge[PIECE_BYTES + 2 * OV_FILTER_SLACK];
    const struct index *index = get_index();
    struct ov_span rest = ov_span_from(text, from);
    uint32_t size = rest.size < PIECE_BYTES ? (uint32_t)rest.size : PIECE_BYTES;
    if (rest.size < PIECE_BYTES + OV_FILTER_SLACK) {
        memcpy(edge, rest.data, rest.size);
        memset(edge + rest.size, 0, 2 * OV_FILTER_SLACK - (rest.size - size));
        rest.data = edge;
    }
    ret_places->count = index->kernels->marks(&index->marks.table, rest.data, size, ret_places->at);
}

// Looks for marks where one of their first bytes stands, in the order of these, then for a link.
static enum ov_filetype find_marks(struct ov_span first) {
    static const uint8_t starts[] = {'<', '%', 0xa3, 0xef};
    struct places places;
    size_t link_at = first.size;
    list_places(first, 0, &places);
    for (size_t k = 0; k < sizeof starts; k++) {
        for (uint32_t i = 0; i < places.count; i++) {
            uint32_t at = places.at[i];
            enum ov_filetype type =
                first.data[at] == starts[k] ? find_mark_at(first, at) : OV_FILETYPE_NONE;
            if (type != OV_FILETYPE_NONE) {
                return type;
            }
            if (at < link_at && first.data[at] == '<' && is_link_opening(first, at)) {
                link_at = at;
            }
        }
    }
    return has_link_target(ov_span_from(first, link_at)) ? OV_FILETYPE_HTML : OV_FILETYPE_NONE;
}

bool ov_identify_has_html(struct ov_span text) {
    size_t link_at = text.size;
    for (size_t from = 0; from < text.size; from += PIECE_BYTES) {
        struct places places;
        list_places(text, from, &places);
        for (uint32_t i = 0; i < places.count; i++) {
            size_t at = from + places.at[i];
            if (text.data[at] == '<' && find_mark_at(text, at) == OV_FILETYPE_HTML) {
                return true;
            }
            if (at < link_at && text.data[at] == '<' && is_link_opening(text, at)) {
                link_at = at;
            }
        }
    }
    return has_link_target(ov_span_from(text, link_at));
}

// HTML in UTF-16, in either order, whatever the mark says.
static bool is_utf16_html(struct ov_span first) {
    uint8_t narrow[UTF16_HTML_BYTES];
    size_t size = 0;
    size_t low = is_utf16_little(first) || (first.size > 1 && first.data[1] == 0) ? 0 : 1;
    for (size_t i = 0; i + 1 < first.size && size < sizeof narrow; i += 2) {
        if (first.data[i + 1 - low] == 0) {
            narrow[size++] = first.data[i + low];
        }
    }
    return find_marks(ov_span_make(narrow, size)) == OV_FILETYPE_HTML;
}

// The type of what has no magic at a fixed place.
static enum ov_filetype identify_content(struct ov_span first) {
    enum ov_filetype type = OV_FILETYPE_BINARY_DATA;
    if (is_ascii(first)) {
        type = OV_FILETYPE_TEXT_ASCII;
    } else if (is_utf16(first)) {
        type = is_utf16_little(first) ? OV_FILETYPE_TEXT_UTF16LE : OV_FILETYPE_TEXT_UTF16BE;
    } else if (is_old_tar(first)) {
        return OV_FILETYPE_OLD_TAR;
    }
    // In this order, as for clamscan: of several signs the one counts that has the greatest number
    // there. A header anywhere is a sign, so that catalogs of translations are MHTML.
    if (ov_mail_has_mhtml_sign(first)) {
        return OV_FILETYPE_MHTML;
    }
    if (ov_mail_has_mail_sign(first)) {
        return OV_FILETYPE_MAIL;
    }
    enum ov_filetype marked = find_marks(first);
    if (marked != OV_FILETYPE_NONE) {
        return marked;
    }
    bool is_wide = type == OV_FILETYPE_TEXT_UTF16LE || type == OV_FILETYPE_TEXT_UTF16BE;
    return is_wide && is_utf16_html(first) ? OV_FILETYPE_HTML_UTF16 : type;
}

enum ov_filetype ov_identify(struct ov_span first, uint64_t object_bytes) {
    first = ov_span_part(first, 0, OV_IDENTIFY_BYTES);
    if (object_bytes < OV_IDENTIFY_MIN_BYTES || first.size == 0) {
        return OV_FILETYPE_BINARY_DATA;
    }
    enum ov_filetype type = find_magic(first);
    return type != OV_FILETYPE_NONE ? type : identify_content(first);
}

// ---- formats beside the type -------------------------------------------------------------------

enum { BESIDE_MAX = 32 };

struct beside {
    const struct ov_format *formats[BESIDE_MAX];
    uint32_t count;
};

static const struct beside *get_beside(void) {
    static struct beside beside;
    static bool is_made; // of constants: always the same
    for (uint32_t s = 0; !is_made && s < ov_format_set_count; s++) {
        for (uint32_t i = 0; i < ov_format_sets[s]->count; i++) {
            const struct ov_format *format = &ov_format_sets[s]->formats[i];
            if (format->is_beside && beside.count == BESIDE_MAX) {
                __builtin_trap(); // raise BESIDE_MAX; no test gets past this
            }
            if (format->is_beside) {
                beside.formats[beside.count++] = format;
            }
        }
    }
    is_made = true;
    return &beside;
}

static bool is_format(struct ov_span object, const struct ov_format *format) {
    for (uint32_t i = 0; i < format->magic_count; i++) {
        if (has_magic(object, format->magics[i].offset, &format->magics[i])) {
            return format->is_sure == NULL || format->is_sure(object);
        }
    }
    return false;
}

const struct ov_format *ov_identify_beside(struct ov_span object, const struct ov_format *last) {
    const struct beside *beside = get_beside();
    bool is_behind = last == NULL;
    for (uint32_t i = 0; i < beside->count; i++) {
        if (is_behind && is_format(object, beside->formats[i])) {
            return beside->formats[i];
        }
        is_behind = is_behind || beside->formats[i] == last;
    }
    return NULL;
}

enum ov_filetype ov_identify_object(struct ov_span object) {
    enum ov_filetype type = ov_identify(object, object.size);
    for (uint32_t s = 0; s < ov_format_set_count; s++) {
        for (uint32_t i = 0; i < ov_format_sets[s]->count; i++) {
            const struct ov_format *format = &ov_format_sets[s]->formats[i];
            if (format->refine != NULL && format->type == type) {
                enum ov_filetype closer = format->refine(object);
                return closer != OV_FILETYPE_NONE ? closer : type;
            }
        }
    }
    return type;
}

uint32_t ov_filetype_target(enum ov_filetype type) {
    switch (type) {
    case OV_FILETYPE_MSEXE:
        return 1;
    case OV_FILETYPE_MSOLE2:
        return 2;
    case OV_FILETYPE_HTML:
    case OV_FILETYPE_HTML_UTF16:
        return 3;
    case OV_FILETYPE_MAIL:
        return 4;
    case OV_FILETYPE_GRAPHICS:
    case OV_FILETYPE_GIF:
    case OV_FILETYPE_PNG:
    case OV_FILETYPE_JPEG:
    case OV_FILETYPE_TIFF:
        return 5;
    case OV_FILETYPE_ELF:
        return 6;
    case OV_FILETYPE_TEXT_ASCII:
    case OV_FILETYPE_TEXT_UTF8:
    case OV_FILETYPE_TEXT_UTF16LE:
    case OV_FILETYPE_TEXT_UTF16BE:
        return 7;
    case OV_FILETYPE_MACHO:
    case OV_FILETYPE_MACHO_UNIBIN:
        return 9;
    case OV_FILETYPE_PDF:
        return 10;
    case OV_FILETYPE_SWF:
        return 11;
    case OV_FILETYPE_JAVA:
        return 12;
    case OV_FILETYPE_INTERNAL:
        return 13;
    case OV_FILETYPE_BINARY_DATA:
        return 14;
    default:
        return 0;
    }
}

bool ov_filetype_is_text(enum ov_filetype type) {
    switch (type) {
    case OV_FILETYPE_TEXT_ASCII:
    case OV_FILETYPE_TEXT_UTF8:
    case OV_FILETYPE_TEXT_UTF16LE:
    case OV_FILETYPE_TEXT_UTF16BE:
        return true;
    default:
        return false;
    }
}
