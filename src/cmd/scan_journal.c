// SPDX-License-Identifier: Apache-2.0
// Holds results back until they are written down.
#include "cmd/scan_journal.h"

#include "base/fd.h"
#include "base/install.h"
#include "base/say.h"
#include "cmd/journal_run.h"
#include "cmd/scan_state.h"
#include "journal/commitment.h"
#include "role/acts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    HELD_MANY = 2048,          // results that are worth a write of their own
    HELD_MAX = 8192,           // that may be held back while the disk is at those before
    ENTRY_FILES = 64,          // that an entry stands for
    BODY_BYTES_MAX = 48 << 10, // leaves room for one more file's lines in an entry
    COUNT_BYTES = 16,          // before the lines of an entry: room for how many files they are of
    HELD_NS = 100 * 1000 * 1000, // that a verdict may wait for others
    RESULTS_A_TICK = 32,         // that may be taken without a look at the clock
    ARENA_BYTES = 64 << 20,
    FILES_BYTES_MAX = 58 << 10, // beyond which a file has no more `found` lines: an entry's limit
};

// To a few milliseconds, but for next to nothing.
static uint64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// ---- lines --------------------------------------------------------------------------------------

static void add_found(struct ov_scan_journal *journal, const struct ov_wire_detection *found) {
    const struct ov_rule_names *names = &journal->image->names;
    struct ov_buf *body = &journal->filling->body;
    char name[OV_NAME_TEXT_BYTES];
    (void)ov_rule_names_get(names, found->rule, name);
    ov_buf_add_text(body, "found ");
    ov_entry_text_add(body, ov_span_part(ov_span_text(name), 0, 256));
    ov_buf_add_u8(body, ' ');
    ov_entry_text_add(body, ov_span_part(ov_rule_names_source(names, found->rule), 0, 256));
    ov_buf_add_u8(body, ' ');
    for (uint32_t i = 0; i < found->depth; i++) {
        ov_buf_printf(body, i == 0 ? "%u" : ".%u", found->members[i]);
    }
    ov_buf_printf(body, found->depth == 0 ? "- %llu\n" : " %llu\n",
                  (unsigned long long)(found->offset <= OV_NUMBER_MAX ? found->offset : 0));
}

static enum ov_entry_verdict verdict_of(enum ov_result_kind kind) {
    switch (kind) {
    case OV_RESULT_FOUND:
        return OV_ENTRY_FOUND;
    case OV_RESULT_LIMITED:
        return OV_ENTRY_LIMITED;
    case OV_RESULT_ERROR:
        return OV_ENTRY_ERROR;
    default:
        return OV_ENTRY_CLEAN;
    }
}

static void end_entry(struct ov_scan_held *held) {
    char text[COUNT_BYTES + 1];
    if (held->open_files == 0) {
        return;
    }
    size_t size = (size_t)snprintf(text, sizeof text, "count %u\n", held->open_files);
    size_t at = held->open_at + COUNT_BYTES - size;
    if (!held->body.has_failed) {
        memcpy(held->body.data + at, text, size);
    }
    held->entries[held->entry_count++] =
        (struct ov_keeper_body){(uint32_t)at, (uint32_t)(held->body.size - at)};
    held->open_files = 0;
}

// The entry that the next file stands in.
static void open_entry(struct ov_scan_held *held) {
    if (held->open_files++ == 0) {
        held->open_at = held->body.size;
        (void)ov_buf_extend(&held->body, COUNT_BYTES);
    }
}

static void add_file(struct ov_scan_journal *journal, const struct ov_scan_result *result,
                     const struct ov_tree_hash *commitment, uint64_t number) {
    struct ov_scan_held *held = journal->filling;
    struct ov_entry_file file = {
        .commitment = *commitment,
        .verdict = verdict_of(result->kind),
        .device = result->key.device,
        .inode = result->key.inode,
        .size = result->key.size,
        .mtime_ns = result->key.mtime_ns > 0 ? (uint64_t)result->key.mtime_ns : 0,
        .read_bytes = result->bytes,
        .has_sha256 = result->has_sha256,
    };
    memcpy(file.sha256, result->sha256, sizeof file.sha256);
    ov_names_batch_add(&held->names, &journal->keeper.run, number, result->path);
    open_entry(held);
    ov_entry_file_add(&held->body, &file);
    for (uint32_t i = 0;
         i < result->detection_count && held->body.size - held->open_at < FILES_BYTES_MAX; i++) {
        add_found(journal, &result->detections[i]);
    }
    if (held->open_files == ENTRY_FILES || held->body.size - held->open_at >= BODY_BYTES_MAX) {
        end_entry(held);
    }
}

// The lines of a file, in pairs: their commitments are computed side by side.
static void add_to_pair(struct ov_scan_journal *journal, const struct ov_scan_result *result) {
    struct ov_scan_held *held = journal->filling;
    struct ov_tree_hash commitments[2];
    uint64_t number;
    if (held->single == NULL) {
        held->single = result;
        return;
    }
    const struct ov_span paths[2] = {held->single->path, result->path};
    ov_keeper_commit_two(&journal->keeper, paths, commitments, &number);
    add_file(journal, held->single, &commitments[0], number);
    add_file(journal, result, &commitments[1], number + 1);
    held->single = NULL;
}

static void add_single(struct ov_scan_journal *journal) {
    struct ov_scan_held *held = journal->filling;
    struct ov_tree_hash commitment;
    uint64_t number;
    if (held->single != NULL) {
        ov_keeper_commit(&journal->keeper, held->single->path, &commitment, &number);
        add_file(journal, held->single, &commitment, number);
        held->single = NULL;
    }
}

// ---- holding back -------------------------------------------------------------------------------

static enum ov_status hold(struct ov_scan_journal *journal, const struct ov_scan_result *result) {
    struct ov_scan_held *held = journal->filling;
    struct ov_scan_result *copy = &held->results[held->count];
    *copy = *result;
    char *path = ov_arena_text(&held->arena, result->path);
    size_t found_bytes = result->detection_count * sizeof *result->detections;
    struct ov_wire_detection *found = NULL;
    if (found_bytes > 0) {
        found = ov_arena_alloc(&held->arena, found_bytes);
    }
    copy->reason =
        result->reason != NULL ? ov_arena_text(&held->arena, ov_span_text(result->reason)) : NULL;
    if (path == NULL || (found_bytes > 0 && found == NULL) ||
        (result->reason != NULL && copy->reason == NULL)) {
        return OV_MEMORY;
    }
    if (found != NULL) {
        memcpy(found, result->detections, found_bytes);
    }
    copy->path = ov_span_make(path, result->path.size);
    copy->detections = found;
    held->count++;
    return OV_OK;
}

static void stop(struct ov_scan_journal *journal, enum ov_status status) {
    if (journal->status == OV_OK) {
        journal->status = status;
        ov_say_error("journal", journal->keeper.reason,
                     "nothing is scanned that cannot be written down; --no-journal goes without");
    }
    *journal->is_stopped = 1;
}

static void hand_on(struct ov_scan_journal *journal, struct ov_scan_held *held) {
    for (size_t i = 0; i < held->count; i++) {
        struct ov_scan_result *result = &held->results[i];
        if (journal->status != OV_OK) { // its verdict is not in the journal: nobody is told it
            result->kind = OV_RESULT_ERROR;
            result->reason = "its verdict could not be written to the journal";
            result->detection_count = 0;
        }
        journal->deliver(journal->arg, result);
    }
    held->count = 0;
    held->entry_count = held->open_files = 0;
    held->single = NULL;
    ov_arena_reset(&held->arena);
    ov_buf_reset(&held->body);
    ov_names_batch_reset(&held->names);
}

// Sends their entries, and what our processes did meanwhile; *ret_is_sent says whether there is
// something to wait for.
static enum ov_status write_down(struct ov_scan_journal *journal, bool *ret_is_sent) {
    struct ov_scan_held *held = journal->filling;
    add_single(journal);
    end_entry(held);
    if (held->entry_count == 0 && !ov_acts_has_waiting()) {
        return OV_OK;
    }
    TRY(ov_acts_send());
    TRY(ov_buf_status(&held->body));
    ov_names_write(journal->names, &held->names);
    journal->waiting_since_ns = 0;
    TRY(ov_keeper_add_many(&journal->keeper, OV_ENTRY_FILES, ov_buf_span(&held->body),
                           held->entries, held->entry_count));
    *ret_is_sent = true;
    return OV_OK;
}

// Waits for the answer to what was sent, and hands that on.
static void settle(struct ov_scan_journal *journal) {
    if (journal->sent == NULL) {
        return;
    }
    enum ov_status status = ov_keeper_sync_end(&journal->keeper);
    if (status != OV_OK) {
        stop(journal, status);
    }
    hand_on(journal, journal->sent);
    journal->sent = NULL;
}

// While the disk is at it, others are collected.
static void send_held(struct ov_scan_journal *journal) {
    bool is_sent = false;
    settle(journal);
    if (journal->status == OV_OK) {
        enum ov_status status = write_down(journal, &is_sent);
        if (status != OV_OK) {
            stop(journal, status);
        }
    }
    if (!is_sent) {
        hand_on(journal, journal->filling);
        return;
    }
    journal->sent = journal->filling;
    journal->filling = &journal->held[journal->filling == &journal->held[0]];
}

enum ov_status ov_scan_journal_flush(struct ov_scan_journal *journal) {
    if (journal->is_on) {
        send_held(journal);
        settle(journal);
    }
    return journal->status;
}

void ov_scan_journal_take(struct ov_scan_journal *journal, const struct ov_scan_result *result) {
    if (!journal->is_on) {
        journal->deliver(journal->arg, result);
        return;
    }
    if (journal->filling->count == 0) {
        journal->first_ns = now_ns();
    }
    if (hold(journal, result) != OV_OK) {
        (void)ov_scan_journal_flush(journal);
        if (hold(journal, result) != OV_OK) {
            (void)snprintf(journal->keeper.reason, sizeof journal->keeper.reason, "out of memory");
            stop(journal, OV_MEMORY);
            return;
        }
    }
    const struct ov_scan_held *held = journal->filling;
    if (result->kind != OV_RESULT_SKIPPED) {
        add_to_pair(journal, &held->results[held->count - 1]);
    }
    if (held->count == HELD_MAX || held->entry_count >= OV_SCAN_ENTRIES) {
        send_held(journal); // and waits for the disk
    } else if (held->count % RESULTS_A_TICK == 0) {
        ov_scan_journal_tick(journal);
    }
}

// Whether something has waited long enough.
static bool is_due(struct ov_scan_journal *journal) {
    uint64_t now = now_ns();
    if (journal->filling->count > 0) {
        return now - journal->first_ns >= HELD_NS;
    }
    if (!ov_acts_has_waiting()) {
        return false;
    }
    if (journal->waiting_since_ns == 0) {
        journal->waiting_since_ns = now;
    }
    return now - journal->waiting_since_ns >= HELD_NS;
}

// Nothing else may be asked of the keeper meanwhile.
static void beat(struct ov_scan_journal *journal) {
    settle(journal);
    if (journal->status == OV_OK) {
        enum ov_status status = ov_journal_beat(&journal->beat);
        if (status != OV_OK) {
            stop(journal, status);
        }
    }
}

bool ov_scan_journal_is_odd(struct ov_scan_journal *journal) {
    enum ov_status status = ov_scan_journal_flush(journal);
    status = status == OV_OK ? ov_journal_beat_last(&journal->beat) : status;
    if (status != OV_OK) {
        stop(journal, status);
    }
    return journal->beat.own_count > 0;
}

void ov_scan_journal_tick(struct ov_scan_journal *journal) {
    if (journal->filling == NULL) {
        return;
    }
    if (ov_journal_beat_is_due(&journal->beat)) {
        beat(journal);
    }
    if (journal->sent != NULL && ov_keeper_has_answered(&journal->keeper)) {
        settle(journal);
    }
    if (journal->sent != NULL) {
        return; // while the disk is at it, more are collected
    }
    if (journal->filling->count >= HELD_MANY || is_due(journal)) {
        send_held(journal);
    }
}

// ---- acts, and workers that are lost ------------------------------------------------------------

static enum ov_status write_crash(struct ov_scan_journal *journal, struct ov_span path,
                                  const char *why) {
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    OV_CLEANUP(ov_names_batch_release) struct ov_names_batch names = {0};
    struct ov_tree_hash commitment;
    ov_buf_add_text(&body, "role worker\nfile ");
    if (path.size > 0) {
        ov_journal_commit(&journal->keeper, path, &names, &commitment);
        ov_names_write(journal->names, &names);
        ov_tree_hash_add(&body, &commitment);
    } else {
        ov_buf_add_u8(&body, '-');
    }
    ov_buf_add_text(&body, "\nwhy ");
    ov_entry_text_add(&body, ov_span_text(why));
    ov_buf_add_u8(&body, '\n');
    TRY(ov_buf_status(&body));
    TRY(ov_acts_send());
    TRY(ov_keeper_add(&journal->keeper, OV_ENTRY_CRASH, ov_buf_span(&body)));
    return ov_keeper_sync(&journal->keeper);
}

enum ov_status ov_scan_journal_intend(struct ov_scan_journal *journal,
                                      const struct ov_scan_result *result,
                                      struct ov_action *ret_action) {
    *ret_action = (struct ov_action){.keeper = &journal->keeper,
                                     .names = journal->names,
                                     .word = "quarantine",
                                     .path = result->path,
                                     .sha256 = result->has_sha256 ? result->sha256 : NULL};
    TRY(journal->status);
    enum ov_status status = ov_action_intend(ret_action);
    if (status != OV_OK) {
        stop(journal, status);
    }
    return status;
}

void ov_scan_journal_crash(struct ov_scan_journal *journal, struct ov_span path, const char *why) {
    if (!journal->is_on || journal->status != OV_OK) {
        return;
    }
    settle(journal); // one question at a time
    enum ov_status status = journal->status;
    status = status == OV_OK ? write_crash(journal, path, why) : status;
    if (status != OV_OK) {
        stop(journal, status);
    }
}

// ---- beginning and end --------------------------------------------------------------------------

static enum ov_status add_scan(struct ov_scan_journal *journal,
                               const struct ov_scan_arguments *args) {
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    OV_CLEANUP(ov_names_batch_release) struct ov_names_batch names = {0};
    size_t told = args->path_count < 256 ? args->path_count : 256;
    ov_buf_printf(&body, "paths %zu\n", args->path_count);
    for (size_t i = 0; i < told; i++) {
        struct ov_tree_hash commitment;
        ov_journal_commit(&journal->keeper, ov_span_text(args->paths[i]), &names, &commitment);
        ov_buf_add_text(&body, "path ");
        ov_tree_hash_add(&body, &commitment);
        ov_buf_add_u8(&body, '\n');
    }
    TRY(ov_buf_status(&body));
    ov_names_write(journal->names, &names);
    return ov_keeper_add(&journal->keeper, OV_ENTRY_SCAN, ov_buf_span(&body));
}

static enum ov_status make_room(struct ov_scan_journal *journal) {
    for (unsigned i = 0; i < 2; i++) {
        struct ov_scan_held *held = &journal->held[i];
        ov_arena_init(&held->arena, ARENA_BYTES);
        held->results = calloc(HELD_MAX, sizeof *held->results);
        if (held->results == NULL) {
            return OV_MEMORY;
        }
    }
    return OV_OK;
}

enum ov_status ov_scan_journal_open(const struct ov_scan_arguments *args,
                                    struct ov_scan_journal *ret_journal) {
    struct ov_scan_journal *journal = ret_journal;
    journal->names = -1;
    journal->keeper.channel = -1;
    journal->filling = &journal->held[0];
    if (!args->is_unjournaled) {
        TRY(make_room(journal));
        TRY(ov_journal_run_begin("scan", &journal->keeper, &journal->names));
        journal->is_on = true;
    }
    ov_journal_beat_open(journal->is_on ? &journal->keeper : NULL, &journal->beat);
    return OV_OK;
}

static enum ov_status say_failure(struct ov_scan_journal *journal, enum ov_status status) {
    journal->status = status;
    ov_say_error("journal", journal->keeper.reason, "--no-journal goes without");
    return status;
}

enum ov_status ov_scan_journal_begin(struct ov_scan_journal *journal,
                                     const struct ov_scan_arguments *args, struct ov_span load) {
    if (!journal->is_on) {
        return OV_OK;
    }
    enum ov_status status = ov_acts_send();
    status = status == OV_OK ? ov_keeper_add(&journal->keeper, OV_ENTRY_LOAD, load) : status;
    status = status == OV_OK ? add_scan(journal, args) : status;
    status = status == OV_OK ? ov_keeper_sync(&journal->keeper) : status;
    return status == OV_OK ? OV_OK : say_failure(journal, status);
}

enum ov_status ov_scan_journal_refuse(struct ov_scan_journal *journal, struct ov_span refusal) {
    if (!journal->is_on || refusal.size == 0) {
        return OV_OK;
    }
    enum ov_status status = ov_acts_send();
    status = status == OV_OK ? ov_keeper_add(&journal->keeper, OV_ENTRY_REFUSE, refusal) : status;
    return status == OV_OK ? OV_OK : say_failure(journal, status);
}

enum ov_status ov_scan_journal_close(struct ov_scan_journal *journal,
                                     const struct ov_scan_totals *totals, int code) {
    struct ov_run_end end = {.code = code,
                             .files = totals->files,
                             .found = totals->found,
                             .errors = totals->errors,
                             .limited = totals->limited,
                             .read_bytes = totals->bytes};
    if (!journal->is_on) {
        return OV_OK;
    }
    TRY(journal->status);
    return ov_journal_run_end(&journal->keeper, &end);
}

void ov_scan_journal_release(struct ov_scan_journal *journal) {
    ov_acts_leave();
    ov_journal_beat_close(&journal->beat);
    (void)ov_keeper_end(&journal->keeper);
    ov_fd_close(&journal->names);
    for (unsigned i = 0; i < 2; i++) {
        struct ov_scan_held *held = &journal->held[i];
        free(held->results);
        ov_arena_release(&held->arena);
        ov_buf_release(&held->body);
        ov_names_batch_release(&held->names);
    }
}
