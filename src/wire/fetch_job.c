// SPDX-License-Identifier: Apache-2.0
// The job of a fetcher: lines of text, and the bodies of POSTs between them.
#include "wire/fetch.h"

#include "base/cursor.h"

#include <inttypes.h>
#include <stdlib.h>

enum { FIELDS_MAX = 6, LINE_BYTES_MAX = 8192 };

static const char first_line[] = "overt-fetch 1\n";

// ---- encoding ---------------------------------------------------------------------------------

static void add_span(struct ov_buf *out, struct ov_span text) {
    ov_buf_add(out, text.data, text.size);
}

// An address, or a dash for none.
static void add_address(struct ov_buf *out, struct ov_span address) {
    ov_buf_add_u8(out, ' ');
    add_span(out, address.size > 0 ? address : ov_span_text("-"));
}

void ov_fetch_job_encode(const struct ov_fetch_job *job, struct ov_buf *out) {
    ov_buf_reset(out);
    ov_buf_add_text(out, first_line);
    ov_buf_printf(out, "limits %" PRIu32 " %" PRIu64 "\n", job->deadline_ms, job->most_bytes);
    ov_buf_add_text(out, "authorities ");
    add_span(out, job->authorities);
    ov_buf_add_text(out, "\nbase");
    add_address(out, job->base);
    add_address(out, job->proxy);
    ov_buf_printf(out, "\nitems %" PRIu32 "\n", job->item_count);
}

void ov_fetch_item_encode(const struct ov_fetch_item *item, struct ov_buf *out) {
    if (!item->is_post) {
        ov_buf_printf(out, "get %s %" PRIu64, item->may_miss ? "may" : "must", item->most_bytes);
        add_address(out, item->name);
        ov_buf_add_u8(out, '\n');
        return;
    }
    ov_buf_printf(out, "post %" PRIu32 " %" PRIu64, item->limit_ms, item->most_bytes);
    add_address(out, item->name);
    add_address(out, item->proxy);
    ov_buf_printf(out, " %zu\n", item->body.size);
    add_span(out, item->body);
    ov_buf_add_u8(out, '\n');
}

// ---- decoding ---------------------------------------------------------------------------------

struct line {
    struct ov_span fields[FIELDS_MAX];
    size_t count;
};

// The next line, without its end; one without an end has failed.
static struct ov_span read_text(struct ov_cursor *in) {
    struct ov_span rest = ov_span_part(in->bytes, in->at, LINE_BYTES_MAX);
    if (ov_span_find(rest, 0, '\n') == rest.size) {
        in->has_failed = true;
        return ov_span_make(NULL, 0);
    }
    return ov_cursor_until(in, '\n');
}

// The next line, split at each single space.
static struct line read_line(struct ov_cursor *in) {
    struct line line = {0};
    struct ov_cursor text = ov_cursor_init(read_text(in));
    bool is_open = true;
    while (is_open && line.count < FIELDS_MAX) {
        struct ov_span field = ov_cursor_until(&text, ' ');
        line.fields[line.count++] = field;
        // A stop was consumed when more was taken than the field.
        size_t end = text.at;
        is_open = end > 0 && end <= text.bytes.size && text.bytes.data[end - 1] == ' ';
        in->has_failed = in->has_failed || field.size == 0;
    }
    in->has_failed = in->has_failed || is_open;
    return line;
}

static bool is_line(const struct line *line, const char *word, size_t count) {
    return line->count == count && ov_span_is_text(line->fields[0], word);
}

// Decimal digits without a zero in front, at most `most`.
static bool read_number(struct ov_span text, uint64_t most, uint64_t *ret_number) {
    uint64_t number = 0;
    if (text.size == 0 || (text.size > 1 && text.data[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        uint64_t digit = (uint64_t)text.data[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, digit, &number)) {
            return false;
        }
    }
    *ret_number = number;
    return number <= most;
}

static bool is_base(struct ov_span text) {
    struct ov_fetch_url url;
    return ov_fetch_url_parse(text, &url) == OV_OK && url.path.size > 0 &&
           url.path.data[url.path.size - 1] == '/';
}

static bool is_target(struct ov_span text) {
    struct ov_fetch_url url;
    return ov_fetch_url_parse(text, &url) == OV_OK && url.path.size > 0;
}

static bool is_proxy(struct ov_span text) {
    struct ov_fetch_url url;
    return ov_fetch_url_parse(text, &url) == OV_OK && url.path.size <= 1;
}

// A dash is taken as an empty span; another text must pass `is_sound`.
static bool read_address(struct ov_span text, bool (*is_sound)(struct ov_span),
                         struct ov_span *ret_address) {
    bool is_none = ov_span_is_text(text, "-");
    *ret_address = is_none ? ov_span_make(NULL, 0) : text;
    return is_none || is_sound(text);
}

static bool is_file(struct ov_span path) {
    return ov_span_has_prefix(path, "/") && path.size < LINE_BYTES_MAX / 2 &&
           ov_span_find(path, 0, 0) == path.size;
}

static enum ov_status read_head(struct ov_cursor *in, struct ov_fetch_job *job) {
    uint64_t deadline = 0;
    uint64_t count = 0;
    struct ov_span first = ov_cursor_bytes(in, sizeof first_line - 1);
    struct line limits = read_line(in);
    struct ov_span authorities = read_text(in);
    struct line base = read_line(in);
    struct line items = read_line(in);
    bool is_sound = !in->has_failed && ov_span_is_text(first, first_line) &&
                    is_line(&limits, "limits", 3) && is_line(&base, "base", 3) &&
                    is_line(&items, "items", 2) && ov_span_has_prefix(authorities, "authorities ");
    job->authorities = ov_span_from(authorities, sizeof "authorities");
    is_sound = is_sound && is_file(job->authorities) &&
               read_number(limits.fields[1], OV_FETCH_DEADLINE_MS_MAX, &deadline) &&
               read_number(limits.fields[2], UINT64_MAX, &job->most_bytes) &&
               read_address(base.fields[1], is_base, &job->base) &&
               read_address(base.fields[2], is_proxy, &job->proxy) &&
               read_number(items.fields[1], OV_FETCH_ITEMS_MAX, &count);
    job->deadline_ms = (uint32_t)deadline;
    job->item_count = (uint32_t)count;
    return is_sound ? OV_OK : OV_DAMAGED;
}

static enum ov_status read_get(const struct line *line, const struct ov_fetch_job *job,
                               struct ov_fetch_item *item) {
    item->may_miss = ov_span_is_text(line->fields[1], "may");
    item->name = line->fields[3];
    bool is_sound = job->base.size > 0 &&
                    (item->may_miss || ov_span_is_text(line->fields[1], "must")) &&
                    read_number(line->fields[2], UINT64_MAX, &item->most_bytes) &&
                    ov_fetch_path_is_sound(item->name);
    return is_sound ? OV_OK : OV_DAMAGED;
}

static enum ov_status read_post(const struct line *line, struct ov_cursor *in,
                                struct ov_fetch_item *item) {
    uint64_t limit = 0;
    uint64_t size = 0;
    item->is_post = true;
    bool is_sound = read_number(line->fields[1], OV_FETCH_DEADLINE_MS_MAX, &limit) &&
                    read_number(line->fields[2], UINT64_MAX, &item->most_bytes) &&
                    read_address(line->fields[3], is_target, &item->name) && item->name.size > 0 &&
                    read_address(line->fields[4], is_proxy, &item->proxy) &&
                    read_number(line->fields[5], OV_FETCH_BODY_BYTES, &size);
    if (!is_sound) {
        return OV_DAMAGED;
    }
    item->limit_ms = (uint32_t)limit;
    item->body = ov_cursor_bytes(in, size);
    return ov_cursor_u8(in) == '\n' ? OV_OK : OV_DAMAGED;
}

static enum ov_status read_item(struct ov_cursor *in, const struct ov_fetch_job *job,
                                struct ov_fetch_item *item) {
    struct line line = read_line(in);
    if (in->has_failed) {
        return OV_DAMAGED;
    }
    if (is_line(&line, "get", 4)) {
        return read_get(&line, job, item);
    }
    return is_line(&line, "post", 6) ? read_post(&line, in, item) : OV_DAMAGED;
}

enum ov_status ov_fetch_job_decode(struct ov_span text, struct ov_fetch_job *ret_job,
                                   struct ov_fetch_item **ret_items) {
    struct ov_cursor in = ov_cursor_init(text);
    struct ov_fetch_job job = {0};
    if (text.size > OV_FETCH_JOB_BYTES) {
        return OV_DAMAGED;
    }
    TRY(read_head(&in, &job));
    struct ov_fetch_item *items = calloc((size_t)job.item_count + 1, sizeof *items);
    if (items == NULL) {
        return OV_MEMORY;
    }
    enum ov_status status = OV_OK;
    for (uint32_t i = 0; i < job.item_count && status == OV_OK; i++) {
        status = read_item(&in, &job, &items[i]);
    }
    if (status == OV_OK && (in.has_failed || ov_cursor_left(&in) != 0)) {
        status = OV_DAMAGED;
    }
    if (status != OV_OK) {
        free(items);
        return status;
    }
    *ret_job = job;
    *ret_items = items;
    return OV_OK;
}
