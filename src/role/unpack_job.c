// SPDX-License-Identifier: Apache-2.0
// The request to unpack, and its end in words.
#include "role/unpack_job.h"

#include "role/rules_job.h"

#include <stdio.h>
#include <string.h>

// Two names that are files, whatever stands there: a folder is not read as its members.
static struct ov_sources list_sources(const struct ov_unpack_request *request,
                                      struct ov_source items[2]) {
    items[0].path = (char *)(uintptr_t)request->packed; // read only
    items[1].path = (char *)(uintptr_t)request->prefix;
    return (struct ov_sources){.items = items, .count = request->prefix != NULL ? 2 : 1};
}

static enum ov_status explain(const struct ov_unpack_request *request,
                              const struct ov_rules_result *result,
                              char ret_reason[OV_UNPACK_REASON_BYTES]) {
    const char *path = result->source == 1 ? request->prefix : request->packed;
    const char *why = ov_status_text(result->status);
    if (result->end == OV_RULES_START || result->end == OV_RULES_DIED) {
        why = result->reason;
    } else if (result->status == OV_SYSTEM) {
        why = strerror(result->error);
    } else if (result->status == OV_LIMIT) {
        why = "unpacks to more than is allowed";
    } else if (result->status == OV_DAMAGED) {
        why = "no whole zstd frame, or packed against another file";
    }
    (void)snprintf(ret_reason, OV_UNPACK_REASON_BYTES, "%.150s: %.100s", path, why);
    return result->status;
}

enum ov_status ov_unpack_run(const struct ov_unpack_request *request,
                             char ret_reason[OV_UNPACK_REASON_BYTES]) {
    struct ov_source items[2] = {0};
    struct ov_sources sources = list_sources(request, items);
    struct ov_rules_result result;
    struct ov_rules_request words = {
        .words = {.word = OV_WIRE_WORD_UNPACK, .most_bytes = request->most_bytes},
        .sources = &sources,
        .image = request->out,
    };
    ov_rules_run(&words, &result);
    return result.end == OV_RULES_DONE ? OV_OK : explain(request, &result, ret_reason);
}
