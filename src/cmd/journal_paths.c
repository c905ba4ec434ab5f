// SPDX-License-Identifier: Apache-2.0
// Looks into the journal's file of paths.
#include "cmd/journal_paths.h"

#include "journal/run_table.h"

#include <stdlib.h>
#include <unistd.h>

// ---- from a path --------------------------------------------------------------------------------

// A path as it was given, and as it is from the root: a scan may have been told either.
struct wanted {
    struct ov_buf given, whole;
};

static void release_wanted(struct wanted *wanted) {
    ov_buf_release(&wanted->given);
    ov_buf_release(&wanted->whole);
}

static enum ov_status make_wanted(const char *path, struct wanted *wanted) {
    struct ov_span text = ov_span_text(path);
    while (text.size > 1 && text.data[text.size - 1] == '/') {
        text.size--;
    }
    ov_buf_add(&wanted->given, text.data, text.size);
    char *here = path[0] != '/' ? getcwd(NULL, 0) : NULL;
    if (here != NULL) {
        ov_buf_add_text(&wanted->whole, here);
        ov_buf_add_text(&wanted->whole, "/");
        ov_buf_add(&wanted->whole, text.data, text.size);
    }
    free(here);
    TRY(ov_buf_status(&wanted->given));
    return ov_buf_status(&wanted->whole);
}

// The path itself, or one below it.
static bool is_at(struct ov_span path, struct ov_span wanted) {
    bool has_prefix = wanted.size > 0 && path.size >= wanted.size &&
                      memcmp(path.data, wanted.data, wanted.size) == 0;
    return has_prefix && (path.size == wanted.size || wanted.data[wanted.size - 1] == '/' ||
                          path.data[wanted.size] == '/');
}

static enum ov_status find_all(struct ov_journal_names *names, const struct wanted *wanted,
                               struct ov_buf *found) {
    struct ov_journal_name name;
    while (ov_journal_names_next(names, &name) == OV_OK) {
        if (is_at(name.path, ov_buf_span(&wanted->given)) ||
            is_at(name.path, ov_buf_span(&wanted->whole))) {
            struct ov_tree_hash commitment;
            ov_journal_names_commitment(names, &name, &commitment);
            ov_buf_add(found, commitment.bytes, sizeof commitment.bytes);
        }
    }
    return ov_buf_status(found);
}

enum ov_status ov_journal_paths_find(int folder, const char *path,
                                     struct ov_tree_hash **ret_commitments, size_t *ret_count) {
    OV_CLEANUP(ov_journal_names_close) struct ov_journal_names names = {0};
    OV_CLEANUP(release_wanted) struct wanted wanted = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf found = {0};
    struct ov_tree_hash *commitments = NULL;
    TRY(ov_journal_names_open(folder, &names));
    TRY(make_wanted(path, &wanted));
    TRY(find_all(&names, &wanted, &found));
    size_t count = found.size / sizeof *commitments;
    if (count > 0) {
        commitments = (struct ov_tree_hash *)malloc(found.size);
        TRY(commitments != NULL ? OV_OK : OV_MEMORY);
        memcpy(commitments, found.data, found.size);
        count = ov_query_sort(commitments, count);
    }
    *ret_commitments = commitments;
    *ret_count = count;
    return OV_OK;
}

// ---- from commitments ---------------------------------------------------------------------------

static int compare(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct ov_tree_hash)); // it stands first
}

enum ov_status ov_journal_paths_want(struct ov_journal_paths *paths,
                                     const struct ov_tree_hash *commitment,
                                     const struct ov_entry_run *run) {
    if (paths->count == paths->room) {
        size_t room = paths->room == 0 ? 64 : 2 * paths->room;
        struct ov_journal_path *more =
            (struct ov_journal_path *)reallocarray(paths->paths, room, sizeof *more);
        TRY(more != NULL ? OV_OK : OV_MEMORY);
        paths->paths = more;
        paths->room = room;
    }
    paths->paths[paths->count++] = (struct ov_journal_path){.commitment = *commitment, .run = *run};
    return OV_OK;
}

static struct ov_journal_path *find(const struct ov_journal_paths *paths,
                                    const struct ov_tree_hash *commitment) {
    if (paths->count == 0) {
        return NULL;
    }
    return (struct ov_journal_path *)bsearch(commitment, paths->paths, paths->count,
                                             sizeof *paths->paths, compare);
}

// Of the runs that are asked about alone: each name that is looked at is hashed.
static enum ov_status list_runs(const struct ov_journal_paths *paths, struct ov_run_table *runs) {
    for (size_t i = 0; i < paths->count; i++) {
        if (ov_run_table_find(runs, &paths->paths[i].run) == NULL) {
            TRY(ov_run_table_add(runs, &paths->paths[i].run, 0));
        }
    }
    return OV_OK;
}

enum ov_status ov_journal_paths_open(struct ov_journal_paths *paths, int folder) {
    OV_CLEANUP(ov_run_table_release) struct ov_run_table runs = {0};
    struct ov_journal_name name;
    if (paths->count == 0) {
        return OV_OK;
    }
    qsort(paths->paths, paths->count, sizeof *paths->paths, compare);
    TRY(list_runs(paths, &runs));
    enum ov_status status = ov_journal_names_open(folder, &paths->names);
    if (status != OV_OK) {
        return status == OV_END ? OV_OK : status;
    }
    paths->has_names = true;
    while (ov_journal_names_next(&paths->names, &name) == OV_OK) {
        if (ov_run_table_find(&runs, &name.run) != NULL) {
            struct ov_tree_hash commitment;
            ov_journal_names_commitment(&paths->names, &name, &commitment);
            struct ov_journal_path *path = find(paths, &commitment);
            if (path != NULL) {
                path->path = name.path;
            }
        }
    }
    return OV_OK;
}

struct ov_span ov_journal_paths_get(const struct ov_journal_paths *paths,
                                    const struct ov_tree_hash *commitment) {
    const struct ov_journal_path *path = find(paths, commitment);
    return path != NULL ? path->path : ov_span_make(NULL, 0);
}

void ov_journal_paths_close(struct ov_journal_paths *paths) {
    if (paths->has_names) {
        ov_journal_names_close(&paths->names);
    }
    free(paths->paths);
}
