// SPDX-License-Identifier: Apache-2.0
// The index: opened, found good or made again.
#include "index/inside.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// The tables as they stand in the database, word for word: another one is made again. `files` has
// what else names a path, too, with the place -1.
static const char *const tables[] = {
    "CREATE TABLE entries(seq INTEGER PRIMARY KEY, time INTEGER, type TEXT, run INTEGER)",
    "CREATE TABLE files(seq, place, verdict, name, PRIMARY KEY(seq, place)) WITHOUT ROWID",
    "CREATE TABLE founds(rule, seq, place, PRIMARY KEY(rule, seq, place)) WITHOUT ROWID",
    "CREATE TABLE head(size INTEGER, root BLOB)",
    "CREATE TABLE rules(id INTEGER PRIMARY KEY, name BLOB UNIQUE)",
    "CREATE TABLE runs(id INTEGER PRIMARY KEY, run BLOB UNIQUE)",
    "CREATE INDEX entries_run ON entries(run)",
    "CREATE INDEX entries_time ON entries(time)",
    "CREATE INDEX entries_type ON entries(type)",
    "CREATE INDEX files_name ON files(name)",
    "CREATE INDEX files_verdict ON files(verdict, seq, place)",
};

enum {
    APPLICATION_ID = 0x4f76496a, // "OvIj"
    VERSION = 1,
    BUSY_MS = 2000, // that another query may take to bring it up to date
    TABLE_COUNT = sizeof tables / sizeof tables[0],
};

void ov_index_finalize(sqlite3_stmt **statement) {
    (void)ov_sqlite()->finalize(*statement);
}

enum ov_status ov_index_run(struct ov_index *index, const char *sql) {
    return ov_sqlite()->exec(index->database, sql, NULL, NULL, NULL) == SQLITE_OK ? OV_OK
                                                                                  : OV_SYSTEM;
}

enum ov_status ov_index_prepare(struct ov_index *index, const char *sql,
                                sqlite3_stmt **ret_statement) {
    int code = ov_sqlite()->prepare_v2(index->database, sql, -1, ret_statement, NULL);
    return code == SQLITE_OK ? OV_OK : OV_SYSTEM;
}

enum ov_status ov_index_step(sqlite3_stmt *statement) {
    int code = ov_sqlite()->step(statement);
    (void)ov_sqlite()->reset(statement);
    return code == SQLITE_DONE || code == SQLITE_ROW ? OV_OK : OV_SYSTEM;
}

int64_t ov_index_short(const struct ov_tree_hash *commitment) {
    int64_t name;
    memcpy(&name, commitment->bytes, sizeof name);
    return name;
}

// ---- the file -----------------------------------------------------------------------------------

// Only whose folder it is writes in it: root does not leave files in the folders of others.
static enum ov_status check_folder(int folder) {
    struct stat info;
    if (fstat(folder, &info) != 0) {
        return OV_SYSTEM;
    }
    bool is_ours = info.st_uid == geteuid() && faccessat(folder, ".", W_OK, AT_EACCESS) == 0;
    return is_ours ? OV_OK : OV_DENIED;
}

static enum ov_status make_file(int folder) {
    const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    OV_AUTO_FD fd = openat(folder, OV_INDEX_FILE, flags, 0600);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        return OV_SYSTEM;
    }
    return S_ISREG(info.st_mode) && info.st_nlink == 1 ? OV_OK : OV_DENIED;
}

// What stands in the file is ours to write, and others may have written it: no statement in it is
// run, nothing of it reaches other files.
static enum ov_status harden(struct ov_index *index) {
    static const struct {
        int what, value;
    } settings[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},       {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},  {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 0},     {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0}, {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (ov_sqlite()->db_config(index->database, settings[i].what, settings[i].value, NULL) !=
            SQLITE_OK) {
            return OV_SYSTEM;
        }
    }
    (void)ov_sqlite()->limit(index->database, SQLITE_LIMIT_ATTACHED, 0);
    (void)ov_sqlite()->busy_timeout(index->database, BUSY_MS);
    TRY(ov_index_run(index, "PRAGMA cell_size_check=ON"));
    TRY(ov_index_run(index, "PRAGMA mmap_size=0"));
    return ov_index_run(index, "PRAGMA temp_store=MEMORY");
}

static enum ov_status open_database(int folder, const char *path, struct ov_index *index) {
    char real[PATH_MAX];
    char file[PATH_MAX + sizeof OV_INDEX_FILE + 1];
    if (realpath(path, real) == NULL) { // SQLite takes names without symbolic links alone
        return OV_SYSTEM;
    }
    TRY(make_file(folder));
    (void)snprintf(file, sizeof file, "%s/" OV_INDEX_FILE, real);
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX |
                      SQLITE_OPEN_PRIVATECACHE;
    if (ov_sqlite()->open_v2(file, &index->database, flags, "unix") != SQLITE_OK) {
        return OV_SYSTEM;
    }
    return harden(index);
}

static void close_database(struct ov_index *index) {
    (void)ov_sqlite()->close(index->database);
    index->database = NULL;
}

// ---- whether it is good -------------------------------------------------------------------------

static enum ov_status check_number(struct ov_index *index, const char *sql, int64_t expected) {
    OV_AUTO_STATEMENT *statement = NULL;
    TRY(ov_index_prepare(index, sql, &statement));
    bool is_it = ov_sqlite()->step(statement) == SQLITE_ROW &&
                 ov_sqlite()->column_int64(statement, 0) == expected;
    return is_it ? OV_OK : OV_DAMAGED;
}

static enum ov_status check_tables(struct ov_index *index) {
    OV_AUTO_STATEMENT *statement = NULL;
    TRY(ov_index_prepare(
        index, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid", &statement));
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (ov_sqlite()->step(statement) != SQLITE_ROW ||
            ov_sqlite()->column_type(statement, 0) != SQLITE_TEXT ||
            strcmp((const char *)ov_sqlite()->column_text(statement, 0), tables[i]) != 0) {
            return OV_DAMAGED;
        }
    }
    return ov_sqlite()->step(statement) == SQLITE_DONE ? OV_OK : OV_DAMAGED;
}

// The tree that it was made of, which the journal must begin with.
static enum ov_status check_head(struct ov_index *index, uint64_t *ret_size) {
    OV_AUTO_STATEMENT *statement = NULL;
    struct ov_tree_hash root;
    TRY(ov_index_prepare(index, "SELECT size, root FROM head", &statement));
    if (ov_sqlite()->step(statement) != SQLITE_ROW ||
        ov_sqlite()->column_bytes(statement, 1) != (int)sizeof root) {
        return OV_DAMAGED;
    }
    uint64_t size = (uint64_t)ov_sqlite()->column_int64(statement, 0);
    if (size == 0 || size > index->reader->head.size) {
        return OV_DAMAGED;
    }
    TRY(ov_journal_reader_root(index->reader, size, &root));
    bool is_same = memcmp(root.bytes, ov_sqlite()->column_blob(statement, 1), sizeof root) == 0;
    TRY(is_same ? OV_OK : OV_DAMAGED);
    *ret_size = size;
    return OV_OK;
}

static enum ov_status check(struct ov_index *index, uint64_t *ret_size) {
    TRY(check_number(index, "PRAGMA application_id", APPLICATION_ID));
    TRY(check_number(index, "PRAGMA user_version", VERSION));
    TRY(check_tables(index));
    return check_head(index, ret_size);
}

// ---- open ---------------------------------------------------------------------------------------

static enum ov_status make(struct ov_index *index) {
    char pragma[64];
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        TRY(ov_index_run(index, tables[i]));
    }
    (void)snprintf(pragma, sizeof pragma, "PRAGMA application_id=%d", APPLICATION_ID);
    TRY(ov_index_run(index, pragma));
    (void)snprintf(pragma, sizeof pragma, "PRAGMA user_version=%d", VERSION);
    return ov_index_run(index, pragma);
}

// In one transaction: another query sees the old index, or the new one.
static enum ov_status bring_up(struct ov_index *index, bool is_new) {
    uint64_t size = 0;
    TRY(ov_index_run(index, "BEGIN IMMEDIATE"));
    TRY(is_new ? make(index) : check(index, &size));
    if (size < index->reader->head.size) {
        TRY(ov_index_update(index, size, &index->reader->head));
    }
    return ov_index_run(index, "COMMIT");
}

// An index that is not good is removed, and made from nothing.
static enum ov_status open_index(int folder, const char *path, struct ov_index *index) {
    struct stat info;
    TRY(check_folder(folder));
    bool is_new =
        fstatat(folder, OV_INDEX_FILE, &info, AT_SYMLINK_NOFOLLOW) != 0 || info.st_size == 0;
    TRY(open_database(folder, path, index));
    enum ov_status status = bring_up(index, is_new);
    bool is_busy = ov_sqlite()->errcode(index->database) == SQLITE_BUSY;
    if (status == OV_OK || is_busy) {
        return status;
    }
    close_database(index);
    if ((unlinkat(folder, OV_INDEX_FILE, 0) != 0 && errno != ENOENT) ||
        (unlinkat(folder, OV_INDEX_FILE "-journal", 0) != 0 && errno != ENOENT)) {
        return OV_SYSTEM;
    }
    TRY(open_database(folder, path, index));
    return bring_up(index, true);
}

enum ov_status ov_index_open(int folder, const char *path, struct ov_journal_reader *reader,
                             struct ov_index **ret_index) {
    TRY(ov_sqlite_load());
    struct ov_index *index = (struct ov_index *)calloc(1, sizeof *index);
    if (index == NULL) {
        return OV_MEMORY;
    }
    index->reader = reader;
    enum ov_status status = open_index(folder, path, index);
    if (status != OV_OK) {
        ov_index_close(index);
        return status;
    }
    *ret_index = index;
    return OV_OK;
}

void ov_index_close(struct ov_index *index) {
    if (index != NULL) {
        close_database(index);
        free(index);
    }
}
