// SPDX-License-Identifier: Apache-2.0
// The scan itself: keeps every worker busy, and tells results in the order of the walk.
#include "role/scan_job.h"

#include "base/fd.h"
#include "role/crew.h"
#include "role/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <unistd.h>

enum {
    WORKERS_MAX = 256,
    TICKETS_MAX = 65536,  // results held back for the sake of order
    POOL_PATIENCE = 2048, // small files that may pass by while large ones wait for company
    TICK_MS = 200,
};

struct broker {
    const struct ov_scan_request *request;
    struct ov_scan_outcome *outcome;
    struct ov_processes *processes; // NULL: none, or all are done
    struct ov_walk *walk;
    bool is_walk_done;
    struct ov_walk_item held; // a small file that did not fit into the last batch
    struct ov_ticket *held_ticket;
    struct ov_pool pool;     // large files
    unsigned pool_passed;    // small files since a group was taken from it
    struct ov_ticket *first; // oldest ticket
    struct ov_ticket *last;
    size_t ticket_count;
    struct ov_ticket *spares; // told, for use again
    struct ov_crew crew;
};

// ---- results ----------------------------------------------------------------------------------

static void tell(struct broker *broker, struct ov_ticket *ticket) {
    broker->request->on_result(broker->request->arg, &ticket->result);
    broker->ticket_count--;
    ov_ticket_retire(ticket, &broker->spares);
}

// Tells what is done at the head of the row.
static void tell_in_order(struct broker *broker) {
    while (broker->first != NULL && broker->first->is_done) {
        struct ov_ticket *ticket = broker->first;
        broker->first = ticket->next;
        tell(broker, ticket);
    }
    if (broker->first == NULL) {
        broker->last = NULL;
    }
}

// When one slow file holds back too many: tells all that is done, wherever it stands.
static void tell_out_of_order(struct broker *broker) {
    struct ov_ticket **link = &broker->first;
    broker->last = NULL;
    while (*link != NULL) {
        struct ov_ticket *ticket = *link;
        if (ticket->is_done) {
            *link = ticket->next;
            tell(broker, ticket);
        } else {
            broker->last = ticket;
            link = &ticket->next;
        }
    }
}

static void tell_results(struct broker *broker) {
    tell_in_order(broker);
    if (broker->ticket_count > TICKETS_MAX) {
        tell_out_of_order(broker);
    }
}

static enum ov_status add_ticket(struct broker *broker, const struct ov_walk_item *item,
                                 struct ov_ticket **ret_ticket) {
    struct ov_ticket *ticket;
    TRY(ov_ticket_new(item, &broker->spares, &ticket));
    if (broker->last != NULL) {
        broker->last->next = ticket;
    } else {
        broker->first = ticket;
    }
    broker->last = ticket;
    broker->ticket_count++;
    *ret_ticket = ticket;
    return OV_OK;
}

// ---- files ------------------------------------------------------------------------------------

// A file that is larger than the largest: told as limited, or as an alert where that is asked for.
static void settle_large(const struct ov_scan_request *request, struct ov_ticket *ticket) {
    if ((request->alerts & OV_ALERT_EXCEEDS_MAX) == 0) {
        ov_ticket_finish(ticket, OV_RESULT_LIMITED, ov_limit_name(OV_LIMIT_FILE_SIZE));
        return;
    }
    const struct ov_wire_verdict verdict = {.kind = OV_WIRE_FOUND, .detection_count = 1};
    const struct ov_wire_detection alert = {
        .rule = ov_heuristic_rule(ov_heuristic_of_limit(OV_LIMIT_FILE_SIZE))};
    ov_ticket_take(ticket, &verdict, &alert);
}

// Files whose result needs no worker. True when the ticket is done.
static bool settle_early(struct broker *broker, const struct ov_walk_item *item,
                         struct ov_ticket *ticket) {
    const struct ov_scan_request *request = broker->request;
    uint64_t size = item->kind == OV_WALK_FILE ? (uint64_t)item->info.st_size : 0;
    if (item->kind == OV_WALK_SKIPPED) {
        ov_ticket_finish(ticket, OV_RESULT_SKIPPED, item->reason);
    } else if (item->kind == OV_WALK_PROBLEM) {
        ov_ticket_finish(ticket, OV_RESULT_ERROR, item->reason);
    } else if (size == 0) {
        ov_ticket_finish(ticket, OV_RESULT_CLEAN, NULL);
    } else if (request->limits.file_bytes != 0 && size > request->limits.file_bytes) {
        settle_large(request, ticket);
    } else if (request->is_known != NULL && request->is_known(request->arg, &ticket->result.key)) {
        ov_ticket_finish(ticket, OV_RESULT_UNCHANGED, NULL);
    }
    return ticket->is_done;
}

// The next of what is to be scanned: processes, then paths.
static enum ov_status next_item(struct broker *broker, struct ov_walk_item *ret_item) {
    if (broker->processes != NULL) {
        enum ov_status status = ov_processes_next(broker->processes, ret_item);
        if (status != OV_END) {
            return status;
        }
        ov_processes_free(broker->processes);
        broker->processes = NULL;
    }
    return ov_walk_next(broker->walk, ret_item);
}

// The next file that a worker has to look at. OV_END when the walk is over.
static enum ov_status next_file(struct broker *broker, struct ov_walk_item *ret_item,
                                struct ov_ticket **ret_ticket) {
    if (broker->held_ticket != NULL) {
        *ret_item = broker->held;
        *ret_ticket = broker->held_ticket;
        broker->held_ticket = NULL;
        return OV_OK;
    }
    while (true) {
        TRY(next_item(broker, ret_item));
        enum ov_status status = add_ticket(broker, ret_item, ret_ticket);
        if (status != OV_OK) {
            ov_fd_close(&ret_item->fd);
            return status;
        }
        if (!settle_early(broker, ret_item, *ret_ticket)) {
            return OV_OK;
        }
        ov_fd_close(&ret_item->fd);
        tell_results(broker);
    }
}

static void add_file(struct ov_member *member, struct ov_batch *batch,
                     const struct ov_walk_item *item, struct ov_ticket *ticket) {
    enum ov_status status =
        ov_batch_add(batch, &member->ring, item->fd, (uint64_t)item->info.st_size, ticket);
    if (status == OV_SYSTEM) {
        ov_ticket_finish(ticket, OV_RESULT_ERROR, strerror(errno));
    } else if (status != OV_OK) {
        ov_ticket_finish(ticket, OV_RESULT_ERROR, "file grew while it was read");
    }
}

static bool is_large(const struct ov_walk_item *item) {
    return item->info.st_size > OV_SMALL_FILE_BYTES;
}

// Whether large files should go to a worker now.
static bool is_group_due(const struct broker *broker) {
    return ov_pool_is_full(&broker->pool) ||
           (broker->pool.count > 0 && broker->pool_passed > POOL_PATIENCE);
}

static void add_group(struct broker *broker, struct ov_batch *batch) {
    struct ov_pool_file files[OV_GROUP_FILES];
    uint32_t count = ov_pool_take(&broker->pool, broker->crew.count, files);
    for (uint32_t i = 0; i < count; i++) {
        ov_batch_add_large(batch, &files[i]);
    }
    broker->pool_passed = 0;
}

static bool has_more(const struct broker *broker) {
    return !broker->is_walk_done || broker->pool.count > 0;
}

// Fills a free batch of a worker, with small files or with large ones. Leaves it empty when there
// are no more.
static enum ov_status gather(struct broker *broker, struct ov_member *member,
                             struct ov_batch *batch) {
    while (!broker->is_walk_done && !is_group_due(broker)) {
        struct ov_walk_item item;
        struct ov_ticket *ticket;
        enum ov_status status = next_file(broker, &item, &ticket);
        if (status == OV_END) {
            broker->is_walk_done = true;
            break;
        }
        TRY(status);
        if (is_large(&item)) {
            ov_pool_add(&broker->pool,
                        (struct ov_pool_file){item.fd, (uint64_t)item.info.st_size, ticket});
        } else if (ov_batch_has_room(batch)) {
            add_file(member, batch, &item, ticket);
            broker->pool_passed++;
        } else {
            broker->held = item;
            broker->held_ticket = ticket;
            break;
        }
    }
    if (batch->jobs.count == 0) {
        add_group(broker, batch);
    }
    ov_batch_close_read(batch);
    return OV_OK;
}

// ---- the loop ---------------------------------------------------------------------------------

static bool is_stopped(const struct broker *broker) {
    return broker->request->is_stopped != NULL && *broker->request->is_stopped != 0;
}

// Gives every worker a first batch before any gets a second one.
static enum ov_status hand_out(struct broker *broker) {
    for (uint32_t depth = 1; depth <= OV_SLOT_COUNT; depth++) {
        for (unsigned i = 0; i < broker->crew.count && has_more(broker); i++) {
            struct ov_member *member = &broker->crew.members[i];
            if (member->batch_count >= depth) {
                continue;
            }
            TRY(ov_crew_prepare(&broker->crew, member));
            struct ov_batch *batch = ov_crew_free_batch(member);
            TRY(gather(broker, member, batch));
            if (batch->jobs.count > 0) {
                TRY(ov_crew_push(&broker->crew, member));
            }
        }
    }
    return OV_OK;
}

static bool is_busy(const struct broker *broker) {
    for (unsigned i = 0; i < broker->crew.count; i++) {
        if (broker->crew.members[i].batch_count > 0) {
            return true;
        }
    }
    return false;
}

static enum ov_status await_answers(struct broker *broker) {
    struct pollfd channels[WORKERS_MAX];
    struct ov_crew *crew = &broker->crew;
    for (unsigned i = 0; i < crew->count; i++) {
        int channel = crew->members[i].batch_count > 0 ? crew->members[i].child.channel : -1;
        channels[i] = (struct pollfd){.fd = channel, .events = POLLIN};
    }
    int ready = poll(channels, crew->count, TICK_MS);
    if (ready < 0 && errno != EINTR) {
        return OV_SYSTEM;
    }
    for (unsigned i = 0; ready > 0 && i < crew->count; i++) {
        if (channels[i].revents != 0) {
            TRY(ov_crew_answer(crew, &crew->members[i]));
        }
    }
    TRY(ov_crew_check_deadlines(crew));
    if (broker->request->on_tick != NULL) {
        broker->request->on_tick(broker->request->arg);
    }
    tell_results(broker);
    return OV_OK;
}

static enum ov_status run(struct broker *broker) {
    while (!is_stopped(broker)) {
        TRY(hand_out(broker));
        tell_results(broker);
        if (!is_busy(broker)) {
            return OV_OK;
        }
        TRY(await_answers(broker));
    }
    return OV_END;
}

// What was taken up and not answered when the scan ended early.
static void tell_rest(struct broker *broker, const char *reason) {
    for (struct ov_ticket *ticket = broker->first; ticket != NULL; ticket = ticket->next) {
        if (!ticket->is_done) {
            ov_ticket_finish(ticket, OV_RESULT_ERROR, reason);
        }
    }
    tell_in_order(broker);
}

static unsigned default_workers(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        return (unsigned)CPU_COUNT(&set);
    }
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (unsigned)count : 1;
}

static enum ov_status open_walk(const struct ov_scan_request *request,
                                struct ov_processes **ret_processes, struct ov_walk **ret_walk) {
    struct ov_walk_options options = {
        .includes = request->includes,
        .include_count = request->include_count,
        .excludes = request->excludes,
        .exclude_count = request->exclude_count,
        .stdin_bytes = request->limits.file_bytes != 0 ? request->limits.file_bytes : 1ull << 31,
    };
    if (request->with_all_processes || request->process_count > 0) {
        size_t count = request->with_all_processes ? 0 : request->process_count;
        TRY(ov_processes_new(request->processes, count, ret_processes));
    }
    return ov_walk_new(request->paths, request->path_count, &options, ret_walk);
}

enum ov_status ov_scan_run(const struct ov_scan_request *request,
                           struct ov_scan_outcome *ret_outcome) {
    struct broker broker = {.request = request, .outcome = ret_outcome};
    unsigned workers = request->worker_count != 0 ? request->worker_count : default_workers();
    workers = workers < WORKERS_MAX ? workers : WORKERS_MAX;
    *ret_outcome = (struct ov_scan_outcome){0};
    enum ov_status status = open_walk(request, &broker.processes, &broker.walk);
    if (status == OV_OK) {
        status = ov_crew_open(request, workers, ret_outcome, &broker.crew);
    }
    if (status == OV_OK) {
        status = run(&broker);
    }
    ov_crew_close(&broker.crew);
    tell_rest(&broker, status == OV_END ? "scan was stopped" : "not scanned");
    if (broker.held_ticket != NULL) {
        ov_fd_close(&broker.held.fd);
    }
    ov_pool_close(&broker.pool);
    ov_ticket_free_all(&broker.spares);
    ov_walk_free(broker.walk);
    ov_processes_free(broker.processes);
    if (status != OV_OK && status != OV_END && ret_outcome->reason[0] == 0) {
        const char *why = status == OV_SYSTEM ? strerror(errno) : ov_status_text(status);
        (void)snprintf(ret_outcome->reason, sizeof ret_outcome->reason, "%s", why);
    }
    return status;
}
