// SPDX-License-Identifier: Apache-2.0
// The program `overt-worker`. Its one argument is its role; it reads no file by name.
#include "role/builder.h"
#include "role/roles.h"
#include "role/worker.h"

#include <string.h>

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], ov_role_get(OV_ROLE_BUILDER)->name) == 0) {
        return ov_builder_main();
    }
    if (argc == 2 && strcmp(argv[1], ov_role_get(OV_ROLE_WORKER)->name) == 0) {
        return ov_worker_main();
    }
    return 2;
}
