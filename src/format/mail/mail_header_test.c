// SPDX-License-Identifier: Apache-2.0
// Headers: where they end, for one reader and for another, and what they say of the body.
#include "format/mail/mail_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct read {
    struct ov_arena arena;
    struct ov_buf field;
    struct ov_mail_header header;
};

static struct ov_mail_header *open_header(struct read *read, const char *text) {
    ov_arena_init(&read->arena, 1 << 20);
    ov_buf_init(&read->field);
    assert_int_equal(
        ov_mail_header_read(ov_span_text(text), 0, &read->arena, &read->field, &read->header),
        OV_OK);
    return &read->header;
}

static void close_header(struct read *read) {
    ov_arena_release(&read->arena);
    ov_buf_release(&read->field);
}

// The bodies that `text` may have, one after the other, each from a place marked with "|", which is
// taken out first. The first is the one of most readers.
static void expect_bodies(const char *marked, unsigned first) {
    char text[512];
    size_t places[8], size = 0, place_count = 0;
    for (const char *at = marked; *at != '\0'; at++) {
        if (*at == '|') {
            places[place_count++] = size;
        } else {
            text[size++] = *at;
        }
    }
    text[size] = '\0';
    struct read read;
    struct ov_mail_header *header = open_header(&read, text);
    assert_int_equal(header->body_count, place_count);
    assert_int_equal(header->bodies[0], places[first]);
    for (unsigned i = 1; i < header->body_count; i++) {
        assert_int_equal(header->bodies[i], places[i <= first ? i - 1 : i]);
    }
    close_header(&read);
}

static void test_where_a_header_ends(void **state) {
    (void)state;
    expect_bodies("Subject: x\nFrom: y\n\n|body\n\nmore", 0);
    expect_bodies("Subject: x\r\nFrom: y\r\n\r\n|body", 0);
    expect_bodies("Subject: x\rFrom: y\r\r|body", 0);
    expect_bodies("Subject: x\r\r\nFrom: y\r\r\n\r\r\n|body", 0);
    expect_bodies("\n|body", 0);
    expect_bodies("From me Mon Jan 1\nSubject: x\n\n|body", 0);
    expect_bodies("Subject: x\n|--boundary\n\nbody", 0);
    expect_bodies("Subject: x\n|", 0);
}

static void test_where_readers_disagree(void **state) {
    (void)state;
    expect_bodies("Subject: x\n|no header\nFrom: y\n\n|body", 1);
    expect_bodies("Subject: x\n|a body without an empty line", 0);
    expect_bodies("Subject: x\n \t\n|From: y\n\n|body", 1);
}

static void test_encodings(void **state) {
    (void)state;
    static const struct {
        const char *text;
        unsigned encodings;
    } rows[] = {
        {"Subject: x\n\n", 0},
        {"Content-Transfer-Encoding: BASE64\n\n", OV_MAIL_BASE64},
        {"content-transfer-encoding : \"base64\" (really)\n\n", OV_MAIL_BASE64},
        {"Content-Transfer-Encoding:\n base64\n\n", OV_MAIL_BASE64},
        {"Content-Transfer-Encoding: quoted-printable;\n\n", OV_MAIL_QUOTED},
        {"Content-Transfer-Encoding: x-uuencode\n\n", OV_MAIL_UU},
        {"Content-Transfer-Encoding: 8bit\n\n", OV_MAIL_PLAIN},
        {"Content-Transfer-Encoding: nonsense\n\n", OV_MAIL_PLAIN},
        {"Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\n",
         OV_MAIL_BASE64 | OV_MAIL_PLAIN},
        {"Subject: x\rContent-Transfer-Encoding: base64\n\n", OV_MAIL_BASE64},
        {"Content-Transfer-Encoding: =?utf-8?B?YmFzZTY0?=\n\n", OV_MAIL_BASE64 | OV_MAIL_PLAIN},
        {"Content-Transfer-Encoding-X: base64\n\n", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct read read;
        assert_int_equal(open_header(&read, rows[i].text)->encodings, rows[i].encodings);
        close_header(&read);
    }
}

static void test_types(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool is_message, is_multipart;
    } rows[] = {
        {"Content-Type: message/rfc822\n\n", true, false},
        {"Content-Type: MESSAGE/RFC822; x=y\n\n", true, false},
        {"Content-Type: message/global\n\n", true, false},
        {"Content-Type: message/global-headers\n\n", false, false},
        {"Content-Type: message/delivery-status\n\n", false, false},
        {"Content-Type: text/plain; name=\"message/rfc822\"\n\n", false, false},
        {"Content-Type: multipart/related;\n boundary=x\n\n", false, true},
        {"Content-Type: Multipart/Mixed\n\n", false, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct read read;
        struct ov_mail_header *header = open_header(&read, rows[i].text);
        assert_int_equal(header->is_message, rows[i].is_message);
        assert_int_equal(header->is_multipart, rows[i].is_multipart);
        close_header(&read);
    }
}

static void test_a_fold_without_a_blank(void **state) {
    (void)state;
    struct read read;
    struct ov_mail_header *header =
        open_header(&read, "Content-Type: multipart/mixed;\nboundary=\"xyz\"\n\nbody");
    assert_int_equal(header->boundaries.count, 1);
    assert_true(ov_span_is_text(header->boundaries.values[0], "xyz"));
    close_header(&read);
}

static void test_the_name_of_the_disposition_comes_first(void **state) {
    (void)state;
    struct read read;
    struct ov_mail_header *header =
        open_header(&read, "Content-Disposition: attachment; filename=a.exe\n"
                           "Content-Type: image/png; name=b.png\nContent-Location: c\n\n");
    assert_true(ov_span_is_text(header->name, "a.exe"));
    close_header(&read);
    header = open_header(&read, "Content-Location:\n http://x.example/c.js\n\n");
    assert_true(ov_span_is_text(header->name, "http://x.example/c.js"));
    close_header(&read);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where_a_header_ends),
        cmocka_unit_test(test_where_readers_disagree),
        cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_a_fold_without_a_blank),
        cmocka_unit_test(test_the_name_of_the_disposition_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
