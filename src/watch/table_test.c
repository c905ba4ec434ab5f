// SPDX-License-Identifier: Apache-2.0
// Many items, found again while the table grows.
#include "watch/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    uint64_t key[2];
    uint64_t value;
};

static void test_items_are_found_again(void **state) {
    (void)state;
    enum { COUNT = 100000 };
    struct ov_table table;
    ov_table_init(16, sizeof(struct item), &table);
    uint64_t missing[2] = {1, 1};
    assert_null(ov_table_find(&table, missing));
    for (uint64_t i = 0; i < COUNT; i++) {
        uint64_t key[2] = {i << 32, i};
        struct item *item = ov_table_get(&table, key);
        assert_non_null(item);
        assert_int_equal(item->value, 0);
        item->value = i + 7;
    }
    for (uint64_t i = 0; i < COUNT; i++) {
        uint64_t key[2] = {i << 32, i};
        struct item *item = ov_table_find(&table, key);
        assert_non_null(item);
        assert_int_equal(item->value, i + 7);
        assert_ptr_equal(ov_table_get(&table, key), item);
        assert_ptr_equal(ov_table_item(&table, i), item);
    }
    assert_int_equal(table.count, COUNT);
    assert_null(ov_table_find(&table, missing));
    ov_table_release(&table);
    assert_int_equal(table.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_items_are_found_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
