// SPDX-License-Identifier: Apache-2.0
// The table of forms.
#include "trace/form.h"

#include "trace/words.h"

#include <assert.h>

static_assert(sizeof(enum ov_trace_kind) == sizeof(uint32_t), "words are read as 32 bits");

enum { PAGE_BYTES_LEAST = 4096, PAGE_BYTES_MOST = 65536 };

#define AT(noun, member) offsetof(struct ov_trace_##noun, member)
#define FIELD(noun, text, what, member)                                                            \
    { .keyword = (text), .kind = OV_TRACE_FIELD_##what, .offset = AT(noun, member) }
#define LIST(noun, text, one, member)                                                              \
    { .keyword = (text), .kind = OV_TRACE_FIELD_LIST, .offset = AT(noun, member), .item = (one) }
#define WORD(noun, text, list, member)                                                             \
    {                                                                                              \
        .keyword = (text), .kind = OV_TRACE_FIELD_WORD, .offset = AT(noun, member),                \
        .words = ov_trace_##list##_words                                                           \
    }
#define LOSSES(noun, pointer, count)                                                               \
    {                                                                                              \
        .keyword = "loss", .kind = OV_TRACE_FIELD_LOSSES, .offset = AT(noun, pointer),             \
        .second_offset = AT(noun, count)                                                           \
    }
#define FORM(fields)                                                                               \
    { fields, sizeof fields / sizeof *fields }

// clang-format off
static const struct ov_trace_field begin[] = {
    FIELD(begin, "version", TEXT, version),
    FIELD(begin, "boot", BOOT, boot),
    FIELD(begin, "kernel", TEXT, kernel),
    FIELD(begin, "machine", TEXT, machine),
    FIELD(begin, "time", TIME, time_ns),
    FIELD(begin, "mono", U64, mono_ns),
    FIELD(begin, "page", U32, page_bytes),
    FIELD(begin, "drain", U64, drain_ns),
    FIELD(begin, "size", U64, size_max_bytes),
    FIELD(begin, "for", U64, for_ns),
    WORD(begin, "target", target, target),
    FIELD(begin, "name", TEXT, target_name),
    FIELD(begin, "envelope", TRUTH, has_envelope),
    LIST(begin, "scopes", "scope", scope),
    LIST(begin, "owns", "own", own),
    LIST(begin, "words", "word", words),
};
static const struct ov_trace_field program[] = {
    FIELD(program, "what", TEXT, what),
    FIELD(program, "path", TEXT, path),
    FIELD(program, "sha256", SHA256, sha256),
};
static const struct ov_trace_field layer[] = {
    FIELD(layer, "name", TEXT, name),
    WORD(layer, "state", state, state),
    FIELD(layer, "why", TEXT, why),
};
static const struct ov_trace_field exception[] = {
    FIELD(exception, "name", TEXT, name),
    FIELD(exception, "why", TEXT, why),
};
static const struct ov_trace_field sensor[] = {
    FIELD(sensor, "at", U64, at_ns),
    FIELD(sensor, "name", TEXT, name),
    WORD(sensor, "state", state, state),
    FIELD(sensor, "needed", TRUTH, is_needed),
    FIELD(sensor, "why", TEXT, why),
};
static const struct ov_trace_field selftest[] = {
    FIELD(selftest, "route", TEXT, route),
    WORD(selftest, "expected", expected, expected),
    WORD(selftest, "outcome", outcome, outcome),
    FIELD(selftest, "want", U64, want),
    FIELD(selftest, "most", U64, most),
    FIELD(selftest, "seen", U64, seen),
    FIELD(selftest, "why", TEXT, why),
};
static const struct ov_trace_field prior[] = {
    FIELD(prior, "process", PROCESS, process),
    WORD(prior, "kind", prior, kind),
    FIELD(prior, "fd", U32, fd),
    FIELD(prior, "inode", INODE, inode),
    WORD(prior, "mode", mode, mode),
    FIELD(prior, "bytes", U64, bytes),
    FIELD(prior, "path", TEXT, path),
};
static const struct ov_trace_field audit[] = {
    FIELD(audit, "rule", TEXT, rule),
};
static const struct ov_trace_field planted[] = {
    FIELD(planted, "inode", INODE, inode),
    FIELD(planted, "bytes", U64, size_bytes),
    FIELD(planted, "path", TEXT, path),
};
static const struct ov_trace_field process[] = {
    FIELD(process, "at", U64, at_ns),
    WORD(process, "event", event, event),
    FIELD(process, "process", PROCESS, process),
    FIELD(process, "parent", PROCESS, parent),
    WORD(process, "by", reason, reason),
    FIELD(process, "uid", U32, uid),
    FIELD(process, "exe", INODE, exe),
    FIELD(process, "path", TEXT, path),
    FIELD(process, "status", U32, status),
    LIST(process, "words", "word", words),
};
static const struct ov_trace_field name[] = {
    FIELD(name, "inode", INODE, inode),
    WORD(name, "kind", kind, kind),
    WORD(name, "presence", presence, presence),
    FIELD(name, "bytes", U64, size_bytes),
    FIELD(name, "filesystem", TEXT, filesystem),
    FIELD(name, "path", TEXT, path),
};
static const struct ov_trace_field file[] = {
    FIELD(file, "process", PROCESS, process),
    FIELD(file, "inode", INODE, inode),
    FIELD(file, "bytes", U64, size_bytes),
    FIELD(file, "first", U64, first_ns),
    FIELD(file, "last", U64, last_ns),
    FIELD(file, "opens", U64, open_count),
    FIELD(file, "reads", U64, read_count),
    FIELD(file, "read", U64, read_bytes),
    FIELD(file, "lookups", U64, page_events),
    FIELD(file, "looked", U64, page_bytes),
    FIELD(file, "mapped", U64, map_pages),
    FIELD(file, "direct", U64, direct_bytes),
    FIELD(file, "writes", U64, write_count),
    FIELD(file, "written", U64, write_bytes),
    FIELD(file, "dirtied", U64, dirty_pages),
    FIELD(file, "routes", ROUTES, routes),
    FIELD(file, "scale", U64, scale),
    FIELD(file, "coverage", COVERAGE, coverage),
};
static const struct ov_trace_field socket[] = {
    FIELD(socket, "process", PROCESS, process),
    FIELD(socket, "cookie", U64, cookie),
    FIELD(socket, "flow", U64, flow),
    FIELD(socket, "family", U32, family),
    FIELD(socket, "type", U32, type),
    FIELD(socket, "protocol", U32, protocol),
    FIELD(socket, "local", TEXT, local),
    FIELD(socket, "remote", TEXT, remote),
    FIELD(socket, "peer", PROCESS, peer),
    FIELD(socket, "other", U64, peer_cookie),
    FIELD(socket, "first", U64, first_ns),
    FIELD(socket, "last", U64, last_ns),
    FIELD(socket, "sends", U64, send_count),
    FIELD(socket, "sent", U64, sent_bytes),
    FIELD(socket, "receives", U64, receive_count),
    FIELD(socket, "received", U64, received_bytes),
};
static const struct ov_trace_field canary[] = {
    FIELD(canary, "at", U64, at_ns),
    FIELD(canary, "process", PROCESS, process),
    FIELD(canary, "inode", INODE, inode),
    WORD(canary, "route", route, route),
    FIELD(canary, "from", U64, from),
    FIELD(canary, "to", U64, to),
};
static const struct ov_trace_field act[] = {
    FIELD(act, "at", U64, at_ns),
    FIELD(act, "process", PROCESS, process),
    FIELD(act, "call", TEXT, call),
    FIELD(act, "result", I64, result),
    LIST(act, "arguments", "argument", arguments),
};
static const struct ov_trace_field denied[] = {
    FIELD(denied, "process", PROCESS, process),
    FIELD(denied, "call", TEXT, call),
    FIELD(denied, "by", TEXT, by),
    FIELD(denied, "what", TEXT, what),
    FIELD(denied, "first", U64, first_ns),
    FIELD(denied, "last", U64, last_ns),
    FIELD(denied, "count", U64, count),
};
static const struct ov_trace_field net[] = {
    FIELD(net, "protocol", U32, protocol),
    FIELD(net, "remote", TEXT, remote),
    FIELD(net, "first", U64, first_ns),
    FIELD(net, "last", U64, last_ns),
    FIELD(net, "packets", U64, sent_packets),
    FIELD(net, "sent", U64, sent_bytes),
    FIELD(net, "answers", U64, received_packets),
    FIELD(net, "received", U64, received_bytes),
};
static const struct ov_trace_field capture[] = {
    FIELD(capture, "path", TEXT, path),
    FIELD(capture, "packets", U64, packets),
    FIELD(capture, "bytes", U64, bytes),
    FIELD(capture, "sha256", SHA256, sha256),
};
static const struct ov_trace_field plaintext[] = {
    FIELD(plaintext, "process", PROCESS, process),
    FIELD(plaintext, "library", TEXT, library),
    FIELD(plaintext, "first", U64, first_ns),
    FIELD(plaintext, "last", U64, last_ns),
    FIELD(plaintext, "calls", U64, call_count),
    FIELD(plaintext, "sent", U64, sent_bytes),
};
static const struct ov_trace_field loss[] = {
    FIELD(loss, "name", TEXT, name),
    FIELD(loss, "count", U64, count),
};
static const struct ov_trace_field checkpoint[] = {
    FIELD(checkpoint, "mono", U64, mono_ns),
    FIELD(checkpoint, "records", U64, records),
    FIELD(checkpoint, "chain", CHAIN, chain),
    LOSSES(checkpoint, losses, loss_count),
};
static const struct ov_trace_field end[] = {
    WORD(end, "why", why, why),
    {
        .keyword = "status",
        .kind = OV_TRACE_FIELD_STATUS,
        .offset = AT(end, status),
        .second_offset = AT(end, has_status),
    },
    FIELD(end, "unwritten", U64, unwritten),
    FIELD(end, "time", TIME, time_ns),
    FIELD(end, "mono", U64, checkpoint.mono_ns),
    FIELD(end, "records", U64, checkpoint.records),
    FIELD(end, "chain", CHAIN, checkpoint.chain),
    LOSSES(end, checkpoint.losses, checkpoint.loss_count),
};
// clang-format on

static const struct ov_trace_form forms[OV_TRACE_TYPES] = {
    [OV_TRACE_BEGIN] = FORM(begin),
    [OV_TRACE_PROGRAM] = FORM(program),
    [OV_TRACE_LAYER] = FORM(layer),
    [OV_TRACE_EXCEPTION] = FORM(exception),
    [OV_TRACE_SENSOR] = FORM(sensor),
    [OV_TRACE_SELFTEST] = FORM(selftest),
    [OV_TRACE_PRIOR] = FORM(prior),
    [OV_TRACE_AUDIT] = FORM(audit),
    [OV_TRACE_PLANTED] = FORM(planted),
    [OV_TRACE_PROCESS] = FORM(process),
    [OV_TRACE_NAME] = FORM(name),
    [OV_TRACE_FILE] = FORM(file),
    [OV_TRACE_SOCKET] = FORM(socket),
    [OV_TRACE_CANARY] = FORM(canary),
    [OV_TRACE_ACT] = FORM(act),
    [OV_TRACE_DENIED] = FORM(denied),
    [OV_TRACE_NET] = FORM(net),
    [OV_TRACE_CAPTURE] = FORM(capture),
    [OV_TRACE_PLAINTEXT] = FORM(plaintext),
    [OV_TRACE_LOSS] = FORM(loss),
    [OV_TRACE_CHECKPOINT] = FORM(checkpoint),
    [OV_TRACE_END] = FORM(end),
};

const struct ov_trace_form *ov_trace_form_of(enum ov_trace_type type) {
    return &forms[type];
}

static bool is_power_of_two(uint64_t number) {
    return number != 0 && (number & (number - 1)) == 0;
}

static bool is_loss_sound(const struct ov_trace_loss *one) {
    return one->name.size > 0 && one->name.size <= OV_TRACE_NAME_BYTES_MAX;
}

static bool is_checkpoint_sound(const struct ov_trace_checkpoint *one) {
    bool is_sound = one->loss_count <= OV_TRACE_LOSSES_MAX;
    for (size_t i = 0; is_sound && i < one->loss_count; i++) {
        is_sound = is_loss_sound(&one->losses[i]);
    }
    return is_sound;
}

bool ov_trace_form_is_sound(enum ov_trace_type type, const void *record) {
    const struct ov_trace_begin *first = record;
    const struct ov_trace_file *use = record;
    const struct ov_trace_canary *touch = record;
    const struct ov_trace_end *last = record;
    switch (type) {
    case OV_TRACE_BEGIN:
        return is_power_of_two(first->page_bytes) && first->page_bytes >= PAGE_BYTES_LEAST &&
               first->page_bytes <= PAGE_BYTES_MOST;
    case OV_TRACE_FILE:
        return is_power_of_two(use->scale) && use->first_ns <= use->last_ns;
    case OV_TRACE_CANARY:
        return touch->from <= touch->to;
    case OV_TRACE_LOSS:
        return is_loss_sound(record);
    case OV_TRACE_CHECKPOINT:
        return is_checkpoint_sound(record);
    case OV_TRACE_END:
        return is_checkpoint_sound(&last->checkpoint);
    default:
        return true;
    }
}
