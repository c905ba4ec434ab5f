// SPDX-License-Identifier: Apache-2.0
// watch FOLDER CALLS: what a watched read, and a system call, costs. Prints the least CPU time of
// several rounds: `read NS` (4 KiB of a file in memory) and `call NS` (getppid).
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 9, PAGE_BYTES = 4096, FILE_PAGES = 256, PATH_BYTES = 4096 };

static uint64_t cpu_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t time_reads(int fd, uint64_t calls) {
    static char page[PAGE_BYTES];
    uint64_t began = cpu_ns();
    for (uint64_t i = 0; i < calls; i++) {
        (void)!pread(fd, page, sizeof page, (off_t)(i % FILE_PAGES * PAGE_BYTES));
    }
    return cpu_ns() - began;
}

static uint64_t time_calls(uint64_t calls) {
    uint64_t began = cpu_ns();
    for (uint64_t i = 0; i < calls; i++) {
        (void)syscall(SYS_getppid);
    }
    return cpu_ns() - began;
}

int main(int argc, char **argv) {
    static char page[PAGE_BYTES];
    char path[PATH_BYTES];
    uint64_t least_read = UINT64_MAX;
    uint64_t least_call = UINT64_MAX;
    if (argc != 3) {
        return 2;
    }
    uint64_t calls = strtoull(argv[2], NULL, 10);
    (void)snprintf(path, sizeof path, "%.3000s/watch-%d", argv[1], (int)getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    (void)unlink(path);
    for (int i = 0; i < FILE_PAGES; i++) {
        if (write(fd, page, sizeof page) != sizeof page) {
            return 1;
        }
    }
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t reads = time_reads(fd, calls);
        uint64_t others = time_calls(calls);
        least_read = reads < least_read ? reads : least_read;
        least_call = others < least_call ? others : least_call;
    }
    (void)printf("read %.1f\ncall %.1f\n", (double)least_read / (double)calls,
                 (double)least_call / (double)calls);
    return 0;
}
