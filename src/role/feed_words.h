// SPDX-License-Identifier: Apache-2.0
//
// The builder's words on a vendor's databases: what the sources of a request are, and which work
// they are for.
//
// Runs in the caged builder alone.
#pragma once

#include "base/buf.h"
#include "wire/rules.h"

struct ov_feed_source {
    const char *path; // its ending tells a .cld from others
    struct ov_span bytes;
    enum ov_wire_source_kind kind;
};

// Does what a request VERIFY or PATCH asks for, with as many sources as it says. OV_OK; OV_DAMAGED:
// refused, and the report says why; OV_INVALID: no such request makes sense; OV_MEMORY. PATCH puts
// the new database into `image`.
enum ov_status ov_feed_work(const struct ov_wire_request *request,
                            const struct ov_feed_source *sources,
                            struct ov_database_report *ret_report, struct ov_buf *image);
