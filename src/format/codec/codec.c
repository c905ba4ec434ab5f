// SPDX-License-Identifier: Apache-2.0
// The loop around every codec: room, time and what a broken stream still gave.
#include "format/codec/codec.h"
#include "format/codec/dictionary.h"

enum {
    FIRST_STEP_BYTES = 16 << 10,
    STEP_BYTES_MAX = 1 << 20,
};

static const struct ov_codec_engine *const engines[OV_CODEC_COUNT] = {
    [OV_CODEC_DEFLATE] = &ov_codec_deflate, [OV_CODEC_ZLIB] = &ov_codec_zlib,
    [OV_CODEC_GZIP] = &ov_codec_gzip,       [OV_CODEC_BZIP2] = &ov_codec_bzip2,
    [OV_CODEC_XZ] = &ov_codec_xz,           [OV_CODEC_LZMA] = &ov_codec_lzma,
    [OV_CODEC_LZIP] = &ov_codec_lzip,       [OV_CODEC_ZSTD] = &ov_codec_zstd,
    [OV_CODEC_LZ4] = &ov_codec_lz4,
};

// One step into the buffer; sets ret_moved when it read or wrote anything.
static enum ov_status step_once(const struct ov_codec_engine *engine, void *state,
                                struct ov_codec_step *step, struct ov_buf *plain, size_t size,
                                bool *ret_moved) {
    uint8_t *start = ov_buf_reserve(plain, size);
    if (start == NULL) {
        return OV_MEMORY;
    }
    size_t in_before = step->in.size;
    step->out = start;
    step->out_bytes = size;
    enum ov_status status = engine->step(state, step);
    size_t written = size - step->out_bytes;
    ov_buf_commit(plain, written);
    *ret_moved = written > 0 || step->in.size < in_before;
    return status;
}

static enum ov_status run(const struct ov_codec_engine *engine, void *state,
                          struct ov_codec_step *step, struct ov_walk *walk, struct ov_buf *plain) {
    size_t end = plain->size + ov_walk_room(walk);
    size_t size = FIRST_STEP_BYTES;
    while (true) {
        TRY(ov_walk_has_time(walk));
        if (plain->size >= end) {
            ov_walk_note_cut(walk);
            return OV_LIMIT;
        }
        bool has_moved = false;
        size_t left = end - plain->size;
        enum ov_status status =
            step_once(engine, state, step, plain, size < left ? size : left, &has_moved);
        if (status == OV_LIMIT) {
            ov_budget_note(walk->budget, OV_LIMIT_MEMORY);
            return OV_UNSUPPORTED;
        }
        if (status != OV_OK) {
            return status == OV_END ? OV_OK : status;
        }
        if (step->in.size == 0 && step->behind.size > 0) {
            step->in = step->behind;
            step->behind = ov_span_from(step->in, step->in.size);
        } else if (!has_moved) {
            return OV_DAMAGED; // the input ended before the stream
        }
        size = size < STEP_BYTES_MAX ? size * 2 : size;
    }
}

enum ov_status ov_codec_unpack(enum ov_codec codec, struct ov_span packed, struct ov_walk *walk,
                               struct ov_buf *plain, size_t *ret_used) {
    const struct ov_codec_engine *engine = engines[codec];
    OV_CLEANUP(ov_buf_release) struct ov_buf head = {0};
    struct ov_codec_step step = {.in = packed, .is_last = true};
    *ret_used = 0;
    uint64_t enough = ov_dictionary_enough(ov_walk_room(walk));
    bool is_huge = ov_dictionary_bytes(codec, packed) > enough;
    if (is_huge) {
        TRY(ov_dictionary_fit(codec, packed, enough, &head));
        step.in = ov_buf_span(&head);
        step.behind = ov_span_from(packed, head.size);
    }
    void *state = engine->open();
    if (state == NULL) {
        return OV_MEMORY;
    }
    enum ov_status status = run(engine, state, &step, walk, plain);
    engine->close(state);
    if (is_huge && status == OV_DAMAGED && plain->size > OV_DICTIONARY_BYTES_MAX) {
        ov_budget_note(walk->budget, OV_LIMIT_MEMORY); // it may have needed what it asked for
    }
    *ret_used = packed.size - step.behind.size - step.in.size;
    return status;
}

enum ov_status ov_codec_tell(enum ov_codec codec, struct ov_span packed,
                             const struct ov_child *member, struct ov_walk *walk,
                             enum ov_status *io_worst) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    size_t used = 0;
    enum ov_status status = ov_codec_unpack(codec, packed, walk, &plain, &used);
    if (status == OV_MEMORY) {
        return status;
    }
    ov_walk_keep_worst(io_worst, status);
    struct ov_child child = *member;
    child.bytes = ov_buf_span(&plain);
    TRY(ov_walk_child(walk, &child));
    return status == OV_DAMAGED && plain.size == 0 ? ov_walk_stored(walk, packed, member->name)
                                                   : OV_OK;
}

enum ov_status ov_codec_unlzma(struct ov_span packed, uint64_t plain_bytes, struct ov_walk *walk,
                               struct ov_buf *plain) {
    enum { PROPERTY_BYTES = 5 };
    OV_CLEANUP(ov_buf_release) struct ov_buf stream = {0};
    struct ov_span properties = ov_span_part(packed, 0, PROPERTY_BYTES);
    struct ov_span rest = ov_span_from(packed, PROPERTY_BYTES);
    ov_buf_add(&stream, properties.data, properties.size);
    ov_buf_add_u64le(&stream, plain_bytes);
    ov_buf_add(&stream, rest.data, rest.size);
    TRY(ov_buf_status(&stream));
    size_t used;
    return ov_codec_unpack(OV_CODEC_LZMA, ov_buf_span(&stream), walk, plain, &used);
}
