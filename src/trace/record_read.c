// SPDX-License-Identifier: Apache-2.0
// Text to records, by the table of forms: what is read is written again as it was, or damaged.
#include "base/cursor.h"
#include "trace/form.h"
#include "trace/text.h"
#include "trace/words.h"

enum { DEVICE_MINOR_BITS = 20, DEVICE_MAJOR_MAX = 4095, DEVICE_MINOR_MAX = 1048575 };

// Where a record is read from: its lines, and the memory for its texts.
struct source {
    struct ov_cursor lines;
    struct ov_arena *arena;
};

// The value of the next line when it has this keyword; else OV_END, and the line is still there.
static enum ov_status take_line(struct source *source, const char *keyword,
                                struct ov_span *ret_value) {
    struct ov_cursor ahead = source->lines;
    struct ov_span line = ov_cursor_until(&ahead, '\n');
    size_t size = strlen(keyword);
    if (!ov_span_has_prefix(line, keyword) || line.size < size + 2 || line.data[size] != ' ') {
        return OV_END;
    }
    source->lines = ahead;
    *ret_value = ov_span_from(line, size + 1);
    return OV_OK;
}

static enum ov_status read_u32(struct ov_span text, uint32_t *ret_number) {
    uint64_t number = 0;
    TRY(ov_trace_number_read(text, UINT32_MAX, &number));
    *ret_number = (uint32_t)number;
    return OV_OK;
}

static enum ov_status read_word(struct ov_span text, const char *const *words,
                                uint32_t *ret_value) {
    for (uint32_t i = 0; words[i] != NULL; i++) {
        if (ov_span_is_text(text, words[i])) {
            *ret_value = i;
            return OV_OK;
        }
    }
    return OV_DAMAGED;
}

static enum ov_status read_truth(struct ov_span text, bool *ret_is_true) {
    uint32_t value = 0;
    TRY(read_word(text, ov_trace_truth_words, &value));
    *ret_is_true = value != 0;
    return OV_OK;
}

// Zeros have their own spelling.
static enum ov_status read_hex_or_none(struct ov_span text, uint8_t *ret_bytes, size_t size) {
    uint8_t all = 0;
    if (ov_span_is_text(text, "-")) {
        memset(ret_bytes, 0, size);
        return OV_OK;
    }
    TRY(ov_trace_hex_read(text, ret_bytes, size));
    for (size_t i = 0; i < size; i++) {
        all |= ret_bytes[i];
    }
    return all != 0 ? OV_OK : OV_DAMAGED;
}

static enum ov_status read_process(struct ov_span text, struct ov_trace_pid *ret_process) {
    struct ov_span pid;
    TRY(ov_trace_part_take(&text, ' ', &pid));
    TRY(read_u32(pid, &ret_process->pid));
    return ov_trace_number_read(text, UINT64_MAX, &ret_process->start_ns);
}

static enum ov_status read_inode(struct ov_span text, struct ov_trace_inode *ret_inode) {
    struct ov_span part;
    uint64_t major = 0;
    uint64_t minor = 0;
    TRY(ov_trace_part_take(&text, ':', &part));
    TRY(ov_trace_number_read(part, DEVICE_MAJOR_MAX, &major));
    TRY(ov_trace_part_take(&text, ' ', &part));
    TRY(ov_trace_number_read(part, DEVICE_MINOR_MAX, &minor));
    TRY(ov_trace_part_take(&text, ' ', &part));
    TRY(ov_trace_number_read(part, UINT64_MAX, &ret_inode->inode));
    ret_inode->device = (uint32_t)(major << DEVICE_MINOR_BITS | minor);
    return ov_trace_number_read(text, UINT64_MAX, &ret_inode->generation);
}

// In the order of the table, none twice.
static enum ov_status read_routes(struct ov_span text, uint32_t *ret_routes) {
    uint32_t routes = 0;
    if (ov_span_is_text(text, "-")) {
        *ret_routes = 0;
        return OV_OK;
    }
    bool is_last = false;
    while (!is_last) {
        struct ov_span part;
        uint32_t route = 0;
        is_last = ov_trace_part_take(&text, ',', &part) != OV_OK;
        TRY(read_word(is_last ? text : part, ov_trace_route_words, &route));
        if (routes >> route != 0) {
            return OV_DAMAGED;
        }
        routes |= 1u << route;
    }
    *ret_routes = routes;
    return OV_OK;
}

static enum ov_status read_list(struct source *source, const char *keyword, struct ov_span text,
                                struct ov_trace_list *ret_list) {
    struct ov_trace_list list = {0};
    struct ov_span value;
    TRY(ov_trace_number_read(text, UINT64_MAX, &list.count));
    size_t most = list.count < OV_TRACE_LIST_MAX ? (size_t)list.count : OV_TRACE_LIST_MAX;
    struct ov_span *items = ov_arena_array(source->arena, most, sizeof *items);
    size_t begin = source->lines.at;
    if (items == NULL && most > 0) {
        return OV_MEMORY;
    }
    while (take_line(source, keyword, &value) == OV_OK) {
        size_t before = source->lines.at - value.size - strlen(keyword) - 2;
        if (list.item_count == most || before - begin > OV_TRACE_LIST_BYTES_MAX) {
            return OV_DAMAGED;
        }
        TRY(ov_trace_text_read(value, source->arena, &items[list.item_count++]));
    }
    list.items = items;
    *ret_list = list;
    return OV_OK;
}

static enum ov_status read_losses(struct source *source, const char *keyword,
                                  const struct ov_trace_loss **ret_losses, size_t *ret_count) {
    struct ov_trace_loss *losses =
        ov_arena_array(source->arena, OV_TRACE_LOSSES_MAX, sizeof *losses);
    struct ov_span value;
    struct ov_span number;
    size_t count = 0;
    if (losses == NULL) {
        return OV_MEMORY;
    }
    for (; take_line(source, keyword, &value) == OV_OK; count++) {
        if (count == OV_TRACE_LOSSES_MAX) {
            return OV_DAMAGED;
        }
        TRY(ov_trace_part_take(&value, ' ', &number));
        TRY(ov_trace_number_read(number, UINT64_MAX, &losses[count].count));
        TRY(ov_trace_text_read(value, source->arena, &losses[count].name));
    }
    *ret_losses = losses;
    *ret_count = count;
    return OV_OK;
}

static enum ov_status read_status(struct ov_span text, uint32_t *ret_status, bool *ret_is_there) {
    *ret_is_there = !ov_span_is_text(text, "-");
    return *ret_is_there ? read_u32(text, ret_status) : OV_OK;
}

// One line's value to where it lies in the record; `second` for what has two.
static enum ov_status read_value(struct source *source, const struct ov_trace_field *field,
                                 struct ov_span text, void *at, void *second) {
    switch (field->kind) {
    case OV_TRACE_FIELD_U64:
        return ov_trace_number_read(text, UINT64_MAX, at);
    case OV_TRACE_FIELD_U32:
        return read_u32(text, at);
    case OV_TRACE_FIELD_I64:
        return ov_trace_integer_read(text, at);
    case OV_TRACE_FIELD_TIME:
        return ov_trace_time_read(text, at);
    case OV_TRACE_FIELD_TEXT:
        return ov_trace_text_read(text, source->arena, at);
    case OV_TRACE_FIELD_LIST:
        return read_list(source, field->item, text, at);
    case OV_TRACE_FIELD_BOOT:
        return ov_trace_hex_read(text, at, OV_TRACE_BOOT_BYTES);
    case OV_TRACE_FIELD_CHAIN:
        return ov_trace_hex_read(text, at, OV_SHA256_BYTES);
    case OV_TRACE_FIELD_SHA256:
        return read_hex_or_none(text, at, OV_SHA256_BYTES);
    case OV_TRACE_FIELD_COVERAGE:
        return read_hex_or_none(text, at, OV_TRACE_COVERAGE_BYTES);
    case OV_TRACE_FIELD_PROCESS:
        return read_process(text, at);
    case OV_TRACE_FIELD_INODE:
        return read_inode(text, at);
    case OV_TRACE_FIELD_ROUTES:
        return read_routes(text, at);
    case OV_TRACE_FIELD_WORD:
        return read_word(text, field->words, at);
    case OV_TRACE_FIELD_TRUTH:
        return read_truth(text, at);
    case OV_TRACE_FIELD_STATUS:
        return read_status(text, at, second);
    case OV_TRACE_FIELD_LOSSES:
        break;
    }
    return OV_DAMAGED;
}

static enum ov_status read_field(struct source *source, const struct ov_trace_field *field,
                                 void *record) {
    void *at = (char *)record + field->offset;
    void *second = (char *)record + field->second_offset;
    struct ov_span value;
    if (field->kind == OV_TRACE_FIELD_LOSSES) {
        return read_losses(source, field->keyword, at, second);
    }
    TRY(take_line(source, field->keyword, &value) == OV_OK ? OV_OK : OV_DAMAGED);
    return read_value(source, field, value, at, second);
}

enum ov_status ov_trace_record_read(struct ov_span bytes, struct ov_arena *arena,
                                    struct ov_trace_record *ret_record) {
    struct source source = {.lines = ov_cursor_init(bytes), .arena = arena};
    struct ov_trace_record record = {0};
    uint32_t type = 0;
    if (bytes.size == 0 || bytes.size > OV_TRACE_RECORD_BYTES_MAX ||
        bytes.data[bytes.size - 1] != '\n') {
        return OV_DAMAGED;
    }
    TRY(read_word(ov_cursor_until(&source.lines, '\n'), ov_trace_type_words, &type));
    record.type = (enum ov_trace_type)type;
    const struct ov_trace_form *form = ov_trace_form_of(record.type);
    for (size_t i = 0; i < form->count; i++) {
        TRY(read_field(&source, &form->fields[i], &record.begin)); // all begin at the same place
    }
    if (ov_cursor_left(&source.lines) > 0 || !ov_trace_form_is_sound(record.type, &record.begin)) {
        return OV_DAMAGED;
    }
    *ret_record = record;
    return OV_OK;
}
