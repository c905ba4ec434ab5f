// SPDX-License-Identifier: Apache-2.0
// Many digests at once: every kernel with every single engine against the plain one-by-one digest,
// on job sets of all shapes.
#include "base/digest.h"
#include "match/digest_lanes.h"
#include "match/digest_many.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

enum {
    POOL_BYTES = 2 << 20,
    JOBS_MAX = 700,
    ALL_KINDS = (1 << OV_HASH_KINDS) - 1,
    UNTOUCHED = 0xa5, // in digests that nobody asked for
};

static uint8_t *pool;
static uint64_t random_state = 20260101;

static uint32_t draw(uint32_t below) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % below);
}

static int make_pool(void **state) {
    (void)state;
    pool = malloc(POOL_BYTES);
    assert_non_null(pool);
    for (size_t i = 0; i < POOL_BYTES; i++) {
        pool[i] = (uint8_t)draw(256);
    }
    return 0;
}

static int drop_pool(void **state) {
    (void)state;
    free(pool);
    return 0;
}

static void check_job(struct ov_digest_job *job) {
    for (unsigned kind = 0; kind < OV_HASH_KINDS; kind++) {
        uint8_t want[OV_HASH_BYTES_MAX];
        memset(want, UNTOUCHED, sizeof want);
        if (job->kinds & 1u << kind) {
            ov_digest_of(kind, job->bytes, want);
        }
        assert_memory_equal(ov_digest_job_bytes(job, kind), want, ov_hash_bytes(kind));
    }
}

static void check_jobs(struct ov_digest_job *jobs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        memset(jobs[i].md5, UNTOUCHED, sizeof jobs[i].md5);
        memset(jobs[i].sha1, UNTOUCHED, sizeof jobs[i].sha1);
        memset(jobs[i].sha256, UNTOUCHED, sizeof jobs[i].sha256);
    }
    ov_digest_many(jobs, count);
    ov_digest_set_engine(&ov_digest_plain);
    for (size_t i = 0; i < count; i++) {
        check_job(&jobs[i]);
    }
}

// Runs `check` with every kernel of this processor, each beside every single engine.
static void with_each_kernel(void (*check)(const struct ov_digest_engine *engine)) {
    for (const struct ov_lanes_kernel *const *kernel = ov_lanes_list(); *kernel; kernel++) {
        ov_lanes_set(*kernel);
        check(&ov_digest_plain);
        check(NULL);
    }
    ov_lanes_set(NULL);
    ov_digest_set_engine(NULL);
}

static struct ov_digest_job make_job(size_t size, unsigned kinds) {
    size_t at = draw((uint32_t)(POOL_BYTES - size + 1));
    return (struct ov_digest_job){.bytes = ov_span_make(pool + at, size), .kinds = kinds};
}

static void check_every_short_length(const struct ov_digest_engine *engine) {
    static struct ov_digest_job jobs[301];
    for (size_t i = 0; i < 301; i++) {
        jobs[i] = make_job(i, ALL_KINDS);
    }
    ov_digest_set_engine(engine);
    check_jobs(jobs, 301);
}

static void every_short_length(void **state) {
    (void)state;
    with_each_kernel(check_every_short_length);
}

// Every count of jobs around the number of lanes, all of one length and of one kind.
static void check_every_count(const struct ov_digest_engine *engine) {
    static struct ov_digest_job jobs[70];
    for (size_t count = 0; count <= 70; count++) {
        for (size_t i = 0; i < count; i++) {
            jobs[i] = make_job(119 + count, 1u << count % OV_HASH_KINDS);
        }
        ov_digest_set_engine(engine);
        check_jobs(jobs, count);
    }
}

static void every_count(void **state) {
    (void)state;
    with_each_kernel(check_every_count);
}

// Random sets: lengths from empty to 64 KB at every scale, every choice of kinds, windows overfull.
static void check_random_sets(const struct ov_digest_engine *engine) {
    static struct ov_digest_job jobs[JOBS_MAX];
    for (unsigned round = 0; round < 12; round++) {
        size_t count = draw(JOBS_MAX + 1);
        for (size_t i = 0; i < count; i++) {
            jobs[i] = make_job(draw(1u << draw(15)), draw(ALL_KINDS + 1));
        }
        ov_digest_set_engine(engine);
        check_jobs(jobs, count);
    }
}

static void random_sets(void **state) {
    (void)state;
    with_each_kernel(check_random_sets);
}

// One long object among short ones, and several long ones of nearly one length.
static void check_long_objects(const struct ov_digest_engine *engine) {
    static struct ov_digest_job jobs[40];
    for (size_t i = 0; i < 40; i++) {
        jobs[i] = make_job(i == 17 ? 1 << 20 : 3000 + i, ALL_KINDS);
    }
    ov_digest_set_engine(engine);
    check_jobs(jobs, 40);
    for (size_t i = 0; i < 9; i++) {
        jobs[i] = make_job((1 << 20) - 4 + i, ALL_KINDS);
    }
    ov_digest_set_engine(engine);
    check_jobs(jobs, 9);
    ov_digest_set_engine(engine);
    check_jobs(jobs, 1);
}

static void long_objects(void **state) {
    (void)state;
    with_each_kernel(check_long_objects);
}

// Few objects, or a few that are much longer than the rest: these run beside the lanes and take
// over what is half done in one. Lengths of every kind, an end in each part of a block.
static void check_uneven(const struct ov_digest_engine *engine) {
    static const size_t longest[] = {0, 55, 64, 127, 128, 129, 4096, 100003, 1 << 19};
    static struct ov_digest_job jobs[70];
    for (size_t count = 1; count <= 70; count += 1 + count / 8) {
        for (size_t k = 0; k < sizeof longest / sizeof *longest; k++) {
            for (size_t i = 0; i < count; i++) {
                size_t size = longest[k] >> i % 20;
                jobs[i] = make_job(size + draw(130), i % 3 == 2 ? 0 : ALL_KINDS);
            }
            ov_digest_set_engine(engine);
            check_jobs(jobs, count);
        }
    }
}

static void uneven_sets(void **state) {
    (void)state;
    with_each_kernel(check_uneven);
}

// Objects that end where readable memory ends: a read past one would kill the test.
static void check_guarded(const struct ov_digest_engine *engine) {
    static struct ov_digest_job jobs[200];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    memcpy(map, pool, page);
    assert_int_equal(mprotect(map + page, page, PROT_NONE), 0);
    for (size_t i = 0; i < 200; i++) {
        jobs[i].bytes = ov_span_make(map + page - i, i);
        jobs[i].kinds = ALL_KINDS;
    }
    ov_digest_set_engine(engine);
    check_jobs(jobs, 200);
    assert_int_equal(munmap(map, 2 * page), 0);
}

static void nothing_past_the_end_is_read(void **state) {
    (void)state;
    with_each_kernel(check_guarded);
}

static _Atomic bool is_over;

static void *scribble(void *bytes) {
    volatile uint8_t *changing = bytes;
    for (size_t i = 0; !atomic_load(&is_over); i++) {
        changing[i % 50000] ^= (uint8_t)i;
    }
    return NULL;
}

// A file that changes while it is read costs only its own digests.
static void check_changing(const struct ov_digest_engine *engine) {
    static struct ov_digest_job jobs[20];
    static uint8_t changing[50000];
    pthread_t writer;
    atomic_store(&is_over, false);
    assert_int_equal(pthread_create(&writer, NULL, scribble, changing), 0);
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 0; i < 20; i++) {
            jobs[i] = make_job(30000 + i, ALL_KINDS);
        }
        jobs[5].bytes = ov_span_make(changing, sizeof changing);
        ov_digest_set_engine(engine);
        ov_digest_many(jobs, 20);
        ov_digest_set_engine(&ov_digest_plain);
        for (size_t i = 0; i < 20; i++) {
            if (i != 5) {
                check_job(&jobs[i]);
            }
        }
    }
    atomic_store(&is_over, true);
    assert_int_equal(pthread_join(writer, NULL), 0);
}

static void changing_bytes_hurt_nobody_else(void **state) {
    (void)state;
    with_each_kernel(check_changing);
}

static void list_ends_with_the_plain_way(void **state) {
    (void)state;
    const struct ov_lanes_kernel *const *kernel = ov_lanes_list();
    while (kernel[1] != NULL) {
        print_message("kernel here: %s\n", (*kernel)->name);
        kernel++;
    }
    assert_ptr_equal(*kernel, &ov_lanes_none);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_ends_with_the_plain_way),
        cmocka_unit_test(every_short_length),
        cmocka_unit_test(every_count),
        cmocka_unit_test(random_sets),
        cmocka_unit_test(long_objects),
        cmocka_unit_test(uneven_sets),
        cmocka_unit_test(nothing_past_the_end_is_read),
        cmocka_unit_test(changing_bytes_hurt_nobody_else),
    };
    return cmocka_run_group_tests(tests, make_pool, drop_pool);
}
