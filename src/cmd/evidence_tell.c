// SPDX-License-Identifier: Apache-2.0
// What the entries of a file of evidence say, and what may be concluded from all of them.
#include "base/json.h"
#include "base/printable.h"
#include "cmd/evidence.h"
#include "journal/evidence_found.h"

#include <inttypes.h>

struct open_run {
    struct ov_entry_run run;
};

struct telling {
    const struct ov_evidence_options *options;
    const struct ov_evidence *evidence;
    const struct ov_evidence_report *report;
    struct ov_buf *out;   // text; JSON goes there by itself
    struct ov_json *json; // or NULL
    struct ov_evidence_loads loads;
    struct ov_evidence_names names;
    struct ov_buf runs; // those that have begun and not ended: struct open_run
    uint64_t file_count, found_count, unnamed_count;
    uint64_t sent_bytes, peer_bytes;    // as the ends of runs have it, and by peer: the same bytes
    uint64_t load_count, setless_count; // loads, and those that name no set
    bool is_asked_found;                // the file that was asked for was looked at
    bool has_open_runs;                 // one begins before the range, does not end, or was cut off
    bool has_no_memory;
    bool has_uncounted; // a run whose sent bytes were not counted
};

// ---- one entry ----------------------------------------------------------------------------------

static void add_text(const struct telling *telling, struct ov_span text) {
    ov_printable_add(telling->out, text);
}

static void tell_load(struct telling *telling, const struct ov_entry *entry) {
    struct ov_span image = {0};
    struct ov_span set;
    size_t count = 0;
    (void)!ov_entry_value(entry->body, "image", 0, &image); // its form was checked
    if (telling->json != NULL) {
        ov_json_object(telling->json, NULL);
        ov_json_uint(telling->json, "seq", entry->seq);
        ov_json_bytes(telling->json, "image", image);
        ov_json_array(telling->json, "sets");
    } else {
        ov_buf_printf(telling->out, "loaded      entry %" PRIu64 ": image %.*s", entry->seq,
                      (int)image.size, (const char *)image.data);
    }
    for (; ov_entry_value(entry->body, "set", count, &set) == OV_OK; count++) {
        if (telling->json != NULL) {
            ov_json_bytes(telling->json, NULL, set);
        } else {
            ov_buf_printf(telling->out, "%s %.*s", count == 0 ? "; sets:" : ",", (int)set.size,
                          (const char *)set.data);
        }
    }
    if (telling->json != NULL) {
        ov_json_array_end(telling->json);
        ov_json_object_end(telling->json);
    } else {
        ov_buf_add_text(telling->out, count == 0 ? "; its sets are not named\n" : "\n");
    }
    telling->load_count++;
    telling->setless_count += count == 0;
}

static void tell_one_found(const struct telling *telling, const struct ov_evidence_found *found,
                           bool has_release) {
    if (telling->json == NULL) {
        ov_buf_printf(telling->out, "            rule %.*s of %.*s\n", (int)found->rule.size,
                      (const char *)found->rule.data, (int)found->set.size,
                      (const char *)found->set.data);
        return;
    }
    ov_json_object(telling->json, NULL);
    ov_json_bytes(telling->json, "rule", found->rule);
    ov_json_bytes(telling->json, "set", found->set);
    ov_json_bytes(telling->json, "where", found->where);
    if (has_release) {
        OV_CLEANUP(ov_buf_release) struct ov_buf leaf = {0};
        ov_tree_hash_add(&leaf, &found->release);
        ov_json_bytes(telling->json, "release", ov_buf_span(&leaf));
    }
    ov_json_object_end(telling->json);
}

// The lines `found` after a line `file`.
static void tell_found(struct telling *telling, const struct ov_entry *entry,
                       struct ov_cursor after) {
    struct ov_span line;
    if (telling->json != NULL) {
        ov_json_array(telling->json, "found");
    }
    while (ov_line_read(&after, &line) == OV_OK && ov_line_take(line, "found", &line) == OV_OK) {
        struct ov_evidence_found found;
        enum ov_status status = ov_evidence_found_read(&telling->loads, &entry->run, line, &found);
        tell_one_found(telling, &found, status == OV_OK);
    }
    if (telling->json != NULL) {
        ov_json_array_end(telling->json);
    }
}

static void tell_file(struct telling *telling, const struct ov_entry *entry, struct ov_span words,
                      const struct ov_span *path) {
    static const char *const verdicts[] = {"clean", "found", "error", "limited"};
    struct ov_entry_file file;
    if (ov_entry_file_read(words, &file) != OV_OK) {
        return; // its form was checked
    }
    telling->file_count++;
    telling->found_count += file.verdict == OV_ENTRY_FOUND;
    if (telling->json != NULL) {
        ov_json_object(telling->json, NULL);
        ov_json_uint(telling->json, "seq", entry->seq);
        if (path != NULL) {
            ov_json_bytes(telling->json, "path", *path);
        }
        ov_json_bytes(telling->json, "commitment", ov_span_part(words, 0, OV_HASH_TEXT_BYTES));
        ov_json_text(telling->json, "verdict", verdicts[file.verdict]);
        ov_json_uint(telling->json, "size", file.size);
        ov_json_uint(telling->json, "read", file.read_bytes);
        return;
    }
    ov_buf_printf(telling->out, "%-11s ", verdicts[file.verdict]);
    add_text(telling, path != NULL ? *path : ov_span_part(words, 0, OV_HASH_TEXT_BYTES));
    ov_buf_printf(telling->out, " (%" PRIu64 " bytes, %" PRIu64 " read)\n", file.size,
                  file.read_bytes);
}

// Walks the names beside the entries: each entry with commitments must come by here, in order.
static void walk_names(struct telling *telling, const struct ov_entry *entry) {
    struct ov_cursor body = ov_cursor_init(entry->body);
    struct ov_span line;
    struct ov_span words;
    struct ov_span path;
    struct ov_tree_hash commitment;
    bool is_files = entry->type == OV_ENTRY_FILES;
    telling->has_no_memory |= ov_evidence_loads_take(&telling->loads, entry) != OV_OK;
    while (ov_evidence_commitment(&body, &line, &commitment) == OV_OK) {
        bool is_named = ov_evidence_names_take(&telling->names, &commitment, &path) == OV_OK;
        telling->unnamed_count += is_files && !is_named;
        if (is_files && is_named && telling->options->file != NULL) {
            telling->is_asked_found |= ov_span_is_text(path, telling->options->file);
        }
        if (is_files && ov_line_take(line, "file", &words) == OV_OK) {
            tell_file(telling, entry, words, is_named ? &path : NULL);
            tell_found(telling, entry, body);
            if (telling->json != NULL) {
                ov_json_object_end(telling->json);
            }
        }
    }
}

// ---- runs, and what left ------------------------------------------------------------------------

static uint64_t number_of(const struct ov_entry *entry, const char *keyword) {
    struct ov_span value;
    uint64_t number = 0;
    (void)!(ov_entry_value(entry->body, keyword, 0, &value) == OV_OK &&
            ov_number_read(value, &number) == OV_OK);
    return number;
}

static struct open_run *find_run(struct telling *telling, const struct ov_entry_run *run) {
    struct open_run *runs = (struct open_run *)(void *)telling->runs.data;
    for (size_t i = 0; i < telling->runs.size / sizeof *runs; i++) {
        if (memcmp(runs[i].run.bytes, run->bytes, sizeof run->bytes) == 0) {
            return &runs[i];
        }
    }
    return NULL;
}

static void begin_run(struct telling *telling, const struct ov_entry *entry) {
    const struct open_run run = {.run = entry->run};
    ov_buf_add(&telling->runs, &run, sizeof run);
}

static void end_run(struct telling *telling, const struct ov_entry *entry) {
    struct open_run *run = find_run(telling, &entry->run);
    const struct open_run *runs = (const struct open_run *)(void *)telling->runs.data;
    if (run != NULL) {
        *run = runs[telling->runs.size / sizeof *runs - 1];
        telling->runs.size -= sizeof *run;
    }
}

static void take_run(struct telling *telling, const struct ov_entry *entry) {
    struct ov_span role;
    if (ov_entry_run_is_none(&entry->run)) {
        return;
    }
    if (entry->type == OV_ENTRY_START) {
        begin_run(telling, entry);
        return;
    }
    telling->has_open_runs |= find_run(telling, &entry->run) == NULL;
    bool is_cut_off = entry->type == OV_ENTRY_CRASH &&
                      ov_entry_value(entry->body, "role", 0, &role) == OV_OK &&
                      ov_span_is_text(role, "overt");
    telling->has_open_runs |= is_cut_off;
    if (is_cut_off || entry->type == OV_ENTRY_STOP) {
        end_run(telling, entry);
    }
}

static void tell_sent(struct telling *telling, const struct ov_entry *entry) {
    struct ov_span peer = {0};
    uint64_t bytes = number_of(entry, "bytes");
    telling->peer_bytes += bytes;
    (void)!ov_entry_value(entry->body, "peer", 0, &peer);
    if (telling->json != NULL) {
        ov_json_object(telling->json, NULL);
        ov_json_uint(telling->json, "seq", entry->seq);
        ov_json_bytes(telling->json, "peer", peer);
        ov_json_uint(telling->json, "bytes", bytes);
        ov_json_object_end(telling->json);
    } else {
        ov_buf_printf(telling->out, "sent        entry %" PRIu64 ": %" PRIu64 " bytes to %.*s\n",
                      entry->seq, bytes, (int)peer.size, (const char *)peer.data);
    }
}

// ---- all entries --------------------------------------------------------------------------------

typedef void tell_fn(struct telling *telling, const struct ov_entry *entry);

static void walk_entries(struct telling *telling, const char *list, tell_fn *tell, unsigned types) {
    struct ov_cursor cursor = ov_cursor_init(telling->evidence->entries);
    struct ov_span bytes;
    if (telling->json != NULL && list != NULL) {
        ov_json_array(telling->json, list);
    }
    while (ov_evidence_entry(&cursor, &bytes) == OV_OK) {
        struct ov_entry entry;
        if (ov_entry_read(bytes, &entry) == OV_OK && (types & 1u << entry.type) != 0) {
            tell(telling, &entry);
        }
    }
    if (telling->json != NULL && list != NULL) {
        ov_json_array_end(telling->json);
    }
}

static void count_stop(struct telling *telling, const struct ov_entry *entry) {
    struct ov_span sent;
    telling->has_uncounted |=
        ov_entry_value(entry->body, "sent", 0, &sent) == OV_OK && ov_span_is_text(sent, "-");
    telling->sent_bytes += number_of(entry, "sent");
}

// ---- other parts --------------------------------------------------------------------------------

static void tell_rules(const struct telling *telling) {
    struct ov_evidence_rule rule;
    if (telling->json != NULL) {
        ov_json_array(telling->json, "rules");
    }
    for (size_t i = 0; i < telling->evidence->rule_count; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf leaf = {0};
        if (ov_evidence_rule_read(telling->evidence->rules[i], &rule) != OV_OK) {
            continue; // its form was checked
        }
        ov_tree_hash_add(&leaf, &rule.release);
        if (telling->json != NULL) {
            ov_json_object(telling->json, NULL);
            ov_json_bytes(telling->json, "release", ov_buf_span(&leaf));
            ov_json_uint(telling->json, "index", rule.index);
            ov_json_bytes(telling->json, "file", rule.file);
            ov_json_bytes(telling->json, "text", rule.text);
            ov_json_object_end(telling->json);
        } else {
            ov_buf_add_text(telling->out, "text        ");
            add_text(telling, rule.file);
            ov_buf_add_text(telling->out, ": ");
            add_text(telling, rule.text);
            ov_buf_add_u8(telling->out, '\n');
        }
    }
    if (telling->json != NULL) {
        ov_json_array_end(telling->json);
    }
}

static void tell_match(void *arg, struct ov_span file, struct ov_span text) {
    const struct telling *telling = arg;
    if (telling->json != NULL) {
        ov_json_object(telling->json, NULL);
        ov_json_bytes(telling->json, "file", file);
        ov_json_bytes(telling->json, "text", text);
        ov_json_object_end(telling->json);
        return;
    }
    ov_buf_add_text(telling->out, "has it      ");
    add_text(telling, file);
    ov_buf_add_text(telling->out, ": ");
    add_text(telling, text);
    ov_buf_add_u8(telling->out, '\n');
}

static void tell_matches(struct telling *telling) {
    if (telling->options->no_rule == NULL) {
        return;
    }
    if (telling->json != NULL) {
        ov_json_array(telling->json, "matches");
    }
    ov_evidence_each_match(telling->evidence, telling->options->no_rule, telling, tell_match);
    if (telling->json != NULL) {
        ov_json_array_end(telling->json);
    }
}

static void tell_manifest(const struct telling *telling) {
    struct ov_cursor cursor = ov_cursor_init(telling->evidence->manifest);
    struct ov_span line;
    if (telling->json != NULL) {
        ov_json_array(telling->json, "manifest");
    }
    while (ov_line_read(&cursor, &line) == OV_OK) {
        if (telling->json != NULL) {
            ov_json_bytes(telling->json, NULL, line);
        } else {
            ov_buf_add_text(telling->out, "it said     ");
            add_text(telling, line);
            ov_buf_add_u8(telling->out, '\n');
        }
    }
    if (telling->json != NULL) {
        ov_json_array_end(telling->json);
    }
}

static void tell_witness(const struct telling *telling) {
    const struct ov_evidence_report *report = telling->report;
    if (telling->json != NULL && report->witness_size > 0) {
        ov_json_object(telling->json, "witnessed");
        ov_json_uint(telling->json, "size", report->witness_size);
        ov_json_uint(telling->json, "time", report->witness_time);
        ov_json_object_end(telling->json);
    } else if (report->witness_size > 0) {
        ov_buf_printf(telling->out,
                      "witnessed   the entries below %" PRIu64 " at %" PRIu64
                      " (seconds since 1970)\n",
                      report->witness_size, report->witness_time);
    }
}

// ---- what follows from them ---------------------------------------------------------------------

static uint64_t most_sent(const struct telling *telling) {
    return telling->sent_bytes > telling->peer_bytes ? telling->sent_bytes : telling->peer_bytes;
}

static void answer(const struct telling *telling, const char *key, const char *question,
                   const char *word) {
    if (telling->json != NULL) {
        ov_json_text(telling->json, key, word);
    } else {
        ov_buf_printf(telling->out, "answer      %s: %s\n", question, word);
    }
}

// Whose runs there are entries of (docs/formats/journal.md). What others sent is not known.
#define WRITTEN_COMMANDS                                                                           \
    "overt scan, rules, quarantine, and log checkpoint, monitor, serve and witness"

static const char open_why[] =
    "cannot be told: a run is not in the range from its start to its stop";

static const char *answer_file(const struct telling *telling) {
    if (telling->is_asked_found) {
        return "no, it was";
    }
    if (telling->has_open_runs || telling->runs.size > 0) {
        return open_why; // a file may have been opened whose verdict was not written down
    }
    return telling->unnamed_count == 0 ? "yes"
                                       : "cannot be told: not all names are shown in the file";
}

static const char *answer_sets(const struct telling *telling) {
    return telling->setless_count == 0 ? "yes" : "cannot be told: an image names no sets";
}

static const char *answer_sent(const struct telling *telling) {
    if (most_sent(telling) > 0) {
        return "no, something did";
    }
    if (telling->has_open_runs || telling->runs.size > 0) {
        return open_why;
    }
    return telling->has_uncounted ? "cannot be told: of a run it was not counted" : "yes";
}

static const char *answer_rule(const struct telling *telling) {
    bool is_whole = !telling->has_open_runs && telling->runs.size == 0;
    const char *word =
        ov_evidence_no_rule(telling->evidence, telling->report, telling->options->no_rule);
    return is_whole || strncmp(word, "yes", 3) != 0 ? word : open_why;
}

static void tell_answers(struct telling *telling) {
    if (telling->json != NULL) {
        ov_json_object(telling->json, "answers");
        ov_json_uint(telling->json, "files", telling->file_count);
        ov_json_uint(telling->json, "found", telling->found_count);
        ov_json_uint(telling->json, "unnamed", telling->unnamed_count);
        ov_json_uint(telling->json, "sent", most_sent(telling));
    } else {
        ov_buf_printf(telling->out,
                      "answer      %" PRIu64
                      " files were looked at, something was found in %" PRIu64 "; %" PRIu64
                      " names are not shown\n",
                      telling->file_count, telling->found_count, telling->unnamed_count);
    }
    if (telling->options->file != NULL) {
        answer(telling, "file_not_looked_at", "no file with this path was looked at",
               answer_file(telling));
    }
    answer(telling, "no_other_sets", "no rule set but these was loaded", answer_sets(telling));
    answer(telling, "nothing_left",
           "nothing left this machine through the runs of " WRITTEN_COMMANDS " in this range",
           answer_sent(telling));
    if (telling->json != NULL) {
        ov_json_text(telling->json, "nothing_left_covers", WRITTEN_COMMANDS);
    }
    if (telling->options->no_rule != NULL) {
        answer(telling, "no_rule", "no rule with this text was loaded", answer_rule(telling));
    }
    if (telling->json != NULL) {
        ov_json_object_end(telling->json);
    }
}

static void tell_all(struct telling *telling) {
    if (telling->json != NULL) {
        ov_json_uint(telling->json, "from", telling->evidence->from);
        ov_json_uint(telling->json, "to", telling->evidence->to);
    } else {
        ov_buf_printf(telling->out, "range       entries %" PRIu64 " to %" PRIu64 "\n",
                      telling->evidence->from, telling->evidence->to);
    }
    tell_witness(telling);
    walk_entries(telling, "loads", tell_load, 1u << OV_ENTRY_LOAD);
    walk_entries(telling, "files", walk_names, UINT32_MAX);
    tell_rules(telling);
    tell_matches(telling);
    walk_entries(telling, "sent", tell_sent, 1u << OV_ENTRY_SENT);
    tell_manifest(telling);
    walk_entries(telling, NULL, count_stop, 1u << OV_ENTRY_STOP);
    walk_entries(telling, NULL, take_run, UINT32_MAX);
    tell_answers(telling);
}

void ov_evidence_tell(const struct ov_evidence_options *options, const struct ov_evidence *evidence,
                      const struct ov_evidence_report *report, struct ov_buf *out,
                      struct ov_json *json) {
    struct telling telling = {
        .options = options, .evidence = evidence, .report = report, .out = out, .json = json};
    ov_evidence_names_init(evidence->names, &telling.names);
    tell_all(&telling);
    out->has_failed |= telling.has_no_memory || telling.runs.has_failed;
    ov_buf_release(&telling.runs);
    ov_evidence_loads_release(&telling.loads);
}
