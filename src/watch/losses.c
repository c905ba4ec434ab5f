// SPDX-License-Identifier: Apache-2.0
// Counts what was lost: by our BPF programs for want of room, and by the kernel, which does not run
// a program on a processor that runs it already.
#include "watch/recorder_state.h"

#include "watch/watch.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

static const char *const loss_names[OV_RECORDER_LOSSES] = {
    [WATCH_LOST_EVENTS] = "events",       [WATCH_LOST_FILES] = "files",
    [WATCH_LOST_NAMES] = "names",         [WATCH_LOST_SOCKETS] = "sockets",
    [WATCH_LOST_PROCESSES] = "processes", [WATCH_LOST_PLAINTEXTS] = "plaintexts",
    [OV_RECORDER_LOST_RUNS] = "runs",
};

static enum ov_status write_loss(struct ov_recorder *recorder, uint32_t number) {
    struct ov_trace_loss loss = {.name = ov_span_text(loss_names[number]),
                                 .count = recorder->losses[number]};
    return ov_trace_write_loss(recorder->trace, &loss);
}

enum ov_status ov_recorder_begin_losses(struct ov_recorder *recorder) {
    for (uint32_t i = 0; i < OV_RECORDER_LOSSES; i++) {
        TRY(write_loss(recorder, i));
    }
    return OV_OK;
}

// A counter of our programs, of all processors together.
static enum ov_status read_counter(const struct ov_recorder *recorder, uint32_t number,
                                   uint64_t *ret_count) {
    int processors = libbpf_num_possible_cpus();
    uint64_t *counts = calloc(processors > 0 ? (size_t)processors : 1, sizeof *counts);
    uint64_t sum = 0;
    if (counts == NULL) {
        return OV_MEMORY;
    }
    int error = bpf_map_lookup_elem(bpf_map__fd(recorder->object->maps.losses), &number, counts);
    for (int i = 0; i < processors; i++) {
        sum += counts[i];
    }
    free(counts);
    *ret_count = sum;
    return error == 0 ? OV_OK : OV_SYSTEM;
}

static enum ov_status read_lost_runs(const struct ov_recorder *recorder, uint64_t *ret_count) {
    struct bpf_program *program;
    uint64_t sum = 0;
    bpf_object__for_each_program(program, recorder->object->obj) {
        struct bpf_prog_info info = {0};
        uint32_t size = sizeof info;
        int fd = bpf_program__fd(program);
        int error = fd >= 0 ? bpf_obj_get_info_by_fd(fd, &info, &size) : 0; // else not loaded
        if (error != 0) {
            errno = -error;
            return OV_SYSTEM;
        }
        sum += info.recursion_misses;
    }
    *ret_count = sum;
    return OV_OK;
}

enum ov_status ov_recorder_take_losses(struct ov_recorder *recorder) {
    for (uint32_t i = 0; i < OV_RECORDER_LOSSES; i++) {
        uint64_t count;
        TRY(i == OV_RECORDER_LOST_RUNS ? read_lost_runs(recorder, &count)
                                       : read_counter(recorder, i, &count));
        if (count != recorder->losses[i]) {
            recorder->losses[i] = count;
            TRY(write_loss(recorder, i));
        }
    }
    return OV_OK;
}
