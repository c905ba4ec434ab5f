// SPDX-License-Identifier: Apache-2.0
// Compiles the rules of a scan in a builder, into memory that is sealed afterwards.
#include "role/scan_job.h"

#include "role/rules_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct build {
    const struct ov_build_request *request;
    size_t source_count;
};

static void note_problem(void *arg, struct ov_span line) {
    const struct build *build = arg;
    if (build->request->on_problem != NULL) {
        build->request->on_problem(build->request->arg, line);
    }
}

static void note_stage(void *arg, struct ov_span stage, unsigned percent) {
    const struct build *build = arg;
    if (build->request->on_progress != NULL) {
        build->request->on_progress(build->request->arg, stage, percent);
    }
}

static void note_reading(void *arg, size_t source) {
    const struct build *build = arg;
    note_stage(arg, ov_span_text("reading"), (unsigned)(source * 100 / build->source_count));
}

static const char *explain_status(const struct ov_rules_result *result) {
    switch (result->status) {
    case OV_END:
        return "no rule in it could be read";
    case OV_UNSUPPORTED:
        return result->end == OV_RULES_SOURCE ? ov_status_text(OV_UNSUPPORTED)
                                              : "no file of a known rule language in it";
    case OV_MEMORY:
    case OV_LIMIT:
        return "the rules need more memory than a builder may have";
    case OV_SYSTEM:
        return strerror(result->error);
    default:
        return ov_status_text(result->status);
    }
}

static enum ov_status explain(const struct ov_rules_result *result,
                              const struct ov_sources *sources,
                              char ret_reason[OV_SCAN_REASON_BYTES]) {
    bool has_words = result->end == OV_RULES_START || result->end == OV_RULES_DIED;
    const char *why = has_words ? result->reason : explain_status(result);
    if (result->source < sources->count && result->end != OV_RULES_BUILDING) {
        (void)snprintf(ret_reason, OV_SCAN_REASON_BYTES, "%.150s: %.100s",
                       sources->items[result->source].path, why);
    } else {
        (void)snprintf(ret_reason, OV_SCAN_REASON_BYTES, "%s", why);
    }
    return result->status == OV_PEER ? OV_DAMAGED : result->status;
}

static enum ov_status collect(const struct ov_build_request *request, struct ov_sources *sources,
                              char ret_reason[OV_SCAN_REASON_BYTES]) {
    for (size_t i = 0; i < request->source_count; i++) {
        enum ov_status status = ov_sources_add(sources, request->sources[i]);
        if (status != OV_OK) {
            (void)snprintf(ret_reason, OV_SCAN_REASON_BYTES, "%.150s: %s", request->sources[i],
                           status == OV_SYSTEM ? strerror(errno) : ov_status_text(status));
            return status;
        }
    }
    return OV_OK;
}

static enum ov_status build(const struct ov_build_request *request, int image,
                            char ret_reason[OV_SCAN_REASON_BYTES]) {
    OV_CLEANUP(ov_sources_release) struct ov_sources sources = {0};
    TRY(collect(request, &sources, ret_reason));
    struct build state = {.request = request, .source_count = sources.count};
    struct ov_rules_result result;
    struct ov_rules_request words = {
        .words = {.word = OV_WIRE_WORD_SCAN, .with_pua = request->with_pua},
        .sources = &sources,
        .image = image,
        .arg = &state,
        .on_problem = note_problem,
        .on_reading = note_reading,
        .on_stage = note_stage,
    };
    ov_rules_run(&words, &result);
    return result.end == OV_RULES_DONE ? OV_OK : explain(&result, &sources, ret_reason);
}

enum ov_status ov_scan_image_build(const struct ov_build_request *request,
                                   struct ov_scan_image *ret_image,
                                   char ret_reason[OV_SCAN_REASON_BYTES]) {
    OV_AUTO_FD image = memfd_create("overt-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (image < 0) {
        (void)snprintf(ret_reason, OV_SCAN_REASON_BYTES, "%s", strerror(errno));
        return OV_SYSTEM;
    }
    TRY(build(request, image, ret_reason));
    int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    if (fcntl(image, F_ADD_SEALS, seals) != 0) {
        (void)snprintf(ret_reason, OV_SCAN_REASON_BYTES, "%s", strerror(errno));
        return OV_SYSTEM;
    }
    int fd = image;
    image = -1;
    return ov_scan_image_adopt(fd, ret_image, ret_reason);
}
