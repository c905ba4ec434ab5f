// SPDX-License-Identifier: Apache-2.0
//
// How large a dictionary an xz, lzma or lzip stream asks for, and how to read one that asks for
// more than a worker has.
//
// A dictionary needs not be larger than what is unpacked, of which a walk has a limit anyway. So a
// stream that asks for gigabytes is read all the same. Worker process only.
#pragma once

#include "base/buf.h"
#include "format/codec/codec.h"

// What is given to a stream at most.
enum { OV_DICTIONARY_BYTES_MAX = 192 << 20 };

// The smallest dictionary that is enough to unpack so many bytes; no more than that.
uint64_t ov_dictionary_enough(uint64_t plain_bytes);

// What the stream asks for, in its header or that of its first block; 0 when it cannot be read.
uint64_t ov_dictionary_bytes(enum ov_codec codec, struct ov_span stream);

// Makes a copy of the first bytes of the stream, in which it asks for `enough` if it asked for
// more. OV_MEMORY.
enum ov_status ov_dictionary_fit(enum ov_codec codec, struct ov_span stream, uint64_t enough,
                                 struct ov_buf *ret_head);
