// SPDX-License-Identifier: Apache-2.0
//
// What a unit of systemd may do, from the facts that its file gave, one after another.
#pragma once

#include "inventory/inventory.h"

#include <stdbool.h>

enum { OV_UNIT_TEXT_BYTES = 512 };

struct ov_unit {
    char path[OV_UNIT_TEXT_BYTES];    // of its file
    char program[OV_UNIT_TEXT_BYTES]; // the first that it runs; "" for none
    const struct ov_product *owner;   // of a program that it runs, or NULL
    char user[64];
    char ambient[OV_UNIT_TEXT_BYTES], bounding[OV_UNIT_TEXT_BYTES];
    bool has_no_new_privileges, has_protection, has_filter, is_dynamic;
};

void ov_unit_begin(struct ov_unit *unit, const char *path);
void ov_unit_add_program(struct ov_unit *unit, const char *program);
// "KEY=VALUE"
void ov_unit_add_setting(struct ov_unit *unit, const char *setting);

// Tells what it may do, when it is a product's: by its name, or by what it runs.
void ov_unit_end(const struct ov_unit *unit, const char *place, struct ov_inventory *inventory);
