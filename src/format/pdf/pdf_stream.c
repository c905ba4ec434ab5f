// SPDX-License-Identifier: Apache-2.0
// Streams of PDF: where their bytes are, and what stands behind their filters (ISO 32000-1, 7.3.8
// and 7.4).
#include "format/codec/codec.h"
#include "format/pdf/pdf.h"

enum {
    FILTERS_MAX = 64,
    READINGS_MAX = 4,
    SPACES_MAX = 32, // between the end of a stream and the word that says so
};

// ---- where the bytes are -----------------------------------------------------------------------

// Whether `endstream` (or, for those who forget it, `endobj`) stands at `at`, behind white space.
static bool is_end_at(struct ov_span file, size_t at) {
    for (int i = 0; i < SPACES_MAX && at < file.size && ov_pdf_is_space(file.data[at]); i++) {
        at++;
    }
    struct ov_span there = ov_span_from(file, at);
    return ov_span_has_prefix(there, "endstream") || ov_span_has_prefix(there, "endobj");
}

// The place of the next `endstream` at or after `from`. Streams that have none would all search to
// the end of the file: the last answer is kept, and holds for all starts in between.
static size_t find_stop(struct ov_pdf *pdf, size_t from) {
    struct ov_span file = pdf->file;
    if (from >= pdf->stop_from && from <= pdf->stop_at && pdf->stop_at != 0) {
        return pdf->stop_at;
    }
    const uint8_t *hit =
        from < file.size ? memmem(file.data + from, file.size - from, "endstream", 9) : NULL;
    pdf->stop_from = from;
    pdf->stop_at = hit != NULL ? (size_t)(hit - file.data) : file.size;
    return pdf->stop_at;
}

// Bytes of a stream whose length is missing or wrong: up to `endstream`, without the line end.
static struct ov_span find_raw(struct ov_pdf *pdf, size_t start) {
    struct ov_span file = pdf->file;
    size_t end = find_stop(pdf, start);
    pdf->is_broken = pdf->is_broken || end >= file.size;
    if (end > start && end < file.size && file.data[end - 1] == '\n') {
        end--;
    }
    if (end > start && end < file.size && file.data[end - 1] == '\r') {
        end--;
    }
    return ov_span_part(file, start, end > start ? end - start : 0);
}

// The bytes behind the word `stream`, behind which `in` stands.
static struct ov_span read_raw(struct ov_pdf *pdf, struct ov_cursor *in, struct ov_span length) {
    uint8_t byte = ov_cursor_left(in) > 0 ? in->bytes.data[in->at] : 0;
    in->at += byte == '\r' ? 1 : 0;
    byte = ov_cursor_left(in) > 0 ? in->bytes.data[in->at] : 0;
    in->at += byte == '\n' ? 1 : 0;
    size_t start = pdf->file.size - ov_cursor_left(in);
    int64_t size = ov_pdf_integer(pdf, length, -1);
    bool can_be = size >= 0 && (uint64_t)size <= pdf->file.size - start;
    if (can_be && is_end_at(pdf->file, start + (size_t)size)) {
        return ov_span_part(pdf->file, start, (size_t)size);
    }
    return find_raw(pdf, start);
}

bool ov_pdf_stream_read(struct ov_pdf *pdf, const struct ov_pdf_object *object,
                        struct ov_pdf_stream *ret_stream) {
    *ret_stream = (struct ov_pdf_stream){0};
    struct ov_cursor in = ov_cursor_init(ov_pdf_object_text(pdf, object));
    struct ov_pdf_token token;
    ov_pdf_token_read(&in, &token);
    if (token.kind == OV_PDF_DICT_OPEN) {
        ov_pdf_dict_read(&in, &ret_stream->dict);
        ov_pdf_token_read(&in, &token);
    }
    ov_pdf_note_work(pdf, in.at);
    if (object->pack != 0 || token.kind != OV_PDF_WORD || ret_stream->dict.text.data == NULL ||
        !ov_span_has_prefix(token.text, "stream")) {
        return false;
    }
    in.at = token.at + strlen("stream"); // what follows without a line end is data already
    ret_stream->raw = read_raw(pdf, &in, ret_stream->dict.values[OV_PDF_LENGTH]);
    return true;
}

// ---- which filters -----------------------------------------------------------------------------

enum filter { FLATE, LZW, ASCII_HEX, ASCII_85, RUN_LENGTH, CRYPT, PICTURE, UNKNOWN };

static enum filter name_filter(struct ov_span name) {
    static const struct {
        const char *name;
        enum filter filter;
    } names[] = {
        {"FlateDecode", FLATE},
        {"Fl", FLATE},
        {"LZWDecode", LZW},
        {"LZW", LZW},
        {"ASCIIHexDecode", ASCII_HEX},
        {"AHx", ASCII_HEX},
        {"ASCII85Decode", ASCII_85},
        {"A85", ASCII_85},
        {"RunLengthDecode", RUN_LENGTH},
        {"RL", RUN_LENGTH},
        {"Crypt", CRYPT},
        {"DCTDecode", PICTURE},
        {"DCT", PICTURE},
        {"JPXDecode", PICTURE},
        {"CCITTFaxDecode", PICTURE},
        {"CCF", PICTURE},
        {"JBIG2Decode", PICTURE},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (ov_pdf_name_is(name, names[i].name)) {
            return names[i].filter;
        }
    }
    return UNKNOWN;
}

// One step of a chain of filters.
struct step {
    enum filter filter;
    struct ov_span params; // a value, may be empty
};

struct chain {
    struct step steps[FILTERS_MAX];
    size_t count;
    bool is_cut;
};

// The value that names the filters. /F does so only in pictures within a page; some readers take it
// everywhere, and where it names a file it is no name.
static struct ov_span get_filters(const struct ov_pdf_dict *dict, bool is_first) {
    if (is_first) {
        return dict->first_filter;
    }
    return dict->values[OV_PDF_FILTER].size > 0 ? dict->values[OV_PDF_FILTER]
                                                : dict->values[OV_PDF_F];
}

// The text of the next value of an array; empty at its end.
static struct ov_span read_item(struct ov_pdf *pdf, struct ov_cursor *in) {
    struct ov_pdf_token token;
    ov_pdf_token_read(in, &token);
    if (token.kind == OV_PDF_END || token.kind == OV_PDF_ARRAY_CLOSE) {
        return ov_span_make(NULL, 0);
    }
    if (token.kind == OV_PDF_DICT_OPEN) {
        struct ov_pdf_dict dict;
        ov_pdf_dict_read(in, &dict);
    }
    int64_t number;
    struct ov_span text = ov_span_from(in->bytes, token.at);
    if (token.kind == OV_PDF_NUMBER && ov_pdf_is_reference(pdf, text, &number)) {
        ov_pdf_token_read(in, &token);
        ov_pdf_token_read(in, &token);
    }
    return ov_span_part(text, 0, text.size - ov_cursor_left(in));
}

// Behind the opening bracket if the value is an array.
static bool open_array(struct ov_cursor *in) {
    struct ov_cursor ahead = *in;
    struct ov_pdf_token token;
    ov_pdf_token_read(&ahead, &token);
    if (token.kind == OV_PDF_ARRAY_OPEN) {
        *in = ahead;
    }
    return token.kind == OV_PDF_ARRAY_OPEN;
}

static void add_step(struct ov_pdf *pdf, struct chain *chain, struct ov_span name,
                     struct ov_span params) {
    const struct ov_pdf_object *object = NULL;
    struct ov_cursor in = ov_cursor_init(ov_pdf_resolve(pdf, name, 0, &object));
    struct ov_pdf_token token;
    ov_pdf_token_read(&in, &token);
    if (token.kind != OV_PDF_NAME) {
        return;
    }
    if (chain->count == FILTERS_MAX) {
        chain->is_cut = true;
        return;
    }
    chain->steps[chain->count++] =
        (struct step){.filter = name_filter(token.text), .params = params};
}

// Reads the chain of filters. `nth`: which object, where the value refers to one.
static void read_chain(struct ov_pdf *pdf, const struct ov_pdf_dict *dict, struct ov_span filters,
                       uint32_t nth, struct chain *ret_chain) {
    *ret_chain = (struct chain){0};
    const struct ov_pdf_object *object = NULL;
    struct ov_span value = dict->values[OV_PDF_DECODE_PARMS];
    value = value.size > 0 ? value : dict->values[OV_PDF_DP];
    struct ov_cursor names = ov_cursor_init(ov_pdf_resolve(pdf, filters, nth, &object));
    struct ov_cursor params = ov_cursor_init(ov_pdf_resolve(pdf, value, 0, &object));
    bool has_params = open_array(&params);
    if (!open_array(&names)) {
        struct ov_span only = has_params ? read_item(pdf, &params) : params.bytes;
        add_step(pdf, ret_chain, names.bytes, only);
        return;
    }
    while (!ret_chain->is_cut) {
        struct ov_span name = read_item(pdf, &names);
        if (name.size == 0) {
            break;
        }
        // One dictionary beside an array is, for lenient readers, that of each filter.
        add_step(pdf, ret_chain, name, has_params ? read_item(pdf, &params) : params.bytes);
    }
    ov_pdf_note_work(pdf, names.at + params.at);
}

uint32_t ov_pdf_stream_readings(struct ov_pdf *pdf, const struct ov_pdf_stream *stream) {
    uint32_t count = 1;
    int64_t number;
    if (ov_pdf_is_reference(pdf, get_filters(&stream->dict, false), &number)) {
        while (count < READINGS_MAX && ov_pdf_object_find(pdf, number, count) != NULL) {
            count++;
        }
    }
    bool is_twice =
        stream->dict.first_filter.size > 0 &&
        !ov_span_is_equal(stream->dict.first_filter, stream->dict.values[OV_PDF_FILTER]);
    return count + is_twice;
}

static void read_reading(struct ov_pdf *pdf, const struct ov_pdf_stream *stream, uint32_t reading,
                         struct chain *ret_chain) {
    bool is_first = reading > 0 && stream->dict.first_filter.size > 0 &&
                    reading + 1 == ov_pdf_stream_readings(pdf, stream);
    read_chain(pdf, &stream->dict, get_filters(&stream->dict, is_first), is_first ? 0 : reading,
               ret_chain);
}

// ---- through the filters -----------------------------------------------------------------------

static struct ov_pdf_params read_params(struct ov_pdf *pdf, struct ov_span value) {
    struct ov_pdf_dict dict = {0};
    (void)ov_pdf_dict_of(pdf, value, &dict);
    return (struct ov_pdf_params){
        .predictor = ov_pdf_integer(pdf, dict.values[OV_PDF_PREDICTOR], 1),
        .colors = ov_pdf_integer(pdf, dict.values[OV_PDF_COLORS], 1),
        .bits = ov_pdf_integer(pdf, dict.values[OV_PDF_BITS_PER_COMPONENT], 8),
        .columns = ov_pdf_integer(pdf, dict.values[OV_PDF_COLUMNS], 1),
        .early_change = ov_pdf_integer(pdf, dict.values[OV_PDF_EARLY_CHANGE], 1),
    };
}

// zlib, and for what is none what lenient readers try: a line end too many in front, no header.
static enum ov_status unpack_flate(struct ov_pdf *pdf, struct ov_span packed,
                                   struct ov_buf *plain) {
    static const struct {
        enum ov_codec codec;
        size_t skip;
    } ways[] = {
        {OV_CODEC_ZLIB, 0}, {OV_CODEC_ZLIB, 1}, {OV_CODEC_DEFLATE, 2}, {OV_CODEC_DEFLATE, 0}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        size_t used;
        enum ov_status status = ov_codec_unpack(ways[i].codec, ov_span_from(packed, ways[i].skip),
                                                pdf->walk, plain, &used);
        if (status != OV_DAMAGED || plain->size > 0) {
            return status;
        }
    }
    return OV_DAMAGED;
}

static enum ov_status run_filter(struct ov_pdf *pdf, const struct step *step, struct ov_span packed,
                                 struct ov_buf *plain) {
    size_t room = ov_walk_room(pdf->walk);
    switch (step->filter) {
    case FLATE:
        return unpack_flate(pdf, packed, plain);
    case LZW:
        ov_pdf_lzw(packed, read_params(pdf, step->params).early_change != 0, room, plain);
        break;
    case ASCII_HEX:
        ov_pdf_ascii_hex(packed, room, plain);
        break;
    case ASCII_85:
        ov_pdf_ascii_85(packed, room, plain);
        break;
    default:
        ov_pdf_run_length(packed, room, plain);
    }
    if (plain->size >= room) {
        ov_walk_note_cut(pdf->walk);
    }
    return ov_buf_status(plain);
}

// Undoes the predictor of what is in `plain`.
static enum ov_status run_predictor(struct ov_pdf *pdf, const struct step *step,
                                    struct ov_buf *plain) {
    bool can_have = step->filter == FLATE || step->filter == LZW;
    if (!can_have || step->params.size == 0) {
        return OV_OK;
    }
    struct ov_pdf_params params = read_params(pdf, step->params);
    if (params.predictor < 2) {
        return OV_OK;
    }
    TRY(ov_pdf_work(pdf, plain->size));
    OV_CLEANUP(ov_buf_release) struct ov_buf flat = {0};
    if (!ov_pdf_unpredict(ov_buf_span(plain), &params, &flat)) {
        return OV_OK;
    }
    struct ov_buf predicted = *plain;
    *plain = flat;
    flat = predicted;
    return ov_buf_status(plain);
}

// How the stream is encrypted: as all of them, or as a Crypt filter says (7.6.5).
static enum ov_pdf_method find_method(struct ov_pdf *pdf, const struct ov_pdf_object *object,
                                      const struct ov_pdf_stream *stream,
                                      const struct chain *chain) {
    const struct ov_span *values = stream->dict.values;
    if (!pdf->crypt.is_encrypted || ov_pdf_value_is(values[OV_PDF_TYPE], "XRef")) {
        return OV_PDF_IDENTITY;
    }
    for (size_t i = 0; i < chain->count; i++) {
        struct ov_pdf_dict params = {0};
        if (chain->steps[i].filter == CRYPT) {
            (void)ov_pdf_dict_of(pdf, chain->steps[i].params, &params);
            return ov_pdf_crypt_named(pdf, params.values[OV_PDF_NAME_KEY]);
        }
    }
    if (pdf->crypt.is_metadata_plain && ov_pdf_value_is(values[OV_PDF_TYPE], "Metadata")) {
        return OV_PDF_IDENTITY;
    }
    bool is_file = ov_pdf_value_is(values[OV_PDF_TYPE], "EmbeddedFile") ||
                   (object->flags & OV_PDF_IS_ATTACHED) != 0;
    return is_file ? pdf->crypt.files : pdf->crypt.streams;
}

bool ov_pdf_stream_is_locked(struct ov_pdf *pdf, const struct ov_pdf_object *object,
                             const struct ov_pdf_stream *stream) {
    struct chain chain;
    read_reading(pdf, stream, 0, &chain);
    return !pdf->crypt.has_key && find_method(pdf, object, stream, &chain) != OV_PDF_IDENTITY;
}

bool ov_pdf_stream_is_opaque(struct ov_pdf *pdf, const struct ov_pdf_stream *stream) {
    struct chain chain;
    read_reading(pdf, stream, 0, &chain);
    for (size_t i = 0; i < chain.count; i++) {
        if (chain.steps[i].filter == PICTURE) {
            return true;
        }
    }
    return false;
}

// Runs the chain over what `plain` holds, or over `raw` at first.
static enum ov_status run_chain(struct ov_pdf *pdf, const struct chain *chain, struct ov_span raw,
                                struct ov_buf *plain, bool *ret_is_raw) {
    struct ov_span packed = raw;
    for (size_t i = 0; i < chain->count; i++) {
        const struct step *step = &chain->steps[i];
        if (step->filter == CRYPT) {
            continue; // done before
        }
        if (step->filter == PICTURE || step->filter == UNKNOWN) {
            pdf->has_unsupported = pdf->has_unsupported || step->filter == UNKNOWN;
            return OV_OK;
        }
        OV_CLEANUP(ov_buf_release) struct ov_buf next = {0};
        TRY(ov_pdf_work(pdf, packed.size));
        enum ov_status status = run_filter(pdf, step, packed, &next);
        if (status == OV_MEMORY) {
            return status;
        }
        TRY(ov_pdf_work(pdf, next.size));
        pdf->is_broken = pdf->is_broken || (status == OV_DAMAGED && next.size == 0);
        if (next.size == 0 && packed.size > 0) {
            return OV_OK; // no such thing: what came before it is told
        }
        TRY(run_predictor(pdf, step, &next));
        struct ov_buf before = *plain;
        *plain = next;
        next = before;
        *ret_is_raw = false;
        packed = ov_buf_span(plain);
    }
    return OV_OK;
}

enum ov_status ov_pdf_stream_decode(struct ov_pdf *pdf, const struct ov_pdf_object *object,
                                    const struct ov_pdf_stream *stream, uint32_t reading,
                                    size_t room, struct ov_buf *plain) {
    struct chain chain;
    read_reading(pdf, stream, reading, &chain);
    if (chain.is_cut) {
        ov_budget_note(pdf->walk->budget, OV_LIMIT_RECURSION);
    }
    struct ov_span raw = stream->raw;
    OV_CLEANUP(ov_buf_release) struct ov_buf open = {0};
    enum ov_pdf_method method = find_method(pdf, object, stream, &chain);
    if (method != OV_PDF_IDENTITY && pdf->crypt.has_key) {
        TRY(ov_pdf_work(pdf, raw.size * 2));
        ov_pdf_decrypt(pdf, method, object, raw, &open);
        TRY(ov_buf_status(&open));
        raw = ov_buf_span(&open);
    }
    bool is_raw = true;
    TRY(run_chain(pdf, &chain, raw, plain, &is_raw));
    if (is_raw) {
        ov_buf_add(plain, raw.data, raw.size < room ? raw.size : room);
    }
    plain->size = plain->size < room ? plain->size : room;
    return ov_buf_status(plain);
}
