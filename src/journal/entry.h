// SPDX-License-Identifier: Apache-2.0
//
// Entries of the journal: what Overt did, a few lines of text each. docs/formats/journal.md gives
// them to the byte.
//
// The reader knows every line that a type may have, in its order, and what its values look like;
// anything else is damaged. Spans lie in the bytes that were read.
#pragma once

#include "ledger/encoding.h"

enum {
    OV_JOURNAL_ENTRY_BYTES_MAX = 65535,
    OV_RUN_BYTES = 16,
    OV_BOOT_BYTES = 16,
};

enum ov_entry_type {
    OV_ENTRY_START,
    OV_ENTRY_STOP,
    OV_ENTRY_HEARTBEAT,
    OV_ENTRY_EPOCH,
    OV_ENTRY_LOAD,
    OV_ENTRY_REFUSE,
    OV_ENTRY_SCAN,
    OV_ENTRY_FILES,
    OV_ENTRY_SENT,
    OV_ENTRY_ACTION,
    OV_ENTRY_CRASH,
    OV_ENTRY_RECOVER,
    OV_ENTRY_FINDING,
    OV_ENTRY_EXPORT,
    OV_ENTRY_ROLE,
    OV_ENTRY_GONE,
    OV_ENTRY_REMOVED,
    OV_ENTRY_ROTATE,
    OV_ENTRY_TYPES,
};

struct ov_entry_run {
    uint8_t bytes[OV_RUN_BYTES]; // all zero: the keeper's own
};

struct ov_entry {
    enum ov_entry_type type;
    uint64_t seq;
    uint64_t time_ns; // since 1970
    uint8_t boot[OV_BOOT_BYTES];
    uint64_t mono_ns; // CLOCK_BOOTTIME
    struct ov_entry_run run;
    struct ov_span body; // the lines of its type
};

// The word of a type, such as "start".
const char *ov_entry_type_name(enum ov_entry_type type);

bool ov_entry_run_is_none(const struct ov_entry_run *run);

// Reads a whole entry, its body's lines included. OV_DAMAGED.
enum ov_status ov_entry_read(struct ov_span bytes, struct ov_entry *ret_entry);
// Appends an entry.
void ov_entry_add(struct ov_buf *buf, const struct ov_entry *entry);

// The value of the line `keyword` of a body, the `index`-th of them from 0. OV_END when there is
// none.
enum ov_status ov_entry_value(struct ov_span body, const char *keyword, size_t index,
                              struct ov_span *ret_value);

// ---- files --------------------------------------------------------------------------------------

enum ov_entry_verdict { OV_ENTRY_CLEAN, OV_ENTRY_FOUND, OV_ENTRY_ERROR, OV_ENTRY_LIMITED };

struct ov_entry_file {
    struct ov_tree_hash commitment;
    enum ov_entry_verdict verdict;
    uint64_t device, inode, size;
    uint64_t mtime_ns;
    uint64_t read_bytes;
    bool has_sha256;
    uint8_t sha256[OV_SHA256_BYTES];
};

// The words of a line `file`.
enum ov_status ov_entry_file_read(struct ov_span words, struct ov_entry_file *ret_file);
void ov_entry_file_add(struct ov_buf *buf, const struct ov_entry_file *file);

// What the key of the epoch before signs in an entry `epoch` (docs/formats/journal.md): it names
// the new key, where the entry stands, and the tree of all entries before it.
void ov_entry_epoch_message(struct ov_buf *buf, struct ov_span vkey, uint64_t seq,
                            const struct ov_tree_hash *root);

// Appends a text of others: bytes outside of 0x21 to 0x7e, and '%', as %XX. Never empty: then "-".
void ov_entry_text_add(struct ov_buf *buf, struct ov_span text);
