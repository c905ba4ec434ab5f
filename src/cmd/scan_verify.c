// SPDX-License-Identifier: Apache-2.0
// The first look at an image, and the stamp that says that there was one.
#include "cmd/scan_verify.h"

#include "base/buf.h"
#include "base/fd.h"
#include "cmd/scan_state.h"
#include "catalog/image_check.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    STAMP_BYTES = 48,   // magic and five numbers
    SETTLE_SECONDS = 2, // a file changed later than this could change again within the same tick
};

_Static_assert((int)OV_SCAN_REASON_BYTES >= (int)OV_IMAGE_CHECK_REASON_BYTES, "a reason fits");

static int64_t count_ns(struct timespec time) {
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// The stamp of the file behind `fd` as it is now. False when it changed too recently to be
// remembered.
static bool make_stamp(int fd, struct ov_buf *ret_stamp) {
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return false;
    }
    ov_buf_add_text(ret_stamp, "OVSEEN01");
    ov_buf_add_u64le(ret_stamp, info.st_dev);
    ov_buf_add_u64le(ret_stamp, info.st_ino);
    ov_buf_add_u64le(ret_stamp, (uint64_t)info.st_size);
    ov_buf_add_u64le(ret_stamp, (uint64_t)count_ns(info.st_mtim));
    ov_buf_add_u64le(ret_stamp, (uint64_t)count_ns(info.st_ctim));
    return ov_buf_status(ret_stamp) == OV_OK && info.st_ctim.tv_sec + SETTLE_SECONDS < time(NULL);
}

// STATE/images/DIGITS, and the folders above it.
static enum ov_status find_path(const char *image_id, char *ret_path, size_t size) {
    char folder[PATH_MAX - 128];
    TRY(ov_state_folder(folder, sizeof folder));
    int length = snprintf(ret_path, size, "%s/images/%s", folder, image_id + strlen("sha256:"));
    return length > 0 && (size_t)length < size ? OV_OK : OV_LIMIT;
}

static bool is_stamped(const char *path, struct ov_span stamp) {
    OV_AUTO_FD fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    uint8_t held[STAMP_BYTES];
    return fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() &&
           (info.st_mode & (S_IWGRP | S_IWOTH)) == 0 && info.st_size == STAMP_BYTES &&
           read(fd, held, sizeof held) == STAMP_BYTES &&
           ov_span_is_equal(ov_span_make(held, sizeof held), stamp);
}

static void write_stamp(char *path, struct ov_span stamp) {
    char fresh[PATH_MAX + 16];
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700); // mostly there; when it cannot be made, opening fails
        *slash = '/';
    }
    (void)snprintf(fresh, sizeof fresh, "%s.XXXXXX", path);
    OV_AUTO_FD fd = mkostemp(fresh, O_CLOEXEC); // mode 0600
    if (fd >= 0 && (ov_fd_write_all(fd, stamp) != OV_OK || rename(fresh, path) != 0)) {
        (void)unlink(fresh);
    }
}

enum ov_status ov_scan_image_verify(const struct ov_scan_image *image,
                                    char ret_reason[OV_SCAN_REASON_BYTES]) {
    OV_CLEANUP(ov_buf_release) struct ov_buf stamp = {0};
    char path[PATH_MAX];
    bool is_lasting =
        make_stamp(image->fd, &stamp) && find_path(image->id, path, sizeof path) == OV_OK;
    if (is_lasting && is_stamped(path, ov_buf_span(&stamp))) {
        return OV_OK;
    }
    TRY(ov_image_check(image->map.bytes, ret_reason));
    if (is_lasting) {
        write_stamp(path, ov_buf_span(&stamp));
    }
    return OV_OK;
}
