// SPDX-License-Identifier: Apache-2.0
// Names of tiles and entry bundles, and reading one tile.
#include "ledger/tile.h"

#include "base/fd.h"
#include "ledger/tile_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

// ---- names --------------------------------------------------------------------------------------

// The end of a path: the number in groups of three digits, each but the last behind an x, and the
// width of a partial file.
static void write_end(uint64_t number, unsigned width, char *ret_text, size_t room) {
    char end[OV_TILE_PATH_ROOM];
    size_t at = sizeof end - 1; // written from the right
    end[at] = '\0';
    for (bool is_last = true; is_last || number > 0; is_last = false, number /= 1000) {
        char group[8];
        int size =
            snprintf(group, sizeof group, is_last ? "%03u" : "x%03u/", (unsigned)(number % 1000));
        at -= (size_t)size;
        memcpy(&end[at], group, (size_t)size);
    }
    if (width < OV_TILE_WIDTH) {
        (void)snprintf(ret_text, room, "%s.p/%u", &end[at], width);
    } else {
        (void)snprintf(ret_text, room, "%s", &end[at]);
    }
}

static enum ov_status write_path(const char *folder, uint64_t number, unsigned width,
                                 struct ov_tile_path *ret_path) {
    if (width == 0 || width > OV_TILE_WIDTH || number > OV_NUMBER_MAX / OV_TILE_WIDTH) {
        return OV_INVALID;
    }
    struct ov_tile_path path;
    int size = snprintf(path.text, sizeof path.text, "tile/%s/", folder);
    write_end(number, width, &path.text[size], sizeof path.text - (size_t)size);
    *ret_path = path;
    return OV_OK;
}

enum ov_status ov_tile_path(unsigned level, uint64_t number, unsigned width,
                            struct ov_tile_path *ret_path) {
    char folder[16];
    if (level >= OV_TREE_LEVELS) {
        return OV_INVALID;
    }
    (void)snprintf(folder, sizeof folder, "%u", level);
    return write_path(folder, number, width, ret_path);
}

enum ov_status ov_entries_path(uint64_t number, unsigned width, struct ov_tile_path *ret_path) {
    return write_path("entries", number, width, ret_path);
}

unsigned ov_tile_width(uint64_t size, unsigned level, uint64_t number) {
    uint64_t hashes = level < OV_TILE_LEVELS ? size >> level * OV_TILE_LEVEL_BITS : 0;
    if (number > hashes / OV_TILE_WIDTH) {
        return 0;
    }
    uint64_t rest = hashes - number * OV_TILE_WIDTH;
    return rest < OV_TILE_WIDTH ? (unsigned)rest : OV_TILE_WIDTH;
}

// ---- files --------------------------------------------------------------------------------------

enum ov_status ov_tile_file_open(int folder, const struct ov_tile_path *path, int *ret_fd,
                                 uint64_t *ret_size) {
    OV_AUTO_FD fd = openat(folder, path->text, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        return OV_SYSTEM;
    }
    if (!S_ISREG(info.st_mode)) {
        return OV_DAMAGED;
    }
    *ret_fd = fd;
    *ret_size = (uint64_t)info.st_size;
    fd = -1;
    return OV_OK;
}

const char *ov_tile_flaw_text(enum ov_status status, const char *damaged) {
    switch (status) {
    case OV_DAMAGED:
        return damaged;
    case OV_UNSUPPORTED:
        return "is compressed";
    case OV_SYSTEM:
        return errno == ENOENT ? "is not there" : "cannot be read";
    default:
        return ov_status_text(status);
    }
}

// Reads the file at `path`, which must have exactly `width` hashes.
static enum ov_status read_hashes(int folder, const struct ov_tile_path *path, unsigned width,
                                  struct ov_tile_hashes *ret_hashes) {
    OV_AUTO_FD fd = -1;
    uint64_t size = 0;
    size_t done = 0;
    TRY(ov_tile_file_open(folder, path, &fd, &size));
    if (size != (uint64_t)width * OV_SHA256_BYTES) {
        return OV_DAMAGED;
    }
    TRY(ov_fd_read_full(fd, ret_hashes->hashes, (size_t)size, &done));
    return done == size ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_tile_read(int folder, unsigned level, uint64_t number, unsigned width,
                            struct ov_tile_hashes *ret_hashes) {
    struct ov_tile_path path;
    TRY(ov_tile_path(level, number, width, &path));
    enum ov_status status = read_hashes(folder, &path, width, ret_hashes);
    if (status == OV_SYSTEM && errno == ENOENT && width < OV_TILE_WIDTH) {
        TRY(ov_tile_path(level, number, OV_TILE_WIDTH, &path));
        status = read_hashes(folder, &path, OV_TILE_WIDTH, ret_hashes);
    }
    return status;
}
