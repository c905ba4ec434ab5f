// SPDX-License-Identifier: Apache-2.0
// overt inventory apply: carries out a plan, and stops at the first surprise.
#include "base/fault.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/inventory.h"
#include "cmd/inventory_act.h"
#include "cmd/inventory_journal.h"
#include "cmd/inventory_plan.h"
#include "cmd/inventory_state.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WHY_BYTES = 1024 };

static const char help[] =
    "Usage: overt inventory apply [--yes] [--no-journal] PLAN\n"
    "\n"
    "Carries out a plan of overt inventory plan. Without --yes it says what it would do, and\n"
    "changes nothing. The machine is looked at again first, and it stops at the first thing that\n"
    "is not as planned. The configuration is copied before the first step, into the folder of\n"
    "Overt's data; each act is written to the journal before it is done. After a stop, or when it\n"
    "was cut off, the same command goes on where it was.\n"
    "\n"
    "Options:\n"
    "      --yes         do it\n"
    "      --no-journal  without writing it to the journal\n"
    "      --help        print this help\n"
    "\n"
    "Exit codes: 0 done (or can be done), 1 stopped at a surprise, 2 an error.\n"
    "\n"
    "Example:\n"
    "  sudo overt inventory apply --yes removal.plan\n";

struct apply {
    bool is_yes, is_unjournaled;
    struct ov_plan planned;
    struct ov_plan_view view; // the machine, as of the last look
    bool has_view;
    struct ov_plan_state state;
    struct ov_plan_journal *journal; // NULL: none is written
    uint64_t acts, failures;
};

static int reject(const char *what, const char *why) {
    ov_say_error(what, why, "overt inventory apply --help");
    return OV_EXIT_ERROR;
}

static void tell_surprise(const char *why) {
    ov_say_error("stopped", why, "look at it, then go on with the same command, or plan again");
}

// ---- looking ------------------------------------------------------------------------------------

static void forget_view(struct apply *apply) {
    if (apply->has_view) {
        ov_plan_view_release(&apply->view);
        apply->has_view = false;
    }
}

// The machine as it is now. OV_PEER after a surprise, which was told.
static enum ov_status look(struct apply *apply) {
    char why[WHY_BYTES] = "";
    const struct ov_plan_look wanted = {
        .root = apply->planned.root,
        .bans = apply->planned.bans,
        .ban_count = apply->planned.ban_count,
        .before = &apply->planned,
    };
    const struct ov_plan_progress progress = {.done = apply->state.done,
                                              .has_begun = apply->state.has_begun};
    forget_view(apply);
    ov_plan_view_init(&apply->view);
    apply->has_view = true;
    TRY(ov_plan_view_look(&wanted, &apply->view));
    enum ov_status status =
        ov_plan_check(&apply->planned, &apply->view.plan, &progress, why, sizeof why);
    if (status != OV_OK) {
        tell_surprise(why);
    }
    return status;
}

// ---- acts ---------------------------------------------------------------------------------------

// Written down before it is done.
static enum ov_status intend(struct apply *apply, const char *word, const char *what) {
    TRY(ov_plan_journal_intend(apply->journal, word, what));
    apply->acts++;
    ov_fault_point();
    return OV_OK;
}

static enum ov_status stop_for(struct apply *apply, const char *program, int code) {
    char why[WHY_BYTES + PATH_MAX];
    (void)snprintf(why, sizeof why, "%s ended with %d; what it said is in %s/log", program, code,
                   apply->state.path);
    tell_surprise(why);
    return OV_PEER;
}

// Package managers are asked first whether they would: one that refuses may have noted the wish.
static enum ov_status try_packages(struct apply *apply, const struct ov_plan_command *command,
                                   enum ov_plan_tool tool) {
    const char *args[OV_PLAN_ARGS_MAX + 1];
    int code = 0;
    args[0] = command->args[0];
    args[1] = tool == OV_TOOL_DPKG ? "--dry-run" : tool == OV_TOOL_APK ? "--simulate" : "--test";
    for (size_t i = 0; i + 1 < OV_PLAN_ARGS_MAX; i++) {
        args[i + 2] = command->args[i + 1];
        if (args[i + 2] == NULL) {
            break;
        }
    }
    TRY(ov_act_run(args, apply->state.log, &code));
    return code == 0 ? OV_OK : stop_for(apply, args[0], code);
}

static enum ov_status run_command(struct apply *apply, const struct ov_plan_step *step) {
    struct ov_plan_command command;
    char what[WHY_BYTES] = "";
    int code = 0;
    TRY(ov_plan_command_make(&apply->view.plan, step, &command));
    for (size_t i = 0, used = 0; i < step->target_count && used < sizeof what; i++) {
        used += (size_t)snprintf(what + used, sizeof what - used, "%s%s", i > 0 ? " " : "",
                                 step->targets[i]);
    }
    if (step->kind == OV_STEP_PACKAGES) {
        TRY(try_packages(apply, &command, step->tool));
    }
    TRY(intend(apply, ov_step_name(step->kind), what));
    enum ov_status status = ov_act_run(command.args, apply->state.log, &code);
    ov_plan_journal_tell(apply->journal, status == OV_OK && code == 0);
    ov_fault_point();
    if (status != OV_OK) {
        ov_say_error(command.args[0], strerror(errno), NULL);
        return status;
    }
    if (code != 0 && step->kind != OV_STEP_MODULE) {
        return stop_for(apply, command.args[0], code);
    }
    apply->failures += code != 0 ? 1 : 0;
    return OV_OK;
}

static enum ov_status tell_remove(struct apply *apply, const struct ov_plan_entry *entry,
                                  enum ov_status status) {
    char why[WHY_BYTES] = "";
    if (status == OV_OK || status == OV_END) {
        return OV_OK;
    }
    bool is_left = status == OV_LIMIT && entry->may_change;
    (void)snprintf(why, sizeof why, "%s: %s", entry->path,
                   status == OV_LIMIT  ? "is not empty"
                   : status == OV_PEER ? "is not what it was a moment ago"
                                       : strerror(errno));
    if (is_left) {
        (void)printf("left: %s is not empty: it got something since the plan\n", entry->path);
        apply->failures++;
        return OV_OK;
    }
    tell_surprise(why);
    return OV_PEER;
}

static enum ov_status remove_entry(struct apply *apply, const struct ov_plan_step *step,
                                   const struct ov_plan_step *planned,
                                   const struct ov_plan_entry *entry) {
    if (ov_plan_find_entry(planned, entry->path) == NULL) {
        (void)printf("left: %s is new since the plan\n", entry->path);
        apply->failures++;
        return OV_OK;
    }
    TRY(intend(apply, ov_step_name(OV_STEP_REMOVE), entry->path));
    enum ov_status status = ov_act_remove(&apply->view.tree, step, entry);
    int error = errno;
    ov_plan_journal_tell(apply->journal, status == OV_OK || status == OV_END);
    errno = error;
    return tell_remove(apply, entry, status);
}

// From the last to the first: folders come after what is in them.
static enum ov_status remove_files(struct apply *apply, const struct ov_plan_step *step,
                                   const struct ov_plan_step *planned) {
    char owner[WHY_BYTES] = "";
    enum ov_status status =
        ov_act_find_owner(&apply->view.plan, &apply->view.tree, step, owner, sizeof owner);
    if (status != OV_END) {
        char why[WHY_BYTES + 64] = "";
        (void)snprintf(why, sizeof why, "%s: %s%s", step->targets[0],
                       status == OV_OK ? "a package still owns a file in it: "
                                       : "the package manager cannot say whose it is",
                       owner);
        tell_surprise(why);
        return OV_PEER;
    }
    status = OV_OK;
    for (const struct ov_plan_entry *entry = step->last; entry != NULL && status == OV_OK;
         entry = entry->previous) {
        status = remove_entry(apply, step, planned, entry);
    }
    return status;
}

// ---- steps --------------------------------------------------------------------------------------

static void tell_step(const struct apply *apply, const struct ov_plan_step *step, size_t number,
                      const char *word) {
    OV_CLEANUP(ov_buf_release) struct ov_buf typed = {0};
    ov_plan_add_typed(&typed, &apply->planned, step);
    ov_buf_add_u8(&typed, 0);
    (void)printf("%3zu. %s: %s\n", number + 1, word,
                 step->kind == OV_STEP_PERSON ? step->targets[0]
                 : typed.has_failed           ? ov_step_title(step->kind)
                                              : (const char *)typed.data);
    (void)fflush(stdout);
}

static bool is_for_people(const struct ov_plan_step *step) {
    return step->kind == OV_STEP_PERSON || step->kind == OV_STEP_REBOOT ||
           step->kind == OV_STEP_VERIFY;
}

static enum ov_status do_step(struct apply *apply, const struct ov_plan_step *planned,
                              size_t number) {
    const struct ov_plan_step *now = ov_plan_find_step(&apply->view.plan, planned);
    if (planned->kind == OV_STEP_RELOAD) {
        now = planned; // it has nothing that could be another one's
    }
    tell_step(apply, planned, number, now != NULL ? "does" : "is done already");
    TRY(ov_plan_state_begin(&apply->state, number));
    if (now != NULL) {
        TRY(planned->kind == OV_STEP_REMOVE ? remove_files(apply, now, planned)
                                            : run_command(apply, now));
    }
    return ov_plan_state_done(&apply->state, number);
}

// Before steps of another kind, and before each command that changes what others find, the machine
// is looked at again: a command may have done more than it was asked for.
static enum ov_status do_steps(struct apply *apply) {
    enum ov_step_kind last = OV_STEP_KINDS;
    size_t number = 0;
    for (const struct ov_plan_step *step = apply->planned.steps; step != NULL;
         step = step->next, number++) {
        if (is_for_people(step) || apply->state.done[number] != 0) {
            continue;
        }
        bool is_stale = last != OV_STEP_KINDS && (last != step->kind || last == OV_STEP_UNINSTALL ||
                                                  last == OV_STEP_PACKAGES);
        if (is_stale) {
            TRY(look(apply));
        }
        TRY(do_step(apply, step, number));
        last = step->kind;
    }
    return OV_OK;
}

static void tell_people(const struct apply *apply) {
    size_t number = 0;
    for (const struct ov_plan_step *step = apply->planned.steps; step != NULL;
         step = step->next, number++) {
        bool is_before = step->kind == OV_STEP_PERSON &&
                         strncmp(step->targets[0], "know before", strlen("know before")) == 0;
        if (is_for_people(step) && !is_before) {
            tell_step(apply, step, number, "for you");
        }
    }
}

// ---- run ----------------------------------------------------------------------------------------

static int choose_exit(enum ov_status status) {
    return status == OV_OK ? OV_EXIT_NOTHING : status == OV_PEER ? OV_EXIT_FOUND : OV_EXIT_ERROR;
}

static int tell_only(struct apply *apply) {
    static const uint8_t nothing[1];
    size_t number = 0;
    for (const struct ov_plan_step *step = apply->planned.steps; step != NULL;
         step = step->next, number++) {
        const uint8_t *done = apply->state.done != NULL ? apply->state.done + number : nothing;
        tell_step(apply, step, number,
                  is_for_people(step) ? "for you"
                  : *done != 0        ? "is done"
                                      : "would do");
    }
    (void)printf("Nothing was changed: --yes does it.\n");
    return OV_EXIT_NOTHING;
}

static enum ov_status take_snapshot(struct apply *apply) {
    if (apply->state.has_snapshot) {
        return OV_OK;
    }
    enum ov_status status = ov_plan_snapshot(&apply->state, &apply->planned, &apply->view.tree);
    if (status != OV_OK) {
        ov_say_error(apply->state.path,
                     status == OV_SYSTEM ? strerror(errno) : ov_status_text(status),
                     "the configuration could not be copied: nothing was changed");
        return OV_SYSTEM;
    }
    (void)printf("The configuration of before is in %s/snapshot\n", apply->state.path);
    return OV_OK;
}

static int carry_out(struct apply *apply) {
    if (!apply->is_unjournaled && ov_plan_journal_begin(&apply->journal) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    enum ov_status status = take_snapshot(apply);
    status = status == OV_OK ? do_steps(apply) : status;
    int code = choose_exit(status);
    if (status == OV_OK) {
        tell_people(apply);
        (void)printf("Done: %llu acts, %llu that left something. Verify with: overt inventory "
                     "verify\n",
                     (unsigned long long)apply->acts, (unsigned long long)apply->failures);
    }
    enum ov_status written = ov_plan_journal_end(apply->journal, code);
    code = written == OV_OK ? code : OV_EXIT_ERROR;
    return code;
}

static int run_plan(struct apply *apply, const char *path) {
    uint8_t sha256[32];
    if (ov_plan_file_read(path, &apply->planned, sha256) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    if (apply->is_yes && strcmp(apply->planned.root, "/") == 0 && geteuid() != 0) {
        return reject("apply", "only root can change this machine");
    }
    enum ov_status status =
        ov_plan_state_open(&apply->planned, sha256, !apply->is_yes, &apply->state);
    if (status == OV_END) { // nothing was done yet, and nothing will be
        apply->state.done = calloc(apply->planned.step_count + 1, 1);
        status = apply->state.done != NULL ? OV_OK : OV_MEMORY;
    }
    if (status != OV_OK) {
        return OV_EXIT_ERROR;
    }
    status = look(apply);
    int code = status != OV_OK ? choose_exit(status)
               : apply->is_yes ? carry_out(apply)
                               : tell_only(apply);
    ov_plan_state_close(&apply->state);
    return code;
}

static int run(int argc, char **argv) {
    enum { OPT_YES = 256, OPT_NO_JOURNAL };
    static const struct option long_options[] = {{"yes", no_argument, NULL, OPT_YES},
                                                 {"no-journal", no_argument, NULL, OPT_NO_JOURNAL},
                                                 {NULL, 0, NULL, 0}};
    static struct apply apply;
    optind = 1;
    opterr = 0;
    for (int code = 0; (code = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        if (code == OPT_YES) {
            apply.is_yes = true;
        } else if (code == OPT_NO_JOURNAL) {
            apply.is_unjournaled = true;
        } else {
            return reject(argv[optind - 1], "unknown option");
        }
    }
    if (optind + 1 != argc) {
        return reject("apply", "one plan is to be named");
    }
    ov_plan_init(&apply.planned);
    int code = run_plan(&apply, argv[optind]);
    forget_view(&apply);
    ov_plan_release(&apply.planned);
    return code;
}

const struct ov_inventory_word ov_inventory_word_apply = {
    .name = "apply", .run = run, .help = help};
