// SPDX-License-Identifier: Apache-2.0
// overt inventory verify: whether what a plan removes is gone, and stays so.
#include "base/json.h"
#include "base/printable.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/inventory.h"
#include "cmd/inventory_plan.h"
#include "cmd/inventory_state.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: overt inventory verify [--json] PLAN\n"
    "\n"
    "Looks whether what the plan removes is gone: what is left over, by kind, what was created or\n"
    "installed again since, and what came anew. Nothing is changed, so it can be repeated, by "
    "hand\n"
    "after a restart or on a timer. It can be asked before anything was removed, too.\n"
    "\n"
    "Options:\n"
    "      --json  one JSON object\n"
    "      --help  print this help\n"
    "\n"
    "Exit codes: 0 nothing is left, 1 something is, 2 an error, 3 nothing is left but something\n"
    "could not be read.\n"
    "\n"
    "Example:\n"
    "  sudo overt inventory verify removal.plan\n";

// What has become of something that was to go.
enum fate { FATE_LEFT, FATE_CHANGED, FATE_AGAIN, FATE_NEW, FATE_SHARED };

struct verify {
    bool is_json;
    struct ov_plan planned;
    struct ov_plan_view view;
    struct ov_plan_state state;
    bool has_state;
    struct ov_json json;
    struct ov_buf out;
    size_t left;
};

static const char *name_fate(enum fate fate, enum ov_indicator_kind kind) {
    switch (fate) {
    case FATE_CHANGED:
        return "left over, changed since the plan";
    case FATE_AGAIN:
        return kind == OV_INDICATOR_PACKAGE ? "installed again" : "created again";
    case FATE_NEW:
        return "new since the plan";
    case FATE_SHARED:
        return "not sure: others have it, too, or it is known by hearsay";
    default:
        return kind == OV_INDICATOR_PACKAGE ? "still installed" : "left over";
    }
}

// ---- what is left -------------------------------------------------------------------------------

struct left {
    const struct ov_product *product; // NULL: of several
    const char *kind, *what, *detail, *fate;
};

static void tell(struct verify *verify, const struct left *left) {
    const char *kind = left->kind, *what = left->what, *detail = left->detail, *fate = left->fate;
    if (verify->is_json) {
        ov_json_object(&verify->json, NULL);
        ov_json_text(&verify->json, "product", left->product != NULL ? left->product->id : "");
        ov_json_text(&verify->json, "kind", kind);
        ov_json_text(&verify->json, "what", what);
        ov_json_text(&verify->json, "detail", detail);
        ov_json_text(&verify->json, "state", fate);
        ov_json_object_end(&verify->json);
        return;
    }
    ov_buf_printf(&verify->out, "  %-20s ", kind);
    ov_printable_add(&verify->out, ov_span_text(what));
    if (detail[0] != 0) {
        ov_buf_add_text(&verify->out, "  (");
        ov_printable_add(&verify->out, ov_span_text(detail));
        ov_buf_add_text(&verify->out, ")");
    }
    ov_buf_printf(&verify->out, ": %s%s%s\n", fate, left->product != NULL ? ", of " : "",
                  left->product != NULL ? left->product->name : "");
}

static bool was_seen(const struct ov_plan *plan, const struct ov_product *product,
                     const struct ov_evidence *evidence) {
    for (const struct ov_plan_seen *seen = plan->seen; seen != NULL; seen = seen->next) {
        if (seen->product == product && seen->kind == evidence->indicator->kind &&
            strcmp(seen->matched, evidence->matched) == 0) {
            return true;
        }
    }
    return false;
}

// Whether the step that takes it away was done.
static bool was_removed(const struct verify *verify, const char *name, enum ov_step_kind kind) {
    size_t number = 0;
    for (const struct ov_plan_step *step = verify->planned.steps; step != NULL;
         step = step->next, number++) {
        for (size_t i = 0; verify->has_state && verify->state.done[number] != 0 &&
                           step->kind == kind && i < step->target_count;
             i++) {
            if (strcmp(step->targets[i], name) == 0) {
                return true;
            }
        }
    }
    return false;
}

static enum ov_step_kind step_of(enum ov_indicator_kind kind) {
    return kind == OV_INDICATOR_PACKAGE   ? OV_STEP_PACKAGES
           : kind == OV_INDICATOR_USER    ? OV_STEP_USER
           : kind == OV_INDICATOR_GROUP   ? OV_STEP_GROUP
           : kind == OV_INDICATOR_SELINUX ? OV_STEP_SELINUX
                                          : OV_STEP_REMOVE;
}

static bool is_planned_file(const struct ov_plan *plan, const char *path) {
    for (const struct ov_plan_step *step = plan->steps; step != NULL; step = step->next) {
        if (step->kind == OV_STEP_REMOVE && ov_plan_find_entry(step, path) != NULL) {
            return true;
        }
    }
    return false;
}

static void tell_evidence(struct verify *verify, const struct ov_found *found,
                          const struct ov_evidence *evidence) {
    enum ov_indicator_kind kind = evidence->indicator->kind;
    enum fate fate = FATE_LEFT;
    if (evidence->indicator->is_shared || evidence->indicator->is_hint) {
        fate = FATE_SHARED;
    } else if (was_removed(verify, evidence->matched, step_of(kind))) {
        fate = FATE_AGAIN;
    } else if (!was_seen(&verify->planned, found->product, evidence)) {
        fate = FATE_NEW;
    }
    // Files of the plan are told one by one.
    if (kind == OV_INDICATOR_PATH && is_planned_file(&verify->planned, evidence->matched)) {
        return;
    }
    verify->left += fate == FATE_SHARED ? 0 : 1;
    const struct left left = {
        .product = found->product,
        .kind = ov_indicator_name(kind),
        .what = evidence->matched,
        .detail = evidence->place[0] != 0 ? evidence->place : evidence->detail,
        .fate = name_fate(fate, evidence->is_residue ? OV_INDICATOR_PATH : kind),
    };
    tell(verify, &left);
}

static bool is_of_plan(const struct ov_plan *plan, const struct ov_product *product) {
    for (size_t i = 0; i < plan->ban_count; i++) {
        if (ov_product_is_named(product, plan->bans[i])) {
            return true;
        }
    }
    return false;
}

static void tell_products(struct verify *verify) {
    const struct ov_inventory *inventory = verify->view.inventory;
    for (size_t i = 0; i < ov_inventory_count(inventory); i++) {
        const struct ov_found *found = ov_inventory_get(inventory, i);
        for (size_t j = 0;
             is_of_plan(&verify->planned, found->product) && j < found->evidence_count; j++) {
            tell_evidence(verify, found, &found->evidence[j]);
        }
    }
}

// A planned file that is there: as it was, or made anew.
static void tell_file(struct verify *verify, const struct ov_plan_step *step,
                      const struct ov_plan_entry *planned, bool is_done) {
    OV_AUTO_FD fd = -1;
    OV_AUTO_FD readable = -1;
    struct stat info, opened;
    struct ov_plan_entry now = {0};
    char sha256[2 * 32 + 1] = "";
    const struct ov_root *tree = &verify->view.tree;
    if (ov_root_find(tree, planned->path, false, &fd, &info) != OV_OK) {
        return;
    }
    if (S_ISREG(info.st_mode) && planned->sha256[0] != 0) {
        (void)ov_root_open_file(tree, planned->path, &readable, &opened);
    }
    ov_plan_describe(fd, readable, &now, sha256);
    bool has_same = now.type == planned->type && strcmp(sha256, planned->sha256) == 0 &&
                    (sha256[0] != 0 || now.size == planned->size);
    bool is_same = has_same && (now.type == 'd' || now.modified_ns == planned->modified_ns);
    enum fate fate = is_done ? FATE_AGAIN : is_same ? FATE_LEFT : FATE_CHANGED;
    verify->left++;
    const struct left left = {
        .product = step->product,
        .kind = "file",
        .what = planned->path,
        .detail = now.type == 'd' ? "folder"
                  : is_same       ? "as it was"
                  : has_same      ? "with the same content, at another time"
                                  : "with other content",
        .fate = name_fate(fate, OV_INDICATOR_PATH),
    };
    tell(verify, &left);
}

static void tell_files(struct verify *verify) {
    size_t number = 0;
    for (const struct ov_plan_step *step = verify->planned.steps; step != NULL;
         step = step->next, number++) {
        bool is_done = verify->has_state && verify->state.done[number] != 0;
        for (const struct ov_plan_entry *entry = step->entries; entry != NULL;
             entry = entry->next) {
            tell_file(verify, step, entry, is_done);
        }
    }
}

// ---- run ----------------------------------------------------------------------------------------

static void write_report(struct verify *verify) {
    size_t problems = ov_inventory_problem_count(verify->view.inventory);
    if (!verify->is_json) {
        tell_products(verify);
        tell_files(verify);
        ov_buf_printf(&verify->out, "%s: left or come back: %zu, could not be read: %zu\n",
                      verify->planned.root, verify->left, problems);
        return;
    }
    ov_json_init(&verify->json, &verify->out);
    ov_json_object(&verify->json, NULL);
    ov_json_text(&verify->json, "format", "overt-verify/1");
    ov_json_text(&verify->json, "machine", verify->view.plan.machine);
    ov_json_text(&verify->json, "root", verify->planned.root);
    ov_json_uint(&verify->json, "time", (uint64_t)verify->view.plan.made_at);
    ov_json_uint(&verify->json, "plan_time", (uint64_t)verify->planned.made_at);
    ov_json_array(&verify->json, "left");
    tell_products(verify);
    tell_files(verify);
    ov_json_array_end(&verify->json);
    ov_json_uint(&verify->json, "count", verify->left);
    ov_json_uint(&verify->json, "problems", problems);
    ov_json_object_end(&verify->json);
    ov_buf_add_u8(&verify->out, '\n');
}

static int run_plan(struct verify *verify, const char *path) {
    uint8_t sha256[32];
    if (ov_plan_file_read(path, &verify->planned, sha256) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    enum ov_status status = ov_plan_state_open(&verify->planned, sha256, true, &verify->state);
    verify->has_state = status == OV_OK;
    if (status != OV_OK && status != OV_END) {
        return OV_EXIT_ERROR;
    }
    const struct ov_plan_look look = {
        .root = verify->planned.root,
        .bans = verify->planned.bans,
        .ban_count = verify->planned.ban_count,
        .before = &verify->planned,
    };
    if (ov_plan_view_look(&look, &verify->view) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    write_report(verify);
    if (ov_buf_status(&verify->out) != OV_OK ||
        fwrite(verify->out.data, 1, verify->out.size, stdout) != verify->out.size) {
        ov_say_error("verify", "the report could not be written", NULL);
        return OV_EXIT_ERROR;
    }
    return verify->left > 0                                         ? OV_EXIT_FOUND
           : ov_inventory_problem_count(verify->view.inventory) > 0 ? OV_EXIT_INCOMPLETE
                                                                    : OV_EXIT_NOTHING;
}

static int run(int argc, char **argv) {
    static const struct option long_options[] = {{"json", no_argument, NULL, 'j'},
                                                 {NULL, 0, NULL, 0}};
    static struct verify verify;
    optind = 1;
    opterr = 0;
    for (int code = 0; (code = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        if (code != 'j') {
            ov_say_error(argv[optind - 1], "unknown option", "overt inventory verify --help");
            return OV_EXIT_ERROR;
        }
        verify.is_json = true;
    }
    if (optind + 1 != argc) {
        ov_say_error("verify", "one plan is to be named", "overt inventory verify --help");
        return OV_EXIT_ERROR;
    }
    ov_plan_init(&verify.planned);
    ov_plan_view_init(&verify.view);
    int code = run_plan(&verify, argv[optind]);
    if (verify.has_state) {
        ov_plan_state_close(&verify.state);
    }
    ov_plan_view_release(&verify.view);
    ov_plan_release(&verify.planned);
    ov_buf_release(&verify.out);
    return code;
}

const struct ov_inventory_word ov_inventory_word_verify = {
    .name = "verify", .run = run, .help = help};
