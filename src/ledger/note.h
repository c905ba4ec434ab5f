// SPDX-License-Identifier: Apache-2.0
//
// Signed notes: a text for people and, under it, who signed it (C2SP signed-note).
//
//     text LF ... LF
//     LF
//     EM-DASH blank NAME blank base64(ID, SIGNATURE) LF      one line or more
//
// The last blank line parts text and signatures. Cosignatures (C2SP tlog-cosignature) are such
// lines, too; what they sign begins with a time. Spans of a note lie in the bytes it was read from.
#pragma once

#include "ledger/key.h"

enum {
    OV_NOTE_BYTES_MAX = 1 << 20,
    OV_NOTE_LINES_MAX = 100, // signatures, as golang.org/x/mod has it
};

// One signature line, well formed.
struct ov_note_line {
    struct ov_span bytes; // the whole line, with its LF
    struct ov_span name;
    struct ov_span base64; // of the id and the signature
    uint32_t id;
};

struct ov_note {
    struct ov_span text; // with its last LF
    struct ov_note_line lines[OV_NOTE_LINES_MAX];
    size_t line_count; // 1 to OV_NOTE_LINES_MAX
};

// Takes the bytes of a whole note apart. OV_DAMAGED for anything that is no note, or one too large.
// Nothing in it may be believed before ov_note_verify.
enum ov_status ov_note_read(struct ov_span bytes, struct ov_note *ret_note);

// Reads signature lines alone, one or more: what a witness answers.
enum ov_status ov_note_read_lines(struct ov_span bytes, struct ov_note *ret_note);

// The first line with this key's name and id, or NULL; it may be false.
const struct ov_note_line *ov_note_find(const struct ov_note *note, const struct ov_key *key);

// What one key said about a note.
struct ov_note_found {
    bool has_signed;
    uint64_t time; // of a cosignature, POSIX seconds; 0 for OV_KEY_NOTE
};

// Looks for a signature of this key, the first of several. OV_OK whether there is one or not
// (ret_found); OV_DENIED when a line has the key's name and id and is not its signature: then the
// whole note is to be refused. Lines of other keys, and keys that cannot verify, are passed over.
enum ov_status ov_note_verify_one(const struct ov_note *note, const struct ov_key *key,
                                  struct ov_note_found *ret_found);

// The same for many keys, one answer for each, in their order. OV_DENIED as above, and when none of
// them has signed; the answers are of no use then. A malformed note is never its business: that is
// ov_note_read's OV_DAMAGED.
enum ov_status ov_note_verify(const struct ov_note *note, const struct ov_key *keys,
                              size_t key_count, struct ov_note_found *ret_found);

// Why a text cannot be that of a note: OV_INVALID (no LF at the end, a control character, no
// UTF-8).
enum ov_status ov_note_check_text(struct ov_span text);

// Begins a note: the text and the blank line. Signature lines follow.
void ov_note_add_text(struct ov_buf *buf, struct ov_span text);

// Appends the signature line of `signer` on `text`; `time` is for cosigners alone, 1 to
// OV_NUMBER_MAX. `text` may lie in `buf`.
void ov_note_sign(struct ov_buf *buf, struct ov_span text, const struct ov_signer *signer,
                  uint64_t time);
