// SPDX-License-Identifier: Apache-2.0
// Where package managers, the init system, cron, sudo, audit and the trust stores keep what they
// know.
#include "inventory/survey_files.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES_PER_PATTERN_MAX = 2048 };

#define MIB (UINT64_C(1) << 20)

struct row {
    enum ov_survey_source kind;
    const char *pattern;
    uint64_t most_bytes; // 0: a text that people write, MIB
};

static const struct row rows[] = {
    {OV_SURVEY_DPKG_STATUS, "/var/lib/dpkg/status", 256 * MIB},
    {OV_SURVEY_DPKG_STATUS, "/var/lib/dpkg/status.d/*", 16 * MIB}, // images without dpkg
    {OV_SURVEY_RPM_SQLITE, "/var/lib/rpm/rpmdb.sqlite", 1024 * MIB},
    {OV_SURVEY_RPM_SQLITE, "/usr/lib/sysimage/rpm/rpmdb.sqlite", 1024 * MIB},
    {OV_SURVEY_RPM_SQLITE, "/usr/share/rpm/rpmdb.sqlite", 1024 * MIB},
    {OV_SURVEY_RPM_NDB, "/var/lib/rpm/Packages.db", 1024 * MIB},
    {OV_SURVEY_RPM_NDB, "/usr/lib/sysimage/rpm/Packages.db", 1024 * MIB},
    {OV_SURVEY_RPM_BDB, "/var/lib/rpm/Packages", 1024 * MIB},
    {OV_SURVEY_APK, "/lib/apk/db/installed", 256 * MIB},
    {OV_SURVEY_APK, "/usr/lib/apk/db/installed", 256 * MIB},
    {OV_SURVEY_PASSWD, "/etc/passwd", 0},
    {OV_SURVEY_PASSWD, "/usr/lib/passwd", 0},
    {OV_SURVEY_GROUP, "/etc/group", 0},
    {OV_SURVEY_GROUP, "/usr/lib/group", 0},
    {OV_SURVEY_UNIT, "/etc/systemd/system/*.service", 0},
    {OV_SURVEY_UNIT, "/run/systemd/system/*.service", 0},
    {OV_SURVEY_UNIT, "/usr/local/lib/systemd/system/*.service", 0},
    {OV_SURVEY_UNIT, "/usr/lib/systemd/system/*.service", 0},
    {OV_SURVEY_UNIT, "/lib/systemd/system/*.service", 0},
    // What adds to a unit, behind all units.
    {OV_SURVEY_UNIT, "/etc/systemd/system/*.service.d/*.conf", 0},
    {OV_SURVEY_UNIT, "/run/systemd/system/*.service.d/*.conf", 0},
    {OV_SURVEY_UNIT, "/usr/local/lib/systemd/system/*.service.d/*.conf", 0},
    {OV_SURVEY_UNIT, "/usr/lib/systemd/system/*.service.d/*.conf", 0},
    {OV_SURVEY_UNIT, "/lib/systemd/system/*.service.d/*.conf", 0},
    {OV_SURVEY_CRON, "/etc/crontab", 0},
    {OV_SURVEY_CRON, "/etc/anacrontab", 0},
    {OV_SURVEY_CRON, "/etc/cron.d/*", 0},
    {OV_SURVEY_CRON, "/etc/cron.hourly/*", 0},
    {OV_SURVEY_CRON, "/etc/cron.daily/*", 0},
    {OV_SURVEY_CRON, "/etc/cron.weekly/*", 0},
    {OV_SURVEY_CRON, "/etc/cron.monthly/*", 0},
    {OV_SURVEY_CRON, "/var/spool/cron/*", 0},
    {OV_SURVEY_CRON, "/var/spool/cron/crontabs/*", 0},
    {OV_SURVEY_SUDOERS, "/etc/sudoers", 0},
    {OV_SURVEY_SUDOERS, "/etc/sudoers.d/*", 0},
    {OV_SURVEY_AUDIT, "/etc/audit/audit.rules", 0},
    {OV_SURVEY_AUDIT, "/etc/audit/rules.d/*", 0},
    {OV_SURVEY_APT, "/etc/apt/sources.list", 0},
    {OV_SURVEY_APT, "/etc/apt/sources.list.d/*.list", 0},
    {OV_SURVEY_APT, "/etc/apt/sources.list.d/*.sources", 0},
    {OV_SURVEY_YUM, "/etc/yum.repos.d/*.repo", 0},
    {OV_SURVEY_YUM, "/etc/zypp/repos.d/*.repo", 0},
    {OV_SURVEY_CERTIFICATES, "/usr/local/share/ca-certificates/*.crt", 0},
    {OV_SURVEY_CERTIFICATES, "/usr/local/share/ca-certificates/*/*.crt", 0},
    {OV_SURVEY_CERTIFICATES, "/etc/ssl/certs/ca-certificates.crt", 16 * MIB},
    {OV_SURVEY_CERTIFICATES, "/etc/ssl/ca-bundle.pem", 16 * MIB},
    {OV_SURVEY_CERTIFICATES, "/etc/pki/ca-trust/source/anchors/*", 0},
    {OV_SURVEY_CERTIFICATES, "/etc/pki/trust/anchors/*", 0},
    {OV_SURVEY_CERTIFICATES, "/etc/ca-certificates/trust-source/anchors/*", 0},
    {OV_SURVEY_CERTIFICATES, "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", 16 * MIB},
    {OV_SURVEY_CERTIFICATES, "/var/lib/shim-signed/mok/*.der", 0}, // made for being enrolled
    {OV_SURVEY_CERTIFICATES, "/var/lib/dkms/mok.pub", 0},
    {OV_SURVEY_CERTIFICATES, "/etc/pki/akmods/certs/*.der", 0},
    {OV_SURVEY_MOK, "/sys/firmware/efi/efivars/MokListRT-*", 0},
    {OV_SURVEY_PRELOAD, "/etc/ld.so.preload", 0},
};

struct opening {
    const struct ov_paths_place *at;
    const struct row *row;
    size_t seen, from, most;
    struct ov_survey_files files;
    bool has_failed;
};

// A unit of another name, which is read under its own; a masked one; what an upper layer of a
// container has deleted.
static bool is_skipped(const struct opening *opening, const char *path) {
    char target[PATH_MAX] = "";
    struct stat info;
    OV_AUTO_FD fd = -1;
    if (ov_root_find(opening->at->tree, path, false, &fd, &info) != OV_OK) {
        return true;
    }
    if (S_ISDIR(info.st_mode) || (S_ISCHR(info.st_mode) && info.st_rdev == 0)) {
        return true;
    }
    if (!S_ISLNK(info.st_mode) || opening->row->kind != OV_SURVEY_UNIT) {
        return false;
    }
    ssize_t size = readlinkat(fd, "", target, sizeof target - 1);
    target[size > 0 ? size : 0] = 0;
    return strchr(target, '/') == NULL || strcmp(target, "/dev/null") == 0 ||
           strstr(target, "/systemd/system/") != NULL;
}

static void tell_problem(const struct opening *opening, const char *path, const char *why) {
    ov_inventory_add_problem(opening->at->inventory, path, why, opening->at->place);
}

// SQLite keeps what was changed last beside the database until it is written back.
static void look_for_log(const struct opening *opening, const char *path) {
    char log[PATH_MAX];
    struct stat info;
    OV_AUTO_FD fd = -1;
    (void)snprintf(log, sizeof log, "%s-wal", path);
    if (opening->row->kind == OV_SURVEY_RPM_SQLITE &&
        ov_root_find(opening->at->tree, log, true, &fd, &info) == OV_OK && info.st_size > 0) {
        tell_problem(opening, log, "has changes that are not written back, and are not read");
    }
}

static bool add_file(struct opening *opening, const char *path, int fd) {
    struct ov_survey_files *files = &opening->files;
    files->items[files->count] =
        (struct ov_survey_file){.kind = opening->row->kind, .path = strdup(path), .fd = fd};
    if (files->items[files->count].path == NULL) {
        opening->has_failed = true;
        return false;
    }
    files->count++;
    return true;
}

static void open_one(void *arg, const char *path) {
    struct opening *opening = arg;
    uint64_t most_bytes = opening->row->most_bytes > 0 ? opening->row->most_bytes : MIB;
    OV_AUTO_FD fd = -1;
    struct stat info;
    if (is_skipped(opening, path)) {
        return;
    }
    size_t number = opening->seen++;
    if (number < opening->from || number - opening->from >= opening->most) {
        return;
    }
    enum ov_status status = ov_root_open_file(opening->at->tree, path, &fd, &info);
    if (status == OV_UNSUPPORTED) {
        tell_problem(opening, path, "is no regular file");
    } else if (status == OV_SYSTEM) {
        ov_paths_add_problem(opening->at, path);
    } else if (status == OV_OK && (uint64_t)info.st_size > most_bytes) {
        tell_problem(opening, path, "is larger than such a file can be");
    } else if (status == OV_OK && add_file(opening, path, fd)) {
        fd = -1;
        look_for_log(opening, path);
    }
}

enum ov_status ov_survey_files_open(const struct ov_paths_place *at, size_t from, size_t most,
                                    struct ov_survey_files *ret_files) {
    struct ov_paths_place many = *at;
    struct opening opening = {.at = &many, .from = from, .most = most};
    struct stat info;
    OV_AUTO_FD lib = -1;
    many.most = FILES_PER_PATTERN_MAX;
    bool is_merged = ov_root_find(at->tree, "/lib", false, &lib, &info) == OV_OK &&
                     S_ISLNK(info.st_mode); // to /usr/lib, which is looked at by itself
    opening.files.items = calloc(most, sizeof *opening.files.items);
    if (opening.files.items == NULL) {
        return OV_MEMORY;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        opening.row = &rows[i];
        if (!is_merged || strncmp(rows[i].pattern, "/lib/", 5) != 0) {
            (void)ov_paths_expand(&many, rows[i].pattern, open_one, &opening);
        }
    }
    if (opening.has_failed || opening.seen <= from) {
        ov_survey_files_close(&opening.files);
        return opening.has_failed ? OV_MEMORY : OV_END;
    }
    *ret_files = opening.files;
    return OV_OK;
}

void ov_survey_files_close(struct ov_survey_files *files) {
    for (size_t i = 0; i < files->count; i++) {
        ov_fd_close(&files->items[i].fd);
        free(files->items[i].path);
    }
    free(files->items);
    *files = (struct ov_survey_files){0};
}
