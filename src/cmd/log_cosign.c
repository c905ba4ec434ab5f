// SPDX-License-Identifier: Apache-2.0
// One request for each witness, and another for those that knew another size.
#include "cmd/log_cosign.h"

#include "base/say.h"
#include "ledger/cosign.h"
#include "role/fetch_job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ROUNDS = 3, // a guess, what the 409 said, and once more for who asked in between
    LOOK_MS = 5000,
    HTTP_OK = 200,
    HTTP_CONFLICT = 409,
};

// What goes out in one round.
struct round {
    struct ov_fetch_post posts[OV_LOG_ASKED_MAX];
    struct ov_log_asked *asked[OV_LOG_ASKED_MAX];
    char urls[OV_LOG_ASKED_MAX][OV_FETCH_URL_BYTES];
    struct ov_buf bodies[OV_LOG_ASKED_MAX];
    size_t count;
};

static void empty_round(struct round *round) {
    for (size_t i = 0; round != NULL && i < round->count; i++) {
        ov_buf_release(&round->bodies[i]);
    }
    if (round != NULL) {
        round->count = 0;
    }
}

// ---- whom to ask --------------------------------------------------------------------------------

static bool is_listed(const struct ov_log_cosign *cosign, const struct ov_policy_witness *witness) {
    for (size_t i = 0; i < cosign->asked_count; i++) {
        if (ov_key_is_same_material(&cosign->asked[i].witness->key, &witness->key)) {
            return true;
        }
    }
    return false;
}

static void list_witnesses(struct ov_log_cosign *cosign, const struct ov_policy *policy,
                           uint64_t witnesses) {
    for (size_t i = 0; i < policy->witness_count; i++) {
        const struct ov_policy_witness *witness = &policy->witnesses[i];
        bool has_cosigned = (witnesses >> i & 1) != 0;
        if (is_listed(cosign, witness) || cosign->asked_count == OV_LOG_ASKED_MAX) {
            continue;
        }
        struct ov_log_asked *asked = &cosign->asked[cosign->asked_count++];
        *asked = (struct ov_log_asked){
            .witness = witness,
            .has_cosigned = has_cosigned,
            .old_size = cosign->store->published_size,
            .must_ask = !has_cosigned && witness->url.size > 0 && ov_key_can_verify(&witness->key),
        };
        (void)snprintf(asked->answer, sizeof asked->answer, "%s",
                       has_cosigned       ? "cosigned"
                       : !asked->must_ask ? "was not asked: the policy has no address of it"
                                          : "was not asked");
    }
}

// ---- a round ------------------------------------------------------------------------------------

static enum ov_status add_post(struct ov_log_cosign *cosign, struct round *round,
                               struct ov_log_asked *asked) {
    size_t at = round->count;
    struct ov_span url = asked->witness->url;
    while (url.size > 0 && url.data[url.size - 1] == '/') {
        url.size--;
    }
    asked->must_ask = false;
    int size = snprintf(round->urls[at], sizeof round->urls[at], "%.*s/add-checkpoint",
                        (int)url.size, (const char *)url.data);
    if (size < 0 || (size_t)size >= sizeof round->urls[at]) {
        (void)snprintf(asked->answer, sizeof asked->answer, "its address is too long");
        return OV_OK;
    }
    round->count++;
    TRY(ov_store_request(cosign->store, asked->old_size, &round->bodies[at]));
    round->asked[at] = asked;
    round->posts[at] = (struct ov_fetch_post){.url = round->urls[at],
                                              .body = ov_buf_span(&round->bodies[at]),
                                              .most_bytes = OV_COSIGN_ANSWER_BYTES_MAX,
                                              .limit_ms = cosign->limit_ms};
    return OV_OK;
}

static void take_cosignature(struct ov_log_cosign *cosign, struct ov_log_asked *asked,
                             struct ov_span body) {
    unsigned count = 0;
    enum ov_status status = ov_store_take(cosign->store, body, &count);
    asked->has_cosigned = status == OV_OK && count > 0;
    const char *why = status == OV_OK        ? count > 0 ? "cosigned" : "has not signed as itself"
                      : status == OV_DAMAGED ? "answered something that is no cosignature"
                                             : "answered a false signature";
    (void)snprintf(asked->answer, sizeof asked->answer, "%s", why);
}

// A witness that has seen another size than was guessed is asked again, from there; one that has
// seen more than there is ends everything.
static enum ov_status take_size(struct ov_log_cosign *cosign, struct ov_log_asked *asked,
                                struct ov_span body) {
    OV_CLEANUP(ov_buf_release) struct ov_buf unused = {0};
    uint64_t size;
    if (ov_cosign_size_read(body, &size) != OV_OK || size == asked->old_size) {
        (void)snprintf(asked->answer, sizeof asked->answer, "answered 409 without another size");
        return OV_OK;
    }
    (void)snprintf(asked->answer, sizeof asked->answer, "has seen %llu entries",
                   (unsigned long long)size);
    TRY(ov_store_request(cosign->store, size, &unused)); // or says why that cannot be
    asked->old_size = size;
    asked->must_ask = true;
    return OV_OK;
}

static enum ov_status take_answer(struct ov_log_cosign *cosign, struct ov_log_asked *asked,
                                  uint32_t http_status, struct ov_span body) {
    switch (http_status) {
    case HTTP_OK:
        take_cosignature(cosign, asked, body);
        return OV_OK;
    case HTTP_CONFLICT:
        return take_size(cosign, asked, body);
    default:
        // Its words are a stranger's: printed with care by whoever prints them.
        (void)snprintf(asked->answer, sizeof asked->answer, "answered %u: %.*s",
                       (unsigned)http_status,
                       (int)ov_span_find(ov_span_part(body, 0, OV_LOG_ANSWER_BYTES / 2), 0, '\n'),
                       (const char *)body.data);
        return OV_OK;
    }
}

static enum ov_status take_result(struct ov_log_cosign *cosign, const struct round *round,
                                  const struct ov_fetch_request *request,
                                  const struct ov_fetch_result *result) {
    for (size_t i = 0; i < round->count && i < result->count; i++) {
        OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
        OV_AUTO_FD fd = -1;
        struct ov_log_asked *asked = round->asked[i];
        if (result->answers[i].end != OV_FETCH_GOT || ov_fetch_open(result, i, &fd) != OV_OK ||
            ov_file_map_open_fd(fd, &map) != OV_OK) {
            char why[2 * OV_FETCH_REASON_BYTES];
            ov_fetch_explain(request, result, i, why, sizeof why);
            (void)snprintf(asked->answer, sizeof asked->answer, "%s", why);
            continue;
        }
        TRY(take_answer(cosign, asked, result->answers[i].http_status, map.bytes));
    }
    return OV_OK;
}

static enum ov_status ask_round(struct ov_log_cosign *cosign, struct round *round) {
    struct ov_fetch_result result;
    for (size_t i = 0; i < cosign->asked_count; i++) {
        if (cosign->asked[i].must_ask) {
            TRY(add_post(cosign, round, &cosign->asked[i]));
        }
    }
    if (round->count == 0) {
        return OV_END;
    }
    struct ov_fetch_request request = {.folder = cosign->staging,
                                       .posts = round->posts,
                                       .post_count = round->count,
                                       .deadline_ms = cosign->limit_ms + 1000};
    enum ov_status status = ov_fetch_run(&request, &result);
    if (status != OV_OK) {
        for (size_t i = 0; i < round->count; i++) {
            (void)snprintf(round->asked[i]->answer, sizeof round->asked[i]->answer, "%s",
                           result.reason);
        }
    } else {
        status = take_result(cosign, round, &request, &result);
    }
    ov_fetch_result_release(&result);
    return status == OV_DENIED ? OV_DENIED : OV_OK;
}

static void list_all(struct ov_log_cosign *cosign) {
    cosign->asked_count = 0;
    list_witnesses(cosign, &cosign->store->policy, cosign->store->witnesses);
    if (cosign->store->state.has_rotation) {
        list_witnesses(cosign, &cosign->store->next_policy, cosign->store->next_witnesses);
    }
}

static enum ov_status ask_rounds(struct ov_log_cosign *cosign, unsigned most) {
    struct round *round = calloc(1, sizeof *round);
    enum ov_status status = round != NULL ? OV_OK : OV_MEMORY;
    for (unsigned i = 0; i < most && status == OV_OK; i++) {
        status = ask_round(cosign, round);
        empty_round(round);
    }
    free(round);
    if (status == OV_MEMORY) {
        (void)snprintf(cosign->store->error.why, sizeof cosign->store->error.why, "%s",
                       ov_status_text(status));
    }
    return status == OV_END ? OV_OK : status;
}

enum ov_status ov_log_cosign_look(struct ov_log_cosign *cosign) {
    uint32_t limit_ms = cosign->limit_ms;
    list_all(cosign);
    cosign->limit_ms = limit_ms < LOOK_MS ? limit_ms : LOOK_MS;
    enum ov_status status = ask_rounds(cosign, 1);
    cosign->limit_ms = limit_ms;
    return status;
}

enum ov_status ov_log_cosign_ask(struct ov_log_cosign *cosign) {
    list_all(cosign);
    return ask_rounds(cosign, ROUNDS);
}
