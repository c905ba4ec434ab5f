// SPDX-License-Identifier: Apache-2.0
// io_uring by its system calls alone (io_uring(7)).
#include "routes.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint32_t *field(const struct uring *ring, uint32_t offset) {
    return (uint32_t *)(void *)(ring->rings + offset);
}

bool uring_open(struct uring *ring, uint32_t flags) {
    *ring = (struct uring){.setup = {.flags = flags, .sq_thread_idle = 100}};
    ring->fd = (int)syscall(SYS_io_uring_setup, 4, &ring->setup);
    if (ring->fd < 0) {
        return false;
    }
    const struct io_uring_params *setup = &ring->setup;
    size_t size = setup->cq_off.cqes + setup->cq_entries * sizeof(struct io_uring_cqe);
    size_t least = setup->sq_off.array + setup->sq_entries * sizeof(uint32_t);
    size = size > least ? size : least;
    ring->rings =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
    ring->requests = mmap(NULL, 4 * sizeof *ring->requests, PROT_READ | PROT_WRITE, MAP_SHARED,
                          ring->fd, IORING_OFF_SQES);
    return ring->rings != MAP_FAILED && ring->requests != MAP_FAILED;
}

int64_t uring_ask(struct uring *ring, const struct io_uring_sqe *request) {
    uint32_t *tail = field(ring, ring->setup.sq_off.tail);
    uint32_t *head = field(ring, ring->setup.cq_off.head);
    uint32_t flags = IORING_ENTER_GETEVENTS;
    bool is_polled = (ring->setup.flags & IORING_SETUP_SQPOLL) != 0;
    uint32_t slot = *tail % ring->setup.sq_entries;
    ring->requests[slot] = *request;
    field(ring, ring->setup.sq_off.array)[slot] = slot;
    __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
    flags |= is_polled ? IORING_ENTER_SQ_WAKEUP : 0;
    if (syscall(SYS_io_uring_enter, ring->fd, 1, 1, flags, NULL, 0) < 0) {
        return -errno;
    }
    const struct io_uring_cqe *answers =
        (const struct io_uring_cqe *)(const void *)(ring->rings + ring->setup.cq_off.cqes);
    int64_t result = answers[*head % ring->setup.cq_entries].res;
    __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
    return result;
}
