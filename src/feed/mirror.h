// SPDX-License-Identifier: Apache-2.0
//
// A ClamAV mirror as a feed: databases signed by their maker, which stand in no log.
//
// What is verified is what clamscan and freshclam verify (docs/formats/clamav-feed.md), and what
// that is worth is said wherever such a set is listed.
#pragma once

#include "feed/refresh.h"

#define OV_MIRROR_WEAKNESS                                                                         \
    "verified by its maker's signature alone; nobody can see whether others got the same file"

// Brings the databases of the mirror up to date: all of them at first, or with is_full; later
// updates (.cdiff) alone. As ov_feed_refresh; a database that any check refuses refuses the whole,
// and so does one older than the installed. With OV_OK the reason tells what holds.
enum ov_status ov_mirror_refresh(const struct ov_refresh_request *request,
                                 struct ov_active_feed *entry,
                                 struct ov_refresh_result *ret_result);

// Verifies the databases that are installed again. With OV_OK the reason tells what holds.
enum ov_status ov_mirror_verify(const struct ov_refresh_request *request,
                                const struct ov_active_feed *entry,
                                struct ov_refresh_result *ret_result);
