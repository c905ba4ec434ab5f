// SPDX-License-Identifier: Apache-2.0
// The names of all rules, front-coded, and where they came from.
#include "rules/emit_state.h"
#include "catalog/names.h"

// One name on its way out, and the one before it in its block.
struct name_writer {
    struct ov_buf *section;
    uint32_t index;
    struct ov_span before;
};

static void put_number(struct ov_buf *out, uint32_t value) {
    while (value >= 0x80) {
        ov_buf_add_u8(out, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    ov_buf_add_u8(out, (uint8_t)value);
}

static void put_name(struct name_writer *writer, struct ov_span name, bool is_official) {
    name = ov_span_part(name, 0, OV_NAME_BYTES_MAX);
    size_t shared = 0;
    if (writer->index % OV_NAME_BLOCK == 0) {
        size_t slot = sizeof(struct ov_image_names) + (size_t)(writer->index / OV_NAME_BLOCK) * 4;
        uint32_t at = (uint32_t)writer->section->size;
        if (!writer->section->has_failed) {
            memcpy(writer->section->data + slot, &at, sizeof at);
        }
    } else {
        while (shared < name.size && shared < writer->before.size &&
               name.data[shared] == writer->before.data[shared]) {
            shared++;
        }
    }
    ov_buf_add_u8(writer->section, (uint8_t)shared);
    put_number(writer->section, (uint32_t)(name.size - shared) << 1 | (is_official ? 1 : 0));
    ov_buf_add(writer->section, name.data + shared, name.size - shared);
    writer->before = name;
    writer->index++;
}

// Where the rules of one kind change their source file.
struct source_list {
    struct ov_buf entries; // struct ov_image_source
    struct ov_buf text;
    uint32_t file; // of the rule before; UINT32_MAX at the start
};

// The last component of the path: an image must not depend on where its sources lay.
static struct ov_span base_name(const char *path) {
    struct ov_span text = ov_span_text(path);
    size_t from = 0;
    for (size_t at = 0; at < text.size && text.data[at] != '!'; at++) {
        from = text.data[at] == '/' ? at + 1 : from;
    }
    return ov_span_part(text, from, text.size);
}

static void put_source(struct source_list *list, const struct ov_ruleset *set, uint32_t rule,
                       uint32_t file) {
    if (file == list->file || file >= set->file_count) {
        return;
    }
    list->file = file;
    struct ov_span name = base_name(set->files[file].path);
    struct ov_image_source source = {.rule_first = rule,
                                     .text_at = (uint32_t)list->text.size,
                                     .text_bytes = (uint32_t)name.size};
    ov_buf_add(&list->text, name.data, name.size);
    ov_buf_add(&list->entries, &source, sizeof source);
}

static enum ov_status write_sources(struct ov_emit *emit, struct source_list *list) {
    struct ov_buf *section = ov_image_writer_add(emit->writer, OV_SECTION_SOURCES, 0);
    if (section == NULL) {
        return OV_LIMIT;
    }
    struct ov_image_source *entries = (struct ov_image_source *)list->entries.data;
    struct ov_image_sources head = {.count = ov_emit_count(&list->entries, sizeof *entries)};
    for (uint32_t i = 0; i < head.count; i++) {
        entries[i].text_at += (uint32_t)(sizeof head + list->entries.size);
    }
    ov_buf_add(section, &head, sizeof head);
    ov_buf_add(section, entries, list->entries.size);
    ov_buf_add(section, list->text.data, list->text.size);
    TRY(ov_buf_status(&list->entries));
    TRY(ov_buf_status(&list->text));
    return ov_buf_status(section);
}

static void write_all(struct ov_emit *emit, struct name_writer *writer, struct source_list *list) {
    const struct ov_ruleset *set = emit->set;
    for (size_t i = 0; i < set->rule_count; i++) {
        const struct ov_rule *rule = &set->rules[i];
        put_source(list, set, (uint32_t)i, rule->place.file);
        // clamscan says of no rule on certificates that it is unofficial.
        put_name(writer, rule->name, rule->is_official || rule->kind == OV_RULE_CERTIFICATE);
    }
    for (size_t i = 0; i < set->hash_count; i++) {
        const struct ov_hash_rule *rule = &set->hashes[i];
        struct ov_span bytes =
            rule->file < set->file_count ? set->files[rule->file].bytes : ov_span_make(NULL, 0);
        struct ov_span line = ov_span_part(bytes, rule->line_at, rule->line_size);
        bool is_official = rule->file < set->file_count && set->files[rule->file].is_official;
        put_source(list, set, (uint32_t)(set->rule_count + i), rule->file);
        put_name(writer, ov_span_part(line, rule->name_at, rule->name_size), is_official);
    }
}

enum ov_status ov_emit_names(struct ov_emit *emit) {
    struct ov_buf *section = ov_image_writer_add(emit->writer, OV_SECTION_NAMES, 0);
    uint64_t count = (uint64_t)emit->set->rule_count + emit->set->hash_count;
    if (section == NULL || count >= UINT32_MAX) {
        return OV_LIMIT;
    }
    struct ov_image_names head = {.count = (uint32_t)count,
                                  .block_count =
                                      (uint32_t)((count + OV_NAME_BLOCK - 1) / OV_NAME_BLOCK)};
    ov_buf_add(section, &head, sizeof head);
    (void)ov_buf_extend(section, (size_t)head.block_count * 4);
    struct name_writer writer = {.section = section};
    struct source_list list = {.file = UINT32_MAX};
    write_all(emit, &writer, &list);
    enum ov_status status = ov_buf_status(section);
    if (status == OV_OK && section->size > UINT32_MAX) {
        status = OV_LIMIT;
    }
    status = status == OV_OK ? write_sources(emit, &list) : status;
    ov_buf_release(&list.entries);
    ov_buf_release(&list.text);
    return status;
}
