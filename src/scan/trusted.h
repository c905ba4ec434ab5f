// SPDX-License-Identifier: Apache-2.0
//
// The image's rules on who may sign programs, and what catalogs say of files.
//
// They borrow the image; one belongs to one thread. What is damaged is refused when it is opened.
#pragma once

#include "match/listed.h"
#include "trust/signed_data.h"

struct ov_trusted {
    struct ov_trust_rules rules; // owned
    uint32_t *numbers;           // of the rules, likewise
    struct ov_listed listed;
};

// OV_DAMAGED with a reason, OV_MEMORY.
enum ov_status ov_trusted_open(const struct ov_image *image, char ret_reason[OV_IMAGE_REASON_BYTES],
                               struct ov_trusted *ret_trusted);
void ov_trusted_close(struct ov_trusted *trusted);

// Whether the image has anything to say about programs.
bool ov_trusted_is_asked(const struct ov_trusted *trusted);
