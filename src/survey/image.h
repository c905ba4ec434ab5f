// SPDX-License-Identifier: Apache-2.0
//
// The layers of one image, laid over one another: what a container would see, and what lies hidden
// below it. Worker process only.
//
// OCI image specification, layer.md, "Whiteouts" and "Opaque Whiteout".
#pragma once

#include "base/budget.h"
#include "base/buf.h"
#include "survey/survey.h"

struct ov_image_layer {
    struct ov_span packed; // a tar, as it is or compressed
};

struct ov_image_layers {
    const struct ov_image_layer *layers; // the lowest first
    size_t count;
    const char *name; // of the image; may be empty
    struct ov_budget *budget;
    struct ov_survey_out *out;
};

// Tells the paths of all layers, and the facts of the files in them that are sources. Facts of what
// an upper layer hides have the layer as their place, and are residue; the others "image NAME".
// OV_OK, OV_LIMIT no time is left, OV_MEMORY.
enum ov_status ov_image_layers_read(const struct ov_image_layers *image);

// The bytes behind gzip or zstd, which go into `plain`, or the bytes themselves. OV_DAMAGED,
// OV_MEMORY, OV_LIMIT.
enum ov_status ov_image_unpack(struct ov_span packed, struct ov_budget *budget,
                               struct ov_buf *plain, struct ov_span *ret_bytes);
