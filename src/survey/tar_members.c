// SPDX-License-Identifier: Apache-2.0
// The members of a tar archive, with the names that pax and GNU tar keep apart from them.
#include "survey/tar_members.h"

void ov_tar_members_init(struct ov_span bytes, struct ov_tar_members *ret_members) {
    *ret_members = (struct ov_tar_members){.in = ov_cursor_init(bytes)};
}

void ov_tar_members_release(struct ov_tar_members *members) {
    ov_buf_release(&members->name);
    ov_buf_release(&members->records);
}

static struct ov_span take_data(struct ov_tar_members *members, uint64_t size) {
    size_t left = ov_cursor_left(&members->in);
    members->is_damaged = members->is_damaged || size > left;
    size_t part = size < left ? (size_t)size : left;
    struct ov_span data = ov_cursor_bytes(&members->in, part);
    size_t padding = (OV_TAR_BLOCK_BYTES - part % OV_TAR_BLOCK_BYTES) % OV_TAR_BLOCK_BYTES;
    left = ov_cursor_left(&members->in);
    ov_cursor_skip(&members->in, padding < left ? padding : left);
    return data;
}

static struct ov_span until_zero(struct ov_span text) {
    return ov_span_part(text, 0, ov_span_find(text, 0, 0));
}

static struct ov_span trim_name(struct ov_span name) {
    while (name.size > 0 && (name.data[0] == '/' || ov_span_has_prefix(name, "./"))) {
        name = ov_span_from(name, 1);
    }
    while (name.size > 0 && name.data[name.size - 1] == '/') {
        name.size--;
    }
    return ov_span_is_text(name, ".") ? ov_span_make(NULL, 0) : name;
}

static enum ov_status join_name(struct ov_tar_members *members, const struct ov_tar_header *header,
                                struct ov_span *ret_name) {
    if (header->prefix.size == 0) {
        *ret_name = header->name;
        return OV_OK;
    }
    ov_buf_reset(&members->name);
    ov_buf_add(&members->name, header->prefix.data, header->prefix.size);
    ov_buf_add_u8(&members->name, '/');
    ov_buf_add(&members->name, header->name.data, header->name.size);
    *ret_name = ov_buf_span(&members->name);
    return ov_buf_status(&members->name);
}

// Takes a block. False at the end: zeros, no bytes, or no header.
static bool take_header(struct ov_tar_members *members, struct ov_tar_header *ret_header) {
    if (ov_cursor_left(&members->in) < OV_TAR_BLOCK_BYTES) {
        members->is_damaged = true; // archives end with zeros
        return false;
    }
    struct ov_span block = ov_cursor_bytes(&members->in, OV_TAR_BLOCK_BYTES);
    if (!ov_tar_header_read(block, ret_header)) {
        members->is_damaged = members->is_damaged || until_zero(block).size > 0;
        return false;
    }
    return true;
}

enum ov_status ov_tar_members_next(struct ov_tar_members *members,
                                   struct ov_tar_member *ret_member) {
    struct ov_tar_pax pax = {.map_records = &members->records};
    struct ov_span long_name = {0}, name;
    struct ov_tar_header header;
    ov_buf_reset(&members->records);
    while (take_header(members, &header)) {
        bool has_data = memchr("123456", header.type, 6) == NULL;
        uint64_t size = pax.has_size ? pax.size : header.size;
        struct ov_span data = take_data(members, has_data ? size : 0);
        if (header.type == 'x' || header.type == 'X') {
            enum ov_status status = ov_tar_pax_read(data, &pax);
            members->is_damaged = members->is_damaged || status == OV_DAMAGED;
            TRY(status == OV_DAMAGED ? OV_OK : status);
        } else if (header.type == 'L') {
            long_name = until_zero(data);
        } else if (header.type != 'g' && header.type != 'K') {
            TRY(join_name(members, &header, &name));
            name = long_name.size > 0 ? long_name : name;
            name = pax.path.size > 0 ? pax.path : name;
            *ret_member =
                (struct ov_tar_member){.name = trim_name(name), .data = data, .type = header.type};
            return OV_OK;
        }
    }
    return OV_END;
}
