// SPDX-License-Identifier: Apache-2.0
// Finding the parts of an installed or a freshly built Overt.
#include "base/install.h"

#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    const char *folder;
} parts[] = {
    [OV_PART_WORKER] = {"overt-worker", OVERT_LIBEXECDIR},
    [OV_PART_SERVER] = {"overt-serve", OVERT_LIBEXECDIR},
    [OV_PART_FETCHER] = {"overt-fetch", OVERT_LIBEXECDIR},
    [OV_PART_RECORDER] = {"overt-watch", OVERT_LIBEXECDIR},
    [OV_PART_STARTER] = {"starter.ovi", OVERT_DATADIR},
    [OV_PART_ENGINES] = {"engines.ovi", OVERT_DATADIR},
};

static enum ov_status join(const char *folder, const char *name, char *ret_path, size_t size) {
    int length = snprintf(ret_path, size, "%s/%s", folder, name);
    return length >= 0 && (size_t)length < size ? OV_OK : OV_LIMIT;
}

// The folder of the running program, without a slash at its end.
static enum ov_status find_own_folder(char *ret_folder, size_t size) {
    ssize_t length = readlink("/proc/self/exe", ret_folder, size - 1);
    if (length <= 0) {
        return OV_SYSTEM;
    }
    ret_folder[length] = '\0';
    char *slash = strrchr(ret_folder, '/');
    if (slash == NULL) {
        return OV_SYSTEM;
    }
    *slash = '\0';
    return OV_OK;
}

enum ov_status ov_install_find(enum ov_part part, char *ret_path, size_t size) {
    char own[PATH_MAX];
    if (find_own_folder(own, sizeof own) == OV_OK &&
        join(own, parts[part].name, ret_path, size) == OV_OK && access(ret_path, R_OK) == 0) {
        return OV_OK;
    }
    TRY(join(parts[part].folder, parts[part].name, ret_path, size));
    return access(ret_path, R_OK) == 0 ? OV_OK : OV_SYSTEM;
}
