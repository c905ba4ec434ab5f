// SPDX-License-Identifier: Apache-2.0
// Signals to all that is watched, wherever it has gone: its list is the kernel's.
#include "watch/ending.h"

#include "watch/recorder_state.h"

#include "watch/watch.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <signal.h>
#include <time.h>

void ov_ending_signal(const struct ov_recorder *recorder, int number) {
    int map = bpf_map__fd(recorder->object->maps.processes);
    uint32_t key;
    uint32_t next;
    for (int error = bpf_map_get_next_key(map, NULL, &next); error == 0;
         error = bpf_map_get_next_key(map, &key, &next)) {
        key = next;
        (void)kill((pid_t)key, number);
    }
}

static uint64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

enum ov_status ov_ending_go_on(struct ov_ending *ending, const struct ov_recorder *recorder,
                               bool is_hurried) {
    bool is_late = ending->asked_ns > 0 && now_ns() - ending->asked_ns >= OV_ENDING_GRACE_NS;
    if (ending->asked_ns == 0) {
        ending->asked_ns = now_ns();
        ov_ending_signal(recorder, SIGTERM);
        ov_ending_signal(recorder, SIGCONT); // one that was stopped does not hear the other
    } else if (!ending->is_made && (is_late || is_hurried)) {
        ending->asked_ns = now_ns();
        ending->is_made = true;
    } else if (ending->is_made && is_late) {
        return OV_END;
    }
    if (ending->is_made) { // each time: it may be forking
        ov_ending_signal(recorder, SIGKILL);
    }
    return OV_OK;
}
