// SPDX-License-Identifier: Apache-2.0
// Groups of large files: nothing is lost, nothing is told twice, and the limits hold.
#include "role/pool.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

enum { ROUNDS = 2000, NO_FILE = -1 };

static uint64_t random_state = 7;

static uint64_t draw(uint64_t below) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (random_state >> 33) % below;
}

static struct ov_pool_file make_file(uint64_t size) {
    return (struct ov_pool_file){.fd = NO_FILE, .size = size};
}

// Takes one group and holds it against what the header promises. Returns its number of files.
static uint32_t check_group(struct ov_pool *pool, unsigned workers) {
    struct ov_pool_file files[OV_GROUP_FILES];
    uint64_t longest = pool->files[0].size;
    uint64_t before = pool->bytes;
    uint32_t count_before = pool->count;
    uint32_t count = ov_pool_take(pool, workers, files);
    uint64_t sum = 0;
    assert_in_range(count, 1, OV_GROUP_FILES);
    assert_int_equal(files[0].size, longest);
    for (uint32_t i = 0; i < count; i++) {
        sum += files[i].size;
        assert_true(i == 0 || files[i].size <= files[i - 1].size);
    }
    assert_true(sum - longest <= OV_GROUP_BYTES);
    assert_int_equal(pool->bytes, before - sum);
    assert_int_equal(pool->count, count_before - count);
    return count;
}

static void whatever_comes_in_goes_out_once(void **state) {
    (void)state;
    struct ov_pool pool = {0};
    uint64_t in = 0, out = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned workers = 1 + (unsigned)draw(256);
        while (!ov_pool_is_full(&pool) && draw(40) != 0) {
            ov_pool_add(&pool, make_file(1 + draw(1ull << (10 + draw(18)))));
            in++;
        }
        if (pool.count > 0) {
            out += check_group(&pool, workers);
        }
    }
    while (pool.count > 0) {
        out += check_group(&pool, 2);
    }
    assert_int_equal(in, out);
    assert_int_equal(pool.bytes, 0);
    struct ov_pool_file files[OV_GROUP_FILES];
    assert_int_equal(ov_pool_take(&pool, 1, files), 0);
}

static void a_pool_is_full_by_files_or_by_bytes(void **state) {
    (void)state;
    struct ov_pool pool = {0};
    for (unsigned i = 0; i < OV_POOL_FILES; i++) {
        assert_false(ov_pool_is_full(&pool));
        ov_pool_add(&pool, make_file(200000));
    }
    assert_true(ov_pool_is_full(&pool));
    pool = (struct ov_pool){0};
    ov_pool_add(&pool, make_file(1ull << 40));
    assert_true(ov_pool_is_full(&pool));
    assert_int_equal(check_group(&pool, 1), 1);
    assert_false(ov_pool_is_full(&pool));
}

// One worker gets company for the longest file; of several, none gets all.
static void a_group_is_a_fair_part(void **state) {
    (void)state;
    for (unsigned workers = 1; workers <= 8; workers++) {
        struct ov_pool pool = {0};
        for (unsigned i = 0; i < 30; i++) {
            ov_pool_add(&pool, make_file(1 << 20));
        }
        uint32_t count = check_group(&pool, workers);
        if (workers == 1) {
            assert_int_equal(count, 30);
        } else {
            assert_in_range(count, 2, 1 + 30 / (2 * workers));
        }
    }
}

static void a_closed_pool_has_nothing_open(void **state) {
    (void)state;
    struct ov_pool pool = {0};
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ov_pool_add(&pool, (struct ov_pool_file){.fd = fd, .size = 1});
    ov_pool_close(&pool);
    assert_int_equal(pool.count, 0);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_comes_in_goes_out_once),
        cmocka_unit_test(a_pool_is_full_by_files_or_by_bytes),
        cmocka_unit_test(a_group_is_a_fair_part),
        cmocka_unit_test(a_closed_pool_has_nothing_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
