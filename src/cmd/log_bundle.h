// SPDX-License-Identifier: Apache-2.0
//
// The bundles of a log's releases on disk: unpacked, packed, and as deltas. The caged builder alone
// touches compressed bytes (role/pack_job.h).
#pragma once

#include "ledger/release.h"

// Reads the release that stands in this entry. OV_DAMAGED when it is none.
enum ov_status ov_log_release_read(struct ov_span entry, struct ov_release *ret_release);

// Unpacks the bundle of a release into a file without a name, and holds it against its digest.
// OV_OK, or the error was printed.
enum ov_status ov_log_bundle_open(int folder, const struct ov_release *release, int *ret_fd);

// Packs a bundle into its place below the log's folder. OV_OK, or the error was printed.
enum ov_status ov_log_bundle_put(int folder, int bundle, const uint8_t sha256[OV_SHA256_BYTES]);

// The same as a delta from another bundle; one that saves nothing is left out.
enum ov_status ov_log_delta_put(int folder, int from, const uint8_t from_sha256[OV_SHA256_BYTES],
                                int to, const uint8_t to_sha256[OV_SHA256_BYTES]);
