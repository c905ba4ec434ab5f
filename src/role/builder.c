// SPDX-License-Identifier: Apache-2.0
// The builder: a forked child that reads rule sources and writes an image, with nothing else in
// reach.
#include "role/scan_job.h"

#include "base/buf.h"
#include "role/roles.h"
#include "role/sources.h"
#include "rules/emit.h"
#include "rules/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// What stands before each line of the report.
enum { SAYS_PROBLEM = 'P', SAYS_STAGE = 'S', SAYS_REASON = 'R', SAYS_DONE = 'D' };

enum {
    REPORT = 3, // descriptors of the child
    IMAGE = 4,
    DESCRIPTORS = 5,
    LINE_BYTES = 1024,
};

// ---- in the cage ------------------------------------------------------------------------------

// One line of the report; line ends inside are replaced, so that a line stays one.
static void say(char kind, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(char kind, const char *format, ...) {
    char line[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line + 1, sizeof line - 2, format, arguments);
    va_end(arguments);
    size_t used = size < 0 ? 0 : (size_t)size;
    used = used < sizeof line - 3 ? used : sizeof line - 3;
    for (size_t i = 1; i <= used; i++) {
        line[i] = line[i] == '\n' ? ' ' : line[i];
    }
    line[0] = kind;
    line[used + 1] = '\n';
    (void)!ov_fd_write_all(REPORT, ov_span_make(line, used + 2));
}

static void say_progress(void *arg, const char *stage, unsigned percent) {
    (void)arg;
    say(SAYS_STAGE, "%u %s", percent, stage);
}

static void say_problems(const struct ov_ruleset *set) {
    for (size_t i = 0; i < set->problem_count; i++) {
        const struct ov_rule_problem *problem = &set->problems[i];
        if (!problem->is_skip) {
            say(SAYS_PROBLEM, "%s:%u: %s", set->files[problem->place.file].path,
                problem->place.line, problem->reason);
        }
    }
}

static enum ov_status load(struct ov_ruleset *set, struct ov_sources *sources) {
    size_t loaded = 0;
    ov_sources_drop_superseded(sources);
    for (size_t i = 0; i < sources->count; i++) {
        const struct ov_source *source = &sources->items[i];
        if (source->path[0] == '\0') {
            continue;
        }
        if (source->error != 0) {
            say(SAYS_PROBLEM, "%s: cannot be read: %s", source->path, strerror(source->error));
            continue;
        }
        say_progress(NULL, "reading", (unsigned)(i * 100 / sources->count));
        enum ov_status status = ov_ruleset_load_bytes(set, source->path, source->map.bytes, false);
        if (status != OV_OK && status != OV_UNSUPPORTED) {
            return status;
        }
        loaded += status == OV_OK;
    }
    return loaded > 0 ? OV_OK : OV_UNSUPPORTED;
}

static enum ov_status build(struct ov_sources *sources, bool with_pua) {
    struct ov_ruleset_options options = {.with_pua = with_pua};
    struct ov_build_options build_options = {.progress = say_progress};
    struct ov_build_report report = {0};
    struct ov_ruleset *set;
    struct ov_buf image = {0};
    TRY(ov_ruleset_new(&options, &set));
    TRY(load(set, sources));
    say_problems(set);
    if (set->rule_count == 0 && set->hash_count == 0) {
        return OV_END;
    }
    TRY(ov_image_build(set, &build_options, &image, &report));
    return ov_fd_write_all(IMAGE, ov_buf_span(&image));
}

static const char *explain(enum ov_status status) {
    switch (status) {
    case OV_END:
        return "no rule in it could be read";
    case OV_UNSUPPORTED:
        return "no file of a known rule language in it";
    case OV_MEMORY:
    case OV_LIMIT:
        return "the rules need more memory than a builder may have";
    default:
        return ov_status_text(status);
    }
}

// Two descriptors that must not stand on each other's place are moved to 3 and 4.
static bool place_descriptors(int report, int image) {
    int high_report = fcntl(report, F_DUPFD, DESCRIPTORS);
    int high_image = fcntl(image, F_DUPFD, DESCRIPTORS);
    return dup2(high_report, REPORT) == REPORT && dup2(high_image, IMAGE) == IMAGE;
}

static _Noreturn void run_child(const struct ov_build_request *request, struct ov_sources *sources,
                                int report, int image) {
    struct ov_cage_spec spec = ov_role_cage(OV_ROLE_BUILDER);
    struct ov_cage_report cage;
    if (!place_descriptors(report, image)) {
        _exit(1);
    }
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGPIPE, SIG_IGN);
    spec.outputs[0] = REPORT;
    spec.outputs[1] = IMAGE;
    spec.descriptors_below = DESCRIPTORS;
    for (size_t i = 0; i < sources->count; i++) {
        spec.mapped_bytes += sources->items[i].map.bytes.size;
    }
    ov_cage_enter(&spec, &cage);
    enum ov_status status = build(sources, request->with_pua);
    if (status == OV_OK) {
        say(SAYS_DONE, "%s", "");
    } else {
        say(SAYS_REASON, "%s", explain(status));
    }
    _exit(0);
}

// ---- outside ----------------------------------------------------------------------------------

struct report {
    const struct ov_build_request *request;
    char *reason; // OV_SCAN_REASON_BYTES
    bool is_done;
};

static void take_stage(const struct ov_build_request *request, struct ov_span line) {
    unsigned percent = 0;
    size_t at = 0;
    for (; at < line.size && line.data[at] >= '0' && line.data[at] <= '9' && at < 3; at++) {
        percent = percent * 10 + line.data[at] - '0';
    }
    if (request->on_progress != NULL) {
        request->on_progress(request->arg, ov_span_part(line, at + 1, line.size),
                             percent <= 100 ? percent : 100);
    }
}

static void take_line(struct report *report, struct ov_span line) {
    struct ov_span text = ov_span_part(line, 1, line.size);
    switch (line.size > 0 ? line.data[0] : 0) {
    case SAYS_PROBLEM:
        if (report->request->on_problem != NULL) {
            report->request->on_problem(report->request->arg, text);
        }
        break;
    case SAYS_STAGE:
        take_stage(report->request, text);
        break;
    case SAYS_REASON:
        (void)snprintf(report->reason, OV_SCAN_REASON_BYTES, "%.*s", (int)text.size,
                       (const char *)text.data);
        break;
    case SAYS_DONE:
        report->is_done = true;
        break;
    default:
        break;
    }
}

static void read_report(int pipe_end, struct report *report) {
    uint8_t buffer[4 * LINE_BYTES];
    size_t held = 0;
    while (true) {
        ssize_t count = read(pipe_end, buffer + held, sizeof buffer - held);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return;
        }
        struct ov_span rest = ov_span_make(buffer, held + (size_t)count);
        size_t end = ov_span_find(rest, 0, '\n');
        while (end < rest.size) {
            take_line(report, ov_span_part(rest, 0, end));
            rest = ov_span_part(rest, end + 1, rest.size);
            end = ov_span_find(rest, 0, '\n');
        }
        held = rest.size < sizeof buffer ? rest.size : 0; // a line longer than any: not ours
        memmove(buffer, rest.data, held);
    }
}

static enum ov_status run_builder(const struct ov_build_request *request,
                                  struct ov_sources *sources, int image,
                                  char ret_reason[OV_SCAN_REASON_BYTES]) {
    int ends[2];
    int pidfd = -1;
    struct report report = {.request = request, .reason = ret_reason};
    (void)snprintf(ret_reason, OV_SCAN_REASON_BYTES, "the builder process died");
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return OV_SYSTEM;
    }
    pid_t pid = ov_cage_spawn(ov_role_get(OV_ROLE_BUILDER)->layers, &pidfd);
    if (pid == 0) {
        run_child(request, sources, ends[1], image);
    }
    (void)close(ends[1]);
    if (pid > 0) {
        read_report(ends[0], &report);
        (void)waitpid(pid, NULL, 0);
    }
    (void)close(ends[0]);
    ov_fd_close(&pidfd);
    return report.is_done ? OV_OK : OV_DAMAGED;
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

enum ov_status ov_scan_image_build(const struct ov_build_request *request,
                                   struct ov_scan_image *ret_image,
                                   char ret_reason[OV_SCAN_REASON_BYTES]) {
    OV_CLEANUP(ov_sources_release) struct ov_sources sources = {0};
    OV_AUTO_FD image = memfd_create("overt-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (image < 0) {
        (void)snprintf(ret_reason, OV_SCAN_REASON_BYTES, "%s", strerror(errno));
        return OV_SYSTEM;
    }
    TRY(collect(request, &sources, ret_reason));
    TRY(run_builder(request, &sources, image, ret_reason));
    int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    if (fcntl(image, F_ADD_SEALS, seals) != 0) {
        (void)snprintf(ret_reason, OV_SCAN_REASON_BYTES, "%s", strerror(errno));
        return OV_SYSTEM;
    }
    int fd = image;
    image = -1;
    return ov_scan_image_adopt(fd, ret_image, ret_reason);
}
