// SPDX-License-Identifier: Apache-2.0
//
// An inventory as text and as a page for people, and as JSON for programs.
#pragma once

#include "base/json.h"
#include "inventory/inventory.h"

#include <stdbool.h>
#include <time.h>

struct ov_inventory_report {
    const struct ov_inventory *inventory; // judged
    const char *root;
    const char *machine; // its host name; "" when not known
    time_t made_at;
};

// One whole object, and a line end. The keys are those of docs/formats/inventory.md.
void ov_inventory_report_json(const struct ov_inventory_report *report, struct ov_buf *out);

// For a terminal; all that others had a say in is printable ASCII.
void ov_inventory_report_text(const struct ov_inventory_report *report, struct ov_buf *out);

// A whole page to print, with no script and nothing from elsewhere.
void ov_inventory_report_html(const struct ov_inventory_report *report, struct ov_buf *out);

// What a report is about, in a word: the machine's name, or the root when that is not "/".
const char *ov_inventory_report_subject(const struct ov_inventory_report *report);

// What was found, in one sentence without a name or an end of line.
void ov_inventory_report_summary(const struct ov_inventory_report *report, struct ov_buf *out);

// Whether anything was found: a product, a trace of one, or a holder on no list that is no part of
// the operating system.
bool ov_inventory_has_found(const struct ov_inventory *inventory);
