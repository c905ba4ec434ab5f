// SPDX-License-Identifier: Apache-2.0
//
// What the readers of programs packed by UPX share: its compressions and its filters.
//
// Nothing is ever executed: the stub in the file only tells where the packed bytes lie. Worker
// process only.
#pragma once

#include "format/walk.h"

// Numbers of UPX for its methods (in words of 32 bits, the only ones in PE and ELF of today).
enum {
    OV_UPX_NRV2B = 2,
    OV_UPX_NRV2D = 5,
    OV_UPX_NRV2E = 8,
    OV_UPX_LZMA = 14,
};

// A packed run. `plain_bytes`: how many it unpacks to, or at most.
struct ov_upx_run {
    struct ov_span packed;
    unsigned method;
    uint64_t plain_bytes;
};

// Unpacks a run and appends to `plain`. OV_OK: all of it, or up to its own end mark; OV_DAMAGED,
// OV_LIMIT: `plain` holds what came before; OV_UNSUPPORTED: another method; OV_MEMORY.
enum ov_status ov_upx_unpack(const struct ov_upx_run *run, struct ov_walk *walk,
                             struct ov_buf *plain);

// Undoes the filter for calls and jumps of x86 in `size` bytes of `code`, which lie at
// `base` in what was packed. Filters that are not known leave the code as it is.
void ov_upx_unfilter(uint8_t *code, size_t size, unsigned filter, uint8_t mark, uint32_t base);

// The walker of ELF. upx_elf.c
enum ov_status ov_upx_walk_elf(struct ov_cursor *in, struct ov_walk *walk);

// The walker of PE, one of those of packers.c. OV_UNSUPPORTED: UPX did not pack it. upx.c
enum ov_status ov_upx_walk_pe(struct ov_cursor *in, struct ov_walk *walk);
