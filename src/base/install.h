// SPDX-License-Identifier: Apache-2.0
//
// Where the parts of Overt lie: beside the running program in a build folder, else where they were
// installed.
#pragma once

#include "base/status.h"

#include <stddef.h>

enum ov_part {
    OV_PART_WORKER,   // the program overt-worker
    OV_PART_SERVER,   // the program overt-serve
    OV_PART_FETCHER,  // the program overt-fetch
    OV_PART_RECORDER, // the program overt-watch
    OV_PART_STARTER,  // the image of the built-in starter rules
    OV_PART_ENGINES,  // the image of the rules for scanning engines in other products
};

// Writes the path of a part that is there to `ret_path`. OV_SYSTEM with errno ENOENT when it is
// neither beside the program nor installed; the path is then the installed one, for the message.
// OV_LIMIT when `size` is too small.
enum ov_status ov_install_find(enum ov_part part, char *ret_path, size_t size);
