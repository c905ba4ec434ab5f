// SPDX-License-Identifier: Apache-2.0
// overt log prove: that an entry stands in a published log, in a file that is checked offline.
#include "base/durable.h"
#include "base/say.h"
#include "cmd/log_prove.h"
#include "cmd/log_store.h"
#include "ledger/log_names.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

// ---- the published log --------------------------------------------------------------------------

static enum ov_status load_checkpoint(struct ov_log_prove *prove, struct ov_policy *policy) {
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

static enum ov_status open_log(struct ov_log_prove *prove) {
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

enum ov_status ov_log_prove_each(const struct ov_log_prove *prove, void *arg,
                                 bool (*is_it)(void *arg, uint64_t index, struct ov_span entry),
                                 uint64_t *ret_index) {
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    struct ov_entries entries;
    uint64_t count = (prove->head.size + OV_TILE_WIDTH - 1) / OV_TILE_WIDTH;
    for (uint64_t number = count; number-- > 0;) {
        unsigned width = ov_tile_width(prove->head.size, 0, number);
        TRY(ov_entries_load(prove->fd, number, width, &bytes, &entries));
        for (unsigned i = entries.count; i-- > 0;) {
            uint64_t index = number * OV_TILE_WIDTH + i;
            if (is_it(arg, index, entries.entries[i])) {
                *ret_index = index;
                return OV_OK;
            }
        }
    }
    return OV_END;
}

static bool is_equal(void *arg, uint64_t index, struct ov_span entry) {
    const struct ov_span *wanted = arg;
    (void)index;
    return ov_span_is_equal(*wanted, entry);
}

static enum ov_status find_file(const struct ov_log_prove *prove, uint64_t *ret_index) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    enum ov_status status = ov_file_map_open(prove->file, &map);
    if (status != OV_OK) {
        ov_say_error(prove->file, status == OV_SYSTEM ? strerror(errno) : "is no regular file",
                     NULL);
        return status;
    }
    status = ov_log_prove_each(prove, &map.bytes, is_equal, ret_index);
    if (status == OV_END) {
        ov_say_error(prove->file, "no published entry has these bytes",
                     "overt log append, then overt log checkpoint");
    } else if (status != OV_OK) {
        ov_say_error(prove->folder, "its entries cannot be read", "overt log verify says more");
    }
    return status;
}

// ---- the proof ----------------------------------------------------------------------------------

static int write_proof(const struct ov_log_prove *prove, uint64_t index) {
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
    (void)printf("%s: entry %llu of %llu\n", prove->output, (unsigned long long)index,
                 (unsigned long long)prove->head.size);
    return OV_EXIT_NOTHING;
}

// ---- the word -----------------------------------------------------------------------------------

static int read_options(int argc, char **argv, struct ov_log_prove *prove) {
    enum { OPTION_INDEX = 256, OPTION_HELP };
    static const struct option long_options[] = {{"output", required_argument, NULL, 'o'},
                                                 {"index", required_argument, NULL, OPTION_INDEX},
                                                 {"help", no_argument, NULL, OPTION_HELP},
                                                 {NULL, 0, NULL, 0}};
    for (int code = 0; (code = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1;) {
        switch (code) {
        case 'o':
            prove->output = optarg;
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
    struct ov_log_prove prove = {.fd = -1};
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
