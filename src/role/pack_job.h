// SPDX-License-Identifier: Apache-2.0
//
// Packs files of rule releases with zstd, and unpacks them, for whoever asks: descriptors in and
// out.
//
// The caged builder does it: it alone holds libzstd. The input is borrowed, open for reading, and
// read from its start whatever its place; the output is an empty file open for writing, which may
// be a memfd. What comes out of unpacking is as unchecked as what went in: hold it against its
// digest. Files by their paths: role/unpack_job.h.
#pragma once

#include "base/status.h"

#include <stdint.h>

enum { OV_PACK_REASON_BYTES = 256 };

// Packs `in` into one zstd frame; with `dictionary` (else -1) as prefix, a delta from that file,
// which `zstd -d --patch-from` reads. The same files and libzstd give the same bytes. OV_OK;
// otherwise what was written is worth nothing, and `ret_reason` says why: OV_SYSTEM, OV_UNSUPPORTED
// no regular file, OV_LIMIT a file of more than 2 GiB, OV_MEMORY, OV_PEER the builder died.
enum ov_status ov_pack_run(int in, int dictionary, int out, char ret_reason[OV_PACK_REASON_BYTES]);

// The other way; OV_LIMIT when more than `most_bytes` would come out, OV_DAMAGED too.
enum ov_status ov_pack_undo(int in, int dictionary, uint64_t most_bytes, int out,
                            char ret_reason[OV_PACK_REASON_BYTES]);
