// SPDX-License-Identifier: Apache-2.0
//
// What plan, apply and verify have in common: the machine is looked at, and a plan is made of it.
#pragma once

#include "inventory/plan.h"

struct ov_plan_look {
    const char *root;
    const char *const *bans;
    size_t ban_count;
    const struct ov_plan *before; // as in ov_plan_order
};

// A machine as it is now, and the plan for it.
struct ov_plan_view {
    struct ov_inventory *inventory;
    struct ov_root tree;
    struct ov_plan plan;
    char root[4096]; // without links, so that it means the same tomorrow
};

void ov_plan_view_init(struct ov_plan_view *ret_view);
void ov_plan_view_release(struct ov_plan_view *view);

// Looks, and plans. On failure the error was printed.
enum ov_status ov_plan_view_look(const struct ov_plan_look *look, struct ov_plan_view *view);

// A plan from its file, which must be a regular one that nobody but its owner (the user, or root)
// can write to; its SHA-256 names its folder below STATE/inventory. On failure the error was
// printed.
enum ov_status ov_plan_file_read(const char *path, struct ov_plan *plan, uint8_t ret_sha256[32]);

// ---- the report (inventory_plan_report.c) -------------------------------------------------------

// The plan, and the report in the terms of a directive: what was found in 30 days, the plan in 60,
// the begin in 90. As text, or as what stands in a page's body.
void ov_plan_report_text(const struct ov_plan_view *view, struct ov_buf *out);
void ov_plan_report_html(const struct ov_plan_view *view, struct ov_buf *out);
