// SPDX-License-Identifier: Apache-2.0
// The program `overt-worker`. It takes no arguments and reads no file by name.
#include "role/worker.h"

int main(void) {
    return ov_worker_main();
}
