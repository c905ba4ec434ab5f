// SPDX-License-Identifier: Apache-2.0
// From a path to sources: which language a file's ending names, and the order within a folder.
#include "rules/reader.h"

#include "rules/clamav/readers.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

enum { PATH_BYTES = 4096 };

struct language {
    const char *ending;
    enum ov_status (*read)(struct ov_ruleset *set, uint32_t file, unsigned mode); // NULL: see why
    unsigned mode;
    bool is_pua;     // read on demand only
    const char *why; // not read at all
};

static const char not_built[] = "this kind of rules is not built yet";
static const char settings[] = "settings of ClamAV, which Overt does not use";

static const struct language languages[] = {
    {"hdb", ov_clamav_read_hashes, OV_HASH_OBJECT, false, NULL},
    {"hsb", ov_clamav_read_hashes, OV_HASH_OBJECT, false, NULL},
    {"hdu", ov_clamav_read_hashes, OV_HASH_OBJECT, true, NULL},
    {"hsu", ov_clamav_read_hashes, OV_HASH_OBJECT, true, NULL},
    {"mdb", ov_clamav_read_hashes, OV_HASH_SECTION, false, NULL},
    {"msb", ov_clamav_read_hashes, OV_HASH_SECTION, false, NULL},
    {"mdu", ov_clamav_read_hashes, OV_HASH_SECTION, true, NULL},
    {"msu", ov_clamav_read_hashes, OV_HASH_SECTION, true, NULL},
    {"imp", ov_clamav_read_hashes, OV_HASH_IMPORTS, false, NULL},
    {"fp", ov_clamav_read_hashes, OV_HASH_ALLOW, false, NULL},
    {"sfp", ov_clamav_read_hashes, OV_HASH_ALLOW, false, NULL},
    {"ndb", ov_clamav_read_bodies, 0, false, NULL},
    {"ndu", ov_clamav_read_bodies, 0, true, NULL},
    {"sdb", ov_clamav_read_bodies, 0, false, NULL},
    {"db", ov_clamav_read_bodies, 1, false, NULL},
    {"ldb", ov_clamav_read_logicals, 0, false, NULL},
    {"ldu", ov_clamav_read_logicals, 0, true, NULL},
    {"ign", ov_clamav_read_ignores, 0, false, NULL},
    {"ign2", ov_clamav_read_ignores, 0, false, NULL},
    {"cvd", ov_clamav_read_container, 1, false, NULL},
    {"cld", ov_clamav_read_container, 1, false, NULL},
    {"cud", ov_clamav_read_container, 0, false, NULL},
    {"cdb", NULL, 0, false, not_built},
    {"zmd", NULL, 0, false, not_built},
    {"rmd", NULL, 0, false, not_built},
    {"ftm", NULL, 0, false, not_built},
    {"idb", NULL, 0, false, not_built},
    {"crb", NULL, 0, false, not_built},
    {"cat", NULL, 0, false, not_built},
    {"pdb", NULL, 0, false, not_built},
    {"wdb", NULL, 0, false, not_built},
    {"gdb", NULL, 0, false, not_built},
    {"cbc", NULL, 0, false, not_built},
    {"ioc", NULL, 0, false, not_built},
    {"pwdb", NULL, 0, false, not_built},
    {"yar", NULL, 0, false, not_built},
    {"yara", NULL, 0, false, not_built},
    {"cfg", NULL, 0, false, settings},
    {"info", NULL, 0, false, "a list of members, read only inside a .cvd, .cld or .cud"},
};

// The language whose ending the name has, upper or lower case; NULL when none has it.
static const struct language *find_language(const char *name) {
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof languages / sizeof languages[0]; i++) {
        if (strcasecmp(dot + 1, languages[i].ending) == 0) {
            return &languages[i];
        }
    }
    return NULL;
}

static const char *why_unread(const struct ov_ruleset *set, const struct language *language) {
    if (language->is_pua && !set->state->options.with_pua) {
        return "rules for the potentially unwanted, read only when asked for (--pua)";
    }
    return language->why;
}

const char *ov_ruleset_why_unread(const struct ov_ruleset *set, const char *name) {
    const struct language *language = find_language(name);
    return language != NULL ? why_unread(set, language) : NULL;
}

enum ov_status ov_ruleset_read_file(struct ov_ruleset *set, uint32_t file) {
    const struct language *language = find_language(set->files[file].path);
    if (language == NULL) {
        return OV_UNSUPPORTED;
    }
    const char *why = why_unread(set, language);
    if (why != NULL) {
        return ov_ruleset_add_problem(set, (struct ov_place){.file = file}, (struct ov_span){0},
                                      true, why);
    }
    return language->read(set, file, language->mode);
}

enum ov_status ov_ruleset_load_bytes(struct ov_ruleset *set, const char *name, struct ov_span bytes,
                                     bool is_official) {
    if (find_language(name) == NULL) {
        return OV_UNSUPPORTED;
    }
    uint32_t file;
    TRY(ov_ruleset_add_file(set, name, bytes, is_official, &file));
    TRY(ov_ruleset_read_file(set, file));
    ov_ruleset_apply_ignores(set);
    return OV_OK;
}

static enum ov_status load_file(struct ov_ruleset *set, const char *path) {
    struct ov_file_map map;
    TRY(ov_file_map_open(path, &map));
    enum ov_status status = ov_ruleset_hold_map(set, map);
    if (status != OV_OK) {
        ov_file_map_close(&map);
        return status;
    }
    uint32_t file;
    TRY(ov_ruleset_add_file(set, path, map.bytes, false, &file));
    return ov_ruleset_read_file(set, file);
}

// ---- folders -----------------------------------------------------------------------------------

struct folder {
    char **names;
    size_t count;
    size_t room;
};

static void release_folder(struct folder *folder) {
    for (size_t i = 0; i < folder->count; i++) {
        free(folder->names[i]);
    }
    free(folder->names);
}

static bool has_ending(const char *name, const char *ending) {
    const char *dot = strrchr(name, '.');
    return dot != NULL && strcasecmp(dot + 1, ending) == 0;
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

static enum ov_status add_name(struct folder *folder, const char *name) {
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

static void close_dir(DIR **dir) {
    if (*dir != NULL) {
        closedir(*dir);
    }
}

static enum ov_status list_folder(const char *path, struct folder *folder) {
    DIR *dir OV_CLEANUP(close_dir) = opendir(path);
    if (dir == NULL) {
        return OV_SYSTEM;
    }
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            break;
        }
        if (find_language(entry->d_name) != NULL) {
            TRY(add_name(folder, entry->d_name));
        }
    }
    if (errno != 0) {
        return OV_SYSTEM;
    }
    if (folder->count > 0) {
        qsort(folder->names, folder->count, sizeof *folder->names, compare_names);
    }
    return OV_OK;
}

static bool join_path(char *out, const char *folder, const char *name) {
    int size = snprintf(out, PATH_BYTES, "%s/%s", folder, name);
    return size > 0 && size < PATH_BYTES;
}

// The version of the container at this path, or 0 when it cannot be read.
static uint64_t version_of(const char *folder, const char *stem, const char *ending) {
    char name[PATH_BYTES];
    char path[PATH_BYTES];
    int size = snprintf(name, sizeof name, "%s.%s", stem, ending);
    struct ov_file_map map;
    if (size < 0 || size >= PATH_BYTES || !join_path(path, folder, name) ||
        ov_file_map_open(path, &map) != OV_OK) {
        return 0;
    }
    uint64_t version = ov_clamav_container_version(map.bytes);
    ov_file_map_close(&map);
    return version;
}

// Whether the same database is there as .cld and .cvd, and this is the older one; of two equal ones
// the .cld is used.
static bool is_superseded(const char *folder, const char *name) {
    bool is_cvd = has_ending(name, "cvd");
    if (!is_cvd && !has_ending(name, "cld")) {
        return false;
    }
    char stem[PATH_BYTES];
    snprintf(stem, sizeof stem, "%.*s", (int)(strlen(name) - 4), name);
    uint64_t cvd = version_of(folder, stem, "cvd");
    uint64_t cld = version_of(folder, stem, "cld");
    return is_cvd ? cld > 0 && cld >= cvd : cvd > cld;
}

static enum ov_status note_unreadable(struct ov_ruleset *set, const char *path) {
    int error = errno;
    uint32_t file;
    TRY(ov_ruleset_add_file(set, path, (struct ov_span){0}, false, &file));
    return ov_ruleset_add_problemf(set, (struct ov_place){.file = file}, (struct ov_span){0}, false,
                                   "cannot be read: %s", strerror(error));
}

static enum ov_status load_folder(struct ov_ruleset *set, const char *path) {
    struct folder folder OV_CLEANUP(release_folder) = {0};
    TRY(list_folder(path, &folder));
    for (size_t i = 0; i < folder.count; i++) {
        char inside[PATH_BYTES];
        struct stat stat_now;
        if (!join_path(inside, path, folder.names[i]) || is_superseded(path, folder.names[i]) ||
            (stat(inside, &stat_now) == 0 && S_ISDIR(stat_now.st_mode))) {
            continue;
        }
        enum ov_status status = load_file(set, inside);
        if (status == OV_SYSTEM || status == OV_UNSUPPORTED || status == OV_DENIED) {
            status = note_unreadable(set, inside);
        }
        TRY(status);
    }
    return OV_OK;
}

enum ov_status ov_ruleset_load(struct ov_ruleset *set, const char *path) {
    struct stat stat_now;
    if (stat(path, &stat_now) != 0) {
        return OV_SYSTEM;
    }
    if (S_ISDIR(stat_now.st_mode)) {
        TRY(load_folder(set, path));
    } else {
        if (find_language(path) == NULL) {
            return OV_UNSUPPORTED;
        }
        TRY(load_file(set, path));
    }
    ov_ruleset_apply_ignores(set);
    return OV_OK;
}
