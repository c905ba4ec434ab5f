// SPDX-License-Identifier: Apache-2.0
// Users, groups, and the libraries that every program is made to load.
#include "survey/readers.h"
#include "survey/text.h"

#include "base/buf.h"

enum { FIELDS = 7 };

// Gives how many fields there are.
static unsigned split_fields(struct ov_span line, struct ov_span fields[FIELDS]) {
    size_t at = 0;
    unsigned count = 0;
    while (count < FIELDS && at <= line.size) {
        size_t end = ov_span_find(line, at, ':');
        fields[count++] = ov_span_part(line, at, end - at);
        at = end + 1;
    }
    return count;
}

static void add_field(struct ov_buf *out, const char *name, struct ov_span field) {
    ov_buf_add_text(out, name);
    ov_buf_add(out, field.data, field.size);
}

// passwd(5), group(5). Lines that begin with '+' or '-' are for NIS.
static enum ov_status read_accounts(struct ov_span bytes, struct ov_survey_out *out, bool is_user) {
    OV_CLEANUP(ov_buf_release) struct ov_buf detail = {0};
    struct ov_survey_lines lines = {.rest = bytes};
    struct ov_span line;
    while (ov_survey_line(&lines, &line)) {
        struct ov_span fields[FIELDS] = {0};
        if (line.size == 0 || memchr("#+-", line.data[0], 3) != NULL) {
            continue;
        }
        if (split_fields(line, fields) < (is_user ? FIELDS : 3) || fields[0].size == 0) {
            ov_survey_problem(out, "not the fields of an account", lines.number);
            continue;
        }
        ov_buf_reset(&detail);
        add_field(&detail, is_user ? "uid " : "gid ", fields[2]);
        if (is_user) {
            add_field(&detail, ", ", fields[5]);
            add_field(&detail, ", ", fields[6]);
        }
        TRY(ov_buf_status(&detail));
        out->count++;
        ov_survey_tell(out, is_user ? OV_FACT_USER : OV_FACT_GROUP, fields[0],
                       ov_buf_span(&detail));
    }
    return OV_OK;
}

enum ov_status ov_survey_passwd(struct ov_span bytes, struct ov_survey_out *out) {
    return read_accounts(bytes, out, true);
}

enum ov_status ov_survey_group(struct ov_span bytes, struct ov_survey_out *out) {
    return read_accounts(bytes, out, false);
}

// ld.so(8): words with white space or colons between them; glibc also takes a comment to the end of
// the line.
enum ov_status ov_survey_preload(struct ov_span bytes, struct ov_survey_out *out) {
    struct ov_survey_lines lines = {.rest = bytes};
    struct ov_span line;
    while (ov_survey_line(&lines, &line)) {
        size_t at = 0;
        line = ov_span_part(line, 0, ov_span_find(line, 0, '#'));
        while (at < line.size) {
            size_t end = ov_span_find(line, at, ':');
            struct ov_span part = ov_span_part(line, at, end - at), word;
            while (ov_survey_word(&part, &word)) {
                out->count++;
                ov_survey_tell(out, OV_FACT_PRELOAD, word, ov_span_make(NULL, 0));
            }
            at = end + 1;
        }
    }
    return OV_OK;
}
