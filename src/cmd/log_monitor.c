// SPDX-License-Identifier: Apache-2.0
// overt log monitor: watches a log and its witnesses, and reads all that it publishes.
#include "cmd/log_monitor.h"

#include "base/durable.h"
#include "base/hex.h"
#include "base/say.h"
#include "cmd/log_run.h"
#include "cmd/scan_state.h"
#include "ledger/log_names.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STATE_FILE "state"

enum { STATE_BYTES_MAX = 1 << 28, EVERY_MAX = 31536000, NAME_BYTES = 8 };

static volatile sig_atomic_t is_ending;

// ---- the state ----------------------------------------------------------------------------------

enum ov_status ov_monitor_commit(struct ov_monitor *monitor) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    ov_monitor_state_add(&text, monitor->origin, monitor->policy, &monitor->state);
    enum ov_status status = ov_buf_status(&text);
    if (status == OV_OK) {
        status = ov_durable_write(monitor->folder, STATE_FILE, ov_buf_span(&text), 0644);
    }
    if (status != OV_OK) {
        ov_monitor_fail(monitor, monitor->state_path,
                        status == OV_SYSTEM ? strerror(errno) : ov_status_text(status));
        return OV_SYSTEM;
    }
    return OV_OK;
}

static enum ov_status load_state(struct ov_monitor *monitor) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%.*s/" STATE_FILE,
                   (int)(sizeof path - sizeof "/" STATE_FILE), monitor->state_path);
    enum ov_status status = ov_log_file_load(path, STATE_BYTES_MAX, &text);
    if (status == OV_SYSTEM && errno == ENOENT) {
        return OV_OK;
    }
    const char *why = status == OV_SYSTEM ? strerror(errno) : ov_status_text(status);
    if (status == OV_OK) {
        status = ov_monitor_state_read(ov_buf_span(&text), monitor->origin, monitor->policy,
                                       &monitor->state);
        why = status == OV_DENIED ? "is that of another log" : ov_status_text(status);
    }
    if (status != OV_OK) {
        ov_say_error(path, why, "--state names another folder");
    }
    return status;
}

// STATE/monitor/, and the beginning of the digest of the log's name.
static enum ov_status name_state(struct ov_monitor *monitor) {
    uint8_t sha256[OV_SHA256_BYTES];
    char hex[2 * NAME_BYTES + 1];
    char state[PATH_MAX - sizeof "/monitor//" - sizeof hex];
    if (monitor->options.state != NULL) {
        int size = snprintf(monitor->state_path, PATH_MAX, "%s", monitor->options.state);
        return size > 0 && size < PATH_MAX - (int)OV_LOG_NAME_ROOM ? OV_OK : OV_LIMIT;
    }
    ov_sha256(ov_span_text(monitor->origin), sha256);
    ov_hex_write(ov_span_make(sha256, NAME_BYTES), hex);
    TRY(ov_state_folder(state, sizeof state));
    (void)snprintf(monitor->state_path, PATH_MAX, "%s/monitor/%s", state, hex);
    return ov_state_make_folders(monitor->state_path);
}

static int open_folder(int parent, const char *path) {
    if (mkdirat(parent, path, 0755) != 0 && errno != EEXIST) {
        return -1;
    }
    return openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static enum ov_status open_state(struct ov_monitor *monitor) {
    enum ov_status status = name_state(monitor);
    if (status == OV_OK) {
        monitor->folder = open_folder(AT_FDCWD, monitor->state_path);
        monitor->mirror = monitor->folder >= 0 ? open_folder(monitor->folder, "log") : -1;
        monitor->lock = monitor->mirror >= 0
                            ? openat(monitor->folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600)
                            : -1;
        status = monitor->lock >= 0 ? OV_OK : OV_SYSTEM;
    }
    if (status != OV_OK) {
        ov_say_error(monitor->state_path[0] != '\0' ? monitor->state_path : "the state",
                     status == OV_SYSTEM ? strerror(errno) : ov_status_text(status),
                     "--state names a folder");
        return status;
    }
    if (flock(monitor->lock, LOCK_EX | LOCK_NB) != 0) {
        ov_say_error(monitor->state_path, "another monitor works here", NULL);
        return OV_PEER;
    }
    return load_state(monitor);
}

// ---- rounds -------------------------------------------------------------------------------------

enum ov_status ov_monitor_bring(struct ov_monitor *monitor, const struct ov_fetch_get *wants,
                                size_t count, struct ov_stage *ret_stage) {
    struct ov_stage_request request = {
        .source = monitor->source,
        .folder = monitor->state_path,
        .wants = wants,
        .want_count = count,
    };
    char reason[OV_STAGE_REASON_BYTES];
    if (is_ending) {
        return OV_PEER;
    }
    enum ov_status status = ov_stage_open(&request, ret_stage, reason);
    if (status != OV_OK) {
        ov_monitor_fail(monitor, "the log", reason[0] != '\0' ? reason : ov_status_text(status));
        return OV_PEER;
    }
    return OV_OK;
}

// The checkpoint of the log makes the mirror a log that can be served and verified.
static enum ov_status keep_checkpoint(struct ov_monitor *monitor) {
    const struct ov_monitor_head *head = &monitor->heads[0];
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    if (!head->is_mirrored) {
        return OV_OK;
    }
    OV_AUTO_FD old = openat(monitor->mirror, OV_LOG_CHECKPOINT, O_RDONLY | O_CLOEXEC);
    if (old >= 0 && ov_file_map_open_fd(old, &map) == OV_OK &&
        ov_span_is_equal(map.bytes, ov_buf_span(&head->note))) {
        return OV_OK;
    }
    enum ov_status status =
        ov_durable_write(monitor->mirror, OV_LOG_CHECKPOINT, ov_buf_span(&head->note), 0644);
    if (status != OV_OK) {
        ov_monitor_fail(monitor, OV_LOG_CHECKPOINT, strerror(errno));
    }
    return status;
}

static void tell_round(const struct ov_monitor *monitor) {
    struct ov_monitor_event event;
    uint64_t size = monitor->state.head.size;
    ov_monitor_begin(monitor, "round", &event);
    if (monitor->options.is_json) {
        ov_json_uint(&event.json, "time", monitor->now);
        ov_json_uint(&event.json, "entries", size);
        ov_json_uint(&event.json, "new", size - monitor->old_size);
        ov_json_uint(&event.json, "findings", monitor->finding_count);
        ov_json_uint(&event.json, "errors", monitor->error_count);
    } else {
        ov_buf_printf(&event.out,
                      "%" PRIu64 " entries, %" PRIu64 " new; %" PRIu64 " findings, %" PRIu64
                      " errors",
                      size, size - monitor->old_size, monitor->finding_count, monitor->error_count);
    }
    ov_monitor_tell(monitor, &event);
}

static enum ov_status run_steps(struct ov_monitor *monitor) {
    TRY(ov_monitor_take_heads(monitor));
    ov_monitor_check_heads(monitor);
    TRY(ov_monitor_grow(monitor));
    TRY(keep_checkpoint(monitor));
    TRY(ov_monitor_commit(monitor));
    (void)ov_monitor_check_again(monitor); // what it cannot do keeps nothing else from being done
    TRY(ov_monitor_audit(monitor));
    TRY(ov_monitor_check_feed(monitor));
    return ov_monitor_commit(monitor);
}

// What was told of it decides the exit code; a finding counts more than an error.
static int run_round(struct ov_monitor *monitor) {
    monitor->now = (uint64_t)time(NULL);
    monitor->finding_count = 0;
    monitor->error_count = 0;
    monitor->old_size = monitor->state.head.size;
    enum ov_status status = run_steps(monitor);
    if (status != OV_OK && monitor->error_count == 0 && !is_ending) {
        ov_monitor_fail(monitor, "the round", ov_status_text(status));
    }
    tell_round(monitor);
    if (monitor->finding_count > 0) {
        return OV_EXIT_FOUND;
    }
    return monitor->error_count > 0 ? OV_EXIT_ERROR : OV_EXIT_NOTHING;
}

static void note_end(int number) {
    (void)number;
    is_ending = 1;
}

// The first signal ends the monitor after what it is at; the second at once.
static void catch_ends(void) {
    struct sigaction action = {.sa_handler = note_end, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
}

static void pause_for(uint64_t seconds) {
    struct timespec length = {.tv_sec = (time_t)seconds};
    sigset_t ends;
    sigset_t before;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &ends, &before);
    if (!is_ending) {
        (void)ppoll(NULL, 0, &length, &before);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
}

static int run_rounds(struct ov_monitor *monitor) {
    int worst = OV_EXIT_NOTHING;
    if (monitor->options.every_seconds == 0) {
        return run_round(monitor);
    }
    catch_ends();
    while (!is_ending) {
        int code = run_round(monitor);
        worst = worst == OV_EXIT_FOUND || code == OV_EXIT_NOTHING ? worst : code;
        pause_for(monitor->options.every_seconds);
    }
    return worst;
}

static int run(struct ov_monitor *monitor) {
    struct ov_keeper keeper;
    if (ov_log_run_begin("log-monitor", monitor->options.is_unjournaled, &keeper) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    return ov_log_run_end(&keeper, run_rounds(monitor));
}

// ---- what is to be watched ----------------------------------------------------------------------

static enum ov_status read_source(struct ov_monitor *monitor) {
    const char *given = monitor->options.source;
    bool is_url = strncmp(given, "http://", 7) == 0 || strncmp(given, "https://", 8) == 0;
    if (is_url && strlen(given) < sizeof monitor->source) {
        (void)snprintf(monitor->source, sizeof monitor->source, "%s", given);
        return OV_OK;
    }
    if (is_url || realpath(given, monitor->source) == NULL) {
        ov_say_error(given, is_url ? "is too long" : strerror(errno),
                     "a log is an http or https URL, or a folder");
        return OV_INVALID;
    }
    return OV_OK;
}

// The one that was asked for, else the one of this URL, else the only one.
static enum ov_status find_origin(struct ov_monitor *monitor) {
    const struct ov_policy *policy = monitor->policy;
    const char *wanted = monitor->options.origin;
    const char *only = policy->log_count > 0 ? policy->logs[0].key.name : NULL;
    for (size_t i = 0; i < policy->log_count; i++) {
        const char *name = policy->logs[i].key.name;
        if (wanted != NULL ? strcmp(name, wanted) == 0
                           : ov_span_is_text(policy->logs[i].url, monitor->options.source)) {
            monitor->origin = name;
            return OV_OK;
        }
        only = only != NULL && strcmp(only, name) == 0 ? only : NULL;
    }
    if (wanted != NULL || only == NULL) {
        ov_say_error(monitor->options.policy,
                     wanted != NULL ? "has no log of this origin" : "has not one log",
                     "--origin NAME says which");
        return OV_INVALID;
    }
    monitor->origin = only;
    return OV_OK;
}

static bool has_witness(const struct ov_policy *policy, struct ov_span name) {
    bool is_there = false;
    for (size_t i = 0; i < policy->witness_count; i++) {
        is_there = is_there || ov_span_is_equal(policy->witnesses[i].name, name);
    }
    return is_there;
}

static enum ov_status check_places(const struct ov_monitor *monitor) {
    for (size_t i = 0; i < monitor->options.place_count; i++) {
        const char *place = monitor->options.places[i];
        const char *sign = strchr(place, '=');
        bool is_sound = sign != NULL && (sign[1] == '/' || strncmp(sign + 1, "http", 4) == 0) &&
                        has_witness(monitor->policy, ov_span_make(place, (size_t)(sign - place)));
        if (!is_sound) {
            ov_say_error(place, "is no witness of the policy and its address",
                         "--monitor NAME=URL, or NAME=/FOLDER");
            return OV_INVALID;
        }
    }
    return OV_OK;
}

// overt.trust beside the policy, unless another was named; without, signatures are not checked.
static enum ov_status load_trust(struct ov_monitor *monitor) {
    static struct ov_trust trust;
    char path[PATH_MAX];
    const char *policy = monitor->options.policy;
    const char *slash = strrchr(policy, '/');
    int folder = slash != NULL ? (int)(slash - policy) + 1 : 0;
    (void)snprintf(path, sizeof path, "%.*s" OV_LOG_TRUST, folder, policy);
    if (monitor->options.trust == NULL && access(path, F_OK) != 0) {
        return OV_OK;
    }
    TRY(ov_log_trust_load(monitor->options.trust != NULL ? monitor->options.trust : path, &trust));
    monitor->trust = &trust;
    return OV_OK;
}

static enum ov_status open_all(struct ov_monitor *monitor) {
    monitor->policy = calloc(1, sizeof *monitor->policy);
    if (monitor->policy == NULL) {
        ov_say_error("log monitor", ov_status_text(OV_MEMORY), NULL);
        return OV_MEMORY;
    }
    TRY(ov_log_policy_load(monitor->options.policy, &monitor->policy_text, monitor->policy));
    TRY(load_trust(monitor));
    TRY(find_origin(monitor));
    TRY(check_places(monitor));
    TRY(read_source(monitor));
    return open_state(monitor);
}

static void close_all(struct ov_monitor *const *own) {
    struct ov_monitor *monitor = *own;
    for (size_t i = 0; i < OV_MONITOR_SOURCES_MAX; i++) {
        ov_buf_release(&monitor->heads[i].note);
    }
    ov_buf_release(&monitor->proof);
    ov_monitor_state_release(&monitor->state);
    ov_buf_release(&monitor->policy_text);
    free(monitor->policy);
    ov_fd_close(&monitor->lock);
    ov_fd_close(&monitor->mirror);
    ov_fd_close(&monitor->folder);
}

// ---- the word -----------------------------------------------------------------------------------

enum {
    OPTION_POLICY = 256,
    OPTION_TRUST,
    OPTION_STATE,
    OPTION_ORIGIN,
    OPTION_MONITOR,
    OPTION_ONCE,
    OPTION_EVERY,
    OPTION_FULL,
    OPTION_NO_JOURNAL,
    OPTION_JSON,
    OPTION_HELP
};

static const struct option long_options[] = {
    {"policy", required_argument, NULL, OPTION_POLICY},
    {"trust", required_argument, NULL, OPTION_TRUST},
    {"state", required_argument, NULL, OPTION_STATE},
    {"origin", required_argument, NULL, OPTION_ORIGIN},
    {"monitor", required_argument, NULL, OPTION_MONITOR},
    {"once", no_argument, NULL, OPTION_ONCE},
    {"every", required_argument, NULL, OPTION_EVERY},
    {"full", no_argument, NULL, OPTION_FULL},
    {"no-journal", no_argument, NULL, OPTION_NO_JOURNAL},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static bool take_flag(int code, struct ov_monitor_options *options) {
    options->is_json = options->is_json || code == OPTION_JSON;
    options->is_full = options->is_full || code == OPTION_FULL;
    options->is_unjournaled = options->is_unjournaled || code == OPTION_NO_JOURNAL;
    if (code == OPTION_ONCE) {
        options->every_seconds = 0;
    }
    return code == OPTION_JSON || code == OPTION_FULL || code == OPTION_NO_JOURNAL ||
           code == OPTION_ONCE;
}

// False for an option that is none, or whose value cannot be.
static bool take_option(int code, struct ov_monitor_options *options) {
    switch (code) {
    case OPTION_POLICY:
        options->policy = optarg;
        return true;
    case OPTION_TRUST:
        options->trust = optarg;
        return true;
    case OPTION_STATE:
        options->state = optarg;
        return true;
    case OPTION_ORIGIN:
        options->origin = optarg;
        return true;
    case OPTION_EVERY:
        return ov_number_read(ov_span_text(optarg), &options->every_seconds) == OV_OK &&
               options->every_seconds > 0 && options->every_seconds <= EVERY_MAX;
    case OPTION_MONITOR:
        if (options->place_count == OV_POLICY_WITNESSES_MAX) {
            return false;
        }
        options->places[options->place_count++] = optarg;
        return true;
    default:
        return take_flag(code, options);
    }
}

int ov_log_monitor(int argc, char **argv) {
    static struct ov_monitor monitor; // too large for a stack
    OV_CLEANUP(close_all) struct ov_monitor *own = &monitor;
    monitor = (struct ov_monitor){.folder = -1, .mirror = -1, .lock = -1};
    for (int code = 0; (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        if (code == 'h' || code == OPTION_HELP) {
            return ov_log_print_help();
        }
        if (!take_option(code, &monitor.options)) {
            return ov_log_reject_option(argv);
        }
    }
    monitor.options.source = optind + 1 == argc ? argv[optind] : NULL;
    if (monitor.options.source == NULL || monitor.options.policy == NULL) {
        ov_say_error("log monitor", "a log, and a policy, are needed",
                     "overt log monitor URL --policy FILE");
        return OV_EXIT_ERROR;
    }
    return open_all(own) == OV_OK ? run(own) : OV_EXIT_ERROR;
}
