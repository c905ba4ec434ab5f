// SPDX-License-Identifier: Apache-2.0
// Sends batches, takes answers, replaces the dead. A death costs the one file that caused it.
#include "role/crew.h"

#include "base/budget.h"
#include "base/fd.h"
#include "base/install.h"
#include "role/roles.h"
#include "wire/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FAILED_STARTS_MAX = 3,
    START_MS = 30000,
    END_MS = 200,    // for an idle worker to leave by itself
    GRACE_MS = 5000, // beyond the scanner's own time limit
};

static enum ov_status fail(struct ov_crew *crew, enum ov_status status, const char *reason) {
    (void)snprintf(crew->outcome->reason, sizeof crew->outcome->reason, "%s", reason);
    return status;
}

// ---- opening and closing ----------------------------------------------------------------------

enum ov_status ov_crew_open(const struct ov_scan_request *request, unsigned count,
                            struct ov_scan_outcome *outcome, struct ov_crew *ret_crew) {
    const struct ov_limits *limits = &request->limits;
    struct ov_crew crew = {
        .request = request,
        .outcome = outcome,
        .bounds = {.rule_count = request->image->names.count,
                   .members_max = limits->files != 0 ? limits->files : UINT32_MAX,
                   .inner_bytes = limits->file_bytes != 0 ? limits->file_bytes : UINT64_MAX,
                   .alerts = request->alerts,
                   .is_all_matches = request->is_all_matches,
                   .with_member_names = request->with_member_names},
        .program = -1,
    };
    *ret_crew = crew;
    TRY(ov_child_program(request->worker_program, &ret_crew->program, outcome->reason,
                         sizeof outcome->reason));
    ret_crew->members = calloc(count, sizeof *ret_crew->members);
    ret_crew->detections = calloc(OV_WIRE_DETECTIONS_MAX, sizeof *ret_crew->detections);
    if (ret_crew->members == NULL || ret_crew->detections == NULL) {
        return OV_MEMORY;
    }
    for (unsigned i = 0; i < count; i++) {
        ret_crew->members[i].child = (struct ov_child){.pidfd = -1, .channel = -1};
    }
    ret_crew->count = count;
    return OV_OK;
}

// The idle ones are all let go before the first is waited for, so that they end side by side.
// Others are amid a file, or were never ready.
static void end_children(struct ov_crew *crew) {
    for (unsigned i = 0; i < crew->count; i++) {
        if (crew->members[i].batch_count == 0) {
            ov_child_dismiss(&crew->members[i].child);
        }
    }
    for (unsigned i = 0; i < crew->count; i++) {
        struct ov_member *member = &crew->members[i];
        ov_child_end(&member->child, member->batch_count == 0 ? END_MS : 0);
    }
    ov_child_reap();
}

static void close_member(struct ov_member *member) {
    ov_ring_close(&member->ring);
    for (uint32_t i = 0; i < OV_SLOT_COUNT; i++) {
        if (member->batches[i] != NULL) {
            ov_batch_close(member->batches[i]);
        }
        free(member->batches[i]);
    }
}

void ov_crew_close(struct ov_crew *crew) {
    end_children(crew);
    for (unsigned i = 0; i < crew->count; i++) {
        close_member(&crew->members[i]);
    }
    free(crew->members);
    free(crew->detections);
    ov_buf_release(&crew->out);
    if (crew->request != NULL) {
        ov_fd_close(&crew->program);
    }
    *crew = (struct ov_crew){0};
}

enum ov_status ov_crew_prepare(struct ov_crew *crew, struct ov_member *member) {
    (void)crew;
    if (member->ring.bytes != NULL) {
        return OV_OK;
    }
    for (uint32_t i = 0; i < OV_SLOT_COUNT; i++) {
        member->batches[i] = calloc(1, sizeof *member->batches[i]);
        if (member->batches[i] == NULL) {
            return OV_MEMORY;
        }
        ov_batch_reset(member->batches[i], i);
    }
    return ov_ring_open(&member->ring);
}

struct ov_batch *ov_crew_free_batch(struct ov_member *member) {
    return member->batches[member->batch_count];
}

// ---- sending ----------------------------------------------------------------------------------

static uint64_t deadline_ns(const struct ov_crew *crew) {
    uint64_t limit_ms = crew->request->limits.time_ms;
    return limit_ms != 0 ? ov_clock_ns() + (limit_ms + GRACE_MS) * 1000000u : 0;
}

// What goes out next of a batch: all of it, or the one job whose turn it is.
static void choose_jobs(const struct ov_batch *batch, struct ov_wire_jobs *ret_jobs) {
    if (!batch->is_alone) {
        *ret_jobs = batch->jobs;
        return;
    }
    ret_jobs->count = 1;
    ret_jobs->items[0] = batch->jobs.items[batch->at];
    ret_jobs->descriptor_count = ret_jobs->items[0].is_descriptor;
}

static enum ov_status send_batch(struct ov_crew *crew, struct ov_member *member,
                                 struct ov_batch *batch) {
    int descriptors[OV_WIRE_DESCRIPTORS_MAX];
    size_t count = 0;
    choose_jobs(batch, &batch->sent);
    for (uint32_t i = 0; i < batch->sent.count; i++) {
        batch->sent.items[i].number = member->next_number++;
        if (batch->sent.items[i].is_descriptor && count < OV_WIRE_DESCRIPTORS_MAX) {
            descriptors[count++] = batch->files[ov_batch_index(batch, i)];
        }
    }
    batch->has_verdicts = false;
    batch->answered = 0;
    batch->deadline_ns = batch == member->batches[0] ? deadline_ns(crew) : 0;
    ov_wire_jobs_encode(&batch->sent, &crew->out);
    TRY(ov_buf_status(&crew->out));
    TRY(ov_channel_send(member->child.channel, ov_buf_span(&crew->out), descriptors, count));
    batch->is_sent = true;
    return OV_OK;
}

// A worker that cannot be sent to has died: its end of file is read soon, and the batch, not being
// marked as sent, goes to the next one without blame.
static enum ov_status send_waiting(struct ov_crew *crew, struct ov_member *member) {
    for (uint32_t i = 0; member->is_ready && i < member->batch_count; i++) {
        if (!member->batches[i]->is_sent) {
            enum ov_status status = send_batch(crew, member, member->batches[i]);
            if (status != OV_OK && status != OV_PEER) {
                return status;
            }
        }
        if (member->batches[i]->is_alone) {
            break; // nothing behind it, or a death there would be blamed on it
        }
    }
    return OV_OK;
}

static enum ov_status start_member(struct ov_crew *crew, struct ov_member *member) {
    const struct ov_scan_request *request = crew->request;
    struct ov_wire_setup setup = {
        .image_bytes = request->image->map.bytes.size,
        .ring_bytes = OV_RING_BYTES,
        .limits = request->limits,
        .is_all_matches = request->is_all_matches,
        .alerts = request->alerts,
        .with_member_names = request->with_member_names,
    };
    const int passed[OV_CHILD_PASSED_MAX] = {request->image->fd, member->ring.fd};
    TRY(ov_child_start(OV_ROLE_WORKER, crew->program, passed, &member->child));
    crew->outcome->workers_started++;
    member->is_ready = false;
    member->next_number = 0;
    member->start_deadline_ns = ov_clock_ns() + START_MS * 1000000ull;
    ov_wire_setup_encode(&setup, &crew->out);
    TRY(ov_buf_status(&crew->out));
    // A refusal means that it is dead already, and is noticed as such.
    (void)!ov_channel_send(member->child.channel, ov_buf_span(&crew->out), NULL, 0);
    return OV_OK;
}

enum ov_status ov_crew_push(struct ov_crew *crew, struct ov_member *member) {
    member->batch_count++;
    if (member->child.pid == 0) {
        TRY(start_member(crew, member));
    }
    return send_waiting(crew, member);
}

// ---- deaths -----------------------------------------------------------------------------------

// Takes the oldest batch out of use, and puts it behind the others.
static void retire_batch(struct ov_crew *crew, struct ov_member *member) {
    struct ov_batch *done = member->batches[0];
    uint32_t slot = done->slot;
    ov_batch_close(done);
    for (uint32_t i = 1; i < OV_SLOT_COUNT; i++) {
        member->batches[i - 1] = member->batches[i];
    }
    member->batches[OV_SLOT_COUNT - 1] = done;
    member->batch_count--;
    ov_batch_reset(done, slot);
    if (member->batch_count > 0 && member->batches[0]->is_sent) {
        member->batches[0]->deadline_ns = deadline_ns(crew);
    }
}

// What was sent of the oldest batch is settled; on to the next job that is not, or it is over.
static void settle(struct ov_crew *crew, struct ov_member *member) {
    struct ov_batch *batch = member->batches[0];
    batch->is_sent = false;
    while (batch->at < batch->jobs.count && batch->tickets[batch->at] == NULL) {
        batch->at++;
    }
    if (batch->at == batch->jobs.count) {
        retire_batch(crew, member);
    }
}

// Who is to blame? In a batch of one, that one. Else all of them are asked again, one by one.
static void blame(struct ov_crew *crew, struct ov_member *member, const char *why) {
    struct ov_batch *batch = member->batches[0];
    if (!batch->is_sent) {
        return;
    }
    struct ov_span path = ov_span_make(NULL, 0);
    if (batch->is_alone || batch->jobs.count == 1) {
        path = batch->tickets[batch->at]->result.path;
        ov_ticket_finish(batch->tickets[batch->at], OV_RESULT_ERROR, why);
        batch->tickets[batch->at] = NULL;
    }
    if (crew->request->on_crash != NULL) {
        crew->request->on_crash(crew->request->arg, path, why);
    }
    batch->is_alone = true;
    settle(crew, member);
}

static enum ov_status replace(struct ov_crew *crew, struct ov_member *member, const char *why) {
    bool was_ready = member->is_ready;
    ov_child_end(&member->child, 0);
    ov_child_reap();
    member->is_ready = false;
    crew->outcome->workers_lost++;
    if (!was_ready && ++crew->failed_starts >= FAILED_STARTS_MAX) {
        return fail(crew, OV_PEER, "scanner process does not start");
    }
    if (was_ready && member->batch_count > 0) {
        blame(crew, member, why);
    }
    for (uint32_t i = 0; i < member->batch_count; i++) {
        member->batches[i]->is_sent = false;
    }
    return member->batch_count > 0 ? start_member(crew, member) : OV_OK;
}

// ---- answers ----------------------------------------------------------------------------------

// The layers that every worker so far has had.
static void note_layers(struct ov_crew *crew, const struct ov_wire_ready *ready, bool is_first) {
    struct ov_scan_outcome *outcome = crew->outcome;
    outcome->enforced = is_first ? ready->enforced : outcome->enforced & ready->enforced;
    for (unsigned i = 0; i < OV_LAYER_COUNT; i++) {
        if ((outcome->enforced & OV_CAGE(i)) == 0 && ready->refusals[i] != 0) {
            outcome->refusals[i] = ready->refusals[i];
        }
    }
}

static enum ov_status check_layers(struct ov_crew *crew) {
    uint32_t missing = crew->request->required_layers & ~crew->outcome->enforced;
    for (unsigned i = 0; i < OV_LAYER_COUNT; i++) {
        if ((missing & OV_CAGE(i)) != 0) {
            (void)snprintf(crew->outcome->reason, sizeof crew->outcome->reason,
                           "confinement layer %s is not available: %s", ov_cage_layer_name(i),
                           strerror(crew->outcome->refusals[i]));
            return OV_DENIED;
        }
    }
    return OV_OK;
}

static enum ov_status take_ready(struct ov_crew *crew, struct ov_member *member,
                                 struct ov_span message) {
    struct ov_wire_ready ready;
    enum ov_status status = ov_wire_ready_decode(message, &ready);
    if (status != OV_OK) {
        return replace(crew, member, "");
    }
    if (!ready.has_image) {
        return fail(crew, OV_DAMAGED, ready.reason);
    }
    note_layers(crew, &ready, crew->outcome->enforced == 0);
    ov_child_ready(&member->child, ready.enforced);
    TRY(check_layers(crew));
    crew->failed_starts = 0;
    member->is_ready = true;
    return send_waiting(crew, member);
}

// Jobs without detections are answered by their verdict alone.
static void skip_answered(struct ov_batch *batch) {
    while (batch->answered < batch->sent.count &&
           batch->verdicts[batch->answered].detection_count == 0) {
        batch->answered++;
    }
}

static bool wants_digest(const struct ov_crew *crew, const struct ov_wire_verdict *verdict) {
    enum ov_scan_digests digests = crew->request->digests;
    return digests == OV_DIGESTS_ALL ||
           (digests == OV_DIGESTS_FOUND && verdict->kind == OV_WIRE_FOUND);
}

// The ticket is told and freed from here on, whatever becomes of the rest of its batch.
static void take_result(struct ov_crew *crew, struct ov_member *member, uint32_t job,
                        const struct ov_wire_detection *detections) {
    struct ov_batch *batch = member->batches[0];
    uint32_t index = ov_batch_index(batch, job);
    if (wants_digest(crew, &batch->verdicts[job])) {
        ov_batch_digest(batch, &member->ring, index);
    }
    ov_ticket_take(batch->tickets[index], &batch->verdicts[job], detections);
    batch->tickets[index] = NULL;
}

static enum ov_status take_verdicts(struct ov_crew *crew, struct ov_member *member,
                                    struct ov_span message) {
    struct ov_batch *batch = member->batches[0];
    TRY(ov_wire_verdicts_decode(message, &batch->sent, &crew->bounds, batch->verdicts));
    batch->has_verdicts = true;
    for (uint32_t i = 0; i < batch->sent.count; i++) {
        if (batch->verdicts[i].detection_count == 0) {
            take_result(crew, member, i, NULL);
        }
    }
    skip_answered(batch);
    return OV_OK;
}

static enum ov_status take_detections(struct ov_crew *crew, struct ov_member *member,
                                      struct ov_span message) {
    struct ov_batch *batch = member->batches[0];
    uint32_t job = batch->answered;
    const struct ov_wire_verdict *verdict = &batch->verdicts[job];
    TRY(ov_wire_detections_decode(message, &batch->sent.items[job], verdict->detection_count,
                                  &crew->bounds, crew->detections));
    take_result(crew, member, job, crew->detections);
    batch->answered++;
    skip_answered(batch);
    return OV_OK;
}

// One message of a ready worker. OV_PEER when it is not the one that may come now.
static enum ov_status take_answer(struct ov_crew *crew, struct ov_member *member,
                                  struct ov_span message) {
    if (member->batch_count == 0 || !member->batches[0]->is_sent) {
        return OV_PEER;
    }
    struct ov_batch *batch = member->batches[0];
    TRY(batch->has_verdicts ? take_detections(crew, member, message)
                            : take_verdicts(crew, member, message));
    if (batch->answered == batch->sent.count) {
        settle(crew, member);
        return send_waiting(crew, member);
    }
    return OV_OK;
}

enum ov_status ov_crew_answer(struct ov_crew *crew, struct ov_member *member) {
    static uint8_t buffer[OV_WIRE_MESSAGE_MAX];
    while (member->child.pid != 0) {
        size_t size = 0;
        enum ov_status status =
            ov_channel_receive(member->child.channel, buffer, sizeof buffer, &size);
        if (status == OV_END) {
            return OV_OK;
        }
        if (status != OV_OK) {
            return replace(crew, member, "scanner process crashed");
        }
        if (!member->is_ready) {
            TRY(take_ready(crew, member, ov_span_make(buffer, size)));
            continue;
        }
        status = take_answer(crew, member, ov_span_make(buffer, size));
        if (status == OV_PEER) {
            return replace(crew, member, "scanner process broke its protocol");
        }
        TRY(status);
    }
    return OV_OK;
}

enum ov_status ov_crew_check_deadlines(struct ov_crew *crew) {
    uint64_t now = ov_clock_ns();
    for (unsigned i = 0; i < crew->count; i++) {
        struct ov_member *member = &crew->members[i];
        if (member->batch_count == 0) {
            continue;
        }
        uint64_t deadline =
            member->is_ready ? member->batches[0]->deadline_ns : member->start_deadline_ns;
        if (deadline != 0 && now > deadline) {
            TRY(replace(crew, member, "scanner process hung"));
        }
    }
    return OV_OK;
}
