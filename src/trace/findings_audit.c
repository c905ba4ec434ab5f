// SPDX-License-Identifier: Apache-2.0
// The rules of the kernel's audit that hide the product, in the words of auditctl(8): "-a
// never,exit -F pid=42".
#include "trace/finder.h"

#include "trace/text.h"

// The next word of a rule; `at` goes behind it.
static struct ov_span next_word(struct ov_span rule, size_t *at) {
    size_t start = *at;
    size_t end = ov_span_find(rule, start, ' ');
    *at = end < rule.size ? end + 1 : rule.size;
    return ov_span_part(rule, start, end - start);
}

// Whether "never,exit" or "always,exclude" keeps something out.
static bool has_part(struct ov_span word, const char *part) {
    size_t comma = ov_span_find(word, 0, ',');
    return ov_span_is_text(ov_span_part(word, 0, comma), part) ||
           (comma < word.size && ov_span_is_text(ov_span_from(word, comma + 1), part));
}

static bool is_hiding(struct ov_span rule) {
    bool is_one = false;
    for (size_t at = 0; at < rule.size;) {
        struct ov_span word = next_word(rule, &at);
        is_one |= has_part(word, "never") || has_part(word, "exclude");
    }
    return is_one;
}

// ---- what it names ------------------------------------------------------------------------------

static bool is_product_process(const struct ov_trace_model *model, struct ov_span name,
                               uint64_t number) {
    bool is_one = false;
    for (size_t i = 0; i < model->process_count; i++) {
        const struct ov_trace_model_process *process = &model->processes[i];
        uint64_t own = ov_span_is_text(name, "pid")    ? process->id.pid
                       : ov_span_is_text(name, "ppid") ? process->parent.pid
                                                       : process->uid;
        is_one |= process->is_watched && own == number;
    }
    return is_one;
}

static bool is_product_path(const struct ov_trace_model *model, struct ov_span path,
                            bool is_program) {
    bool is_one = false;
    for (size_t i = 0; i < model->process_count; i++) {
        const struct ov_trace_model_process *process = &model->processes[i];
        is_one |= process->is_watched && ov_trace_path_is_under(process->path, path);
    }
    for (size_t i = 0; !is_program && i < model->file_count; i++) {
        is_one |=
            model->files[i].use_count > 0 && ov_trace_path_is_under(model->files[i].path, path);
    }
    return is_one;
}

// Whether a field, "pid=42", can be true of the product: what cannot be told can.
static bool can_be_products(const struct ov_trace_model *model, struct ov_span field) {
    size_t end = ov_span_find(field, 0, '=');
    struct ov_span name = ov_span_part(field, 0, end);
    struct ov_span value = end < field.size ? ov_span_from(field, end + 1) : (struct ov_span){0};
    uint64_t number = 0;
    if (ov_span_is_text(name, "pid") || ov_span_is_text(name, "ppid") ||
        ov_span_is_text(name, "uid")) {
        return ov_trace_number_read(value, UINT64_MAX, &number) != OV_OK ||
               is_product_process(model, name, number);
    }
    bool is_program = ov_span_is_text(name, "exe");
    if (is_program || ov_span_is_text(name, "path") || ov_span_is_text(name, "dir")) {
        return is_product_path(model, value, is_program);
    }
    return true;
}

static bool hides_product(const struct ov_trace_model *model, struct ov_span rule) {
    bool is_field = false; // the word before was "-F"
    bool can_be = true;
    for (size_t at = 0; at < rule.size;) {
        struct ov_span word = next_word(rule, &at);
        can_be &= !is_field || can_be_products(model, word);
        is_field = ov_span_is_text(word, "-F");
    }
    return can_be && is_hiding(rule);
}

void ov_trace_find_in_audit(struct ov_trace_finder *finder) {
    for (size_t i = 0; i < finder->model->audit_count; i++) {
        struct ov_trace_item item = ov_trace_item_empty();
        item.name = finder->model->audits[i].rule;
        if (hides_product(finder->model, item.name)) {
            ov_trace_finder_add(finder, OV_TRACE_RULE_AUDIT, &item);
        }
    }
}
