// SPDX-License-Identifier: Apache-2.0
// Begins and ends a run of overt log.
#include "cmd/log_run.h"

#include "base/fd.h"
#include "cmd/command.h"
#include "cmd/journal_run.h"

enum ov_status ov_log_run_begin(const char *command, bool is_unjournaled,
                                struct ov_keeper *ret_keeper) {
    OV_AUTO_FD names = -1; // no paths are written down
    *ret_keeper = (struct ov_keeper){.channel = -1};
    return is_unjournaled ? OV_OK : ov_journal_run_begin(command, ret_keeper, &names);
}

int ov_log_run_end(struct ov_keeper *keeper, int code) {
    if (keeper->pid == 0) {
        return code;
    }
    const struct ov_run_end end = {
        .code = code, .found = code == OV_EXIT_FOUND, .errors = code == OV_EXIT_ERROR};
    return ov_journal_run_end(keeper, &end) == OV_OK ? code : OV_EXIT_ERROR;
}
