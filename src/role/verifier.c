// SPDX-License-Identifier: Apache-2.0
// The verifier's life: forked, caged, one answer.
#include "role/verifier.h"

#include "base/fd.h"
#include "config.h"
#include "ledger/entries.h"
#include "role/roles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_FD = 3 };

// ---- in the cage --------------------------------------------------------------------------------

// What the checks are given, taken apart.
struct material {
    struct ov_policy policy;
    struct ov_trust trust;
    struct ov_span *later;
    size_t later_count;
    struct ov_buf hashes;
};

static enum ov_status refuse(struct ov_verifier_result *result, const char *what,
                             const struct ov_policy_error *error) {
    if (error != NULL && error->line > 0) {
        (void)snprintf(result->reason, sizeof result->reason, "%s, line %zu: %s", what, error->line,
                       error->why);
    } else {
        (void)snprintf(result->reason, sizeof result->reason, "%s%s%s", what,
                       error != NULL ? ": " : "", error != NULL ? error->why : "");
    }
    return OV_DAMAGED;
}

static enum ov_status read_texts(const struct ov_verifier_request *request,
                                 struct material *material, struct ov_verifier_result *result) {
    struct ov_policy_error error = {0};
    if (ov_policy_read(request->policy, &material->policy, &error) != OV_OK) {
        return refuse(result, "the log's policy", &error);
    }
    if (ov_trust_read(request->trust, &material->trust, &error) != OV_OK) {
        return refuse(result, "the trust file", &error);
    }
    return OV_OK;
}

// The entries from `later_from` to the end of the log, out of their bundles.
static enum ov_status read_later(const struct ov_verifier_request *request,
                                 struct material *material, struct ov_verifier_result *result) {
    static struct ov_entries entries;
    uint64_t number = request->later_from / OV_TILE_WIDTH;
    size_t skipped = (size_t)(request->later_from % OV_TILE_WIDTH);
    material->later = calloc(request->bundle_count + 1, sizeof *material->later * OV_TILE_WIDTH);
    if (material->later == NULL) {
        return OV_MEMORY;
    }
    for (size_t i = 0; i < request->bundle_count; i++, skipped = 0) {
        unsigned width = ov_tile_width(request->size, 0, number + i);
        if (width == 0 || ov_entries_read(request->bundles[i], width, &entries) != OV_OK) {
            return refuse(result, "an entry bundle of the log is malformed", NULL);
        }
        for (size_t k = skipped; k < entries.count; k++) {
            material->later[material->later_count++] = entries.entries[k];
        }
    }
    return OV_OK;
}

static enum ov_status read_tiles(const struct ov_verifier_request *request,
                                 struct material *material) {
    for (size_t i = 0; i < request->tile_count; i++) {
        ov_buf_add(&material->hashes, request->tiles[i].data, request->tiles[i].size);
    }
    return ov_buf_status(&material->hashes);
}

static enum ov_status check(const struct ov_verifier_request *request, struct material *material,
                            struct ov_verifier_result *result) {
    TRY(read_texts(request, material, result));
    TRY(read_later(request, material, result));
    TRY(read_tiles(request, material));
    struct ov_update_input input = {
        .policy = &material->policy,
        .trust = &material->trust,
        .state = request->state,
        .proof = request->proof,
        .later = material->later,
        .later_count = material->later_count,
        .leaf_hashes = ov_buf_span(&material->hashes),
        .now = request->now,
        .is_kept = request->is_kept,
    };
    TRY(ov_version_read(ov_span_text(OVERT_VERSION), &input.engine));
    TRY(ov_update_check(&input, &result->update, result->reason));
    return request->rules.size > 0
               ? ov_update_check_bundle(&result->update.release, request->rules, result->reason)
               : OV_OK;
}

// Gives the layers that are missing.
static uint32_t enter_cage(void) {
    struct ov_cage_spec spec = ov_role_cage(OV_ROLE_VERIFIER);
    struct ov_cage_report report;
    spec.outputs[0] = ANSWER_FD;
    spec.descriptors_below = ANSWER_FD + 1;
    ov_cage_enter(&spec, &report);
    return spec.layers & ~report.enforced;
}

// Never returns. What was mapped by the parent is there; nothing of it has been looked at.
static void live(const struct ov_verifier_request *request, int answer) {
    static struct material material;
    static struct ov_verifier_result result;
    if (answer != ANSWER_FD && dup2(answer, ANSWER_FD) < 0) {
        _exit(1);
    }
    result.missing_layers = enter_cage();
    result.status = check(request, &material, &result);
    if (result.status != OV_OK && result.status != OV_END && result.reason[0] == 0) {
        (void)snprintf(result.reason, sizeof result.reason, "%s", ov_status_text(result.status));
    }
    ssize_t size = write(ANSWER_FD, &result, sizeof result); // one write: fits a pipe's buffer
    _exit(size == (ssize_t)sizeof result ? 0 : 1);
}

// ---- the process that asks ----------------------------------------------------------------------

static bool has_ended_well(pid_t pid) {
    int end = 0;
    while (waitpid(pid, &end, 0) < 0) {
        if (errno != EINTR) {
            return false;
        }
    }
    return WIFEXITED(end) && WEXITSTATUS(end) == 0;
}

enum ov_status ov_verifier_run(const struct ov_verifier_request *request,
                               struct ov_verifier_result *ret_result) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return OV_SYSTEM;
    }
    OV_AUTO_FD reading = ends[0];
    OV_AUTO_FD writing = ends[1];
    OV_AUTO_FD pidfd = -1;
    struct ov_verifier_result result;
    size_t size = 0;
    pid_t pid = ov_cage_spawn(ov_role_get(OV_ROLE_VERIFIER)->layers, &pidfd);
    if (pid < 0) {
        return OV_SYSTEM;
    }
    if (pid == 0) {
        live(request, writing);
    }
    ov_fd_close(&writing);
    enum ov_status status = ov_fd_read_full(reading, &result, sizeof result, &size);
    bool is_whole = has_ended_well(pid) && status == OV_OK && size == sizeof result;
    if (!is_whole) {
        return OV_PEER;
    }
    result.reason[sizeof result.reason - 1] = 0;
    *ret_result = result;
    return OV_OK;
}
