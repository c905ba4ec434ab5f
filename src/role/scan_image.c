// SPDX-License-Identifier: Apache-2.0
// Opens a compiled rule image for a scan: checked who may change it, named by its digest.
#include "role/scan_job.h"

#include "base/hex.h"
#include "catalog/image_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static enum ov_status explain(enum ov_status status, const char *why,
                              char ret_reason[OV_SCAN_REASON_BYTES]) {
    (void)snprintf(ret_reason, OV_SCAN_REASON_BYTES, "%s", why);
    return status;
}

// Whether nobody but us and root can write to it while we scan.
static bool is_steady(int fd, const struct stat *info) {
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals >= 0 && (seals & F_SEAL_WRITE) != 0 && (seals & F_SEAL_SHRINK) != 0) {
        return true;
    }
    bool is_ours = info->st_uid == geteuid() || info->st_uid == 0;
    return is_ours && (info->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// A copy in sealed memory.
static enum ov_status copy_sealed(int fd, uint64_t size, int *ret_copy) {
    OV_AUTO_FD copy = memfd_create("overt-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    off_t at = 0;
    if (copy < 0) {
        return OV_SYSTEM;
    }
    while ((uint64_t)at < size) {
        ssize_t count = sendfile(copy, fd, &at, (size_t)(size - (uint64_t)at));
        if (count < 0 && errno != EINTR) {
            return OV_SYSTEM;
        }
        if (count == 0) {
            return OV_DAMAGED;
        }
    }
    if (fcntl(copy, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        return OV_SYSTEM;
    }
    *ret_copy = copy;
    copy = -1;
    return OV_OK;
}

static enum ov_status make_steady(int *fd) {
    struct stat info;
    int copy = -1;
    if (fstat(*fd, &info) != 0) {
        return OV_SYSTEM;
    }
    if (!S_ISREG(info.st_mode)) {
        return OV_UNSUPPORTED;
    }
    if (is_steady(*fd, &info)) {
        return OV_OK;
    }
    TRY(copy_sealed(*fd, (uint64_t)info.st_size, &copy));
    ov_fd_close(fd);
    *fd = copy;
    return OV_OK;
}

static void name_image(const struct ov_rule_names *names, char ret_id[OV_IMAGE_ID_BYTES]) {
    char digits[2 * sizeof names->digest + 1];
    ov_hex_write(ov_span_make(names->digest, sizeof names->digest), digits);
    (void)snprintf(ret_id, OV_IMAGE_ID_BYTES, "sha256:%s", digits);
}

static enum ov_status open_steady(struct ov_scan_image *image,
                                  char ret_reason[OV_SCAN_REASON_BYTES]) {
    enum ov_status status = make_steady(&image->fd);
    if (status == OV_OK) {
        status = ov_file_map_open_fd(image->fd, &image->map);
    }
    if (status != OV_OK) {
        const char *why = status == OV_SYSTEM ? strerror(errno) : ov_status_text(status);
        return explain(status, why, ret_reason);
    }
    ov_mapped_expect_little(image->map.bytes); // names, of what is found
    status = ov_rule_names_open(image->map.bytes, &image->names);
    if (status != OV_OK) {
        char why[OV_IMAGE_CHECK_REASON_BYTES] = "damaged";
        ov_mapped_expect_much(image->map.bytes);
        (void)!ov_image_check(image->map.bytes, why); // knows the place
        return explain(status, why, ret_reason);
    }
    name_image(&image->names, image->id);
    return OV_OK;
}

enum ov_status ov_scan_image_adopt(int fd, struct ov_scan_image *ret_image,
                                   char ret_reason[OV_SCAN_REASON_BYTES]) {
    struct ov_scan_image image = {.fd = fd};
    enum ov_status status = open_steady(&image, ret_reason);
    if (status != OV_OK) {
        ov_scan_image_close(&image);
        return status;
    }
    *ret_image = image;
    return OV_OK;
}

enum ov_status ov_scan_image_open(const char *path, struct ov_scan_image *ret_image,
                                  char ret_reason[OV_SCAN_REASON_BYTES]) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return explain(OV_SYSTEM, strerror(errno), ret_reason);
    }
    return ov_scan_image_adopt(fd, ret_image, ret_reason);
}

void ov_scan_image_close(struct ov_scan_image *image) {
    ov_file_map_close(&image->map);
    ov_fd_close(&image->fd);
}
