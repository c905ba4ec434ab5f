// SPDX-License-Identifier: Apache-2.0
//
// Facts about a machine that files of it tell, and the line of text that each is carried in: what
// the caged reader of package databases, units, cron entries ... says to whoever asked.
//
// A line is "KIND SOURCE FLAGS VALUE DETAIL PLACE", with one tab between two fields and a line feed
// behind the last. KIND is a word, SOURCE the number of the source, FLAGS "-" or "r". Of texts,
// bytes outside of printable ASCII, '%' and spaces stand as %XX; what is empty stands as nothing.
// docs/formats/survey.md.
#pragma once

#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    OV_SURVEY_VALUE_BYTES = 1024, // of each text of a fact, before it is escaped
    OV_SURVEY_ROOM_BYTES = 3 * (OV_SURVEY_VALUE_BYTES + 1), // texts of a fact, each with a zero
    OV_SURVEY_LINE_BYTES = 3 * 3 * OV_SURVEY_VALUE_BYTES + 64,
};

// What a source is, and how it is read.
enum ov_survey_source {
    OV_SURVEY_DPKG_STATUS,  // var/lib/dpkg/status, or a file of status.d
    OV_SURVEY_RPM_SQLITE,   // rpmdb.sqlite
    OV_SURVEY_RPM_NDB,      // Packages.db
    OV_SURVEY_RPM_BDB,      // Packages
    OV_SURVEY_APK,          // lib/apk/db/installed
    OV_SURVEY_PASSWD,       // users
    OV_SURVEY_GROUP,        // groups
    OV_SURVEY_UNIT,         // a unit of systemd, or a file *.conf that adds to one
    OV_SURVEY_CRON,         // a crontab, or a file of cron.d
    OV_SURVEY_SUDOERS,      // sudoers, or a file of sudoers.d
    OV_SURVEY_AUDIT,        // a file of rules for auditctl
    OV_SURVEY_APT,          // sources of apt: one a line, or deb822
    OV_SURVEY_YUM,          // *.repo of yum, dnf and zypper
    OV_SURVEY_CERTIFICATES, // PEM or DER
    OV_SURVEY_MOK,          // EFI_SIGNATURE_LISTs, as efivars have them (MokListRT)
    OV_SURVEY_PRELOAD,      // ld.so.preload
    OV_SURVEY_IMAGE,        // a tar of `docker save`, or of an OCI image
    OV_SURVEY_SOURCES,
};

enum ov_survey_kind {
    OV_FACT_PACKAGE,     // value: name; detail: version; r: removed but for its configuration
    OV_FACT_PATH,        // IMAGE: an absolute path; place: the layer
    OV_FACT_USER,        // value: name; detail: "uid 0, /home, /bin/sh"
    OV_FACT_GROUP,       // value: name; detail: "gid 12"
    OV_FACT_UNIT_RUNS,   // value: path of a program that a unit starts; detail: key (ExecStart)
    OV_FACT_UNIT_SETS,   // value: "KEY=VALUE" of what a unit says of its rights (User,
                         // CapabilityBoundingSet, NoNewPrivileges, Protect..., Private...)
    OV_FACT_CRON,        // value: a path that a line names; detail: whose it is, or when
    OV_FACT_SUDOERS,     // value: a path that a line names; detail: "user NOPASSWD"
    OV_FACT_SUDO_ALL,    // value: a user or %group that may run all; detail: "NOPASSWD" or ""
    OV_FACT_AUDIT,       // value: a path that a rule names; detail: the rule
    OV_FACT_AUDIT_HIDES, // value: what a rule keeps out of the log: a path, or "uid=..."; detail:
                         // the rule
    OV_FACT_REPOSITORY,  // value: URL; detail: "disabled" or ""
    OV_FACT_CERTIFICATE, // value: organisation or common name; detail: "subject O" or "subject CN"
    OV_FACT_MOK,         // the same of an enrolled key
    OV_FACT_PRELOAD,     // value: a path
    OV_FACT_ENTRIES,     // value: how many entries were read, in decimal: "312"
    OV_FACT_PROBLEM,     // value: what could not be read, in words; detail: where
    OV_FACT_KINDS,
};

struct ov_survey_fact {
    enum ov_survey_kind kind;
    uint32_t source; // its number in the request
    bool is_residue;
    struct ov_span value, detail, place; // OV_SURVEY_VALUE_BYTES at most each; any bytes but zero
};

// The word of a source kind, which its label begins with: "dpkg-status"; the kind of a label
// "WORD:PATH", or OV_SURVEY_SOURCES for none.
const char *ov_survey_source_name(enum ov_survey_source kind);
enum ov_survey_source ov_survey_source_of(struct ov_span label, struct ov_span *ret_path);

// The word of a fact.
const char *ov_survey_kind_name(enum ov_survey_kind kind);

// Appends the line. Texts that are too long are cut; zeros become '?'.
void ov_survey_fact_encode(const struct ov_survey_fact *fact, struct ov_buf *out);

// Reads one line, without its line feed; texts go into `room`, each with a zero
// behind it. OV_PEER: it is no line as above.
enum ov_status ov_survey_fact_decode(struct ov_span line, uint32_t source_count,
                                     uint8_t room[OV_SURVEY_ROOM_BYTES],
                                     struct ov_survey_fact *ret_fact);
