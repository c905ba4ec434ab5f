// SPDX-License-Identifier: Apache-2.0
//
// What the log's entries say: a release of a rule set, its withdrawal, an engine, new keys.
//
// Each entry is a signed note (ledger/note.h) whose text has one form for each kind:
// docs/formats/release.md gives it line by line. The signatures are those of the release keys
// (ledger/trust.h), so that who runs the log cannot invent a release. Entries that begin with
// another line are none of ours: they are logged and shown, never acted on.
#pragma once

#include "ledger/encoding.h"

enum {
    OV_LEAF_BYTES_MAX = 4096,      // of a whole entry of ours, signatures and all
    OV_ROTATION_BYTES_MAX = 32768, // the same of overt-policy/v1, which has two files in it
    OV_FEED_BYTES = 64,            // of a feed's name, at most
    OV_VERSION_PARTS = 3,
    OV_ENGINE_FILES_MAX = 16,
    OV_REASON_BYTES_MAX = 512, // of a withdrawal's reason
    OV_RULES_LANGUAGE = 1,     // how rules are cut out of files: docs/formats/release.md
};

enum ov_leaf_kind {
    OV_LEAF_OTHER,      // not ours
    OV_LEAF_RULESET,    // overt-ruleset/v1
    OV_LEAF_WITHDRAWAL, // overt-withdraw/v1
    OV_LEAF_ENGINE,     // overt-engine/v1
    OV_LEAF_ROTATION,   // overt-policy/v1
};

// What an entry claims to be, by its first line.
enum ov_leaf_kind ov_leaf_kind_of(struct ov_span entry);

// Whether it is larger than an entry of ours of its kind may be.
bool ov_leaf_is_large(struct ov_span entry);

// A feed's name: 1 to OV_FEED_BYTES of a-z 0-9 and '-', beginning with a letter or digit.
struct ov_feed_name {
    char text[OV_FEED_BYTES + 1];
};
enum ov_status ov_feed_name_read(struct ov_span text, struct ov_feed_name *ret_name);

struct ov_version {
    uint64_t parts[OV_VERSION_PARTS]; // 1.4.0
};
enum ov_status ov_version_read(struct ov_span text, struct ov_version *ret_version);
void ov_version_add(struct ov_buf *buf, const struct ov_version *version);
// Less than, equal to or greater than zero, as memcmp.
int ov_version_compare(const struct ov_version *a, const struct ov_version *b);

// ---- a release of rules: overt-ruleset/v1 -------------------------------------------------------

struct ov_release {
    struct ov_feed_name feed;
    uint64_t seq;                 // 1 for the first of a feed
    bool has_previous;            // false for seq 1 alone
    struct ov_tree_hash previous; // leaf hash of seq - 1
    uint64_t time;                // seconds since 1970; what the signers say
    uint64_t language;            // OV_RULES_LANGUAGE
    struct ov_version engine_min; // an older engine does not load it
    uint8_t bundle_sha256[OV_SHA256_BYTES];
    uint64_t bundle_bytes;
    uint64_t rule_count;
    struct ov_tree_hash rule_root; // RFC 6962 root over the text of every rule
    uint64_t added_count;          // rules that the release before did not have
    uint64_t removed_count;        // rules that it alone had
};

// The text of a note, whole. OV_DAMAGED for anything else.
enum ov_status ov_release_read(struct ov_span text, struct ov_release *ret_release);
void ov_release_add(struct ov_buf *buf, const struct ov_release *release);

// ---- a withdrawal: overt-withdraw/v1 ------------------------------------------------------------

struct ov_withdrawal {
    struct ov_feed_name feed;
    uint64_t seq; // of the release that nobody should load any more
    uint64_t time;
    struct ov_span reason; // borrowed; one line of printable ASCII
};

enum ov_status ov_withdrawal_read(struct ov_span text, struct ov_withdrawal *ret_withdrawal);
void ov_withdrawal_add(struct ov_buf *buf, const struct ov_withdrawal *withdrawal);

// ---- an engine's files: overt-engine/v1 ---------------------------------------------------------

struct ov_engine_file {
    struct ov_span name; // borrowed; as the files of a bundle are named
    uint8_t sha256[OV_SHA256_BYTES];
    uint64_t bytes;
};

struct ov_engine {
    struct ov_version version;
    uint64_t time;
    uint32_t file_count; // at least one
    struct ov_engine_file files[OV_ENGINE_FILES_MAX];
};

enum ov_status ov_engine_read(struct ov_span text, struct ov_engine *ret_engine);
void ov_engine_add(struct ov_buf *buf, const struct ov_engine *engine);

// ---- new keys, or another policy: overt-policy/v1 -----------------------------------------------

// Signed by the threshold of the trust file before and by that of the new one.
struct ov_rotation {
    struct ov_feed_name feed;
    uint64_t version; // of the new trust file: one more than that of the old
    uint64_t time;
    struct ov_span lines; // borrowed: "trust LINE" for each line of the new trust file, then
                          // "policy LINE" for each of the new log policy
};

enum ov_status ov_rotation_read(struct ov_span text, struct ov_rotation *ret_rotation);
// Appends the file whose lines begin with `keyword` ("trust" or "policy").
void ov_rotation_add_file(struct ov_buf *buf, const struct ov_rotation *rotation,
                          const char *keyword);
// Builds the entry's text from the two files. OV_DAMAGED when one does not end in a line's end.
enum ov_status ov_rotation_add(struct ov_buf *buf, const struct ov_rotation *rotation,
                               struct ov_span trust, struct ov_span policy);
