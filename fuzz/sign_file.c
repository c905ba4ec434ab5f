// SPDX-License-Identifier: Apache-2.0
// rooms: rules
//
// .sign files, and certificates: PKCS #7 in text, up to whom the signer is trusted by.
#include "feed_keys.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char content[] = "content\n";

static void try_sign(struct ov_span bytes, const struct ov_feed_anchors *anchors) {
    char signer[OV_DATABASE_SIGNER_BYTES] = "";
    enum ov_status status =
        ov_feed_sign_check(bytes, ov_span_text(content), anchors, feed_now, signer);
    if (memchr(signer, 0, sizeof signer) == NULL) {
        abort();
    }
    for (const char *at = signer; *at != '\0'; at++) {
        if (*at < 0x20 || *at > 0x7e) {
            abort();
        }
    }
    // One who is not the holder of a key cannot make it say another name.
    if (status == OV_OK && strcmp(signer, "Signer") != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_feed_anchors *anchors = NULL, *others = NULL;
    struct ov_span bytes = ov_span_make(data, size);
    if (ov_feed_anchors_add(ov_span_text(feed_anchor), &anchors) != OV_OK) {
        abort();
    }
    try_sign(bytes, anchors);
    (void)!ov_feed_anchors_add(bytes, &others);
    ov_feed_anchors_free(others);
    ov_feed_anchors_free(anchors);
    return 0;
}
