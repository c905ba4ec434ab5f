// SPDX-License-Identifier: Apache-2.0
// Preloaded by tests: CLOCK_REALTIME is off by WRONG_CLOCK seconds.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

typedef int gettime(clockid_t clock, struct timespec *ret_now);

int clock_gettime(clockid_t clock, struct timespec *ret_now) {
    static gettime *real;
    const char *off = getenv("WRONG_CLOCK");
    if (real == NULL) {
        real = (gettime *)dlsym(RTLD_NEXT, "clock_gettime");
    }
    int code = real(clock, ret_now);
    if (code == 0 && clock == CLOCK_REALTIME && off != NULL) {
        ret_now->tv_sec += atol(off);
    }
    return code;
}
