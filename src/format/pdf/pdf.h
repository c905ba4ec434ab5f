// SPDX-License-Identifier: Apache-2.0
//
// What the files of the PDF reader share: tokens, dictionaries, the table of objects, streams.
//
// Written from ISO 32000-1:2008 and ISO 32000-2:2020 (sections are named where they are followed),
// and from what lenient readers do with files that break them. Everything lives in the arena of the
// walk or in buffers that the walk releases. Worker process only: the bytes are hostile, and may
// change while they are read, so no value is trusted because it was checked in an earlier read.
#pragma once

#include "format/walk.h"

// ---- tokens (7.2, 7.3) --------------------------------------------------------------------------

enum ov_pdf_kind {
    OV_PDF_END = 0,
    OV_PDF_NUMBER,
    OV_PDF_NAME,
    OV_PDF_STRING, // (literal)
    OV_PDF_HEX,    // <68 65 78>
    OV_PDF_ARRAY_OPEN,
    OV_PDF_ARRAY_CLOSE,
    OV_PDF_DICT_OPEN,
    OV_PDF_DICT_CLOSE,
    OV_PDF_WORD,
};

struct ov_pdf_token {
    enum ov_pdf_kind kind;
    size_t at;           // where it starts, with its bracket or slash
    struct ov_span text; // without those
    int64_t integer;     // of a number, cut to a whole one
};

bool ov_pdf_is_space(uint8_t byte);

// Reads one token; comments and white space before it are left out. Never fails: at the end of the
// bytes the kind is OV_PDF_END.
void ov_pdf_token_read(struct ov_cursor *in, struct ov_pdf_token *ret_token);

// Whether the token ends what it stands in: the end, or a word that no value holds (endobj,
// stream).
bool ov_pdf_token_is_stop(const struct ov_pdf_token *token);

// Whether the name, with #xx decoded, is `plain`.
bool ov_pdf_name_is(struct ov_span name, const char *plain);

// Appends what a string stands for: escapes or digits decoded. Not decrypted.
void ov_pdf_string_add(const struct ov_pdf_token *string, struct ov_buf *plain);

// Appends text as UTF-8 when it begins with the mark of UTF-16, else as it stands.
void ov_pdf_text_add(struct ov_span text, struct ov_buf *plain);

// ---- dictionaries -------------------------------------------------------------------------------

// The keys that somebody asks for; their names are in pdf_token.c, in this order.
enum ov_pdf_key {
    OV_PDF_BITS_PER_COMPONENT,
    OV_PDF_CF,
    OV_PDF_CFM,
    OV_PDF_COLORS,
    OV_PDF_COLUMNS,
    OV_PDF_DECODE_PARMS,
    OV_PDF_DP,
    OV_PDF_EARLY_CHANGE,
    OV_PDF_EF,
    OV_PDF_EFF,
    OV_PDF_ENCRYPT,
    OV_PDF_ENCRYPT_METADATA,
    OV_PDF_F,
    OV_PDF_FILTER,
    OV_PDF_FIRST,
    OV_PDF_HEIGHT,
    OV_PDF_ID,
    OV_PDF_LENGTH,
    OV_PDF_N,
    OV_PDF_NAME_KEY,
    OV_PDF_O,
    OV_PDF_OE,
    OV_PDF_P,
    OV_PDF_PREDICTOR,
    OV_PDF_R,
    OV_PDF_STM_F,
    OV_PDF_STR_F,
    OV_PDF_SUBTYPE,
    OV_PDF_TYPE,
    OV_PDF_U,
    OV_PDF_UE,
    OV_PDF_UF,
    OV_PDF_V,
    OV_PDF_WIDTH,
    OV_PDF_KEY_COUNT,
};

// One dictionary: the text of each value, empty when the key is not there. Of a key that stands
// there twice the last one counts, as for most readers.
struct ov_pdf_dict {
    struct ov_span values[OV_PDF_KEY_COUNT];
    struct ov_span first_filter; // the first /Filter, where there are two
    struct ov_span text;         // between the brackets
    bool is_closed;              // its end was found
};

// Reads a dictionary; the cursor stands behind its opening brackets, and then behind its closing
// ones, or before a word that no dictionary holds (endobj, stream).
void ov_pdf_dict_read(struct ov_cursor *in, struct ov_pdf_dict *ret_dict);

// The value of any key in a dictionary's text, at its own level; empty when it is not there.
struct ov_span ov_pdf_dict_find(struct ov_span text, struct ov_span name);

// Whether the value is this name.
bool ov_pdf_value_is(struct ov_span value, const char *name);

// ---- objects (7.3.10, 7.5.7) --------------------------------------------------------------------

enum {
    OV_PDF_IS_PACK = 1,    // an object stream
    OV_PDF_IS_INNER = 2,   // stands in the stream of another, which is a PDF of its own
    OV_PDF_IS_SCRIPT = 4,  // named by /JS
    OV_PDF_IS_ATTACHED = 8 // named by /EF
};

struct ov_pdf_object {
    size_t at; // of its value, in the file or in its object stream
    uint32_t number;
    uint32_t pack; // 0: in the file; else which object stream, from 1
    uint32_t spec; // of what names it as a file, from 1; 0: nothing does
    uint16_t generation;
    uint8_t flags;
};

// The bytes of an object stream in ov_pdf.packed.
struct ov_pdf_pack {
    size_t at, size;
    uint32_t object; // that it was
};

// A file specification (7.11.3).
struct ov_pdf_spec {
    struct ov_span text; // of its dictionary
    uint32_t object;     // in which it stands
};

enum ov_pdf_method {
    OV_PDF_IDENTITY = 0,
    OV_PDF_RC4,
    OV_PDF_AES_128,
    OV_PDF_AES_256,
};

struct ov_pdf_crypt {
    bool is_encrypted, has_key;
    enum ov_pdf_method streams, strings, files;
    bool is_metadata_plain;
    size_t key_bytes;
    uint8_t key[32];
    struct ov_span filters; // /CF: which named filter is what
    uint32_t number;        // of the object that says all this, whose strings are plain; 0: none
};

struct ov_pdf {
    struct ov_walk *walk;
    struct ov_span file;
    struct ov_pdf_object *objects; // those in the file first, as they stand
    uint32_t count, room;
    uint32_t *order;      // by number, and within a number as they stand
    uint32_t order_count; // how many are in order
    struct ov_buf packed; // all object streams, one after another
    struct ov_pdf_pack *packs;
    uint32_t pack_count, pack_room;
    struct ov_pdf_spec *specs;
    uint32_t spec_count, spec_room;
    struct ov_pdf_crypt crypt;
    uint64_t work_left;              // bytes that may still be read or made; see ov_pdf_work
    size_t stop_from, stop_at;       // the last search for `endstream`, and what it found
    bool is_broken, has_unsupported; // what to say in the end
};

// Takes `bytes` of work; OV_LIMIT, noted, when a file makes too much of it: objects that overlap
// are read again and again.
enum ov_status ov_pdf_work(struct ov_pdf *pdf, uint64_t bytes);

// Takes it, and leaves it to ov_pdf_go_on() to stop when it was too much.
void ov_pdf_note_work(struct ov_pdf *pdf, uint64_t bytes);

// OV_OK, or OV_LIMIT when no work or no time is left. Asked in every loop over objects.
enum ov_status ov_pdf_go_on(struct ov_pdf *pdf);

// Makes room for one more in a table of the arena: `table` is kept or replaced. OV_LIMIT, noted,
// when there are too many.
enum ov_status ov_pdf_table_grow(struct ov_pdf *pdf, void **table, size_t item_bytes,
                                 uint32_t count, uint32_t *room);

// Finds all `N G obj` of the file.
enum ov_status ov_pdf_objects_find(struct ov_pdf *pdf);

enum ov_status ov_pdf_object_add(struct ov_pdf *pdf, const struct ov_pdf_object *object);

// Puts the numbers in order; to be called when objects were added.
enum ov_status ov_pdf_objects_sort(struct ov_pdf *pdf);

// The `nth` object of this number, the last one first; NULL when there are not so many.
struct ov_pdf_object *ov_pdf_object_find(struct ov_pdf *pdf, int64_t number, uint32_t nth);

// The bytes from an object's value to the end of what it stands in.
struct ov_span ov_pdf_object_text(const struct ov_pdf *pdf, const struct ov_pdf_object *object);

// Whether the value is a reference `N G R`.
bool ov_pdf_is_reference(struct ov_pdf *pdf, struct ov_span value, int64_t *ret_number);

// The value itself, or the object that it refers to (the `nth` of that number). `object` comes in
// as the one in which the value stands, and goes out as the one where it was found.
struct ov_span ov_pdf_resolve(struct ov_pdf *pdf, struct ov_span value, uint32_t nth,
                              const struct ov_pdf_object **object);

// Reads the dictionary that the value is, or refers to; false when it is none.
bool ov_pdf_dict_of(struct ov_pdf *pdf, struct ov_span value, struct ov_pdf_dict *ret_dict);

// A whole number, referred to or not; `otherwise` when the value is none.
int64_t ov_pdf_integer(struct ov_pdf *pdf, struct ov_span value, int64_t otherwise);

// ---- streams (7.3.8, 7.4) -----------------------------------------------------------------------

struct ov_pdf_stream {
    struct ov_pdf_dict dict;
    struct ov_span raw;
};

// Reads the dictionary and finds the bytes of a stream; false when the object is none. The
// dictionary is read in any case, if there is one (text.data != NULL).
bool ov_pdf_stream_read(struct ov_pdf *pdf, const struct ov_pdf_object *object,
                        struct ov_pdf_stream *ret_stream);

// Whether the stream could not be decrypted.
bool ov_pdf_stream_is_locked(struct ov_pdf *pdf, const struct ov_pdf_object *object,
                             const struct ov_pdf_stream *stream);

// Whether a picture filter ends the chain: what is told is a file of its own, such as a JPEG.
bool ov_pdf_stream_is_opaque(struct ov_pdf *pdf, const struct ov_pdf_stream *stream);

// How many ways there are to read the stream's filters: more than one where objects of the same
// number, or two /Filter, say different things.
uint32_t ov_pdf_stream_readings(struct ov_pdf *pdf, const struct ov_pdf_stream *stream);

// Appends the bytes behind all filters that are built, at most `room`. What stands in `plain` is
// of use unless OV_MEMORY comes back or a budget ran out before it began (OV_LIMIT).
enum ov_status ov_pdf_stream_decode(struct ov_pdf *pdf, const struct ov_pdf_object *object,
                                    const struct ov_pdf_stream *stream, uint32_t reading,
                                    size_t room, struct ov_buf *plain);

// ---- filters ------------------------------------------------------------------------------------

// What /DecodeParms says of one filter.
struct ov_pdf_params {
    int64_t predictor, colors, bits, columns, early_change;
};

// Each appends what it makes of `packed` and stops at what it cannot read, or once it has made
// `room` bytes: the last step may go a little beyond.
void ov_pdf_ascii_hex(struct ov_span packed, size_t room, struct ov_buf *plain);
void ov_pdf_ascii_85(struct ov_span packed, size_t room, struct ov_buf *plain);
void ov_pdf_run_length(struct ov_span packed, size_t room, struct ov_buf *plain);
void ov_pdf_lzw(struct ov_span packed, bool is_early, size_t room, struct ov_buf *plain);

// Undoes a predictor (7.4.4.4); false, with nothing appended, when the parameters make no sense.
bool ov_pdf_unpredict(struct ov_span rows, const struct ov_pdf_params *params,
                      struct ov_buf *plain);

// ---- encryption (7.6) ---------------------------------------------------------------------------

// Takes what a trailer says: the encryption dictionary and the file's identifier. Sets has_key when
// the empty password opens the file.
enum ov_status ov_pdf_crypt_open(struct ov_pdf *pdf, const struct ov_pdf_dict *trailer);

// How the crypt filter of this name encrypts.
enum ov_pdf_method ov_pdf_crypt_named(struct ov_pdf *pdf, struct ov_span name);

// Appends the plain bytes of a string or stream of the object.
void ov_pdf_decrypt(const struct ov_pdf *pdf, enum ov_pdf_method method,
                    const struct ov_pdf_object *object, struct ov_span bytes, struct ov_buf *plain);

// ---- what objects say of others -----------------------------------------------------------------

// Looks through one object, at any depth: tells scripts that stand in it, marks objects that are
// scripts or attached files, and notices names that are written in hexadecimal.
enum ov_status ov_pdf_survey(struct ov_pdf *pdf, uint32_t object);

// Appends the plain bytes of a string of the object, as UTF-8 where it says that it is UTF-16.
enum ov_status ov_pdf_string_decrypt(struct ov_pdf *pdf, const struct ov_pdf_object *object,
                                     const struct ov_pdf_token *string, struct ov_buf *plain);

// Tells a string of the object as a script.
enum ov_status ov_pdf_script_tell(struct ov_pdf *pdf, const struct ov_pdf_object *object,
                                  const struct ov_pdf_token *string);
