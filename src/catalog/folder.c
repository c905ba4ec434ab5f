// SPDX-License-Identifier: Apache-2.0
// Lists and sorts the rule files of a folder.
#include "catalog/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// What the readers of the rules room know (rules/load.c; a test there holds the two lists
// together).
static const char *const endings[] = {
    "hdb", "hsb", "hdu", "hsu", "mdb", "msb",  "mdu", "msu", "imp",  "fp",  "sfp",  "ndb", "ndu",
    "sdb", "db",  "ldb", "ldu", "ign", "ign2", "cvd", "cld", "cud",  "cdb", "zmd",  "rmd", "ftm",
    "idb", "crb", "cat", "pdb", "wdb", "gdb",  "cbc", "ioc", "pwdb", "yar", "yara", "cfg", "info",
};

static bool has_ending(const char *name, const char *ending) {
    const char *dot = strrchr(name, '.');
    return dot != NULL && strcasecmp(dot + 1, ending) == 0;
}

bool ov_rule_file_is_known(const char *name) {
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (has_ending(name, endings[i])) {
            return true;
        }
    }
    return false;
}

size_t ov_rule_file_known_count(void) {
    return sizeof endings / sizeof endings[0];
}

// When clamscan loads a file of this name: small numbers first. What it takes in the order of the
// folder on disk, we take by name, so that the same files always give the same image.
static int rank(const char *name) {
    if (has_ending(name, "ign") || has_ending(name, "ign2")) {
        return 0;
    }
    if (strcmp(name, "daily.cld") == 0 || strcmp(name, "daily.cvd") == 0) {
        return 1;
    }
    if (strcmp(name, "local.gdb") == 0) {
        return 2;
    }
    if (strcmp(name, "daily.cfg") == 0) {
        return 3;
    }
    return has_ending(name, "crb") ? 4 : 5;
}

static int compare_names(const void *left, const void *right) {
    const char *a = *(char *const *)left;
    const char *b = *(char *const *)right;
    int difference = rank(a) - rank(b);
    return difference != 0 ? difference : strcmp(a, b);
}

static enum ov_status add_name(struct ov_rule_folder *folder, const char *name) {
    if (folder->count == folder->room) {
        size_t room = folder->room == 0 ? 64 : folder->room * 2;
        char **names = reallocarray(folder->names, room, sizeof *names);
        if (names == NULL) {
            return OV_MEMORY;
        }
        folder->names = names;
        folder->room = room;
    }
    char *copy = strdup(name);
    if (copy == NULL) {
        return OV_MEMORY;
    }
    folder->names[folder->count++] = copy;
    return OV_OK;
}

void ov_rule_folder_release(struct ov_rule_folder *folder) {
    for (size_t i = 0; i < folder->count; i++) {
        free(folder->names[i]);
    }
    free(folder->names);
    *folder = (struct ov_rule_folder){0};
}

static enum ov_status read_names(DIR *dir, struct ov_rule_folder *folder) {
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            return errno == 0 ? OV_OK : OV_SYSTEM;
        }
        if (ov_rule_file_is_known(entry->d_name)) {
            TRY(add_name(folder, entry->d_name));
        }
    }
}

enum ov_status ov_rule_folder_list(const char *path, struct ov_rule_folder *ret_folder) {
    struct ov_rule_folder folder = {0};
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return OV_SYSTEM;
    }
    enum ov_status status = read_names(dir, &folder);
    int error = errno;
    (void)closedir(dir);
    if (status != OV_OK) {
        ov_rule_folder_release(&folder);
        errno = error;
        return status;
    }
    if (folder.count > 0) {
        qsort(folder.names, folder.count, sizeof *folder.names, compare_names);
    }
    *ret_folder = folder;
    return OV_OK;
}

const char *ov_rule_file_twin(const char *name) {
    if (has_ending(name, "cvd")) {
        return "cld";
    }
    return has_ending(name, "cld") ? "cvd" : NULL;
}
