// SPDX-License-Identifier: Apache-2.0
// Asks the index where the rows of a query are, and looks there.
#include "index/inside.h"

// ---- the question -------------------------------------------------------------------------------

static enum ov_status note_paths(struct ov_index *index, const struct ov_query *query) {
    OV_AUTO_STATEMENT *statement = NULL;
    TRY(ov_index_run(index, "CREATE TEMP TABLE IF NOT EXISTS wanted(name INTEGER PRIMARY KEY)"));
    TRY(ov_index_run(index, "DELETE FROM wanted"));
    TRY(ov_index_prepare(index, "INSERT OR IGNORE INTO wanted VALUES(?)", &statement));
    TRY(ov_index_run(index, "BEGIN"));
    for (size_t i = 0; i < query->commitment_count; i++) {
        (void)ov_sqlite()->bind_int64(statement, 1, ov_index_short(&query->commitments[i]));
        TRY(ov_index_step(statement));
    }
    return ov_index_run(index, "COMMIT");
}

static void add_if(struct ov_buf *sql, bool is_asked, const char *condition) {
    if (is_asked) {
        ov_buf_add_text(sql, condition);
    }
}

// Of constant pieces; what was asked for is bound.
static enum ov_status add_sql(struct ov_buf *sql, const struct ov_query *query) {
    bool is_of_files = ov_query_is_of_files(query);
    bool is_of_paths = !query->has_verdict && query->rule.size == 0;
    ov_buf_add_text(sql, is_of_files ? "SELECT f.seq, f.place FROM files f CROSS JOIN entries e "
                                       "ON e.seq = f.seq WHERE 1"
                                     : "SELECT e.seq, -1 FROM entries e WHERE 1");
    add_if(sql, query->since_ns > 0, " AND e.time >= ?1");
    add_if(sql, query->until_ns < UINT64_MAX, " AND e.time < ?2");
    add_if(sql, query->has_type, " AND e.type = ?3");
    add_if(sql, query->has_run, " AND e.run = (SELECT id FROM runs WHERE run = ?4)");
    add_if(sql, query->has_verdict, " AND f.verdict = ?5");
    add_if(sql, query->rule.size > 0,
           " AND (f.seq, f.place) IN (SELECT seq, place FROM founds WHERE rule IN "
           "(SELECT id FROM rules WHERE instr(name, ?6) > 0))");
    add_if(sql, query->has_paths, " AND f.name IN (SELECT name FROM wanted)");
    add_if(sql, is_of_files && !is_of_paths, " AND f.place >= 0");
    const char *way = query->is_oldest_first ? "ASC" : "DESC";
    ov_buf_printf(sql, is_of_files ? " ORDER BY f.seq %s, f.place %s" : " ORDER BY e.seq %s", way,
                  way);
    ov_buf_add_u8(sql, 0);
    return ov_buf_status(sql);
}

static int64_t cut_time(uint64_t time_ns) {
    return time_ns < INT64_MAX ? (int64_t)time_ns : INT64_MAX;
}

// Numbers that the question does not have are refused by SQLite, which is as well.
static void bind(sqlite3_stmt *statement, const struct ov_query *query) {
    (void)ov_sqlite()->bind_int64(statement, 1, cut_time(query->since_ns));
    (void)ov_sqlite()->bind_int64(statement, 2, cut_time(query->until_ns));
    (void)ov_sqlite()->bind_text(statement, 3, ov_entry_type_name(query->type), -1, SQLITE_STATIC);
    (void)ov_sqlite()->bind_blob(statement, 4, query->run.bytes, sizeof query->run.bytes,
                                 SQLITE_STATIC);
    (void)ov_sqlite()->bind_int(statement, 5, (int)query->verdict);
    (void)ov_sqlite()->bind_blob64(statement, 6, query->rule.data, query->rule.size, SQLITE_STATIC);
}

// ---- the answer ---------------------------------------------------------------------------------

// The rows of one entry that really answer the query.
struct look {
    bool has_entry;
    uint64_t seq;
    struct ov_query_rows rows;
};

static void release_look(struct look *look) {
    ov_query_rows_release(&look->rows);
}

static enum ov_status look_at(struct ov_index *index, const struct ov_query *query, uint64_t seq,
                              struct look *look) {
    struct ov_entry entry;
    if (look->has_entry && look->seq == seq) {
        return OV_OK;
    }
    look->has_entry = false;
    look->rows.count = 0;
    enum ov_status status =
        seq < index->reader->head.size ? ov_journal_reader_get(index->reader, seq, &entry) : OV_END;
    if (status == OV_OK) {
        status = ov_query_match(query, &entry, &look->rows);
    }
    TRY(status == OV_END ? OV_OK : status); // it is no longer there
    look->has_entry = true;
    look->seq = seq;
    return OV_OK;
}

static bool has_row(const struct ov_query_rows *rows, uint32_t place) {
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->rows[i].place == place) {
            return true;
        }
    }
    return false;
}

// A row that is none, since the index keeps parts of commitments, or is wrong, is passed over. One
// for each path of a scan is told once.
static enum ov_status take_row(const struct look *look, int64_t place, struct ov_query_rows *rows) {
    bool is_whole = place < 0 || place >= OV_QUERY_WHOLE_ENTRY;
    uint32_t number = is_whole ? OV_QUERY_WHOLE_ENTRY : (uint32_t)place;
    const struct ov_query_row *last = rows->count > 0 ? &rows->rows[rows->count - 1] : NULL;
    bool is_known = last != NULL && last->seq == look->seq && last->place == number;
    if (is_known || !has_row(&look->rows, number)) {
        return OV_OK;
    }
    return ov_query_rows_add(rows, look->seq, number);
}

enum ov_status ov_index_find(struct ov_index *index, const struct ov_query *query,
                             struct ov_query_rows *rows) {
    OV_CLEANUP(ov_buf_release) struct ov_buf sql = {0};
    OV_CLEANUP(release_look) struct look look = {0};
    OV_AUTO_STATEMENT *statement = NULL;
    if (query->has_paths) {
        TRY(note_paths(index, query));
    }
    TRY(add_sql(&sql, query));
    TRY(ov_index_prepare(index, (const char *)sql.data, &statement));
    bind(statement, query);
    int code = SQLITE_DONE;
    while (rows->count < query->limit && (code = ov_sqlite()->step(statement)) == SQLITE_ROW) {
        TRY(look_at(index, query, (uint64_t)ov_sqlite()->column_int64(statement, 0), &look));
        TRY(take_row(&look, ov_sqlite()->column_int64(statement, 1), rows));
    }
    return code == SQLITE_DONE || code == SQLITE_ROW ? OV_OK : OV_SYSTEM;
}
