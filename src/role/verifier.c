// SPDX-License-Identifier: Apache-2.0
// The verifier's life: forked, caged, one answer on the proof, and one on the rules.
#include "role/verifier.h"

#include "base/fd.h"
#include "config.h"
#include "ledger/entries.h"
#include "role/roles.h"
#include "wire/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHANNEL = 3 };
#define MAPPED_BYTES (16ull << 30) // of address space: the rules come when the cage is closed

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

// The files of a rotation are shorter than its entry.
static enum ov_status check_rotation(const struct ov_verifier_request *request,
                                     const struct material *material,
                                     struct ov_verifier_result *result) {
    OV_CLEANUP(ov_rotation_found_release) struct ov_rotation_found found = {0};
    struct ov_verifier_rotation *rotation = &result->rotation;
    struct ov_rotation_input input = {.policy = &material->policy,
                                      .trust = &material->trust,
                                      .state = request->state,
                                      .proof = request->proof,
                                      .now = request->now};
    TRY(ov_rotation_check(&input, &found, result->reason));
    TRY(found.trust.size + found.policy.size <= sizeof rotation->bytes ? OV_OK : OV_LIMIT);
    rotation->version = found.version;
    rotation->index = found.index;
    rotation->trust_bytes = (uint32_t)found.trust.size;
    rotation->policy_bytes = (uint32_t)found.policy.size;
    memcpy(rotation->bytes, found.trust.data, found.trust.size);
    memcpy(&rotation->bytes[found.trust.size], found.policy.data, found.policy.size);
    return OV_OK;
}

static enum ov_status check(const struct ov_verifier_request *request, struct material *material,
                            struct ov_verifier_result *result) {
    TRY(read_texts(request, material, result));
    if (request->is_rotation) {
        return check_rotation(request, material, result);
    }
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
    spec.mapped_bytes = MAPPED_BYTES;
    ov_cage_enter(&spec, &report);
    return spec.layers & ~report.enforced;
}

static void answer(struct ov_verifier_result *result, enum ov_status status) {
    result->status = status;
    if (status != OV_OK && status != OV_END && result->reason[0] == 0) {
        (void)snprintf(result->reason, sizeof result->reason, "%s", ov_status_text(status));
    }
    if (ov_channel_send(CHANNEL, ov_span_make(result, sizeof *result), NULL, 0) != OV_OK) {
        _exit(1);
    }
}

// Waits for the rules: their size, and a descriptor. OV_END when none come.
static enum ov_status receive_rules(struct ov_span *ret_rules) {
    uint64_t size = 0;
    size_t message_size = 0;
    size_t count = 1;
    int fd = -1;
    TRY(ov_channel_receive_descriptors(CHANNEL, &size, sizeof size, &message_size, &fd, &count));
    if (message_size != sizeof size || count != 1) {
        return OV_PEER;
    }
    void *start = size > 0 ? mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0) : NULL;
    (void)close(fd);
    if (start == MAP_FAILED) {
        return OV_SYSTEM;
    }
    *ret_rules = ov_span_make(start, (size_t)size);
    ov_mapped_populate(*ret_rules);
    return OV_OK;
}

// Whether the first answer is the only one: then no rules are waited for.
static bool is_answered_once(const struct ov_verifier_request *request) {
    return request->rules.size > 0 || request->is_rotation;
}

// Never returns. What was mapped by the parent is there; nothing of it has been looked at.
static void live(const struct ov_verifier_request *request, int channel) {
    static struct material material;
    static struct ov_verifier_result result;
    struct ov_span rules = {0};
    if (channel != CHANNEL && dup2(channel, CHANNEL) < 0) {
        _exit(1);
    }
    result.missing_layers = enter_cage();
    enum ov_status status = check(request, &material, &result);
    answer(&result, status);
    if (status == OV_OK && !is_answered_once(request)) {
        status = receive_rules(&rules);
        if (status != OV_OK) {
            _exit(status == OV_END ? 0 : 1);
        }
        answer(&result, ov_update_check_bundle(&result.update.release, rules, result.reason));
    }
    _exit(0);
}

// ---- the process that asks ----------------------------------------------------------------------

static bool has_ended_well(struct ov_verifier *verifier) {
    int end = 0;
    while (waitpid(verifier->pid, &end, 0) < 0) {
        if (errno != EINTR) {
            ov_acting_end(&verifier->acting, -1);
            return false;
        }
    }
    ov_acting_end(&verifier->acting, end);
    return WIFEXITED(end) && WEXITSTATUS(end) == 0;
}

static enum ov_status hear(int channel, struct ov_verifier_result *ret_result) {
    struct pollfd wait = {.fd = channel, .events = POLLIN};
    size_t size = 0;
    while (poll(&wait, 1, -1) < 0) {
        if (errno != EINTR) {
            return OV_SYSTEM;
        }
    }
    enum ov_status status = ov_channel_receive(channel, ret_result, sizeof *ret_result, &size);
    ret_result->reason[sizeof ret_result->reason - 1] = 0;
    const struct ov_verifier_rotation *rotation = &ret_result->rotation;
    bool is_whole = status == OV_OK && size == sizeof *ret_result &&
                    rotation->trust_bytes <= sizeof rotation->bytes &&
                    rotation->policy_bytes <= sizeof rotation->bytes - rotation->trust_bytes;
    return is_whole ? OV_OK : OV_PEER;
}

// Its answer, and its end if that was the last one.
static enum ov_status take_answer(struct ov_verifier *verifier, bool is_last,
                                  struct ov_verifier_result *ret_result) {
    struct ov_verifier_result result;
    enum ov_status status = hear(verifier->channel, &result);
    if (status == OV_OK) {
        uint32_t layers = ov_role_get(OV_ROLE_VERIFIER)->layers & ~result.missing_layers;
        ov_acting_ready(&verifier->acting, layers);
    }
    if (status == OV_OK && (is_last || result.status != OV_OK)) {
        status = has_ended_well(verifier) ? OV_OK : OV_PEER;
        verifier->pid = 0;
    }
    if (status != OV_OK) {
        return status;
    }
    *ret_result = result;
    return OV_OK;
}

static enum ov_status spawn(const struct ov_verifier_request *request,
                            struct ov_verifier *verifier) {
    int ends[2];
    TRY(ov_channel_open(ends));
    verifier->channel = ends[0];
    OV_AUTO_FD theirs = ends[1];
    pid_t pid = ov_cage_spawn(ov_role_get(OV_ROLE_VERIFIER)->layers, &verifier->pidfd);
    if (pid < 0) {
        return OV_SYSTEM;
    }
    if (pid == 0) {
        live(request, theirs);
    }
    verifier->pid = pid;
    ov_acting_start(&verifier->acting, OV_ROLE_VERIFIER, pid, -1);
    return OV_OK;
}

void ov_verifier_close(struct ov_verifier *verifier) {
    if (verifier->pid > 0) {
        (void)kill(verifier->pid, SIGKILL);
        (void)has_ended_well(verifier);
    }
    ov_fd_close(&verifier->pidfd);
    ov_fd_close(&verifier->channel);
    verifier->pid = 0;
}

static enum ov_status start(const struct ov_verifier_request *request, struct ov_verifier *verifier,
                            struct ov_verifier_result *ret_result) {
    TRY(spawn(request, verifier));
    return take_answer(verifier, is_answered_once(request), ret_result);
}

enum ov_status ov_verifier_open(const struct ov_verifier_request *request,
                                struct ov_verifier *ret_verifier,
                                struct ov_verifier_result *ret_result) {
    struct ov_verifier verifier = {.pidfd = -1, .channel = -1};
    enum ov_status status = start(request, &verifier, ret_result);
    if (status != OV_OK || verifier.pid == 0) {
        ov_verifier_close(&verifier);
    }
    *ret_verifier = verifier;
    return status;
}

enum ov_status ov_verifier_run(const struct ov_verifier_request *request,
                               struct ov_verifier_result *ret_result) {
    struct ov_verifier verifier;
    enum ov_status status = ov_verifier_open(request, &verifier, ret_result);
    ov_verifier_close(&verifier);
    return status;
}

static enum ov_status send_rules(const struct ov_verifier *verifier, int rules) {
    char own[64];
    struct stat info;
    (void)snprintf(own, sizeof own, "/proc/self/fd/%d", rules);
    OV_AUTO_FD reading = open(own, O_RDONLY | O_CLOEXEC); // whatever else `rules` may do
    if (reading < 0 || fstat(reading, &info) != 0) {
        return OV_SYSTEM;
    }
    uint64_t size = (uint64_t)info.st_size;
    return ov_channel_send(verifier->channel, ov_span_make(&size, sizeof size), &reading, 1);
}

enum ov_status ov_verifier_give(struct ov_verifier *verifier, int rules,
                                struct ov_verifier_result *ret_result) {
    enum ov_status status = verifier->pid > 0 ? send_rules(verifier, rules) : OV_INVALID;
    status = status == OV_OK ? take_answer(verifier, true, ret_result) : status;
    ov_verifier_close(verifier);
    return status;
}
