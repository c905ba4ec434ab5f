// SPDX-License-Identifier: Apache-2.0
//
// Scripts as Microsoft's Script Encoder leaves them (JScript.Encode, VBScript.Encode, .jse, .vbe):
// "#@~^", the length in base 64, the encoded text, a checksum, "^#~@".
#pragma once

#include "base/span.h"
#include "format/html/html_reader.h"

enum { OV_SCRENC_SIZE_BYTES = 8 }; // between the mark and the text

// Reads the length, eight bytes of base 64.
struct ov_screnc ov_screnc_open(const uint8_t size[OV_SCRENC_SIZE_BYTES]);

// Decodes a text that ends with a zero, in its own place, and puts a zero behind what is left of
// it. When it ends in this text, what follows its trailer is moved up.
void ov_screnc_decode(struct ov_screnc *screnc, uint8_t *text);
