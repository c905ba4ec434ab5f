// SPDX-License-Identifier: Apache-2.0
// The bundle of a release: fetched, unpacked, held against the release, kept, and compared with the
// one before.
#include "cmd/log_monitor.h"

#include "base/durable.h"
#include "base/printable.h"
#include "ledger/log_names.h"
#include "role/leaves_job.h"
#include "role/unpack_job.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PACKED_SLACK = 1 << 20 }; // by which a packed bundle may be larger than the bundle

// ---- unpacking ----------------------------------------------------------------------------------

static enum ov_status unpack(int packed, uint64_t most_bytes, int out, char *ret_why) {
    char path[64];
    char why[OV_UNPACK_REASON_BYTES] = "";
    struct ov_unpack_request request = {.packed = path, .most_bytes = most_bytes, .out = out};
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", packed);
    enum ov_status status = ov_unpack_run(&request, why);
    if (status == OV_OK) {
        return OV_OK;
    }
    (void)snprintf(ret_why, OV_MONITOR_TEXT_BYTES, "cannot be unpacked: %s", why);
    return status == OV_DAMAGED || status == OV_LIMIT ? OV_DENIED : OV_PEER;
}

enum ov_status ov_monitor_unpack(int packed, const struct ov_release *release, int out,
                                 char *ret_why) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    enum ov_status verdict = OV_OK;
    char why[OV_AUDITOR_WHY_BYTES] = "";
    TRY(unpack(packed, release->bundle_bytes, out, ret_why));
    enum ov_status status = ov_file_map_open_fd(out, &map);
    if (status == OV_OK) {
        status = ov_auditor_check_bundle(release, map.bytes, &verdict, why);
    }
    if (status != OV_OK) {
        (void)snprintf(ret_why, OV_MONITOR_TEXT_BYTES, "cannot be checked: %s",
                       ov_status_text(status));
        return OV_PEER;
    }
    (void)snprintf(ret_why, OV_MONITOR_TEXT_BYTES, "%s", why);
    return verdict == OV_OK ? OV_OK : OV_DENIED;
}

static int open_nameless(const struct ov_monitor *monitor) {
    return openat(monitor->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

// ---- rules --------------------------------------------------------------------------------------

// The files of an open bundle as a list of one.
static struct ov_source make_source(const int *fd, char *name) {
    return (struct ov_source){.path = name, .fd = fd, .kind = OV_WIRE_SOURCE_BUNDLE};
}

static void check_rules(struct ov_monitor *monitor, const struct ov_release *release,
                        const char *what, int bundle) {
    char name[] = "bundle";
    struct ov_source source = make_source(&bundle, name);
    struct ov_sources sources = {.items = &source, .count = 1};
    struct ov_leaves_request request = {.sources = &sources};
    struct ov_tree_hash root;
    uint64_t count = 0;
    char why[OV_LEAVES_REASON_BYTES];
    enum ov_status status = ov_leaves_run(&request, &count, &root, why);
    if (status == OV_PEER || status == OV_SYSTEM || status == OV_MEMORY) {
        ov_monitor_fail(monitor, what, why);
    } else if (status != OV_OK) {
        ov_monitor_find(monitor, "rules", what, "its rules cannot be read: %s", why);
    } else if (count != release->rule_count) {
        ov_monitor_find(monitor, "rules", what,
                        "the bundle has %" PRIu64 " rules, the release names %" PRIu64, count,
                        release->rule_count);
    } else if (!ov_tree_hash_is_equal(&root, &release->rule_root)) {
        ov_monitor_find(monitor, "rules", what,
                        "the rules of the bundle have another root than the release names");
    }
}

// Of a process that read bytes of strangers: nothing of it drives the terminal.
static void print_text(void *arg, struct ov_span text) {
    (void)arg;
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    ov_printable_add_lines(&out, text);
    (void)fwrite(out.data, 1, out.size, stdout);
}

static void compare(struct ov_monitor *monitor, const struct ov_release *release, const char *what,
                    const int *old, const int *new) {
    char old_name[] = "old";
    char new_name[] = "new";
    struct ov_source old_source = make_source(old, old_name);
    struct ov_source new_source = make_source(new, new_name);
    struct ov_sources old_sources = {.items = &old_source, .count = 1};
    struct ov_sources new_sources = {.items = &new_source, .count = 1};
    uint64_t added = 0;
    uint64_t removed = 0;
    char why[OV_LEAVES_REASON_BYTES];
    struct ov_changes_request request = {
        .old_sources = &old_sources,
        .new_sources = &new_sources,
        .is_json = monitor->options.is_json,
        .with_summary = true,
        .on_text = print_text,
    };
    if (ov_changes_run(&request, &added, &removed, why) != OV_OK) {
        ov_monitor_fail(monitor, what, why);
    } else if (added != release->added_count || removed != release->removed_count) {
        ov_monitor_find(monitor, "changes", what,
                        "%" PRIu64 " rules were added and %" PRIu64 " removed, the release names "
                        "%" PRIu64 " and %" PRIu64,
                        added, removed, release->added_count, release->removed_count);
    }
    (void)fflush(stdout);
}

static void tell_changes(struct ov_monitor *monitor, const struct ov_release *release,
                         const struct ov_monitor_release *last, const char *what, int bundle) {
    char why[OV_MONITOR_TEXT_BYTES] = "the bundle of the release before is not here";
    if (last == NULL) {
        return;
    }
    OV_AUTO_FD old = open_nameless(monitor);
    OV_AUTO_FD packed =
        last->is_open
            ? -1
            : openat(monitor->mirror, ov_log_name_bundle(last->sha256).text, O_RDONLY | O_CLOEXEC);
    if (old < 0 || packed < 0 || unpack(packed, last->bundle_bytes, old, why) != OV_OK) {
        ov_monitor_fail(monitor, what, why);
        return;
    }
    compare(monitor, release, what, &old, &bundle);
}

// ---- the bundle ---------------------------------------------------------------------------------

static enum ov_status keep(struct ov_monitor *monitor, const char *name, int packed) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    enum ov_status status = ov_file_map_open_fd(packed, &map);
    if (status == OV_OK) {
        status = ov_durable_write(monitor->mirror, name, map.bytes, 0644);
    }
    if (status != OV_OK) {
        ov_monitor_fail(monitor, name,
                        status == OV_SYSTEM ? strerror(errno) : ov_status_text(status));
        return OV_PEER;
    }
    return OV_OK;
}

// Brings the bundle, unpacked, into `out`.
static enum ov_status take_bundle(struct ov_monitor *monitor, const struct ov_release *release,
                                  const char *what, int out) {
    struct ov_log_name name = ov_log_name_bundle(release->bundle_sha256);
    struct ov_fetch_get want = {
        .path = name.text, .most_bytes = release->bundle_bytes + PACKED_SLACK, .may_miss = true};
    struct ov_stage stage = {0};
    char why[OV_MONITOR_TEXT_BYTES] = "the log does not hand it out";
    TRY(ov_monitor_bring(monitor, &want, 1, &stage));
    enum ov_status status =
        stage.fds[0] < 0 ? OV_DENIED : ov_monitor_unpack(stage.fds[0], release, out, why);
    if (status == OV_OK) {
        status = keep(monitor, name.text, stage.fds[0]);
    } else if (status == OV_DENIED) {
        ov_monitor_find(monitor, "bundle", what, "%s: %s", name.text, why);
    } else {
        ov_monitor_fail(monitor, name.text, why);
    }
    ov_stage_close(&stage);
    return status;
}

enum ov_status ov_monitor_check_release(struct ov_monitor *monitor,
                                        const struct ov_release *release,
                                        const struct ov_monitor_release *last) {
    char what[OV_MONITOR_TEXT_BYTES];
    OV_AUTO_FD out = open_nameless(monitor);
    (void)snprintf(what, sizeof what, "release %" PRIu64 " of feed %s", release->seq,
                   release->feed.text);
    if (out < 0) {
        ov_monitor_fail(monitor, monitor->state_path, strerror(errno));
        return OV_PEER;
    }
    enum ov_status status = take_bundle(monitor, release, what, out);
    if (status != OV_OK) {
        return status == OV_DENIED ? OV_DENIED : OV_PEER;
    }
    check_rules(monitor, release, what, out);
    tell_changes(monitor, release, last, what, out);
    return OV_OK;
}
