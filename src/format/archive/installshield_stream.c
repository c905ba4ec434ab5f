// SPDX-License-Identifier: Apache-2.0
// Files behind InstallShield's setup.exe that are scrambled by their names, and packed by zlib.
//
// In two kinds: names in one byte a character behind "InstallShield", or in UTF-16 behind
// "ISSetupStream". Nothing public was ever written by the maker; the layout is the one that ISx
// (MIT licence) reads, and was compared with what InstallShield made.
#include "format/codec/codec.h"
#include "format/archive/installshield.h"
#include "format/codec/utf16.h"

enum {
    MARK_BYTES = 14,
    HEADER_BYTES = 46,
    NAME_BYTES = 260,
    PERIOD_BYTES = 1024, // after as many bytes the key begins again

    IS_SCRAMBLED = 2,
    HAS_PERIOD = 4, // scrambled as well
    USUAL_FLAGS = IS_SCRAMBLED | HAS_PERIOD,
};

struct entry {
    struct ov_span name; // as stored
    uint32_t flags;
    uint64_t size;
    bool is_packed;
    bool is_usual; // its numbers are those of nearly all installers
};

// A name in a field of fixed length, then numbers (312 bytes).
static struct entry read_narrow(struct ov_cursor *in) {
    struct ov_span field = ov_cursor_bytes(in, NAME_BYTES);
    struct entry entry = {.name = ov_span_part(field, 0, ov_span_find(field, 0, 0))};
    entry.flags = ov_cursor_u32le(in);
    uint32_t zero = ov_cursor_u32le(in);
    entry.size = ov_cursor_u64le(in);
    ov_cursor_skip(in, 4);
    uint16_t packed = ov_cursor_u16le(in);
    ov_cursor_skip(in, 30);
    entry.is_packed = packed != 0;
    entry.is_usual = entry.flags == USUAL_FLAGS && zero == 0 && packed == 1;
    return entry;
}

// Numbers, in a later version some more (24 bytes each), then the name.
static struct entry read_wide(struct ov_cursor *in, uint32_t version) {
    enum { FIRST_LONG_VERSION = 4, MORE_BYTES = 24 };
    uint32_t name_bytes = ov_cursor_u32le(in);
    struct entry entry = {.flags = ov_cursor_u32le(in)};
    ov_cursor_skip(in, 2);
    entry.size = ov_cursor_u32le(in);
    ov_cursor_skip(in, 8);
    entry.is_packed = ov_cursor_u16le(in) != 0;
    ov_cursor_skip(in, version >= FIRST_LONG_VERSION ? MORE_BYTES : 0);
    entry.name = ov_cursor_bytes(in, name_bytes < NAME_BYTES * 2 ? name_bytes : 0);
    return entry;
}

struct stream {
    bool is_wide;
    uint32_t count, version;
};

static struct stream read_header(struct ov_cursor *in) {
    struct stream stream = {.is_wide = ov_span_has_prefix(in->bytes, "ISSetupStream")};
    ov_cursor_seek(in, MARK_BYTES);
    stream.count = ov_cursor_u16le(in);
    stream.version = ov_cursor_u32le(in);
    ov_cursor_seek(in, HEADER_BYTES);
    return stream;
}

static struct entry read_entry(struct ov_cursor *in, const struct stream *stream) {
    return stream->is_wide ? read_wide(in, stream->version) : read_narrow(in);
}

static bool fits(const struct ov_cursor *in, const struct entry *entry) {
    return !in->has_failed && entry->name.size > 0 && entry->name.data[0] >= ' ' &&
           entry->flags < 16 && entry->size <= ov_cursor_left(in);
}

bool ov_shield_is_stream(struct ov_span rest) {
    struct ov_cursor in = ov_cursor_init(rest);
    struct stream stream = read_header(&in);
    struct entry entry = read_entry(&in, &stream);
    bool is_cut = !in.has_failed && entry.is_usual && entry.name.size > 0;
    return stream.count > 0 && (is_cut || (fits(&in, &entry) && entry.size > 0));
}

// ---- one file ----------------------------------------------------------------------------------

static enum ov_status unscramble(struct ov_span packed, struct ov_span name, uint32_t flags,
                                 struct ov_buf *plain) {
    static const uint8_t pad[4] = {0xec, 0xca, 0x79, 0xf8};
    size_t period = (flags & HAS_PERIOD) != 0 ? PERIOD_BYTES : SIZE_MAX;
    uint8_t *to = ov_buf_extend(plain, packed.size);
    for (size_t i = 0; to != NULL && i < packed.size; i++) {
        size_t at = i % period % name.size;
        uint8_t byte = packed.data[i];
        to[i] = (uint8_t)((uint8_t)(byte >> 4 | byte << 4) ^ name.data[at] ^ pad[at % 4]);
    }
    return ov_buf_status(plain);
}

// RFC 1950, 2.2.
static bool is_zlib(struct ov_span bytes) {
    return bytes.size > 2 && (bytes.data[0] & 0xf) == 8 &&
           (bytes.data[0] * 256u + bytes.data[1]) % 31 == 0;
}

// Appends the file as it was to `plain`.
static enum ov_status unpack(const struct entry *entry, struct ov_span stored, struct ov_span name,
                             struct ov_walk *walk, struct ov_buf *plain) {
    OV_CLEANUP(ov_buf_release) struct ov_buf clear = {0};
    struct ov_span packed = stored;
    if ((entry->flags & USUAL_FLAGS) != 0 && name.size > 0) {
        TRY(unscramble(stored, name, entry->flags, &clear));
        packed = ov_buf_span(&clear);
    }
    if (entry->is_packed && !is_zlib(packed) && is_zlib(stored)) {
        packed = stored; // the flags are wrong
    }
    if (entry->is_packed || is_zlib(packed)) {
        size_t used;
        return ov_codec_unpack(OV_CODEC_ZLIB, packed, walk, plain, &used);
    }
    struct ov_span part = ov_span_part(packed, 0, ov_walk_room(walk));
    if (part.size < packed.size) {
        ov_walk_note_cut(walk);
    }
    ov_buf_add(plain, part.data, part.size);
    return ov_buf_status(plain);
}

// Scripted installers keep their cabinets here: kept until all of them are there.
struct kept {
    struct ov_shield_set set;
    struct ov_buf bufs[OV_SHIELD_VOLUMES_MAX + 1];
    uint32_t count;
    size_t bytes;
};

static void release_kept(struct kept *kept) {
    for (uint32_t i = 0; i < kept->count; i++) {
        ov_buf_release(&kept->bufs[i]);
    }
}

static enum ov_status tell(const struct entry *entry, struct ov_span stored, struct ov_span name,
                           struct kept *kept, struct ov_walk *walk) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    enum ov_status status = unpack(entry, stored, name, walk, &plain);
    if (status == OV_MEMORY) {
        return status;
    }
    struct ov_child child = {.kind = OV_CHILD_MEMBER,
                             .bytes = ov_buf_span(&plain),
                             .name = name,
                             .packed_bytes = stored.size,
                             .plain_bytes = plain.size};
    TRY(ov_walk_child(walk, &child));
    struct ov_span *place = ov_shield_place(&kept->set, name);
    if (place != NULL && place->size == 0 && kept->count <= OV_SHIELD_VOLUMES_MAX &&
        plain.size <= ov_walk_room(walk) && kept->bytes <= ov_walk_room(walk) - plain.size) {
        *place = ov_buf_span(&plain);
        kept->bytes += plain.size;
        kept->bufs[kept->count++] = plain;
        plain = (struct ov_buf){0};
    }
    return status;
}

static void set_name(const struct entry *entry, bool is_wide, struct ov_buf *name) {
    if (!is_wide) {
        ov_buf_add(name, entry->name.data, entry->name.size);
        return;
    }
    bool has_mark = ov_span_has_prefix(entry->name, "\xff\xfe");
    ov_utf16_add_bytes(name, ov_span_from(entry->name, has_mark ? 2 : 0));
    struct ov_span text = ov_buf_span(name);
    name->size = ov_span_find(text, 0, 0);
}

// What stands behind the last declared file is read as files as long as it looks like some.
enum ov_status ov_shield_walk_stream(struct ov_cursor *in, struct ov_walk *walk) {
    OV_CLEANUP(release_kept) struct kept kept = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf name = {0};
    struct stream stream = read_header(in);
    enum ov_status told = OV_OK;
    for (uint32_t i = 0; true; i++) {
        struct entry entry = read_entry(in, &stream);
        bool is_whole = fits(in, &entry);
        if (in->has_failed || (!is_whole && i >= stream.count)) {
            told = i < stream.count ? OV_DAMAGED : told;
            break;
        }
        size_t left = ov_cursor_left(in);
        struct ov_span stored = ov_cursor_bytes(in, entry.size < left ? entry.size : left);
        ov_buf_reset(&name);
        set_name(&entry, stream.is_wide, &name);
        TRY(ov_buf_status(&name));
        enum ov_status status = tell(&entry, stored, ov_buf_span(&name), &kept, walk);
        told = status != OV_OK ? status : told;
        if (status != OV_OK && status != OV_DAMAGED) {
            return status;
        }
    }
    enum ov_status status = ov_shield_walk_set(&kept.set, walk);
    return status == OV_OK ? told : status;
}
