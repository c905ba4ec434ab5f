// SPDX-License-Identifier: Apache-2.0
//
// Kernels that push blocks of many messages through one digest side by side, one message a lane.
//
// Private to match/digest_many*.c and their tests. A kernel knows nothing of lengths or padding:
// the scheduler in digest_many.c gives it whole blocks.
#pragma once

#include "base/digest.h"

// Written out, so many steps at a time; but not where sanitizers look after each of them, which the
// compiler would take a minute for, nor where it does not optimize at all.
#if defined __SANITIZE_ADDRESS__ || !defined __OPTIMIZE__
#define UNROLL(times)
#else
#define UNROLL_PRAGMA(text) _Pragma(#text)
#define UNROLL(times)       UNROLL_PRAGMA(GCC unroll times)
#endif

enum {
    OV_LANES_MAX = 16,   // in one group
    OV_LANES_GROUPS = 2, // that a kernel may run at once, taking turns step by step
    OV_LANES_ALIGN = 64, // of a kernel's state, in bytes
    OV_SINGLES = 2,      // messages in plain registers, beside the lanes
    OV_SINGLES_PACE = 2, // blocks of each of these to one block of each lane
};

// Eats `count` whole blocks of each lane of `groups` groups. Word w of lane l of group g stands at
// state[(g * OV_DIGEST_WORDS + w) * lanes + l], its blocks at data[g * lanes + l]; data is not
// aligned. Lanes without work may point where another lane points.
typedef void ov_lanes_fn(uint32_t *state, const uint8_t *const *data, size_t count,
                         unsigned groups);

// Messages that are not in a lane; `at` moves on.
struct ov_singles {
    uint32_t state[OV_SINGLES][4]; // MD5 alone
    const uint8_t *at[OV_SINGLES];
};

// The same with two messages beside the lanes, which cost next to nothing there and get on twice as
// fast: that is what the longest ones need.
typedef void ov_lanes_mixed_fn(uint32_t *state, const uint8_t *const *data, size_t count,
                               unsigned groups, struct ov_singles *singles);

struct ov_lanes_kernel {
    const char *name;
    unsigned lanes;                // of a group; 0: every message goes through the single engine
    uint8_t groups[OV_HASH_KINDS]; // 1 or 2, whichever is faster when there is work for all
    ov_lanes_fn *blocks[OV_HASH_KINDS];
    ov_lanes_mixed_fn *mixed_md5; // NULL where there are no lanes
    // With fewer messages than this left, one after another is faster: with a plain single engine,
    // and with the processor's own instructions (measured with bench/digest.c). More than there are
    // lanes: always.
    uint8_t worth_plain[OV_HASH_KINDS], worth_native[OV_HASH_KINDS];
};

extern const struct ov_lanes_kernel ov_lanes_none;
// x86-64 alone; may be called only where the processor has the instructions.
extern const struct ov_lanes_kernel ov_lanes_avx2;
extern const struct ov_lanes_kernel ov_lanes_avx512;

// The kernels of this processor, best first, ended by NULL; ov_lanes_none is always the last.
const struct ov_lanes_kernel *const *ov_lanes_list(void);

// Makes ov_digest_many use `kernel`; NULL goes back to the best one. Tests and benches only.
void ov_lanes_set(const struct ov_lanes_kernel *kernel);
