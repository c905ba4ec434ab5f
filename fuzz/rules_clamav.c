// SPDX-License-Identifier: Apache-2.0
// Rule sources of every kind through their readers: the first byte says which kind.
// rooms: base rules
#include "rules/explain.h"
#include "rules/tree.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static const char *const names[] = {"a.ndb", "a.ldb",  "a.hsb", "a.msb", "a.db",  "a.imp",
                                    "a.fp",  "a.ign2", "a.cvd", "a.cud", "a.cdb", "a.zmd",
                                    "a.ftm", "a.idb",  "a.pdb", "a.wdb"};

// A refusal must say what is wrong and where, and a rule must be whole.
static void check_set(const struct ov_ruleset *set) {
    for (size_t i = 0; i < set->problem_count; i++) {
        const struct ov_rule_problem *problem = &set->problems[i];
        if (problem->place.file >= set->file_count || problem->reason == NULL ||
            problem->reason[0] == '\0') {
            abort();
        }
    }
    struct ov_buf out = {0};
    for (size_t i = 0; i < set->rule_count; i++) {
        ov_rule_explain(&set->rules[i], &out);
        ov_buf_reset(&out);
    }
    ov_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_ruleset_options options = {.with_pua = true, .memory_bytes = (uint64_t)64 << 20};
    struct ov_ruleset *set;
    if (size == 0 || ov_ruleset_new(&options, &set) != OV_OK) {
        return 0;
    }
    // Letters, so that seeds can be written by hand: '0' is the first kind.
    const char *name = names[(size_t)(data[0] - '0') % (sizeof names / sizeof names[0])];
    if (ov_ruleset_load_bytes(set, name, ov_span_make(data + 1, size - 1), false) == OV_OK) {
        check_set(set);
    }
    ov_ruleset_free(set);
    return 0;
}
