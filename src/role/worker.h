// SPDX-License-Identifier: Apache-2.0
//
// The worker: the one process in which files are parsed. Started by the broker, caged by itself.
#pragma once

// Runs until the broker closes the channel; gives the exit code of the process.
int ov_worker_main(void);
