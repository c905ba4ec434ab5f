// SPDX-License-Identifier: Apache-2.0
// A trace comes from strangers: a caged fork reads it, and what it says comes back as one text.
//
// A fork that was taken over by a trace could say what is false, and do nothing else: it can open
// nothing and send nothing. A terminal gets no control characters from it, and a browser no script:
// the first lines of a page, with the policy that forbids all that is not in it, are written here,
// and a page with any other element than ours is thrown away.
#include "cmd/watch_report.h"

#include "base/durable.h"
#include "base/fd.h"
#include "base/hex.h"
#include "base/printable.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/log_store.h"
#include "role/caged.h"
#include "trace/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PAGE_MODE = 0644 };
#define ARENA_BYTES_MAX ((size_t)640 << 20) // of the caged process's 1 GiB; the rest is its text
enum { CODE_TOO_LARGE = 100 };

struct work {
    const struct ov_watch_report *asked;
    struct ov_span bytes;
};

// ---- in the cage --------------------------------------------------------------------------------

static int judge_trace(const struct ov_trace_model *model) {
    if (model->check.verdict == OV_TRACE_BAD) {
        return OV_EXIT_FOUND;
    }
    return model->is_complete ? OV_EXIT_NOTHING : OV_EXIT_INCOMPLETE;
}

// Whether the trace is the one that the recorder told of at its end.
static bool is_expected(const struct work *work, const struct ov_trace_model *model) {
    char chain[2 * OV_SHA256_BYTES + 1];
    ov_hex_write(ov_span_make(model->check.chain, OV_SHA256_BYTES), chain);
    return work->asked->chain == NULL || strcasecmp(work->asked->chain, chain) == 0;
}

static int tell_check(const struct work *work, const struct ov_trace_model *model,
                      struct ov_buf *out) {
    if (work->asked->is_json) {
        ov_trace_check_add_json(model, out);
    } else {
        ov_trace_check_add_text(model, out);
    }
    if (!is_expected(work, model)) {
        if (!work->asked->is_json) { // there the chain itself says so, and the exit status
            ov_buf_add_text(out, "expected  another chain: this is not the trace that is meant\n");
        }
        return OV_EXIT_FOUND;
    }
    return judge_trace(model);
}

static int tell_report(const struct work *work, const struct ov_trace_model *model,
                       struct ov_arena *arena, struct ov_buf *out) {
    struct ov_trace_report report;
    if (ov_trace_report_build(model, arena, &report) != OV_OK) {
        return CODE_TOO_LARGE;
    }
    if (work->asked->html != NULL) {
        ov_trace_report_add_html(&report, out);
    } else if (work->asked->is_json) {
        ov_trace_report_add_json(&report, out);
    } else {
        ov_trace_report_add_text(&report, out);
    }
    return report.finding_count > 0 ? OV_EXIT_FOUND : judge_trace(model);
}

static int run_caged(void *arg, struct ov_buf *out) {
    const struct work *work = arg;
    OV_CLEANUP(ov_arena_release) struct ov_arena arena;
    struct ov_trace_model model;
    ov_arena_init(&arena, ARENA_BYTES_MAX);
    if (ov_trace_model_build(work->bytes, &arena, &model) != OV_OK) {
        return CODE_TOO_LARGE;
    }
    return work->asked->is_check ? tell_check(work, &model, out)
                                 : tell_report(work, &model, &arena, out);
}

// ---- outside ------------------------------------------------------------------------------------

static int write_page(const struct ov_watch_report *asked, struct ov_span text, int code) {
    OV_CLEANUP(ov_buf_release) struct ov_buf page = {0};
    if (!ov_trace_page_is_ours(text)) {
        ov_say_error(asked->trace, "the caged process that reads it gave a page that is not ours",
                     NULL);
        return OV_EXIT_ERROR;
    }
    ov_buf_add_text(&page, ov_trace_page_head);
    ov_buf_add(&page, text.data, text.size);
    if (ov_buf_status(&page) != OV_OK ||
        ov_durable_write(AT_FDCWD, asked->html, ov_buf_span(&page), PAGE_MODE) != OV_OK) {
        ov_say_error(asked->html, errno != 0 ? strerror(errno) : "could not be written", NULL);
        return OV_EXIT_ERROR;
    }
    return code;
}

static int print_lines(struct ov_span text, int code) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    ov_printable_add_lines(&out, text);
    return ov_log_print(&out) == OV_EXIT_NOTHING ? code : OV_EXIT_ERROR;
}

static int ask(struct work *work) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    const struct ov_watch_report *asked = work->asked;
    int code = OV_EXIT_ERROR;
    (void)fflush(NULL);
    const struct ov_caged_work job = {
        .role = OV_ROLE_AUDITOR, .mapped_bytes = work->bytes.size, .tell = run_caged, .arg = work};
    enum ov_status status = ov_caged_run(&job, &text, &code);
    if (status != OV_OK) {
        ov_say_error(asked->trace,
                     status == OV_PEER ? "the caged process that reads it died" : strerror(errno),
                     NULL);
        return OV_EXIT_ERROR;
    }
    if (code != OV_EXIT_NOTHING && code != OV_EXIT_FOUND && code != OV_EXIT_INCOMPLETE) {
        ov_say_error(asked->trace, "is too large for the memory that a report may take", NULL);
        return OV_EXIT_ERROR;
    }
    return asked->html != NULL ? write_page(asked, ov_buf_span(&text), code)
                               : print_lines(ov_buf_span(&text), code);
}

int ov_watch_report_run(const struct ov_watch_report *asked) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    errno = 0;
    if (ov_file_map_open(asked->trace, &map) != OV_OK) {
        ov_say_error(asked->trace, errno != 0 ? strerror(errno) : "is no file", NULL);
        return OV_EXIT_ERROR;
    }
    struct work work = {.asked = asked, .bytes = map.bytes};
    return ask(&work);
}
