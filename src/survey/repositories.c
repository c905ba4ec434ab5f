// SPDX-License-Identifier: Apache-2.0
// Where packages come from: sources of apt (sources.list(5), both forms), and of yum, dnf and
// zypper (yum.conf(5), "[repository] OPTIONS").
#include "survey/readers.h"
#include "survey/text.h"

static struct ov_span say_state(bool is_enabled) {
    return ov_span_text(is_enabled ? "" : "disabled");
}

static void tell_all(struct ov_survey_out *out, struct ov_span urls, bool is_enabled) {
    struct ov_span word;
    while (ov_survey_word(&urls, &word)) {
        out->count++;
        ov_survey_tell(out, OV_FACT_REPOSITORY, word, say_state(is_enabled));
    }
}

// ---- apt --------------------------------------------------------------------------------------

// "deb [options] URL suite components". False: it is none of this form.
static bool read_one_line(struct ov_survey_out *out, struct ov_span line) {
    struct ov_span rest = line, word;
    if (!ov_survey_word(&rest, &word) ||
        (!ov_span_is_text(word, "deb") && !ov_span_is_text(word, "deb-src"))) {
        return false;
    }
    rest = ov_survey_trim(rest);
    if (rest.size > 0 && rest.data[0] == '[') {
        rest = ov_span_from(rest, ov_span_find(rest, 0, ']') + 1);
    }
    if (ov_survey_word(&rest, &word)) {
        tell_all(out, word, true);
    }
    return true;
}

struct stanza {
    struct ov_buf urls;
    bool is_enabled;
    bool is_urls; // what is read last: its next lines go on with it
};

static void release_stanza(struct stanza *stanza) {
    ov_buf_release(&stanza->urls);
}

static void end_stanza(struct ov_survey_out *out, struct stanza *stanza) {
    tell_all(out, ov_buf_span(&stanza->urls), stanza->is_enabled);
    ov_buf_reset(&stanza->urls);
    stanza->is_enabled = true;
    stanza->is_urls = false;
}

static void add_urls(struct stanza *stanza, struct ov_span text) {
    ov_buf_add(&stanza->urls, text.data, text.size);
    ov_buf_add_u8(&stanza->urls, ' ');
}

static bool read_deb822(struct stanza *stanza, struct ov_span line) {
    struct ov_span key, value;
    if (line.data[0] == ' ' || line.data[0] == '\t') {
        if (stanza->is_urls) {
            add_urls(stanza, line);
        }
        return true;
    }
    if (!ov_survey_split(line, ':', &key, &value)) {
        return false;
    }
    stanza->is_urls = ov_span_is_text(key, "URIs");
    if (stanza->is_urls) {
        add_urls(stanza, value);
    } else if (ov_span_is_text(key, "Enabled")) {
        stanza->is_enabled = !ov_span_is_text(value, "no") && !ov_span_is_text(value, "false") &&
                             !ov_span_is_text(value, "0");
    }
    return true;
}

enum ov_status ov_survey_apt(struct ov_span bytes, struct ov_survey_out *out) {
    OV_CLEANUP(release_stanza) struct stanza stanza = {.is_enabled = true};
    struct ov_survey_lines lines = {.rest = bytes};
    struct ov_span line;
    while (ov_survey_line(&lines, &line)) {
        if (ov_survey_trim(line).size == 0) {
            end_stanza(out, &stanza);
        } else if (line.data[0] != '#' && !read_one_line(out, line) &&
                   !read_deb822(&stanza, line)) {
            ov_survey_problem(out, "not a source of apt", lines.number);
        }
        TRY(ov_buf_status(&stanza.urls));
    }
    end_stanza(out, &stanza);
    return OV_OK;
}

// ---- yum --------------------------------------------------------------------------------------

enum ov_status ov_survey_yum(struct ov_span bytes, struct ov_survey_out *out) {
    OV_CLEANUP(release_stanza) struct stanza stanza = {.is_enabled = true};
    struct ov_survey_lines lines = {.rest = bytes};
    struct ov_span line, key, value;
    while (ov_survey_line(&lines, &line)) {
        bool is_more = line.size > 0 && (line.data[0] == ' ' || line.data[0] == '\t');
        line = ov_survey_trim(line);
        if (line.size == 0 || line.data[0] == '#' || line.data[0] == ';') {
            continue;
        }
        if (line.data[0] == '[') {
            end_stanza(out, &stanza);
        } else if (is_more && stanza.is_urls) {
            add_urls(&stanza, line);
        } else if (!ov_survey_split(line, '=', &key, &value)) {
            ov_survey_problem(out, "neither a section nor a setting", lines.number);
        } else if (ov_span_is_text(key, "enabled")) {
            stanza.is_enabled = !ov_span_is_text(value, "0");
        } else {
            stanza.is_urls = ov_span_is_text(key, "baseurl") ||
                             ov_span_is_text(key, "mirrorlist") || ov_span_is_text(key, "metalink");
            if (stanza.is_urls) {
                add_urls(&stanza, value);
            }
        }
        TRY(ov_buf_status(&stanza.urls));
    }
    end_stanza(out, &stanza);
    return OV_OK;
}
