// SPDX-License-Identifier: Apache-2.0
//
// What the bench programs share: reading patterns and files, clocks, printing.
#include "load.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

_Noreturn void bench_die(const char *what, const char *why) {
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(2);
}

static void *allocate(size_t bytes) {
    void *p = calloc(1, bytes ? bytes : 1);
    if (!p) {
        bench_die("memory", "not enough");
    }
    return p;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return -1;
}

static void parse_cell(const char *cell, const char *line, uint8_t *ret_value, uint8_t *ret_mask) {
    int high = hex_digit(cell[0]);
    int low = hex_digit(cell[1]);
    if ((high < 0 && cell[0] != '?') || (low < 0 && cell[1] != '?')) {
        bench_die("pattern that no bench program reads", line);
    }
    *ret_mask = (uint8_t)((high < 0 ? 0 : 0xf0) | (low < 0 ? 0 : 0x0f));
    *ret_value = (uint8_t)((high < 0 ? 0 : high << 4) | (low < 0 ? 0 : low));
}

static struct bench_pattern parse_line(const char *line) {
    struct bench_pattern p = {0};
    int hex_at = 0;
    if (sscanf(line, "P%" SCNu32 ":0:*:%n", &p.id, &hex_at) != 1 || !hex_at) {
        bench_die("not a pattern line", line);
    }
    const char *hex = line + hex_at;
    p.size = (uint32_t)(strlen(hex) / 2);
    p.value = allocate(p.size);
    p.mask = allocate(p.size);
    for (uint32_t i = 0; i < p.size; i++) {
        parse_cell(hex + 2 * i, line, &p.value[i], &p.mask[i]);
    }
    return p;
}

struct bench_patterns bench_patterns_read(const char *path) {
    struct bench_patterns all = {0};
    size_t room = 0, line_room = 0;
    char *line = NULL;
    FILE *f = fopen(path, "r");
    if (!f) {
        bench_die(path, "cannot be opened");
    }
    for (ssize_t n; (n = getline(&line, &line_room, f)) > 0;) {
        if (line[n - 1] == '\n') {
            line[n - 1] = 0;
        }
        if (all.count == room) {
            room = room ? 2 * room : 4096;
            all.list = realloc(all.list, room * sizeof *all.list);
            if (!all.list) {
                bench_die("memory", "not enough");
            }
        }
        all.list[all.count++] = parse_line(line);
    }
    free(line);
    fclose(f);
    return all;
}

static void add_file(struct bench_files *files, const char *path, size_t size) {
    if ((files->count & (files->count - 1)) == 0) {
        size_t room = files->count ? 2 * files->count : 1;
        files->list = realloc(files->list, room * sizeof *files->list);
        if (!files->list) {
            bench_die("memory", "not enough");
        }
    }
    files->list[files->count++] = (struct bench_file){.path = strdup(path), .size = size};
    files->bytes += size;
}

static void walk(struct bench_files *files, const char *path) {
    struct stat st;
    if (lstat(path, &st) != 0) {
        bench_die(path, "cannot be read");
    }
    if (S_ISREG(st.st_mode)) {
        add_file(files, path, (size_t)st.st_size);
    }
    if (!S_ISDIR(st.st_mode)) {
        return;
    }
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort);
    if (n < 0) {
        bench_die(path, "cannot be listed");
    }
    for (int i = 0; i < n; i++) {
        if (strcmp(names[i]->d_name, ".") != 0 && strcmp(names[i]->d_name, "..") != 0) {
            char *below;
            if (asprintf(&below, "%s/%s", path, names[i]->d_name) < 0) {
                bench_die("memory", "not enough");
            }
            walk(files, below);
            free(below);
        }
        free(names[i]);
    }
    free(names);
}

struct bench_files bench_files_list(const char *root) {
    struct bench_files files = {0};
    walk(&files, root);
    return files;
}

void bench_files_load(struct bench_files *files) {
    for (size_t i = 0; i < files->count; i++) {
        struct bench_file *file = &files->list[i];
        FILE *f = fopen(file->path, "rb");
        if (!f) {
            bench_die(file->path, "cannot be opened");
        }
        file->bytes = allocate(file->size + 64);
        if (fread(file->bytes, 1, file->size, f) != file->size) {
            bench_die(file->path, "cannot be read");
        }
        fclose(f);
    }
}

uint64_t bench_pair_hash(uint32_t pattern_id, uint32_t file_index) {
    uint64_t x = ((uint64_t)pattern_id << 32 | file_index) + 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

double bench_cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

uint64_t bench_peak_bytes(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (uint64_t)u.ru_maxrss * 1024;
}

void bench_print(const char *what, const struct bench_files *files, double cpu_seconds,
                 const struct bench_counts *counts) {
    printf("program=%s files=%zu bytes=%" PRIu64 " cpu=%.4f matches=%" PRIu64 " pairs=%" PRIu64
           " hash=%016" PRIx64 " peak=%" PRIu64 "\n",
           what, files->count, files->bytes, cpu_seconds, counts->matches, counts->pairs,
           counts->pair_hash, bench_peak_bytes());
}
