// SPDX-License-Identifier: Apache-2.0
// The budget of one scan job.
#include "base/budget.h"

#include <time.h>

uint64_t ov_clock_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct ov_limits ov_limits_default(void) {
    return (struct ov_limits){
        .file_bytes = 100u << 20,
        .scan_bytes = 400u << 20,
        .depth = 17,
        .files = 10000,
        .time_ms = 120000,
    };
}

void ov_budget_init(struct ov_budget *ret_budget, const struct ov_limits *limits) {
    *ret_budget = (struct ov_budget){.limits = *limits};
    if (limits->time_ms != 0) {
        uint64_t time_ns;
        bool is_forever = __builtin_mul_overflow(limits->time_ms, 1000000u, &time_ns) ||
                          __builtin_add_overflow(ov_clock_ns(), time_ns, &ret_budget->deadline_ns);
        ret_budget->deadline_ns = is_forever ? UINT64_MAX : ret_budget->deadline_ns;
    }
}

void ov_budget_note(struct ov_budget *budget, enum ov_limit limit) {
    if (budget->hit == OV_LIMIT_NONE) {
        budget->hit = limit;
    }
}

static bool note_limit(struct ov_budget *budget, enum ov_limit limit) {
    ov_budget_note(budget, limit);
    return false;
}

bool ov_budget_has_time(struct ov_budget *budget) {
    if (budget->deadline_ns == 0 || ov_clock_ns() < budget->deadline_ns) {
        return true;
    }
    return note_limit(budget, OV_LIMIT_SCAN_TIME);
}

bool ov_budget_take_object(struct ov_budget *budget, uint64_t bytes, uint32_t depth) {
    const struct ov_limits *limits = &budget->limits;
    if (depth > limits->depth) {
        return note_limit(budget, OV_LIMIT_RECURSION);
    }
    if (limits->file_bytes != 0 && bytes > limits->file_bytes) {
        return note_limit(budget, OV_LIMIT_FILE_SIZE);
    }
    if (limits->scan_bytes != 0 && bytes > limits->scan_bytes - budget->bytes_used) {
        return note_limit(budget, OV_LIMIT_SCAN_SIZE);
    }
    if (limits->files != 0 && budget->files_used >= limits->files) {
        return note_limit(budget, OV_LIMIT_FILES);
    }
    budget->bytes_used += bytes;
    budget->files_used++;
    return true;
}

const char *ov_limit_name(enum ov_limit limit) {
    static const char *const names[OV_LIMIT_COUNT] = {
        "none",         "max-filesize", "max-scansize", "max-recursion", "max-files",
        "max-scantime", "memory",       "matching",     "detections",
    };
    return (unsigned)limit < OV_LIMIT_COUNT ? names[limit] : "unknown";
}
