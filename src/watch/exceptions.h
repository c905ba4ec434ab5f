// SPDX-License-Identifier: Apache-2.0
//
// What a product may be allowed beyond the envelope, by name (`--allow NAME`).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ov_exception {
    OV_ALLOW_BPF,
    OV_ALLOW_DEVICES,
    OV_ALLOW_KERNEL,
    OV_ALLOW_MOUNTS,
    OV_ALLOW_NAMESPACES,
    OV_ALLOW_NETWORK,
    OV_ALLOW_PROC,
    OV_ALLOW_PTRACE,
    OV_ALLOW_REFLINK,
    OV_ALLOW_SOCKETS,
    OV_ALLOW_URING,
    OV_ALLOW_COUNT,
};

// As bits: 1 << enum ov_exception.
#define OV_ALLOW(name) (1u << OV_ALLOW_##name)

// "ptrace", ...; and what the product may do with it.
const char *ov_exception_name(enum ov_exception exception);
const char *ov_exception_meaning(enum ov_exception exception);

// The exception of that name; false when there is none.
bool ov_exception_find(const char *name, enum ov_exception *ret_exception);
