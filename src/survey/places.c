// SPDX-License-Identifier: Apache-2.0
// The places of sources: exact paths, and folders with the endings that count there.
#include "survey/places.h"

struct place {
    const char *path; // ends with '/' when it is a folder
    const char *ending;
    enum ov_survey_source kind;
};

static const struct place places[] = {
    {"var/lib/dpkg/status", NULL, OV_SURVEY_DPKG_STATUS},
    {"var/lib/dpkg/status.d/", "", OV_SURVEY_DPKG_STATUS},
    {"var/lib/rpm/rpmdb.sqlite", NULL, OV_SURVEY_RPM_SQLITE},
    {"var/lib/rpm/Packages.db", NULL, OV_SURVEY_RPM_NDB},
    {"var/lib/rpm/Packages", NULL, OV_SURVEY_RPM_BDB},
    {"usr/lib/sysimage/rpm/rpmdb.sqlite", NULL, OV_SURVEY_RPM_SQLITE},
    {"usr/lib/sysimage/rpm/Packages.db", NULL, OV_SURVEY_RPM_NDB},
    {"usr/lib/sysimage/rpm/Packages", NULL, OV_SURVEY_RPM_BDB},
    {"lib/apk/db/installed", NULL, OV_SURVEY_APK},
    {"usr/lib/apk/db/installed", NULL, OV_SURVEY_APK},
    {"etc/passwd", NULL, OV_SURVEY_PASSWD},
    {"etc/group", NULL, OV_SURVEY_GROUP},
    {"etc/ld.so.preload", NULL, OV_SURVEY_PRELOAD},
    {"etc/crontab", NULL, OV_SURVEY_CRON},
    {"etc/cron.d/", "", OV_SURVEY_CRON},
    {"var/spool/cron/", "", OV_SURVEY_CRON},
    {"etc/sudoers", NULL, OV_SURVEY_SUDOERS},
    {"etc/sudoers.d/", "", OV_SURVEY_SUDOERS},
    {"etc/audit/audit.rules", NULL, OV_SURVEY_AUDIT},
    {"etc/audit/rules.d/", ".rules", OV_SURVEY_AUDIT},
    {"etc/apt/sources.list", NULL, OV_SURVEY_APT},
    {"etc/apt/sources.list.d/", ".list", OV_SURVEY_APT},
    {"etc/apt/sources.list.d/", ".sources", OV_SURVEY_APT},
    {"etc/yum.repos.d/", ".repo", OV_SURVEY_YUM},
    {"etc/zypp/repos.d/", ".repo", OV_SURVEY_YUM},
    {"usr/local/share/ca-certificates/", "", OV_SURVEY_CERTIFICATES},
    {"etc/pki/ca-trust/source/anchors/", "", OV_SURVEY_CERTIFICATES},
};

static bool has_ending(struct ov_span name, const char *ending) {
    size_t size = strlen(ending);
    return name.size > size && ov_span_is_text(ov_span_from(name, name.size - size), ending);
}

static bool is_at(struct ov_span path, const struct place *place) {
    if (place->ending == NULL) {
        return ov_span_is_text(path, place->path);
    }
    // Digests of a package's files stand beside its status in status.d.
    return ov_span_has_prefix(path, place->path) && has_ending(path, place->ending) &&
           !has_ending(path, ".md5sums");
}

enum ov_survey_source ov_survey_place(struct ov_span path) {
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (is_at(path, &places[i])) {
            return places[i].kind;
        }
    }
    return OV_SURVEY_SOURCES;
}
