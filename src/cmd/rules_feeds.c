// SPDX-License-Identifier: Apache-2.0
// Options, progress and words of what is about installed sets.
#include "cmd/rules_feeds.h"

#include "base/fd.h"
#include "base/json.h"
#include "base/say.h"
#include "catalog/names.h"
#include "cmd/journal_load.h"
#include "cmd/journal_run.h"
#include "cmd/scan_state.h"
#include "role/acts.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { DAY_SECONDS = 24 * 3600 };

// All sets together, in an entry `refuse`. No feed has this name.
#define INSTALLED "/installed"

// ---- options ------------------------------------------------------------------------------------

enum {
    OPTION_POLICY = 256,
    OPTION_TRUST,
    OPTION_NAME,
    OPTION_FROM,
    OPTION_PROXY,
    OPTION_CERTIFICATES,
    OPTION_TILES,
    OPTION_FULL,
    OPTION_REBUILD,
    OPTION_JSON,
    OPTION_QUIET,
    OPTION_HELP,
};

static const struct option long_options[] = {
    {"policy", required_argument, NULL, OPTION_POLICY},
    {"trust", required_argument, NULL, OPTION_TRUST},
    {"name", required_argument, NULL, OPTION_NAME},
    {"from", required_argument, NULL, OPTION_FROM},
    {"proxy", required_argument, NULL, OPTION_PROXY},
    {"certificates", required_argument, NULL, OPTION_CERTIFICATES},
    {"tiles", no_argument, NULL, OPTION_TILES},
    {"full", no_argument, NULL, OPTION_FULL},
    {"rebuild", no_argument, NULL, OPTION_REBUILD},
    {"json", no_argument, NULL, OPTION_JSON},
    {"quiet", no_argument, NULL, OPTION_QUIET},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

// Where the value of an option goes, or NULL for one without.
static const char **place_of(struct ov_feeds_options *options, int code) {
    switch (code) {
    case OPTION_POLICY:
        return &options->policy;
    case OPTION_TRUST:
        return &options->trust;
    case OPTION_NAME:
        return &options->name;
    case OPTION_FROM:
        return &options->from;
    case OPTION_PROXY:
        return &options->proxy;
    case OPTION_CERTIFICATES:
        return &options->certificates;
    default:
        return NULL;
    }
}

static bool *flag_of(struct ov_feeds_options *options, int code) {
    switch (code) {
    case OPTION_TILES:
        return &options->with_tiles;
    case OPTION_FULL:
        return &options->is_full;
    case OPTION_REBUILD:
        return &options->is_rebuild;
    case OPTION_JSON:
        return &options->is_json;
    case OPTION_QUIET:
        return &options->is_quiet;
    default:
        return NULL;
    }
}

int ov_feeds_read_options(int argc, char **argv, struct ov_feeds_options *ret_options) {
    struct ov_feeds_options options = {0};
    optind = 1;
    opterr = 0;
    for (int code = 0; (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        const char **place = place_of(&options, code);
        bool *flag = flag_of(&options, code);
        if (code == 'h' || code == OPTION_HELP) {
            (void)fputs(ov_command_find("rules")->help, stdout);
            return OV_EXIT_NOTHING;
        }
        if (place != NULL) {
            *place = optarg;
        } else if (flag != NULL) {
            *flag = true;
        } else {
            ov_say_error(argv[optind - 1], "unknown option, or its value is missing",
                         "overt rules --help");
            return OV_EXIT_ERROR;
        }
    }
    options.argument_count = argc - optind;
    options.arguments = argv + optind;
    *ret_options = options;
    return -1;
}

enum ov_status ov_feeds_read_source(const char *given, char ret_source[OV_FEED_SOURCE_BYTES]) {
    char path[PATH_MAX];
    bool is_url = strncmp(given, "http://", 7) == 0 || strncmp(given, "https://", 8) == 0;
    if (!is_url && realpath(given, path) == NULL) {
        ov_say_error(given, strerror(errno), "a feed is an http or https URL, or a folder");
        return OV_SYSTEM;
    }
    const char *source = is_url ? given : path;
    size_t size = strlen(source);
    while (is_url && size > 8 && source[size - 1] == '/') {
        size--;
    }
    if (size >= OV_FEED_SOURCE_BYTES || memchr(source, '\n', size) != NULL) {
        ov_say_error(given, "too long, or not one line", NULL);
        return OV_INVALID;
    }
    memcpy(ret_source, source, size);
    ret_source[size] = 0;
    return OV_OK;
}

// ---- the session --------------------------------------------------------------------------------

static enum ov_status say_open(enum ov_status status, bool is_writer, const char *path) {
    if (status == OV_SYSTEM && errno == ENOENT && !is_writer) {
        return OV_END;
    }
    if (status == OV_PEER) {
        ov_say_error(path, "another process is changing what is installed", "try again later");
    } else {
        ov_say_error(path, status == OV_SYSTEM ? strerror(errno) : ov_status_text(status), NULL);
    }
    return status;
}

enum ov_status ov_feeds_open(const struct ov_feeds_options *options, bool is_writer,
                             struct ov_feeds_session *ret_session) {
    struct ov_feeds_session *session = ret_session;
    char state[PATH_MAX - sizeof "/rules/x"];
    *session = (struct ov_feeds_session){
        .options = options, .folder = -1, .lock = -1, .keeper = {.channel = -1}};
    enum ov_status status = ov_state_folder(state, sizeof state);
    if (status != OV_OK) {
        return say_open(status, is_writer, "rules");
    }
    (void)snprintf(session->path, sizeof session->path, "%s/rules", state);
    status = ov_rules_folder_open(state, is_writer, &session->folder, &session->lock);
    if (status != OV_OK) {
        return say_open(status, is_writer, session->path);
    }
    session->now = (uint64_t)time(NULL);
    session->has_progress = !options->is_quiet && !options->is_json && isatty(STDERR_FILENO) != 0;
    status = ov_active_load(session->folder, &session->active);
    if (status != OV_OK) {
        ov_say_error(session->path,
                     status == OV_SYSTEM ? strerror(errno) : "the file active is damaged",
                     "remove it, and add the feeds again");
    } else if (is_writer) {
        int names = -1;
        status = ov_journal_run_begin("rules", &session->keeper, &names);
        ov_fd_close(&names);
    }
    if (status != OV_OK) {
        ov_feeds_close(session);
    }
    return status;
}

// How it ended, for the journal.
static void end_run(struct ov_feeds_session *session) {
    if (session->keeper.pid != 0) {
        struct ov_run_end end = {.code = session->error_count > 0 ? OV_EXIT_ERROR : OV_EXIT_NOTHING,
                                 .errors = session->error_count};
        (void)!ov_journal_run_end(&session->keeper, &end);
    }
}

void ov_feeds_close(struct ov_feeds_session *session) {
    ov_feeds_erase(session);
    end_run(session);
    ov_fd_close(&session->folder);
    ov_fd_close(&session->lock);
}

void ov_feeds_erase(struct ov_feeds_session *session) {
    if (session->is_drawn) {
        (void)fputs("\r\033[K", stderr);
        session->is_drawn = false;
    }
}

static void show_step(void *arg, const char *step) {
    struct ov_feeds_session *session = arg;
    if (session->has_progress) {
        (void)fprintf(stderr, "\r\033[K%s", step);
        session->is_drawn = true;
    }
}

static void show_stage(void *arg, struct ov_span stage, unsigned percent) {
    char step[96];
    (void)snprintf(step, sizeof step, "compiling: %.*s %u%%",
                   (int)(stage.size < 60 ? stage.size : 60), (const char *)stage.data, percent);
    show_step(arg, step);
}

// On disk before anything else is done.
static enum ov_status write_entry(struct ov_feeds_session *session, enum ov_entry_type type,
                                  const struct ov_buf *body) {
    TRY(ov_buf_status(body));
    TRY(ov_acts_send());
    TRY(ov_keeper_add(&session->keeper, type, ov_buf_span(body)));
    return ov_keeper_sync(&session->keeper);
}

static enum ov_status write_load(struct ov_feeds_session *session, const struct ov_active *active,
                                 struct ov_buf *body) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    struct ov_rule_names names = {0}; // without an image: zeros
    char path[PATH_MAX + OV_ACTIVE_NAME_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", session->path, active->image);
    if (active->image[0] != 0) { // by the name that a scan gives it
        TRY(ov_file_map_open(path, &map));
        TRY(ov_rule_names_open(map.bytes, &names));
    }
    ov_load_add_installed(body, &names, active);
    return write_entry(session, OV_ENTRY_LOAD, body);
}

// What is going to be loaded, before it is.
static enum ov_status note_load(void *arg, const struct ov_active *active) {
    struct ov_feeds_session *session = arg;
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    enum ov_status status = write_load(session, active, &body);
    if (status != OV_OK) {
        ov_say_error("journal", session->keeper.reason, NULL);
    }
    return status;
}

static void note_refusal(struct ov_feeds_session *session, const char *feed, const char *reason) {
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    ov_refuse_add(&body, ov_span_text(feed), ov_span_text(reason),
                  (const char *const[]){session->source, session->path, NULL});
    enum ov_status status = write_entry(session, OV_ENTRY_REFUSE, &body);
    if (status != OV_OK) {
        ov_say_error("journal", session->keeper.reason, NULL);
    }
}

static enum ov_status note_rotation(void *arg, const struct ov_refresh_rotation *rotation) {
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    ov_rotate_add(&body, rotation);
    return write_entry(arg, OV_ENTRY_ROTATE, &body);
}

struct ov_refresh_request ov_feeds_request(struct ov_feeds_session *session, struct ov_feed *feed) {
    const char *source = session->options->from != NULL ? session->options->from : feed->source;
    (void)snprintf(session->source, sizeof session->source, "%s", source);
    return (struct ov_refresh_request){
        .rules_folder = session->folder,
        .rules_path = session->path,
        .feed = feed,
        .source = session->options->from,
        .proxy = session->options->proxy,
        .with_tiles = session->options->with_tiles,
        .is_full = session->options->is_full,
        .certificates = session->options->certificates,
        .now = session->now,
        .arg = session,
        .on_step = show_step,
        .on_rotation = note_rotation,
    };
}

enum ov_status ov_feeds_install(struct ov_feeds_session *session, struct ov_active *active) {
    static struct ov_activation activation;
    activation = (struct ov_activation){
        .rules_folder = session->folder,
        .rules_path = session->path,
        .arg = session,
        .on_stage = show_stage,
        .on_ready = note_load,
    };
    enum ov_status status = ov_active_install(&activation, active);
    ov_feeds_erase(session);
    if (status != OV_OK) {
        session->error_count++;
        note_refusal(session, INSTALLED, activation.reason);
        ov_say_error("rules", activation.reason, "the rules that were installed stay active");
    } else if (active->feed_count > 0 && active->image[0] == 0) {
        ov_say_error("rules", "no rule of the installed sets can be used",
                     "scans use the built-in rules until there is one");
    } else if (activation.problem_count > 0 && !session->options->is_quiet) {
        (void)fprintf(stderr,
                      "overt: %" PRIu64 " rules could not be read (overt rules check names "
                      "them all)\n",
                      activation.problem_count);
    }
    return status;
}

// ---- what became of it --------------------------------------------------------------------------

int ov_feeds_say_refusal(struct ov_feeds_session *session, const char *feed, enum ov_status status,
                         const char *reason) {
    bool is_refusal = status == OV_DENIED || status == OV_DAMAGED || status == OV_UNSUPPORTED;
    ov_feeds_erase(session);
    session->error_count++;
    note_refusal(session, feed, reason);
    if (session->options->is_json) {
        OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
        struct ov_json json;
        ov_json_init(&json, &out);
        ov_json_object(&json, NULL);
        ov_json_text(&json, "feed", feed);
        ov_json_text(&json, "result", is_refusal ? "refused" : "failed");
        ov_json_text(&json, "reason", reason);
        ov_json_object_end(&json);
        (void)printf("%.*s\n", (int)out.size, (const char *)out.data);
    }
    ov_say_error(feed, reason,
                 is_refusal ? "refused: the rules that were installed stay active"
                            : "the rules that were installed stay active");
    return OV_EXIT_ERROR;
}

uint64_t ov_feeds_age_days(const struct ov_active_feed *feed, uint64_t now, bool *ret_is_stale) {
    uint64_t since = feed->kind == OV_FEED_LOG ? feed->state.time : feed->updated;
    uint64_t days = now > since ? (now - since) / DAY_SECONDS : 0;
    *ret_is_stale = feed->warn_age_days > 0 && days >= feed->warn_age_days;
    return days;
}

static const char *growth_words(enum ov_update_growth growth) {
    switch (growth) {
    case OV_GROWTH_FIRST:
        return "first seen";
    case OV_GROWTH_SAME:
        return "unchanged";
    case OV_GROWTH_TREE:
        return "shown by its tiles";
    case OV_GROWTH_WITNESSES:
        return "consistency by witnesses";
    }
    return "";
}

static void print_json(const struct ov_active_feed *feed, const char *what,
                       const struct ov_refresh_result *result) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_json json;
    ov_json_init(&json, &out);
    ov_json_object(&json, NULL);
    ov_json_text(&json, "feed", feed->name.text);
    ov_json_text(&json, "result", what);
    if (feed->kind == OV_FEED_LOG) {
        ov_json_uint(&json, "seq", feed->state.seq);
        ov_json_uint(&json, "rules", feed->rule_count);
        ov_json_text(&json, "origin", feed->state.origin);
        ov_json_uint(&json, "log_size", feed->state.head.size);
        ov_json_uint(&json, "witnesses", feed->witness_count);
        ov_json_uint(&json, "witnessed", feed->state.time);
        ov_json_text(&json, "growth", growth_words(result->update.growth));
    } else {
        ov_json_text(&json, "verified", result->reason);
    }
    if (result->trust_version > 0) {
        ov_json_uint(&json, "trust_version", result->trust_version);
    }
    ov_json_uint(&json, "fetched_bytes", result->fetched_bytes);
    ov_json_object_end(&json);
    (void)printf("%.*s\n", (int)out.size, (const char *)out.data);
}

// What a process went without is said once.
static void say_layers(const struct ov_refresh_result *result) {
    static bool is_said;
    if (result->missing_layers != 0 && !is_said) {
        is_said = true;
        (void)fprintf(stderr,
                      "overt: fetching and verifying went without %d layers of confinement (overt "
                      "status)\n",
                      __builtin_popcount(result->missing_layers));
    }
}

void ov_feeds_say_set(struct ov_feeds_session *session, const struct ov_active_feed *feed,
                      const char *what, const struct ov_refresh_result *result) {
    char text[OV_FEED_REASON_BYTES];
    bool is_stale = false;
    uint64_t days = ov_feeds_age_days(feed, session->now, &is_stale);
    ov_feeds_erase(session);
    say_layers(result);
    if (feed->kind == OV_FEED_LOG) {
        (void)snprintf(text, sizeof text,
                       "release %" PRIu64 " of %s: %" PRIu64 " rules, %" PRIu64
                       " witnesses, log: %s",
                       feed->state.seq, feed->state.origin, feed->rule_count, feed->witness_count,
                       growth_words(result->update.growth));
    } else {
        (void)snprintf(text, sizeof text, "%s", result->reason);
    }
    if (session->options->is_json) {
        print_json(feed, what, result);
    } else if (!session->options->is_quiet) {
        if (result->trust_version > 0) {
            (void)printf("%s: new release keys and policy: version %" PRIu64 "\n", feed->name.text,
                         result->trust_version);
        }
        (void)printf("%s: %s: %s\n", feed->name.text, what, text);
    }
    if (is_stale) {
        (void)fprintf(stderr, "overt: the rules of %s are %" PRIu64 " days old\n", feed->name.text,
                      days);
    }
}
