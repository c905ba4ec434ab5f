// SPDX-License-Identifier: Apache-2.0
// Packs files into messages and unpacks answers onto tickets.
#include "role/batch.h"

#include "base/fd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ALIGN_BYTES = 64,
    PATH_BYTES = 160, // room of a ticket at least
    READ_BYTES = 256 << 10,
};

// ---- tickets ----------------------------------------------------------------------------------

static struct ov_file_key key_of(const struct stat *info) {
    return (struct ov_file_key){
        .device = info->st_dev,
        .inode = info->st_ino,
        .size = (uint64_t)info->st_size,
        .mtime_ns = info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec,
        .ctime_ns = info->st_ctim.tv_sec * 1000000000 + info->st_ctim.tv_nsec,
    };
}

// A spare ticket with room enough, or a new one.
static struct ov_ticket *find_room(size_t path_size, struct ov_ticket **spares) {
    struct ov_ticket *ticket = *spares;
    if (ticket != NULL && ticket->path_room >= path_size) {
        *spares = ticket->next;
        return ticket;
    }
    size_t room = path_size < PATH_BYTES ? PATH_BYTES : path_size;
    ticket = malloc(sizeof *ticket + room);
    if (ticket != NULL) {
        ticket->path_room = room;
    }
    return ticket;
}

enum ov_status ov_ticket_new(const struct ov_walk_item *item, struct ov_ticket **spares,
                             struct ov_ticket **ret_ticket) {
    struct ov_ticket *ticket = find_room(item->path.size, spares);
    if (ticket == NULL) {
        return OV_MEMORY;
    }
    *ticket = (struct ov_ticket){.path_room = ticket->path_room};
    if (item->path.size > 0) {
        memcpy(ticket->path, item->path.data, item->path.size);
    }
    ticket->result.path = ov_span_make(ticket->path, item->path.size);
    if (item->kind == OV_WALK_FILE) {
        ticket->result.key = key_of(&item->info);
    }
    *ret_ticket = ticket;
    return OV_OK;
}

void ov_ticket_retire(struct ov_ticket *ticket, struct ov_ticket **spares) {
    free(ticket->detections);
    ticket->next = *spares;
    *spares = ticket;
}

void ov_ticket_free_all(struct ov_ticket **spares) {
    while (*spares != NULL) {
        struct ov_ticket *ticket = *spares;
        *spares = ticket->next;
        free(ticket);
    }
}

void ov_ticket_finish(struct ov_ticket *ticket, enum ov_result_kind kind, const char *reason) {
    ticket->result.kind = kind;
    ticket->result.reason = reason;
    ticket->is_done = true;
}

// By rule, then place. The order in which a worker told them is not kept: it could mean something.
static int compare_detections(const void *a, const void *b) {
    const struct ov_wire_detection *first = a;
    const struct ov_wire_detection *second = b;
    if (first->rule != second->rule) {
        return first->rule < second->rule ? -1 : 1;
    }
    int order = memcmp(first->members, second->members, sizeof first->members);
    if (order != 0 || first->offset == second->offset) {
        return order;
    }
    return first->offset < second->offset ? -1 : 1;
}

// Drops repetitions of a sorted row; gives how many are left.
static uint32_t drop_repeated(struct ov_wire_detection *detections, uint32_t count) {
    uint32_t kept = count > 0 ? 1 : 0;
    for (uint32_t i = 1; i < count; i++) {
        if (compare_detections(&detections[kept - 1], &detections[i]) != 0) {
            detections[kept++] = detections[i];
        }
    }
    return kept;
}

static const char *error_reason(uint8_t error) {
    static const char *const reasons[OV_WIRE_SCAN_ERROR_COUNT] = {
        "not scanned",
        "not scanned",
        "file shrank or could not be read while it was scanned",
        "not enough memory in the scanner",
        "rule image damaged",
    };
    return error < OV_WIRE_SCAN_ERROR_COUNT ? reasons[error] : reasons[0];
}

static void take_detections(struct ov_ticket *ticket, const struct ov_wire_detection *detections,
                            const struct ov_wire_verdict *verdict) {
    uint32_t count = verdict->detection_count;
    struct ov_wire_detection *copy = calloc(count, sizeof *copy);
    if (copy == NULL) {
        ov_ticket_finish(ticket, OV_RESULT_ERROR, "not enough memory");
        return;
    }
    memcpy(copy, detections, count * sizeof *copy);
    qsort(copy, count, sizeof *copy, compare_detections);
    ticket->detections = copy;
    ticket->result.detections = copy;
    ticket->result.detection_count = drop_repeated(copy, count);
    ov_ticket_finish(ticket, OV_RESULT_FOUND,
                     verdict->limit != OV_LIMIT_NONE ? ov_limit_name(verdict->limit) : NULL);
}

void ov_ticket_take(struct ov_ticket *ticket, const struct ov_wire_verdict *verdict,
                    const struct ov_wire_detection *detections) {
    switch (verdict->kind) {
    case OV_WIRE_CLEAN:
        ov_ticket_finish(ticket, OV_RESULT_CLEAN, NULL);
        break;
    case OV_WIRE_FOUND:
        take_detections(ticket, detections, verdict);
        break;
    case OV_WIRE_LIMITED:
        ov_ticket_finish(ticket, OV_RESULT_LIMITED, ov_limit_name(verdict->limit));
        break;
    default:
        ov_ticket_finish(ticket, OV_RESULT_ERROR, error_reason(verdict->error));
        break;
    }
}

// ---- batches ----------------------------------------------------------------------------------

void ov_batch_reset(struct ov_batch *batch, uint32_t slot) {
    batch->jobs.count = 0;
    batch->jobs.descriptor_count = 0;
    batch->slot = slot;
    batch->used_bytes = 0;
    batch->is_alone = false;
    batch->at = 0;
    batch->is_sent = false;
    batch->has_verdicts = false;
    batch->answered = 0;
    batch->deadline_ns = 0;
}

bool ov_batch_has_room(const struct ov_batch *batch) {
    return batch->jobs.count < OV_WIRE_JOBS_MAX && batch->used_bytes < OV_SLOT_FULL_BYTES;
}

static void add_job(struct ov_batch *batch, struct ov_wire_job job, int fd,
                    struct ov_ticket *ticket) {
    batch->tickets[batch->jobs.count] = ticket;
    batch->files[batch->jobs.count] = fd;
    batch->jobs.items[batch->jobs.count++] = job;
    batch->jobs.descriptor_count += job.is_descriptor;
    ticket->result.bytes = job.size;
}

void ov_batch_add_large(struct ov_batch *batch, const struct ov_pool_file *file) {
    add_job(batch, (struct ov_wire_job){.is_descriptor = true, .size = file->size}, file->fd,
            file->ticket);
}

// Reads to the end of the file: fstat's size is only a hint, for files grow and shrink.
static enum ov_status read_small(int fd, uint8_t *room, uint64_t hint, size_t *ret_size) {
    size_t most = OV_SMALL_FILE_BYTES + 1;
    size_t first = hint + 1 < most ? (size_t)hint + 1 : most;
    size_t size = 0;
    ssize_t count = read(fd, room, first);
    if (count == (ssize_t)first || (count < 0 && errno == EINTR)) {
        size = count > 0 ? first : 0;
        TRY(ov_fd_read_full(fd, room + size, most - size, &first));
        size += first;
    } else if (count < 0) {
        return OV_SYSTEM;
    } else {
        size = (size_t)count; // fewer than asked for: a regular file's end
    }
    if (size > OV_SMALL_FILE_BYTES) {
        return OV_LIMIT;
    }
    *ret_size = size;
    return OV_OK;
}

static enum ov_status add_small(struct ov_batch *batch, const struct ov_ring *ring, int fd,
                                uint64_t hint, struct ov_ticket *ticket) {
    uint32_t offset = batch->slot * OV_SLOT_BYTES + batch->used_bytes;
    size_t size;
    TRY(read_small(fd, ring->bytes + offset, hint, &size));
    batch->used_bytes += ((uint32_t)size + ALIGN_BYTES - 1) & ~(uint32_t)(ALIGN_BYTES - 1);
    add_job(batch, (struct ov_wire_job){.ring_offset = offset, .size = size}, -1, ticket);
    batch->read_files[batch->read_count++] = fd;
    return OV_OK;
}

enum ov_status ov_batch_add(struct ov_batch *batch, const struct ov_ring *ring, int fd,
                            uint64_t size, struct ov_ticket *ticket) {
    enum ov_status status = add_small(batch, ring, fd, size, ticket);
    struct stat info;
    if (status == OV_OK) {
        return OV_OK;
    }
    if (status == OV_LIMIT && fstat(fd, &info) == 0 && info.st_size > OV_SMALL_FILE_BYTES) {
        // It grew under our hands. There is always room for one more descriptor in an unsent batch
        // below its limit, else the file waits for nobody and is told as a problem.
        if (batch->jobs.descriptor_count < OV_WIRE_DESCRIPTORS_MAX) {
            ov_batch_add_large(batch, &(struct ov_pool_file){fd, (uint64_t)info.st_size, ticket});
            return OV_OK;
        }
    }
    int error = errno;
    (void)close(fd);
    errno = error;
    return status;
}

void ov_batch_close_read(struct ov_batch *batch) {
    ov_fd_close_many(batch->read_files, batch->read_count);
    batch->read_count = 0;
}

void ov_batch_close(struct ov_batch *batch) {
    ov_batch_close_read(batch);
    for (uint32_t i = 0; i < batch->jobs.count; i++) {
        ov_fd_close(&batch->files[i]);
    }
}

uint32_t ov_batch_index(const struct ov_batch *batch, uint32_t index) {
    return batch->is_alone ? batch->at : index;
}

// A file that shrinks or grows meanwhile is another one: only all of what was told is a digest.
static bool digest_file(int fd, uint64_t size, uint8_t ret_sha256[OV_SHA256_BYTES]) {
    static uint8_t buffer[READ_BYTES];
    struct ov_digest digest;
    uint64_t at = 0;
    ov_digest_init(OV_HASH_SHA256, &digest);
    while (at < size) {
        uint64_t wanted = size - at < sizeof buffer ? size - at : sizeof buffer;
        ssize_t count = pread(fd, buffer, (size_t)wanted, (off_t)at);
        if (count <= 0 && !(count < 0 && errno == EINTR)) {
            return false;
        }
        if (count > 0) {
            ov_digest_update(&digest, ov_span_make(buffer, (size_t)count));
            at += (uint64_t)count;
        }
    }
    ov_digest_finish(&digest, ret_sha256);
    return true;
}

void ov_batch_digest(const struct ov_batch *batch, const struct ov_ring *ring, uint32_t index) {
    const struct ov_wire_job *job = &batch->jobs.items[index];
    struct ov_scan_result *result = &batch->tickets[index]->result;
    if (job->is_descriptor) {
        result->has_sha256 = digest_file(batch->files[index], job->size, result->sha256);
    } else {
        ov_sha256(ov_span_make(ring->bytes + job->ring_offset, (size_t)job->size), result->sha256);
        result->has_sha256 = true;
    }
}
