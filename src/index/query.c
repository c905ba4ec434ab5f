// SPDX-License-Identifier: Apache-2.0
// Which rows of an entry answer a query.
#include "index/query.h"

#include "journal/entry_files.h"

#include <stdlib.h>

void ov_query_init(struct ov_query *ret_query) {
    *ret_query = (struct ov_query){.until_ns = UINT64_MAX, .limit = UINT64_MAX};
}

static int compare(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct ov_tree_hash));
}

size_t ov_query_sort(struct ov_tree_hash *commitments, size_t count) {
    size_t kept = 0;
    if (count == 0) {
        return 0;
    }
    qsort(commitments, count, sizeof *commitments, compare);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !ov_tree_hash_is_equal(&commitments[kept - 1], &commitments[i])) {
            commitments[kept++] = commitments[i];
        }
    }
    return kept;
}

static bool is_wanted_path(const struct ov_query *query, const struct ov_tree_hash *commitment) {
    return query->commitment_count > 0 &&
           bsearch(commitment, query->commitments, query->commitment_count, sizeof *commitment,
                   compare) != NULL;
}

void ov_query_lower(struct ov_buf *text) {
    for (size_t i = 0; i < text->size; i++) {
        bool is_large = text->data[i] >= 'A' && text->data[i] <= 'Z';
        text->data[i] = (uint8_t)(text->data[i] + (is_large ? 'a' - 'A' : 0));
    }
}

bool ov_query_is_of_files(const struct ov_query *query) {
    return query->has_verdict || query->has_paths || query->rule.size > 0;
}

bool ov_query_is_narrow(const struct ov_query *query) {
    return ov_query_is_of_files(query) || query->has_type || query->has_run ||
           query->since_ns > 0 || query->until_ns < UINT64_MAX;
}

// ---- rows ---------------------------------------------------------------------------------------

enum ov_status ov_query_rows_add(struct ov_query_rows *rows, uint64_t seq, uint32_t place) {
    if (rows->count == rows->room) {
        size_t room = rows->room == 0 ? 64 : 2 * rows->room;
        struct ov_query_row *more =
            (struct ov_query_row *)reallocarray(rows->rows, room, sizeof *more);
        if (more == NULL) {
            return OV_MEMORY;
        }
        rows->rows = more;
        rows->room = room;
    }
    rows->rows[rows->count++] = (struct ov_query_row){.seq = seq, .place = place};
    return OV_OK;
}

void ov_query_rows_reverse(struct ov_query_rows *rows) {
    for (size_t i = 0; i < rows->count / 2; i++) {
        struct ov_query_row row = rows->rows[i];
        rows->rows[i] = rows->rows[rows->count - 1 - i];
        rows->rows[rows->count - 1 - i] = row;
    }
}

void ov_query_rows_release(struct ov_query_rows *rows) {
    free(rows->rows);
    *rows = (struct ov_query_rows){0};
}

// ---- one entry ----------------------------------------------------------------------------------

static bool has_rule(struct ov_span wanted, struct ov_span lines, struct ov_buf *name) {
    struct ov_entry_found found;
    while (ov_entry_found_take(&lines, &found) == OV_OK) {
        ov_buf_reset(name);
        ov_entry_text_decode(name, found.rule);
        ov_query_lower(name);
        struct ov_span text = ov_buf_span(name);
        if (ov_span_search(text, 0, wanted) < text.size) {
            return true;
        }
    }
    return false;
}

static enum ov_status match_files(const struct ov_query *query, const struct ov_entry *entry,
                                  struct ov_query_rows *rows) {
    OV_CLEANUP(ov_buf_release) struct ov_buf name = {0};
    struct ov_entry_files files = ov_entry_files_of(entry);
    struct ov_entry_file file;
    struct ov_span found;
    for (uint32_t place = 0; ov_entry_files_next(&files, &file, &found) == OV_OK; place++) {
        bool is_wanted = !query->has_verdict || query->verdict == file.verdict;
        is_wanted = is_wanted && (!query->has_paths || is_wanted_path(query, &file.commitment));
        is_wanted = is_wanted && (query->rule.size == 0 || has_rule(query->rule, found, &name));
        if (is_wanted) {
            TRY(ov_query_rows_add(rows, entry->seq, place));
        }
    }
    return ov_buf_status(&name);
}

// An entry of another type that names a wanted path: a scan, an action, a crash.
static bool is_about_path(const struct ov_query *query, const struct ov_entry *entry) {
    const char *keyword = entry->type == OV_ENTRY_SCAN ? "path" : "file";
    struct ov_span value;
    for (size_t i = 0; ov_entry_value(entry->body, keyword, i, &value) == OV_OK; i++) {
        struct ov_tree_hash commitment;
        if (ov_tree_hash_read(value, &commitment) == OV_OK && is_wanted_path(query, &commitment)) {
            return true;
        }
    }
    return false;
}

enum ov_status ov_query_match(const struct ov_query *query, const struct ov_entry *entry,
                              struct ov_query_rows *rows) {
    bool is_wanted = entry->time_ns >= query->since_ns && entry->time_ns < query->until_ns &&
                     (!query->has_type || query->type == entry->type) &&
                     (!query->has_run ||
                      memcmp(query->run.bytes, entry->run.bytes, sizeof entry->run.bytes) == 0);
    if (!is_wanted) {
        return OV_OK;
    }
    if (entry->type == OV_ENTRY_FILES && ov_query_is_of_files(query)) {
        return match_files(query, entry, rows);
    }
    bool is_of_paths = query->has_paths && !query->has_verdict && query->rule.size == 0;
    if (ov_query_is_of_files(query) && !(is_of_paths && is_about_path(query, entry))) {
        return OV_OK;
    }
    return ov_query_rows_add(rows, entry->seq, OV_QUERY_WHOLE_ENTRY);
}
