// SPDX-License-Identifier: Apache-2.0
//
// What --changed remembers: the files that were clean, as they were, under one image and limits.
//
// docs/formats/scan-state.md gives the bytes. Only clean files are remembered; one that was changed
// less than two seconds before the scan is not, for it could change again within the same tick.
#pragma once

#include "base/budget.h"
#include "base/status.h"
#include "role/scan_job.h"

struct ov_scan_state;

// The folder of Overt's own data: $OVERT_STATE, /var/lib/overt for root, else $XDG_DATA_HOME/overt
// or
// ~/.local/share/overt. OV_LIMIT when `size` is too small, OV_INVALID when there is none.
enum ov_status ov_state_folder(char *ret_path, size_t size);

// Makes the folders above the last part of the path (0700) that are missing. OV_SYSTEM (errno).
enum ov_status ov_state_make_folders(char *path);

// Reads the state; one of another image, other limits or alerts (OV_ALERT_*), and a damaged one,
// count as empty.
enum ov_status ov_scan_state_open(const char *image_id, const struct ov_limits *limits,
                                  bool is_all_matches, uint32_t alerts,
                                  struct ov_scan_state **ret_state);
void ov_scan_state_free(struct ov_scan_state *state);

bool ov_scan_state_is_known(const struct ov_scan_state *state, const struct ov_file_key *key);

// Notes a clean file, or forgets one that is not.
void ov_scan_state_note(struct ov_scan_state *state, const struct ov_file_key *key, bool is_clean);

// Writes it beside the old one and puts it in its place. OV_SYSTEM (errno).
enum ov_status ov_scan_state_save(struct ov_scan_state *state);
