// SPDX-License-Identifier: Apache-2.0
//
// The words of hash rules that the reader, the image and the matcher share: what is hashed, and
// how.
//
// The values stand in images (docs/formats/image-hashes.md): append, never renumber.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum ov_hash_scope {
    OV_HASH_OBJECT,  // hdb hsb: the whole object
    OV_HASH_SECTION, // mdb msb: one PE section
    OV_HASH_IMPORTS, // imp: the import table's text
    OV_HASH_ALLOW,   // fp sfp: never alert on this object or what is inside it
};

// In the order in which clamscan asks: the first kind that matches names the object.
enum ov_hash_kind { OV_HASH_MD5, OV_HASH_SHA1, OV_HASH_SHA256 };

enum {
    OV_HASH_SCOPES = 4,
    OV_HASH_KINDS = 3,
    OV_HASH_BYTES_MAX = 32, // the longest digest
};

// The size of a rule that is written `*`: things of every size are meant.
#define OV_HASH_ANY_SIZE UINT32_MAX

// Bytes of a digest: 16, 20, 32.
static inline size_t ov_hash_bytes(enum ov_hash_kind kind) {
    return kind == OV_HASH_MD5 ? 16 : kind == OV_HASH_SHA1 ? 20 : 32;
}
