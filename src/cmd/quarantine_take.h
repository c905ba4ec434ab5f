// SPDX-License-Identifier: Apache-2.0
//
// Puts found files into quarantine: sealed into a folder, then taken away from where they were.
//
// The file is opened and held against the one that was scanned; that descriptor is what is sealed,
// so a link or file that somebody swaps in meanwhile is neither read nor removed. The sealed copy
// is on disk before the file goes.
#pragma once

#include "cmd/quarantine_seal.h"
#include "role/scan_job.h"

enum { OV_QUARANTINE_PATH_BYTES = 4352 };

struct ov_quarantine {
    const char *path; // as given
    int folder;       // -1 = closed
    uint64_t counter;
    bool with_containers; // also files of which only a member was found
    uint8_t key[OV_SEAL_KEY_BYTES];
};

// Makes the folder (0700) and the key when they are missing. OV_DENIED when the folder is another
// user's or others may write to it; OV_SYSTEM (errno), or what ov_seal_key() says.
enum ov_status ov_quarantine_open(const char *path, struct ov_quarantine *ret_quarantine);
void ov_quarantine_close(struct ov_quarantine *quarantine);

// Opens the folder without making anything, as above.
enum ov_status ov_quarantine_open_folder(const char *path, int *ret_folder);

// Whether it is one that is taken: not when only members of it were found and containers are not.
// `ret_why` is a phrase then.
bool ov_quarantine_may_take(const struct ov_quarantine *quarantine,
                            const struct ov_scan_result *result, const char **ret_why);

// Takes the found file, if it is still the one that was scanned. Its new path goes to `ret_path`;
// on failure `ret_why` is a phrase, and the file is where it was.
enum ov_status ov_quarantine_take(struct ov_quarantine *quarantine,
                                  const struct ov_scan_result *result,
                                  const struct ov_scan_image *image, char *ret_path,
                                  const char **ret_why);
