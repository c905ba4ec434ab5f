// SPDX-License-Identifier: Apache-2.0
//
// The runs of the words of `overt log` that reach the network, in the journal of this machine.
#pragma once

#include "role/keeper.h"

#include <stdbool.h>

// Begins the run `command`, unless --no-journal was given. On failure the error was printed.
enum ov_status ov_log_run_begin(const char *command, bool is_unjournaled,
                                struct ov_keeper *ret_keeper);

// Ends it, if it was begun, with this enum ov_exit; gives the same, or that of an error, which was
// printed, when the end cannot be written.
int ov_log_run_end(struct ov_keeper *keeper, int code);
