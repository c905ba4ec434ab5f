// SPDX-License-Identifier: Apache-2.0
// Opening a log to work on it: its files, and whether the two folders fit each other.
#include "ledger/store.h"

#include "base/durable.h"
#include "ledger/log_names.h"
#include "ledger/store_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

enum ov_status ov_store_refuse(struct ov_store_error *error, enum ov_status status,
                               const char *what, const char *why) {
    const char *text = why != NULL           ? why
                       : status == OV_SYSTEM ? strerror(errno)
                                             : ov_status_text(status);
    (void)snprintf(error->what, sizeof error->what, "%s", what);
    (void)snprintf(error->why, sizeof error->why, "%s", text);
    error->is_set_back = false;
    return status;
}

enum ov_status ov_store_refuse_set_back(struct ov_store_error *error, const char *what,
                                        const char *why) {
    enum ov_status status = ov_store_refuse(error, OV_DENIED, what, why);
    error->is_set_back = true;
    return status;
}

// ---- files --------------------------------------------------------------------------------------

enum ov_status ov_store_load(int folder, const char *name, size_t most, struct ov_buf *buf) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    OV_AUTO_FD fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return OV_SYSTEM;
    }
    TRY(ov_file_map_open_fd(fd, &map));
    if (map.bytes.size > most) {
        return OV_LIMIT;
    }
    ov_buf_reset(buf);
    ov_buf_add(buf, map.bytes.data, map.bytes.size);
    return ov_buf_status(buf);
}

static enum ov_status load(struct ov_store *store, int folder, const char *name, size_t most,
                           struct ov_buf *buf) {
    enum ov_status status = ov_store_load(folder, name, most, buf);
    return status == OV_OK ? OV_OK : ov_store_refuse(&store->error, status, name, NULL);
}

// The same for a file that need not be there: `buf` is empty then.
static enum ov_status load_if_there(struct ov_store *store, int folder, const char *name,
                                    size_t most, struct ov_buf *buf) {
    ov_buf_reset(buf);
    if (faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) {
        return OV_OK;
    }
    return load(store, folder, name, most, buf);
}

enum ov_status ov_store_save(struct ov_store *store, const struct ov_store_state *state) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    ov_store_state_add(&text, state);
    enum ov_status status = ov_buf_status(&text);
    if (status == OV_OK) {
        status = ov_durable_write(store->private_folder, OV_LOG_STATE, ov_buf_span(&text), 0600);
    }
    if (status != OV_OK) {
        return ov_store_refuse(&store->error, status, OV_LOG_STATE, NULL);
    }
    store->saved = *state;
    return OV_OK;
}

// ---- creating -----------------------------------------------------------------------------------

static bool is_there(int folder, const char *name) {
    return faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

enum ov_status ov_store_check_new(int folder, int private_folder,
                                  struct ov_store_error *ret_error) {
    if (is_there(private_folder, OV_LOG_STATE)) {
        return ov_store_refuse(ret_error, OV_DENIED, OV_LOG_STATE, "there is a log already");
    }
    if (is_there(folder, OV_LOG_CHECKPOINT) || is_there(folder, "tile")) {
        return ov_store_refuse(ret_error, OV_DENIED, OV_LOG_CHECKPOINT,
                               "there is a log already, whose private folder is another");
    }
    return OV_OK;
}

enum ov_status ov_store_create(int folder, int private_folder, struct ov_store_error *ret_error) {
    struct ov_store_state state;
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    TRY(ov_store_check_new(folder, private_folder, ret_error));
    ov_store_state_init(&state);
    ov_store_state_add(&text, &state);
    enum ov_status status = ov_buf_status(&text);
    if (status == OV_OK) {
        status = ov_durable_write(private_folder, OV_LOG_STATE, ov_buf_span(&text), 0600);
    }
    return status == OV_OK ? OV_OK : ov_store_refuse(ret_error, status, OV_LOG_STATE, NULL);
}

// ---- opening ------------------------------------------------------------------------------------

void ov_store_init(struct ov_store *ret_store) {
    *ret_store = (struct ov_store){.folder = -1, .private_folder = -1, .lock = -1};
}

static enum ov_status open_folder(struct ov_store *store, const char *path, int *ret_fd) {
    *ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret_fd >= 0 ? OV_OK : ov_store_refuse(&store->error, OV_SYSTEM, path, NULL);
}

static enum ov_status take_lock(struct ov_store *store) {
    store->lock =
        openat(store->private_folder, OV_LOG_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (store->lock < 0) {
        return ov_store_refuse(&store->error, OV_SYSTEM, OV_LOG_LOCK, NULL);
    }
    if (flock(store->lock, LOCK_EX | LOCK_NB) != 0) {
        return ov_store_refuse(&store->error, OV_DENIED, OV_LOG_LOCK,
                               "another process works on this log");
    }
    return OV_OK;
}

// What is wrong on which line of a file of ours.
static enum ov_status refuse_line(struct ov_store *store, const char *name,
                                  const struct ov_policy_error *error) {
    char why[OV_STORE_TEXT_BYTES];
    (void)snprintf(why, sizeof why, "line %zu: %s", error->line, error->why);
    return ov_store_refuse(&store->error, OV_DAMAGED, name, why);
}

static enum ov_status load_public(struct ov_store *store) {
    struct ov_policy_error error;
    TRY(load(store, store->folder, OV_LOG_POLICY, OV_POLICY_BYTES_MAX, &store->policy_text));
    if (ov_policy_read(ov_buf_span(&store->policy_text), &store->policy, &error) != OV_OK) {
        return refuse_line(store, OV_LOG_POLICY, &error);
    }
    if (store->policy.log_count == 0) {
        return ov_store_refuse(&store->error, OV_DAMAGED, OV_LOG_POLICY, "names no log");
    }
    TRY(load(store, store->folder, OV_LOG_TRUST, OV_TRUST_BYTES_MAX, &store->trust_text));
    if (ov_trust_read(ov_buf_span(&store->trust_text), &store->trust, &error) != OV_OK) {
        return refuse_line(store, OV_LOG_TRUST, &error);
    }
    return OV_OK;
}

static enum ov_status load_state(struct ov_store *store) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    TRY(load(store, store->private_folder, OV_LOG_STATE, OV_STORE_STATE_BYTES_MAX, &text));
    if (ov_store_state_read(ov_buf_span(&text), &store->state) == OV_OK) {
        store->saved = store->state;
        return OV_OK;
    }
    return ov_store_refuse(&store->error, OV_DAMAGED, OV_LOG_STATE, "is no state of a log");
}

enum ov_status ov_store_load_rotation(struct ov_store *store) {
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    struct ov_span entry;
    struct ov_note note;
    struct ov_rotation rotation;
    struct ov_policy_error error;
    ov_buf_reset(&store->next_trust_text);
    ov_buf_reset(&store->next_policy_text);
    if (!store->state.has_rotation) {
        return OV_OK;
    }
    TRY(ov_store_entry(store->folder, store->state.rotation_index, store->state.head.size, &bytes,
                       &entry));
    TRY(ov_note_read(entry, &note));
    TRY(ov_rotation_read(note.text, &rotation));
    store->next_version = rotation.version;
    ov_rotation_add_file(&store->next_trust_text, &rotation, "trust");
    ov_rotation_add_file(&store->next_policy_text, &rotation, "policy");
    TRY(ov_buf_status(&store->next_trust_text));
    TRY(ov_buf_status(&store->next_policy_text));
    return ov_policy_read(ov_buf_span(&store->next_policy_text), &store->next_policy, &error);
}

// Opens a checkpoint of this log; one without bytes is none, and gives an empty head.
static enum ov_status open_checkpoint(struct ov_store *store, const char *name, struct ov_span note,
                                      struct ov_tree_head *ret_head) {
    struct ov_checkpoint_opened opened;
    const char *why;
    if (note.size == 0) {
        *ret_head = (struct ov_tree_head){0};
        return OV_OK;
    }
    enum ov_status status = ov_checkpoint_open(note, &store->policy, &opened, &why);
    if (status != OV_OK) {
        return ov_store_refuse(&store->error, status, name, why);
    }
    *ret_head = opened.checkpoint.head;
    return OV_OK;
}

// ---- whether it fits together -------------------------------------------------------------------

static enum ov_status open_tiles(struct ov_store *store) {
    struct ov_tree_head head;
    char why[OV_STORE_TEXT_BYTES];
    enum ov_status status =
        ov_log_writer_open(store->folder, store->state.head.size, &store->writer);
    if (status != OV_OK) {
        const struct ov_tile_flaw *flaw = &store->writer.flaw;
        const char *what = status == OV_SYSTEM ? strerror(errno) : flaw->why;
        (void)snprintf(why, sizeof why,
                       "%s: the folder does not hold the %llu entries that were appended",
                       what != NULL ? what : ov_status_text(status),
                       (unsigned long long)store->state.head.size);
        return ov_store_refuse_set_back(&store->error,
                                        flaw->path.text[0] != '\0' ? flaw->path.text : "tile", why);
    }
    store->has_writer = true;
    ov_tile_reader_init(store->folder, store->state.head.size, &store->reader);
    ov_log_writer_head(&store->writer, &head);
    if (!ov_tree_hash_is_equal(&head.root, &store->state.head.root)) {
        return ov_store_refuse_set_back(&store->error, "tile",
                                        "the tiles do not hash to what was appended");
    }
    return OV_OK;
}

// That the tiles lead from the one head to the other.
static enum ov_status check_step(struct ov_store *store, const struct ov_tree_head *old_head,
                                 const struct ov_tree_head *new_head, const char *name) {
    struct ov_tree_source source = ov_tile_reader_source(&store->reader);
    struct ov_tree_proof proof = {0};
    if (old_head->size == 0) {
        return OV_OK;
    }
    if (ov_consistency_prove(&source, old_head->size, new_head->size, &proof) != OV_OK ||
        ov_consistency_verify(old_head, new_head, &proof) != OV_OK) {
        return ov_store_refuse_set_back(&store->error, name,
                                        "the tiles do not hash to this checkpoint");
    }
    return OV_OK;
}

static enum ov_status refuse_set_back(struct ov_store *store, const char *name, uint64_t size,
                                      uint64_t known_size) {
    char why[OV_STORE_TEXT_BYTES];
    (void)snprintf(why, sizeof why,
                   "has %llu entries, and the private folder knows of %llu: it was set back",
                   (unsigned long long)size, (unsigned long long)known_size);
    return ov_store_refuse_set_back(&store->error, name, why);
}

static enum ov_status check_heads(struct ov_store *store, const struct ov_tree_head *published,
                                  bool is_published) {
    bool is_signed = store->head_note.size > 0;
    if (is_published && (!is_signed || published->size > store->head.size)) {
        return refuse_set_back(store, OV_LOG_CHECKPOINT, published->size,
                               is_signed ? store->head.size : 0);
    }
    if (store->head.size > store->state.head.size) {
        return refuse_set_back(store, OV_LOG_HEAD, store->head.size, store->state.head.size);
    }
    TRY(open_tiles(store));
    TRY(check_step(store, &store->head, &store->state.head, OV_LOG_HEAD));
    return check_step(store, published, &store->head, OV_LOG_CHECKPOINT);
}

enum ov_status ov_store_open(struct ov_store *store, const char *path, const char *private_path) {
    OV_CLEANUP(ov_buf_release) struct ov_buf note = {0};
    struct ov_tree_head published;
    TRY(open_folder(store, path, &store->folder));
    TRY(open_folder(store, private_path, &store->private_folder));
    TRY(take_lock(store));
    TRY(load_public(store));
    TRY(load_state(store));
    TRY(load_if_there(store, store->private_folder, OV_LOG_HEAD, OV_NOTE_BYTES_MAX,
                      &store->head_note));
    TRY(open_checkpoint(store, OV_LOG_HEAD, ov_buf_span(&store->head_note), &store->head));
    store->known_size = store->head.size;
    TRY(load_if_there(store, store->folder, OV_LOG_CHECKPOINT, OV_NOTE_BYTES_MAX, &note));
    TRY(open_checkpoint(store, OV_LOG_CHECKPOINT, ov_buf_span(&note), &published));
    store->published_size = published.size;
    TRY(check_heads(store, &published, note.size > 0));
    enum ov_status status = ov_store_load_rotation(store);
    return status == OV_OK ? OV_OK
                           : ov_store_refuse(&store->error, status, "tile/entries",
                                             "the entry overt-policy/v1 that waits cannot be read");
}

void ov_store_close(struct ov_store *store) {
    if (store->has_writer) {
        ov_log_writer_close(&store->writer);
    }
    ov_buf_release(&store->policy_text);
    ov_buf_release(&store->trust_text);
    ov_buf_release(&store->next_policy_text);
    ov_buf_release(&store->next_trust_text);
    ov_buf_release(&store->head_note);
    ov_buf_release(&store->cosignatures);
    ov_fd_close(&store->folder);
    ov_fd_close(&store->private_folder);
    ov_fd_close(&store->lock); // and gives the lock back
    store->has_writer = false;
}
