// SPDX-License-Identifier: Apache-2.0
//
// The readers of ClamAV's rule languages: each reads one source of a set, line by line.
//
// A line that cannot be read becomes a problem of the set. They return OV_OK, or OV_MEMORY or
// OV_LIMIT when the set cannot grow.
#pragma once

#include "rules/reader.h"

// .hdb .hsb .mdb .msb .imp .fp .sfp and their kin; `mode` is an enum ov_hash_scope.
enum ov_status ov_clamav_read_hashes(struct ov_ruleset *set, uint32_t file, unsigned mode);

// .ndb .sdb .ndu (mode 0), .db (mode 1).
enum ov_status ov_clamav_read_bodies(struct ov_ruleset *set, uint32_t file, unsigned mode);

// .ldb .ldu
enum ov_status ov_clamav_read_logicals(struct ov_ruleset *set, uint32_t file, unsigned mode);

// .cdb (mode 0), .zmd (1), .rmd (2)
enum ov_status ov_clamav_read_metadata(struct ov_ruleset *set, uint32_t file, unsigned mode);

// .ftm
enum ov_status ov_clamav_read_magics(struct ov_ruleset *set, uint32_t file, unsigned mode);

// .idb
enum ov_status ov_clamav_read_icons(struct ov_ruleset *set, uint32_t file, unsigned mode);

// .crb
enum ov_status ov_clamav_read_certificates(struct ov_ruleset *set, uint32_t file, unsigned mode);

// .cat
enum ov_status ov_clamav_read_catalog(struct ov_ruleset *set, uint32_t file, unsigned mode);

// .pdb (mode 0), .wdb (1)
enum ov_status ov_clamav_read_links(struct ov_ruleset *set, uint32_t file, unsigned mode);

// .ign .ign2
enum ov_status ov_clamav_read_ignores(struct ov_ruleset *set, uint32_t file, unsigned mode);

// .cvd .cld .cud: unpacked, and each member read; `mode` 1 says that the members are official.
enum ov_status ov_clamav_read_container(struct ov_ruleset *set, uint32_t file, unsigned mode);
