// SPDX-License-Identifier: Apache-2.0
// overt scan: finds malware in files, in caged workers.
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/scan_options.h"
#include "cmd/scan_output.h"
#include "cmd/quarantine_take.h"
#include "cmd/scan_journal.h"
#include "cmd/scan_rules.h"
#include "cmd/scan_state.h"
#include "role/roles.h"
#include "role/scan_job.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

struct scan {
    const struct ov_scan_arguments *args;
    struct ov_scan_image image;
    struct ov_buf load; // what the journal says of it, or of there being none
    struct ov_scan_output output;
    struct ov_scan_state *state; // NULL without --changed
    struct ov_quarantine quarantine;
    struct ov_scan_journal journal;
};

static volatile sig_atomic_t is_interrupted;

static void on_signal(int signal_number) {
    (void)signal_number;
    is_interrupted = 1;
}

// The first Ctrl-C ends the scan in order; a second one has its usual effect.
static void catch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

// Folders inside one another and files in flight each need a descriptor.
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

// A program whose file is gone, or never was one, is told whatever the verdict: it may be an update
// that waits for a restart, and it is how malware hides that lives in memory alone.
static void note_gone(const struct scan *scan, const struct ov_scan_result *result) {
    static const char mark[] = " executable /", gone[] = " (deleted)";
    struct ov_span path = result->path;
    if (scan->args->with_processes && path.size > sizeof gone &&
        memmem(path.data, path.size, mark, sizeof mark - 1) != NULL &&
        memcmp(path.data + path.size - (sizeof gone - 1), gone, sizeof gone - 1) == 0) {
        char text[512];
        (void)snprintf(text, sizeof text, "%.*s", (int)path.size, (const char *)path.data);
        ov_say_error(text, "runs a file that is gone or was never one", NULL);
    }
}

static const char *quarantine(struct scan *scan, const struct ov_scan_result *result, char *path) {
    const char *why = NULL;
    bool is_file = result->key.inode != 0;
    if (scan->quarantine.folder < 0 || result->kind != OV_RESULT_FOUND || !is_file) {
        return NULL;
    }
    struct ov_action action;
    if (!ov_quarantine_may_take(&scan->quarantine, result, &why)) {
        ov_say_error("quarantine", why,
                     "the file stays where it is; --quarantine-containers takes it");
        return NULL;
    }
    if (ov_scan_journal_intend(&scan->journal, result, &action) != OV_OK) {
        scan->output.totals.errors++;
        return NULL;
    }
    enum ov_status status = ov_quarantine_take(&scan->quarantine, result, &scan->image, path, &why);
    ov_action_end(&action, status == OV_OK);
    if (status == OV_OK) {
        return path;
    }
    ov_say_error("quarantine", why, "the file stays where it is");
    scan->output.totals.errors++;
    return NULL;
}

// What is in the journal by now.
static void deliver_result(void *arg, const struct ov_scan_result *result) {
    struct scan *scan = arg;
    char moved_to[OV_QUARANTINE_PATH_BYTES];
    bool is_clean = result->kind == OV_RESULT_CLEAN || result->kind == OV_RESULT_UNCHANGED;
    if (scan->state != NULL && result->key.inode != 0) {
        ov_scan_state_note(scan->state, &result->key, is_clean);
    }
    note_gone(scan, result);
    ov_scan_output_result(&scan->output, result, quarantine(scan, result, moved_to));
}

static void take_result(void *arg, const struct ov_scan_result *result) {
    struct scan *scan = arg;
    ov_scan_journal_take(&scan->journal, result);
}

static void take_crash(void *arg, struct ov_span path, const char *why) {
    struct scan *scan = arg;
    ov_scan_journal_crash(&scan->journal, path, why);
}

static bool is_known(void *arg, const struct ov_file_key *key) {
    const struct scan *scan = arg;
    return scan->state != NULL && ov_scan_state_is_known(scan->state, key);
}

static void tick(void *arg) {
    struct scan *scan = arg;
    ov_scan_journal_tick(&scan->journal);
    ov_scan_output_tick(&scan->output);
}

static enum ov_status open_parts(struct scan *scan) {
    const struct ov_scan_arguments *args = scan->args;
    enum ov_status status = OV_OK;
    if (args->quarantine != NULL) {
        status = ov_quarantine_open(args->quarantine, &scan->quarantine);
        if (status != OV_OK) {
            const char *why = status == OV_DENIED
                                  ? "others could read its key or change what is in it"
                              : status == OV_SYSTEM ? strerror(errno)
                                                    : ov_status_text(status);
            ov_say_error(args->quarantine, why, "give a folder that is yours alone");
            return status;
        }
        scan->quarantine.with_containers = args->with_containers;
    }
    if (args->is_changed_only) {
        status = ov_scan_state_open(scan->image.id, &args->limits, args->is_all_matches,
                                    args->alerts, &scan->state);
        if (status != OV_OK) {
            ov_say_error("--changed", ov_status_text(status), "set OVERT_STATE to a folder");
        }
    }
    return status;
}

static struct ov_scan_request make_request(struct scan *scan) {
    const struct ov_scan_arguments *args = scan->args;
    return (struct ov_scan_request){
        .processes = args->processes,
        .process_count = args->process_count,
        .with_all_processes = args->with_processes && args->process_count == 0,
        .paths = args->paths,
        .path_count = args->path_count,
        .includes = args->includes,
        .include_count = args->include_count,
        .excludes = args->excludes,
        .exclude_count = args->exclude_count,
        .image = &scan->image,
        .limits = args->limits,
        .worker_count = args->jobs,
        .is_all_matches = args->is_all_matches,
        .alerts = args->alerts,
        .with_member_names =
            args->is_json || args->quarantine != NULL, // plain lines have no place for them
        .digests = args->is_unjournaled ? OV_DIGESTS_NONE
                   : args->with_digests ? OV_DIGESTS_ALL
                                        : OV_DIGESTS_FOUND,
        .required_layers = args->is_confinement_required ? ov_role_get(OV_ROLE_WORKER)->layers : 0,
        .is_stopped = &is_interrupted,
        .arg = scan,
        .on_result = take_result,
        .on_crash = take_crash,
        .is_known = args->is_changed_only ? is_known : NULL,
        .on_tick = tick,
    };
}

// A detection outweighs everything else, as with clamscan.
static int choose_exit(const struct ov_scan_arguments *args, const struct ov_scan_totals *totals,
                       enum ov_status status) {
    if (totals->found > 0) {
        return OV_EXIT_FOUND;
    }
    if (status != OV_OK || totals->errors > 0) {
        return OV_EXIT_ERROR;
    }
    return totals->limited > 0 && !args->is_incomplete_ok ? OV_EXIT_INCOMPLETE : OV_EXIT_NOTHING;
}

// That it could not be closed is an error like others: told, counted, and no match for a detection.
static int close_journal(struct scan *scan, int code) {
    struct ov_scan_output *output = &scan->output;
    if (ov_scan_journal_close(&scan->journal, &output->totals, code) == OV_OK) {
        output->sealed = scan->journal.is_on ? &scan->journal.keeper.head : NULL;
        return code;
    }
    output->journal_error = scan->journal.keeper.reason;
    output->totals.errors++;
    return code == OV_EXIT_FOUND ? code : OV_EXIT_ERROR;
}

static int scan_paths(struct scan *scan) {
    struct ov_scan_outcome outcome;
    ov_scan_output_init(scan->args, &scan->image, &scan->output);
    struct ov_scan_request request = make_request(scan);
    enum ov_status status = ov_scan_run(&request, &outcome);
    if (ov_scan_journal_flush(&scan->journal) != OV_OK) {
        status = scan->journal.status;
        (void)snprintf(outcome.reason, sizeof outcome.reason, "the journal cannot be written");
    }
    if (scan->state != NULL && ov_scan_state_save(scan->state) != OV_OK) {
        ov_say_error("--changed", strerror(errno), "this scan is not remembered");
    }
    bool is_odd = ov_scan_journal_is_odd(&scan->journal);
    int code = choose_exit(scan->args, &scan->output.totals, status);
    code = is_odd && code != OV_EXIT_FOUND ? OV_EXIT_ERROR : code;
    code = close_journal(scan, code);
    ov_scan_output_summary(&scan->output, &outcome);
    if (status == OV_END) {
        ov_say_error("scan", "stopped before its end", NULL);
    } else if (status != OV_OK) {
        ov_say_error("scan", outcome.reason,
                     status == OV_DENIED ? "overt status shows what this kernel enforces" : NULL);
    }
    return code;
}

static enum ov_status open_journal(struct scan *scan) {
    scan->journal.deliver = deliver_result;
    scan->journal.arg = scan;
    scan->journal.is_stopped = &is_interrupted;
    return ov_scan_journal_open(scan->args, &scan->journal);
}

// The journal is told which rules are used, before the first file is opened, or why there are none.
static enum ov_status open_all(struct scan *scan) {
    enum ov_status status = ov_scan_rules_open(scan->args, &scan->image, &scan->load);
    struct ov_span told = scan->load.has_failed ? ov_span_make(NULL, 0) : ov_buf_span(&scan->load);
    if (status != OV_OK) {
        (void)!ov_scan_journal_refuse(&scan->journal, told);
        return status;
    }
    scan->journal.image = &scan->image;
    if (told.size == 0) {
        ov_say_error("scan", ov_status_text(OV_MEMORY), NULL);
        return OV_MEMORY;
    }
    TRY(open_parts(scan));
    return ov_scan_journal_begin(&scan->journal, scan->args, told);
}

static int work(struct scan *scan) {
    if (open_journal(scan) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    if (open_all(scan) != OV_OK) {
        (void)!ov_scan_journal_close(&scan->journal, &scan->output.totals, OV_EXIT_ERROR);
        return OV_EXIT_ERROR;
    }
    return scan_paths(scan);
}

static int run_scan(int argc, char **argv) {
    struct ov_scan_arguments args;
    enum ov_status status = ov_scan_arguments_read(argc, argv, &args);
    int code = status == OV_END ? OV_EXIT_NOTHING : OV_EXIT_ERROR;
    if (status == OV_OK) {
        struct scan scan = {.args = &args,
                            .image.fd = -1,
                            .quarantine.folder = -1,
                            .journal = {.names = -1, .keeper.channel = -1}};
        raise_descriptor_limit();
        catch_signals();
        code = work(&scan);
        ov_scan_journal_release(&scan.journal);
        ov_scan_output_release(&scan.output);
        ov_scan_state_free(scan.state);
        ov_quarantine_close(&scan.quarantine);
        ov_buf_release(&scan.load);
        ov_scan_image_close(&scan.image);
    }
    ov_scan_arguments_release(&args);
    return code;
}

const struct ov_command ov_command_scan = {
    .name = "scan",
    .summary = "scan files and folders for malware",
    .run = run_scan,
    .help = ov_scan_help,
};
