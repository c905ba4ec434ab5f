// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a compiled image (.ovi): docs/formats/image.md in C.
//
// One flat file, little endian, no pointers: offsets and indexes only. It is written by rules/ and
// read, mapped read-only, by match/. Nothing in it is believed: every index is checked where it is
// followed, so a hostile image can give wrong answers or be refused, but cannot lead a reader
// outside its bytes. All structs have the same layout on every little-endian machine.
#pragma once

#include "base/icon.h"

#include <stdint.h>

#define OV_IMAGE_MAGIC   "OVIMAGE\n"
#define OV_IMAGE_VERSION 9u

enum {
    OV_IMAGE_ALIGN = 64, // every section starts at a multiple of this
    OV_IMAGE_SECTIONS_MAX = 256,
    OV_IMAGE_TARGETS = 15,  // ClamAV target types 0 to 14
    OV_IMAGE_SUBS_MAX = 64, // subsignatures of one rule
    OV_IMAGE_INTERMEDIATES_MAX = 16,
};

#define OV_IMAGE_NONE UINT32_MAX // "no such index"

enum ov_section_type {
    OV_SECTION_RULES = 1,     // struct ov_image_rule, in load order
    OV_SECTION_SUBS = 2,      // struct ov_image_sub
    OV_SECTION_PATTERNS = 3,  // struct ov_image_pattern
    OV_SECTION_CODE = 4,      // parts, expressions, regular expressions: see below
    OV_SECTION_LIMITS = 5,    // struct ov_image_limits
    OV_SECTION_TRIGGERS = 6,  // struct ov_image_trigger
    OV_SECTION_TARGETS = 7,   // struct ov_image_target, one for each target type
    OV_SECTION_NAMES = 8,     // catalog/names.h
    OV_SECTION_SOURCES = 9,   // catalog/names.h
    OV_SECTION_METADATA = 10, // struct ov_image_metadata, in load order
    OV_SECTION_MAGICS = 11,   // struct ov_image_magic, in load order
    OV_SECTION_ICONS = 12,    // struct ov_image_icon, in load order
    OV_SECTION_LINKS = 13,    // struct ov_image_link: hosts, sorted; then expressions
    // One filter for each variant; the variant is ov_image_target.filter. docs: image.md,
    // "Filters".
    OV_SECTION_FILTER = 16,         // struct ov_image_filter
    OV_SECTION_FILTER_BLOOM = 17,   // stage 1 and 2 words of the gram classes
    OV_SECTION_FILTER_SLOTS = 18,   // struct ov_image_slot
    OV_SECTION_FILTER_ENTRIES = 19, // struct ov_image_entry
    OV_SECTION_FILTER_TAIL = 20,    // struct ov_image_tail
    OV_SECTION_ALWAYS = 21,         // uint32_t rule numbers that no trigger covers
    OV_SECTION_PROBES = 22,         // struct ov_image_probe
    OV_SECTION_PROBE_KEYS = 23,     // struct ov_image_probe_key
    OV_SECTION_PICTURES = 24,       // struct ov_image_picture, by hash; of all targets
    OV_SECTION_CERTIFICATES = 25,   // struct ov_image_certificate, in load order
    OV_SECTION_LISTED = 26,         // struct ov_image_listed, in order; match/listed.h
    // Hash sets: docs/formats/image-hashes.md, match/hashset.h. The variant is theirs to choose.
    OV_SECTION_HASH_FIRST = 32,
    OV_SECTION_HASH_LAST = 63,
};

struct ov_image_header {
    uint8_t magic[8];
    uint32_t version;
    uint32_t header_bytes; // of this struct: 128
    uint64_t image_bytes;  // whole file
    uint32_t section_count;
    uint32_t rule_count;      // body and logical rules: numbers 0 to rule_count - 1
    uint8_t digest[32];       // SHA-256 of this header, with zeros here, and the section table
    uint32_t hash_rule_count; // hash rules: numbers rule_count and up
    uint32_t window_overlap;  // longest pattern in bytes: clamscan's windows overlap by it
    uint8_t zero[56];
};

struct ov_image_section_record {
    uint32_t type; // enum ov_section_type; the table is sorted by (type, variant)
    uint32_t variant;
    uint64_t offset; // in the file, a multiple of OV_IMAGE_ALIGN
    uint64_t bytes;
    uint64_t zero;
    uint8_t digest[32]; // SHA-256 of the section
};

enum {
    OV_RULE_FLAG_BODY = 1,      // one subsignature, reported where it hits
    OV_RULE_FLAG_OFFICIAL = 2,  // no ".UNOFFICIAL" after the name
    OV_RULE_FLAG_PUA = 4,       // reported only if nothing strong matches
    OV_RULE_FLAG_PLAIN = 8,     // clamscan matches it with Boyer-Moore: reported before others
    OV_RULE_FLAG_ALWAYS = 16,   // may match without any trigger
    OV_RULE_FLAG_LATE = 32,     // `notice` is counted from the match's end backwards
    OV_RULE_FLAG_METADATA = 64, // no subsignatures: see METADATA and CERTIFICATES
};

struct ov_image_rule {
    uint8_t flags;
    uint8_t target;
    uint16_t sub_count;
    uint32_t sub_first;  // index into SUBS
    uint32_t expr_at;    // offset in CODE of struct ov_image_expr nodes, in postfix order
    uint32_t expr_count; // nodes; 0 for body rules
    uint32_t limits;     // index into LIMITS, or OV_IMAGE_NONE
    uint32_t notice; // body rules: where in a match clamscan notices it, in bytes from its start;
                     // with OV_RULE_FLAG_LATE from its end backwards
    uint32_t order;  // body rules: of two noticed at one place, the lower is told first
};

struct ov_image_limits {
    uint32_t file_size_min, file_size_max;
    uint32_t entry_min, entry_max;
    uint32_t sections_min, sections_max;
    uint8_t has_entry, has_sections;
    uint16_t container; // enum ov_filetype of the parent layer, or 0
    uint16_t handler;
    uint16_t intermediate_count;
    uint16_t intermediates[OV_IMAGE_INTERMEDIATES_MAX];
    uint8_t needs_icon; // asks for an icon of these groups
    uint8_t zero[3];
    uint16_t icon_groups[2]; // their numbers, or OV_ICON_GROUP_ANY
};

enum { OV_ICON_GROUP_ANY = UINT16_MAX }; // a number that no icon has stands for no such group

// An icon that rules may ask for.
struct ov_image_icon {
    uint16_t groups[2];
    struct ov_icon icon;
};

enum {
    OV_METADATA_CHECKSUM = 1, // the checksum is asked for
    OV_METADATA_CASELESS = 2, // letters of the name match in either case
};

enum { OV_METADATA_EITHER = 2 };

// Conditions on a member of a container. Ranges include both ends; a maximum of UINT32_MAX is none.
struct ov_image_metadata {
    uint32_t rule;
    uint16_t container; // enum ov_filetype, 0 for any
    uint8_t encrypted;  // 0, 1 or OV_METADATA_EITHER
    uint8_t flags;      // OV_METADATA_*
    uint32_t checksum;
    uint32_t container_min, container_max; // bytes of the container
    uint32_t packed_min, packed_max;       // of the member as stored
    uint32_t plain_min, plain_max;         // and unpacked
    uint32_t position_min, position_max;
    uint32_t name_at, name_bytes; // PCRE2 text in CODE; 0 bytes: any name, or none
};

enum {
    OV_CERTIFICATE_BLOCKED = 1, // else trusted
    OV_CERTIFICATE_ANY_SERIAL = 2,
    OV_CERTIFICATE_CODE = 4,  // may sign programs
    OV_CERTIFICATE_TIME = 8,  // time stamps
    OV_CERTIFICATE_SIGN = 16, // certificates
    OV_CERTIFICATE_FLAGS = 31,
};

// A rule on certificates of signed programs.
struct ov_image_certificate {
    uint32_t rule;
    uint32_t modulus_at, modulus_bytes; // in CODE: big-endian, without zeros before it
    uint8_t flags;                      // OV_CERTIFICATE_*
    uint8_t zero[3];
    int64_t not_before;
    uint8_t subject[20], serial[20]; // SHA-1
};

enum {
    OV_LISTED_PROGRAM, // digest as Authenticode makes it
    OV_LISTED_FILE,    // digest of the whole file
};

// A digest of a file out of a catalog. Sorted by the first 34 bytes.
struct ov_image_listed {
    uint8_t what;       // OV_LISTED_*
    uint8_t kind;       // enum ov_hash_kind: SHA-1 or SHA-256
    uint8_t digest[32]; // zeros behind a short one
    uint8_t zero[6];
    int64_t not_before, not_after; // when its catalog counts, in seconds since 1970
};

// Bytes at a fixed place by which the type of an object is known.
struct ov_image_magic {
    uint32_t offset;
    uint32_t bytes_at; // in CODE
    uint16_t bytes;
    uint16_t type; // enum ov_filetype
};

enum { OV_LINK_LIST_PROTECTED = 0, OV_LINK_LIST_ALLOWED, OV_LINK_LISTS };

// An entry of a list for links in mails. Hosts stand first, in the order of their lists and then of
// their bytes from the last one on, no two alike; expressions stand in load order.
struct ov_image_link {
    uint8_t list;     // OV_LINK_LIST_*
    uint8_t is_regex; // or a host, or two with a colon between, and a slash behind
    uint16_t zero;
    uint32_t text_at, text_bytes; // in CODE
    uint32_t tail_at, tail_bytes; // in CODE: bytes that stand in all that an expression matches
};

enum {
    OV_SUB_FLAG_COVERED = 1, // every match makes a trigger fire: no trigger, no match
    OV_SUB_FLAG_WHOLE = 2,   // its patterns have one part each: a part that stands is a match
};

struct ov_image_sub {
    uint32_t rule;
    uint8_t kind;        // enum ov_sub_kind
    uint8_t offset_kind; // enum ov_offset_kind
    uint8_t number;      // of the subsignature in its rule
    uint8_t flags;       // OV_SUB_FLAG_*
    uint32_t pattern_first, pattern_count;
    int64_t offset_value;
    uint32_t offset_section, offset_shift;
    uint32_t extra_at, extra_bytes; // in CODE: regex or byte compare
};

// Extra of a regex: this struct, its trigger's struct ov_image_expr nodes, its text.
struct ov_image_regex {
    uint32_t flags;         // OV_REGEX_* of the rule tree
    uint32_t trigger_count; // nodes
    uint32_t text_bytes;
    uint32_t number; // of the regex in the image, for caches
};

struct ov_image_compare {
    uint32_t sub;  // number in the rule
    uint8_t base;  // 'h' 'd' 'a' 'i'
    uint8_t flags; // 1 big endian, 2 exact
    uint8_t count; // comparisons
    uint8_t op[2]; // enum ov_compare_op
    uint8_t zero[3];
    uint32_t bytes;
    int64_t offset;
    int64_t value[2];
};

// Postfix: operands first. AND and OR take the two results before them.
struct ov_image_expr {
    uint8_t kind; // enum ov_expr_kind
    uint8_t op;   // enum ov_compare_op
    uint16_t sub;
    uint32_t count;
    uint32_t distinct;
};

// ---- patterns ---------------------------------------------------------------------------------

enum { OV_PATTERN_WIDE = 1 };

struct ov_image_pattern {
    uint32_t sub;
    uint32_t code_at; // offset in CODE of the first struct ov_image_part
    uint16_t part_count;
    uint8_t flags; // OV_PATTERN_*
    uint8_t zero;
};

#define OV_PART_NO_ANCHOR UINT32_MAX

enum {
    OV_PART_LITERAL = 1,     // exactly one OV_CODE_BYTES element and no edges
    OV_PART_LEFT_OUTER = 2,  // `left` must hold
    OV_PART_RIGHT_OUTER = 4, // `right` must hold
};

// One byte outside a part, `min` to `max` bytes of any value away from it. It belongs to no
// distance and may lie within another part.
struct ov_image_outer {
    uint8_t value, mask, min, max;
};

// Edge byte of a part: 0 none, else 1 + enum ov_class, plus OV_EDGE_NEGATED.
enum { OV_EDGE_NEGATED = 0x80 };

// A run of elements without gaps between them. Its elements follow, `elem_bytes` long.
struct ov_image_part {
    uint32_t gap_min, gap_max; // distance from the end of the part before; max may be UINT32_MAX
    uint32_t elem_count;
    uint32_t elem_bytes;           // a multiple of 8
    uint32_t min_bytes, max_bytes; // how much the part may consume
    uint32_t anchor_a, anchor_b;   // offsets from the part's start of two bytes to search for
    uint8_t value_a, mask_a, value_b, mask_b;
    uint8_t left_edge, right_edge;
    uint8_t flags; // OV_PART_*
    uint8_t zero;
    struct ov_image_outer left, right;
};

enum ov_code_kind {
    OV_CODE_BYTES = 1, // value[size], mask[size], padded to 8
    OV_CODE_SET = 2,   // one byte out of a set: 32 bytes of bitmap
    OV_CODE_ALT = 3,   // alternatives: each struct ov_image_alt and its elements; when negated,
                       // 8 bytes before them hold the length that is consumed (uint32_t)
    OV_CODE_CLASS = 4, // consuming character class
};

struct ov_image_elem {
    uint8_t kind;    // enum ov_code_kind
    uint8_t flags;   // 1: negated
    uint16_t number; // CLASS: enum ov_class; ALT: alternatives
    uint32_t size;   // BYTES: bytes matched; ALT: bytes of code that follow
};

struct ov_image_alt {
    uint32_t elem_count;
    uint32_t elem_bytes; // a multiple of 8
};

// ---- filters ----------------------------------------------------------------------------------

// The part whose presence makes a rule worth evaluating.
struct ov_image_trigger {
    uint32_t pattern;
    uint32_t part_at;  // offset in CODE of its struct ov_image_part
    uint16_t back_min; // bytes from the part's start to the filter's window, at least
    uint16_t back_max; // and at most
};

enum {
    OV_GRAM_CLASSES = 3, // 0: six bytes at stride 4; 1: four bytes at stride 4, with the stage 1 of
                         // class 0; 2: three bytes at stride 2, in windows of four
    OV_TAIL_POSITIONS = 8,
    OV_TAIL_BUCKETS = 8,
    OV_FILTER_SLACK = 128, // bytes that kernels may read past a chunk
    OV_FILTER_TAILS_MAX = 64,
};

struct ov_image_gram_class {
    uint32_t stage1_at, stage1_log2; // in BLOOM: byte offset, and log2 of 32-bit words
    uint32_t stage2_at, stage2_log2; // log2 of 64-bit words; class 2: of 32-bit words
    uint32_t slot_first, slot_log2;  // in SLOTS
    uint32_t gram_count;             // 0: the class is empty
    uint32_t zero;
};

struct ov_image_filter {
    struct ov_image_gram_class classes[OV_GRAM_CLASSES];
    uint32_t tail_count; // struct ov_image_tail in TAIL
    uint32_t entry_count;
    uint32_t trigger_count;
    uint32_t zero;
};

// Open addressing; entry OV_IMAGE_NONE marks a free slot.
struct ov_image_slot {
    uint32_t check; // second hash of the gram
    uint32_t entry; // first of its entries
};

enum { OV_ENTRY_LAST = 1 }; // the gram's last entry

struct ov_image_entry {
    uint64_t value, mask; // of the 8 bytes at gram position + delta
    uint32_t trigger;
    int16_t delta;
    int8_t shift; // gram position = window position + shift
    uint8_t flags;
};

// A group of patterns that no gram class serves: 8 positions, 8 buckets, a byte set for each.
struct ov_image_tail {
    uint64_t allow[256];                       // byte k: buckets that allow the byte at position k
    uint8_t sets[OV_TAIL_POSITIONS][256];      // the same by position
    uint8_t nibbles[2][OV_TAIL_POSITIONS][16]; // buckets by low and by high nibble
    uint32_t entry_first[OV_TAIL_BUCKETS];     // entries of each bucket, ended by OV_ENTRY_LAST
    uint32_t bucket_mask;                      // buckets in use
    uint8_t order[OV_TAIL_POSITIONS];          // positions, those that let least through first
    uint32_t position_count;                   // of order: the rest let everything through
    uint32_t zero[4];
};

#define OV_GRAM3_MASK 0xffffffu // of the three bytes in a word of four

// The bytes with the letters A to Z made small ones. Grams and keys are folded, so that patterns
// that ignore case need no class of their own.
static inline uint64_t ov_fold(uint64_t bytes) {
    const uint64_t ones = 0x0101010101010101u;
    uint64_t low = bytes & (ones * 0x7f);
    uint64_t from_a = low + ones * (0x80 - 'A'), past_z = low + ones * (0x80 - ('Z' + 1));
    return bytes | (from_a & ~past_z & ~bytes & (ones * 0x80)) >> 2;
}

// Whether every byte that agrees with `value` under `mask` folds to the same byte.
static inline int ov_folds_to_one(uint8_t value, uint8_t mask) {
    uint8_t small = value | 0x20;
    return mask == 0xff || (mask == 0xdf && small >= 'a' && small <= 'z');
}

// The hashes of stage 1, of folded grams. Runs of zeros with few other bits are common: without the
// second product they share words, and without the constant zeros alone have but one bit.
#define OV_GRAM_SALT 0x6b79d8adu

enum { OV_GRAM_LAST_FACTOR = 0x6b2f }; // of the last two bytes of six

static inline uint32_t ov_gram_mix(uint32_t h) {
    return (h ^ h >> 15 ^ OV_GRAM_SALT) * 0x2c1b3c6du;
}

static inline uint32_t ov_gram_hash4(uint32_t gram) {
    return ov_gram_mix(gram * 0x9e3779b1u);
}

// One bit of eight, by six bits of a hash.
static inline uint32_t ov_gram_bit(uint32_t six) {
    return 1u << ((six ^ six >> 3) & 7);
}

// Stage 1 bits of a hash within its 32-bit word, which is word (hash >> (32 - log2)): one in each
// byte.
static inline uint32_t ov_gram_bits(uint32_t hash) {
    return ov_gram_bit(hash) | ov_gram_bit(hash >> 3) << 8 | ov_gram_bit(hash >> 6) << 16 |
           ov_gram_bit(hash >> 9) << 24;
}

static inline uint32_t ov_gram_hash3(uint32_t gram) {
    return ov_gram_hash4(gram & OV_GRAM3_MASK);
}

// One of six bytes is given as bytes 0-3 and bytes 2-5. The last two are taken as a signed number,
// as the processors' multiplications of pairs have it.
static inline uint32_t ov_gram_hash6(uint32_t low, uint32_t high) {
    int32_t last = (int16_t)(high >> 16);
    return ov_gram_mix(low * 0x9e3779b1u + (uint32_t)(last * OV_GRAM_LAST_FACTOR));
}

// The bits of a gram of six in a word that the hash of its first four bytes chooses, by all six.
static inline uint32_t ov_gram_bits6(uint32_t low, uint32_t high) {
    uint32_t h = ov_gram_hash6(low, high);
    return ov_gram_bit(h) | ov_gram_bit(h >> 8) << 8 | ov_gram_bit(h >> 16) << 16 |
           ov_gram_bit(h >> 24) << 24;
}

// The hash of the slots, and of stage 2 of classes 0 and 1. The key is folded, bytes in
// little-endian order: the gram of classes 0 and 1, the window of class 2.
static inline uint64_t ov_gram_hash(uint64_t key) {
    uint64_t h = (key + 1) * 0x9e3779b97f4a7c15u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ h >> 32;
}

// Stage 2 bits of a hash within its 64-bit word, which is word (hash >> (64 - log2)).
static inline uint64_t ov_gram_bits2(uint64_t hash) {
    return (uint64_t)1 << (hash & 63) | (uint64_t)1 << (hash >> 6 & 63) |
           (uint64_t)1 << (hash >> 12 & 63);
}

// Where the slots of a hash begin (modulo their number), and what they are checked by.
static inline uint32_t ov_gram_slot(uint64_t hash) {
    return (uint32_t)(hash >> 18);
}

static inline uint32_t ov_gram_check(uint64_t hash) {
    return (uint32_t)(hash * 0xc2b2ae3d27d4eb4fu >> 32);
}

enum { OV_SLOT_PROBES = 64 }; // a gram stands within so many slots of its first

// ---- anchored patterns ------------------------------------------------------------------------

// All patterns with one fixed offset that are told apart by up to 4 bytes at `key_delta` from their
// start.
struct ov_image_probe {
    int64_t offset_value;
    uint32_t offset_section;
    uint8_t offset_kind;
    uint8_t zero[3];
    uint32_t key_delta;
    uint32_t key_first, key_count; // in PROBE_KEYS, sorted by key
    uint32_t key_mask;             // which bytes count: ff, ffff, ffffff or ffffffff
};

struct ov_image_probe_key {
    uint32_t key; // little endian, folded bytes & key_mask
    uint32_t trigger;
};

// ---- pictures ---------------------------------------------------------------------------------

// A subsignature that matches pictures of that perceptual hash. All of its kind are listed, in
// ascending order of hash and subsignature.
struct ov_image_picture {
    uint64_t hash;
    uint32_t sub;
    uint32_t zero;
};

struct ov_image_target {
    uint32_t filter;     // variant of the FILTER sections, ALWAYS and PROBES to use
    uint32_t rule_count; // rules that may match this target
};

_Static_assert(sizeof(struct ov_image_header) == 128, "header");
_Static_assert(sizeof(struct ov_image_section_record) == 64, "section record");
_Static_assert(sizeof(struct ov_image_rule) == 28, "rule");
_Static_assert(sizeof(struct ov_image_limits) == 72, "limits");
_Static_assert(sizeof(struct ov_image_metadata) == 52, "metadata");
_Static_assert(sizeof(struct ov_image_certificate) == 64, "certificate");
_Static_assert(sizeof(struct ov_image_listed) == 56, "listed");
_Static_assert(sizeof(struct ov_image_magic) == 12, "magic");
_Static_assert(sizeof(struct ov_image_sub) == 40, "sub");
_Static_assert(sizeof(struct ov_image_regex) == 16, "regex");
_Static_assert(sizeof(struct ov_image_compare) == 40, "compare");
_Static_assert(sizeof(struct ov_image_expr) == 12, "expr");
_Static_assert(sizeof(struct ov_image_pattern) == 12, "pattern");
_Static_assert(sizeof(struct ov_image_part) == 48, "part");
_Static_assert(sizeof(struct ov_image_elem) == 8, "elem");
_Static_assert(sizeof(struct ov_image_trigger) == 12, "trigger");
_Static_assert(sizeof(struct ov_image_filter) == 112, "filter");
_Static_assert(sizeof(struct ov_image_entry) == 24, "entry");
_Static_assert(sizeof(struct ov_image_tail) == 4416, "tail");
_Static_assert(sizeof(struct ov_image_probe) == 32, "probe");
_Static_assert(sizeof(struct ov_image_picture) == 16, "picture");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "images are little endian");
