// SPDX-License-Identifier: Apache-2.0
// From a path to sources: which language a file's ending names, and what is read of a folder.
#include "rules/reader.h"

#include "rules/clamav/readers.h"
#include "rules/folder.h"

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

bool ov_rule_language_is_known(const char *name) {
    return find_language(name) != NULL;
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

static bool join_path(char *out, const char *folder, const char *name) {
    int size = snprintf(out, PATH_BYTES, "%s/%s", folder, name);
    return size > 0 && size < PATH_BYTES;
}

// Whether the folder has a newer container of the same database than this one.
static bool is_superseded(const char *folder, const char *name) {
    const char *twin = ov_rule_folder_twin(name);
    char other[PATH_BYTES];
    char path[PATH_BYTES];
    if (twin == NULL || !join_path(path, folder, name)) {
        return false;
    }
    (void)snprintf(other, sizeof other, "%.*s%s", (int)(strlen(path) - 3), path, twin);
    OV_CLEANUP(ov_file_map_close) struct ov_file_map own_map = {0};
    OV_CLEANUP(ov_file_map_close) struct ov_file_map twin_map = {0};
    (void)!ov_file_map_open(path, &own_map);
    (void)!ov_file_map_open(other, &twin_map);
    return ov_rule_folder_is_superseded(name, own_map.bytes, twin_map.bytes);
}

static enum ov_status note_unreadable(struct ov_ruleset *set, const char *path) {
    int error = errno;
    uint32_t file;
    TRY(ov_ruleset_add_file(set, path, (struct ov_span){0}, false, &file));
    return ov_ruleset_add_problemf(set, (struct ov_place){.file = file}, (struct ov_span){0}, false,
                                   "cannot be read: %s", strerror(error));
}

static enum ov_status load_folder(struct ov_ruleset *set, const char *path) {
    OV_CLEANUP(ov_rule_folder_release) struct ov_rule_folder folder = {0};
    TRY(ov_rule_folder_list(path, &folder));
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
