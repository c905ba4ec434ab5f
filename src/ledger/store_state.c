// SPDX-License-Identifier: Apache-2.0
// The text of a publisher's state.
#include "ledger/store_state.h"

#define FIRST_LINE "overt-log-state/v1"

void ov_store_state_init(struct ov_store_state *ret_state) {
    struct ov_tree tree;
    *ret_state = (struct ov_store_state){0};
    ov_tree_init(&tree);
    ov_tree_root(&tree, &ret_state->head.root);
}

// ---- reading ------------------------------------------------------------------------------------

static enum ov_status take_value(struct ov_cursor *cursor, const char *keyword,
                                 struct ov_span *ret_value) {
    struct ov_span line;
    return ov_line_read(cursor, &line) == OV_OK ? ov_line_take(line, keyword, ret_value)
                                                : OV_DAMAGED;
}

static enum ov_status take_head(struct ov_cursor *cursor, struct ov_tree_head *head) {
    struct ov_span value;
    TRY(take_value(cursor, "size", &value));
    TRY(ov_number_read(value, &head->size));
    TRY(take_value(cursor, "root", &value));
    return ov_tree_hash_read(value, &head->root);
}

static enum ov_status take_number(struct ov_span *rest, uint64_t *ret_number) {
    struct ov_span word;
    TRY(ov_word_take(rest, &word));
    return ov_number_read(word, ret_number);
}

// A line whose value is `none` or something that begins with a number below `size`.
static enum ov_status take_place(struct ov_cursor *cursor, const char *keyword, uint64_t size,
                                 bool *ret_has, uint64_t *ret_index, struct ov_span *ret_rest) {
    TRY(take_value(cursor, keyword, ret_rest));
    *ret_has = !ov_span_is_text(*ret_rest, "none");
    if (!*ret_has) {
        return OV_OK;
    }
    TRY(take_number(ret_rest, ret_index));
    return *ret_index < size ? OV_OK : OV_DAMAGED;
}

static enum ov_status take_releases(struct ov_cursor *cursor, struct ov_store_state *state) {
    struct ov_span rest;
    TRY(take_place(cursor, "newest", state->head.size, &state->has_newest, &state->newest_index,
                   &rest));
    if (state->has_newest) {
        TRY(take_number(&rest, &state->newest_seq));
        TRY(ov_tree_hash_read(rest, &state->newest_leaf));
    }
    TRY(take_place(cursor, "current", state->head.size, &state->has_current, &state->current_index,
                   &rest));
    if (!state->has_current) {
        return OV_OK;
    }
    TRY(ov_number_read(rest, &state->current_seq));
    bool is_right = state->has_newest && state->current_seq <= state->newest_seq &&
                    state->current_index <= state->newest_index;
    return is_right ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_store_state_read(struct ov_span text, struct ov_store_state *ret_state) {
    struct ov_cursor cursor = ov_cursor_init(text);
    struct ov_store_state state = {0};
    struct ov_span line = {0};
    if (text.size > OV_STORE_STATE_BYTES_MAX || ov_line_read(&cursor, &line) != OV_OK ||
        !ov_span_is_text(line, FIRST_LINE)) {
        return OV_DAMAGED;
    }
    TRY(take_head(&cursor, &state.head));
    TRY(take_releases(&cursor, &state));
    TRY(take_place(&cursor, "rotation", state.head.size, &state.has_rotation, &state.rotation_index,
                   &line));
    TRY(take_place(&cursor, "batch", OV_NUMBER_MAX, &state.has_batch, &state.batch_count, &line));
    TRY(state.has_batch ? ov_tree_hash_read(line, &state.batch) : OV_OK);
    // One spelling: what is read is what would be written.
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    ov_store_state_add(&again, &state);
    TRY(ov_buf_status(&again));
    if (!ov_span_is_equal(text, ov_buf_span(&again))) {
        return OV_DAMAGED;
    }
    *ret_state = state;
    return OV_OK;
}

// ---- writing ------------------------------------------------------------------------------------

static void add_place(struct ov_buf *buf, const char *keyword, bool has, uint64_t index) {
    if (has) {
        ov_buf_printf(buf, "%s %llu", keyword, (unsigned long long)index);
    } else {
        ov_buf_printf(buf, "%s none", keyword);
    }
}

void ov_store_state_add(struct ov_buf *buf, const struct ov_store_state *state) {
    ov_buf_printf(buf, FIRST_LINE "\nsize %llu\nroot ", (unsigned long long)state->head.size);
    ov_tree_hash_add(buf, &state->head.root);
    ov_buf_add_u8(buf, '\n');
    add_place(buf, "newest", state->has_newest, state->newest_index);
    if (state->has_newest) {
        ov_buf_printf(buf, " %llu ", (unsigned long long)state->newest_seq);
        ov_tree_hash_add(buf, &state->newest_leaf);
    }
    ov_buf_add_u8(buf, '\n');
    add_place(buf, "current", state->has_current, state->current_index);
    if (state->has_current) {
        ov_buf_printf(buf, " %llu", (unsigned long long)state->current_seq);
    }
    ov_buf_add_u8(buf, '\n');
    add_place(buf, "rotation", state->has_rotation, state->rotation_index);
    ov_buf_add_u8(buf, '\n');
    add_place(buf, "batch", state->has_batch, state->batch_count);
    if (state->has_batch) {
        ov_buf_add_u8(buf, ' ');
        ov_tree_hash_add(buf, &state->batch);
    }
    ov_buf_add_u8(buf, '\n');
}
