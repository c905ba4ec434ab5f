// SPDX-License-Identifier: Apache-2.0
// Has the sources that `overt rules` was given read in a caged process, and prints its text.
#include "cmd/rules_common.h"

#include "base/printable.h"
#include "base/say.h"
#include "catalog/folder.h"
#include "cmd/rules_feeds.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static enum ov_status say_failure(const char *source, enum ov_status status, int error) {
    switch (status) {
    case OV_SYSTEM:
        ov_say_error(source, strerror(error), NULL);
        break;
    case OV_UNSUPPORTED:
        ov_say_error(source, "no rule language has files of this name",
                     "known endings: .cvd .cld .hdb .hsb .mdb .msb .imp .fp .sfp .ndb .ldb .ign2");
        break;
    case OV_LIMIT:
        ov_say_error(source, "the rules need more memory than they may have", NULL);
        break;
    default:
        ov_say_error(source, ov_status_text(status), NULL);
        break;
    }
    return status;
}

// ---- sources ----------------------------------------------------------------------------------

// The files of all active sets, and the local ones.
static enum ov_status add_installed(struct ov_sources *sources) {
    static struct ov_feeds_session session;
    struct ov_feeds_options options = {.is_quiet = true};
    enum ov_status status = ov_feeds_open(&options, false, &session);
    if (status == OV_OK) {
        status = ov_active_add_sources(session.path, &session.active, sources);
        int error = errno;
        ov_feeds_close(&session);
        return status == OV_OK ? OV_OK : say_failure(session.path, status, error);
    }
    if (status == OV_END) {
        ov_say_error("rules", "none are installed", "name a file or folder of rules");
    }
    return status;
}

static enum ov_status add_source(struct ov_sources *sources, const char *path) {
    size_t before = sources->count;
    enum ov_status status = ov_sources_add(sources, path);
    bool is_file = status == OV_OK && sources->count > before && !sources->items[before].is_member;
    if (is_file && !ov_rule_file_is_known(path)) {
        status = OV_UNSUPPORTED;
    }
    return status == OV_OK ? OV_OK : say_failure(path, status, errno);
}

static enum ov_status add_all(struct ov_sources *sources, char *const *paths, int count) {
    if (count == 0) {
        return add_installed(sources);
    }
    for (int i = 0; i < count; i++) {
        TRY(add_source(sources, paths[i]));
    }
    return OV_OK;
}

// ---- the builder ------------------------------------------------------------------------------

static void end_progress(const struct ov_rules_work *work) {
    if (work->on_end != NULL) {
        work->on_end(work->arg);
    }
}

static void note_stage(void *arg, struct ov_span stage, unsigned percent) {
    const struct ov_rules_work *work = arg;
    if (work->on_stage != NULL) {
        work->on_stage(work->arg, stage, percent);
    }
}

// A hijacked builder says what it likes: nothing of it drives the terminal.
static void print_text(void *arg, struct ov_span text) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    end_progress(arg);
    ov_printable_add_lines(&out, text);
    (void)fwrite(out.data, 1, out.size, stdout);
}

static enum ov_status say_result(const struct ov_rules_work *work, const struct ov_sources *sources,
                                 const struct ov_rules_result *result) {
    const char *source =
        result->source < sources->count ? sources->items[result->source].path : "rules";
    switch (result->end) {
    case OV_RULES_DONE:
        return OV_OK;
    case OV_RULES_START:
        ov_say_error("rules", result->reason, NULL);
        break;
    case OV_RULES_SOURCE:
        return say_failure(source, result->status, result->error);
    case OV_RULES_BUILDING:
        ov_say_error(
            work->options->output != NULL ? work->options->output : "rules",
            work->image >= 0 ? "the image could not be built" : "the report could not be written",
            result->status == OV_SYSTEM ? strerror(result->error) : ov_status_text(result->status));
        break;
    case OV_RULES_DIED:
        ov_say_error(source, result->reason, "leave out the rules that it died of");
        break;
    }
    return result->status;
}

enum ov_status ov_rules_work(const struct ov_rules_work *work, char *const *sources,
                             int source_count, struct ov_rules_result *ret_result) {
    OV_CLEANUP(ov_sources_release) struct ov_sources list = {0};
    TRY(add_all(&list, sources, source_count));
    struct ov_rules_request request = {
        .words = work->words,
        .sources = &list,
        .image = work->image,
        .arg = (void *)(uintptr_t)work,
        .on_text = print_text,
        .on_stage = note_stage,
    };
    request.words.with_pua = work->options->with_pua;
    request.words.is_json = work->options->is_json;
    request.words.is_strict = work->options->is_strict;
    ov_rules_run(&request, ret_result);
    end_progress(work);
    return say_result(work, &list, ret_result);
}
