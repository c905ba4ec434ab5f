// SPDX-License-Identifier: Apache-2.0
// Secret keys in files of their own: written once, read back, and never left in memory.
#include "cmd/log_secret.h"

#include "base/fault.h"
#include "base/fd.h"
#include "base/say.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_BYTES_MAX = 1024 }; // more than any; reserved, so that no copy is left by growing

// ---- writing ------------------------------------------------------------------------------------

// The folder that a path's file stands in, synced: the name is there after a crash.
static enum ov_status sync_folder(const char *path) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t size = slash == NULL ? 0 : (size_t)(slash - path);
    if (size >= sizeof folder) {
        return OV_LIMIT;
    }
    memcpy(folder, path, size);
    folder[size] = '\0';
    const char *name = slash == NULL ? "." : size == 0 ? "/" : folder;
    OV_AUTO_FD fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0 ? OV_OK : OV_SYSTEM;
}

static enum ov_status write_beside(const char *beside, struct ov_span text) {
    ov_fault_point();
    OV_AUTO_FD fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || fchmod(fd, 0600) != 0) {
        return OV_SYSTEM;
    }
    ov_fault_point();
    TRY(ov_fd_write_all(fd, text));
    ov_fault_point();
    return fsync(fd) == 0 ? OV_OK : OV_SYSTEM;
}

// Never over a file that is there, for a key that is lost is lost for good; and never a part of
// one, whenever this ends.
static enum ov_status write_secret(const char *path, struct ov_span text) {
    char beside[PATH_MAX];
    int size = snprintf(beside, sizeof beside, "%s.new", path);
    if (size < 0 || (size_t)size >= sizeof beside) {
        return OV_LIMIT;
    }
    enum ov_status status = write_beside(beside, text);
    ov_fault_point();
    if (status == OV_OK && link(beside, path) != 0) {
        status = OV_SYSTEM;
    }
    int error = errno;
    ov_fault_point();
    (void)unlink(beside);
    errno = error;
    return status == OV_OK ? sync_folder(path) : status;
}

enum ov_status ov_log_secret_save(const char *path, const struct ov_signer *signer) {
    struct ov_buf text = {0};
    if (ov_buf_reserve(&text, KEY_BYTES_MAX) == NULL) {
        return OV_MEMORY;
    }
    ov_signer_add(&text, signer);
    ov_buf_add_u8(&text, '\n');
    enum ov_status status = ov_buf_status(&text);
    if (status == OV_OK) {
        status = write_secret(path, ov_buf_span(&text));
    }
    int error = errno;
    ov_signer_wipe(&text);
    ov_buf_release(&text);
    errno = error;
    return status;
}

// ---- reading ------------------------------------------------------------------------------------

// A buffer that does not grow while it has the secret: nothing of it stays behind.
static enum ov_status read_key(int fd, struct ov_signer *ret_signer) {
    struct ov_buf text = {0};
    size_t size = 0;
    uint8_t *room = ov_buf_reserve(&text, KEY_BYTES_MAX);
    enum ov_status status =
        room != NULL ? ov_fd_read_full(fd, room, KEY_BYTES_MAX, &size) : OV_MEMORY;
    if (status == OV_OK) {
        ov_buf_commit(&text, size);
        status = ov_signer_read(ov_buf_span(&text), ret_signer);
    }
    ov_signer_wipe(&text);
    ov_buf_release(&text);
    return status;
}

enum ov_status ov_log_secret_load(const char *path, struct ov_signer *ret_signer) {
    struct stat info;
    OV_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &info) != 0) {
        return OV_SYSTEM;
    }
    if (S_ISREG(info.st_mode) && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return OV_DENIED;
    }
    return read_key(fd, ret_signer);
}

void ov_log_secret_say(const char *name, enum ov_status status) {
    switch (status) {
    case OV_SYSTEM:
        ov_say_error(name, strerror(errno), NULL);
        break;
    case OV_DENIED:
        ov_say_error(name, "others may read this secret key", "chmod 600, if nobody has");
        break;
    case OV_DAMAGED:
    case OV_UNSUPPORTED:
        ov_say_error(name, "is no secret key", "overt log key makes one");
        break;
    default:
        ov_say_error(name, ov_status_text(status), NULL);
        break;
    }
}
