// SPDX-License-Identifier: Apache-2.0
//
// What a format's walker is given, and whom it tells of what lies inside an object.
//
// A walker reads one object and hands every part to a sink. It does not know who listens, so that
// no format calls the scanner that called it. Worker process only: the bytes are hostile, and may
// change while they are read.
#pragma once

#include "base/arena.h"
#include "base/budget.h"
#include "base/buf.h"
#include "base/cursor.h"
#include "base/filetype.h"
#include "base/heuristic.h"

enum ov_child_kind {
    OV_CHILD_MEMBER = 0, // an object of its own: typed, hashed, matched, walked; one layer deeper
    OV_CHILD_VIEW,       // the same object read another way (lower case, no tags, a macro's
                         // source): matched as what `type` says, in the layer of the object
};

// One part. Everything in it is borrowed and lives until the sink returns.
struct ov_child {
    enum ov_child_kind kind;
    struct ov_span bytes;  // unpacked
    struct ov_span name;   // as stored: any bytes, any character set; may be empty
    enum ov_filetype type; // what it is known to be; OV_FILETYPE_NONE: see what its bytes say
    // What metadata rules (.cdb) ask about, as the container states it.
    uint64_t packed_bytes, plain_bytes;
    uint32_t checksum;
    bool is_encrypted; // the bytes are what could be had: mostly none
};

// What a walker notices about an object, for heuristic alerts. Each is told at most once a walk.
enum ov_fact {
    OV_FACT_ENCRYPTED = 0, // some of it cannot be read without a password
    OV_FACT_BROKEN,        // its structure contradicts itself or ends too soon
    OV_FACT_OVERLAPPING,   // members share bytes (zip bombs do)
    OV_FACT_MACROS,        // VBA macros
    OV_FACT_MACROS_XLM,    // Excel 4 macros
    OV_FACT_OBFUSCATED,    // PDF: names written in hexadecimal for no reason
    OV_FACT_COUNT,
};

enum ov_link_kind {
    OV_LINK_TEXT = 0, // what is shown is text
    OV_LINK_IMAGE,    // or the address of a picture
    OV_LINK_OTHER,    // or of a frame, an area, a link in a form, or a title
};

// A link in a letter: where it leads, and what its reader sees. Borrowed like a part.
struct ov_link {
    enum ov_link_kind kind;
    struct ov_span leads_to, shown;
};

// Who listens.
struct ov_sink {
    void *arg;
    // Looks at a part. OV_OK: go on. Anything else: stop walking and return just that.
    enum ov_status (*child)(void *arg, const struct ov_child *child);
    void (*fact)(void *arg, enum ov_fact fact);
    void (*alert)(void *arg, enum ov_heuristic heuristic);
    // Looks at a link in the text of a mail; as `child`. NULL: nobody asks for links.
    enum ov_status (*link)(void *arg, const struct ov_link *link);
};

// One walk of one object.
struct ov_walk {
    const struct ov_sink *sink;
    struct ov_arena *arena;   // for what the walk needs; given back when it ends
    struct ov_budget *budget; // shared by all layers of the file
    enum ov_filetype type;    // of the object
    struct ov_span name;      // of the object, where its container told one; may be empty
};

// Reads the whole object behind the cursor and tells the sink of its parts, in the order in which
// they stand. OV_OK: all of it was read. OV_DAMAGED: the rest cannot be read; what could be was
// told (a truncated member too). OV_UNSUPPORTED: something in it is not built. OV_LIMIT: a budget
// ran out. OV_MEMORY. Whatever the sink returned to stop.
typedef enum ov_status ov_walker(struct ov_cursor *in, struct ov_walk *walk);

// Hands a part to the sink.
enum ov_status ov_walk_child(struct ov_walk *walk, const struct ov_child *child);

// Hands over a plain member: bytes, a name that may be empty, and a type or OV_FILETYPE_NONE.
enum ov_status ov_walk_member(struct ov_walk *walk, struct ov_span bytes, struct ov_span name,
                              enum ov_filetype type);

// Hands over a member that stands in the object as it is, or was made in a buffer: cut to
// ov_walk_room(), which is told.
enum ov_status ov_walk_stored(struct ov_walk *walk, struct ov_span bytes, struct ov_span name);

// Hands over a view of the object itself.
enum ov_status ov_walk_view(struct ov_walk *walk, struct ov_span bytes, enum ov_filetype type);

void ov_walk_fact(struct ov_walk *walk, enum ov_fact fact);

// Tells of something that clamscan has a name of its own for. Whether it was asked for is the
// sink's business.
void ov_walk_alert(struct ov_walk *walk, enum ov_heuristic heuristic);

// OV_OK, or OV_LIMIT when no time is left. Asked in every loop whose length the input decides.
enum ov_status ov_walk_has_time(struct ov_walk *walk);

// How many bytes one part may unpack to: what file size and scan size leave, and no more than a
// worker can hold. What does not fit is cut there and `ov_walk_note_cut` told.
size_t ov_walk_room(const struct ov_walk *walk);

// Notes in the budget that a part was cut at ov_walk_room().
void ov_walk_note_cut(struct ov_walk *walk);

// Keeps why parts are not whole: a limit before damage, and before what is not built.
void ov_walk_keep_worst(enum ov_status *io_worst, enum ov_status status);
