// SPDX-License-Identifier: Apache-2.0
// overt evidence export: a range of the journal into one file.
#include "base/durable.h"
#include "base/fd.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/evidence_export.h"
#include "base/hex.h"
#include "journal/journal.h"
#include "journal/range_proof.h"
#include "ledger/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum ov_status ov_evidence_fail(struct ov_evidence_work *work, enum ov_status status,
                                const char *why) {
    work->why = why;
    return status;
}

// ---- the journal --------------------------------------------------------------------------------

static bool is_wanted_time(const struct ov_evidence_options *options, uint64_t time_ns) {
    uint64_t seconds = time_ns / 1000000000u;
    return (!options->has_since || seconds >= options->since) &&
           (!options->has_until || seconds <= options->until);
}

static enum ov_status look_for_times(struct ov_evidence_work *work, uint64_t at, bool *is_found) {
    static struct ov_entries entries;
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    unsigned width = ov_tile_width(work->head.size, 0, at / OV_TILE_WIDTH);
    enum ov_status status =
        ov_entries_load(work->folder, at / OV_TILE_WIDTH, width, &bytes, &entries);
    if (status == OV_SYSTEM && errno == ENOENT) {
        return OV_OK; // removed; if the range needs it, that is told then
    }
    TRY(status);
    for (unsigned i = 0; i < width; i++) {
        struct ov_entry entry;
        TRY(ov_entry_read(entries.entries[i], &entry));
        if (is_wanted_time(work->options, entry.time_ns)) {
            work->evidence.from = *is_found ? work->evidence.from : at + i;
            work->evidence.to = at + i;
            *is_found = true;
        }
    }
    return OV_OK;
}

// From the first entry of the time that is asked for to the last: what is between them belongs to
// it, whatever the clock was.
static enum ov_status find_times(struct ov_evidence_work *work, struct ov_journal *journal) {
    bool is_found = false;
    TRY(ov_journal_seal(journal, OV_SEAL_IF_OLD));
    ov_journal_head(journal, &work->head);
    for (uint64_t at = 0; at < work->head.size; at += OV_TILE_WIDTH) {
        TRY(look_for_times(work, at, &is_found));
    }
    return is_found ? OV_OK
                    : ov_evidence_fail(work, OV_INVALID, "the journal has no entry of that time");
}

static enum ov_status read_range(struct ov_evidence_work *work, struct ov_journal *journal) {
    uint64_t size = ov_journal_size(journal);
    struct ov_span rest;
    struct ov_span word;
    work->evidence.from = 0;
    work->evidence.to = size;
    if (work->options->has_since || work->options->has_until) {
        return find_times(work, journal);
    }
    if (work->options->range == NULL) {
        return OV_OK;
    }
    rest = ov_span_text(work->options->range);
    size_t dash = ov_span_find(rest, 0, '-');
    word = ov_span_part(rest, 0, dash);
    bool is_so = ov_number_read(word, &work->evidence.from) == OV_OK &&
                 ov_number_read(ov_span_from(rest, dash + 1), &work->evidence.to) == OV_OK &&
                 work->evidence.from <= work->evidence.to && work->evidence.to <= size;
    return is_so ? OV_OK : ov_evidence_fail(work, OV_INVALID, "the journal has no such range");
}

static void add_digest(struct ov_buf *body, const char *keyword, struct ov_span part) {
    char hex[2 * OV_SHA256_BYTES + 1] = "-";
    uint8_t sha256[OV_SHA256_BYTES];
    if (part.size > 0) {
        ov_sha256(part, sha256);
        ov_hex_write(ov_span_make(sha256, sizeof sha256), hex);
    }
    ov_buf_printf(body, "%s %s\n", keyword, hex);
}

// That a range is given away is written down before it is; without --range that entry is its last.
static enum ov_status note_export(struct ov_evidence_work *work, struct ov_journal *journal) {
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    struct ov_entry_run none = {0};
    TRY(read_range(work, journal));
    uint64_t from = work->evidence.from;
    uint64_t to = work->evidence.to;
    ov_buf_printf(&body, "from %" PRIu64 "\nto %" PRIu64 "\nrecords %" PRIu64 "\n", from, to,
                  to - from + 1);
    add_digest(&body, "manifest", ov_buf_span(&work->manifest));
    for (size_t i = 0; i < work->evidence.watch_count; i++) {
        add_digest(&body, "watch", work->evidence.watches[i]);
    }
    TRY(ov_buf_status(&body));
    TRY(ov_journal_add(journal, OV_ENTRY_EXPORT, &none, ov_buf_span(&body),
                       &work->evidence.export_seq));
    return ov_journal_seal(journal, OV_SEAL_IF_OLD);
}

enum ov_status ov_evidence_load_file(int folder, const char *path, size_t most,
                                     struct ov_buf *ret) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    OV_AUTO_FD fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return OV_SYSTEM;
    }
    TRY(ov_file_map_open_fd(fd, &map));
    TRY(map.bytes.size <= most ? OV_OK : OV_LIMIT);
    ov_buf_add(ret, map.bytes.data, map.bytes.size);
    return ov_buf_status(ret);
}

static enum ov_status note_and_read(struct ov_evidence_work *work, struct ov_journal *journal) {
    TRY(note_export(work, journal));
    ov_journal_head(journal, &work->head);
    return ov_evidence_load_file(ov_journal_folder(journal), "checkpoint", OV_NOTE_BYTES_MAX,
                                 &work->checkpoint);
}

static enum ov_status open_journal(struct ov_evidence_work *work) {
    static char reason[OV_JOURNAL_REASON_BYTES];
    struct ov_journal *journal = NULL;
    work->folder = open(work->options->journal, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (work->folder < 0 || faccessat(work->folder, "checkpoint", F_OK, 0) != 0) {
        return ov_evidence_fail(work, OV_END, "there is no journal");
    }
    enum ov_status status = ov_journal_open(work->options->journal, &journal, reason);
    if (status != OV_OK) {
        return ov_evidence_fail(work, status, reason);
    }
    status = ov_journal_lock(journal);
    if (status == OV_OK) {
        status = note_and_read(work, journal);
        ov_journal_unlock(journal);
    }
    if (status != OV_OK && work->why == NULL) {
        (void)snprintf(reason, sizeof reason, "%s", ov_journal_reason(journal));
        work->why = reason;
    }
    ov_journal_free(journal);
    return status;
}

// ---- entries ------------------------------------------------------------------------------------

static enum ov_status keep_index(struct ov_evidence_work *work, uint64_t index) {
    ov_buf_add(&work->indices, &index, sizeof index);
    return ov_buf_status(&work->indices);
}

static enum ov_status keep_epoch_key(struct ov_evidence_work *work, const struct ov_entry *entry,
                                     struct ov_note *note) {
    struct ov_span value;
    struct ov_key key;
    TRY(ov_entry_value(entry->body, "key", 0, &value));
    TRY(ov_key_read(value, &key));
    if (entry->seq == 0) {
        ov_buf_add(&work->first_key, value.data, value.size);
    }
    const struct ov_note_line *line = ov_note_find(note, &key);
    if (line != NULL) { // those of witnesses have a part of their own
        ov_buf_add(&work->kept_checkpoint, line->bytes.data, line->bytes.size);
    }
    return ov_buf_status(&work->kept_checkpoint);
}

// That the entries before an epoch are still the beginning of what is signed.
static enum ov_status keep_follow(struct ov_evidence_work *work, uint64_t index) {
    struct ov_tree_source source = ov_tile_reader_source(&work->reader);
    struct ov_tree_proof proof;
    TRY(ov_consistency_prove(&source, index, work->head.size, &proof));
    ov_evidence_follow_add(&work->follows, &proof);
    return ov_buf_status(&work->follows);
}

static enum ov_status keep_entry(struct ov_evidence_work *work, struct ov_span bytes,
                                 uint64_t index, struct ov_note *note) {
    struct ov_entry entry;
    const struct ov_evidence *evidence = &work->evidence;
    bool is_inside = index >= evidence->from && index <= evidence->to;
    TRY(ov_entry_read(bytes, &entry));
    if (entry.type == OV_ENTRY_EPOCH) {
        TRY(keep_epoch_key(work, &entry, note));
    } else if (!is_inside && index != evidence->export_seq) {
        return OV_OK;
    }
    TRY(keep_index(work, index));
    if (entry.type == OV_ENTRY_EPOCH && index > 0) {
        TRY(keep_follow(work, index));
    }
    return ov_entries_add(is_inside ? &work->entries : &work->others, bytes);
}

static enum ov_status read_entries(struct ov_evidence_work *work) {
    static struct ov_note note;
    static struct ov_entries entries;
    TRY(ov_note_read(ov_buf_span(&work->checkpoint), &note));
    ov_note_add_text(&work->kept_checkpoint, note.text);
    for (uint64_t at = 0; at < work->head.size; at += OV_TILE_WIDTH) {
        OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
        unsigned width = ov_tile_width(work->head.size, 0, at / OV_TILE_WIDTH);
        bool is_needed = at <= work->evidence.to && at + width > work->evidence.from;
        enum ov_status status =
            ov_entries_load(work->folder, at / OV_TILE_WIDTH, width, &bytes, &entries);
        if (status == OV_SYSTEM && errno == ENOENT) { // removed, as none with an epoch is
            TRY(is_needed ? ov_evidence_fail(work, OV_INVALID,
                                             "entries of that range were removed; --range or "
                                             "--since ask for others")
                          : OV_OK);
            continue;
        }
        TRY(status);
        for (unsigned i = 0; i < width; i++) {
            TRY(keep_entry(work, entries.entries[i], at + i, &note));
        }
    }
    return OV_OK;
}

static enum ov_status make_proof(struct ov_evidence_work *work) {
    const struct ov_range_leaves leaves = {.indices = (const uint64_t *)(void *)work->indices.data,
                                           .count = work->indices.size / sizeof(uint64_t)};
    struct ov_tree_source source = ov_tile_reader_source(&work->reader);
    return ov_range_prove(&source, work->head.size, &leaves, &work->proof);
}

// ---- witnesses ----------------------------------------------------------------------------------

// What was cosigned must be a beginning of this journal: that nobody else finds out first.
static enum ov_status prove_witness(struct ov_evidence_work *work, struct ov_span bytes) {
    static struct ov_note note;
    struct ov_tree_source source = ov_tile_reader_source(&work->reader);
    struct ov_evidence_witness witness = {.note = bytes};
    struct ov_checkpoint checkpoint;
    bool is_one = ov_note_read(bytes, &note) == OV_OK &&
                  ov_checkpoint_read(note.text, &checkpoint) == OV_OK && checkpoint.head.size > 0 &&
                  checkpoint.head.size <= work->head.size;
    if (!is_one) {
        return ov_evidence_fail(work, OV_INVALID, "--witness: it is no checkpoint of this journal");
    }
    TRY(ov_consistency_prove(&source, checkpoint.head.size, work->head.size, &witness.proof));
    if (ov_consistency_verify(&checkpoint.head, &work->head, &witness.proof) != OV_OK) {
        return ov_evidence_fail(work, OV_INVALID,
                                "--witness: this journal does not begin with that checkpoint");
    }
    ov_evidence_witness_add(&work->witness, &witness);
    return ov_buf_status(&work->witness);
}

static enum ov_status add_witness(struct ov_evidence_work *work) {
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    const char *path = work->options->witness;
    if (path == NULL) {
        return OV_OK;
    }
    if (ov_evidence_load_file(AT_FDCWD, path, OV_NOTE_BYTES_MAX, &bytes) != OV_OK) {
        return ov_evidence_fail(work, OV_INVALID, "--witness: the file cannot be read");
    }
    return prove_witness(work, ov_buf_span(&bytes));
}

// ---- the file -----------------------------------------------------------------------------------

static enum ov_status walk_range(struct ov_evidence_work *work) {
    struct ov_cursor cursor = ov_cursor_init(ov_buf_span(&work->entries));
    struct ov_span bytes;
    while (ov_evidence_entry(&cursor, &bytes) == OV_OK) {
        struct ov_entry entry;
        TRY(ov_entry_read(bytes, &entry));
        ov_evidence_open_names(work, &entry);
        if (entry.type == OV_ENTRY_LOAD) {
            TRY(ov_evidence_add_releases(work, &entry));
        }
    }
    TRY(ov_evidence_add_rules(work));
    return ov_buf_status(&work->names);
}

static enum ov_status write_file(struct ov_evidence_work *work) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_evidence *evidence = &work->evidence;
    evidence->first_key = ov_buf_span(&work->first_key);
    evidence->checkpoint = ov_buf_span(&work->kept_checkpoint);
    evidence->entries = ov_buf_span(&work->entries);
    evidence->others = ov_buf_span(&work->others);
    evidence->proof = ov_buf_span(&work->proof);
    evidence->follows = ov_buf_span(&work->follows);
    evidence->names = ov_buf_span(&work->names);
    evidence->manifest = ov_buf_span(&work->manifest);
    evidence->witness = ov_buf_span(&work->witness);
    ov_evidence_add(&out, evidence);
    TRY(ov_buf_status(&out));
    enum ov_status status =
        ov_durable_write(AT_FDCWD, work->options->output, ov_buf_span(&out), 0600);
    return status == OV_OK ? OV_OK : ov_evidence_fail(work, status, "the file cannot be written");
}

static enum ov_status export_range(struct ov_evidence_work *work) {
    if (!work->options->is_without_manifest) {
        TRY(ov_evidence_manifest(&work->manifest));
    }
    TRY(ov_evidence_add_watches(work));
    TRY(open_journal(work));
    ov_tile_reader_init(work->folder, work->head.size, &work->reader);
    TRY(read_entries(work));
    TRY(make_proof(work));
    TRY(add_witness(work));
    TRY(ov_evidence_read_names(work));
    TRY(walk_range(work));
    return write_file(work);
}

static void release(struct ov_evidence_work *work) {
    struct ov_buf *const bufs[] = {&work->checkpoint, &work->kept_checkpoint, &work->first_key,
                                   &work->entries,    &work->others,          &work->proof,
                                   &work->names,      &work->indices,         &work->follows,
                                   &work->manifest,   &work->witness};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) {
        ov_buf_release(bufs[i]);
    }
    for (size_t i = 0; i < OV_EVIDENCE_RELEASES_MAX; i++) {
        ov_buf_release(&work->releases[i]);
        ov_buf_release(&work->lists[i]);
    }
    for (size_t i = 0; i < OV_EVIDENCE_RULES_MAX; i++) {
        ov_buf_release(&work->rules[i]);
    }
    for (size_t i = 0; i < OV_EVIDENCE_WATCHES_MAX; i++) {
        ov_buf_release(&work->watches[i]);
    }
    ov_journal_names_close(&work->names_file);
    ov_fd_close(&work->folder);
    free(work->known);
}

int ov_evidence_export(const struct ov_evidence_options *options) {
    static struct ov_evidence_work work;
    work.options = options;
    work.folder = -1;
    errno = 0;
    enum ov_status status = export_range(&work);
    if (status != OV_OK) {
        const char *why =
            status == OV_SYSTEM && errno != 0 ? strerror(errno) : ov_status_text(status);
        ov_say_error(options->journal, work.why != NULL ? work.why : why, NULL);
    } else {
        (void)printf("%s: entries %" PRIu64 " to %" PRIu64
                     ", %zu releases of rules, %zu texts of rules, %zu traces\n",
                     options->output, work.evidence.from, work.evidence.to,
                     work.evidence.release_count, work.evidence.rule_count,
                     work.evidence.watch_count);
    }
    release(&work);
    return status == OV_OK ? OV_EXIT_NOTHING : OV_EXIT_ERROR;
}
