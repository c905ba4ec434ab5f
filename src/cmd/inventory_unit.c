// SPDX-License-Identifier: Apache-2.0
// Units that belong to products, and what limits them or does not.
#include "cmd/inventory_unit.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

void ov_unit_begin(struct ov_unit *unit, const char *path) {
    *unit = (struct ov_unit){0};
    (void)snprintf(unit->path, sizeof unit->path, "%s", path);
}

void ov_unit_add_program(struct ov_unit *unit, const char *program) {
    if (unit->program[0] == 0) {
        (void)snprintf(unit->program, sizeof unit->program, "%s", program);
    }
    if (unit->owner == NULL) {
        unit->owner = ov_inventory_owner(program);
    }
}

// systemd.syntax(7): booleans.
static bool is_true(const char *text) {
    return strcasecmp(text, "yes") == 0 || strcasecmp(text, "true") == 0 ||
           strcasecmp(text, "on") == 0 || strcmp(text, "1") == 0;
}

void ov_unit_add_setting(struct ov_unit *unit, const char *setting) {
    const char *equals = strchr(setting, '=');
    size_t size = equals != NULL ? (size_t)(equals - setting) : 0;
    const char *value = equals != NULL ? equals + 1 : "";
    if (size == 4 && memcmp(setting, "User", 4) == 0) {
        (void)snprintf(unit->user, sizeof unit->user, "%s", value);
    } else if (strncmp(setting, "DynamicUser=", 12) == 0) {
        unit->is_dynamic = is_true(value);
    } else if (strncmp(setting, "AmbientCapabilities=", 20) == 0) {
        (void)snprintf(unit->ambient, sizeof unit->ambient, "%s", value);
    } else if (strncmp(setting, "CapabilityBoundingSet=", 22) == 0) {
        (void)snprintf(unit->bounding, sizeof unit->bounding, "%s", value[0] != 0 ? value : "none");
    } else if (strncmp(setting, "NoNewPrivileges=", 16) == 0) {
        unit->has_no_new_privileges = is_true(value);
    } else if (strncmp(setting, "SystemCallFilter=", 17) == 0) {
        unit->has_filter = value[0] != 0;
    } else if (strncmp(setting, "Protect", 7) == 0 || strncmp(setting, "Private", 7) == 0) {
        bool is_off = strcasecmp(value, "no") == 0 || strcasecmp(value, "false") == 0;
        unit->has_protection |= !is_off;
    }
}

// ---- what it adds up to -------------------------------------------------------------------------

struct telling {
    const struct ov_unit *unit;
    const char *name; // of the unit
    const char *place;
    struct ov_inventory *inventory;
};

static void allow(const struct telling *telling, enum ov_power_kind power, const char *detail) {
    const struct ov_allowed allowed = {OV_INDICATOR_UNIT, telling->name, power, telling->place};
    const struct ov_product *owner = telling->unit->owner;
    ov_inventory_allow(telling->inventory, &allowed, detail);
    if (owner != NULL) {
        ov_inventory_add_power(telling->inventory, owner, power, detail, telling->place);
    }
}

static bool is_root(const struct ov_unit *unit) {
    bool is_named =
        unit->user[0] != 0 && strcmp(unit->user, "root") != 0 && strcmp(unit->user, "0") != 0;
    return !is_named && !unit->is_dynamic;
}

static void tell_limits(const struct telling *telling) {
    const struct ov_unit *unit = telling->unit;
    char detail[2 * OV_UNIT_TEXT_BYTES + 64];
    if (unit->bounding[0] != 0) {
        (void)snprintf(detail, sizeof detail, "at most %s: %s", unit->bounding, telling->name);
        allow(telling, OV_POWER_CAPABILITY, detail);
    }
    if (unit->ambient[0] != 0) {
        (void)snprintf(detail, sizeof detail, "%s: %s", unit->ambient, telling->name);
        allow(telling, OV_POWER_CAPABILITY, detail);
    }
    if (!is_root(unit)) {
        return;
    }
    (void)snprintf(detail, sizeof detail, "%s (%s)", telling->name, unit->program);
    allow(telling, OV_POWER_ROOT, detail);
    if (unit->bounding[0] == 0) {
        (void)snprintf(detail, sizeof detail, "%s: no CapabilityBoundingSet%s%s%s", telling->name,
                       unit->has_no_new_privileges ? "" : ", no NoNewPrivileges",
                       unit->has_protection ? "" : ", no Protect... or Private...",
                       unit->has_filter ? "" : ", no SystemCallFilter");
        allow(telling, OV_POWER_UNHARDENED, detail);
    }
}

void ov_unit_end(const struct ov_unit *unit, const char *place, struct ov_inventory *inventory) {
    const char *slash = strrchr(unit->path, '/');
    const char *name = slash != NULL ? slash + 1 : unit->path;
    const struct telling telling = {unit, name, place, inventory};
    if (unit->program[0] != 0 &&
        (unit->owner != NULL || ov_inventory_knows(OV_INDICATOR_UNIT, name))) {
        tell_limits(&telling);
    }
}
