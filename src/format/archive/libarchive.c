// SPDX-License-Identifier: Apache-2.0
// Formats that libarchive reads, and what is kept away from it.
#include "format/archive/libarchive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <iconv.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BLOCK_BYTES = 32 << 10, // one read: after each the clock is looked at
    RETRIES_MAX = 1000,     // headers that cannot be read, of members that might follow
};

// ---- what libarchive asks of libc --------------------------------------------------------------

// libarchive is linked statically, so that these take the place of libc's, whose own would open
// files, which no worker can do. Names are UTF-8, as they come: converters from UTF-16 are built
// in, and there are no others. Times are of no interest.

char *nl_langinfo(nl_item item) {
    static char codeset[] = "UTF-8", nothing[] = "";
    return item == CODESET ? codeset : nothing;
}

iconv_t iconv_open(const char *to, const char *from) {
    (void)to;
    (void)from;
    errno = EINVAL;
    return (iconv_t)-1; // NOLINT: as POSIX wants it
}

time_t mktime(struct tm *parts) {
    (void)parts;
    return 1; // 0 would tell the reader of rar that there is no time, and it would look for one
}

struct tm *localtime_r(const time_t *time, struct tm *ret_parts) {
    (void)time;
    *ret_parts = (struct tm){0};
    return ret_parts;
}

// ---- reading -----------------------------------------------------------------------------------

// libarchive looks at some bytes twice, and they may change in between: it is given copies.
struct source {
    struct ov_span bytes;
    uint64_t at;
    struct ov_walk *walk;
    bool is_late; // time ran out
    uint8_t block[BLOCK_BYTES];
};

static la_ssize_t read_block(struct archive *archive, void *arg, const void **ret_block) {
    struct source *source = arg;
    if (ov_walk_has_time(source->walk) != OV_OK) {
        source->is_late = true;
        archive_set_error(archive, ETIMEDOUT, "no time is left");
        return ARCHIVE_FATAL;
    }
    struct ov_span block = ov_span_part(source->bytes, source->at, BLOCK_BYTES);
    memcpy(source->block, block.data, block.size);
    source->at += block.size;
    *ret_block = source->block;
    return (la_ssize_t)block.size;
}

static la_int64_t skip_bytes(struct archive *archive, void *arg, la_int64_t count) {
    (void)archive;
    struct source *source = arg;
    uint64_t left = source->bytes.size - source->at;
    uint64_t skipped = count < 0 ? 0 : (uint64_t)count < left ? (uint64_t)count : left;
    source->at += skipped;
    return (la_int64_t)skipped;
}

static la_int64_t seek_to(struct archive *archive, void *arg, la_int64_t offset, int whence) {
    (void)archive;
    struct source *source = arg;
    la_int64_t size = (la_int64_t)source->bytes.size;
    la_int64_t base = whence == SEEK_END ? size : whence == SEEK_CUR ? (la_int64_t)source->at : 0;
    la_int64_t to = 0;
    if (__builtin_add_overflow(base, offset, &to) || to < 0 || to > size) {
        return ARCHIVE_FATAL;
    }
    source->at = (uint64_t)to;
    return to;
}

// ---- members -----------------------------------------------------------------------------------

struct reader {
    struct archive *archive;
    struct ov_walk *walk;
    struct source *source;
    struct ov_buf plain;
    bool is_damaged;
    bool has_told_encrypted;
};

static void note_encrypted(struct reader *reader) {
    if (!reader->has_told_encrypted) {
        reader->has_told_encrypted = true;
        ov_walk_fact(reader->walk, OV_FACT_ENCRYPTED);
    }
}

// The reader of rar 5 has no other word for it than its message.
static bool is_about_encryption(struct archive *archive) {
    const char *text = archive_error_string(archive);
    return text != NULL && strstr(text, "ncrypt") != NULL;
}

// What an error of libarchive means to a walk: OV_OK when it may go on.
static enum ov_status judge(struct reader *reader, int answer) {
    if (answer == ARCHIVE_OK || answer == ARCHIVE_EOF) {
        return OV_OK;
    }
    if (reader->source->is_late) {
        return OV_LIMIT;
    }
    if (answer == ARCHIVE_FATAL && archive_errno(reader->archive) == ENOMEM) {
        ov_budget_note(reader->walk->budget, OV_LIMIT_MEMORY); // a dictionary larger than we allow
        return OV_LIMIT;
    }
    if (is_about_encryption(reader->archive)) {
        note_encrypted(reader);
    }
    reader->is_damaged = true;
    return answer == ARCHIVE_FATAL ? OV_DAMAGED : OV_OK;
}

// Adds one block at its place; what is missing before it is zeros. OV_LIMIT: it did not fit.
static enum ov_status add_block(struct reader *reader, struct ov_span block, la_int64_t offset,
                                size_t room) {
    struct ov_buf *plain = &reader->plain;
    size_t hole = offset > 0 && (uint64_t)offset > plain->size ? (size_t)offset - plain->size : 0;
    size_t left = room - plain->size;
    if (hole > 0 && ov_buf_extend(plain, hole < left ? hole : left) == NULL) {
        return OV_MEMORY;
    }
    left = room - plain->size;
    struct ov_span fits = ov_span_part(block, 0, left);
    ov_buf_add(plain, fits.data, fits.size);
    TRY(ov_buf_status(plain));
    return fits.size < block.size || hole > left ? OV_LIMIT : OV_OK;
}

// Unpacks the data of the member on hand into `plain`. OV_LIMIT: cut; OV_DAMAGED: broke off.
static enum ov_status unpack_member(struct reader *reader) {
    size_t room = ov_walk_room(reader->walk);
    ov_buf_reset(&reader->plain);
    while (true) {
        TRY(ov_walk_has_time(reader->walk));
        const void *data = NULL;
        size_t size = 0;
        la_int64_t offset = 0;
        int answer = archive_read_data_block(reader->archive, &data, &size, &offset);
        if (answer < ARCHIVE_WARN || answer == ARCHIVE_EOF) {
            return judge(reader, answer);
        }
        reader->is_damaged = reader->is_damaged || answer == ARCHIVE_WARN;
        enum ov_status status = add_block(reader, ov_span_make(data, size), offset, room);
        if (status == OV_LIMIT) {
            ov_walk_note_cut(reader->walk);
        }
        TRY(status);
    }
}

// libarchive ends the process when a name cannot be had and errno says, even from long before, that
// there was no memory.
static struct ov_span get_name(struct archive_entry *entry) {
    errno = 0;
    const char *name = archive_entry_pathname(entry);
    errno = 0;
    name = name != NULL ? name : archive_entry_pathname_utf8(entry);
    return name != NULL ? ov_span_text(name) : ov_span_make(NULL, 0);
}

static enum ov_status tell_member(struct reader *reader, struct archive_entry *entry) {
    bool is_encrypted = archive_entry_is_encrypted(entry) != 0;
    uint64_t stated = (uint64_t)archive_entry_size(entry);
    if (archive_entry_filetype(entry) == AE_IFDIR && stated == 0) {
        return OV_OK;
    }
    enum ov_status status = OV_OK;
    ov_buf_reset(&reader->plain);
    if (is_encrypted) {
        note_encrypted(reader);
    } else {
        status = unpack_member(reader);
    }
    if (status == OV_MEMORY) {
        return status;
    }
    struct ov_child child = {.bytes = ov_buf_span(&reader->plain),
                             .name = get_name(entry),
                             .plain_bytes =
                                 archive_entry_size_is_set(entry) ? stated : reader->plain.size,
                             .is_encrypted = is_encrypted};
    TRY(ov_walk_child(reader->walk, &child));
    // What was cut or broke off ends this member; others may follow, unless time or all bytes are
    // used up.
    bool has_room = !reader->source->is_late && ov_walk_room(reader->walk) > 0;
    return status == OV_OK || has_room ? ov_walk_has_time(reader->walk) : status;
}

static enum ov_status read_members(struct reader *reader) {
    unsigned retries = 0;
    while (true) {
        TRY(ov_walk_has_time(reader->walk));
        struct archive_entry *entry = NULL;
        errno = 0;
        int answer = archive_read_next_header(reader->archive, &entry);
        if (archive_read_has_encrypted_entries(reader->archive) > 0) {
            note_encrypted(reader);
        }
        if (answer == ARCHIVE_EOF) {
            return reader->is_damaged ? OV_DAMAGED : OV_OK;
        }
        TRY(judge(reader, answer));
        if (answer >= ARCHIVE_WARN) {
            TRY(tell_member(reader, entry));
        } else if (++retries > RETRIES_MAX) {
            return OV_DAMAGED;
        }
    }
}

// ---- the walk ----------------------------------------------------------------------------------

static void set_formats(struct archive *archive, enum ov_archive_kind kind) {
    switch (kind) {
    case OV_ARCHIVE_7Z:
        (void)archive_read_support_format_7zip(archive);
        break;
    case OV_ARCHIVE_RAR:
        (void)archive_read_support_format_rar(archive);
        (void)archive_read_support_format_rar5(archive);
        break;
    }
}

enum ov_status ov_archive_walk(struct ov_cursor *in, struct ov_walk *walk,
                               enum ov_archive_kind kind) {
    struct source *source = ov_arena_alloc(walk->arena, sizeof *source);
    struct archive *archive = archive_read_new();
    if (source == NULL || archive == NULL) {
        (void)archive_read_free(archive);
        return OV_MEMORY;
    }
    source->bytes = in->bytes;
    source->walk = walk;
    struct reader reader = {.archive = archive, .walk = walk, .source = source};
    set_formats(archive, kind);
    (void)archive_read_set_callback_data(archive, source);
    (void)archive_read_set_read_callback(archive, read_block);
    (void)archive_read_set_skip_callback(archive, skip_bytes);
    (void)archive_read_set_seek_callback(archive, seek_to);
    enum ov_status status = judge(&reader, archive_read_open1(archive));
    status = status == OV_OK ? read_members(&reader) : status;
    ov_buf_release(&reader.plain);
    (void)archive_read_free(archive);
    return status;
}
