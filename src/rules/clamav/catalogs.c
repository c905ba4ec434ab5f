// SPDX-License-Identifier: Apache-2.0
// Catalogs (.cat): signed lists of digests of files that are known. They count when the rules on
// certificates that were read before them trust the signer.
#include "rules/clamav/parser.h"
#include "rules/clamav/readers.h"

#include "trust/signed_data.h"

#include <stdlib.h>

static enum ov_status tell(struct ov_ruleset *set, uint32_t file, const char *why) {
    return ov_ruleset_add_problem(set, (struct ov_place){.file = file}, (struct ov_span){0}, false,
                                  why);
}

// The rules on certificates that the set has so far; the array is the caller's to free.
static enum ov_status collect_rules(const struct ov_ruleset *set, struct ov_trust_rule **ret_rules,
                                    uint32_t *ret_count) {
    uint32_t count = 0;
    struct ov_trust_rule *rules = calloc(set->rule_count + 1, sizeof *rules);
    if (rules == NULL) {
        return OV_MEMORY;
    }
    for (size_t i = 0; i < set->rule_count; i++) {
        if (set->rules[i].kind == OV_RULE_CERTIFICATE) {
            rules[count++] = *set->rules[i].certificate;
        }
    }
    *ret_rules = rules;
    *ret_count = count;
    return OV_OK;
}

static enum ov_status add_hashes(struct ov_ruleset *set, uint32_t file,
                                 const struct ov_signed *catalog) {
    struct ov_hash_list list;
    struct ov_listed_hash hash;
    enum ov_status status = ov_hash_list_open(catalog->content, &list);
    while (status == OV_OK && (status = ov_hash_list_next(&list, &hash)) == OV_OK) {
        struct ov_listed_file row = {
            .is_program = hash.is_program,
            .kind = hash.hash == OV_SIGN_SHA1 ? OV_HASH_SHA1 : OV_HASH_SHA256,
            .file = file,
            .not_before = catalog->not_before,
            .not_after = catalog->not_after,
        };
        memcpy(row.digest, hash.digest.data, hash.digest.size);
        TRY(ov_ruleset_add_listed(set, &row));
    }
    return status == OV_DAMAGED ? tell(set, file, "not all of the catalog's list can be read")
                                : OV_OK;
}

enum ov_status ov_clamav_read_catalog(struct ov_ruleset *set, uint32_t file, unsigned mode) {
    (void)mode;
    struct ov_trust_rule *items;
    struct ov_trust_rules rules = {0};
    struct ov_signed catalog = {0};
    TRY(collect_rules(set, &items, &rules.count));
    rules.items = items;
    enum ov_status status =
        ov_signed_read(set->files[file].bytes, OV_SIGNED_CATALOG, &rules, NULL, &catalog);
    free(items);
    if (status == OV_DAMAGED) {
        return tell(set, file, "no catalog: its signature cannot be read");
    }
    TRY(status);
    if (!catalog.is_trusted) {
        return tell(set, file,
                    "a catalog whose signer no certificate rule (.crb) read before it trusts");
    }
    return add_hashes(set, file, &catalog);
}
