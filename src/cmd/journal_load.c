// SPDX-License-Identifier: Apache-2.0
// Which sets of rules an image was made of, line by line.
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
