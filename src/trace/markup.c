// SPDX-License-Identifier: Apache-2.0
// What stands in a page, and what cannot.
#include "trace/markup.h"

#include "base/printable.h"

const char ov_trace_page_head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
    "<meta name=\"referrer\" content=\"no-referrer\">\n";

// None of them loads, runs, sends or leads anywhere.
static const char *const elements[] = {
    "title", "style", "head",  "body",  "header", "main",  "footer", "section", "h1",     "h2",
    "p",     "ul",    "li",    "table", "thead",  "tbody", "tr",     "th",      "td",     "span",
    "div",   "b",     "code",  "svg",   "g",      "rect",  "line",   "text",    "path",   "circle",
    "html",  "br",    "small", "dl",    "dt",     "dd",    "em",     "details", "summary"};

static bool is_letter(uint8_t byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
}

static bool is_ours(struct ov_span name) {
    bool is_one = false;
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
        is_one |= ov_span_is_text(name, elements[i]);
    }
    return is_one;
}

// Whether a `>`, a `/` or a space ends a name: what a browser takes as its end as well.
static bool is_name_end(uint8_t byte) {
    return byte == '>' || byte == ' ' || byte == '\n';
}

bool ov_trace_page_is_ours(struct ov_span page) {
    for (size_t at = ov_span_find(page, 0, '<'); at < page.size;
         at = ov_span_find(page, at + 1, '<')) {
        size_t start = at + 1;
        start += start < page.size && page.data[start] == '/' ? 1 : 0;
        size_t end = start;
        while (end < page.size && is_letter(page.data[end])) {
            end++;
        }
        if (end == page.size || !is_name_end(page.data[end]) ||
            !is_ours(ov_span_part(page, start, end - start))) {
            return false;
        }
    }
    return true;
}

void ov_trace_markup_add(struct ov_buf *out, struct ov_span text) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    ov_printable_add_lines(&plain, text); // what is no UTF-8 goes here, too
    out->has_failed |= plain.has_failed;
    for (size_t i = 0; i < plain.size; i++) {
        uint8_t byte = plain.data[i];
        const char *entity = byte == '<'                    ? "&lt;"
                             : byte == '>'                  ? "&gt;"
                             : byte == '&'                  ? "&amp;"
                             : byte == '"'                  ? "&quot;"
                             : byte == '\''                 ? "&#39;"
                             : byte == '\n' || byte == '\t' ? " "
                                                            : NULL;
        if (entity != NULL) {
            ov_buf_add_text(out, entity);
        } else {
            ov_buf_add_u8(out, byte);
        }
    }
}
