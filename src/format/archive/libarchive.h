// SPDX-License-Identifier: Apache-2.0
//
// Formats that libarchive reads: 7z, and rar of versions 4 and 5. Worker process only.
//
// libarchive is told one format at a time, reads from memory through a buffer of our own, and asks
// nothing of the operating system: see libarchive.c.
#pragma once

#include "format/walk.h"

enum ov_archive_kind { OV_ARCHIVE_7Z = 0, OV_ARCHIVE_RAR };

// Tells the sink of all members, as an ov_walker does.
enum ov_status ov_archive_walk(struct ov_cursor *in, struct ov_walk *walk,
                               enum ov_archive_kind kind);
