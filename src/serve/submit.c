// SPDX-License-Identifier: Apache-2.0
// From a request to the witness, and its answer back.
#include "serve/submit.h"

#include "serve/path.h"

#include <time.h>

enum { SECOND_NS = 1000000000 };

// The bucket is kept as the moment at which it will be full: each submission moves that on by its
// share of a second, and there is room while it is no further away than the burst takes.
bool ov_submit_rate_take(struct ov_submit_rate *rate, uint64_t now_ns) {
    uint64_t share_ns = (uint64_t)SECOND_NS / rate->a_second;
    uint64_t full_ns = rate->full_ns > now_ns ? rate->full_ns : now_ns;
    if (full_ns + share_ns > now_ns + share_ns * rate->burst) {
        return false;
    }
    rate->full_ns = full_ns + share_ns;
    return true;
}

static uint64_t read_clock(clockid_t clock, uint64_t units) {
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * units + (units > 1 ? (uint64_t)now.tv_nsec : 0);
}

static void take_answer(struct ov_witness_answer *answer, struct ov_http_reply *reply) {
    reply->status = answer->status;
    reply->content_type = answer->content_type;
    ov_buf_release(&reply->body);
    reply->body = answer->body; // taken over
    answer->body = (struct ov_buf){0};
    ov_witness_answer_release(answer);
}

static void add_checkpoint(struct ov_submit *submit, const struct ov_http_request *request,
                           struct ov_http_reply *reply) {
    struct ov_witness_answer answer = {0};
    if (!ov_submit_rate_take(&submit->rate, read_clock(CLOCK_MONOTONIC, SECOND_NS))) {
        ov_http_reply_text(reply, 429, "too many submissions, try again later");
        return;
    }
    ov_witness_add_checkpoint(&submit->witness, request->body, read_clock(CLOCK_REALTIME, 1),
                              &answer);
    take_answer(&answer, reply);
    reply->cache_control = "no-store";
}

static void get_checkpoint(const struct ov_submit *submit, struct ov_span hex,
                           struct ov_http_reply *reply) {
    struct ov_witness_answer answer = {0};
    ov_witness_get_checkpoint(&submit->witness, hex, &answer);
    take_answer(&answer, reply);
    reply->cache_control = reply->status == 200 ? "max-age=60" : NULL;
}

static void refuse_method(struct ov_http_reply *reply, const char *allow, const char *text) {
    reply->allow = allow;
    ov_http_reply_text(reply, 405, text);
}

void ov_submit_answer(void *arg, const struct ov_http_request *request,
                      struct ov_http_reply *reply) {
    struct ov_submit *submit = arg;
    struct ov_span hex;
    bool is_post = strcmp(request->method, "POST") == 0;
    bool is_get = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    if (ov_span_is_text(request->target, "/add-checkpoint")) {
        if (is_post) {
            add_checkpoint(submit, request, reply);
        } else {
            refuse_method(reply, "POST", "only POST");
        }
    } else if (ov_origin_path_read(request->target, &hex) == OV_OK) {
        if (is_get) {
            get_checkpoint(submit, hex, reply);
        } else {
            refuse_method(reply, "GET, HEAD", "only GET and HEAD");
        }
    } else {
        ov_http_reply_text(reply, 404, "not found");
    }
}
