// SPDX-License-Identifier: Apache-2.0
// Signed notes: those of others verify, and malformed ones get the answers that Go's note gives.
#include "ledger/note.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ledger/encoding.h"

#define DASH "\xe2\x80\x94 "

static struct ov_key read_key(const char *vkey) {
    struct ov_key key;
    assert_int_equal(ov_key_read(ov_span_text(vkey), &key), OV_OK);
    return key;
}

static enum ov_status open_note(const char *note_text, const char *vkey,
                                struct ov_note_found *ret_found) {
    struct ov_key key = read_key(vkey);
    struct ov_note note;
    TRY(ov_note_read(ov_span_text(note_text), &note));
    return ov_note_verify(&note, &key, 1, ret_found);
}

static void test_notes_of_others(void **state) {
    (void)state;
    static const struct {
        const char *vkey, *note;
        uint64_t time;
    } rows[] = {
        // signed-note, "Example"
        {"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
         "This is an example message.\n\n" DASH
         "example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFX"
         "mRKuwHjG1Yu72IneyaQM=\n",
         0},
        // FiloSottile/sunlight: a log's signature of a type that we do not know, and a cosignature
        {"witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN",
         "rome2026h1.example.org\n300\nlCkHUpkmVBEms2r2T1K6Og69+wUuuN3MIEW1/ezu2v0=\n\n" DASH
         "rome2026h1.example.org kVB1JgAAAZtxtEwABAMARzBFAiEAi+mTa2xjL1IdWpH82OeciGsGvwRAP+f1WkfKa"
         "SZCfFECIHoNPZ/Q3y6UNzvKOO9cuLr6V16vPNfhwhle9f6r5H/Z\n" DASH
         "witness.example.org uKLPIAAAAABpVGeAhm2bOvKc3LaB9PFN1ruG19Y5yqslmcAAbhftnn1Zznmo0LXFZq4L"
         "GvqKqLX8jWlwLKasxEGTLIqAVusneCBmBw==\n",
         1767139200},
        {"mirror.example.org+3fb148ef+BAAjjch9GyYz0sJsJx7ALhbdAtz2ov0unbzSl1vMp94O",
         "rome2026h1.example.org\n300\ngw31yQrqZZCcEOPrzX+bpy3nJ6QgngTKn8G1m0i62uU=\n\n" DASH
         "mirror.example.org P7FI7wAAAABpVGeAjA1S4pJm6MbcXjX7UUImu4azZtrfcVW2uyr/LXIYlwEJzXC0N0EiZ"
         "kbqfLdXt/4gVEEuGmxJjAfXKMCISpsJAg==\n",
         1767139200},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ov_note_found found = {0};
        assert_int_equal(open_note(rows[i].note, rows[i].vkey, &found), OV_OK);
        assert_true(found.has_signed);
        assert_int_equal(found.time, rows[i].time);
    }
}

// A log and two witnesses, made with golang.org/x/mod and Go's crypto/ed25519.
#define LOG      "log.example/rules+be92726d+ARcOvdTjhlDhmkDY8xQfCCfalGhNiQOsY98ZRo9MkvV+"
#define WITNESS1 "witness.example/w1+e03c8287+BOZ+u+dwbIxh7Nnb80xn+eQIe5xLvWlcE9ShUMg/sgeW"
#define WITNESS2 "witness.example/w2+805c8fac+BKbfCuJebfw1JbCtOff8oRZnUAo1shiI+ibs4viWtd3i"
#define ROOT     "t97DqTfPS1sMGRzP0zaZGZy3L40xVs1ECwWoUUBP+vE=\n"
#define TEXT     "log.example/rules\n5\n" ROOT
#define BLOB                                                                                       \
    "vpJybfAcHJRrsFfrNBDvb3LxxtR+0vDpvigji6yqeztmEpklwKnUHFUp8dnEe1bXpbhp2uQzpiGAIlt00bs0ofKQ3A"
#define SIGNED DASH "log.example/rules " BLOB
#define COSIGNED1                                                                                  \
    DASH "witness.example/w1 "                                                                     \
         "4DyChwAAAABlU/EA3HQ6WX43/2P7BTUdcdbZaFOc6ngT58F8FVIEfK+fQlTvwaMqDxo8X7z/"                \
         "g1jZRlS9kCrJZTkX8zNPeKHFWcE2Ag==\n"
#define COSIGNED2                                                                                  \
    DASH                                                                                           \
        "witness.example/w2 "                                                                      \
        "gFyPrAAAAABlU/EABnmyhrSMfMXe6SnMa+2Yke/uZRAwJYyxvD60K7VTUuJoRVV3I0G8Bb6hScHVO5Lrl8nugaas" \
        "cQbyK8JOj/A6Dg==\n"
#define COSIGNED COSIGNED1 COSIGNED2

// The answers of golang.org/x/mod/sumdb/note, malformed or false. In one row ours is another word
// of refusal, since base64 with bits behind its last byte is malformed here.
static void test_malformed_and_false_are_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *name, *note;
        enum ov_status status;
    } rows[] = {
        {"as it is", TEXT "\n" SIGNED "U=\n" COSIGNED, OV_OK},
        {"CR LF",
         "log.example/rules\r\n5\r\n"
         "t97DqTfPS1sMGRzP0zaZGZy3L40xVs1ECwWoUUBP+vE=\r\n\r\n" SIGNED "U=\r\n",
         OV_DAMAGED},
        {"no LF at the end", TEXT "\n" SIGNED "U=", OV_DAMAGED},
        {"byte order mark", "\xef\xbb\xbf" TEXT "\n" SIGNED "U=\n" COSIGNED, OV_DENIED},
        {"hyphen for the dash", TEXT "\n- log.example/rules " BLOB "U=\n", OV_DAMAGED},
        {"blank line at the end", TEXT "\n" SIGNED "U=\n" COSIGNED "\n", OV_DAMAGED},
        {"junk as a signature", TEXT "\n" SIGNED "U=\n" COSIGNED "junk\n", OV_DAMAGED},
        {"the same signature twice", TEXT "\n" SIGNED "U=\n" SIGNED "U=\n" COSIGNED, OV_OK},
        {"base64 without padding", TEXT "\n" SIGNED "U\n" COSIGNED, OV_DAMAGED},
        {"base64 with bits behind (Go: false)", TEXT "\n" SIGNED "x=\n" COSIGNED, OV_DAMAGED},
        {"one bit of the signature", TEXT "\n" SIGNED "Y=\n" COSIGNED, OV_DENIED},
        {"tab", "a\tb\n\n" DASH "x AAAAAAA=\n", OV_DAMAGED},
        {"no UTF-8", "\xff\n\n" DASH "x AAAAAAA=\n", OV_DAMAGED},
        {"blank line in the text", "log.example/rules\n5\n\n" ROOT "\n" SIGNED "U=\n", OV_DENIED},
        {"no text", "\n" SIGNED "U=\n", OV_DAMAGED},
        {"no signature", TEXT "\n", OV_DAMAGED},
        {"nothing", "", OV_DAMAGED},
        {"none that is known", TEXT "\n" COSIGNED, OV_DENIED},
        {"known name, unknown id", TEXT "\n" DASH "log.example/rules AAAAAAA=\n", OV_DENIED},
        {"known id, unknown name", TEXT "\n" DASH "log.example/rule " BLOB "U=\n", OV_DENIED},
        {"a false one after the right", TEXT "\n" SIGNED "U=\n" DASH "a AAAAAAA=\n", OV_OK},
        {"an id alone", TEXT "\n" SIGNED "U=\n" DASH "a AAAAAA==\n", OV_DAMAGED},
        {"no name", TEXT "\n" SIGNED "U=\n" DASH " AAAAAAA=\n", OV_DAMAGED},
        {"plus in a name", TEXT "\n" SIGNED "U=\n" DASH "a+b AAAAAAA=\n", OV_DAMAGED},
        {"blank in a name", TEXT "\n" SIGNED "U=\n" DASH "a b AAAAAAA=\n", OV_DAMAGED},
        {"no-break space in a name", TEXT "\n" SIGNED "U=\n" DASH "a\xc2\xa0 AAAAAAA=\n",
         OV_DAMAGED},
        {"two blanks", TEXT "\n" SIGNED "U=\n" DASH "a  AAAAAAA=\n", OV_DAMAGED},
        {"blank behind", TEXT "\n" SIGNED "U= \n", OV_DAMAGED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ov_note_found found = {0};
        enum ov_status status = open_note(rows[i].note, LOG, &found);
        if (status != rows[i].status) {
            fail_msg("%s: %s", rows[i].name, ov_status_text(status));
        }
        assert_int_equal(found.has_signed, status == OV_OK);
    }
}

static void test_a_hundred_signatures_and_no_more(void **state) {
    (void)state;
    for (unsigned count = 99; count <= 101; count++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        struct ov_note note;
        ov_buf_add_text(&text, TEXT "\n" SIGNED "U=\n");
        for (unsigned i = 1; i < count; i++) {
            ov_buf_printf(&text, DASH "w%u.example AAAAAAAA\n", i);
        }
        assert_int_equal(ov_note_read(ov_buf_span(&text), &note),
                         count <= OV_NOTE_LINES_MAX ? OV_OK : OV_DAMAGED);
        assert_true(count > OV_NOTE_LINES_MAX || note.line_count == count);
    }
}

static void test_a_note_of_a_mebibyte_and_no_more(void **state) {
    (void)state;
    static const char line[] = "\n\n" DASH "a AAAAAAA=\n";
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    struct ov_note note;
    uint8_t *room = ov_buf_extend(&text, OV_NOTE_BYTES_MAX - sizeof line + 1);
    assert_non_null(room);
    memset(room, 'x', text.size);
    ov_buf_add_text(&text, line);
    assert_int_equal(ov_note_read(ov_buf_span(&text), &note), OV_OK);
    ov_buf_add_text(&text, DASH "a AAAAAAA=\n");
    assert_int_equal(ov_note_read(ov_buf_span(&text), &note), OV_DAMAGED);
}

static void test_who_has_signed_and_when(void **state) {
    (void)state;
    const struct ov_key keys[] = {read_key(WITNESS2), read_key(LOG), read_key(WITNESS1)};
    struct ov_note_found found[3];
    struct ov_note note;
    assert_int_equal(ov_note_read(ov_span_text(TEXT "\n" SIGNED "U=\n" COSIGNED1), &note), OV_OK);
    assert_true(ov_span_is_text(note.text, TEXT));
    assert_int_equal(note.line_count, 2);
    assert_true(ov_span_is_text(note.lines[1].bytes, COSIGNED1));
    assert_true(ov_span_is_text(note.lines[1].name, "witness.example/w1"));
    assert_int_equal(ov_note_verify(&note, keys, 3, found), OV_OK);
    assert_false(found[0].has_signed);
    assert_true(found[1].has_signed && found[1].time == 0);
    assert_true(found[2].has_signed && found[2].time == 1700000000);
}

// A cosigner's line under another note, and one whose time was changed.
static void test_a_cosignature_is_of_one_text_and_one_time(void **state) {
    (void)state;
    struct ov_note_found found;
    assert_int_equal(open_note("other\n\n" COSIGNED1, WITNESS1, &found), OV_DENIED);
    assert_int_equal(open_note(TEXT "\n" DASH "witness.example/w1 "
                                    "4DyChwAAAABlU/EB3HQ6WX43/2P7BTUdcdbZaFOc6ngT58F8FVIEfK+"
                                    "fQlTvwaMqDxo8X7z/g1jZRlS9kCrJZTkX8zNPeKHFWcE2Ag==\n",
                               WITNESS1, &found),
                     OV_DENIED);
    assert_int_equal(open_note(TEXT "\n" COSIGNED1, WITNESS1, &found), OV_OK);
}

static void test_what_is_signed_verifies_and_nothing_else_does(void **state) {
    (void)state;
    OV_CLEANUP(ov_signer_release) struct ov_signer log = {0}, witness = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_span text = ov_span_text("one\n\ntwo\n");
    struct ov_note_found found[2];
    struct ov_note note;
    assert_int_equal(ov_signer_new_random("log", OV_KEY_NOTE, &log), OV_OK);
    assert_int_equal(ov_signer_new_random("witness", OV_KEY_COSIGNATURE, &witness), OV_OK);
    ov_note_add_text(&out, text);
    ov_note_sign(&out, text, &log, 0);
    ov_note_sign(&out, text, &witness, 1790000000);
    const struct ov_key keys[] = {log.key, witness.key};
    assert_int_equal(ov_note_read(ov_buf_span(&out), &note), OV_OK);
    assert_true(ov_span_is_equal(note.text, text));
    assert_int_equal(ov_note_verify(&note, keys, 2, found), OV_OK);
    assert_true(found[0].has_signed && found[1].has_signed && found[1].time == 1790000000);
    for (size_t at = 0; at < out.size; at++) { // each bit of it matters
        out.data[at] ^= 1;
        assert_true(ov_note_read(ov_buf_span(&out), &note) != OV_OK ||
                    ov_note_verify(&note, keys, 2, found) != OV_OK || !found[0].has_signed ||
                    !found[1].has_signed);
        out.data[at] ^= 1;
    }
}

static void test_times_that_cannot_be(void **state) {
    (void)state;
    static const uint64_t times[] = {0, OV_NUMBER_MAX + 1, UINT64_MAX};
    OV_CLEANUP(ov_signer_release) struct ov_signer witness = {0};
    assert_int_equal(ov_signer_new_random("witness", OV_KEY_COSIGNATURE, &witness), OV_OK);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
        struct ov_note_found found;
        struct ov_note note;
        ov_note_add_text(&out, ov_span_text(TEXT));
        ov_note_sign(&out, ov_span_text(TEXT), &witness, times[i]);
        assert_int_equal(ov_note_read(ov_buf_span(&out), &note), OV_OK);
        assert_int_equal(ov_note_verify_one(&note, &witness.key, &found), OV_DENIED);
    }
}

static void test_lines_alone(void **state) {
    (void)state;
    struct ov_note note;
    assert_int_equal(ov_note_read_lines(ov_span_text(COSIGNED), &note), OV_OK);
    assert_int_equal(note.line_count, 2);
    assert_int_equal(ov_note_read_lines(ov_span_text(""), &note), OV_DAMAGED);
    assert_int_equal(ov_note_read_lines(ov_span_text("\n" COSIGNED), &note), OV_DAMAGED);
}

static void test_texts_that_cannot_be_signed(void **state) {
    (void)state;
    assert_int_equal(ov_note_check_text(ov_span_text("a\n\nb\n")), OV_OK);
    assert_int_equal(ov_note_check_text(ov_span_text("")), OV_INVALID);
    assert_int_equal(ov_note_check_text(ov_span_text("a")), OV_INVALID);
    assert_int_equal(ov_note_check_text(ov_span_text("a\r\n")), OV_INVALID);
    assert_int_equal(ov_note_check_text(ov_span_text("\xff\n")), OV_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notes_of_others),
        cmocka_unit_test(test_malformed_and_false_are_told_apart),
        cmocka_unit_test(test_a_hundred_signatures_and_no_more),
        cmocka_unit_test(test_a_note_of_a_mebibyte_and_no_more),
        cmocka_unit_test(test_who_has_signed_and_when),
        cmocka_unit_test(test_a_cosignature_is_of_one_text_and_one_time),
        cmocka_unit_test(test_what_is_signed_verifies_and_nothing_else_does),
        cmocka_unit_test(test_times_that_cannot_be),
        cmocka_unit_test(test_lines_alone),
        cmocka_unit_test(test_texts_that_cannot_be_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
