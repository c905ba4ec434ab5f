// SPDX-License-Identifier: Apache-2.0
//
// The paths of a log's folder: a small grammar, and nothing else has a name.
//
//   checkpoint  log.policy  log.vkey  overt.trust
//   tile/<L>/<N>[.p/<W>]      tile/entries/<N>[.p/<W>]          (tlog-tiles, "Merkle tree", "Log
//   entries") bundle/<64 hex digits>.zst delta/<from>-<to>.zst     (both as in bundle/)
//   feed/<name>/latest.tlog-proof
//
// A path of a request is taken as it was sent: there is one spelling of each, so nothing is
// decoded, and what has a dot file, `..`, `//` or a percent sign in it is no path of ours. Nothing
// is allocated.
#pragma once

#include "base/span.h"
#include "base/status.h"

enum {
    OV_LOG_PATH_BYTES = 192,    // with the NUL; the longest, a delta, has 139
    OV_LOG_PATH_PARTS_MAX = 12, // between slashes
};

enum ov_log_path_kind {
    OV_LOG_PATH_CHECKPOINT, // changes with every release and every heartbeat: text
    OV_LOG_PATH_PROOF,      // of the newest release of a feed: text, changes too
    OV_LOG_PATH_SETTING,    // policy, key, trust: text
    OV_LOG_PATH_TILE,       // never changes
    OV_LOG_PATH_BUNDLE,     // a bundle or a delta: zstd, never changes
};

struct ov_log_path {
    enum ov_log_path_kind kind;
    char name[OV_LOG_PATH_BYTES]; // below the folder, without a slash in front
};

// Reads the target of a request, with its slash in front. OV_DAMAGED when it names nothing that a
// log could have.
enum ov_status ov_log_path_read(struct ov_span target, struct ov_log_path *ret_path);

// Reads `/<64 hex digits>/checkpoint`, where a witness shows what it last signed (tlog-witness,
// "get checkpoint"); the digits are the SHA-256 of the log's origin and lie in `target`. OV_DAMAGED
// for anything else.
enum ov_status ov_origin_path_read(struct ov_span target, struct ov_span *ret_hex);
