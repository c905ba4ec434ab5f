// SPDX-License-Identifier: Apache-2.0
// Facts of a survey as lines, and lines as facts.
#include "base/survey.h"

#include "base/cursor.h"

enum { FIELDS = 6 };

static const char *const source_names[OV_SURVEY_SOURCES] = {
    [OV_SURVEY_DPKG_STATUS] = "dpkg-status",
    [OV_SURVEY_RPM_SQLITE] = "rpm-sqlite",
    [OV_SURVEY_RPM_NDB] = "rpm-ndb",
    [OV_SURVEY_RPM_BDB] = "rpm-bdb",
    [OV_SURVEY_APK] = "apk",
    [OV_SURVEY_PASSWD] = "passwd",
    [OV_SURVEY_GROUP] = "group",
    [OV_SURVEY_UNIT] = "unit",
    [OV_SURVEY_CRON] = "cron",
    [OV_SURVEY_SUDOERS] = "sudoers",
    [OV_SURVEY_AUDIT] = "audit",
    [OV_SURVEY_APT] = "apt",
    [OV_SURVEY_YUM] = "yum",
    [OV_SURVEY_CERTIFICATES] = "certificates",
    [OV_SURVEY_MOK] = "mok",
    [OV_SURVEY_PRELOAD] = "preload",
    [OV_SURVEY_IMAGE] = "image",
};

static const char *const kind_names[OV_FACT_KINDS] = {
    [OV_FACT_PACKAGE] = "package",
    [OV_FACT_PATH] = "path",
    [OV_FACT_USER] = "user",
    [OV_FACT_GROUP] = "group",
    [OV_FACT_UNIT_RUNS] = "unit-runs",
    [OV_FACT_UNIT_SETS] = "unit-sets",
    [OV_FACT_CRON] = "cron",
    [OV_FACT_SUDOERS] = "sudoers",
    [OV_FACT_SUDO_ALL] = "sudo-all",
    [OV_FACT_AUDIT] = "audit",
    [OV_FACT_AUDIT_HIDES] = "audit-hides",
    [OV_FACT_REPOSITORY] = "repository",
    [OV_FACT_CERTIFICATE] = "certificate",
    [OV_FACT_MOK] = "mok",
    [OV_FACT_PRELOAD] = "preload",
    [OV_FACT_ENTRIES] = "count",
    [OV_FACT_PROBLEM] = "problem",
};

const char *ov_survey_source_name(enum ov_survey_source kind) {
    return source_names[kind];
}

const char *ov_survey_kind_name(enum ov_survey_kind kind) {
    return kind_names[kind];
}

enum ov_survey_source ov_survey_source_of(struct ov_span label, struct ov_span *ret_path) {
    size_t colon = ov_span_find(label, 0, ':');
    struct ov_span word = ov_span_part(label, 0, colon);
    for (unsigned i = 0; i < OV_SURVEY_SOURCES && colon < label.size; i++) {
        if (ov_span_is_text(word, source_names[i])) {
            *ret_path = ov_span_from(label, colon + 1);
            return (enum ov_survey_source)i;
        }
    }
    return OV_SURVEY_SOURCES;
}

// ---- encode -----------------------------------------------------------------------------------

static bool is_plain(uint8_t byte) {
    return byte > 0x20 && byte < 0x7f && byte != '%';
}

static void add_text(struct ov_buf *out, struct ov_span text) {
    static const char digits[] = "0123456789ABCDEF";
    ov_buf_add_u8(out, '\t');
    text = ov_span_part(text, 0, OV_SURVEY_VALUE_BYTES);
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i] != 0 ? text.data[i] : '?';
        if (is_plain(byte)) {
            ov_buf_add_u8(out, byte);
        } else {
            ov_buf_add_u8(out, '%');
            ov_buf_add_u8(out, (uint8_t)digits[byte >> 4]);
            ov_buf_add_u8(out, (uint8_t)digits[byte & 15]);
        }
    }
}

void ov_survey_fact_encode(const struct ov_survey_fact *fact, struct ov_buf *out) {
    ov_buf_printf(out, "%s\t%u\t%s", kind_names[fact->kind], fact->source,
                  fact->is_residue ? "r" : "-");
    add_text(out, fact->value);
    add_text(out, fact->detail);
    add_text(out, fact->place);
    ov_buf_add_u8(out, '\n');
}

// ---- decode -----------------------------------------------------------------------------------

static int read_digit(uint8_t byte) {
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

// Only what the writer writes: one form for every byte.
static enum ov_status take_byte(struct ov_cursor *in, uint8_t *ret_byte) {
    uint8_t byte = ov_cursor_u8(in);
    if (byte != '%') {
        *ret_byte = byte;
        return is_plain(byte) ? OV_OK : OV_PEER;
    }
    int high = read_digit(ov_cursor_u8(in));
    int low = read_digit(ov_cursor_u8(in));
    if (in->has_failed || high < 0 || low < 0) {
        return OV_PEER;
    }
    *ret_byte = (uint8_t)(high << 4 | low);
    return *ret_byte == 0 || is_plain(*ret_byte) ? OV_PEER : OV_OK;
}

static enum ov_status take_text(struct ov_span field, uint8_t *room, struct ov_span *ret_text) {
    struct ov_cursor in = ov_cursor_init(field);
    size_t size = 0;
    while (ov_cursor_left(&in) > 0) {
        if (size == OV_SURVEY_VALUE_BYTES) {
            return OV_PEER;
        }
        TRY(take_byte(&in, &room[size++]));
    }
    room[size] = 0;
    *ret_text = ov_span_make(room, size);
    return OV_OK;
}

static enum ov_status take_number(struct ov_span field, uint32_t below, uint32_t *ret_number) {
    uint64_t value = 0;
    if (field.size == 0 || field.size > 10 || (field.size > 1 && field.data[0] == '0')) {
        return OV_PEER;
    }
    for (size_t i = 0; i < field.size; i++) {
        if (field.data[i] < '0' || field.data[i] > '9') {
            return OV_PEER;
        }
        value = value * 10 + (field.data[i] - '0');
    }
    if (value >= below) {
        return OV_PEER;
    }
    *ret_number = (uint32_t)value;
    return OV_OK;
}

static enum ov_status take_kind(struct ov_span field, enum ov_survey_kind *ret_kind) {
    for (unsigned i = 0; i < OV_FACT_KINDS; i++) {
        if (ov_span_is_text(field, kind_names[i])) {
            *ret_kind = (enum ov_survey_kind)i;
            return OV_OK;
        }
    }
    return OV_PEER;
}

static enum ov_status split(struct ov_span line, struct ov_span fields[FIELDS]) {
    size_t at = 0;
    for (unsigned i = 0; i < FIELDS; i++) {
        size_t end = ov_span_find(line, at, '\t');
        if ((end == line.size) != (i == FIELDS - 1)) {
            return OV_PEER;
        }
        fields[i] = ov_span_part(line, at, end - at);
        at = end + 1;
    }
    return OV_OK;
}

enum ov_status ov_survey_fact_decode(struct ov_span line, uint32_t source_count,
                                     uint8_t room[OV_SURVEY_ROOM_BYTES],
                                     struct ov_survey_fact *ret_fact) {
    enum { STEP = OV_SURVEY_VALUE_BYTES + 1 };
    struct ov_span fields[FIELDS];
    struct ov_survey_fact fact;
    TRY(split(line, fields));
    TRY(take_kind(fields[0], &fact.kind));
    TRY(take_number(fields[1], source_count, &fact.source));
    fact.is_residue = ov_span_is_text(fields[2], "r");
    if (!fact.is_residue && !ov_span_is_text(fields[2], "-")) {
        return OV_PEER;
    }
    TRY(take_text(fields[3], room, &fact.value));
    TRY(take_text(fields[4], &room[STEP], &fact.detail));
    TRY(take_text(fields[5], &room[2 * STEP], &fact.place));
    *ret_fact = fact;
    return OV_OK;
}
