// SPDX-License-Identifier: Apache-2.0
//
// What one step of a plan does to a machine: a command that we put together runs, or files that
// still are the planned ones are removed.
//
// Commands get no shell, no input, and an environment of three variables; programs are looked for
// in the system's own folders alone. What they say goes to a file.
#pragma once

#include "inventory/plan.h"

// Runs a command to its end. *ret_code is its exit status, or 128 and the signal. OV_SYSTEM
// (errno): it could not be run.
enum ov_status ov_act_run(const char *const *args, int output, int *ret_code);

// The same; what it writes to its standard output is appended, up to a MiB. OV_LIMIT: it was more.
enum ov_status ov_act_ask(const char *const *args, struct ov_buf *ret_text, int *ret_code);

// Whether a package owns one of the step's files: then they are not left over. The line of the
// package manager that says so goes to `ret_owner`. OV_END: none does.
enum ov_status ov_act_find_owner(const struct ov_plan *plan, const struct ov_root *tree,
                                 const struct ov_plan_step *step, char *ret_owner, size_t size);

// Removes one file, link or empty folder of a step, if it still is what the entry says; links above
// it, below the step's base, are not followed. OV_END: it was gone. OV_PEER: it is another one by
// now. OV_LIMIT: a folder that is not empty. OV_SYSTEM (errno).
enum ov_status ov_act_remove(const struct ov_root *tree, const struct ov_plan_step *step,
                             const struct ov_plan_entry *entry);

// The configuration files of a package, as its manager lists them: one path a line, unchecked.
enum ov_status ov_act_list_configuration(const struct ov_plan *plan, enum ov_plan_tool tool,
                                         const char *package, struct ov_buf *ret_text);
