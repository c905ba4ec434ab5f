// SPDX-License-Identifier: Apache-2.0
// Files that stand in a text between lines that begin and end them.
#include "format/mail/blocks.h"

#include "format/codec/binhex.h"
#include "format/codec/uu.h"
#include "format/codec/yenc.h"

enum ov_status ov_blocks_tell_plain(enum ov_status status, const struct ov_buf *plain,
                                    struct ov_span name, struct ov_walk *walk) {
    if (status == OV_MEMORY) {
        return status;
    }
    if (status == OV_LIMIT) {
        ov_walk_note_cut(walk);
    }
    if (plain->size == 0) {
        return OV_OK;
    }
    return ov_walk_member(walk, ov_buf_span(plain), name, OV_FILETYPE_NONE);
}

static enum ov_status tell_uu(struct ov_span text, struct ov_walk *walk, struct ov_buf *scratch,
                              bool *is_damaged) {
    struct ov_uu_block block;
    for (size_t at = 0; ov_uu_find(text, at, &block);) {
        TRY(ov_walk_has_time(walk));
        ov_buf_reset(scratch);
        enum ov_status status = ov_uu_decode(text, &block, ov_walk_room(walk), scratch, &at);
        *is_damaged = *is_damaged || status == OV_DAMAGED;
        TRY(ov_blocks_tell_plain(status, scratch, block.name, walk));
    }
    return OV_OK;
}

// Parts of one file that follow one another are put together, as readers do.
static enum ov_status tell_yenc(struct ov_span text, struct ov_walk *walk, struct ov_buf *scratch,
                                bool *is_damaged) {
    struct ov_yenc_block block;
    struct ov_span name = ov_span_make(NULL, 0);
    enum ov_status status = OV_OK;
    ov_buf_reset(scratch);
    for (size_t at = 0; ov_yenc_find(text, at, &block);) {
        TRY(ov_walk_has_time(walk));
        if (block.part < 2 || !ov_span_is_equal(name, block.name)) {
            TRY(ov_blocks_tell_plain(status, scratch, name, walk));
            ov_buf_reset(scratch);
            status = OV_OK;
        }
        name = block.name;
        size_t room = ov_walk_room(walk);
        room = room > scratch->size ? room - scratch->size : 0;
        status = ov_yenc_decode(text, &block, room, scratch, &at);
        *is_damaged = *is_damaged || status == OV_DAMAGED;
    }
    return ov_blocks_tell_plain(status, scratch, name, walk);
}

static enum ov_status tell_binhex(struct ov_span text, struct ov_walk *walk, struct ov_buf *scratch,
                                  bool *is_damaged) {
    for (size_t at = 0; ov_binhex_find(text, at, &at);) {
        TRY(ov_walk_has_time(walk));
        ov_buf_reset(scratch);
        enum ov_status status = ov_binhex_decode(text, at, ov_walk_room(walk), scratch, &at);
        if (status == OV_MEMORY) {
            return status;
        }
        if (status == OV_LIMIT) {
            ov_walk_note_cut(walk);
        }
        struct ov_binhex_file file = ov_binhex_split(ov_buf_span(scratch));
        *is_damaged = *is_damaged || !file.is_whole;
        const struct ov_span forks[] = {file.data, file.resources};
        for (size_t i = 0; i < 2; i++) {
            if (forks[i].size > 0) {
                TRY(ov_walk_member(walk, forks[i], file.name, OV_FILETYPE_NONE));
            }
        }
    }
    return OV_OK;
}

enum ov_status ov_blocks_tell(struct ov_span text, struct ov_walk *walk, struct ov_buf *scratch) {
    bool is_damaged = false;
    TRY(tell_uu(text, walk, scratch, &is_damaged));
    TRY(tell_yenc(text, walk, scratch, &is_damaged));
    TRY(tell_binhex(text, walk, scratch, &is_damaged));
    return is_damaged ? OV_DAMAGED : OV_OK;
}
