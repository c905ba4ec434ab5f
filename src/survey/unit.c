// SPDX-License-Identifier: Apache-2.0
// Units of systemd: which programs they start, and what they say of their rights.
//
// systemd.syntax(7), systemd.service(5) "COMMAND LINES", systemd.exec(5).
#include "survey/readers.h"
#include "survey/text.h"

// Keys, or beginnings of keys (with '*'), that say what a service may do, or who reaches it.
static const char *const rights[] = {
    "User",
    "Group",
    "DynamicUser",
    "SupplementaryGroups",
    "CapabilityBoundingSet",
    "AmbientCapabilities",
    "NoNewPrivileges",
    "SecureBits",
    "SystemCallFilter",
    "SystemCallArchitectures",
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "DevicePolicy",
    "DeviceAllow",
    "RootDirectory",
    "RootImage",
    "ReadOnlyPaths",
    "ReadWritePaths",
    "InaccessiblePaths",
    "ListenStream",
    "ListenDatagram",
    "ListenNetlink",
    "IPAddressDeny",
    "IPAddressAllow",
    "SELinuxContext",
    "AppArmorProfile",
    "Protect*",
    "Private*",
    "Restrict*",
};

// Programs whose arguments say what really runs.
static const char *const starters[] = {
    "sh",     "bash", "dash", "ksh",    "zsh",  "env",  "nohup",   "nice", "ionice",
    "python", "perl", "ruby", "setsid", "sudo", "java", "timeout", "exec", "busybox",
};

static bool is_right(struct ov_span key) {
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
        size_t size = strlen(rights[i]);
        bool is_start = rights[i][size - 1] == '*';
        struct ov_span name = ov_span_make(rights[i], is_start ? size - 1 : size);
        if (ov_span_is_equal(is_start ? ov_span_part(key, 0, name.size) : key, name)) {
            return true;
        }
    }
    return false;
}

// "python3.11" is a python.
static bool is_starter(struct ov_span path) {
    size_t name = 0;
    for (size_t at = 0; at < path.size; at = ov_span_find(path, at, '/') + 1) {
        name = at;
    }
    struct ov_span base = ov_span_from(path, name);
    while (base.size > 0 &&
           (base.data[base.size - 1] == '.' ||
            (base.data[base.size - 1] >= '0' && base.data[base.size - 1] <= '9'))) {
        base.size--;
    }
    for (size_t i = 0; i < sizeof starters / sizeof *starters; i++) {
        if (ov_span_is_text(base, starters[i])) {
            return true;
        }
    }
    return false;
}

static void tell_command(struct ov_survey_out *out, struct ov_span key, struct ov_span command) {
    size_t start = 0;
    while (start < command.size && memchr("@-:+!|\"'", command.data[start], 8) != NULL) {
        start++;
    }
    struct ov_span rest = ov_span_from(command, start), word;
    if (!ov_survey_word(&rest, &word)) {
        return;
    }
    if (word.data[word.size - 1] == '"' || word.data[word.size - 1] == '\'') {
        word.size--;
    }
    ov_survey_tell(out, OV_FACT_UNIT_RUNS, word, key);
    while (is_starter(word) && ov_survey_path(&rest, &word)) {
        ov_survey_tell(out, OV_FACT_UNIT_RUNS, word, key);
        word = ov_span_text("sh"); // all of them
    }
}

enum ov_status ov_survey_unit(struct ov_span bytes, struct ov_survey_out *out) {
    OV_CLEANUP(ov_buf_release) struct ov_buf joined = {0}, setting = {0};
    struct ov_survey_lines lines = {.rest = bytes};
    struct ov_span line, key, value;
    while (ov_survey_long_line(&lines, &joined, &line)) {
        line = ov_survey_trim(line);
        if (line.size == 0 || memchr("#;[", line.data[0], 3) != NULL) {
            continue;
        }
        if (!ov_survey_split(line, '=', &key, &value)) {
            ov_survey_problem(out, "neither a section nor a setting", lines.number);
            continue;
        }
        out->count++;
        if (ov_span_has_prefix(key, "Exec")) {
            tell_command(out, key, value);
        } else if (is_right(key)) {
            ov_buf_reset(&setting);
            ov_buf_add(&setting, key.data, key.size);
            ov_buf_add_u8(&setting, '=');
            ov_buf_add(&setting, value.data, value.size);
            TRY(ov_buf_status(&setting));
            ov_survey_tell(out, OV_FACT_UNIT_SETS, ov_buf_span(&setting), ov_span_make(NULL, 0));
        }
        TRY(ov_buf_status(&joined));
    }
    return OV_OK;
}
