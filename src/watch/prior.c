// SPDX-License-Identifier: Apache-2.0
// Reads /proc/PID/maps, fd and fdinfo (proc(5)).
#include "watch/prior.h"

#include "watch/plaintext.h"
#include "watch/recorder_state.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { PROC_PATH_BYTES = 96, OCTAL = 8, DECIMAL = 10, HEX = 16 };

struct held {
    struct ov_recorder *recorder;
    struct ov_trace_prior record;
    char path[PATH_MAX];
};

static enum ov_status tell(struct held *held, const char *proc_path, bool is_file) {
    uint32_t generation = 0;
    if (is_file && ov_inode_generation(proc_path, &generation) == OV_OK) {
        held->record.inode.generation = generation;
    }
    held->record.path = ov_span_text(held->path);
    return ov_trace_write_prior(held->recorder->trace, &held->record);
}

// ---- maps ---------------------------------------------------------------------------------------

struct map {
    uint64_t from, to, inode, major, minor;
    const char *modes; // "rwxs"
    const char *path;
};

// The number at `at`, and `behind` behind it.
static bool take_number(const char **at, int base, char behind, uint64_t *ret_number) {
    char *end = NULL;
    *ret_number = strtoull(*at, &end, base);
    bool is_one = end != *at && *end == behind;
    *at = is_one ? end + 1 : end;
    return is_one;
}

// "FROM-TO MODES OFFSET MAJOR:MINOR INODE   PATH"; false: it is of no file.
static bool read_map(char *line, struct map *ret_map) {
    uint64_t offset;
    const char *at = line;
    line[strcspn(line, "\n")] = 0;
    if (!take_number(&at, HEX, '-', &ret_map->from) || !take_number(&at, HEX, ' ', &ret_map->to) ||
        strcspn(at, " ") != strlen("rwxs")) {
        return false;
    }
    ret_map->modes = at;
    at += strlen("rwxs ");
    if (!take_number(&at, HEX, ' ', &offset) || !take_number(&at, HEX, ':', &ret_map->major) ||
        !take_number(&at, HEX, ' ', &ret_map->minor) ||
        !take_number(&at, DECIMAL, ' ', &ret_map->inode)) {
        return false;
    }
    ret_map->path = at + strspn(at, " ");
    return ret_map->inode != 0 && ret_map->path[0] == '/';
}

static enum ov_trace_mode mode_of(const struct map *map) {
    bool is_written = map->modes[1] == 'w' && map->modes[3] == 's'; // else it is a copy of its own
    bool is_read = map->modes[0] == 'r';
    return is_written && is_read ? OV_TRACE_MODE_BOTH
           : is_written          ? OV_TRACE_MODE_WRITE
           : is_read             ? OV_TRACE_MODE_READ
                                 : OV_TRACE_MODE_NONE;
}

// A library is told by its path as that process sees it.
static enum ov_status consider(const struct held *held) {
    char path[PATH_MAX + PROC_PATH_BYTES];
    struct stat info;
    if (held->recorder->plaintext == NULL) {
        return OV_OK;
    }
    bool is_here = stat(held->path, &info) == 0 && info.st_ino == held->record.inode.inode;
    (void)snprintf(path, sizeof path, "/proc/%u/root%s", held->record.process.pid, held->path);
    return ov_plaintext_consider(held->recorder->plaintext, is_here ? held->path : path);
}

static enum ov_status end_file(struct held *held, const char *map_path) {
    if (held->record.bytes == 0) {
        return OV_OK;
    }
    TRY(consider(held));
    TRY(tell(held, map_path, true));
    held->record.bytes = 0;
    return OV_OK;
}

// Parts of one file follow each other: they are one record.
static enum ov_status add_map(struct held *held, const struct map *map,
                              char map_path[PROC_PATH_BYTES]) {
    uint32_t device = (uint32_t)(map->major << 20 | map->minor);
    bool is_same = held->record.bytes > 0 && held->record.inode.inode == map->inode &&
                   held->record.inode.device == device;
    if (!is_same) {
        TRY(end_file(held, map_path));
        held->record.inode = (struct ov_trace_inode){.device = device, .inode = map->inode};
        held->record.mode = OV_TRACE_MODE_NONE;
        (void)snprintf(held->path, sizeof held->path, "%s", map->path);
        (void)snprintf(map_path, PROC_PATH_BYTES, "/proc/%u/map_files/%" PRIx64 "-%" PRIx64,
                       held->record.process.pid, map->from, map->to);
    }
    held->record.mode |= mode_of(map);
    held->record.bytes += map->to - map->from;
    return OV_OK;
}

static enum ov_status list_maps(struct held *held) {
    char path[PROC_PATH_BYTES];
    char map_path[PROC_PATH_BYTES] = "";
    char *line = NULL;
    size_t room = 0;
    enum ov_status status = OV_OK;
    (void)snprintf(path, sizeof path, "/proc/%u/maps", held->record.process.pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return OV_OK; // it has ended
    }
    held->record.kind = OV_TRACE_PRIOR_MAP;
    held->record.fd = 0;
    held->record.bytes = 0;
    while (status == OV_OK && getline(&line, &room, file) > 0) {
        struct map map;
        if (read_map(line, &map)) {
            status = add_map(held, &map, map_path);
        }
    }
    (void)fclose(file);
    free(line);
    return status == OV_OK ? end_file(held, map_path) : status;
}

// ---- descriptors --------------------------------------------------------------------------------

// "flags:" in octal digits.
static enum ov_trace_mode read_mode(uint32_t pid, const char *number) {
    static const enum ov_trace_mode modes[] = {[O_RDONLY] = OV_TRACE_MODE_READ,
                                               [O_WRONLY] = OV_TRACE_MODE_WRITE,
                                               [O_RDWR] = OV_TRACE_MODE_BOTH,
                                               [O_ACCMODE] = OV_TRACE_MODE_NONE};
    char path[PROC_PATH_BYTES];
    char line[256];
    unsigned long flags = O_ACCMODE;
    (void)snprintf(path, sizeof path, "/proc/%u/fdinfo/%.10s", pid, number);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "flags:", strlen("flags:")) == 0) {
            flags = strtoul(line + strlen("flags:"), NULL, OCTAL);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return (flags & O_PATH) != 0 ? OV_TRACE_MODE_NONE : modes[flags & O_ACCMODE];
}

static enum ov_status add_descriptor(struct held *held, const char *number) {
    uint32_t pid = held->record.process.pid;
    char path[PROC_PATH_BYTES];
    struct stat info;
    (void)snprintf(path, sizeof path, "/proc/%u/fd/%.10s", pid, number);
    ssize_t size = readlink(path, held->path, sizeof held->path - 1);
    if (size < 0 || stat(path, &info) != 0) {
        return OV_OK; // closed meanwhile
    }
    held->path[size] = 0;
    held->record.fd = (uint32_t)strtoul(number, NULL, DECIMAL);
    held->record.mode = read_mode(pid, number);
    held->record.inode = (struct ov_trace_inode){
        .device = major(info.st_dev) << 20 | minor(info.st_dev), .inode = info.st_ino};
    return tell(held, path, S_ISREG(info.st_mode));
}

static enum ov_status list_descriptors(struct held *held) {
    char path[PROC_PATH_BYTES];
    enum ov_status status = OV_OK;
    (void)snprintf(path, sizeof path, "/proc/%u/fd", held->record.process.pid);
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return OV_OK;
    }
    held->record.kind = OV_TRACE_PRIOR_FD;
    held->record.bytes = 0;
    for (const struct dirent *entry = readdir(folder); entry != NULL && status == OV_OK;
         entry = readdir(folder)) {
        status = entry->d_name[0] != '.' ? add_descriptor(held, entry->d_name) : OV_OK;
    }
    (void)closedir(folder);
    return status;
}

enum ov_status ov_prior_list(struct ov_recorder *recorder, uint32_t pid) {
    struct held held = {
        .recorder = recorder,
        .record.process = {.pid = pid, .start_ns = ov_recorder_start_of(recorder, pid)}};
    TRY(list_descriptors(&held));
    return list_maps(&held);
}
