// SPDX-License-Identifier: Apache-2.0
// Compound files: old Office documents, VBA projects, Windows Installer packages, Hangul documents.
#include "format/format.h"
#include "format/office/hwp.h"
#include "format/office/ole_objects.h"
#include "format/office/vba.h"

struct buffers {
    struct ov_buf stream, path;
};

static void release_buffers(struct buffers *buffers) {
    ov_buf_release(&buffers->stream);
    ov_buf_release(&buffers->path);
}

static bool is_stream(const struct ov_ole_entry *entry) {
    return entry->kind == OV_OLE_STREAM ||
           (entry->is_reached && entry->kind != OV_OLE_UNUSED && entry->kind != OV_OLE_STORAGE &&
            entry->kind != OV_OLE_ROOT);
}

static enum ov_status tell_stream(struct ov_vba *vba, uint32_t number, struct buffers *buffers) {
    struct ov_ole *ole = vba->ole;
    const struct ov_ole_entry *entry = &ole->entries[number];
    TRY(ov_ole_read(ole, number, &buffers->stream));
    ov_ole_path(ole, number, &buffers->path);
    TRY(ov_buf_status(&buffers->path));
    struct ov_span bytes = ov_buf_span(&buffers->stream);
    if (ov_hwp5_is_packed(ole, number)) {
        return ov_hwp5_tell(ole, bytes, ov_buf_span(&buffers->path));
    }
    TRY(ov_ole_tell_parts(ole, number, bytes));
    TRY(ov_vba_search(vba, number, bytes));
    struct ov_child child = {.kind = OV_CHILD_MEMBER,
                             .bytes = bytes,
                             .name = ov_buf_span(&buffers->path),
                             .packed_bytes = bytes.size,
                             .plain_bytes = entry->size,
                             .is_encrypted = ov_ole_is_encrypted(entry)};
    return ov_walk_child(ole->walk, &child);
}

// In the order of the directory, so that a stream that no tree reaches has its place too.
static enum ov_status tell_streams(struct ov_vba *vba) {
    OV_CLEANUP(release_buffers) struct buffers buffers = {0};
    for (uint32_t i = 0; i < vba->ole->entry_count; i++) {
        if (is_stream(&vba->ole->entries[i])) {
            TRY(tell_stream(vba, i, &buffers));
        }
    }
    return OV_OK;
}

static enum ov_status walk_ole2(struct ov_cursor *in, struct ov_walk *walk) {
    struct ov_ole ole;
    TRY(ov_ole_open(in->bytes, walk, &ole));
    TRY(ov_hwp5_open(&ole));
    OV_CLEANUP(ov_vba_release) struct ov_vba vba;
    TRY(ov_vba_tell(&ole, &vba));
    TRY(tell_streams(&vba));
    TRY(ov_vba_finish(&vba));
    return ole.is_damaged ? OV_DAMAGED : OV_OK;
}

static const struct ov_magic magics_ole2[] = {OV_MAGIC(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_MSOLE2, OV_MAGICS(magics_ole2), .walk = walk_ole2},
};

OV_FORMAT_SET(ole2, formats);
