// SPDX-License-Identifier: Apache-2.0
// From a line `found` to the release that its rule is in.
#include "journal/evidence_found.h"

enum ov_status ov_evidence_loads_take(struct ov_evidence_loads *loads,
                                      const struct ov_entry *entry) {
    if (entry->type == OV_ENTRY_LOAD) {
        ov_buf_add(&loads->items, entry, sizeof *entry);
        loads->has_last = false;
    }
    return ov_buf_status(&loads->items);
}

void ov_evidence_loads_release(struct ov_evidence_loads *loads) {
    ov_buf_release(&loads->items);
}

// The last one of this run, or NULL.
static const struct ov_entry *find_load(struct ov_evidence_loads *loads,
                                        const struct ov_entry_run *run) {
    const struct ov_entry *entries = (const struct ov_entry *)(const void *)loads->items.data;
    size_t place = loads->items.size / sizeof *entries;
    if (loads->has_last && memcmp(loads->last.bytes, run->bytes, sizeof run->bytes) == 0) {
        place = loads->last_place;
    } else {
        while (place > 0 &&
               memcmp(entries[place - 1].run.bytes, run->bytes, sizeof run->bytes) != 0) {
            place--;
        }
    }
    loads->has_last = true;
    loads->last = *run;
    loads->last_place = place;
    return place > 0 ? &entries[place - 1] : NULL;
}

static enum ov_status find_set(const struct ov_entry *load, struct ov_span feed,
                               struct ov_tree_hash *ret_release) {
    struct ov_span line;
    struct ov_span name;
    for (size_t i = 0; ov_entry_value(load->body, "set", i, &line) == OV_OK; i++) {
        if (ov_word_take(&line, &name) == OV_OK && ov_span_is_equal(name, feed)) {
            return ov_tree_hash_read(line, ret_release) == OV_OK ? OV_OK : OV_UNSUPPORTED;
        }
    }
    return OV_UNSUPPORTED;
}

enum ov_status ov_evidence_found_read(struct ov_evidence_loads *loads,
                                      const struct ov_entry_run *run, struct ov_span words,
                                      struct ov_evidence_found *ret_found) {
    struct ov_evidence_found *found = ret_found;
    *found = (struct ov_evidence_found){0};
    (void)!ov_word_take(&words, &found->rule); // its form was checked
    (void)!ov_word_take(&words, &found->set);
    found->where = words;
    size_t colon = ov_span_find(found->set, 0, ':');
    const struct ov_entry *load = find_load(loads, run);
    if (load == NULL) {
        return OV_END;
    }
    if (colon == found->set.size) {
        return OV_UNSUPPORTED;
    }
    found->file = ov_span_from(found->set, colon + 1);
    return find_set(load, ov_span_part(found->set, 0, colon), &found->release);
}
