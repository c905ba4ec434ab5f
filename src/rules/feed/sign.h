// SPDX-License-Identifier: Apache-2.0
//
// .sign files, which ClamAV 1.5 puts beside databases and updates: PKCS #7 signatures as text.
//
// Worker process only. docs/formats/clamav-feed.md.
#pragma once

#include "base/database.h"
#include "base/span.h"
#include "base/status.h"

struct ov_feed_anchors;

// Reads one file of PEM certificates that the user trusts, and adds them; *io_anchors is made when
// it is NULL. They borrow nothing. OV_DAMAGED: it holds none, or one that cannot be read;
// OV_LIMIT: there are too many; OV_MEMORY.
enum ov_status ov_feed_anchors_add(struct ov_span pem, struct ov_feed_anchors **io_anchors);

void ov_feed_anchors_free(struct ov_feed_anchors *anchors);

// Whether one of the signatures in the .sign file is over `bytes`, by somebody to whom the anchors
// lead at that time; who it is. OV_DAMAGED: it is no .sign file; OV_DENIED: none of them;
// OV_MEMORY.
enum ov_status ov_feed_sign_check(struct ov_span sign, struct ov_span bytes,
                                  const struct ov_feed_anchors *anchors, int64_t now,
                                  char ret_signer[OV_DATABASE_SIGNER_BYTES]);
