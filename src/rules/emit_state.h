// SPDX-License-Identifier: Apache-2.0
//
// The inside of a build, shared by the emit_* files: the tables as they grow, and what each pattern
// offers to the filter.
#pragma once

#include "rules/emit.h"
#include "rules/image_writer.h"

// How a trigger is looked for.
// Bytes of a typical object: a frequency times this is taken as the chance that it triggers.
#define OV_OBJECT_BYTES 200000.0

enum ov_window_kind {
    OV_WINDOW_NONE,   // the pattern offers nothing: searched only when its rule is evaluated
    OV_WINDOW_SIXES,  // class 0 of the filter
    OV_WINDOW_FOURS,  // classes 0 and 1
    OV_WINDOW_THREES, // class 2
    OV_WINDOW_TAIL,
    OV_WINDOW_PROBE, // at a fixed place
};

enum { OV_NO_HOLE = 6 };

// A key of a gram class, and the bytes around it that are compared in line.
struct ov_window_gram {
    uint8_t bytes[6];     // folded
    uint8_t size;         // 6: class 0, else 4
    uint8_t hole;         // which of four bytes is not known, or OV_NO_HOLE
    uint64_t value, mask; // of eight bytes at the key + delta
    int16_t delta;
    int8_t shift; // from the window to the key
};

// Bytes of a part that must stand wherever the pattern matches.
struct ov_window {
    enum ov_window_kind kind;
    double frequency;               // expected per byte; for probes: chance per object
    uint32_t part_at;               // offset in CODE
    uint32_t back_min, back_max;    // from the part's start to the window
    struct ov_window_gram grams[4]; // sixes, fours: a key for each alignment; threes: one
    uint8_t value[8], mask[8];      // tail, probe: the window
    const struct ov_elem *sets[8];  // tail: choices of single bytes, or NULL
    uint32_t probe_delta;           // probe: from the pattern's start to the key bytes
    uint32_t probe_bytes;           // probe: key bytes, 1 to 4
};

// What a pattern offers: its best window, and if that is neither of sixes nor a probe, the best one
// in a filter that has class 1 and no class 2.
struct ov_offers {
    struct ov_window window, fours;
};

// A pattern with its best window; parallel to the PATTERNS section.
struct ov_emit_pattern {
    struct ov_window window;
    uint32_t trigger; // index into TRIGGERS once chosen, or OV_IMAGE_NONE
    uint32_t fours;   // index into struct ov_emit.fours, or OV_IMAGE_NONE
};

// The other window of a pattern.
struct ov_emit_fours {
    struct ov_window window;
    uint32_t trigger; // likewise; first of all in some filter that uses it
};

// A window that is to go into the tail.
struct ov_emit_tail_item {
    const struct ov_window *window;
    uint32_t trigger;
    uint32_t number; // of the pattern
};

enum { OV_PLAIN_BLOCKS = 65536 };

struct ov_emit {
    const struct ov_ruleset *set;
    const struct ov_build_options *options;
    struct ov_image_writer *writer;
    struct ov_buf *rules, *subs, *patterns, *code, *limits, *triggers; // sections
    struct ov_buf *metadata, *magics, *icons, *pictures;               // likewise
    struct ov_buf *certificates, *listed, *links;                      // likewise
    struct ov_buf emit_patterns;                                       // struct ov_emit_pattern
    struct ov_buf fours;                                               // struct ov_emit_fours
    struct ov_buf parts;                                               // struct ov_emit_part
    struct ov_emit_plain *plain;                                       // owned
    struct ov_emit_places *places;                                     // owned
    uint32_t regex_count;
    uint32_t window_overlap;
    const struct ov_rule *rule; // at work
    bool is_plain;              // it is
    struct ov_buf costs;        // struct ov_rule_cost
    struct ov_build_report report;
};

// A part as clamscan keeps it, for the order in which it tells of rules. Those that it searches for
// with Boyer-Moore are not listed.
struct ov_emit_part {
    uint32_t code_at, rule;
    uint32_t front, back; // bytes from the part's start to the end of its path, and from there on
    uint32_t cell_count;  // as clamscan counts: a choice or a class is one
    uint32_t group;       // emit_order.c
    uint32_t block;       // of clamscan's memory
    uint16_t number;      // 0 if the pattern has no other, else from 1
    uint8_t target;
    uint8_t depth;    // bytes of the path
    uint8_t path[3];  // literal bytes by which clamscan finds the part
    bool is_from_end; // the distance to the end is fixed, the one from the start is not
    bool is_telling;  // a body rule is told when it is found
};

// How many bytes an element may match.
struct ov_emit_length {
    uint64_t min, max;
};

struct ov_emit_length ov_emit_measure(const struct ov_elem *elem);

// Whether a choice of single bytes (ALT) lets the byte through.
bool ov_emit_set_has(const struct ov_elem *set, uint8_t byte);

// Which paths clamscan's tree of one target already has.
struct ov_emit_tree {
    uint8_t ones[256 / 8], twos[65536 / 8]; // nodes after one and two bytes
    uint8_t inner[65536 / 8];               // those of twos that have branches
};

// How far clamscan's memory would be filled.
struct ov_emit_places {
    uint64_t bytes;
    struct ov_emit_tree trees[OV_IMAGE_TARGETS];
};

// Which three-byte blocks clamscan's Boyer-Moore tables already hold, for targets 0 and 1.
struct ov_emit_plain {
    bool is_used[2][OV_PLAIN_BLOCKS];
};

static inline uint32_t ov_emit_count(const struct ov_buf *table, size_t item_bytes) {
    return (uint32_t)(table->size / item_bytes);
}

// Writes one rule with its subsignatures, patterns, expression and limits, and finds each pattern's
// best window. emit_code.c
enum ov_status ov_emit_rule(struct ov_emit *emit, const struct ov_rule *rule);

// Writes what a rule asks of an object beside its bytes; the index, or OV_IMAGE_NONE when that is
// nothing. emit_limits.c
uint32_t ov_emit_limits(struct ov_emit *emit, const struct ov_rule *rule);

// Writes what a rule asks of members; `number` is the rule's. emit_metadata.c
void ov_emit_metadata(struct ov_emit *emit, const struct ov_rule *rule, uint32_t number);

// Writes a rule on certificates; `number` is the rule's. emit_trust.c
void ov_emit_certificate(struct ov_emit *emit, const struct ov_rule *rule, uint32_t number);

// Writes the files of catalogs. emit_trust.c
enum ov_status ov_emit_listed(struct ov_emit *emit);

// Writes the magics of file types. emit_metadata.c
enum ov_status ov_emit_magics(struct ov_emit *emit);

// Writes the icons. emit_limits.c
enum ov_status ov_emit_icons(struct ov_emit *emit);

// Puts the hashes of pictures, which stand in `pictures`, in order. emit_limits.c
enum ov_status ov_emit_pictures(struct ov_emit *emit);

// Writes the lists for links in mails. emit_links.c
enum ov_status ov_emit_links(struct ov_emit *emit);

// Fills in where clamscan would notice a match of a body rule: it decides which of several rules is
// told first. The rule's parts stand last in `parts`. emit_notice.c
void ov_emit_notice(struct ov_emit *emit, const struct ov_rule *rule, struct ov_image_rule *record);

// Chooses the part's literal bytes by which clamscan finds it. emit_notice.c
void ov_emit_path(const struct ov_elem *elems, uint32_t count, struct ov_emit_part *ret_part);

// Fills in the block of clamscan's memory, in the order of loading; the path stands. emit_address.c
void ov_emit_place_part(struct ov_emit_places *places, const struct ov_rule *rule,
                        struct ov_emit_part *part);
void ov_emit_place_plain(struct ov_emit_places *places, const struct ov_rule *rule);

// Fills in the order of all body rules that are noticed at one place. emit_order.c
enum ov_status ov_emit_order(struct ov_emit *emit);

// Chooses which subsignatures of the rule number `number` the filter looks for; adds their
// triggers. emit_cover.c
enum ov_status ov_emit_cover(struct ov_emit *emit, uint32_t number);

// Finds the best windows of a part whose record stands at `part_at` in CODE; better than *offers or
// not. emit_window.c
void ov_emit_window(const struct ov_elem *elems, uint32_t count, uint32_t part_at,
                    const struct ov_offset *offset, bool is_first, struct ov_offers *offers);

// Writes the filters, probes and always-lists of all targets. emit_filter.c
enum ov_status ov_emit_filters(struct ov_emit *emit);

// What the windows (struct ov_emit_tail_item) would cost in the tail: cycles for each byte of data,
// roughly. emit_tail.c
enum ov_status ov_emit_tail_cost(const struct ov_buf *windows, double *ret_cost);

// Puts the windows into as few groups of the tail as serve them well. emit_tail.c
enum ov_status ov_emit_tail(const struct ov_buf *windows, struct ov_buf *entries,
                            struct ov_buf *tails, uint32_t *ret_count);

// Writes the names of all rules and where they came from. emit_names.c
enum ov_status ov_emit_names(struct ov_emit *emit);
