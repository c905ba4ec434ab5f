// SPDX-License-Identifier: Apache-2.0
//
// What the files of a log are called, in the folder that a web server hands out and in the private
// one beside it (docs/formats/log.md). Tiles and bundles of entries: ledger/tile.h.
#pragma once

#include "base/digest.h"
#include "base/status.h"
#include "ledger/release.h"

// ---- public -------------------------------------------------------------------------------------

#define OV_LOG_CHECKPOINT "checkpoint"
#define OV_LOG_POLICY     "log.policy"
#define OV_LOG_VKEY       "log.vkey"
#define OV_LOG_TRUST      "overt.trust"

enum { OV_LOG_NAME_ROOM = 160 }; // the longest of these paths, and its NUL

// bundle/SHA256.zst
struct ov_log_name {
    char text[OV_LOG_NAME_ROOM];
};
struct ov_log_name ov_log_name_bundle(const uint8_t sha256[OV_SHA256_BYTES]);

// delta/FROM-TO.zst, named by the digests of the two bundles.
struct ov_log_name ov_log_name_delta(const uint8_t from[OV_SHA256_BYTES],
                                     const uint8_t to[OV_SHA256_BYTES]);

// feed/NAME/latest.tlog-proof
struct ov_log_name ov_log_name_latest(const struct ov_feed_name *feed);

// feed/NAME/policy-VERSION.tlog-proof: the rotation that brings this version of the trust file.
struct ov_log_name ov_log_name_rotation(const struct ov_feed_name *feed, uint64_t version);

// ---- private ------------------------------------------------------------------------------------

#define OV_LOG_PRIVATE_SUFFIX ".private" // what the folder is called, after the public one
#define OV_LOG_KEY            "log.key"
#define OV_LOG_LOCK           "lock"
#define OV_LOG_STATE          "state" // ledger/store_state.h
#define OV_LOG_HEAD           "head"  // the checkpoint signed last, without cosignatures
