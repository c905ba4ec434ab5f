// SPDX-License-Identifier: Apache-2.0
// Signing a log's head, having it cosigned, and putting it where everybody sees it.
#include "base/durable.h"
#include "ledger/cosign.h"
#include "ledger/log_names.h"
#include "ledger/store_inside.h"

#include <stdio.h>

enum { PUBLIC_MODE = 0644, PRIVATE_MODE = 0600 };

// ---- signing ------------------------------------------------------------------------------------

static bool is_key_of_log(const struct ov_store *store, const struct ov_key *key) {
    const struct ov_key *own = &store->policy.logs[0].key;
    return ov_key_is_same_material(key, own) && key->type == own->type &&
           strcmp(key->name, own->name) == 0;
}

bool ov_store_has_news(const struct ov_store *store) {
    // Opening has compared the roots.
    return store->head_note.size == 0 || store->head.size != store->state.head.size;
}

static void drop_cosignatures(struct ov_store *store) {
    ov_buf_reset(&store->cosignatures);
    store->witnesses = 0;
    store->next_witnesses = 0;
}

enum ov_status ov_store_sign(struct ov_store *store, const struct ov_signer *signer) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    struct ov_checkpoint checkpoint = {.origin = ov_span_text(store->policy.logs[0].key.name),
                                       .head = store->state.head};
    if (!is_key_of_log(store, &signer->key)) {
        return ov_store_refuse(&store->error, OV_DENIED, OV_LOG_KEY,
                               "is not the key of this log: log.policy names another");
    }
    if (!ov_store_has_news(store)) {
        return OV_OK;
    }
    drop_cosignatures(store);
    ov_checkpoint_add(&text, &checkpoint);
    ov_buf_reset(&store->head_note);
    ov_note_add_text(&store->head_note, ov_buf_span(&text));
    ov_note_sign(&store->head_note, ov_buf_span(&text), signer, 0);
    TRY(ov_buf_status(&text));
    TRY(ov_buf_status(&store->head_note));
    enum ov_status status = ov_durable_write(store->private_folder, OV_LOG_HEAD,
                                             ov_buf_span(&store->head_note), PRIVATE_MODE);
    if (status != OV_OK) {
        return ov_store_refuse(&store->error, status, OV_LOG_HEAD, NULL);
    }
    store->head = store->state.head;
    return OV_OK;
}

// ---- cosignatures -------------------------------------------------------------------------------

enum ov_status ov_store_request(struct ov_store *store, uint64_t old_size, struct ov_buf *body) {
    struct ov_cosign_request request = {.old_size = old_size,
                                        .checkpoint = ov_buf_span(&store->head_note)};
    struct ov_tree_source source = ov_tile_reader_source(&store->reader);
    char why[OV_STORE_TEXT_BYTES];
    // The head of this run may have reached the witness before its answer was lost.
    if (old_size > store->known_size && old_size != store->head.size) {
        (void)snprintf(why, sizeof why,
                       "a witness has seen %llu entries of this log, and %llu were ever signed "
                       "here: both folders were set back",
                       (unsigned long long)old_size, (unsigned long long)store->known_size);
        return ov_store_refuse_set_back(&store->error, OV_LOG_HEAD, why);
    }
    if (old_size > 0 && old_size < store->head.size) {
        enum ov_status status =
            ov_consistency_prove(&source, old_size, store->head.size, &request.proof);
        if (status != OV_OK) {
            return ov_store_refuse(&store->error, status, store->reader.flaw.path.text, NULL);
        }
    }
    ov_cosign_request_add(body, &request);
    return ov_buf_status(body);
}

// What signature lines say for the witnesses of one policy.
static enum ov_status take_for(struct ov_store *store, const struct ov_policy *policy,
                               struct ov_span bytes, const struct ov_note *lines,
                               uint64_t *witnesses) {
    struct ov_note head;
    TRY(ov_note_read(ov_buf_span(&store->head_note), &head));
    for (size_t i = 0; i < policy->witness_count; i++) {
        const struct ov_key *key = &policy->witnesses[i].key;
        OV_CLEANUP(ov_buf_release) struct ov_buf line = {0};
        uint64_t time;
        if ((*witnesses >> i & 1) != 0 || !ov_key_can_verify(key) ||
            ov_note_find(lines, key) == NULL) {
            continue;
        }
        enum ov_status status = ov_cosign_take(bytes, head.text, key, &line, &time);
        if (status != OV_OK) {
            return ov_store_refuse(&store->error, status, key->name, "its signature is false");
        }
        struct ov_span all = ov_buf_span(&store->cosignatures);
        if (ov_span_search(all, 0, ov_buf_span(&line)) == all.size) {
            ov_buf_add(&store->cosignatures, line.data, line.size);
        }
        TRY(ov_buf_status(&store->cosignatures));
        *witnesses |= UINT64_C(1) << i;
    }
    return OV_OK;
}

enum ov_status ov_store_take(struct ov_store *store, struct ov_span bytes, unsigned *ret_count) {
    struct ov_note lines;
    int before =
        __builtin_popcountll(store->witnesses) + __builtin_popcountll(store->next_witnesses);
    if (ov_note_read_lines(bytes, &lines) != OV_OK) {
        return ov_store_refuse(&store->error, OV_DAMAGED, "cosignatures", "are no signature lines");
    }
    TRY(take_for(store, &store->policy, bytes, &lines, &store->witnesses));
    if (store->state.has_rotation) {
        TRY(take_for(store, &store->next_policy, bytes, &lines, &store->next_witnesses));
    }
    *ret_count = (unsigned)(__builtin_popcountll(store->witnesses) +
                            __builtin_popcountll(store->next_witnesses) - before);
    return OV_OK;
}

bool ov_store_is_witnessed(const struct ov_store *store) {
    return ov_policy_is_met(&store->policy, store->witnesses) &&
           (!store->state.has_rotation ||
            ov_policy_is_met(&store->next_policy, store->next_witnesses));
}

// ---- publishing ---------------------------------------------------------------------------------

static enum ov_status write_public(struct ov_store *store, const char *name, struct ov_span bytes) {
    enum ov_status status = ov_durable_write(store->folder, name, bytes, PUBLIC_MODE);
    return status == OV_OK ? OV_OK : ov_store_refuse(&store->error, status, name, NULL);
}

// The proof that clients ask for. When all releases are withdrawn it is that of the last one, so
// that they see the withdrawal that stands after it.
static enum ov_status publish_feed(struct ov_store *store, struct ov_span checkpoint) {
    const struct ov_store_state *state = &store->state;
    OV_CLEANUP(ov_buf_release) struct ov_buf proof = {0};
    if (!state->has_newest) {
        return OV_OK;
    }
    struct ov_log_name name = ov_log_name_latest(&store->trust.feed);
    enum ov_status status = ov_store_prove(
        store->folder, state->has_current ? state->current_index : state->newest_index,
        &store->head, checkpoint, &proof);
    if (status != OV_OK) {
        return ov_store_refuse(&store->error, status, name.text,
                               "the entry of the newest release cannot be proven");
    }
    return write_public(store, name.text, ov_buf_span(&proof));
}

// What clients of the version before ask for. It is written once: a proof does not age, and later
// checkpoints may have fewer cosignatures of witnesses that the old policy believes. The quorum of
// the old policy has cosigned this one, as long as its files are in their places.
static enum ov_status publish_rotation_proof(struct ov_store *store, struct ov_span checkpoint) {
    OV_CLEANUP(ov_buf_release) struct ov_buf proof = {0};
    if (store->trust.version >= store->next_version) {
        return OV_OK; // a run before this one ended between the files
    }
    struct ov_log_name name = ov_log_name_rotation(&store->trust.feed, store->next_version);
    enum ov_status status = ov_store_prove(store->folder, store->state.rotation_index, &store->head,
                                           checkpoint, &proof);
    if (status != OV_OK) {
        return ov_store_refuse(&store->error, status, name.text,
                               "the entry overt-policy/v1 cannot be proven");
    }
    return write_public(store, name.text, ov_buf_span(&proof));
}

static enum ov_status publish_rotation(struct ov_store *store, struct ov_span checkpoint) {
    if (!store->state.has_rotation) {
        return OV_OK;
    }
    TRY(publish_rotation_proof(store, checkpoint));
    TRY(write_public(store, OV_LOG_TRUST, ov_buf_span(&store->next_trust_text)));
    TRY(write_public(store, OV_LOG_POLICY, ov_buf_span(&store->next_policy_text)));
    struct ov_store_state state = store->state;
    state.has_rotation = false;
    state.rotation_index = 0;
    TRY(ov_store_save(store, &state));
    store->state = state;
    return OV_OK;
}

enum ov_status ov_store_publish(struct ov_store *store) {
    OV_CLEANUP(ov_buf_release) struct ov_buf note = {0};
    struct ov_checkpoint_opened opened;
    const char *why = "too few witnesses have cosigned";
    ov_buf_add(&note, store->head_note.data, store->head_note.size);
    ov_buf_add(&note, store->cosignatures.data, store->cosignatures.size);
    TRY(ov_buf_status(&note));
    if (!ov_store_is_witnessed(store)) {
        return ov_store_refuse(&store->error, OV_DENIED, OV_LOG_CHECKPOINT, why);
    }
    // As every client will: what they would refuse does not go out.
    enum ov_status status =
        ov_checkpoint_open_witnessed(ov_buf_span(&note), &store->policy, &opened, &why);
    if (status == OV_OK && store->state.has_rotation) {
        status =
            ov_checkpoint_open_witnessed(ov_buf_span(&note), &store->next_policy, &opened, &why);
    }
    if (status != OV_OK) {
        return ov_store_refuse(&store->error, status, OV_LOG_CHECKPOINT, why);
    }
    TRY(write_public(store, OV_LOG_CHECKPOINT, ov_buf_span(&note)));
    store->published_size = store->head.size;
    TRY(publish_feed(store, ov_buf_span(&note)));
    return publish_rotation(store, ov_buf_span(&note));
}
