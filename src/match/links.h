// SPDX-License-Identifier: Apache-2.0
//
// The lists of an image against which links in mails are held: protected hosts, allowed pairs.
//
// It borrows the image; one belongs to one thread. The image is not believed: records are checked
// when the lists are opened, expressions when they are first asked for.
#pragma once

#include "match/image.h"

struct ov_link_lists;

// *ret_lists is NULL when the image has none. OV_MEMORY; OV_DAMAGED with a reason.
enum ov_status ov_link_lists_new(const struct ov_image *image,
                                 char ret_reason[OV_IMAGE_REASON_BYTES],
                                 struct ov_link_lists **ret_lists);
void ov_link_lists_free(struct ov_link_lists *lists);

// Whether `text` is an entry of the list (OV_LINK_LIST_*) as it stands.
bool ov_link_lists_have(const struct ov_link_lists *lists, unsigned list, struct ov_span text);

// Whether an expression of the list matches somewhere in `text`. OV_OK: one does; OV_END: none;
// OV_LIMIT: none, but one was given up; OV_MEMORY, OV_DAMAGED.
enum ov_status ov_link_lists_match(struct ov_link_lists *lists, unsigned list, struct ov_span text);
