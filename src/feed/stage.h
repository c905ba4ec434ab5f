// SPDX-License-Identifier: Apache-2.0
//
// Bringing a feed's files here: from a web server, by a process that can do nothing else, or from a
// folder such as a mounted stick. What is brought is unchecked, and nobody can change it any more.
#pragma once

#include "base/fd.h"
#include "base/status.h"
#include "role/fetch_job.h"

enum { OV_STAGE_REASON_BYTES = OV_FETCH_REASON_BYTES };

struct ov_stage_request {
    const char *source; // an http or https URL, or the absolute path of a folder
    const char *folder; // where the files may be kept meanwhile
    const struct ov_fetch_get *wants;
    size_t want_count;
    uint32_t deadline_ms; // 0: a deadline by size
    const char *proxy;    // as in role/fetch_job.h
};

// Open files, in the order of the wants; -1 for one that may be missing and is.
struct ov_stage {
    int *fds;
    size_t count;
    uint64_t bytes;          // of all together
    uint32_t missing_layers; // OV_CAGE() bits that the fetcher should have had and had not
};

// Brings all of them. OV_OK, or `ret_reason` (OV_STAGE_REASON_BYTES) says why not: statuses as
// ov_fetch_run.
enum ov_status ov_stage_open(const struct ov_stage_request *request, struct ov_stage *ret_stage,
                             char *ret_reason);
void ov_stage_close(struct ov_stage *stage);

// Whether a source is a folder rather than a server.
bool ov_stage_is_folder(const char *source);
