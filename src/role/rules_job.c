// SPDX-License-Identifier: Apache-2.0
// The broker's side of a builder: hands it sources, takes its words, tells how it ended.
#include "role/rules_job.h"

#include "base/buf.h"
#include "base/fd.h"
#include "role/child.h"
#include "wire/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { END_MS = 5000 }; // for a builder that has said its last word, and has memory to give back

struct run {
    const struct ov_rules_request *request;
    struct ov_rules_result *result;
    struct ov_child child;
    struct ov_buf out;
};

static enum ov_status fail(struct run *run, enum ov_rules_end end, enum ov_status status) {
    run->result->end = end;
    run->result->status = status;
    run->result->error = status == OV_SYSTEM ? errno : 0;
    return status;
}

// ---- start ------------------------------------------------------------------------------------

static enum ov_status start(struct run *run) {
    struct ov_rules_result *result = run->result;
    const int passed[OV_CHILD_PASSED_MAX] = {run->request->image, -1};
    OV_AUTO_FD program = -1;
    enum ov_status status = ov_child_program(NULL, &program, result->reason, sizeof result->reason);
    if (status == OV_OK) {
        status = ov_child_start(OV_ROLE_BUILDER, program, passed, &run->child);
        // Sources may be sent faster than they are taken: wait for it.
        bool is_ready = status == OV_OK && fcntl(run->child.channel, F_SETFL, 0) == 0;
        status = status == OV_OK && !is_ready ? OV_SYSTEM : status;
        if (status != OV_OK) {
            (void)snprintf(result->reason, sizeof result->reason, "%s", strerror(errno));
        }
    }
    return status == OV_OK ? OV_OK : fail(run, OV_RULES_START, status);
}

// ---- sources ----------------------------------------------------------------------------------

// Opens a regular file; OV_UNSUPPORTED when it is another thing.
static enum ov_status open_source(const struct ov_source *source, int *ret_fd) {
    struct stat info;
    OV_AUTO_FD fd = source->fd != NULL
                        ? fcntl(*source->fd, F_DUPFD_CLOEXEC, 0)
                        : open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &info) != 0) {
        return OV_SYSTEM;
    }
    if (!S_ISREG(info.st_mode)) {
        return OV_UNSUPPORTED;
    }
    *ret_fd = fd;
    fd = -1;
    return OV_OK;
}

static enum ov_status send_source(struct run *run, size_t index) {
    const struct ov_source *source = &run->request->sources->items[index];
    OV_AUTO_FD fd = -1;
    enum ov_status status = open_source(source, &fd);
    if (status != OV_OK && !source->is_member) {
        run->result->source = index;
        return fail(run, OV_RULES_SOURCE, status);
    }
    struct ov_wire_source message = {
        .has_bytes = status == OV_OK,
        .is_member = source->is_member,
        .is_new = source->is_new,
        .kind = source->kind,
        .error = status == OV_SYSTEM ? (uint32_t)errno : 0,
        .path = ov_span_text(source->name != NULL ? source->name : source->path),
    };
    ov_wire_source_encode(&message, &run->out);
    TRY(ov_buf_status(&run->out));
    return ov_channel_send(run->child.channel, ov_buf_span(&run->out), &fd, fd >= 0 ? 1 : 0);
}

// OV_PEER when the builder is gone already; that is told when its end is looked at.
static enum ov_status send_all(struct run *run) {
    struct ov_wire_request words = run->request->words;
    words.source_count = (uint32_t)run->request->sources->count;
    ov_wire_request_encode(&words, &run->out);
    TRY(ov_buf_status(&run->out));
    TRY(ov_channel_send(run->child.channel, ov_buf_span(&run->out), NULL, 0));
    for (size_t i = 0; i < words.source_count; i++) {
        TRY(send_source(run, i));
    }
    return OV_OK;
}

// ---- reports ----------------------------------------------------------------------------------

static void take_end(struct ov_rules_result *result, const struct ov_wire_report *report) {
    static const enum ov_rules_end ends[] = {
        [OV_WIRE_END_DONE] = OV_RULES_DONE,
        [OV_WIRE_END_READING] = OV_RULES_SOURCE,
        [OV_WIRE_END_BUILDING] = OV_RULES_BUILDING,
    };
    result->end = ends[report->number];
    result->status = report->status;
    result->error = (int)report->error;
    result->rule_count = report->rule_count;
    result->fault_count = report->fault_count;
    result->skip_count = report->skip_count;
    result->shown_count = report->shown_count;
}

// Gives OV_END after the last report.
static enum ov_status take_report(struct run *run, const struct ov_wire_report *report) {
    const struct ov_rules_request *request = run->request;
    switch (report->kind) {
    case OV_WIRE_REPORT_CAGED:
        ov_child_ready(&run->child, report->number);
        return OV_OK;
    case OV_WIRE_REPORT_READING:
        run->result->source = report->number;
        run->result->is_reading = true;
        if (request->on_reading != NULL) {
            request->on_reading(request->arg, report->number);
        }
        return OV_OK;
    case OV_WIRE_REPORT_STAGE:
        run->result->is_reading = false;
        if (request->on_stage != NULL) {
            request->on_stage(request->arg, report->text, report->number);
        }
        return OV_OK;
    case OV_WIRE_REPORT_PROBLEM:
        if (request->on_problem != NULL) {
            request->on_problem(request->arg, report->text);
        }
        return OV_OK;
    case OV_WIRE_REPORT_DATABASE:
        run->result->database = report->database;
        run->result->has_database = true;
        return OV_OK;
    case OV_WIRE_REPORT_TEXT:
        run->result->is_reading = false;
        if (request->on_text != NULL) {
            request->on_text(request->arg, report->text);
        }
        return OV_OK;
    case OV_WIRE_REPORT_ROOT:
        memcpy(run->result->root, report->text.data, sizeof run->result->root);
        run->result->has_root = true;
        return OV_OK;
    default:
        take_end(run->result, report);
        return OV_END;
    }
}

// Takes reports until the last one. OV_PEER when the builder is gone before it, OV_INVALID when it
// said what no builder says.
static enum ov_status take_all(struct run *run) {
    static uint8_t message[OV_WIRE_RULES_MESSAGE_MAX];
    enum ov_status status = OV_OK;
    while (status == OV_OK) {
        struct pollfd wait = {.fd = run->child.channel, .events = POLLIN};
        struct ov_wire_report report;
        size_t size = 0;
        (void)poll(&wait, 1, -1);
        status = ov_channel_receive(run->child.channel, message, sizeof message, &size);
        if (status == OV_OK) {
            struct ov_span bytes = ov_span_make(message, size);
            bool is_sound = ov_wire_report_decode(bytes, (uint32_t)run->request->sources->count,
                                                  &report) == OV_OK;
            status = is_sound ? take_report(run, &report) : OV_INVALID;
            continue;
        }
        status = status == OV_END ? OV_OK : status; // nothing there yet
    }
    return status;
}

// ---- end --------------------------------------------------------------------------------------

static void explain_death(struct ov_rules_result *result, int end) {
    const char *why = "it broke the protocol";
    if (end >= 0 && WIFSIGNALED(end)) {
        why = strsignal(WTERMSIG(end));
    } else if (end >= 0 && WIFEXITED(end) && WEXITSTATUS(end) == 127) {
        why = "it could not be started";
    } else if (end >= 0) {
        why = "it ended without a word";
    }
    const char *work = result->is_reading ? "was reading it" : "reads rules";
    result->end = OV_RULES_DIED;
    result->status = OV_PEER;
    (void)snprintf(result->reason, sizeof result->reason, "the caged process that %s died: %s",
                   work, why);
    if (!result->is_reading) {
        result->source = SIZE_MAX;
    }
}

void ov_rules_run(const struct ov_rules_request *request, struct ov_rules_result *ret_result) {
    *ret_result = (struct ov_rules_result){.source = SIZE_MAX};
    struct run run = {.request = request, .result = ret_result};
    if (start(&run) != OV_OK) {
        return;
    }
    enum ov_status sent = send_all(&run);
    // A source that cannot be opened ends it all.
    bool is_given_up = sent != OV_OK && sent != OV_PEER;
    if (is_given_up && ret_result->end == OV_RULES_DONE) {
        (void)fail(&run, OV_RULES_BUILDING, sent);
    }
    enum ov_status taken = is_given_up ? OV_END : take_all(&run);
    ov_child_end(&run.child, taken == OV_INVALID || is_given_up ? 0 : END_MS);
    if (taken == OV_PEER || taken == OV_INVALID) {
        explain_death(ret_result, taken == OV_INVALID ? -1 : run.child.end);
    }
    ov_buf_release(&run.out);
}
