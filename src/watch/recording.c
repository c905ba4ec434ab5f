// SPDX-License-Identifier: Apache-2.0
// Starts what is watched, keeps the recorder's round going, and says how it ended.
#include "watch/recording.h"

#include "base/fd.h"
#include "base/hex.h"
#include "config.h"
#include "watch/audit.h"
#include "watch/ending.h"
#include "watch/envelope.h"
#include "watch/preaccess.h"
#include "watch/selftest.h"
#include "watch/sentinel.h"
#include "watch/targets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 50, BOOT_TEXT_BYTES = 36, EXIT_NOT_STARTED = 127 };

static volatile sig_atomic_t interrupts; // how often somebody asked for the end

static void interrupt(int number) {
    (void)number;
    interrupts = interrupts < 2 ? interrupts + 1 : 2;
}

static uint64_t read_clock(clockid_t clock) {
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct run {
    const struct ov_recording *recording;
    struct ov_recorder *recorder;
    struct ov_trace_writer trace;
    struct ov_recording_result *result;
    pid_t command; // 0: none, or it has ended
    int gate;      // closed when the command may begin
    struct ov_envelope envelope;
    bool has_envelope;      // it is open
    struct ov_group group;  // of a command without an envelope
    struct ov_sentinel own; // over the trace
    struct ov_preaccess preaccess;
    uint64_t end_ns;
    uint64_t drained_ns;
};

static enum ov_status fail(struct run *run, enum ov_status status, const char *what) {
    int error = errno;
    (void)snprintf(run->result->reason, sizeof run->result->reason, "%s: %s", what,
                   status == OV_SYSTEM ? strerror(error) : ov_status_text(status));
    errno = error;
    return status;
}

// ---- the beginning ------------------------------------------------------------------------------

// /proc/sys/kernel/random/boot_id: hex digits with dashes between.
static void read_boot(uint8_t ret_boot[OV_TRACE_BOOT_BYTES]) {
    char text[BOOT_TEXT_BYTES + 1] = {0};
    char digits[2 * OV_TRACE_BOOT_BYTES + 1] = {0};
    size_t count = 0;
    size_t size = 0;
    OV_AUTO_FD fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    memset(ret_boot, 0, OV_TRACE_BOOT_BYTES);
    if (fd < 0 || ov_fd_read_full(fd, text, BOOT_TEXT_BYTES, &size) != OV_OK) {
        return;
    }
    for (size_t i = 0; i < size && count < sizeof digits - 1; i++) {
        if (ov_hex_digit((uint8_t)text[i] | 0x20) >= 0) {
            digits[count++] = text[i];
        }
    }
    (void)ov_hex_read(ov_span_text(digits), ret_boot, OV_TRACE_BOOT_BYTES) /* zeros else */;
}

// Texts as a list; the first ones when there are more than a record holds.
static struct ov_trace_list list_texts(const char *const *texts, size_t count,
                                       struct ov_span *items) {
    size_t kept = count < OV_TRACE_LIST_MAX ? count : OV_TRACE_LIST_MAX;
    for (size_t i = 0; i < kept; i++) {
        items[i] = ov_span_text(texts[i]);
    }
    return (struct ov_trace_list){.items = items, .item_count = kept, .count = count};
}

static enum ov_status write_begin(struct run *run) {
    const struct ov_recording *recording = run->recording;
    struct ov_span words[OV_TRACE_LIST_MAX];
    struct ov_span scopes[OV_TRACE_LIST_MAX];
    struct ov_span owns[OV_TRACE_LIST_MAX];
    struct utsname system;
    size_t count = 0;
    (void)uname(&system);
    while (recording->command != NULL && recording->command[count] != NULL) {
        count++;
    }
    struct ov_trace_begin begin = {
        .version = ov_span_text(OVERT_VERSION),
        .kernel = ov_span_text(system.release),
        .machine = ov_span_text(system.machine),
        .time_ns = read_clock(CLOCK_REALTIME),
        .mono_ns = read_clock(CLOCK_BOOTTIME),
        .page_bytes = (uint32_t)sysconf(_SC_PAGESIZE),
        .drain_ns = (uint64_t)recording->drain_ms * 1000000u,
        .size_max_bytes = recording->size_max_bytes,
        .for_ns = recording->for_ns,
        .target = recording->target,
        .has_envelope = recording->has_envelope,
        .target_name = ov_span_text(recording->name != NULL ? recording->name : ""),
        .scope = list_texts(recording->scopes, recording->scope_count, scopes),
        .own = list_texts(recording->owns, recording->own_count, owns),
        .words = list_texts((const char *const *)recording->command, count, words),
    };
    read_boot(begin.boot);
    return ov_trace_write_begin(&run->trace, &begin);
}

// The command waits behind a pipe, in its envelope, until it is watched. It ends with the recorder;
// all that comes from it is ended by the reaper (watch/group.h).
static _Noreturn void begin_command(struct run *run, int gate, pid_t recorder) {
    char byte;
    bool is_in = !run->has_envelope || ov_envelope_enter(&run->envelope) == OV_OK;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!is_in || read(gate, &byte, 1) != 1 || getppid() != recorder) {
        _exit(EXIT_NOT_STARTED); // the recorder is gone: not without being watched
    }
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    execvp(run->recording->command[0], run->recording->command);
    (void)dprintf(STDERR_FILENO, "overt: %s: %s\n", run->recording->command[0], strerror(errno));
    _exit(EXIT_NOT_STARTED);
}

static enum ov_status start_command(struct run *run) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return fail(run, OV_SYSTEM, "pipe");
    }
    pid_t own = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[1]);
        begin_command(run, ends[0], own);
    }
    (void)close(ends[0]);
    run->gate = ends[1];
    if (pid < 0) {
        return fail(run, OV_SYSTEM, "fork");
    }
    run->command = pid;
    if (run->has_envelope) {
        enum ov_status entered = ov_envelope_await(&run->envelope, pid);
        if (entered != OV_OK) {
            return fail(run, entered, "the envelope");
        }
    } else if (run->group.path[0] == 0 || ov_group_add(&run->group, pid) != OV_OK) {
        (void)fputs(
            "overt: watch: there is no cgroup to be had: what is begun in the very moment in which "
            "the recorder is killed may go on, unwatched\n",
            stderr);
    }
    enum ov_status status = ov_recorder_watch(run->recorder, pid, OV_TRACE_BY_TARGET);
    return status == OV_OK ? OV_OK : fail(run, status, "the command could not be watched");
}

static enum ov_status open_envelope(struct run *run) {
    const struct ov_recording *recording = run->recording;
    const char *files[] = {recording->trace_path, recording->capture_absolute_path, NULL};
    if (!recording->has_envelope) {
        (void)!ov_group_open(false, ov_recorder_list_fd(run->recorder),
                             &run->group) /* told when the command is put into it */;
        return OV_OK;
    }
    run->has_envelope = true;
    ov_recorder_set_denials(run->recorder, &run->envelope.denials);
    const struct ov_envelope_wish wish = {.allowed = recording->allowed,
                                          .capture = &recording->capture,
                                          .files = files,
                                          .processes = ov_recorder_list_fd(run->recorder)};
    enum ov_status status = ov_envelope_open(&wish, &run->trace, &run->envelope);
    return status == OV_OK ? OV_OK : fail(run, status, "the envelope");
}

static enum ov_status watch_target(struct run *run) {
    const struct ov_recording *recording = run->recording;
    for (size_t i = 0; i < recording->canary_count; i++) {
        enum ov_status status = ov_recorder_plant(run->recorder, recording->canaries[i]);
        if (status != OV_OK) {
            return fail(run, status, recording->canaries[i]);
        }
    }
    TRY(ov_preaccess_begin(&run->preaccess, &run->trace));
    if (recording->target == OV_TRACE_OF_COMMAND) {
        TRY(open_envelope(run));
        return start_command(run);
    }
    enum ov_status status = ov_target_watch(run->recorder, recording->target, recording->name);
    return status == OV_OK ? OV_OK : fail(run, status, recording->name);
}

// ---- the round ----------------------------------------------------------------------------------

static bool has_command_ended(struct run *run) {
    int end = 0;
    if (run->command > 0 && waitpid(run->command, &end, WNOHANG) == run->command) {
        run->command = 0;
        run->result->has_status = true;
        run->result->status = (uint32_t)end;
    }
    return run->command == 0;
}

static bool has_all_ended(struct run *run) {
    return has_command_ended(run) && ov_recorder_watched(run->recorder) == 0;
}

// Until the command and all that came from it have ended, the time is over, or somebody asks.
static bool is_over(struct run *run) {
    bool is_late = run->end_ns > 0 && read_clock(CLOCK_BOOTTIME) >= run->end_ns;
    run->result->why = interrupts > 0 ? OV_TRACE_INTERRUPTED : OV_TRACE_DONE;
    return interrupts > 0 || has_all_ended(run) || is_late;
}

static uint64_t start_of(void *arg, uint32_t pid) {
    return ov_recorder_start_of(arg, pid);
}

// Who is refused a call waits for the answer: it is given at once.
static enum ov_status wait_for_some(struct run *run) {
    struct pollfd waiting[1 + OV_ENVELOPE_FDS] = {
        {.fd = ov_recorder_fd(run->recorder), .events = POLLIN}};
    int fds[OV_ENVELOPE_FDS];
    if (!run->has_envelope) {
        return ov_recorder_poll(run->recorder, POLL_MS);
    }
    size_t count = ov_envelope_fds(&run->envelope, fds);
    for (size_t i = 0; i < count; i++) {
        waiting[1 + i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    }
    if (poll(waiting, 1 + count, POLL_MS) < 0 && errno != EINTR) {
        return OV_SYSTEM;
    }
    TRY(ov_recorder_poll(run->recorder, 0));
    return ov_envelope_take(&run->envelope, start_of, run->recorder);
}

static enum ov_status drain(struct run *run, bool is_end) {
    run->drained_ns = read_clock(CLOCK_BOOTTIME);
    TRY(ov_recorder_drain(run->recorder));
    TRY(ov_sentinel_take(&run->own, run->recorder, &run->trace));
    // Until then both views of canaries go.
    TRY(is_end ? ov_preaccess_end(&run->preaccess, run->drained_ns, run->recorder, &run->trace)
               : ov_preaccess_take(&run->preaccess, run->recorder, &run->trace));
    if (!run->has_envelope) {
        return OV_OK;
    }
    TRY(ov_envelope_take(&run->envelope, start_of, run->recorder));
    return ov_envelope_write(&run->envelope, is_end);
}

static enum ov_status wait_and_drain(struct run *run) {
    uint64_t drain_ns = (uint64_t)run->recording->drain_ms * 1000000u;
    TRY(wait_for_some(run));
    return read_clock(CLOCK_BOOTTIME) - run->drained_ns >= drain_ns ? drain(run, false) : OV_OK;
}

// Nothing of a command goes on when its recording ends before it. What it does until it has ended
// is recorded as well.
static enum ov_status end_command(struct run *run) {
    struct ov_ending ending = {0};
    enum ov_status status = OV_OK;
    int before = interrupts;
    while (status == OV_OK && !has_all_ended(run)) {
        status = ov_ending_go_on(&ending, run->recorder, interrupts > before);
        if (ending.is_made) {
            ov_group_kill(run->has_envelope ? &run->envelope.group : &run->group);
        }
        TRY(wait_and_drain(run));
    }
    return status == OV_END ? OV_OK : status;
}

static enum ov_status go_round(struct run *run) {
    run->drained_ns = read_clock(CLOCK_BOOTTIME);
    while (!is_over(run)) {
        TRY(wait_and_drain(run));
    }
    if (run->recording->target == OV_TRACE_OF_COMMAND) {
        TRY(end_command(run));
    }
    TRY(drain(run, true));
    return ov_recorder_tell_kept(run->recorder);
}

// On a disk: what lies in memory alone has other ways.
static const char *selftest_folder(void) {
    return access("/var/tmp", W_OK) == 0 ? "/var/tmp" : ".";
}

static enum ov_status open_gate(struct run *run) {
    enum ov_status status = OV_OK;
    if (run->gate >= 0) {
        status = ov_fd_write_all(run->gate, ov_span_text("."));
    }
    ov_fd_close(&run->gate);
    return status;
}

static enum ov_status record(struct run *run) {
    enum ov_status status = write_begin(run);
    status = status == OV_OK ? ov_recorder_begin(run->recorder, &run->trace) : status;
    if (status != OV_OK) {
        return fail(run, status, "the recording could not begin");
    }
    status = ov_audit_list(&run->trace);
    if (status != OV_OK) {
        return fail(run, status, "the rules of the audit");
    }
    status = ov_selftest_run(run->recorder, selftest_folder());
    if (status != OV_OK) {
        return fail(run, status, "the self-test of the sensors");
    }
    status =
        ov_sentinel_open(run->recording->trace, run->recording->trace_path, &run->trace, &run->own);
    if (status != OV_OK) {
        return fail(run, status, "the trace");
    }
    TRY(watch_target(run));
    if (interrupts > 0) {
        errno = EINTR;
        return fail(run, OV_SYSTEM, "it was ended before it had begun");
    }
    if (run->recording->for_ns > 0) {
        run->end_ns = read_clock(CLOCK_BOOTTIME) + run->recording->for_ns;
    }
    run->result->has_begun = true;
    status = open_gate(run);
    status = status == OV_OK ? go_round(run) : status;
    if (status != OV_OK && status != OV_LIMIT) { // a full trace has said so itself
        run->result->why = OV_TRACE_FAILED;
        (void)fail(run, status, "the recording broke off");
    }
    enum ov_status ended = ov_trace_writer_end(
        &run->trace, run->result->why, run->result->has_status ? &run->result->status : NULL);
    run->result->why = ended == OV_LIMIT ? run->trace.why : run->result->why;
    run->result->has_end = ended == OV_OK || ended == OV_LIMIT;
    memcpy(run->result->chain, run->trace.at.chain, sizeof run->result->chain);
    return status == OV_OK || status == OV_LIMIT ? OV_OK : status;
}

// The command goes on when its recording breaks off: the trace is full, or cannot be written.
static void wait_for_command(struct run *run) {
    int end = 0;
    int heard = interrupts;
    ov_fd_close(&run->gate);
    ov_fd_close(&run->envelope.listener); // nobody answers any more: refused calls fail at once
    if (run->command > 0 && run->result->has_begun) {
        (void)fputs("overt: watch: the recording has ended; the command goes on, unwatched\n",
                    stderr);
    }
    while (run->command > 0 && waitpid(run->command, &end, 0) < 0 && errno == EINTR) {
        if (interrupts > heard) {
            ov_ending_signal(run->recorder, heard == 0 ? SIGTERM : SIGKILL);
            heard = interrupts;
        }
    }
}

static void catch_signals(void) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = interrupt};
    struct sigaction before;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        bool is_known = sigaction(numbers[i], NULL, &before) == 0;
        if (is_known && before.sa_handler != SIG_IGN) { // else as nohup, among others, has it
            (void)sigaction(numbers[i], &action, NULL);
        }
    }
}

enum ov_status ov_recording_run(const struct ov_recording *recording,
                                struct ov_recording_result *ret_result) {
    struct run run = {.recording = recording,
                      .result = ret_result,
                      .gate = -1,
                      .envelope = {.listener = -1},
                      .group = {.devices = -1, .reaper_gate = -1},
                      .own = {.fd = -1}};
    struct ov_recorder_options options = recording->options;
    int trace = recording->trace;
    *ret_result = (struct ov_recording_result){0};
    options.has_envelope = recording->has_envelope;
    ov_preaccess_open(recording->canaries, recording->canary_count, &run.preaccess);
    catch_signals();
    enum ov_status status = ov_recorder_new(&options, &run.recorder, ret_result->reason);
    if (status != OV_OK) {
        ov_preaccess_close(&run.preaccess);
        ov_fd_close(&trace);
        return status;
    }
    status = ov_trace_writer_open(trace, recording->size_max_bytes, &run.trace);
    if (status != OV_OK) {
        (void)fail(&run, status, "the trace");
    } else {
        status = record(&run);
        wait_for_command(&run);
        if (run.has_envelope) {
            ov_envelope_close(&run.envelope);
        }
        ov_group_close(&run.group);
        ov_sentinel_close(&run.own);
        ov_trace_writer_close(&run.trace);
    }
    ov_preaccess_close(&run.preaccess);
    ov_recorder_free(run.recorder);
    return status;
}
