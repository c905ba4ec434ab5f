// SPDX-License-Identifier: Apache-2.0
//
// A file in quarantine: encrypted, so that nothing runs or opens it by mistake, with all that is
// needed to put it back as it was. docs/formats/quarantine.md gives the bytes.
//
// libsodium encrypts and authenticates (XChaCha20-Poly1305, secretstream). The key is this user's,
// in the folder of Overt's own data; without it nothing can be restored.
#pragma once

#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"

#include <sys/stat.h>

enum {
    OV_SEAL_KEY_BYTES = 32,
    OV_SEAL_NAMES_MAX = 64, // rules and attributes that are kept, each
    OV_SEAL_META_MAX = 1 << 20,
};

struct ov_seal_pair {
    struct ov_span name, value;
};

// What is known of the file. Spans are borrowed, or point into `bytes` when it was read.
struct ov_seal_meta {
    struct ov_span path;   // absolute, where it came from
    struct ov_span inside; // the member that was found, or empty
    struct ov_span image;  // id of the rule image
    int64_t taken_at;      // seconds since 1970
    uint64_t size;
    uint32_t mode, uid, gid;
    struct timespec accessed, modified;
    uint32_t rule_count, attribute_count;
    struct ov_span rules[OV_SEAL_NAMES_MAX];
    struct ov_seal_pair attributes[OV_SEAL_NAMES_MAX]; // extended attributes
    struct ov_buf bytes;
};

void ov_seal_meta_release(struct ov_seal_meta *meta);

// This user's key; made when it is missing and `may_make` says so. OV_DENIED when others can read
// it; OV_END when there is none; OV_SYSTEM.
enum ov_status ov_seal_key(bool may_make, uint8_t ret_key[OV_SEAL_KEY_BYTES]);

// Seals what can be read from `from`, up to its end, into `to`. OV_DAMAGED when that was not
// meta->size bytes; OV_SYSTEM, OV_MEMORY.
enum ov_status ov_seal_write(int from, int to, const struct ov_seal_meta *meta,
                             const uint8_t key[OV_SEAL_KEY_BYTES]);

// Reads what is known of a sealed file. OV_DAMAGED when it is none, or of another key, or changed.
enum ov_status ov_seal_read_meta(int from, const uint8_t key[OV_SEAL_KEY_BYTES],
                                 struct ov_seal_meta *ret_meta);

// Writes the sealed file's content to `to`. OV_DAMAGED when anything in it was changed or is
// missing: then what was written is to be thrown away.
enum ov_status ov_seal_unseal(int from, int to, const uint8_t key[OV_SEAL_KEY_BYTES]);
