// SPDX-License-Identifier: Apache-2.0
// Prints the perceptual hash of pictures: picture-hash FILE... For tests beside other programs.
//
// One line for each file: the hash, or why it has none, and the name.
#include "base/fd.h"
#include "format/picture/picture.h"
#include "scan/identify.h"

#include <inttypes.h>
#include <stdio.h>

static int print_hash(const char *path) {
    struct ov_file_map file OV_CLEANUP(ov_file_map_close) = {0};
    enum ov_status status = ov_file_map_open(path, &file);
    if (status != OV_OK) {
        perror(path);
        return 2;
    }
    struct ov_limits limits = ov_limits_default();
    struct ov_budget budget;
    ov_budget_init(&budget, &limits);
    uint64_t hash;
    status = ov_picture_hash(file.bytes, ov_identify_object(file.bytes), &budget, &hash);
    if (status == OV_OK) {
        printf("%016" PRIx64 " %s\n", hash, path);
    } else {
        printf("%s %s\n", ov_status_text(status), path);
    }
    return 0;
}

int main(int argc, char **argv) {
    int exit_status = 0;
    for (int i = 1; i < argc; i++) {
        int one = print_hash(argv[i]);
        exit_status = one > exit_status ? one : exit_status;
    }
    return exit_status;
}
