// SPDX-License-Identifier: Apache-2.0
// Removes superseded partial tiles and bundles.
#include "journal/partials.h"

#include "base/fault.h"
#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

// The levels of tiles, and the bundles of entries after them.
enum { BUNDLES = OV_TILE_LEVELS, ROWS };

// How many hashes (or entries) that row has of a tree of `size` entries.
static uint64_t count_in_row(uint64_t size, unsigned row) {
    return row == BUNDLES ? size : size >> row * OV_TILE_LEVEL_BITS;
}

static enum ov_status path_of(unsigned row, uint64_t number, unsigned width,
                              struct ov_tile_path *ret_path) {
    return row == BUNDLES ? ov_entries_path(number, width, ret_path)
                          : ov_tile_path(row, number, width, ret_path);
}

static bool remove_name(int folder, const char *name, int flags) {
    ov_fault_point();
    return unlinkat(folder, name, flags) == 0 || errno == ENOENT;
}

static bool empty_folder(int folder, const char *path) {
    int fd = openat(folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    bool is_done = list != NULL;
    if (list == NULL) {
        ov_fd_close(&fd);
        return false;
    }
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        if (entry->d_name[0] != '.') {
            is_done = remove_name(fd, entry->d_name, 0) && is_done;
        }
    }
    (void)closedir(list);
    return is_done;
}

// All partial ones of a tile that is full: what it takes is in the full one. Mostly there is no
// such folder, or it is empty by now.
static bool remove_all(int folder, unsigned row, uint64_t number) {
    struct ov_tile_path path;
    if (path_of(row, number, 1, &path) != OV_OK) {
        return false;
    }
    *strrchr(path.text, '/') = '\0'; // tile/L/N.p
    if (remove_name(folder, path.text, AT_REMOVEDIR)) {
        return true;
    }
    bool is_full = errno == ENOTEMPTY || errno == EEXIST;
    return is_full && empty_folder(folder, path.text) &&
           remove_name(folder, path.text, AT_REMOVEDIR);
}

static void remove_of_row(int folder, unsigned row, uint64_t from, uint64_t to) {
    uint64_t first = from / OV_TILE_WIDTH;
    uint64_t full = to / OV_TILE_WIDTH; // tiles that are
    unsigned width = (unsigned)(from % OV_TILE_WIDTH);
    struct ov_tile_path path;
    if (width > 0 && first >= full && path_of(row, first, width, &path) == OV_OK) {
        (void)remove_name(folder, path.text, 0);
    }
    // The one before, too: a crash may have come between its checkpoint and this.
    for (uint64_t number = first > 0 ? first - 1 : 0; number < full; number++) {
        (void)remove_all(folder, row, number);
    }
}

void ov_partials_remove(int folder, uint64_t from, uint64_t to) {
    for (unsigned row = 0; row < ROWS; row++) {
        uint64_t before = count_in_row(from, row);
        uint64_t now = count_in_row(to, row);
        if (before != now) {
            remove_of_row(folder, row, before, now);
        }
    }
}

enum ov_status ov_partials_remove_bundle(int folder, uint64_t number) {
    return remove_all(folder, BUNDLES, number) ? OV_OK : OV_SYSTEM;
}
