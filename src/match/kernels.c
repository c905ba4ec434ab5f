// SPDX-License-Identifier: Apache-2.0
// Chooses the inner loops from the processor's features.
#include "match/kernels.h"

#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__)
static bool can_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
}

static bool can_avx512(void) {
    return can_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vbmi");
}
#endif

const struct ov_kernels *ov_kernels_by_name(const char *name) {
#if defined(__x86_64__)
    if (strcmp(name, "avx512") == 0 && can_avx512()) {
        return &ov_kernels_avx512;
    }
    if (strcmp(name, "avx2") == 0 && can_avx2()) {
        return &ov_kernels_avx2;
    }
#endif
    return strcmp(name, "plain") == 0 ? &ov_kernels_plain : NULL;
}

const struct ov_kernels *ov_kernels_best(void) {
    static const char *const names[] = {"avx512", "avx2"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct ov_kernels *kernels = ov_kernels_by_name(names[i]);
        if (kernels != NULL) {
            return kernels;
        }
    }
    return &ov_kernels_plain;
}
