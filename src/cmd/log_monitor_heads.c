// SPDX-License-Identifier: Apache-2.0
// The checkpoints that log and witnesses show: fetched, compared, and how old they are.
#include "cmd/log_monitor.h"

#include "base/durable.h"
#include "base/hex.h"
#include "base/printable.h"
#include "ledger/log_names.h"
#include "ledger/update.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    DEADLINE_MS = 30000,
    DAY_SECONDS = 86400,
    WARN_DAYS = 7, // without a trust file that says another
    NAME_BYTES = 16,
    PLACE_BYTES = 2048,
};

// ---- contradictions -----------------------------------------------------------------------------

// Under the beginning of its digest.
void ov_monitor_keep(struct ov_monitor *monitor, struct ov_span note, char *ret_path, size_t size) {
    uint8_t sha256[OV_SHA256_BYTES];
    char hex[NAME_BYTES + 1];
    ov_sha256(note, sha256);
    ov_hex_write(ov_span_make(sha256, NAME_BYTES / 2), hex);
    (void)snprintf(ret_path, size, "evidence/%s.checkpoint", hex);
    if (faccessat(monitor->folder, ret_path, F_OK, 0) != 0 &&
        ov_durable_write(monitor->folder, ret_path, note, 0644) != OV_OK) {
        ov_monitor_fail(monitor, ret_path, strerror(errno));
    }
}

void ov_monitor_tell_split(struct ov_monitor *monitor, struct ov_span note, struct ov_span other,
                           const char *what, const char *why) {
    char first[OV_MONITOR_PATH_BYTES];
    char second[OV_MONITOR_PATH_BYTES];
    ov_monitor_keep(monitor, note, first, sizeof first);
    ov_monitor_keep(monitor, other, second, sizeof second);
    ov_monitor_find(monitor, "split view", what, "%s (both signed checkpoints are kept: %s, %s)",
                    why, first, second);
}

static void compare_two(struct ov_monitor *monitor, size_t number, size_t other) {
    struct ov_monitor_head *head = &monitor->heads[number];
    const struct ov_monitor_head *before = &monitor->heads[other];
    char why[OV_MONITOR_TEXT_BYTES];
    char what[OV_MONITOR_TEXT_BYTES];
    bool is_apart = before->is_there && !before->is_settled &&
                    head->opened.head.size == before->opened.head.size &&
                    !ov_tree_hash_is_equal(&head->opened.head.root, &before->opened.head.root);
    if (!is_apart) {
        return;
    }
    (void)snprintf(what, sizeof what, "%s", ov_monitor_source_name(monitor, number));
    (void)snprintf(why, sizeof why, "shows another tree of %" PRIu64 " entries than %s",
                   head->opened.head.size, ov_monitor_source_name(monitor, other));
    ov_monitor_tell_split(monitor, ov_buf_span(&head->note), ov_buf_span(&before->note), what, why);
    head->is_settled = true;
}

// Each is told once, beside the first that it contradicts.
static void compare_all(struct ov_monitor *monitor) {
    for (size_t i = 1; i < ov_monitor_source_count(monitor); i++) {
        for (size_t k = 0; k < i && monitor->heads[i].is_there; k++) {
            if (!monitor->heads[i].is_settled) {
                compare_two(monitor, i, k);
            }
        }
    }
}

// ---- fetching -----------------------------------------------------------------------------------

static enum ov_status take_note(struct ov_monitor *monitor, const struct ov_stage *stage,
                                size_t number) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    struct ov_monitor_head *head = &monitor->heads[number];
    const char *name = ov_monitor_source_name(monitor, number);
    enum ov_status status = ov_file_map_open_fd(stage->fds[0], &map);
    bool is_feed = number > monitor->policy->witness_count;
    if (status == OV_OK) {
        status = (is_feed ? ov_auditor_open_proof : ov_auditor_open)(
            map.bytes, monitor->policy, monitor->origin, &head->opened);
    }
    if (status != OV_OK) {
        ov_monitor_fail(monitor, name, ov_status_text(status));
        return status;
    }
    if (head->opened.status != OV_OK) {
        ov_monitor_find(monitor, "checkpoint", name, "%s", head->opened.why);
        return OV_DENIED;
    }
    if (number > 0 && !is_feed && (head->opened.witnesses >> (number - 1) & 1) == 0) {
        ov_monitor_find(monitor, "checkpoint", name, "shows one that it has not cosigned");
        return OV_DENIED;
    }
    struct ov_span note = ov_span_from(map.bytes, (size_t)head->opened.checkpoint_at);
    ov_buf_add(&head->note, note.data, note.size);
    if (is_feed) {
        ov_buf_add(&monitor->proof, map.bytes.data, map.bytes.size);
    }
    return ov_buf_status(&head->note);
}

static void take_head(struct ov_monitor *monitor, size_t number, const char *source,
                      const char *path) {
    struct ov_fetch_get want = {
        .path = path, .most_bytes = (uint64_t)OV_NOTE_BYTES_MAX, .may_miss = number > 0};
    struct ov_stage_request request = {
        .source = source,
        .folder = monitor->state_path,
        .wants = &want,
        .want_count = 1,
        .deadline_ms = DEADLINE_MS,
    };
    struct ov_stage stage = {0};
    char reason[OV_STAGE_REASON_BYTES];
    enum ov_status status = ov_stage_open(&request, &stage, reason);
    if (status != OV_OK) {
        ov_monitor_fail(monitor, ov_monitor_source_name(monitor, number),
                        reason[0] != '\0' ? reason : ov_status_text(status));
        return;
    }
    monitor->heads[number].is_missing = stage.fds[0] < 0;
    if (stage.fds[0] >= 0) {
        monitor->heads[number].is_there = take_note(monitor, &stage, number) == OV_OK;
    }
    ov_stage_close(&stage);
}

// Where a witness shows what it has cosigned: as the options say, else as the policy does. Empty
// when neither does.
static void find_place(const struct ov_monitor *monitor, size_t witness, char *ret_place) {
    const struct ov_policy_witness *known = &monitor->policy->witnesses[witness];
    (void)snprintf(ret_place, PLACE_BYTES, "%.*s", (int)known->url.size,
                   (const char *)known->url.data);
    for (size_t i = 0; i < monitor->options.place_count; i++) {
        const char *place = monitor->options.places[i];
        const char *sign = strchr(place, '=');
        if (ov_span_is_equal(known->name, ov_span_make(place, (size_t)(sign - place)))) {
            (void)snprintf(ret_place, PLACE_BYTES, "%s", sign + 1);
        }
    }
}

enum ov_status ov_monitor_take_heads(struct ov_monitor *monitor) {
    uint8_t sha256[OV_SHA256_BYTES];
    char hex[2 * OV_SHA256_BYTES + 1];
    char path[sizeof hex + sizeof "/" OV_LOG_CHECKPOINT];
    char place[PLACE_BYTES];
    for (size_t i = 0; i < OV_MONITOR_SOURCES_MAX; i++) {
        ov_buf_release(&monitor->heads[i].note);
        monitor->heads[i] = (struct ov_monitor_head){0};
    }
    ov_buf_reset(&monitor->proof);
    ov_sha256(ov_span_text(monitor->origin), sha256);
    ov_hex_write(ov_span_make(sha256, sizeof sha256), hex);
    (void)snprintf(path, sizeof path, "%s/" OV_LOG_CHECKPOINT, hex);
    take_head(monitor, 0, monitor->source, OV_LOG_CHECKPOINT);
    for (size_t i = 0; i < monitor->policy->witness_count; i++) {
        find_place(monitor, i, place);
        if (place[0] != '\0' && ov_key_can_verify(&monitor->policy->witnesses[i].key)) {
            take_head(monitor, i + 1, place, path);
        }
    }
    if (monitor->trust != NULL) {
        struct ov_log_name name = ov_log_name_latest(&monitor->trust->feed);
        take_head(monitor, monitor->policy->witness_count + 1, monitor->source, name.text);
    }
    compare_all(monitor);
    return OV_OK;
}

// ---- ages ---------------------------------------------------------------------------------------

static uint64_t warn_days(const struct ov_monitor *monitor) {
    return monitor->trust != NULL ? monitor->trust->warn_age_days : WARN_DAYS;
}

// When this witness has last cosigned anything that we saw.
static uint64_t newest_time(const struct ov_monitor *monitor, size_t witness) {
    uint64_t newest = 0;
    for (size_t i = 0; i < ov_monitor_source_count(monitor); i++) {
        const struct ov_monitor_head *head = &monitor->heads[i];
        if (head->is_there && head->opened.times[witness] > newest) {
            newest = head->opened.times[witness];
        }
    }
    return newest;
}

static void check_time(struct ov_monitor *monitor, const char *what, const char *whose,
                       uint64_t time) {
    uint64_t days = monitor->now > time ? (monitor->now - time) / DAY_SECONDS : 0;
    if (time > monitor->now + OV_UPDATE_SKEW_SECONDS) {
        ov_monitor_find(monitor, "future", what, "%s is of a time that has not come", whose);
    } else if (warn_days(monitor) > 0 && days >= warn_days(monitor)) {
        ov_monitor_find(monitor, "stale", what, "%s is %" PRIu64 " days old", whose, days);
    }
}

static void check_size(struct ov_monitor *monitor, size_t number, uint64_t *seen) {
    const struct ov_monitor_head *head = &monitor->heads[number];
    const char *name = ov_monitor_source_name(monitor, number);
    if (head->is_missing && *seen > 0) {
        ov_monitor_find(monitor, "rollback", name,
                        "knows nothing of this log, and has shown %" PRIu64 " entries of it before",
                        *seen);
    } else if (head->is_there && head->opened.head.size < *seen) {
        ov_monitor_find(monitor, "rollback", name,
                        "shows %" PRIu64 " entries, and has shown %" PRIu64 " before",
                        head->opened.head.size, *seen);
    } else if (head->is_there) {
        *seen = head->opened.head.size;
    }
}

static const char *describe(const struct ov_monitor *monitor, size_t number) {
    const struct ov_monitor_head *head = &monitor->heads[number];
    char place[PLACE_BYTES] = "";
    bool is_witness = number > 0 && number <= monitor->policy->witness_count;
    if (is_witness) {
        find_place(monitor, number - 1, place);
    }
    if (head->is_there) {
        return "shown";
    }
    if (is_witness && place[0] == '\0') {
        return "not asked";
    }
    return head->is_missing ? "not known there" : "not seen";
}

static void add_json(const struct ov_monitor *monitor, size_t number, uint64_t time,
                     struct ov_json *json) {
    OV_CLEANUP(ov_buf_release) struct ov_buf root = {0};
    const struct ov_monitor_head *head = &monitor->heads[number];
    bool is_feed = number > monitor->policy->witness_count;
    ov_json_text(json, "source", number == 0 ? "log" : is_feed ? "feed" : "witness");
    if (is_feed) {
        ov_json_text(json, "name", monitor->trust->feed.text);
    } else if (number > 0) {
        ov_json_bytes(json, "name", monitor->policy->witnesses[number - 1].name);
    }
    ov_json_text(json, "state", describe(monitor, number));
    if (head->is_there) {
        ov_tree_hash_add(&root, &head->opened.head.root);
        ov_json_uint(json, "size", head->opened.head.size);
        ov_json_bytes(json, "root", ov_buf_span(&root));
    }
    if (time > 0) {
        ov_json_uint(json, "time", time);
        ov_json_uint(json, "age_seconds", monitor->now > time ? monitor->now - time : 0);
    }
}

static void add_text(const struct ov_monitor *monitor, size_t number, uint64_t time,
                     struct ov_buf *out) {
    const struct ov_monitor_head *head = &monitor->heads[number];
    ov_printable_add(out, ov_span_text(ov_monitor_source_name(monitor, number)));
    if (head->is_there) {
        ov_buf_printf(out, ": %" PRIu64 " entries, root ", head->opened.head.size);
        ov_tree_hash_add(out, &head->opened.head.root);
    } else {
        ov_buf_printf(out, ": %s", describe(monitor, number));
    }
    if (time > 0) {
        ov_buf_printf(out, ", cosigned %" PRIu64 " seconds ago",
                      monitor->now > time ? monitor->now - time : 0);
    }
}

static void tell_head(const struct ov_monitor *monitor, size_t number, uint64_t time) {
    struct ov_monitor_event event;
    ov_monitor_begin(monitor, "head", &event);
    if (monitor->options.is_json) {
        add_json(monitor, number, time, &event.json);
    } else {
        add_text(monitor, number, time, &event.out);
    }
    ov_monitor_tell(monitor, &event);
}

static void check_proof_age(struct ov_monitor *monitor) {
    size_t number = monitor->policy->witness_count + 1;
    const struct ov_monitor_head *head = &monitor->heads[number];
    char name[OV_MONITOR_TEXT_BYTES];
    (void)snprintf(name, sizeof name, "%s", ov_monitor_source_name(monitor, number));
    tell_head(monitor, number, head->is_there ? head->opened.quorum_time : 0);
    if (head->is_there && monitor->policy->quorum != OV_QUORUM_NONE) {
        check_time(monitor, name, "the word of the witnesses in it", head->opened.quorum_time);
    }
}

void ov_monitor_check_heads(struct ov_monitor *monitor) {
    const struct ov_monitor_head *log = &monitor->heads[0];
    bool has_quorum = monitor->policy->quorum != OV_QUORUM_NONE;
    tell_head(monitor, 0, log->is_there ? log->opened.quorum_time : 0);
    check_size(monitor, 0, &monitor->state.log_size);
    if (log->is_there && has_quorum && log->opened.is_quorum_met == 0) {
        ov_monitor_find(monitor, "quorum", "the log",
                        "what it shows was not cosigned by as many witnesses as the policy asks "
                        "for");
    } else if (log->is_there && has_quorum) {
        check_time(monitor, "the log", "the word of its witnesses", log->opened.quorum_time);
    }
    for (size_t i = 0; i < monitor->policy->witness_count; i++) {
        char name[OV_MONITOR_TEXT_BYTES];
        uint64_t time = newest_time(monitor, i);
        (void)snprintf(name, sizeof name, "%s", ov_monitor_source_name(monitor, i + 1));
        tell_head(monitor, i + 1, time);
        check_size(monitor, i + 1, &monitor->state.witness_sizes[i]);
        if (time > 0) {
            check_time(monitor, name, "its newest cosignature", time);
        }
    }
    if (monitor->trust != NULL) {
        check_proof_age(monitor);
    }
}

// ---- the feed -----------------------------------------------------------------------------------

static enum ov_status keep_proof(struct ov_monitor *monitor, const char *path) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    OV_AUTO_FD old = openat(monitor->mirror, path, O_RDONLY | O_CLOEXEC);
    if (old >= 0 && ov_file_map_open_fd(old, &map) == OV_OK &&
        ov_span_is_equal(map.bytes, ov_buf_span(&monitor->proof))) {
        return OV_OK;
    }
    enum ov_status status =
        ov_durable_write(monitor->mirror, path, ov_buf_span(&monitor->proof), 0644);
    if (status != OV_OK) {
        ov_monitor_fail(monitor, path, strerror(errno));
    }
    return status;
}

// The last release of the feed among the first `size` entries, or NULL.
static const struct ov_monitor_release *last_below(const struct ov_monitor *monitor,
                                                   uint64_t size) {
    const struct ov_monitor_state *state = &monitor->state;
    size_t count = state->release_count;
    while (count > 0 && state->releases[count - 1].index >= size) {
        count--;
    }
    return ov_monitor_release_last(state, count, monitor->trust->feed.text);
}

// What clients must be given by now: all that a round before has seen; a proof of what is being
// published may follow the checkpoint a moment later.
static uint64_t due_size(const struct ov_monitor *monitor) {
    const struct ov_monitor_head *log = &monitor->heads[0];
    uint64_t shown = log->is_there ? log->opened.head.size : 0;
    return monitor->old_size > 0 ? monitor->old_size : shown;
}

enum ov_status ov_monitor_check_feed(struct ov_monitor *monitor) {
    const struct ov_monitor_state *state = &monitor->state;
    if (monitor->trust == NULL) {
        return OV_OK;
    }
    size_t number = monitor->policy->witness_count + 1;
    const struct ov_monitor_head *head = &monitor->heads[number];
    struct ov_log_name path = ov_log_name_latest(&monitor->trust->feed);
    const struct ov_monitor_release *last =
        ov_monitor_release_last(state, state->release_count, monitor->trust->feed.text);
    if (head->is_missing && last != NULL) {
        ov_monitor_find(monitor, "gone", path.text,
                        "the log has releases of this feed, and does not hand out the newest");
    }
    if (!head->is_right) {
        return OV_OK;
    }
    const struct ov_monitor_release *inside = last_below(monitor, head->opened.head.size);
    const struct ov_monitor_release *due = last_below(monitor, due_size(monitor));
    bool is_newest = inside != NULL && inside->index == head->opened.index;
    if (!is_newest || (due != NULL && due->index > head->opened.index)) {
        ov_monitor_find(monitor, "feed", path.text,
                        "hands out entry %" PRIu64 ", which is not the newest release of this feed",
                        head->opened.index);
    }
    return head->is_mirrored ? keep_proof(monitor, path.text) : OV_OK;
}
