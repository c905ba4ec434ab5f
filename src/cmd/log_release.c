// SPDX-License-Identifier: Apache-2.0
// The next release of a log's feed: its files, its bundle, its entry.
#include "cmd/log_release.h"

#include "base/durable.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/say.h"
#include "catalog/folder.h"
#include "cmd/log_bundle.h"
#include "cmd/log_entries.h"
#include "cmd/log_leaf.h"
#include "cmd/log_set.h"
#include "config.h"
#include "role/leaves_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { DELTAS_MAX = 4 }; // releases before, from which there is a delta

struct work {
    struct ov_log_append *append;
    struct ov_log_set set;
    bool has_newest;
    struct ov_release newest; // with the number before; withdrawn or not
    bool is_newest_believed;  // the release keys of today have signed it
    int newest_bundle, bundle;
    struct ov_release release;
};

static void release_work(struct work *work) {
    ov_log_set_release(&work->set);
    ov_fd_close(&work->newest_bundle);
    ov_fd_close(&work->bundle);
}

bool ov_log_release_is_path(const char *path) {
    struct stat info;
    return ov_rule_file_is_known(path) || (stat(path, &info) == 0 && S_ISDIR(info.st_mode));
}

// ---- the files ----------------------------------------------------------------------------------

static enum ov_status load_release(const struct work *work, uint64_t index,
                                   struct ov_release *ret_release, bool *ret_is_believed) {
    const struct ov_store *store = work->append->store;
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    struct ov_span entry;
    struct ov_span text;
    const char *why;
    enum ov_status status =
        ov_store_entry(store->folder, index, store->state.head.size, &bytes, &entry);
    if (status == OV_OK) {
        status = ov_log_release_read(entry, ret_release);
    }
    if (status == OV_OK) {
        *ret_is_believed = ov_trust_check(&store->trust, entry, &text, &why) == OV_OK;
    }
    if (status != OV_OK) {
        ov_say_error(work->append->folder, "the release before cannot be read",
                     "overt log verify says more");
    }
    return status;
}

// What the newest release that still counts has. When that is not the newest of all, which the new
// one is compared with, both are unpacked.
static enum ov_status take_base(struct work *work) {
    const struct ov_store_state *state = &work->append->store->state;
    int folder = work->append->store->folder;
    struct ov_release current;
    bool is_believed;
    OV_AUTO_FD other = -1;
    work->has_newest = state->has_newest;
    if (state->has_newest) {
        TRY(load_release(work, state->newest_index, &work->newest, &work->is_newest_believed));
        TRY(ov_log_bundle_open(folder, &work->newest, &work->newest_bundle));
    }
    if (work->append->is_only || !state->has_current) {
        return OV_OK;
    }
    if (state->current_index == state->newest_index) {
        return ov_log_set_add_bundle(&work->set, work->newest_bundle);
    }
    TRY(load_release(work, state->current_index, &current, &is_believed));
    TRY(ov_log_bundle_open(folder, &current, &other));
    return ov_log_set_add_bundle(&work->set, other);
}

static enum ov_status take_files(struct work *work, char *const *paths, int count) {
    TRY(take_base(work));
    for (int i = 0; i < count; i++) {
        TRY(ov_log_set_add_path(&work->set, paths[i]));
    }
    for (size_t i = 0; i < work->append->remove_count; i++) {
        if (ov_log_set_remove(&work->set, work->append->remove[i]) != OV_OK) {
            ov_say_error(work->append->remove[i], "the release has no file of this name", NULL);
            return OV_INVALID;
        }
    }
    work->bundle = memfd_create("overt-bundle", MFD_CLOEXEC);
    if (work->bundle < 0) {
        ov_say_error("bundle", strerror(errno), NULL);
        return OV_SYSTEM;
    }
    return ov_log_set_write(&work->set, work->bundle, work->release.bundle_sha256,
                            &work->release.bundle_bytes);
}

// ---- its rules ----------------------------------------------------------------------------------

static enum ov_status count_rules(struct work *work) {
    static char path[] = "the release";
    struct ov_source source = {.path = path, .fd = &work->bundle, .kind = OV_WIRE_SOURCE_BUNDLE};
    struct ov_sources sources = {.items = &source, .count = 1};
    struct ov_leaves_request request = {.sources = &sources};
    char reason[OV_LEAVES_REASON_BYTES];
    enum ov_status status =
        ov_leaves_run(&request, &work->release.rule_count, &work->release.rule_root, reason);
    if (status != OV_OK) {
        ov_say_error("log append", reason, NULL);
    }
    return status;
}

static enum ov_status count_changes(struct work *work) {
    static char old_path[] = "the release before", new_path[] = "the release";
    struct ov_source old = {
        .path = old_path, .fd = &work->newest_bundle, .kind = OV_WIRE_SOURCE_BUNDLE};
    struct ov_source new = {.path = new_path, .fd = &work->bundle, .kind = OV_WIRE_SOURCE_BUNDLE};
    struct ov_sources old_sources = {.items = &old, .count = 1};
    struct ov_sources new_sources = {.items = &new, .count = 1};
    struct ov_changes_request request = {.old_sources = &old_sources, .new_sources = &new_sources};
    char reason[OV_LEAVES_REASON_BYTES];
    if (!work->has_newest) {
        work->release.added_count = work->release.rule_count;
        return OV_OK;
    }
    enum ov_status status =
        ov_changes_run(&request, &work->release.added_count, &work->release.removed_count, reason);
    if (status != OV_OK) {
        ov_say_error("log append", reason, NULL);
    }
    return status;
}

// ---- the bundle on disk -------------------------------------------------------------------------

struct deltas {
    const struct work *work;
    unsigned count;
    enum ov_status status;
};

static enum ov_status put_delta_from(const struct work *work, const struct ov_release *from) {
    int folder = work->append->store->folder;
    OV_AUTO_FD bundle = -1;
    if (memcmp(from->bundle_sha256, work->release.bundle_sha256, OV_SHA256_BYTES) == 0) {
        return OV_OK;
    }
    TRY(ov_log_bundle_open(folder, from, &bundle));
    return ov_log_delta_put(folder, bundle, from->bundle_sha256, work->bundle,
                            work->release.bundle_sha256);
}

static bool put_delta(void *arg, uint64_t index, struct ov_span entry) {
    struct deltas *deltas = arg;
    struct ov_release from;
    (void)index;
    if (ov_log_release_read(entry, &from) == OV_OK) {
        deltas->status = put_delta_from(deltas->work, &from);
        deltas->count++;
    }
    return deltas->count == DELTAS_MAX || deltas->status != OV_OK;
}

static enum ov_status put_bundle(const struct work *work) {
    const struct ov_store *store = work->append->store;
    struct deltas deltas = {.work = work};
    uint64_t index;
    TRY(ov_log_bundle_put(store->folder, work->bundle, work->release.bundle_sha256));
    if (!work->has_newest) {
        return OV_OK;
    }
    enum ov_status status =
        ov_log_entries_find(store->folder, store->state.head.size, &deltas, put_delta, &index);
    if (status != OV_OK && status != OV_END) {
        ov_say_error(work->append->folder, "its entries cannot be read",
                     "overt log verify says more");
        return status;
    }
    return deltas.status;
}

// ---- the entry ----------------------------------------------------------------------------------

static enum ov_status choose_engine(struct work *work) {
    const char *wanted = work->append->engine_min;
    if (wanted == NULL && work->has_newest) {
        work->release.engine_min = work->newest.engine_min;
        return OV_OK;
    }
    wanted = wanted != NULL ? wanted : OVERT_VERSION;
    if (ov_version_read(ov_span_text(wanted), &work->release.engine_min) != OV_OK) {
        ov_say_error(wanted, "is no version", "--engine-min 1.4.0");
        return OV_INVALID;
    }
    return OV_OK;
}

static enum ov_status fill_release(struct work *work) {
    const struct ov_store *store = work->append->store;
    struct ov_release *release = &work->release;
    release->feed = store->trust.feed;
    release->has_previous = store->state.has_newest;
    release->seq = store->state.has_newest ? store->state.newest_seq + 1 : 1;
    release->previous = store->state.newest_leaf;
    release->time = work->append->time;
    release->language = OV_RULES_LANGUAGE;
    TRY(choose_engine(work));
    TRY(count_rules(work));
    return count_changes(work);
}

static void tell_release(struct work *work) {
    const struct ov_release *release = &work->release;
    struct ov_log_append *append = work->append;
    char hex[2 * OV_SHA256_BYTES + 1];
    struct ov_json json;
    if (!append->is_json) {
        ov_buf_printf(
            &append->out, "release %llu of %s: %zu files, %llu rules, %llu added, %llu removed\n",
            (unsigned long long)release->seq, release->feed.text, work->set.count,
            (unsigned long long)release->rule_count, (unsigned long long)release->added_count,
            (unsigned long long)release->removed_count);
        return;
    }
    ov_hex_write(ov_span_make(release->bundle_sha256, OV_SHA256_BYTES), hex);
    ov_json_init(&json, &append->out);
    ov_json_object(&json, NULL);
    ov_json_object(&json, "release");
    ov_json_text(&json, "feed", release->feed.text);
    ov_json_uint(&json, "seq", release->seq);
    ov_json_uint(&json, "files", work->set.count);
    ov_json_uint(&json, "rules", release->rule_count);
    ov_json_uint(&json, "added", release->added_count);
    ov_json_uint(&json, "removed", release->removed_count);
    ov_json_text(&json, "bundle_sha256", hex);
    ov_json_uint(&json, "bundle_bytes", release->bundle_bytes);
    ov_json_object_end(&json);
    ov_json_object_end(&json);
    ov_buf_add_u8(&append->out, '\n');
}

static enum ov_status write_unsigned(struct ov_log_append *append, const struct ov_buf *entry,
                                     size_t count) {
    if (ov_durable_write(AT_FDCWD, append->unsigned_path, ov_buf_span(entry), 0644) != OV_OK) {
        ov_say_error(append->unsigned_path, strerror(errno), NULL);
        return OV_SYSTEM;
    }
    if (!append->is_json) {
        ov_buf_printf(&append->out,
                      "%s: signed by %zu of %u that must; overt log sign adds the others, and "
                      "overt log append logs it\n",
                      append->unsigned_path, count, append->store->trust.threshold);
    }
    return OV_OK;
}

static enum ov_status add_entry(struct work *work) {
    struct ov_log_append *append = work->append;
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf entry = {0};
    char what[OV_FEED_BYTES + 64];
    size_t count;
    ov_release_add(&text, &work->release);
    TRY(ov_buf_status(&text));
    TRY(ov_log_leaf_sign(append, NULL, ov_buf_span(&text), &entry, &count));
    if (append->unsigned_path == NULL) {
        TRY(ov_log_leaf_check(append, count));
    }
    TRY(put_bundle(work));
    tell_release(work);
    if (append->unsigned_path != NULL) {
        return write_unsigned(append, &entry, count);
    }
    (void)snprintf(what, sizeof what, "release %llu of %s", (unsigned long long)work->release.seq,
                   work->release.feed.text);
    return ov_log_append_entry(append, ov_buf_span(&entry), what);
}

// ---- the whole ----------------------------------------------------------------------------------

// Whether the release would have the same files as the newest one, which still counts. One that the
// release keys of before a rotation have signed is released again.
static bool is_unchanged(const struct work *work) {
    const struct ov_store_state *state = &work->append->store->state;
    return work->has_newest && work->is_newest_believed && state->has_current &&
           state->current_seq == state->newest_seq &&
           memcmp(work->newest.bundle_sha256, work->release.bundle_sha256, OV_SHA256_BYTES) == 0;
}

static enum ov_status append_release(struct work *work, char *const *paths, int count) {
    TRY(take_files(work, paths, count));
    if (is_unchanged(work)) {
        if (!work->append->is_json) {
            ov_buf_printf(&work->append->out, "release %llu of %s has these files already\n",
                          (unsigned long long)work->newest.seq, work->newest.feed.text);
        }
        return OV_OK;
    }
    TRY(fill_release(work));
    return add_entry(work);
}

enum ov_status ov_log_release_append(struct ov_log_append *append, char *const *paths, int count) {
    struct work work = {.append = append, .newest_bundle = -1, .bundle = -1};
    enum ov_status status = append_release(&work, paths, count);
    release_work(&work);
    return status;
}
