// SPDX-License-Identifier: Apache-2.0
// HTML: pieces, plain text, white space, and scripts.
#include "format/html/html_links.h"
#include "format/html/html_runs.h"

#include "format/screnc.h"

enum { STUCK_STEPS = 64 }; // without a byte read: a state that leads nowhere

static const char screnc_mark[] = "#@~^";

// ---- pieces ------------------------------------------------------------------------------------

// Takes bytes from `in` up to the size of a piece, leaving zeros out. Returns how many it holds.
static size_t take_bytes(struct ov_html *html) {
    struct ov_span rest = ov_span_from(html->in, html->in_at);
    struct ov_span first = ov_span_part(rest, 0, OV_HTML_PIECE_BYTES);
    size_t size = ov_span_find(first, 0, 0);
    memcpy(html->piece, first.data, size);
    size_t at = size;
    for (; size < first.size && at < rest.size && size < OV_HTML_PIECE_BYTES; at++) {
        if (rest.data[at] != 0) {
            html->piece[size++] = rest.data[at];
        }
    }
    html->in_at += at;
    return size;
}

// Ends the piece behind its last white space, if the document does not go on with one.
static size_t cut_piece(struct ov_html *html, size_t size) {
    if (html->in_at >= html->in.size || ov_html_is_space(html->in.data[html->in_at])) {
        return size;
    }
    size_t cut = size;
    while (cut > 1 && !ov_html_is_space(html->piece[cut - 1])) {
        cut--;
    }
    return cut > 1 ? cut : size;
}

bool ov_html_read_piece(struct ov_html *html) {
    if (html->in_at >= html->in.size) {
        return false;
    }
    size_t size = take_bytes(html), cut = cut_piece(html, size);
    html->in_at -= size - cut;
    html->piece[cut] = 0;
    html->at = 0;
    return true;
}

// ---- plain text --------------------------------------------------------------------------------

static void step_broken(struct ov_html *html) {
    html->failure = OV_DAMAGED;
}

static void step_skip(struct ov_html *html) {
    if (ov_html_is_space(ov_html_byte(html))) {
        html->at++;
    } else {
        ov_html_go_on(html);
    }
}

static void step_trim(struct ov_html *html) {
    if (ov_html_is_space(ov_html_byte(html))) {
        html->at++;
        return;
    }
    if (html->inside == OV_HTML_NOTHING) {
        ov_buf_add_u8(&html->plain, ' ');
    }
    ov_html_go_on(html);
}

static void add_to_both(struct ov_html *html, uint8_t plain, uint8_t text) {
    ov_buf_add_u8(&html->plain, plain);
    ov_buf_add_u8(&html->text, text);
}

bool ov_html_is_full_stop(uint32_t high, uint8_t next) {
    bool is_wide = high == 0xe38082 || high == 0xefbc8e || high == 0xefb992;
    return is_wide || (high == 0xa1 && (next == 0x43 || next == 0x44 || next == 0x4f));
}

// Up to three bytes at once: the full stops of other scripts become dots. In the view without tags
// the second of them stands twice; that is as rules know it.
static void step_high(struct ov_html *html) {
    uint8_t byte = ov_html_byte(html);
    if (byte >= 0x80 && html->high < 0x10000) {
        html->high = html->high << 8 | byte;
        html->at++;
        return;
    }
    uint8_t bytes[3] = {(uint8_t)(html->high >> 16), (uint8_t)(html->high >> 8),
                        (uint8_t)html->high};
    if (ov_html_is_full_stop(html->high, byte)) {
        add_to_both(html, '.', '.');
        if (html->high == 0xa1) {
            html->at++;
            html->high = 0;
            return;
        }
    } else {
        if (bytes[0] != 0) {
            add_to_both(html, bytes[0], bytes[0]);
        }
        if (bytes[0] != 0 || bytes[1] != 0) {
            add_to_both(html, bytes[1], bytes[1]);
        }
        add_to_both(html, bytes[2], bytes[1]);
    }
    html->high = 0;
    html->state = html->next;
    html->next = OV_HTML_PLAIN;
}

static void add_plain(struct ov_html *html, uint8_t byte) {
    uint8_t lower = ov_html_lower(byte);
    bool is_code = html->inside != OV_HTML_NOTHING;
    lower = is_code && lower == '\'' ? '"' : lower;
    ov_buf_add_u8(&html->plain, lower);
    if (is_code) {
        return;
    }
    if (byte < ' ') {
        ov_html_add_space(html);
    } else {
        ov_buf_add_u8(&html->text, lower);
        html->is_after_space = false;
    }
}

static void step_plain(struct ov_html *html) {
    if (ov_html_run_plain(html)) {
        return;
    }
    uint8_t byte = ov_html_byte(html);
    if (ov_html_is_space(byte)) {
        ov_html_add_space(html);
        html->state = OV_HTML_TRIM;
        html->next = OV_HTML_PLAIN;
        return;
    }
    if (byte == '<') {
        ov_html_links_pause(html);
    }
    html->at++;
    if (byte == '<') {
        ov_buf_add_u8(&html->plain, '<');
        ov_html_add_space(html);
        html->tag.size = 0;
        ov_html_skip_soon(html, OV_HTML_TAG);
    } else if (byte == '&') {
        ov_html_add_space(html);
        html->state = OV_HTML_REFERENCE;
        html->next = OV_HTML_PLAIN;
    } else if (byte >= 0x80) {
        html->state = OV_HTML_HIGH;
        html->next = OV_HTML_PLAIN;
        html->high = byte;
    } else {
        add_plain(html, byte);
    }
}

// ---- encoded scripts ---------------------------------------------------------------------------

// What is left of the piece.
static struct ov_span get_rest(const struct ov_html *html) {
    struct ov_span piece = ov_span_make(html->piece, sizeof html->piece);
    return ov_span_part(piece, html->at, ov_span_find(piece, html->at, 0) - html->at);
}

// Makes a comment of the mark, so that what follows it is a line of its own.
static void hide_mark(struct ov_html *html, size_t at) {
    html->piece[at] = html->piece[at + 1] = '/';
}

static void step_look_for(struct ov_html *html) {
    html->seeks_screnc = true;
    struct ov_span rest = get_rest(html);
    html->screnc_at = 0;
    for (size_t i = 0; i < rest.size && html->screnc_at == 0; i++) {
        i = ov_span_find(rest, i, (uint8_t)screnc_mark[0]);
        if (ov_span_has_prefix(ov_span_from(rest, i), screnc_mark)) {
            hide_mark(html, html->at + i);
            html->screnc_at = html->at + i + sizeof screnc_mark - 1;
        }
    }
    html->state = html->next;
    html->next = html->saved;
}

static void step_encoded(struct ov_html *html) {
    if (ov_span_has_prefix(get_rest(html), screnc_mark)) {
        hide_mark(html, html->at);
        html->at += sizeof screnc_mark - 1;
        html->state = OV_HTML_ENCODED_SIZE;
        html->next = OV_HTML_BROKEN;
    } else {
        ov_buf_add_u8(&html->plain, ov_html_lower(ov_html_byte(html)));
        html->at++;
    }
}

static void step_encoded_size(struct ov_html *html) {
    html->next = OV_HTML_BROKEN;
    if (get_rest(html).size < OV_SCRENC_SIZE_BYTES) {
        html->state = OV_HTML_PLAIN;
        return;
    }
    html->screnc = ov_screnc_open(&html->piece[html->at]);
    html->has_screnc = true;
    html->at += OV_SCRENC_SIZE_BYTES;
    html->piece[html->at - 1] = '\n'; // ends the comment for the script reader
    html->state = OV_HTML_DECODE;
}

static void step_decode(struct ov_html *html) {
    ov_screnc_decode(&html->screnc, &html->piece[html->at]);
    html->has_screnc = html->screnc.left > 0;
    html->state = OV_HTML_PLAIN;
    html->next = OV_HTML_BROKEN;
}

// ---- scripts and styles ------------------------------------------------------------------------

void ov_html_feed_script(struct ov_html *html) {
    size_t begin = html->script_begin != SIZE_MAX ? html->script_begin : 0;
    size_t end = html->script_end != SIZE_MAX ? html->script_end : html->at;
    html->script_begin = html->script_end = SIZE_MAX;
    struct ov_span piece = ov_span_make(html->piece, sizeof html->piece);
    enum ov_status status = OV_OK;
    if (end > begin) {
        status = ov_script_feed(&html->script, ov_span_part(piece, begin, end - begin));
    }
    if (html->inside == OV_HTML_NOTHING && status == OV_OK) {
        status = ov_script_finish(&html->script, &html->scripts);
    }
    html->failure = status != OV_OK ? status : html->failure;
}

void ov_html_add_style(struct ov_html *html, size_t end) {
    if (end < html->style_begin) {
        html->failure = OV_DAMAGED;
        return;
    }
    ov_buf_add(&html->style, &html->piece[html->style_begin], end - html->style_begin);
}

// ---- all of it ---------------------------------------------------------------------------------

static ov_html_step *const steps[OV_HTML_STATE_COUNT] = {
    [OV_HTML_BROKEN] = step_broken,
    [OV_HTML_PLAIN] = step_plain,
    [OV_HTML_HIGH] = step_high,
    [OV_HTML_SKIP] = step_skip,
    [OV_HTML_TRIM] = step_trim,
    [OV_HTML_COMMENT] = ov_html_step_comment,
    [OV_HTML_TAG] = ov_html_step_tag,
    [OV_HTML_TAG_END] = ov_html_step_tag_end,
    [OV_HTML_ATTRIBUTE] = ov_html_step_attribute,
    [OV_HTML_EQUALS] = ov_html_step_equals,
    [OV_HTML_VALUE] = ov_html_step_value,
    [OV_HTML_REFERENCE] = ov_html_step_reference,
    [OV_HTML_ENTITY] = ov_html_step_entity,
    [OV_HTML_CHARACTER] = ov_html_step_character,
    [OV_HTML_DATA_TYPE] = ov_html_step_data_type,
    [OV_HTML_DATA_OPEN] = ov_html_step_data_open,
    [OV_HTML_DATA] = ov_html_step_data,
    [OV_HTML_DATA_BYTE] = ov_html_step_data_byte,
    [OV_HTML_DATA_CLOSE] = ov_html_step_data_close,
    [OV_HTML_HEX] = ov_html_step_hex,
    [OV_HTML_LOOK_FOR] = step_look_for,
    [OV_HTML_ENCODED] = step_encoded,
    [OV_HTML_ENCODED_SIZE] = step_encoded_size,
    [OV_HTML_DECODE] = step_decode,
};

static void read_bytes(struct ov_html *html) {
    unsigned stuck = 0;
    ov_html_links_resume(html);
    while (ov_html_is_space(ov_html_byte(html))) {
        html->at++;
    }
    while (ov_html_byte(html) != 0 && html->failure == OV_OK) {
        size_t before = html->at;
        if (!html->is_binary && ov_html_byte(html) == '\n') {
            html->piece[html->at] = ' ';
        }
        if (!html->is_binary && ov_html_byte(html) == '\r') {
            html->at++;
            continue;
        }
        steps[html->state](html);
        stuck = html->at == before ? stuck + 1 : 0;
        html->failure = stuck > STUCK_STEPS ? OV_DAMAGED : html->failure;
    }
}

// What is done at the end of each piece.
static void end_piece(struct ov_html *html) {
    ov_html_links_end_piece(html);
    if (html->script.is_open) {
        ov_html_feed_script(html);
    }
    if (html->inside == OV_HTML_STYLE && html->failure == OV_OK) {
        ov_html_add_style(html, html->at);
    }
}

// What the next piece begins with.
static void begin_piece(struct ov_html *html) {
    if (html->inside == OV_HTML_STYLE) {
        html->style_begin = 0;
    }
    if (html->has_screnc) {
        html->state = OV_HTML_DECODE;
        html->next = OV_HTML_BROKEN;
    } else if (html->seeks_screnc && html->screnc_at == 0 && html->state != OV_HTML_LOOK_FOR) {
        html->saved = html->next;
        html->next = html->state;
        html->state = OV_HTML_LOOK_FOR;
    }
    if (html->next == html->state) {
        html->next = OV_HTML_BROKEN;
    }
}

static enum ov_status check_buffers(const struct ov_html *html) {
    TRY(ov_buf_status(&html->plain));
    TRY(ov_buf_status(&html->text));
    TRY(ov_buf_status(&html->data));
    TRY(ov_buf_status(&html->data_ends));
    TRY(ov_buf_status(&html->attributes));
    return ov_buf_status(&html->style);
}

static enum ov_status read_pieces(struct ov_html *html) {
    bool has_piece = ov_html_read_piece(html);
    while (has_piece && html->failure == OV_OK) {
        TRY(ov_walk_has_time(html->walk));
        read_bytes(html);
        if (html->failure != OV_OK) {
            break;
        }
        end_piece(html);
        if (html->seeks_screnc && html->screnc_at != 0) {
            // What stands before the script is done; the rest is read once more, decoded.
            html->at = html->screnc_at;
            html->screnc_at = 0;
            html->state = OV_HTML_ENCODED_SIZE;
            html->next = OV_HTML_BROKEN;
            continue;
        }
        has_piece = ov_html_read_piece(html);
        begin_piece(html);
        TRY(check_buffers(html));
    }
    return html->failure;
}

enum ov_status ov_html_read(struct ov_html *html) {
    html->state = OV_HTML_PLAIN;
    html->script_begin = html->script_end = SIZE_MAX;
    html->read_words = html->read_words != NULL ? html->read_words : ov_page_words_best();
    enum ov_status status = read_pieces(html);
    if (status == OV_LIMIT || status == OV_MEMORY) {
        return status;
    }
    if (status == OV_OK) {
        ov_html_end_entity(html);
    }
    if (html->script.is_open) {
        TRY(ov_script_finish(&html->script, &html->scripts));
    }
    if (html->has_data) {
        ov_buf_add_u64le(&html->data_ends, html->data.size);
    }
    TRY(check_buffers(html));
    return status;
}

void ov_html_release(struct ov_html *html) {
    ov_buf_release(&html->attributes);
    ov_buf_release(&html->style);
    ov_buf_release(&html->plain);
    ov_buf_release(&html->text);
    ov_buf_release(&html->scripts);
    ov_buf_release(&html->data);
    ov_buf_release(&html->data_ends);
    ov_script_release(&html->script);
}
