// SPDX-License-Identifier: Apache-2.0
//
// What the words of `overt inventory` have in common.
//
// The report itself is in inventory.c; each word (plan, apply, verify, merge, sign) is a file
// src/cmd/inventory_WORD.c, which defines a `const struct ov_inventory_word`, and a row in the
// table of inventory.c. What is gathered is inventory_collect.h's business, how it is told
// inventory_report.h's.
#pragma once

#include "inventory/inventory.h"

#include <stdbool.h>

struct ov_inventory_word {
    const char *name;
    int (*run)(int argc, char **argv); // argv[0] is the word; gives an enum ov_exit
    const char *help;                  // whole text of `overt inventory WORD --help`
};

// The rows: one line for each word that is built.
extern const struct ov_inventory_word ov_inventory_word_apply;
extern const struct ov_inventory_word ov_inventory_word_merge;
extern const struct ov_inventory_word ov_inventory_word_plan;
extern const struct ov_inventory_word ov_inventory_word_sign;
extern const struct ov_inventory_word ov_inventory_word_verify;
