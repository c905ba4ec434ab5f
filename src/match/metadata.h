// SPDX-License-Identifier: Apache-2.0
//
// Which metadata rules of an image match a member of a container? What they ask for is what the
// container says of it, never its bytes.
//
// It borrows the image; one belongs to one thread. The image is not believed: damaged records match
// nothing, and are told with OV_DAMAGED.
#pragma once

#include "match/image.h"

struct ov_metadata_rules;

// A member, as its container describes it.
struct ov_member_facts {
    uint16_t container;       // enum ov_filetype
    uint64_t container_bytes; // size of the container
    struct ov_span name;      // up to its first NUL; no data: it has none
    uint64_t packed_bytes, plain_bytes;
    uint64_t position;
    uint32_t checksum;
    bool is_encrypted;
};

// *ret_rules is NULL when the image has no such rules. OV_MEMORY; OV_DAMAGED with a reason.
enum ov_status ov_metadata_rules_new(const struct ov_image *image,
                                     char ret_reason[OV_IMAGE_REASON_BYTES],
                                     struct ov_metadata_rules **ret_rules);
void ov_metadata_rules_free(struct ov_metadata_rules *rules);

// The next rule that matches, the one loaded last first, as clamscan has it. *at is 0 for the first
// call. OV_OK; OV_END when there are no more; OV_MEMORY, OV_DAMAGED.
enum ov_status ov_metadata_rules_next(struct ov_metadata_rules *rules,
                                      const struct ov_member_facts *facts, uint32_t *at,
                                      uint32_t *ret_rule);
