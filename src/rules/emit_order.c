// SPDX-License-Identifier: Apache-2.0
// Which of two body rules clamscan tells of first when it notices both at one place.
//
// Plain patterns: the one loaded last. Others: the one whose part has the longer path in the tree.
// Parts that have one path stand in a list. Equal parts stand together in it, under the lowest part
// number among them; groups with a low number come first, then large groups. What is still equal is
// ordered by its address in clamscan's memory. That comes in blocks, each new one below the one
// before, and a block is filled upwards: of two rules in one block the one loaded first stands
// first, of two in different blocks the one loaded last. Where a block ends is estimated here.
#include "rules/emit_state.h"

#include <stdlib.h>

// Parts of one target that match the same.
struct group {
    uint32_t first; // index of a part of it
    uint32_t count;
    uint32_t head; // the part that stands first
};

struct order {
    struct ov_emit *emit;
    struct ov_emit_part *parts;
    uint32_t count;
    struct group *groups;
    uint32_t *buckets; // of groups, open addressing; OV_IMAGE_NONE is free
    uint32_t mask;
};

// ---- groups ------------------------------------------------------------------------------------

// A part's code without what clamscan does not compare: distances.
static struct ov_image_part read_head(const struct order *order, uint32_t index) {
    struct ov_image_part head;
    memcpy(&head, order->emit->code->data + order->parts[index].code_at, sizeof head);
    head.gap_min = head.gap_max = 0;
    head.left.min = head.left.max = head.right.min = head.right.max = 0;
    return head;
}

static const uint8_t *elems_of(const struct order *order, uint32_t index) {
    return order->emit->code->data + order->parts[index].code_at + sizeof(struct ov_image_part);
}

static bool is_equal(const struct order *order, uint32_t a, uint32_t b) {
    struct ov_image_part left = read_head(order, a), right = read_head(order, b);
    return order->parts[a].target == order->parts[b].target &&
           memcmp(&left, &right, sizeof left) == 0 &&
           memcmp(elems_of(order, a), elems_of(order, b), left.elem_bytes) == 0;
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size) {
    const uint8_t *data = bytes;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ data[i]) * 0x100000001b3u;
    }
    return hash ^ hash >> 29;
}

static uint32_t find_bucket(const struct order *order, uint32_t index) {
    struct ov_image_part head = read_head(order, index);
    uint64_t hash =
        hash_bytes(0xcbf29ce484222325u + order->parts[index].target, &head, sizeof head);
    uint32_t at = (uint32_t)hash_bytes(hash, elems_of(order, index), head.elem_bytes);
    for (;; at++) {
        uint32_t group = order->buckets[at & order->mask];
        if (group == OV_IMAGE_NONE || is_equal(order, order->groups[group].first, index)) {
            return at & order->mask;
        }
    }
}

static int compare_numbers(uint64_t left, uint64_t right) {
    return (left > right) - (left < right);
}

static int compare_addresses(const struct order *order, uint32_t left, uint32_t right) {
    int by_block = compare_numbers(order->parts[right].block, order->parts[left].block);
    return by_block != 0 ? by_block : compare_numbers(left, right);
}

static int compare_in_group(const struct order *order, uint32_t left, uint32_t right) {
    int by_number = compare_numbers(order->parts[left].number, order->parts[right].number);
    return by_number != 0 ? by_number : compare_addresses(order, left, right);
}

static void make_groups(struct order *order) {
    uint32_t group_count = 0;
    for (uint32_t i = 0; i < order->count; i++) {
        struct ov_emit_part *part = &order->parts[i];
        uint32_t *bucket = &order->buckets[find_bucket(order, i)];
        if (*bucket == OV_IMAGE_NONE) {
            *bucket = group_count++;
            order->groups[*bucket] = (struct group){.first = i, .head = i};
        }
        struct group *group = &order->groups[*bucket];
        part->group = *bucket;
        group->count++;
        if (i != group->first && compare_in_group(order, i, group->head) < 0) {
            group->head = i;
        }
    }
}

// ---- the order ---------------------------------------------------------------------------------

static int compare_parts(const void *a, const void *b, void *arg) {
    const struct order *order = arg;
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    const struct ov_emit_part *parts = order->parts;
    const struct group *left_group = &order->groups[parts[left].group];
    const struct group *right_group = &order->groups[parts[right].group];
    int by_depth = compare_numbers(parts[right].depth, parts[left].depth);
    if (by_depth != 0) {
        return by_depth;
    }
    if (left_group == right_group) {
        return compare_in_group(order, left, right);
    }
    int by_number =
        compare_numbers(parts[left_group->head].number, parts[right_group->head].number);
    int by_count = compare_numbers(right_group->count, left_group->count);
    return by_number != 0  ? by_number
           : by_count != 0 ? by_count
                           : compare_addresses(order, left_group->head, right_group->head);
}

// Numbers the rules: those that are told by a part in the order of these parts.
static void write_order(struct order *order, uint32_t *telling) {
    struct ov_image_rule *rules = (struct ov_image_rule *)order->emit->rules->data;
    uint32_t rule_count = ov_emit_count(order->emit->rules, sizeof *rules), count = 0;
    for (uint32_t i = 0; i < rule_count; i++) {
        rules[i].order = rule_count - 1 - i;
    }
    for (uint32_t i = 0; i < order->count; i++) {
        if (order->parts[i].is_telling) {
            telling[count++] = i;
        }
    }
    qsort_r(telling, count, sizeof *telling, compare_parts, order);
    for (uint32_t i = 0; i < count; i++) {
        rules[order->parts[telling[i]].rule].order = i;
    }
}

enum ov_status ov_emit_order(struct ov_emit *emit) {
    TRY(ov_buf_status(&emit->parts));
    TRY(ov_buf_status(emit->rules));
    TRY(ov_buf_status(emit->code));
    struct order order = {.emit = emit,
                          .parts = (struct ov_emit_part *)emit->parts.data,
                          .count = ov_emit_count(&emit->parts, sizeof(struct ov_emit_part))};
    size_t size = 16;
    while (size < (size_t)order.count * 2) {
        size *= 2;
    }
    order.mask = (uint32_t)(size - 1);
    order.groups = calloc(order.count + (size_t)1, sizeof *order.groups);
    order.buckets = malloc(size * sizeof *order.buckets);
    uint32_t *telling = malloc((order.count + (size_t)1) * sizeof *telling);
    bool has_room = order.groups != NULL && order.buckets != NULL && telling != NULL;
    if (has_room) {
        memset(order.buckets, 0xff, size * sizeof *order.buckets);
        make_groups(&order);
        write_order(&order, telling);
    }
    free(order.groups);
    free(order.buckets);
    free(telling);
    return has_room ? OV_OK : OV_MEMORY;
}
