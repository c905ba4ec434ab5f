// SPDX-License-Identifier: Apache-2.0
// Reads the file of paths.
#include "journal/names.h"

#include <errno.h>
#include <fcntl.h>

static enum ov_status read_key(int folder, uint8_t ret_key[OV_NAMES_KEY_BYTES]) {
    OV_AUTO_FD fd = openat(folder, "names.key", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    size_t size = 0;
    if (fd < 0) {
        return errno == ENOENT ? OV_END : OV_SYSTEM;
    }
    TRY(ov_fd_read_full(fd, ret_key, OV_NAMES_KEY_BYTES, &size));
    return size == OV_NAMES_KEY_BYTES ? OV_OK : OV_END;
}

enum ov_status ov_journal_names_open(int folder, struct ov_journal_names *ret_names) {
    struct ov_journal_names names = {0};
    OV_AUTO_FD fd = openat(folder, "names", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT ? OV_END : OV_SYSTEM;
    }
    TRY(read_key(folder, names.key));
    TRY(ov_file_map_open_fd(fd, &names.map));
    names.cursor = ov_cursor_init(names.map.bytes);
    *ret_names = names;
    return OV_OK;
}

void ov_journal_names_close(struct ov_journal_names *names) {
    ov_file_map_close(&names->map);
}

enum ov_status ov_journal_names_next(struct ov_journal_names *names,
                                     struct ov_journal_name *ret_name) {
    struct ov_cursor ahead = names->cursor;
    struct ov_journal_name name;
    struct ov_span run = ov_cursor_bytes(&ahead, OV_RUN_BYTES);
    name.number = ov_cursor_u64be(&ahead);
    name.path = ov_cursor_bytes(&ahead, ov_cursor_u16be(&ahead));
    if (ov_cursor_status(&ahead) != OV_OK) {
        return OV_END; // a scan is just writing the last one
    }
    memcpy(name.run.bytes, run.data, sizeof name.run.bytes);
    names->cursor = ahead;
    *ret_name = name;
    return OV_OK;
}

void ov_journal_names_rewind(struct ov_journal_names *names) {
    names->cursor = ov_cursor_init(names->map.bytes);
}

void ov_journal_names_commitment(const struct ov_journal_names *names,
                                 const struct ov_journal_name *name,
                                 struct ov_tree_hash *ret_commitment) {
    struct ov_salt salt;
    ov_salt_of(names->key, &name->run, name->number, &salt);
    ov_commitment_of(&salt, name->path, ret_commitment);
}
