// SPDX-License-Identifier: Apache-2.0
// Updating one feed: proof, verdict, what more the verdict asks for, bundle, verdict, set.
#include "feed/refresh.h"

#include "base/durable.h"
#include "base/hex.h"
#include "feed/set.h"
#include "feed/stage.h"
#include "ledger/entries.h"
#include "ledger/log_names.h"
#include "role/unpack_job.h"
#include "role/verifier.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PROOF_BYTES_MAX = 2 * OV_PROOF_BYTES_MAX,
    ROUNDS_MAX = 4,         // verdicts that ask for more
    WANTS_MAX = 1 << 14,    // files of one kind: a log of four million entries
    ROTATIONS_MAX = 16,     // in one update
    PACKED_SLACK = 1 << 20, // by which a packed bundle may be larger than the bundle
};

enum { ROTATION, LATEST, PROOFS }; // what is asked for first

// What was brought, mapped.
struct piece {
    struct ov_stage stage;
    struct ov_file_map *maps;
    struct ov_span *spans;
};

struct refresh {
    const struct ov_refresh_request *request;
    struct ov_active_feed *entry;
    struct ov_refresh_result *result;
    struct ov_verifier_request ask;
    struct ov_verifier verifier; // that has verified the proof
    struct ov_verifier_result verdict;
    struct piece proof, bundles, tiles;
};

static void tell(const struct refresh *refresh, const char *step) {
    if (refresh->request->on_step != NULL) {
        refresh->request->on_step(refresh->request->arg, step);
    }
}

static enum ov_status fail(struct refresh *refresh, enum ov_status status, const char *why) {
    int error = errno;
    const char *more = status == OV_SYSTEM ? strerror(error) : ov_status_text(status);
    (void)snprintf(refresh->result->reason, sizeof refresh->result->reason, "%s%s%s", why,
                   status == OV_DENIED ? "" : ": ", status == OV_DENIED ? "" : more);
    return status;
}

enum ov_status ov_refresh_bring(const struct ov_refresh_request *request,
                                const struct ov_fetch_get *wants, size_t count,
                                struct ov_stage *ret_stage, struct ov_refresh_result *result) {
    struct ov_stage_request stage = {
        .source = request->source != NULL ? request->source : request->feed->source,
        .folder = request->rules_path,
        .wants = wants,
        .want_count = count,
        .proxy = request->proxy,
    };
    enum ov_status status = ov_stage_open(&stage, ret_stage, result->reason);
    if (status != OV_OK && result->reason[0] == 0) {
        (void)snprintf(result->reason, sizeof result->reason, "fetching: %s",
                       status == OV_SYSTEM ? strerror(errno) : ov_status_text(status));
    }
    TRY(status);
    result->fetched_bytes += ret_stage->bytes;
    result->missing_layers |= ret_stage->missing_layers;
    return OV_OK;
}

// ---- pieces -------------------------------------------------------------------------------------

static void release_piece(struct piece *piece) {
    for (size_t i = 0; piece->maps != NULL && i < piece->stage.count; i++) {
        ov_file_map_close(&piece->maps[i]);
    }
    free(piece->maps);
    free(piece->spans);
    ov_stage_close(&piece->stage);
    *piece = (struct piece){0};
}

static enum ov_status map_piece(struct piece *piece) {
    piece->maps = calloc(piece->stage.count + 1, sizeof *piece->maps);
    piece->spans = calloc(piece->stage.count + 1, sizeof *piece->spans);
    if (piece->maps == NULL || piece->spans == NULL) {
        return OV_MEMORY;
    }
    for (size_t i = 0; i < piece->stage.count; i++) {
        if (piece->stage.fds[i] >= 0) {
            TRY(ov_file_map_open_fd(piece->stage.fds[i], &piece->maps[i]));
            piece->spans[i] = piece->maps[i].bytes;
        }
    }
    return OV_OK;
}

static enum ov_status bring(struct refresh *refresh, const struct ov_fetch_get *wants, size_t count,
                            struct piece *piece) {
    release_piece(piece);
    TRY(ov_refresh_bring(refresh->request, wants, count, &piece->stage, refresh->result));
    enum ov_status status = map_piece(piece);
    return status == OV_OK ? OV_OK : fail(refresh, status, "what was fetched");
}

// The rotation that would come next, which there seldom is, and the newest release: every client of
// the same version asks the same. A publisher lays the rotation down last.
static enum ov_status bring_proofs(struct refresh *refresh, const struct ov_trust *trust) {
    struct ov_log_name rotation = ov_log_name_rotation(&trust->feed, trust->version + 1);
    struct ov_log_name latest = ov_log_name_latest(&trust->feed);
    const struct ov_fetch_get wants[PROOFS] = {
        [ROTATION] = {.path = rotation.text, .most_bytes = PROOF_BYTES_MAX, .may_miss = true},
        [LATEST] = {.path = latest.text, .most_bytes = PROOF_BYTES_MAX},
    };
    tell(refresh, "asking for the newest release");
    TRY(bring(refresh, wants, PROOFS, &refresh->proof));
    refresh->ask.proof = refresh->proof.spans[LATEST];
    return OV_OK;
}

typedef enum ov_status path_fn(uint64_t number, unsigned width, struct ov_tile_path *ret_path);

static enum ov_status tile_path(uint64_t number, unsigned width, struct ov_tile_path *ret_path) {
    return ov_tile_path(0, number, width, ret_path);
}

// Brings the files of level 0 from the one of entry `from` to the end of a log of `size` entries.
static enum ov_status bring_range(struct refresh *refresh, uint64_t from, path_fn *path_of,
                                  uint64_t most_bytes, struct piece *piece) {
    uint64_t size = refresh->verdict.update.head.size;
    uint64_t first = from / OV_TILE_WIDTH;
    uint64_t count = (size + OV_TILE_WIDTH - 1) / OV_TILE_WIDTH - first;
    if (count > WANTS_MAX) {
        return fail(refresh, OV_LIMIT, "the log is too long to be looked through");
    }
    struct ov_fetch_get *wants = calloc((size_t)count, sizeof *wants);
    struct ov_tile_path *paths = calloc((size_t)count, sizeof *paths);
    enum ov_status status = wants != NULL && paths != NULL ? OV_OK : OV_MEMORY;
    for (uint64_t i = 0; status == OV_OK && i < count; i++) {
        status = path_of(first + i, ov_tile_width(size, 0, first + i), &paths[i]);
        wants[i] = (struct ov_fetch_get){.path = paths[i].text, .most_bytes = most_bytes};
    }
    if (status == OV_OK) {
        status = bring(refresh, wants, (size_t)count, piece);
    }
    free(wants);
    free(paths);
    refresh->ask.size = size;
    return status;
}

static enum ov_status bring_later(struct refresh *refresh, uint64_t from) {
    tell(refresh, "reading what the log says after the release");
    TRY(bring_range(refresh, from, ov_entries_path, OV_ENTRIES_BYTES_MAX, &refresh->bundles));
    refresh->ask.later_from = from;
    refresh->ask.bundles = refresh->bundles.spans;
    refresh->ask.bundle_count = refresh->bundles.stage.count;
    return OV_OK;
}

static enum ov_status bring_tiles(struct refresh *refresh) {
    tell(refresh, "reading the log's tiles");
    TRY(bring_range(refresh, 0, tile_path, OV_TILE_WIDTH * OV_SHA256_BYTES, &refresh->tiles));
    refresh->ask.tiles = refresh->tiles.spans;
    refresh->ask.tile_count = refresh->tiles.stage.count;
    return OV_OK;
}

// ---- verdicts -----------------------------------------------------------------------------------

// What the verifier's answer is worth; `status` is whether there is one.
static enum ov_status judge(struct refresh *refresh, enum ov_status status) {
    if (status != OV_OK) {
        return fail(refresh, status == OV_END ? OV_PEER : status, "the verifier");
    }
    refresh->result->missing_layers |= refresh->verdict.missing_layers;
    if (refresh->verdict.status != OV_OK && refresh->verdict.status != OV_END) {
        (void)snprintf(refresh->result->reason, sizeof refresh->result->reason, "%s",
                       refresh->verdict.reason);
    }
    return refresh->verdict.status;
}

static enum ov_status ask_verifier(struct refresh *refresh) {
    ov_verifier_close(&refresh->verifier);
    return judge(refresh, ov_verifier_open(&refresh->ask, &refresh->verifier, &refresh->verdict));
}

// Asks, and brings what the verdict asks for, until there is one that stands.
static enum ov_status verify_proof(struct refresh *refresh) {
    bool wants_tiles = refresh->request->with_tiles;
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        enum ov_status status = ask_verifier(refresh);
        const struct ov_update *update = &refresh->verdict.update;
        if (status != OV_OK && status != OV_END) {
            return status;
        }
        if (status == OV_END && update->later_from < update->head.size) {
            TRY(bring_later(refresh, update->later_from));
        } else if (status == OV_END || wants_tiles) {
            wants_tiles = false;
            TRY(bring_tiles(refresh));
        } else {
            return OV_OK;
        }
    }
    return fail(refresh, OV_DENIED, "the log changed while it was read; try again");
}

// ---- the bundle ---------------------------------------------------------------------------------

// `from` is the bundle that is there already, or empty: then the whole one is brought.
static enum ov_status bring_packed(struct refresh *refresh, const char *from, const char *to,
                                   struct piece *piece) {
    const struct ov_release *release = &refresh->verdict.update.release;
    char path[256];
    struct ov_fetch_get want = {
        .path = path, .most_bytes = release->bundle_bytes + PACKED_SLACK, .may_miss = from[0] != 0};
    tell(refresh, "fetching the rules");
    if (from[0] != 0) {
        (void)snprintf(path, sizeof path, "delta/%s-%s.zst", from, to);
    } else {
        (void)snprintf(path, sizeof path, "bundle/%s.zst", to);
    }
    TRY(bring(refresh, &want, 1, piece));
    return piece->stage.fds[0] >= 0 ? OV_OK : OV_END;
}

static enum ov_status unpack(struct refresh *refresh, const struct piece *packed,
                             const char *prefix, int out) {
    char from[64];
    char why[OV_UNPACK_REASON_BYTES];
    struct ov_unpack_request request = {
        .packed = from,
        .prefix = prefix,
        .most_bytes = refresh->verdict.update.release.bundle_bytes,
        .out = out,
    };
    (void)snprintf(from, sizeof from, "/proc/self/fd/%d", packed->stage.fds[0]);
    enum ov_status status = ov_unpack_run(&request, why);
    if (status != OV_OK) {
        (void)snprintf(refresh->result->reason, sizeof refresh->result->reason,
                       "the bundle cannot be unpacked: %s", why);
    }
    return status;
}

// Has the bundle in `out` verified by the process that has verified the release; by another one
// when that was given a bundle before, and refused it.
static enum ov_status verify_bundle(struct refresh *refresh, int out) {
    tell(refresh, "verifying the rules");
    enum ov_status status = refresh->verifier.pid > 0 ? OV_OK : ask_verifier(refresh);
    if (status == OV_OK) {
        status = judge(refresh, ov_verifier_give(&refresh->verifier, out, &refresh->verdict));
    }
    return status == OV_END ? fail(refresh, OV_PEER, "the verifier") : status;
}

static enum ov_status take_packed(struct refresh *refresh, const char *from, const char *to,
                                  int out) {
    const struct ov_active_feed *entry = refresh->entry;
    struct ov_set_path old =
        ov_set_path_of(refresh->request->rules_path, entry->name.text, from, OV_SET_BUNDLE);
    struct piece packed = {0};
    if (ftruncate(out, 0) != 0 || lseek(out, 0, SEEK_SET) != 0) {
        return fail(refresh, OV_SYSTEM, "the bundle");
    }
    enum ov_status status = bring_packed(refresh, from, to, &packed);
    if (status == OV_OK) {
        status = unpack(refresh, &packed, from[0] != 0 ? old.text : NULL, out);
    }
    release_piece(&packed);
    return status == OV_OK ? verify_bundle(refresh, out) : status;
}

// By what changed since the active bundle, if that is handed out; else, or when nothing right comes
// of it, the whole.
static enum ov_status take_bundle(struct refresh *refresh, const char *to, int out) {
    const struct ov_active_feed *entry = refresh->entry;
    struct ov_set_path old =
        ov_set_path_of(refresh->request->rules_path, entry->name.text, entry->set, OV_SET_BUNDLE);
    bool has_old = entry->set[0] != 0 && access(old.text, R_OK) == 0;
    if (has_old && take_packed(refresh, entry->set, to, out) == OV_OK) {
        return OV_OK;
    }
    return take_packed(refresh, "", to, out);
}

static enum ov_status take_set(struct refresh *refresh) {
    const struct ov_refresh_request *request = refresh->request;
    char digest[2 * OV_SHA256_BYTES + 1];
    OV_AUTO_FD out = open(request->rules_path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
    if (out < 0) {
        return fail(refresh, OV_SYSTEM, request->rules_path);
    }
    ov_hex_write(ov_span_make(refresh->verdict.update.release.bundle_sha256, OV_SHA256_BYTES),
                 digest);
    TRY(take_bundle(refresh, digest, out));
    struct ov_set set = {
        .rules_folder = request->rules_folder,
        .rules_path = request->rules_path,
        .feed = request->feed->name.text,
        .name = digest,
        .reason = refresh->result->reason,
    };
    tell(refresh, "laying down the rules");
    TRY(ov_set_make(&set, out, refresh->ask.proof));
    tell(refresh, "checking each rule against the release");
    TRY(ov_set_check_rules(&set, &refresh->verdict.update.release));
    refresh->result->has_set = true;
    (void)snprintf(refresh->entry->set, sizeof refresh->entry->set, "%s", digest);
    return OV_OK;
}

// ---- rotations ----------------------------------------------------------------------------------

// The name of the feed in its log stands in the trust file: ours, and read again by the verifier.
static enum ov_status read_trust(struct refresh *refresh, struct ov_trust *ret_trust) {
    struct ov_policy_error error = {0};
    struct ov_span text = ov_buf_span(&refresh->request->feed->trust);
    enum ov_status status = ov_trust_read(text, ret_trust, &error);
    return status == OV_OK ? OV_OK : fail(refresh, status, "the trust file");
}

static void ask_with_feed(struct refresh *refresh) {
    refresh->ask.policy = ov_buf_span(&refresh->request->feed->policy);
    refresh->ask.trust = ov_buf_span(&refresh->request->feed->trust);
}

static enum ov_status lay_down(struct refresh *refresh,
                               const struct ov_refresh_rotation *rotation) {
    const struct ov_refresh_request *request = refresh->request;
    enum ov_status status = OV_OK;
    if (request->on_rotation != NULL) {
        status = request->on_rotation(request->arg, rotation);
    }
    if (status != OV_OK) {
        return fail(refresh, status, "the journal");
    }
    status = ov_feed_rotate(request->rules_folder, request->feed, refresh->entry->set,
                            rotation->policy, rotation->trust);
    return status == OV_OK ? OV_OK : fail(refresh, status, "the new release keys");
}

// Has what was brought verified, and takes it over: as version `version` or not at all.
static enum ov_status take_rotation(struct refresh *refresh, uint64_t version) {
    const struct ov_verifier_rotation *rotation = &refresh->verdict.rotation;
    tell(refresh, "verifying new release keys");
    refresh->ask.proof = refresh->proof.spans[ROTATION];
    refresh->ask.is_rotation = true;
    enum ov_status status = ask_verifier(refresh);
    refresh->ask.is_rotation = false;
    if (status == OV_END || (status == OV_OK && rotation->version != version)) {
        return fail(refresh, OV_PEER, "the verifier");
    }
    TRY(status);
    struct ov_span texts = ov_span_make(rotation->bytes, sizeof rotation->bytes);
    const struct ov_refresh_rotation news = {
        .feed = refresh->request->feed->name.text,
        .version = rotation->version,
        .index = rotation->index,
        .trust = ov_span_part(texts, 0, rotation->trust_bytes),
        .policy = ov_span_part(texts, rotation->trust_bytes, rotation->policy_bytes),
    };
    TRY(lay_down(refresh, &news));
    ask_with_feed(refresh);
    refresh->result->trust_version = rotation->version;
    return OV_OK;
}

// Takes over one rotation after another, until there is no next one; what was brought last is the
// proof of the newest release.
static enum ov_status follow_rotations(struct refresh *refresh) {
    static struct ov_trust trust;
    if (ov_feed_settle(refresh->request->rules_folder, refresh->request->feed) != OV_OK) {
        return fail(refresh, OV_SYSTEM, "the release keys");
    }
    for (unsigned i = 0; i <= ROTATIONS_MAX; i++) {
        TRY(read_trust(refresh, &trust));
        refresh->entry->warn_age_days = trust.warn_age_days;
        TRY(bring_proofs(refresh, &trust));
        if (refresh->proof.stage.fds[ROTATION] < 0) {
            return OV_OK;
        }
        TRY(i < ROTATIONS_MAX ? take_rotation(refresh, trust.version + 1) : OV_OK);
    }
    return fail(refresh, OV_LIMIT, "more than 16 rotations of release keys at once");
}

// ---- an update ----------------------------------------------------------------------------------

static void note_state(struct refresh *refresh) {
    const struct ov_update *update = &refresh->verdict.update;
    struct ov_active_feed *entry = refresh->entry;
    struct ov_feed_state *state = &entry->state;
    (void)snprintf(state->origin, sizeof state->origin, "%s", update->origin);
    state->head = update->head;
    state->seq = update->release.seq;
    state->leaf = update->leaf;
    state->index = update->index;
    state->time = update->time > state->time ? update->time : state->time;
    entry->rule_count = update->release.rule_count;
    entry->witness_count = (uint64_t)__builtin_popcountll(update->witnesses);
    entry->is_withdrawn = false;
    entry->updated = refresh->request->now;
}

static enum ov_status run(struct refresh *refresh) {
    TRY(follow_rotations(refresh));
    TRY(verify_proof(refresh));
    bool has_set = refresh->entry->set[0] != 0;
    if (refresh->verdict.update.is_news || !has_set) {
        TRY(take_set(refresh));
    }
    note_state(refresh);
    refresh->result->update = refresh->verdict.update;
    return OV_OK;
}

static struct refresh make_refresh(const struct ov_refresh_request *request,
                                   struct ov_active_feed *entry, struct ov_refresh_result *result) {
    return (struct refresh){
        .request = request,
        .entry = entry,
        .result = result,
        .verifier = {.pidfd = -1, .channel = -1},
        .ask = {.policy = ov_buf_span(&request->feed->policy),
                .trust = ov_buf_span(&request->feed->trust),
                .state = &entry->state,
                .now = request->now},
    };
}

enum ov_status ov_feed_refresh(const struct ov_refresh_request *request,
                               struct ov_active_feed *entry, struct ov_refresh_result *ret_result) {
    static struct ov_active_feed changed;
    *ret_result = (struct ov_refresh_result){0};
    changed = *entry;
    struct refresh refresh = make_refresh(request, &changed, ret_result);
    refresh.ask.state = &entry->state;
    enum ov_status status = run(&refresh);
    ov_verifier_close(&refresh.verifier);
    release_piece(&refresh.proof);
    release_piece(&refresh.bundles);
    release_piece(&refresh.tiles);
    if (status == OV_OK) {
        *entry = changed;
    } else if (refresh.verdict.update.is_active_withdrawn) {
        entry->is_withdrawn = true;
    }
    return status;
}

// ---- what is kept -------------------------------------------------------------------------------

// The proof that was kept is as old as the update: its age is not asked for, nor what came later.
static enum ov_status verify_kept(struct refresh *refresh, struct ov_span proof,
                                  struct ov_span rules) {
    static struct ov_feed_state state;
    state = (struct ov_feed_state){0};
    (void)snprintf(state.origin, sizeof state.origin, "%s", refresh->entry->state.origin);
    refresh->ask.state = &state;
    refresh->ask.proof = proof;
    refresh->ask.rules = rules;
    refresh->ask.is_kept = true;
    TRY(judge(refresh, ov_verifier_run(&refresh->ask, &refresh->verdict)));
    const struct ov_update *update = &refresh->verdict.update;
    bool is_active = ov_tree_hash_is_equal(&update->leaf, &refresh->entry->state.leaf) &&
                     update->release.seq == refresh->entry->state.seq;
    return is_active ? OV_OK
                     : fail(refresh, OV_DENIED, "the proof is not that of the active release");
}

// A set that was loaded before a rotation has the texts with it that were believed then.
static enum ov_status map_texts(struct refresh *refresh, struct ov_file_map *policy,
                                struct ov_file_map *trust) {
    const struct ov_active_feed *entry = refresh->entry;
    const char *rules_path = refresh->request->rules_path;
    struct ov_set_path path =
        ov_set_path_of(rules_path, entry->name.text, entry->set, OV_FEED_TRUST);
    enum ov_status status = ov_file_map_open(path.text, trust);
    if (status == OV_SYSTEM && errno == ENOENT) {
        return OV_OK;
    }
    TRY(status);
    path = ov_set_path_of(rules_path, entry->name.text, entry->set, OV_FEED_POLICY);
    TRY(ov_file_map_open(path.text, policy));
    refresh->ask.trust = trust->bytes;
    refresh->ask.policy = policy->bytes;
    return OV_OK;
}

enum ov_status ov_feed_verify(const struct ov_refresh_request *request,
                              const struct ov_active_feed *entry,
                              struct ov_refresh_result *ret_result) {
    static struct ov_active_feed copy;
    OV_CLEANUP(ov_file_map_close) struct ov_file_map proof = {0};
    OV_CLEANUP(ov_file_map_close) struct ov_file_map rules = {0};
    OV_CLEANUP(ov_file_map_close) struct ov_file_map policy = {0};
    OV_CLEANUP(ov_file_map_close) struct ov_file_map trust = {0};
    const char *name = entry->name.text;
    struct ov_set_path proof_path =
        ov_set_path_of(request->rules_path, name, entry->set, OV_SET_PROOF);
    struct ov_set_path rules_path =
        ov_set_path_of(request->rules_path, name, entry->set, OV_SET_BUNDLE);
    *ret_result = (struct ov_refresh_result){0};
    copy = *entry;
    struct refresh refresh = make_refresh(request, &copy, ret_result);
    enum ov_status status = ov_file_map_open(proof_path.text, &proof);
    status = status == OV_OK ? ov_file_map_open(rules_path.text, &rules) : status;
    status = status == OV_OK ? map_texts(&refresh, &policy, &trust) : status;
    if (status != OV_OK) {
        return fail(&refresh, status, "what was kept of the update");
    }
    TRY(verify_kept(&refresh, proof.bytes, rules.bytes));
    struct ov_set set = {
        .rules_folder = request->rules_folder,
        .rules_path = request->rules_path,
        .feed = name,
        .name = entry->set,
        .reason = ret_result->reason,
    };
    TRY(ov_set_check_files(&set, rules.bytes));
    TRY(ov_set_check_rules(&set, &refresh.verdict.update.release));
    ret_result->update = refresh.verdict.update;
    return OV_OK;
}
