// SPDX-License-Identifier: Apache-2.0
//
// The reader that makes views of an HTML document, state by state, as clamscan's does.
//
// It is no parser of HTML as browsers have it: it goes through the bytes with a state, and rules
// are written for what falls out. It looks at pieces of at most 8191 bytes that end with white
// space where they can; some of what falls out depends on where they end. Internal to the files
// html*.c.
#pragma once

#include "base/page_words.h"
#include "format/html/script.h"

enum {
    OV_HTML_PIECE_BYTES = 8191,
    OV_HTML_NAME_BYTES = 1024, // of a tag, an attribute, a value or an entity; the rest is dropped
};

enum ov_html_state {
    OV_HTML_BROKEN = 0, // no state to go on with: reading ends
    OV_HTML_PLAIN,
    OV_HTML_HIGH,      // bytes from 0x80 on
    OV_HTML_SKIP,      // white space, then the next state
    OV_HTML_TRIM,      // likewise, with one space in its place
    OV_HTML_COMMENT,   // any tag that begins with "!"
    OV_HTML_TAG,       // its name
    OV_HTML_TAG_END,   // behind it: what the tag means
    OV_HTML_ATTRIBUTE, // its name
    OV_HTML_EQUALS,    // behind the name
    OV_HTML_VALUE,
    OV_HTML_REFERENCE, // behind "&"
    OV_HTML_ENTITY,
    OV_HTML_CHARACTER, // number of a character
    OV_HTML_DATA_TYPE, // behind "data:"
    OV_HTML_DATA_OPEN,
    OV_HTML_DATA,
    OV_HTML_DATA_BYTE, // "%41" has been read
    OV_HTML_DATA_CLOSE,
    OV_HTML_HEX,      // digits behind "%"
    OV_HTML_LOOK_FOR, // the mark of an encoded script, somewhere in the piece
    OV_HTML_ENCODED,  // the same, here
    OV_HTML_ENCODED_SIZE,
    OV_HTML_DECODE,
    OV_HTML_STATE_COUNT,
};

enum ov_html_inside { OV_HTML_NOTHING = 0, OV_HTML_SCRIPT, OV_HTML_STYLE };
enum ov_html_quote { OV_HTML_UNQUOTED = 0, OV_HTML_SINGLE, OV_HTML_DOUBLE };

struct ov_html_name {
    uint8_t bytes[OV_HTML_NAME_BYTES];
    size_t size;
};

// An encoded script on its way (screnc.c).
struct ov_screnc {
    uint32_t left; // characters still to come
    uint8_t turn;  // which table is next
};

struct ov_html {
    struct ov_walk *walk;
    struct ov_span in;
    size_t in_at;
    uint8_t piece[OV_HTML_PIECE_BYTES + 1]; // ends with a zero, and holds no other
    size_t at;
    enum ov_html_state state, next, saved;
    enum ov_html_inside inside;

    struct ov_html_name tag, attribute, value, entity;
    struct ov_buf attributes; // of the tag: names and values (html_tag.c)
    enum ov_html_quote quote;
    bool is_escaped;     // a backslash stands before
    uint32_t high;       // bytes from 0x80 on that are not written yet
    uint32_t value_high; // the same in a value
    int64_t number;      // of a character, or a byte behind "%"
    size_t digits;       // behind "%"
    bool is_hex;
    bool is_binary;      // in data: line ends stay as they are
    bool is_after_space; // in `text`

    bool has_screnc;   // inside an encoded script
    bool seeks_screnc; // one is to come
    size_t screnc_at;  // where it begins in this piece, or 0
    struct ov_screnc screnc;

    size_t script_begin, script_end; // in this piece; SIZE_MAX: not in it
    struct ov_script script;
    size_t style_begin;
    struct ov_buf style;

    struct ov_buf plain;          // without comments
    struct ov_buf text;           // without tags
    struct ov_buf scripts;        // all of them
    struct ov_buf data;           // of all data: URLs
    struct ov_buf data_ends;      // uint64_t: where each of them ends in `data`
    bool has_data;                // one is open
    struct ov_html_links *links;  // html_links.h; NULL: nobody asks for them
    ov_page_words_fn *read_words; // the fastest unless it is set
    bool is_stepwise;             // byte by byte, without runs (html_runs.h): for tests
    enum ov_status failure;       // why reading ends early
};

struct ov_html_links;

typedef void ov_html_step(struct ov_html *html);

// Reads the whole document. Everything is there afterwards: `plain`, `text`, `scripts`, `style`,
// `data`. OV_OK; OV_DAMAGED when reading ended early, as clamscan's does; OV_LIMIT; OV_MEMORY.
enum ov_status ov_html_read(struct ov_html *html);
void ov_html_release(struct ov_html *html);

// The next piece of the document. False at its end.
bool ov_html_read_piece(struct ov_html *html);

// What a tag means. html_tag.c
ov_html_step ov_html_step_tag, ov_html_step_tag_end, ov_html_step_attribute, ov_html_step_equals,
    ov_html_step_value, ov_html_step_comment;
// The value of the tag's first attribute of that name; without data when it has none. html_tag.c
struct ov_span ov_html_find_value(const struct ov_html *html, const char *name);

// References to characters. html_entity.c
ov_html_step ov_html_step_reference, ov_html_step_entity, ov_html_step_character;
// data: URLs (RFC 2397). html_data.c
ov_html_step ov_html_step_data_type, ov_html_step_data_open, ov_html_step_data,
    ov_html_step_data_byte, ov_html_step_data_close, ov_html_step_hex;

// Hands over the images that style sheets carry in data: URLs. html_style.c
enum ov_status ov_html_walk_style(struct ov_html *html);

// Whether bytes from 0x80 on, with the one that follows, are a full stop in some encoding.
bool ov_html_is_full_stop(uint32_t high, uint8_t next);

// Writes an entity that nothing ends, at the end of the document. html_entity.c
void ov_html_end_entity(struct ov_html *html);

// Gives what the script reader has not seen of this piece to it; at the end of a script, ends it.
void ov_html_feed_script(struct ov_html *html);

// Appends the style sheet's part of this piece up to `end`.
void ov_html_add_style(struct ov_html *html, size_t end);

// The byte that is read, or 0 at the end of the piece.
static inline uint8_t ov_html_byte(const struct ov_html *html) {
    return html->piece[html->at];
}

static inline bool ov_html_is_space(uint8_t byte) {
    return byte == ' ' || (uint8_t)(byte - 9) < 5;
}

static inline uint8_t ov_html_lower(uint8_t byte) {
    return (uint8_t)(byte - 'A') < 26 ? byte | 0x20 : byte;
}

// Goes through white space, then on in a state.
static inline void ov_html_skip(struct ov_html *html, enum ov_html_state next) {
    html->state = OV_HTML_SKIP;
    html->next = next;
}

// The same at once, if nothing is to be skipped.
static inline void ov_html_skip_soon(struct ov_html *html, enum ov_html_state next) {
    bool is_there = ov_html_byte(html) > ' ' && !html->is_stepwise;
    html->state = is_there ? next : OV_HTML_SKIP;
    html->next = is_there ? OV_HTML_BROKEN : next;
}

// Back to the state that was noted.
static inline void ov_html_go_on(struct ov_html *html) {
    html->state = html->next;
    html->next = OV_HTML_BROKEN;
}

static inline void ov_html_name_add(struct ov_html_name *name, uint8_t byte) {
    if (name->size < OV_HTML_NAME_BYTES) {
        name->bytes[name->size++] = byte;
    }
}

static inline struct ov_span ov_html_name_span(const struct ov_html_name *name) {
    return ov_span_make(name->bytes, name->size);
}

// Whether the byte behind the one that was read is a backslash.
static inline void ov_html_note_escape(struct ov_html *html) {
    html->is_escaped = ov_html_byte(html) == '\\';
}

// Takes the last byte of the view without comments back.
static inline void ov_html_take_back(struct ov_html *html) {
    html->plain.size -= html->plain.size > 0;
}

// One space in the view without tags.
static inline void ov_html_add_space(struct ov_html *html) {
    if (html->inside == OV_HTML_NOTHING && !html->is_after_space) {
        ov_buf_add_u8(&html->text, ' ');
        html->is_after_space = true;
    }
}
