// SPDX-License-Identifier: Apache-2.0
// Prints the type of each file that standard input names, one a line: for tests alone.
#include "base/filetype.h"
#include "scan/identify.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void) {
    char *path = NULL;
    size_t room = 0;
    ssize_t size;
    while ((size = getline(&path, &room, stdin)) > 0) {
        path[size - 1] = '\0';
        uint8_t first[OV_IDENTIFY_BYTES];
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct stat info;
        if (fd < 0 || fstat(fd, &info) != 0) {
            perror(path);
            return 1;
        }
        ssize_t got = read(fd, first, sizeof first);
        close(fd);
        struct ov_span span = ov_span_make(first, got > 0 ? (size_t)got : 0);
        puts(ov_filetype_name(ov_identify(span, (uint64_t)info.st_size)));
    }
    free(path);
    return 0;
}
