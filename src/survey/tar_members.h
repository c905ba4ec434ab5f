// SPDX-License-Identifier: Apache-2.0
//
// The members of a tar archive one after another, as container images have them. Worker process
// only.
//
// OCI image specification, layer.md; headers as format/archive/tar_header.h reads them.
#pragma once

#include "format/archive/tar_pax.h"

struct ov_tar_members {
    struct ov_cursor in;
    struct ov_buf name, records;
    bool is_damaged; // the archive ends too soon, or goes on with something else
};

struct ov_tar_member {
    struct ov_span name; // without "./" and '/' in front, and without '/' at its end; may be empty
    struct ov_span data; // of regular files
    uint8_t type;        // '0', '5' a folder, '2' a link ...
};

void ov_tar_members_init(struct ov_span bytes, struct ov_tar_members *ret_members);
void ov_tar_members_release(struct ov_tar_members *members);

// OV_OK; OV_END: there is no further one; OV_MEMORY. The member lives until the next call.
enum ov_status ov_tar_members_next(struct ov_tar_members *members,
                                   struct ov_tar_member *ret_member);
