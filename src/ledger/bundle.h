// SPDX-License-Identifier: Apache-2.0
//
// The bundle of a release: all its rule files, in source, in one file that has one form.
//
// A POSIX ustar archive (POSIX.1-1988 section 10.1.1) of regular files alone, in bytewise order of
// name, each header field with the one value that docs/formats/release.md gives it, so that equal
// files give equal bytes; `tar xf` unpacks it. The reader builds the header that it expects and
// compares, so nothing else is a bundle.
#pragma once

#include "base/digest.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    OV_BUNDLE_NAME_BYTES = 100, // a name's bytes, at most
    OV_BUNDLE_FILES_MAX = 10000,
};
#define OV_BUNDLE_FILE_BYTES_MAX 077777777777ull // eleven octal digits

struct ov_bundle_file {
    char name[OV_BUNDLE_NAME_BYTES + 1];
    struct ov_span bytes; // borrowed from the bundle
};

// Whether a file may have this name: parts of A-Z a-z 0-9 . _ + - joined by '/', none of them
// empty or beginning with a dot or a minus.
bool ov_bundle_name_is_valid(struct ov_span name);

// ---- reading ------------------------------------------------------------------------------------

struct ov_bundle {
    struct ov_span bytes; // borrowed
    size_t at;
    uint32_t file_count;
    char last_name[OV_BUNDLE_NAME_BYTES + 1];
};

struct ov_bundle ov_bundle_init(struct ov_span bytes);

// The next file. OV_END at the proper end of the bundle, with no byte behind it; OV_DAMAGED.
enum ov_status ov_bundle_next(struct ov_bundle *bundle, struct ov_bundle_file *ret_file);

// ---- writing ------------------------------------------------------------------------------------

// What was written so far; after ov_bundle_write_end() its digest and size are the bundle's.
struct ov_bundle_writer {
    int fd; // borrowed
    struct ov_digest digest;
    uint64_t size_bytes;
    char last_name[OV_BUNDLE_NAME_BYTES + 1];
};

void ov_bundle_write_init(int fd, struct ov_bundle_writer *ret_writer);

// Adds a file. OV_INVALID when the name may not be or does not come after the last one, OV_LIMIT
// when the file is too large, OV_SYSTEM.
enum ov_status ov_bundle_write_file(struct ov_bundle_writer *writer, const char *name,
                                    struct ov_span bytes);

// Ends the bundle and gives its SHA-256. OV_SYSTEM.
enum ov_status ov_bundle_write_end(struct ov_bundle_writer *writer,
                                   uint8_t ret_sha256[OV_SHA256_BYTES]);
