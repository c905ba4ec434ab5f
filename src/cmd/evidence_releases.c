// SPDX-License-Identifier: Apache-2.0
// The releases that a file of evidence proves.
#include "cmd/evidence_export.h"
#include "ledger/proof.h"

#include <dirent.h>
#include <stdio.h>

enum { FEED_PATH_BYTES = PATH_MAX + OV_FEED_BYTES + 32 };

// ---- releases -----------------------------------------------------------------------------------

static bool is_release(struct ov_span bytes, const struct ov_tree_hash *leaf) {
    struct ov_evidence one = {.release_count = 1, .releases = {bytes}};
    OV_CLEANUP(ov_buf_release) struct ov_buf entry = {0};
    size_t index;
    return ov_evidence_release(&one, leaf, &entry, &index) == OV_OK;
}

// The proof of a release lies in one of the feed's folders, as long as that set is installed.
static enum ov_status find_release(struct ov_evidence_work *work, const struct ov_feed_name *feed,
                                   const struct ov_tree_hash *leaf) {
    char path[FEED_PATH_BYTES];
    struct ov_buf *found = &work->releases[work->evidence.release_count];
    (void)snprintf(path, sizeof path, "%s/../rules/feeds/%s", work->options->journal, feed->text);
    DIR *folder = opendir(path);
    const struct dirent *each = NULL;
    while (folder != NULL && (each = readdir(folder)) != NULL) {
        char inside[NAME_MAX + 32];
        (void)snprintf(inside, sizeof inside, "%s/release.tlog-proof", each->d_name);
        ov_buf_reset(found);
        if (each->d_name[0] != '.' &&
            ov_evidence_load_file(dirfd(folder), inside,
                                  OV_PROOF_BYTES_MAX + 2 * OV_PROOF_EXTRA_BYTES_MAX,
                                  found) == OV_OK &&
            is_release(ov_buf_span(found), leaf)) {
            size_t at = work->evidence.release_count++;
            work->evidence.releases[at] = ov_buf_span(found);
            (void)snprintf(work->feeds[at], sizeof work->feeds[at], "%s", feed->text);
            (void)snprintf(work->sets[at], sizeof work->sets[at], "%s", each->d_name);
            break;
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return ov_buf_status(found);
}

enum ov_status ov_evidence_add_releases(struct ov_evidence_work *work,
                                        const struct ov_entry *entry) {
    struct ov_span line;
    struct ov_span word;
    struct ov_feed_name feed;
    struct ov_tree_hash leaf;
    for (size_t i = 0; ov_entry_value(entry->body, "set", i, &line) == OV_OK; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf have = {0};
        size_t index;
        bool is_wanted_release =
            ov_word_take(&line, &word) == OV_OK && ov_feed_name_read(word, &feed) == OV_OK &&
            ov_tree_hash_read(line, &leaf) == OV_OK &&
            ov_evidence_release(&work->evidence, &leaf, &have, &index) == OV_END;
        if (is_wanted_release && work->evidence.release_count < OV_EVIDENCE_RELEASES_MAX) {
            TRY(find_release(work, &feed, &leaf));
        }
    }
    return OV_OK;
}
