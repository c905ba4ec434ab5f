// SPDX-License-Identifier: Apache-2.0
// The file of paths: read, and added to.
#include "journal/names.h"

#include "base/hex.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

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

// The bytes up to the next zero. OV_END when there is none: somebody is just writing.
static enum ov_status read_text(struct ov_cursor *cursor, struct ov_span *ret_text) {
    struct ov_cursor ahead = *cursor;
    struct ov_span text = ov_cursor_until(&ahead, 0);
    if (ahead.at == cursor->at + text.size) {
        return OV_END;
    }
    *cursor = ahead;
    *ret_text = text;
    return OV_OK;
}

// "RUN NUMBER"
static enum ov_status read_run(struct ov_journal_names *names, struct ov_span text) {
    struct ov_span word;
    TRY(ov_word_take(&text, &word));
    TRY(ov_hex_read(word, names->run.bytes, sizeof names->run.bytes));
    return ov_number_read(text, &names->number);
}

enum ov_status ov_journal_names_next(struct ov_journal_names *names,
                                     struct ov_journal_name *ret_name) {
    struct ov_span text;
    for (;;) {
        TRY(read_text(&names->cursor, &text));
        if (text.size == 0) {
            names->is_run_due = true;
        } else if (names->is_run_due) {
            names->is_run_due = false;
            names->has_run = read_run(names, text) == OV_OK;
        } else if (names->has_run) {
            *ret_name = (struct ov_journal_name){
                .run = names->run, .number = names->number++, .path = text};
            return OV_OK;
        }
    }
}

void ov_journal_names_salt(const struct ov_journal_names *names, const struct ov_journal_name *name,
                           struct ov_salt *ret_salt) {
    ov_salt_of(names->key, &name->run, name->number, ret_salt);
}

void ov_journal_names_commitment(const struct ov_journal_names *names,
                                 const struct ov_journal_name *name,
                                 struct ov_tree_hash *ret_commitment) {
    struct ov_salt salt;
    ov_journal_names_salt(names, name, &salt);
    ov_commitment_of(&salt, name->path, ret_commitment);
}

// ---- writing ------------------------------------------------------------------------------------

// Two zeros: the first ends what was cut short before it, if anything was.
static void add_run(struct ov_names_batch *batch, const struct ov_entry_run *run, uint64_t number) {
    char text[2 + 2 * OV_RUN_BYTES + 1 + OV_NUMBER_DIGITS_MAX + 1] = {0};
    size_t at = 2;
    ov_hex_write(ov_span_make(run->bytes, sizeof run->bytes), text + at);
    at += 2 * sizeof run->bytes;
    text[at++] = ' ';
    at += ov_number_write(number, text + at);
    text[at++] = 0;
    ov_buf_add(&batch->bytes, text, at);
    batch->run = *run;
}

void ov_names_batch_add(struct ov_names_batch *batch, const struct ov_entry_run *run,
                        uint64_t number, struct ov_span path) {
    if (path.size == 0 || memchr(path.data, 0, path.size) != NULL) {
        return;
    }
    bool is_next = batch->bytes.size > 0 && number == batch->next &&
                   memcmp(run->bytes, batch->run.bytes, sizeof run->bytes) == 0;
    if (!is_next) {
        add_run(batch, run, number);
    }
    ov_buf_add(&batch->bytes, path.data, path.size);
    ov_buf_add_u8(&batch->bytes, 0);
    batch->next = number + 1;
}

void ov_names_batch_reset(struct ov_names_batch *batch) {
    ov_buf_reset(&batch->bytes);
}

void ov_names_batch_release(struct ov_names_batch *batch) {
    ov_buf_release(&batch->bytes);
}

// In one piece or not at all: the rest of it would stand behind what others have added since.
void ov_names_write(int names, const struct ov_names_batch *batch) {
    ssize_t size = -1;
    while (names >= 0 && batch->bytes.size > 0 && !batch->bytes.has_failed && size < 0) {
        size = write(names, batch->bytes.data, batch->bytes.size);
        if (size < 0 && errno != EINTR) {
            return;
        }
    }
}
