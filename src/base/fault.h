// SPDX-License-Identifier: Apache-2.0
//
// Where a test may end a process, to see what a crash leaves behind.
//
// Whoever changes files that must survive calls ov_fault_point() before each step that lasts:
// making a file or folder, writing, syncing, renaming, removing, answering. The functions of
// base/durable.h do so themselves. In the programs that are installed the call does nothing:
// fault.c is empty, and no environment variable is asked.
//
// Test programs are linked with tests/faulty/fault.c, whose ov_fault_point() stands in for that of
// the library: with OVERT_FAULT=N in its environment, a process kills itself (SIGKILL) at its Nth
// call. Without, or when there are fewer calls, it runs as ever. So a test tries N = 1, 2, 3 ...
// until a run ends by itself. The build folder has all programs once more in tests/faulty/, linked
// so and not installed; they find one another there.
//
// What a killed process wrote is kept by the kernel, synced or not: these tests prove the order of
// the steps, not that each is synced.
#pragma once

void ov_fault_point(void);

// What is given on to a program that starts with an environment of its own, so that it ends at the
// wanted step, too: a variable and its value, or NULL. Installed programs give NULL.
const char *ov_fault_variable(void);
