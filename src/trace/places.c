// SPDX-License-Identifier: Apache-2.0
// Tables of endings and of folders of the system, and what follows from them.
#include "trace/places.h"

#include <stdlib.h>

enum { ENDING_BYTES_MAX = 12, FOLDERS_SHOWN = 3 };

static const char *const content_words[] = {"documents", "mail",     "pictures", "media", "secrets",
                                            "archives",  "programs", "scripts",  "other"};

static const char *const place_words[] = {"scope", "outside", "system", "own", "copy", "other"};

// Endings between spaces, in lower case.
static const char *const endings[] = {
    [OV_TRACE_CONTENT_DOCUMENT] =
        " doc docx docm dot dotx xls xlsx xlsm xlsb ppt pptx pptm odt ods odp odg rtf pdf ps eps "
        "txt md tex csv tsv pages numbers key one pub vsd vsdx hwp hwpx hwpml epub djvu log xml "
        "html htm json ",
    [OV_TRACE_CONTENT_MAIL] = " eml msg mbox pst ost emlx mbx vcf ics ",
    [OV_TRACE_CONTENT_PICTURE] = " jpg jpeg png gif bmp tif tiff webp heic raw cr2 nef svg psd ",
    [OV_TRACE_CONTENT_MEDIA] = " mp3 wav flac ogg m4a mp4 mkv avi mov webm wmv ",
    [OV_TRACE_CONTENT_SECRET] = " pem p12 pfx kdbx gpg asc ppk jks keychain kwallet wallet ",
    [OV_TRACE_CONTENT_ARCHIVE] =
        " zip tar gz tgz bz2 xz zst 7z rar cab iso img arj lha lzh ace cpio "
        "rpm deb dmg vhd vhdx qcow2 jar war apk ",
    [OV_TRACE_CONTENT_PROGRAM] =
        " exe dll sys scr com msi so o a elf bin dylib ko class pyc ocx drv "
        "efi ",
    [OV_TRACE_CONTENT_SCRIPT] = " sh bash py pl rb js vbs vbe ps1 bat cmd wsf hta php lua tcl ",
    [OV_TRACE_CONTENT_OTHER] = " ",
};

// What any program of a system reads: the loader's libraries, locales, names of users and hosts.
static const char *const system_folders[] = {"/usr",    "/lib", "/lib32", "/lib64",
                                             "/libx32", "/bin", "/sbin",  "/etc"};

// What stands among these and is nobody's business.
static const char *const system_secrets[] = {"/etc/shadow",   "/etc/shadow-",  "/etc/gshadow",
                                             "/etc/gshadow-", "/etc/ssh",      "/etc/ssl/private",
                                             "/etc/sudoers",  "/etc/sudoers.d"};

const char *ov_trace_content_word(enum ov_trace_content content) {
    return content_words[content];
}

const char *ov_trace_place_word(enum ov_trace_place place) {
    return place_words[place];
}

bool ov_trace_place_is_users(enum ov_trace_place place) {
    return place == OV_TRACE_PLACE_SCOPE || place == OV_TRACE_PLACE_OUTSIDE;
}

uint64_t ov_trace_content_bytes(const struct ov_trace_model_file *file) {
    enum { // routes that stand for pages that were looked up, or for none that could be
        PAGES = 1 << OV_TRACE_ROUTE_PAGES | 1 << OV_TRACE_ROUTE_DIRECT,
    };
    uint64_t most = file->read_bytes < file->largest_bytes ? file->read_bytes : file->largest_bytes;
    bool is_covered = file->covered_bytes > 0 && (file->routes & PAGES) != 0;
    return is_covered || most < file->covered_bytes ? file->covered_bytes : most;
}

// ---- content ------------------------------------------------------------------------------------

static size_t find_last(struct ov_span text, uint8_t byte) {
    size_t last = text.size;
    for (size_t at = ov_span_find(text, 0, byte); at < text.size;
         at = ov_span_find(text, at + 1, byte)) {
        last = at;
    }
    return last;
}

static uint8_t lower(uint8_t byte) {
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

enum ov_trace_content ov_trace_content_of(struct ov_span path) {
    uint8_t word[ENDING_BYTES_MAX + 2] = {' '};
    size_t slash = find_last(path, '/');
    struct ov_span name = slash < path.size ? ov_span_from(path, slash + 1) : path;
    struct ov_span ending = ov_span_from(name, find_last(name, '.') + 1);
    if (ending.size == 0 || ending.size > ENDING_BYTES_MAX ||
        ov_span_find(ending, 0, ' ') < ending.size) {
        return OV_TRACE_CONTENT_OTHER;
    }
    for (size_t i = 0; i < ending.size; i++) {
        word[i + 1] = lower(ending.data[i]);
    }
    word[ending.size + 1] = ' ';
    struct ov_span wanted = ov_span_make(word, ending.size + 2);
    for (unsigned i = 0; i < OV_TRACE_CONTENT_OTHER; i++) {
        struct ov_span all = ov_span_text(endings[i]);
        if (ov_span_search(all, 0, wanted) < all.size) {
            return (enum ov_trace_content)i;
        }
    }
    return OV_TRACE_CONTENT_OTHER;
}

// ---- places -------------------------------------------------------------------------------------

static bool is_under_any(struct ov_span path, const char *const *folders, size_t count) {
    bool is_under = false;
    for (size_t i = 0; i < count; i++) {
        is_under |= ov_trace_path_is_under(path, ov_span_text(folders[i]));
    }
    return is_under;
}

static bool is_systems(struct ov_span path) {
    return is_under_any(path, system_folders, sizeof system_folders / sizeof *system_folders) &&
           !is_under_any(path, system_secrets, sizeof system_secrets / sizeof *system_secrets);
}

static bool is_listed(struct ov_span path, const struct ov_trace_list *folders) {
    bool is_under = false;
    for (size_t i = 0; i < folders->item_count; i++) {
        is_under |= ov_trace_path_is_under(path, folders->items[i]);
    }
    return is_under;
}

// ---- programs -----------------------------------------------------------------------------------

// The files that run as those who are watched, in order.
struct programs {
    struct ov_trace_inode *inodes;
    size_t count;
};

static int compare_inodes(const void *first, const void *second) {
    const struct ov_trace_inode *a = first;
    const struct ov_trace_inode *b = second;
    if (a->inode != b->inode) {
        return a->inode < b->inode ? -1 : 1;
    }
    return a->device == b->device ? 0 : a->device < b->device ? -1 : 1;
}

static enum ov_status list_programs(const struct ov_trace_model *model, struct ov_arena *arena,
                                    struct programs *ret_programs) {
    struct programs programs = {
        .inodes = ov_arena_array(arena, model->event_count + 1, sizeof *programs.inodes)};
    TRY(programs.inodes != NULL ? OV_OK : OV_MEMORY);
    for (size_t i = 0; i < model->event_count; i++) {
        if (model->events[i].exe.inode != 0) {
            programs.inodes[programs.count++] = model->events[i].exe;
        }
    }
    qsort(programs.inodes, programs.count, sizeof *programs.inodes, compare_inodes);
    *ret_programs = programs;
    return OV_OK;
}

static bool is_program(const struct programs *programs, const struct ov_trace_inode *inode) {
    return bsearch(inode, programs->inodes, programs->count, sizeof *inode, compare_inodes) != NULL;
}

static enum ov_trace_place place_of(const struct ov_trace_begin *begin,
                                    const struct programs *programs,
                                    const struct ov_trace_model_file *file) {
    if (file->kind != OV_TRACE_KIND_FILE || ov_trace_filesystem_is_kernels(file->filesystem)) {
        return OV_TRACE_PLACE_OTHER;
    }
    if (is_listed(file->path, &begin->own)) {
        return OV_TRACE_PLACE_OWN;
    }
    if (file->written_bytes > 0 && file->written_bytes >= file->largest_bytes) {
        return OV_TRACE_PLACE_COPY;
    }
    if (begin->scope.count > 0 && file->is_in_scope) {
        return OV_TRACE_PLACE_SCOPE;
    }
    if (is_systems(file->path) || is_program(programs, &file->inode)) {
        return OV_TRACE_PLACE_SYSTEM;
    }
    return begin->scope.count > 0 ? OV_TRACE_PLACE_OUTSIDE : OV_TRACE_PLACE_SCOPE;
}

enum ov_status ov_trace_places_build(const struct ov_trace_model *model, struct ov_arena *arena,
                                     struct ov_trace_places *ret_places) {
    enum ov_trace_place *places = ov_arena_array(arena, model->file_count + 1, sizeof *places);
    enum ov_trace_content *contents =
        ov_arena_array(arena, model->file_count + 1, sizeof *contents);
    struct programs programs;
    if (places == NULL || contents == NULL) {
        return OV_MEMORY;
    }
    TRY(list_programs(model, arena, &programs));
    for (size_t i = 0; i < model->file_count; i++) {
        places[i] = place_of(&model->begin, &programs, &model->files[i]);
        contents[i] = ov_trace_content_of(model->files[i].path);
    }
    *ret_places = (struct ov_trace_places){.places = places, .contents = contents};
    return OV_OK;
}

// ---- folders ------------------------------------------------------------------------------------

// The path up to the `parts`th folder behind its first `base` bytes.
static struct ov_span cut_path(struct ov_span path, size_t base, unsigned parts) {
    size_t end = base;
    for (unsigned i = 0; i < parts; i++) {
        size_t next = ov_span_find(path, end + 1, '/');
        if (next == path.size) {
            break;
        }
        end = next;
    }
    return ov_span_part(path, 0, end == 0 && path.size > 0 ? 1 : end);
}

struct ov_span ov_trace_folder_of(const struct ov_trace_begin *begin, struct ov_span path) {
    for (size_t i = 0; i < begin->scope.item_count; i++) {
        struct ov_span scope = begin->scope.items[i];
        while (scope.size > 0 && scope.data[scope.size - 1] == '/') {
            scope = ov_span_part(scope, 0, scope.size - 1);
        }
        if (scope.size > 0 && ov_trace_path_is_under(path, scope)) {
            return cut_path(path, scope.size, 1);
        }
    }
    return cut_path(path, 0, FOLDERS_SHOWN);
}
