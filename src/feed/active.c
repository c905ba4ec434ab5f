// SPDX-License-Identifier: Apache-2.0
// The file `active`: read, written, replaced.
#include "feed/active.h"

#include "base/durable.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static const char first_line[] = "overt-active/v1";
static const char file_name[] = "active";

enum { FILE_BYTES_MAX = 1 << 20 };

// ---- reading ------------------------------------------------------------------------------------

static enum ov_status take(struct ov_cursor *cursor, const char *keyword,
                           struct ov_span *ret_value) {
    struct ov_span line;
    TRY(ov_line_read(cursor, &line) == OV_OK ? OV_OK : OV_DAMAGED);
    return ov_line_take(line, keyword, ret_value);
}

static enum ov_status take_number(struct ov_cursor *cursor, const char *keyword,
                                  uint64_t *ret_number) {
    struct ov_span value;
    TRY(take(cursor, keyword, &value));
    return ov_number_read(value, ret_number);
}

// A name of one part, as we give them to images and sets.
static enum ov_status take_name(struct ov_cursor *cursor, const char *keyword,
                                char ret_name[OV_ACTIVE_NAME_BYTES]) {
    struct ov_span value;
    TRY(take(cursor, keyword, &value));
    if (value.size == 0 || value.size >= OV_ACTIVE_NAME_BYTES || value.data[0] == '.' ||
        ov_span_find(value, 0, '/') < value.size || ov_span_find(value, 0, 0) < value.size) {
        return OV_DAMAGED;
    }
    memcpy(ret_name, value.data, value.size);
    ret_name[value.size] = 0;
    return OV_OK;
}

static enum ov_status read_head(struct ov_cursor *cursor, struct ov_feed_state *state) {
    struct ov_span rest;
    struct ov_span word;
    TRY(take(cursor, "origin", &rest));
    if (!ov_key_name_is_good(rest)) {
        return OV_DAMAGED;
    }
    memcpy(state->origin, rest.data, rest.size);
    TRY(take(cursor, "tree", &rest));
    TRY(ov_word_take(&rest, &word));
    TRY(ov_number_read(word, &state->head.size));
    return ov_tree_hash_read(rest, &state->head.root);
}

static enum ov_status read_release(struct ov_cursor *cursor, struct ov_active_feed *feed) {
    struct ov_feed_state *state = &feed->state;
    struct ov_span rest;
    struct ov_span word;
    uint64_t withdrawn = 0;
    TRY(take(cursor, "release", &rest));
    TRY(ov_word_take(&rest, &word));
    TRY(ov_number_read(word, &state->seq));
    TRY(ov_word_take(&rest, &word));
    TRY(ov_number_read(word, &state->index));
    TRY(ov_tree_hash_read(rest, &state->leaf));
    TRY(take_number(cursor, "time", &state->time));
    TRY(take_number(cursor, "rules", &feed->rule_count));
    TRY(take_number(cursor, "witnesses", &feed->witness_count));
    TRY(take_number(cursor, "warn-age-days", &feed->warn_age_days));
    TRY(take_number(cursor, "withdrawn", &withdrawn));
    feed->is_withdrawn = withdrawn != 0;
    return withdrawn <= 1 ? OV_OK : OV_DAMAGED;
}

static enum ov_status read_feed(struct ov_cursor *cursor, struct ov_span line,
                                struct ov_active *active) {
    struct ov_active_feed feed = {.kind = OV_FEED_LOG};
    struct ov_span name;
    if (ov_line_take(line, "feed", &name) != OV_OK) {
        feed.kind = OV_FEED_CLAMAV;
        TRY(ov_line_take(line, "clamav", &name));
    }
    TRY(ov_feed_name_read(name, &feed.name));
    if (ov_active_find(active, feed.name.text) != NULL ||
        active->feed_count == OV_ACTIVE_FEEDS_MAX) {
        return OV_DAMAGED;
    }
    TRY(take_name(cursor, "set", feed.set));
    TRY(take_number(cursor, "updated", &feed.updated));
    if (feed.kind == OV_FEED_LOG) {
        TRY(read_head(cursor, &feed.state));
        TRY(read_release(cursor, &feed));
    }
    active->feeds[active->feed_count++] = feed;
    return OV_OK;
}

static enum ov_status read_all(struct ov_cursor *cursor, struct ov_active *active) {
    struct ov_span line;
    if (ov_line_read(cursor, &line) != OV_OK || !ov_span_is_text(line, first_line)) {
        return OV_DAMAGED;
    }
    TRY(take_name(cursor, "image", active->image));
    if (strcmp(active->image, "none") == 0) {
        active->image[0] = 0;
    }
    enum ov_status status = ov_line_read(cursor, &line);
    while (status == OV_OK) {
        TRY(read_feed(cursor, line, active));
        status = ov_line_read(cursor, &line);
    }
    return status == OV_END ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_active_read(struct ov_span text, struct ov_active *ret_active) {
    struct ov_cursor cursor = ov_cursor_init(text);
    struct ov_active active = {0};
    TRY(read_all(&cursor, &active));
    *ret_active = active;
    return OV_OK;
}

struct ov_active_feed *ov_active_find(struct ov_active *active, const char *name) {
    for (size_t i = 0; i < active->feed_count; i++) {
        if (strcmp(active->feeds[i].name.text, name) == 0) {
            return &active->feeds[i];
        }
    }
    return NULL;
}

// ---- writing ------------------------------------------------------------------------------------

static void add_state(struct ov_buf *buf, const struct ov_active_feed *feed) {
    const struct ov_feed_state *state = &feed->state;
    ov_buf_printf(buf, "origin %s\ntree %llu ", state->origin,
                  (unsigned long long)state->head.size);
    ov_tree_hash_add(buf, &state->head.root);
    ov_buf_printf(buf, "\nrelease %llu %llu ", (unsigned long long)state->seq,
                  (unsigned long long)state->index);
    ov_tree_hash_add(buf, &state->leaf);
    ov_buf_printf(buf,
                  "\ntime %llu\nrules %llu\nwitnesses %llu\nwarn-age-days %llu\nwithdrawn %d\n",
                  (unsigned long long)state->time, (unsigned long long)feed->rule_count,
                  (unsigned long long)feed->witness_count, (unsigned long long)feed->warn_age_days,
                  feed->is_withdrawn ? 1 : 0);
}

void ov_active_add(struct ov_buf *buf, const struct ov_active *active) {
    ov_buf_printf(buf, "%s\nimage %s\n", first_line,
                  active->image[0] != 0 ? active->image : "none");
    for (size_t i = 0; i < active->feed_count; i++) {
        const struct ov_active_feed *feed = &active->feeds[i];
        ov_buf_printf(buf, "%s %s\nset %s\nupdated %llu\n",
                      feed->kind == OV_FEED_LOG ? "feed" : "clamav", feed->name.text, feed->set,
                      (unsigned long long)feed->updated);
        if (feed->kind == OV_FEED_LOG) {
            add_state(buf, feed);
        }
    }
}

// ---- the file -----------------------------------------------------------------------------------

enum ov_status ov_active_load(int rules_folder, struct ov_active *ret_active) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    OV_AUTO_FD fd = openat(rules_folder, file_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT) {
        *ret_active = (struct ov_active){0};
        return OV_OK;
    }
    if (fd < 0) {
        return OV_SYSTEM;
    }
    TRY(ov_file_map_open_fd(fd, &map));
    return map.bytes.size <= FILE_BYTES_MAX ? ov_active_read(map.bytes, ret_active) : OV_DAMAGED;
}

enum ov_status ov_active_save(int rules_folder, const struct ov_active *active) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    ov_active_add(&text, active);
    TRY(ov_buf_status(&text));
    return ov_durable_write(rules_folder, file_name, ov_buf_span(&text), 0644);
}
