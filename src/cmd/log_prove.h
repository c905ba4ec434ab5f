// SPDX-License-Identifier: Apache-2.0
//
// What `overt log prove` is asked, and going through the entries of a published log.
#pragma once

#include "cmd/log_words.h"
#include "ledger/log.h"

struct ov_log_prove {
    const char *folder, *file, *output;
    bool has_index;
    uint64_t index; // of the entry, instead of a file
    int fd;         // the folder; -1
    struct ov_tree_head head;
    struct ov_buf checkpoint;
};

// Shows all published entries, the newest first, until one is it. OV_END when none is.
enum ov_status ov_log_prove_each(const struct ov_log_prove *prove, void *arg,
                                 bool (*is_it)(void *arg, uint64_t index, struct ov_span entry),
                                 uint64_t *ret_index);
