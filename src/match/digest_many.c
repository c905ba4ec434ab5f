// SPDX-License-Identifier: Apache-2.0
// Deals objects out to the lanes of a digest kernel, and gives a lane its next object when one
// ends. Where a few long objects would have to wait for themselves in the end, the two longest run
// beside the lanes, in plain registers, twice as fast (MD5).
#include "match/digest_many.h"
#include "base/digest_md5.h"
#include "match/digest_lanes.h"

#include <stdatomic.h>

// Objects are sorted by size within a window of this many, so that long ones start first and the
// lanes come to their ends together.
enum { WINDOW_JOBS = 256, LANES_MAX = OV_LANES_MAX * OV_LANES_GROUPS };

// Messages on their way: those in lanes, then those in plain registers.
enum { SINGLES_AT = LANES_MAX, SLOTS_MAX = LANES_MAX + OV_SINGLES };

// The two singles end this many objects of one length in the time that a lane needs for one, as
// they take over what is half done.
enum { LONG_JOBS = 8 };

// An idle lane has this many blocks left: more than any busy one.
#define IDLE_BLOCKS SIZE_MAX

// One message on its way: first its own whole blocks, then the padded tail.
struct lane {
    struct ov_digest_job *job; // NULL: the lane is idle
    bool is_in_tail;
    uint8_t tail[2 * OV_DIGEST_BLOCK];
};

struct run {
    enum ov_hash_kind kind;
    const struct ov_lanes_kernel *kernel;
    unsigned lane_count; // of all groups
    unsigned busy_count; // lanes with a job, singles not counted
    struct ov_digest_job **queue;
    size_t queue_size, queue_next;
    const uint8_t *at[SLOTS_MAX]; // each lane's next block
    size_t blocks[SLOTS_MAX];     // left there: at least 1, or IDLE_BLOCKS
    struct lane lanes[SLOTS_MAX];
    struct ov_singles singles;
    _Alignas(OV_LANES_ALIGN) uint32_t state[OV_DIGEST_WORDS * LANES_MAX]; // digest_lanes.h
};

// The kernel that a test asked for.
static _Atomic(const struct ov_lanes_kernel *) forced_kernel;

const struct ov_lanes_kernel ov_lanes_none = {
    .name = "one by one",
    .worth_plain = {1, 1, 1}, // more than the lanes that it has
    .worth_native = {1, 1, 1},
};

const struct ov_lanes_kernel *const *ov_lanes_list(void) {
#if defined(__x86_64__)
    static const struct ov_lanes_kernel *const all[] = {&ov_lanes_avx512, &ov_lanes_avx2,
                                                        &ov_lanes_none, NULL};
    // Whatever the kernels' files are compiled for, so that the compiler may use it.
    bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
    bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vbmi");
    return has_avx512 ? all : has_avx2 ? all + 1 : all + 2;
#else
    static const struct ov_lanes_kernel *const all[] = {&ov_lanes_none, NULL};
    return all;
#endif
}

void ov_lanes_set(const struct ov_lanes_kernel *kernel) {
    atomic_store_explicit(&forced_kernel, kernel, memory_order_relaxed);
}

static const struct ov_lanes_kernel *choose_kernel(void) {
    const struct ov_lanes_kernel *kernel =
        atomic_load_explicit(&forced_kernel, memory_order_relaxed);
    return kernel != NULL ? kernel : ov_lanes_list()[0];
}

uint8_t *ov_digest_job_bytes(struct ov_digest_job *job, enum ov_hash_kind kind) {
    switch (kind) {
    case OV_HASH_MD5:
        return job->md5;
    case OV_HASH_SHA1:
        return job->sha1;
    default:
        return job->sha256;
    }
}

// Where a word of a lane's state stands.
static uint32_t *find_word(struct run *run, unsigned index, unsigned word) {
    if (index >= SINGLES_AT) {
        return &run->singles.state[index - SINGLES_AT][word];
    }
    unsigned lanes = run->kernel->lanes;
    return &run->state[(index / lanes * OV_DIGEST_WORDS + word) * lanes + index % lanes];
}

// A single has room for no more than its digest needs.
static unsigned count_words(const struct run *run) {
    return run->kind == OV_HASH_MD5 ? 4 : OV_DIGEST_WORDS;
}

static void enter_tail(struct run *run, unsigned index) {
    struct lane *lane = &run->lanes[index];
    struct ov_span bytes = lane->job->bytes;
    size_t rest = bytes.size % OV_DIGEST_BLOCK;
    struct ov_span tail = ov_span_part(bytes, bytes.size - rest, rest);
    run->blocks[index] = ov_digest_pad(run->kind, tail, bytes.size, lane->tail);
    run->at[index] = lane->tail;
    lane->is_in_tail = true;
}

// Gives the lane the next object of the queue, or lets it rest.
static void refill_lane(struct run *run, unsigned index) {
    struct lane *lane = &run->lanes[index];
    if (run->queue_next == run->queue_size) {
        lane->job = NULL;
        run->blocks[index] = IDLE_BLOCKS;
        return;
    }
    lane->job = run->queue[run->queue_next++];
    lane->is_in_tail = false;
    run->at[index] = lane->job->bytes.data;
    run->blocks[index] = lane->job->bytes.size / OV_DIGEST_BLOCK;
    if (run->blocks[index] == 0) {
        enter_tail(run, index);
    }
    const uint32_t *start = ov_digest_start(run->kind);
    for (unsigned word = 0; word < count_words(run); word++) {
        *find_word(run, index, word) = start[word];
    }
    run->busy_count += index < SINGLES_AT;
}

static void copy_state(struct run *run, unsigned index, uint32_t ret_state[OV_DIGEST_WORDS]) {
    for (unsigned word = 0; word < count_words(run); word++) {
        ret_state[word] = *find_word(run, index, word);
    }
}

// The lane ate all its blocks: on to the tail, or to the next object.
static void advance_lane(struct run *run, unsigned index) {
    struct lane *lane = &run->lanes[index];
    if (!lane->is_in_tail) {
        enter_tail(run, index);
        return;
    }
    uint32_t state[OV_DIGEST_WORDS];
    copy_state(run, index, state);
    ov_digest_store(run->kind, state, ov_digest_job_bytes(lane->job, run->kind));
    run->busy_count--;
    refill_lane(run, index);
}

static void move_lane(struct run *run, unsigned from, unsigned to) {
    struct lane *source = &run->lanes[from], *target = &run->lanes[to];
    *target = *source;
    run->blocks[to] = run->blocks[from];
    run->at[to] =
        source->is_in_tail ? target->tail + (run->at[from] - source->tail) : run->at[from];
    for (unsigned word = 0; word < count_words(run); word++) {
        *find_word(run, to, word) = *find_word(run, from, word);
    }
    source->job = NULL;
    run->blocks[from] = IDLE_BLOCKS;
}

// When the objects left fit into the first group of lanes, moves them there. Returns how many
// groups have to run.
static unsigned gather_lanes(struct run *run) {
    unsigned lanes = run->kernel->lanes;
    if (run->busy_count == 0) {
        return 0;
    }
    if (run->lane_count == lanes || run->busy_count > lanes) {
        return run->lane_count / lanes;
    }
    unsigned free_at = 0;
    for (unsigned i = lanes; i < run->lane_count; i++) {
        if (run->lanes[i].job != NULL) {
            while (run->lanes[free_at].job != NULL) {
                free_at++;
            }
            move_lane(run, i, free_at);
        }
    }
    run->lane_count = lanes; // nothing is left in the queue that could ask for more
    return 1;
}

// Lets idle lanes read what a busy one reads anyway.
static void aim_idle_lanes(struct run *run) {
    const uint8_t *any = NULL;
    for (unsigned i = 0; any == NULL; i++) {
        any = run->lanes[i].job != NULL ? run->at[i] : NULL;
    }
    for (unsigned i = 0; i < run->lane_count; i++) {
        run->at[i] = run->lanes[i].job != NULL ? run->at[i] : any;
    }
}

// Readies the lanes for a step. Returns how many groups have to run, and how far the lane goes that
// is next to end.
static unsigned prepare_lanes(struct run *run, size_t *ret_step) {
    unsigned groups = gather_lanes(run);
    if (groups > 0 && run->busy_count < run->lane_count) {
        aim_idle_lanes(run);
    }
    *ret_step = IDLE_BLOCKS;
    for (unsigned i = 0; i < run->lane_count; i++) {
        *ret_step = run->blocks[i] < *ret_step ? run->blocks[i] : *ret_step;
    }
    return groups;
}

static void advance_lanes(struct run *run, size_t step) {
    for (unsigned i = 0; i < run->lane_count; i++) {
        if (run->blocks[i] == IDLE_BLOCKS) {
            continue;
        }
        run->at[i] += step * OV_DIGEST_BLOCK;
        run->blocks[i] -= step;
        if (run->blocks[i] == 0) {
            advance_lane(run, i);
        }
    }
}

static void step_lanes(struct run *run) {
    size_t step;
    unsigned groups = prepare_lanes(run, &step);
    run->kernel->blocks[run->kind](run->state, run->at, step, groups);
    advance_lanes(run, step);
}

// Ends an object without the others.
static void end_lane(struct run *run, unsigned index) {
    ov_digest_blocks_fn *blocks = ov_digest_engine()->blocks[run->kind];
    struct lane *lane = &run->lanes[index];
    uint32_t state[OV_DIGEST_WORDS];
    copy_state(run, index, state);
    blocks(state, run->at[index], run->blocks[index]);
    if (!lane->is_in_tail) {
        enter_tail(run, index);
        blocks(state, run->at[index], run->blocks[index]);
    }
    ov_digest_store(run->kind, state, ov_digest_job_bytes(lane->job, run->kind));
    lane->job = NULL;
}

// Ends the objects that are left in the lanes, one after another.
static void drain_lanes(struct run *run) {
    for (unsigned i = 0; i < run->lane_count; i++) {
        if (run->lanes[i].job != NULL) {
            end_lane(run, i);
        }
    }
}

// ---- the longest two beside the lanes ---------------------------------------------------------

// Gives a single the object that has most before it: out of a lane, or the next of the queue.
static void refill_single(struct run *run, unsigned index) {
    unsigned longest = 0;
    size_t most = 0;
    for (unsigned i = 0; i < run->lane_count; i++) {
        if (run->lanes[i].job != NULL && run->blocks[i] > most) {
            longest = i;
            most = run->blocks[i];
        }
    }
    bool has_next = run->queue_next < run->queue_size;
    if (most == 0 ||
        (has_next && run->queue[run->queue_next]->bytes.size / OV_DIGEST_BLOCK > most)) {
        refill_lane(run, index);
        return;
    }
    move_lane(run, longest, index);
    run->busy_count--;
    refill_lane(run, longest);
}

// Two messages in turns, without lanes beside them.
static void run_pair(struct ov_singles *singles, size_t count) {
    for (size_t at = 0; at < count; at++) {
        uint32_t words[OV_SINGLES][4];
        memcpy(words, singles->state, sizeof words);
        UNROLL(64)
        for (unsigned i = 0; i < 64; i++) {
            ov_md5_step(words[0], singles->at[0], i);
            ov_md5_step(words[1], singles->at[1], i);
        }
        UNROLL(4)
        for (unsigned i = 0; i < 4; i++) {
            singles->state[0][i] += words[0][i];
            singles->state[1][i] += words[1][i];
        }
        singles->at[0] += OV_DIGEST_BLOCK;
        singles->at[1] += OV_DIGEST_BLOCK;
    }
}

// Makes both singles ready for a step: with OV_SINGLES_PACE blocks or more before them. False when
// fewer than two objects are left; these are ended.
static bool prepare_singles(struct run *run) {
    for (unsigned i = SINGLES_AT; i < SLOTS_MAX; i++) {
        while (run->lanes[i].job != NULL &&
               (run->lanes[i].is_in_tail || run->blocks[i] < OV_SINGLES_PACE)) {
            end_lane(run, i);
            refill_single(run, i);
        }
    }
    if (run->lanes[SINGLES_AT].job != NULL && run->lanes[SINGLES_AT + 1].job != NULL) {
        return true;
    }
    for (unsigned i = SINGLES_AT; i < SLOTS_MAX; i++) {
        if (run->lanes[i].job != NULL) {
            end_lane(run, i);
        }
    }
    return false;
}

static void step_mixed(struct run *run) {
    size_t step;
    unsigned groups = prepare_lanes(run, &step);
    for (unsigned i = SINGLES_AT; i < SLOTS_MAX; i++) {
        size_t most = run->blocks[i] / OV_SINGLES_PACE;
        step = most < step ? most : step;
        run->singles.at[i - SINGLES_AT] = run->at[i];
    }
    if (groups > 0) {
        run->kernel->mixed_md5(run->state, run->at, step, groups, &run->singles);
        advance_lanes(run, step);
    } else {
        run_pair(&run->singles, step * OV_SINGLES_PACE);
    }
    for (unsigned i = SINGLES_AT; i < SLOTS_MAX; i++) {
        run->at[i] = run->singles.at[i - SINGLES_AT];
        run->blocks[i] -= step * OV_SINGLES_PACE; // may be 0 until prepare_singles
    }
}

// ---- dealing out ------------------------------------------------------------------------------

// The fewest lanes with work for which the kernel beats the single engine.
static unsigned find_worth(const struct ov_lanes_kernel *kernel, enum ov_hash_kind kind) {
    bool is_native = ov_digest_engine() != &ov_digest_plain;
    return is_native ? kernel->worth_native[kind] : kernel->worth_plain[kind];
}

// Whether the lanes come to their ends together by themselves: no object has more than its share of
// a lane before it, or more are about as long as the longest than the singles could take off the
// lanes in the same time. `queue` is sorted, longest first.
static bool is_even(const struct ov_lanes_kernel *kernel, enum ov_hash_kind kind,
                    struct ov_digest_job **queue, size_t queue_size) {
    uint64_t lanes = kernel->lanes * kernel->groups[kind];
    uint64_t longest = queue[0]->bytes.size;
    uint64_t sum = 0;
    for (size_t i = 0; i < queue_size; i++) {
        sum += queue[i]->bytes.size;
    }
    bool are_many_long =
        queue_size > LONG_JOBS && queue[LONG_JOBS]->bytes.size >= longest - longest / 5;
    return lanes > 0 && (sum / lanes >= longest || are_many_long);
}

static void run_mixed(struct run *run) {
    for (unsigned i = SINGLES_AT; i < SLOTS_MAX; i++) {
        refill_lane(run, i);
    }
    for (unsigned i = 0; i < run->lane_count; i++) {
        refill_lane(run, i);
    }
    while (prepare_singles(run)) {
        step_mixed(run);
    }
}

static void run_lanes(struct run *run) {
    for (unsigned i = 0; i < run->lane_count; i++) {
        refill_lane(run, i);
    }
    unsigned worth = find_worth(run->kernel, run->kind);
    while (run->busy_count > 0 && run->busy_count >= worth) {
        step_lanes(run);
    }
    drain_lanes(run);
}

static void run_queue(const struct ov_lanes_kernel *kernel, enum ov_hash_kind kind,
                      struct ov_digest_job **queue, size_t queue_size) {
    struct run run;
    run.kind = kind;
    run.kernel = kernel;
    run.lane_count = kernel->lanes * kernel->groups[kind];
    run.busy_count = 0;
    run.queue = queue;
    run.queue_size = queue_size;
    run.queue_next = 0;
    memset(run.state, 0, sizeof run.state);
    if (kind == OV_HASH_MD5 && !is_even(kernel, kind, queue, queue_size)) {
        run_mixed(&run);
    } else {
        run_lanes(&run);
    }
}

static void run_kind(const struct ov_lanes_kernel *kernel, enum ov_hash_kind kind,
                     struct ov_digest_job **jobs, size_t count) {
    struct ov_digest_job *queue[WINDOW_JOBS];
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++) {
        if ((jobs[i]->kinds & 1u << kind) != 0) {
            queue[wanted++] = jobs[i];
        }
    }
    unsigned worth = kind == OV_HASH_MD5 ? OV_SINGLES : find_worth(kernel, kind);
    bool has_way = kind == OV_HASH_MD5 || worth <= kernel->lanes;
    if (has_way && wanted >= worth) {
        run_queue(kernel, kind, queue, wanted);
        return;
    }
    for (size_t i = 0; i < wanted; i++) {
        ov_digest_of(kind, queue[i]->bytes, ov_digest_job_bytes(queue[i], kind));
    }
}

// Shell sort, longest object first: few items, no memory, and the order is only a help.
static void sort_by_size(struct ov_digest_job **jobs, size_t count) {
    static const size_t gaps[] = {132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++) {
        for (size_t i = gaps[g]; i < count; i++) {
            struct ov_digest_job *job = jobs[i];
            size_t at = i;
            for (; at >= gaps[g] && jobs[at - gaps[g]]->bytes.size < job->bytes.size;
                 at -= gaps[g]) {
                jobs[at] = jobs[at - gaps[g]];
            }
            jobs[at] = job;
        }
    }
}

void ov_digest_many(struct ov_digest_job *jobs, size_t count) {
    const struct ov_lanes_kernel *kernel = choose_kernel();
    for (size_t first = 0; first < count; first += WINDOW_JOBS) {
        size_t size = count - first < WINDOW_JOBS ? count - first : WINDOW_JOBS;
        struct ov_digest_job *window[WINDOW_JOBS];
        for (size_t i = 0; i < size; i++) {
            window[i] = &jobs[first + i];
        }
        sort_by_size(window, size);
        for (unsigned kind = 0; kind < OV_HASH_KINDS; kind++) {
            run_kind(kernel, kind, window, size);
        }
    }
}
