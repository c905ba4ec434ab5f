// SPDX-License-Identifier: Apache-2.0
// Loads the sources that `overt rules` was given, and prints what all its words print.
#include "cmd/rules_common.h"

#include "base/say.h"
#include "cmd/scan_state.h"
#include "rules/explain.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

enum { FLUSH_BYTES = 1 << 16 };

void ov_rules_free(struct ov_ruleset **set) {
    ov_ruleset_free(*set);
}

static enum ov_status say_failure(const char *source, enum ov_status status) {
    switch (status) {
    case OV_SYSTEM:
        ov_say_error(source, strerror(errno), NULL);
        break;
    case OV_UNSUPPORTED:
        ov_say_error(source, "no rule language has files of this name",
                     "known endings: .cvd .cld .hdb .hsb .mdb .msb .imp .fp .sfp .ndb .ldb .ign2");
        break;
    case OV_LIMIT:
        ov_say_error(source, "the rules need more memory than they may have", NULL);
        break;
    default:
        ov_say_error(source, ov_status_text(status), NULL);
        break;
    }
    return status;
}

static enum ov_status load_installed(struct ov_ruleset *set) {
    char path[PATH_MAX];
    char folder[PATH_MAX - sizeof "/rules"];
    TRY(ov_state_folder(folder, sizeof folder));
    snprintf(path, sizeof path, "%s/rules", folder);
    enum ov_status status = ov_ruleset_load(set, path);
    if (status == OV_SYSTEM && errno == ENOENT) {
        ov_say_error(path, "no rules are installed there", "name a file or folder of rules");
        return status;
    }
    return status == OV_OK ? OV_OK : say_failure(path, status);
}

enum ov_status ov_rules_load(const struct ov_rules_options *options, char *const *sources,
                             int source_count, struct ov_ruleset **ret_set) {
    struct ov_ruleset *set;
    struct ov_ruleset_options load = {.with_pua = options->with_pua};
    enum ov_status status = ov_ruleset_new(&load, &set);
    if (status != OV_OK) {
        return say_failure("rules", status);
    }
    if (source_count == 0) {
        status = load_installed(set);
    }
    for (int i = 0; i < source_count && status == OV_OK; i++) {
        status = ov_ruleset_load(set, sources[i]);
        if (status != OV_OK) {
            status = say_failure(sources[i], status);
        }
    }
    if (status != OV_OK) {
        ov_ruleset_free(set);
        return status;
    }
    *ret_set = set;
    return OV_OK;
}

struct ov_span ov_rules_hash_line(const struct ov_ruleset *set, const struct ov_hash_rule *hash) {
    return ov_span_part(set->files[hash->file].bytes, hash->line_at, hash->line_size);
}

struct ov_span ov_rules_hash_name(const struct ov_ruleset *set, const struct ov_hash_rule *hash) {
    return ov_span_part(ov_rules_hash_line(set, hash), hash->name_at, hash->name_size);
}

const char *ov_rules_scope_text(const struct ov_hash_rule *hash) {
    static const char *const texts[] = {"file hash", "section hash", "import hash", "allowed file"};
    return texts[hash->scope];
}

const char *ov_rules_hash_text(const struct ov_hash_rule *hash) {
    static const char *const texts[] = {"MD5", "SHA-1", "SHA-256"};
    return texts[hash->kind];
}

void ov_rules_flush(struct ov_buf *out, bool is_last) {
    if (out->size > 0 && (is_last || out->size >= FLUSH_BYTES)) {
        (void)fwrite(out->data, 1, out->size, stdout);
        ov_buf_reset(out);
    }
}

void ov_rules_add_place(struct ov_buf *out, const struct ov_ruleset *set, struct ov_place place) {
    ov_text_add_printable(out, ov_span_text(set->files[place.file].path));
    if (place.line > 0) {
        ov_buf_printf(out, ":%" PRIu32, place.line);
    }
}
