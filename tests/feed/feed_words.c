// SPDX-License-Identifier: Apache-2.0
// Asks the builder for the words that work on rule feeds, and prints what it answers. Looks for
// overt-worker beside itself.
//
//   feed-words unpack PACKED OUT LIMIT [PREFIX]
//   feed-words pack PLAIN OUT [PREFIX]
//   feed-words unpack-open PACKED OUT LIMIT [PREFIX]    by descriptors
//   feed-words leaves FOLDER [FILE]...     number and root of the tree, and its leaves
//   feed-words leaves - BUNDLE             of the files in a bundle
//   feed-words changes OLD NEW             between two bundles
//   feed-words verify [OPTIONS] DATABASE
//   feed-words patch [OPTIONS] OUT DATABASE CDIFF...
//
// A file NAME stands with its signature as NAME,SIGN. Options: --certificates PATH, --demand-sign.
#include "role/database_job.h"
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
    bool is_bundle = strcmp(words[0], "-") == 0;
    if (is_bundle && sources.count == 1) {
        sources.items[0].kind = OV_WIRE_SOURCE_BUNDLE;
    }
    struct ov_leaves_request request = {.sources = &sources,
                                        .prefix = is_bundle ? NULL : words[0],
                                        .arg = stdout,
                                        .on_text = print};
    enum ov_status status = ov_leaves_run(&request, &leaf_count, &root, reason);
    if (status == OV_OK) {
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        ov_tree_hash_add(&text, &root);
        printf("%" PRIu64 " %.*s\n", leaf_count, (int)text.size, (const char *)text.data);
    }
    return finish(status, reason);
}

enum { FILES_MAX = 64 };

struct options {
    struct ov_database_policy policy;
    const char *out;
    struct ov_database_file files[FILES_MAX];
    size_t file_count;
};

static struct ov_database_file split_file(char *word) {
    char *comma = strchr(word, ',');
    if (comma != NULL) {
        *comma = '\0';
    }
    return (struct ov_database_file){.path = word, .sign = comma != NULL ? comma + 1 : NULL};
}

static struct options read_options(int count, char **words, bool has_out) {
    struct options options = {0};
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], "--certificates") == 0 && i + 1 < count) {
            options.policy.certificates = words[++i];
        } else if (strcmp(words[i], "--demand-sign") == 0) {
            options.policy.is_sign_demanded = true;
        } else if (has_out && options.out == NULL) {
            options.out = words[i];
        } else if (options.file_count < FILES_MAX) {
            options.files[options.file_count++] = split_file(words[i]);
        }
    }
    if (options.file_count == 0) {
        exit(2);
    }
    return options;
}

static int print_report(enum ov_status status, const struct ov_database_report *report,
                        const char *reason) {
    if (status != OV_OK) {
        printf("status %d\nrefusal %d\n%s\n", status,
               status == OV_DAMAGED ? (int)report->refusal : -1, reason);
        return 1;
    }
    printf("name %s\nversion %llu\nrules %llu\nlevel %llu\ntime %llu\nmembers %u\n", report->name,
           (unsigned long long)report->version, (unsigned long long)report->rule_count,
           (unsigned long long)report->level, (unsigned long long)report->time,
           report->member_count);
    printf("checks%s%s%s\nlocal %d\nsign %d\nsigner %s\ntrust %s\n",
           report->checks & OV_DATABASE_LEGACY ? " legacy" : "",
           report->checks & OV_DATABASE_INFO ? " info" : "",
           report->checks & OV_DATABASE_SIGN ? " sign" : "", report->is_local, report->has_sign,
           report->signer, ov_database_trust_text(report));
    return 0;
}

static int verify(int count, char **words) {
    char reason[OV_DATABASE_REASON_BYTES] = "";
    struct ov_database_report report = {0};
    struct options options = read_options(count, words, false);
    enum ov_status status = ov_database_verify(&options.files[0], &options.policy, &report, reason);
    return print_report(status, &report, reason);
}

static int patch(int count, char **words) {
    char reason[OV_DATABASE_REASON_BYTES] = "";
    struct ov_database_report report = {0};
    struct options options = read_options(count, words, true);
    struct ov_database_patch request = {
        .old = options.files[0],
        .cdiffs = &options.files[1],
        .cdiff_count = options.file_count - 1,
        .out = create(options.out),
    };
    enum ov_status status = ov_database_patch(&request, &options.policy, &report, reason);
    (void)close(request.out);
    return print_report(status, &report, reason);
}

static int changes(int count, char **words) {
    char reason[OV_LEAVES_REASON_BYTES] = "";
    uint64_t added_count = 0;
    uint64_t removed_count = 0;
    if (count < 2) {
        return 2;
    }
    struct ov_source items[2] = {{.path = words[0], .kind = OV_WIRE_SOURCE_BUNDLE},
                                 {.path = words[1], .kind = OV_WIRE_SOURCE_BUNDLE}};
    struct ov_sources old_sources = {.items = &items[0], .count = 1};
    struct ov_sources new_sources = {.items = &items[1], .count = 1};
    struct ov_changes_request request = {
        .old_sources = &old_sources, .new_sources = &new_sources, .arg = stdout, .on_text = print};
    enum ov_status status = ov_changes_run(&request, &added_count, &removed_count, reason);
    if (status == OV_OK) {
        printf("%" PRIu64 " %" PRIu64 "\n", added_count, removed_count);
    }
    return finish(status, reason);
}

int main(int count, char **words) {
    if (count >= 3 && strcmp(words[1], "verify") == 0) {
        return verify(count - 2, words + 2);
    }
    if (count >= 4 && strcmp(words[1], "patch") == 0) {
        return patch(count - 2, words + 2);
    }
    if (count >= 2 && strcmp(words[1], "unpack") == 0) {
        return unpack(count - 2, words + 2);
    }
    if (count >= 2 && strcmp(words[1], "unpack-open") == 0) {
        return unpack_open(count - 2, words + 2);
    }
    if (count >= 2 && strcmp(words[1], "pack") == 0) {
        return pack(count - 2, words + 2);
    }
    if (count >= 2 && strcmp(words[1], "changes") == 0) {
        return changes(count - 2, words + 2);
    }
    if (count >= 3 && strcmp(words[1], "leaves") == 0) {
        return leaves(count - 2, words + 2);
    }
    return 2;
}
