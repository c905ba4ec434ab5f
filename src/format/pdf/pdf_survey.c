// SPDX-License-Identifier: Apache-2.0
// What the objects of a PDF say of others: scripts, names of attached files; and names that hide.
#include "base/hex.h"
#include "format/pdf/pdf.h"

enum {
    DICTS_MAX = 64,      // one inside another, to see what stands around /EF
    NAME_BYTES_MAX = 64, // of names that clamscan knows; longer ones are cut there
};

// ---- names written in hexadecimal --------------------------------------------------------------

// Names for which nobody has a reason to hide them: clamscan's list.
static bool is_common_name(struct ov_span name) {
    static const char *const names[] = {
        "A85",
        "AHx",
        "ASCII85Decode",
        "ASCIIHexDecode",
        "CCF",
        "CCITTFaxDecode",
        "Contents",
        "Crypt",
        "DCT",
        "DCTDecode",
        "EmbeddedFile",
        "Filter",
        "Fl",
        "FlateDecode",
        "Image",
        "JBIG2Decode",
        "JPXDecode",
        "JavaScript",
        "LZW",
        "LZWDecode",
        "Launch",
        "Length",
        "Linearized",
        "OpenAction",
        "Page",
        "R",
        "RL",
        "RunLengthDecode",
        "S",
        "Sig",
        "Standard",
        "Type",
        "V",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (ov_span_is_text(name, names[i])) {
            return true;
        }
    }
    return false;
}

// Reads a name behind its slash as clamscan does: up to a delimiter, or a # that means nothing.
static bool is_hidden_name(struct ov_cursor *in) {
    uint8_t name[NAME_BYTES_MAX - 1];
    size_t size = 0;
    bool is_hidden = false;
    while (ov_cursor_left(in) > 0 && size < sizeof name) {
        uint8_t byte = in->bytes.data[in->at];
        if (byte == '#') {
            struct ov_span digits = ov_span_part(in->bytes, in->at + 1, 2);
            if (ov_hex_read(digits, &name[size], 1) != OV_OK) {
                break;
            }
            size++;
            in->at += 3;
            is_hidden = true;
        } else if (memchr(" \t\r\n/>[]<(", byte, 10) != NULL) {
            break;
        } else {
            name[size++] = byte;
            in->at++;
        }
    }
    return is_hidden && is_common_name(ov_span_make(name, size));
}

// Every slash counts, as for clamscan: in strings and comments too.
static bool has_hidden_name(struct ov_span text) {
    struct ov_cursor in = ov_cursor_init(text);
    if (ov_span_find(text, 0, '#') == text.size) {
        return false;
    }
    for (in.at = ov_span_find(text, 0, '/'); in.at < text.size;
         in.at = ov_span_find(text, in.at, '/')) {
        in.at++;
        if (is_hidden_name(&in)) {
            return true;
        }
    }
    return false;
}

// ---- what objects say of others ----------------------------------------------------------------

// Marks all objects of a number, and notes what names them as a file.
static void mark(struct ov_pdf *pdf, struct ov_span reference, uint8_t flag, uint32_t spec) {
    int64_t number;
    if (!ov_pdf_is_reference(pdf, reference, &number)) {
        return;
    }
    struct ov_pdf_object *object;
    for (uint32_t i = 0; (object = ov_pdf_object_find(pdf, number, i)) != NULL; i++) {
        if ((object->flags & flag) != 0) {
            return; // and so have all others
        }
        object->flags |= flag;
        object->spec = spec != 0 ? spec : object->spec;
    }
}

// A file specification: the files behind /EF are called what /UF or /F says.
static enum ov_status take_spec(struct ov_pdf *pdf, uint32_t owner, struct ov_span text) {
    struct ov_pdf_dict spec, files;
    struct ov_cursor in = ov_cursor_init(text);
    ov_pdf_dict_read(&in, &spec);
    TRY(ov_pdf_work(pdf, spec.text.size));
    if (!ov_pdf_dict_of(pdf, spec.values[OV_PDF_EF], &files)) {
        return OV_OK;
    }
    void *table = pdf->specs;
    TRY(ov_pdf_table_grow(pdf, &table, sizeof *pdf->specs, pdf->spec_count, &pdf->spec_room));
    pdf->specs = table;
    pdf->specs[pdf->spec_count++] = (struct ov_pdf_spec){.text = spec.text, .object = owner};
    struct ov_cursor rest = ov_cursor_init(files.text);
    struct ov_pdf_token token;
    do { // /F, /UF, and old keys for other systems
        ov_pdf_token_read(&rest, &token);
        mark(pdf, ov_span_from(files.text, token.at), OV_PDF_IS_ATTACHED, pdf->spec_count);
    } while (token.kind != OV_PDF_END);
    return OV_OK;
}

enum ov_status ov_pdf_string_decrypt(struct ov_pdf *pdf, const struct ov_pdf_object *object,
                                     const struct ov_pdf_token *string, struct ov_buf *plain) {
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    TRY(ov_pdf_work(pdf, string->text.size));
    ov_pdf_string_add(string, &bytes);
    const struct ov_pdf_crypt *crypt = &pdf->crypt;
    bool is_locked = crypt->has_key && object->pack == 0 && object->number != crypt->number;
    if (is_locked && crypt->strings != OV_PDF_IDENTITY) {
        OV_CLEANUP(ov_buf_release) struct ov_buf open = {0};
        ov_pdf_decrypt(pdf, crypt->strings, object, ov_buf_span(&bytes), &open);
        TRY(ov_buf_status(&open));
        ov_pdf_text_add(ov_buf_span(&open), plain);
    } else {
        ov_pdf_text_add(ov_buf_span(&bytes), plain);
    }
    TRY(ov_buf_status(&bytes));
    return ov_buf_status(plain);
}

enum ov_status ov_pdf_script_tell(struct ov_pdf *pdf, const struct ov_pdf_object *object,
                                  const struct ov_pdf_token *string) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    TRY(ov_pdf_string_decrypt(pdf, object, string, &plain));
    struct ov_span text = ov_span_part(ov_buf_span(&plain), 0, ov_walk_room(pdf->walk));
    if (text.size < plain.size) {
        ov_walk_note_cut(pdf->walk);
    }
    struct ov_span none = ov_span_make(NULL, 0);
    if (text.size > 0) {
        TRY(ov_walk_member(pdf->walk, text, none, OV_FILETYPE_TEXT_ASCII));
    }
    // clamscan leaves the escapes of a literal string as they are, and rules were written so.
    bool has_escapes = string->kind == OV_PDF_STRING && !pdf->crypt.is_encrypted &&
                       string->text.size <= ov_walk_room(pdf->walk) &&
                       ov_span_find(string->text, 0, '\\') < string->text.size;
    return has_escapes ? ov_walk_member(pdf->walk, string->text, none, OV_FILETYPE_TEXT_ASCII)
                       : OV_OK;
}

// What stands behind /JS: a script, or a reference to one.
static enum ov_status take_script(struct ov_pdf *pdf, uint32_t i, struct ov_span value) {
    struct ov_cursor in = ov_cursor_init(value);
    struct ov_pdf_token token;
    ov_pdf_token_read(&in, &token);
    if (token.kind == OV_PDF_STRING || token.kind == OV_PDF_HEX) {
        return ov_pdf_script_tell(pdf, &pdf->objects[i], &token);
    }
    mark(pdf, value, OV_PDF_IS_SCRIPT, 0);
    return OV_OK;
}

// Where a survey stands: how deep, and where the dictionaries around it begin.
struct survey {
    uint32_t object;
    struct ov_cursor in;
    size_t depth, dict_count;
    size_t dicts[DICTS_MAX];
    bool has_dict;
};

static void open_dict(struct ov_pdf *pdf, struct survey *survey) {
    if (survey->dict_count < DICTS_MAX) {
        survey->dicts[survey->dict_count] = survey->in.at;
    }
    survey->dict_count++;
    if (!survey->has_dict) {
        survey->has_dict = true;
        struct ov_pdf_dict first;
        struct ov_cursor in = survey->in;
        ov_pdf_dict_read(&in, &first);
        if (first.is_closed && has_hidden_name(first.text)) {
            ov_walk_fact(pdf->walk, OV_FACT_OBFUSCATED);
        }
    }
}

static void survey_bracket(struct ov_pdf *pdf, struct survey *survey, enum ov_pdf_kind kind) {
    switch (kind) {
    case OV_PDF_DICT_OPEN:
        open_dict(pdf, survey);
        survey->depth++;
        break;
    case OV_PDF_ARRAY_OPEN:
        survey->depth++;
        break;
    case OV_PDF_DICT_CLOSE:
        survey->dict_count -= survey->dict_count > 0;
        survey->depth -= survey->depth > 0;
        break;
    case OV_PDF_ARRAY_CLOSE:
        survey->depth -= survey->depth > 0;
        break;
    default:
        break;
    }
}

static enum ov_status survey_name(struct ov_pdf *pdf, struct survey *survey, struct ov_span name) {
    struct ov_span all = survey->in.bytes;
    if (ov_pdf_name_is(name, "JS")) {
        return take_script(pdf, survey->object, ov_span_from(all, survey->in.at));
    }
    bool is_known = survey->dict_count > 0 && survey->dict_count <= DICTS_MAX;
    if (is_known && ov_pdf_name_is(name, "EF")) {
        size_t start = survey->dicts[survey->dict_count - 1];
        return take_spec(pdf, survey->object, ov_span_from(all, start));
    }
    return OV_OK;
}

enum ov_status ov_pdf_survey(struct ov_pdf *pdf, uint32_t i) {
    struct ov_span text = ov_pdf_object_text(pdf, &pdf->objects[i]);
    struct survey survey = {.object = i, .in = ov_cursor_init(text)};
    struct ov_pdf_token token;
    do {
        ov_pdf_token_read(&survey.in, &token);
        survey_bracket(pdf, &survey, token.kind);
        if (token.kind == OV_PDF_NAME) {
            TRY(survey_name(pdf, &survey, token.text));
        }
    } while (survey.depth > 0 && !ov_pdf_token_is_stop(&token));
    return ov_pdf_work(pdf, survey.in.at);
}
