// SPDX-License-Identifier: Apache-2.0
// The tail: patterns that no gram serves, put into buckets that let little else through.
//
// A bucket lets a window through when each of its bytes is allowed by some pattern of the bucket,
// so patterns that have little in common must not share one. Patterns are sorted by shape, each
// distinct window is a cluster, and neighbours are merged, cheapest first, until there are few
// enough.
#include "rules/emit_state.h"
#include "rules/grams.h"

#include <math.h>
#include <stdlib.h>

enum {
    GROUPS_MAX = 12,
    RUN_SHARE = 4, // one in so many bytes stands in a run of its own kind
    BUCKETS_MAX = GROUPS_MAX * OV_TAIL_BUCKETS,
};

// Cycles, roughly: one pass of a group for each byte, a window that is let through, an entry in it.
static const double GROUP_COST = 0.1, WINDOW_COST = 20, ENTRY_COST = 4;

struct item {
    struct ov_emit_tail_item of;
    uint32_t known; // positions that are not free
    bool is_run;    // one byte again and again
};

// Items [first, end) and what their bucket would let through.
struct cluster {
    uint32_t first, end;
    uint8_t allow[OV_TAIL_POSITIONS][32]; // bitmaps
    double cost;                          // cycles for each byte of data
};

static bool allows(const struct ov_window *window, unsigned position, uint8_t byte) {
    const struct ov_elem *set = window->sets[position];
    return (byte & window->mask[position]) == window->value[position] &&
           (set == NULL || ov_emit_set_has(set, byte));
}

// ---- items -------------------------------------------------------------------------------------

static struct item make_item(const struct ov_emit_tail_item *of) {
    const struct ov_window *window = of->window;
    struct item item = {.of = *of, .is_run = true};
    for (unsigned i = 0; i < OV_TAIL_POSITIONS; i++) {
        bool is_known = window->mask[i] != 0 || window->sets[i] != NULL;
        item.known += is_known;
        item.is_run = item.is_run && (!is_known || window->value[i] == window->value[0]);
    }
    return item;
}

// Runs apart, then by the number of known bytes, then by the bytes.
static int compare_items(const void *a, const void *b) {
    const struct item *left = a, *right = b;
    if (left->is_run != right->is_run) {
        return left->is_run ? -1 : 1;
    }
    if (left->known != right->known) {
        return left->known > right->known ? 1 : -1;
    }
    int order = memcmp(left->of.window->value, right->of.window->value, OV_TAIL_POSITIONS);
    if (order == 0) {
        order = memcmp(left->of.window->mask, right->of.window->mask, OV_TAIL_POSITIONS);
    }
    return order != 0 ? order : left->of.number > right->of.number ? 1 : -1;
}

static bool has_same_window(const struct item *a, const struct item *b) {
    const struct ov_window *left = a->of.window, *right = b->of.window;
    return memcmp(left->value, right->value, OV_TAIL_POSITIONS) == 0 &&
           memcmp(left->mask, right->mask, OV_TAIL_POSITIONS) == 0;
}

// ---- clusters ----------------------------------------------------------------------------------

// The cost of what a bucket lets through. Neighbouring bytes are not independent, hence the factor.
static double measure(const struct cluster *cluster) {
    double chance = 1, runs = 0;
    for (unsigned byte = 0; byte < 256; byte++) {
        bool is_everywhere = true;
        for (unsigned k = 0; k < OV_TAIL_POSITIONS; k++) {
            is_everywhere = is_everywhere && (cluster->allow[k][byte / 8] >> byte % 8 & 1) != 0;
        }
        runs += is_everywhere ? ov_byte_frequency((uint8_t)byte) / RUN_SHARE : 0;
    }
    for (unsigned k = 0; k < OV_TAIL_POSITIONS; k++) {
        double sum = 0;
        for (unsigned byte = 0; byte < 256; byte++) {
            bool is_allowed = (cluster->allow[k][byte / 8] >> byte % 8 & 1) != 0;
            sum += is_allowed ? ov_byte_frequency((uint8_t)byte) : 0;
        }
        chance *= sum * 3 < 1 ? sum * 3 : 1;
    }
    chance = chance < runs ? runs : chance;
    return chance * (WINDOW_COST + ENTRY_COST * (cluster->end - cluster->first));
}

static struct cluster unite(const struct cluster *left, const struct cluster *right) {
    struct cluster both = {.first = left->first, .end = right->end};
    for (unsigned k = 0; k < OV_TAIL_POSITIONS; k++) {
        for (unsigned i = 0; i < 32; i++) {
            both.allow[k][i] = left->allow[k][i] | right->allow[k][i];
        }
    }
    both.cost = measure(&both);
    return both;
}

static uint32_t make_clusters(const struct item *items, uint32_t count, struct cluster *clusters) {
    uint32_t made = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && has_same_window(&items[i], &items[i - 1])) {
            clusters[made - 1].end++;
        } else {
            clusters[made++] = (struct cluster){.first = i, .end = i + 1};
        }
        struct cluster *cluster = &clusters[made - 1];
        for (unsigned k = 0; k < OV_TAIL_POSITIONS; k++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                bool is_allowed = allows(items[i].of.window, k, (uint8_t)byte);
                cluster->allow[k][byte / 8] |= (uint8_t)((is_allowed ? 1u : 0) << byte % 8);
            }
        }
        cluster->cost = measure(cluster);
    }
    return made;
}

// Merges the two neighbours whose union costs least more; `extra[i]` is that for i and i + 1.
static void merge_cheapest(struct cluster *clusters, double *extra, uint32_t count) {
    uint32_t best = 0;
    for (uint32_t i = 1; i + 1 < count; i++) {
        best = extra[i] < extra[best] ? i : best;
    }
    clusters[best] = unite(&clusters[best], &clusters[best + 1]);
    memmove(&clusters[best + 1], &clusters[best + 2], (count - best - 2) * sizeof *clusters);
    memmove(&extra[best], &extra[best + 1], (count - best - 1) * sizeof *extra);
    count--;
    for (uint32_t i = best > 0 ? best - 1 : 0; i <= best && i + 1 < count; i++) {
        struct cluster both = unite(&clusters[i], &clusters[i + 1]);
        extra[i] = both.cost - clusters[i].cost - clusters[i + 1].cost;
    }
}

static double cost_of(const struct cluster *clusters, uint32_t count) {
    uint32_t groups = (count + OV_TAIL_BUCKETS - 1) / OV_TAIL_BUCKETS;
    double sum = groups * GROUP_COST;
    for (uint32_t i = 0; i < count; i++) {
        sum += clusters[i].cost;
    }
    return sum;
}

// Merges down to the number of clusters that costs least in all; returns it. `copy` has room for
// BUCKETS_MAX clusters.
static uint32_t merge_clusters(struct cluster *clusters, uint32_t count, double *extra,
                               struct cluster *copy) {
    for (uint32_t i = 0; i + 1 < count; i++) {
        struct cluster both = unite(&clusters[i], &clusters[i + 1]);
        extra[i] = both.cost - clusters[i].cost - clusters[i + 1].cost;
    }
    uint32_t best = 0;
    double best_cost = 0;
    for (; count > 0; count--) {
        double cost = cost_of(clusters, count);
        if (count <= BUCKETS_MAX && (best == 0 || cost < best_cost)) {
            best = count;
            best_cost = cost;
            memcpy(copy, clusters, count * sizeof *clusters);
        }
        if (count == 1) {
            break;
        }
        merge_cheapest(clusters, extra, count);
    }
    return best;
}

// ---- groups ------------------------------------------------------------------------------------

static void put_bucket(const struct item *items, const struct cluster *cluster, unsigned bucket,
                       struct ov_buf *entries, struct ov_image_tail *tail) {
    tail->entry_first[bucket] = ov_emit_count(entries, sizeof(struct ov_image_entry));
    tail->bucket_mask |= 1u << bucket;
    for (uint32_t i = cluster->first; i < cluster->end; i++) {
        const struct ov_window *window = items[i].of.window;
        struct ov_image_entry entry = {.trigger = items[i].of.trigger,
                                       .flags = i + 1 == cluster->end ? OV_ENTRY_LAST : 0};
        memcpy(&entry.value, window->value, 8);
        memcpy(&entry.mask, window->mask, 8);
        ov_buf_add(entries, &entry, sizeof entry);
    }
    uint8_t bit = (uint8_t)(1u << bucket);
    for (unsigned k = 0; k < OV_TAIL_POSITIONS; k++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            if ((cluster->allow[k][byte / 8] >> byte % 8 & 1) != 0) {
                tail->allow[byte] |= (uint64_t)1 << (8 * k + bucket);
                tail->sets[k][byte] |= bit;
                tail->nibbles[0][k][byte & 15] |= bit;
                tail->nibbles[1][k][byte >> 4] |= bit;
            }
        }
    }
}

// The positions that let least through first; those that let everything through are left out.
static void order_positions(struct ov_image_tail *tail) {
    double chances[OV_TAIL_POSITIONS];
    for (unsigned k = 0; k < OV_TAIL_POSITIONS; k++) {
        double sum = 0;
        bool is_open = true;
        for (unsigned byte = 0; byte < 256; byte++) {
            double share = (double)__builtin_popcount(tail->sets[k][byte]);
            sum += share * ov_byte_frequency((uint8_t)byte);
            is_open = is_open && tail->sets[k][byte] == tail->bucket_mask;
        }
        chances[k] = is_open ? INFINITY : sum;
    }
    for (unsigned k = 0; k < OV_TAIL_POSITIONS; k++) {
        unsigned best = 0;
        for (unsigned i = 1; i < OV_TAIL_POSITIONS; i++) {
            best = chances[i] < chances[best] ? i : best;
        }
        if (isinf(chances[best])) {
            break;
        }
        tail->order[tail->position_count++] = (uint8_t)best;
        chances[best] = INFINITY;
    }
}

static void put_groups(const struct item *items, const struct cluster *clusters, uint32_t count,
                       struct ov_buf *entries, struct ov_buf *tails) {
    for (uint32_t first = 0; first < count; first += OV_TAIL_BUCKETS) {
        struct ov_image_tail tail = {0};
        for (unsigned bucket = 0; bucket < OV_TAIL_BUCKETS; bucket++) {
            tail.entry_first[bucket] = OV_IMAGE_NONE;
            if (first + bucket < count) {
                put_bucket(items, &clusters[first + bucket], bucket, entries, &tail);
            }
        }
        order_positions(&tail);
        ov_buf_add(tails, &tail, sizeof tail);
    }
}

// The work on one set of patterns.
struct plan {
    struct item *items;
    struct cluster *clusters, *best;
    double *extra;
    uint32_t bucket_count;
};

static void release_plan(struct plan *plan) {
    free(plan->items);
    free(plan->clusters);
    free(plan->best);
    free(plan->extra);
}

// Chooses the buckets of the windows; `ret_plan` is released by the caller.
static enum ov_status make_plan(const struct ov_buf *windows, struct plan *ret_plan) {
    const struct ov_emit_tail_item *list = (const struct ov_emit_tail_item *)windows->data;
    uint32_t count = ov_emit_count(windows, sizeof *list);
    *ret_plan = (struct plan){0};
    TRY(ov_buf_status(windows));
    if (count == 0) {
        return OV_OK;
    }
    ret_plan->items = calloc(count, sizeof *ret_plan->items);
    ret_plan->clusters = calloc(count, sizeof *ret_plan->clusters);
    ret_plan->best = calloc(BUCKETS_MAX, sizeof *ret_plan->best);
    ret_plan->extra = calloc(count, sizeof *ret_plan->extra);
    if (ret_plan->items == NULL || ret_plan->clusters == NULL || ret_plan->best == NULL ||
        ret_plan->extra == NULL) {
        return OV_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        ret_plan->items[i] = make_item(&list[i]);
    }
    qsort(ret_plan->items, count, sizeof *ret_plan->items, compare_items);
    uint32_t made = make_clusters(ret_plan->items, count, ret_plan->clusters);
    ret_plan->bucket_count =
        merge_clusters(ret_plan->clusters, made, ret_plan->extra, ret_plan->best);
    return OV_OK;
}

enum ov_status ov_emit_tail_cost(const struct ov_buf *windows, double *ret_cost) {
    struct plan plan;
    enum ov_status status = make_plan(windows, &plan);
    if (status == OV_OK) {
        *ret_cost = cost_of(plan.best, plan.bucket_count);
    }
    release_plan(&plan);
    return status;
}

enum ov_status ov_emit_tail(const struct ov_buf *windows, struct ov_buf *entries,
                            struct ov_buf *tails, uint32_t *ret_count) {
    struct plan plan;
    enum ov_status status = make_plan(windows, &plan);
    if (status == OV_OK) {
        put_groups(plan.items, plan.best, plan.bucket_count, entries, tails);
        *ret_count = ov_emit_count(tails, sizeof(struct ov_image_tail));
        status = ov_buf_status(tails);
    }
    release_plan(&plan);
    return status;
}
