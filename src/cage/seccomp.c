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

#define ALL_BITS (~0ull) // an argument that must be this and nothing else

static int add_to_filter(scmp_filter_ctx filter, int call, const struct ov_cage_rule *rule) {
    struct scmp_arg_cmp compared[OV_CAGE_CONDITIONS_MAX];
    uint32_t action = rule->error == 0 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO((uint32_t)rule->error);
    for (size_t i = 0; i < rule->condition_count; i++) {
        const struct ov_cage_condition *condition = &rule->conditions[i];
        compared[i] = condition->mask == ALL_BITS
                          ? SCMP_CMP(condition->argument, SCMP_CMP_EQ, condition->value, 0)
                          : SCMP_CMP(condition->argument, SCMP_CMP_MASKED_EQ, condition->mask,
                                     condition->value);
    }
    return -seccomp_rule_add_array(filter, action, call, (unsigned)rule->condition_count, compared);
}

int ov_cage_list_add(const struct ov_cage_list *list, int call, int error,
                     const struct ov_cage_condition *conditions, size_t condition_count) {
    struct ov_cage_rule rule = {.error = error, .condition_count = condition_count};
    for (size_t i = 0; i < condition_count; i++) {
        rule.conditions[i] = conditions[i];
    }
    if (list->filter != NULL) {
        return add_to_filter(list->filter, call, &rule);
    }
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call);
    if (name != NULL) { // else this machine has no such call
        rule.call = name;
        list->each(list->arg, &rule);
    }
    free(name);
    return 0;
}

static int allow_all(const struct ov_cage_list *list, const int *calls, size_t count) {
    int error = 0;
    for (size_t i = 0; error == 0 && i < count; i++) {
        error = ov_cage_list_add(list, calls[i], 0, NULL, 0);
    }
    return error;
}

// New memory is never executable, and never both shared and writable.
static int allow_memory(const struct ov_cage_list *list) {
    static const struct ov_cage_condition no_writing = {2, PROT_WRITE | PROT_EXEC, 0};
    static const struct ov_cage_condition no_code = {2, PROT_EXEC, 0};
    static const struct ov_cage_condition own[] = {{2, PROT_EXEC, 0},
                                                   {3, TYPE_OF_MAPPING, MAP_PRIVATE}};
    int error = ov_cage_list_add(list, SCMP_SYS(mmap), 0, &no_writing, 1);
    error = error != 0 ? error : ov_cage_list_add(list, SCMP_SYS(mmap), 0, own, 2);
    return error != 0 ? error : ov_cage_list_add(list, SCMP_SYS(mprotect), 0, &no_code, 1);
}

// One call, on one descriptor.
static int allow_on(const struct ov_cage_list *list, int call, int fd) {
    struct ov_cage_condition condition = {0, ALL_BITS, (uint64_t)fd};
    return ov_cage_list_add(list, call, 0, &condition, 1);
}

static int allow_channel(const struct ov_cage_list *list, int channel) {
    struct ov_cage_condition conditions[] = {{0, ALL_BITS, (uint64_t)channel},
                                             {2, ALL_BITS, MSG_NOSIGNAL}};
    int error = allow_on(list, SCMP_SYS(recvmsg), channel);
    return error != 0 ? error : ov_cage_list_add(list, SCMP_SYS(sendmsg), 0, conditions, 2);
}

static int add_rules(const struct ov_cage_list *list, const struct ov_cage_spec *spec) {
    int error = allow_all(list, plain_calls, sizeof plain_calls / sizeof plain_calls[0]);
    error = error != 0 ? error : allow_memory(list);
    if (error == 0 && (spec->calls & OV_CAGE_TALK) != 0) {
        error = allow_channel(list, spec->channel);
    }
    for (unsigned i = 0; (spec->calls & OV_CAGE_WRITE) != 0 && i < 2 && error == 0; i++) {
        error = spec->outputs[i] < 0 ? 0 : allow_on(list, SCMP_SYS(write), spec->outputs[i]);
    }
    error = error != 0 ? error : ov_cage_allow_words(list, spec->calls);
    if (error == 0 && HAS_SANITIZER) {
        error =
            allow_all(list, sanitizer_calls, sizeof sanitizer_calls / sizeof sanitizer_calls[0]);
        error = error != 0 ? error : allow_on(list, SCMP_SYS(write), 2);
    }
    return error;
}

void ov_cage_rules_each(const struct ov_cage_spec *spec,
                        void (*each)(void *arg, const struct ov_cage_rule *rule), void *arg) {
    struct ov_cage_list list = {.each = each, .arg = arg};
    (void)add_rules(&list, spec);
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
    struct ov_cage_list list = {.filter = filter};
    if (filter == NULL) {
        return ENOSYS;
    }
    int error = -seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    // A binary tree instead of a long row of comparisons: each call of ours is checked in a few
    // steps.
    error = error != 0 ? error : -seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    error = error != 0 ? error : add_rules(&list, spec);
    error = error != 0 ? error : -seccomp_load(filter);
    seccomp_release(filter);
    return error;
}
