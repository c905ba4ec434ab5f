// SPDX-License-Identifier: Apache-2.0
// The worker's life: setup, cage, image, then jobs in and verdicts out until the channel closes.
#include "role/worker.h"

#include "base/buf.h"
#include "base/fd.h"
#include "cage/cage.h"
#include "role/pool.h"
#include "role/roles.h"
#include "scan/scan.h"
#include "wire/channel.h"
#include "wire/message.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// The words of the wire are the scanner's words.
_Static_assert((int)OV_WIRE_ERROR == (int)OV_VERDICT_ERROR, "kind");
_Static_assert((int)OV_WIRE_CLEAN == (int)OV_VERDICT_CLEAN, "kind");
_Static_assert((int)OV_WIRE_FOUND == (int)OV_VERDICT_FOUND, "kind");
_Static_assert((int)OV_WIRE_LIMITED == (int)OV_VERDICT_LIMITED, "kind");
_Static_assert((int)OV_WIRE_SCAN_ERROR_NONE == (int)OV_SCAN_NONE, "error");
_Static_assert((int)OV_WIRE_SCAN_ERROR_COUNT == (int)OV_SCAN_BAD_IMAGE + 1, "error");
_Static_assert((int)OV_WIRE_DETECTIONS_MAX == (int)OV_DETECTIONS_MAX, "detections");
_Static_assert((int)OV_WIRE_DEPTH_MAX == (int)OV_MEMBER_DEPTH, "depth");
_Static_assert((int)OV_LAYER_COUNT <= (int)OV_WIRE_LAYERS_MAX, "layers");

struct worker {
    struct ov_wire_setup setup;
    struct ov_span image; // mapped
    struct ov_span ring;  // mapped
    struct ov_scanner *scanner;
    struct ov_wire_jobs jobs;
    int descriptors[OV_WIRE_DESCRIPTORS_MAX];
    struct ov_scan_job scans[OV_WIRE_JOBS_MAX];
    struct ov_wire_verdict verdicts[OV_WIRE_JOBS_MAX];
    struct ov_wire_detection detections[OV_WIRE_DETECTIONS_MAX];
    struct ov_buf out;
};

// ---- a file that shrinks while it is mapped ----------------------------------------------------

static sigjmp_buf fault_exit;
static volatile sig_atomic_t is_fault_expected;

static void on_fault(int signal_number) {
    (void)signal_number;
    if (is_fault_expected) {
        siglongjmp(fault_exit, 1);
    }
    __builtin_trap(); // not ours: die of it, and the broker blames the file
}

static enum ov_status catch_faults(void) {
    static uint8_t stack[65536];
    stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK | SA_NODEFER};
    (void)sigemptyset(&action.sa_mask);
    bool is_done = sigaltstack(&alternative, NULL) == 0 && sigaction(SIGBUS, &action, NULL) == 0;
    return is_done ? OV_OK : OV_SYSTEM;
}

// ---- start ------------------------------------------------------------------------------------

static enum ov_status map_bytes(int fd, uint64_t size, struct ov_span *ret_bytes) {
    if (size == 0 || size > SIZE_MAX) {
        return OV_INVALID;
    }
    void *start = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
    if (start == MAP_FAILED) {
        return errno == ENOMEM ? OV_MEMORY : OV_SYSTEM;
    }
    *ret_bytes = ov_span_make(start, (size_t)size);
    return OV_OK;
}

static enum ov_status receive_setup(struct worker *worker) {
    uint8_t message[256];
    size_t size = 0;
    size_t descriptors = 0;
    TRY(ov_channel_receive_descriptors(OV_WORKER_CHANNEL, message, sizeof message, &size, NULL,
                                       &descriptors));
    return ov_wire_setup_decode(ov_span_make(message, size), &worker->setup);
}

static void enter_cage(const struct ov_wire_setup *setup, struct ov_cage_report *ret_report) {
    struct ov_cage_spec spec = ov_role_cage(OV_ROLE_WORKER);
    uint64_t largest = setup->limits.file_bytes != 0 ? setup->limits.file_bytes : 1ull << 46;
    spec.mapped_bytes = setup->image_bytes + setup->ring_bytes + largest + OV_GROUP_BYTES;
    ov_cage_enter(&spec, ret_report);
}

static enum ov_status open_scanner(struct worker *worker, char *ret_reason, size_t reason_size) {
    struct ov_scan_options options = {.limits = worker->setup.limits,
                                      .is_all_matches = worker->setup.is_all_matches,
                                      .alerts = worker->setup.alerts};
    return ov_scanner_new(worker->image, &options, ret_reason, reason_size, &worker->scanner);
}

// Only printable ASCII leaves; an image's bytes quoted in a reason may be anything.
static void copy_reason(const char *reason, char ret_plain[OV_WIRE_REASON_BYTES]) {
    size_t i = 0;
    for (; reason[i] != 0 && i < OV_WIRE_REASON_BYTES - 1; i++) {
        ret_plain[i] = reason[i] >= 0x20 && reason[i] < 0x7f ? reason[i] : '?';
    }
    ret_plain[i] = 0;
}

static enum ov_status send_message(struct worker *worker) {
    TRY(ov_buf_status(&worker->out));
    return ov_channel_send(OV_WORKER_CHANNEL, ov_buf_span(&worker->out), NULL, 0);
}

static enum ov_status start(struct worker *worker) {
    struct ov_cage_report report;
    struct ov_wire_ready ready = {0};
    char reason[OV_WIRE_REASON_BYTES] = "";
    TRY(catch_faults());
    TRY(receive_setup(worker));
    enter_cage(&worker->setup, &report);
    TRY(map_bytes(OV_WORKER_RING, worker->setup.ring_bytes, &worker->ring));
    enum ov_status status = map_bytes(OV_WORKER_IMAGE, worker->setup.image_bytes, &worker->image);
    if (status == OV_OK) {
        ov_mapped_expect_little(worker->image);
        status = open_scanner(worker, reason, sizeof reason);
    }
    ready.has_image = status == OV_OK;
    ready.enforced = report.enforced;
    for (unsigned i = 0; i < OV_LAYER_COUNT; i++) {
        ready.refusals[i] = report.refusals[i];
    }
    if (!ready.has_image) {
        copy_reason(reason[0] != 0 ? reason : ov_status_text(status), ready.reason);
    }
    ov_wire_ready_encode(&ready, &worker->out);
    TRY(send_message(worker));
    return status;
}

// ---- jobs -------------------------------------------------------------------------------------

static void reset_verdict(struct ov_verdict *verdict, enum ov_scan_error error) {
    verdict->kind = OV_VERDICT_ERROR;
    verdict->error = error;
    verdict->limit = OV_LIMIT_NONE;
    verdict->count = 0;
}

// Whole groups of ring jobs that stand side by side go to the scanner in one call.
static void scan_ring_jobs(struct worker *worker, uint32_t first, uint32_t end) {
    for (uint32_t i = first; i < end; i++) {
        const struct ov_wire_job *job = &worker->jobs.items[i];
        worker->scans[i].bytes = ov_span_part(worker->ring, job->ring_offset, (size_t)job->size);
        reset_verdict(&worker->scans[i].verdict, OV_SCAN_NO_ANSWER);
    }
    ov_scanner_run(worker->scanner, &worker->scans[first], end - first);
}

// After a fault inside the scanner its state is unknown: it is abandoned, and another one made.
static enum ov_status recover(struct worker *worker, struct ov_scan_job *scan) {
    char reason[OV_WIRE_REASON_BYTES];
    reset_verdict(&scan->verdict, OV_SCAN_READ_FAILED);
    return open_scanner(worker, reason, sizeof reason);
}

// False when a file faulted.
static bool scan_mapped(struct worker *worker, struct ov_scan_job *scans, uint32_t count) {
    if (sigsetjmp(fault_exit, 0) != 0) {
        is_fault_expected = 0;
        return false;
    }
    is_fault_expected = 1;
    ov_scanner_run(worker->scanner, scans, count);
    is_fault_expected = 0;
    return true;
}

static enum ov_status scan_mapped_alone(struct worker *worker, struct ov_scan_job *scan) {
    if (scan->bytes.size == 0) { // could not be mapped
        return OV_OK;
    }
    reset_verdict(&scan->verdict, OV_SCAN_NO_ANSWER);
    return scan_mapped(worker, scan, 1) ? OV_OK : recover(worker, scan);
}

// All side by side. When one cannot be mapped or shrinks meanwhile: one after another, so that it
// costs nobody else a verdict.
static enum ov_status scan_group(struct worker *worker, uint32_t first, uint32_t end,
                                 bool are_all_mapped) {
    struct ov_scan_job *scans = &worker->scans[first];
    if (are_all_mapped && end - first > 1) {
        if (scan_mapped(worker, scans, end - first)) {
            return OV_OK;
        }
        TRY(recover(worker, &scans[0]));
    }
    for (uint32_t i = first; i < end; i++) {
        TRY(scan_mapped_alone(worker, &worker->scans[i]));
    }
    return OV_OK;
}

static bool map_job(struct worker *worker, uint32_t index, int fd) {
    struct ov_scan_job *scan = &worker->scans[index];
    scan->bytes = (struct ov_span){0};
    enum ov_status status = map_bytes(fd, worker->jobs.items[index].size, &scan->bytes);
    reset_verdict(&scan->verdict, status == OV_OK       ? OV_SCAN_NO_ANSWER
                                  : status == OV_MEMORY ? OV_SCAN_NO_MEMORY
                                                        : OV_SCAN_READ_FAILED);
    return status == OV_OK;
}

static enum ov_status scan_descriptor_jobs(struct worker *worker, uint32_t first, uint32_t end,
                                           const int *descriptors) {
    bool are_all_mapped = true;
    for (uint32_t i = first; i < end; i++) {
        are_all_mapped &= map_job(worker, i, descriptors[i - first]);
    }
    enum ov_status status = scan_group(worker, first, end, are_all_mapped);
    for (uint32_t i = first; i < end; i++) {
        struct ov_file_map map = {.bytes = worker->scans[i].bytes};
        ov_file_map_close(&map);
    }
    return status;
}

static enum ov_status scan_jobs(struct worker *worker) {
    uint32_t descriptor = 0;
    uint32_t at = 0;
    while (at < worker->jobs.count) {
        bool is_descriptor = worker->jobs.items[at].is_descriptor;
        uint32_t end = at;
        while (end < worker->jobs.count && worker->jobs.items[end].is_descriptor == is_descriptor) {
            end++;
        }
        if (is_descriptor) {
            TRY(scan_descriptor_jobs(worker, at, end, &worker->descriptors[descriptor]));
            descriptor += end - at;
        } else {
            scan_ring_jobs(worker, at, end);
        }
        at = end;
    }
    return OV_OK;
}

// ---- answers ----------------------------------------------------------------------------------

static void fill_verdict(const struct ov_verdict *verdict, uint32_t number,
                         struct ov_wire_verdict *ret_record) {
    bool is_found = verdict->kind == OV_VERDICT_FOUND;
    *ret_record = (struct ov_wire_verdict){
        .number = number,
        .kind = (uint8_t)verdict->kind,
        .error = (uint8_t)(verdict->kind == OV_VERDICT_ERROR ? verdict->error : OV_SCAN_NONE),
        .limit = (uint8_t)(is_found || verdict->kind == OV_VERDICT_LIMITED ? verdict->limit : 0),
        .detection_count = (uint8_t)(is_found ? verdict->count : 0),
    };
}

static void fill_detection(const struct ov_detection *detection, bool with_name,
                           struct ov_wire_detection *ret_record) {
    *ret_record = (struct ov_wire_detection){
        .rule = detection->rule,
        .depth = detection->depth,
        .offset = detection->offset,
    };
    for (uint32_t i = 0; i < detection->depth && i < OV_WIRE_DEPTH_MAX; i++) {
        ret_record->members[i] = detection->members[i];
    }
    if (with_name) {
        ret_record->name_size = detection->name_bytes;
        memcpy(ret_record->name, detection->name, detection->name_bytes);
    }
}

static enum ov_status send_detections(struct worker *worker, uint32_t index) {
    const struct ov_verdict *verdict = &worker->scans[index].verdict;
    for (uint32_t i = 0; i < verdict->count; i++) {
        fill_detection(&verdict->detections[i], worker->setup.with_member_names,
                       &worker->detections[i]);
    }
    ov_wire_detections_encode(worker->jobs.items[index].number, worker->detections, verdict->count,
                              &worker->out);
    return send_message(worker);
}

static enum ov_status send_verdicts(struct worker *worker) {
    for (uint32_t i = 0; i < worker->jobs.count; i++) {
        fill_verdict(&worker->scans[i].verdict, worker->jobs.items[i].number, &worker->verdicts[i]);
    }
    ov_wire_verdicts_encode(worker->verdicts, worker->jobs.count, &worker->out);
    TRY(send_message(worker));
    for (uint32_t i = 0; i < worker->jobs.count; i++) {
        if (worker->verdicts[i].detection_count > 0) {
            TRY(send_detections(worker, i));
        }
    }
    return OV_OK;
}

static enum ov_status receive_jobs(struct worker *worker, size_t *ret_descriptors) {
    uint8_t message[8 + OV_WIRE_JOBS_MAX * 24];
    size_t size = 0;
    *ret_descriptors = OV_WIRE_DESCRIPTORS_MAX;
    TRY(ov_channel_receive_descriptors(OV_WORKER_CHANNEL, message, sizeof message, &size,
                                       worker->descriptors, ret_descriptors));
    TRY(ov_wire_jobs_decode(ov_span_make(message, size), worker->setup.ring_bytes, &worker->jobs));
    return *ret_descriptors == worker->jobs.descriptor_count ? OV_OK : OV_PEER;
}

static enum ov_status serve(struct worker *worker) {
    while (true) {
        size_t descriptors;
        TRY(receive_jobs(worker, &descriptors));
        enum ov_status status = scan_jobs(worker);
        for (size_t i = 0; i < descriptors; i++) {
            ov_fd_close(&worker->descriptors[i]);
        }
        TRY(status);
        TRY(send_verdicts(worker));
    }
}

int ov_worker_main(void) {
    static struct worker worker;
    enum ov_status status = start(&worker);
    if (status == OV_OK) {
        status = serve(&worker);
    }
    // Straight out: nothing is to be flushed, and exit handlers call what the cage forbids.
    _exit(status == OV_END ? 0 : 1);
}
