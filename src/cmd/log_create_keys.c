// SPDX-License-Identifier: Apache-2.0
// The keys and the policy of a new log.
#include "base/say.h"
#include "cmd/log_create.h"
#include "cmd/log_secret.h"
#include "ledger/log_names.h"

#include <errno.h>
#include <stdio.h>

// ---- keys ---------------------------------------------------------------------------------------

static enum ov_status make_key(const char *path, const char *name, struct ov_signer *signer) {
    enum ov_status status = ov_signer_new_random(name, OV_KEY_NOTE, signer);
    if (status != OV_OK) {
        ov_say_error(name, status == OV_INVALID ? "no name for a key" : ov_status_text(status),
                     "an origin is like example.org/rules, without blanks and plus signs");
        return status;
    }
    status = ov_log_secret_save(path, signer);
    if (status != OV_OK) {
        ov_log_secret_say(path, status);
    }
    return status;
}

// The public part of the key in this file, which is made unless it is there: that of a run that was
// cut off is as good as a new one.
static enum ov_status take_key(const struct ov_log_create *create, const char *file,
                               const char *name, struct ov_key *ret_key) {
    char path[PATH_MAX];
    OV_CLEANUP(ov_signer_release) struct ov_signer signer;
    ov_signer_init(&signer);
    (void)snprintf(path, sizeof path, "%s/%s", create->private_path, file);
    enum ov_status status = ov_log_secret_load(path, &signer);
    if (status == OV_SYSTEM && errno == ENOENT) {
        TRY(make_key(path, name, &signer));
    } else if (status != OV_OK) {
        ov_log_secret_say(path, status);
        return status;
    }
    if (strcmp(signer.key.name, name) != 0 || signer.key.type != OV_KEY_NOTE) {
        ov_say_error(path, "is there already, and is the key of another", "--keys DIR elsewhere");
        return OV_DENIED;
    }
    *ret_key = signer.key;
    return OV_OK;
}

static enum ov_status add_trusted(struct ov_trust *trust, const struct ov_key *key) {
    for (size_t i = 0; i < trust->key_count; i++) {
        if (ov_key_is_same_material(&trust->keys[i], key)) {
            ov_say_error(key->name, "the same release key twice", NULL);
            return OV_INVALID;
        }
    }
    trust->keys[trust->key_count++] = *key;
    return OV_OK;
}

static enum ov_status take_given(const struct ov_log_create *create, struct ov_trust *trust) {
    struct ov_key key;
    for (size_t i = 0; i < create->vkey_count; i++) {
        const char *vkey = create->vkeys[i];
        if (ov_key_read(ov_span_text(vkey), &key) != OV_OK || key.type != OV_KEY_NOTE) {
            ov_say_error(vkey, "is no public key that signs notes",
                         "overt log key NAME -o FILE prints one");
            return OV_DAMAGED;
        }
        TRY(add_trusted(trust, &key));
    }
    return OV_OK;
}

static enum ov_status check_trust(const struct ov_log_create *create) {
    uint64_t count = create->new_key_count + create->vkey_count;
    if (count > OV_TRUST_KEYS_MAX || create->threshold > count) {
        ov_say_error("release keys", "at most 16, and the threshold no more than there are", NULL);
        return OV_INVALID;
    }
    return OV_OK;
}

enum ov_status ov_log_create_keys(struct ov_log_create *create) {
    struct ov_trust trust = {.version = 1,
                             .threshold = (unsigned)create->threshold,
                             .warn_age_days = create->warn_age_days,
                             .max_age_days = create->max_age_days};
    TRY(check_trust(create));
    if (ov_feed_name_read(ov_span_text(create->feed), &trust.feed) != OV_OK) {
        ov_say_error(create->feed, "is no feed's name", "a-z, 0-9 and '-', at most 64");
        return OV_INVALID;
    }
    TRY(take_given(create, &trust));
    TRY(take_key(create, OV_LOG_KEY, create->origin, &create->log_key));
    for (unsigned i = 1; i <= create->new_key_count; i++) {
        char file[32], name[OV_KEY_NAME_BYTES_MAX + 1];
        struct ov_key key;
        (void)snprintf(file, sizeof file, "release-%u.key", i);
        (void)snprintf(name, sizeof name, "%s/release-%u", create->origin, i);
        TRY(take_key(create, file, name, &key));
        TRY(add_trusted(&trust, &key));
    }
    create->trust = trust;
    return OV_OK;
}

// ---- policy -------------------------------------------------------------------------------------

static void add_group(const struct ov_log_create *create, struct ov_buf *text) {
    if (create->quorum != NULL) {
        ov_buf_printf(text, "group witnesses %s", create->quorum);
    } else { // most of them: two heads of one size then share a witness
        ov_buf_printf(text, "group witnesses %zu", create->witness_count / 2 + 1);
    }
    for (size_t i = 0; i < create->witness_count; i++) {
        size_t name = strcspn(create->witnesses[i], " ");
        ov_buf_printf(text, " %.*s", (int)name, create->witnesses[i]);
    }
    ov_buf_add_text(text, "\nquorum witnesses\n");
}

static enum ov_status check_policy(const struct ov_buf *text) {
    static struct ov_policy policy; // large, and of no further use
    struct ov_policy_error error;
    TRY(ov_buf_status(text));
    if (ov_policy_read(ov_buf_span(text), &policy, &error) != OV_OK) {
        ov_say_error("--witness, --quorum", error.why, "--witness \"NAME VKEY URL\"");
        return OV_INVALID;
    }
    return OV_OK;
}

enum ov_status ov_log_create_policy(const struct ov_log_create *create, struct ov_buf *text) {
    ov_buf_add_text(text, "log ");
    TRY(ov_key_add(text, &create->log_key));
    ov_buf_add_u8(text, '\n');
    for (size_t i = 0; i < create->witness_count; i++) {
        ov_buf_printf(text, "witness %s\n", create->witnesses[i]);
    }
    if (create->witness_count > 0) {
        add_group(create, text);
    } else {
        ov_buf_add_text(text, "quorum none\n");
    }
    return check_policy(text);
}
