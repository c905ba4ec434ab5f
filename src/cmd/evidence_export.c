// SPDX-License-Identifier: Apache-2.0
// overt evidence export: a range of the journal into one file.
#include "base/durable.h"
#include "base/fd.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/evidence.h"
#include "journal/evidence_check.h"
#include "journal/journal.h"
#include "journal/range_proof.h"
#include "ledger/checkpoint.h"
#include "ledger/log.h"
#include "ledger/proof.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FEED_PATH_BYTES = PATH_MAX + OV_FEED_BYTES + 32 };

// A line of the file of names, by what it opens.
struct name {
    struct ov_tree_hash commitment;
    struct ov_salt salt;
    struct ov_span path;
};

struct work {
    const struct ov_evidence_options *options;
    int folder;
    struct ov_evidence evidence;
    uint8_t names_key[OV_NAMES_KEY_BYTES];
    struct ov_tree_head head;
    struct ov_buf checkpoint, kept_checkpoint, first_key, entries, epochs, proof, follows, names,
        indices;
    struct ov_file_map names_file;
    struct name *known;
    size_t known_count;
    struct ov_tile_reader reader;
    struct ov_buf releases[OV_EVIDENCE_RELEASES_MAX];
    const char *why; // for people, with a status of failure
};

static enum ov_status fail(struct work *work, enum ov_status status, const char *why) {
    work->why = why;
    return status;
}

// ---- the journal --------------------------------------------------------------------------------

static enum ov_status read_range(struct work *work, uint64_t size) {
    struct ov_span rest;
    struct ov_span word;
    work->evidence.from = 0;
    work->evidence.to = size;
    if (work->options->range == NULL) {
        return OV_OK;
    }
    rest = ov_span_text(work->options->range);
    size_t dash = ov_span_find(rest, 0, '-');
    word = ov_span_part(rest, 0, dash);
    bool is_so = ov_number_read(word, &work->evidence.from) == OV_OK &&
                 ov_number_read(ov_span_from(rest, dash + 1), &work->evidence.to) == OV_OK &&
                 work->evidence.from <= work->evidence.to && work->evidence.to <= size;
    return is_so ? OV_OK : fail(work, OV_INVALID, "the journal has no such range");
}

// That a range is given away is written down before it is; without --range that entry is its last.
static enum ov_status note_export(struct work *work, struct ov_journal *journal) {
    struct ov_entry_run none = {0};
    char body[128];
    uint64_t seq;
    TRY(read_range(work, ov_journal_size(journal)));
    uint64_t from = work->evidence.from;
    uint64_t to = work->evidence.to;
    (void)snprintf(body, sizeof body, "from %" PRIu64 "\nto %" PRIu64 "\nrecords %" PRIu64 "\n",
                   from, to, to - from + 1);
    TRY(ov_journal_add(journal, OV_ENTRY_EXPORT, &none, ov_span_text(body), &seq));
    return ov_journal_seal(journal, OV_SEAL_IF_OLD);
}

static enum ov_status load_file(int folder, const char *path, size_t most, struct ov_buf *ret) {
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

static enum ov_status note_and_read(struct work *work, struct ov_journal *journal) {
    TRY(note_export(work, journal));
    memcpy(work->names_key, ov_journal_names_key(journal), sizeof work->names_key);
    ov_journal_head(journal, &work->head);
    return load_file(ov_journal_folder(journal), "checkpoint", OV_NOTE_BYTES_MAX,
                     &work->checkpoint);
}

static enum ov_status open_journal(struct work *work) {
    static char reason[OV_JOURNAL_REASON_BYTES];
    struct ov_journal *journal = NULL;
    work->folder = open(work->options->journal, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (work->folder < 0 || faccessat(work->folder, "checkpoint", F_OK, 0) != 0) {
        return fail(work, OV_END, "there is no journal");
    }
    enum ov_status status = ov_journal_open(work->options->journal, &journal, reason);
    if (status != OV_OK) {
        return fail(work, status, reason);
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

static enum ov_status keep_index(struct work *work, uint64_t index) {
    ov_buf_add(&work->indices, &index, sizeof index);
    return ov_buf_status(&work->indices);
}

static enum ov_status keep_epoch_key(struct work *work, const struct ov_entry *entry,
                                     struct ov_note *note) {
    struct ov_span value;
    struct ov_key key;
    TRY(ov_entry_value(entry->body, "key", 0, &value));
    TRY(ov_key_read(value, &key));
    if (entry->seq == 0) {
        ov_buf_add(&work->first_key, value.data, value.size);
    }
    const struct ov_note_line *line = ov_note_find(note, &key);
    if (line != NULL) { // those of witnesses stay out: nobody could check them
        ov_buf_add(&work->kept_checkpoint, line->bytes.data, line->bytes.size);
    }
    return ov_buf_status(&work->kept_checkpoint);
}

// That the entries before an epoch are still the beginning of what is signed.
static enum ov_status keep_follow(struct work *work, uint64_t index) {
    struct ov_tree_source source = ov_tile_reader_source(&work->reader);
    struct ov_tree_proof proof;
    TRY(ov_consistency_prove(&source, index, work->head.size, &proof));
    ov_evidence_follow_add(&work->follows, &proof);
    return ov_buf_status(&work->follows);
}

static enum ov_status keep_entry(struct work *work, struct ov_span bytes, uint64_t index,
                                 struct ov_note *note) {
    struct ov_entry entry;
    const struct ov_evidence *evidence = &work->evidence;
    bool is_inside = index >= evidence->from && index <= evidence->to;
    TRY(ov_entry_read(bytes, &entry));
    if (entry.type == OV_ENTRY_EPOCH) {
        TRY(keep_epoch_key(work, &entry, note));
    } else if (!is_inside) {
        return OV_OK;
    }
    TRY(keep_index(work, index));
    if (entry.type == OV_ENTRY_EPOCH && index > 0) {
        TRY(keep_follow(work, index));
    }
    return ov_entries_add(is_inside ? &work->entries : &work->epochs, bytes);
}

static enum ov_status read_entries(struct work *work) {
    static struct ov_note note;
    static struct ov_entries entries;
    TRY(ov_note_read(ov_buf_span(&work->checkpoint), &note));
    ov_note_add_text(&work->kept_checkpoint, note.text);
    for (uint64_t at = 0; at < work->head.size; at += OV_TILE_WIDTH) {
        OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
        unsigned width = ov_tile_width(work->head.size, 0, at / OV_TILE_WIDTH);
        TRY(ov_entries_load(work->folder, at / OV_TILE_WIDTH, width, &bytes, &entries));
        for (unsigned i = 0; i < width; i++) {
            TRY(keep_entry(work, entries.entries[i], at + i, &note));
        }
    }
    return OV_OK;
}

static enum ov_status make_proof(struct work *work) {
    const struct ov_range_leaves leaves = {.indices = (const uint64_t *)(void *)work->indices.data,
                                           .count = work->indices.size / sizeof(uint64_t)};
    struct ov_tree_source source = ov_tile_reader_source(&work->reader);
    return ov_range_prove(&source, work->head.size, &leaves, &work->proof);
}

// ---- names --------------------------------------------------------------------------------------

static int compare_names(const void *a, const void *b) {
    const struct name *left = a;
    const struct name *right = b;
    return memcmp(left->commitment.bytes, right->commitment.bytes, sizeof left->commitment.bytes);
}

static bool is_wanted(const struct work *work, struct ov_span path) {
    return work->options->file == NULL || ov_span_is_text(path, work->options->file);
}

static enum ov_status keep_name(struct work *work, struct ov_cursor *cursor, size_t *room) {
    struct ov_entry_run run;
    struct ov_span bytes = ov_cursor_bytes(cursor, sizeof run.bytes);
    uint64_t number = ov_cursor_u64be(cursor);
    struct ov_span path = ov_cursor_bytes(cursor, ov_cursor_u16be(cursor));
    if (cursor->has_failed || !is_wanted(work, path)) {
        return OV_OK; // what a crash cut short is at the end
    }
    if (work->known_count == *room) {
        struct name *known = reallocarray(work->known, *room * 2 + 64, sizeof *known);
        if (known == NULL) {
            return OV_MEMORY;
        }
        work->known = known;
        *room = *room * 2 + 64;
    }
    struct name *name = &work->known[work->known_count++];
    memcpy(run.bytes, bytes.data, sizeof run.bytes);
    name->path = path;
    ov_salt_of(work->names_key, &run, number, &name->salt);
    ov_commitment_of(&name->salt, path, &name->commitment);
    return OV_OK;
}

static enum ov_status read_names(struct work *work) {
    OV_AUTO_FD fd = openat(work->folder, "names", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    size_t room = 0;
    if (work->options->is_redacted || (fd < 0 && errno == ENOENT)) {
        return OV_OK;
    }
    TRY(fd >= 0 ? ov_file_map_open_fd(fd, &work->names_file) : OV_SYSTEM);
    struct ov_cursor cursor = ov_cursor_init(work->names_file.bytes);
    while (ov_cursor_left(&cursor) > 0) {
        TRY(keep_name(work, &cursor, &room));
    }
    if (work->known_count > 0) {
        qsort(work->known, work->known_count, sizeof *work->known, compare_names);
    }
    return OV_OK;
}

static void open_names(struct work *work, const struct ov_entry *entry) {
    struct ov_cursor body = ov_cursor_init(entry->body);
    struct ov_span line;
    struct name key;
    while (work->known_count > 0 &&
           ov_evidence_commitment(&body, &line, &key.commitment) == OV_OK) {
        const struct name *name =
            bsearch(&key, work->known, work->known_count, sizeof key, compare_names);
        if (name != NULL) {
            ov_evidence_name_add(&work->names, &name->salt, name->path);
        }
    }
}

// ---- releases -----------------------------------------------------------------------------------

static bool is_release(struct ov_span bytes, const struct ov_tree_hash *leaf) {
    struct ov_evidence one = {.release_count = 1, .releases = {bytes}};
    OV_CLEANUP(ov_buf_release) struct ov_buf entry = {0};
    size_t index;
    return ov_evidence_release(&one, leaf, &entry, &index) == OV_OK;
}

// The proof of a release lies in one of the feed's folders, as long as that set is installed.
static enum ov_status find_release(struct work *work, const struct ov_feed_name *feed,
                                   const struct ov_tree_hash *leaf) {
    char path[FEED_PATH_BYTES];
    struct ov_buf *found = &work->releases[work->evidence.release_count];
    (void)snprintf(path, sizeof path, "%s/../rules/feeds/%s", work->options->journal, feed->text);
    DIR *folder = opendir(path);
    const struct dirent *each = NULL;
    while (folder != NULL && (each = readdir(folder)) != NULL) {
        char inside[NAME_MAX + 32];
        (void)snprintf(inside, sizeof inside, "%s/release.tlog-proof", each->d_name);
        ov_buf_reset(found);
        if (each->d_name[0] != '.' &&
            load_file(dirfd(folder), inside, OV_PROOF_BYTES_MAX + 2 * OV_PROOF_EXTRA_BYTES_MAX,
                      found) == OV_OK &&
            is_release(ov_buf_span(found), leaf)) {
            work->evidence.releases[work->evidence.release_count++] = ov_buf_span(found);
            break;
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return ov_buf_status(found);
}

static enum ov_status add_releases(struct work *work, const struct ov_entry *entry) {
    struct ov_span line;
    struct ov_span word;
    struct ov_feed_name feed;
    struct ov_tree_hash leaf;
    for (size_t i = 0; ov_entry_value(entry->body, "set", i, &line) == OV_OK; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf have = {0};
        size_t index;
        bool is_wanted_release =
            ov_word_take(&line, &word) == OV_OK && ov_feed_name_read(word, &feed) == OV_OK &&
            ov_tree_hash_read(line, &leaf) == OV_OK &&
            ov_evidence_release(&work->evidence, &leaf, &have, &index) == OV_END;
        if (is_wanted_release && work->evidence.release_count < OV_EVIDENCE_RELEASES_MAX) {
            TRY(find_release(work, &feed, &leaf));
        }
    }
    return OV_OK;
}

// ---- the file -----------------------------------------------------------------------------------

static enum ov_status walk_range(struct work *work) {
    struct ov_cursor cursor = ov_cursor_init(ov_buf_span(&work->entries));
    struct ov_span bytes;
    while (ov_evidence_entry(&cursor, &bytes) == OV_OK) {
        struct ov_entry entry;
        TRY(ov_entry_read(bytes, &entry));
        open_names(work, &entry);
        if (entry.type == OV_ENTRY_LOAD) {
            TRY(add_releases(work, &entry));
        }
    }
    return ov_buf_status(&work->names);
}

static enum ov_status write_file(struct work *work) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_evidence *evidence = &work->evidence;
    evidence->first_key = ov_buf_span(&work->first_key);
    evidence->checkpoint = ov_buf_span(&work->kept_checkpoint);
    evidence->entries = ov_buf_span(&work->entries);
    evidence->epochs = ov_buf_span(&work->epochs);
    evidence->proof = ov_buf_span(&work->proof);
    evidence->follows = ov_buf_span(&work->follows);
    evidence->names = ov_buf_span(&work->names);
    ov_evidence_add(&out, evidence);
    TRY(ov_buf_status(&out));
    enum ov_status status =
        ov_durable_write(AT_FDCWD, work->options->output, ov_buf_span(&out), 0600);
    return status == OV_OK ? OV_OK : fail(work, status, "the file cannot be written");
}

static enum ov_status export_range(struct work *work) {
    TRY(open_journal(work));
    ov_tile_reader_init(work->folder, work->head.size, &work->reader);
    TRY(read_entries(work));
    TRY(make_proof(work));
    TRY(read_names(work));
    TRY(walk_range(work));
    return write_file(work);
}

static void release(struct work *work) {
    struct ov_buf *const bufs[] = {&work->checkpoint, &work->kept_checkpoint, &work->first_key,
                                   &work->entries,    &work->epochs,          &work->proof,
                                   &work->names,      &work->indices,         &work->follows};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) {
        ov_buf_release(bufs[i]);
    }
    for (size_t i = 0; i < OV_EVIDENCE_RELEASES_MAX; i++) {
        ov_buf_release(&work->releases[i]);
    }
    ov_file_map_close(&work->names_file);
    ov_fd_close(&work->folder);
    free(work->known);
}

int ov_evidence_export(const struct ov_evidence_options *options) {
    static struct work work;
    work.options = options;
    work.folder = -1;
    errno = 0;
    enum ov_status status = export_range(&work);
    if (status != OV_OK) {
        const char *why =
            status == OV_SYSTEM && errno != 0 ? strerror(errno) : ov_status_text(status);
        ov_say_error(options->journal, work.why != NULL ? work.why : why, NULL);
    } else {
        (void)printf("%s: entries %" PRIu64 " to %" PRIu64 ", %zu releases of rules\n",
                     options->output, work.evidence.from, work.evidence.to,
                     work.evidence.release_count);
    }
    release(&work);
    return status == OV_OK ? OV_EXIT_NOTHING : OV_EXIT_ERROR;
}
