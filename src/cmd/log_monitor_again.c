// SPDX-License-Identifier: Apache-2.0
// What the mirror has, fetched once more: whether the log still hands it out as it was.
#include "cmd/log_monitor.h"

#include "ledger/log_names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    ITEMS_MAX = 64,          // that are fetched at once
    BYTES_A_ROUND = 64 << 20 // about; all of it with --full
};

// What can be fetched again: the files of level 0 and, after them, the bundles of releases.
struct again {
    struct ov_monitor *monitor;
    uint64_t shown;      // the size of the tree that the log shows
    uint64_t file_count; // pairs of files: entries and tile
    uint64_t count;      // of all
    uint64_t done_bytes;
};

struct piece {
    struct ov_tile_path kept;                 // in the mirror
    char path[OV_LOG_NAME_ROOM];              // what it is called now
    const struct ov_monitor_release *release; // of a bundle
    uint64_t most_bytes;
};

// ---- comparing ----------------------------------------------------------------------------------

static void tell_changed(struct ov_monitor *monitor, const char *path, const char *why) {
    ov_monitor_find(monitor, "changed", path, "%s", why);
}

// Other bytes may be the same bundle, packed anew.
static void check_bundle(struct ov_monitor *monitor, const struct piece *piece, int fetched) {
    struct ov_release release = {.bundle_bytes = piece->release->bundle_bytes};
    char why[OV_MONITOR_TEXT_BYTES];
    OV_AUTO_FD out = openat(monitor->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    memcpy(release.bundle_sha256, piece->release->sha256, sizeof release.bundle_sha256);
    enum ov_status status = out >= 0 ? ov_monitor_unpack(fetched, &release, out, why) : OV_PEER;
    if (status == OV_DENIED) {
        tell_changed(monitor, piece->path, why);
    } else if (status != OV_OK) {
        ov_monitor_fail(monitor, piece->path, out >= 0 ? why : strerror(errno));
    }
}

// A file of the tree may have grown, and must begin as it did.
static void compare(struct again *again, const struct piece *piece, int fetched) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map old = {0};
    OV_CLEANUP(ov_file_map_close) struct ov_file_map new = {0};
    struct ov_monitor *monitor = again->monitor;
    const char *name = piece->release != NULL ? piece->path : piece->kept.text;
    OV_AUTO_FD kept = openat(monitor->mirror, name, O_RDONLY | O_CLOEXEC);
    if (kept < 0 || ov_file_map_open_fd(kept, &old) != OV_OK ||
        ov_file_map_open_fd(fetched, &new) != OV_OK) {
        ov_monitor_fail(monitor, name, "is not in the mirror, or cannot be read");
        return;
    }
    bool is_same = ov_span_is_equal(old.bytes, ov_span_part(new.bytes, 0, old.bytes.size));
    if (piece->release == NULL && !is_same) {
        tell_changed(monitor, piece->path, "has not the bytes that it had before");
    } else if (piece->release != NULL && !ov_span_is_equal(old.bytes, new.bytes)) {
        check_bundle(monitor, piece, fetched);
    }
}

// ---- fetching -----------------------------------------------------------------------------------

static uint64_t kept_bytes(const struct again *again, const char *path) {
    struct stat info;
    bool is_there = fstatat(again->monitor->mirror, path, &info, 0) == 0;
    return is_there ? (uint64_t)info.st_size : 0;
}

// The two files of a number: as they were kept, and as the log calls them now.
static enum ov_status name_files(struct again *again, uint64_t number, struct piece *pieces) {
    unsigned old_width = ov_tile_width(again->monitor->old_size, 0, number);
    unsigned width = ov_tile_width(again->shown, 0, number);
    struct ov_tile_path now;
    memset(pieces, 0, 2 * sizeof *pieces);
    TRY(ov_entries_path(number, old_width, &pieces[0].kept));
    TRY(ov_entries_path(number, width, &now));
    (void)snprintf(pieces[0].path, sizeof pieces[0].path, "%s", now.text);
    TRY(ov_tile_path(0, number, old_width, &pieces[1].kept));
    TRY(ov_tile_path(0, number, width, &now));
    (void)snprintf(pieces[1].path, sizeof pieces[1].path, "%s", now.text);
    pieces[0].most_bytes = OV_ENTRIES_BYTES_MAX;
    pieces[1].most_bytes = (uint64_t)OV_TILE_WIDTH * OV_SHA256_BYTES;
    again->done_bytes += kept_bytes(again, pieces[0].kept.text);
    return OV_OK;
}

static void name_bundle(struct again *again, const struct ov_monitor_release *release,
                        struct piece *piece) {
    struct ov_log_name name = ov_log_name_bundle(release->sha256);
    memset(piece, 0, sizeof *piece);
    (void)snprintf(piece->path, sizeof piece->path, "%s", name.text);
    piece->release = release;
    uint64_t bytes = kept_bytes(again, name.text);
    piece->most_bytes = release->bundle_bytes + bytes; // room for another way to pack it
    again->done_bytes += bytes;
}

static enum ov_status fetch(struct again *again, const struct piece *pieces, size_t count) {
    static struct ov_fetch_get wants[2 * ITEMS_MAX];
    struct ov_stage stage = {0};
    for (size_t i = 0; i < count; i++) {
        wants[i] = (struct ov_fetch_get){
            .path = pieces[i].path, .most_bytes = pieces[i].most_bytes, .may_miss = true};
    }
    TRY(ov_monitor_bring(again->monitor, wants, count, &stage));
    for (size_t i = 0; i < count; i++) {
        if (stage.fds[i] < 0) {
            ov_monitor_find(again->monitor, "gone", pieces[i].path,
                            "the log does not hand it out any more");
        } else {
            compare(again, &pieces[i], stage.fds[i]);
        }
    }
    ov_stage_close(&stage);
    return OV_OK;
}

// ---- as much as a round may ---------------------------------------------------------------------

static bool may_go_on(const struct again *again) {
    return again->monitor->options.is_full || again->done_bytes < BYTES_A_ROUND;
}

// Some from number `from` on; *ret_next is where to go on.
static enum ov_status take_some(struct again *again, uint64_t from, uint64_t most,
                                uint64_t *ret_next) {
    static struct piece pieces[2 * ITEMS_MAX];
    const struct ov_monitor_state *state = &again->monitor->state;
    size_t count = 0;
    uint64_t at = from;
    uint64_t end = from + most;
    for (; at < end && at - from < ITEMS_MAX && may_go_on(again); at++) {
        if (at < again->file_count) {
            TRY(name_files(again, at, &pieces[count]));
            count += 2;
        } else if (!state->releases[at - again->file_count].is_open) {
            name_bundle(again, &state->releases[at - again->file_count], &pieces[count]);
            count++;
        }
    }
    *ret_next = at;
    return count > 0 ? fetch(again, pieces, count) : OV_OK;
}

static uint64_t count_files(const struct ov_monitor *monitor, uint64_t shown) {
    // A log that has gone back is not asked for the file that its end lies in.
    return shown < monitor->old_size ? shown / OV_TILE_WIDTH
                                     : (monitor->old_size + OV_TILE_WIDTH - 1) / OV_TILE_WIDTH;
}

enum ov_status ov_monitor_check_again(struct ov_monitor *monitor) {
    struct again again = {.monitor = monitor, .shown = monitor->heads[0].opened.head.size};
    if (!monitor->heads[0].is_there) {
        return OV_OK;
    }
    again.file_count = count_files(monitor, again.shown);
    again.count = again.file_count + monitor->state.release_count;
    if (again.count == 0) {
        return OV_OK;
    }
    uint64_t at = monitor->options.is_full ? 0 : monitor->state.next_check % again.count;
    for (uint64_t left = again.count; left > 0 && may_go_on(&again);) {
        uint64_t next = at;
        uint64_t most = again.count - at < left ? again.count - at : left;
        TRY(take_some(&again, at, most, &next));
        left -= next - at;
        at = next % again.count;
    }
    monitor->state.next_check = at;
    return OV_OK;
}
