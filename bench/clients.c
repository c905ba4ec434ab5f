// SPDX-License-Identifier: Apache-2.0
//
// Many clients of a log at once, on loopback: how many requests a server answers, and their bytes.
//
//   clients PORT REQUEST PROCESSES COUNT
//
// Each process sends the bytes of the file REQUEST COUNT times, each on a connection of its own, as
// `overt rules update` has one for each job, and reads the answer to its end. Status codes other
// than 200 are errors. Prints one line; the CPU time of the server is for the caller to look up.
#include "load.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_BYTES = 1 << 16, REQUEST_BYTES = 1 << 16 };

struct tally {
    uint64_t answers, errors, bytes;
};

static char request[REQUEST_BYTES];
static size_t request_bytes;

static int open_connection(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

// How many bytes the answer has, head and body, once its head is there; 0 before.
static size_t find_size(const char *answer, size_t head_bytes_max) {
    static const char word[] = "\r\nContent-Length: ";
    const char *end = memmem(answer, head_bytes_max, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }
    size_t head = (size_t)(end - answer) + 4;
    const char *length = memmem(answer, head, word, sizeof word - 1);
    return head + (length != NULL ? strtoull(length + sizeof word - 1, NULL, 10) : 0);
}

static bool read_answer(int fd, struct tally *tally) {
    static char buffer[ANSWER_BYTES + 1];
    size_t used = 0; // of the buffer, until the head is there
    size_t wanted = 0;
    size_t got = 0;
    while (wanted == 0 || got < wanted) {
        size_t at = wanted == 0 ? used : 0;
        ssize_t size = recv(fd, buffer + at, ANSWER_BYTES - at, 0);
        if (size <= 0) {
            return false;
        }
        got += (size_t)size;
        if (wanted == 0) {
            used += (size_t)size;
            wanted = find_size(buffer, used);
            if (wanted > 0 && memcmp(buffer, "HTTP/1.1 200", 12) != 0) {
                return false;
            }
        }
    }
    tally->bytes += got;
    return true;
}

static void run_client(uint16_t port, unsigned count, struct tally *tally) {
    for (unsigned i = 0; i < count; i++) {
        int fd = open_connection(port);
        bool is_sent =
            fd >= 0 && send(fd, request, request_bytes, MSG_NOSIGNAL) == (ssize_t)request_bytes;
        bool is_right = is_sent && read_answer(fd, tally);
        tally->answers += is_right;
        tally->errors += !is_right;
        if (fd >= 0) {
            (void)close(fd);
        }
    }
}

static double read_seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(int argc, char **argv) {
    if (argc != 5) {
        bench_die("clients", "PORT REQUEST PROCESSES COUNT");
    }
    uint16_t port = (uint16_t)strtoul(argv[1], NULL, 10);
    unsigned processes = (unsigned)strtoul(argv[3], NULL, 10);
    unsigned count = (unsigned)strtoul(argv[4], NULL, 10);
    int file = open(argv[2], O_RDONLY | O_CLOEXEC);
    ssize_t size = file >= 0 ? read(file, request, sizeof request) : -1;
    struct tally *tallies = mmap(NULL, processes * sizeof *tallies, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (size <= 0 || tallies == MAP_FAILED) {
        bench_die(argv[2], "cannot be read");
    }
    request_bytes = (size_t)size;
    double start = read_seconds();
    for (unsigned i = 0; i < processes; i++) {
        if (fork() == 0) {
            run_client(port, count, &tallies[i]);
            _exit(0);
        }
    }
    while (wait(NULL) > 0) {
    }
    struct tally sum = {0};
    for (unsigned i = 0; i < processes; i++) {
        sum.answers += tallies[i].answers;
        sum.errors += tallies[i].errors;
        sum.bytes += tallies[i].bytes;
    }
    printf("program=clients answers=%llu errors=%llu bytes=%llu wall=%.6f\n",
           (unsigned long long)sum.answers, (unsigned long long)sum.errors,
           (unsigned long long)sum.bytes, read_seconds() - start);
    return 0;
}
