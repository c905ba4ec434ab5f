// SPDX-License-Identifier: Apache-2.0
// Messages between the broker and the builder.
#include "wire/rules.h"

#include "wire/kinds.h"
#include "wire/message.h"

#include "base/cursor.h"

// ---- broker to builder ------------------------------------------------------------------------

enum {
    FLAG_PUA = 1,
    FLAG_JSON = 2,
    FLAG_STRICT = 4,
    FLAG_SUMMARY = 8,
    FLAG_COSTS = 16,
    FLAG_LEAVES = 32,
    FLAG_SIGN = 64,
    FLAG_TEXTS = 128,
    REQUEST_FLAGS = 255,
    FLAG_BYTES = 1,
    FLAG_MEMBER = 2,
    FLAG_NEW = 4,
    SOURCE_FLAGS = 7,
    SOURCE_KIND_AT = 8, // above the flags
    REPORT_LOCAL = 1,
    REPORT_SIGN = 2,
    REPORT_FLAGS = 3,
};

bool ov_wire_word_has_limit(enum ov_wire_word word) {
    return word == OV_WIRE_WORD_UNPACK;
}

bool ov_wire_word_has_image(enum ov_wire_word word) {
    return word == OV_WIRE_WORD_SCAN || word == OV_WIRE_WORD_BUILD || word == OV_WIRE_WORD_UNPACK ||
           word == OV_WIRE_WORD_PACK || word == OV_WIRE_WORD_PATCH;
}

void ov_wire_request_encode(const struct ov_wire_request *request, struct ov_buf *out) {
    uint32_t flags =
        (request->with_pua ? FLAG_PUA : 0u) | (request->is_json ? FLAG_JSON : 0u) |
        (request->is_strict ? FLAG_STRICT : 0u) | (request->with_summary ? FLAG_SUMMARY : 0u) |
        (request->with_costs ? FLAG_COSTS : 0u) | (request->with_leaves ? FLAG_LEAVES : 0u) |
        (request->is_sign_demanded ? FLAG_SIGN : 0u) | (request->with_texts ? FLAG_TEXTS : 0u);
    ov_buf_reset(out);
    ov_buf_add_u32le(out, OV_WIRE_REQUEST);
    ov_buf_add_u32le(out, OV_WIRE_VERSION);
    ov_buf_add_u32le(out, request->word);
    ov_buf_add_u32le(out, flags);
    ov_buf_add_u32le(out, request->source_count);
    if (ov_wire_word_has_limit(request->word)) {
        ov_buf_add_u64le(out, request->most_bytes);
    }
    ov_buf_add(out, request->rule.data, request->rule.size);
}

enum ov_status ov_wire_request_decode(struct ov_span message, struct ov_wire_request *ret_request) {
    struct ov_cursor in = ov_cursor_init(message);
    uint32_t kind = ov_cursor_u32le(&in);
    uint32_t version = ov_cursor_u32le(&in);
    uint32_t word = ov_cursor_u32le(&in);
    uint32_t flags = ov_cursor_u32le(&in);
    uint32_t source_count = ov_cursor_u32le(&in);
    bool has_limit = ov_wire_word_has_limit((enum ov_wire_word)word);
    uint64_t most_bytes = has_limit ? ov_cursor_u64le(&in) : 0;
    struct ov_span rule = ov_cursor_bytes(&in, ov_cursor_left(&in));
    if (in.has_failed || kind != OV_WIRE_REQUEST || version != OV_WIRE_VERSION ||
        word >= OV_WIRE_WORD_COUNT || (flags & ~(uint32_t)REQUEST_FLAGS) != 0 ||
        rule.size > (word == OV_WIRE_WORD_SHOW ? OV_WIRE_RULE_NAME_BYTES : 0)) {
        return OV_PEER;
    }
    *ret_request = (struct ov_wire_request){
        .word = (enum ov_wire_word)word,
        .with_pua = (flags & FLAG_PUA) != 0,
        .is_json = (flags & FLAG_JSON) != 0,
        .is_strict = (flags & FLAG_STRICT) != 0,
        .with_summary = (flags & FLAG_SUMMARY) != 0,
        .with_costs = (flags & FLAG_COSTS) != 0,
        .with_leaves = (flags & FLAG_LEAVES) != 0,
        .is_sign_demanded = (flags & FLAG_SIGN) != 0,
        .with_texts = (flags & FLAG_TEXTS) != 0,
        .source_count = source_count,
        .most_bytes = most_bytes,
        .rule = rule,
    };
    return OV_OK;
}

void ov_wire_source_encode(const struct ov_wire_source *source, struct ov_buf *out) {
    ov_buf_reset(out);
    ov_buf_add_u32le(out, OV_WIRE_SOURCE);
    ov_buf_add_u32le(
        out, (source->has_bytes ? FLAG_BYTES : 0u) | (source->is_member ? FLAG_MEMBER : 0u) |
                 (source->is_new ? FLAG_NEW : 0u) | (uint32_t)source->kind << SOURCE_KIND_AT);
    ov_buf_add_u32le(out, source->error);
    ov_buf_add(out, source->path.data, source->path.size);
}

enum ov_status ov_wire_source_decode(struct ov_span message, struct ov_wire_source *ret_source) {
    struct ov_cursor in = ov_cursor_init(message);
    uint32_t kind = ov_cursor_u32le(&in);
    uint32_t flags = ov_cursor_u32le(&in);
    struct ov_wire_source source = {.has_bytes = (flags & FLAG_BYTES) != 0,
                                    .is_member = (flags & FLAG_MEMBER) != 0,
                                    .is_new = (flags & FLAG_NEW) != 0,
                                    .error = ov_cursor_u32le(&in)};
    uint32_t use = flags >> SOURCE_KIND_AT;
    flags &= (1u << SOURCE_KIND_AT) - 1;
    source.path = ov_cursor_bytes(&in, ov_cursor_left(&in));
    if (in.has_failed || kind != OV_WIRE_SOURCE || (flags & ~(uint32_t)SOURCE_FLAGS) != 0 ||
        use >= OV_WIRE_SOURCE_KIND_COUNT || (source.has_bytes && source.error != 0) ||
        source.path.size == 0 || source.path.size > OV_WIRE_PATH_BYTES ||
        ov_span_find(source.path, 0, 0) < source.path.size) {
        return OV_PEER;
    }
    source.kind = (enum ov_wire_source_kind)use;
    *ret_source = source;
    return OV_OK;
}

// ---- builder to broker ------------------------------------------------------------------------

static void encode_database(const struct ov_database_report *report, struct ov_buf *out) {
    ov_buf_add_u32le(out, report->refusal);
    ov_buf_add_u32le(out, report->checks);
    ov_buf_add_u32le(out, (report->is_local ? REPORT_LOCAL : 0u) |
                              (report->has_sign ? REPORT_SIGN : 0u));
    ov_buf_add_u32le(out, report->source);
    ov_buf_add_u32le(out, report->line);
    ov_buf_add_u32le(out, report->member_count);
    ov_buf_add_u64le(out, report->version);
    ov_buf_add_u64le(out, report->rule_count);
    ov_buf_add_u64le(out, report->level);
    ov_buf_add_u64le(out, report->time);
    ov_buf_add(out, report->name, sizeof report->name);
    ov_buf_add(out, report->signer, sizeof report->signer);
}

void ov_wire_report_encode(const struct ov_wire_report *report, struct ov_buf *out) {
    ov_buf_reset(out);
    ov_buf_add_u32le(out, OV_WIRE_REPORT);
    ov_buf_add_u32le(out, report->kind);
    ov_buf_add_u32le(out, report->number);
    if (report->kind == OV_WIRE_REPORT_DATABASE) {
        encode_database(&report->database, out);
        return;
    }
    if (report->kind != OV_WIRE_REPORT_DONE) {
        ov_buf_add(out, report->text.data, report->text.size);
        return;
    }
    ov_buf_add_u32le(out, report->status);
    ov_buf_add_u32le(out, report->error);
    ov_buf_add_u64le(out, report->rule_count);
    ov_buf_add_u64le(out, report->fault_count);
    ov_buf_add_u64le(out, report->skip_count);
    ov_buf_add_u64le(out, report->shown_count);
}

static bool is_printable(struct ov_span text) {
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < 0x20 || text.data[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

static bool is_sized(struct ov_span text, size_t most) {
    return text.size >= 1 && text.size <= most;
}

// Whether the fields of the last message go together.
static bool is_end(const struct ov_wire_report *report) {
    return report->number < OV_WIRE_END_COUNT && report->status <= OV_PEER &&
           (report->number == OV_WIRE_END_DONE) == (report->status == OV_OK) &&
           (report->error == 0 || report->status == OV_SYSTEM);
}

// A text in a fixed room: printable ASCII, then zeros, at least one.
static bool is_text(const char *text, size_t room) {
    size_t size = strnlen(text, room);
    for (size_t i = size; i < room; i++) {
        if (text[i] != 0) {
            return false;
        }
    }
    return size < room && is_printable(ov_span_make(text, size));
}

// The name of a database becomes one of files and of rule sets.
static bool is_name(const char *text, size_t room) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    return is_text(text, room) && strspn(text, letters) == strlen(text);
}

// Whether the fields of a report go together: what is accepted was verified by something, and what
// is refused tells no more than where.
static bool is_database(const struct ov_database_report *report, uint32_t source_count) {
    bool is_accepted = report->refusal == OV_DATABASE_ACCEPTED;
    uint64_t most = UINT32_MAX;
    return report->source < source_count && is_name(report->name, sizeof report->name) &&
           is_text(report->signer, sizeof report->signer) && report->version <= most &&
           report->rule_count <= most && report->level <= most && report->time <= most &&
           (!is_accepted || ((report->checks & OV_DATABASE_INFO) != 0 && report->name[0] != 0)) &&
           (!is_accepted || report->line == 0) &&
           (is_accepted || (report->checks == 0 && report->name[0] == 0 && !report->has_sign &&
                            report->signer[0] == 0 && report->version == 0));
}

static bool is_sound(const struct ov_wire_report *report, uint32_t source_count) {
    switch (report->kind) {
    case OV_WIRE_REPORT_READING:
        return report->number < source_count && report->text.size == 0;
    case OV_WIRE_REPORT_STAGE:
        return report->number <= 100 && is_sized(report->text, OV_WIRE_STAGE_BYTES) &&
               is_printable(report->text);
    case OV_WIRE_REPORT_PROBLEM:
        return report->number == 0 && is_sized(report->text, OV_WIRE_LINE_BYTES);
    case OV_WIRE_REPORT_TEXT:
        return report->number == 0 && is_sized(report->text, OV_WIRE_TEXT_BYTES);
    case OV_WIRE_REPORT_DONE:
        return is_end(report);
    case OV_WIRE_REPORT_ROOT:
        return report->number == 0 && report->text.size == OV_WIRE_ROOT_BYTES;
    case OV_WIRE_REPORT_CAGED:
        return report->number <= UINT16_MAX && report->text.size == 0;
    case OV_WIRE_REPORT_DATABASE:
        return report->number == 0 && is_database(&report->database, source_count);
    default:
        return false;
    }
}

static enum ov_status decode_end(struct ov_cursor *in, struct ov_wire_report *report) {
    uint32_t status = ov_cursor_u32le(in);
    if (status > OV_PEER) {
        return OV_PEER;
    }
    report->status = (enum ov_status)status;
    report->error = ov_cursor_u32le(in);
    report->rule_count = ov_cursor_u64le(in);
    report->fault_count = ov_cursor_u64le(in);
    report->skip_count = ov_cursor_u64le(in);
    report->shown_count = ov_cursor_u64le(in);
    return OV_OK;
}

static void take_text(struct ov_cursor *in, char *ret_text, size_t room) {
    struct ov_span bytes = ov_cursor_bytes(in, room);
    if (bytes.size == room) {
        memcpy(ret_text, bytes.data, room);
    }
}

static enum ov_status decode_database(struct ov_cursor *in, struct ov_database_report *report) {
    uint32_t refusal = ov_cursor_u32le(in);
    report->checks = ov_cursor_u32le(in);
    uint32_t flags = ov_cursor_u32le(in);
    if (refusal >= OV_DATABASE_REFUSAL_COUNT ||
        (report->checks & ~(uint32_t)OV_DATABASE_CHECKS) != 0 ||
        (flags & ~(uint32_t)REPORT_FLAGS) != 0) {
        return OV_PEER;
    }
    report->refusal = (enum ov_database_refusal)refusal;
    report->is_local = (flags & REPORT_LOCAL) != 0;
    report->has_sign = (flags & REPORT_SIGN) != 0;
    report->source = ov_cursor_u32le(in);
    report->line = ov_cursor_u32le(in);
    report->member_count = ov_cursor_u32le(in);
    report->version = ov_cursor_u64le(in);
    report->rule_count = ov_cursor_u64le(in);
    report->level = ov_cursor_u64le(in);
    report->time = ov_cursor_u64le(in);
    take_text(in, report->name, sizeof report->name);
    take_text(in, report->signer, sizeof report->signer);
    return OV_OK;
}

enum ov_status ov_wire_report_decode(struct ov_span message, uint32_t source_count,
                                     struct ov_wire_report *ret_report) {
    struct ov_cursor in = ov_cursor_init(message);
    uint32_t magic = ov_cursor_u32le(&in);
    uint32_t kind = ov_cursor_u32le(&in);
    struct ov_wire_report report = {.number = ov_cursor_u32le(&in)};
    if (magic != OV_WIRE_REPORT || kind >= OV_WIRE_REPORT_KIND_COUNT) {
        return OV_PEER;
    }
    report.kind = (enum ov_wire_report_kind)kind;
    if (report.kind == OV_WIRE_REPORT_DONE) {
        TRY(decode_end(&in, &report));
    } else if (report.kind == OV_WIRE_REPORT_DATABASE) {
        TRY(decode_database(&in, &report.database));
    } else {
        report.text = ov_cursor_bytes(&in, ov_cursor_left(&in));
    }
    if (in.has_failed || ov_cursor_left(&in) != 0 || !is_sound(&report, source_count)) {
        return OV_PEER;
    }
    *ret_report = report;
    return OV_OK;
}
