// SPDX-License-Identifier: Apache-2.0
// What the journal says of rules, line by line.
#include "cmd/journal_load.h"

#include "base/hex.h"
#include "feed/activate.h"
#include "journal/entry.h"

enum {
    GIVEN_MAX = 128,      // files that are named; of the others their number is told
    NAME_BYTES_MAX = 100, // of one, before it is written
};

static void add_image(struct ov_buf *body, const struct ov_rule_names *names) {
    char digest[2 * OV_SHA256_BYTES + 1];
    ov_hex_write(ov_span_make(names->digest, sizeof names->digest), digest);
    ov_buf_printf(body, "image %s\n", digest);
}

static void add_set(struct ov_buf *body, struct ov_span name, const char *word) {
    ov_buf_add_text(body, "set ");
    ov_entry_text_add(body, ov_span_part(name, 0, NAME_BYTES_MAX));
    ov_buf_printf(body, " %s\n", word);
}

// ---- what is installed --------------------------------------------------------------------------

static bool has_local(const struct ov_rule_names *names) {
    struct ov_span source;
    for (uint32_t i = 0; ov_rule_names_source_at(names, i, &source) == OV_OK; i++) {
        if (ov_span_has_prefix(source, OV_FEED_LOCAL ":")) {
            return true;
        }
    }
    return false;
}

void ov_load_add_installed(struct ov_buf *body, const struct ov_rule_names *names,
                           const struct ov_active *active) {
    add_image(body, names);
    for (size_t i = 0; i < active->feed_count; i++) {
        const struct ov_active_feed *feed = &active->feeds[i];
        if (feed->kind != OV_FEED_LOG) {
            add_set(body, ov_span_text(feed->name.text), "unlogged");
            continue;
        }
        ov_buf_printf(body, "set %s ", feed->name.text);
        ov_tree_hash_add(body, &feed->state.leaf);
        ov_buf_add_u8(body, '\n');
    }
    if (has_local(names)) {
        add_set(body, ov_span_text(OV_FEED_LOCAL), "local");
    }
}

void ov_load_add_built_in(struct ov_buf *body, const struct ov_rule_names *names) {
    add_image(body, names);
    add_set(body, ov_span_text("starter"), "built-in");
}

// ---- what was given -----------------------------------------------------------------------------

struct given {
    struct ov_span names[GIVEN_MAX];
    size_t count;
    uint64_t untold;
};

// The file itself: what comes behind '!' is a member of it.
static struct ov_span file_of(struct ov_span source) {
    return ov_span_part(source, 0, ov_span_find(source, 0, '!'));
}

static void note_given(struct given *given, struct ov_span file) {
    for (size_t i = 0; i < given->count; i++) {
        if (ov_span_is_equal(given->names[i], file)) {
            return;
        }
    }
    if (given->count < GIVEN_MAX) {
        given->names[given->count++] = file;
    } else {
        given->untold++;
    }
}

void ov_load_add_given(struct ov_buf *body, const struct ov_rule_names *names) {
    struct given given = {.count = 0};
    struct ov_span source;
    add_image(body, names);
    for (uint32_t i = 0; ov_rule_names_source_at(names, i, &source) == OV_OK; i++) {
        note_given(&given, file_of(source));
    }
    for (size_t i = 0; i < given.count; i++) {
        add_set(body, given.names[i], "local");
    }
    if (given.untold > 0) { // no file has a '/' in its name
        ov_buf_printf(body, "set /%llu local\n", (unsigned long long)given.untold);
    }
}

// ---- what is refused ----------------------------------------------------------------------------

#define PATH_WORD "(path)"

// Whether one of these stands there; its size goes to *ret_size.
static bool is_known_path(struct ov_span rest, const char *const *paths, size_t *ret_size) {
    for (; *paths != NULL; paths++) {
        size_t size = strlen(*paths);
        bool is_path = size > 1 && strchr(*paths, '/') != NULL && strstr(*paths, "://") == NULL;
        if (is_path && ov_span_has_prefix(rest, *paths)) {
            *ret_size = size;
            return true;
        }
    }
    return false;
}

static bool is_one_of(uint8_t byte, const char *bytes) {
    return byte != 0 && strchr(bytes, byte) != NULL;
}

// Whether a path from the root begins there, as far as one can tell: it ends with its word.
static bool is_any_path(struct ov_span text, size_t at, size_t *ret_size) {
    bool is_begin = at == 0 || is_one_of(text.data[at - 1], " \"'(=,");
    size_t end = at;
    if (text.data[at] != '/' || !is_begin) {
        return false;
    }
    while (end < text.size && !is_one_of(text.data[end], " \"':,;)")) {
        end++;
    }
    *ret_size = end - at;
    return end - at > 1;
}

static void add_without_paths(struct ov_buf *out, struct ov_span text, const char *const *paths) {
    for (size_t at = 0; at < text.size;) {
        size_t size = 1;
        if (is_known_path(ov_span_from(text, at), paths, &size) || is_any_path(text, at, &size)) {
            ov_buf_add_text(out, PATH_WORD);
        } else {
            ov_buf_add_u8(out, text.data[at]);
            size = 1;
        }
        at += size;
    }
}

void ov_refuse_add(struct ov_buf *body, struct ov_span set, struct ov_span why,
                   const char *const *paths) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    add_without_paths(&text, why, paths);
    body->has_failed |= text.has_failed;
    ov_buf_add_text(body, "set ");
    ov_entry_text_add(body, ov_span_part(set, 0, NAME_BYTES_MAX));
    ov_buf_add_text(body, "\nwhy ");
    ov_entry_text_add(body, ov_buf_span(&text));
    ov_buf_add_u8(body, '\n');
}

void ov_rotate_add(struct ov_buf *body, const struct ov_refresh_rotation *rotation) {
    const struct ov_span texts[] = {rotation->trust, rotation->policy};
    ov_buf_printf(body, "set %s\nversion %llu\nentry %llu\n", rotation->feed,
                  (unsigned long long)rotation->version, (unsigned long long)rotation->index);
    for (unsigned i = 0; i < 2; i++) {
        uint8_t sha256[OV_SHA256_BYTES];
        char digest[2 * OV_SHA256_BYTES + 1];
        ov_sha256(texts[i], sha256);
        ov_hex_write(ov_span_make(sha256, sizeof sha256), digest);
        ov_buf_printf(body, "%s %s\n", i == 0 ? "trust" : "policy", digest);
    }
}
