// SPDX-License-Identifier: Apache-2.0
// rooms: scan format base
//
// Types of small objects. Expected values were clamscan's answers for the same bytes, or are those
// of a slow and simple twin.
#include "format/format.h"
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
    SAMPLE("words <Html> words", HTML),
    SAMPLE("words <HTml> words", TEXT_ASCII),
    SAMPLE("words <Table words", TEXT_ASCII),
    SAMPLE("<a class=x href=y>", HTML),
    SAMPLE("<A class=x hREF=y>", HTML),
    SAMPLE("<a class=x HRef=y>", HTML),
    SAMPLE("<a class=x hrEf=y>", TEXT_ASCII),
    SAMPLE("<%@ LANGUAGE =x", HTML),
    SAMPLE(" <%@ LANGUAGE =x", TEXT_ASCII),
    SAMPLE("<aa href=y>", TEXT_ASCII),
    SAMPLE("<html lang=en>", TEXT_ASCII),
    SAMPLE("words %PDF-1.4", PDF),
    SAMPLE("words %PDF-x.4", TEXT_ASCII),
    SAMPLE("From: a", MAIL),
    SAMPLE("From:a ", TEXT_ASCII),
    SAMPLE("Content-Type: text/plain", TEXT_ASCII),
    SAMPLE("x\nmIMe-version: 2\nContent-type: text/plain", MHTML),
    SAMPLE("x\nMIME-VERSION: 2\nContent-type: text/plain", TEXT_ASCII),
    SAMPLE("x\nContent-Type: x\nMIME-Version: 2\n", TEXT_ASCII),
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

// Whether the magic stands at that place.
static bool stands_at(struct ov_span first, size_t offset, const struct ov_magic *magic) {
    return first.size >= offset + magic->size &&
           memcmp(first.data + offset, magic->bytes, magic->size) == 0;
}

// The slow and simple twin of what goes by tables: every magic at a fixed place, one by one.
static enum ov_filetype find_slowly(struct ov_span first) {
    for (uint32_t s = 0; s < ov_format_set_count; s++) {
        for (uint32_t f = 0; f < ov_format_sets[s]->count; f++) {
            const struct ov_format *format = &ov_format_sets[s]->formats[f];
            for (uint32_t m = 0; m < format->magic_count && !format->is_beside; m++) {
                const struct ov_magic *magic = &format->magics[m];
                if (magic->offset != OV_MAGIC_ANYWHERE && stands_at(first, magic->offset, magic) &&
                    (format->is_sure == NULL || format->is_sure(first))) {
                    return format->type;
                }
            }
        }
    }
    return OV_FILETYPE_NONE;
}

// All magics of all formats in a row.
static size_t list_magics(const struct ov_magic *ret_magics[256], enum ov_filetype ret_types[256]) {
    size_t count = 0;
    for (uint32_t s = 0; s < ov_format_set_count; s++) {
        for (uint32_t f = 0; f < ov_format_sets[s]->count; f++) {
            const struct ov_format *format = &ov_format_sets[s]->formats[f];
            for (uint32_t m = 0; m < format->magic_count && !format->is_beside; m++) {
                assert_true(count < 256);
                ret_magics[count] = &format->magics[m];
                ret_types[count++] = format->type;
            }
        }
    }
    return count;
}

// Objects with any two magics at their fixed places, the second written over the first.
static void finds_magics_as_the_slow_twin_does(void **state) {
    (void)state;
    const struct ov_magic *magics[256];
    enum ov_filetype types[256];
    size_t count = list_magics(magics, types);
    size_t found = 0;
    for (size_t pair = 0; pair < count * count; pair++) {
        const struct ov_magic *both[] = {magics[pair / count], magics[pair % count]};
        uint8_t bytes[OV_IDENTIFY_BYTES] = {0};
        for (unsigned i = 0; i < 2; i++) {
            size_t offset = both[i]->offset != OV_MAGIC_ANYWHERE ? both[i]->offset : 0;
            memcpy(bytes + offset, both[i]->bytes, both[i]->size);
        }
        struct ov_span first = ov_span_make(bytes, sizeof bytes);
        enum ov_filetype wanted = find_slowly(first);
        found += wanted != OV_FILETYPE_NONE;
        if (wanted != OV_FILETYPE_NONE && ov_identify(first, sizeof bytes) != wanted) {
            fail_msg("magics %zu and %zu: not %s", pair / count, pair % count,
                     ov_filetype_name(wanted));
        }
    }
    assert_true(found > count);
}

// A mark in the middle of a text, and at its very end; cut short by a byte it is none.
static void finds_every_mark(void **state) {
    (void)state;
    const struct ov_magic *magics[256];
    enum ov_filetype types[256];
    size_t count = list_magics(magics, types);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (magics[i]->offset != OV_MAGIC_ANYWHERE) {
            continue;
        }
        uint8_t text[64];
        memset(text, 'a', sizeof text);
        memcpy(text + 20, magics[i]->bytes, magics[i]->size);
        size_t end = 20 + magics[i]->size;
        assert_int_equal(ov_identify(ov_span_make(text, sizeof text), sizeof text), types[i]);
        assert_int_equal(ov_identify(ov_span_make(text, end), end), types[i]);
        assert_int_not_equal(ov_identify(ov_span_make(text, end - 1), end - 1), types[i]);
        found++;
    }
    assert_true(found > 0);
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
        cmocka_unit_test(finds_magics_as_the_slow_twin_does),
        cmocka_unit_test(finds_every_mark),
        cmocka_unit_test(names_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
