// SPDX-License-Identifier: Apache-2.0
// A load for the recorder of `overt watch`, at a rate that is told and no faster.
//
// watch-load make FOLDER FILES
// watch-load run FOLDER FILES FILES_PER_SECOND READS_PER_SECOND SECONDS READERS
//
// `run` are READERS processes and one: that one reads 100 bytes of each of FILES files once, the
// others read 64 bytes of one file again and again, all together so often. They print `files DONE
// BYTES NS` and, each, `reads DONE BYTES NS`.
//
// watch-load crowd FOLDER FILES THREADS ROUNDS
//
// THREADS threads of one process read a byte of each of FILES files, ROUNDS times, all at once and
// in the same order.
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    FILE_BYTES = 100,
    READ_BYTES = 64,
    FOLDER_FILES = 10000,
    BATCH = 500,
    PATH_BYTES = 4096,
    THREADS_MAX = 16
};
#define NS_IN_SECOND 1000000000ull

static uint64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_IN_SECOND + (uint64_t)now.tv_nsec;
}

// Waits until `done` of `rate` a second are due.
static void keep_pace(uint64_t began_ns, uint64_t done, uint64_t rate) {
    uint64_t due_ns = began_ns + done * NS_IN_SECOND / rate;
    uint64_t at_ns = now_ns();
    if (at_ns < due_ns) {
        struct timespec wait = {.tv_sec = (time_t)((due_ns - at_ns) / NS_IN_SECOND),
                                .tv_nsec = (long)((due_ns - at_ns) % NS_IN_SECOND)};
        (void)nanosleep(&wait, NULL);
    }
}

static void name_file(const char *folder, uint64_t number, char ret_path[PATH_BYTES]) {
    (void)snprintf(ret_path, PATH_BYTES, "%.3000s/%llu/%llu", folder,
                   (unsigned long long)(number / FOLDER_FILES), (unsigned long long)number);
}

static int make_files(const char *folder, uint64_t count) {
    static const char content[FILE_BYTES];
    char path[PATH_BYTES];
    for (uint64_t i = 0; i < count; i++) {
        if (i % FOLDER_FILES == 0) {
            (void)snprintf(path, sizeof path, "%.3000s/%llu", folder,
                           (unsigned long long)(i / FOLDER_FILES));
            (void)mkdir(path, 0700);
        }
        name_file(folder, i, path);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (write(fd, content, sizeof content) != sizeof content || close(fd) != 0) {
            return 1;
        }
    }
    return 0;
}

static void tell(const char *what, uint64_t done, uint64_t bytes, uint64_t ns) {
    (void)printf("%s %llu %llu %llu\n", what, (unsigned long long)done, (unsigned long long)bytes,
                 (unsigned long long)ns);
    (void)fflush(stdout);
}

static void read_files(const char *folder, uint64_t count, uint64_t rate) {
    char room[FILE_BYTES];
    char path[PATH_BYTES];
    uint64_t began_ns = now_ns();
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < count; i++) {
        name_file(folder, i, path);
        int fd = open(path, O_RDONLY);
        ssize_t got = pread(fd, room, sizeof room, 0);
        bytes += got > 0 ? (uint64_t)got : 0;
        (void)close(fd);
        if (i % BATCH == 0) {
            keep_pace(began_ns, i, rate);
        }
    }
    tell("files", count, bytes, now_ns() - began_ns);
}

static void read_file(const char *folder, uint64_t count, uint64_t rate) {
    char room[READ_BYTES];
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%.3000s/read", folder);
    int fd = open(path, O_RDONLY);
    uint64_t began_ns = now_ns();
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < count; i++) {
        ssize_t got = pread(fd, room, sizeof room, 0);
        bytes += got > 0 ? (uint64_t)got : 0;
        if (i % BATCH == 0) {
            keep_pace(began_ns, i, rate);
        }
    }
    (void)close(fd);
    tell("reads", count, bytes, now_ns() - began_ns);
}

struct crowd {
    const int *fds;
    uint64_t files, rounds;
    pthread_barrier_t begin;
};

static void *read_in_crowd(void *arg) {
    struct crowd *crowd = arg;
    char byte;
    (void)pthread_barrier_wait(&crowd->begin);
    for (uint64_t i = 0; i < crowd->rounds * crowd->files; i++) {
        if (pread(crowd->fds[i % crowd->files], &byte, 1, 0) != 1) {
            _exit(1);
        }
    }
    return NULL;
}

static void read_as_crowd(const char *folder, uint64_t files, uint64_t threads, uint64_t rounds) {
    pthread_t readers[THREADS_MAX];
    int *fds = calloc(files, sizeof *fds);
    struct crowd crowd = {.fds = fds, .files = files, .rounds = rounds};
    if (fds == NULL || threads > THREADS_MAX ||
        pthread_barrier_init(&crowd.begin, NULL, (unsigned)threads) != 0) {
        _exit(2);
    }
    for (uint64_t i = 0; i < files; i++) {
        char path[PATH_BYTES];
        name_file(folder, i, path);
        fds[i] = open(path, O_RDONLY);
    }
    for (uint64_t i = 0; i < threads; i++) {
        if (pthread_create(&readers[i], NULL, read_in_crowd, &crowd) != 0) {
            _exit(1);
        }
    }
    for (uint64_t i = 0; i < threads; i++) {
        (void)pthread_join(readers[i], NULL);
    }
    free(fds);
}

static uint64_t number(const char *text) {
    return strtoull(text, NULL, 10);
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "make") == 0) {
        return make_files(argv[2], number(argv[3]));
    }
    if (argc == 6 && strcmp(argv[1], "crowd") == 0) {
        read_as_crowd(argv[2], number(argv[3]), number(argv[4]), number(argv[5]));
        return 0;
    }
    if (argc != 8 || strcmp(argv[1], "run") != 0 || number(argv[7]) == 0) {
        return 2;
    }
    uint64_t rate = number(argv[5]) / number(argv[7]);
    for (uint64_t i = 0; i < number(argv[7]); i++) {
        if (fork() == 0) {
            read_file(argv[2], rate * number(argv[6]), rate);
            _exit(0);
        }
    }
    read_files(argv[2], number(argv[3]), number(argv[4]));
    while (wait(NULL) > 0) {
    }
    return 0;
}
