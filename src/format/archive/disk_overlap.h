// SPDX-License-Identifier: Apache-2.0
//
// Whether partitions of a disk overlap: clamscan's alerts for it, and where it looks.
//
// It looks at the tables of disks alone that it would read at all, and at fifty entries of each.
// Worker process only.
#pragma once

#include "format/archive/disk.h"

// Of the master boot record in the first sector, and the chains that it begins.
void ov_disk_check_mbr(struct ov_disk *disk);

// Of the GUID partition table and its copy. OV_LIMIT: no time is left.
enum ov_status ov_disk_check_gpt(struct ov_disk *disk);

// Of Apple's partition map.
void ov_disk_check_apm(struct ov_disk *disk);
