// SPDX-License-Identifier: Apache-2.0
// rooms: scan format base
//
// Types of small objects; every expected value was clamscan's answer for the same bytes.
#include "scan/identify.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct sample {
    const char *bytes;
    size_t size;
    enum ov_filetype type;
};

// The type of a literal, which may hold NULs.
#define SAMPLE(text, name)                                                                         \
    { text, sizeof(text) - 1, OV_FILETYPE_##name }

static const struct sample samples[] = {
    SAMPLE("MZ hello", MSEXE),
    SAMPLE("ZM hello", TEXT_ASCII),
    SAMPLE("\x7f"
           "ELF    ",
           ELF),
    SAMPLE("\xca\xfe\xba\xbe\0\0\0\x02    ", MACHO_UNIBIN),
    SAMPLE("\xca\xfe\xba\xbe\0\0\0\x34    ", JAVA),
    SAMPLE("\xa7\r\r\n\0\0\0\0", PYTHON_COMPILED),
    SAMPLE("words <html> words", HTML),
    SAMPLE("words <ScRiPt> words", TEXT_ASCII),
    SAMPLE("<a class=x href=y>", HTML),
    SAMPLE("<aa href=y>", TEXT_ASCII),
    SAMPLE("<html lang=en>", TEXT_ASCII),
    SAMPLE("words %PDF-1.4", PDF),
    SAMPLE("words %PDF-x.4", TEXT_ASCII),
    SAMPLE("From: a", MAIL),
    SAMPLE("From:a ", TEXT_ASCII),
    SAMPLE("Content-Type: text/plain", TEXT_ASCII),
    SAMPLE("MSCF\0\0\0\0    ", MSCAB),
    SAMPLE("MSCF words", TEXT_ASCII),
    SAMPLE("hello\x1b world", TEXT_ASCII),
    SAMPLE("hello w\xc3\xb6rld", TEXT_ASCII),
    SAMPLE("hello \x01 world", TEXT_UTF16BE),
    SAMPLE("\xff\xfeh\0e\0l\0l\0o\0", TEXT_UTF16LE),
    SAMPLE("\xff\xfe<\0h\0t\0m\0l\0>\0", HTML_UTF16),
    SAMPLE("\0h\0e\0l\0l\0o\0\x01\0x", BINARY_DATA),
    SAMPLE("\0\0\0\0\0\0\0\0", BINARY_DATA),
};

static void types_samples(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct ov_span first = ov_span_make(samples[i].bytes, samples[i].size);
        enum ov_filetype type = ov_identify(first, samples[i].size);
        if (type != samples[i].type) {
            fail_msg("sample %zu: %s instead of %s", i, ov_filetype_name(type),
                     ov_filetype_name(samples[i].type));
        }
    }
}

// A control character counts up to the end of the window and not after it.
static void looks_at_the_window_alone(void **state) {
    (void)state;
    char text[OV_IDENTIFY_BYTES + 8];
    memset(text, 'a', sizeof text);
    text[OV_IDENTIFY_BYTES - 1] = 1;
    struct ov_span first = ov_span_make(text, sizeof text);
    assert_int_equal(ov_identify(first, sizeof text), OV_FILETYPE_TEXT_UTF16BE);
    text[OV_IDENTIFY_BYTES - 1] = 'a';
    text[OV_IDENTIFY_BYTES] = 1;
    assert_int_equal(ov_identify(first, sizeof text), OV_FILETYPE_TEXT_ASCII);
}

static void names_targets(void **state) {
    (void)state;
    assert_int_equal(ov_filetype_target(OV_FILETYPE_MSEXE), 1);
    assert_int_equal(ov_filetype_target(OV_FILETYPE_ELF), 6);
    assert_int_equal(ov_filetype_target(OV_FILETYPE_TEXT_UTF16BE), 7);
    assert_int_equal(ov_filetype_target(OV_FILETYPE_MACHO_UNIBIN), 9);
    assert_int_equal(ov_filetype_target(OV_FILETYPE_BINARY_DATA), 14);
    assert_int_equal(ov_filetype_target(OV_FILETYPE_ZIP), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_samples),
        cmocka_unit_test(looks_at_the_window_alone),
        cmocka_unit_test(names_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
