// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target without a fuzzer: over its seeds, over inputs that once hurt, and over a few
// thousand mutations of them that are the same in every run.
//
// replay [--seeds] [--least RUNS] FOLDER... The target runs in a child process; when it dies or
// hangs, the parent writes the input that did it to ./crash-PROGRAM, so that it can be kept in
// tests/crashes/. --seeds leaves the mutations out. With --least it fails when there were fewer
// runs in a second: a second of computing, not of the clock, and of the machine whose speed
// fuzz/floors.tsv is written for. So neither a busy machine nor a slow one fails.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

enum {
    INPUT_BYTES_MAX = 1 << 20,
    MUTATED_BYTES_MAX = 64 * 1024, // larger seeds are cut before they are mutated
    SEEDS_MAX = 512,
    MUTATIONS = 2000,
    MUTATION_SECONDS = 10, // no new mutation after this time
    INPUT_SECONDS = 20,    // one input may compute this long before it counts as a hang
    ATTEMPTS = 3,          // at the floor
};

enum {
    YARD_STEPS = 1000000,
    YARD_BYTES = 1 << 16,
    // What the steps took under sanitizers on the machine that fuzz/floors.tsv is written for.
    YARD_NS = 25000000,
};

struct seed {
    size_t size;
    uint8_t *data;
};

// What parent and child share: the input that is running now.
struct stage {
    volatile size_t size;
    volatile unsigned seeds_run;
    volatile unsigned mutations_run;
    volatile uint64_t spent_ns; // what the runs took of the processor
    volatile uint64_t yard_ns;  // what the yardstick took, right before and after them
    uint8_t data[INPUT_BYTES_MAX];
};

static struct seed seeds[SEEDS_MAX];
static unsigned seed_count;

static void die(const char *what) {
    (void)fprintf(stderr, "replay: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void read_seed(int folder, const char *name) {
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        die(name);
    }
    if (S_ISREG(info.st_mode) && info.st_size <= INPUT_BYTES_MAX && seed_count < SEEDS_MAX) {
        size_t size = (size_t)info.st_size;
        uint8_t *data = malloc(size + 1);
        if (data == NULL || read(fd, data, size) != (ssize_t)size) {
            die(name);
        }
        seeds[seed_count++] = (struct seed){.size = size, .data = data};
    }
    (void)close(fd);
}

// Reads every file of the folder in order of name; a folder that is not there has none.
static void read_folder(const char *path) {
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0 && errno != ENOENT) {
        die(path);
    }
    int folder = count > 0 ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            read_seed(folder, entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
    if (folder >= 0) {
        (void)close(folder);
    }
}

// xorshift64*: the same numbers in every run and on every machine.
static uint64_t take_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717u;
}

static size_t take_below(uint64_t *state, size_t limit) {
    return limit == 0 ? 0 : (size_t)(take_random(state) % limit);
}

// Overwrites, drops or doubles a run, or splices another seed in.
static size_t mutate_run(uint8_t *data, size_t size, uint64_t *state) {
    size_t at = take_below(state, size);
    size_t run = 1 + take_below(state, size - at < 64 ? size - at : 64);
    run = run > size - at ? size - at : run;
    switch (take_below(state, 4)) {
    case 0:
        memmove(data + at, data + at + run, size - at - run);
        return size - run;
    case 1:
        if (size + run <= MUTATED_BYTES_MAX) {
            memmove(data + at + run, data + at, size - at);
            return size + run;
        }
        return size;
    case 2: {
        const struct seed *other = &seeds[take_below(state, seed_count)];
        size_t from = take_below(state, other->size);
        size_t bytes = other->size - from < size - at ? other->size - from : size - at;
        memcpy(data + at, other->data + from, bytes);
        return size;
    }
    default:
        return size - run; // cut the tail
    }
}

// One to eight small changes to the bytes; the new size.
static size_t mutate(uint8_t *data, size_t size, uint64_t *state) {
    static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0x0a, 0x3a, 0x2a};
    for (size_t left = 1 + take_below(state, 8); left > 0 && size > 0; left--) {
        size_t at = take_below(state, size);
        switch (take_below(state, 5)) {
        case 0:
            data[at] ^= (uint8_t)(1u << take_below(state, 8));
            break;
        case 1:
            data[at] = (uint8_t)take_random(state);
            break;
        case 2:
            data[at] = edges[take_below(state, sizeof edges)];
            break;
        case 3:
            for (size_t i = at; i < size && i < at + 4; i++) {
                data[i] = edges[take_below(state, 2) * 4]; // a field of zeros or ones
            }
            break;
        default:
            size = mutate_run(data, size, state);
            break;
        }
    }
    return size;
}

// SIGPROF after so many seconds of computing: what a busy machine does beside counts for nothing.
static void set_timer(int seconds) {
    struct itimerval after = {.it_value.tv_sec = seconds};
    (void)setitimer(ITIMER_PROF, &after, NULL);
}

// Runs the staged bytes from a heap block of exactly their size, so that reading past the end
// is seen.
static void run_input(struct stage *stage) {
    uint8_t *copy = malloc(stage->size);
    if (copy == NULL && stage->size > 0) {
        die("malloc");
    }
    if (stage->size > 0) {
        memcpy(copy, stage->data, stage->size);
    }
    set_timer(INPUT_SECONDS);
    (void)LLVMFuzzerTestOneInput(copy, stage->size);
    set_timer(0);
    free(copy);
}

static uint64_t read_spent_ns(void) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// Work that is like a parser's, bytes read here and there, branches and short-lived blocks, and
// always the same: what it takes says how fast the machine is just now.
static uint64_t measure_yard_ns(void) {
    static uint8_t bytes[YARD_BYTES];
    uint64_t start = read_spent_ns();
    uint64_t state = 0x9e3779b97f4a7c15u;
    for (unsigned i = 0; i < YARD_STEPS; i++) {
        size_t at = take_below(&state, sizeof bytes - 8);
        uint64_t field;
        memcpy(&field, bytes + at, sizeof field);
        bytes[field % sizeof bytes] ^= (uint8_t)(field & 1 ? state : at);
        if (i % 32 == 0) {
            uint8_t *block = calloc(1, 64 + at % 1024);
            bytes[at] = block != NULL ? block[at % 64] : 0;
            free(block);
        }
    }
    return read_spent_ns() - start;
}

static void run_seeds(struct stage *stage) {
    stage->size = 0;
    run_input(stage);
    for (unsigned i = 0; i < seed_count; i++) {
        memcpy(stage->data, seeds[i].data, seeds[i].size);
        stage->size = seeds[i].size;
        run_input(stage);
        stage->seeds_run++;
    }
}

static void run_mutations(struct stage *stage) {
    uint64_t state = 0x9e3779b97f4a7c15u;
    time_t end = time(NULL) + MUTATION_SECONDS;
    for (unsigned i = 0; i < MUTATIONS && time(NULL) < end; i++) {
        const struct seed *seed = &seeds[i % seed_count];
        size_t size = seed->size < MUTATED_BYTES_MAX ? seed->size : MUTATED_BYTES_MAX;
        memcpy(stage->data, seed->data, size);
        stage->size = mutate(stage->data, size, &state);
        run_input(stage);
        stage->mutations_run++;
    }
}

// Keeps the input that was running when the child died.
static void keep_input(const struct stage *stage, const char *program) {
    char path[256];
    const char *slash = strrchr(program, '/');
    (void)snprintf(path, sizeof path, "crash-%s", slash != NULL ? slash + 1 : program);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, stage->data, stage->size) != (ssize_t)stage->size) {
        die(path);
    }
    (void)close(fd);
    char folder[4096];
    const char *where = getcwd(folder, sizeof folder);
    (void)fprintf(stderr, "replay: the input (%zu bytes) is kept in %s/%s\n", stage->size,
                  where != NULL ? where : ".", path);
}

// Runs in a second of the machine that the floors are written for.
static uint64_t rate_of(const struct stage *stage) {
    double seconds = (double)stage->spent_ns / 1e9;
    double slowness = (double)stage->yard_ns / YARD_NS;
    double runs = (double)stage->seeds_run + (double)stage->mutations_run;
    return seconds > 0 ? (uint64_t)(runs * slowness / seconds) : 0;
}

enum answer { ANSWER_GOOD, ANSWER_BAD, ANSWER_SLOW };

static enum answer wait_for(pid_t child, const struct stage *stage, const char *program,
                            uint64_t least) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            die("waitpid");
        }
    }
    (void)printf("%u seeds, %u mutations run, %llu in a second\n", stage->seeds_run,
                 stage->mutations_run, (unsigned long long)rate_of(stage));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return rate_of(stage) >= least ? ANSWER_GOOD : ANSWER_SLOW;
    }
    bool is_hang = WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF;
    (void)fprintf(stderr, "replay: the target %s\n", is_hang ? "hangs" : "failed");
    keep_input(stage, program);
    return ANSWER_BAD;
}

static void run_all(struct stage *stage, bool with_mutations) {
    uint64_t yard = measure_yard_ns();
    uint64_t start = read_spent_ns();
    run_seeds(stage);
    if (with_mutations) {
        run_mutations(stage);
    }
    stage->spent_ns = read_spent_ns() - start;
    stage->yard_ns = (yard + measure_yard_ns()) / 2;
}

// All seeds and mutations in a process of their own.
static enum answer run_once(struct stage *stage, bool with_mutations, char **argv, uint64_t least) {
    memset(stage, 0, sizeof *stage);
    (void)fflush(stdout);
    pid_t child = fork();
    if (child < 0) {
        die("fork");
    }
    if (child == 0) {
        if (LLVMFuzzerInitialize != NULL) {
            int count = 1;
            (void)LLVMFuzzerInitialize(&count, &argv);
        }
        run_all(stage, with_mutations);
        exit(0);
    }
    return wait_for(child, stage, argv[0], least);
}

int main(int argc, char **argv) {
    bool with_mutations = true;
    uint64_t least = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seeds") == 0) {
            with_mutations = false;
        } else if (strcmp(argv[i], "--least") == 0 && i + 1 < argc) {
            least = strtoull(argv[++i], NULL, 10);
        } else {
            read_folder(argv[i]);
        }
    }
    if (seed_count < 3) {
        (void)fprintf(stderr, "replay: %u seeds; a target has at least 3\n", seed_count);
        return 2;
    }
    struct stage *stage =
        mmap(NULL, sizeof *stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stage == MAP_FAILED) {
        die("mmap");
    }
    // A second in which the machine was taken away under us counts as computing: what is slow
    // three times is slow.
    enum answer answer = ANSWER_SLOW;
    for (unsigned i = 0; i < ATTEMPTS && answer == ANSWER_SLOW; i++) {
        answer = run_once(stage, with_mutations, argv, least);
    }
    if (answer == ANSWER_SLOW) {
        (void)fprintf(stderr, "replay: fewer than the %llu in a second that fuzz/floors.tsv asks\n",
                      (unsigned long long)least);
    }
    return answer == ANSWER_GOOD ? 0 : 1;
}
