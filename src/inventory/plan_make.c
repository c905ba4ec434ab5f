// SPDX-License-Identifier: Apache-2.0
// Makes a plan of what was found: what is sure becomes a step, the rest is for a person.
#include "inventory/plan.h"

#include "inventory/paths.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BASES_MAX = 4096, PACKAGES_MAX = 120, WORDS_BYTES = 1600 };

// Where something is to go, and whose it is.
struct base {
    char *path;
    const struct ov_product *product;
};

struct maker {
    const struct ov_plan_order *order;
    struct ov_plan *plan;
    const struct ov_product *product; // whose turn it is
    struct base *bases;
    size_t base_count;
    bool is_machine;  // the root is the running machine's
    bool has_systemd; // and systemd runs there
    bool has_failed;
};

static bool is_banned(const struct ov_plan_order *order, const struct ov_product *product) {
    for (size_t i = 0; i < order->ban_count; i++) {
        if (ov_product_is_named(product, order->bans[i])) {
            return true;
        }
    }
    return false;
}

static bool is_there(const struct maker *maker, const char *path) {
    OV_AUTO_FD fd = -1;
    struct stat info;
    return ov_root_find(maker->order->tree, path, false, &fd, &info) == OV_OK;
}

static bool is_link(const struct maker *maker, const char *path) {
    OV_AUTO_FD fd = -1;
    struct stat info;
    return ov_root_find(maker->order->tree, path, false, &fd, &info) == OV_OK &&
           S_ISLNK(info.st_mode);
}

// ---- steps --------------------------------------------------------------------------------------

static bool has_step(const struct maker *maker, enum ov_step_kind kind, const char *target) {
    for (const struct ov_plan_step *step = maker->plan->steps; step != NULL; step = step->next) {
        if (step->kind == kind && step->target_count == 1 &&
            strcmp(step->targets[0], target) == 0) {
            return true;
        }
    }
    return false;
}

static void add_step(struct maker *maker, enum ov_step_kind kind, const struct ov_product *product,
                     const char *target) {
    if (target != NULL && has_step(maker, kind, target)) {
        return;
    }
    struct ov_plan_step *step = ov_plan_add_step(maker->plan, kind, product);
    maker->has_failed |=
        step == NULL || (target != NULL && !ov_plan_add_target(maker->plan, step, target));
}

__attribute__((format(printf, 2, 3))) static void add_words(struct maker *maker, const char *form,
                                                            ...) {
    char words[WORDS_BYTES];
    va_list args;
    va_start(args, form);
    int size = vsnprintf(words, sizeof words, form, args);
    va_end(args);
    if (size > 0) {
        add_step(maker, OV_STEP_PERSON, maker->product, words);
    }
}

// ---- evidence -----------------------------------------------------------------------------------

static bool is_installed(const struct maker *maker, const struct ov_found *found) {
    const struct ov_plan_product *item =
        maker->order->before != NULL ? maker->order->before->products : NULL;
    while (item != NULL && item->product != found->product) {
        item = item->next;
    }
    return found->state == OV_PRODUCT_INSTALLED ||
           (item != NULL && item->state == OV_PRODUCT_INSTALLED);
}

// Whether it is sure enough to act on: seen, not known by hearsay, and nobody else's. What is
// hearsay counts where the product is installed for other reasons.
static bool is_sure(const struct maker *maker, const struct ov_found *found,
                    const struct ov_evidence *evidence) {
    return !evidence->indicator->is_shared && evidence->place[0] == 0 &&
           (!evidence->indicator->is_hint || is_installed(maker, found));
}

typedef void take_fn(struct maker *maker, const struct ov_found *found,
                     const struct ov_evidence *evidence);

// Hands over what was seen of the banned products, of one kind (or, with OV_INDICATOR_KINDS, all).
static void for_each(struct maker *maker, enum ov_indicator_kind kind, take_fn *take) {
    const struct ov_inventory *inventory = maker->order->inventory;
    for (size_t i = 0; i < ov_inventory_count(inventory); i++) {
        const struct ov_found *found = ov_inventory_get(inventory, i);
        maker->product = found->product;
        if (!is_banned(maker->order, found->product)) {
            continue;
        }
        for (size_t j = 0; j < found->evidence_count; j++) {
            const struct ov_evidence *evidence = &found->evidence[j];
            if (kind == OV_INDICATOR_KINDS || evidence->indicator->kind == kind) {
                take(maker, found, evidence);
            }
        }
    }
}

static void take_seen(struct maker *maker, const struct ov_found *found,
                      const struct ov_evidence *evidence) {
    const struct ov_plan_seen seen = {
        .product = found->product,
        .kind = evidence->indicator->kind,
        .matched = evidence->matched,
        .detail = evidence->detail,
        .place = evidence->place,
        .is_residue = evidence->is_residue,
    };
    maker->has_failed |= !ov_plan_add_seen(maker->plan, &seen);
}

// ---- units, packages, modules, accounts ---------------------------------------------------------

// The unit that systemd makes of a SysV script has its name and an ending.
static bool name_unit(const char *matched, char *ret_name, size_t size) {
    const char *end = strrchr(matched, '.');
    int length = snprintf(ret_name, size, "%s%s", matched, end == NULL ? ".service" : "");
    return length > 0 && (size_t)length < size && ov_plan_name_is_good(OV_STEP_STOP, ret_name);
}

static void take_unit(struct maker *maker, const struct ov_found *found,
                      const struct ov_evidence *evidence) {
    char name[300];
    if (is_sure(maker, found, evidence) && maker->has_systemd &&
        name_unit(evidence->matched, name, sizeof name)) {
        add_step(maker, OV_STEP_STOP, found->product, name);
    }
}

// A system has one database as a rule; where it has a second, its kind of system decides.
static enum ov_plan_tool choose_tool(const struct maker *maker) {
    const struct ov_root *tree = maker->order->tree;
    enum ov_plan_tool found = OV_TOOL_NONE;
    for (enum ov_plan_tool tool = OV_TOOL_KINDS - 1; tool > OV_TOOL_NONE; tool--) {
        found = ov_plan_has_database(tree, tool) ? tool : found;
    }
    bool is_alien = found == OV_TOOL_DPKG && !is_there(maker, "/etc/debian_version");
    for (enum ov_plan_tool tool = OV_TOOL_RPM; is_alien && tool <= OV_TOOL_RPM_SYSIMAGE; tool++) {
        found = ov_plan_has_database(tree, tool) ? tool : found;
    }
    return found;
}

// All packages of one database go at once: those of one product may need one another's.
static void take_package(struct maker *maker, const struct ov_found *found,
                         const struct ov_evidence *evidence) {
    enum ov_plan_tool tool = choose_tool(maker);
    if (!is_sure(maker, found, evidence) || tool == OV_TOOL_NONE ||
        !ov_plan_name_is_good(OV_STEP_PACKAGES, evidence->matched)) {
        return;
    }
    struct ov_plan_step *step = maker->plan->steps;
    while (step != NULL && (step->kind != OV_STEP_PACKAGES || step->tool != tool ||
                            step->target_count >= PACKAGES_MAX)) {
        step = step->next;
    }
    if (step == NULL) {
        step = ov_plan_add_step(maker->plan, OV_STEP_PACKAGES, NULL);
        if (step == NULL) {
            maker->has_failed = true;
            return;
        }
        step->tool = tool;
    }
    for (size_t i = 0; i < step->target_count; i++) {
        if (strcmp(step->targets[i], evidence->matched) == 0) {
            return;
        }
    }
    maker->has_failed |= !ov_plan_add_target(maker->plan, step, evidence->matched);
}

static void take_module(struct maker *maker, const struct ov_found *found,
                        const struct ov_evidence *evidence) {
    char path[320];
    (void)snprintf(path, sizeof path, "/sys/module/%s", evidence->matched);
    if (is_sure(maker, found, evidence) && maker->is_machine &&
        ov_plan_name_is_good(OV_STEP_MODULE, evidence->matched) && is_there(maker, path)) {
        add_step(maker, OV_STEP_MODULE, found->product, evidence->matched);
    }
}

static void take_account(struct maker *maker, const struct ov_found *found,
                         const struct ov_evidence *evidence) {
    enum ov_step_kind kind =
        evidence->indicator->kind == OV_INDICATOR_USER ? OV_STEP_USER : OV_STEP_GROUP;
    if (is_sure(maker, found, evidence) && ov_plan_name_is_good(kind, evidence->matched)) {
        add_step(maker, kind, found->product, evidence->matched);
    }
}

static void take_policy(struct maker *maker, const struct ov_found *found,
                        const struct ov_evidence *evidence) {
    if (is_sure(maker, found, evidence) && !evidence->indicator->is_hint && maker->is_machine &&
        ov_plan_name_is_good(OV_STEP_SELINUX, evidence->matched)) {
        add_step(maker, OV_STEP_SELINUX, found->product, evidence->matched);
    }
}

// ---- files --------------------------------------------------------------------------------------

static void add_base(struct maker *maker, const char *path) {
    if (!ov_plan_path_is_good(path) || maker->base_count == BASES_MAX) {
        maker->plan->is_full |= maker->base_count == BASES_MAX;
        return;
    }
    char *copied = strdup(path);
    if (copied == NULL) {
        maker->has_failed = true;
        return;
    }
    maker->bases[maker->base_count++] = (struct base){.path = copied, .product = maker->product};
}

static void tell_base(void *arg, const char *path) {
    add_base(arg, path);
}

static void expand(struct maker *maker, const char *pattern) {
    struct ov_paths_place at = {
        .tree = maker->order->tree, .place = "", .inventory = maker->order->inventory};
    (void)ov_paths_expand(&at, pattern, tell_base, maker);
}

// Names that are no plain text stand in a report in another spelling, which is no path.
static void add_matched(struct maker *maker, const char *path) {
    if (strchr(path, '%') != NULL) {
        add_words(maker, "%s: remove it by hand, its name is no plain text", path);
        return;
    }
    add_base(maker, path);
}

static void take_path(struct maker *maker, const struct ov_found *found,
                      const struct ov_evidence *evidence) {
    if (is_sure(maker, found, evidence)) {
        add_matched(maker, evidence->matched);
    }
}

// A file of its own among the configuration of others: not a line in one.
static void take_file(struct maker *maker, const struct ov_found *found,
                      const struct ov_evidence *evidence) {
    static const char *const folders[] = {
        "/etc/cron.d/",       "/etc/cron.hourly/", "/etc/cron.daily/",   "/etc/cron.weekly/",
        "/etc/cron.monthly/", "/etc/sudoers.d/",   "/etc/audit/rules.d/"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (is_sure(maker, found, evidence) &&
            strncmp(evidence->matched, folders[i], strlen(folders[i])) == 0) {
            add_matched(maker, evidence->matched);
        }
    }
}

// The file that evidence says it was seen in: "/path", or "/path: what it is".
static void add_detail(struct maker *maker, const char *detail, const char *folder) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%.*s", (int)strcspn(detail, ":"), detail);
    if (strncmp(path, folder, strlen(folder)) == 0) {
        add_matched(maker, path);
    }
}

static void take_module_file(struct maker *maker, const struct ov_found *found,
                             const struct ov_evidence *evidence) {
    if (is_sure(maker, found, evidence)) {
        add_detail(maker, evidence->detail, "/usr/lib/modules/");
        add_detail(maker, evidence->detail, "/lib/modules/");
    }
}

// Scripts of SysV, and the links that start them.
static void add_script(struct maker *maker, const struct ov_evidence *evidence) {
    char pattern[400];
    if (strncmp(evidence->detail, "/etc/init.d/", strlen("/etc/init.d/")) == 0) {
        add_detail(maker, evidence->detail, "/etc/init.d/");
        (void)snprintf(pattern, sizeof pattern, "/etc/rc[0-6S].d/[KS][0-9][0-9]%s",
                       evidence->matched);
        expand(maker, pattern);
    }
}

// Copies of units that no package knows, and the links that start them.
static void take_unit_files(struct maker *maker, const struct ov_found *found,
                            const struct ov_evidence *evidence) {
    static const char *const forms[] = {
        "/etc/systemd/system/%s",         "/etc/systemd/system/%s.d",
        "/etc/systemd/system/*.wants/%s", "/etc/systemd/system/*.requires/%s",
        "/usr/lib/systemd/system/%s",     "/lib/systemd/system/%s"};
    char name[300], pattern[400];
    if (!is_sure(maker, found, evidence) || !name_unit(evidence->matched, name, sizeof name) ||
        strchr(name, '\\') != NULL) {
        return;
    }
    add_script(maker, evidence);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strncmp(forms[i], "/lib/", 5) == 0 && is_link(maker, "/lib")) {
            continue; // it is the same folder as the one before
        }
        (void)snprintf(pattern, sizeof pattern, forms[i], name);
        expand(maker, pattern);
    }
}

static bool is_shared_path(const struct ov_product *product, const char *path) {
    for (size_t i = 0; i < product->indicator_count; i++) {
        const struct ov_indicator *indicator = &product->indicators[i];
        if (indicator->kind == OV_INDICATOR_PATH && indicator->is_shared &&
            ov_indicator_matches(indicator, path)) {
            return true;
        }
    }
    return false;
}

static void add_residue(struct maker *maker) {
    const struct ov_inventory *inventory = maker->order->inventory;
    for (size_t i = 0; i < ov_inventory_count(inventory); i++) {
        const struct ov_product *product = ov_inventory_get(inventory, i)->product;
        maker->product = product;
        for (size_t j = 0; is_banned(maker->order, product) && product->residue != NULL &&
                           product->residue[j] != NULL;
             j++) {
            if (!is_shared_path(product, product->residue[j])) {
                expand(maker, product->residue[j]);
            }
        }
    }
}

static int compare_bases(const void *a, const void *b) {
    return strcmp(((const struct base *)a)->path, ((const struct base *)b)->path);
}

static bool is_below(const char *path, const char *base) {
    size_t size = strlen(base);
    return strncmp(path, base, size) == 0 && (path[size] == 0 || path[size] == '/');
}

// What stays on the machine and has something of its own below a path.
static const struct ov_product *find_neighbour(const struct maker *maker, const char *base) {
    const struct ov_inventory *inventory = maker->order->inventory;
    for (size_t i = 0; i < ov_inventory_count(inventory); i++) {
        const struct ov_found *found = ov_inventory_get(inventory, i);
        for (size_t j = 0; !is_banned(maker->order, found->product) && j < found->evidence_count;
             j++) {
            const struct ov_evidence *evidence = &found->evidence[j];
            if (evidence->indicator->kind == OV_INDICATOR_PATH && evidence->place[0] == 0 &&
                is_below(evidence->matched, base)) {
                return found->product;
            }
        }
    }
    return NULL;
}

static void add_remove(struct maker *maker, const struct base *base) {
    maker->product = base->product;
    const struct ov_product *neighbour = find_neighbour(maker, base->path);
    if (neighbour != NULL) {
        add_words(maker, "%s: look what in it is not %s's, which stays", base->path,
                  neighbour->name);
        return;
    }
    struct ov_plan_step step = {.kind = OV_STEP_REMOVE};
    enum ov_status status = ov_plan_add_files(maker->plan, maker->order->tree, &step, base->path);
    if (status == OV_END) {
        return;
    }
    if (status != OV_OK) {
        add_words(maker, "%s: remove it by hand, since %s", base->path,
                  status == OV_LIMIT    ? "it has more than can be listed, a name that is no line "
                                          "of text, or another file system in it"
                  : status == OV_MEMORY ? "there is no memory to list it"
                                        : "it cannot be read");
        return;
    }
    struct ov_plan_step *made = ov_plan_add_step(maker->plan, OV_STEP_REMOVE, base->product);
    if (made == NULL || !ov_plan_add_target(maker->plan, made, base->path)) {
        maker->has_failed = true;
        return;
    }
    made->entries = step.entries;
    made->last = step.last;
    made->entry_count = step.entry_count;
}

static void add_files(struct maker *maker) {
    for_each(maker, OV_INDICATOR_PATH, take_path);
    for_each(maker, OV_INDICATOR_CRON, take_file);
    for_each(maker, OV_INDICATOR_SUDOERS, take_file);
    for_each(maker, OV_INDICATOR_AUDIT, take_file);
    for_each(maker, OV_INDICATOR_UNIT, take_unit_files);
    for_each(maker, OV_INDICATOR_MODULE, take_module_file);
    add_residue(maker);
    qsort(maker->bases, maker->base_count, sizeof *maker->bases, compare_bases);
    // '/' sorts before what else follows a name but '-' and '.', so all before is looked at.
    for (size_t i = 0; i < maker->base_count; i++) {
        bool is_inside = false;
        for (size_t j = 0; j < i && !is_inside; j++) {
            is_inside = is_below(maker->bases[i].path, maker->bases[j].path);
        }
        if (!is_inside) {
            add_remove(maker, &maker->bases[i]);
        }
    }
}

// ---- for people ---------------------------------------------------------------------------------

static void take_rest(struct maker *maker, const struct ov_found *found,
                      const struct ov_evidence *evidence) {
    const char *matched = evidence->matched, *detail = evidence->detail;
    bool has_detail = detail[0] != 0;
    if (evidence->place[0] != 0) {
        add_words(maker, "%s: make it anew without %s", evidence->place, found->product->name);
        return;
    }
    switch (evidence->indicator->kind) {
    case OV_INDICATOR_CERTIFICATE:
        add_words(maker,
                  "take the trusted certificate '%s' away%s%s%s, and run "
                  "update-ca-certificates or update-ca-trust",
                  matched, has_detail ? " (" : "", detail, has_detail ? ")" : "");
        break;
    case OV_INDICATOR_MOK:
        add_words(maker,
                  "take the machine owner key '%s' away: mokutil --list-enrolled, "
                  "mokutil --delete FILE, and confirm at the next start",
                  matched);
        break;
    case OV_INDICATOR_REPOSITORY:
        add_words(maker, "take the package source %s away%s%s%s, and its key", matched,
                  has_detail ? " (" : "", detail, has_detail ? ")" : "");
        break;
    case OV_INDICATOR_ENGINE:
        add_words(maker, "%s holds its engine: ask its maker, or do without it", matched);
        break;
    case OV_INDICATOR_PROCESS:
        if (maker->is_machine && !maker->has_systemd && is_sure(maker, found, evidence)) {
            add_words(maker, "stop the process %s (%s)", matched, detail);
        }
        break;
    case OV_INDICATOR_CRON:
    case OV_INDICATOR_SUDOERS:
    case OV_INDICATOR_AUDIT:
        if (!has_step(maker, OV_STEP_REMOVE, matched)) {
            add_words(maker, "take what names %s out of the %s configuration%s%s%s", matched,
                      ov_indicator_name(evidence->indicator->kind), has_detail ? " (" : "", detail,
                      has_detail ? ")" : "");
        }
        break;
    default:
        if (!is_sure(maker, found, evidence) && evidence->indicator->kind <= OV_INDICATOR_GROUP) {
            add_words(maker, "%s %s: %s, so look yourself whether it is to go",
                      ov_indicator_name(evidence->indicator->kind), matched,
                      evidence->indicator->is_shared ? "other products have it, too"
                                                     : "known by hearsay alone");
        }
        break;
    }
}

// ---- all of it ----------------------------------------------------------------------------------

static void add_products(struct maker *maker) {
    const struct ov_inventory *inventory = maker->order->inventory;
    for (size_t i = 0; i < ov_inventory_count(inventory); i++) {
        const struct ov_found *found = ov_inventory_get(inventory, i);
        const struct ov_plan_product product = {
            .product = found->product, .state = found->state, .version = found->version};
        if (!is_banned(maker->order, found->product)) {
            continue;
        }
        maker->product = found->product;
        maker->has_failed |= !ov_plan_add_product(maker->plan, &product);
        if (found->product->note != NULL) {
            add_words(maker, "know before: %s", found->product->note);
        }
    }
}

static void add_uninstallers(struct maker *maker) {
    for (const struct ov_plan_product *item = maker->plan->products; item != NULL;
         item = item->next) {
        const char *const *args = item->product->uninstaller;
        maker->product = item->product;
        if (args == NULL || !is_there(maker, args[0])) {
            continue;
        }
        if (maker->is_machine) {
            add_step(maker, OV_STEP_UNINSTALL, item->product, args[0]);
        } else {
            add_words(maker, "run its own uninstaller %s when this system runs", args[0]);
        }
    }
}

static void make_steps(struct maker *maker) {
    add_products(maker);
    for_each(maker, OV_INDICATOR_KINDS, take_seen);
    for_each(maker, OV_INDICATOR_UNIT, take_unit);
    add_uninstallers(maker);
    for_each(maker, OV_INDICATOR_PACKAGE, take_package);
    for_each(maker, OV_INDICATOR_MODULE, take_module);
    add_files(maker);
    for_each(maker, OV_INDICATOR_USER, take_account);
    for_each(maker, OV_INDICATOR_GROUP, take_account);
    for_each(maker, OV_INDICATOR_SELINUX, take_policy);
    if (maker->plan->product_count == 0) {
        return;
    }
    if (maker->has_systemd) {
        add_step(maker, OV_STEP_RELOAD, NULL, NULL);
    }
    for_each(maker, OV_INDICATOR_KINDS, take_rest);
    if (maker->is_machine) {
        add_step(maker, OV_STEP_REBOOT, NULL, NULL);
    }
    add_step(maker, OV_STEP_VERIFY, NULL, NULL);
}

enum ov_status ov_plan_make(const struct ov_plan_order *order, struct ov_plan *plan) {
    struct maker maker = {.order = order, .plan = plan};
    plan->root = ov_arena_text(&plan->arena, ov_span_text(order->root));
    plan->machine = ov_arena_text(&plan->arena, ov_span_text(order->machine));
    plan->made_at = order->now;
    maker.bases = calloc(BASES_MAX, sizeof *maker.bases);
    if (plan->root == NULL || plan->machine == NULL || maker.bases == NULL) {
        free(maker.bases);
        return OV_MEMORY;
    }
    for (size_t i = 0; i < order->ban_count; i++) {
        maker.has_failed |= !ov_plan_add_ban(plan, order->bans[i]);
    }
    maker.is_machine = strcmp(order->root, "/") == 0;
    maker.has_systemd = maker.is_machine && is_there(&maker, "/run/systemd/system");
    make_steps(&maker);
    for (size_t i = 0; i < maker.base_count; i++) {
        free(maker.bases[i].path);
    }
    free(maker.bases);
    return maker.has_failed ? OV_MEMORY : plan->is_full ? OV_LIMIT : OV_OK;
}
