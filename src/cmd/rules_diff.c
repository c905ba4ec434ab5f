// SPDX-License-Identifier: Apache-2.0
// overt rules diff: the rules that one of two sets alone has.
#include "cmd/rules_common.h"

#include "base/printable.h"
#include "base/say.h"
#include "catalog/folder.h"
#include "role/leaves_job.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

// A set of files: a folder, or one file alone.
struct set {
    const char *path;
    bool is_folder;
    struct ov_sources files;
};

static void release_set(struct set *set) {
    ov_sources_release(&set->files);
}

static enum ov_status say_failure(const char *path, enum ov_status status) {
    ov_say_error(path, status == OV_SYSTEM ? strerror(errno) : ov_status_text(status), NULL);
    return status;
}

// ---- what is compared -------------------------------------------------------------------------

static enum ov_status add_entry(struct set *set, const FTSENT *entry) {
    switch (entry->fts_info) {
    case FTS_F:
        return ov_rule_file_is_known(entry->fts_name) ? ov_sources_add(&set->files, entry->fts_path)
                                                      : OV_OK;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        errno = entry->fts_errno;
        return OV_SYSTEM;
    default:
        return OV_OK;
    }
}

// The rule files of a folder and of the folders in it.
static enum ov_status add_folder(struct set *set) {
    char *paths[] = {(char *)(uintptr_t)set->path, NULL};
    FTS *walk = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    if (walk == NULL) {
        return say_failure(set->path, OV_SYSTEM);
    }
    enum ov_status status = OV_OK;
    const FTSENT *entry;
    while (status == OV_OK && (entry = fts_read(walk)) != NULL) {
        status = add_entry(set, entry);
        if (status != OV_OK) {
            (void)say_failure(entry->fts_path, status);
        }
    }
    (void)fts_close(walk);
    return status;
}

static enum ov_status list_set(const char *path, struct set *set) {
    struct stat info;
    set->path = path;
    if (stat(path, &info) != 0) {
        return say_failure(path, OV_SYSTEM);
    }
    set->is_folder = S_ISDIR(info.st_mode);
    if (set->is_folder) {
        return add_folder(set);
    }
    enum ov_status status = ov_sources_add(&set->files, path);
    return status == OV_OK ? OV_OK : say_failure(path, status);
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

// Whether both files are read the same way: of one ending, or the two of a container.
static bool is_same_kind(const char *left, const char *right) {
    const char *a = strrchr(left, '.');
    const char *b = strrchr(right, '.');
    const char *twin = ov_rule_file_twin(left);
    return a != NULL && b != NULL &&
           (strcasecmp(a, b) == 0 || (twin != NULL && strcasecmp(twin, b + 1) == 0));
}

// Two files that are compared are versions of one, whatever they are called.
static void name_files(struct set *old, struct set *new) {
    const char *old_name = base_name(old->path);
    const char *new_name = base_name(new->path);
    if (!new->is_folder) {
        new->files.items[0].name = new_name;
    }
    if (!old->is_folder) {
        bool is_pair = !new->is_folder &&is_same_kind(old_name, new_name);
        old->files.items[0].name = is_pair ? new_name : old_name;
    }
}

// ---- the word ---------------------------------------------------------------------------------

// Of a process that read bytes of strangers: nothing of it drives the terminal.
static void print_text(void *arg, struct ov_span text) {
    (void)arg;
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    ov_printable_add_lines(&out, text);
    (void)fwrite(out.data, 1, out.size, stdout);
}

static int compare(const struct ov_rules_options *options, struct set *old, struct set *new) {
    char reason[OV_LEAVES_REASON_BYTES] = "";
    uint64_t added_count = 0;
    uint64_t removed_count = 0;
    name_files(old, new);
    struct ov_changes_request request = {
        .old_sources = &old->files,
        .new_sources = &new->files,
        .old_prefix = old->is_folder ? old->path : NULL,
        .new_prefix = new->is_folder ? new->path : NULL,
        .is_json = options->is_json,
        .with_summary = !options->is_quiet,
        .on_text = print_text,
    };
    if (ov_changes_run(&request, &added_count, &removed_count, reason) != OV_OK) {
        ov_say_error("rules diff", reason, NULL);
        return OV_EXIT_ERROR;
    }
    return added_count + removed_count > 0 ? OV_EXIT_FOUND : OV_EXIT_NOTHING;
}

int ov_rules_diff(const struct ov_rules_options *options) {
    OV_CLEANUP(release_set) struct set old = {0};
    OV_CLEANUP(release_set) struct set new = {0};
    if (options->argument_count != 2) {
        ov_say_error("rules diff", "two files or folders are compared", "overt rules diff OLD NEW");
        return OV_EXIT_ERROR;
    }
    if (list_set(options->arguments[0], &old) != OV_OK ||
        list_set(options->arguments[1], &new) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    return compare(options, &old, &new);
}
