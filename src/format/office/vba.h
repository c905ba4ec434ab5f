// SPDX-License-Identifier: Apache-2.0
//
// VBA projects ([MS-OVBA]): their sources, each and as one text. Worker process only.
#pragma once

#include "format/office/ole_file.h"

struct ov_vba {
    struct ov_ole *ole;
    uint8_t *is_told;   // for each entry: it is a module whose source was told
    struct ov_buf text; // of the project that is being read
    unsigned codepage;  // of its narrow strings
    bool has_sources;   // some were found
};

// Reads every project that has a readable `dir` stream and tells its sources: each as it was
// written, and all together with what rules about macros expect. OV_OK, OV_MEMORY, OV_LIMIT, or
// what the sink said. `ret_vba` is to be released in all cases.
enum ov_status ov_vba_tell(struct ov_ole *ole, struct ov_vba *ret_vba);
void ov_vba_release(struct ov_vba *vba);

// Looks for sources in a stream that no `dir` led to.
enum ov_status ov_vba_search(struct ov_vba *vba, uint32_t entry, struct ov_span stream);

// To be called after the last stream: tells the text of what was found by searching.
enum ov_status ov_vba_finish(struct ov_vba *vba);

// Unpacks a CompressedContainer ([MS-OVBA] 2.4.1) and appends to `plain`. OV_OK; OV_DAMAGED: it
// broke off, and what came before is there; OV_LIMIT: so too.
enum ov_status ov_vba_unpack(struct ov_span packed, struct ov_walk *walk, struct ov_buf *plain);

// Appends a source (UTF-8) as rules about macros expect it: small letters outside of strings, one
// space for a run of them, lines that go on in the next one joined.
void ov_vba_fold(struct ov_span source, struct ov_buf *text);
