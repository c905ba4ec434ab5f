// SPDX-License-Identifier: Apache-2.0
// The memory of --changed: a table of file keys, by device and inode.
#include "cmd/scan_state.h"

#include "base/buf.h"
#include "base/cursor.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    ENTRY_BYTES = 40,
    ENTRIES_MAX = 8 << 20,
    FIRST_SLOTS = 4096,
    SETTLE_SECONDS = 2,
};

static const char magic[8] = {'O', 'V', 'S', 'C', 'A', 'N', '0', '2'};

struct entry {
    struct ov_file_key key;
    bool is_used;
    bool is_clean;
};

struct ov_scan_state {
    char path[PATH_MAX];
    struct ov_buf header; // magic, image and limits: the state counts only under the same
    struct entry *entries;
    size_t slot_count; // a power of two
    size_t used_count;
    int64_t settled_ns; // later changes are too fresh to trust
};

enum ov_status ov_state_folder(char *ret_path, size_t size) {
    const char *own = getenv("OVERT_STATE");
    const char *data = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    int length;
    if (own != NULL && own[0] != 0) {
        length = snprintf(ret_path, size, "%s", own);
    } else if (geteuid() == 0) {
        length = snprintf(ret_path, size, "/var/lib/overt");
    } else if (data != NULL && data[0] == '/') {
        length = snprintf(ret_path, size, "%s/overt", data);
    } else if (home != NULL && home[0] == '/') {
        length = snprintf(ret_path, size, "%s/.local/share/overt", home);
    } else {
        return OV_INVALID;
    }
    return length >= 0 && (size_t)length < size ? OV_OK : OV_LIMIT;
}

// ---- table ------------------------------------------------------------------------------------

static size_t slot_of(const struct ov_scan_state *state, const struct ov_file_key *key) {
    uint64_t hash = (key->device * 0x9e3779b97f4a7c15u) ^ (key->inode * 0xd6e8feb86659fd93u);
    size_t slot = (size_t)(hash ^ hash >> 32) & (state->slot_count - 1);
    while (state->entries[slot].is_used && (state->entries[slot].key.inode != key->inode ||
                                            state->entries[slot].key.device != key->device)) {
        slot = (slot + 1) & (state->slot_count - 1);
    }
    return slot;
}

static enum ov_status grow(struct ov_scan_state *state) {
    struct entry *old = state->entries;
    size_t old_count = state->slot_count;
    struct entry *entries = calloc(old_count * 2, sizeof *entries);
    if (entries == NULL) {
        return OV_MEMORY;
    }
    state->entries = entries;
    state->slot_count = old_count * 2;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].is_used) {
            entries[slot_of(state, &old[i].key)] = old[i];
        }
    }
    free(old);
    return OV_OK;
}

static void put(struct ov_scan_state *state, const struct ov_file_key *key, bool is_clean) {
    if (state->used_count * 2 >= state->slot_count && grow(state) != OV_OK) {
        return; // not remembered: the file is scanned again next time
    }
    struct entry *entry = &state->entries[slot_of(state, key)];
    if (!entry->is_used && state->used_count >= ENTRIES_MAX) {
        return;
    }
    state->used_count += !entry->is_used;
    *entry = (struct entry){.key = *key, .is_used = true, .is_clean = is_clean};
}

bool ov_scan_state_is_known(const struct ov_scan_state *state, const struct ov_file_key *key) {
    const struct entry *entry = &state->entries[slot_of(state, key)];
    return entry->is_used && entry->is_clean && entry->key.size == key->size &&
           entry->key.mtime_ns == key->mtime_ns && entry->key.ctime_ns == key->ctime_ns;
}

void ov_scan_state_note(struct ov_scan_state *state, const struct ov_file_key *key, bool is_clean) {
    bool is_settled = key->ctime_ns < state->settled_ns && key->mtime_ns < state->settled_ns;
    put(state, key, is_clean && is_settled);
}

// ---- file -------------------------------------------------------------------------------------

static void write_header(struct ov_buf *header, const char *image_id,
                         const struct ov_limits *limits, bool is_all_matches, uint32_t alerts) {
    ov_buf_add(header, magic, sizeof magic);
    ov_buf_add(header, image_id, strlen(image_id));
    ov_buf_add_u8(header, is_all_matches ? 1 : 0);
    ov_buf_add_u64le(header, limits->file_bytes);
    ov_buf_add_u64le(header, limits->scan_bytes);
    ov_buf_add_u64le(header, limits->time_ms);
    ov_buf_add_u32le(header, limits->depth);
    ov_buf_add_u32le(header, limits->files);
    ov_buf_add_u32le(header, alerts);
}

static void read_entries(struct ov_scan_state *state, struct ov_span bytes) {
    struct ov_cursor in = ov_cursor_init(bytes);
    struct ov_span header = ov_cursor_bytes(&in, state->header.size);
    uint64_t count = ov_cursor_u64le(&in);
    if (in.has_failed || !ov_span_is_equal(header, ov_buf_span(&state->header)) ||
        ov_cursor_left(&in) / ENTRY_BYTES != count || ov_cursor_left(&in) % ENTRY_BYTES != 0) {
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        struct ov_file_key key;
        key.device = ov_cursor_u64le(&in);
        key.inode = ov_cursor_u64le(&in);
        key.size = ov_cursor_u64le(&in);
        key.mtime_ns = (int64_t)ov_cursor_u64le(&in);
        key.ctime_ns = (int64_t)ov_cursor_u64le(&in);
        put(state, &key, true);
    }
}

// A state that others could write would let them hide files from us.
static void read_state(struct ov_scan_state *state) {
    OV_AUTO_FD fd = open(state->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    struct ov_file_map map;
    if (fd < 0 || fstat(fd, &info) != 0 || info.st_uid != geteuid() ||
        (info.st_mode & (S_IWGRP | S_IWOTH)) != 0 || ov_file_map_open_fd(fd, &map) != OV_OK) {
        return;
    }
    read_entries(state, map.bytes);
    ov_file_map_close(&map);
}

enum ov_status ov_state_make_folders(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int result = mkdir(path, 0700);
        *slash = '/';
        if (result != 0 && errno != EEXIST) {
            return OV_SYSTEM;
        }
    }
    return OV_OK;
}

enum ov_status ov_scan_state_open(const char *image_id, const struct ov_limits *limits,
                                  bool is_all_matches, uint32_t alerts,
                                  struct ov_scan_state **ret_state) {
    char folder[PATH_MAX - 32];
    TRY(ov_state_folder(folder, sizeof folder));
    struct ov_scan_state *state = calloc(1, sizeof *state);
    if (state == NULL) {
        return OV_MEMORY;
    }
    state->entries = calloc(FIRST_SLOTS, sizeof *state->entries);
    state->slot_count = FIRST_SLOTS;
    write_header(&state->header, image_id, limits, is_all_matches, alerts);
    if (state->entries == NULL || ov_buf_status(&state->header) != OV_OK) {
        ov_scan_state_free(state);
        return OV_MEMORY;
    }
    state->settled_ns = ((int64_t)time(NULL) - SETTLE_SECONDS) * 1000000000;
    (void)snprintf(state->path, sizeof state->path, "%s/scan.state", folder);
    read_state(state);
    *ret_state = state;
    return OV_OK;
}

void ov_scan_state_free(struct ov_scan_state *state) {
    if (state != NULL) {
        ov_buf_release(&state->header);
        free(state->entries);
        free(state);
    }
}

static void write_entries(const struct ov_scan_state *state, struct ov_buf *out) {
    uint64_t count = 0;
    for (size_t i = 0; i < state->slot_count; i++) {
        count += state->entries[i].is_used && state->entries[i].is_clean;
    }
    ov_buf_add(out, state->header.data, state->header.size);
    ov_buf_add_u64le(out, count);
    for (size_t i = 0; i < state->slot_count; i++) {
        const struct entry *entry = &state->entries[i];
        if (entry->is_used && entry->is_clean) {
            ov_buf_add_u64le(out, entry->key.device);
            ov_buf_add_u64le(out, entry->key.inode);
            ov_buf_add_u64le(out, entry->key.size);
            ov_buf_add_u64le(out, (uint64_t)entry->key.mtime_ns);
            ov_buf_add_u64le(out, (uint64_t)entry->key.ctime_ns);
        }
    }
}

enum ov_status ov_scan_state_save(struct ov_scan_state *state) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    char path[PATH_MAX + 16];
    write_entries(state, &out);
    TRY(ov_buf_status(&out));
    TRY(ov_state_make_folders(state->path));
    (void)snprintf(path, sizeof path, "%s.XXXXXX", state->path);
    OV_AUTO_FD fd = mkostemp(path, O_CLOEXEC); // mode 0600
    if (fd < 0) {
        return OV_SYSTEM;
    }
    enum ov_status status = ov_fd_write_all(fd, ov_buf_span(&out));
    if (status == OV_OK && (fsync(fd) != 0 || rename(path, state->path) != 0)) {
        status = OV_SYSTEM;
    }
    if (status != OV_OK) {
        (void)unlink(path);
    }
    return status;
}
