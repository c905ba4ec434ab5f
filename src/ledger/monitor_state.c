// SPDX-License-Identifier: Apache-2.0
// The state of a monitor, as text: one file that is replaced as a whole.
#include "ledger/monitor_state.h"

#include "base/cursor.h"
#include "base/hex.h"

#include <inttypes.h>
#include <stdlib.h>

#define FIRST_LINE "overt-monitor/v1"
#define LAST_LINE  "end"

enum { FIRST_ROOM = 64, ID_BYTES = 4 };

void ov_monitor_state_release(struct ov_monitor_state *state) {
    ov_buf_release(&state->note);
    free(state->releases);
    *state = (struct ov_monitor_state){0};
}

enum ov_status ov_monitor_release_add(struct ov_monitor_state *state,
                                      const struct ov_monitor_release *release) {
    if (state->release_count == state->release_room) {
        size_t room = state->release_room == 0 ? FIRST_ROOM : 2 * state->release_room;
        struct ov_monitor_release *releases = reallocarray(state->releases, room, sizeof *releases);
        if (releases == NULL) {
            return OV_MEMORY;
        }
        state->releases = releases;
        state->release_room = room;
    }
    state->releases[state->release_count++] = *release;
    return OV_OK;
}

const struct ov_monitor_release *ov_monitor_release_last(const struct ov_monitor_state *state,
                                                         size_t count, const char *feed) {
    for (size_t i = count; i > 0; i--) {
        if (strcmp(state->releases[i - 1].feed.text, feed) == 0) {
            return &state->releases[i - 1];
        }
    }
    return NULL;
}

// ---- writing ------------------------------------------------------------------------------------

static void add_release(struct ov_buf *buf, const struct ov_monitor_release *release) {
    char sha256[2 * OV_SHA256_BYTES + 1];
    ov_hex_write(ov_span_make(release->sha256, OV_SHA256_BYTES), sha256);
    ov_buf_printf(buf, "release %" PRIu64 " %s %" PRIu64 " ", release->index, release->feed.text,
                  release->seq);
    ov_tree_hash_add(buf, &release->leaf);
    ov_buf_printf(buf, " %s %" PRIu64 " %s\n", sha256, release->bundle_bytes,
                  release->is_open ? "open" : "sound");
}

void ov_monitor_state_add(struct ov_buf *buf, const char *origin, const struct ov_policy *policy,
                          const struct ov_monitor_state *state) {
    ov_buf_printf(buf, FIRST_LINE "\norigin %s\nsize %" PRIu64 "\nroot ", origin, state->head.size);
    ov_tree_hash_add(buf, &state->head.root);
    ov_buf_add_text(buf, "\nnote ");
    ov_base64_add(buf, ov_buf_span(&state->note));
    ov_buf_printf(buf, "\naudited %" PRIu64 "\ncheck %" PRIu64 "\nlog %" PRIu64 "\n",
                  state->audited, state->next_check, state->log_size);
    for (size_t i = 0; i < policy->witness_count; i++) {
        const struct ov_key *key = &policy->witnesses[i].key;
        if (state->witness_sizes[i] > 0) {
            ov_buf_printf(buf, "witness %08" PRIx32 " %s %" PRIu64 "\n", key->id, key->name,
                          state->witness_sizes[i]);
        }
    }
    for (size_t i = 0; i < state->release_count; i++) {
        add_release(buf, &state->releases[i]);
    }
    ov_buf_add_text(buf, LAST_LINE "\n");
}

// ---- reading ------------------------------------------------------------------------------------

static enum ov_status take(struct ov_cursor *cursor, const char *keyword,
                           struct ov_span *ret_value) {
    struct ov_span line;
    if (ov_line_read(cursor, &line) != OV_OK) {
        return OV_DAMAGED;
    }
    return ov_line_take(line, keyword, ret_value);
}

static enum ov_status take_number(struct ov_cursor *cursor, const char *keyword,
                                  uint64_t *ret_number) {
    struct ov_span value;
    TRY(take(cursor, keyword, &value));
    return ov_number_read(value, ret_number);
}

static enum ov_status take_word_number(struct ov_span *rest, uint64_t *ret_number) {
    struct ov_span word;
    TRY(ov_word_take(rest, &word));
    return ov_number_read(word, ret_number);
}

static enum ov_status read_note(struct ov_span text, struct ov_buf *note) {
    size_t size = 0;
    uint8_t *bytes = ov_buf_reserve(note, text.size + 1);
    if (bytes == NULL) {
        return OV_MEMORY;
    }
    TRY(ov_base64_read(text, bytes, text.size + 1, &size));
    ov_buf_commit(note, size);
    return OV_OK;
}

// Witnesses that the policy has no more are forgotten.
static enum ov_status read_witness(struct ov_span rest, const struct ov_policy *policy,
                                   struct ov_monitor_state *state) {
    struct ov_span id;
    struct ov_span name;
    uint64_t size = 0;
    uint8_t bytes[ID_BYTES];
    TRY(ov_word_take(&rest, &id));
    TRY(ov_hex_read(id, bytes, sizeof bytes));
    TRY(ov_word_take(&rest, &name));
    TRY(ov_number_read(rest, &size));
    uint32_t number =
        (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    for (size_t i = 0; i < policy->witness_count; i++) {
        const struct ov_key *key = &policy->witnesses[i].key;
        if (key->id == number && ov_span_is_text(name, key->name)) {
            state->witness_sizes[i] = size;
        }
    }
    return OV_OK;
}

static enum ov_status read_release(struct ov_span rest, struct ov_monitor_state *state) {
    struct ov_monitor_release release = {0};
    struct ov_span word;
    TRY(take_word_number(&rest, &release.index));
    TRY(ov_word_take(&rest, &word));
    TRY(ov_feed_name_read(word, &release.feed));
    TRY(take_word_number(&rest, &release.seq));
    TRY(ov_word_take(&rest, &word));
    TRY(ov_tree_hash_read(word, &release.leaf));
    TRY(ov_word_take(&rest, &word));
    TRY(ov_hex_read(word, release.sha256, sizeof release.sha256));
    TRY(take_word_number(&rest, &release.bundle_bytes));
    release.is_open = ov_span_is_text(rest, "open");
    if ((!release.is_open && !ov_span_is_text(rest, "sound")) ||
        release.index >= state->head.size) {
        return OV_DAMAGED;
    }
    return ov_monitor_release_add(state, &release);
}

static enum ov_status read_lists(struct ov_cursor *cursor, const struct ov_policy *policy,
                                 struct ov_monitor_state *state) {
    struct ov_span line;
    struct ov_span rest;
    bool is_end = false;
    while (!is_end) {
        if (ov_line_read(cursor, &line) != OV_OK) {
            return OV_DAMAGED;
        }
        is_end = ov_span_is_text(line, LAST_LINE);
        if (ov_line_take(line, "witness", &rest) == OV_OK && state->release_count == 0) {
            TRY(read_witness(rest, policy, state));
        } else if (ov_line_take(line, "release", &rest) == OV_OK) {
            TRY(read_release(rest, state));
        } else if (!is_end) {
            return OV_DAMAGED;
        }
    }
    return ov_cursor_left(cursor) == 0 ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_monitor_state_read(struct ov_span text, const char *origin,
                                     const struct ov_policy *policy,
                                     struct ov_monitor_state *ret_state) {
    struct ov_cursor cursor = ov_cursor_init(text);
    struct ov_span line;
    if (ov_line_read(&cursor, &line) != OV_OK || !ov_span_is_text(line, FIRST_LINE)) {
        return OV_DAMAGED;
    }
    TRY(take(&cursor, "origin", &line));
    if (!ov_span_is_text(line, origin)) {
        return OV_DENIED;
    }
    TRY(take_number(&cursor, "size", &ret_state->head.size));
    TRY(take(&cursor, "root", &line));
    TRY(ov_tree_hash_read(line, &ret_state->head.root));
    TRY(take(&cursor, "note", &line));
    TRY(read_note(line, &ret_state->note));
    TRY(take_number(&cursor, "audited", &ret_state->audited));
    TRY(take_number(&cursor, "check", &ret_state->next_check));
    TRY(take_number(&cursor, "log", &ret_state->log_size));
    return ret_state->audited <= ret_state->head.size ? read_lists(&cursor, policy, ret_state)
                                                      : OV_DAMAGED;
}
