// SPDX-License-Identifier: Apache-2.0
// Faults as installed programs have them: none. Nothing else may stand in this file, or the linker
// would take it together with the one of the tests.
#include "base/fault.h"

void ov_fault_point(void) {
}
