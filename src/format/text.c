// SPDX-License-Identifier: Apache-2.0
// Text of any encoding: its normalised view.
#include "format/text.h"

#include "base/squeeze.h"
#include "format/format.h"
#include "format/mydoom.h"

enum ov_status ov_text_normalise(struct ov_span text, struct ov_buf *view) {
    uint8_t *out = ov_buf_reserve(view, text.size + OV_SQUEEZE_SLACK);
    if (out == NULL) {
        return OV_MEMORY;
    }
    ov_buf_commit(view, ov_squeeze(text, out));
    return OV_OK;
}

bool ov_text_is_normal(struct ov_span text) {
    return ov_squeeze_is_done(text);
}

// ---- the walker --------------------------------------------------------------------------------

static enum ov_status walk_text(struct ov_cursor *in, struct ov_walk *walk) {
    if (in->bytes.size > OV_TEXT_VIEW_BYTES_MAX || ov_text_is_normal(in->bytes)) {
        return OV_OK;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf view = {0};
    TRY(ov_text_normalise(in->bytes, &view));
    return ov_walk_view(walk, ov_buf_span(&view), OV_FILETYPE_TEXT_ASCII);
}

// Half of what is encrypted looks like this kind of text to clamscan.
static enum ov_status walk_utf16be(struct ov_cursor *in, struct ov_walk *walk) {
    ov_mydoom_look(in->bytes, walk);
    return walk_text(in, walk);
}

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_TEXT_ASCII, .walk = walk_text, .is_late = true},
    {.type = OV_FILETYPE_TEXT_UTF8, .walk = walk_text, .is_late = true},
    {.type = OV_FILETYPE_TEXT_UTF16BE, .walk = walk_utf16be, .is_late = true},
    {.type = OV_FILETYPE_TEXT_UTF16LE, .walk = walk_text, .is_late = true},
};

OV_FORMAT_SET(text, formats);
