// SPDX-License-Identifier: Apache-2.0
// Whether a machine still is as it was planned.
#include "inventory/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct check {
    const struct ov_plan *planned, *now;
    const struct ov_plan_progress *progress;
    char *why;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static enum ov_status refuse(struct check *check,
                                                                   const char *form, ...) {
    va_list args;
    va_start(args, form);
    (void)vsnprintf(check->why, check->size, form, args);
    va_end(args);
    return OV_PEER;
}

// Steps that change nothing, and may be there or not.
static bool is_act(const struct ov_plan_step *step) {
    return step->kind != OV_STEP_PERSON && step->kind != OV_STEP_RELOAD &&
           step->kind != OV_STEP_REBOOT && step->kind != OV_STEP_VERIFY;
}

static bool has_target(const struct ov_plan_step *step, const char *target) {
    for (size_t i = 0; i < step->target_count; i++) {
        if (strcmp(step->targets[i], target) == 0) {
            return true;
        }
    }
    return false;
}

// Of packages those that are there still: all of them were planned.
static bool is_part(const struct ov_plan_step *part, const struct ov_plan_step *whole) {
    if (part->kind != OV_STEP_PACKAGES) {
        return ov_plan_step_is_same(part, whole);
    }
    bool is_part = whole->kind == OV_STEP_PACKAGES && part->tool == whole->tool;
    for (size_t i = 0; is_part && i < part->target_count; i++) {
        is_part = has_target(whole, part->targets[i]);
    }
    return is_part;
}

const struct ov_plan_step *ov_plan_find_step(const struct ov_plan *now,
                                             const struct ov_plan_step *planned) {
    const struct ov_plan_step *step = now->steps;
    while (step != NULL && !is_part(step, planned)) {
        step = step->next;
    }
    return step;
}

// ---- files --------------------------------------------------------------------------------------

// Both lists are in the same order, but for what is gone or new: each is looked for from where the
// last one was found.
static const struct ov_plan_entry *find_next(const struct ov_plan_step *step,
                                             const struct ov_plan_entry *from, const char *path) {
    const struct ov_plan_entry *entry = from;
    while (entry != NULL && strcmp(entry->path, path) != 0) {
        entry = entry->next;
    }
    return entry != NULL ? entry : ov_plan_find_entry(step, path);
}

// Folders may stay behind for what came into them.
static enum ov_status check_present(struct check *check, const struct ov_plan_step *planned,
                                    const struct ov_plan_step *now, bool is_done) {
    const struct ov_plan_entry *from = planned->entries;
    for (const struct ov_plan_entry *entry = now->entries; entry != NULL; entry = entry->next) {
        const struct ov_plan_entry *known = find_next(planned, from, entry->path);
        if (known == NULL) {
            if (entry->may_change) {
                continue; // it stays, and is told of
            }
            return refuse(check, "%s is new since the plan", entry->path);
        }
        if (is_done && entry->type != 'd' && !entry->may_change) {
            return refuse(check, "%s came back", entry->path);
        }
        if (!ov_plan_entry_is_same(known, entry)) {
            return refuse(check, "%s is not what it was when the plan was made", entry->path);
        }
        from = known->next;
    }
    return OV_OK;
}

static enum ov_status check_gone(struct check *check, const struct ov_plan_step *planned,
                                 const struct ov_plan_step *now) {
    const struct ov_plan_entry *from = now->entries;
    for (const struct ov_plan_entry *entry = planned->entries; entry != NULL; entry = entry->next) {
        const struct ov_plan_entry *known = find_next(now, from, entry->path);
        if (known == NULL && !entry->may_change) {
            return refuse(check, "%s is gone since the plan", entry->path);
        }
        from = known != NULL ? known->next : from;
    }
    return OV_OK;
}

// ---- steps --------------------------------------------------------------------------------------

// What stays as it was when a step is done: a unit's file, an uninstaller, a module that is in use.
static bool may_stay(enum ov_step_kind kind) {
    return kind == OV_STEP_STOP || kind == OV_STEP_UNINSTALL || kind == OV_STEP_MODULE ||
           kind == OV_STEP_REMOVE;
}

static enum ov_status check_step(struct check *check, const struct ov_plan_step *now) {
    const struct ov_plan_step *planned = check->planned->steps;
    size_t number = 0;
    while (planned != NULL && !is_part(now, planned)) {
        planned = planned->next;
        number++;
    }
    const char *target = now->target_count > 0 ? now->targets[0] : "";
    if (planned == NULL) {
        return refuse(check, "something is new since the plan: %s %s", ov_step_name(now->kind),
                      target);
    }
    bool is_done = check->progress->done[number] != 0;
    if (is_done && !may_stay(now->kind)) {
        return refuse(check, "something came back: %s %s", ov_step_name(now->kind), target);
    }
    return now->kind == OV_STEP_REMOVE ? check_present(check, planned, now, is_done) : OV_OK;
}

static enum ov_status check_missing(struct check *check, const struct ov_plan_step *planned) {
    const struct ov_plan_step *now = ov_plan_find_step(check->now, planned);
    if (now == NULL || now->target_count != planned->target_count) {
        return refuse(check, "something is gone since the plan: %s %s", ov_step_name(planned->kind),
                      planned->target_count > 0 ? planned->targets[0] : "");
    }
    return planned->kind == OV_STEP_REMOVE ? check_gone(check, planned, now) : OV_OK;
}

// A package of another version is another package.
static enum ov_status check_seen(struct check *check, const struct ov_plan_seen *now) {
    bool is_known = false, is_same = false;
    for (const struct ov_plan_seen *seen = check->planned->seen; seen != NULL; seen = seen->next) {
        if (seen->product == now->product && seen->kind == now->kind &&
            strcmp(seen->matched, now->matched) == 0 && strcmp(seen->place, now->place) == 0) {
            is_known = true;
            is_same |= strcmp(seen->detail, now->detail) == 0;
        }
    }
    return !is_known || is_same || check->progress->has_begun
               ? OV_OK
               : refuse(check, "the package %s is %s by now", now->matched, now->detail);
}

enum ov_status ov_plan_check(const struct ov_plan *planned, const struct ov_plan *now,
                             const struct ov_plan_progress *progress, char *ret_why, size_t size) {
    struct check check = {.planned = planned, .now = now, .progress = progress, .size = size};
    check.why = ret_why;
    if (strcmp(planned->root, now->root) != 0 || strcmp(planned->machine, now->machine) != 0) {
        return refuse(&check, "the plan is for %s (%s)", planned->machine, planned->root);
    }
    for (const struct ov_plan_seen *seen = now->seen; seen != NULL; seen = seen->next) {
        if (seen->kind == OV_INDICATOR_PACKAGE) {
            TRY(check_seen(&check, seen));
        }
    }
    for (const struct ov_plan_step *step = now->steps; step != NULL; step = step->next) {
        if (is_act(step)) {
            TRY(check_step(&check, step));
        }
    }
    for (const struct ov_plan_step *step = planned->steps; step != NULL && !progress->has_begun;
         step = step->next) {
        if (is_act(step)) {
            TRY(check_missing(&check, step));
        }
    }
    return OV_OK;
}
