// SPDX-License-Identifier: Apache-2.0
// rooms: rules match base
//
// Hash rules at scale: building their tables, opening the file, looking digests up.
//
//   hashset [RULES] [FILE]      8,000,000 synthetic rules and ./hashset-bench.ovi when not given
//
// Nine in ten rules are MD5 of whole objects with sizes spread as real ones are (many small, a
// long tail), the others MD5 of PE sections, whose sizes are multiples of 512. Half of the lookups
// are for rules that exist, in the second half. Answers are held against a reference: a plain hash
// table over the rules, built apart from the code that is measured. The file stays in the page
// cache: "first" is the first lookup of a fresh mapping, with its page faults, not a cold disk.
#include "match/hashset.h"
#include "rules/emit_hash.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    HALF = 1000000,
    LOOKUPS = 2 * HALF,
    FIRST_LOOKUPS = 1000,
    OPENINGS = 20,
    REFERENCE_BITS = 25
};

static uint64_t random_state = 88172645463325252u;

static uint64_t draw(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static double read_seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void stop(const char *what) {
    perror(what);
    exit(2);
}

static uint32_t draw_size(enum ov_hash_scope scope) {
    uint32_t scale = (uint32_t)(draw() % 12);
    uint32_t size = (512u << scale) + (uint32_t)(draw() % (512u << scale));
    return scope == OV_HASH_SECTION ? size / 512 * 512 : size;
}

static struct ov_hash_rule *make_rules(size_t count) {
    struct ov_hash_rule *rules = calloc(count, sizeof *rules);
    if (rules == NULL) {
        stop("rules");
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t words[2] = {draw(), draw()};
        memcpy(rules[i].digest, words, sizeof words);
        rules[i].scope = i % 10 == 0 ? OV_HASH_SECTION : OV_HASH_OBJECT;
        rules[i].size = draw_size(rules[i].scope);
    }
    return rules;
}

// ---- the reference ----------------------------------------------------------------------------

struct reference {
    uint32_t *slots; // rule index + 1, or 0
    const struct ov_hash_rule *rules;
};

static bool is_same(const struct ov_hash_rule *a, const struct ov_hash_rule *b) {
    return a->scope == b->scope && a->size == b->size && memcmp(a->digest, b->digest, 16) == 0;
}

// The slot of a rule that equals this one, or the free slot where it would stand.
static uint32_t *find_slot(struct reference *reference, const struct ov_hash_rule *rule) {
    uint32_t at;
    memcpy(&at, rule->digest, sizeof at);
    for (;; at++) {
        uint32_t *slot = &reference->slots[at % (1u << REFERENCE_BITS)];
        if (*slot == 0 || is_same(&reference->rules[*slot - 1], rule)) {
            return slot;
        }
    }
}

static void fill_reference(struct reference *reference, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t *slot = find_slot(reference, &reference->rules[i]);
        *slot = *slot == 0 ? (uint32_t)i + 1 : *slot; // the first in load order stays
    }
}

// ---- the image --------------------------------------------------------------------------------

static void build_file(const struct ov_hash_rule *rules, size_t count, const char *path) {
    struct ov_image_writer *writer = malloc(sizeof *writer);
    struct ov_hash_report report;
    struct ov_buf bytes;
    if (writer == NULL) {
        stop("writer");
    }
    ov_image_writer_init(writer);
    ov_buf_init(&bytes);
    double start = read_seconds();
    if (ov_emit_hashes(rules, count, 0, writer, &report) != OV_OK) {
        stop("emit");
    }
    double sorted = read_seconds();
    if (ov_image_writer_finish(writer, &bytes) != OV_OK) {
        stop("finish");
    }
    double finished = read_seconds();
    int file = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    for (size_t at = 0; file >= 0 && at < bytes.size;) {
        ssize_t size = write(file, bytes.data + at, bytes.size - at);
        if (size <= 0) {
            stop(path);
        }
        at += (size_t)size;
    }
    if (file < 0 || close(file) != 0) {
        stop(path);
    }
    printf("build: %zu rules, sorted and laid out %.2f s, put together %.2f s, written %.2f s\n",
           count, sorted - start, finished - sorted, read_seconds() - finished);
    printf("file: %.1f MB, %.1f bytes a rule; distinct sizes: objects %zu, sections %zu\n",
           (double)bytes.size / 1e6, (double)bytes.size / (double)count,
           report.size_count[OV_HASH_OBJECT][0], report.size_count[OV_HASH_SECTION][0]);
    ov_buf_release(&bytes);
    ov_image_writer_release(writer);
    free(writer);
}

struct opened {
    struct ov_span map;
    struct ov_hashset sets[OV_HASH_SCOPES];
};

static void open_file(const char *path, struct opened *ret_opened) {
    char reason[OV_IMAGE_REASON_BYTES];
    struct ov_image image;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    off_t size = file < 0 ? 0 : lseek(file, 0, SEEK_END);
    void *map = file < 0 ? MAP_FAILED : mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, file, 0);
    if (map == MAP_FAILED) {
        stop(path);
    }
    (void)close(file);
    ret_opened->map = ov_span_make(map, (size_t)size);
    if (ov_image_open(ret_opened->map, &image, reason) != OV_OK) {
        stop(reason);
    }
    for (unsigned scope = 0; scope < OV_HASH_SCOPES; scope++) {
        if (ov_hashset_open(&image, scope, &ret_opened->sets[scope], reason) != OV_OK) {
            stop(reason);
        }
    }
}

static void close_file(struct opened *opened) {
    (void)munmap((void *)opened->map.data, opened->map.size);
}

// ---- lookups ----------------------------------------------------------------------------------

static struct ov_hash_rule *make_questions(const struct ov_hash_rule *rules, size_t count) {
    struct ov_hash_rule *questions = calloc(LOOKUPS, sizeof *questions);
    if (questions == NULL) {
        stop("questions");
    }
    for (size_t i = 0; i < LOOKUPS; i++) {
        questions[i] = rules[draw() % count];
        if (i < HALF) {
            uint64_t word = draw();
            memcpy(questions[i].digest, &word, sizeof word);
        }
    }
    return questions;
}

struct answers {
    size_t wanted; // digests asked for by size
    size_t found;
    uint64_t sum; // of rule numbers found
};

static struct answers look_up(const struct opened *opened, const struct ov_hash_rule *questions,
                              size_t count) {
    struct answers answers = {0};
    for (size_t i = 0; i < count; i++) {
        const struct ov_hashset *set = &opened->sets[questions[i].scope];
        uint32_t rule;
        answers.wanted += ov_hashset_kinds_wanted(set, questions[i].size) != 0;
        if (ov_hashset_find(set, OV_HASH_MD5, questions[i].size, questions[i].digest, &rule)) {
            answers.found++;
            answers.sum += rule;
        }
    }
    return answers;
}

static void check(const struct answers *answers, struct reference *reference,
                  const struct ov_hash_rule *questions) {
    struct answers want = {0};
    for (size_t i = 0; i < LOOKUPS; i++) {
        uint32_t slot = *find_slot(reference, &questions[i]);
        want.found += slot != 0;
        want.sum += slot != 0 ? slot - 1 : 0;
    }
    bool is_equal = want.found == answers->found && want.sum == answers->sum;
    printf("answers: %zu of %d found, reference %zu: %s\n", answers->found, LOOKUPS, want.found,
           is_equal ? "equal" : "DIFFERENT");
    if (!is_equal) {
        exit(1);
    }
}

static void time_openings(const char *path, const struct ov_hash_rule *questions) {
    double open_best = 1e9, first_best = 1e9, next_best = 1e9;
    for (unsigned i = 0; i < OPENINGS; i++) {
        struct opened opened;
        double start = read_seconds();
        open_file(path, &opened);
        double is_open = read_seconds();
        (void)look_up(&opened, questions + i, 1);
        double first = read_seconds();
        (void)look_up(&opened, questions + OPENINGS, FIRST_LOOKUPS);
        double next = (read_seconds() - first) / FIRST_LOOKUPS;
        close_file(&opened);
        open_best = is_open - start < open_best ? is_open - start : open_best;
        first_best = first - is_open < first_best ? first - is_open : first_best;
        next_best = next < next_best ? next : next_best;
    }
    printf("open: %.0f us; first lookup %.1f us; each of the next %d: %.2f us (page faults)\n",
           open_best * 1e6, first_best * 1e6, FIRST_LOOKUPS, next_best * 1e6);
}

int main(int argc, char **argv) {
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 8000000;
    const char *path = argc > 2 ? argv[2] : "hashset-bench.ovi";
    if (count == 0 || count > 1u << (REFERENCE_BITS - 1)) {
        fprintf(stderr, "hashset: RULES must be 1 to %u\n", 1u << (REFERENCE_BITS - 1));
        return 2;
    }
    struct ov_hash_rule *rules = make_rules(count);
    build_file(rules, count, path);
    struct ov_hash_rule *questions = make_questions(rules, count);
    time_openings(path, questions);
    struct opened opened;
    open_file(path, &opened);
    struct answers answers = look_up(&opened, questions, LOOKUPS); // touches the pages
    double start = read_seconds();
    (void)look_up(&opened, questions, HALF);
    double middle = read_seconds();
    (void)look_up(&opened, questions + HALF, HALF);
    double absent = (middle - start) / HALF;
    double present = (read_seconds() - middle) / HALF;
    printf("lookups in random order: %.2f us when absent, %.2f us when present; %.1f million a "
           "second\n",
           absent * 1e6, present * 1e6, 2e-6 / (absent + present));
    struct reference reference = {calloc(1u << REFERENCE_BITS, sizeof(uint32_t)), rules};
    if (reference.slots == NULL) {
        stop("reference");
    }
    fill_reference(&reference, count);
    check(&answers, &reference, questions);
    close_file(&opened);
    (void)unlink(path);
    free(reference.slots);
    free(questions);
    free(rules);
    return 0;
}
