// SPDX-License-Identifier: Apache-2.0
//
// What the parsers of one rule share: where we are, why it failed, and scratch stacks.
//
// A parser belongs to one source and is used for one line after another. Parsed pieces go to the
// set's arena. Every parsing function returns OV_OK; OV_DAMAGED or OV_UNSUPPORTED with the reason
// in parser.reason (the line is then a problem or a skip); or OV_MEMORY, which ends the reading.
#pragma once

#include "rules/reader.h"

enum { OV_PARSER_REASON_BYTES = 320, OV_PARSER_WHERE_BYTES = 40 };

// A growing stack of items of one size, reused from line to line.
struct ov_stack {
    uint8_t *data;
    size_t item_bytes;
    size_t count;
    size_t room;
};

struct ov_parser {
    struct ov_ruleset *set;
    struct ov_span line;               // the whole rule, for columns
    char where[OV_PARSER_WHERE_BYTES]; // "subsignature 2", or empty
    char reason[OV_PARSER_REASON_BYTES];
    struct ov_stack elems; // struct ov_elem
    struct ov_stack alts;  // struct ov_seq
    struct ov_stack bytes; // pairs of value and mask
};

void ov_parser_init(struct ov_ruleset *set, struct ov_parser *ret_parser);
void ov_parser_release(struct ov_parser *parser);

// Starts on another rule.
void ov_parser_start(struct ov_parser *parser, struct ov_span line);

// Notes why the rule cannot be read and returns OV_DAMAGED. The sentence becomes "WHERE: ... at
// column N", or has no column when `at` is NULL.
enum ov_status ov_parser_fail(struct ov_parser *parser, const uint8_t *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Notes why the rule is left out and returns OV_UNSUPPORTED.
enum ov_status ov_parser_skip(struct ov_parser *parser, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Ends the reading of what could not be read: with OV_DAMAGED or OV_UNSUPPORTED the reason is noted
// as a problem of the rule of that name, and OV_OK is returned; any other status is handed back.
enum ov_status ov_parser_note(struct ov_parser *parser, enum ov_status status,
                              struct ov_place place, struct ov_span name);

// Ends the reading of a rule: with OV_OK it is added to the set; any other status goes through
// ov_parser_note().
enum ov_status ov_parser_add_rule(struct ov_parser *parser, enum ov_status status,
                                  const struct ov_rule *rule);

// Reads the line that the parser was started on and adds what it says to the set. What cannot be
// read is noted, and is no error of the file.
typedef enum ov_status ov_line_reader(struct ov_parser *parser, unsigned mode,
                                      struct ov_place place);

// Every rule of a file that has one a line. The first status that is not OV_OK ends it.
enum ov_status ov_parser_read_lines(struct ov_ruleset *set, uint32_t file, unsigned mode,
                                    ov_line_reader *read_line);

// Zeroed memory of the set.
enum ov_status ov_parser_alloc(struct ov_parser *parser, size_t count, size_t size,
                               void **ret_memory);

// Pushes a copy of one item.
enum ov_status ov_stack_push(struct ov_stack *stack, const void *item);

// Copies the items from `from` to the top into the set's memory and takes them off the stack.
enum ov_status ov_stack_take(struct ov_parser *parser, struct ov_stack *stack, size_t from,
                             const void **ret_items, size_t *ret_count);
