// SPDX-License-Identifier: Apache-2.0
// .sign files: a line #clamsign-1.0, then lines MINIMUM:MAXIMUM:pkcs7-pem:BASE64, of which one must
// hold. Between which levels of functions a line is meant is not asked: it is a signature all the
// same.
#include "rules/feed/sign.h"

#include "rules/reader.h"
#include "trust/detached.h"
#include "trust/pem.h"

#include <stdlib.h>

enum { LINE_FIELDS = 4, LINES_MAX = 16, SIGN_BYTES_MAX = 1 << 20, PEM_BYTES_MAX = 1 << 20 };

static const char first_line[] = "#clamsign-1.0";

struct ov_feed_anchors {
    uint32_t count;
    struct ov_certificate items[OV_DETACHED_ANCHORS_MAX];
    struct ov_buf bytes[OV_DETACHED_ANCHORS_MAX]; // that the items borrow
};

// ---- certificates ------------------------------------------------------------------------------

static enum ov_status add_anchor(struct ov_feed_anchors *anchors, struct ov_span *pem) {
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    struct ov_certificate certificate;
    bool is_read;
    TRY(ov_pem_next(pem, &bytes));
    struct ov_der der = ov_der_of(ov_buf_span(&bytes));
    TRY(ov_certificate_read(&der, &certificate, &is_read));
    if (!is_read || !ov_der_is_done(&der)) {
        return OV_DAMAGED;
    }
    if (anchors->count == OV_DETACHED_ANCHORS_MAX) {
        return OV_LIMIT;
    }
    anchors->items[anchors->count] = certificate;
    anchors->bytes[anchors->count++] = bytes;
    bytes = (struct ov_buf){0};
    return OV_OK;
}

enum ov_status ov_feed_anchors_add(struct ov_span pem, struct ov_feed_anchors **io_anchors) {
    if (pem.size > PEM_BYTES_MAX) {
        return OV_DAMAGED;
    }
    if (*io_anchors == NULL) {
        *io_anchors = calloc(1, sizeof **io_anchors);
    }
    if (*io_anchors == NULL) {
        return OV_MEMORY;
    }
    enum ov_status status = add_anchor(*io_anchors, &pem);
    if (status == OV_END) {
        return OV_DAMAGED; // not one
    }
    while (status == OV_OK) {
        status = add_anchor(*io_anchors, &pem);
    }
    return status == OV_END ? OV_OK : status;
}

void ov_feed_anchors_free(struct ov_feed_anchors *anchors) {
    for (uint32_t i = 0; anchors != NULL && i < anchors->count; i++) {
        ov_buf_release(&anchors->bytes[i]);
    }
    free(anchors);
}

// ---- signatures --------------------------------------------------------------------------------

static bool is_level(struct ov_span text) {
    uint64_t level;
    return text.size == 0 || ov_decimal_read(text, UINT32_MAX, &level);
}

static enum ov_status check_line(struct ov_span line, struct ov_detached *detached,
                                 char ret_signer[OV_DATABASE_SIGNER_BYTES]) {
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    struct ov_span fields[LINE_FIELDS + 1];
    struct ov_certificate signer;
    if (ov_fields_split(line, ':', fields, LINE_FIELDS + 1) != LINE_FIELDS ||
        !is_level(fields[0]) || !is_level(fields[1]) || !ov_span_is_text(fields[2], "pkcs7-pem")) {
        return OV_DAMAGED;
    }
    TRY(ov_pem_decode(fields[3], &bytes));
    detached->signature = ov_buf_span(&bytes);
    TRY(ov_detached_verify(detached, &signer));
    ov_certificate_common_name(&signer, ret_signer, OV_DATABASE_SIGNER_BYTES);
    return OV_OK;
}

enum ov_status ov_feed_sign_check(struct ov_span sign, struct ov_span bytes,
                                  const struct ov_feed_anchors *anchors, int64_t now,
                                  char ret_signer[OV_DATABASE_SIGNER_BYTES]) {
    struct ov_detached detached = {
        .content = bytes, .anchors = anchors->items, .anchor_count = anchors->count, .now = now};
    struct ov_lines lines = {.bytes = sign};
    struct ov_span line;
    size_t first = ov_span_find(sign, 0, '\n');
    if (!ov_span_is_text(ov_span_part(sign, 0, first), first_line) || sign.size > SIGN_BYTES_MAX) {
        return OV_DAMAGED;
    }
    enum ov_status status = OV_DAMAGED; // not one
    for (unsigned i = 0; ov_lines_next(&lines, &line); i++) {
        enum ov_status found = i < LINES_MAX ? check_line(line, &detached, ret_signer) : OV_DAMAGED;
        if (found != OV_DENIED) { // holds, or ends it
            return found;
        }
        status = OV_DENIED;
    }
    return status;
}
