// SPDX-License-Identifier: Apache-2.0
// Cabinets of InstallShield 5 and later: a header with a table of files, and volumes of their data.
//
// Nothing public was ever written by the maker; the layout is the one that unshield (MIT licence)
// reads, and was compared with what InstallShield made.
#include "format/codec/codec.h"
#include "format/archive/installshield.h"
#include "format/codec/utf16.h"

enum {
    HEADER_BYTES = 20, // common to header and volumes
    FILE6_BYTES = 0x57,
    NAME_MAX_BYTES = 1024,
    FIRST_WIDE_VERSION = 17,
    LAST_OLD_VERSION = 5,

    IS_SPLIT = 1, // goes on in the next volume
    IS_SCRAMBLED = 2,
    IS_PACKED = 4,
    IS_INVALID = 8,
    IS_COPY = 1, // of the file before it in a chain: has no data of its own
};

static const uint64_t OLD_NO_LAST = 0x7fffffff;

struct cabinet {
    struct ov_span header;
    uint32_t version; // major
    uint64_t table_at, files_at;
    uint32_t directory_count, file_count;
};

struct file {
    uint16_t flags;
    uint64_t plain_bytes, packed_bytes;
    uint64_t at; // in its volume
    uint32_t name_at;
    uint32_t volume;
    bool is_copy;
};

static uint32_t find_version(uint32_t version) {
    return version >> 24 == 1 ? (version >> 12) & 0xf : (version & 0xffff) / 100;
}

static bool read_cabinet(struct ov_span header, struct cabinet *ret) {
    struct ov_cursor in = ov_cursor_init(header);
    bool is_marked = ov_cursor_u32le(&in) == 0x28635349; // "ISc("
    struct cabinet cabinet = {.header = header, .version = find_version(ov_cursor_u32le(&in))};
    ov_cursor_skip(&in, 4);
    uint32_t at = ov_cursor_u32le(&in);
    uint32_t bytes = ov_cursor_u32le(&in);
    ov_cursor_seek(&in, (uint64_t)at + 12);
    cabinet.table_at = (uint64_t)at + ov_cursor_u32le(&in);
    ov_cursor_skip(&in, 12);
    cabinet.directory_count = ov_cursor_u32le(&in);
    ov_cursor_skip(&in, 8);
    cabinet.file_count = ov_cursor_u32le(&in);
    cabinet.files_at = cabinet.table_at + ov_cursor_u32le(&in);
    *ret = cabinet;
    return is_marked && bytes > 0 && !in.has_failed;
}

// ---- the table of files ------------------------------------------------------------------------

// An entry of version 5, found by the table of places.
static bool read_file5(const struct cabinet *cabinet, uint32_t number, struct file *ret) {
    struct ov_cursor in = ov_cursor_init(cabinet->header);
    uint64_t slot = (uint64_t)cabinet->directory_count + number;
    ov_cursor_seek(&in, cabinet->table_at + slot * 4);
    uint32_t at = ov_cursor_u32le(&in);
    if (in.has_failed) {
        return false;
    }
    ov_cursor_seek(&in, cabinet->table_at + at);
    struct file file = {.name_at = ov_cursor_u32le(&in), .volume = 1};
    ov_cursor_skip(&in, 4); // directory
    file.flags = ov_cursor_u16le(&in);
    file.plain_bytes = ov_cursor_u32le(&in);
    file.packed_bytes = ov_cursor_u32le(&in);
    ov_cursor_skip(&in, 20);
    file.at = ov_cursor_u32le(&in);
    if (in.has_failed) {
        file = (struct file){.flags = IS_INVALID};
    }
    *ret = file;
    return true;
}

static bool read_file6(const struct cabinet *cabinet, uint32_t number, struct file *ret) {
    struct ov_cursor in = ov_cursor_init(cabinet->header);
    ov_cursor_seek(&in, cabinet->files_at + (uint64_t)number * FILE6_BYTES);
    struct file file = {.flags = ov_cursor_u16le(&in)};
    file.plain_bytes = ov_cursor_u64le(&in);
    file.packed_bytes = ov_cursor_u64le(&in);
    file.at = ov_cursor_u64le(&in);
    ov_cursor_skip(&in, 32); // MD5, version
    file.name_at = ov_cursor_u32le(&in);
    ov_cursor_skip(&in, 22); // directory, times, numbers of copies
    file.is_copy = (ov_cursor_u8(&in) & IS_COPY) != 0;
    file.volume = ov_cursor_u16le(&in);
    *ret = file;
    return !in.has_failed;
}

static bool is_old(const struct cabinet *cabinet) {
    return cabinet->version <= LAST_OLD_VERSION;
}

static bool read_file(const struct cabinet *cabinet, uint32_t number, struct file *ret) {
    return is_old(cabinet) ? read_file5(cabinet, number, ret) : read_file6(cabinet, number, ret);
}

// The name in one byte a character or, since version 17, in two.
static void read_name(const struct cabinet *cabinet, const struct file *file, struct ov_buf *name) {
    uint64_t at = cabinet->table_at + file->name_at;
    struct ov_span rest = ov_span_from(cabinet->header, at < SIZE_MAX ? (size_t)at : SIZE_MAX);
    rest = ov_span_part(rest, 0, NAME_MAX_BYTES);
    if (cabinet->version < FIRST_WIDE_VERSION) {
        ov_buf_add(name, rest.data, ov_span_find(rest, 0, 0));
        return;
    }
    size_t end = 0;
    while (end + 1 < rest.size && (rest.data[end] | rest.data[end + 1]) != 0) {
        end += 2;
    }
    ov_utf16_add_bytes(name, ov_span_part(rest, 0, end));
}

// ---- volumes -----------------------------------------------------------------------------------

// What a volume says of the files at its ends, which may go on in others.
struct end {
    uint64_t at, plain_bytes, packed_bytes;
};

struct volume {
    uint64_t data_at;
    uint32_t first_file, last_file;
    struct end first, last;
};

static struct end read_end(struct ov_cursor *in, bool is_old) {
    struct end end = {0};
    end.at = is_old ? ov_cursor_u32le(in) : ov_cursor_u64le(in);
    end.plain_bytes = is_old ? ov_cursor_u32le(in) : ov_cursor_u64le(in);
    end.packed_bytes = is_old ? ov_cursor_u32le(in) : ov_cursor_u64le(in);
    return end;
}

static struct volume read_volume(struct ov_span bytes, bool is_old) {
    struct ov_cursor in = ov_cursor_init(bytes);
    ov_cursor_skip(&in, HEADER_BYTES);
    struct volume volume = {.data_at = ov_cursor_u32le(&in)};
    ov_cursor_skip(&in, 4); // the upper half, in volumes of less than 4 GB always 0
    volume.first_file = ov_cursor_u32le(&in);
    volume.last_file = ov_cursor_u32le(&in);
    volume.first = read_end(&in, is_old);
    volume.last = read_end(&in, is_old);
    if (volume.last.at == 0) {
        volume.last.at = OLD_NO_LAST; // as the versions 5 mean it
    }
    return volume;
}

static uint64_t stored_bytes(const struct file *file) {
    return (file->flags & IS_PACKED) != 0 ? file->packed_bytes : file->plain_bytes;
}

// Whether the file is at one end of the volume and of another size there than in all.
static bool is_split_here(const struct volume *volume, const struct file *file, uint32_t number) {
    return (number == volume->last_file && volume->last.packed_bytes != file->packed_bytes) ||
           (number == volume->first_file && volume->first.packed_bytes != file->packed_bytes);
}

// The piece of a split file that a volume holds; empty when it holds none.
static struct ov_span find_piece(struct ov_span bytes, const struct volume *volume,
                                 const struct file *file, uint32_t number) {
    const struct end *end = number == volume->last_file && volume->last.at != OLD_NO_LAST
                                ? &volume->last
                                : &volume->first;
    if (number != volume->last_file && number != volume->first_file) {
        return ov_span_make(NULL, 0);
    }
    uint64_t size = (file->flags & IS_PACKED) != 0 ? end->packed_bytes : end->plain_bytes;
    return ov_span_part(bytes, end->at, size);
}

// Puts the pieces of a split file together, for as long as volumes have some.
static enum ov_status join(const struct ov_shield_set *set, const struct cabinet *cabinet,
                           const struct file *file, uint32_t number, struct ov_buf *joined) {
    uint64_t left = stored_bytes(file);
    for (uint32_t i = file->volume; i <= OV_SHIELD_VOLUMES_MAX && left > 0; i++) {
        struct volume volume = read_volume(set->volumes[i], is_old(cabinet));
        struct ov_span piece = find_piece(set->volumes[i], &volume, file, number);
        if (piece.size == 0) {
            break;
        }
        piece = ov_span_part(piece, 0, left);
        ov_buf_add(joined, piece.data, piece.size);
        left -= piece.size;
    }
    return ov_buf_status(joined);
}

// In version 5 the table does not say in which volume a file begins: the volumes say it, if they
// bother to. Sets the volume, and that the file is split if it is.
static void settle_file5(const struct ov_shield_set *set, struct file *file, uint32_t number) {
    for (uint32_t i = 1; i <= OV_SHIELD_VOLUMES_MAX; i++) {
        if (set->volumes[i].size == 0) {
            continue;
        }
        struct volume volume = read_volume(set->volumes[i], true);
        if (number <= volume.last_file) {
            file->volume = i;
            file->flags |= is_split_here(&volume, file, number) ? IS_SPLIT : 0;
            return;
        }
    }
}

// ---- data --------------------------------------------------------------------------------------

// Turns back what only keeps the curious out.
static void unscramble(struct ov_buf *bytes) {
    for (size_t i = 0; i < bytes->size; i++) {
        uint8_t mixed = bytes->data[i] ^ 0xd5;
        bytes->data[i] = (uint8_t)((uint8_t)(mixed >> 2 | mixed << 6) - i % 0x47);
    }
}

// Whether the data are chunks with their lengths before them, up to the end. What an old version
// wrote instead is one stream.
static bool is_chunked(struct ov_span packed, bool is_cut) {
    struct ov_cursor in = ov_cursor_init(packed);
    while (ov_cursor_left(&in) > 0 && !in.has_failed) {
        uint16_t size = ov_cursor_u16le(&in);
        ov_cursor_skip(&in, size);
        if (size == 0) {
            return false;
        }
    }
    return !in.has_failed || is_cut;
}

// Each chunk is a stream of its own. One that is damaged does not keep the others from being read.
static enum ov_status unpack_chunks(struct ov_span packed, struct ov_walk *walk,
                                    struct ov_buf *plain) {
    struct ov_cursor in = ov_cursor_init(packed);
    while (ov_cursor_left(&in) > 2) {
        if (plain->size >= ov_walk_room(walk)) {
            return OV_LIMIT;
        }
        uint16_t size = ov_cursor_u16le(&in);
        size_t left = ov_cursor_left(&in), used;
        struct ov_span chunk = ov_cursor_bytes(&in, size < left ? size : left);
        enum ov_status status = ov_codec_unpack(OV_CODEC_DEFLATE, chunk, walk, plain, &used);
        if (status == OV_MEMORY || status == OV_LIMIT) {
            return status;
        }
    }
    return OV_OK;
}

static enum ov_status unpack(const struct cabinet *cabinet, const struct file *file,
                             struct ov_span packed, struct ov_walk *walk, struct ov_buf *plain) {
    if (is_old(cabinet) && !is_chunked(packed, packed.size < file->packed_bytes)) {
        size_t used; // the stream ends without an end mark
        enum ov_status status = ov_codec_unpack(OV_CODEC_DEFLATE, packed, walk, plain, &used);
        return status == OV_DAMAGED ? OV_OK : status;
    }
    return unpack_chunks(packed, walk, plain);
}

static enum ov_status tell(const struct cabinet *cabinet, const struct file *file,
                           struct ov_span stored, struct ov_walk *walk) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf name = {0};
    enum ov_status status = OV_OK;
    read_name(cabinet, file, &name);
    TRY(ov_buf_status(&name));
    if ((file->flags & IS_PACKED) != 0) {
        status = unpack(cabinet, file, stored, walk, &plain);
        if (status == OV_MEMORY) {
            return status;
        }
    }
    struct ov_span bytes = (file->flags & IS_PACKED) != 0 ? ov_buf_span(&plain) : stored;
    size_t room = ov_walk_room(walk);
    if (bytes.size > room || (status == OV_LIMIT && bytes.size == room)) {
        ov_walk_note_cut(walk);
    }
    struct ov_child child = {.kind = OV_CHILD_MEMBER,
                             .bytes = ov_span_part(bytes, 0, room),
                             .name = ov_buf_span(&name),
                             .packed_bytes = stored.size,
                             .plain_bytes = file->plain_bytes};
    TRY(ov_walk_child(walk, &child));
    return bytes.size < file->plain_bytes && status == OV_OK ? OV_DAMAGED : OV_OK;
}

static enum ov_status tell_file(const struct ov_shield_set *set, const struct cabinet *cabinet,
                                struct file *file, uint32_t number, struct ov_walk *walk) {
    if (is_old(cabinet)) {
        settle_file5(set, file, number);
    }
    if (file->volume > OV_SHIELD_VOLUMES_MAX || set->volumes[file->volume].size == 0) {
        return OV_UNSUPPORTED; // another file has it
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf copy = {0};
    struct ov_span stored = ov_span_part(set->volumes[file->volume], file->at, stored_bytes(file));
    if ((file->flags & IS_SPLIT) != 0) {
        TRY(join(set, cabinet, file, number, &copy));
        stored = copy.size > 0 ? ov_buf_span(&copy) : stored;
    }
    if ((file->flags & IS_SCRAMBLED) != 0) {
        if (copy.size == 0) {
            ov_buf_add(&copy, stored.data, stored.size);
            TRY(ov_buf_status(&copy));
        }
        unscramble(&copy);
        stored = ov_buf_span(&copy);
    }
    return tell(cabinet, file, stored, walk);
}

enum ov_status ov_shield_walk_set(const struct ov_shield_set *set, struct ov_walk *walk) {
    struct cabinet cabinet;
    if (!read_cabinet(set->header, &cabinet)) {
        return set->header.size > 0 ? OV_DAMAGED : OV_OK;
    }
    enum ov_status told = OV_OK;
    struct file file = {0};
    for (uint32_t i = 0; i < cabinet.file_count; i++) {
        TRY(ov_walk_has_time(walk));
        if (!read_file(&cabinet, i, &file)) {
            return OV_DAMAGED;
        }
        if ((file.flags & IS_INVALID) != 0 || file.is_copy || file.at == 0 ||
            file.plain_bytes == 0) {
            continue;
        }
        enum ov_status status = tell_file(set, &cabinet, &file, i, walk);
        told = status != OV_OK ? status : told;
        if (status != OV_OK && status != OV_DAMAGED && status != OV_UNSUPPORTED) {
            return status;
        }
    }
    return told;
}

// ---- which files belong to a set ---------------------------------------------------------------

bool ov_shield_is_whole(struct ov_span cabinet) {
    struct cabinet header;
    return read_cabinet(cabinet, &header) && read_volume(cabinet, is_old(&header)).data_at != 0;
}

static bool is_name(struct ov_span name, const char *lower) {
    bool is_same = name.size == strlen(lower);
    for (size_t i = 0; is_same && i < name.size; i++) {
        uint8_t byte = name.data[i];
        is_same = (byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte) == (uint8_t)lower[i];
    }
    return is_same;
}

struct ov_span *ov_shield_place(struct ov_shield_set *set, struct ov_span name) {
    enum { STEM_BYTES = 4, DIGITS_MAX = 2 };
    if (is_name(name, "data1.hdr")) {
        return &set->header;
    }
    uint32_t number = 0;
    size_t at = STEM_BYTES;
    for (; at < name.size && at < STEM_BYTES + DIGITS_MAX; at++) {
        if (name.data[at] < '0' || name.data[at] > '9') {
            break;
        }
        number = number * 10 + (name.data[at] - '0');
    }
    bool is_volume = is_name(ov_span_part(name, 0, STEM_BYTES), "data") &&
                     is_name(ov_span_from(name, at), ".cab");
    return is_volume && number > 0 && number <= OV_SHIELD_VOLUMES_MAX ? &set->volumes[number]
                                                                      : NULL;
}
