// SPDX-License-Identifier: Apache-2.0
// Finds the rules of a scan.
#include "cmd/scan_rules.h"

#include "base/install.h"
#include "base/say.h"
#include "cmd/scan_state.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool is_image(const char *path) {
    size_t size = strlen(path);
    return size > 4 && strcmp(path + size - 4, ".ovi") == 0;
}

static enum ov_status open_image(const char *path, struct ov_scan_image *ret_image) {
    char reason[OV_SCAN_REASON_BYTES];
    enum ov_status status = ov_scan_image_open(path, ret_image, reason);
    if (status != OV_OK) {
        ov_say_error(path, reason, "overt rules build makes an image of rule files");
    }
    return status;
}

// The installed image, newest first when there are several: an update puts a new one beside the old.
static enum ov_status find_installed(char *ret_path, size_t size) {
    char folder[PATH_MAX - NAME_MAX - 16];
    char rules[PATH_MAX - NAME_MAX - 8];
    TRY(ov_state_folder(folder, sizeof folder));
    (void)snprintf(rules, sizeof rules, "%s/rules", folder);
    DIR *list = opendir(rules);
    time_t newest = 0;
    if (list == NULL) {
        return OV_END;
    }
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        struct stat info;
        if (is_image(entry->d_name) && fstatat(dirfd(list), entry->d_name, &info, 0) == 0 &&
            info.st_mtime > newest) {
            newest = info.st_mtime;
            (void)snprintf(ret_path, size, "%s/%s", rules, entry->d_name);
        }
    }
    (void)closedir(list);
    return newest != 0 ? OV_OK : OV_END;
}

static enum ov_status open_default(struct ov_scan_image *ret_image) {
    char path[PATH_MAX];
    if (find_installed(path, sizeof path) == OV_OK) {
        return open_image(path, ret_image);
    }
    enum ov_status status = ov_install_find(OV_PART_STARTER, path, sizeof path);
    if (status != OV_OK) {
        ov_say_error(path, "the built-in rules are missing", "give rules with --rules");
        return status;
    }
    return open_image(path, ret_image);
}

enum ov_status ov_scan_rules_open(const struct ov_scan_arguments *args,
                                  struct ov_scan_image *ret_image) {
    if (args->rule_count == 0) {
        return open_default(ret_image);
    }
    if (args->rule_count == 1 && is_image(args->rules[0])) {
        return open_image(args->rules[0], ret_image);
    }
    return OV_UNSUPPORTED;
}
