// SPDX-License-Identifier: Apache-2.0
// Resource limits and closed descriptors.
#include "cage/layers.h"

#include <errno.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

// The sanitizers reserve terabytes of address space and write their findings to standard error.
#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { HAS_SHADOW_MEMORY = 1 };
#else
enum { HAS_SHADOW_MEMORY = 0 };
#endif

enum { OPEN_FILES = 64 }; // the role's own and one message's worth, with room for the sanitizers

static int set_limit(__rlimit_resource_t resource, rlim_t value) {
    struct rlimit now;
    if (getrlimit(resource, &now) != 0) {
        return errno;
    }
    struct rlimit limit = {.rlim_cur = value, .rlim_max = value};
    if (now.rlim_max != RLIM_INFINITY && now.rlim_max < value) {
        return 0; // tighter already
    }
    return setrlimit(resource, &limit) == 0 ? 0 : errno;
}

static rlim_t address_space(const struct ov_cage_spec *spec) {
    uint64_t sum;
    bool is_too_much = __builtin_add_overflow(spec->memory_bytes, spec->mapped_bytes, &sum);
    return is_too_much ? RLIM_INFINITY : sum;
}

int ov_cage_limits(const struct ov_cage_spec *spec) {
    bool writes = (spec->calls & (OV_CAGE_WRITE | OV_CAGE_MAKE)) != 0;
    rlim_t files = spec->open_file_count != 0 ? spec->open_file_count : OPEN_FILES;
    int error = set_limit(RLIMIT_NPROC, 0);
    error = error != 0 ? error : set_limit(RLIMIT_CORE, 0);
    error = error != 0 ? error : set_limit(RLIMIT_NOFILE, files);
    error = error != 0 ? error : set_limit(RLIMIT_MSGQUEUE, 0);
    error = error != 0 ? error : set_limit(RLIMIT_MEMLOCK, 0);
    if (error == 0 && (!writes || spec->file_bytes != 0)) {
        error = set_limit(RLIMIT_FSIZE, writes ? spec->file_bytes : 0);
    }
    if (error == 0 && spec->memory_bytes != 0 && !HAS_SHADOW_MEMORY) {
        error = set_limit(RLIMIT_DATA, spec->memory_bytes);
        error = error != 0 ? error : set_limit(RLIMIT_AS, address_space(spec));
    }
    return error;
}

int ov_cage_close_descriptors(int first) {
    if (syscall(SYS_close_range, first, UINT_MAX, 0) == 0) {
        return 0;
    }
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return errno;
    }
    rlim_t end = limit.rlim_cur < 65536 ? limit.rlim_cur : 65536;
    for (int fd = first; (rlim_t)fd < end; fd++) {
        (void)close(fd);
    }
    return 0;
}
