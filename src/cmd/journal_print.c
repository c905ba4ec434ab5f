// SPDX-License-Identifier: Apache-2.0
// Lines of a list of the journal.
#include "cmd/journal_print.h"

#include "base/hex.h"
#include "base/json.h"
#include "base/printable.h"

#include <inttypes.h>
#include <time.h>

struct stamp {
    char text[32];
};

static struct stamp stamp_of(uint64_t time_ns) {
    struct stamp stamp = {0};
    struct tm parts;
    time_t seconds = (time_t)(time_ns / 1000000000u);
    (void)strftime(stamp.text, sizeof stamp.text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &parts));
    return stamp;
}

static void print_buf(FILE *out, struct ov_buf *buf) {
    ov_buf_add_u8(buf, '\n');
    (void)fwrite(buf->data, 1, buf->size, out);
}

static void add_head(struct ov_json *json, const struct ov_entry *entry, const char *type) {
    char run[2 * OV_RUN_BYTES + 1];
    ov_json_uint(json, "seq", entry->seq);
    ov_json_text(json, "time", stamp_of(entry->time_ns).text);
    ov_json_uint(json, "time_ns", entry->time_ns);
    ov_json_text(json, "type", type);
    if (ov_entry_run_is_none(&entry->run)) {
        ov_json_null(json, "run");
    } else {
        ov_hex_write(ov_span_make(entry->run.bytes, sizeof entry->run.bytes), run);
        ov_json_text(json, "run", run);
    }
}

// ---- entries ------------------------------------------------------------------------------------

static void print_entry_json(FILE *out, const struct ov_entry *entry) {
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    struct ov_json json;
    ov_json_init(&json, &buf);
    ov_json_object(&json, NULL);
    add_head(&json, entry, ov_entry_type_name(entry->type));
    ov_json_bytes(&json, "body", entry->body);
    ov_json_object_end(&json);
    print_buf(out, &buf);
}

void ov_journal_print_entry(FILE *out, bool is_json, const struct ov_entry *entry) {
    if (is_json) {
        print_entry_json(out, entry);
        return;
    }
    (void)fprintf(out, "%" PRIu64 " %s %s ", entry->seq, stamp_of(entry->time_ns).text,
                  ov_entry_type_name(entry->type));
    for (size_t i = 0; i + 1 < entry->body.size; i++) { // printable ASCII and LF
        (void)putc(entry->body.data[i] == '\n' ? ';' : entry->body.data[i], out);
    }
    (void)putc('\n', out);
}

// ---- files --------------------------------------------------------------------------------------

static const char *verdict_name(enum ov_entry_verdict verdict) {
    static const char *const names[] = {"clean", "found", "error", "limited"};
    return names[verdict];
}

static void add_decoded(struct ov_json *json, const char *key, struct ov_span text) {
    OV_CLEANUP(ov_buf_release) struct ov_buf decoded = {0};
    ov_entry_text_decode(&decoded, text);
    ov_json_bytes(json, key, ov_buf_span(&decoded));
}

static void add_founds(struct ov_json *json, struct ov_span lines) {
    struct ov_entry_found found;
    ov_json_array(json, "found");
    while (ov_entry_found_take(&lines, &found) == OV_OK) {
        ov_json_object(json, NULL);
        add_decoded(json, "rule", found.rule);
        add_decoded(json, "set", found.set);
        ov_json_bytes(json, "members", found.members);
        ov_json_bytes(json, "offset", found.offset);
        ov_json_object_end(json);
    }
    ov_json_array_end(json);
}

static void add_facts(struct ov_json *json, const struct ov_entry_file *file) {
    char sha256[2 * OV_SHA256_BYTES + 1];
    ov_json_uint(json, "device", file->device);
    ov_json_uint(json, "inode", file->inode);
    ov_json_uint(json, "size", file->size);
    ov_json_uint(json, "mtime_ns", file->mtime_ns);
    ov_json_uint(json, "read", file->read_bytes);
    if (file->has_sha256) {
        ov_hex_write(ov_span_make(file->sha256, sizeof file->sha256), sha256);
        ov_json_text(json, "sha256", sha256);
    } else {
        ov_json_null(json, "sha256");
    }
}

static void print_file_json(FILE *out, const struct ov_journal_file_row *row) {
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf commitment = {0};
    struct ov_json json;
    ov_json_init(&json, &buf);
    ov_json_object(&json, NULL);
    add_head(&json, row->entry, "file");
    ov_json_uint(&json, "place", row->place);
    ov_json_text(&json, "verdict", verdict_name(row->file.verdict));
    ov_tree_hash_add(&commitment, &row->file.commitment);
    ov_json_bytes(&json, "commitment", ov_buf_span(&commitment));
    if (row->path.size > 0) {
        ov_json_bytes(&json, "path", row->path);
    } else {
        ov_json_null(&json, "path");
    }
    add_facts(&json, &row->file);
    add_founds(&json, row->found_lines);
    ov_json_object_end(&json);
    print_buf(out, &buf);
}

static void add_rules(struct ov_buf *line, struct ov_span lines) {
    struct ov_entry_found found;
    for (const char *before = ": "; ov_entry_found_take(&lines, &found) == OV_OK; before = ", ") {
        OV_CLEANUP(ov_buf_release) struct ov_buf rule = {0};
        ov_entry_text_decode(&rule, found.rule);
        ov_buf_add_text(line, before);
        ov_printable_add(line, ov_buf_span(&rule));
    }
}

void ov_journal_print_file(FILE *out, bool is_json, const struct ov_journal_file_row *row) {
    OV_CLEANUP(ov_buf_release) struct ov_buf line = {0};
    if (is_json) {
        print_file_json(out, row);
        return;
    }
    ov_buf_printf(&line, "%llu %s %s ", (unsigned long long)row->entry->seq,
                  stamp_of(row->entry->time_ns).text, verdict_name(row->file.verdict));
    if (row->path.size > 0) {
        ov_printable_add(&line, row->path);
    } else { // nobody knows its path any more
        ov_buf_add_text(&line, "commitment ");
        ov_tree_hash_add(&line, &row->file.commitment);
    }
    add_rules(&line, row->found_lines);
    print_buf(out, &line);
}
