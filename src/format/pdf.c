// SPDX-License-Identifier: Apache-2.0
// PDF files: every stream decoded, scripts, attached files by their names (ISO 32000).
//
// First all objects are found, wherever they stand, then what is needed to read any of them (keys,
// object streams), then what each says of others (names of files, scripts), and last each is told.
#include "format/format.h"
#include "format/pdf/pdf.h"

enum {
    TRAILERS_MAX = 8,          // that speak of encryption
    INNER_BYTES = 1024,        // how far into a file %PDF- may stand
    PIXEL_BYTES_MAX = 1 << 20, // of the pixels of a picture that are told
    FILE_NAME_BYTES_MAX = 4096,
    WORK_BYTES = 64 << 20, // that may be read again, whatever the size of the file
    WORK_TIMES = 32,       // and how often all of it may be
};

static const uint64_t WORK_BYTES_MAX = UINT64_C(2) << 30;

// ---- what must be known before: keys, files in streams -----------------------------------------

static enum ov_status read_trailers(struct ov_pdf *pdf) {
    struct ov_span file = pdf->file;
    size_t at = 0;
    for (int i = 0; i < TRAILERS_MAX && !pdf->crypt.has_key && at < file.size;) {
        const uint8_t *hit = memmem(file.data + at, file.size - at, "trailer", 7);
        if (hit == NULL) {
            break;
        }
        at = (size_t)(hit - file.data) + 7;
        struct ov_pdf_dict dict;
        if (ov_pdf_dict_of(pdf, ov_span_from(file, at), &dict) &&
            dict.values[OV_PDF_ENCRYPT].size > 0) {
            TRY(ov_pdf_crypt_open(pdf, &dict));
            i++;
        }
    }
    return OV_OK;
}

static enum ov_status sort_out(struct ov_pdf *pdf) {
    uint32_t trailers = 0;
    for (uint32_t i = 0; i < pdf->count; i++) {
        TRY(ov_pdf_go_on(pdf));
        struct ov_pdf_stream stream;
        bool is_stream = ov_pdf_stream_read(pdf, &pdf->objects[i], &stream);
        struct ov_span type = stream.dict.values[OV_PDF_TYPE];
        if (is_stream && ov_pdf_value_is(type, "ObjStm")) {
            pdf->objects[i].flags |= OV_PDF_IS_PACK;
        }
        if (ov_pdf_value_is(type, "XRef") && stream.dict.values[OV_PDF_ENCRYPT].size > 0 &&
            !pdf->crypt.has_key && trailers++ < TRAILERS_MAX) {
            TRY(ov_pdf_crypt_open(pdf, &stream.dict));
        }
    }
    return OV_OK;
}

// Marks the objects in a stream that begins as a PDF of its own: its walker tells of them.
static uint32_t mark_inner(struct ov_pdf *pdf, uint32_t i) {
    struct ov_pdf_stream stream;
    if (!ov_pdf_stream_read(pdf, &pdf->objects[i], &stream)) {
        return i + 1;
    }
    struct ov_span start = ov_span_part(stream.raw, 0, INNER_BYTES);
    bool is_pdf = start.size > 0 && memmem(start.data, start.size, "%PDF-", 5) != NULL;
    size_t end = (size_t)(stream.raw.data - pdf->file.data) + stream.raw.size;
    for (i++; is_pdf && i < pdf->count && pdf->objects[i].at < end; i++) {
        pdf->objects[i].flags |= OV_PDF_IS_INNER;
    }
    return i;
}

// In an encrypted file the objects in such a stream may be meant for the key of this file.
static enum ov_status find_inner(struct ov_pdf *pdf) {
    struct ov_span rest = ov_span_from(pdf->file, 1); // its own mark may stand further on
    bool can_have = rest.size > 0 && memmem(rest.data, rest.size, "%PDF-", 5) != NULL;
    uint32_t i = can_have && !pdf->crypt.is_encrypted ? 0 : pdf->count;
    while (i < pdf->count) {
        TRY(ov_pdf_go_on(pdf));
        i = mark_inner(pdf, i);
    }
    return can_have ? ov_pdf_objects_sort(pdf) : OV_OK;
}

// Adds what stands in an object stream: pairs of a number and a place, then the values (7.5.7).
static enum ov_status add_packed(struct ov_pdf *pdf, uint32_t pack, int64_t count, int64_t first) {
    struct ov_pdf_object object = {.pack = pack + 1};
    struct ov_span all = ov_pdf_object_text(pdf, &object);
    struct ov_cursor in = ov_cursor_init(all);
    for (int64_t i = 0; i < count; i++) {
        struct ov_pdf_token number, place;
        ov_pdf_token_read(&in, &number);
        ov_pdf_token_read(&in, &place);
        if (number.kind != OV_PDF_NUMBER || place.kind != OV_PDF_NUMBER) {
            break;
        }
        object.number = (uint32_t)number.integer;
        object.at = (size_t)(first + place.integer);
        if (place.integer >= 0 && place.integer < (int64_t)all.size && object.at < all.size) {
            TRY(ov_pdf_object_add(pdf, &object));
        }
    }
    return OV_OK;
}

static enum ov_status open_pack(struct ov_pdf *pdf, uint32_t i) {
    struct ov_pdf_stream stream;
    const struct ov_pdf_object object = pdf->objects[i];
    size_t kept = pdf->packed.size, room = ov_walk_room(pdf->walk);
    if (!ov_pdf_stream_read(pdf, &object, &stream) || kept >= room) {
        return OV_OK;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    TRY(ov_pdf_stream_decode(pdf, &object, &stream, 0, room - kept, &plain));
    int64_t count = ov_pdf_integer(pdf, stream.dict.values[OV_PDF_N], INT64_MAX);
    int64_t first = ov_pdf_integer(pdf, stream.dict.values[OV_PDF_FIRST], 0);
    void *table = pdf->packs;
    TRY(ov_pdf_table_grow(pdf, &table, sizeof *pdf->packs, pdf->pack_count, &pdf->pack_room));
    pdf->packs = table;
    pdf->packs[pdf->pack_count++] =
        (struct ov_pdf_pack){.at = kept, .size = plain.size, .object = i};
    ov_buf_add(&pdf->packed, plain.data, plain.size);
    TRY(ov_buf_status(&pdf->packed));
    bool can_be = first >= 0 && first < (int64_t)plain.size;
    return can_be ? add_packed(pdf, pdf->pack_count - 1, count, first) : OV_OK;
}

static enum ov_status open_packs(struct ov_pdf *pdf) {
    uint32_t count = pdf->count;
    for (uint32_t i = 0; i < count; i++) {
        if ((pdf->objects[i].flags & (OV_PDF_IS_PACK | OV_PDF_IS_INNER)) == OV_PDF_IS_PACK) {
            TRY(ov_pdf_go_on(pdf));
            TRY(open_pack(pdf, i));
        }
    }
    return pdf->count > count ? ov_pdf_objects_sort(pdf) : OV_OK;
}

// ---- telling -----------------------------------------------------------------------------------

// What an attached file is called; empty when nothing says it.
static enum ov_status add_name(struct ov_pdf *pdf, const struct ov_pdf_object *object,
                               struct ov_buf *name) {
    if (object->spec == 0) {
        return OV_OK;
    }
    const struct ov_pdf_spec *spec = &pdf->specs[object->spec - 1];
    struct ov_pdf_dict dict;
    struct ov_cursor text = ov_cursor_init(spec->text);
    TRY(ov_pdf_work(pdf, spec->text.size));
    ov_pdf_dict_read(&text, &dict);
    struct ov_span value = dict.values[OV_PDF_UF];
    const struct ov_pdf_object *owner = &pdf->objects[spec->object];
    value = ov_pdf_resolve(pdf, value.size > 0 ? value : dict.values[OV_PDF_F], 0, &owner);
    struct ov_cursor in = ov_cursor_init(value);
    struct ov_pdf_token token;
    ov_pdf_token_read(&in, &token);
    bool is_string = token.kind == OV_PDF_STRING || token.kind == OV_PDF_HEX;
    return is_string && token.text.size <= FILE_NAME_BYTES_MAX
               ? ov_pdf_string_decrypt(pdf, owner, &token, name)
               : OV_OK;
}

// A stream, and when it is text in UTF-16, that text as UTF-8 too: scripts are written so.
static enum ov_status tell_bytes(struct ov_pdf *pdf, const struct ov_child *child) {
    TRY(ov_walk_child(pdf->walk, child));
    struct ov_span bytes = child->bytes;
    if (!ov_span_has_prefix(bytes, "\xfe\xff") && !ov_span_has_prefix(bytes, "\xff\xfe")) {
        return OV_OK;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    TRY(ov_pdf_work(pdf, bytes.size));
    ov_pdf_text_add(bytes, &plain);
    TRY(ov_buf_status(&plain));
    struct ov_span text = ov_span_part(ov_buf_span(&plain), 0, ov_walk_room(pdf->walk));
    return ov_walk_member(pdf->walk, text, child->name, OV_FILETYPE_TEXT_ASCII);
}

// The pixels of a picture are no file: the first of them will do to see that they are pixels.
// clamscan does not look at them at all.
static size_t find_room(struct ov_pdf *pdf, const struct ov_pdf_object *object,
                        const struct ov_pdf_stream *stream) {
    const struct ov_span *values = stream->dict.values;
    size_t room = ov_walk_room(pdf->walk);
    bool is_picture = ov_pdf_value_is(values[OV_PDF_SUBTYPE], "Image") &&
                      values[OV_PDF_WIDTH].size > 0 && values[OV_PDF_HEIGHT].size > 0 &&
                      (object->flags & (OV_PDF_IS_ATTACHED | OV_PDF_IS_SCRIPT)) == 0;
    bool is_packed = ov_pdf_stream_is_opaque(pdf, stream);
    return is_picture && !is_packed && room > PIXEL_BYTES_MAX ? PIXEL_BYTES_MAX : room;
}

static enum ov_status tell_stream(struct ov_pdf *pdf, const struct ov_pdf_object *object,
                                  const struct ov_pdf_stream *stream) {
    OV_CLEANUP(ov_buf_release) struct ov_buf name = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf first = {0};
    TRY(add_name(pdf, object, &name));
    struct ov_child child = {.kind = OV_CHILD_MEMBER,
                             .name = ov_buf_span(&name),
                             .packed_bytes = stream->raw.size,
                             .is_encrypted = ov_pdf_stream_is_locked(pdf, object, stream)};
    if (child.is_encrypted) {
        child.bytes = ov_span_part(stream->raw, 0, ov_walk_room(pdf->walk));
        child.plain_bytes = child.bytes.size;
        return ov_walk_child(pdf->walk, &child);
    }
    uint32_t count = ov_pdf_stream_readings(pdf, stream);
    for (uint32_t i = 0; i < count; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf other = {0};
        struct ov_buf *plain = i == 0 ? &first : &other;
        TRY(ov_pdf_stream_decode(pdf, object, stream, i, find_room(pdf, object, stream), plain));
        child.bytes = ov_buf_span(plain);
        child.plain_bytes = plain->size;
        if (i == 0 || !ov_span_is_equal(child.bytes, ov_buf_span(&first))) {
            TRY(tell_bytes(pdf, &child));
        }
    }
    return OV_OK;
}

static enum ov_status tell_object(struct ov_pdf *pdf, uint32_t i) {
    const struct ov_pdf_object *object = &pdf->objects[i];
    struct ov_pdf_stream stream;
    TRY(ov_pdf_go_on(pdf));
    if (ov_pdf_stream_read(pdf, object, &stream)) {
        return tell_stream(pdf, object, &stream);
    }
    if ((object->flags & OV_PDF_IS_SCRIPT) == 0) {
        return OV_OK;
    }
    struct ov_cursor in = ov_cursor_init(ov_pdf_object_text(pdf, object));
    struct ov_pdf_token token;
    ov_pdf_token_read(&in, &token);
    bool is_string = token.kind == OV_PDF_STRING || token.kind == OV_PDF_HEX;
    return is_string ? ov_pdf_script_tell(pdf, object, &token) : OV_OK;
}

static enum ov_status tell_all(struct ov_pdf *pdf) {
    for (uint32_t i = 0; i < pdf->count; i++) {
        if ((pdf->objects[i].flags & OV_PDF_IS_INNER) == 0) {
            TRY(ov_pdf_go_on(pdf));
            TRY(ov_pdf_survey(pdf, i));
        }
    }
    for (uint32_t i = 0; i < pdf->count; i++) {
        if ((pdf->objects[i].flags & OV_PDF_IS_INNER) == 0) {
            TRY(tell_object(pdf, i));
        }
    }
    return OV_OK;
}

// ---- the walk ----------------------------------------------------------------------------------

static void release(struct ov_pdf *pdf) {
    ov_buf_release(&pdf->packed);
}

// What is left undone because a budget ran out is noted there; what was found is told all the same.
static enum ov_status pass(enum ov_status status) {
    return status == OV_LIMIT ? OV_OK : status;
}

static enum ov_status walk_pdf(struct ov_cursor *in, struct ov_walk *walk) {
    uint64_t scan_bytes = walk->budget->limits.scan_bytes;
    scan_bytes = scan_bytes != 0 ? scan_bytes : WORK_BYTES_MAX;
    OV_CLEANUP(release)
    struct ov_pdf pdf = {
        .walk = walk,
        .file = in->bytes,
        .work_left = WORK_BYTES + WORK_TIMES * (uint64_t)in->bytes.size +
                     2 * (scan_bytes < WORK_BYTES_MAX ? scan_bytes : WORK_BYTES_MAX),
    };
    TRY(pass(ov_pdf_objects_find(&pdf)));
    TRY(ov_pdf_objects_sort(&pdf));
    TRY(pass(read_trailers(&pdf)));
    TRY(pass(sort_out(&pdf)));
    TRY(pass(find_inner(&pdf)));
    TRY(pass(open_packs(&pdf)));
    if (pdf.crypt.is_encrypted && !pdf.crypt.has_key) {
        ov_walk_fact(walk, OV_FACT_ENCRYPTED);
    }
    TRY(tell_all(&pdf));
    bool is_broken = pdf.is_broken || pdf.count == 0;
    return is_broken ? OV_DAMAGED : pdf.has_unsupported ? OV_UNSUPPORTED : OV_OK;
}

// Anywhere, with version 1; at the start, with any.
static const struct ov_magic magics_pdf[] = {OV_MAGIC(0, "%PDF-"),
                                             OV_MAGIC(OV_MAGIC_ANYWHERE, "%PDF-1.")};

// Late, as in clamscan: the file's own bytes are matched first.
static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_PDF, OV_MAGICS(magics_pdf), .walk = walk_pdf, .is_late = true},
};

OV_FORMAT_SET(pdf, formats);
