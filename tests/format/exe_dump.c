// SPDX-License-Identifier: Apache-2.0
// Prints what the readers of executables say of files, one JSON object a line: for tests alone.
#include "base/json.h"
#include "format/exe/icon.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum ov_status read_function(struct ov_span, struct ov_arena *, struct ov_exe *);

static void print_exe(struct ov_json *json, const struct ov_exe *exe, struct ov_span text) {
    ov_json_bool(json, "readable", exe->is_readable);
    ov_json_bool(json, "hashable", exe->is_hashable);
    ov_json_bool(json, "is_64", exe->is_64);
    if (exe->has_entry) {
        ov_json_uint(json, "entry", exe->entry_offset);
    } else {
        ov_json_null(json, "entry");
    }
    ov_json_array(json, "sections");
    for (uint32_t i = 0; i < exe->section_count; i++) {
        const struct ov_exe_section *section = &exe->sections[i];
        ov_json_array(json, NULL);
        ov_json_uint(json, NULL, section->raw_offset);
        ov_json_uint(json, NULL, section->raw_bytes);
        ov_json_uint(json, NULL, section->address);
        ov_json_uint(json, NULL, section->virtual_bytes);
        ov_json_array_end(json);
    }
    ov_json_array_end(json);
    ov_json_array(json, "versions");
    for (uint32_t i = 0; i < exe->version_count; i++) {
        ov_json_uint(json, NULL, exe->version_offsets[i]);
    }
    ov_json_array_end(json);
    ov_json_bytes(json, "imports", text);
}

// As ClamAV's .idb files write it.
static void print_icon(struct ov_json *json, const struct ov_icon *icon) {
    char text[160];
    int at = snprintf(text, sizeof text, "%02x", icon->side);
    for (int kind = 0; kind < OV_ICON_KINDS; kind++) {
        for (int i = 0; i < OV_ICON_SPOTS; i++) {
            const struct ov_icon_spot *spot = &icon->spots[kind][i];
            at += snprintf(text + at, sizeof text - (size_t)at,
                           kind <= OV_ICON_GRAY ? "%03x%02x%02x" : "%02x%02x%02x", spot->level,
                           spot->x, spot->y);
        }
    }
    (void)snprintf(text + at, sizeof text - (size_t)at, "%02x%02x%02x%02x", icon->red, icon->green,
                   icon->blue, icon->colored);
    ov_json_text(json, NULL, text);
}

static enum ov_status dump_icons(struct ov_span file, const struct ov_exe *exe,
                                 struct ov_arena *arena, struct ov_json *json) {
    const struct ov_icon *icons = NULL;
    uint32_t count = 0;
    struct ov_budget budget;
    struct ov_limits limits = ov_limits_default();
    ov_budget_init(&budget, &limits);
    enum ov_status status =
        exe->is_readable ? ov_pe_icons(file, exe, &budget, arena, &icons, &count) : OV_OK;
    ov_json_array(json, "icons");
    for (uint32_t i = 0; i < count; i++) {
        print_icon(json, &icons[i]);
    }
    ov_json_array_end(json);
    return status;
}

static enum ov_status dump_file(struct ov_span file, read_function *read, struct ov_buf *out) {
    struct ov_arena arena;
    ov_arena_init(&arena, 64 << 20);
    struct ov_exe exe = {0};
    struct ov_span text = {0};
    enum ov_status status = read(file, &arena, &exe);
    if (status == OV_OK && (exe.is_readable || exe.is_hashable) && read == ov_pe_read) {
        status = ov_pe_version_offsets(file, &arena, &exe);
        if (status == OV_OK) {
            status = ov_pe_import_text(file, &exe, &arena, &text);
        }
    }
    struct ov_json json;
    ov_json_init(&json, out);
    ov_json_object(&json, NULL);
    ov_json_text(&json, "status", ov_status_text(status));
    print_exe(&json, &exe, text);
    if (status == OV_OK && read == ov_pe_read) {
        status = dump_icons(file, &exe, &arena, &json);
    }
    ov_json_object_end(&json);
    ov_buf_add_text(out, "\n");
    ov_arena_release(&arena);
    return status;
}

static bool dump_path(const char *path, read_function *read) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        perror(path);
        return false;
    }
    size_t size = (size_t)info.st_size;
    void *data = size > 0 ? mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0) : NULL;
    close(fd);
    if (data == MAP_FAILED) {
        perror(path);
        return false;
    }
    struct ov_buf out;
    ov_buf_init(&out);
    enum ov_status status = dump_file(ov_span_make(data, size), read, &out);
    fwrite(out.data, 1, out.size, stdout);
    ov_buf_release(&out);
    if (size > 0) {
        munmap(data, size);
    }
    return status == OV_OK;
}

int main(int argc, char **argv) {
    static const struct {
        const char *word;
        read_function *read;
    } kinds[] = {{"pe", ov_pe_read}, {"elf", ov_elf_read}, {"macho", ov_macho_read}};
    for (size_t i = 0; argc > 1 && i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(argv[1], kinds[i].word) == 0) {
            bool is_good = true;
            for (int n = 2; n < argc; n++) {
                is_good = dump_path(argv[n], kinds[i].read) && is_good;
            }
            return is_good ? 0 : 1;
        }
    }
    fprintf(stderr, "usage: exe-dump pe|elf|macho FILE...\n");
    return 2;
}
