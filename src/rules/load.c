// SPDX-License-Identifier: Apache-2.0
// From a name to a reader: which language a file's ending names.
#include "rules/reader.h"

#include "catalog/folder.h"
#include "rules/clamav/archive.h"
#include "rules/clamav/readers.h"

#include <string.h>
#include <strings.h>

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
    {"cdb", ov_clamav_read_metadata, 0, false, NULL},
    {"zmd", ov_clamav_read_metadata, 1, false, NULL},
    {"rmd", ov_clamav_read_metadata, 2, false, NULL},
    {"ftm", ov_clamav_read_magics, 0, false, NULL},
    {"idb", ov_clamav_read_icons, 0, false, NULL},
    {"crb", ov_clamav_read_certificates, 0, false, NULL},
    {"cat", ov_clamav_read_catalog, 0, false, NULL},
    {"pdb", ov_clamav_read_links, 0, false, NULL},
    {"wdb", ov_clamav_read_links, 1, false, NULL},
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

const char *ov_rule_language_ending(size_t index) {
    return index < sizeof languages / sizeof languages[0] ? languages[index].ending : NULL;
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

enum ov_status ov_ruleset_load_unreadable(struct ov_ruleset *set, const char *name,
                                          const char *why) {
    uint32_t file;
    TRY(ov_ruleset_add_file(set, name, (struct ov_span){0}, false, &file));
    return ov_ruleset_add_problemf(set, (struct ov_place){.file = file}, (struct ov_span){0}, false,
                                   "cannot be read: %s", why);
}

// The newer one counts; of two equal ones the .cld.
bool ov_rule_file_is_superseded(const char *name, struct ov_span bytes, struct ov_span twin) {
    const char *ending = ov_rule_file_twin(name);
    uint64_t own = ov_clamav_container_version(bytes);
    uint64_t other = ov_clamav_container_version(twin);
    bool is_cvd = ending != NULL && strcmp(ending, "cld") == 0;
    return is_cvd ? other > 0 && other >= own : other > own;
}
