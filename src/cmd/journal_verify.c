// SPDX-License-Identifier: Apache-2.0
// overt journal verify: whether the journal is as it was written.
#include "base/fd.h"
#include "base/json.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/journal_words.h"
#include "journal/check.h"
#include "ledger/checkpoint.h"
#include "ledger/note.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

struct work {
    const struct ov_journal_options *options;
    struct ov_key key;
    struct ov_tree_head kept;
};

static void print_problem(void *arg, const struct ov_journal_problem *problem) {
    const struct work *work = arg;
    if (work->options->is_json) {
        OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
        struct ov_json json;
        ov_json_init(&json, &out);
        ov_json_object(&json, NULL);
        if (problem->seq != UINT64_MAX) {
            ov_json_uint(&json, "seq", problem->seq);
        } else {
            ov_json_null(&json, "seq");
        }
        ov_json_text(&json, "why", problem->why);
        ov_json_object_end(&json);
        (void)printf("%.*s\n", (int)out.size, (const char *)out.data);
    } else if (problem->seq != UINT64_MAX) {
        (void)printf("entry %" PRIu64 ": %s\n", problem->seq, problem->why);
    } else {
        (void)printf("%s\n", problem->why);
    }
}

static void print_report(const struct work *work, const struct ov_journal_report *report) {
    OV_CLEANUP(ov_buf_release) struct ov_buf root = {0};
    char removed[48] = "";
    ov_tree_hash_add(&root, &report->head.root);
    if (report->removed_count > 0) {
        (void)snprintf(removed, sizeof removed, ", %" PRIu64 " removed", report->removed_count);
    }
    if (!work->options->is_json) {
        (void)printf("%s: %" PRIu64 " entries (%" PRIu64 " sealed%s), %" PRIu64 " epochs, %" PRIu64
                     " runs, %" PRIu64 " files: %s\n",
                     report->origin, report->entry_count, report->head.size, removed,
                     report->epoch_count, report->run_count, report->file_count,
                     report->problem_count == 0 ? "all holds" : "NOT as it was written");
        return;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_json json;
    ov_json_init(&json, &out);
    ov_json_object(&json, NULL);
    ov_json_text(&json, "origin", report->origin);
    ov_json_uint(&json, "size", report->head.size);
    ov_json_bytes(&json, "root", ov_buf_span(&root));
    ov_json_uint(&json, "entries", report->entry_count);
    ov_json_uint(&json, "epochs", report->epoch_count);
    ov_json_uint(&json, "runs", report->run_count);
    ov_json_uint(&json, "files", report->file_count);
    ov_json_uint(&json, "removed", report->removed_count);
    ov_json_uint(&json, "problems", report->problem_count);
    ov_json_object_end(&json);
    (void)printf("%.*s\n", (int)out.size, (const char *)out.data);
}

static enum ov_status read_kept(const char *path, struct ov_tree_head *ret_head) {
    static struct ov_note note;
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    struct ov_checkpoint checkpoint;
    enum ov_status status = ov_file_map_open(path, &map);
    if (status != OV_OK) {
        ov_say_error(path, strerror(errno), NULL);
        return status;
    }
    if (ov_note_read(map.bytes, &note) != OV_OK ||
        ov_checkpoint_read(note.text, &checkpoint) != OV_OK) {
        ov_say_error(path, "no checkpoint", "overt journal checkpoint prints one");
        return OV_DAMAGED;
    }
    *ret_head = checkpoint.head;
    return OV_OK;
}

int ov_journal_verify_word(const struct ov_journal_options *options, int fd) {
    struct work work = {.options = options};
    struct ov_journal_report report;
    struct ov_journal_check check = {.folder = fd, .arg = &work, .on_problem = print_problem};
    if (options->key != NULL) {
        if (ov_key_read(ov_span_text(options->key), &work.key) != OV_OK) {
            ov_say_error("--key", "no vkey", "journal.vkey has it");
            return OV_EXIT_ERROR;
        }
        check.first = &work.key;
    }
    if (options->against != NULL) {
        if (read_kept(options->against, &work.kept) != OV_OK) {
            return OV_EXIT_ERROR;
        }
        check.kept = &work.kept;
    }
    enum ov_status status = ov_journal_verify(&check, &report);
    if (status != OV_OK) {
        ov_say_error(options->folder,
                     status == OV_END ? "there is no journal" : ov_status_text(status), NULL);
        return OV_EXIT_ERROR;
    }
    print_report(&work, &report);
    return report.problem_count == 0 ? OV_EXIT_NOTHING : OV_EXIT_FOUND;
}
