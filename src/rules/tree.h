// SPDX-License-Identifier: Apache-2.0
//
// The rule tree: what every rule language is read into, before anything is compiled.
//
// It belongs to no language. It keeps each rule's source text and place, so that checks, audits and
// per-rule proofs can walk it and quote it. All memory but the sources themselves belongs to the
// ruleset's arena or to heap blocks that it holds; everything dies with ov_ruleset_free.
// Linked into overt-worker alone, and called there in the role of the builder.
#pragma once

#include "base/arena.h"
#include "base/hash_kind.h"
#include "base/icon.h"
#include "base/span.h"
#include "base/status.h"

// ---- byte patterns --------------------------------------------------------------------------

enum ov_elem_kind {
    OV_ELEM_BYTES, // a run of masked bytes: (byte & mask) == value for each
    OV_ELEM_GAP,   // between min and max bytes of any value; splits a pattern into parts
    OV_ELEM_ALT,   // one of several sequences (of BYTES and ALT only)
    OV_ELEM_CLASS, // a ClamAV character class (B), (L) or (W)
};

enum ov_class { OV_CLASS_BOUNDARY, OV_CLASS_LINE, OV_CLASS_WORD };

#define OV_GAP_UNLIMITED UINT32_MAX

struct ov_elem {
    enum ov_elem_kind kind;
    bool is_negated;           // ALT (then all alternatives have one length), CLASS
    bool is_edge;              // CLASS: zero width, at the left or right end of its part
    enum ov_class class;       // CLASS
    uint32_t min, max;         // GAP: bytes; max may be OV_GAP_UNLIMITED; min > max never matches
    bool is_outer;             // GAP: ClamAV's [a-b]; joins one byte to the outside of a part, and
                               // distances to other parts are measured without gap and byte
    uint32_t size;             // BYTES: bytes in value and mask; at least 1
    const uint8_t *value;      // BYTES: already masked
    const uint8_t *mask;       // BYTES: ff literal, f0/0f nibble, df letter of any case, 00 any
    uint32_t alt_count;        // ALT: at least 1
    const struct ov_seq *alts; // ALT
};

struct ov_seq {
    uint32_t count;
    const struct ov_elem *elems;
};

// One concrete byte pattern. GAP never stands first or last, nor beside another GAP.
struct ov_pattern {
    struct ov_seq seq;
    uint32_t start_elem; // the element where the match is said to start: 0, or 2 for `xx[a-b]REST`
    bool is_wide;        // edges are tested on 16-bit units
};

// ---- where a pattern may stand --------------------------------------------------------------

enum ov_offset_kind {
    OV_OFFSET_ANY,          // anywhere
    OV_OFFSET_ABSOLUTE,     // value
    OV_OFFSET_EOF,          // file size - value
    OV_OFFSET_ENTRY,        // file offset of the entry point + value (may be negative)
    OV_OFFSET_SECTION,      // raw start of section `section` + value
    OV_OFFSET_LAST_SECTION, // raw start of the last section + value
    OV_OFFSET_IN_SECTION,   // start anywhere inside section `section`
    OV_OFFSET_VERSION,      // at a VersionInfo key or value
    OV_OFFSET_GROUP,        // member of macro group `value`
};

struct ov_offset {
    enum ov_offset_kind kind;
    uint32_t section;
    int64_t value;
    uint32_t shift; // the start may lie up to this many bytes later
};

// ---- subsignatures --------------------------------------------------------------------------

enum ov_sub_kind { OV_SUB_BODY, OV_SUB_REGEX, OV_SUB_COMPARE, OV_SUB_MACRO, OV_SUB_IMAGE_HASH };

enum ov_compare_op { OV_COMPARE_NONE, OV_COMPARE_EQ, OV_COMPARE_GT, OV_COMPARE_LT };

// Byte compare: a number read relative to the last match of another subsignature.
struct ov_byte_compare {
    uint32_t sub;   // index of the referenced subsignature
    int64_t offset; // relative to the match start
    char base;      // 'h' hex text, 'd' decimal text, 'a' automatic, 'i' binary
    bool has_order; // l or b was given; without, clamscan never matches, except decimal text
    bool is_big_endian;
    bool is_exact;  // option e
    uint32_t size;  // bytes to read
    uint32_t count; // comparisons, 1 or 2, all must hold
    enum ov_compare_op op[2];
    int64_t value[2];
};

// PCRE flags of ClamAV, bits.
enum {
    OV_REGEX_GLOBAL = 1 << 0,     // g: all matches
    OV_REGEX_ROLLING = 1 << 1,    // r: not anchored at the offset
    OV_REGEX_ENCOMPASS = 1 << 2,  // e: search confined to [offset, offset + shift]
    OV_REGEX_CASELESS = 1 << 3,   // i
    OV_REGEX_DOTALL = 1 << 4,     // s
    OV_REGEX_MULTILINE = 1 << 5,  // m
    OV_REGEX_EXTENDED = 1 << 6,   // x
    OV_REGEX_ANCHORED = 1 << 7,   // A
    OV_REGEX_DOLLAR_END = 1 << 8, // E
    OV_REGEX_UNGREEDY = 1 << 9,   // U
};

struct ov_expr;

struct ov_sub {
    enum ov_sub_kind kind;
    struct ov_offset offset;
    uint32_t pattern_count;            // BODY: 1, or more when modifiers make variants (wa)
    const struct ov_pattern *patterns; // BODY
    struct ov_span regex;              // REGEX: PCRE2 pattern text
    uint32_t regex_flags;              // REGEX: OV_REGEX_*
    const struct ov_expr *trigger;     // REGEX: over earlier subsignatures
    struct ov_byte_compare compare;    // COMPARE
    uint32_t macro_min, macro_max, macro_group; // MACRO
    uint64_t image_hash;                        // IMAGE_HASH
    uint32_t image_distance;                    // IMAGE_HASH
    struct ov_span source;                      // the subsignature as written
};

// ---- expressions ----------------------------------------------------------------------------

enum ov_expr_kind { OV_EXPR_SUB, OV_EXPR_AND, OV_EXPR_OR };

// A node with `op` other than NONE compares the number of matches below it with `count`, and asks
// for at least `distinct` different subsignatures among them (0: no such demand).
struct ov_expr {
    enum ov_expr_kind kind;
    uint32_t sub;                // SUB
    const struct ov_expr *left;  // AND, OR
    const struct ov_expr *right; // AND, OR
    enum ov_compare_op op;
    uint32_t count;
    uint32_t distinct;
};

struct ov_trust_rule;

// ---- rules ----------------------------------------------------------------------------------

struct ov_place {
    uint32_t file; // index into ov_ruleset.files
    uint32_t line; // from 1
};

struct ov_range {
    uint32_t min, max; // inclusive; 0 and UINT32_MAX when not given
};

enum {
    OV_INTERMEDIATES_MAX = 16,
    OV_ICON_LISTS = 2,        // each icon stands in a group of a first and of a second list
    OV_ICON_GROUPS_MAX = 256, // of each list
};

enum ov_rule_kind {
    OV_RULE_BODY,        // one subsignature, reported where it hits (ndb, db, sdb)
    OV_RULE_LOGICAL,     // subsignatures and an expression (ldb)
    OV_RULE_METADATA,    // what a container says of a member (cdb, zmd, rmd)
    OV_RULE_CERTIFICATE, // who signed a program (crb)
};

enum { OV_ENCRYPTED_EITHER = 2 };

// Conditions on a member of a container, as the container describes it; all must hold.
struct ov_metadata {
    uint16_t container;             // enum ov_filetype of what holds the member; 0 for any
    struct ov_range container_size; // bytes; ranges are 0 to UINT32_MAX when not given, which is
    struct ov_range packed_size;    // without end
    struct ov_range plain_size;
    struct ov_range position; // of the member in the container, mostly from 1
    uint8_t encrypted;        // 0, 1 or OV_ENCRYPTED_EITHER
    bool has_checksum;
    uint32_t checksum;
    struct ov_span name;   // PCRE2 text that must match somewhere; empty: any name, or none
    bool is_name_caseless; // likewise
};

// A magic of a database of file types (ftm).
struct ov_type_magic {
    uint32_t offset;
    uint16_t type; // enum ov_filetype
    uint16_t size; // bytes
    const uint8_t *bytes;
};

// A file out of a signed catalog (cat): it must not be reported.
struct ov_listed_file {
    uint8_t digest[32];            // zeros behind a short one
    bool is_program;               // the digest is Authenticode's, else that of the whole file
    uint8_t kind;                  // enum ov_hash_kind: SHA-1 or SHA-256
    uint32_t file;                 // index into ov_ruleset.files
    int64_t not_before, not_after; // when the catalog counts, in seconds since 1970
};

// An icon that logical rules may ask for (idb); by itself it finds nothing.
struct ov_icon_rule {
    struct ov_span name, source;
    uint16_t groups[OV_ICON_LISTS]; // indexes into ov_ruleset.icon_groups
    struct ov_icon icon;
};

// For links in mails (pdb, wdb): a host whose name nobody else shall show, or a pair of hosts,
// where a link leads and what it shows, that is known to be harmless. It finds nothing by itself.
struct ov_link_rule {
    bool is_allowed; // a pair
    bool is_regex;
    struct ov_place place;
    struct ov_span source; // the whole text of the rule
    struct ov_span text;   // PCRE2 text, or the host or pair as it is; both end with a slash
    struct ov_span tail;   // bytes that stand in all that the expression matches; may be empty
};

struct ov_rule {
    enum ov_rule_kind kind;
    struct ov_span name; // as in the source, without ".UNOFFICIAL"
    struct ov_place place;
    struct ov_span source;         // the whole text of the rule
    bool is_official;              // came from a .cvd or .cld
    bool is_pua;                   // potentially unwanted by name: PUA.*
    uint32_t target;               // ClamAV target type, 0 to 14
    uint32_t level_min, level_max; // functionality levels, for reports; already filtered
    struct ov_range file_size, entry_point, section_count;
    bool has_entry_point, has_section_count, has_file_size;
    uint16_t container; // enum ov_filetype, or 0 for none given
    uint16_t handler;   // enum ov_filetype, or 0
    uint32_t intermediate_count;
    uint16_t intermediates[OV_INTERMEDIATES_MAX];
    struct ov_span icon_groups[OV_ICON_LISTS]; // without data when not given
    uint32_t sub_count;
    const struct ov_sub *subs;
    const struct ov_expr *expr;              // LOGICAL
    const struct ov_metadata *metadata;      // METADATA
    const struct ov_trust_rule *certificate; // CERTIFICATE: trust/chain.h
};

// ---- hash rules: there may be millions, so they are small -------------------------------------

struct ov_hash_rule {
    uint8_t digest[32];
    uint32_t size;      // bytes of the hashed thing, or OV_HASH_ANY_SIZE
    uint32_t file;      // index into ov_ruleset.files
    uint32_t line;      // from 1
    uint32_t line_at;   // offset of the source line in the file's bytes
    uint16_t line_size; // its length
    uint16_t name_at;   // offset of the name in the line
    uint16_t name_size;
    uint8_t scope; // enum ov_hash_scope
    uint8_t kind;  // enum ov_hash_kind
};

// ---- the set --------------------------------------------------------------------------------

struct ov_rule_file {
    const char *path;     // as given; "daily.cvd!daily.ldb" for a member
    struct ov_span bytes; // whole content, kept for as long as the set lives
    bool is_official;
};

struct ov_rule_problem {
    struct ov_place place;
    struct ov_span name; // of the rule, where it could be read; else empty
    const char *reason;  // a sentence without a full stop
    bool is_skip;        // not a fault: another functionality level, unknown target, not built yet
};

struct ov_ruleset {
    struct ov_arena arena;
    uint32_t file_count;
    struct ov_rule_file *files;
    size_t rule_count;
    struct ov_rule *rules; // in load order
    size_t hash_count;
    struct ov_hash_rule *hashes; // in load order
    size_t magic_count;
    struct ov_type_magic *magics; // in load order
    size_t icon_count;
    struct ov_icon_rule *icons; // in load order
    size_t link_count;
    struct ov_link_rule *links; // in load order
    uint32_t icon_group_count[OV_ICON_LISTS];
    struct ov_span icon_groups[OV_ICON_LISTS][OV_ICON_GROUPS_MAX]; // their names
    size_t listed_count;
    struct ov_listed_file *listed; // in load order
    size_t problem_count;
    struct ov_rule_problem *problems;
    size_t ignored_count; // rules dropped by an ignore list
    // Reader's own state (ignore lists, growth of the arrays above): rules/ruleset.c
    struct ov_ruleset_state *state;
};

struct ov_ruleset_options {
    bool with_pua;         // also .hdu .mdu .ndu .ldu and the like
    uint64_t memory_bytes; // cap of the arena; 0 = 8 GiB
};

// An empty set. Free with ov_ruleset_free.
enum ov_status ov_ruleset_new(const struct ov_ruleset_options *options,
                              struct ov_ruleset **ret_set);
void ov_ruleset_free(struct ov_ruleset *set);

// Reads a rule file or a container; `name` decides the language by its ending, and the bytes must
// live as long as the set. Lines that cannot be read become problems and cost nothing else.
// OV_UNSUPPORTED when no known rule language has files of this name.
enum ov_status ov_ruleset_load_bytes(struct ov_ruleset *set, const char *name, struct ov_span bytes,
                                     bool is_official);

// Notes a source that could not be opened as a problem of the set.
enum ov_status ov_ruleset_load_unreadable(struct ov_ruleset *set, const char *name,
                                          const char *why);

// Whether this container (main.cvd) is passed over for its twin (main.cld). Either may be empty:
// not there, or unreadable. Looks into both headers.
bool ov_rule_file_is_superseded(const char *name, struct ov_span bytes, struct ov_span twin);
