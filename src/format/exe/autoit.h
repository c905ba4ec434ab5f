// SPDX-License-Identifier: Apache-2.0
//
// How AutoIt hides the scripts that it compiles: random numbers, a compression, tokens.
//
// The two formats of AutoIt 3, which call themselves EA05 and EA06. AutoIt publishes nothing of
// them; what is here is known from its files. Worker process only.
#pragma once

#include "format/walk.h"

enum ov_autoit { OV_AUTOIT_EA05, OV_AUTOIT_EA06 };

// Adds the bytes, each xored with the next number of the format's generator: MT19937 (Matsumoto and
// Nishimura, 2002) for EA05, RANROT-B (Fog, 1998) with the lower half of the seed for EA06.
void ov_autoit_decrypt(enum ov_autoit format, uint32_t seed, struct ov_span bytes,
                       struct ov_buf *plain);

// Unpacks a file that was decrypted and appends it to `plain`. OV_UNSUPPORTED: it does not begin as
// the format's packed files do. OV_DAMAGED: it breaks off. OV_LIMIT, OV_MEMORY as in
// format/codec.h.
enum ov_status ov_autoit_unpack(enum ov_autoit format, struct ov_span packed, struct ov_walk *walk,
                                struct ov_buf *plain);

// What becomes of what has no place in clamscan's text: letters outside of Latin-1, and numbers of
// words that are not known.
enum ov_autoit_way {
    OV_AUTOIT_AS_CLAMSCAN = 0, // a byte of each letter, or the first half of the string as it is;
                               // such a number ends the text
    OV_AUTOIT_WHOLE,           // letters in UTF-8; the number, with a # before it
};

// Appends the text of a script of EA06 to `text`, in the words that clamscan uses. OV_OK;
// OV_DAMAGED: the tokens break off, or one is not known, and what came before is there; OV_LIMIT,
// OV_MEMORY. `ret_is_lossy`: the other way gives more. Set in all cases.
enum ov_status ov_autoit_write_script(struct ov_span tokens, enum ov_autoit_way way,
                                      struct ov_walk *walk, struct ov_buf *text,
                                      bool *ret_is_lossy);

// The keyword or function with a number, in capital letters, or NULL. A constant string.
const char *ov_autoit_keyword(uint32_t number);
const char *ov_autoit_function(uint32_t number);
