// SPDX-License-Identifier: Apache-2.0
// Faults as test programs have them: OVERT_FAULT=N ends the process at the Nth call (base/fault.h).
// A child that is forked counts on from its parent.
#include "base/fault.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void ov_fault_point(void) {
    static unsigned long calls;
    const char *wanted = getenv("OVERT_FAULT");
    calls++;
    if (wanted != NULL && strtoul(wanted, NULL, 10) == calls) {
        (void)kill(getpid(), SIGKILL);
        for (;;) {
            (void)pause();
        }
    }
}

const char *ov_fault_variable(void) {
    static char variable[64];
    const char *wanted = getenv("OVERT_FAULT");
    (void)snprintf(variable, sizeof variable, "OVERT_FAULT=%.20s", wanted != NULL ? wanted : "");
    return wanted != NULL ? variable : NULL;
}
