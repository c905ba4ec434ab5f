// SPDX-License-Identifier: Apache-2.0
// Records to text, by the table of forms.
#include "trace/form.h"
#include "trace/text.h"
#include "trace/words.h"

enum { DEVICE_MINOR_BITS = 20, DEVICE_MINOR_MASK = (1 << DEVICE_MINOR_BITS) - 1 };

static void add_key(struct ov_buf *buf, const char *keyword) {
    ov_buf_add_text(buf, keyword);
    ov_buf_add_u8(buf, ' ');
}

// The items of a list, each on a line of its own, behind the line of the list, which is ended here.
static enum ov_status add_list(struct ov_buf *buf, const char *keyword,
                               const struct ov_trace_list *list) {
    size_t count = list->item_count < OV_TRACE_LIST_MAX ? list->item_count : OV_TRACE_LIST_MAX;
    ov_trace_number_add(buf, list->count > list->item_count ? list->count : list->item_count);
    size_t begin = buf->size;
    for (size_t i = 0; i < count && buf->size - begin <= OV_TRACE_LIST_BYTES_MAX; i++) {
        ov_buf_add_u8(buf, '\n');
        add_key(buf, keyword);
        ov_trace_text_add(buf, list->items[i]);
    }
    return OV_OK;
}

static bool is_zero(struct ov_span bytes) {
    uint8_t all = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        all |= bytes.data[i];
    }
    return all == 0;
}

static void add_hex_or_none(struct ov_buf *buf, struct ov_span bytes) {
    if (is_zero(bytes)) {
        ov_buf_add_u8(buf, '-');
    } else {
        ov_trace_hex_add(buf, bytes);
    }
}

static void add_process(struct ov_buf *buf, const struct ov_trace_pid *process) {
    ov_trace_number_add(buf, process->pid);
    ov_buf_add_u8(buf, ' ');
    ov_trace_number_add(buf, process->start_ns);
}

static void add_inode(struct ov_buf *buf, const struct ov_trace_inode *inode) {
    ov_trace_number_add(buf, inode->device >> DEVICE_MINOR_BITS);
    ov_buf_add_u8(buf, ':');
    ov_trace_number_add(buf, inode->device & DEVICE_MINOR_MASK);
    ov_buf_add_u8(buf, ' ');
    ov_trace_number_add(buf, inode->inode);
    ov_buf_add_u8(buf, ' ');
    ov_trace_number_add(buf, inode->generation);
}

static enum ov_status add_routes(struct ov_buf *buf, uint32_t routes) {
    const char *between = "";
    if (routes >> OV_TRACE_ROUTES != 0) {
        return OV_INVALID;
    }
    if (routes == 0) {
        ov_buf_add_u8(buf, '-');
    }
    for (unsigned i = 0; i < OV_TRACE_ROUTES; i++) {
        if ((routes >> i & 1) != 0) {
            ov_buf_add_text(buf, between);
            ov_buf_add_text(buf, ov_trace_route_words[i]);
            between = ",";
        }
    }
    return OV_OK;
}

static enum ov_status add_word(struct ov_buf *buf, const char *const *words, uint32_t value) {
    for (uint32_t i = 0; words[i] != NULL; i++) {
        if (i == value) {
            ov_buf_add_text(buf, words[i]);
            return OV_OK;
        }
    }
    return OV_INVALID;
}

static void add_losses(struct ov_buf *buf, const struct ov_trace_loss *losses, size_t count) {
    for (size_t i = 0; i < count; i++) {
        ov_buf_add_text(buf, "loss ");
        ov_trace_number_add(buf, losses[i].count);
        ov_buf_add_u8(buf, ' ');
        ov_trace_text_add(buf, losses[i].name);
        ov_buf_add_u8(buf, '\n');
    }
}

static uint32_t load_u32(const void *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

// What stands behind the keyword. `at` is where the value lies in the record, `second` the flag of
// a status.
static enum ov_status add_value(struct ov_buf *buf, const struct ov_trace_field *field,
                                const void *at, const void *second) {
    switch (field->kind) {
    case OV_TRACE_FIELD_U64:
        ov_trace_number_add(buf, *(const uint64_t *)at);
        return OV_OK;
    case OV_TRACE_FIELD_U32:
        ov_trace_number_add(buf, load_u32(at));
        return OV_OK;
    case OV_TRACE_FIELD_I64:
        ov_trace_integer_add(buf, *(const int64_t *)at);
        return OV_OK;
    case OV_TRACE_FIELD_TIME:
        ov_trace_time_add(buf, *(const uint64_t *)at);
        return OV_OK;
    case OV_TRACE_FIELD_TEXT:
        ov_trace_text_add(buf, *(const struct ov_span *)at);
        return OV_OK;
    case OV_TRACE_FIELD_LIST:
        return add_list(buf, field->item, at);
    case OV_TRACE_FIELD_BOOT:
        ov_trace_hex_add(buf, ov_span_make(at, OV_TRACE_BOOT_BYTES));
        return OV_OK;
    case OV_TRACE_FIELD_CHAIN:
        ov_trace_hex_add(buf, ov_span_make(at, OV_SHA256_BYTES));
        return OV_OK;
    case OV_TRACE_FIELD_SHA256:
        add_hex_or_none(buf, ov_span_make(at, OV_SHA256_BYTES));
        return OV_OK;
    case OV_TRACE_FIELD_COVERAGE:
        add_hex_or_none(buf, ov_span_make(at, OV_TRACE_COVERAGE_BYTES));
        return OV_OK;
    case OV_TRACE_FIELD_PROCESS:
        add_process(buf, at);
        return OV_OK;
    case OV_TRACE_FIELD_INODE:
        add_inode(buf, at);
        return OV_OK;
    case OV_TRACE_FIELD_ROUTES:
        return add_routes(buf, load_u32(at));
    case OV_TRACE_FIELD_WORD:
        return add_word(buf, field->words, load_u32(at));
    case OV_TRACE_FIELD_TRUTH:
        return add_word(buf, ov_trace_truth_words, *(const bool *)at ? 1 : 0);
    case OV_TRACE_FIELD_STATUS:
        if (*(const bool *)second) {
            ov_trace_number_add(buf, load_u32(at));
        } else {
            ov_buf_add_u8(buf, '-');
        }
        return OV_OK;
    case OV_TRACE_FIELD_LOSSES: // lines of their own
        return OV_OK;
    }
    return OV_INVALID;
}

enum ov_status ov_trace_record_add(struct ov_buf *buf, enum ov_trace_type type,
                                   const void *record) {
    const struct ov_trace_form *form = ov_trace_form_of(type);
    size_t begin = buf->size;
    if (!ov_trace_form_is_sound(type, record)) {
        return OV_INVALID;
    }
    ov_buf_add_text(buf, ov_trace_type_words[type]);
    ov_buf_add_u8(buf, '\n');
    for (size_t i = 0; i < form->count; i++) {
        const struct ov_trace_field *field = &form->fields[i];
        const void *at = (const char *)record + field->offset;
        const void *second = (const char *)record + field->second_offset;
        if (field->kind == OV_TRACE_FIELD_LOSSES) {
            add_losses(buf, *(const struct ov_trace_loss *const *)at, *(const size_t *)second);
        } else {
            add_key(buf, field->keyword);
            TRY(add_value(buf, field, at, second));
            ov_buf_add_u8(buf, '\n');
        }
    }
    TRY(ov_buf_status(buf));
    return buf->size - begin <= OV_TRACE_RECORD_BYTES_MAX ? OV_OK : OV_INVALID;
}
