// SPDX-License-Identifier: Apache-2.0
// Loads SQLite.
#include "index/sqlite.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

static struct ov_sqlite loaded;

static const struct {
    const char *name;
    size_t at;
} functions[] = {
#define FUNCTION(name) {"sqlite3_" #name, offsetof(struct ov_sqlite, name)},
    OV_SQLITE_FUNCTIONS(FUNCTION)
#undef FUNCTION
};

// It stays until the program ends.
enum ov_status ov_sqlite_load(void) {
    if (loaded.open_v2 != NULL) {
        return OV_OK;
    }
    void *library = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
    struct ov_sqlite found = {0};
    for (size_t i = 0; library != NULL && i < sizeof functions / sizeof functions[0]; i++) {
        void *function = dlsym(library, functions[i].name);
        if (function == NULL) {
            (void)dlclose(library);
            library = NULL;
        }
        memcpy((char *)&found + functions[i].at, &function, sizeof function);
    }
    if (library == NULL) {
        return OV_UNSUPPORTED;
    }
    loaded = found;
    return OV_OK;
}

const struct ov_sqlite *ov_sqlite(void) {
    return &loaded;
}
