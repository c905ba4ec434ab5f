// SPDX-License-Identifier: Apache-2.0
// Evidence of products, gathered and judged.
#include "inventory/inventory.h"

#include <stdlib.h>
#include <string.h>

// Texts of strangers are cut here: no report gets longer than a person would read.
enum {
    TEXT_BYTES_MAX = 512,
    PROBLEMS_MAX = 1000,
    EVIDENCE_MAX = 4096,
    POWERS_MAX = 4096,
    HOLDERS_MAX = 4096
};

struct found {
    struct ov_found out;
    struct ov_evidence *evidence;
    size_t evidence_room;
    struct ov_power *powers;
    size_t power_room;
};

struct ov_inventory {
    struct found *items; // one for each product of the table
    const struct found **shown;
    size_t shown_count;
    struct ov_holder *holders;
    size_t holder_count, holder_room;
    struct ov_problem *problems;
    size_t problem_count, problem_room;
    char **methods;
    size_t method_count, method_room;
    bool has_failed;
};

enum ov_status ov_inventory_new(struct ov_inventory **ret_inventory) {
    struct ov_inventory *inventory = calloc(1, sizeof *inventory);
    if (inventory == NULL) {
        return OV_MEMORY;
    }
    inventory->items = calloc(ov_product_count + 1, sizeof *inventory->items);
    inventory->shown = calloc(ov_product_count + 1, sizeof(const struct found *));
    if (inventory->items == NULL || inventory->shown == NULL) {
        ov_inventory_free(inventory);
        return OV_MEMORY;
    }
    for (size_t i = 0; i < ov_product_count; i++) {
        inventory->items[i].out = (struct ov_found){.product = &ov_products[i], .version = ""};
    }
    *ret_inventory = inventory;
    return OV_OK;
}

static void release_item(struct found *item) {
    for (size_t i = 0; i < item->out.evidence_count; i++) {
        free(item->evidence[i].matched);
        free(item->evidence[i].detail);
        free(item->evidence[i].place);
    }
    for (size_t i = 0; i < item->out.power_count; i++) {
        free(item->powers[i].detail);
        free(item->powers[i].place);
    }
    free(item->evidence);
    free(item->powers);
}

void ov_inventory_free(struct ov_inventory *inventory) {
    if (inventory == NULL) {
        return;
    }
    for (size_t i = 0; inventory->items != NULL && i < ov_product_count; i++) {
        release_item(&inventory->items[i]);
    }
    for (size_t i = 0; i < inventory->holder_count; i++) {
        free(inventory->holders[i].what);
        free(inventory->holders[i].who);
        free(inventory->holders[i].detail);
        free(inventory->holders[i].package);
    }
    for (size_t i = 0; i < inventory->problem_count; i++) {
        free(inventory->problems[i].what);
        free(inventory->problems[i].why);
        free(inventory->problems[i].place);
    }
    for (size_t i = 0; i < inventory->method_count; i++) {
        free(inventory->methods[i]);
    }
    free(inventory->items);
    free(inventory->shown);
    free(inventory->holders);
    free(inventory->problems);
    free(inventory->methods);
    free(inventory);
}

enum ov_status ov_inventory_status(const struct ov_inventory *inventory) {
    return inventory->has_failed ? OV_MEMORY : OV_OK;
}

// ---- what is said -------------------------------------------------------------------------------

// A copy that is fit for a report; NULL and a mark when there is no memory.
static char *copy(struct ov_inventory *inventory, const char *text) {
    static const char digits[] = "0123456789abcdef";
    const char *from = text != NULL ? text : "";
    size_t size = strnlen(from, TEXT_BYTES_MAX);
    char *to = malloc(3 * size + 1);
    if (to == NULL) {
        inventory->has_failed = true;
        return NULL;
    }
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)from[i];
        if (byte >= 0x20 && byte < 0x7f && byte != '%') {
            to[used++] = (char)byte;
        } else {
            to[used++] = '%';
            to[used++] = digits[byte >> 4];
            to[used++] = digits[byte & 15];
        }
    }
    to[used] = 0;
    return to;
}

// Room for one more item; NULL and a mark when there is no memory.
static void *make_room(struct ov_inventory *inventory, void *items, size_t count, size_t *room,
                       size_t size) {
    if (count < *room) {
        return items;
    }
    size_t wanted = *room == 0 ? 8 : 2 * *room;
    void *grown = reallocarray(items, wanted, size);
    if (grown == NULL) {
        inventory->has_failed = true;
        return NULL;
    }
    *room = wanted;
    return grown;
}

static bool is_told_evidence(const struct found *item, const struct ov_evidence *evidence) {
    for (size_t i = 0; i < item->out.evidence_count; i++) {
        const struct ov_evidence *other = &item->evidence[i];
        if (other->indicator->kind == evidence->indicator->kind &&
            strcmp(other->matched, evidence->matched) == 0 &&
            strcmp(other->detail, evidence->detail) == 0 &&
            strcmp(other->place, evidence->place) == 0) {
            return true;
        }
    }
    return false;
}

static void add_evidence(struct ov_inventory *inventory, struct found *item,
                         const struct ov_indicator *indicator, const struct ov_sight *sight) {
    struct ov_evidence evidence = {
        .indicator = indicator,
        .matched = copy(inventory, sight->value),
        .detail = copy(inventory, sight->detail),
        .place = copy(inventory, sight->place),
        .is_residue = sight->is_residue,
    };
    bool is_whole = evidence.matched != NULL && evidence.detail != NULL && evidence.place != NULL;
    if (item->out.evidence_count >= EVIDENCE_MAX) {
        ov_inventory_add_problem(inventory, item->out.product->name,
                                 "there is more evidence than is told here", "");
        is_whole = false;
    }
    if (is_whole && !is_told_evidence(item, &evidence)) {
        void *grown = make_room(inventory, item->evidence, item->out.evidence_count,
                                &item->evidence_room, sizeof *item->evidence);
        if (grown != NULL) {
            item->evidence = grown;
            item->out.evidence = grown;
            item->evidence[item->out.evidence_count++] = evidence;
            return;
        }
    }
    free(evidence.matched);
    free(evidence.detail);
    free(evidence.place);
}

// The indicator that says the most of those that match, or NULL.
static const struct ov_indicator *find_indicator(const struct ov_product *product,
                                                 const struct ov_sight *sight) {
    const struct ov_indicator *best = NULL;
    for (size_t i = 0; i < product->indicator_count; i++) {
        const struct ov_indicator *indicator = &product->indicators[i];
        if (indicator->kind != sight->kind || !ov_indicator_matches(indicator, sight->value)) {
            continue;
        }
        bool is_weak = indicator->is_hint || indicator->is_shared;
        if (!is_weak) {
            return indicator;
        }
        best = best == NULL ? indicator : best;
    }
    return best;
}

size_t ov_inventory_see(struct ov_inventory *inventory, const struct ov_sight *sight) {
    size_t count = 0;
    for (size_t i = 0; i < ov_product_count; i++) {
        const struct ov_indicator *indicator = find_indicator(&ov_products[i], sight);
        if (indicator != NULL) {
            add_evidence(inventory, &inventory->items[i], indicator, sight);
            count++;
        }
    }
    return count;
}

bool ov_inventory_knows(enum ov_indicator_kind kind, const char *value) {
    const struct ov_sight sight = {.kind = kind, .value = value};
    for (size_t i = 0; i < ov_product_count; i++) {
        if (find_indicator(&ov_products[i], &sight) != NULL) {
            return true;
        }
    }
    return false;
}

const struct ov_product *ov_inventory_owner(const char *path) {
    const struct ov_product *owner = NULL;
    for (size_t i = 0; i < ov_product_count; i++) {
        for (size_t j = 0; j < ov_products[i].indicator_count; j++) {
            const struct ov_indicator *indicator = &ov_products[i].indicators[j];
            if (indicator->is_shared || !ov_indicator_owns(indicator, path)) {
                continue;
            }
            if (!indicator->is_hint) {
                return &ov_products[i];
            }
            owner = owner == NULL ? &ov_products[i] : owner;
        }
    }
    return owner;
}

void ov_inventory_allow(struct ov_inventory *inventory, const struct ov_allowed *allowed,
                        const char *detail) {
    const struct ov_sight sight = {.kind = allowed->kind, .value = allowed->value};
    for (size_t i = 0; i < ov_product_count; i++) {
        const struct ov_indicator *indicator = find_indicator(&ov_products[i], &sight);
        if (indicator != NULL && !indicator->is_shared) {
            ov_inventory_add_power(inventory, &ov_products[i], allowed->power, detail,
                                   allowed->place);
        }
    }
}

void ov_inventory_add_power(struct ov_inventory *inventory, const struct ov_product *product,
                            enum ov_power_kind kind, const char *detail, const char *place) {
    struct found *item = &inventory->items[product - ov_products];
    struct ov_power power = {
        .kind = kind, .detail = copy(inventory, detail), .place = copy(inventory, place)};
    bool is_new = power.detail != NULL && power.place != NULL;
    if (item->out.power_count >= POWERS_MAX) {
        ov_inventory_add_problem(inventory, product->name,
                                 "there is more that it could do than is told here", "");
        is_new = false;
    }
    for (size_t i = 0; is_new && i < item->out.power_count; i++) {
        const struct ov_power *other = &item->powers[i];
        is_new = other->kind != kind || strcmp(other->detail, power.detail) != 0 ||
                 strcmp(other->place, power.place) != 0;
    }
    void *grown = !is_new ? NULL
                          : make_room(inventory, item->powers, item->out.power_count,
                                      &item->power_room, sizeof *item->powers);
    if (grown == NULL) {
        free(power.detail);
        free(power.place);
        return;
    }
    item->powers = grown;
    item->out.powers = grown;
    item->powers[item->out.power_count++] = power;
}

void ov_inventory_add_holder(struct ov_inventory *inventory, const struct ov_holder *holder) {
    struct ov_holder made = {
        .what = copy(inventory, holder->what),
        .who = copy(inventory, holder->who),
        .detail = copy(inventory, holder->detail),
        .package = copy(inventory, holder->package),
        .is_expected = holder->is_expected,
    };
    bool is_new =
        made.what != NULL && made.who != NULL && made.detail != NULL && made.package != NULL;
    if (inventory->holder_count >= HOLDERS_MAX) {
        ov_inventory_add_problem(inventory, "who is on no list",
                                 "there are more than are told here", "");
        is_new = false;
    }
    for (size_t i = 0; is_new && i < inventory->holder_count; i++) {
        const struct ov_holder *other = &inventory->holders[i];
        is_new = strcmp(other->what, made.what) != 0 || strcmp(other->who, made.who) != 0 ||
                 strcmp(other->detail, made.detail) != 0;
    }
    void *grown = !is_new ? NULL
                          : make_room(inventory, inventory->holders, inventory->holder_count,
                                      &inventory->holder_room, sizeof made);
    if (grown == NULL) {
        free(made.what);
        free(made.who);
        free(made.detail);
        free(made.package);
        return;
    }
    inventory->holders = grown;
    inventory->holders[inventory->holder_count++] = made;
}

// Hostile files can make as many problems as they like; after these, one says that there are more.
static bool is_new_problem(const struct ov_inventory *inventory, const struct ov_problem *made) {
    if (inventory->problem_count > PROBLEMS_MAX) {
        return false;
    }
    for (size_t i = 0; i < inventory->problem_count; i++) {
        const struct ov_problem *other = &inventory->problems[i];
        if (strcmp(other->what, made->what) == 0 && strcmp(other->why, made->why) == 0 &&
            strcmp(other->place, made->place) == 0) {
            return false;
        }
    }
    return true;
}

void ov_inventory_add_problem(struct ov_inventory *inventory, const char *what, const char *why,
                              const char *place) {
    bool is_last = inventory->problem_count == PROBLEMS_MAX;
    struct ov_problem made = {
        .what = copy(inventory, is_last ? "further" : what),
        .why = copy(inventory, is_last ? "more could not be read than is told here" : why),
        .place = copy(inventory, is_last ? "" : place)};
    bool is_new = made.what != NULL && made.why != NULL && made.place != NULL &&
                  is_new_problem(inventory, &made);
    void *grown = !is_new ? NULL
                          : make_room(inventory, inventory->problems, inventory->problem_count,
                                      &inventory->problem_room, sizeof made);
    if (grown == NULL) {
        free(made.what);
        free(made.why);
        free(made.place);
        return;
    }
    inventory->problems = grown;
    inventory->problems[inventory->problem_count++] = made;
}

void ov_inventory_add_method(struct ov_inventory *inventory, const char *method) {
    char *made = copy(inventory, method);
    void *grown = made == NULL ? NULL
                               : make_room(inventory, inventory->methods, inventory->method_count,
                                           &inventory->method_room, sizeof made);
    if (grown == NULL) {
        free(made);
        return;
    }
    inventory->methods = grown;
    inventory->methods[inventory->method_count++] = made;
}

// ---- what it adds up to -------------------------------------------------------------------------

// Two kinds, one of which is the program itself: a group and a rule that a removal forgot are no
// installed product. Kinds are counted in each place by itself: a package in one container and a
// unit in another do not make one product that is installed.
static bool is_installed(const struct found *item, const char *place) {
    uint32_t kinds = 0;
    bool has_program = false;
    for (size_t i = 0; i < item->out.evidence_count; i++) {
        const struct ov_evidence *evidence = &item->evidence[i];
        bool is_sound = !evidence->is_residue && !evidence->indicator->is_hint &&
                        !evidence->indicator->is_shared;
        if (is_sound && strcmp(evidence->place, place) == 0) {
            kinds |= 1u << evidence->indicator->kind;
            has_program |= ov_indicator_is_program(evidence->indicator);
        }
    }
    return has_program && __builtin_popcount(kinds) >= 2;
}

static void judge_item(struct found *item) {
    item->out.state = item->out.evidence_count > 0 ? OV_PRODUCT_TRACE : OV_PRODUCT_ABSENT;
    for (size_t i = 0; i < item->out.evidence_count; i++) {
        const struct ov_evidence *evidence = &item->evidence[i];
        if (is_installed(item, evidence->place)) {
            item->out.state = OV_PRODUCT_INSTALLED;
        }
        if (evidence->indicator->kind == OV_INDICATOR_PACKAGE && item->out.version[0] == 0) {
            item->out.version = evidence->detail;
        }
    }
}

void ov_inventory_judge(struct ov_inventory *inventory) {
    inventory->shown_count = 0;
    for (size_t i = 0; i < ov_product_count; i++) {
        struct found *item = &inventory->items[i];
        judge_item(item);
        if (item->out.state != OV_PRODUCT_ABSENT) {
            inventory->shown[inventory->shown_count++] = item;
        }
    }
}

// ---- results ------------------------------------------------------------------------------------

size_t ov_inventory_count(const struct ov_inventory *inventory) {
    return inventory->shown_count;
}

const struct ov_found *ov_inventory_get(const struct ov_inventory *inventory, size_t index) {
    return &inventory->shown[index]->out;
}

size_t ov_inventory_holder_count(const struct ov_inventory *inventory) {
    return inventory->holder_count;
}

const struct ov_holder *ov_inventory_holder(const struct ov_inventory *inventory, size_t index) {
    return &inventory->holders[index];
}

size_t ov_inventory_problem_count(const struct ov_inventory *inventory) {
    return inventory->problem_count;
}

const struct ov_problem *ov_inventory_problem(const struct ov_inventory *inventory, size_t index) {
    return &inventory->problems[index];
}

size_t ov_inventory_method_count(const struct ov_inventory *inventory) {
    return inventory->method_count;
}

const char *ov_inventory_method(const struct ov_inventory *inventory, size_t index) {
    return inventory->methods[index];
}

const char *ov_power_name(enum ov_power_kind kind) {
    static const char *const names[OV_POWER_KINDS] = {
        [OV_POWER_ROOT] = "runs as root",
        [OV_POWER_CAPABILITY] = "capability",
        [OV_POWER_SETUID] = "set-user-id program",
        [OV_POWER_ALL_FILES] = "reads everyone's files",
        [OV_POWER_FANOTIFY] = "is told of files that are opened",
        [OV_POWER_BLOCK] = "can block files",
        [OV_POWER_KERNEL] = "kernel module",
        [OV_POWER_BPF] = "eBPF program",
        [OV_POWER_PRELOAD] = "library in other programs",
        [OV_POWER_AUDIT] = "kernel's audit",
        [OV_POWER_PTRACE] = "looks into other processes",
        [OV_POWER_CONNECTED] = "connected to outside",
        [OV_POWER_LISTENS] = "listens",
        [OV_POWER_UPDATES] = "updates itself",
        [OV_POWER_TRUST] = "is trusted",
        [OV_POWER_SUDO] = "sudo",
        [OV_POWER_UNHARDENED] = "unit without limits",
    };
    return kind < OV_POWER_KINDS ? names[kind] : "unknown";
}

const char *ov_product_state_name(enum ov_product_state state) {
    static const char *const names[] = {"absent", "trace", "installed"};
    return state <= OV_PRODUCT_INSTALLED ? names[state] : "unknown";
}
