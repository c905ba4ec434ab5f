// SPDX-License-Identifier: Apache-2.0
// Layers from the uppermost down: each tells what no layer above it hides, then hides its own.
#include "survey/image.h"

#include "format/codec/codec.h"
#include "survey/path_table.h"
#include "survey/places.h"
#include "survey/tar_members.h"

#include <stdio.h>

enum { PLACE_BYTES = 256, WHITEOUT_BYTES = 4 };

static const uint64_t table_bytes = 1ull << 30;
static const char opaque_name[] = ".wh..wh..opq";

struct overlay {
    const struct ov_image_layers *image;
    struct ov_arena arena;
    struct ov_path_table table;
    char seen_place[PLACE_BYTES], hidden_place[PLACE_BYTES];
    struct ov_buf path;
};

static void release_overlay(struct overlay *overlay) {
    ov_arena_release(&overlay->arena);
    ov_buf_release(&overlay->path);
}

// ---- compression ------------------------------------------------------------------------------

enum ov_status ov_image_unpack(struct ov_span packed, struct ov_budget *budget,
                               struct ov_buf *plain, struct ov_span *ret_bytes) {
    bool is_gzip = ov_span_has_prefix(packed, "\x1f\x8b");
    bool is_zstd = ov_span_has_prefix(packed, "\x28\xb5\x2f\xfd");
    struct ov_walk walk = {.budget = budget};
    if (!is_gzip && !is_zstd) {
        *ret_bytes = packed;
        return OV_OK;
    }
    struct ov_span rest = packed;
    enum ov_status status = OV_OK;
    // There may be several members or frames, one behind the other.
    while (rest.size > 0 && status == OV_OK) {
        size_t used = 0;
        status =
            ov_codec_unpack(is_gzip ? OV_CODEC_GZIP : OV_CODEC_ZSTD, rest, &walk, plain, &used);
        rest = used > 0 ? ov_span_from(rest, used) : ov_span_make(NULL, 0);
    }
    *ret_bytes = ov_buf_span(plain);
    return plain->size > 0 && status != OV_MEMORY ? OV_OK : status;
}

// ---- paths ------------------------------------------------------------------------------------

// The folder that a path stands in; empty for the root.
static struct ov_span get_folder(struct ov_span path) {
    while (path.size > 0 && path.data[path.size - 1] != '/') {
        path.size--;
    }
    return ov_span_part(path, 0, path.size > 0 ? path.size - 1 : 0);
}

static struct ov_span get_base(struct ov_span path) {
    struct ov_span folder = get_folder(path);
    return ov_span_from(path, folder.size > 0 ? folder.size + 1 : 0);
}

static bool is_hidden(const struct overlay *overlay, struct ov_span path) {
    unsigned flags = ov_path_table_flags(&overlay->table, path);
    bool is_gone = (flags & OV_PATH_HIDES) != 0;
    for (struct ov_span at = get_folder(path); at.size > 0 && !is_gone; at = get_folder(at)) {
        is_gone = (ov_path_table_flags(&overlay->table, at) & OV_PATH_HIDES_BELOW) != 0;
    }
    return is_gone ||
           (ov_path_table_flags(&overlay->table, ov_span_make("", 0)) & OV_PATH_HIDES_BELOW) != 0;
}

// A path, and the folders that it stands in, each once.
static enum ov_status tell_path(struct overlay *overlay, struct ov_span path) {
    struct ov_survey_out *out = overlay->image->out;
    for (struct ov_span at = path; at.size > 0; at = get_folder(at)) {
        if (!out->is_hidden && (ov_path_table_flags(&overlay->table, at) & OV_PATH_TOLD) != 0) {
            return OV_OK;
        }
        ov_buf_reset(&overlay->path);
        ov_buf_add_u8(&overlay->path, '/');
        ov_buf_add(&overlay->path, at.data, at.size);
        TRY(ov_buf_status(&overlay->path));
        ov_survey_tell(out, OV_FACT_PATH, ov_buf_span(&overlay->path), ov_span_make(NULL, 0));
        if (out->is_hidden) {
            return OV_OK;
        }
        TRY(ov_path_table_add(&overlay->table, at, OV_PATH_TOLD));
    }
    return OV_OK;
}

// ---- one layer --------------------------------------------------------------------------------

// Reads a file of the image as a source of its own; its count is not told.
static enum ov_status read_source(struct overlay *overlay, enum ov_survey_source kind,
                                  struct ov_span bytes) {
    struct ov_survey_out *out = overlay->image->out;
    struct ov_survey_out inner = *out;
    enum ov_status status = ov_survey_read_part(kind, bytes, &inner);
    out->has_problem = out->has_problem || inner.has_problem;
    return status;
}

static bool is_whiteout(struct ov_span base) {
    return ov_span_has_prefix(base, ".wh.");
}

static enum ov_status tell_member(struct overlay *overlay, const struct ov_tar_member *member) {
    struct ov_survey_out *out = overlay->image->out;
    if (member->name.size == 0 || is_whiteout(get_base(member->name))) {
        return OV_OK;
    }
    out->is_hidden = is_hidden(overlay, member->name);
    const char *place = out->is_hidden ? overlay->hidden_place : overlay->seen_place;
    out->place = ov_span_text(place);
    TRY(tell_path(overlay, member->name));
    bool is_file = member->type == '0' || member->type == 0;
    enum ov_survey_source kind = is_file ? ov_survey_place(member->name) : OV_SURVEY_SOURCES;
    return kind != OV_SURVEY_SOURCES ? read_source(overlay, kind, member->data) : OV_OK;
}

// What layers below will not be seen for. A folder over a folder hides nothing.
static enum ov_status hide_member(struct overlay *overlay, const struct ov_tar_member *member) {
    struct ov_span base = get_base(member->name), folder = get_folder(member->name);
    if (ov_span_is_text(base, opaque_name)) {
        return ov_path_table_add(&overlay->table, folder, OV_PATH_HIDES_BELOW);
    }
    if (is_whiteout(base)) {
        struct ov_span gone = ov_span_from(base, WHITEOUT_BYTES);
        ov_buf_reset(&overlay->path);
        ov_buf_add(&overlay->path, folder.data, folder.size);
        ov_buf_add(&overlay->path, "/", folder.size > 0 ? 1 : 0);
        ov_buf_add(&overlay->path, gone.data, gone.size);
        TRY(ov_buf_status(&overlay->path));
        return ov_path_table_add(&overlay->table, ov_buf_span(&overlay->path),
                                 OV_PATH_HIDES | OV_PATH_HIDES_BELOW);
    }
    bool is_folder = member->type == '5' || member->name.size == 0;
    return is_folder ? OV_OK
                     : ov_path_table_add(&overlay->table, member->name,
                                         OV_PATH_HIDES | OV_PATH_HIDES_BELOW);
}

static enum ov_status each_member(struct overlay *overlay, struct ov_span tar,
                                  enum ov_status (*act)(struct overlay *overlay,
                                                        const struct ov_tar_member *member)) {
    OV_CLEANUP(ov_tar_members_release) struct ov_tar_members members;
    struct ov_tar_member member;
    enum ov_status status;
    ov_tar_members_init(tar, &members);
    while ((status = ov_tar_members_next(&members, &member)) == OV_OK) {
        TRY(ov_budget_has_time(overlay->image->budget) ? OV_OK : OV_LIMIT);
        TRY(act(overlay, &member));
    }
    if (members.is_damaged) {
        ov_survey_problem(overlay->image->out, "a layer ends too soon, or is no tar", 0);
    }
    return status == OV_END ? OV_OK : status;
}

static enum ov_status read_layer(struct overlay *overlay, size_t index) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    const struct ov_image_layers *image = overlay->image;
    struct ov_span tar;
    (void)snprintf(overlay->hidden_place, PLACE_BYTES,
                   "layer %zu of image %.180s, hidden by later ones", index + 1, image->name);
    enum ov_status status =
        ov_image_unpack(image->layers[index].packed, image->budget, &plain, &tar);
    if (status == OV_DAMAGED) {
        ov_survey_problem(image->out, "a layer cannot be unpacked", 0);
        return OV_OK;
    }
    TRY(status);
    TRY(each_member(overlay, tar, tell_member));
    return each_member(overlay, tar, hide_member);
}

enum ov_status ov_image_layers_read(const struct ov_image_layers *image) {
    OV_CLEANUP(release_overlay) struct overlay overlay = {.image = image};
    struct ov_survey_out *out = image->out;
    struct ov_span place = out->place;
    enum ov_status status = OV_OK;
    ov_arena_init(&overlay.arena, table_bytes);
    overlay.table.arena = &overlay.arena;
    (void)snprintf(overlay.seen_place, PLACE_BYTES,
                   image->name[0] != 0 ? "image %.200s" : "image%s", image->name);
    for (size_t i = image->count; i > 0 && status == OV_OK; i--) {
        status = read_layer(&overlay, i - 1);
    }
    out->is_hidden = false;
    out->place = place;
    return status;
}
