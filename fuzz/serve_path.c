// SPDX-License-Identifier: Apache-2.0
// rooms: serve
//
// The paths of a log's folder: whatever a client sends, a name that is let through stays below the
// folder, is one of the shapes, and is what was sent.
//
// Input: the target of a request.
#include "serve/path.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static void expect(bool is_so) {
    if (!is_so) {
        abort();
    }
}

// No way up, no dot file, no empty part, nothing that needs decoding, and no end in the middle.
static void check_name(const char *name, struct ov_span target) {
    expect(target.size == strlen(name) + 1 && target.data[0] == '/');
    expect(memcmp(target.data + 1, name, strlen(name)) == 0);
    expect(name[0] != '.' && strstr(name, "/.") == NULL && strstr(name, "//") == NULL);
    expect(name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789/.-")] == '\0');
}

static bool begins(const char *name, const char *start) {
    return strncmp(name, start, strlen(start)) == 0;
}

static void check_kind(const struct ov_log_path *path) {
    const char *name = path->name;
    bool is_tile = begins(name, "tile/");
    bool is_bundle = begins(name, "bundle/") || begins(name, "delta/");
    bool is_proof = begins(name, "feed/");
    bool is_checkpoint = strcmp(name, "checkpoint") == 0;
    expect(is_tile == (path->kind == OV_LOG_PATH_TILE));
    expect(is_bundle == (path->kind == OV_LOG_PATH_BUNDLE));
    expect(is_proof == (path->kind == OV_LOG_PATH_PROOF));
    expect(is_checkpoint == (path->kind == OV_LOG_PATH_CHECKPOINT));
    if (path->kind == OV_LOG_PATH_SETTING) {
        expect(strchr(name, '/') == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_span target = ov_span_make(data, size);
    struct ov_log_path path;
    struct ov_span hex;
    bool is_path = ov_log_path_read(target, &path) == OV_OK;
    if (is_path) {
        check_name(path.name, target);
        check_kind(&path);
    }
    if (ov_origin_path_read(target, &hex) == OV_OK) {
        expect(!is_path && size == 1 + 64 + strlen("/checkpoint"));
        expect(hex.data == data + 1 && hex.size == 64);
    }
    return 0;
}
