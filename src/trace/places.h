// SPDX-License-Identifier: Apache-2.0
//
// What kind of file one is, by its name alone, and whose: what the product was asked to look at,
// its own, the system's, or none of these. The content of files is in no trace.
#pragma once

#include "trace/model.h"

// By the ending of the name; OTHER is all that is not known.
enum ov_trace_content {
    OV_TRACE_CONTENT_DOCUMENT,
    OV_TRACE_CONTENT_MAIL,
    OV_TRACE_CONTENT_PICTURE,
    OV_TRACE_CONTENT_MEDIA,
    OV_TRACE_CONTENT_SECRET, // keys, passwords
    OV_TRACE_CONTENT_ARCHIVE,
    OV_TRACE_CONTENT_PROGRAM,
    OV_TRACE_CONTENT_SCRIPT,
    OV_TRACE_CONTENT_OTHER,
    OV_TRACE_CONTENTS,
};

enum ov_trace_place {
    OV_TRACE_PLACE_SCOPE,   // what it was asked to look at; all that is below when nothing was said
    OV_TRACE_PLACE_OUTSIDE, // none of the others
    OV_TRACE_PLACE_SYSTEM,  // programs, libraries and settings that any program reads
    OV_TRACE_PLACE_OWN,     // under a folder that was named as the product's own
    OV_TRACE_PLACE_COPY,    // a file that was written as a whole by those who read it
    OV_TRACE_PLACE_OTHER,   // no file: pipes, devices, folders, files of the kernel
    OV_TRACE_PLACES,
};

// For each file of a model.
struct ov_trace_places {
    const enum ov_trace_place *places;
    const enum ov_trace_content *contents;
};

enum ov_status ov_trace_places_build(const struct ov_trace_model *model, struct ov_arena *arena,
                                     struct ov_trace_places *ret_places);

enum ov_trace_content ov_trace_content_of(struct ov_span path);
const char *ov_trace_content_word(enum ov_trace_content content);
const char *ov_trace_place_word(enum ov_trace_place place);

// How much of a file's content can have been read at most. What it covered, unless there were reads
// at which no page was looked up (tmpfs has it so): then what calls returned, up to its size.
uint64_t ov_trace_content_bytes(const struct ov_trace_model_file *file);

// Whether what is read there is the user's: in scope, or outside of it.
bool ov_trace_place_is_users(enum ov_trace_place place);

// The folder that a file is told under: of what stands in the scope its next folder, of others the
// first three.
struct ov_span ov_trace_folder_of(const struct ov_trace_begin *begin, struct ov_span path);
