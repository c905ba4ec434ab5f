// SPDX-License-Identifier: Apache-2.0
// What each step of a plan runs, and what a person could type instead.
#include "inventory/plan.h"

#include <stdio.h>
#include <string.h>

static bool is_this_machine(const struct ov_plan *plan) {
    return strcmp(plan->root, "/") == 0;
}

struct builder {
    struct ov_plan_command *command;
    size_t count;
    bool has_failed;
};

static void add(struct builder *builder, const char *arg) {
    if (builder->count + 1 >= OV_PLAN_ARGS_MAX) {
        builder->has_failed = true;
        return;
    }
    builder->command->args[builder->count++] = arg;
    builder->command->args[builder->count] = NULL;
}

static void add_targets(struct builder *builder, const struct ov_plan_step *step) {
    for (size_t i = 0; i < step->target_count; i++) {
        add(builder, step->targets[i]);
    }
}

// An option that names the root, when that is not this machine's.
static void add_root(struct builder *builder, const struct ov_plan *plan, const char *option) {
    if (is_this_machine(plan)) {
        return;
    }
    int size = snprintf(builder->command->options, sizeof builder->command->options, "%s%s", option,
                        plan->root);
    builder->has_failed |= size < 0 || (size_t)size >= sizeof builder->command->options;
    add(builder, builder->command->options);
}

// The tools that keep the database, not those that bring more along: they refuse to remove what
// something else needs, and remove nothing that is not named.
static void add_packages(struct builder *builder, const struct ov_plan *plan,
                         const struct ov_plan_step *step) {
    if (step->tool == OV_TOOL_DPKG) {
        add(builder, "dpkg");
        add_root(builder, plan, "--root=");
        add(builder, "--purge");
    } else if (ov_plan_rpm_folder(step->tool) != NULL) {
        add(builder, "rpm");
        add_root(builder, plan, "--root=");
        add(builder, "--dbpath");
        add(builder, ov_plan_rpm_folder(step->tool));
        add(builder, "--erase");
    } else {
        add(builder, "apk");
        add_root(builder, plan, "--root=");
        add(builder, "del");
        add(builder, "--no-network");
    }
    if (step->tool != OV_TOOL_APK) {
        add(builder, "--");
    }
    add_targets(builder, step);
}

static void add_accounts(struct builder *builder, const struct ov_plan *plan,
                         const struct ov_plan_step *step) {
    add(builder, step->kind == OV_STEP_USER ? "userdel" : "groupdel");
    if (!is_this_machine(plan)) {
        add(builder, "--prefix");
        add(builder, plan->root);
    }
    add(builder, "--");
    add_targets(builder, step);
}

static enum ov_status add_machine(struct builder *builder, const struct ov_plan *plan,
                                  const struct ov_plan_step *step) {
    if (!is_this_machine(plan)) {
        return OV_UNSUPPORTED;
    }
    if (step->kind == OV_STEP_STOP) {
        add(builder, "systemctl");
        add(builder, "--no-pager");
        add(builder, "disable");
        add(builder, "--now");
        add(builder, "--");
    } else if (step->kind == OV_STEP_RELOAD) {
        add(builder, "systemctl");
        add(builder, "daemon-reload");
    } else if (step->kind == OV_STEP_MODULE) {
        add(builder, "modprobe");
        add(builder, "--remove");
        add(builder, "--");
    } else {
        add(builder, "semodule");
        add(builder, "--remove");
    }
    add_targets(builder, step);
    return OV_OK;
}

// From the table, not from a file.
static enum ov_status add_uninstaller(struct builder *builder, const struct ov_plan *plan,
                                      const struct ov_plan_step *step) {
    if (!is_this_machine(plan) || step->product == NULL || step->product->uninstaller == NULL) {
        return OV_UNSUPPORTED;
    }
    for (size_t i = 0; step->product->uninstaller[i] != NULL; i++) {
        add(builder, step->product->uninstaller[i]);
    }
    return OV_OK;
}

enum ov_status ov_plan_command_make(const struct ov_plan *plan, const struct ov_plan_step *step,
                                    struct ov_plan_command *ret_command) {
    struct builder builder = {.command = ret_command};
    ret_command->args[0] = NULL;
    switch (step->kind) {
    case OV_STEP_STOP:
    case OV_STEP_RELOAD:
    case OV_STEP_MODULE:
    case OV_STEP_SELINUX:
        TRY(add_machine(&builder, plan, step));
        break;
    case OV_STEP_UNINSTALL:
        TRY(add_uninstaller(&builder, plan, step));
        break;
    case OV_STEP_PACKAGES:
        add_packages(&builder, plan, step);
        break;
    case OV_STEP_USER:
    case OV_STEP_GROUP:
        add_accounts(&builder, plan, step);
        break;
    default:
        return OV_END;
    }
    return builder.has_failed ? OV_LIMIT : OV_OK;
}

// ---- for people ---------------------------------------------------------------------------------

// A word that a shell takes as it is.
static void add_quoted(struct ov_buf *out, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_./:@+=,";
    if (word[0] != 0 && strspn(word, plain) == strlen(word)) {
        ov_buf_add_text(out, word);
        return;
    }
    ov_buf_add_u8(out, '\'');
    for (const char *at = word; *at != 0; at++) {
        if (*at == '\'') {
            ov_buf_add_text(out, "'\\''");
        } else {
            ov_buf_add_u8(out, (uint8_t)*at);
        }
    }
    ov_buf_add_u8(out, '\'');
}

static void add_path(struct ov_buf *out, const struct ov_plan *plan, const char *path) {
    OV_CLEANUP(ov_buf_release) struct ov_buf whole = {0};
    if (!is_this_machine(plan)) {
        ov_buf_add_text(&whole, plan->root);
    }
    ov_buf_add_text(&whole, path);
    ov_buf_add_u8(&whole, 0);
    out->has_failed |= whole.has_failed;
    if (!whole.has_failed) {
        add_quoted(out, (const char *)whole.data);
    }
}

void ov_plan_add_typed(struct ov_buf *out, const struct ov_plan *plan,
                       const struct ov_plan_step *step) {
    struct ov_plan_command command;
    if (step->kind == OV_STEP_REMOVE && step->entries != NULL) {
        bool is_folder = step->entries->type == 'd';
        ov_buf_add_text(out, is_folder ? "rm -r --one-file-system -- " : "rm -- ");
        add_path(out, plan, step->targets[0]);
    } else if (step->kind == OV_STEP_REBOOT) {
        ov_buf_add_text(out, "systemctl reboot");
    } else if (step->kind == OV_STEP_VERIFY) {
        ov_buf_add_text(out, "overt inventory verify PLAN");
    } else if (ov_plan_command_make(plan, step, &command) == OV_OK) {
        for (size_t i = 0; command.args[i] != NULL; i++) {
            ov_buf_add_text(out, i > 0 ? " " : "");
            add_quoted(out, command.args[i]);
        }
    }
}
