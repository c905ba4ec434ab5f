// SPDX-License-Identifier: Apache-2.0
// Takes records into a model, one after another: the last one of a key counts.
#include "trace/builder.h"

// How the records of a type are kept: which of their lines are the key, and which are counters.
struct rule {
    unsigned char key_first, key_count;         // 0: each is kept
    unsigned char counter_first, counter_count; // never less than before
};

static const struct rule rules[OV_TRACE_TYPES] = {
    [OV_TRACE_LAYER] = {0, 1, 0, 0},     [OV_TRACE_SENSOR] = {1, 1, 0, 0},
    [OV_TRACE_SELFTEST] = {0, 1, 0, 0},  [OV_TRACE_PLANTED] = {0, 1, 0, 0},
    [OV_TRACE_FILE] = {0, 2, 4, 11},     [OV_TRACE_SOCKET] = {0, 3, 11, 5},
    [OV_TRACE_DENIED] = {0, 4, 5, 2},    [OV_TRACE_NET] = {0, 2, 3, 5},
    [OV_TRACE_PLAINTEXT] = {0, 2, 3, 3}, [OV_TRACE_LOSS] = {0, 1, 1, 1},
};

static const size_t item_bytes[OV_TRACE_TYPES] = {
    [OV_TRACE_PROGRAM] = sizeof(struct ov_trace_program),
    [OV_TRACE_LAYER] = sizeof(struct ov_trace_layer),
    [OV_TRACE_EXCEPTION] = sizeof(struct ov_trace_exception),
    [OV_TRACE_SENSOR] = sizeof(struct ov_trace_sensor),
    [OV_TRACE_SELFTEST] = sizeof(struct ov_trace_selftest),
    [OV_TRACE_PRIOR] = sizeof(struct ov_trace_prior),
    [OV_TRACE_AUDIT] = sizeof(struct ov_trace_audit),
    [OV_TRACE_PLANTED] = sizeof(struct ov_trace_planted),
    [OV_TRACE_PROCESS] = sizeof(struct ov_trace_process),
    [OV_TRACE_CANARY] = sizeof(struct ov_trace_canary),
    [OV_TRACE_ACT] = sizeof(struct ov_trace_act),
    [OV_TRACE_DENIED] = sizeof(struct ov_trace_denied),
    [OV_TRACE_NET] = sizeof(struct ov_trace_net),
    [OV_TRACE_PLAINTEXT] = sizeof(struct ov_trace_plaintext),
    [OV_TRACE_LOSS] = sizeof(struct ov_trace_loss),
};

// ---- texts --------------------------------------------------------------------------------------

static enum ov_status keep_text(struct ov_arena *arena, struct ov_span *text,
                                const struct ov_span *old) {
    if (old != NULL && ov_span_is_equal(*text, *old)) {
        *text = *old;
        return OV_OK;
    }
    const char *copy = ov_arena_text(arena, *text);
    if (copy == NULL) {
        return OV_MEMORY;
    }
    *text = ov_span_make(copy, text->size);
    return OV_OK;
}

static enum ov_status keep_list(struct ov_arena *arena, struct ov_trace_list *list) {
    struct ov_span *items = ov_arena_array(arena, list->item_count, sizeof *items);
    if (items == NULL) {
        return OV_MEMORY;
    }
    for (size_t i = 0; i < list->item_count; i++) {
        items[i] = list->items[i];
        TRY(keep_text(arena, &items[i], NULL));
    }
    list->items = items;
    return OV_OK;
}

enum ov_status ov_trace_builder_keep(struct ov_trace_builder *builder, enum ov_trace_type type,
                                     void *record, const void *old) {
    const struct ov_trace_form *form = ov_trace_form_of(type);
    for (size_t i = 0; i < form->count; i++) {
        size_t offset = form->fields[i].offset;
        void *at = (char *)record + offset;
        const void *before = old != NULL ? (const char *)old + offset : NULL;
        if (form->fields[i].kind == OV_TRACE_FIELD_TEXT) {
            TRY(keep_text(builder->arena, at, before));
        } else if (form->fields[i].kind == OV_TRACE_FIELD_LIST) {
            TRY(keep_list(builder->arena, at));
        }
    }
    return OV_OK;
}

// ---- records as they were written ---------------------------------------------------------------

// Whether any counter is less than it was: counters are cumulative.
static bool has_fallen(enum ov_trace_type type, const void *record, const void *old) {
    const struct ov_trace_form *form = ov_trace_form_of(type);
    const struct rule *rule = &rules[type];
    bool has_fallen = false;
    for (size_t i = rule->counter_first; i < (size_t)rule->counter_first + rule->counter_count;
         i++) {
        size_t offset = form->fields[i].offset;
        uint64_t now = *(const uint64_t *)((const char *)record + offset);
        uint64_t before = *(const uint64_t *)((const char *)old + offset);
        has_fallen |= now < before;
    }
    return has_fallen;
}

// The record is stored, in place of the one of the same key when its type has keys.
static enum ov_status store(struct ov_trace_builder *builder, enum ov_trace_type type,
                            void *record) {
    struct ov_trace_array *array = &builder->stored[type];
    const struct rule *rule = &rules[type];
    struct ov_trace_key key = {0};
    size_t at = OV_TRACE_NONE;
    array->item_bytes = item_bytes[type];
    if (rule->key_count > 0) {
        key = ov_trace_key_of_fields(type, record, rule->key_first, rule->key_count);
        at = ov_trace_index_find(&builder->index, &key);
    }
    void *old = at != OV_TRACE_NONE ? ov_trace_array_at(array, at) : NULL;
    TRY(ov_trace_builder_keep(builder, type, record, old));
    if (old != NULL) {
        builder->fell += has_fallen(type, record, old) ? 1 : 0;
    } else {
        old = ov_trace_array_add(array);
        if (old == NULL) {
            return OV_MEMORY;
        }
        if (rule->key_count > 0) {
            TRY(ov_trace_index_set(&builder->index, &key, array->count - 1));
        }
    }
    memcpy(old, record, array->item_bytes);
    return OV_OK;
}

static enum ov_status add_checkpoint(struct ov_trace_builder *builder,
                                     const struct ov_trace_checkpoint *checkpoint) {
    for (size_t i = 0; i < checkpoint->loss_count; i++) {
        struct ov_trace_loss loss = checkpoint->losses[i];
        TRY(store(builder, OV_TRACE_LOSS, &loss));
    }
    builder->model.until_ns = checkpoint->mono_ns;
    return OV_OK;
}

// ---- processes ----------------------------------------------------------------------------------

size_t ov_trace_builder_find_process(const struct ov_trace_builder *builder,
                                     const struct ov_trace_pid *process) {
    unsigned kind = process->start_ns == 0 ? OV_TRACE_KEY_LATEST : OV_TRACE_KEY_PROCESS;
    struct ov_trace_key key = ov_trace_key_of_numbers(kind, process->pid, process->start_ns, 0);
    return ov_trace_index_find(&builder->index, &key);
}

// The process of that id; one that only others name so far is taken to be watched.
static enum ov_status get_process(struct ov_trace_builder *builder, const struct ov_trace_pid *id,
                                  size_t *ret_process) {
    size_t at = ov_trace_builder_find_process(builder, id);
    if (at == OV_TRACE_NONE) {
        struct ov_trace_model_process *process = ov_trace_array_add(&builder->processes);
        if (process == NULL) {
            return OV_MEMORY;
        }
        at = builder->processes.count - 1;
        *process = (struct ov_trace_model_process){.id = *id, .is_watched = true};
        struct ov_trace_key key =
            ov_trace_key_of_numbers(OV_TRACE_KEY_PROCESS, id->pid, id->start_ns, 0);
        TRY(ov_trace_index_set(&builder->index, &key, at));
        key = ov_trace_key_of_numbers(OV_TRACE_KEY_LATEST, id->pid, 0, 0);
        TRY(ov_trace_index_set(&builder->index, &key, at));
    }
    *ret_process = at;
    return OV_OK;
}

// A process that is watched once stays so, whatever it touches afterwards.
static void take_event(struct ov_trace_model_process *process,
                       const struct ov_trace_process *event) {
    bool is_watched = event->reason == OV_TRACE_BY_TARGET || event->reason == OV_TRACE_BY_PARENT;
    if (!process->has_record || (is_watched && !process->is_watched)) {
        process->reason = event->reason;
        process->is_watched = is_watched;
        process->first_ns = process->has_record ? process->first_ns : event->at_ns;
        process->has_record = true;
    }
    process->last_ns = event->at_ns;
    if (event->event == OV_TRACE_EVENT_EXIT) {
        process->has_ended = true;
        process->status = event->status;
        return;
    }
    process->exec_count += event->event == OV_TRACE_EVENT_EXEC ? 1 : 0;
    process->parent = event->parent;
    process->uid = event->uid;
    process->exe = event->exe;
    process->path = event->path;
    process->words = event->words;
}

static enum ov_status add_process(struct ov_trace_builder *builder,
                                  struct ov_trace_process *event) {
    size_t at = 0;
    TRY(store(builder, OV_TRACE_PROCESS, event)); // its texts lie in the arena now
    TRY(get_process(builder, &event->process, &at));
    take_event(ov_trace_array_at(&builder->processes, at), event);
    return OV_OK;
}

// ---- files --------------------------------------------------------------------------------------

static enum ov_status get_file(struct ov_trace_builder *builder, const struct ov_trace_inode *inode,
                               size_t *ret_file) {
    struct ov_trace_key key =
        ov_trace_key_of_numbers(OV_TRACE_KEY_FILE, inode->device, inode->inode, inode->generation);
    size_t at = ov_trace_index_find(&builder->index, &key);
    if (at == OV_TRACE_NONE) {
        struct ov_trace_model_file *file = ov_trace_array_add(&builder->files);
        if (file == NULL) {
            return OV_MEMORY;
        }
        *file = (struct ov_trace_model_file){.inode = *inode, .scale = 1};
        at = builder->files.count - 1;
        TRY(ov_trace_index_set(&builder->index, &key, at));
    }
    *ret_file = at;
    return OV_OK;
}

static void take_size(struct ov_trace_model_file *file, uint64_t size_bytes) {
    file->size_bytes = size_bytes;
    file->largest_bytes = size_bytes > file->largest_bytes ? size_bytes : file->largest_bytes;
}

static enum ov_status add_name(struct ov_trace_builder *builder, const struct ov_trace_name *name) {
    size_t at = 0;
    TRY(get_file(builder, &name->inode, &at));
    struct ov_trace_model_file *file = ov_trace_array_at(&builder->files, at);
    struct ov_trace_name kept = *name;
    const struct ov_trace_name old = {.filesystem = file->filesystem, .path = file->path};
    TRY(ov_trace_builder_keep(builder, OV_TRACE_NAME, &kept, &old));
    take_size(file, name->size_bytes);
    file->has_name = true;
    file->kind = name->kind;
    file->presence = name->presence;
    file->filesystem = kept.filesystem;
    file->path = kept.path;
    return OV_OK;
}

static enum ov_status add_step(struct ov_trace_builder *builder, enum ov_trace_step_kind kind,
                               uint64_t at_ns, uint64_t bytes, size_t index) {
    if (bytes == 0) {
        return OV_OK;
    }
    struct ov_trace_step *step = ov_trace_array_add(&builder->steps);
    if (step == NULL) {
        return OV_MEMORY;
    }
    *step = (struct ov_trace_step){at_ns, bytes, kind, (uint32_t)index};
    return OV_OK;
}

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

// The entry under the key of a record, or a new one.
static enum ov_status get_entry(struct ov_trace_builder *builder, struct ov_trace_array *array,
                                enum ov_trace_type type, const void *record, size_t *ret_at,
                                bool *ret_is_new) {
    const struct rule *rule = &rules[type];
    struct ov_trace_key key =
        ov_trace_key_of_fields(type, record, rule->key_first, rule->key_count);
    size_t at = ov_trace_index_find(&builder->index, &key);
    bool is_new = at == OV_TRACE_NONE;
    if (is_new) {
        if (array->count >= UINT32_MAX || ov_trace_array_add(array) == NULL) {
            return OV_MEMORY;
        }
        at = array->count - 1;
        TRY(ov_trace_index_set(&builder->index, &key, at));
    }
    *ret_at = at;
    *ret_is_new = is_new;
    return OV_OK;
}

static enum ov_status add_use(struct ov_trace_builder *builder, const struct ov_trace_file *last) {
    uint64_t page_bytes = builder->model.begin.page_bytes;
    size_t at = 0;
    bool is_new = false;
    TRY(get_entry(builder, &builder->uses, OV_TRACE_FILE, last, &at, &is_new));
    struct ov_trace_model_use *use = ov_trace_array_at(&builder->uses, at);
    const struct ov_trace_model_use old = *use;
    if (is_new) {
        TRY(get_process(builder, &last->process, &use->process));
        TRY(get_file(builder, &last->inode, &use->file));
    }
    builder->fell += !is_new && has_fallen(OV_TRACE_FILE, last, &old.last) ? 1 : 0;
    take_size(ov_trace_array_at(&builder->files, use->file), last->size_bytes);
    use->last = *last;
    use->covered_bytes =
        larger(old.covered_bytes,
               ov_trace_covered_bytes(last->coverage, last->scale, page_bytes, last->size_bytes));
    use->read_bytes = larger(old.read_bytes, larger(last->read_bytes, use->covered_bytes));
    use->written_bytes = larger(old.written_bytes, ov_trace_written_bytes(last, page_bytes));
    uint64_t read_bytes = use->read_bytes - old.read_bytes;
    uint64_t written_bytes = use->written_bytes - old.written_bytes;
    TRY(add_step(builder, OV_TRACE_STEP_READ, last->last_ns, read_bytes, at));
    return add_step(builder, OV_TRACE_STEP_WRITE, last->last_ns, written_bytes, at);
}

// ---- sockets ------------------------------------------------------------------------------------

static enum ov_status add_socket(struct ov_trace_builder *builder, struct ov_trace_socket *last) {
    size_t at = 0;
    bool is_new = false;
    TRY(get_entry(builder, &builder->sockets, OV_TRACE_SOCKET, last, &at, &is_new));
    struct ov_trace_model_socket *socket = ov_trace_array_at(&builder->sockets, at);
    const struct ov_trace_socket old = socket->last;
    TRY(ov_trace_builder_keep(builder, OV_TRACE_SOCKET, last, &old));
    if (is_new) {
        TRY(get_process(builder, &last->process, &socket->process));
    }
    bool is_less = !is_new && has_fallen(OV_TRACE_SOCKET, last, &old);
    builder->fell += is_less ? 1 : 0;
    socket->last = *last;
    socket->last.sent_bytes = larger(old.sent_bytes, last->sent_bytes);
    socket->last.received_bytes = larger(old.received_bytes, last->received_bytes);
    uint64_t sent_bytes = socket->last.sent_bytes - old.sent_bytes;
    uint64_t received_bytes = socket->last.received_bytes - old.received_bytes;
    TRY(add_step(builder, OV_TRACE_STEP_SEND, last->last_ns, sent_bytes, at));
    return add_step(builder, OV_TRACE_STEP_RECEIVE, last->last_ns, received_bytes, at);
}

// ---- all ----------------------------------------------------------------------------------------

static enum ov_status add_begin(struct ov_trace_builder *builder, struct ov_trace_begin *begin) {
    TRY(ov_trace_builder_keep(builder, OV_TRACE_BEGIN, begin, NULL));
    builder->model.begin = *begin;
    builder->model.has_begin = true;
    return OV_OK;
}

static enum ov_status add_end(struct ov_trace_builder *builder, const struct ov_trace_end *end) {
    TRY(add_checkpoint(builder, &end->checkpoint));
    builder->model.end = *end;
    builder->model.end.checkpoint.losses = NULL; // the model has them
    builder->model.end.checkpoint.loss_count = 0;
    builder->model.has_end = true;
    return OV_OK;
}

enum ov_status ov_trace_builder_add(struct ov_trace_builder *builder,
                                    struct ov_trace_record *record) {
    switch (record->type) {
    case OV_TRACE_BEGIN:
        return add_begin(builder, &record->begin);
    case OV_TRACE_PROCESS:
        return add_process(builder, &record->process);
    case OV_TRACE_NAME:
        return add_name(builder, &record->name);
    case OV_TRACE_FILE:
        return add_use(builder, &record->file);
    case OV_TRACE_SOCKET:
        return add_socket(builder, &record->socket);
    case OV_TRACE_CAPTURE:
        builder->model.has_capture = true;
        builder->model.capture = record->capture;
        return ov_trace_builder_keep(builder, OV_TRACE_CAPTURE, &builder->model.capture, NULL);
    case OV_TRACE_CHECKPOINT:
        return add_checkpoint(builder, &record->checkpoint);
    case OV_TRACE_END:
        return add_end(builder, &record->end);
    default:
        return store(builder, record->type, &record->begin);
    }
}
