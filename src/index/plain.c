// SPDX-License-Identifier: Apache-2.0
// Answers a query by reading the entries one after another.
#include "index/query.h"

// Entries whose bundle was removed are passed over.
static enum ov_status match_at(const struct ov_query *query, struct ov_journal_reader *reader,
                               uint64_t seq, struct ov_query_rows *rows) {
    struct ov_entry entry;
    enum ov_status status = ov_journal_reader_get(reader, seq, &entry);
    if (status == OV_END) {
        return OV_OK;
    }
    TRY(status);
    return ov_query_match(query, &entry, rows);
}

// Of the rows so far only the last `limit` are still wanted.
static void drop_older(struct ov_query_rows *rows, uint64_t limit) {
    if (rows->count <= limit) {
        return;
    }
    size_t dropped = rows->count - (size_t)limit;
    memmove(rows->rows, &rows->rows[dropped], (size_t)limit * sizeof *rows->rows);
    rows->count = (size_t)limit;
}

static enum ov_status read_oldest(const struct ov_query *query, struct ov_journal_reader *reader,
                                  uint64_t end, struct ov_query_rows *rows, uint64_t *seq) {
    for (; *seq < end && rows->count < query->limit; ++*seq) {
        TRY(match_at(query, reader, *seq, rows));
    }
    if (rows->count > query->limit) {
        rows->count = (size_t)query->limit;
    }
    return OV_OK;
}

// Forwards, too: bundles are read from their beginning, and what is not wanted is forgotten.
static enum ov_status read_newest(const struct ov_query *query, struct ov_journal_reader *reader,
                                  uint64_t end, struct ov_query_rows *rows, uint64_t *seq) {
    for (; *seq < end; ++*seq) {
        TRY(match_at(query, reader, *seq, rows));
        if (rows->count / 2 > query->limit) {
            drop_older(rows, query->limit);
        }
    }
    drop_older(rows, query->limit);
    ov_query_rows_reverse(rows);
    return OV_OK;
}

enum ov_status ov_query_read(const struct ov_query *query, struct ov_journal_reader *reader,
                             uint64_t begin, uint64_t end, struct ov_query_rows *rows,
                             uint64_t *ret_seq) {
    uint64_t seq = begin;
    enum ov_status status = query->is_oldest_first ? read_oldest(query, reader, end, rows, &seq)
                                                   : read_newest(query, reader, end, rows, &seq);
    if (status != OV_OK) {
        *ret_seq = seq;
    }
    return status;
}
