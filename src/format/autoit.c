// SPDX-License-Identifier: Apache-2.0
// Compiled AutoIt scripts (EA05, EA06): the script and the files that it brings along.
#include "format/exe/autoit.h"

#include "format/format.h"
#include "format/codec/utf16.h"

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

struct container {
    struct ov_walk *walk;
    const struct layout *layout;
    uint32_t data_seed;
    enum ov_status worst;
};

struct file {
    struct ov_span source, packed;
    uint32_t source_letters;
    uint32_t packed_bytes, plain_bytes, sum;
    bool is_packed;
};

// What the container says of a file, behind its mark; of its bytes, as many as are there.
static enum ov_status read_file(struct ov_cursor *in, const struct layout *layout,
                                struct file *ret_file) {
    struct file file = {.source_letters = ov_cursor_u32le(in) ^ layout->source_key};
    file.source = ov_cursor_bytes(in, (uint64_t)file.source_letters * layout->letter_bytes);
    uint32_t path_letters = ov_cursor_u32le(in) ^ layout->path_key;
    ov_cursor_skip(in, (uint64_t)path_letters * layout->letter_bytes);
    file.is_packed = ov_cursor_u8(in) == PACKED;
    file.packed_bytes = ov_cursor_u32le(in) ^ layout->size_key;
    file.plain_bytes = ov_cursor_u32le(in) ^ layout->size_key;
    file.sum = ov_cursor_u32le(in);
    ov_cursor_skip(in, TIMES_BYTES);
    TRY(ov_cursor_status(in));
    size_t left = ov_cursor_left(in);
    file.packed = ov_cursor_bytes(in, file.packed_bytes < left ? file.packed_bytes : left);
    *ret_file = file;
    return OV_OK;
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

static enum ov_status tell(struct container *container, struct ov_span bytes,
                           const struct file *file, struct ov_span name) {
    struct ov_child child = {.kind = OV_CHILD_MEMBER,
                             .bytes = ov_span_part(bytes, 0, ov_walk_room(container->walk)),
                             .name = name,
                             .packed_bytes = file->packed.size,
                             .plain_bytes = file->plain_bytes,
                             .checksum = file->sum};
    if (child.bytes.size < bytes.size) {
        ov_walk_note_cut(container->walk);
    }
    return ov_walk_child(container->walk, &child);
}

// The text of the script as clamscan has it; and once more, if that lacks something.
static enum ov_status tell_script(struct container *container, struct ov_span tokens,
                                  const struct file *file, struct ov_span name) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    bool is_lossy = true;
    for (unsigned way = OV_AUTOIT_AS_CLAMSCAN; is_lossy && way <= OV_AUTOIT_WHOLE; way++) {
        ov_buf_reset(&text);
        enum ov_status status =
            ov_autoit_write_script(tokens, way, container->walk, &text, &is_lossy);
        if (status == OV_MEMORY) {
            return status;
        }
        ov_walk_keep_worst(&container->worst, status);
        TRY(tell(container, ov_buf_span(&text), file, name));
    }
    return OV_OK;
}

// Scripts of EA06 are tokens. There are two names for them, of which clamscan knows the first.
static enum ov_status tell_plain(struct container *container, struct ov_span plain,
                                 const struct file *file, struct ov_span name) {
    bool has_tokens =
        container->layout->format == OV_AUTOIT_EA06 && ov_span_has_prefix(name, ">>>AUTOIT ");
    if (!has_tokens || !ov_span_is_text(name, ">>>AUTOIT SCRIPT<<<")) {
        TRY(tell(container, plain, file, name));
    }
    return has_tokens ? tell_script(container, plain, file, name) : OV_OK;
}

static enum ov_status tell_file(struct container *container, const struct file *file) {
    OV_CLEANUP(ov_buf_release) struct ov_buf name = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf open = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    enum ov_autoit format = container->layout->format;
    TRY(read_name(file, container->layout, &name));
    ov_autoit_decrypt(format, container->data_seed, file->packed, &open);
    TRY(ov_buf_status(&open));
    struct ov_span bytes = ov_buf_span(&open);
    if (file->is_packed) {
        enum ov_status status = ov_autoit_unpack(format, bytes, container->walk, &plain);
        if (status == OV_MEMORY) {
            return status;
        }
        ov_walk_keep_worst(&container->worst, status);
        bytes = ov_buf_span(&plain);
    }
    return bytes.size > 0 ? tell_plain(container, bytes, file, ov_buf_span(&name)) : OV_OK;
}

// One file after another, as long as each begins with the mark. One that is damaged does not keep
// the others from being read.
static enum ov_status walk_files(struct container *container, struct ov_cursor *in) {
    uint32_t mark = container->layout->file_mark;
    while (ov_cursor_left(in) >= sizeof mark && ov_cursor_u32le(in) == mark) {
        struct file file;
        TRY(ov_walk_has_time(container->walk));
        TRY(read_file(in, container->layout, &file));
        if (file.packed.size < file.packed_bytes) {
            ov_walk_keep_worst(&container->worst, OV_DAMAGED);
        }
        TRY(tell_file(container, &file));
    }
    return container->worst;
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
    struct container container = {.walk = walk, .layout = layout, .data_seed = layout->data_seed};
    container.data_seed += layout->format == OV_AUTOIT_EA05 ? sum : 0;
    return walk_files(&container, in);
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
