// SPDX-License-Identifier: Apache-2.0
//
// The command line of `overt scan`, read.
#pragma once

#include "base/budget.h"
#include "base/heuristic.h"
#include "base/status.h"

#include <stddef.h>

#include <sys/types.h>

struct ov_scan_arguments {
    const char **rules; // sources, in the order given
    size_t rule_count;
    const char **includes;
    size_t include_count;
    const char **excludes;
    size_t exclude_count;
    const char *const *paths; // borrowed from argv
    size_t path_count;
    bool with_processes; // paths are numbers of processes; none: all
    pid_t *processes;
    size_t process_count;
    const char *quarantine; // folder, or NULL
    bool with_containers;   // quarantine also takes files of which only a member was found
    struct ov_limits limits;
    uint32_t alerts; // OV_ALERT_*
    unsigned jobs;   // 0 = all processors
    bool is_json;
    bool is_all_matches;
    bool is_changed_only;
    bool with_pua;
    bool is_verbose;
    bool is_unjournaled; // --no-journal
    bool with_digests;   // --digests
    bool is_quiet;
    bool has_summary;
    bool is_incomplete_ok;
    bool is_confinement_required;
};

extern const char ov_scan_help[];

// Reads argv (argv[0] is "scan"). OV_END after --help, OV_INVALID after a complaint was printed.
// Release in every case.
enum ov_status ov_scan_arguments_read(int argc, char **argv, struct ov_scan_arguments *ret_args);
void ov_scan_arguments_release(struct ov_scan_arguments *args);

// Reads "100", "64K", "25M" or "2G" (powers of 1024).
enum ov_status ov_scan_size_read(const char *text, uint64_t *ret_bytes);
