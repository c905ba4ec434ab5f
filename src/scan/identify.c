// SPDX-License-Identifier: Apache-2.0
// Executables by their magic; everything else is any file.
#include "scan/identify.h"

enum ov_filetype ov_identify(struct ov_span first, uint64_t object_bytes) {
    (void)object_bytes;
    if (ov_span_has_prefix(first, "MZ")) {
        return OV_FILETYPE_MSEXE;
    }
    if (ov_span_has_prefix(first, "\177ELF")) {
        return OV_FILETYPE_ELF;
    }
    return OV_FILETYPE_BINARY_DATA;
}

uint32_t ov_filetype_target(enum ov_filetype type) {
    return type == OV_FILETYPE_MSEXE ? 1 : type == OV_FILETYPE_ELF ? 6 : 0;
}
