// SPDX-License-Identifier: Apache-2.0
// Signing entries with the release keys.
#include "cmd/log_leaf.h"

#include "base/say.h"
#include "cmd/log_secret.h"
#include "ledger/log_names.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct signing {
    const struct ov_log_append *append;
    const struct ov_trust *more_trust;
    struct ov_span text;
    struct ov_buf *entry;
    struct ov_key signed_by[2 * OV_TRUST_KEYS_MAX];
    size_t signed_count;
    size_t own_count;
};

static bool is_trusted(const struct ov_trust *trust, const struct ov_key *key) {
    for (size_t i = 0; trust != NULL && i < trust->key_count; i++) {
        if (ov_key_is_same_material(&trust->keys[i], key) && trust->keys[i].type == key->type &&
            strcmp(trust->keys[i].name, key->name) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_signed(const struct signing *signing, const struct ov_key *key) {
    for (size_t i = 0; i < signing->signed_count; i++) {
        if (ov_key_is_same_material(&signing->signed_by[i], key)) {
            return true;
        }
    }
    return false;
}

// Whether the key was one of those that may sign.
static bool sign_with(struct signing *signing, const struct ov_signer *signer) {
    bool is_own = is_trusted(&signing->append->store->trust, &signer->key);
    if (!is_own && !is_trusted(signing->more_trust, &signer->key)) {
        return false;
    }
    if (!has_signed(signing, &signer->key) &&
        signing->signed_count < sizeof signing->signed_by / sizeof *signing->signed_by) {
        ov_note_sign(signing->entry, signing->text, signer, 0);
        signing->signed_by[signing->signed_count++] = signer->key;
        signing->own_count += is_own;
    }
    return true;
}

static enum ov_status sign_with_file(struct signing *signing, const char *path,
                                     bool must_be_trusted) {
    OV_CLEANUP(ov_signer_release) struct ov_signer signer;
    ov_signer_init(&signer);
    enum ov_status status = ov_log_secret_load(path, &signer);
    if (status != OV_OK) {
        ov_log_secret_say(path, status);
        return status;
    }
    if (!sign_with(signing, &signer) && must_be_trusted) {
        ov_say_error(path, "is no release key of this log", "overt.trust names them");
        return OV_DENIED;
    }
    return OV_OK;
}

static int is_key_file(const struct dirent *entry) {
    size_t size = strlen(entry->d_name);
    return size > 4 && strcmp(entry->d_name + size - 4, ".key") == 0 &&
           strcmp(entry->d_name, OV_LOG_KEY) != 0;
}

static enum ov_status sign_with_folder(struct signing *signing) {
    const char *folder = signing->append->private_path;
    struct dirent **entries = NULL;
    enum ov_status status = OV_OK;
    int count = scandir(folder, &entries, is_key_file, alphasort);
    if (count < 0) {
        ov_say_error(folder, strerror(errno), NULL);
        return OV_SYSTEM;
    }
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX + 256];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        free(entries[i]);
        status = status == OV_OK ? sign_with_file(signing, path, false) : status;
    }
    free(entries);
    return status;
}

enum ov_status ov_log_leaf_sign(const struct ov_log_append *append,
                                const struct ov_trust *more_trust, struct ov_span text,
                                struct ov_buf *entry, size_t *ret_count) {
    struct signing signing = {
        .append = append, .more_trust = more_trust, .text = text, .entry = entry};
    ov_note_add_text(entry, text);
    TRY(sign_with_folder(&signing));
    for (size_t i = 0; i < append->sign_count; i++) {
        TRY(sign_with_file(&signing, append->sign[i], true));
    }
    enum ov_status status = ov_buf_status(entry);
    if (status != OV_OK) {
        ov_say_error("entry", ov_status_text(status), NULL);
        return status;
    }
    *ret_count = signing.own_count;
    return OV_OK;
}

enum ov_status ov_log_leaf_check(const struct ov_log_append *append, size_t count) {
    unsigned needed = append->store->trust.threshold;
    char why[96];
    if (count >= needed) {
        return OV_OK;
    }
    (void)snprintf(why, sizeof why, "%zu of the %u release keys that must sign are here", count,
                   needed);
    ov_say_error("log", why, "--sign KEY; a release: --unsigned FILE, for others to sign");
    return OV_DENIED;
}

int ov_log_leaf_append(struct ov_log_append *append, const struct ov_trust *more_trust,
                       struct ov_span text, const char *what) {
    OV_CLEANUP(ov_buf_release) struct ov_buf entry = {0};
    size_t count;
    if (ov_log_leaf_sign(append, more_trust, text, &entry, &count) != OV_OK ||
        ov_log_leaf_check(append, count) != OV_OK ||
        ov_log_append_entry(append, ov_buf_span(&entry), what) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    return ov_log_append_commit(append);
}
