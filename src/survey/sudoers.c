// SPDX-License-Identifier: Apache-2.0
// Rules of sudo (sudoers(5)): who may run what as somebody else, and whether a password is asked.
#include "survey/readers.h"
#include "survey/text.h"

struct rule {
    struct ov_span who;
    bool is_free; // NOPASSWD, until another tag
    struct ov_survey_out *out;
    struct ov_buf detail;
};

static void release_rule(struct rule *rule) {
    ov_buf_release(&rule->detail);
}

static bool is_tag(struct ov_span word) {
    for (size_t i = 0; i < word.size; i++) {
        bool is_letter = (word.data[i] >= 'A' && word.data[i] <= 'Z') || word.data[i] == '_';
        if (!is_letter) {
            return false;
        }
    }
    return word.size > 1;
}

// Takes "(user:group)" and tags off the front of a command.
static struct ov_span skip_tags(struct rule *rule, struct ov_span command) {
    struct ov_span word, rest;
    command = ov_survey_trim(command);
    if (command.size > 0 && command.data[0] == '(') {
        command = ov_survey_trim(ov_span_from(command, ov_span_find(command, 0, ')') + 1));
    }
    while (ov_survey_split(command, ':', &word, &rest) && is_tag(word)) {
        if (ov_span_is_text(word, "NOPASSWD") || ov_span_is_text(word, "PASSWD")) {
            rule->is_free = ov_span_is_text(word, "NOPASSWD");
        }
        command = rest;
    }
    return command;
}

static enum ov_status tell_command(struct rule *rule, struct ov_span command) {
    struct ov_span rest = skip_tags(rule, command), path;
    const char *tag = rule->is_free ? "NOPASSWD" : "";
    if (ov_span_is_text(rest, "ALL")) {
        ov_survey_tell(rule->out, OV_FACT_SUDO_ALL, rule->who, ov_span_text(tag));
        return OV_OK;
    }
    if (rest.size == 0 || rest.data[0] == '!') {
        return OV_OK; // what is not allowed
    }
    ov_buf_reset(&rule->detail);
    ov_buf_add(&rule->detail, rule->who.data, rule->who.size);
    ov_buf_add_text(&rule->detail, rule->is_free ? " NOPASSWD" : "");
    TRY(ov_buf_status(&rule->detail));
    while (ov_survey_path(&rest, &path)) {
        ov_survey_tell(rule->out, OV_FACT_SUDOERS, path, ov_buf_span(&rule->detail));
    }
    return OV_OK;
}

static enum ov_status tell_commands(struct rule *rule, struct ov_span commands) {
    size_t at = 0;
    rule->is_free = false;
    while (at < commands.size) {
        size_t end = ov_span_find(commands, at, ',');
        TRY(tell_command(rule, ov_span_part(commands, at, end - at)));
        at = end + 1;
    }
    return OV_OK;
}

// A comment begins with '#', unless a number of a user follows.
static bool is_comment(struct ov_span line) {
    bool is_number = line.size > 1 && line.data[1] >= '0' && line.data[1] <= '9';
    return line.size == 0 || line.data[0] == '@' || (line.data[0] == '#' && !is_number);
}

static enum ov_status read_line(struct rule *rule, struct ov_span line, uint64_t number) {
    struct ov_span left, right, word, rest = line;
    if (!ov_survey_word(&rest, &word) || ov_span_has_prefix(word, "Defaults")) {
        return OV_OK;
    }
    if (!ov_survey_split(line, '=', &left, &right)) {
        ov_survey_problem(rule->out, "not a rule of sudo", number);
        return OV_OK;
    }
    bool is_alias = ov_span_is_text(word, "Cmnd_Alias") || ov_span_is_text(word, "Cmd_Alias");
    if (!is_alias && ov_span_search(word, 0, ov_span_text("_Alias")) < word.size) {
        return OV_OK; // of users and hosts
    }
    rule->out->count++;
    rule->who = is_alias ? left : word;
    return tell_commands(rule, right);
}

enum ov_status ov_survey_sudoers(struct ov_span bytes, struct ov_survey_out *out) {
    OV_CLEANUP(release_rule) struct rule rule = {.out = out};
    OV_CLEANUP(ov_buf_release) struct ov_buf joined = {0};
    struct ov_survey_lines lines = {.rest = bytes};
    struct ov_span line;
    while (ov_survey_long_line(&lines, &joined, &line)) {
        line = ov_survey_trim(line);
        if (!is_comment(line)) {
            TRY(read_line(&rule, line, lines.number));
        }
        TRY(ov_buf_status(&joined));
    }
    return OV_OK;
}
