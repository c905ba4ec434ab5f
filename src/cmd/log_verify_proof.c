// SPDX-License-Identifier: Apache-2.0
// overt log verify BUNDLE: what one proof proves.
#include "base/hex.h"
#include "base/json.h"
#include "base/printable.h"
#include "base/say.h"
#include "cmd/log_verify.h"
#include "ledger/release.h"

#include <errno.h>
#include <stdio.h>

struct work {
    const struct ov_log_verify *verify;
    struct ov_buf proof, entry;
    struct ov_proof_checked checked;
    bool has_trust;
    struct ov_trust trust;
    struct ov_span text; // of an entry that the threshold has signed
};

static int say_unreadable(const char *path, enum ov_status status) {
    ov_say_error(path, status == OV_SYSTEM ? strerror(errno) : ov_status_text(status), NULL);
    return OV_EXIT_ERROR;
}

// ---- what is checked ----------------------------------------------------------------------------

// The entry: as a file says, or as the proof brings it along.
static int take_entry(struct work *work) {
    const struct ov_log_verify *verify = work->verify;
    struct ov_proof proof;
    if (ov_proof_read(ov_buf_span(&work->proof), &proof) != OV_OK) {
        return ov_log_verify_fail(verify, verify->path, "is no c2sp.org/tlog-proof@v1");
    }
    if (verify->entry != NULL) {
        enum ov_status status = ov_log_file_load(verify->entry, OV_ENTRY_BYTES_MAX, &work->entry);
        return status == OV_OK ? -1 : say_unreadable(verify->entry, status);
    }
    if (!proof.has_extra) {
        ov_say_error(verify->path, "does not bring its entry along", "--entry FILE");
        return OV_EXIT_ERROR;
    }
    enum ov_status status = ov_proof_add_extra(&work->entry, &proof);
    return status == OV_OK ? -1 : ov_log_verify_fail(verify, verify->path, "damaged");
}

static int check_trust(struct work *work) {
    const char *why = NULL;
    if (work->verify->trust == NULL) {
        return -1;
    }
    if (ov_log_trust_load(work->verify->trust, &work->trust) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    if (ov_trust_check(&work->trust, ov_buf_span(&work->entry), &work->text, &why) != OV_OK) {
        return ov_log_verify_fail(work->verify, work->verify->path, why);
    }
    work->has_trust = true;
    return -1;
}

static int check(struct work *work) {
    const struct ov_log_verify *verify = work->verify;
    struct ov_tree_hash leaf;
    const char *why = NULL;
    // A line `extra` has its own limit.
    enum ov_status status = ov_log_file_load(
        verify->path, OV_PROOF_BYTES_MAX + 2 * OV_PROOF_EXTRA_BYTES_MAX, &work->proof);
    if (status != OV_OK) {
        return status == OV_LIMIT ? ov_log_verify_fail(verify, verify->path, "too large")
                                  : say_unreadable(verify->path, status);
    }
    int code = take_entry(work);
    if (code >= 0) {
        return code;
    }
    ov_leaf_hash(ov_buf_span(&work->entry), &leaf);
    status =
        ov_proof_check(ov_buf_span(&work->proof), &leaf, verify->policy_read, &work->checked, &why);
    return status == OV_OK ? check_trust(work) : ov_log_verify_fail(verify, verify->path, why);
}

// ---- what is told -------------------------------------------------------------------------------

static const char *name_kind(enum ov_leaf_kind kind) {
    switch (kind) {
    case OV_LEAF_RULESET:
        return "release";
    case OV_LEAF_WITHDRAWAL:
        return "withdrawal";
    case OV_LEAF_ENGINE:
        return "engine";
    case OV_LEAF_ROTATION:
        return "rotation";
    case OV_LEAF_OTHER:
        break;
    }
    return "other";
}

static void tell_release_json(struct ov_json *json, const struct ov_release *release) {
    char hex[2 * OV_SHA256_BYTES + 1];
    OV_CLEANUP(ov_buf_release) struct ov_buf root = {0};
    ov_hex_write(ov_span_make(release->bundle_sha256, OV_SHA256_BYTES), hex);
    ov_tree_hash_add(&root, &release->rule_root);
    ov_json_object(json, "release");
    ov_json_text(json, "feed", release->feed.text);
    ov_json_uint(json, "seq", release->seq);
    ov_json_uint(json, "time", release->time);
    ov_json_text(json, "bundle_sha256", hex);
    ov_json_uint(json, "bundle_bytes", release->bundle_bytes);
    ov_json_uint(json, "rules", release->rule_count);
    ov_json_bytes(json, "rules_root", ov_buf_span(&root));
    ov_json_uint(json, "added", release->added_count);
    ov_json_uint(json, "removed", release->removed_count);
    ov_json_object_end(json);
}

// Whether the entry is a release, in its form at least.
static bool read_release(const struct work *work, struct ov_release *ret_release) {
    struct ov_note note;
    struct ov_span entry = ov_buf_span(&work->entry);
    return ov_leaf_kind_of(entry) == OV_LEAF_RULESET && ov_note_read(entry, &note) == OV_OK &&
           ov_release_read(note.text, ret_release) == OV_OK;
}

static int tell_json(const struct work *work) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_json json;
    struct ov_release release;
    ov_json_init(&json, &out);
    ov_json_object(&json, NULL);
    ov_log_verify_tell_json(work->verify, &work->checked.opened, &json);
    ov_json_uint(&json, "index", work->checked.proof.index);
    ov_json_text(&json, "kind", name_kind(ov_leaf_kind_of(ov_buf_span(&work->entry))));
    ov_json_uint(&json, "entry_bytes", work->entry.size);
    ov_json_bool(&json, "signed_by_release_keys", work->has_trust);
    if (read_release(work, &release)) {
        tell_release_json(&json, &release);
    }
    ov_json_object_end(&json);
    ov_buf_add_u8(&out, '\n');
    return ov_log_print(&out);
}

static int tell_text(const struct work *work) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_span entry = ov_buf_span(&work->entry);
    enum ov_leaf_kind kind = ov_leaf_kind_of(entry);
    struct ov_note note;
    ov_log_verify_tell_text(work->verify, &work->checked.opened, &out);
    ov_buf_printf(&out, "entry %llu stands in it: %zu bytes",
                  (unsigned long long)work->checked.proof.index, entry.size);
    if (kind == OV_LEAF_OTHER) {
        ov_buf_add_text(&out, ", none of ours\n");
    } else {
        ov_buf_printf(&out, ", %s:\n", name_kind(kind));
        ov_printable_add_lines(&out, ov_note_read(entry, &note) == OV_OK ? note.text : entry);
    }
    if (work->has_trust) {
        ov_buf_printf(&out, "signed by %u release keys or more: the threshold of %s\n",
                      work->trust.threshold, work->verify->trust);
    } else if (kind != OV_LEAF_OTHER) {
        ov_buf_add_text(&out,
                        "whose release keys have signed it was not looked at: --trust FILE\n");
    }
    return ov_log_print(&out);
}

int ov_log_verify_proof(const struct ov_log_verify *verify) {
    struct work work = {.verify = verify};
    int code = check(&work);
    if (code < 0) {
        code = verify->is_json ? tell_json(&work) : tell_text(&work);
    }
    ov_buf_release(&work.proof);
    ov_buf_release(&work.entry);
    return code;
}
