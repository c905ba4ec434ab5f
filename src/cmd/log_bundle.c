// SPDX-License-Identifier: Apache-2.0
// Bundles below a log's folder: BUNDLE.zst and its deltas.
#include "cmd/log_bundle.h"

#include "base/durable.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/say.h"
#include "ledger/log_names.h"
#include "ledger/note.h"
#include "role/pack_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PUBLIC_MODE = 0644 };

enum ov_status ov_log_release_read(struct ov_span entry, struct ov_release *ret_release) {
    struct ov_note note;
    if (ov_leaf_kind_of(entry) != OV_LEAF_RULESET || ov_note_read(entry, &note) != OV_OK) {
        return OV_DAMAGED;
    }
    return ov_release_read(note.text, ret_release);
}

static enum ov_status say(const char *name, enum ov_status status, const char *why) {
    ov_say_error(name,
                 why != NULL           ? why
                 : status == OV_SYSTEM ? strerror(errno)
                                       : ov_status_text(status),
                 NULL);
    return status;
}

// ---- unpacking ----------------------------------------------------------------------------------

static enum ov_status check_bundle(const char *name, int fd, const struct ov_release *release) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    uint8_t sha256[OV_SHA256_BYTES];
    enum ov_status status = ov_file_map_open_fd(fd, &map);
    if (status != OV_OK) {
        return say(name, status, NULL);
    }
    ov_sha256(map.bytes, sha256);
    bool is_right = map.bytes.size == release->bundle_bytes &&
                    memcmp(sha256, release->bundle_sha256, sizeof sha256) == 0;
    return is_right ? OV_OK : say(name, OV_DENIED, "is not the bundle that the release names");
}

enum ov_status ov_log_bundle_open(int folder, const struct ov_release *release, int *ret_fd) {
    struct ov_log_name name = ov_log_name_bundle(release->bundle_sha256);
    char reason[OV_PACK_REASON_BYTES];
    OV_AUTO_FD packed = openat(folder, name.text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    OV_AUTO_FD bundle = memfd_create("overt-bundle", MFD_CLOEXEC);
    if (packed < 0 || bundle < 0) {
        return say(name.text, OV_SYSTEM, NULL);
    }
    enum ov_status status = ov_pack_undo(packed, -1, release->bundle_bytes, bundle, reason);
    if (status != OV_OK) {
        return say(name.text, status, reason);
    }
    TRY(check_bundle(name.text, bundle, release));
    *ret_fd = bundle;
    bundle = -1;
    return OV_OK;
}

// ---- packing ------------------------------------------------------------------------------------

static off_t size_of(int fd) {
    struct stat info;
    return fstat(fd, &info) == 0 ? info.st_size : -1;
}

// Packs beside the place; renaming, once all of it is on disk, is the caller's.
static enum ov_status pack_beside(int folder, const char *beside, int bundle, int dictionary,
                                  off_t *ret_size) {
    char reason[OV_PACK_REASON_BYTES];
    TRY(ov_durable_folders(folder, beside, 0755));
    ov_fault_point();
    OV_AUTO_FD out =
        openat(folder, beside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, PUBLIC_MODE);
    if (out < 0 || fchmod(out, PUBLIC_MODE) != 0) {
        return say(beside, OV_SYSTEM, NULL);
    }
    ov_fault_point();
    enum ov_status status = ov_pack_run(bundle, dictionary, out, reason);
    if (status != OV_OK) {
        return say(beside, status, reason);
    }
    *ret_size = size_of(out);
    return OV_OK;
}

static enum ov_status put(int folder, const char *name, const char *beside) {
    enum ov_status status = ov_durable_rename(folder, beside, name);
    return status == OV_OK ? OV_OK : say(name, status, NULL);
}

enum ov_status ov_log_bundle_put(int folder, int bundle, const uint8_t sha256[OV_SHA256_BYTES]) {
    struct ov_log_name name = ov_log_name_bundle(sha256);
    char beside[sizeof name.text + sizeof ".new"];
    off_t size;
    (void)snprintf(beside, sizeof beside, "%s.new", name.text);
    TRY(pack_beside(folder, beside, bundle, -1, &size));
    return put(folder, name.text, beside);
}

enum ov_status ov_log_delta_put(int folder, int from, const uint8_t from_sha256[OV_SHA256_BYTES],
                                int to, const uint8_t to_sha256[OV_SHA256_BYTES]) {
    struct ov_log_name name = ov_log_name_delta(from_sha256, to_sha256);
    struct ov_log_name whole = ov_log_name_bundle(to_sha256);
    char beside[sizeof name.text + sizeof ".new"];
    struct stat info;
    off_t size = 0;
    (void)snprintf(beside, sizeof beside, "%s.new", name.text);
    TRY(pack_beside(folder, beside, to, from, &size));
    if (fstatat(folder, whole.text, &info, AT_SYMLINK_NOFOLLOW) == 0 && info.st_size <= size) {
        ov_fault_point();
        return unlinkat(folder, beside, 0) == 0 ? OV_OK : say(beside, OV_SYSTEM, NULL);
    }
    return put(folder, name.text, beside);
}
