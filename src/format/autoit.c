// SPDX-License-Identifier: Apache-2.0
// Compiled AutoIt scripts (EA05, EA06): the script and the files that it brings along.
#include "format/autoit.h"

#include "format/format.h"
#include "format/utf16.h"

enum {
    MARK_BYTES = 23,   // the format's digit stands behind it
    HEADER_BYTES = 40, // mark, digit, 16 bytes that depend on the password
    TIMES_BYTES = 16,
    NAME_BYTES_MAX = 1024,
    PACKED = 1,
};

#define MARK                                                                                       \
    "\xa3\x48\x4b\xbe\x98\x6c\x4a\xa9\x99\x4c\x53\x0a\x86\xd6\x48\x7d"                             \
    "AU3!EA0"

// Each format hides its numbers behind keys of its own, and its bytes behind seeds.
struct layout {
    uint8_t digit;
    enum ov_autoit format;
    uint32_t file_mark; // "FILE", encrypted
    uint32_t source_key, source_seed;
    uint32_t path_key;
    uint32_t size_key;
    uint32_t data_seed;
    uint8_t letter_bytes; // of names
};

static const struct layout layouts[] = {
    {'5', OV_AUTOIT_EA05, 0xceb06dff, 0x29bc, 0xa25e, 0x29ac, 0x45aa, 0x22af, 1},
    {'6', OV_AUTOIT_EA06, 0x52ca436b, 0xadbc, 0xb33f, 0xf820, 0x87bc, 0x2477, 2},
};

struct file {
    struct ov_span source, packed;
    uint32_t source_letters;
    uint32_t plain_bytes, sum;
    bool is_packed;
};

// What the container says of a file, behind its mark.
static enum ov_status read_file(struct ov_cursor *in, const struct layout *layout,
                                struct file *ret_file) {
    struct file file = {.source_letters = ov_cursor_u32le(in) ^ layout->source_key};
    file.source = ov_cursor_bytes(in, (uint64_t)file.source_letters * layout->letter_bytes);
    uint32_t path_letters = ov_cursor_u32le(in) ^ layout->path_key;
    ov_cursor_skip(in, (uint64_t)path_letters * layout->letter_bytes);
    file.is_packed = ov_cursor_u8(in) == PACKED;
    uint32_t packed_bytes = ov_cursor_u32le(in) ^ layout->size_key;
    file.plain_bytes = ov_cursor_u32le(in) ^ layout->size_key;
    file.sum = ov_cursor_u32le(in);
    ov_cursor_skip(in, TIMES_BYTES);
    TRY(ov_cursor_status(in));
    size_t left = ov_cursor_left(in);
    file.packed = ov_cursor_bytes(in, packed_bytes < left ? packed_bytes : left);
    *ret_file = file;
    return packed_bytes <= left ? OV_OK : OV_END;
}

// As the script's author wrote it, or what a script is called instead.
static enum ov_status read_name(const struct file *file, const struct layout *layout,
                                struct ov_buf *name) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    struct ov_span source = ov_span_part(file->source, 0, NAME_BYTES_MAX);
    uint32_t seed = layout->source_seed + file->source_letters;
    ov_autoit_decrypt(layout->format, seed, source, &plain);
    if (layout->letter_bytes == 2) {
        ov_utf16_add_bytes(name, ov_buf_span(&plain));
    } else {
        ov_buf_add(name, plain.data, plain.size);
    }
    TRY(ov_buf_status(&plain));
    return ov_buf_status(name);
}

static enum ov_status tell(struct ov_walk *walk, struct ov_span bytes, const struct file *file,
                           struct ov_span name) {
    struct ov_child child = {.kind = OV_CHILD_MEMBER,
                             .bytes = ov_span_part(bytes, 0, ov_walk_room(walk)),
                             .name = name,
                             .packed_bytes = file->packed.size,
                             .plain_bytes = file->plain_bytes,
                             .checksum = file->sum};
    if (child.bytes.size < bytes.size) {
        ov_walk_note_cut(walk);
    }
    return ov_walk_child(walk, &child);
}

// The text of the script as clamscan has it; as UTF-8 too, if that lacks something.
static enum ov_status tell_script(struct ov_walk *walk, struct ov_span tokens,
                                  const struct file *file, struct ov_span name) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    bool is_lossy;
    enum ov_status status =
        ov_autoit_write_script(tokens, OV_AUTOIT_AS_CLAMSCAN, walk, &text, &is_lossy);
    if (status == OV_MEMORY) {
        return status;
    }
    TRY(tell(walk, ov_buf_span(&text), file, name));
    if (!is_lossy) {
        return status;
    }
    ov_buf_reset(&text);
    status = ov_autoit_write_script(tokens, OV_AUTOIT_UTF8, walk, &text, &is_lossy);
    if (status == OV_MEMORY) {
        return status;
    }
    TRY(tell(walk, ov_buf_span(&text), file, name));
    return status;
}

// Scripts of EA06 are tokens. There are two names for them, of which clamscan knows the first.
static enum ov_status tell_plain(struct ov_walk *walk, struct ov_span plain,
                                 const struct file *file, struct ov_span name) {
    if (!ov_span_has_prefix(name, ">>>AUTOIT ")) {
        return tell(walk, plain, file, name);
    }
    if (!ov_span_is_text(name, ">>>AUTOIT SCRIPT<<<")) {
        TRY(tell(walk, plain, file, name));
    }
    return tell_script(walk, plain, file, name);
}

static enum ov_status tell_file(struct ov_walk *walk, const struct layout *layout, uint32_t seed,
                                const struct file *file) {
    OV_CLEANUP(ov_buf_release) struct ov_buf name = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf open = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    TRY(read_name(file, layout, &name));
    ov_autoit_decrypt(layout->format, seed, file->packed, &open);
    TRY(ov_buf_status(&open));
    struct ov_span bytes = ov_buf_span(&open);
    enum ov_status status = OV_OK;
    if (file->is_packed) {
        status = ov_autoit_unpack(layout->format, bytes, walk, &plain);
        bytes = ov_buf_span(&plain);
    }
    if (status == OV_MEMORY || status == OV_UNSUPPORTED) {
        return status;
    }
    TRY(tell_plain(walk, bytes, file, ov_buf_span(&name)));
    return status;
}

// One file after another, as long as each begins with the mark. One that is damaged does not keep
// the others from being read.
static enum ov_status walk_files(struct ov_cursor *in, struct ov_walk *walk,
                                 const struct layout *layout, uint32_t seed) {
    enum ov_status told = OV_OK;
    while (ov_cursor_left(in) >= sizeof(uint32_t) && ov_cursor_u32le(in) == layout->file_mark) {
        struct file file;
        enum ov_status read = read_file(in, layout, &file);
        if (read == OV_DAMAGED) {
            return OV_DAMAGED;
        }
        enum ov_status status = file.packed.size > 0 ? tell_file(walk, layout, seed, &file) : OV_OK;
        if (status != OV_OK && status != OV_DAMAGED && status != OV_UNSUPPORTED) {
            return status;
        }
        told = status != OV_OK ? status : told;
        told = read == OV_END ? OV_DAMAGED : told;
    }
    return told;
}

static const struct layout *find_layout(struct ov_span rest) {
    for (size_t i = 0; rest.size >= HEADER_BYTES && i < OV_COUNT(layouts); i++) {
        if (rest.data[MARK_BYTES] == layouts[i].digit) {
            return &layouts[i];
        }
    }
    return NULL;
}

static enum ov_status walk_autoit(struct ov_cursor *in, struct ov_walk *walk) {
    size_t at = ov_span_search(in->bytes, 0, ov_span_text(MARK));
    const struct layout *layout = find_layout(ov_span_from(in->bytes, at));
    if (layout == NULL) {
        return OV_DAMAGED;
    }
    ov_cursor_seek(in, at + MARK_BYTES + 1);
    uint32_t sum = 0; // of the bytes that depend on the password: EA06 forgot to use it
    while (in->at < at + HEADER_BYTES) {
        sum += ov_cursor_u8(in);
    }
    uint32_t seed = layout->data_seed + (layout->format == OV_AUTOIT_EA05 ? sum : 0);
    return walk_files(in, walk, layout, seed);
}

// No header tells where it ends.
static enum ov_inner find_autoit(struct ov_span object, size_t at, struct ov_span *ret_inner) {
    *ret_inner = ov_span_from(object, at);
    return find_layout(*ret_inner) != NULL ? OV_INNER_OPEN : OV_INNER_NONE;
}

static const struct ov_magic magics_autoit[] = {OV_MAGIC(OV_MAGIC_ANYWHERE, MARK "5"),
                                                OV_MAGIC(OV_MAGIC_ANYWHERE, MARK "6")};
static const struct ov_embedded in_any[] = {
    {.mark = OV_MAGIC(OV_MAGIC_ANYWHERE, MARK), .find = find_autoit},
};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_AUTOIT,
     OV_MAGICS(magics_autoit),
     .walk = walk_autoit,
     OV_EMBEDDED(in_any)},
};

OV_FORMAT_SET(autoit, formats);
