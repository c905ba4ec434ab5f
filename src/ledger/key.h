// SPDX-License-Identifier: Apache-2.0
//
// Whose word counts: public keys as people write them (vkeys), and the secret keys that sign.
//
// C2SP signed-note, "Verifier keys": NAME "+" eight lower-case hex digits "+" base64(TYPE, KEY).
// The digits are the key's id, the first four bytes of SHA-256(NAME LF TYPE KEY). A key is known by
// name and id together. Secret keys are written as Go's sumdb/note writes them: "PRIVATE+KEY+" NAME
// "+" ID "+" base64(TYPE, the 32 bytes of RFC 8032's seed). Ed25519 is libsodium's.
#pragma once

#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    OV_KEY_BYTES = 32,
    OV_KEY_SEED_BYTES = 32,
    OV_KEY_NAME_BYTES_MAX = 255,
    OV_KEY_ML_DSA_BYTES = 1312,
};

// What a key signs with: the signature types of signed-note that may stand in a vkey here.
enum ov_key_type {
    OV_KEY_NOTE = 0x01,        // Ed25519 over a note's text
    OV_KEY_COSIGNATURE = 0x04, // Ed25519 over a time and a checkpoint (tlog-cosignature)
    OV_KEY_ML_DSA = 0x06,      // read, but nothing here can verify it: its lines count as unknown
};

// A public key. A plain value that owns nothing.
struct ov_key {
    char name[OV_KEY_NAME_BYTES_MAX + 1]; // UTF-8 without blanks, controls and '+'; ends with NUL
    uint32_t id;
    enum ov_key_type type;
    uint8_t bytes[OV_KEY_BYTES]; // the key; of OV_KEY_ML_DSA, its SHA-256
};

// Reads a vkey, the whole of `vkey`. OV_DAMAGED when it is none, its id is not its own, or its
// point is one that no honest key has (not canonical, of low order); OV_UNSUPPORTED for another
// type.
enum ov_status ov_key_read(struct ov_span vkey, struct ov_key *ret_key);

// Makes a key of its parts, with its id. OV_INVALID when `name` is no key name or `type` is
// OV_KEY_ML_DSA, OV_DAMAGED for a point as above.
enum ov_status ov_key_make(const char *name, enum ov_key_type type,
                           const uint8_t bytes[OV_KEY_BYTES], struct ov_key *ret_key);

// Appends the vkey, without a line's end. Not for OV_KEY_ML_DSA: OV_UNSUPPORTED.
enum ov_status ov_key_add(struct ov_buf *buf, const struct ov_key *key);

// Whether anything here can tell a signature of this key from a false one.
bool ov_key_can_verify(const struct ov_key *key);

// The same key material, whatever the names and types (tlog-policy, "duplicate").
bool ov_key_is_same_material(const struct ov_key *a, const struct ov_key *b);

// Whether these bytes may be the name of a key, however long: one byte or more of UTF-8, without
// Unicode's spaces, controls and '+'.
bool ov_key_name_is_good(struct ov_span name);

enum { OV_SIGNATURE_BYTES = 64 };

// OV_OK, or OV_DENIED when it is no signature of `message` by `key`. Needs no call to the system.
enum ov_status ov_key_verify(const struct ov_key *key, struct ov_span message,
                             const uint8_t signature[OV_SIGNATURE_BYTES]);

// ---- secret keys --------------------------------------------------------------------------------

// A key that can sign. Owns its secret: memory that is locked, not dumped, and wiped by release.
// Made before a cage is entered: the first one asks the system for random bytes and for locked
// memory. Sign and release need nothing but memory, mprotect and munlock.
struct ov_signer {
    struct ov_key key;
    uint8_t *secret; // libsodium's 64 bytes; NULL when there is none
};

void ov_signer_init(struct ov_signer *ret_signer);
void ov_signer_release(struct ov_signer *signer);

// A new key. OV_INVALID for a bad name or type, OV_SYSTEM when there is no randomness.
enum ov_status ov_signer_new_random(const char *name, enum ov_key_type type,
                                    struct ov_signer *ret_signer);

// The key of a seed that the caller has, and wipes.
enum ov_status ov_signer_from_seed(const char *name, enum ov_key_type type,
                                   const uint8_t seed[OV_KEY_SEED_BYTES],
                                   struct ov_signer *ret_signer);

// Reads the text of a secret key, with or without one LF at its end. Statuses as ov_key_read.
enum ov_status ov_signer_read(struct ov_span text, struct ov_signer *ret_signer);

// Appends that text, without a line's end: a secret from then on in `buf`. Reserve the room before
// and wipe `buf` after (ov_signer_wipe), or copies stay behind.
void ov_signer_add(struct ov_buf *buf, const struct ov_signer *signer);

// Overwrites what `buf` holds, and empties it.
void ov_signer_wipe(struct ov_buf *buf);

// Ed25519 of `message`.
void ov_signer_sign(const struct ov_signer *signer, struct ov_span message,
                    uint8_t ret_signature[OV_SIGNATURE_BYTES]);
