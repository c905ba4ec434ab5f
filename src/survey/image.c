// SPDX-License-Identifier: Apache-2.0
// Images of containers in one tar: what `docker save` writes, and the layout of OCI.
//
// Docker image specification v1.2, "Combined Image JSON + Filesystem Changeset Format"; OCI image
// specification, image-layout.md, image-index.md, manifest.md. Digests are not held against what
// they name: a scan is no proof of where an image comes from.
#include "survey/image.h"

#include "base/json_read.h"
#include "survey/readers.h"
#include "survey/tar_members.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    MEMBERS_MAX = 65536,
    LAYERS_MAX = 512,
    INDEX_DEPTH_MAX = 4,
    IMAGES_MAX = 256,
    TIME_MS = 10 * 60 * 1000,
};

static const uint64_t arena_bytes = 1ull << 30;

struct member {
    struct member *next;
    struct ov_span name, data;
};

struct image {
    struct ov_survey_out *out;
    struct ov_arena arena; // of the tar's list and its JSON
    struct member *members;
    struct ov_budget *budget;
    unsigned image_count;
};

static void release_image(struct image *image) {
    ov_arena_release(&image->arena);
}

// ---- the tar ----------------------------------------------------------------------------------

static enum ov_status list_members(struct image *image, struct ov_span bytes) {
    OV_CLEANUP(ov_tar_members_release) struct ov_tar_members members;
    struct ov_tar_member found;
    enum ov_status status = OV_OK;
    ov_tar_members_init(bytes, &members);
    for (unsigned i = 0; i < MEMBERS_MAX; i++) {
        status = ov_tar_members_next(&members, &found);
        if (status != OV_OK) {
            break;
        }
        struct member *member = ov_arena_alloc(&image->arena, sizeof *member);
        char *name = ov_arena_text(&image->arena, found.name);
        if (member == NULL || name == NULL) {
            return OV_MEMORY;
        }
        *member = (struct member){.next = image->members,
                                  .name = ov_span_make(name, found.name.size),
                                  .data = found.data};
        image->members = member;
    }
    if (status == OV_OK || members.is_damaged) {
        ov_survey_problem(image->out, "the archive ends too soon, or has too many members", 0);
    }
    return status == OV_MEMORY ? OV_MEMORY : OV_OK;
}

static const struct member *find_member(const struct image *image, const char *name) {
    for (const struct member *at = image->members; name != NULL && at != NULL; at = at->next) {
        if (ov_span_is_text(at->name, name)) {
            return at;
        }
    }
    return NULL;
}

// The blob that a descriptor names: "sha256:..." stands in blobs/sha256/.
static const struct member *find_blob(struct image *image, const struct ov_json_value *descriptor) {
    char name[256];
    const char *digest = ov_json_find_string(descriptor, "digest");
    const char *colon = digest != NULL ? strchr(digest, ':') : NULL;
    if (colon == NULL || strlen(digest) > 200) {
        return NULL;
    }
    (void)snprintf(name, sizeof name, "blobs/%.*s/%s", (int)(colon - digest), digest, colon + 1);
    return find_member(image, name);
}

static const struct ov_json_value *read_json(struct image *image, const struct member *member) {
    const struct ov_json_value *value = NULL;
    struct ov_json_error error;
    if (member == NULL || ov_json_read(member->data, &image->arena, &value, &error) != OV_OK) {
        ov_survey_problem(image->out, "a manifest is missing, or no JSON", 0);
        return NULL;
    }
    return value;
}

// ---- images -----------------------------------------------------------------------------------

struct stack {
    struct ov_image_layer layers[LAYERS_MAX];
    size_t count;
};

static void push_layer(struct image *image, struct stack *stack, const struct member *member) {
    if (member == NULL || stack->count == LAYERS_MAX) {
        ov_survey_problem(image->out, "a layer is missing, or there are too many", 0);
        return;
    }
    stack->layers[stack->count++].packed = member->data;
}

static enum ov_status read_stack(struct image *image, const struct stack *stack, const char *name) {
    if (image->image_count++ == IMAGES_MAX) {
        ov_survey_problem(image->out, "there are more images than are read", 0);
        return OV_OK;
    }
    image->out->count++;
    return ov_image_layers_read(&(struct ov_image_layers){.layers = stack->layers,
                                                          .count = stack->count,
                                                          .name = name,
                                                          .budget = image->budget,
                                                          .out = image->out});
}

// manifest.json: [{"RepoTags": [...], "Layers": [...]}].
static enum ov_status read_docker(struct image *image, const struct member *manifest,
                                  struct stack *stack) {
    const struct ov_json_value *item = ov_json_items(read_json(image, manifest));
    for (; item != NULL; item = item->next) {
        const struct ov_json_value *tag = ov_json_items(ov_json_find(item, "RepoTags"));
        const char *name = tag != NULL ? ov_json_string(tag) : NULL;
        stack->count = 0;
        const struct ov_json_value *layer = ov_json_items(ov_json_find(item, "Layers"));
        for (; layer != NULL; layer = layer->next) {
            push_layer(image, stack, find_member(image, ov_json_string(layer)));
        }
        TRY(read_stack(image, stack, name != NULL ? name : ""));
    }
    return OV_OK;
}

// An index names manifests, and maybe further indices; a manifest names layers.
// NOLINTNEXTLINE(misc-no-recursion): the depth is limited.
static enum ov_status read_oci(struct image *image, const struct member *member, const char *name,
                               struct stack *stack, unsigned depth) {
    const struct ov_json_value *value = read_json(image, member);
    if (value == NULL || depth > INDEX_DEPTH_MAX || image->image_count > IMAGES_MAX) {
        return OV_OK;
    }
    const struct ov_json_value *layer = ov_json_items(ov_json_find(value, "layers"));
    stack->count = 0;
    for (const struct ov_json_value *at = layer; at != NULL; at = at->next) {
        push_layer(image, stack, find_blob(image, at));
    }
    if (layer != NULL) {
        return read_stack(image, stack, name);
    }
    const struct ov_json_value *item = ov_json_items(ov_json_find(value, "manifests"));
    for (; item != NULL; item = item->next) {
        const char *own = ov_json_find_string(ov_json_find(item, "annotations"),
                                              "org.opencontainers.image.ref.name");
        TRY(ov_budget_has_time(image->budget) ? OV_OK : OV_LIMIT);
        TRY(read_oci(image, find_blob(image, item), own != NULL ? own : name, stack, depth + 1));
    }
    return OV_OK;
}

static enum ov_status read_tar(struct image *image, struct ov_span bytes) {
    struct stack *stack = ov_arena_alloc(&image->arena, sizeof *stack);
    if (stack == NULL) {
        return OV_MEMORY;
    }
    TRY(list_members(image, bytes));
    const struct member *docker = find_member(image, "manifest.json");
    const struct member *oci = find_member(image, "index.json");
    if (docker == NULL && oci == NULL) {
        ov_survey_problem(image->out, "no image: it has neither manifest.json nor index.json", 0);
        return OV_OK;
    }
    return docker != NULL ? read_docker(image, docker, stack) : read_oci(image, oci, "", stack, 0);
}

enum ov_status ov_survey_image(struct ov_span bytes, struct ov_survey_out *out) {
    struct ov_limits limits = {.time_ms = TIME_MS};
    struct ov_budget budget;
    ov_budget_init(&budget, &limits);
    OV_CLEANUP(release_image) struct image image = {.out = out, .budget = &budget};
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    struct ov_span tar;
    ov_arena_init(&image.arena, arena_bytes);
    TRY(ov_image_unpack(bytes, &budget, &plain, &tar));
    enum ov_status status = read_tar(&image, tar);
    if (status == OV_LIMIT) {
        ov_survey_problem(out, "it takes too long to read all of it", 0);
        return OV_OK;
    }
    return status;
}
