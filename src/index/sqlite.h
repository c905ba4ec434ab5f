// SPDX-License-Identifier: Apache-2.0
//
// SQLite, loaded when the first index is opened; for the files of this room alone.
//
// Only questions about a journal need it. Linked in, it would stand in each broker, and take a
// third of what the loader does at each start.
#pragma once

#include "base/status.h"

#include <sqlite3.h>

// What is called of it.
#define OV_SQLITE_FUNCTIONS(USE)                                                                   \
    USE(bind_blob)                                                                                 \
    USE(bind_blob64)                                                                               \
    USE(bind_int)                                                                                  \
    USE(bind_int64)                                                                                \
    USE(bind_text)                                                                                 \
    USE(busy_timeout)                                                                              \
    USE(close)                                                                                     \
    USE(column_blob)                                                                               \
    USE(column_bytes)                                                                              \
    USE(column_int64)                                                                              \
    USE(column_text)                                                                               \
    USE(column_type)                                                                               \
    USE(db_config)                                                                                 \
    USE(errcode)                                                                                   \
    USE(exec)                                                                                      \
    USE(finalize)                                                                                  \
    USE(limit)                                                                                     \
    USE(open_v2)                                                                                   \
    USE(prepare_v2)                                                                                \
    USE(reset)                                                                                     \
    USE(step)

// sqlite3_bind_blob is `bind_blob`, and so on.
struct ov_sqlite {
#define OV_SQLITE_MEMBER(name) typeof(sqlite3_##name) *name;
    OV_SQLITE_FUNCTIONS(OV_SQLITE_MEMBER)
#undef OV_SQLITE_MEMBER
};

// OV_UNSUPPORTED when the library is not there, or is another one.
enum ov_status ov_sqlite_load(void);

// Its functions, once it is loaded.
const struct ov_sqlite *ov_sqlite(void);
