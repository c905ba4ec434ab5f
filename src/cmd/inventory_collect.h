// SPDX-License-Identifier: Apache-2.0
//
// Runs everything that looks for products, on a machine, a folder that is the root of one, or an
// image: the one door for the report, for plans and for their verification.
#pragma once

#include "inventory/inventory.h"

#include <stdbool.h>

struct ov_collect_options {
    const char *root;  // "/" is the running machine: processes and the kernel are asked, too; a
                       // regular file is an image (docker save, OCI)
    bool has_engines;  // looks into programs and libraries for scanning engines: takes long
    bool has_progress; // tells on standard error, on one line, what is looked at
};

// Gathers, and judges. OV_OK even when much could not be read: that stands among the problems.
// OV_SYSTEM (errno) the root cannot be opened; OV_UNSUPPORTED it is neither folder nor file;
// OV_MEMORY.
enum ov_status ov_inventory_collect(const struct ov_collect_options *options,
                                    struct ov_inventory *inventory);

// The host name that the root has, or "" when it is not known.
void ov_inventory_machine(const char *root, char *ret_name, size_t size);
