// SPDX-License-Identifier: Apache-2.0
// Sealing: entries into tiles, a signed checkpoint, and the keys of epochs.
#include "journal/state.h"

#include "base/durable.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/hex.h"
#include "journal/frames.h"
#include "journal/partials.h"
#include "ledger/checkpoint.h"
#include "ledger/note.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SECRET_MODE = 0600, PUBLIC_MODE = 0644, FILE_BYTES_MAX = 1 << 20 };

// ---- small files --------------------------------------------------------------------------------

static enum ov_status read_file(const struct ov_journal *journal, const char *name,
                                struct ov_buf *ret_text) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    OV_AUTO_FD fd = openat(journal->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT ? OV_END : OV_SYSTEM;
    }
    TRY(ov_file_map_open_fd(fd, &map));
    TRY(map.bytes.size <= FILE_BYTES_MAX ? OV_OK : OV_DAMAGED);
    ov_buf_add(ret_text, map.bytes.data, map.bytes.size);
    return ov_buf_status(ret_text);
}

static enum ov_status write_key(struct ov_journal *journal, const char *name,
                                const struct ov_signer *signer) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    if (ov_buf_reserve(&text, 1024) == NULL) {
        return OV_MEMORY;
    }
    ov_signer_add(&text, signer);
    ov_buf_add_u8(&text, '\n');
    enum ov_status status = ov_buf_status(&text);
    if (status == OV_OK) {
        status = ov_durable_write(journal->folder, name, ov_buf_span(&text), SECRET_MODE);
    }
    ov_signer_wipe(&text);
    return status == OV_OK ? OV_OK : ov_journal_fail(journal, status, name);
}

static enum ov_status read_key(struct ov_journal *journal, const char *name,
                               struct ov_signer *ret_signer) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    enum ov_status status = read_file(journal, name, &text);
    if (status == OV_OK) {
        status = ov_signer_read(ov_buf_span(&text), ret_signer);
    }
    ov_signer_wipe(&text);
    return status;
}

// Overwrites a secret before it is removed. What an SSD or a journalling file system keeps of the
// old blocks is out of our hands; docs/threats.md says so.
static enum ov_status destroy_key(struct ov_journal *journal, const char *name) {
    static const uint8_t zeros[256];
    OV_AUTO_FD fd = openat(journal->folder, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT ? OV_OK : OV_SYSTEM;
    }
    struct stat info;
    uint64_t size = fstat(fd, &info) == 0 ? (uint64_t)info.st_size : 0;
    for (uint64_t at = 0; at < size; at += sizeof zeros) {
        TRY(ov_fd_write_all(fd, ov_span_make(zeros, sizeof zeros)));
    }
    ov_fault_point();
    return fsync(fd) == 0 ? OV_OK : OV_SYSTEM;
}

// ---- checkpoints --------------------------------------------------------------------------------

enum ov_status ov_journal_write_checkpoint(struct ov_journal *journal,
                                           const struct ov_signer *second) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf note = {0};
    struct ov_checkpoint checkpoint = {.origin = ov_span_text(journal->signer.key.name)};
    ov_log_writer_head(&journal->writer, &checkpoint.head);
    ov_checkpoint_add(&text, &checkpoint);
    ov_note_add_text(&note, ov_buf_span(&text));
    ov_note_sign(&note, ov_buf_span(&text), &journal->signer, 0);
    if (second != NULL) {
        ov_note_sign(&note, ov_buf_span(&text), second, 0);
    }
    TRY(ov_buf_status(&text));
    TRY(ov_buf_status(&note));
    enum ov_status status = ov_durable_write(journal->folder, OV_JOURNAL_FILE_CHECKPOINT,
                                             ov_buf_span(&note), PUBLIC_MODE);
    if (status != OV_OK) {
        return ov_journal_fail(journal, status, OV_JOURNAL_FILE_CHECKPOINT);
    }
    journal->sealed = checkpoint.head;
    return OV_OK;
}

static enum ov_status open_writer(struct ov_journal *journal, uint64_t size) {
    if (journal->has_writer) {
        ov_log_writer_close(&journal->writer);
        journal->has_writer = false;
    }
    enum ov_status status = ov_log_writer_open(journal->folder, size, &journal->writer);
    if (status != OV_OK) {
        const struct ov_tile_flaw *flaw = &journal->writer.flaw;
        return ov_journal_fail(journal, status, flaw->path.text[0] != 0 ? flaw->path.text : "tile");
    }
    journal->has_writer = true;
    return OV_OK;
}

// The key is looked at once the entries, among which it stands, are known (ov_journal_read_keys).
enum ov_status ov_journal_read_checkpoint(struct ov_journal *journal) {
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    struct ov_note note;
    struct ov_checkpoint checkpoint;
    struct ov_tree_head head;
    enum ov_status status = read_file(journal, OV_JOURNAL_FILE_CHECKPOINT, &bytes);
    if (status != OV_OK) {
        return status == OV_END ? OV_END
                                : ov_journal_fail(journal, status, OV_JOURNAL_FILE_CHECKPOINT);
    }
    if (ov_note_read(ov_buf_span(&bytes), &note) != OV_OK ||
        ov_checkpoint_read(note.text, &checkpoint) != OV_OK) {
        return ov_journal_fail(journal, OV_DAMAGED, OV_JOURNAL_FILE_CHECKPOINT);
    }
    TRY(open_writer(journal, checkpoint.head.size));
    ov_log_writer_head(&journal->writer, &head);
    if (!ov_tree_hash_is_equal(&head.root, &checkpoint.head.root)) {
        return ov_journal_fail(journal, OV_DAMAGED, "the tiles do not lead to the checkpoint");
    }
    journal->sealed = head;
    journal->size = head.size;
    return OV_OK;
}

// ---- keys ---------------------------------------------------------------------------------------

// Whether the checkpoint has a signature of this key.
static bool is_signed_by(const struct ov_journal *journal, const struct ov_signer *signer) {
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    struct ov_note note;
    struct ov_note_found found;
    return read_file(journal, OV_JOURNAL_FILE_CHECKPOINT, &bytes) == OV_OK &&
           ov_note_read(ov_buf_span(&bytes), &note) == OV_OK &&
           ov_note_verify_one(&note, &signer->key, &found) == OV_OK && found.has_signed;
}

static enum ov_status check_signature(struct ov_journal *journal) {
    return is_signed_by(journal, &journal->signer)
               ? OV_OK
               : ov_journal_fail(journal, OV_DAMAGED, "the checkpoint is not signed by this key");
}

static enum ov_status read_names_key(struct ov_journal *journal) {
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    enum ov_status status = read_file(journal, OV_JOURNAL_FILE_NAMES_KEY, &bytes);
    if (status != OV_OK || bytes.size != sizeof journal->names_key) {
        return ov_journal_fail(journal, status == OV_OK ? OV_DAMAGED : status,
                               OV_JOURNAL_FILE_NAMES_KEY);
    }
    memcpy(journal->names_key, bytes.data, sizeof journal->names_key);
    sodium_memzero(bytes.data, bytes.size);
    return OV_OK;
}

enum ov_status ov_journal_write_policy(struct ov_journal *journal, const struct ov_key *newest) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    ov_buf_add_text(&text, "log ");
    TRY(ov_key_add(&text, newest));
    ov_buf_add_text(&text, "\nquorum none\n");
    TRY(ov_buf_status(&text));
    enum ov_status status =
        ov_durable_write(journal->folder, OV_JOURNAL_FILE_POLICY, ov_buf_span(&text), PUBLIC_MODE);
    return status == OV_OK ? OV_OK : ov_journal_fail(journal, status, OV_JOURNAL_FILE_POLICY);
}

// Signed by the key of the epoch before, the first by its own. Everything before it is sealed.
static enum ov_status add_epoch(struct ov_journal *journal, uint64_t number,
                                const struct ov_key *key) {
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf vkey = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf message = {0};
    uint8_t signature[OV_SIGNATURE_BYTES];
    struct ov_entry_run none = {0};
    struct ov_tree_head head;
    uint64_t seq;
    ov_log_writer_head(&journal->writer, &head);
    TRY(ov_key_add(&vkey, key));
    ov_entry_epoch_message(&message, ov_buf_span(&vkey), head.size, &head.root);
    TRY(ov_buf_status(&message));
    ov_signer_sign(&journal->signer, ov_buf_span(&message), signature);
    ov_buf_printf(&body, "number %llu\nkey %.*s\nroot ", (unsigned long long)number, (int)vkey.size,
                  (const char *)vkey.data);
    ov_tree_hash_add(&body, &head.root);
    ov_buf_add_text(&body, "\nby ");
    ov_base64_add(&body, ov_span_make(signature, sizeof signature));
    ov_buf_add_u8(&body, '\n');
    TRY(ov_buf_status(&body));
    TRY(ov_journal_add(journal, OV_ENTRY_EPOCH, &none, ov_buf_span(&body), &seq));
    return ov_journal_sync(journal);
}

// ---- sealing ------------------------------------------------------------------------------------

// While it is still at hand: a seal may be thousands of files away.
void ov_journal_feed(struct ov_journal *journal) {
    struct ov_span known = ov_span_part(ov_buf_span(&journal->frames), 0, journal->synced_bytes);
    struct ov_cursor cursor = ov_cursor_init(known);
    struct ov_span entry;
    while (ov_frame_next(&cursor, &entry) == OV_OK && journal->writer.status == OV_OK) {
        (void)ov_log_writer_add(&journal->writer, entry);
        journal->writer_error = errno;
    }
    size_t rest = journal->frames.size - known.size;
    if (rest > 0) {
        memmove(journal->frames.data, journal->frames.data + known.size, rest);
    }
    journal->frames.size = rest;
    journal->synced_bytes = 0;
}

// What is on disk of `pending` goes into tiles.
static enum ov_status write_tiles(struct ov_journal *journal) {
    ov_journal_feed(journal);
    bool has_failed = journal->writer.status != OV_OK;
    enum ov_status status = ov_log_writer_flush(&journal->writer);
    errno = has_failed ? journal->writer_error : errno;
    return status == OV_OK ? OV_OK : ov_journal_fail(journal, status, "tile");
}

static enum ov_status empty_pending(struct ov_journal *journal) {
    ov_fault_point();
    if (ftruncate(journal->pending, 0) != 0 || fsync(journal->pending) != 0) {
        return ov_journal_fail(journal, OV_SYSTEM, OV_JOURNAL_FILE_PENDING);
    }
    ov_buf_reset(&journal->frames);
    journal->synced_bytes = 0;
    journal->pending_bytes = 0;
    return OV_OK;
}

// After a seal that failed: the entries stay pending.
static void take_back(struct ov_journal *journal) {
    char reason[OV_JOURNAL_REASON_BYTES];
    uint64_t lost = 0;
    memcpy(reason, journal->reason, sizeof reason);
    journal->size = journal->sealed.size;
    journal->pending_bytes = 0;
    journal->is_lost = open_writer(journal, journal->sealed.size) != OV_OK ||
                       ov_journal_read_pending(journal, &lost) != OV_OK;
    memcpy(journal->reason, reason, sizeof reason);
}

static enum ov_status seal_with(struct ov_journal *journal, const struct ov_signer *second) {
    uint64_t sealed_before = journal->sealed.size;
    enum ov_status status = write_tiles(journal);
    if (status == OV_OK) {
        status = ov_journal_write_checkpoint(journal, second);
    }
    if (status != OV_OK) {
        int error = errno;
        take_back(journal);
        errno = error;
        return status;
    }
    TRY(empty_pending(journal));
    ov_partials_remove(journal->folder, sealed_before, journal->sealed.size);
    return OV_OK;
}

// ---- epochs -------------------------------------------------------------------------------------

// The file `epoch` has the number and the beginning of the newest one, so that nobody has to look
// for its entry.
static enum ov_status write_epoch(struct ov_journal *journal) {
    char text[64];
    (void)snprintf(text, sizeof text, "%llu %llu\n", (unsigned long long)journal->epoch,
                   (unsigned long long)journal->epoch_began_ns);
    return ov_durable_write(journal->folder, OV_JOURNAL_FILE_EPOCH, ov_span_text(text),
                            PUBLIC_MODE);
}

static enum ov_status read_epoch(struct ov_journal *journal) {
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    enum ov_status status = read_file(journal, OV_JOURNAL_FILE_EPOCH, &bytes);
    struct ov_cursor cursor = ov_cursor_init(ov_buf_span(&bytes));
    struct ov_span rest;
    struct ov_span word;
    status = status == OV_OK ? ov_line_read(&cursor, &rest) : status;
    status = status == OV_OK ? ov_word_take(&rest, &word) : status;
    status = status == OV_OK ? ov_number_read(word, &journal->epoch) : status;
    status = status == OV_OK ? ov_number_read(rest, &journal->epoch_began_ns) : status;
    return status == OV_OK ? OV_OK
                           : ov_journal_fail(journal, status == OV_END ? OV_DAMAGED : status,
                                             OV_JOURNAL_FILE_EPOCH);
}

// After a change of epochs, the last entry that is sealed is the one that began it. The writer has
// it, and has compared it with its tile, where it is at hand.
enum ov_status ov_journal_note_last(struct ov_journal *journal) {
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    static struct ov_entries entries;
    struct ov_entry entry;
    uint64_t last = journal->sealed.size - 1;
    unsigned width = (unsigned)(last % OV_TILE_WIDTH) + 1;
    enum ov_status status =
        journal->writer.edge.size == journal->sealed.size && width < OV_TILE_WIDTH
            ? ov_entries_read(ov_buf_span(&journal->writer.entries), width, &entries)
            : ov_entries_load(journal->folder, last / OV_TILE_WIDTH, width, &bytes, &entries);
    status = status == OV_OK ? ov_entry_read(entries.entries[width - 1], &entry) : status;
    if (status != OV_OK) {
        return ov_journal_fail(journal, status, "the last entry");
    }
    ov_journal_note(journal, &entry);
    journal->has_pending_epoch = false;
    return OV_OK;
}

static enum ov_status switch_keys(struct ov_journal *journal) {
    TRY(ov_journal_note_last(journal));
    TRY(write_epoch(journal));
    TRY(destroy_key(journal, OV_JOURNAL_FILE_KEY));
    return ov_durable_rename(journal->folder, OV_JOURNAL_FILE_KEY_NEXT, OV_JOURNAL_FILE_KEY);
}

static enum ov_status read_signer(struct ov_journal *journal) {
    struct ov_signer signer;
    ov_signer_init(&signer);
    enum ov_status status = read_key(journal, OV_JOURNAL_FILE_KEY, &signer);
    if (status != OV_OK && read_key(journal, OV_JOURNAL_FILE_KEY_NEXT, &signer) == OV_OK) {
        status = OV_OK; // a change of keys: the old one is destroyed already
    }
    if (status != OV_OK) {
        return ov_journal_fail(journal, status, OV_JOURNAL_FILE_KEY);
    }
    ov_signer_release(&journal->signer);
    journal->signer = signer;
    return OV_OK;
}

// A change of epochs: key.next is written, the entry that names it added, the checkpoint signed by
// both keys, key.next put in the place of key. After a crash it is finished if the entry is there,
// and taken back if not.
static enum ov_status finish_change(struct ov_journal *journal) {
    struct ov_signer next;
    ov_signer_init(&next);
    enum ov_status status = read_key(journal, OV_JOURNAL_FILE_KEY_NEXT, &next);
    if (status == OV_END) {
        return OV_OK;
    }
    bool is_sealed = status == OV_OK && is_signed_by(journal, &next);
    if (status == OV_OK && !is_sealed && journal->has_pending_epoch) {
        status = seal_with(journal, &next);
        is_sealed = status == OV_OK;
    }
    ov_signer_release(&next);
    if (is_sealed) {
        TRY(switch_keys(journal));
        TRY(read_signer(journal));
        return ov_journal_write_policy(journal, &journal->signer.key);
    }
    (void)unlinkat(journal->folder, OV_JOURNAL_FILE_KEY_NEXT, 0);
    return status == OV_SYSTEM ? status : OV_OK;
}

enum ov_status ov_journal_read_keys(struct ov_journal *journal) {
    TRY(read_signer(journal));
    TRY(finish_change(journal));
    TRY(read_signer(journal));
    TRY(check_signature(journal));
    TRY(read_epoch(journal));
    return read_names_key(journal);
}

static enum ov_status change_epoch(struct ov_journal *journal) {
    struct ov_signer next;
    if (journal->size > journal->sealed.size) {
        TRY(seal_with(journal, NULL));
    }
    ov_signer_init(&next);
    enum ov_status status = ov_signer_new_random(journal->signer.key.name, OV_KEY_NOTE, &next);
    status = status == OV_OK ? write_key(journal, OV_JOURNAL_FILE_KEY_NEXT, &next) : status;
    status = status == OV_OK ? add_epoch(journal, journal->epoch + 1, &next.key) : status;
    status = status == OV_OK ? seal_with(journal, &next) : status;
    ov_signer_release(&next);
    TRY(status);
    TRY(switch_keys(journal));
    TRY(read_signer(journal));
    return ov_journal_write_policy(journal, &journal->signer.key);
}

enum ov_status ov_journal_seal(struct ov_journal *journal, enum ov_seal how) {
    TRY(ov_journal_sync(journal));
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    uint64_t end = journal->epoch_began_ns / 1000000000u + OV_JOURNAL_EPOCH_SECONDS;
    bool is_old = (uint64_t)now.tv_sec >= end;
    if (how == OV_SEAL_NEW_EPOCH || (how == OV_SEAL_IF_OLD && is_old)) {
        return change_epoch(journal);
    }
    return journal->size > journal->sealed.size ? seal_with(journal, NULL) : OV_OK;
}

void ov_journal_head(const struct ov_journal *journal, struct ov_tree_head *ret_head) {
    *ret_head = journal->sealed;
}

// ---- a new journal ------------------------------------------------------------------------------

static enum ov_status write_secrets(struct ov_journal *journal) {
    OV_CLEANUP(ov_buf_release) struct ov_buf vkey = {0};
    randombytes_buf(journal->names_key, sizeof journal->names_key);
    TRY(ov_durable_write(journal->folder, OV_JOURNAL_FILE_NAMES_KEY,
                         ov_span_make(journal->names_key, sizeof journal->names_key), SECRET_MODE));
    TRY(write_key(journal, OV_JOURNAL_FILE_KEY, &journal->signer));
    TRY(ov_key_add(&vkey, &journal->signer.key));
    ov_buf_add_u8(&vkey, '\n');
    TRY(ov_buf_status(&vkey));
    return ov_durable_write(journal->folder, OV_JOURNAL_FILE_VKEY, ov_buf_span(&vkey), PUBLIC_MODE);
}

// Whether there are tiles of more than the first entry.
static bool has_entries(const struct ov_journal *journal) {
    int folder = openat(journal->folder, "tile/0/000.p", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = folder >= 0 ? fdopendir(folder) : NULL;
    bool has_more = faccessat(journal->folder, "tile/0/000", F_OK, 0) == 0;
    for (struct dirent *entry = list != NULL ? readdir(list) : NULL; entry != NULL;
         entry = readdir(list)) {
        has_more |= entry->d_name[0] != '.' && entry->d_name[0] != '1';
        has_more |= entry->d_name[0] == '1' && entry->d_name[1] >= '0' && entry->d_name[1] <= '9';
    }
    if (list != NULL) {
        (void)closedir(list);
    }
    return has_more;
}

// Without a checkpoint there is no journal: what an earlier attempt left is made again. Where there
// was one, its checkpoint was taken away.
enum ov_status ov_journal_create(struct ov_journal *journal) {
    if (has_entries(journal)) {
        return ov_journal_fail(journal, OV_DAMAGED, "the checkpoint is gone, the entries are not");
    }
    uint8_t id[16];
    char name[64] = "overt-journal/";
    randombytes_buf(id, sizeof id);
    ov_hex_write(ov_span_make(id, sizeof id), name + strlen(name));
    ov_signer_release(&journal->signer);
    TRY(ov_signer_new_random(name, OV_KEY_NOTE, &journal->signer));
    enum ov_status status = write_secrets(journal);
    if (status != OV_OK) {
        return ov_journal_fail(journal, status, "a new journal");
    }
    TRY(ov_journal_write_policy(journal, &journal->signer.key));
    TRY(empty_pending(journal));
    TRY(open_writer(journal, 0));
    ov_log_writer_head(&journal->writer, &journal->sealed);
    journal->size = journal->epoch = 0;
    TRY(add_epoch(journal, 0, &journal->signer.key));
    TRY(write_epoch(journal));
    TRY(seal_with(journal, NULL));
    journal->has_pending_epoch = false;
    return OV_OK;
}
