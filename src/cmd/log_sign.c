// SPDX-License-Identifier: Apache-2.0
// overt log sign: one more signature under an entry, on whatever machine the key is kept.
#include "base/durable.h"
#include "base/printable.h"
#include "base/say.h"
#include "cmd/log_secret.h"
#include "cmd/log_store.h"
#include "ledger/note.h"
#include "ledger/release.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>

// The text of an entry that may have no signature yet: what stands before the last blank line.
static enum ov_status find_text(struct ov_span entry, struct ov_span *ret_text) {
    struct ov_note note;
    if (ov_note_read(entry, &note) == OV_OK) {
        *ret_text = note.text;
        return OV_OK;
    }
    bool is_bare =
        entry.size > 2 && entry.data[entry.size - 1] == '\n' && entry.data[entry.size - 2] == '\n';
    *ret_text = ov_span_part(entry, 0, entry.size - 1);
    return is_bare && ov_note_check_text(*ret_text) == OV_OK ? OV_OK : OV_DAMAGED;
}

static enum ov_status load_entry(const char *path, struct ov_buf *entry, struct ov_span *ret_text) {
    enum ov_status status = ov_log_file_load(path, OV_ROTATION_BYTES_MAX, entry);
    if (status != OV_OK) {
        ov_say_error(path, status == OV_SYSTEM ? strerror(errno) : ov_status_text(status), NULL);
        return status;
    }
    if (ov_leaf_kind_of(ov_buf_span(entry)) == OV_LEAF_OTHER ||
        find_text(ov_buf_span(entry), ret_text) != OV_OK) {
        ov_say_error(path, "is no entry of ours that could be signed",
                     "overt log append --unsigned writes one");
        return OV_DAMAGED;
    }
    return OV_OK;
}

static bool has_signed(const struct ov_buf *entry, const struct ov_key *key) {
    struct ov_note note;
    return ov_note_read(ov_buf_span(entry), &note) == OV_OK && ov_note_find(&note, key) != NULL;
}

static enum ov_status sign_with(const char *path, struct ov_span text, struct ov_buf *entry) {
    OV_CLEANUP(ov_signer_release) struct ov_signer signer;
    ov_signer_init(&signer);
    enum ov_status status = ov_log_secret_load(path, &signer);
    if (status != OV_OK) {
        ov_log_secret_say(path, status);
        return status;
    }
    if (signer.key.type != OV_KEY_NOTE) {
        ov_say_error(path, "is a witness's key, which signs no entries", NULL);
        return OV_INVALID;
    }
    if (!has_signed(entry, &signer.key)) {
        ov_note_sign(entry, text, &signer, 0);
    }
    return ov_buf_status(entry);
}

// What is signed is shown: who signs is to read it.
static int sign_entry(const char *path, char *const *keys, int key_count) {
    OV_CLEANUP(ov_buf_release) struct ov_buf entry = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_span found;
    if (load_entry(path, &entry, &found) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    ov_buf_add(&text, found.data, found.size); // the entry grows, and moves
    for (int i = 0; i < key_count; i++) {
        if (sign_with(keys[i], ov_buf_span(&text), &entry) != OV_OK) {
            return OV_EXIT_ERROR;
        }
    }
    if (ov_durable_write(AT_FDCWD, path, ov_buf_span(&entry), 0644) != OV_OK) {
        ov_say_error(path, strerror(errno), NULL);
        return OV_EXIT_ERROR;
    }
    ov_printable_add_lines(&out, ov_buf_span(&text));
    return ov_log_print(&out);
}

int ov_log_sign(int argc, char **argv) {
    static const struct option long_options[] = {{"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    for (int code = 0; (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        return code == 'h' ? ov_log_print_help() : ov_log_reject_option(argv);
    }
    if (optind + 2 > argc) {
        ov_say_error("log sign", "an entry and at least one key are needed",
                     "overt log sign ENTRY KEY...");
        return OV_EXIT_ERROR;
    }
    return sign_entry(argv[optind], argv + optind + 1, argc - optind - 1);
}
