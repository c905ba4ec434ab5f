// SPDX-License-Identifier: Apache-2.0
// A mount namespace with files that are read-only.
#include "watch/shield.h"

#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>

enum ov_status ov_shield_enter(const char *const *paths) {
    // What is mounted here goes nowhere else; what is mounted elsewhere comes here.
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0) {
        return OV_SYSTEM;
    }
    for (size_t i = 0; paths[i] != NULL; i++) {
        if (mount(paths[i], paths[i], NULL, MS_BIND, NULL) != 0 ||
            mount(NULL, paths[i], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0) {
            return OV_SYSTEM;
        }
    }
    return OV_OK;
}
