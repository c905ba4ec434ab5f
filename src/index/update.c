// SPDX-License-Identifier: Apache-2.0
// Adds entries of the journal to the index.
#include "index/inside.h"

#include "journal/entry_files.h"

// What is added with, prepared once.
struct adding {
    struct ov_index *index;
    sqlite3_stmt *entry, *file, *found, *new_rule, *rule, *new_run, *run;
    struct ov_buf name;
    struct ov_entry_run last_run;
    int64_t last_run_id;
};

static void release_adding(struct adding *adding) {
    sqlite3_stmt *const statements[] = {adding->entry,   adding->file,    adding->found,
                                        adding->rule,    adding->new_run, adding->run,
                                        adding->new_rule};
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        (void)ov_sqlite()->finalize(statements[i]);
    }
    ov_buf_release(&adding->name);
}

static enum ov_status prepare(struct adding *adding) {
    struct ov_index *index = adding->index;
    TRY(ov_index_prepare(index, "INSERT INTO entries VALUES(?, ?, ?, ?)", &adding->entry));
    TRY(ov_index_prepare(index, "INSERT OR IGNORE INTO files VALUES(?, ?, ?, ?)", &adding->file));
    TRY(ov_index_prepare(index, "INSERT OR IGNORE INTO founds VALUES(?, ?, ?)", &adding->found));
    TRY(ov_index_prepare(index, "INSERT OR IGNORE INTO rules(name) VALUES(?)", &adding->new_rule));
    TRY(ov_index_prepare(index, "SELECT id FROM rules WHERE name = ?", &adding->rule));
    TRY(ov_index_prepare(index, "INSERT OR IGNORE INTO runs(run) VALUES(?)", &adding->new_run));
    return ov_index_prepare(index, "SELECT id FROM runs WHERE run = ?", &adding->run);
}

// The number that these bytes have in a table, which they are added to when they are new.
static enum ov_status find_id(sqlite3_stmt *insert, sqlite3_stmt *select, struct ov_span bytes,
                              int64_t *ret_id) {
    const void *data = bytes.size > 0 ? (const void *)bytes.data : "";
    (void)ov_sqlite()->bind_blob64(insert, 1, data, bytes.size, SQLITE_STATIC);
    (void)ov_sqlite()->bind_blob64(select, 1, data, bytes.size, SQLITE_STATIC);
    TRY(ov_index_step(insert));
    bool is_there = ov_sqlite()->step(select) == SQLITE_ROW;
    int64_t id = ov_sqlite()->column_int64(select, 0);
    (void)ov_sqlite()->reset(select);
    TRY(is_there ? OV_OK : OV_SYSTEM);
    *ret_id = id;
    return OV_OK;
}

static enum ov_status add_file(struct adding *adding, uint64_t seq, int64_t place, int verdict,
                               const struct ov_tree_hash *commitment) {
    (void)ov_sqlite()->bind_int64(adding->file, 1, (int64_t)seq);
    (void)ov_sqlite()->bind_int64(adding->file, 2, place);
    (void)ov_sqlite()->bind_int(adding->file, 3, verdict);
    (void)ov_sqlite()->bind_int64(adding->file, 4, ov_index_short(commitment));
    return ov_index_step(adding->file);
}

static enum ov_status add_founds(struct adding *adding, uint64_t seq, int64_t place,
                                 struct ov_span lines) {
    struct ov_entry_found found;
    while (ov_entry_found_take(&lines, &found) == OV_OK) {
        int64_t rule;
        ov_buf_reset(&adding->name);
        ov_entry_text_decode(&adding->name, found.rule);
        ov_query_lower(&adding->name);
        TRY(ov_buf_status(&adding->name));
        TRY(find_id(adding->new_rule, adding->rule, ov_buf_span(&adding->name), &rule));
        (void)ov_sqlite()->bind_int64(adding->found, 1, rule);
        (void)ov_sqlite()->bind_int64(adding->found, 2, (int64_t)seq);
        (void)ov_sqlite()->bind_int64(adding->found, 3, place);
        TRY(ov_index_step(adding->found));
    }
    return OV_OK;
}

static enum ov_status add_files(struct adding *adding, const struct ov_entry *entry) {
    struct ov_entry_files files = ov_entry_files_of(entry);
    struct ov_entry_file file;
    struct ov_span found;
    for (int64_t place = 0; ov_entry_files_next(&files, &file, &found) == OV_OK; place++) {
        TRY(add_file(adding, entry->seq, place, (int)file.verdict, &file.commitment));
        TRY(add_founds(adding, entry->seq, place, found));
    }
    return OV_OK;
}

// The paths that an entry of another type names: places below zero.
static enum ov_status add_paths(struct adding *adding, const struct ov_entry *entry) {
    const char *keyword = entry->type == OV_ENTRY_SCAN ? "path" : "file";
    struct ov_cursor cursor = ov_cursor_init(entry->body);
    struct ov_span line;
    for (int64_t place = -1; ov_line_read(&cursor, &line) == OV_OK;) {
        struct ov_tree_hash commitment;
        struct ov_span value;
        if (ov_line_take(line, keyword, &value) == OV_OK &&
            ov_tree_hash_read(value, &commitment) == OV_OK) {
            TRY(add_file(adding, entry->seq, place--, -1, &commitment));
        }
    }
    return OV_OK;
}

static enum ov_status add_entry(struct adding *adding, const struct ov_entry *entry) {
    bool is_same_run = adding->last_run_id != 0 && memcmp(adding->last_run.bytes, entry->run.bytes,
                                                          sizeof entry->run.bytes) == 0;
    if (!is_same_run) {
        TRY(find_id(adding->new_run, adding->run,
                    ov_span_make(entry->run.bytes, sizeof entry->run.bytes), &adding->last_run_id));
        adding->last_run = entry->run;
    }
    (void)ov_sqlite()->bind_int64(adding->entry, 1, (int64_t)entry->seq);
    (void)ov_sqlite()->bind_int64(adding->entry, 2, (int64_t)entry->time_ns);
    (void)ov_sqlite()->bind_text(adding->entry, 3, ov_entry_type_name(entry->type), -1,
                                 SQLITE_STATIC);
    (void)ov_sqlite()->bind_int64(adding->entry, 4, adding->last_run_id);
    TRY(ov_index_step(adding->entry));
    return entry->type == OV_ENTRY_FILES ? add_files(adding, entry) : add_paths(adding, entry);
}

static enum ov_status note_head(struct ov_index *index, const struct ov_tree_head *head) {
    OV_AUTO_STATEMENT *statement = NULL;
    TRY(ov_index_run(index, "DELETE FROM head"));
    TRY(ov_index_prepare(index, "INSERT INTO head VALUES(?, ?)", &statement));
    (void)ov_sqlite()->bind_int64(statement, 1, (int64_t)head->size);
    (void)ov_sqlite()->bind_blob(statement, 2, head->root.bytes, sizeof head->root.bytes,
                                 SQLITE_STATIC);
    return ov_index_step(statement);
}

enum ov_status ov_index_update(struct ov_index *index, uint64_t begin,
                               const struct ov_tree_head *head) {
    OV_CLEANUP(release_adding) struct adding adding = {.index = index};
    TRY(prepare(&adding));
    for (uint64_t seq = begin; seq < head->size; seq++) {
        struct ov_entry entry;
        enum ov_status status = ov_journal_reader_get(index->reader, seq, &entry);
        if (status != OV_END) { // it is no longer there
            TRY(status);
            TRY(add_entry(&adding, &entry));
        }
    }
    return note_head(index, head);
}
