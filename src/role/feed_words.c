// SPDX-License-Identifier: Apache-2.0
// From sources to databases, updates, signatures and certificates.
#include "role/feed_words.h"

#include "rules/feed/patch.h"
#include "rules/feed/verify.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const size_t UNPACKED_MAX = (size_t)2 << 30; // today's largest, unpacked, is 0.4 GB

struct work {
    const struct ov_wire_request *request;
    const struct ov_feed_source *sources;
    struct ov_database_report *report;
    struct ov_feed_policy policy;
    struct ov_feed_anchors *anchors;
    struct ov_feed_file *files; // the sources that are worked on, each with its .sign file
    uint32_t *places;           // of these in the request
    uint32_t file_count;
};

static bool is_local(const char *path) {
    size_t size = strlen(path);
    return size >= 4 && strcmp(path + size - 4, ".cld") == 0;
}

static enum ov_status take_certificate(struct work *work, uint32_t place) {
    enum ov_status status = ov_feed_anchors_add(work->sources[place].bytes, &work->anchors);
    if (status == OV_DAMAGED || status == OV_LIMIT) {
        work->report->refusal = OV_DATABASE_BAD_CERTIFICATE;
        work->report->source = place;
        return OV_DAMAGED;
    }
    return status;
}

static enum ov_status take_source(struct work *work, uint32_t place) {
    const struct ov_feed_source *source = &work->sources[place];
    if (source->kind == OV_WIRE_SOURCE_CERTIFICATE) {
        return take_certificate(work, place);
    }
    if (source->kind == OV_WIRE_SOURCE_MAIN) {
        work->places[work->file_count] = place;
        work->files[work->file_count++] =
            (struct ov_feed_file){.bytes = source->bytes, .is_local = is_local(source->path)};
        return OV_OK;
    }
    struct ov_feed_file *file = work->file_count > 0 ? &work->files[work->file_count - 1] : NULL;
    if (file == NULL || file->has_sign) {
        return OV_INVALID;
    }
    file->sign = source->bytes;
    file->has_sign = true;
    return OV_OK;
}

static enum ov_status take_sources(struct work *work) {
    size_t count = work->request->source_count;
    work->files = calloc(count + 1, sizeof *work->files);
    work->places = calloc(count + 1, sizeof *work->places);
    if (work->files == NULL || work->places == NULL) {
        return OV_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        TRY(take_source(work, i));
    }
    work->policy = (struct ov_feed_policy){.keys = ov_feed_vendor_keys(),
                                           .anchors = work->anchors,
                                           .is_sign_demanded = work->request->is_sign_demanded,
                                           .most_bytes = UNPACKED_MAX,
                                           .now = (int64_t)time(NULL)};
    return OV_OK;
}

// The file that is refused, by its place in the request.
static enum ov_status tell_place(struct work *work, enum ov_status status, uint32_t file) {
    if (status == OV_DAMAGED) {
        work->report->source = work->places[file];
    }
    return status;
}

static enum ov_status verify(struct work *work) {
    struct ov_feed_database database;
    if (work->file_count != 1) {
        return OV_INVALID;
    }
    TRY(tell_place(
        work, ov_feed_file_verify(&work->files[0], &work->policy, work->report, &database), 0));
    ov_feed_database_release(&database);
    return OV_OK;
}

static enum ov_status patch(struct work *work, struct ov_buf *image) {
    if (work->file_count < 2) {
        return OV_INVALID;
    }
    struct ov_feed_patch patch = {.files = work->files, .file_count = work->file_count};
    enum ov_status status = ov_feed_patch(&patch, &work->policy, work->report, image);
    return tell_place(work, status, patch.at);
}

// A refusal tells no more than what is refused.
static void strip_report(struct ov_database_report *report) {
    *report = (struct ov_database_report){
        .refusal = report->refusal, .source = report->source, .line = report->line};
}

enum ov_status ov_feed_work(const struct ov_wire_request *request,
                            const struct ov_feed_source *sources,
                            struct ov_database_report *ret_report, struct ov_buf *image) {
    struct ov_database_report report = {0};
    struct work work = {.request = request, .sources = sources, .report = &report};
    enum ov_status status = take_sources(&work);
    if (status == OV_OK) {
        status = request->word == OV_WIRE_WORD_VERIFY ? verify(&work) : patch(&work, image);
    }
    ov_feed_anchors_free(work.anchors);
    free(work.files);
    free(work.places);
    if (status == OV_DAMAGED) {
        strip_report(&report);
    }
    if (status == OV_OK || status == OV_DAMAGED) {
        *ret_report = report;
    }
    return status;
}
