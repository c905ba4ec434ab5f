// SPDX-License-Identifier: Apache-2.0
// Preloaded by tests: CLOCK_REALTIME is off by WRONG_CLOCK seconds; once the process, or the one
// that it was forked from, is older than LEAP_AFTER seconds.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

typedef int gettime(clockid_t clock, struct timespec *ret_now);

int clock_gettime(clockid_t clock, struct timespec *ret_now) {
    static gettime *real;
    static time_t start;
    const char *off = getenv("WRONG_CLOCK");
    const char *after = getenv("LEAP_AFTER");
    struct timespec age;
    if (real == NULL) {
        real = (gettime *)dlsym(RTLD_NEXT, "clock_gettime");
    }
    (void)real(CLOCK_MONOTONIC, &age);
    start = start == 0 ? age.tv_sec : start;
    int code = real(clock, ret_now);
    if (code == 0 && clock == CLOCK_REALTIME && off != NULL &&
        (after == NULL || age.tv_sec - start > strtol(after, NULL, 10))) {
        ret_now->tv_sec += strtol(off, NULL, 10);
    }
    return code;
}
