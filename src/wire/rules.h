// SPDX-License-Identifier: Apache-2.0
//
// What the broker and the builder may say to each other: every message, its limits, its decoder.
//
// The builder reads rule files, so what it says is held against this as a worker's words are: a
// message that breaks a rule is OV_PEER, and ends it. Spans point into the message.
// docs/formats/wire.md gives the bytes.
#pragma once

#include "base/buf.h"
#include "base/database.h"
#include "base/span.h"
#include "base/status.h"

enum {
    OV_WIRE_RULE_NAME_BYTES = 16384, // of a rule that is asked for
    OV_WIRE_PATH_BYTES = 4095,
    OV_WIRE_TEXT_BYTES = 32768, // of a report, in one message
    OV_WIRE_LINE_BYTES = 1024,  // about one rule that cannot be read
    OV_WIRE_STAGE_BYTES = 60,   // what is being done
    OV_WIRE_ROOT_BYTES = 32,    // of a Merkle tree
    OV_WIRE_RULES_MESSAGE_MAX = 64 + OV_WIRE_TEXT_BYTES,
};

enum ov_wire_word {
    OV_WIRE_WORD_SCAN, // build, for a scan: files of no rule language are passed over
    OV_WIRE_WORD_BUILD,
    OV_WIRE_WORD_CHECK,
    OV_WIRE_WORD_LIST,
    OV_WIRE_WORD_SHOW,
    OV_WIRE_WORD_UNPACK, // a zstd frame, maybe against a second source, into the image
    OV_WIRE_WORD_LEAVES, // the Merkle tree of all rules; paths are names in a release
    OV_WIRE_WORD_DIFF,   // rules that one of two sets alone has; likewise
    OV_WIRE_WORD_PACK,   // the counterpart of UNPACK
    OV_WIRE_WORD_VERIFY, // a vendor's database
    OV_WIRE_WORD_PATCH,  // a vendor's database and its updates, into a newer one, the image
    OV_WIRE_WORD_SURVEY, // facts about a machine, as lines (base/survey.h); paths are labels
    OV_WIRE_WORD_COUNT,
};

// Whether a request of this word carries a limit on what comes out; whether something comes out
// beside reports, by a descriptor of its own.
bool ov_wire_word_has_limit(enum ov_wire_word word);
bool ov_wire_word_has_image(enum ov_wire_word word);

// ---- broker to builder ------------------------------------------------------------------------

// The first message; as many sources follow, each in a message of its own.
struct ov_wire_request {
    enum ov_wire_word word;
    bool with_pua;
    bool is_json;
    bool is_strict;        // BUILD: no image when there is a problem
    bool with_summary;     // CHECK, DIFF
    bool with_costs;       // BUILD
    bool with_leaves;      // LEAVES: a line for each, as text
    bool with_texts;       // LEAVES: the leaves themselves, each behind its length (u32be)
    bool is_sign_demanded; // VERIFY, PATCH
    uint32_t source_count;
    uint64_t most_bytes; // UNPACK: that may come out; else 0
    struct ov_span rule; // SHOW: the name; else empty
};

enum ov_wire_source_kind {
    OV_WIRE_SOURCE_MAIN,        // what the word works on
    OV_WIRE_SOURCE_SIGN,        // VERIFY, PATCH: the .sign file of the source before it
    OV_WIRE_SOURCE_CERTIFICATE, // VERIFY, PATCH: PEM that the user trusts
    OV_WIRE_SOURCE_BUNDLE,      // LEAVES, DIFF: the files of a release in one (ledger/bundle.h)
    OV_WIRE_SOURCE_KIND_COUNT,
};

// One source. Its bytes come by a descriptor that is sent along, when there is one.
struct ov_wire_source {
    bool has_bytes;
    bool is_member; // of a folder: it need not be readable
    bool is_new;    // DIFF: of the new set
    enum ov_wire_source_kind kind;
    uint32_t error;      // errno when it could not be opened; 0 when it is no regular file
    struct ov_span path; // 1 to OV_WIRE_PATH_BYTES bytes, none of them zero
};

void ov_wire_request_encode(const struct ov_wire_request *request, struct ov_buf *out);
enum ov_status ov_wire_request_decode(struct ov_span message, struct ov_wire_request *ret_request);

void ov_wire_source_encode(const struct ov_wire_source *source, struct ov_buf *out);
enum ov_status ov_wire_source_decode(struct ov_span message, struct ov_wire_source *ret_source);

// ---- builder to broker ------------------------------------------------------------------------

enum ov_wire_report_kind {
    OV_WIRE_REPORT_READING,  // number: the source that is read next
    OV_WIRE_REPORT_STAGE,    // number: percent; text: printable ASCII
    OV_WIRE_REPORT_PROBLEM,  // text: a rule that cannot be read, unchecked bytes
    OV_WIRE_REPORT_TEXT,     // text: for standard output, unchecked bytes
    OV_WIRE_REPORT_DONE,     // number: enum ov_wire_end; counts; the last message
    OV_WIRE_REPORT_ROOT,     // text: LEAVES: the root of the tree, OV_WIRE_ROOT_BYTES
    OV_WIRE_REPORT_DATABASE, // VERIFY, PATCH: once, before the last message
    OV_WIRE_REPORT_CAGED,    // number: the layers that confine it, as bits; the first message
    OV_WIRE_REPORT_KIND_COUNT,
};

enum ov_wire_end {
    OV_WIRE_END_DONE,
    OV_WIRE_END_READING,  // the source that was read last could not be
    OV_WIRE_END_BUILDING, // all sources were read
    OV_WIRE_END_COUNT,
};

struct ov_wire_report {
    enum ov_wire_report_kind kind;
    uint32_t number;
    struct ov_span text;
    // DONE
    enum ov_status status;              // OV_OK with END_DONE, never otherwise
    uint32_t error;                     // errno that belongs to OV_SYSTEM, else 0
    uint64_t rule_count;                // LEAVES: leaves; DIFF: rules added
    uint64_t fault_count, skip_count;   // DIFF: the latter are rules removed
    uint64_t shown_count;               // SHOW: rules of that name
    struct ov_database_report database; // DATABASE: every field within its bounds
};

void ov_wire_report_encode(const struct ov_wire_report *report, struct ov_buf *out);
enum ov_status ov_wire_report_decode(struct ov_span message, uint32_t source_count,
                                     struct ov_wire_report *ret_report);
