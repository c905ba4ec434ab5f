// SPDX-License-Identifier: Apache-2.0
// The history of updates.
#include "feed/history.h"

#include "base/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 2048 };

enum ov_status ov_history_add(int rules_folder, uint64_t now, const char *word, const char *feed,
                              const char *text) {
    char line[LINE_BYTES];
    char stamp[32];
    struct tm parts;
    time_t seconds = (time_t)now;
    (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &parts));
    (void)snprintf(line, sizeof line - 1, "%s %s %s %s", stamp, word, feed, text);
    size_t size = strlen(line);
    for (size_t i = 0; i < size; i++) {
        line[i] = (unsigned char)line[i] < ' ' || line[i] == 0x7f ? '?' : line[i];
    }
    line[size++] = '\n';
    OV_AUTO_FD fd = openat(rules_folder, "history",
                           O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        return OV_SYSTEM;
    }
    TRY(ov_fd_write_all(fd, ov_span_make(line, size)));
    return fsync(fd) == 0 ? OV_OK : OV_SYSTEM;
}
