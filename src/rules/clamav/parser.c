// SPDX-License-Identifier: Apache-2.0
// What the parsers of one rule share.
#include "rules/clamav/parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_ITEMS = 64 };

void ov_parser_init(struct ov_ruleset *set, struct ov_parser *ret_parser) {
    *ret_parser = (struct ov_parser){
        .set = set,
        .elems = {.item_bytes = sizeof(struct ov_elem)},
        .alts = {.item_bytes = sizeof(struct ov_seq)},
        .bytes = {.item_bytes = 2},
    };
}

void ov_parser_release(struct ov_parser *parser) {
    free(parser->elems.data);
    free(parser->alts.data);
    free(parser->bytes.data);
}

void ov_parser_start(struct ov_parser *parser, struct ov_span line) {
    parser->line = line;
    parser->where[0] = '\0';
    parser->reason[0] = '\0';
    parser->elems.count = 0;
    parser->alts.count = 0;
    parser->bytes.count = 0;
}

enum ov_status ov_parser_fail(struct ov_parser *parser, const uint8_t *at, const char *format,
                              ...) {
    char text[OV_PARSER_REASON_BYTES / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    char column[32] = "";
    if (at != NULL) {
        snprintf(column, sizeof column, " at column %zu", (size_t)(at - parser->line.data) + 1);
    }
    snprintf(parser->reason, sizeof parser->reason, "%s%s%s%s", parser->where,
             parser->where[0] != '\0' ? ": " : "", text, column);
    return OV_DAMAGED;
}

enum ov_status ov_parser_skip(struct ov_parser *parser, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(parser->reason, sizeof parser->reason, format, arguments);
    va_end(arguments);
    return OV_UNSUPPORTED;
}

enum ov_status ov_parser_note(struct ov_parser *parser, enum ov_status status,
                              struct ov_place place, struct ov_span name) {
    if (status == OV_DAMAGED || status == OV_UNSUPPORTED) {
        return ov_ruleset_add_problemf(parser->set, place, name, status == OV_UNSUPPORTED, "%s",
                                       parser->reason);
    }
    return status;
}

enum ov_status ov_parser_read_lines(struct ov_ruleset *set, uint32_t file, unsigned mode,
                                    ov_line_reader *read_line) {
    struct ov_parser parser OV_CLEANUP(ov_parser_release);
    ov_parser_init(set, &parser);
    struct ov_lines lines = {.bytes = set->files[file].bytes};
    struct ov_span line;
    while (ov_lines_next(&lines, &line)) {
        ov_parser_start(&parser, line);
        TRY(read_line(&parser, mode, (struct ov_place){.file = file, .line = lines.number}));
    }
    return OV_OK;
}

enum ov_status ov_parser_add_rule(struct ov_parser *parser, enum ov_status status,
                                  const struct ov_rule *rule) {
    struct ov_ruleset *set = parser->set;
    if (status != OV_OK) {
        return ov_parser_note(parser, status, rule->place, rule->name);
    }
    struct ov_rule *row;
    TRY(ov_ruleset_add_rule(set, &row));
    *row = *rule;
    row->name = ov_rule_name_cut(rule->name);
    row->is_pua = ov_rule_name_is_pua(rule->name);
    row->is_official = set->files[rule->place.file].is_official;
    return OV_OK;
}

enum ov_status ov_parser_alloc(struct ov_parser *parser, size_t count, size_t size,
                               void **ret_memory) {
    void *memory = ov_arena_array(&parser->set->arena, count, size);
    if (memory == NULL) {
        return OV_MEMORY;
    }
    *ret_memory = memory;
    return OV_OK;
}

enum ov_status ov_stack_push(struct ov_stack *stack, const void *item) {
    if (stack->count == stack->room) {
        size_t room = stack->room == 0 ? FIRST_ITEMS : stack->room * 2;
        uint8_t *data = reallocarray(stack->data, room, stack->item_bytes);
        if (data == NULL) {
            return OV_MEMORY;
        }
        stack->data = data;
        stack->room = room;
    }
    memcpy(stack->data + stack->count * stack->item_bytes, item, stack->item_bytes);
    stack->count++;
    return OV_OK;
}

enum ov_status ov_stack_take(struct ov_parser *parser, struct ov_stack *stack, size_t from,
                             const void **ret_items, size_t *ret_count) {
    size_t count = stack->count - from;
    void *items;
    TRY(ov_parser_alloc(parser, count, stack->item_bytes, &items));
    if (count > 0) {
        memcpy(items, stack->data + from * stack->item_bytes, count * stack->item_bytes);
    }
    stack->count = from;
    *ret_items = items;
    *ret_count = count;
    return OV_OK;
}
