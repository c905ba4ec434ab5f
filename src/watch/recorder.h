// SPDX-License-Identifier: Apache-2.0
//
// Records what watched processes do, by the BPF object of this room, into a trace
// (docs/formats/trace.md). Needs root, or CAP_BPF, CAP_PERFMON and CAP_SYS_RESOURCE. One thread.
//
// Nothing of it outlives this process: programs and maps go with its descriptors.
#pragma once

#include "trace/writer.h"

#include <sys/types.h>

enum { OV_RECORDER_REASON_BYTES = 512 };

struct ov_recorder;

struct ov_recorder_options {
    // Entries that the kernel's maps have; 0: as many as are usual. Small ones lose, and say so. An
    // entry of `names` stands for 64 bytes of them.
    uint32_t files, names, sockets, processes, plaintexts;
    uint32_t ring_bytes; // a power of two, pages at least
    bool has_canaries;
    bool has_envelope;  // opens that are refused are told: ov_recorder_set_denials
    bool has_plaintext; // what is given to libraries of TLS is counted: watch/plaintext.h
};

// Loads the BPF object. OV_UNSUPPORTED when this kernel cannot carry it, OV_DENIED when this user
// may not, OV_SYSTEM, OV_MEMORY; `ret_reason` says what is missing, and what to do.
enum ov_status ov_recorder_new(const struct ov_recorder_options *options,
                               struct ov_recorder **ret_recorder,
                               char ret_reason[OV_RECORDER_REASON_BYTES]);
void ov_recorder_free(struct ov_recorder *recorder);

// From here on it writes to this trace: its sensors and loss counters at once. Those that could not
// be attached are `missing`, and make the result incomplete.
enum ov_status ov_recorder_begin(struct ov_recorder *recorder, struct ov_trace_writer *trace);

// Watches this process and all that come from it. OV_SYSTEM with ESRCH: it is gone.
enum ov_status ov_recorder_watch(struct ov_recorder *recorder, pid_t pid,
                                 enum ov_trace_reason reason);
// Tells of every process that touches this file. OV_SYSTEM (errno).
enum ov_status ov_recorder_plant(struct ov_recorder *recorder, const char *path);

// The canary that stat() knows by these numbers (the device as major << 20 | minor).
struct ov_trace_inode ov_recorder_canary(const struct ov_recorder *recorder, uint32_t device,
                                         uint64_t inode);

// Waits up to `wait_ms` for events and takes them. Cheap: to be called all the time.
enum ov_status ov_recorder_poll(struct ov_recorder *recorder, int wait_ms);
// Takes the counters of a generation out of the kernel, and writes all that has changed.
enum ov_status ov_recorder_drain(struct ov_recorder *recorder);
// Writes of each file that was written to whether it is still there: once, in the end.
enum ov_status ov_recorder_tell_kept(struct ov_recorder *recorder);

// To be polled for reading beside others: then there is something to be taken by
// ov_recorder_poll().
int ov_recorder_fd(const struct ov_recorder *recorder);

// When a process began that is watched, or was, CLOCK_BOOTTIME; 0: it is not known.
uint64_t ov_recorder_start_of(const struct ov_recorder *recorder, uint32_t pid);

// Opens that are refused are counted there from now on.
struct ov_denials;
void ov_recorder_set_denials(struct ov_recorder *recorder, struct ov_denials *denials);

// The map of those who are watched, which stays the recorder's: its keys are their ids.
int ov_recorder_list_fd(const struct ov_recorder *recorder);
// Processes that are watched at present.
size_t ov_recorder_watched(const struct ov_recorder *recorder);
