// SPDX-License-Identifier: Apache-2.0
// The memory of processes, read through /proc, page by page where there are pages.
#include "role/processes.h"

#include "base/buf.h"
#include "base/fd.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    PIECE_BYTES = 32 << 20,   // of a region in one item
    OVERLAP_BYTES = 64 << 10, // of two pieces, so that nothing is cut in two
    PAGE_ENTRY_BYTES = 8,     // of /proc/PID/pagemap
    PIECE_ENTRIES = PIECE_BYTES / 4096,
    COPY_BYTES = 256 << 10,
    LINE_BYTES = 2 * PATH_MAX,
    ANCESTORS_MAX = 64,
};

static const uint64_t PAGE_PRESENT = (uint64_t)1 << 63, PAGE_SWAPPED = (uint64_t)1 << 62,
                      PAGE_OF_FILE = (uint64_t)1 << 61;

// One line of /proc/PID/maps (proc_pid_maps(5)).
struct region {
    uint64_t start, end, inode;
    char rights[5];
    const char *name; // in the line
};

struct ov_processes {
    pid_t *pids;
    size_t count, next;
    bool are_named; // somebody asked for these: one that is not there is a problem
    pid_t self;
    size_t page_bytes;
    // The process that is being read.
    pid_t pid;
    int folder, memory, page_map; // /proc/PID, mem, pagemap; -1
    char name[32];
    FILE *maps;
    char line[LINE_BYTES];
    struct region region;
    uint64_t at; // next piece of the region; region.end: none
    struct ov_buf path;
    uint64_t entries[PIECE_ENTRIES];
    uint8_t copy[COPY_BYTES];
};

// ---- which processes ---------------------------------------------------------------------------

static enum ov_status add_pid(struct ov_processes *processes, pid_t pid) {
    if ((processes->count & (processes->count - 1)) == 0) {
        size_t room = processes->count == 0 ? 1 : processes->count * 2;
        pid_t *pids = realloc(processes->pids, room * sizeof *pids);
        if (pids == NULL) {
            return OV_MEMORY;
        }
        processes->pids = pids;
    }
    processes->pids[processes->count++] = pid;
    return OV_OK;
}

static enum ov_status list_all(struct ov_processes *processes) {
    DIR *folder = opendir("/proc");
    if (folder == NULL) {
        return OV_SYSTEM;
    }
    enum ov_status status = OV_OK;
    for (struct dirent *entry; status == OV_OK && (entry = readdir(folder)) != NULL;) {
        char *end;
        long pid = strtol(entry->d_name, &end, 10);
        if (isdigit((unsigned char)entry->d_name[0]) && *end == '\0' && pid > 0) {
            status = add_pid(processes, (pid_t)pid);
        }
    }
    (void)closedir(folder);
    return status;
}

enum ov_status ov_processes_new(const pid_t *pids, size_t count, struct ov_processes **ret) {
    struct ov_processes *processes = calloc(1, sizeof *processes);
    if (processes == NULL) {
        return OV_MEMORY;
    }
    processes->folder = processes->memory = processes->page_map = -1;
    processes->self = getpid();
    processes->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    enum ov_status status = count == 0 ? list_all(processes) : OV_OK;
    for (size_t i = 0; i < count && status == OV_OK; i++) {
        status = add_pid(processes, pids[i]);
    }
    processes->are_named = count > 0;
    if (status != OV_OK) {
        ov_processes_free(processes);
        return status;
    }
    *ret = processes;
    return OV_OK;
}

static void close_process(struct ov_processes *processes) {
    ov_fd_close(&processes->folder);
    ov_fd_close(&processes->memory);
    ov_fd_close(&processes->page_map);
    if (processes->maps != NULL) {
        (void)fclose(processes->maps);
        processes->maps = NULL;
    }
    processes->region = (struct region){0};
    processes->at = 0;
}

void ov_processes_free(struct ov_processes *processes) {
    if (processes == NULL) {
        return;
    }
    close_process(processes);
    ov_buf_release(&processes->path);
    free(processes->pids);
    free(processes);
}

// ---- one process -------------------------------------------------------------------------------

static void read_text(int folder, const char *file, char *ret_text, size_t size) {
    size_t got = 0;
    OV_AUTO_FD fd = openat(folder, file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || ov_fd_read_full(fd, ret_text, size - 1, &got) != OV_OK) {
        got = 0;
    }
    ret_text[got] = '\0';
    ret_text[strcspn(ret_text, "\n")] = '\0';
}

// The process above, the fourth word of /proc/PID/stat: the name before it may hold anything.
static pid_t parent_of(pid_t pid) {
    char path[64], text[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
    read_text(AT_FDCWD, path, text, sizeof text);
    const char *behind = strrchr(text, ')');
    return behind != NULL && strlen(behind) > 4 ? (pid_t)strtol(behind + 4, NULL, 10) : 0;
}

// Whether it is this process or one that it started: they hold the rules, which look like what the
// rules look for.
static bool is_ours(const struct ov_processes *processes, pid_t pid) {
    for (unsigned i = 0; pid > 1 && i < ANCESTORS_MAX; i++, pid = parent_of(pid)) {
        if (pid == processes->self) {
            return true;
        }
    }
    return false;
}

// Begins the item's path: "process 12 (name) ".
static void begin_path(struct ov_processes *processes) {
    ov_buf_reset(&processes->path);
    ov_buf_printf(&processes->path, "process %d (%s)", processes->pid, processes->name);
}

static void make_problem(struct ov_processes *processes, int error, struct ov_walk_item *ret_item) {
    begin_path(processes);
    *ret_item = (struct ov_walk_item){.kind = OV_WALK_PROBLEM,
                                      .path = ov_buf_span(&processes->path),
                                      .fd = -1,
                                      .reason = strerror(error)};
}

// Its executable, as the file behind it, whatever has become of its name. OV_END: it has none (a
// thread of the kernel) or cannot be had; that is told by what follows.
static enum ov_status open_executable(struct ov_processes *processes,
                                      struct ov_walk_item *ret_item) {
    char target[PATH_MAX];
    ssize_t size = readlinkat(processes->folder, "exe", target, sizeof target);
    OV_AUTO_FD fd = openat(processes->folder, "exe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat info;
    if (size <= 0 || fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        return OV_END;
    }
    begin_path(processes);
    ov_buf_printf(&processes->path, " executable %.*s", (int)size, target);
    TRY(ov_buf_status(&processes->path));
    *ret_item = (struct ov_walk_item){
        .kind = OV_WALK_FILE, .path = ov_buf_span(&processes->path), .fd = fd, .info = info};
    ret_item->info.st_dev = 0;
    ret_item->info.st_ino = 0;
    fd = -1;
    return OV_OK;
}

// Whether the process has ended since it was listed, or is a thread of the kernel, which has no
// memory of its own: nothing to tell of.
static bool is_gone(const struct ov_processes *processes, int error) {
    return !processes->are_named && (error == ENOENT || error == ESRCH);
}

// Opens the next process that is to be read. OV_OK: an item (executable or problem) is there;
// OV_UNSUPPORTED: it is open, and has no executable to tell of; OV_END: no more.
static enum ov_status open_next(struct ov_processes *processes, struct ov_walk_item *ret_item) {
    while (processes->next < processes->count) {
        char path[64];
        close_process(processes);
        processes->pid = processes->pids[processes->next++];
        (void)snprintf(path, sizeof path, "/proc/%d", processes->pid);
        processes->name[0] = '\0';
        processes->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (processes->folder < 0) {
            if (is_gone(processes, errno)) {
                continue;
            }
            make_problem(processes, errno == ENOENT ? ESRCH : errno, ret_item);
            return OV_OK;
        }
        read_text(processes->folder, "comm", processes->name, sizeof processes->name);
        if (is_ours(processes, processes->pid)) {
            continue;
        }
        int maps = openat(processes->folder, "maps", O_RDONLY | O_CLOEXEC);
        processes->memory = openat(processes->folder, "mem", O_RDONLY | O_CLOEXEC);
        processes->page_map = openat(processes->folder, "pagemap", O_RDONLY | O_CLOEXEC);
        int error = errno;
        processes->maps = maps >= 0 ? fdopen(maps, "r") : NULL;
        if (processes->maps == NULL || processes->memory < 0 || processes->page_map < 0) {
            if (is_gone(processes, error)) {
                continue;
            }
            make_problem(processes, error, ret_item);
            return OV_OK;
        }
        enum ov_status status = open_executable(processes, ret_item);
        return status == OV_END ? OV_UNSUPPORTED : status;
    }
    return OV_END;
}

// ---- regions -----------------------------------------------------------------------------------

static bool has_prefix(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

// Regions of devices answer reads with what devices do; [vvar] and [vsyscall] are the kernel's.
static bool is_readable(const struct region *region) {
    bool is_device = has_prefix(region->name, "/dev/") && !has_prefix(region->name, "/dev/shm/") &&
                     !has_prefix(region->name, "/dev/zero");
    return region->rights[0] == 'r' && !is_device && !has_prefix(region->name, "[v");
}

// Whether the bytes stand in a file that can be scanned as a file.
static bool is_in_file(const struct region *region) {
    size_t size = strlen(region->name);
    static const char deleted[] = " (deleted)";
    bool is_deleted = size > sizeof deleted - 1 &&
                      strcmp(region->name + size - (sizeof deleted - 1), deleted) == 0;
    return region->inode != 0 && !is_deleted && !has_prefix(region->name, "/memfd:");
}

// The next word of a line, which is cut out of it; empty at the end.
static char *cut_word(char **line) {
    char *word = *line + strspn(*line, " ");
    char *end = word + strcspn(word, " ");
    *line = *end != '\0' ? end + 1 : end;
    *end = '\0';
    return word;
}

// A line: start-end rights offset device inode name.
static bool parse_region(char *line, struct region *ret_region) {
    struct region region = {0};
    line[strcspn(line, "\n")] = '\0';
    char *dash;
    char *range = cut_word(&line);
    region.start = strtoull(range, &dash, 16);
    region.end = *dash == '-' ? strtoull(dash + 1, NULL, 16) : 0;
    (void)snprintf(region.rights, sizeof region.rights, "%s", cut_word(&line));
    (void)cut_word(&line);
    (void)cut_word(&line);
    region.inode = strtoull(cut_word(&line), NULL, 10);
    region.name = line + strspn(line, " ");
    *ret_region = region;
    return region.start < region.end;
}

// The next region that is worth reading. OV_END: there are no more.
static enum ov_status next_region(struct ov_processes *processes) {
    while (processes->maps != NULL &&
           fgets(processes->line, sizeof processes->line, processes->maps) != NULL) {
        if (parse_region(processes->line, &processes->region) && is_readable(&processes->region)) {
            processes->at = processes->region.start;
            return OV_OK;
        }
    }
    return OV_END;
}

// Reads which pages of the piece are worth a copy: those that are in memory or swapped out, and of
// a file's region those alone that are no longer the file's. Returns how many pages, and how many
// of them are worth it.
static size_t read_pages(struct ov_processes *processes, uint64_t start, uint64_t end,
                         size_t *ret_worth) {
    size_t count = (size_t)((end - start) / processes->page_bytes);
    count = count < PIECE_ENTRIES ? count : PIECE_ENTRIES;
    off_t at = (off_t)(start / processes->page_bytes * PAGE_ENTRY_BYTES);
    ssize_t got = pread(processes->page_map, processes->entries, count * PAGE_ENTRY_BYTES, at);
    size_t known = got > 0 ? (size_t)got / PAGE_ENTRY_BYTES : 0;
    bool is_file = is_in_file(&processes->region);
    *ret_worth = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t entry = i < known ? processes->entries[i] : 0;
        bool is_worth = (entry & (PAGE_PRESENT | PAGE_SWAPPED)) != 0 &&
                        !(is_file && (entry & PAGE_OF_FILE) != 0);
        processes->entries[i] = is_worth;
        *ret_worth += is_worth;
    }
    return count;
}

// Copies the pages that are worth it; the others stay holes. A page that is gone meanwhile is one.
static enum ov_status copy_pages(struct ov_processes *processes, uint64_t start, size_t pages,
                                 int to) {
    size_t at_once = COPY_BYTES / processes->page_bytes;
    for (size_t i = 0; i < pages;) {
        size_t run = 0;
        while (i + run < pages && run < at_once && processes->entries[i + run] != 0) {
            run++;
        }
        if (run > 0) {
            size_t offset = i * processes->page_bytes;
            ssize_t got = pread(processes->memory, processes->copy, run * processes->page_bytes,
                                (off_t)(start + offset));
            if (got > 0 && pwrite(to, processes->copy, (size_t)got, (off_t)offset) != got) {
                return OV_SYSTEM;
            }
        }
        i += run > 0 ? run : 1;
    }
    return OV_OK;
}

// The next piece of the region as a file in memory. OV_END: the region has no more.
static enum ov_status next_piece(struct ov_processes *processes, struct ov_walk_item *ret_item) {
    struct region *region = &processes->region;
    while (processes->at < region->end) {
        size_t worth;
        uint64_t start = processes->at;
        size_t pages = read_pages(processes, start, region->end, &worth);
        uint64_t end = start + pages * processes->page_bytes;
        processes->at = end < region->end ? end - OVERLAP_BYTES : region->end;
        if (worth == 0) {
            processes->at = pages == 0 ? region->end : end;
            continue;
        }
        OV_AUTO_FD fd = memfd_create("overt-memory", MFD_CLOEXEC);
        if (fd < 0 || ftruncate(fd, (off_t)(end - start)) != 0) {
            return OV_SYSTEM;
        }
        TRY(copy_pages(processes, start, pages, fd));
        begin_path(processes);
        ov_buf_printf(&processes->path, " memory %" PRIx64 "-%" PRIx64 " %s%s%s", start, end,
                      region->rights, region->name[0] != '\0' ? " " : "", region->name);
        TRY(ov_buf_status(&processes->path));
        *ret_item =
            (struct ov_walk_item){.kind = OV_WALK_FILE, .path = ov_buf_span(&processes->path)};
        if (fstat(fd, &ret_item->info) != 0) {
            return OV_SYSTEM;
        }
        ret_item->info.st_dev = 0;
        ret_item->info.st_ino = 0;
        ret_item->fd = fd;
        fd = -1;
        return OV_OK;
    }
    return OV_END;
}

enum ov_status ov_processes_next(struct ov_processes *processes, struct ov_walk_item *ret_item) {
    while (true) {
        enum ov_status status = next_piece(processes, ret_item);
        if (status != OV_END) {
            return status;
        }
        if (next_region(processes) == OV_OK) {
            continue;
        }
        status = open_next(processes, ret_item);
        if (status != OV_UNSUPPORTED) {
            return status;
        }
    }
}
