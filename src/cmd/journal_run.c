// SPDX-License-Identifier: Apache-2.0
// The beginning of a run in the journal.
#include "cmd/journal_run.h"

#include "base/fd.h"
#include "base/hex.h"
#include "base/install.h"
#include "base/say.h"
#include "cmd/journal_programs.h"
#include "cmd/scan_state.h"
#include "config.h"
#include "journal/names_prune.h"
#include "role/acts.h"
#include "role/roles.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum ov_status ov_journal_folder_path(char *ret_path, size_t size) {
    char state[PATH_MAX];
    TRY(ov_state_folder(state, sizeof state));
    int length = snprintf(ret_path, size, "%s/journal", state);
    return length >= 0 && (size_t)length < size ? OV_OK : OV_LIMIT;
}

static void add_program(struct ov_buf *body, const char *folder, const char *name,
                        const char *path) {
    OV_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t sha256[OV_SHA256_BYTES];
    char digest[2 * OV_SHA256_BYTES + 1];
    if (fd >= 0 && ov_journal_program(folder, fd, sha256) == OV_OK) {
        ov_program_know(fd, sha256);
        ov_hex_write(ov_span_make(sha256, sizeof sha256), digest);
        ov_buf_printf(body, "program %s %s\n", name, digest);
    }
}

static enum ov_status add_start(const char *folder, const char *command, struct ov_keeper *keeper) {
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    char worker[PATH_MAX];
    ov_buf_printf(&body, "command %s\nuser %u\nversion %s\n", command, (unsigned)getuid(),
                  OVERT_VERSION);
    add_program(&body, folder, "overt", "/proc/self/exe");
    if (ov_install_find(OV_PART_WORKER, worker, sizeof worker) == OV_OK) {
        add_program(&body, folder, "overt-worker", worker);
    }
    TRY(ov_buf_status(&body));
    return ov_keeper_add(keeper, OV_ENTRY_START, ov_buf_span(&body));
}

static void tell_keeper(const struct ov_keeper *keeper) {
    struct ov_acting acting;
    ov_acting_start(&acting, OV_ROLE_KEEPER, keeper->pid, -1);
    ov_acting_ready(&acting, ov_role_get(OV_ROLE_KEEPER)->layers & ~keeper->missing_layers);
}

enum ov_status ov_journal_run_begin(const char *command, struct ov_keeper *ret_keeper,
                                    int *ret_names) {
    static const char todo[] = "set OVERT_STATE to a folder that can be written to, or go without: "
                               "--no-journal";
    char folder[PATH_MAX];
    enum ov_status status = ov_journal_folder_path(folder, sizeof folder);
    if (status != OV_OK) {
        ov_say_error("journal", "no folder for it is known", todo);
        return status;
    }
    status = ov_keeper_start(folder, ret_keeper);
    status = status == OV_OK ? add_start(folder, command, ret_keeper) : status;
    if (status != OV_OK) {
        ov_say_error("journal", ret_keeper->reason, todo);
        return status;
    }
    *ret_names = ov_names_open(folder);
    ov_acts_follow(ret_keeper);
    tell_keeper(ret_keeper);
    return OV_OK;
}

void ov_journal_commit(struct ov_keeper *keeper, struct ov_span path, struct ov_names_batch *names,
                       struct ov_tree_hash *ret_commitment) {
    uint64_t number;
    ov_keeper_commit(keeper, path, ret_commitment, &number);
    ov_names_batch_add(names, &keeper->run, number, path);
}

enum ov_status ov_journal_run_end(struct ov_keeper *keeper, const struct ov_run_end *end) {
    char body[256];
    char sent[OV_ACTS_SENT_BYTES];
    ov_acts_write_sent(sent);
    (void)snprintf(body, sizeof body,
                   "exit %d\nfiles %" PRIu64 "\nfound %" PRIu64 "\nerrors %" PRIu64
                   "\nlimited %" PRIu64 "\nread %" PRIu64 "\n%s\n",
                   end->code, end->files, end->found, end->errors, end->limited, end->read_bytes,
                   sent);
    enum ov_status status = ov_acts_send();
    ov_acts_leave();
    status = status == OV_OK ? ov_keeper_add(keeper, OV_ENTRY_STOP, ov_span_text(body)) : status;
    status = status == OV_OK ? ov_keeper_end(keeper) : status;
    if (status != OV_OK) {
        ov_say_error("journal", keeper->reason, NULL);
    }
    return status;
}
