// SPDX-License-Identifier: Apache-2.0
// tar headers, of which nothing but the name, the size and the sum differs.
#include "rules/feed/tar.h"

#include <stdio.h>

enum {
    BLOCK = 512,
    SIZE_BYTES = 12,
    SUM_AT = 148,
    SUM_BYTES = 8,
    TYPE_AT = 156,
    MAGIC_AT = 257,
};

static size_t find_padding(uint64_t size) {
    return (BLOCK - size % BLOCK) % BLOCK;
}

static unsigned sum_bytes(const uint8_t head[BLOCK]) {
    unsigned sum = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        sum += i >= SUM_AT && i < SUM_AT + SUM_BYTES ? ' ' : head[i];
    }
    return sum;
}

// Owner, group and time are 0.
void ov_tar_add(struct ov_buf *out, struct ov_span name, struct ov_span bytes) {
    uint8_t head[BLOCK] = {0};
    size_t name_bytes = name.size < OV_TAR_NAME_BYTES ? name.size : OV_TAR_NAME_BYTES - 1;
    memcpy(head, name.data, name_bytes);
    char fields[SUM_AT - OV_TAR_NAME_BYTES + 1];
    (void)snprintf(fields, sizeof fields, "0000644%c0000000%c0000000%c%011llo%c00000000000", 0, 0,
                   0, (unsigned long long)bytes.size, 0);
    memcpy(&head[OV_TAR_NAME_BYTES], fields, sizeof fields - 1);
    head[TYPE_AT] = '0';
    memcpy(&head[MAGIC_AT], "ustar\00000", 8);
    char sum[SUM_BYTES];
    (void)snprintf(sum, sizeof sum, "%06o", sum_bytes(head));
    memcpy(&head[SUM_AT], sum, 7);
    head[SUM_AT + 7] = ' ';
    ov_buf_add(out, head, sizeof head);
    ov_buf_add(out, bytes.data, bytes.size);
    (void)ov_buf_extend(out, find_padding(bytes.size));
}

void ov_tar_end(struct ov_buf *out) {
    (void)ov_buf_extend(out, 2 * (size_t)BLOCK);
}
