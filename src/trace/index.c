// SPDX-License-Identifier: Apache-2.0
// Arrays and the index that a model is put together in.
#include "trace/builder.h"

enum { INDEX_LEAST = 1024 };

struct ov_trace_slot {
    struct ov_trace_key key;
    size_t number; // one more than it is: 0 is an empty slot
};

// ---- arrays -------------------------------------------------------------------------------------

void *ov_trace_array_at(const struct ov_trace_array *array, size_t at) {
    return array->bytes.data + at * array->item_bytes;
}

void *ov_trace_array_add(struct ov_trace_array *array) {
    void *item = ov_buf_extend(&array->bytes, array->item_bytes);
    array->count += item != NULL ? 1 : 0;
    return item;
}

enum ov_status ov_trace_array_move(struct ov_trace_array *array, struct ov_arena *arena,
                                   void **ret_items, size_t *ret_count) {
    void *items = NULL;
    if (array->count > 0) {
        items = ov_arena_array(arena, array->count, array->item_bytes);
        if (items == NULL) {
            return OV_MEMORY;
        }
        memcpy(items, array->bytes.data, array->bytes.size);
    }
    *ret_items = items;
    *ret_count = array->count;
    ov_buf_release(&array->bytes);
    array->count = 0;
    return OV_OK;
}

// ---- keys ---------------------------------------------------------------------------------------

static void add_number(struct ov_digest *digest, uint64_t number) {
    ov_digest_update(digest, ov_span_make(&number, sizeof number));
}

static void add_text(struct ov_digest *digest, struct ov_span text) {
    add_number(digest, text.size);
    ov_digest_update(digest, text);
}

static struct ov_digest begin(unsigned kind) {
    struct ov_digest digest;
    ov_digest_init(OV_HASH_SHA256, &digest);
    add_number(&digest, kind);
    return digest;
}

static struct ov_trace_key finish(struct ov_digest *digest) {
    uint8_t bytes[OV_SHA256_BYTES];
    struct ov_trace_key key;
    ov_digest_finish(digest, bytes);
    memcpy(key.bytes, bytes, sizeof key.bytes);
    return key;
}

struct ov_trace_key ov_trace_key_of_numbers(unsigned kind, uint64_t first, uint64_t second,
                                            uint64_t third) {
    struct ov_digest digest = begin(kind);
    add_number(&digest, first);
    add_number(&digest, second);
    add_number(&digest, third);
    return finish(&digest);
}

struct ov_trace_key ov_trace_key_of_ends(const struct ov_trace_socket *socket, bool is_other) {
    struct ov_digest digest = begin(OV_TRACE_KEY_ENDS);
    add_number(&digest, socket->family);
    add_number(&digest, socket->type);
    add_text(&digest, is_other ? socket->remote : socket->local);
    add_text(&digest, is_other ? socket->local : socket->remote);
    return finish(&digest);
}

static void add_field(struct ov_digest *digest, const struct ov_trace_field *field,
                      const void *at) {
    const struct ov_trace_pid *process = at;
    const struct ov_trace_inode *inode = at;
    switch (field->kind) {
    case OV_TRACE_FIELD_TEXT:
        add_text(digest, *(const struct ov_span *)at);
        break;
    case OV_TRACE_FIELD_PROCESS:
        add_number(digest, process->pid);
        add_number(digest, process->start_ns);
        break;
    case OV_TRACE_FIELD_INODE:
        add_number(digest, inode->device);
        add_number(digest, inode->inode);
        add_number(digest, inode->generation);
        break;
    case OV_TRACE_FIELD_U32:
        add_number(digest, *(const uint32_t *)at);
        break;
    default: // keys have no others
        add_number(digest, *(const uint64_t *)at);
        break;
    }
}

struct ov_trace_key ov_trace_key_of_fields(enum ov_trace_type type, const void *record,
                                           size_t first, size_t count) {
    const struct ov_trace_form *form = ov_trace_form_of(type);
    struct ov_digest digest = begin(type);
    for (size_t i = first; i < first + count; i++) {
        add_field(&digest, &form->fields[i], (const char *)record + form->fields[i].offset);
    }
    return finish(&digest);
}

// ---- the index ----------------------------------------------------------------------------------

static struct ov_trace_slot *slot_at(const struct ov_trace_index *index, size_t at) {
    return (struct ov_trace_slot *)(void *)index->slots.data + at;
}

// The slot of a key, or the empty one where it would stand; there is always one.
static struct ov_trace_slot *find_slot(const struct ov_trace_index *index,
                                       const struct ov_trace_key *key) {
    size_t at;
    memcpy(&at, key->bytes, sizeof at);
    for (at &= index->room - 1;; at = (at + 1) & (index->room - 1)) {
        struct ov_trace_slot *slot = slot_at(index, at);
        if (slot->number == 0 || memcmp(&slot->key, key, sizeof *key) == 0) {
            return slot;
        }
    }
}

size_t ov_trace_index_find(const struct ov_trace_index *index, const struct ov_trace_key *key) {
    if (index->room == 0) {
        return OV_TRACE_NONE;
    }
    const struct ov_trace_slot *slot = find_slot(index, key);
    return slot->number != 0 ? slot->number - 1 : OV_TRACE_NONE;
}

static enum ov_status grow(struct ov_trace_index *index) {
    struct ov_trace_index larger = {
        .room = index->room == 0 ? INDEX_LEAST : 2 * index->room,
        .count = index->count,
    };
    if (ov_buf_extend(&larger.slots, larger.room * sizeof(struct ov_trace_slot)) == NULL) {
        return OV_MEMORY;
    }
    for (size_t i = 0; i < index->room; i++) {
        const struct ov_trace_slot *slot = slot_at(index, i);
        if (slot->number != 0) {
            *find_slot(&larger, &slot->key) = *slot;
        }
    }
    ov_buf_release(&index->slots);
    *index = larger;
    return OV_OK;
}

enum ov_status ov_trace_index_set(struct ov_trace_index *index, const struct ov_trace_key *key,
                                  size_t number) {
    if (2 * (index->count + 1) > index->room) {
        TRY(grow(index));
    }
    struct ov_trace_slot *slot = find_slot(index, key);
    index->count += slot->number == 0 ? 1 : 0;
    slot->key = *key;
    slot->number = number + 1;
    return OV_OK;
}
