// SPDX-License-Identifier: Apache-2.0
// Asks the builder for the words that work on rule feeds, and prints what it answers. Looks for
// overt-worker beside itself.
//
//   feed-words unpack PACKED OUT LIMIT [PREFIX]
//   feed-words pack PLAIN OUT [PREFIX]
//   feed-words unpack-open PACKED OUT LIMIT [PREFIX]    by descriptors
//   feed-words leaves FOLDER [FILE]...     number and root of the tree, and its leaves
#include "role/leaves_job.h"
#include "role/pack_job.h"
#include "role/unpack_job.h"

#include <fcntl.h>
#include <inttypes.h>
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

static int open_file(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        perror(path);
        exit(2);
    }
    return fd;
}

static int pack(int count, char **words) {
    char reason[OV_PACK_REASON_BYTES] = "";
    if (count < 2) {
        return 2;
    }
    int prefix = count > 2 ? open_file(words[2]) : -1;
    return finish(ov_pack_run(open_file(words[0]), prefix, create(words[1]), reason), reason);
}

static int unpack_open(int count, char **words) {
    char reason[OV_PACK_REASON_BYTES] = "";
    if (count < 3) {
        return 2;
    }
    int prefix = count > 3 ? open_file(words[3]) : -1;
    uint64_t most_bytes = strtoull(words[2], NULL, 10);
    return finish(ov_pack_undo(open_file(words[0]), prefix, most_bytes, create(words[1]), reason),
                  reason);
}

static void print(void *arg, struct ov_span text) {
    (void)fwrite(text.data, 1, text.size, arg);
}

static int leaves(int count, char **words) {
    OV_CLEANUP(ov_sources_release) struct ov_sources sources = {0};
    char reason[OV_LEAVES_REASON_BYTES] = "";
    uint64_t leaf_count;
    struct ov_tree_hash root;
    for (int i = 1; i < count; i++) {
        if (ov_sources_add(&sources, words[i]) != OV_OK) {
            perror(words[i]);
            exit(2);
        }
    }
    struct ov_leaves_request request = {
        .sources = &sources, .prefix = words[0], .arg = stdout, .on_text = print};
    enum ov_status status = ov_leaves_run(&request, &leaf_count, &root, reason);
    if (status == OV_OK) {
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        ov_tree_hash_add(&text, &root);
        printf("%" PRIu64 " %.*s\n", leaf_count, (int)text.size, (const char *)text.data);
    }
    return finish(status, reason);
}

int main(int count, char **words) {
    if (count >= 2 && strcmp(words[1], "unpack") == 0) {
        return unpack(count - 2, words + 2);
    }
    if (count >= 2 && strcmp(words[1], "unpack-open") == 0) {
        return unpack_open(count - 2, words + 2);
    }
    if (count >= 2 && strcmp(words[1], "pack") == 0) {
        return pack(count - 2, words + 2);
    }
    if (count >= 3 && strcmp(words[1], "leaves") == 0) {
        return leaves(count - 2, words + 2);
    }
    return 2;
}
