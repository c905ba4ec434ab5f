// SPDX-License-Identifier: Apache-2.0
// The table of formats: order, sound magics, and no two formats that claim the same bytes.
#include "format/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void is_sorted_by_word(void **state) {
    (void)state;
    assert_true(ov_format_set_count > 0);
    for (uint32_t i = 1; i < ov_format_set_count; i++) {
        assert_true(strcmp(ov_format_sets[i - 1]->word, ov_format_sets[i]->word) < 0);
    }
}

static void has_sound_magics(void **state) {
    (void)state;
    for (uint32_t s = 0; s < ov_format_set_count; s++) {
        for (uint32_t f = 0; f < ov_format_sets[s]->count; f++) {
            const struct ov_format *format = &ov_format_sets[s]->formats[f];
            assert_true(format->type > OV_FILETYPE_ANY && format->type < OV_FILETYPE_COUNT);
            assert_true(format->magic_count > 0 || format->embedded_count > 0 ||
                        format->walk != NULL);
            for (uint32_t m = 0; m < format->magic_count; m++) {
                const struct ov_magic *magic = &format->magics[m];
                assert_true(magic->size >= 2 && magic->size <= OV_MAGIC_BYTES_MAX);
                assert_true(format->is_beside || magic->offset == OV_MAGIC_ANYWHERE ||
                            magic->offset + magic->size <= OV_MAGIC_WINDOW_BYTES);
            }
        }
    }
}

// Whether some object could bear both magics at the same place.
static bool do_clash(const struct ov_magic *a, const struct ov_magic *b) {
    size_t shorter = a->size < b->size ? a->size : b->size;
    return a->offset == b->offset && memcmp(a->bytes, b->bytes, shorter) == 0;
}

static void check_pair(const struct ov_format *a, const struct ov_format *b) {
    if (a->is_beside != b->is_beside) {
        return; // they do not compete: an object can be both
    }
    for (uint32_t i = 0; i < a->magic_count; i++) {
        for (uint32_t k = 0; k < b->magic_count; k++) {
            // Formats that share a magic have to look closer, both of them.
            if (do_clash(&a->magics[i], &b->magics[k]) &&
                (a->is_sure == NULL || b->is_sure == NULL)) {
                fail_msg("%s and %s claim the same bytes", ov_filetype_name(a->type),
                         ov_filetype_name(b->type));
            }
        }
    }
}

static void claims_no_bytes_twice(void **state) {
    (void)state;
    const struct ov_format *all[256];
    uint32_t count = 0;
    for (uint32_t s = 0; s < ov_format_set_count; s++) {
        for (uint32_t f = 0; f < ov_format_sets[s]->count; f++) {
            assert_true(count < OV_COUNT(all));
            all[count++] = &ov_format_sets[s]->formats[f];
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = i + 1; k < count; k++) {
            check_pair(all[i], all[k]);
        }
    }
}

// Formats that share a magic never both say yes.
static void tells_java_from_universal(void **state) {
    (void)state;
    uint8_t first[16] = {0xca, 0xfe, 0xba, 0xbe};
    for (unsigned version = 0; version < 256; version++) {
        first[7] = (uint8_t)version;
        unsigned sure = 0;
        for (uint32_t s = 0; s < ov_format_set_count; s++) {
            for (uint32_t f = 0; f < ov_format_sets[s]->count; f++) {
                const struct ov_format *format = &ov_format_sets[s]->formats[f];
                if (format->type == OV_FILETYPE_JAVA || format->type == OV_FILETYPE_MACHO_UNIBIN) {
                    sure += format->is_sure(ov_span_make(first, sizeof first));
                }
            }
        }
        assert_int_equal(sure, version < 0x40);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_sorted_by_word),
        cmocka_unit_test(has_sound_magics),
        cmocka_unit_test(claims_no_bytes_twice),
        cmocka_unit_test(tells_java_from_universal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
