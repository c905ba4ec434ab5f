// SPDX-License-Identifier: Apache-2.0
// The allow-list of system calls. Any other one, in any other form, kills the process.
#include "cage/layers.h"

#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { HAS_SANITIZER = 1 };
#else
enum { HAS_SANITIZER = 0 };
#endif

enum { TYPE_OF_MAPPING = 0x0f }; // the bits of mmap's flags that say shared or private

// Memory, time, the end: what computing alone needs. None of these names a path, another process
// or a descriptor other than by closing it.
static const int plain_calls[] = {
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(getrandom),
    SCMP_SYS(close),
    SCMP_SYS(restart_syscall),
};

// What a sanitizer needs to describe a finding before the end; only in builds for tests.
static const int sanitizer_calls[] = {
    SCMP_SYS(sigaltstack), SCMP_SYS(getpid),    SCMP_SYS(gettid),       SCMP_SYS(sched_yield),
    SCMP_SYS(getrlimit),   SCMP_SYS(prlimit64), SCMP_SYS(rt_sigaction),
};

static int allow(scmp_filter_ctx filter, int call) {
    return -seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
}

static int allow_all(scmp_filter_ctx filter, const int *calls, size_t count) {
    int error = 0;
    for (size_t i = 0; error == 0 && i < count; i++) {
        error = allow(filter, calls[i]);
    }
    return error;
}

// New memory is never executable, and never both shared and writable.
static int allow_memory(scmp_filter_ctx filter) {
    int error = -seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, 0));
    error = error != 0
                ? error
                : -seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
                                    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                                    SCMP_A3(SCMP_CMP_MASKED_EQ, TYPE_OF_MAPPING, MAP_PRIVATE));
    error = error != 0 ? error
                       : -seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                           SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    return error;
}

// One call, on one descriptor.
static int allow_on(scmp_filter_ctx filter, int call, int fd) {
    return -seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
                             SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)fd, 0));
}

static int allow_channel(scmp_filter_ctx filter, int channel) {
    int error = allow_on(filter, SCMP_SYS(recvmsg), channel);
    return error != 0 ? error
                      : -seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 2,
                                          SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)channel, 0),
                                          SCMP_A2(SCMP_CMP_EQ, MSG_NOSIGNAL, 0));
}

static int add_rules(scmp_filter_ctx filter, const struct ov_cage_spec *spec) {
    int error = allow_all(filter, plain_calls, sizeof plain_calls / sizeof plain_calls[0]);
    error = error != 0 ? error : allow_memory(filter);
    if (error == 0 && (spec->calls & OV_CAGE_TALK) != 0) {
        error = allow_channel(filter, spec->channel);
    }
    for (unsigned i = 0; (spec->calls & OV_CAGE_WRITE) != 0 && i < 2 && error == 0; i++) {
        error = spec->outputs[i] < 0 ? 0 : allow_on(filter, SCMP_SYS(write), spec->outputs[i]);
    }
    error = error != 0 ? error : ov_cage_allow_words(filter, spec->calls);
    if (error == 0 && HAS_SANITIZER) {
        error =
            allow_all(filter, sanitizer_calls, sizeof sanitizer_calls / sizeof sanitizer_calls[0]);
        error = error != 0 ? error : allow_on(filter, SCMP_SYS(write), 2);
    }
    return error;
}

static int compare_bytes(const void *a, const void *b) {
    return *(const uint8_t *)a - *(const uint8_t *)b;
}

// glibc's qsort asks once for the size of memory, with a call that is not on the list. Let it ask
// now: it does when there is a kilobyte to sort. In few items, since each process starts with this.
static void warm_up_libc(void) {
    uint8_t items[64][32] = {0};
    qsort(items, sizeof items / sizeof items[0], sizeof items[0], compare_bytes);
}

int ov_cage_seccomp(const struct ov_cage_spec *spec) {
    warm_up_libc();
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL) {
        return ENOSYS;
    }
    int error = -seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    // A binary tree instead of a long row of comparisons: each call of ours is checked in a few
    // steps.
    error = error != 0 ? error : -seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    error = error != 0 ? error : add_rules(filter, spec);
    error = error != 0 ? error : -seccomp_load(filter);
    seccomp_release(filter);
    return error;
}
