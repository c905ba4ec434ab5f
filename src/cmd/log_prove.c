// SPDX-License-Identifier: Apache-2.0
// overt log prove: that an entry stands in a published log, in a file that is checked offline.
#include "base/durable.h"
#include "base/say.h"
#include "catalog/folder.h"
#include "cmd/log_bundle.h"
#include "cmd/log_entries.h"
#include "cmd/log_store.h"
#include "ledger/bundle.h"
#include "ledger/log_names.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

struct work {
    const char *folder, *file, *output, *entry;
    bool has_index;
    uint64_t index; // of the entry, instead of a file
    int fd;         // the folder; -1
    struct ov_tree_head head;
    struct ov_buf checkpoint;
};

// ---- the published log --------------------------------------------------------------------------

static enum ov_status load_checkpoint(struct work *prove, struct ov_policy *policy) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    struct ov_checkpoint_opened opened;
    char path[PATH_MAX];
    const char *why = NULL;
    (void)snprintf(path, sizeof path, "%s/" OV_LOG_POLICY, prove->folder);
    TRY(ov_log_policy_load(path, &text, policy));
    (void)snprintf(path, sizeof path, "%s/" OV_LOG_CHECKPOINT, prove->folder);
    enum ov_status status = ov_log_file_load(path, OV_NOTE_BYTES_MAX, &prove->checkpoint);
    if (status != OV_OK) {
        why = status == OV_SYSTEM ? strerror(errno) : ov_status_text(status);
    } else {
        status =
            ov_checkpoint_open_witnessed(ov_buf_span(&prove->checkpoint), policy, &opened, &why);
    }
    if (status != OV_OK) {
        ov_say_error(path, why, "overt log checkpoint publishes what was appended");
        return status;
    }
    prove->head = opened.checkpoint.head;
    return OV_OK;
}

static enum ov_status open_log(struct work *prove) {
    prove->fd = open(prove->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (prove->fd < 0) {
        ov_say_error(prove->folder, strerror(errno), NULL);
        return OV_SYSTEM;
    }
    struct ov_policy *policy = calloc(1, sizeof *policy);
    if (policy == NULL) {
        ov_say_error(prove->folder, ov_status_text(OV_MEMORY), NULL);
        return OV_MEMORY;
    }
    enum ov_status status = load_checkpoint(prove, policy);
    free(policy);
    return status;
}

// ---- finding the entry --------------------------------------------------------------------------

static bool is_equal(void *arg, uint64_t index, struct ov_span entry) {
    const struct ov_span *wanted = arg;
    (void)index;
    return ov_span_is_equal(*wanted, entry);
}

// A release that has a file of exactly these bytes.
struct holder {
    const struct work *prove;
    struct ov_span wanted;
    enum ov_status status; // of a bundle that could not be opened
};

static bool has_file(int bundle, struct ov_span wanted) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    struct ov_bundle_file file;
    if (ov_file_map_open_fd(bundle, &map) != OV_OK) {
        return false;
    }
    struct ov_bundle reader = ov_bundle_init(map.bytes);
    while (ov_bundle_next(&reader, &file) == OV_OK) {
        if (ov_span_is_equal(file.bytes, wanted)) {
            return true;
        }
    }
    return false;
}

static bool is_holder(void *arg, uint64_t index, struct ov_span entry) {
    struct holder *holder = arg;
    struct ov_release release;
    OV_AUTO_FD bundle = -1;
    if (ov_span_is_equal(entry, holder->wanted)) {
        return true;
    }
    (void)index;
    if (ov_log_release_read(entry, &release) != OV_OK) {
        return false;
    }
    holder->status = ov_log_bundle_open(holder->prove->fd, &release, &bundle);
    return holder->status != OV_OK || has_file(bundle, holder->wanted);
}

static enum ov_status find_bytes(const struct work *prove, struct ov_span wanted,
                                 uint64_t *ret_index) {
    if (!ov_rule_file_is_known(prove->file)) {
        return ov_log_entries_find(prove->fd, prove->head.size, &wanted, is_equal, ret_index);
    }
    struct holder holder = {.prove = prove, .wanted = wanted};
    TRY(ov_log_entries_find(prove->fd, prove->head.size, &holder, is_holder, ret_index));
    return holder.status;
}

static enum ov_status find_file(const struct work *prove, uint64_t *ret_index) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    enum ov_status status = ov_file_map_open(prove->file, &map);
    if (status != OV_OK) {
        ov_say_error(prove->file, status == OV_SYSTEM ? strerror(errno) : "is no regular file",
                     NULL);
        return status;
    }
    status = find_bytes(prove, map.bytes, ret_index);
    if (status == OV_END) {
        ov_say_error(prove->file,
                     "no published entry has these bytes, and no release a file of them",
                     "overt log append, then overt log checkpoint");
    } else if (status != OV_OK) {
        ov_say_error(prove->folder, "its entries cannot be read", "overt log verify says more");
    }
    return status;
}

// ---- the proof ----------------------------------------------------------------------------------

// The entry by itself, for tools that do not look at the line `extra`.
static enum ov_status write_entry(const struct work *prove, uint64_t index) {
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    struct ov_span entry;
    if (prove->entry == NULL) {
        return OV_OK;
    }
    enum ov_status status = ov_store_entry(prove->fd, index, prove->head.size, &bytes, &entry);
    if (status == OV_OK) {
        status = ov_durable_write(AT_FDCWD, prove->entry, entry, 0644);
    }
    if (status != OV_OK) {
        ov_say_error(prove->entry, status == OV_SYSTEM ? strerror(errno) : ov_status_text(status),
                     NULL);
    }
    return status;
}

static int write_proof(const struct work *prove, uint64_t index) {
    OV_CLEANUP(ov_buf_release) struct ov_buf proof = {0};
    enum ov_status status =
        ov_store_prove(prove->fd, index, &prove->head, ov_buf_span(&prove->checkpoint), &proof);
    if (status == OV_INVALID) {
        ov_say_error(prove->folder, "has no such entry", "overt log verify says how many");
        return OV_EXIT_ERROR;
    }
    if (status != OV_OK) {
        ov_say_error(prove->folder, "its files do not lead to the published root",
                     "overt log verify says where");
        return OV_EXIT_FOUND;
    }
    if (ov_durable_write(AT_FDCWD, prove->output, ov_buf_span(&proof), 0644) != OV_OK) {
        ov_say_error(prove->output, strerror(errno), NULL);
        return OV_EXIT_ERROR;
    }
    if (write_entry(prove, index) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    (void)printf("%s: entry %llu of %llu\n", prove->output, (unsigned long long)index,
                 (unsigned long long)prove->head.size);
    return OV_EXIT_NOTHING;
}

// ---- the word -----------------------------------------------------------------------------------

static int read_options(int argc, char **argv, struct work *prove) {
    enum { OPTION_INDEX = 256, OPTION_ENTRY, OPTION_HELP };
    static const struct option long_options[] = {{"output", required_argument, NULL, 'o'},
                                                 {"index", required_argument, NULL, OPTION_INDEX},
                                                 {"entry", required_argument, NULL, OPTION_ENTRY},
                                                 {"help", no_argument, NULL, OPTION_HELP},
                                                 {NULL, 0, NULL, 0}};
    for (int code = 0; (code = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1;) {
        switch (code) {
        case 'o':
            prove->output = optarg;
            break;
        case OPTION_ENTRY:
            prove->entry = optarg;
            break;
        case OPTION_INDEX:
            prove->has_index = ov_number_read(ov_span_text(optarg), &prove->index) == OV_OK;
            if (!prove->has_index) {
                return ov_log_reject_option(argv);
            }
            break;
        case 'h':
        case OPTION_HELP:
            return ov_log_print_help();
        default:
            return ov_log_reject_option(argv);
        }
    }
    prove->folder = optind < argc ? argv[optind] : NULL;
    prove->file = optind + 1 < argc ? argv[optind + 1] : NULL;
    bool is_whole = prove->folder != NULL && prove->output != NULL && optind + 2 >= argc &&
                    (prove->file != NULL) != prove->has_index;
    if (!is_whole) {
        ov_say_error("log prove", "a log, a file (or --index) and a place for the proof are needed",
                     "overt log prove DIR FILE -o BUNDLE");
        return OV_EXIT_ERROR;
    }
    return -1;
}

int ov_log_prove(int argc, char **argv) {
    struct work prove = {.fd = -1};
    int code = read_options(argc, argv, &prove);
    if (code >= 0 || prove.folder == NULL) {
        return code;
    }
    uint64_t index = prove.index;
    enum ov_status status = open_log(&prove);
    if (status == OV_OK && !prove.has_index) {
        status = find_file(&prove, &index);
    }
    code = status == OV_OK ? write_proof(&prove, index) : OV_EXIT_ERROR;
    ov_buf_release(&prove.checkpoint);
    ov_fd_close(&prove.fd);
    return code;
}
