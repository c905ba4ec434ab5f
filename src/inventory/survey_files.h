// SPDX-License-Identifier: Apache-2.0
//
// The files of a system whose content says what is installed and allowed: they are opened here, and
// read in a cage (role/survey_job.h).
#pragma once

#include "base/survey.h"
#include "inventory/paths.h"

struct ov_survey_file {
    enum ov_survey_source kind;
    char *path; // below the root
    int fd;     // a regular file, open for reading
};

struct ov_survey_files {
    struct ov_survey_file *items;
    size_t count;
};

// Opens the files of a place, not more than `most` from the `from`-th on, so that descriptors
// suffice. Files that cannot be opened, that are no regular files or too large, become problems.
// OV_END when there are no more; OV_MEMORY.
enum ov_status ov_survey_files_open(const struct ov_paths_place *at, size_t from, size_t most,
                                    struct ov_survey_files *ret_files);
void ov_survey_files_close(struct ov_survey_files *files);
