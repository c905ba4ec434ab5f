// SPDX-License-Identifier: Apache-2.0
// Blocks of pcapng, in the little-endian form.
#include "watch/pcapng.h"

#include "base/fd.h"

#include <errno.h>
#include <unistd.h>

enum {
    SECTION_HEADER = 0x0a0d0d0a, // 4.1
    BYTE_ORDER = 0x1a2b3c4d,
    INTERFACE_DESCRIPTION = 1, // 4.2
    ENHANCED_PACKET = 6,       // 4.3
    LINK_ETHERNET = 1,
    OPTION_END = 0,
    OPTION_NAME = 2,       // if_name
    OPTION_RESOLUTION = 9, // if_tsresol
    OPTION_FLAGS = 2,      // epb_flags
    INBOUND = 1,
    OUTBOUND = 2,
    NANOSECONDS = 9,
    FLUSH_BYTES = 256 << 10,
};

static void add_u16(struct ov_buf *buf, uint16_t value) {
    ov_buf_add_u8(buf, (uint8_t)value);
    ov_buf_add_u8(buf, (uint8_t)(value >> 8));
}

static void add_option(struct ov_buf *buf, uint16_t code, struct ov_span value) {
    add_u16(buf, code);
    add_u16(buf, (uint16_t)value.size);
    ov_buf_add(buf, value.data, value.size);
    ov_buf_align(buf, 4);
}

static void add_section(struct ov_buf *buf) {
    enum { SIZE = 28 };
    ov_buf_add_u32le(buf, SECTION_HEADER);
    ov_buf_add_u32le(buf, SIZE);
    ov_buf_add_u32le(buf, BYTE_ORDER);
    add_u16(buf, 1); // version 1.0
    add_u16(buf, 0);
    ov_buf_add_u64le(buf, UINT64_MAX); // its length is not told
    ov_buf_add_u32le(buf, SIZE);
}

static void add_interface(struct ov_buf *buf) {
    enum { SIZE = 20 + 8 + 8 + 4 };
    static const uint8_t resolution = NANOSECONDS;
    ov_buf_add_u32le(buf, INTERFACE_DESCRIPTION);
    ov_buf_add_u32le(buf, SIZE);
    add_u16(buf, LINK_ETHERNET);
    add_u16(buf, 0);
    ov_buf_add_u32le(buf, 0); // whole frames
    add_option(buf, OPTION_NAME, ov_span_text("far0"));
    add_option(buf, OPTION_RESOLUTION, ov_span_make(&resolution, 1));
    add_option(buf, OPTION_END, ov_span_text(""));
    ov_buf_add_u32le(buf, SIZE);
}

enum ov_status ov_pcapng_open(int fd, uint64_t bytes_max, struct ov_pcapng *ret_pcapng) {
    *ret_pcapng = (struct ov_pcapng){.fd = fd, .bytes_max = bytes_max};
    ov_buf_init(&ret_pcapng->blocks);
    ov_digest_init(OV_HASH_SHA256, &ret_pcapng->digest);
    add_section(&ret_pcapng->blocks);
    add_interface(&ret_pcapng->blocks);
    return ov_pcapng_flush(ret_pcapng);
}

enum ov_status ov_pcapng_add(struct ov_pcapng *pcapng, uint64_t time_ns, bool is_outbound,
                             struct ov_span frame) {
    enum { AROUND = 32 + 8 + 4 }; // what stands before and behind the frame
    struct ov_buf *buf = &pcapng->blocks;
    uint32_t size = (uint32_t)(AROUND + (frame.size + 3) / 4 * 4);
    if (pcapng->bytes_max != 0 && pcapng->bytes + buf->size + size > pcapng->bytes_max) {
        return OV_LIMIT;
    }
    ov_buf_add_u32le(buf, ENHANCED_PACKET);
    ov_buf_add_u32le(buf, size);
    ov_buf_add_u32le(buf, 0); // the interface
    ov_buf_add_u32le(buf, (uint32_t)(time_ns >> 32));
    ov_buf_add_u32le(buf, (uint32_t)time_ns);
    ov_buf_add_u32le(buf, (uint32_t)frame.size);
    ov_buf_add_u32le(buf, (uint32_t)frame.size);
    ov_buf_add(buf, frame.data, frame.size);
    ov_buf_align(buf, 4);
    add_u16(buf, OPTION_FLAGS);
    add_u16(buf, 4);
    ov_buf_add_u32le(buf, is_outbound ? OUTBOUND : INBOUND);
    ov_buf_add_u32le(buf, OPTION_END);
    ov_buf_add_u32le(buf, size);
    return buf->size >= FLUSH_BYTES ? ov_pcapng_flush(pcapng) : ov_buf_status(buf);
}

enum ov_status ov_pcapng_flush(struct ov_pcapng *pcapng) {
    struct ov_span blocks = ov_buf_span(&pcapng->blocks);
    TRY(ov_buf_status(&pcapng->blocks));
    if (ov_fd_write_all(pcapng->fd, blocks) != OV_OK) {
        int error = errno;
        (void)!ftruncate(pcapng->fd, (off_t)pcapng->bytes) /* half a block, then */;
        errno = error;
        return OV_SYSTEM;
    }
    ov_digest_update(&pcapng->digest, blocks);
    pcapng->bytes += blocks.size;
    ov_buf_reset(&pcapng->blocks);
    return OV_OK;
}

void ov_pcapng_digest(const struct ov_pcapng *pcapng, uint8_t ret_sha256[OV_SHA256_BYTES]) {
    struct ov_digest digest = pcapng->digest;
    ov_digest_finish(&digest, ret_sha256);
}

void ov_pcapng_close(struct ov_pcapng *pcapng) {
    ov_fd_close(&pcapng->fd);
    ov_buf_release(&pcapng->blocks);
}
