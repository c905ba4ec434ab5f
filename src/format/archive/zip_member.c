// SPDX-License-Identifier: Apache-2.0
// One member of a zip, in every reading that a program could have of it.
#include "format/codec/codec.h"
#include "format/archive/zip.h"

enum {
    METHOD_FLAGS = OV_ZIP_FLAG_ENCRYPTED | 2 | 4, // flags that change how data is read
    OVERLAPS_MAX = 5,                             // clamscan tells of more than these
    OVERLAP_BYTES = 2,                            // and forgives these
};

static const struct ov_span no_bytes = {0};

void ov_zip_note(struct ov_zip *zip, enum ov_status status) {
    static const uint8_t weights[] = {[OV_OK] = 0,      [OV_END] = 0,   [OV_UNSUPPORTED] = 1,
                                      [OV_DAMAGED] = 2, [OV_LIMIT] = 3, [OV_MEMORY] = 4};
    if (weights[status] > weights[zip->status]) {
        zip->status = status;
    }
}

enum ov_status ov_zip_tell(struct ov_zip *zip, const struct ov_zip_reading *reading,
                           struct ov_span bytes) {
    // Empty members are no objects, but headers of 30 bytes can tell of very many.
    uint32_t most = zip->walk->budget->limits.files;
    if (most != 0 && zip->told++ >= most) {
        ov_budget_note(zip->walk->budget, OV_LIMIT_FILES);
        return OV_LIMIT;
    }
    struct ov_child child = {
        .kind = OV_CHILD_MEMBER,
        .bytes = bytes,
        .name = reading->name,
        .packed_bytes = reading->packed_bytes,
        .plain_bytes = reading->plain_bytes,
        .checksum = reading->checksum,
        .is_encrypted = ov_zip_is_encrypted(reading),
    };
    return ov_walk_child(zip->walk, &child);
}

// ---- bytes of one reading ----------------------------------------------------------------------

// Without the password there is nothing to unpack. But the flag may lie, and some programs do not
// ask it: what unpacks to what the header says was not encrypted. Stored data is told as it is.
static void keep_if_plain(const struct ov_zip_reading *reading, struct ov_zip_plain *plain) {
    bool is_plain = reading->method == OV_ZIP_METHOD_STORED ||
                    (plain->status == OV_OK && plain->bytes.size > 0 &&
                     (reading->is_open || plain->bytes.size == reading->plain_bytes));
    if (!is_plain) {
        plain->bytes = no_bytes;
        plain->used = reading->is_open ? 0 : (size_t)reading->packed_bytes;
    }
    plain->status =
        plain->status == OV_DAMAGED || plain->status == OV_UNSUPPORTED ? OV_OK : plain->status;
}

static void unpack(struct ov_zip *zip, struct ov_span data, const struct ov_zip_reading *reading,
                   struct ov_zip_plain *ret_plain) {
    ov_zip_unpack(data, reading, zip->walk, ret_plain);
    if (ov_zip_is_encrypted(reading)) {
        keep_if_plain(reading, ret_plain);
        if (!zip->is_encrypted) {
            zip->is_encrypted = true;
            ov_walk_fact(zip->walk, OV_FACT_ENCRYPTED);
        }
    }
    ov_zip_note(zip, ret_plain->status);
}

// What programs would take the member for that believe another number of the same header.
static enum ov_status tell_other_sizes(struct ov_zip *zip, struct ov_span data,
                                       const struct ov_zip_reading *reading, struct ov_span bytes) {
    uint64_t size = reading->plain_bytes;
    if (reading->is_open || ov_zip_is_encrypted(reading) || size == 0 || size == bytes.size) {
        return OV_OK;
    }
    bool is_stored = reading->method == OV_ZIP_METHOD_STORED;
    struct ov_span whole = is_stored ? data : bytes;
    if (size <= ov_walk_room(zip->walk) && ov_zip_has_checksum(whole, size, reading->checksum)) {
        TRY(ov_zip_tell(zip, reading, ov_span_part(whole, 0, (size_t)size)));
    }
    if (!is_stored || reading->packed_bytes >= size) {
        return OV_OK;
    }
    // Stored, and yet to be larger than it is: it may be deflated after all.
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    size_t used = 0;
    struct ov_span packed = ov_span_part(data, 0, (size_t)reading->packed_bytes);
    enum ov_status status = ov_codec_unpack(OV_CODEC_DEFLATE, packed, zip->walk, &plain, &used);
    return status == OV_OK && plain.size > 0 ? ov_zip_tell(zip, reading, ov_buf_span(&plain))
                                             : OV_OK;
}

// ---- data descriptors --------------------------------------------------------------------------

// Where stored data ends whose size is told behind it: at the descriptor that tells the distance
// to it, or else at the next header (4.3.9).
static void close_stored(struct ov_zip *zip, struct ov_span data, uint64_t limit,
                         struct ov_zip_reading *reading) {
    struct ov_span rest = ov_span_part(data, 0, limit < data.size ? (size_t)limit : data.size);
    rest = ov_span_part(rest, 0, (size_t)zip->search_left);
    size_t end = rest.size, at = 0;
    for (; at < rest.size; at++) {
        at = ov_span_search(rest, at, ov_span_make("PK", 2));
        struct ov_cursor in = ov_cursor_init(ov_span_from(rest, at));
        uint32_t signature = ov_cursor_u32le(&in);
        uint32_t checksum = ov_cursor_u32le(&in);
        uint64_t packed_bytes = ov_cursor_u32le(&in);
        bool is_header = signature == 0x04034b50 || signature == 0x02014b50;
        end = is_header && end == rest.size ? at : end;
        if (signature == 0x08074b50 && packed_bytes == at) {
            reading->checksum = checksum;
            end = at;
            break;
        }
    }
    zip->search_left -= at < zip->search_left ? at : zip->search_left;
    reading->packed_bytes = reading->plain_bytes = end;
    reading->is_open = false;
}

// Takes over what the descriptor behind the data says, if one is there.
static void read_descriptor(struct ov_span data, const struct ov_zip_plain *plain,
                            struct ov_zip_reading *reading) {
    struct ov_cursor in = ov_cursor_init(ov_span_from(data, plain->used));
    reading->packed_bytes = plain->used;
    reading->plain_bytes = plain->bytes.size;
    if (ov_cursor_u32le(&in) != 0x08074b50) {
        in.at = 0; // the signature may be left out
    }
    uint32_t checksum = ov_cursor_u32le(&in);
    if (ov_cursor_u32le(&in) == plain->used && !in.has_failed) {
        reading->checksum = checksum;
    }
    reading->is_open = false;
}

// ---- members -----------------------------------------------------------------------------------

static void note_place(struct ov_zip *zip, uint64_t at, uint64_t data_at, uint64_t end) {
    if (end > zip->file.size) {
        return; // clamscan skips such a member
    }
    bool is_same = at == zip->before_at && data_at == zip->before_data_at && end == zip->before_end;
    zip->overlaps += at + OVERLAP_BYTES < zip->before_end;
    if (zip->overlaps > OVERLAPS_MAX && !is_same && at + OVERLAP_BYTES < zip->before_end &&
        !zip->is_overlapping) {
        zip->is_overlapping = true;
        ov_walk_fact(zip->walk, OV_FACT_OVERLAPPING);
    }
    zip->before_at = at;
    zip->before_data_at = data_at;
    zip->before_end = end;
}

// Without a local header, or on a disk that is not here: told as the directory has it, and with
// bytes only if those that lie where they should be have the right checksum.
static enum ov_status tell_central(struct ov_zip *zip, const struct ov_zip_member *member,
                                   struct ov_cursor *in) {
    const struct ov_zip_reading *reading = &member->central;
    struct ov_zip_plain plain = {0};
    ov_zip_note(zip, OV_DAMAGED);
    struct ov_span bytes = no_bytes;
    if (!in->has_failed && !member->is_elsewhere && !ov_zip_is_encrypted(reading)) {
        ov_zip_unpack(ov_span_from(zip->file, in->at), reading, zip->walk, &plain);
        bool is_it = ov_zip_has_checksum(plain.bytes, plain.bytes.size, reading->checksum);
        bytes = is_it ? plain.bytes : no_bytes;
    }
    enum ov_status status = ov_zip_tell(zip, reading, bytes);
    ov_zip_plain_release(&plain);
    return status;
}

// The local header of a member of the directory, where it differs in what matters.
static enum ov_status tell_local(struct ov_zip *zip, struct ov_span data,
                                 const struct ov_zip_reading *central,
                                 const struct ov_zip_reading *local,
                                 const struct ov_zip_plain *told, size_t *used) {
    bool is_same_data = local->method == central->method &&
                        local->packed_bytes == central->packed_bytes &&
                        ((local->flags ^ central->flags) & METHOD_FLAGS) == 0;
    if (!is_same_data) {
        struct ov_zip_plain plain;
        unpack(zip, data, local, &plain);
        *used = plain.used < *used ? plain.used : *used;
        bool is_new = plain.bytes.size > 0 && !ov_span_is_equal(plain.bytes, told->bytes);
        enum ov_status status = is_new ? ov_zip_tell(zip, local, plain.bytes) : OV_OK;
        ov_zip_plain_release(&plain);
        if (is_new || status != OV_OK) {
            return status;
        }
    }
    bool is_same_name = ov_span_is_equal(local->name, central->name) &&
                        ov_zip_is_encrypted(local) == ov_zip_is_encrypted(central);
    return is_same_name ? OV_OK
                        : ov_zip_tell(zip, local, no_bytes); // another name of the same bytes
}

static enum ov_status tell_readings(struct ov_zip *zip, const struct ov_zip_member *member,
                                    struct ov_zip_reading *local, struct ov_span data,
                                    size_t *ret_used) {
    struct ov_zip_reading first = member->has_central ? member->central : *local;
    struct ov_zip_plain plain;
    unpack(zip, data, &first, &plain);
    if (first.is_open) {
        read_descriptor(data, &plain, &first);
    }
    *ret_used = plain.used;
    enum ov_status status = ov_zip_tell(zip, &first, plain.bytes);
    if (status == OV_OK) {
        status = tell_other_sizes(zip, data, &first, plain.bytes);
    }
    if (status == OV_OK && member->has_central) {
        status = tell_local(zip, data, &first, local, &plain, ret_used);
    }
    ov_zip_plain_release(&plain);
    return status;
}

enum ov_status ov_zip_tell_member(struct ov_zip *zip, const struct ov_zip_member *member,
                                  uint64_t limit, uint64_t *ret_end) {
    struct ov_cursor in = ov_cursor_init(zip->file);
    struct ov_zip_reading local = {0};
    ov_cursor_seek(&in, member->local_at);
    *ret_end = member->local_at;
    if (member->is_elsewhere || ov_zip_read_local(&in, &local) != OV_OK) {
        return member->has_central ? tell_central(zip, member, &in) : OV_OK;
    }
    struct ov_span data = ov_span_from(zip->file, in.at);
    bool is_silent = local.packed_bytes == 0 && local.plain_bytes == 0;
    if (member->has_central && (is_silent || (local.flags & OV_ZIP_FLAG_DESCRIPTOR) != 0)) {
        local.packed_bytes = member->central.packed_bytes;
        local.plain_bytes = member->central.plain_bytes;
        local.checksum = member->central.checksum;
        local.is_open = false;
    } else if (local.is_open && local.method == OV_ZIP_METHOD_STORED) {
        close_stored(zip, data, limit > in.at ? limit - in.at : 0, &local);
    }
    uint64_t end = 0;
    if (!__builtin_add_overflow(in.at, local.packed_bytes, &end)) {
        note_place(zip, member->local_at, in.at, end);
    }
    size_t used = 0;
    enum ov_status status = tell_readings(zip, member, &local, data, &used);
    // Data that would go on behind the end of the file hides nothing that stands in it.
    *ret_end = in.at + (local.packed_bytes <= data.size ? used : 0);
    return status;
}
