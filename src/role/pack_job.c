// SPDX-License-Identifier: Apache-2.0
// The requests to pack and to unpack, and their ends in words.
#include "role/pack_job.h"

#include "role/rules_job.h"

#include <stdio.h>
#include <string.h>

static char in_name[] = "the file";
static char dictionary_name[] = "the file that it is packed against";

static const char *choose_reason(const struct ov_rules_result *result) {
    if (result->end == OV_RULES_START || result->end == OV_RULES_DIED) {
        return result->reason;
    }
    switch (result->status) {
    case OV_SYSTEM:
        return strerror(result->error);
    case OV_UNSUPPORTED:
        return "no regular file";
    case OV_LIMIT:
        return "larger than is allowed";
    case OV_DAMAGED:
        return "no whole zstd frame, or packed against another file";
    default:
        return ov_status_text(result->status);
    }
}

static enum ov_status ask(const struct ov_wire_request *words, const int fds[2], int out,
                          char ret_reason[OV_PACK_REASON_BYTES]) {
    struct ov_source items[2] = {{.path = in_name, .fd = &fds[0]},
                                 {.path = dictionary_name, .fd = &fds[1]}};
    struct ov_sources sources = {.items = items, .count = fds[1] >= 0 ? 2 : 1};
    struct ov_rules_request request = {.words = *words, .sources = &sources, .image = out};
    struct ov_rules_result result;
    ov_rules_run(&request, &result);
    if (result.end != OV_RULES_DONE) {
        (void)snprintf(ret_reason, OV_PACK_REASON_BYTES, "%s: %.200s",
                       result.source == 1 ? dictionary_name : in_name, choose_reason(&result));
        return result.status;
    }
    return OV_OK;
}

enum ov_status ov_pack_run(int in, int dictionary, int out, char ret_reason[OV_PACK_REASON_BYTES]) {
    struct ov_wire_request words = {.word = OV_WIRE_WORD_PACK};
    return ask(&words, (const int[2]){in, dictionary}, out, ret_reason);
}

enum ov_status ov_pack_undo(int in, int dictionary, uint64_t most_bytes, int out,
                            char ret_reason[OV_PACK_REASON_BYTES]) {
    struct ov_wire_request words = {.word = OV_WIRE_WORD_UNPACK, .most_bytes = most_bytes};
    return ask(&words, (const int[2]){in, dictionary}, out, ret_reason);
}
