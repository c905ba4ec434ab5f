// SPDX-License-Identifier: Apache-2.0
// Entries: every type there and back, and what is refused.
#include "journal/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HASH "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define HEX  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define VKEY "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define SIGNATURE                                                                                  \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
#define FILE_LINE "file " HASH " clean 2049 77 12 1790000000123456789 12 -\n"

static const char head[] = "seq 7\ntime 1790000000.000000005\n"
                           "mono 00112233445566778899aabbccddeeff 42\n"
                           "run 0123456789abcdef0123456789abcdef\n";

static const struct {
    enum ov_entry_type type;
    const char *body;
} good[] = {
    {OV_ENTRY_START, "command scan\nuser 0\nversion 0.1.0\nprogram overt " HEX
                     "\nprogram overt-worker " HEX "\nrole worker 3fff\n"},
    {OV_ENTRY_START, "command scan\nuser 0\nversion 0.1.0\n"},
    {OV_ENTRY_STOP, "exit 0\nfiles 1\nfound 0\nerrors 0\nlimited 0\nread 5\nsent 0\n"},
    {OV_ENTRY_STOP, "exit 0\nfiles 0\nfound 0\nerrors 0\nlimited 0\nread 0\nsent -\n"},
    {OV_ENTRY_HEARTBEAT, "runs 1\n"},
    {OV_ENTRY_HEARTBEAT, "runs 1\nunseen programs 3\nunseen processes -\n"},
    {OV_ENTRY_EPOCH, "number 3\nkey " VKEY "\nroot " HASH "\nby " SIGNATURE "\n"},
    {OV_ENTRY_LOAD, "image " HEX "\nset stable " HASH "\nset local local\n"},
    {OV_ENTRY_REFUSE, "set stable\nwhy rollback:%20release\n"},
    {OV_ENTRY_SCAN, "paths 1\npath " HASH "\n"},
    {OV_ENTRY_FILES, "count 1\n" FILE_LINE},
    {OV_ENTRY_FILES, "count 2\nfile " HASH " found 1 2 3 4 5 " HEX
                     "\nfound Test.A stable:a.ndb 1.2 5\nfound Test.B local:b.ndb - -\n" FILE_LINE},
    {OV_ENTRY_SENT, "role fetcher\npeer 127.0.0.1:80\nbytes 100\nreceived 2000\n"},
    {OV_ENTRY_ACTION, "word quarantine\nfile " HASH "\nsha256 -\nresult done\n"},
    {OV_ENTRY_CRASH, "role worker\nfile -\nwhy killed\n"},
    {OV_ENTRY_RECOVER, "lost 5\nfrom 8\n"},
    {OV_ENTRY_FINDING, "what a%20clock\n"},
    {OV_ENTRY_EXPORT, "from 1\nto 5\nrecords 5\nmanifest -\n"},
    {OV_ENTRY_ROLE, "role worker\npid 7\nprogram " HEX "\nlayers 3fff\n"},
    {OV_ENTRY_ROLE, "role server\npid 7\nprogram -\nlayers -\n"},
    {OV_ENTRY_GONE, "role worker\npid 7\nhow exit 0\n"},
    {OV_ENTRY_GONE, "role worker\npid 7\nhow signal 9\n"},
    {OV_ENTRY_GONE, "role worker\npid 7\nhow unknown\n"},
    {OV_ENTRY_REMOVED, "from 256\nto 1024\n"},
    {OV_ENTRY_ROTATE, "set stable\nversion 2\nentry 7\n"
                      "trust e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
                      "policy 47dc540c94ceb704a23875c11273e16bb0b8a87aed84de911f2133568115f254\n"},
};

static void make(struct ov_buf *out, enum ov_entry_type type, const char *body) {
    ov_buf_reset(out);
    ov_buf_printf(out, "overt-journal/v1 %s\n%s%s", ov_entry_type_name(type), head, body);
}

static void test_every_type_there_and_back(void **state) {
    (void)state;
    bool is_seen[OV_ENTRY_TYPES] = {false};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
        struct ov_entry entry;
        make(&text, good[i].type, good[i].body);
        assert_int_equal(ov_entry_read(ov_buf_span(&text), &entry), OV_OK);
        assert_int_equal(entry.type, good[i].type);
        assert_int_equal(entry.seq, 7);
        assert_true(entry.time_ns == 1790000000000000005u);
        ov_entry_add(&out, &entry);
        assert_true(ov_span_is_equal(ov_buf_span(&out), ov_buf_span(&text)));
        is_seen[entry.type] = true;
    }
    for (unsigned i = 0; i < OV_ENTRY_TYPES; i++) {
        assert_true(is_seen[i]);
    }
}

// A letter more, a letter less, a line more or less, anywhere.
static void test_other_forms_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        struct ov_entry entry;
        make(&text, good[i].type, good[i].body);
        for (size_t size = 0; size < text.size; size++) {
            struct ov_span part = ov_span_make(text.data, size);
            bool is_line = size > 0 && text.data[size - 1] == '\n';
            enum ov_status status = ov_entry_read(part, &entry);
            assert_true(status == OV_DAMAGED || (is_line && status == OV_OK));
        }
        ov_buf_add_text(&text, "more 1\n");
        assert_int_equal(ov_entry_read(ov_buf_span(&text), &entry), OV_DAMAGED);
    }
    static const struct {
        enum ov_entry_type type;
        const char *body;
    } bad[] = {
        {OV_ENTRY_FILES, "count 2\n" FILE_LINE},
        {OV_ENTRY_FILES, "count 0\n"},
        {OV_ENTRY_FILES, "count 1\nfound A b - -\n" FILE_LINE},
        {OV_ENTRY_FILES, "count 1\nfile " HASH " fine 1 2 3 4 5 -\n"},
        {OV_ENTRY_FILES, "count 1\nfile " HASH " clean 1 2 3 4 -\n"},
        {OV_ENTRY_HEARTBEAT, "runs 01\n"},
        {OV_ENTRY_HEARTBEAT, "runs 1\nruns 2\n"},
        {OV_ENTRY_REFUSE, "set stable\nwhy a b\n"},
        {OV_ENTRY_REFUSE, "set stable\nwhy \n"},
        {OV_ENTRY_REFUSE, "set stable\nwhy \x80\n"},
        {OV_ENTRY_LOAD, "image E" HEX "\n"},
        {OV_ENTRY_EPOCH, "number 1\nkey x\n"},
        {OV_ENTRY_ROLE, "role worker\npid 7\nprogram -\nlayers 03\n"},
        {OV_ENTRY_ROLE, "role worker\npid 7\nprogram -\nlayers 3F\n"},
        {OV_ENTRY_ROLE, "role worker\npid 7\nprogram -\nlayers 123456789\n"},
        {OV_ENTRY_ROLE, "role worker\npid -\nprogram -\nlayers 0\n"},
        {OV_ENTRY_GONE, "role worker\npid 7\nhow exit\n"},
        {OV_ENTRY_GONE, "role worker\npid 7\nhow killed 9\n"},
        {OV_ENTRY_GONE, "role worker\npid 7\nhow exit -1\n"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        struct ov_entry entry;
        make(&text, bad[i].type, bad[i].body);
        assert_int_equal(ov_entry_read(ov_buf_span(&text), &entry), OV_DAMAGED);
    }
}

static void test_values_and_texts(void **state) {
    (void)state;
    struct ov_span value;
    struct ov_span body = ov_span_text("a 1\nb 2\na 3\n");
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    assert_int_equal(ov_entry_value(body, "a", 1, &value), OV_OK);
    assert_true(ov_span_is_text(value, "3"));
    assert_int_equal(ov_entry_value(body, "a", 2, &value), OV_END);
    assert_int_equal(ov_entry_value(body, "c", 0, &value), OV_END);
    ov_entry_text_add(&out, ov_span_text("a b%\n\xff~"));
    assert_true(ov_span_is_text(ov_buf_span(&out), "a%20b%25%0A%FF~"));
    ov_buf_reset(&out);
    ov_entry_text_add(&out, ov_span_text(""));
    assert_true(ov_span_is_text(ov_buf_span(&out), "-"));
}

static void test_files_there_and_back(void **state) {
    (void)state;
    struct ov_entry_file file;
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_span line = ov_span_text(FILE_LINE);
    assert_int_equal(ov_entry_file_read(ov_span_part(line, 5, line.size - 6), &file), OV_OK);
    assert_int_equal(file.device, 2049);
    assert_int_equal(file.read_bytes, 12);
    assert_false(file.has_sha256);
    ov_entry_file_add(&out, &file);
    assert_true(ov_span_is_equal(ov_buf_span(&out), line));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_there_and_back),
        cmocka_unit_test(test_other_forms_are_refused),
        cmocka_unit_test(test_values_and_texts),
        cmocka_unit_test(test_files_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
