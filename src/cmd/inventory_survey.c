// SPDX-License-Identifier: Apache-2.0
// Facts of a place, held against the table of products.
#include "cmd/inventory_survey.h"

#include "cmd/inventory_unit.h"
#include "inventory/survey_files.h"
#include "role/survey_job.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_AT_ONCE = 200, DETAIL_BYTES = 2048 };

struct survey {
    const struct ov_paths_place *at;
    const struct ov_survey_item *items; // those that are read at once
    struct ov_survey_sums *sums;
    const char *place; // of the fact that is looked at
    bool is_residue;   // whether it is of what is gone: it allows nothing
    struct ov_unit *units;
    size_t unit_count, unit_room;
    struct ov_unit *unit; // that the facts of a source are of, or NULL
    size_t unit_source;   // that source; SIZE_MAX for none
};

static const char *text_of(struct ov_span span) {
    return (const char *)span.data; // ends with a zero
}

// ---- what facts are -----------------------------------------------------------------------------

static size_t see(const struct survey *survey, enum ov_indicator_kind kind, const char *value,
                  const char *detail) {
    const struct ov_sight sight = {.kind = kind,
                                   .value = value,
                                   .detail = detail,
                                   .place = survey->place,
                                   .is_residue = survey->is_residue};
    return ov_inventory_see(survey->at->inventory, &sight);
}

static void allow(const struct survey *survey, enum ov_indicator_kind kind, const char *value,
                  enum ov_power_kind power, const char *detail) {
    const struct ov_allowed allowed = {kind, value, power, survey->place};
    if (!survey->is_residue) {
        ov_inventory_allow(survey->at->inventory, &allowed, detail);
    }
}

// A power of whoever a path belongs to. False when that is nobody of the table.
static bool allow_owner(const struct survey *survey, const char *path, enum ov_power_kind power,
                        const char *detail) {
    const struct ov_product *owner = ov_inventory_owner(path);
    if (owner != NULL && !survey->is_residue) {
        ov_inventory_add_power(survey->at->inventory, owner, power, detail, survey->place);
    }
    return owner != NULL;
}

// "https://user@host:port/path": the host.
static void cut_host(const char *url, char *ret_host, size_t size) {
    const char *begin = strstr(url, "://");
    begin = begin != NULL ? begin + 3 : url;
    size_t length = strcspn(begin, "/");
    const char *at = memrchr(begin, '@', length);
    if (at != NULL) {
        length -= (size_t)(at + 1 - begin);
        begin = at + 1;
    }
    const char *colon = memchr(begin, ':', length);
    length = colon != NULL ? (size_t)(colon - begin) : length;
    (void)snprintf(ret_host, size, "%.*s", (int)length, begin);
}

static void take_repository(const struct survey *survey, const struct ov_survey_fact *fact,
                            const char *path) {
    char detail[DETAIL_BYTES], host[256];
    const char *url = text_of(fact->value), *state = text_of(fact->detail);
    cut_host(url, host, sizeof host);
    (void)snprintf(detail, sizeof detail, "%s%s%s", path, state[0] != 0 ? ", " : "", state);
    size_t count = see(survey, OV_INDICATOR_REPOSITORY, url, detail);
    count += see(survey, OV_INDICATOR_REPOSITORY, host, detail);
    if (count > 0 && state[0] == 0) {
        (void)snprintf(detail, sizeof detail, "package source %s (%s)", url, path);
        allow(survey, OV_INDICATOR_REPOSITORY, url, OV_POWER_UPDATES, detail);
        allow(survey, OV_INDICATOR_REPOSITORY, host, OV_POWER_UPDATES, detail);
    }
}

static void take_certificate(const struct survey *survey, const struct ov_survey_fact *fact,
                             const char *path) {
    char detail[DETAIL_BYTES];
    bool is_key = fact->kind == OV_FACT_MOK;
    enum ov_indicator_kind kind = is_key ? OV_INDICATOR_MOK : OV_INDICATOR_CERTIFICATE;
    (void)snprintf(detail, sizeof detail, "%s of %s", text_of(fact->detail), path);
    if (see(survey, kind, text_of(fact->value), detail) > 0) {
        (void)snprintf(detail, sizeof detail, "%s in %s", text_of(fact->value), path);
        allow(survey, kind, text_of(fact->value), OV_POWER_TRUST, detail);
    }
}

static void add_holder(const struct survey *survey, const char *what, const char *who,
                       const char *detail, bool is_expected) {
    char package[] = "", shown[DETAIL_BYTES];
    (void)snprintf(shown, sizeof shown, "%s%s%s", detail, survey->place[0] != 0 ? ", in " : "",
                   survey->place);
    const struct ov_holder holder = {.what = (char *)(uintptr_t)what,
                                     .who = (char *)(uintptr_t)who,
                                     .detail = shown,
                                     .package = package,
                                     .is_expected = is_expected};
    if (!survey->is_residue) {
        ov_inventory_add_holder(survey->at->inventory, &holder);
    }
}

static void take_preload(const struct survey *survey, const char *value, const char *path) {
    char detail[DETAIL_BYTES];
    (void)snprintf(detail, sizeof detail, "%s (%s)", value, path);
    (void)see(survey, OV_INDICATOR_PATH, value, path);
    if (!allow_owner(survey, value, OV_POWER_PRELOAD, detail)) {
        add_holder(survey, "preloaded library", value, path, false);
    }
}

// Distributions hide their own noise; what hides a program of somebody else is worth a question.
static bool is_of_system(const char *value) {
    static const char *const folders[] = {"/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/libexec/",
                                          "/bin/",     "/sbin/",     "/lib/"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        if (strncmp(value, folders[i], strlen(folders[i])) == 0) {
            return true;
        }
    }
    return value[0] != '/';
}

static void take_hiding(const struct survey *survey, const struct ov_survey_fact *fact,
                        const char *path) {
    char detail[DETAIL_BYTES];
    const char *value = text_of(fact->value), *rule = text_of(fact->detail);
    (void)snprintf(detail, sizeof detail, "%s: %s", path, rule);
    (void)see(survey, OV_INDICATOR_AUDIT, value, detail);
    (void)snprintf(detail, sizeof detail, "hidden from the audit: %s (%s)", value, path);
    if (!allow_owner(survey, value, OV_POWER_AUDIT, detail)) {
        (void)snprintf(detail, sizeof detail, "%s: %s", path, rule);
        add_holder(survey, "audit rule that hides", value, detail, is_of_system(value));
    }
}

// Scripts in these folders and root's own entries run as root; elsewhere a line says who.
static bool is_cron_of_root(const char *path) {
    static const char *const begins[] = {"/etc/cron.hourly/", "/etc/cron.daily/",
                                         "/etc/cron.weekly/", "/etc/cron.monthly/"};
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        if (strncmp(path, begins[i], strlen(begins[i])) == 0) {
            return true;
        }
    }
    return strcmp(path, "/var/spool/cron/root") == 0 ||
           strcmp(path, "/var/spool/cron/crontabs/root") == 0;
}

static void take_cron(const struct survey *survey, const char *value, const char *where,
                      const char *path) {
    char detail[DETAIL_BYTES];
    (void)snprintf(detail, sizeof detail, "%s: %s", path, where);
    (void)see(survey, OV_INDICATOR_CRON, value, detail);
    if (is_cron_of_root(path)) {
        (void)snprintf(detail, sizeof detail, "%s, by cron (%s)", value, path);
        (void)allow_owner(survey, value, OV_POWER_ROOT, detail);
    }
}

static void take_line(const struct survey *survey, const struct ov_survey_fact *fact,
                      const char *path) {
    char detail[DETAIL_BYTES];
    const char *value = text_of(fact->value);
    (void)snprintf(detail, sizeof detail, "%s: %s", path, text_of(fact->detail));
    switch (fact->kind) {
    case OV_FACT_CRON:
        take_cron(survey, value, text_of(fact->detail), path);
        break;
    case OV_FACT_AUDIT:
        (void)see(survey, OV_INDICATOR_AUDIT, value, detail);
        break;
    case OV_FACT_SUDOERS:
        (void)see(survey, OV_INDICATOR_SUDOERS, value, detail);
        (void)snprintf(detail, sizeof detail, "%s: %s (%s)", value, text_of(fact->detail), path);
        (void)allow_owner(survey, value, OV_POWER_SUDO, detail);
        break;
    default: // SUDO_ALL
        (void)snprintf(detail, sizeof detail, "%s may run everything (%s)", value, path);
        allow(survey, value[0] == '%' ? OV_INDICATOR_GROUP : OV_INDICATOR_USER,
              value[0] == '%' ? value + 1 : value, OV_POWER_SUDO, detail);
        break;
    }
}

// ---- units --------------------------------------------------------------------------------------

// The unit that a file is of: its own name, or that of the folder "NAME.d" which a drop-in stands
// in.
static bool name_unit(const char *path, char *ret_name, size_t size) {
    const char *slash = strrchr(path, '/');
    bool is_drop_in = strlen(path) > 5 && strcmp(path + strlen(path) - 5, ".conf") == 0;
    if (slash == NULL || !is_drop_in) {
        (void)snprintf(ret_name, size, "%s", slash != NULL ? slash + 1 : path);
        return false;
    }
    const char *folder = memrchr(path, '/', (size_t)(slash - path));
    folder = folder != NULL ? folder + 1 : path;
    (void)snprintf(ret_name, size, "%.*s", (int)(slash - folder) - 2, folder);
    return true;
}

static struct ov_unit *find_unit(const struct survey *survey, const char *name) {
    for (size_t i = 0; i < survey->unit_count; i++) {
        char other[OV_UNIT_TEXT_BYTES];
        (void)name_unit(survey->units[i].path, other, sizeof other);
        if (strcmp(other, name) == 0) {
            return &survey->units[i];
        }
    }
    return NULL;
}

static struct ov_unit *add_unit(struct survey *survey, const char *path) {
    if (survey->unit_count == survey->unit_room) {
        size_t wanted = survey->unit_room == 0 ? 64 : 2 * survey->unit_room;
        struct ov_unit *grown = reallocarray(survey->units, wanted, sizeof *grown);
        if (grown == NULL) {
            ov_inventory_add_problem(survey->at->inventory, path, "not enough memory",
                                     survey->at->place);
            return NULL;
        }
        survey->units = grown;
        survey->unit_room = wanted;
    }
    ov_unit_begin(&survey->units[survey->unit_count], path);
    return &survey->units[survey->unit_count++];
}

// A file of a name that was there before is one that systemd does not read; drop-ins add to it.
static struct ov_unit *choose_unit(struct survey *survey, const char *path) {
    char name[OV_UNIT_TEXT_BYTES];
    bool is_drop_in = name_unit(path, name, sizeof name);
    struct ov_unit *known = find_unit(survey, name);
    return is_drop_in ? known : known == NULL ? add_unit(survey, path) : NULL;
}

static void take_unit(struct survey *survey, size_t source, const struct ov_survey_fact *fact) {
    if (survey->unit_source != source) {
        bool is_image = survey->items[source].kind == OV_SURVEY_IMAGE;
        survey->unit = is_image ? NULL : choose_unit(survey, survey->items[source].path);
        survey->unit_source = source;
    }
    const char *value = text_of(fact->value);
    if (survey->unit == NULL) {
        return;
    }
    if (fact->kind == OV_FACT_UNIT_SETS) {
        ov_unit_add_setting(survey->unit, value);
    } else if (strcmp(text_of(fact->detail), "ExecStart") == 0) {
        ov_unit_add_program(survey->unit, value);
    }
}

static void end_units(struct survey *survey) {
    for (size_t i = 0; i < survey->unit_count; i++) {
        ov_unit_end(&survey->units[i], survey->at->place, survey->at->inventory);
    }
    free(survey->units);
}

// A file of an image: units are known by their names there, as nothing says which file a unit's
// facts are of.
static void take_path(const struct survey *survey, const char *path, const char *detail) {
    const char *slash = strrchr(path, '/');
    (void)see(survey, OV_INDICATOR_PATH, path, detail);
    if (slash != NULL && strstr(path, "/systemd/system/") != NULL) {
        (void)see(survey, OV_INDICATOR_UNIT, slash + 1, path);
    }
}

// ---- all facts ----------------------------------------------------------------------------------

static void take_count(struct survey *survey, size_t source, const struct ov_survey_fact *fact) {
    enum ov_survey_source kind = survey->items[source].kind;
    survey->sums->entries[kind] += strtoull(text_of(fact->value), NULL, 10);
    survey->sums->files[kind]++;
}

static void take_fact(void *arg, size_t source, const struct ov_survey_fact *fact) {
    struct survey *survey = arg;
    const char *path = survey->items[source].path;
    const char *place = text_of(fact->place);
    survey->place = place[0] != 0 ? place : survey->at->place;
    survey->is_residue = fact->is_residue;
    switch (fact->kind) {
    case OV_FACT_PACKAGE:
        (void)see(survey, OV_INDICATOR_PACKAGE, text_of(fact->value), text_of(fact->detail));
        break;
    case OV_FACT_PATH:
        take_path(survey, text_of(fact->value), text_of(fact->detail));
        break;
    case OV_FACT_USER:
        (void)see(survey, OV_INDICATOR_USER, text_of(fact->value), text_of(fact->detail));
        break;
    case OV_FACT_GROUP:
        (void)see(survey, OV_INDICATOR_GROUP, text_of(fact->value), text_of(fact->detail));
        break;
    case OV_FACT_UNIT_RUNS:
    case OV_FACT_UNIT_SETS:
        take_unit(survey, source, fact);
        break;
    case OV_FACT_CRON:
    case OV_FACT_SUDOERS:
    case OV_FACT_SUDO_ALL:
    case OV_FACT_AUDIT:
        take_line(survey, fact, path);
        break;
    case OV_FACT_AUDIT_HIDES:
        take_hiding(survey, fact, path);
        break;
    case OV_FACT_REPOSITORY:
        take_repository(survey, fact, path);
        break;
    case OV_FACT_CERTIFICATE:
    case OV_FACT_MOK:
        take_certificate(survey, fact, path);
        break;
    case OV_FACT_PRELOAD:
        take_preload(survey, text_of(fact->value), path);
        break;
    case OV_FACT_ENTRIES:
        take_count(survey, source, fact);
        break;
    default: // a problem is told by itself
        break;
    }
}

static void take_problem(void *arg, size_t source, const char *why) {
    const struct survey *survey = arg;
    ov_inventory_add_problem(survey->at->inventory, survey->items[source].path, why,
                             survey->at->place);
}

// ---- runs ---------------------------------------------------------------------------------------

static void run(struct survey *survey, const struct ov_survey_item *items, size_t count) {
    char reason[OV_SURVEY_REASON_BYTES] = "";
    survey->items = items;
    survey->unit_source = SIZE_MAX;
    const struct ov_survey_request request = {.items = items,
                                              .count = count,
                                              .arg = survey,
                                              .on_fact = take_fact,
                                              .on_problem = take_problem};
    enum ov_status status = ov_survey_run(&request, reason);
    if (status != OV_OK) {
        ov_inventory_add_problem(survey->at->inventory, "the reader of packages, units and rules",
                                 reason[0] != 0 ? reason : ov_status_text(status),
                                 survey->at->place);
    }
}

void ov_inventory_survey(const struct ov_paths_place *at, struct ov_survey_sums *sums) {
    struct survey survey = {.at = at, .sums = sums};
    for (size_t from = 0;; from += FILES_AT_ONCE) {
        OV_CLEANUP(ov_survey_files_close) struct ov_survey_files files = {0};
        enum ov_status status = ov_survey_files_open(at, from, FILES_AT_ONCE, &files);
        if (status != OV_OK) {
            if (status == OV_MEMORY) {
                ov_inventory_add_problem(at->inventory, "packages, units and rules",
                                         "not enough memory", at->place);
            }
            end_units(&survey);
            return;
        }
        struct ov_survey_item items[FILES_AT_ONCE];
        for (size_t i = 0; i < files.count; i++) {
            items[i] = (struct ov_survey_item){
                .kind = files.items[i].kind, .path = files.items[i].path, .fd = files.items[i].fd};
        }
        run(&survey, items, files.count);
    }
}

void ov_inventory_survey_image(int fd, const char *path, struct ov_inventory *inventory,
                               struct ov_survey_sums *sums) {
    const struct ov_paths_place at = {.place = "", .inventory = inventory};
    const struct ov_survey_item item = {.kind = OV_SURVEY_IMAGE, .path = path, .fd = fd};
    struct survey survey = {.at = &at, .sums = sums};
    run(&survey, &item, 1);
    end_units(&survey);
}

void ov_inventory_survey_methods(const struct ov_survey_sums *sums,
                                 struct ov_inventory *inventory) {
    static const char *const names[OV_SURVEY_SOURCES] = {
        [OV_SURVEY_DPKG_STATUS] = "packages of dpkg",
        [OV_SURVEY_RPM_SQLITE] = "packages of rpm (SQLite)",
        [OV_SURVEY_RPM_NDB] = "packages of rpm (ndb)",
        [OV_SURVEY_RPM_BDB] = "packages of rpm (Berkeley DB)",
        [OV_SURVEY_APK] = "packages of apk",
        [OV_SURVEY_PASSWD] = "users",
        [OV_SURVEY_GROUP] = "groups",
        [OV_SURVEY_UNIT] = "what units run, and what limits them",
        [OV_SURVEY_CRON] = "entries of cron",
        [OV_SURVEY_SUDOERS] = "rules of sudo",
        [OV_SURVEY_AUDIT] = "rules of the audit",
        [OV_SURVEY_APT] = "package sources of apt",
        [OV_SURVEY_YUM] = "package sources of yum, dnf and zypper",
        [OV_SURVEY_CERTIFICATES] = "trusted certificates",
        [OV_SURVEY_MOK] = "keys that the machine's owner enrolled",
        [OV_SURVEY_PRELOAD] = "preloaded libraries",
        [OV_SURVEY_IMAGE] = "files of an image",
    };
    _Static_assert(OV_SURVEY_SOURCES <= sizeof sums->files / sizeof sums->files[0], "room");
    for (unsigned i = 0; i < OV_SURVEY_SOURCES; i++) {
        char method[160];
        if (sums->files[i] > 0) {
            (void)snprintf(method, sizeof method, "%s: %llu in %zu file%s", names[i],
                           (unsigned long long)sums->entries[i], sums->files[i],
                           sums->files[i] == 1 ? "" : "s");
            ov_inventory_add_method(inventory, method);
        }
    }
}
