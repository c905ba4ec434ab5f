// SPDX-License-Identifier: Apache-2.0
// CRC-32C, eight bytes at a time: by the processor's instruction, or by tables.
#include "base/crc32c.h"

enum { SLICES = 8, VALUES = 256 };
#define POLYNOMIAL 0x82f63b78u // reflected

static uint32_t table[SLICES][VALUES];

__attribute__((constructor)) static void make_table(void) {
    for (uint32_t i = 0; i < VALUES; i++) {
        uint32_t crc = i;
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? POLYNOMIAL : 0);
        }
        table[0][i] = crc;
    }
    for (uint32_t i = 0; i < VALUES; i++) {
        for (unsigned slice = 1; slice < SLICES; slice++) {
            uint32_t before = table[slice - 1][i];
            table[slice][i] = before >> 8 ^ table[0][before & 0xff];
        }
    }
}

uint32_t ov_crc32c_plain(struct ov_span bytes) {
    uint32_t crc = 0xffffffffu;
    size_t at = 0;
    for (; bytes.size - at >= SLICES; at += SLICES) {
        const uint8_t *block = bytes.data + at;
        uint32_t next = 0;
        for (unsigned i = 0; i < SLICES; i++) {
            uint8_t folded = (uint8_t)(i < 4 ? block[i] ^ crc >> 8 * i : block[i]);
            next ^= table[SLICES - 1 - i][folded];
        }
        crc = next;
    }
    for (; at < bytes.size; at++) {
        crc = crc >> 8 ^ table[0][(crc ^ bytes.data[at]) & 0xff];
    }
    return ~crc;
}

#if defined(__x86_64__)

// SSE4.2 has the instruction for this very polynomial (Intel SDM, volume 2: CRC32).
__attribute__((target("sse4.2"))) static uint32_t crc_by_instruction(struct ov_span bytes) {
    uint64_t crc = 0xffffffffu;
    size_t at = 0;
    for (; bytes.size - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes.data + at, sizeof word);
        crc = __builtin_ia32_crc32di(crc, word);
    }
    for (; at < bytes.size; at++) {
        crc = __builtin_ia32_crc32qi((uint32_t)crc, bytes.data[at]);
    }
    return ~(uint32_t)crc;
}

uint32_t ov_crc32c(struct ov_span bytes) {
    return __builtin_cpu_supports("sse4.2") ? crc_by_instruction(bytes) : ov_crc32c_plain(bytes);
}

#else

uint32_t ov_crc32c(struct ov_span bytes) {
    return ov_crc32c_plain(bytes);
}

#endif
