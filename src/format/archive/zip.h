// SPDX-License-Identifier: Apache-2.0
//
// The inside of the zip walker: what headers say of a member, and the member's bytes.
//
// APPNOTE.TXT 6.3.10 is the specification; numbers of sections are its own. A member is told twice,
// in its local header and in the central directory, and programs differ in which of the two they
// believe: each is a reading, and the walker tells both where they lead to different bytes.
// Worker process only.
#pragma once

#include "format/walk.h"

// What one header says.
struct ov_zip_reading {
    struct ov_span name;
    uint16_t flags, method;
    uint32_t checksum;
    uint64_t packed_bytes, plain_bytes;
    bool is_open; // sizes and checksum follow the data (a data descriptor), and are not known
};

// One member. Without a local header its data lies where one would end.
struct ov_zip_member {
    struct ov_zip_reading central; // of the directory's entry, if it has one
    bool has_central;
    bool is_elsewhere; // on another disk of a split archive
    uint64_t local_at; // of its local header
    uint32_t number;   // of its entry in the directory
};

// One walk of one archive.
struct ov_zip {
    struct ov_span file;
    struct ov_walk *walk;
    struct ov_zip_member *members; // of the directories, in order of their places
    size_t count;
    uint32_t told;         // parts, also those without bytes
    uint64_t search_left;  // bytes that may still be searched for descriptors
    enum ov_status status; // the worst that was met
    bool is_encrypted, is_overlapping, is_split;
    uint32_t overlaps;
    uint64_t before_at, before_data_at, before_end; // of the member before, if its end is known
};

enum {
    OV_ZIP_FLAG_ENCRYPTED = 1,
    OV_ZIP_FLAG_DESCRIPTOR = 8,
    OV_ZIP_METHOD_STORED = 0,
    OV_ZIP_METHOD_DEFLATE = 8,
    OV_ZIP_METHOD_AES = 99,
    OV_ZIP_LOCAL_BYTES = 30,   // of a local header without name and extra fields
    OV_ZIP_CENTRAL_BYTES = 46, // of a directory's entry without name, extra fields and comment
    OV_ZIP_END_BYTES = 22,     // of the end of the directory without comment
};

// Reads a directory's entry and moves on. `base`: where the archive begins in the object.
// OV_DAMAGED: no entry is there, or it ends too soon.
enum ov_status ov_zip_read_central(struct ov_cursor *in, uint64_t base,
                                   struct ov_zip_member *ret_member);

// Reads the local header at the cursor and moves on to the data. OV_DAMAGED as above.
enum ov_status ov_zip_read_local(struct ov_cursor *in, struct ov_zip_reading *ret_reading);

// Whether the method is one that some zip program has written (4.4.5).
bool ov_zip_is_method(unsigned method);

bool ov_zip_is_encrypted(const struct ov_zip_reading *reading);

// A directory as an end record places it; `base` is added to all places that it tells.
struct ov_zip_directory {
    uint64_t at, base;
};

enum { OV_ZIP_DIRECTORIES_MAX = 4 };

// What one end record says: where the directory may be, and whether other disks are missing.
struct ov_zip_end {
    struct ov_zip_directory directories[OV_ZIP_DIRECTORIES_MAX];
    uint32_t count; // 0: none of them begins with an entry
    bool is_split;
};

// Reads the end record at `at`, and its 64-bit twin if it has one.
struct ov_zip_end ov_zip_read_end(struct ov_span file, size_t at);

// Finds the central directory, or all of them that programs may find, and reads their entries into
// the archive's arena in order of their places. OV_MEMORY.
enum ov_status ov_zip_read_directories(struct ov_zip *zip);

// Where the last end record that leads to a directory says that this is; `count` 0: there is none.
struct ov_zip_end ov_zip_find_end(struct ov_span file);

// The closer type of a zip that holds an office document, or OV_FILETYPE_NONE.
enum ov_filetype ov_zip_document_type(struct ov_span file);

// Tells the sink of these bytes as what the header says.
enum ov_status ov_zip_tell(struct ov_zip *zip, const struct ov_zip_reading *reading,
                           struct ov_span bytes);

// Tells the sink of a member, in all its readings, and where its data ends for whoever looks for
// what follows. `limit`: where the next one that is known begins. What the sink returned.
enum ov_status ov_zip_tell_member(struct ov_zip *zip, const struct ov_zip_member *member,
                                  uint64_t limit, uint64_t *ret_end);

// Remembers the worst status: what is missing counts more than what is broken.
void ov_zip_note(struct ov_zip *zip, enum ov_status status);

// The bytes of a member as one reading has it.
struct ov_zip_plain {
    struct ov_buf buf;    // memory, when there is any to release
    struct ov_span bytes; // what it unpacks to; may borrow from the file
    size_t used;          // bytes of the file that belong to it
    enum ov_status status;
};

// Unpacks what begins `data`, which goes on to the end of the file. What breaks off is kept.
void ov_zip_unpack(struct ov_span data, const struct ov_zip_reading *reading, struct ov_walk *walk,
                   struct ov_zip_plain *ret_plain);

void ov_zip_plain_release(struct ov_zip_plain *plain);

// Whether the first `size` bytes are there and have this CRC-32.
bool ov_zip_has_checksum(struct ov_span bytes, uint64_t size, uint32_t checksum);
