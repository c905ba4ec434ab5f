// SPDX-License-Identifier: Apache-2.0
// Every new entry: what it says, who has signed it, and whether releases follow one another.
#include "cmd/log_monitor.h"

#include "base/hex.h"
#include "base/printable.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {
    [OV_LEAF_OTHER] = "other",   [OV_LEAF_RULESET] = "release", [OV_LEAF_WITHDRAWAL] = "withdrawal",
    [OV_LEAF_ENGINE] = "engine", [OV_LEAF_ROTATION] = "policy",
};

static const char *const signature_names[OV_SIGNATURES_COUNT] = {
    [OV_SIGNATURES_UNASKED] = "not checked",
    [OV_SIGNATURES_MET] = "met",
    [OV_SIGNATURES_UNMET] = "not met",
};

// Some entries of one bundle in the mirror, and what the auditor says of them.
struct batch {
    uint64_t first; // the number of entries[0]
    size_t count;
    struct ov_buf bytes;
    struct ov_entries found;
    const struct ov_span *entries; // into found
    struct ov_auditor_entry audited[OV_TILE_WIDTH];
};

// ---- telling ------------------------------------------------------------------------------------

static void add_version(struct ov_buf *out, const struct ov_version *version) {
    ov_version_add(out, version);
}

static void add_json(const struct ov_auditor_entry *entry, struct ov_json *json) {
    OV_CLEANUP(ov_buf_release) struct ov_buf version = {0};
    char sha256[2 * OV_SHA256_BYTES + 1];
    ov_json_text(json, "kind", kind_names[entry->kind]);
    if (entry->kind == OV_LEAF_OTHER || entry->form != OV_OK) {
        return;
    }
    ov_json_text(json, "signatures", signature_names[entry->signatures]);
    ov_json_uint(json, "time", entry->time);
    if (entry->kind == OV_LEAF_ENGINE) {
        add_version(&version, &entry->engine);
        ov_json_bytes(json, "version", ov_buf_span(&version));
        ov_json_uint(json, "files", entry->file_count);
        return;
    }
    ov_json_text(json, "feed", entry->feed.text);
    if (entry->kind == OV_LEAF_ROTATION) {
        ov_json_uint(json, "version", entry->version);
        return;
    }
    ov_json_uint(json, "seq", entry->seq);
    if (entry->kind == OV_LEAF_WITHDRAWAL) {
        ov_json_text(json, "reason", entry->reason);
        return;
    }
    ov_hex_write(ov_span_make(entry->release.bundle_sha256, OV_SHA256_BYTES), sha256);
    ov_json_text(json, "bundle", sha256);
    ov_json_uint(json, "rules", entry->release.rule_count);
    ov_json_uint(json, "added", entry->release.added_count);
    ov_json_uint(json, "removed", entry->release.removed_count);
}

static void add_text(const struct ov_auditor_entry *entry, struct ov_buf *out) {
    switch (entry->kind) {
    case OV_LEAF_RULESET:
        ov_buf_printf(out, "release %" PRIu64 " of feed %s, %" PRIu64 " rules", entry->seq,
                      entry->feed.text, entry->release.rule_count);
        break;
    case OV_LEAF_WITHDRAWAL:
        ov_buf_printf(out, "withdraws release %" PRIu64 " of feed %s: ", entry->seq,
                      entry->feed.text);
        ov_printable_add(out, ov_span_text(entry->reason));
        break;
    case OV_LEAF_ENGINE:
        ov_buf_add_text(out, "engine ");
        add_version(out, &entry->engine);
        ov_buf_printf(out, ", %" PRIu64 " files", entry->file_count);
        break;
    case OV_LEAF_ROTATION:
        ov_buf_printf(out, "new keys or policy of feed %s, version %" PRIu64, entry->feed.text,
                      entry->version);
        break;
    case OV_LEAF_OTHER:
        return;
    }
    ov_buf_printf(out, "; signatures: %s", signature_names[entry->signatures]);
}

static void tell_entry(const struct ov_monitor *monitor, const struct batch *batch, size_t place) {
    OV_CLEANUP(ov_buf_release) struct ov_buf leaf = {0};
    const struct ov_auditor_entry *entry = &batch->audited[place];
    struct ov_monitor_event event;
    struct ov_tree_hash hash;
    ov_leaf_hash(batch->entries[place], &hash);
    ov_tree_hash_add(&leaf, &hash);
    ov_monitor_begin(monitor, "entry", &event);
    if (monitor->options.is_json) {
        ov_json_uint(&event.json, "index", batch->first + place);
        ov_json_uint(&event.json, "bytes", batch->entries[place].size);
        ov_json_bytes(&event.json, "leaf", ov_buf_span(&leaf));
        add_json(entry, &event.json);
    } else {
        ov_buf_printf(&event.out, "entry %" PRIu64 ": ", batch->first + place);
        if (entry->kind == OV_LEAF_OTHER || entry->form != OV_OK) {
            ov_buf_printf(&event.out, "%s, %zu bytes", kind_names[entry->kind],
                          batch->entries[place].size);
        } else {
            add_text(entry, &event.out);
        }
    }
    ov_monitor_tell(monitor, &event);
}

// ---- releases -----------------------------------------------------------------------------------

static void check_order(struct ov_monitor *monitor, const struct ov_release *release,
                        const struct ov_monitor_release *last, const char *what) {
    if (last == NULL) {
        if (release->seq != 1) {
            ov_monitor_find(monitor, "sequence", what, "no release of this feed stands before it");
        }
    } else if (release->seq == last->seq) {
        ov_monitor_find(monitor, "sequence", what, "there is a release of this number already");
    } else if (release->seq < last->seq) {
        ov_monitor_find(monitor, "sequence", what, "goes back behind release %" PRIu64, last->seq);
    } else if (release->seq > last->seq + 1) {
        ov_monitor_find(monitor, "sequence", what,
                        "release %" PRIu64 " is the one before it in the log", last->seq);
    } else if (!ov_tree_hash_is_equal(&release->previous, &last->leaf)) {
        ov_monitor_find(monitor, "sequence", what,
                        "names another entry as the one before than release %" PRIu64, last->seq);
    }
}

static enum ov_status take_release(struct ov_monitor *monitor, const struct batch *batch,
                                   size_t place) {
    const struct ov_release *release = &batch->audited[place].release;
    struct ov_monitor_state *state = &monitor->state;
    const struct ov_monitor_release *last =
        ov_monitor_release_last(state, state->release_count, release->feed.text);
    char what[OV_MONITOR_TEXT_BYTES];
    struct ov_monitor_release known = {
        .index = batch->first + place,
        .seq = release->seq,
        .feed = release->feed,
        .bundle_bytes = release->bundle_bytes,
    };
    ov_leaf_hash(batch->entries[place], &known.leaf);
    memcpy(known.sha256, release->bundle_sha256, sizeof known.sha256);
    (void)snprintf(what, sizeof what, "entry %" PRIu64 ", release %" PRIu64 " of feed %s",
                   known.index, release->seq, release->feed.text);
    check_order(monitor, release, last, what);
    known.is_open = ov_monitor_check_release(monitor, release, last) != OV_OK;
    TRY(ov_monitor_release_add(state, &known));
    state->audited++;
    return ov_monitor_commit(monitor);
}

static enum ov_status take_entry(struct ov_monitor *monitor, const struct batch *batch,
                                 size_t place) {
    const struct ov_auditor_entry *entry = &batch->audited[place];
    char what[64];
    tell_entry(monitor, batch, place);
    (void)snprintf(what, sizeof what, "entry %" PRIu64, batch->first + place);
    if (entry->form != OV_OK) {
        ov_monitor_find(monitor, "malformed", what, "a %s that %s", kind_names[entry->kind],
                        entry->why);
    } else if (entry->signatures == OV_SIGNATURES_UNMET) {
        ov_monitor_find(monitor, "unsigned", what, "a %s: %s", kind_names[entry->kind], entry->why);
    } else if (entry->kind == OV_LEAF_RULESET) {
        return take_release(monitor, batch, place);
    }
    monitor->state.audited++;
    return OV_OK;
}

// ---- all of them --------------------------------------------------------------------------------

static void release_batch(struct batch *batch) {
    ov_buf_release(&batch->bytes);
}

// Reads up to `most` entries of one bundle, from number `first` on.
static enum ov_status read_batch(struct ov_monitor *monitor, uint64_t first, size_t most,
                                 struct batch *batch) {
    uint64_t number = first / OV_TILE_WIDTH;
    size_t skipped = (size_t)(first % OV_TILE_WIDTH);
    unsigned width = ov_tile_width(monitor->state.head.size, 0, number);
    ov_buf_reset(&batch->bytes);
    enum ov_status status =
        ov_entries_load(monitor->mirror, number, width, &batch->bytes, &batch->found);
    if (status != OV_OK || batch->found.count <= skipped) {
        ov_monitor_fail(monitor, "the mirror",
                        status == OV_SYSTEM ? strerror(errno) : ov_status_text(OV_DAMAGED));
        return OV_SYSTEM;
    }
    batch->first = first;
    batch->entries = &batch->found.entries[skipped];
    batch->count = batch->found.count - skipped;
    batch->count = batch->count < most ? batch->count : most;
    status = ov_auditor_read(batch->entries, batch->count, monitor->trust, batch->audited);
    if (status != OV_OK) {
        char what[64];
        (void)snprintf(what, sizeof what, "entries from %" PRIu64 " on", first);
        ov_monitor_fail(monitor, what, "the process that reads them gave no answer");
    }
    return status;
}

// Releases whose bundles were missing or wrong, once more.
static enum ov_status try_open(struct ov_monitor *monitor, struct batch *batch) {
    struct ov_monitor_state *state = &monitor->state;
    for (size_t i = 0; i < state->release_count; i++) {
        struct ov_monitor_release *known = &state->releases[i];
        if (!known->is_open) {
            continue;
        }
        TRY(read_batch(monitor, known->index, 1, batch));
        const struct ov_auditor_entry *entry = &batch->audited[0];
        if (entry->kind != OV_LEAF_RULESET || entry->form != OV_OK) {
            ov_monitor_fail(monitor, "the mirror", "an entry is not the release that it was");
            return OV_DAMAGED;
        }
        known->is_open =
            ov_monitor_check_release(monitor, &entry->release,
                                     ov_monitor_release_last(state, i, known->feed.text)) != OV_OK;
        TRY(ov_monitor_commit(monitor));
    }
    return OV_OK;
}

static enum ov_status take_new(struct ov_monitor *monitor, struct batch *batch) {
    while (monitor->state.audited < monitor->state.head.size) {
        TRY(read_batch(monitor, monitor->state.audited, OV_TILE_WIDTH, batch));
        for (size_t i = 0; i < batch->count; i++) {
            TRY(take_entry(monitor, batch, i));
        }
        TRY(ov_monitor_commit(monitor));
    }
    return OV_OK;
}

enum ov_status ov_monitor_audit(struct ov_monitor *monitor) {
    static struct batch batch;
    enum ov_status status = try_open(monitor, &batch);
    if (status == OV_OK) {
        status = take_new(monitor, &batch);
    }
    release_batch(&batch);
    batch.bytes = (struct ov_buf){0};
    return status;
}
