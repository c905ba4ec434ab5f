// SPDX-License-Identifier: Apache-2.0
// Archives of tar: what any reader would take out of them.
#include "format/format.h"
#include "format/archive/tar_header.h"
#include "format/archive/tar_pax.h"

struct tar {
    struct ov_cursor *in;
    struct ov_walk *walk;
    // What the members before it say of the next one.
    struct ov_span long_name;
    struct ov_tar_pax pax;
    struct ov_tar_pax global; // of all that follow
    struct ov_buf map_records;
    struct ov_buf name;
    bool has_ended; // zeros were seen: what follows may be anything
    bool is_damaged;
};

static void forget_next(struct tar *tar) {
    tar->long_name = ov_span_make(NULL, 0);
    ov_buf_reset(&tar->map_records);
    tar->pax = tar->global;
    tar->pax.map_records = &tar->map_records;
}

static struct ov_span get_name(struct tar *tar, const struct ov_tar_header *header) {
    if (tar->pax.path.size > 0) {
        return tar->pax.path;
    }
    if (tar->long_name.size > 0 || header->prefix.size == 0) {
        return tar->long_name.size > 0 ? tar->long_name : header->name;
    }
    ov_buf_reset(&tar->name);
    ov_buf_add(&tar->name, header->prefix.data, header->prefix.size);
    ov_buf_add_u8(&tar->name, '/');
    ov_buf_add(&tar->name, header->name.data, header->name.size);
    return ov_buf_span(&tar->name);
}

static struct ov_span get_rest(const struct tar *tar) {
    return ov_span_from(tar->in->bytes, tar->in->at);
}

// The data behind a header; sets the flag when the archive ends before it does.
static struct ov_span get_data(struct tar *tar, uint64_t size) {
    struct ov_span rest = get_rest(tar);
    tar->is_damaged = tar->is_damaged || size > rest.size;
    return ov_span_part(rest, 0, size < rest.size ? (size_t)size : rest.size);
}

static void skip_data(struct tar *tar, uint64_t size) {
    size_t left = ov_cursor_left(tar->in);
    uint64_t padded = size < left ? (size + OV_TAR_BLOCK_BYTES - 1) & ~(uint64_t)511 : left;
    ov_cursor_skip(tar->in, padded < left ? padded : left);
}

static bool is_zero(struct ov_span block) {
    return block.data[0] == 0 && memcmp(block.data, &block.data[1], block.size - 1) == 0;
}

// Whether the next block is a header, or the end: then what stands before it has no data.
static bool has_header_next(const struct tar *tar) {
    struct ov_span block = ov_span_part(get_rest(tar), 0, OV_TAR_BLOCK_BYTES);
    struct ov_tar_header header;
    return block.size < OV_TAR_BLOCK_BYTES || is_zero(block) || ov_tar_header_read(block, &header);
}

// ---- members -----------------------------------------------------------------------------------

// What was written out of a sparse member. That it was cut, or broke off, ends only this member.
static enum ov_status tell_expanded(struct tar *tar, const struct ov_buf *plain,
                                    struct ov_span name, enum ov_status status) {
    if (status == OV_MEMORY) {
        return status;
    }
    tar->is_damaged = tar->is_damaged || status == OV_DAMAGED;
    return ov_walk_stored(tar->walk, ov_buf_span(plain), name);
}

static enum ov_status tell_gnu_sparse(struct tar *tar, const struct ov_tar_header *header) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    enum ov_status status = ov_tar_gnu_expand(header, tar->in, tar->walk, &plain);
    TRY(tell_expanded(tar, &plain, get_name(tar, header), status));
    skip_data(tar, header->size);
    return OV_OK;
}

static enum ov_status tell_pax_sparse(struct tar *tar, struct ov_span data, struct ov_span name) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    enum ov_status status = ov_tar_pax_expand(&tar->pax, data, tar->walk, &plain);
    return tell_expanded(tar, &plain, name, status);
}

// Where the pax records and the header give different sizes, readers that know records and those
// that do not would take out different files, and go on at different places. Both files are told,
// and the walk goes on at the nearer place: blocks that are no headers are passed over.
static enum ov_status tell_file(struct tar *tar, const struct ov_tar_header *header) {
    struct ov_span name = get_name(tar, header);
    uint64_t size = tar->pax.has_size ? tar->pax.size : header->size;
    struct ov_span data = get_data(tar, size);
    if (tar->pax.is_sparse) {
        TRY(tell_pax_sparse(tar, data, name));
    } else {
        TRY(ov_walk_stored(tar->walk, data, name));
    }
    if (header->size != size && header->size > 0) {
        TRY(ov_walk_stored(tar->walk, get_data(tar, header->size), name));
    }
    skip_data(tar, header->size < size ? header->size : size);
    return OV_OK;
}

// Links, directories and devices have no data, whatever their size says; some programs wrote it
// all the same, and some read it. The walk goes on with the next block in any case.
static enum ov_status tell_other(struct tar *tar, const struct ov_tar_header *header) {
    uint64_t size = tar->pax.has_size ? tar->pax.size : header->size;
    if (size == 0 || has_header_next(tar)) {
        return OV_OK;
    }
    return ov_walk_stored(tar->walk, get_data(tar, size), get_name(tar, header));
}

// ---- headers -----------------------------------------------------------------------------------

static enum ov_status read_records(struct tar *tar, const struct ov_tar_header *header,
                                   struct ov_tar_pax *pax) {
    pax->map_records = &tar->map_records;
    enum ov_status status = ov_tar_pax_read(get_data(tar, header->size), pax);
    tar->is_damaged = tar->is_damaged || status == OV_DAMAGED;
    skip_data(tar, header->size);
    return status == OV_DAMAGED ? OV_OK : status;
}

static void read_long_name(struct tar *tar, const struct ov_tar_header *header) {
    struct ov_span text = get_data(tar, header->size);
    tar->long_name = ov_span_part(text, 0, ov_span_find(text, 0, 0));
    skip_data(tar, header->size);
}

static enum ov_status take_header(struct tar *tar, const struct ov_tar_header *header) {
    enum ov_status status = OV_OK;
    switch (header->type) {
    case 'x':
    case 'X':
        return read_records(tar, header, &tar->pax);
    case 'g':
        status = read_records(tar, header, &tar->global);
        tar->pax = tar->global;
        return status;
    case 'L':
        read_long_name(tar, header);
        return OV_OK;
    case 'K': // the name that a link points to
        skip_data(tar, header->size);
        return OV_OK;
    case 'S':
        status = tell_gnu_sparse(tar, header);
        break;
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case 'V':
        status = tell_other(tar, header);
        break;
    default: // files, and whatever is not known
        status = tell_file(tar, header);
        break;
    }
    forget_next(tar);
    return status;
}

// Blocks that are no headers are passed over, as clamscan does: behind a damaged header others
// follow, and behind the end of one archive there may be another.
static enum ov_status read_blocks(struct tar *tar) {
    while (ov_cursor_left(tar->in) >= OV_TAR_BLOCK_BYTES) {
        TRY(ov_walk_has_time(tar->walk));
        struct ov_span block = ov_cursor_bytes(tar->in, OV_TAR_BLOCK_BYTES);
        struct ov_tar_header header;
        if (ov_tar_header_read(block, &header)) {
            TRY(take_header(tar, &header));
        } else if (is_zero(block)) {
            tar->has_ended = true;
        } else {
            tar->is_damaged = tar->is_damaged || !tar->has_ended;
        }
    }
    return tar->is_damaged ? OV_DAMAGED : OV_OK;
}

static enum ov_status walk_tar(struct ov_cursor *in, struct ov_walk *walk) {
    struct tar tar = {.in = in, .walk = walk};
    forget_next(&tar);
    enum ov_status status = read_blocks(&tar);
    ov_buf_release(&tar.map_records);
    ov_buf_release(&tar.name);
    return status;
}

static const struct ov_magic magics[] = {
    OV_MAGIC(257, "ustar"),
    OV_MAGIC(0, "[aliases]"), // clamscan's: a tar archive whose first name is that of a text
};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_OLD_TAR, .walk = walk_tar}, // told by its checksum, in scan/identify.c
    {.type = OV_FILETYPE_POSIX_TAR, OV_MAGICS(magics), .walk = walk_tar},
};

OV_FORMAT_SET(tar, formats);
