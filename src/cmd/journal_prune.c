// SPDX-License-Identifier: Apache-2.0
// overt journal prune: removes old entries, and writes down that it did.
#include "cmd/journal_prune.h"

#include "base/fd.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/journal_run.h"
#include "journal/names_prune.h"
#include "journal/prune.h"
#include "ledger/tile.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DAYS_MAX = 36500, SECONDS_A_DAY = 86400 };

static const char help[] =
    "Usage: overt journal prune --older-than DAYS [--yes]\n"
    "\n"
    "Removes old entries of this machine's journal, 256 at a time, and the paths that they speak\n"
    "of. Their hashes stay, so that all that is left still verifies, and so do entries among "
    "which\n"
    "a new key began. That they were removed, and by whom, is written down before.\n"
    "\n"
    "      --older-than DAYS   entries that are older than so many days\n"
    "      --yes               does it; without, what would be removed is told\n"
    "      --help              print this help\n"
    "\n"
    "Exit codes: 0 done, 1 the journal does not hold and is left alone, 2 an error.\n"
    "\n"
    "Example:\n"
    "  overt journal prune --older-than 365 --yes\n";

struct options {
    uint64_t days;
    bool has_days;
    bool is_sure;
};

static bool read_days(const char *text, struct options *options) {
    options->has_days =
        ov_number_read(ov_span_text(text), &options->days) == OV_OK && options->days <= DAYS_MAX;
    return options->has_days;
}

// Gives an exit code when the run ends here, else -1.
static int read_options(int argc, char **argv, struct options *options) {
    enum { OPT_OLDER = 256, OPT_YES, OPT_HELP };
    static const struct option long_options[] = {{"older-than", required_argument, NULL, OPT_OLDER},
                                                 {"yes", no_argument, NULL, OPT_YES},
                                                 {"help", no_argument, NULL, OPT_HELP},
                                                 {NULL, 0, NULL, 0}};
    optind = 1;
    opterr = 0;
    for (int code = 0; (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        if (code == 'h' || code == OPT_HELP) {
            (void)fputs(help, stdout);
            return OV_EXIT_NOTHING;
        }
        if (code == OPT_OLDER && !read_days(optarg, options)) {
            ov_say_error(optarg, "no number of days", "0 to 36500");
            return OV_EXIT_ERROR;
        }
        if (code == '?') {
            ov_say_error(argv[optind - 1], "unknown option, or its value is missing",
                         "overt journal prune --help");
            return OV_EXIT_ERROR;
        }
        options->is_sure |= code == OPT_YES;
    }
    if (optind < argc || !options->has_days) {
        ov_say_error("journal prune", "--older-than DAYS is needed, and nothing else",
                     "overt journal prune --help");
        return OV_EXIT_ERROR;
    }
    return -1;
}

static int say_status(const char *what, enum ov_status status) {
    const char *why = status == OV_SYSTEM    ? strerror(errno)
                      : status == OV_END     ? "there is no journal"
                      : status == OV_DAMAGED ? "not as it was written: nothing is removed"
                                             : ov_status_text(status);
    ov_say_error(what, why, status == OV_DAMAGED ? "overt journal verify" : NULL);
    return status == OV_DAMAGED ? OV_EXIT_FOUND : OV_EXIT_ERROR;
}

static int prune_names(int folder) {
    uint64_t dropped = 0;
    enum ov_status status = ov_names_prune(folder, &dropped);
    if (status == OV_PEER) {
        ov_say_error("names", "a scan is under way, so paths of removed entries are still there",
                     "prune again when it has ended");
        return OV_EXIT_ERROR;
    }
    if (status != OV_OK) {
        return say_status("names", status);
    }
    (void)printf("%" PRIu64 " paths removed\n", dropped);
    return OV_EXIT_NOTHING;
}

// The entry is sealed before the first file goes.
static int remove_planned(struct ov_keeper *keeper, int folder, const struct ov_prune_plan *plan) {
    char body[128];
    if (plan->bundle_count > 0) {
        (void)snprintf(body, sizeof body, "from %" PRIu64 "\nto %" PRIu64 "\n", plan->from,
                       plan->to);
        enum ov_status status = ov_keeper_add(keeper, OV_ENTRY_REMOVED, ov_span_text(body));
        status = status == OV_OK ? ov_keeper_seal(keeper) : status;
        if (status != OV_OK) {
            ov_say_error("journal", keeper->reason, "nothing was removed");
            return OV_EXIT_ERROR;
        }
        status = ov_prune_remove(folder, plan);
        if (status != OV_OK) {
            return say_status("journal", status);
        }
        (void)printf("%" PRIu64 " entries removed\n", plan->bundle_count * OV_TILE_WIDTH);
    }
    return prune_names(folder);
}

static int remove_journaled(int folder, const struct ov_prune_plan *plan) {
    struct ov_keeper keeper;
    int names = -1;
    if (ov_journal_run_begin("journal-prune", &keeper, &names) != OV_OK) {
        (void)ov_keeper_end(&keeper);
        return OV_EXIT_ERROR;
    }
    ov_fd_close(&names); // or we would wait for ourselves
    struct ov_run_end end = {.code = remove_planned(&keeper, folder, plan)};
    end.errors = end.code != OV_EXIT_NOTHING;
    if (ov_journal_run_end(&keeper, &end) != OV_OK) {
        (void)ov_keeper_end(&keeper);
        return OV_EXIT_ERROR;
    }
    return end.code;
}

int ov_journal_prune(int argc, char **argv) {
    struct options options = {0};
    struct ov_prune_plan plan;
    char path[PATH_MAX];
    int code = read_options(argc, argv, &options);
    if (code >= 0) {
        return code;
    }
    if (ov_journal_folder_path(path, sizeof path) != OV_OK) {
        ov_say_error("journal", "no folder for it is known", "set OVERT_STATE");
        return OV_EXIT_ERROR;
    }
    OV_AUTO_FD folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        ov_say_error(path, strerror(errno), "nothing was written down here yet?");
        return OV_EXIT_ERROR;
    }
    uint64_t now = (uint64_t)time(NULL);
    uint64_t age = options.days * SECONDS_A_DAY;
    uint64_t before_ns = (now > age ? now - age : 0) * 1000000000u;
    enum ov_status status = ov_prune_find(folder, before_ns, &plan);
    if (status != OV_OK) {
        return say_status(path, status);
    }
    if (!options.is_sure) {
        (void)printf("%" PRIu64 " entries would be removed; --yes does it\n",
                     plan.bundle_count * OV_TILE_WIDTH);
        return OV_EXIT_NOTHING;
    }
    return remove_journaled(folder, &plan);
}
