// SPDX-License-Identifier: Apache-2.0
// Archives of LHA, LArc and PMarc, by lhasa.
#include "format/format.h"

#include <liblhasa-1.0/lhasa.h>

enum { STEP_BYTES = 64 << 10 };

// lhasa reads through these, so that it has copies of bytes that may change.
struct source {
    struct ov_cursor in;
    struct ov_walk *walk;
    bool is_cut; // more was asked for than there is
};

static int read_bytes(void *handle, void *buffer, size_t size) {
    struct source *source = handle;
    struct ov_span bytes = ov_span_part(source->in.bytes, source->in.at, size);
    if (ov_walk_has_time(source->walk) != OV_OK) {
        return -1;
    }
    if (bytes.size == 0) {
        return 0;
    }
    // lhasa gives back nothing of a block that it cannot fill.
    memset(buffer, 0, size);
    memcpy(buffer, bytes.data, bytes.size);
    ov_cursor_skip(&source->in, bytes.size);
    source->is_cut = source->is_cut || bytes.size < size;
    return (int)size;
}

static int skip_bytes(void *handle, size_t size) {
    struct source *source = handle;
    ov_cursor_skip(&source->in, size);
    return !source->in.has_failed;
}

struct lha {
    struct ov_walk *walk;
    LHAReader *reader;
    struct ov_buf plain, name;
    const struct source *source;
    bool is_damaged;
};

static enum ov_status unpack(struct lha *lha) {
    size_t room = ov_walk_room(lha->walk);
    ov_buf_reset(&lha->plain);
    while (true) {
        TRY(ov_walk_has_time(lha->walk));
        size_t left = room - lha->plain.size;
        size_t size = left < STEP_BYTES ? left : STEP_BYTES;
        uint8_t *out = ov_buf_reserve(&lha->plain, size + 1);
        if (out == NULL) {
            return OV_MEMORY;
        }
        size_t got = lha_reader_read(lha->reader, out, size > 0 ? size : 1);
        if (size == 0 && got > 0) {
            ov_walk_note_cut(lha->walk);
            return OV_LIMIT;
        }
        if (got == 0) {
            return OV_OK;
        }
        ov_buf_commit(&lha->plain, got);
    }
}

static enum ov_status tell_member(struct lha *lha, const LHAFileHeader *header) {
    if (strcmp(header->compress_method, LHA_COMPRESS_TYPE_DIR) == 0) {
        return OV_OK;
    }
    enum ov_status status = unpack(lha);
    if (status == OV_MEMORY) {
        return status;
    }
    lha->is_damaged = lha->is_damaged || lha->source->is_cut ||
                      (status == OV_OK && lha->plain.size < header->length);
    ov_buf_reset(&lha->name);
    ov_buf_add_text(&lha->name, header->path != NULL ? header->path : "");
    ov_buf_add_text(&lha->name, header->filename != NULL ? header->filename : "");
    struct ov_child child = {.bytes = ov_buf_span(&lha->plain),
                             .name = ov_buf_span(&lha->name),
                             .packed_bytes = header->compressed_length,
                             .plain_bytes = header->length,
                             .checksum = header->crc};
    TRY(ov_walk_child(lha->walk, &child));
    return ov_walk_has_time(lha->walk); // what was cut ends this member alone
}

static enum ov_status read_members(struct lha *lha) {
    lha_reader_set_dir_policy(lha->reader, LHA_READER_DIR_PLAIN);
    bool is_empty = true;
    const LHAFileHeader *header;
    while ((header = lha_reader_next_file(lha->reader)) != NULL) {
        is_empty = false;
        TRY(tell_member(lha, header));
    }
    TRY(ov_walk_has_time(lha->walk));
    return is_empty || lha->is_damaged ? OV_DAMAGED : OV_OK;
}

static enum ov_status walk_lha(struct ov_cursor *in, struct ov_walk *walk) {
    static const LHAInputStreamType calls = {.read = read_bytes, .skip = skip_bytes};
    struct source source = {.in = *in, .walk = walk};
    struct lha lha = {.walk = walk, .source = &source};
    LHAInputStream *stream = lha_input_stream_new(&calls, &source);
    lha.reader = stream != NULL ? lha_reader_new(stream) : NULL;
    enum ov_status status = lha.reader != NULL ? read_members(&lha) : OV_MEMORY;
    if (lha.reader != NULL) {
        lha_reader_free(lha.reader);
    }
    if (stream != NULL) {
        lha_input_stream_free(stream);
    }
    ov_buf_release(&lha.plain);
    ov_buf_release(&lha.name);
    return status;
}

static const struct ov_magic magics[] = {
    OV_MAGIC(2, "-lh0-"), OV_MAGIC(2, "-lh1-"), OV_MAGIC(2, "-lh2-"), OV_MAGIC(2, "-lh3-"),
    OV_MAGIC(2, "-lh4-"), OV_MAGIC(2, "-lh5-"), OV_MAGIC(2, "-lh6-"), OV_MAGIC(2, "-lh7-"),
    OV_MAGIC(2, "-lhd-"), OV_MAGIC(2, "-lhx-"), OV_MAGIC(2, "-lz4-"), OV_MAGIC(2, "-lz5-"),
    OV_MAGIC(2, "-lzs-"), OV_MAGIC(2, "-pm0-"),
};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_LHA_LZH, OV_MAGICS(magics), .walk = walk_lha},
};

OV_FORMAT_SET(lha, formats);
