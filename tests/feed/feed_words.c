// SPDX-License-Identifier: Apache-2.0
// Asks the builder for the words that work on rule feeds, and prints what it answers. Looks for
// overt-worker beside itself.
//
//   feed-words unpack PACKED OUT LIMIT [PREFIX]
#include "role/unpack_job.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int create(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        perror(path);
        exit(2);
    }
    return fd;
}

static int finish(enum ov_status status, const char *reason) {
    if (status != OV_OK) {
        printf("%s\n", reason);
    }
    return status == OV_OK ? 0 : 1;
}

static int unpack(int count, char **words) {
    char reason[OV_UNPACK_REASON_BYTES] = "";
    if (count < 3) {
        return 2;
    }
    struct ov_unpack_request request = {
        .packed = words[0],
        .prefix = count > 3 ? words[3] : NULL,
        .most_bytes = strtoull(words[2], NULL, 10),
        .out = create(words[1]),
    };
    enum ov_status status = ov_unpack_run(&request, reason);
    (void)close(request.out);
    return finish(status, reason);
}

int main(int count, char **words) {
    if (count >= 2 && strcmp(words[1], "unpack") == 0) {
        return unpack(count - 2, words + 2);
    }
    return 2;
}
