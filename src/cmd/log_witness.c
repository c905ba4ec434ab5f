// SPDX-License-Identifier: Apache-2.0
// overt log witness: cosigns what logs have signed, after seeing that nothing was taken back.
#include "base/buf.h"
#include "base/cursor.h"
#include "base/fd.h"
#include "base/say.h"
#include "cmd/log_server.h"
#include "cmd/log_words.h"
#include "ledger/policy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIXED_WORDS = 4, LOGS_MAX = OV_POLICY_LOGS_MAX, RATE_MAX = 100000 };

struct options {
    const char *state;
    const char *key;
    const char *address;
    const char *policy;         // or NULL
    const char *rate;           // submissions a second
    const char *logs[LOGS_MAX]; // vkeys, as they were given
    size_t log_count;
    bool has_log;
    bool is_unjournaled;
};

// ---- options ----------------------------------------------------------------------------------

enum {
    OPTION_STATE = 256,
    OPTION_KEY,
    OPTION_LISTEN,
    OPTION_LOG,
    OPTION_POLICY,
    OPTION_RATE,
    OPTION_VERBOSE,
    OPTION_NO_JOURNAL,
    OPTION_HELP
};

static const struct option long_options[] = {
    {"state", required_argument, NULL, OPTION_STATE},
    {"key", required_argument, NULL, OPTION_KEY},
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"log", required_argument, NULL, OPTION_LOG},
    {"policy", required_argument, NULL, OPTION_POLICY},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"verbose", no_argument, NULL, OPTION_VERBOSE},
    {"no-journal", no_argument, NULL, OPTION_NO_JOURNAL},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static bool is_rate(const char *text) {
    char *end;
    long value = strtol(text, &end, 10);
    return text[0] >= '1' && text[0] <= '9' && *end == '\0' && value <= RATE_MAX;
}

// False for an option that is none, or is one too many.
static bool take_option(int code, struct options *options) {
    switch (code) {
    case OPTION_STATE:
        options->state = optarg;
        return true;
    case OPTION_KEY:
        options->key = optarg;
        return true;
    case OPTION_LISTEN:
        options->address = optarg;
        return true;
    case OPTION_POLICY:
        options->policy = optarg;
        return true;
    case OPTION_RATE:
        options->rate = optarg;
        return is_rate(optarg);
    case OPTION_VERBOSE:
        options->has_log = true;
        return true;
    case OPTION_NO_JOURNAL:
        options->is_unjournaled = true;
        return true;
    case OPTION_LOG:
        if (options->log_count == LOGS_MAX) {
            return false;
        }
        options->logs[options->log_count++] = optarg;
        return true;
    default:
        return false;
    }
}

// Gives an exit code when the run ends here, else -1.
static int read_options(int argc, char **argv, struct options *ret_options) {
    struct options options = {.rate = "50"};
    for (int code = 0; (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        if (code == 'h' || code == OPTION_HELP) {
            return ov_log_print_help();
        }
        bool is_taken = take_option(code, &options);
        if (!is_taken && code == OPTION_RATE) {
            ov_say_error(optarg, "is no number of submissions a second", "1 to 100000");
            return OV_EXIT_ERROR;
        }
        if (!is_taken) {
            return ov_log_reject_option(argv);
        }
    }
    if (optind != argc || options.state == NULL || options.key == NULL || options.address == NULL ||
        (options.log_count == 0 && options.policy == NULL)) {
        ov_say_error("log witness", "a state, a key, an address and a log are needed",
                     "overt log witness --state DIR --key FILE --listen 127.0.0.1:8081 --log VKEY");
        return OV_EXIT_ERROR;
    }
    *ret_options = options;
    return -1;
}

// ---- logs -------------------------------------------------------------------------------------

struct logs {
    struct ov_buf vkeys; // each ends with a NUL
    size_t count;
    struct ov_key keys[LOGS_MAX];
};

static enum ov_status add_log(struct logs *logs, const struct ov_key *key) {
    for (size_t i = 0; i < logs->count; i++) {
        if (ov_key_is_same_material(&logs->keys[i], key)) {
            return OV_INVALID;
        }
    }
    if (logs->count == LOGS_MAX) {
        return OV_LIMIT;
    }
    TRY(ov_key_add(&logs->vkeys, key));
    ov_buf_add_u8(&logs->vkeys, '\0');
    logs->keys[logs->count++] = *key;
    return ov_buf_status(&logs->vkeys);
}

static bool add_named_logs(const struct options *options, struct logs *logs) {
    for (size_t i = 0; i < options->log_count; i++) {
        struct ov_key key;
        enum ov_status status = ov_key_read(ov_span_text(options->logs[i]), &key);
        if (status == OV_OK && !ov_key_can_verify(&key)) {
            status = OV_UNSUPPORTED;
        }
        status = status == OV_OK ? add_log(logs, &key) : status;
        if (status != OV_OK) {
            ov_say_error(options->logs[i],
                         status == OV_UNSUPPORTED ? "is of a kind that nothing here can verify"
                         : status == OV_INVALID   ? "was given twice"
                                                  : "is no vkey",
                         "NAME+ID+KEY, as overt log key prints it");
            return false;
        }
    }
    return true;
}

static bool add_policy_logs(const char *path, struct logs *logs) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    struct ov_policy_error error;
    char why[128];
    enum ov_status status = ov_file_map_open(path, &map);
    if (status != OV_OK) {
        ov_say_error(path, status == OV_SYSTEM ? strerror(errno) : ov_status_text(status), NULL);
        return false;
    }
    struct ov_policy *policy = calloc(1, sizeof *policy);
    status = policy == NULL ? OV_MEMORY : ov_policy_read(map.bytes, policy, &error);
    if (status == OV_DAMAGED) {
        (void)snprintf(why, sizeof why, "line %zu: %.100s", error.line, error.why);
    } else if (status != OV_OK) {
        (void)snprintf(why, sizeof why, "%s", ov_status_text(status));
    }
    for (size_t i = 0; status == OV_OK && i < policy->log_count; i++) {
        if (!ov_key_can_verify(&policy->logs[i].key)) {
            continue; // a second key of some log, for others
        }
        status = add_log(logs, &policy->logs[i].key);
        (void)snprintf(why, sizeof why, "log %s: %s", policy->logs[i].key.name,
                       status == OV_INVALID ? "was given twice" : "cannot be served");
    }
    if (status != OV_OK) {
        ov_say_error(path, why, "it is a tlog-policy");
    }
    free(policy);
    return status == OV_OK;
}

// ---- key and state ----------------------------------------------------------------------------

static bool open_key(const char *path, int *ret_key) {
    struct stat info;
    OV_AUTO_FD key = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (key < 0) {
        ov_say_error(path, strerror(errno), "overt log key NAME --witness -o FILE makes one");
        return false;
    }
    if (fstat(key, &info) != 0 || !S_ISREG(info.st_mode)) {
        ov_say_error(path, "is no regular file", NULL);
        return false;
    }
    if ((info.st_mode & 077) != 0) {
        ov_say_error(path, "others can read this secret key", "chmod 600");
        return false;
    }
    *ret_key = key;
    key = -1;
    return true;
}

static bool is_empty(int folder) {
    int second = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = second >= 0 ? fdopendir(second) : NULL;
    size_t count = 0;
    if (entries == NULL) {
        ov_fd_close(&second);
        return false;
    }
    while (count < 3 && readdir(entries) != NULL) { // . and ..
        count++;
    }
    (void)closedir(entries);
    return count < 3;
}

// Started by root, the witness is the owner of its state. A new folder is given to a user of its
// own; one of root's with something in it cannot be.
static bool open_state(const char *path, int *ret_folder, bool *ret_is_fresh) {
    struct stat info;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        ov_say_error(path, strerror(errno), NULL);
        return false;
    }
    OV_AUTO_FD folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || fstat(folder, &info) != 0) {
        ov_say_error(path, strerror(errno), NULL);
        return false;
    }
    bool is_roots = geteuid() == 0 && info.st_uid == 0;
    if (is_roots && !is_empty(folder)) {
        ov_say_error(path, "belongs to root, and the witness runs as a user of its own",
                     "chown -R it to that user, or begin with an empty folder");
        return false;
    }
    if ((info.st_mode & 022) != 0) {
        ov_say_error(path, "others could change what is in it", "chmod go-w");
        return false;
    }
    *ret_is_fresh = is_roots;
    *ret_folder = folder;
    folder = -1;
    return true;
}

// ---- command ----------------------------------------------------------------------------------

struct parts {
    struct logs logs;
    int listener;
    int folder;
    int key;
    bool is_fresh;
    char url[OV_SERVE_URL_BYTES];
};

static void close_parts(struct parts *parts) {
    ov_buf_release(&parts->logs.vkeys);
    ov_fd_close(&parts->listener);
    ov_fd_close(&parts->folder);
    ov_fd_close(&parts->key);
}

static bool open_parts(const struct options *options, struct parts *parts) {
    return add_named_logs(options, &parts->logs) &&
           (options->policy == NULL || add_policy_logs(options->policy, &parts->logs)) &&
           open_key(options->key, &parts->key) &&
           open_state(options->state, &parts->folder, &parts->is_fresh) &&
           ov_log_listen(options->address, &parts->listener, parts->url);
}

int ov_log_witness(int argc, char **argv) {
    struct options options = {0};
    OV_CLEANUP(close_parts) struct parts parts = {.listener = -1, .folder = -1, .key = -1};
    int code = read_options(argc, argv, &options);
    if (code >= 0 || options.key == NULL) {
        return code;
    }
    if (!open_parts(&options, &parts)) {
        return OV_EXIT_ERROR;
    }
    const char *words[FIXED_WORDS + LOGS_MAX] = {options.has_log ? "log" : "quiet", parts.url,
                                                 options.rate, parts.is_fresh ? "fresh" : "owned"};
    struct ov_cursor vkeys = ov_cursor_init(ov_buf_span(&parts.logs.vkeys));
    for (size_t i = 0; i < parts.logs.count; i++) {
        words[FIXED_WORDS + i] = (const char *)ov_cursor_until(&vkeys, '\0').data;
    }
    struct ov_serve_request request = {.role = OV_ROLE_WITNESS,
                                       .listener = parts.listener,
                                       .folder = parts.folder,
                                       .key = parts.key,
                                       .words = words,
                                       .word_count = FIXED_WORDS + parts.logs.count};
    const struct ov_log_server server = {
        .what = "log witness", .command = "log-witness", .is_unjournaled = options.is_unjournaled};
    return ov_log_run_server(&server, &request);
}
