// SPDX-License-Identifier: Apache-2.0
// EGG archives of ALZip (its maker's description of the format, and that of unegg-rs).
//
// Records with a mark before each, in one row: what a file's header says holds for the blocks up to
// the next header.
#include "format/codec/codec.h"
#include "format/format.h"

enum {
    START_BYTES = 14,

    MARK_FILE = 0x0a8590e3,
    MARK_BLOCK = 0x02b50c13,
    MARK_END = 0x08e28222,
    MARK_NAME = 0x0a8591ac,
    MARK_COMMENT = 0x04c63672,
    MARK_WINDOWS = 0x2c86950b,
    MARK_POSIX = 0x1ee922e5,
    MARK_DUMMY = 0x07463307,
    MARK_SOLID = 0x24e5a060,
    MARK_ENCRYPTION = 0x08d1470f,
    MARK_ENCRYPTION_ALL = 0x08d144a8,

    FIELD_IS_LONG = 1,
    FIELD_IS_ENCRYPTED = 4,
    NAME_HAS_PAGE = 8, // not in UTF-8
    NAME_HAS_PARENT = 0x10,

    METHOD_STORED = 0,
    METHOD_DEFLATE = 1,
    METHOD_BZIP2 = 2,
    METHOD_LZMA = 4,
    LZMA_AT = 4, // behind bytes that are not used
};

// A file of a solid archive whose bytes come with those of later ones.
struct waiting {
    struct ov_child child;
    struct waiting *next;
};

struct egg {
    struct ov_cursor *in;
    struct ov_walk *walk;
    bool is_encrypted;  // as a whole
    bool is_solid;      // several files may share the blocks behind them
    bool has_encrypted; // told already
    bool is_in_header;  // no end has come since the archive or the file began
    bool is_over;
    enum ov_status status; // the first that was not OV_OK

    // The file whose blocks are read.
    bool has_file, has_blocks;
    struct ov_child child;
    struct ov_buf plain;
    struct waiting *first, *last; // files before it, if the archive is solid
    struct ov_span comment;
};

static void release_egg(struct egg *egg) {
    ov_buf_release(&egg->plain);
}

static void note(struct egg *egg, enum ov_status status) {
    egg->status = egg->status == OV_OK ? status : egg->status;
}

static void note_encrypted(struct egg *egg) {
    if (!egg->has_encrypted) {
        ov_walk_fact(egg->walk, OV_FACT_ENCRYPTED);
        egg->has_encrypted = true;
    }
}

// ---- one file ----------------------------------------------------------------------------------

static enum ov_status tell_comment(struct egg *egg) {
    struct ov_span comment = egg->comment;
    egg->comment = ov_span_make(NULL, 0);
    return comment.size == 0 ? OV_OK : ov_walk_stored(egg->walk, comment, ov_span_make(NULL, 0));
}

static enum ov_status tell_file(struct egg *egg, struct ov_child *child, struct ov_span bytes) {
    size_t room = ov_walk_room(egg->walk);
    child->bytes = ov_span_part(bytes, 0, room);
    if (bytes.size > room) {
        ov_walk_note_cut(egg->walk);
    }
    if (child->is_encrypted) {
        note_encrypted(egg);
    } else if (bytes.size < child->plain_bytes) {
        note(egg, OV_DAMAGED);
    }
    return ov_walk_child(egg->walk, child);
}

// Tells of the file whose blocks were read, of those that waited for them, and of its comment. The
// last one has what the others leave.
static enum ov_status end_file(struct egg *egg) {
    struct ov_span plain = ov_buf_span(&egg->plain);
    for (struct waiting *at = egg->first; at != NULL; at = at->next) {
        TRY(tell_file(egg, &at->child, ov_span_part(plain, 0, at->child.plain_bytes)));
        plain = ov_span_from(plain, at->child.plain_bytes);
    }
    egg->first = egg->last = NULL;
    if (egg->has_file) {
        egg->has_file = false;
        TRY(tell_file(egg, &egg->child, plain));
    }
    return tell_comment(egg);
}

// Lets the file wait for blocks that others have, too. False when there is no memory for that.
static bool let_wait(struct egg *egg) {
    struct waiting *waiting = ov_arena_alloc(egg->walk->arena, sizeof *waiting);
    if (waiting == NULL) {
        return false;
    }
    *waiting = (struct waiting){.child = egg->child};
    if (egg->last != NULL) {
        egg->last->next = waiting;
    } else {
        egg->first = waiting;
    }
    egg->last = waiting;
    return true;
}

static void start_file(struct egg *egg) {
    egg->has_file = true;
    egg->has_blocks = false;
    egg->child = (struct ov_child){.kind = OV_CHILD_MEMBER, .is_encrypted = egg->is_encrypted};
    ov_buf_reset(&egg->plain);
}

static enum ov_status begin_file(struct egg *egg) {
    bool waits = egg->is_solid && egg->has_file && !egg->has_blocks;
    if (!waits || !let_wait(egg)) {
        TRY(end_file(egg));
    }
    start_file(egg);
    ov_cursor_skip(egg->in, 4); // number
    egg->child.plain_bytes = ov_cursor_u64le(egg->in);
    return OV_OK;
}

static enum ov_status unpack(struct egg *egg, uint8_t method, struct ov_span packed,
                             uint32_t plain_bytes) {
    size_t used;
    switch (method) {
    case METHOD_STORED:
        ov_buf_add(&egg->plain, packed.data, packed.size);
        return ov_buf_status(&egg->plain);
    case METHOD_DEFLATE:
        return ov_codec_unpack(OV_CODEC_DEFLATE, packed, egg->walk, &egg->plain, &used);
    case METHOD_BZIP2:
        return ov_codec_unpack(OV_CODEC_BZIP2, packed, egg->walk, &egg->plain, &used);
    case METHOD_LZMA:
        return ov_codec_unlzma(ov_span_from(packed, LZMA_AT), plain_bytes, egg->walk, &egg->plain);
    default:
        return OV_UNSUPPORTED;
    }
}

// A block that is damaged does not keep the others from being read.
static enum ov_status read_block(struct egg *egg) {
    struct ov_cursor *in = egg->in;
    uint8_t method = ov_cursor_u8(in);
    ov_cursor_skip(in, 1);
    uint32_t plain_bytes = ov_cursor_u32le(in);
    uint32_t packed_bytes = ov_cursor_u32le(in);
    uint32_t checksum = ov_cursor_u32le(in);
    bool is_sound = ov_cursor_u32le(in) == MARK_END;
    size_t left = ov_cursor_left(in);
    struct ov_span packed = ov_cursor_bytes(in, packed_bytes < left ? packed_bytes : left);
    note(egg, is_sound && packed.size == packed_bytes ? OV_OK : OV_DAMAGED);
    if (!egg->has_file) { // its header is gone
        start_file(egg);
    }
    egg->has_blocks = true;
    egg->child.checksum = checksum;
    egg->child.packed_bytes += packed.size;
    if (egg->child.is_encrypted) {
        return OV_OK;
    }
    if (egg->plain.size >= ov_walk_room(egg->walk)) {
        ov_walk_note_cut(egg->walk);
        return OV_OK;
    }
    enum ov_status status = unpack(egg, method, packed, plain_bytes);
    if (status == OV_MEMORY) {
        return status;
    }
    note(egg, status);
    return OV_OK;
}

// ---- what is told of a file or the archive -----------------------------------------------------

static struct ov_span find_name(struct ov_span field, uint8_t flags) {
    enum { PAGE_BYTES = 2, PARENT_BYTES = 4 };
    size_t skip = (flags & NAME_HAS_PAGE) != 0 ? PAGE_BYTES : 0;
    skip += (flags & NAME_HAS_PARENT) != 0 ? PARENT_BYTES : 0;
    return ov_span_from(field, skip);
}

// A comment behind the blocks is that of the archive.
static enum ov_status take_comment(struct egg *egg, struct ov_span comment, uint8_t flags) {
    if ((flags & FIELD_IS_ENCRYPTED) != 0) {
        return OV_OK;
    }
    if (!egg->is_in_header) {
        TRY(end_file(egg));
    }
    egg->comment = comment;
    return egg->is_in_header ? OV_OK : tell_comment(egg);
}

static bool is_known(uint32_t mark) {
    return mark == MARK_END || mark == MARK_FILE || mark == MARK_BLOCK || mark == MARK_NAME ||
           mark == MARK_COMMENT || mark == MARK_WINDOWS || mark == MARK_POSIX;
}

// The size of this field is that of what follows it, or of everything from its mark on: ALZip wrote
// both.
static void skip_encryption(struct ov_cursor *in, uint32_t size) {
    enum { BEFORE_BYTES = 7 };
    struct ov_cursor probe = *in;
    ov_cursor_skip(&probe, size);
    bool is_usual = is_known(ov_cursor_u32le(&probe));
    ov_cursor_skip(in, is_usual || size < BEFORE_BYTES ? size : size - BEFORE_BYTES);
}

static enum ov_status read_field(struct egg *egg, uint32_t mark) {
    uint8_t flags = ov_cursor_u8(egg->in);
    bool is_long = (flags & FIELD_IS_LONG) != 0;
    uint32_t size = is_long ? ov_cursor_u32le(egg->in) : ov_cursor_u16le(egg->in);
    if (mark == MARK_ENCRYPTION) {
        skip_encryption(egg->in, size);
        egg->child.is_encrypted = true;
        return OV_OK;
    }
    struct ov_span field = ov_cursor_bytes(egg->in, size);
    if (mark == MARK_NAME) {
        egg->child.name = find_name(field, flags);
    } else if (mark == MARK_ENCRYPTION_ALL) {
        egg->is_encrypted = true;
        note_encrypted(egg);
    } else if (mark == MARK_SOLID) {
        egg->is_solid = true;
    } else if (mark == MARK_COMMENT) {
        return take_comment(egg, field, flags);
    }
    return OV_OK;
}

// ---- the archive -------------------------------------------------------------------------------

// Goes to the next place that could be a file's header. False when there is none.
static bool find_file(struct ov_cursor *in, size_t from) {
    size_t at = ov_span_search(in->bytes, from, ov_span_make("\xe3\x90\x85\x0a", 4));
    in->has_failed = false;
    ov_cursor_seek(in, at);
    return at < in->bytes.size;
}

static enum ov_status read_record(struct egg *egg) {
    uint32_t mark = ov_cursor_u32le(egg->in);
    bool was_in_header = egg->is_in_header;
    switch (mark) {
    case MARK_FILE:
        egg->is_in_header = true;
        return begin_file(egg);
    case MARK_BLOCK:
        egg->is_in_header = false;
        return read_block(egg);
    case MARK_END:
        egg->is_in_header = false;
        egg->is_over = !was_in_header && !egg->in->has_failed;
        return OV_OK;
    default:
        if (was_in_header || mark == MARK_COMMENT || mark == MARK_DUMMY) {
            return read_field(egg, mark);
        }
        egg->in->has_failed = true; // nothing that could be skipped
        return OV_OK;
    }
}

static enum ov_status walk_egg(struct ov_cursor *in, struct ov_walk *walk) {
    OV_CLEANUP(release_egg) struct egg egg = {.in = in, .walk = walk, .is_in_header = true};
    ov_cursor_seek(in, START_BYTES);
    while (!egg.is_over) {
        TRY(ov_walk_has_time(walk));
        size_t at = in->at;
        TRY(read_record(&egg));
        if (in->has_failed) {
            note(&egg, OV_DAMAGED);
            egg.is_over = !find_file(in, at + 1);
        }
    }
    TRY(end_file(&egg));
    return egg.status;
}

static const struct ov_magic magics[] = {OV_MAGIC(0, "EGGA")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_EGG, OV_MAGICS(magics), .walk = walk_egg},
};

OV_FORMAT_SET(egg, formats);
