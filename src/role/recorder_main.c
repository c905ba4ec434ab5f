// SPDX-License-Identifier: Apache-2.0
// The program `overt-watch`: records what a product does. Started by `overt watch`, whose words it
// takes as they are.
#include "base/hex.h"
#include "base/say.h"
#include "watch/exceptions.h"
#include "watch/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_FAILED = 2, CANARIES_MAX = 4096, DRAIN_MS = 250, SIZE_MEGABYTES = 1024 };

enum {
    OPTION_FOR = 256,
    OPTION_PID,
    OPTION_UNIT,
    OPTION_CGROUP,
    OPTION_CANARY,
    OPTION_SIZE,
    OPTION_MAP_ENTRIES,
    OPTION_ALLOW,
    OPTION_NO_ENVELOPE,
    OPTION_SCOPE,
    OPTION_OWN,
    OPTION_RING_BYTES,
    OPTION_CAPTURE_SIZE,
    OPTION_PLAINTEXT,
};

static const struct option options[] = {
    {"output", required_argument, NULL, 'o'},
    {"for", required_argument, NULL, OPTION_FOR},
    {"pid", required_argument, NULL, OPTION_PID},
    {"unit", required_argument, NULL, OPTION_UNIT},
    {"cgroup", required_argument, NULL, OPTION_CGROUP},
    {"canary", required_argument, NULL, OPTION_CANARY},
    {"max-size", required_argument, NULL, OPTION_SIZE},
    {"max-capture", required_argument, NULL, OPTION_CAPTURE_SIZE},
    {"allow", required_argument, NULL, OPTION_ALLOW},
    {"no-envelope", no_argument, NULL, OPTION_NO_ENVELOPE},
    {"scope", required_argument, NULL, OPTION_SCOPE},
    {"own", required_argument, NULL, OPTION_OWN},
    {"plaintext", no_argument, NULL, OPTION_PLAINTEXT},
    {"map-entries", required_argument, NULL, OPTION_MAP_ENTRIES}, // these two: for tests of losses
    {"ring-bytes", required_argument, NULL, OPTION_RING_BYTES},
    {0},
};

struct asked {
    struct ov_recording recording;
    const char *output;
    const char *canaries[CANARIES_MAX];
    const char *scopes[OV_TRACE_LIST_MAX];
    const char *owns[OV_TRACE_LIST_MAX];
    unsigned targets; // that were named
    char capture[PATH_MAX];
    struct stat file; // the trace's
};

static bool read_number(const char *text, uint64_t most, uint64_t *ret_number) {
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != 0 || text[0] == '-' || number == 0 || number > most) {
        ov_say_error(text, "is no number that can be used here", "a whole number, 1 or more");
        return false;
    }
    *ret_number = number;
    return true;
}

static bool take_target(struct asked *asked, enum ov_trace_target target, const char *name) {
    asked->recording.target = target;
    asked->recording.name = name;
    asked->targets++;
    return true;
}

static bool take_canary(struct asked *asked, const char *path) {
    if (asked->recording.canary_count == CANARIES_MAX) {
        ov_say_error(path, "there are too many canaries", NULL);
        return false;
    }
    asked->canaries[asked->recording.canary_count++] = path;
    asked->recording.options.has_canaries = true;
    return true;
}

static bool take_exception(struct asked *asked, const char *name) {
    enum ov_exception exception;
    if (!ov_exception_find(name, &exception)) {
        ov_say_error(name, "there is no such exception", "overt watch --help");
        return false;
    }
    asked->recording.allowed |= 1u << exception;
    return true;
}

// MAP=N: so many entries in one of the kernel's maps.
static bool take_entries(struct ov_recorder_options *sizes, const char *text) {
    const struct {
        const char *name;
        uint32_t *entries;
    } maps[] = {{"files=", &sizes->files},
                {"names=", &sizes->names},
                {"sockets=", &sizes->sockets},
                {"processes=", &sizes->processes},
                {"plaintexts=", &sizes->plaintexts}};
    uint64_t number;
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        size_t length = strlen(maps[i].name);
        if (strncmp(text, maps[i].name, length) == 0) {
            bool is_right = read_number(text + length, 1 << 24, &number);
            *maps[i].entries = is_right ? (uint32_t)number : 0;
            return is_right;
        }
    }
    ov_say_error(text, "there is no such map",
                 "files=N, names=N, sockets=N, processes=N or plaintexts=N");
    return false;
}

// Puts a path on a list as the kernel has it: names of files are compared with it. One that is not
// there yet stays as it is, when it is absolute.
static bool take_path(const char *path, const char **paths, size_t *count) {
    if (*count == OV_TRACE_LIST_MAX) {
        ov_say_error(path, "there are too many of these", NULL);
        return false;
    }
    errno = 0;
    const char *real = realpath(path, NULL); // until this process ends
    if (real == NULL && (errno != ENOENT || path[0] != '/')) {
        ov_say_error(path, strerror(errno), NULL);
        return false;
    }
    paths[(*count)++] = real != NULL ? real : path;
    return true;
}

// What the product may do beyond the envelope is said where its user sees it.
static void tell_exceptions(uint32_t allowed) {
    for (unsigned i = 0; i < OV_ALLOW_COUNT; i++) {
        if ((allowed & 1u << i) != 0) {
            (void)fprintf(stderr, "Exception from the envelope: %s: it may %s\n",
                          ov_exception_name(i), ov_exception_meaning(i));
        }
    }
}

// A new file, its path as the kernel has it, and -1 when it cannot be: that was said.
static int make_file(const char *path, const char *hint, const char **ret_absolute) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    *ret_absolute = fd >= 0 ? realpath(path, NULL) : NULL; // until this process ends
    if (fd < 0 || *ret_absolute == NULL) {
        ov_say_error(path, strerror(errno), errno == EEXIST ? hint : NULL);
        if (fd >= 0) {
            (void)close(fd);
            (void)unlink(path);
        }
        return -1;
    }
    return fd;
}

// Frames go beside the trace.
static bool open_capture(struct asked *asked) {
    struct ov_recording *recording = &asked->recording;
    recording->capture.fd = -1;
    if (!recording->has_envelope || (recording->allowed & OV_ALLOW(NETWORK)) != 0) {
        return true;
    }
    recording->capture.path = asked->capture;
    if ((size_t)snprintf(asked->capture, sizeof asked->capture, "%s.pcapng", asked->output) >=
        sizeof asked->capture) {
        ov_say_error(asked->output, strerror(ENAMETOOLONG), NULL);
        return false;
    }
    recording->capture.fd = make_file(asked->capture, NULL, &recording->capture_absolute_path);
    return recording->capture.fd >= 0;
}

static bool open_files(struct asked *asked) {
    struct ov_recording *recording = &asked->recording;
    recording->trace = make_file(asked->output, "a trace is not written over: name another with -o",
                                 &recording->trace_path);
    if (recording->trace < 0) {
        return false;
    }
    if (fstat(recording->trace, &asked->file) != 0 || !open_capture(asked)) {
        (void)close(recording->trace);
        (void)unlink(asked->output);
        return false;
    }
    return true;
}

static bool take_option(struct asked *asked, int option) {
    uint64_t number = 0;
    switch (option) {
    case 'o':
        asked->output = optarg;
        return true;
    case OPTION_FOR:
        if (!read_number(optarg, 1000000000, &number)) {
            return false;
        }
        asked->recording.for_ns = number * 1000000000u;
        return true;
    case OPTION_PID:
        return take_target(asked, OV_TRACE_OF_PID, optarg);
    case OPTION_UNIT:
        return take_target(asked, OV_TRACE_OF_UNIT, optarg);
    case OPTION_CGROUP:
        return take_target(asked, OV_TRACE_OF_CGROUP, optarg);
    case OPTION_ALLOW:
        return take_exception(asked, optarg);
    case OPTION_NO_ENVELOPE:
        asked->recording.has_envelope = false;
        return true;
    case OPTION_SCOPE:
        return take_path(optarg, asked->scopes, &asked->recording.scope_count);
    case OPTION_OWN:
        return take_path(optarg, asked->owns, &asked->recording.own_count);
    case OPTION_PLAINTEXT:
        asked->recording.options.has_plaintext = true;
        return true;
    case OPTION_CANARY:
        return take_canary(asked, optarg);
    case OPTION_SIZE:
        if (!read_number(optarg, 1 << 20, &number)) {
            return false;
        }
        asked->recording.size_max_bytes = number << 20;
        return true;
    case OPTION_CAPTURE_SIZE:
        if (!read_number(optarg, 1 << 20, &number)) {
            return false;
        }
        asked->recording.capture.bytes_max = number << 20;
        return true;
    case OPTION_MAP_ENTRIES:
        return take_entries(&asked->recording.options, optarg);
    case OPTION_RING_BYTES:
        if (!read_number(optarg, 1 << 30, &number)) {
            return false;
        }
        asked->recording.options.ring_bytes = (uint32_t)number;
        return true;
    default:
        return false;
    }
}

static bool read_words(int argc, char **argv, struct asked *asked) {
    asked->recording = (struct ov_recording){
        .size_max_bytes = (uint64_t)SIZE_MEGABYTES << 20,
        .capture = {.fd = -1, .bytes_max = (uint64_t)SIZE_MEGABYTES << 20},
        .drain_ms = DRAIN_MS,
        .canaries = asked->canaries,
        .scopes = asked->scopes,
        .owns = asked->owns,
        .has_envelope = true,
    };
    asked->output = "overt.trace";
    opterr = 0;
    for (int option = getopt_long(argc, argv, "+o:", options, NULL); option != -1;
         option = getopt_long(argc, argv, "+o:", options, NULL)) {
        if (option == '?') {
            ov_say_error(argv[optind - 1], "unknown option, or its value is missing",
                         "overt watch --help lists them");
            return false;
        }
        if (!take_option(asked, option)) {
            return false;
        }
    }
    bool has_command = optind < argc;
    if (asked->targets + has_command != 1) {
        ov_say_error("watch",
                     asked->targets + has_command == 0 ? "nothing to watch was named"
                                                       : "more than one thing was named",
                     "one of --pid PID, --unit UNIT, --cgroup PATH, or -- COMMAND...");
        return false;
    }
    asked->recording.has_envelope = asked->recording.has_envelope && has_command;
    if (has_command) {
        asked->recording.target = OV_TRACE_OF_COMMAND;
        asked->recording.command = argv + optind;
    }
    return true;
}

static const char *why_text(enum ov_trace_why why) {
    switch (why) {
    case OV_TRACE_DONE:
        return "done";
    case OV_TRACE_INTERRUPTED:
        return "interrupted";
    case OV_TRACE_SIZE:
        return "the trace came to its bound (--max-size)";
    case OV_TRACE_DISK_FULL:
        return "the disk is full";
    case OV_TRACE_FAILED:
        return "the recorder could not go on";
    }
    return "";
}

// What was not recorded is not kept: all that it says is of us alone.
static int give_up(const struct asked *asked, const struct ov_recording_result *result) {
    if (!result->has_begun) {
        (void)unlink(asked->output);
        if (asked->recording.capture.fd >= 0) {
            (void)unlink(asked->capture);
        }
    }
    ov_say_error("watch", result->reason, NULL);
    return EXIT_FAILED;
}

// The chain's last value is told apart from the trace: whoever notes it down knows this trace from
// any other that is put in its place.
static void tell_end(const struct asked *asked, const struct ov_recording_result *result) {
    char chain[2 * OV_SHA256_BYTES + 1];
    struct stat now;
    if (result->why != OV_TRACE_DONE) {
        ov_say_error("watch", why_text(result->why),
                     "what was recorded until then is in the trace");
    }
    bool is_there = lstat(asked->output, &now) == 0 && now.st_ino == asked->file.st_ino &&
                    now.st_dev == asked->file.st_dev;
    if (!is_there) {
        ov_say_error(asked->output, "is not the trace that was recorded: somebody has put it away",
                     NULL);
    }
    (void)fprintf(stderr, "The trace is in %s: overt watch report %s\n", asked->output,
                  asked->output);
    if (result->has_end) {
        ov_hex_write(ov_span_make(result->chain, sizeof result->chain), chain);
        (void)fprintf(stderr, "Its chain ends with %s: overt watch verify --expect CHAIN %s\n",
                      chain, asked->output);
    }
}

int main(int argc, char **argv) {
    static struct asked asked;
    struct ov_recording_result result;
    if (!read_words(argc, argv, &asked) || !open_files(&asked)) {
        return EXIT_FAILED;
    }
    if (asked.recording.has_envelope) {
        tell_exceptions(asked.recording.allowed);
    }
    if (ov_recording_run(&asked.recording, &result) != OV_OK) {
        return give_up(&asked, &result);
    }
    tell_end(&asked, &result);
    return result.why == OV_TRACE_DONE || result.why == OV_TRACE_INTERRUPTED ? 0 : EXIT_FAILED;
}
