// SPDX-License-Identifier: Apache-2.0
//
// Facts out of the files of a machine, for whoever asks: open descriptors in, facts out.
//
// The caged builder reads them; no byte of these files is looked at in this process. What comes out
// is checked for its form, and is otherwise what whoever wrote the file wanted to be said.
#pragma once

#include "base/survey.h"

#include <stddef.h>

enum {
    OV_SURVEY_REASON_BYTES = 256,
    OV_SURVEY_BATCH = 256,         // sources of one process
    OV_SURVEY_FACTS_MAX = 2000000, // that one request takes
};

struct ov_survey_item {
    enum ov_survey_source kind;
    const char *path; // as it shall be told; at most 4000 bytes
    int fd;           // a regular file, open for reading; borrowed
};

struct ov_survey_request {
    const struct ov_survey_item *items;
    size_t count;
    void *arg;
    // `source` is the number in `items`; the texts end with a zero, and are gone when it returns.
    void (*on_fact)(void *arg, size_t source, const struct ov_survey_fact *fact);
    // A source that could not be read, or not to its end.
    void (*on_problem)(void *arg, size_t source, const char *why);
};

// Reads all sources. One that is damaged, or that ends its reader, is told by `on_problem`; the
// others are read all the same. OV_OK; OV_MEMORY; OV_SYSTEM or OV_PEER: the caged process cannot be
// started at all, and `ret_reason` says why.
enum ov_status ov_survey_run(const struct ov_survey_request *request,
                             char ret_reason[OV_SURVEY_REASON_BYTES]);
