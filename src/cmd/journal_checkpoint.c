// SPDX-License-Identifier: Apache-2.0
// overt journal checkpoint: signs what is there, and prints it.
#include "base/fd.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/journal_words.h"
#include "journal/journal.h"

#include <fcntl.h>
#include <stdio.h>

int ov_journal_checkpoint(const struct ov_journal_options *options, int fd) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    struct ov_journal *journal = NULL;
    char reason[OV_JOURNAL_REASON_BYTES];
    enum ov_status status = ov_journal_open(options->folder, &journal, reason);
    if (status == OV_OK) {
        status = ov_journal_lock(journal);
        if (status == OV_OK) {
            status = ov_journal_seal(journal, OV_SEAL_IF_OLD);
            ov_journal_unlock(journal);
        }
        (void)snprintf(reason, sizeof reason, "%s", ov_journal_reason(journal));
    }
    ov_journal_free(journal);
    OV_AUTO_FD file = openat(fd, "checkpoint", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (status != OV_OK || file < 0 || ov_file_map_open_fd(file, &map) != OV_OK) {
        ov_say_error(options->folder, reason, NULL);
        return OV_EXIT_ERROR;
    }
    (void)fwrite(map.bytes.data, 1, map.bytes.size, stdout);
    return OV_EXIT_NOTHING;
}
