// SPDX-License-Identifier: Apache-2.0
// Sealing and unsealing: a header, then records that libsodium chains to one another.
#include "cmd/quarantine_seal.h"

#include "base/cursor.h"
#include "base/fd.h"
#include "cmd/scan_state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    HEADER_BYTES = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
    EXTRA_BYTES = crypto_secretstream_xchacha20poly1305_ABYTES,
    LENGTH_BYTES = 4,
    CHUNK_BYTES = 65536, // of content in one record
};

_Static_assert((int)OV_SEAL_KEY_BYTES == (int)crypto_secretstream_xchacha20poly1305_KEYBYTES,
               "key");

static const char magic[8] = {'O', 'V', 'Q', 'U', 'A', 'R', '0', '1'};

typedef crypto_secretstream_xchacha20poly1305_state stream_state;

// ---- key ---------------------------------------------------------------------------------------

static enum ov_status make_key(const char *path, uint8_t ret_key[OV_SEAL_KEY_BYTES]) {
    OV_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return OV_SYSTEM;
    }
    randombytes_buf(ret_key, OV_SEAL_KEY_BYTES);
    TRY(ov_fd_write_all(fd, ov_span_make(ret_key, OV_SEAL_KEY_BYTES)));
    return fsync(fd) == 0 ? OV_OK : OV_SYSTEM;
}

enum ov_status ov_seal_key(bool may_make, uint8_t ret_key[OV_SEAL_KEY_BYTES]) {
    char path[PATH_MAX];
    char folder[PATH_MAX - 32];
    struct stat info;
    size_t size = 0;
    if (sodium_init() < 0) {
        return OV_SYSTEM;
    }
    TRY(ov_state_folder(folder, sizeof folder));
    (void)snprintf(path, sizeof path, "%s/quarantine.key", folder);
    OV_AUTO_FD fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        if (!may_make) {
            return OV_END;
        }
        TRY(ov_state_make_folders(path));
        return make_key(path, ret_key);
    }
    if (fd < 0 || fstat(fd, &info) != 0) {
        return OV_SYSTEM;
    }
    if (info.st_uid != geteuid() || (info.st_mode & 077) != 0) {
        return OV_DENIED;
    }
    TRY(ov_fd_read_full(fd, ret_key, OV_SEAL_KEY_BYTES, &size));
    return size == OV_SEAL_KEY_BYTES ? OV_OK : OV_DAMAGED;
}

// ---- meta --------------------------------------------------------------------------------------

void ov_seal_meta_release(struct ov_seal_meta *meta) {
    ov_buf_release(&meta->bytes);
}

static void add_span(struct ov_buf *out, struct ov_span span) {
    ov_buf_add_u32le(out, (uint32_t)span.size);
    ov_buf_add(out, span.data, span.size);
}

static void add_time(struct ov_buf *out, struct timespec time) {
    ov_buf_add_u64le(out, (uint64_t)time.tv_sec);
    ov_buf_add_u32le(out, (uint32_t)time.tv_nsec);
}

static void encode_meta(const struct ov_seal_meta *meta, struct ov_buf *out) {
    add_span(out, meta->path);
    add_span(out, meta->inside);
    add_span(out, meta->image);
    ov_buf_add_u64le(out, (uint64_t)meta->taken_at);
    ov_buf_add_u64le(out, meta->size);
    ov_buf_add_u32le(out, meta->mode);
    ov_buf_add_u32le(out, meta->uid);
    ov_buf_add_u32le(out, meta->gid);
    add_time(out, meta->accessed);
    add_time(out, meta->modified);
    ov_buf_add_u32le(out, meta->rule_count);
    for (uint32_t i = 0; i < meta->rule_count; i++) {
        add_span(out, meta->rules[i]);
    }
    ov_buf_add_u32le(out, meta->attribute_count);
    for (uint32_t i = 0; i < meta->attribute_count; i++) {
        add_span(out, meta->attributes[i].name);
        add_span(out, meta->attributes[i].value);
    }
}

static struct ov_span read_span(struct ov_cursor *in) {
    return ov_cursor_bytes(in, ov_cursor_u32le(in));
}

static struct timespec read_time(struct ov_cursor *in) {
    struct timespec time = {.tv_sec = (time_t)ov_cursor_u64le(in)};
    time.tv_nsec = ov_cursor_u32le(in) % 1000000000;
    return time;
}

static uint32_t read_count(struct ov_cursor *in, size_t item_bytes) {
    uint64_t count = ov_cursor_count(in, ov_cursor_u32le(in), item_bytes);
    return count <= OV_SEAL_NAMES_MAX ? (uint32_t)count : 0;
}

// The spans point into `bytes`, which is handed over.
static enum ov_status decode_meta(struct ov_buf *bytes, struct ov_seal_meta *ret_meta) {
    struct ov_cursor in = ov_cursor_init(ov_buf_span(bytes));
    struct ov_seal_meta meta = {.path = read_span(&in)};
    meta.inside = read_span(&in);
    meta.image = read_span(&in);
    meta.taken_at = (int64_t)ov_cursor_u64le(&in);
    meta.size = ov_cursor_u64le(&in);
    meta.mode = ov_cursor_u32le(&in);
    meta.uid = ov_cursor_u32le(&in);
    meta.gid = ov_cursor_u32le(&in);
    meta.accessed = read_time(&in);
    meta.modified = read_time(&in);
    meta.rule_count = read_count(&in, 4);
    for (uint32_t i = 0; i < meta.rule_count; i++) {
        meta.rules[i] = read_span(&in);
    }
    meta.attribute_count = read_count(&in, 8);
    for (uint32_t i = 0; i < meta.attribute_count; i++) {
        meta.attributes[i].name = read_span(&in);
        meta.attributes[i].value = read_span(&in);
    }
    if (in.has_failed || ov_cursor_left(&in) != 0) {
        return OV_DAMAGED;
    }
    meta.bytes = *bytes;
    *bytes = (struct ov_buf){0};
    *ret_meta = meta;
    return OV_OK;
}

// ---- records -----------------------------------------------------------------------------------

static enum ov_status write_record(int to, stream_state *state, struct ov_span plain, bool is_last,
                                   struct ov_buf *scratch) {
    uint8_t tag = is_last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0;
    ov_buf_reset(scratch);
    ov_buf_add_u32le(scratch, (uint32_t)plain.size);
    uint8_t *room = ov_buf_reserve(scratch, plain.size + EXTRA_BYTES);
    if (room == NULL) {
        return OV_MEMORY;
    }
    crypto_secretstream_xchacha20poly1305_push(state, room, NULL, plain.data, plain.size,
                                               scratch->data, LENGTH_BYTES, tag);
    ov_buf_commit(scratch, plain.size + EXTRA_BYTES);
    return ov_fd_write_all(to, ov_buf_span(scratch));
}

// Appends the next record's plain bytes to `plain`. OV_END: it was the last.
static enum ov_status read_record(int from, stream_state *state, size_t most, struct ov_buf *sealed,
                                  struct ov_buf *plain) {
    uint8_t length[LENGTH_BYTES];
    size_t size = 0;
    uint8_t tag = 0;
    TRY(ov_fd_read_full(from, length, sizeof length, &size));
    struct ov_cursor in = ov_cursor_init(ov_span_make(length, size));
    size_t plain_bytes = ov_cursor_u32le(&in);
    if (in.has_failed || plain_bytes > most) {
        return OV_DAMAGED;
    }
    ov_buf_reset(sealed);
    uint8_t *room = ov_buf_reserve(sealed, plain_bytes + EXTRA_BYTES);
    uint8_t *out = ov_buf_reserve(plain, plain_bytes + 1);
    if (room == NULL || out == NULL) {
        return OV_MEMORY;
    }
    TRY(ov_fd_read_full(from, room, plain_bytes + EXTRA_BYTES, &size));
    if (size != plain_bytes + EXTRA_BYTES ||
        crypto_secretstream_xchacha20poly1305_pull(state, out, NULL, &tag, room, size, length,
                                                   LENGTH_BYTES) != 0) {
        return OV_DAMAGED;
    }
    ov_buf_commit(plain, plain_bytes);
    return tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL ? OV_END : OV_OK;
}

static enum ov_status write_content(int from, int to, stream_state *state, uint64_t size,
                                    struct ov_buf *scratch) {
    static uint8_t chunk[CHUNK_BYTES];
    uint64_t done = 0;
    size_t got;
    do {
        TRY(ov_fd_read_full(from, chunk, sizeof chunk, &got));
        done += got;
        TRY(write_record(to, state, ov_span_make(chunk, got), got < sizeof chunk, scratch));
    } while (got == sizeof chunk);
    return done == size ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_seal_write(int from, int to, const struct ov_seal_meta *meta,
                             const uint8_t key[OV_SEAL_KEY_BYTES]) {
    OV_CLEANUP(ov_buf_release) struct ov_buf head = {0}, plain = {0}, scratch = {0};
    stream_state state;
    encode_meta(meta, &plain);
    TRY(ov_buf_status(&plain));
    if (plain.size > OV_SEAL_META_MAX) {
        return OV_LIMIT;
    }
    ov_buf_add(&head, magic, sizeof magic);
    uint8_t *header = ov_buf_extend(&head, HEADER_BYTES);
    if (header == NULL) {
        return OV_MEMORY;
    }
    crypto_secretstream_xchacha20poly1305_init_push(&state, header, key);
    TRY(ov_fd_write_all(to, ov_buf_span(&head)));
    TRY(write_record(to, &state, ov_buf_span(&plain), false, &scratch));
    TRY(write_content(from, to, &state, meta->size, &scratch));
    return fsync(to) == 0 ? OV_OK : OV_SYSTEM;
}

static enum ov_status read_header(int from, const uint8_t key[OV_SEAL_KEY_BYTES],
                                  stream_state *ret_state) {
    uint8_t head[sizeof magic + HEADER_BYTES];
    size_t size = 0;
    TRY(ov_fd_read_full(from, head, sizeof head, &size));
    bool is_ours =
        size == sizeof head && memcmp(head, magic, sizeof magic) == 0 &&
        crypto_secretstream_xchacha20poly1305_init_pull(ret_state, head + sizeof magic, key) == 0;
    return is_ours ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_seal_read_meta(int from, const uint8_t key[OV_SEAL_KEY_BYTES],
                                 struct ov_seal_meta *ret_meta) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0}, sealed = {0};
    stream_state state;
    TRY(read_header(from, key, &state));
    enum ov_status status = read_record(from, &state, OV_SEAL_META_MAX, &sealed, &plain);
    if (status != OV_OK) {
        return status == OV_END ? OV_DAMAGED : status; // content must follow
    }
    return decode_meta(&plain, ret_meta);
}

enum ov_status ov_seal_unseal(int from, int to, const uint8_t key[OV_SEAL_KEY_BYTES]) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0}, sealed = {0};
    stream_state state;
    uint8_t more;
    size_t left = 0;
    TRY(read_header(from, key, &state));
    enum ov_status status = read_record(from, &state, OV_SEAL_META_MAX, &sealed, &plain);
    while (status == OV_OK) {
        ov_buf_reset(&plain);
        status = read_record(from, &state, CHUNK_BYTES, &sealed, &plain);
        if (status == OV_OK || status == OV_END) {
            TRY(ov_fd_write_all(to, ov_buf_span(&plain)));
        }
    }
    if (status != OV_END) {
        return status;
    }
    TRY(ov_fd_read_full(from, &more, 1, &left));
    return left == 0 ? OV_OK : OV_DAMAGED;
}
