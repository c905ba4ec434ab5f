// SPDX-License-Identifier: Apache-2.0
// overt journal prove: that an entry stands in the journal, in a file that is checked offline.
#include "base/durable.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/journal_words.h"
#include "journal/snapshot.h"
#include "ledger/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct work {
    const struct ov_journal_options *options;
    int fd;
    uint64_t number;
    struct ov_journal_snapshot snapshot;
    struct ov_tree_head head;
};

static int say_failure(const char *what, enum ov_status status) {
    ov_say_error(what, status == OV_SYSTEM ? strerror(errno) : ov_status_text(status), NULL);
    return OV_EXIT_ERROR;
}

static int read_journal(struct work *work) {
    enum ov_status status = ov_journal_snapshot_take(work->fd, &work->snapshot);
    if (status == OV_OK) {
        status = ov_journal_snapshot_head(&work->snapshot, &work->head);
    }
    if (status == OV_END) {
        ov_say_error(work->options->folder, "there is no journal", NULL);
        return OV_EXIT_ERROR;
    }
    if (status != OV_OK) {
        return say_failure(work->options->folder, status);
    }
    if (work->number >= work->head.size) {
        char why[96];
        (void)snprintf(why, sizeof why, "the checkpoint has %" PRIu64 " entries, from 0",
                       work->head.size);
        ov_say_error(work->options->number, why, "overt journal checkpoint signs what came after");
        return OV_EXIT_ERROR;
    }
    return -1;
}

// The entry by itself, for tools that do not look at the line `extra`.
static int write_entry(const struct work *work) {
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    struct ov_span entry;
    if (work->options->entry == NULL) {
        return -1;
    }
    enum ov_status status = ov_store_entry(work->fd, work->number, work->head.size, &bytes, &entry);
    if (status == OV_OK) {
        status = ov_durable_write(AT_FDCWD, work->options->entry, entry, 0600);
    }
    return status == OV_OK ? -1 : say_failure(work->options->entry, status);
}

static int write_proof(const struct work *work) {
    OV_CLEANUP(ov_buf_release) struct ov_buf proof = {0};
    enum ov_status status = ov_store_prove(work->fd, work->number, &work->head,
                                           ov_buf_span(&work->snapshot.checkpoint), &proof);
    if (status != OV_OK) {
        ov_say_error(work->options->folder, "its files do not lead to the signed root",
                     "overt journal verify says where");
        return OV_EXIT_FOUND;
    }
    status = ov_durable_write(AT_FDCWD, work->options->output, ov_buf_span(&proof), 0600);
    if (status != OV_OK) {
        return say_failure(work->options->output, status);
    }
    int code = write_entry(work);
    if (code < 0) {
        (void)printf("%s: entry %" PRIu64 " of %" PRIu64 "\n", work->options->output, work->number,
                     work->head.size);
    }
    return code < 0 ? OV_EXIT_NOTHING : code;
}

int ov_journal_prove(const struct ov_journal_options *options, int fd) {
    struct work work = {.options = options, .fd = fd};
    if (options->number == NULL || options->output == NULL) {
        ov_say_error("journal prove", "the number of an entry and a place for the proof are needed",
                     "overt journal prove NUMBER -o FILE");
        return OV_EXIT_ERROR;
    }
    if (ov_number_read(ov_span_text(options->number), &work.number) != OV_OK) {
        ov_say_error(options->number, "is no number of an entry", "overt journal list shows them");
        return OV_EXIT_ERROR;
    }
    int code = read_journal(&work);
    code = code < 0 ? write_proof(&work) : code;
    ov_journal_snapshot_release(&work.snapshot);
    return code;
}
