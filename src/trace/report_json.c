// SPDX-License-Identifier: Apache-2.0
// The report as one JSON object: everything, nothing cut short.
#include "trace/report.h"

#include "base/hex.h"
#include "base/json.h"
#include "trace/words.h"

#include <inttypes.h>
#include <stdio.h>

enum { INODE_TEXT_BYTES = 96, MINOR_BITS = 20 };

static const char *const fate_words[] = {NULL, "kept", "own", "passed", "kernel"};
static const char *const reach_words[] = {"inside", "kernel", "machine", "network"};
static const char *const verdict_words[] = {"bad", "cut", "whole"};

// A text, or null when it is not known.
static void add_name(struct ov_json *json, const char *key, struct ov_span name) {
    if (name.size > 0) {
        ov_json_bytes(json, key, name);
    } else {
        ov_json_null(json, key);
    }
}

static void add_list(struct ov_json *json, const char *key, const struct ov_trace_list *list) {
    ov_json_array(json, key);
    for (size_t i = 0; i < list->item_count; i++) {
        ov_json_bytes(json, NULL, list->items[i]);
    }
    ov_json_array_end(json);
}

// Times as nanoseconds since the recording began, as whole numbers; null: none.
static void add_moment(struct ov_json *json, const char *key, const struct ov_trace_model *model,
                       uint64_t at_ns) {
    uint64_t begin_ns = model->begin.mono_ns;
    if (at_ns == 0) {
        ov_json_null(json, key);
    } else {
        ov_json_uint(json, key, at_ns > begin_ns ? at_ns - begin_ns : 0);
    }
}

static void add_inode(struct ov_json *json, const struct ov_trace_inode *inode) {
    char text[INODE_TEXT_BYTES];
    (void)snprintf(text, sizeof text, "%u:%u %" PRIu64 " %" PRIu64, inode->device >> MINOR_BITS,
                   inode->device & ((1u << MINOR_BITS) - 1), inode->inode, inode->generation);
    ov_json_text(json, "inode", text);
}

// ---- the trace ----------------------------------------------------------------------------------

static void add_gaps(struct ov_json *json, const struct ov_trace_model *model) {
    ov_json_array(json, "incomplete_because");
    for (size_t i = 0; i < model->gap_count; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        ov_trace_gap_add_text(model, &model->gaps[i], &text);
        json->out->has_failed |= text.has_failed;
        ov_json_bytes(json, NULL, ov_buf_span(&text));
    }
    ov_json_array_end(json);
}

static void add_check(struct ov_json *json, const struct ov_trace_model *model) {
    const struct ov_trace_check *check = &model->check;
    char chain[2 * OV_SHA256_BYTES + 1];
    ov_hex_write(ov_span_make(check->chain, OV_SHA256_BYTES), chain);
    ov_json_text(json, "trace", verdict_words[check->verdict]);
    ov_json_uint(json, "records", check->records);
    ov_json_uint(json, "bytes", check->good_bytes);
    ov_json_text(json, "chain", chain);
    ov_json_uint(json, "tail_bytes", check->tail_bytes);
    if (check->bad_why != NULL) {
        ov_json_object(json, "broken");
        ov_json_uint(json, "record", check->bad_record);
        ov_json_uint(json, "offset", check->bad_offset);
        ov_json_text(json, "why", check->bad_why);
        ov_json_object_end(json);
    }
    ov_json_bool(json, "complete", model->is_complete);
    add_gaps(json, model);
}

static void add_begin(struct ov_json *json, const struct ov_trace_model *model) {
    const struct ov_trace_begin *begin = &model->begin;
    if (!model->has_begin) {
        ov_json_null(json, "recording");
        return;
    }
    ov_json_object(json, "recording");
    ov_json_bytes(json, "version", begin->version);
    ov_json_bytes(json, "kernel", begin->kernel);
    ov_json_uint(json, "time_ns", begin->time_ns);
    ov_json_uint(json, "mono_ns", begin->mono_ns);
    add_moment(json, "until_ns", model, model->until_ns);
    ov_json_uint(json, "page_bytes", begin->page_bytes);
    ov_json_text(json, "target", ov_trace_target_words[begin->target]);
    add_name(json, "name", begin->target_name);
    ov_json_bool(json, "envelope", begin->has_envelope);
    add_list(json, "scope", &begin->scope);
    add_list(json, "own", &begin->own);
    add_list(json, "words", &begin->words);
    if (model->has_end) {
        ov_json_text(json, "end", ov_trace_why_word(model->end.why));
    }
    if (model->has_end && model->end.has_status) {
        ov_json_uint(json, "status", model->end.status);
    }
    ov_json_object_end(json);
}

// ---- sums, claims, findings ---------------------------------------------------------------------

static void add_totals(struct ov_json *json, const struct ov_trace_model *model) {
    const struct ov_trace_totals *totals = &model->totals;
    ov_json_uint(json, "sent_bytes", totals->sent_bytes);
    ov_json_uint(json, "received_bytes", totals->received_bytes);
    ov_json_uint(json, "kept_bytes", totals->kept_bytes);
    ov_json_uint(json, "read_bytes", totals->read_bytes);
    ov_json_uint(json, "covered_bytes", totals->covered_bytes);
    ov_json_uint(json, "read_files", totals->read_files);
    ov_json_uint(json, "other_read_bytes", totals->other_read_bytes);
    ov_json_object(json, "sent");
    for (unsigned i = 0; i < OV_TRACE_REACHES; i++) {
        ov_json_uint(json, reach_words[i], totals->reach_sent_bytes[i]);
    }
    ov_json_uint(json, "frames", totals->net_sent_bytes);
    ov_json_uint(json, "plaintext", totals->plaintext_bytes);
    ov_json_object_end(json);
    ov_json_object(json, "written");
    for (unsigned i = OV_TRACE_FATE_KEPT; i < OV_TRACE_FATES; i++) {
        ov_json_uint(json, fate_words[i], totals->fate_bytes[i]);
    }
    ov_json_object_end(json);
}

static void add_claims(struct ov_json *json, const struct ov_trace_report *report) {
    ov_json_array(json, "claims");
    for (size_t i = 0; i < report->claim_count; i++) {
        const struct ov_trace_claim *claim = &report->claims[i];
        ov_json_object(json, NULL);
        ov_json_text(json, "type", ov_trace_claim_word(claim->kind));
        ov_json_text(json, "what", claim->what);
        if (claim->kind == OV_TRACE_CLAIM_NOT_OBSERVED) {
            ov_json_bool(json, "makes_incomplete", claim->is_gap);
            ov_json_text(json, "reason", claim->text);
        } else {
            ov_json_text(json, "force", ov_trace_force_word(claim->force));
            ov_json_uint(json, "bytes", claim->bytes);
            ov_json_uint(json, "count", claim->count);
            ov_json_text(json, "text", claim->text);
        }
        if (claim->kind == OV_TRACE_CLAIM_CAPACITY && claim->force != OV_TRACE_FORCE_NONE) {
            ov_json_uint(json, "bits", claim->bits);
        }
        ov_json_object_end(json);
    }
    ov_json_array_end(json);
}

static void add_item(struct ov_json *json, const struct ov_trace_model *model,
                     const struct ov_trace_item *item) {
    ov_json_object(json, NULL);
    if (item->file != OV_TRACE_NONE) {
        add_name(json, "path", model->files[item->file].path);
    }
    if (item->process != OV_TRACE_NONE) {
        ov_json_uint(json, "pid", model->processes[item->process].id.pid);
    }
    if (item->name.size > 0) {
        ov_json_bytes(json, "name", item->name);
    }
    add_moment(json, "at_ns", model, item->at_ns);
    ov_json_uint(json, "bytes", item->bytes);
    ov_json_uint(json, "other_bytes", item->other_bytes);
    ov_json_object_end(json);
}

static void add_findings(struct ov_json *json, const struct ov_trace_report *report) {
    ov_json_array(json, "findings");
    for (size_t i = 0; i < report->finding_count; i++) {
        const struct ov_trace_finding *finding = &report->findings[i];
        const struct ov_trace_rule *rule = &ov_trace_rules[finding->rule];
        ov_json_object(json, NULL);
        ov_json_text(json, "rule", rule->word);
        ov_json_text(json, "title", rule->title);
        ov_json_text(json, "why", rule->why);
        ov_json_array(json, "thresholds");
        for (unsigned j = 0; j < OV_TRACE_THRESHOLDS_MAX && rule->thresholds[j].name != NULL; j++) {
            ov_json_object(json, NULL);
            ov_json_text(json, "name", rule->thresholds[j].name);
            ov_json_uint(json, "value", rule->thresholds[j].value);
            ov_json_text(json, "unit", rule->thresholds[j].unit);
            ov_json_object_end(json);
        }
        ov_json_array_end(json);
        ov_json_uint(json, "count", finding->count);
        ov_json_uint(json, "bytes", finding->bytes);
        ov_json_array(json, "items");
        for (size_t j = 0; j < finding->item_count; j++) {
            add_item(json, report->model, &finding->items[j]);
        }
        ov_json_array_end(json);
        ov_json_object_end(json);
    }
    ov_json_array_end(json);
}

// ---- what was seen ------------------------------------------------------------------------------

static void add_routes(struct ov_json *json, uint32_t routes) {
    ov_json_array(json, "routes");
    for (unsigned i = 0; i < OV_TRACE_ROUTES; i++) {
        if ((routes >> i & 1u) != 0) {
            ov_json_text(json, NULL, ov_trace_route_words[i]);
        }
    }
    ov_json_array_end(json);
}

static void add_file(struct ov_json *json, const struct ov_trace_report *report, size_t at) {
    const struct ov_trace_model_file *file = &report->model->files[at];
    ov_json_object(json, NULL);
    add_name(json, "path", file->path);
    add_inode(json, &file->inode);
    ov_json_text(json, "kind", ov_trace_kind_words[file->kind]);
    ov_json_text(json, "type", ov_trace_content_word(report->places->contents[at]));
    ov_json_text(json, "place", ov_trace_place_word(report->places->places[at]));
    ov_json_bool(json, "gone", file->presence == OV_TRACE_GONE);
    ov_json_bool(json, "canary", file->is_canary);
    ov_json_uint(json, "size", file->size_bytes);
    ov_json_uint(json, "opens", file->open_count);
    ov_json_uint(json, "bytes_read", file->read_bytes);
    ov_json_uint(json, "bytes_content", ov_trace_content_bytes(file));
    ov_json_uint(json, "bytes_covered", file->covered_bytes);
    ov_json_bool(json, "covered_exactly", file->scale == 1);
    ov_json_uint(json, "bytes_written", file->written_bytes);
    if (file->fate != OV_TRACE_FATE_NONE) {
        ov_json_text(json, "written_to", fate_words[file->fate]);
    }
    add_moment(json, "first_ns", report->model, file->first_ns);
    add_moment(json, "last_ns", report->model, file->last_ns);
    add_routes(json, file->routes);
    ov_json_object_end(json);
}

static void add_sockets(struct ov_json *json, const struct ov_trace_model *model) {
    ov_json_array(json, "sockets");
    for (size_t i = 0; i < model->socket_count; i++) {
        const struct ov_trace_model_socket *socket = &model->sockets[i];
        const struct ov_trace_socket *last = &socket->last;
        ov_json_object(json, NULL);
        ov_json_uint(json, "pid", last->process.pid);
        ov_json_bool(json, "watched", model->processes[socket->process].is_watched);
        ov_json_uint(json, "family", last->family);
        ov_json_uint(json, "type", last->type);
        ov_json_uint(json, "protocol", last->protocol);
        add_name(json, "local", last->local);
        add_name(json, "remote", last->remote);
        ov_json_text(json, "reach", reach_words[socket->reach]);
        ov_json_uint(json, "sends", last->send_count);
        ov_json_uint(json, "sent_bytes", last->sent_bytes);
        ov_json_uint(json, "receives", last->receive_count);
        ov_json_uint(json, "received_bytes", last->received_bytes);
        add_moment(json, "first_ns", model, last->first_ns);
        add_moment(json, "last_ns", model, last->last_ns);
        ov_json_object_end(json);
    }
    ov_json_array_end(json);
}

static void add_processes(struct ov_json *json, const struct ov_trace_model *model) {
    ov_json_array(json, "processes");
    for (size_t i = 0; i < model->process_count; i++) {
        const struct ov_trace_model_process *process = &model->processes[i];
        ov_json_object(json, NULL);
        ov_json_uint(json, "pid", process->id.pid);
        ov_json_uint(json, "parent", process->parent.pid);
        ov_json_bool(json, "watched", process->is_watched);
        ov_json_text(json, "by", ov_trace_reason_words[process->reason]);
        add_name(json, "path", process->path);
        add_list(json, "words", &process->words);
        ov_json_uint(json, "uid", process->uid);
        add_moment(json, "first_ns", model, process->first_ns);
        add_moment(json, "last_ns", model, process->last_ns);
        if (process->has_ended) {
            ov_json_uint(json, "status", process->status);
        }
        ov_json_uint(json, "files", process->file_count);
        ov_json_uint(json, "read_bytes", process->read_bytes);
        ov_json_uint(json, "written_bytes", process->written_bytes);
        ov_json_uint(json, "sent_bytes", process->sent_bytes);
        ov_json_uint(json, "received_bytes", process->received_bytes);
        ov_json_object_end(json);
    }
    ov_json_array_end(json);
}

static void add_calls(struct ov_json *json, const struct ov_trace_model *model) {
    ov_json_array(json, "acts");
    for (size_t i = 0; i < model->act_count; i++) {
        ov_json_object(json, NULL);
        ov_json_uint(json, "pid", model->acts[i].process.pid);
        add_moment(json, "at_ns", model, model->acts[i].at_ns);
        ov_json_bytes(json, "call", model->acts[i].call);
        ov_json_int(json, "result", model->acts[i].result);
        add_list(json, "arguments", &model->acts[i].arguments);
        ov_json_object_end(json);
    }
    ov_json_array_end(json);
    ov_json_array(json, "denied");
    for (size_t i = 0; i < model->denial_count; i++) {
        ov_json_object(json, NULL);
        ov_json_uint(json, "pid", model->denials[i].process.pid);
        add_moment(json, "first_ns", model, model->denials[i].first_ns);
        ov_json_bytes(json, "call", model->denials[i].call);
        ov_json_bytes(json, "by", model->denials[i].by);
        add_name(json, "what", model->denials[i].what);
        ov_json_uint(json, "count", model->denials[i].count);
        ov_json_object_end(json);
    }
    ov_json_array_end(json);
}

static void add_groups(struct ov_json *json, const char *key, const struct ov_trace_group *groups,
                       size_t count) {
    ov_json_array(json, key);
    for (size_t i = 0; i < count; i++) {
        ov_json_object(json, NULL);
        ov_json_bytes(json, "name", groups[i].name);
        ov_json_uint(json, "files", groups[i].file_count);
        ov_json_uint(json, "read_bytes", groups[i].read_bytes);
        ov_json_uint(json, "content_bytes", groups[i].content_bytes);
        ov_json_uint(json, "kept_bytes", groups[i].kept_bytes);
        ov_json_object_end(json);
    }
    ov_json_array_end(json);
}

// ---- what watched -------------------------------------------------------------------------------

// A name may come twice in a trace that was made up; the object would then have the key twice.
static void add_losses(struct ov_json *json, const struct ov_trace_model *model) {
    ov_json_object(json, "losses");
    for (size_t i = 0; i < model->loss_count; i++) {
        char name[OV_TRACE_NAME_BYTES_MAX + 1] = {0};
        struct ov_span part = ov_span_part(model->losses[i].name, 0, OV_TRACE_NAME_BYTES_MAX);
        if (part.size > 0) {
            memcpy(name, part.data, part.size);
        }
        ov_json_uint(json, name, model->losses[i].count);
    }
    ov_json_object_end(json);
}

static void add_sensors(struct ov_json *json, const struct ov_trace_model *model) {
    ov_json_array(json, "sensors");
    for (size_t i = 0; i < model->sensor_count; i++) {
        ov_json_object(json, NULL);
        ov_json_bytes(json, "name", model->sensors[i].name);
        ov_json_text(json, "state", ov_trace_state_word(model->sensors[i].state));
        ov_json_bool(json, "needed", model->sensors[i].is_needed);
        ov_json_object_end(json);
    }
    ov_json_array_end(json);
    ov_json_array(json, "selftests");
    for (size_t i = 0; i < model->selftest_count; i++) {
        const struct ov_trace_selftest *test = &model->selftests[i];
        ov_json_object(json, NULL);
        ov_json_bytes(json, "route", test->route);
        ov_json_text(json, "outcome", ov_trace_outcome_words[test->outcome]);
        ov_json_bool(json, "passed", ov_trace_selftest_has_passed(test));
        ov_json_object_end(json);
    }
    ov_json_array_end(json);
}

static void add_limits(struct ov_json *json) {
    ov_json_array(json, "cannot_see");
    for (size_t i = 0; ov_trace_blind_spots[i] != NULL; i++) {
        ov_json_text(json, NULL, ov_trace_blind_spots[i]);
    }
    ov_json_array_end(json);
}

void ov_trace_report_add_json(const struct ov_trace_report *report, struct ov_buf *out) {
    const struct ov_trace_model *model = report->model;
    struct ov_json json;
    ov_json_init(&json, out);
    ov_json_object(&json, NULL);
    add_check(&json, model);
    add_begin(&json, model);
    add_totals(&json, model);
    add_claims(&json, report);
    add_findings(&json, report);
    add_losses(&json, model);
    add_sensors(&json, model);
    add_processes(&json, model);
    add_sockets(&json, model);
    add_calls(&json, model);
    add_groups(&json, "places", report->place_groups, report->place_group_count);
    add_groups(&json, "types", report->types, report->type_count);
    add_groups(&json, "folders", report->folders, report->folder_count);
    ov_json_array(&json, "files");
    for (size_t i = 0; i < model->file_count; i++) {
        add_file(&json, report, report->by_read[i]);
    }
    ov_json_array_end(&json);
    add_limits(&json);
    ov_json_object_end(&json);
    ov_buf_add_u8(out, '\n');
}

void ov_trace_check_add_json(const struct ov_trace_model *model, struct ov_buf *out) {
    struct ov_json json;
    ov_json_init(&json, out);
    ov_json_object(&json, NULL);
    add_check(&json, model);
    ov_json_object_end(&json);
    ov_buf_add_u8(out, '\n');
}
