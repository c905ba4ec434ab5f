// SPDX-License-Identifier: Apache-2.0
// overt journal list: what was asked for of the journal, found by its index or by reading it.
#include "base/hex.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/journal_print.h"
#include "cmd/journal_time.h"
#include "cmd/journal_words.h"
#include "index/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

struct work {
    const struct ov_journal_options *options;
    int fd;
    struct ov_query query;
    struct ov_buf rule;
    struct ov_tree_hash *commitments; // of the wanted paths
    struct ov_journal_reader *reader;
    struct ov_query_rows rows;
    struct ov_journal_paths paths;
};

static void release_work(struct work *work) {
    free(work->commitments);
    ov_buf_release(&work->rule);
    ov_journal_reader_free(work->reader);
    ov_query_rows_release(&work->rows);
    ov_journal_paths_close(&work->paths);
}

// ---- what is asked for --------------------------------------------------------------------------

static int reject(const char *what, const char *why, const char *todo) {
    ov_say_error(what, why, todo);
    return OV_EXIT_ERROR;
}

static int read_times(struct work *work) {
    const struct ov_journal_options *options = work->options;
    static const char why[] = "is no time";
    static const char todo[] = "such as 2026-11-22, 2026-11-22T10:30, 2h or 3d";
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    if (options->since != NULL &&
        ov_journal_time_read(options->since, now_ns, &work->query.since_ns) != OV_OK) {
        return reject(options->since, why, todo);
    }
    if (options->until != NULL &&
        ov_journal_time_read(options->until, now_ns, &work->query.until_ns) != OV_OK) {
        return reject(options->until, why, todo);
    }
    return -1;
}

static int read_type(struct work *work) {
    const char *type = work->options->type;
    for (unsigned i = 0; type != NULL && !work->query.has_type; i++) {
        if (i == OV_ENTRY_TYPES) {
            return reject(type, "is no type of entries", "man overt-journal names them");
        }
        work->query.has_type = strcmp(type, ov_entry_type_name((enum ov_entry_type)i)) == 0;
        work->query.type = (enum ov_entry_type)i;
    }
    return -1;
}

static int read_words(struct work *work) {
    static const char *const verdicts[] = {"clean", "found", "error", "limited"};
    const struct ov_journal_options *options = work->options;
    struct ov_query *query = &work->query;
    for (unsigned i = 0; options->verdict != NULL && i < 4; i++) {
        if (strcmp(options->verdict, verdicts[i]) == 0) {
            query->has_verdict = true;
            query->verdict = (enum ov_entry_verdict)i;
        }
    }
    if (options->verdict != NULL && !query->has_verdict) {
        return reject(options->verdict, "is no verdict", "found, error, limited or clean");
    }
    if (options->run != NULL) {
        query->has_run = ov_hex_read(ov_span_text(options->run), query->run.bytes,
                                     sizeof query->run.bytes) == OV_OK;
        if (!query->has_run) {
            return reject(options->run, "is no run", "32 hexadecimal digits: list --json has them");
        }
    }
    if (options->limit != NULL &&
        ov_number_read(ov_span_text(options->limit), &query->limit) != OV_OK) {
        return reject(options->limit, "is no number of lines", NULL);
    }
    if (options->rule != NULL && options->rule[0] == 0) {
        return reject("--rule", "a part of a rule's name is missing", NULL);
    }
    ov_buf_add_text(&work->rule, options->rule != NULL ? options->rule : "");
    ov_query_lower(&work->rule);
    query->rule = ov_buf_span(&work->rule);
    query->is_oldest_first = options->is_oldest_first;
    return -1;
}

static int read_path(struct work *work) {
    struct ov_query *query = &work->query;
    const char *path = work->options->path;
    if (path == NULL) {
        return -1;
    }
    enum ov_status status =
        ov_journal_paths_find(work->fd, path, &work->commitments, &query->commitment_count);
    if (status == OV_END) {
        return reject("--path", "no paths are known here: names or names.key was removed", NULL);
    }
    if (status != OV_OK) {
        return reject(work->options->folder,
                      status == OV_SYSTEM ? strerror(errno) : ov_status_text(status), NULL);
    }
    query->has_paths = true;
    query->commitments = work->commitments;
    return -1;
}

static int read_query(struct work *work) {
    int (*const parts[])(struct work *) = {read_times, read_type, read_words, read_path};
    ov_query_init(&work->query);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        int code = parts[i](work);
        if (code >= 0) {
            return code;
        }
    }
    return -1;
}

// ---- finding it ---------------------------------------------------------------------------------

// What is sealed from the index, what came after by reading. Anything that is wrong with the index
// is no matter: then all is read.
static enum ov_status ask_index(struct work *work) {
    struct ov_query query = work->query;
    struct ov_query_rows pending = {0};
    struct ov_index *index = NULL;
    struct ov_journal_reader *reader = work->reader;
    uint64_t seq;
    TRY(ov_index_open(work->fd, work->options->folder, reader, &index));
    enum ov_status status =
        ov_query_read(&query, reader, reader->head.size, reader->count, &pending, &seq);
    struct ov_query_rows *first = query.is_oldest_first ? &work->rows : &pending;
    for (size_t i = 0; i < pending.count && first == &pending && status == OV_OK; i++) {
        status = ov_query_rows_add(&work->rows, pending.rows[i].seq, pending.rows[i].place);
    }
    if (status == OV_OK) {
        status = ov_index_find(index, &query, &work->rows);
    }
    for (size_t i = 0; i < pending.count && first != &pending && status == OV_OK &&
                       work->rows.count < query.limit;
         i++) {
        status = ov_query_rows_add(&work->rows, pending.rows[i].seq, pending.rows[i].place);
    }
    ov_query_rows_release(&pending);
    ov_index_close(index);
    return status;
}

// Nothing is asked for but how many.
static enum ov_status count_rows(struct work *work) {
    uint64_t count = work->reader->count;
    uint64_t wanted = work->query.limit < count ? work->query.limit : count;
    for (uint64_t i = 0; i < wanted; i++) {
        uint64_t seq = work->query.is_oldest_first ? i : count - 1 - i;
        TRY(ov_query_rows_add(&work->rows, seq, OV_QUERY_WHOLE_ENTRY));
    }
    return OV_OK;
}

static int say_bad_entry(const struct work *work, uint64_t seq, enum ov_status status) {
    char why[96];
    if (status == OV_MEMORY || status == OV_SYSTEM) {
        return reject(work->options->folder,
                      status == OV_SYSTEM ? strerror(errno) : ov_status_text(status), NULL);
    }
    (void)snprintf(why, sizeof why, "entry %" PRIu64 " is not as it was written", seq);
    ov_say_error(work->options->folder, why, "overt journal verify");
    return OV_EXIT_FOUND;
}

static int find_rows(struct work *work) {
    uint64_t seq = 0;
    bool is_narrow = ov_query_is_narrow(&work->query);
    if (is_narrow && !work->options->has_no_index && ask_index(work) == OV_OK) {
        return -1;
    }
    work->rows.count = 0;
    enum ov_status status = is_narrow ? ov_query_read(&work->query, work->reader, 0,
                                                      work->reader->count, &work->rows, &seq)
                                      : count_rows(work);
    return status == OV_OK ? -1 : say_bad_entry(work, seq, status);
}

// ---- showing it ---------------------------------------------------------------------------------

// The file at this place of an entry that has one there.
static enum ov_status find_file(const struct ov_entry *entry, uint32_t place,
                                struct ov_journal_file_row *row) {
    struct ov_entry_files files = ov_entry_files_of(entry);
    row->entry = entry;
    row->place = place;
    for (uint32_t i = 0; i <= place; i++) {
        TRY(ov_entry_files_next(&files, &row->file, &row->found_lines));
    }
    return OV_OK;
}

// Calls `take` for each row with its entry.
static int walk(struct work *work,
                enum ov_status (*take)(struct work *work, const struct ov_entry *entry,
                                       uint32_t place)) {
    for (size_t i = 0; i < work->rows.count; i++) {
        const struct ov_query_row *row = &work->rows.rows[i];
        struct ov_entry entry;
        enum ov_status status = ov_journal_reader_get(work->reader, row->seq, &entry);
        if (status == OV_OK) {
            status = take(work, &entry, row->place);
        }
        if (status != OV_OK && status != OV_END) {
            return say_bad_entry(work, row->seq, status);
        }
    }
    return -1;
}

static enum ov_status want_path(struct work *work, const struct ov_entry *entry, uint32_t place) {
    struct ov_journal_file_row row;
    if (place == OV_QUERY_WHOLE_ENTRY) {
        return OV_OK;
    }
    TRY(find_file(entry, place, &row));
    return ov_journal_paths_want(&work->paths, &row.file.commitment, &entry->run);
}

static enum ov_status print_row(struct work *work, const struct ov_entry *entry, uint32_t place) {
    struct ov_journal_file_row row = {0};
    if (place == OV_QUERY_WHOLE_ENTRY) {
        ov_journal_print_entry(stdout, work->options->is_json, entry);
        return OV_OK;
    }
    TRY(find_file(entry, place, &row));
    row.path = ov_journal_paths_get(&work->paths, &row.file.commitment);
    ov_journal_print_file(stdout, work->options->is_json, &row);
    return OV_OK;
}

static int show_rows(struct work *work) {
    int code = ov_query_is_of_files(&work->query) ? walk(work, want_path) : -1;
    if (code >= 0) {
        return code;
    }
    enum ov_status status = ov_journal_paths_open(&work->paths, work->fd);
    if (status != OV_OK) {
        return say_bad_entry(work, 0, status);
    }
    code = walk(work, print_row);
    if (code >= 0) {
        return code;
    }
    if (work->reader->missing_count > 0) {
        ov_say_error(work->options->folder, "some entries are no longer here",
                     "overt journal verify says whether that was written down");
    }
    return OV_EXIT_NOTHING;
}

int ov_journal_list(const struct ov_journal_options *options, int fd) {
    OV_CLEANUP(release_work) struct work work = {.options = options, .fd = fd};
    int code = read_query(&work);
    if (code >= 0) {
        return code;
    }
    enum ov_status status = ov_journal_reader_open(fd, &work.reader);
    if (status == OV_END) {
        return reject(options->folder, "there is no journal", NULL);
    }
    if (status != OV_OK) {
        return reject(options->folder,
                      status == OV_SYSTEM ? strerror(errno) : ov_status_text(status),
                      "overt journal verify");
    }
    code = find_rows(&work);
    return code < 0 ? show_rows(&work) : code;
}
