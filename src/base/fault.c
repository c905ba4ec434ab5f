// SPDX-License-Identifier: Apache-2.0
// Faults as installed programs have them: none. Nothing may stand in this file that is not in the
// one of the tests too, or the linker would take both.
#include "base/fault.h"

#include <stddef.h>

void ov_fault_point(void) {
}

const char *ov_fault_variable(void) {
    return NULL;
}
