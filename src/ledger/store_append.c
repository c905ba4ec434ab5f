// SPDX-License-Identifier: Apache-2.0
// Adding entries to a log: which of ours fit, and what is kept of them.
#include "ledger/log_names.h"
#include "ledger/store_inside.h"

#include <fcntl.h>
#include <unistd.h>

static enum ov_status refuse(struct ov_store *store, enum ov_status status, const char *why) {
    return ov_store_refuse(&store->error, status, "entry", why);
}

// ---- entries of ours ----------------------------------------------------------------------------

static bool is_feed(const struct ov_store *store, const struct ov_feed_name *feed) {
    return strcmp(feed->text, store->trust.feed.text) == 0;
}

// The next release of the feed, and nothing else.
static enum ov_status accept_release(struct ov_store *store, struct ov_span text,
                                     struct ov_store_state *state) {
    struct ov_release release;
    if (ov_release_read(text, &release) != OV_OK) {
        return refuse(store, OV_DAMAGED, "is no release in the form overt-ruleset/v1");
    }
    if (!is_feed(store, &release.feed)) {
        return refuse(store, OV_DENIED, "is a release of another feed than overt.trust names");
    }
    uint64_t seq = state->has_newest ? state->newest_seq + 1 : 1;
    if (release.seq != seq) {
        return refuse(store, OV_DENIED, "is not the release that comes next: its seq is another");
    }
    if (state->has_newest && !ov_tree_hash_is_equal(&release.previous, &state->newest_leaf)) {
        return refuse(store, OV_DENIED, "does not follow the newest release: previous is another");
    }
    struct ov_log_name bundle = ov_log_name_bundle(release.bundle_sha256);
    if (faccessat(store->folder, bundle.text, R_OK, AT_SYMLINK_NOFOLLOW) != 0) {
        return ov_store_refuse(&store->error, OV_DENIED, bundle.text,
                               "the bundle of this release is not there");
    }
    state->newest_seq = state->current_seq = seq;
    state->has_newest = state->has_current = true;
    return OV_OK;
}

static enum ov_status accept_withdrawal(struct ov_store *store, struct ov_span text,
                                        const struct ov_store_state *state) {
    struct ov_withdrawal withdrawal;
    if (ov_withdrawal_read(text, &withdrawal) != OV_OK) {
        return refuse(store, OV_DAMAGED, "is no withdrawal in the form overt-withdraw/v1");
    }
    if (!is_feed(store, &withdrawal.feed)) {
        return refuse(store, OV_DENIED, "withdraws from another feed than overt.trust names");
    }
    if (!state->has_newest || withdrawal.seq == 0 || withdrawal.seq > state->newest_seq) {
        return refuse(store, OV_DENIED, "withdraws a release that there is not");
    }
    return OV_OK;
}

static enum ov_status accept_engine(struct ov_store *store, struct ov_span text) {
    struct ov_engine engine;
    return ov_engine_read(text, &engine) == OV_OK
               ? OV_OK
               : refuse(store, OV_DAMAGED, "is no engine in the form overt-engine/v1");
}

// Whether the key that signs now is that of the new policy's first log, too: it stays this log.
static bool has_own_key(const struct ov_store *store, const struct ov_policy *policy) {
    const struct ov_key *own = &store->policy.logs[0].key;
    const struct ov_key *key = &policy->logs[0].key;
    return policy->log_count > 0 && ov_key_is_same_material(key, own) && key->type == own->type &&
           strcmp(key->name, own->name) == 0;
}

static enum ov_status check_new_trust(struct ov_store *store, struct ov_span entry,
                                      const struct ov_rotation *rotation, struct ov_span text) {
    struct ov_trust trust;
    struct ov_policy_error error;
    struct ov_span signed_text;
    const char *why;
    if (ov_trust_read(text, &trust, &error) != OV_OK) {
        return refuse(store, OV_DAMAGED, error.why);
    }
    if (!is_feed(store, &rotation->feed) || !is_feed(store, &trust.feed) ||
        trust.version != rotation->version || trust.version != store->trust.version + 1) {
        return refuse(store, OV_DENIED, "the new trust file is not the next version of the old");
    }
    enum ov_status status = ov_trust_check(&trust, entry, &signed_text, &why);
    return status == OV_OK ? OV_OK : refuse(store, status, why);
}

static enum ov_status check_new_policy(struct ov_store *store, struct ov_span text) {
    struct ov_policy_error error;
    if (ov_policy_read(text, &store->next_policy, &error) != OV_OK) {
        return refuse(store, OV_DAMAGED, error.why);
    }
    return has_own_key(store, &store->next_policy)
               ? OV_OK
               : refuse(store, OV_DENIED, "the first log of the new policy is not this one");
}

static enum ov_status accept_rotation(struct ov_store *store, struct ov_span entry,
                                      struct ov_span text, struct ov_store_state *state) {
    struct ov_rotation rotation;
    OV_CLEANUP(ov_buf_release) struct ov_buf trust = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf policy = {0};
    if (ov_rotation_read(text, &rotation) != OV_OK) {
        return refuse(store, OV_DAMAGED, "is no rotation in the form overt-policy/v1");
    }
    ov_rotation_add_file(&trust, &rotation, "trust");
    ov_rotation_add_file(&policy, &rotation, "policy");
    TRY(ov_buf_status(&trust));
    TRY(ov_buf_status(&policy));
    TRY(check_new_trust(store, entry, &rotation, ov_buf_span(&trust)));
    TRY(check_new_policy(store, ov_buf_span(&policy)));
    state->has_rotation = true;
    return OV_OK;
}

// Looks at an entry that claims to be ours, and notes in `state` what comes of it.
static enum ov_status accept_own(struct ov_store *store, struct ov_span entry,
                                 enum ov_leaf_kind kind, struct ov_store_state *state) {
    struct ov_span text;
    const char *why;
    if (state->has_rotation) {
        return refuse(store, OV_DENIED, "new keys wait to be published (overt log checkpoint)");
    }
    enum ov_status status = ov_trust_check(&store->trust, entry, &text, &why);
    if (status != OV_OK) {
        return refuse(store, status, why);
    }
    switch (kind) {
    case OV_LEAF_RULESET:
        return accept_release(store, text, state);
    case OV_LEAF_WITHDRAWAL:
        return accept_withdrawal(store, text, state);
    case OV_LEAF_ENGINE:
        return accept_engine(store, text);
    case OV_LEAF_ROTATION:
        return accept_rotation(store, entry, text, state);
    case OV_LEAF_OTHER:
        break;
    }
    return OV_INVALID;
}

// ---- adding -------------------------------------------------------------------------------------

static void note_place(struct ov_store_state *state, struct ov_span entry, enum ov_leaf_kind kind,
                       uint64_t index) {
    if (kind == OV_LEAF_RULESET) {
        state->newest_index = state->current_index = index;
        ov_leaf_hash(entry, &state->newest_leaf);
    } else if (kind == OV_LEAF_ROTATION) {
        state->rotation_index = index;
    }
}

static void note_batch(struct ov_store *store, struct ov_span entry, enum ov_leaf_kind kind) {
    struct ov_tree_hash leaf;
    if (kind != OV_LEAF_OTHER) {
        store->has_own = true;
        return;
    }
    if (store->batch_count == 0) {
        ov_digest_init(OV_HASH_SHA256, &store->batch);
    }
    store->batch_count++;
    ov_leaf_hash(entry, &leaf);
    ov_digest_update(&store->batch, ov_span_make(leaf.bytes, sizeof leaf.bytes));
}

enum ov_status ov_store_add(struct ov_store *store, struct ov_span entry, uint64_t *ret_index) {
    struct ov_store_state state = store->state;
    struct ov_tree_head head;
    enum ov_leaf_kind kind = ov_leaf_kind_of(entry);
    if (entry.size > OV_ENTRY_BYTES_MAX) {
        return refuse(store, OV_INVALID, "is longer than the 65535 bytes that an entry may have");
    }
    if (kind != OV_LEAF_OTHER) {
        TRY(accept_own(store, entry, kind, &state));
    }
    ov_log_writer_head(&store->writer, &head);
    note_place(&state, entry, kind, head.size);
    enum ov_status status = ov_log_writer_add(&store->writer, entry);
    if (status != OV_OK) {
        return ov_store_refuse(&store->error, status, store->writer.flaw.path.text,
                               store->writer.flaw.why);
    }
    store->must_search = store->must_search || kind == OV_LEAF_WITHDRAWAL;
    note_batch(store, entry, kind);
    store->state = state;
    *ret_index = head.size;
    return OV_OK;
}

// ---- which release is the newest that is not withdrawn ------------------------------------------

struct place {
    uint64_t index, seq;
};

struct search {
    const struct ov_store *store;
    struct ov_buf live; // struct place, the older ones first
};

static void drop_release(struct search *search, uint64_t seq) {
    struct place *places = (struct place *)(void *)search->live.data;
    size_t count = search->live.size / sizeof *places;
    for (size_t i = 0; i < count; i++) {
        if (places[i].seq == seq) {
            memmove(&places[i], &places[i + 1], (count - i - 1) * sizeof *places);
            search->live.size -= sizeof *places;
            return;
        }
    }
}

static void look_at(struct search *search, uint64_t index, struct ov_span entry) {
    struct ov_release release;
    struct ov_withdrawal withdrawal;
    struct ov_note note;
    enum ov_leaf_kind kind = ov_leaf_kind_of(entry);
    if (kind == OV_LEAF_OTHER || ov_note_read(entry, &note) != OV_OK) {
        return;
    }
    if (kind == OV_LEAF_RULESET && ov_release_read(note.text, &release) == OV_OK) {
        struct place place = {.index = index, .seq = release.seq};
        ov_buf_add(&search->live, &place, sizeof place);
    } else if (kind == OV_LEAF_WITHDRAWAL && ov_withdrawal_read(note.text, &withdrawal) == OV_OK) {
        drop_release(search, withdrawal.seq);
    }
}

// Goes through all entries that stand in the folder.
static enum ov_status look_at_all(struct search *search, uint64_t size) {
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    struct ov_entries entries;
    for (uint64_t number = 0; number * OV_TILE_WIDTH < size; number++) {
        unsigned width = ov_tile_width(size, 0, number);
        TRY(ov_entries_load(search->store->folder, number, width, &bytes, &entries));
        for (unsigned i = 0; i < entries.count; i++) {
            look_at(search, number * OV_TILE_WIDTH + i, entries.entries[i]);
        }
    }
    return ov_buf_status(&search->live);
}

static enum ov_status find_current(struct ov_store *store, uint64_t size) {
    struct search search = {.store = store};
    enum ov_status status = look_at_all(&search, size);
    size_t count = search.live.size / sizeof(struct place);
    if (status == OV_OK) {
        store->state.has_current = count > 0;
    }
    if (status == OV_OK && count > 0) {
        struct place last;
        memcpy(&last, search.live.data + (count - 1) * sizeof last, sizeof last);
        store->state.current_index = last.index;
        store->state.current_seq = last.seq;
    }
    ov_buf_release(&search.live);
    return status;
}

// ---- committing ---------------------------------------------------------------------------------

// Puts the batch into the state, and tells whether it is the one that the last run left behind.
static bool close_batch(struct ov_store *store) {
    struct ov_store_state *state = &store->state;
    state->has_batch = store->batch_count > 0;
    state->batch_count = store->batch_count;
    if (state->has_batch) {
        ov_digest_finish(&store->batch, state->batch.bytes);
    }
    store->batch_count = 0;
    return state->has_batch && store->saved.has_batch && !store->has_own &&
           state->batch_count == store->saved.batch_count &&
           ov_tree_hash_is_equal(&state->batch, &store->saved.batch);
}

static enum ov_status flush(struct ov_store *store) {
    struct ov_tree_head head;
    enum ov_status status = ov_log_writer_flush(&store->writer);
    if (status != OV_OK) {
        return ov_store_refuse(&store->error, status, store->writer.flaw.path.text,
                               store->writer.flaw.why);
    }
    ov_log_writer_head(&store->writer, &head);
    if (store->must_search) {
        status = find_current(store, head.size);
        if (status != OV_OK) {
            return ov_store_refuse(&store->error, status, "tile/entries", NULL);
        }
    }
    store->must_search = false;
    store->state.head = head;
    ov_tile_reader_init(store->folder, head.size, &store->reader);
    return OV_OK;
}

enum ov_status ov_store_commit(struct ov_store *store) {
    if (close_batch(store)) {
        store->state = store->saved;
        return OV_END;
    }
    TRY(flush(store));
    TRY(ov_store_save(store, &store->state));
    store->has_own = false;
    enum ov_status status = ov_store_load_rotation(store);
    return status == OV_OK ? OV_OK : ov_store_refuse(&store->error, status, "tile/entries", NULL);
}

enum ov_status ov_store_finish(struct ov_store *store) {
    struct ov_store_state state = store->state;
    if (!state.has_batch) {
        return OV_OK;
    }
    state.has_batch = false;
    state.batch_count = 0;
    TRY(ov_store_save(store, &state));
    store->state = state;
    return OV_OK;
}
