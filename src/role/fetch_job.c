// SPDX-License-Identifier: Apache-2.0
// The broker's side of a fetcher: writes its job, waits for its answers, sees it end.
#include "role/fetch_job.h"

#include "base/buf.h"
#include "base/fd.h"
#include "base/install.h"
#include "role/child.h"
#include "role/fetch_proxy.h"
#include "role/fetch_reason.h"
#include "role/fetch_staging.h"
#include "wire/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    GRACE_MS = 3000, // beyond the deadline, which the fetcher keeps itself
    END_MS = 1000,   // for one that has given its last answer
    MESSAGE_BYTES = 64,
    PEER_BYTES = OV_FETCH_URL_BYTES + 32,
};

static const char default_authorities[] = "/etc/ssl/certs/ca-certificates.crt";

struct run {
    const struct ov_fetch_request *request;
    struct ov_fetch_result *result;
    struct ov_buf text;          // the job
    struct ov_fetch_job job;     // and as it is read; points into text
    struct ov_fetch_item *items; // the same
    struct ov_child child;
    bool is_ready;
    uint32_t answered;
    bool *has_answered;
    struct ov_fetch_bytes *bytes; // by number
    bool has_bytes;               // of all
};

static uint64_t read_clock_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static enum ov_status fail(struct run *run, enum ov_status status, const char *what,
                           const char *why) {
    (void)snprintf(run->result->reason, sizeof run->result->reason, "%.300s%s%.180s", what,
                   *what != '\0' ? ": " : "", why);
    return status;
}

// ---- the job ----------------------------------------------------------------------------------

// What a person wrote may be long, or drive a terminal: it is repeated only if it is plain.
static enum ov_status refuse_address(struct run *run, const char *text) {
    bool is_plain = strlen(text) <= OV_FETCH_URL_BYTES;
    for (const char *at = text; *at != '\0'; at++) {
        is_plain = is_plain && *at > 0x20 && *at < 0x7f;
    }
    return fail(run, OV_INVALID, is_plain ? text : "address",
                "no address that is understood (write http://HOST/PATH or https://HOST/PATH)");
}

static enum ov_status choose_proxy(struct run *run, const struct ov_fetch_url *url,
                                   char *ret_proxy) {
    if (ov_proxy_choose(run->request->proxy, url, ret_proxy) == OV_OK) {
        return OV_OK;
    }
    // Not repeated: it may hold a password.
    return fail(run, OV_INVALID, "proxy",
                "no proxy that is understood (write http://HOST:PORT, without a user)");
}

static uint64_t sum_of_sizes(const struct ov_fetch_request *request) {
    uint64_t sum = 0;
    bool is_over = false;
    for (size_t i = 0; i < request->get_count; i++) {
        is_over = is_over || __builtin_add_overflow(sum, request->gets[i].most_bytes, &sum);
    }
    for (size_t i = 0; i < request->post_count; i++) {
        is_over = is_over || __builtin_add_overflow(sum, request->posts[i].most_bytes, &sum);
    }
    return is_over ? UINT64_MAX : sum;
}

static enum ov_status write_head(struct run *run) {
    const struct ov_fetch_request *request = run->request;
    char base[OV_FETCH_URL_BYTES + 2] = "";
    char proxy[OV_PROXY_BYTES] = "";
    struct ov_fetch_url url;
    const char *file =
        request->authorities != NULL ? request->authorities : secure_getenv("SSL_CERT_FILE");
    if (request->get_count > 0) {
        const char *given = request->base != NULL ? request->base : "";
        bool has_slash = *given != '\0' && given[strlen(given) - 1] == '/';
        int size = snprintf(base, sizeof base, "%s%s", given, has_slash ? "" : "/");
        if (size > OV_FETCH_URL_BYTES || ov_fetch_url_parse(ov_span_text(base), &url) != OV_OK) {
            return refuse_address(run, given);
        }
        TRY(choose_proxy(run, &url, proxy));
    }
    struct ov_fetch_job job = {
        .deadline_ms = request->deadline_ms,
        .most_bytes = request->most_bytes != 0 ? request->most_bytes : sum_of_sizes(request),
        .authorities = ov_span_text(file != NULL ? file : default_authorities),
        .base = ov_span_text(base),
        .proxy = ov_span_text(proxy),
        .item_count = (uint32_t)run->result->count,
    };
    ov_fetch_job_encode(&job, &run->text);
    return OV_OK;
}

static enum ov_status write_get(struct run *run, const struct ov_fetch_get *get) {
    struct ov_fetch_item item = {
        .may_miss = get->may_miss, .most_bytes = get->most_bytes, .name = ov_span_text(get->path)};
    if (!ov_fetch_path_is_sound(item.name)) {
        return fail(run, OV_INVALID, "path", "no path that may be fetched");
    }
    ov_fetch_item_encode(&item, &run->text);
    return OV_OK;
}

static enum ov_status write_post(struct run *run, const struct ov_fetch_post *post) {
    char proxy[OV_PROXY_BYTES] = "";
    struct ov_fetch_url url;
    if (ov_fetch_url_parse(ov_span_text(post->url), &url) != OV_OK || url.path.size == 0) {
        return refuse_address(run, post->url);
    }
    if (post->body.size > OV_FETCH_BODY_BYTES) {
        return fail(run, OV_INVALID, post->url, "too much to send");
    }
    TRY(choose_proxy(run, &url, proxy));
    struct ov_fetch_item item = {.is_post = true,
                                 .most_bytes = post->most_bytes,
                                 .limit_ms = post->limit_ms,
                                 .name = ov_span_text(post->url),
                                 .proxy = ov_span_text(proxy),
                                 .body = post->body};
    ov_fetch_item_encode(&item, &run->text);
    return OV_OK;
}

// Writes the job, and reads it as the fetcher will: what it would refuse is refused here.
static enum ov_status write_job(struct run *run) {
    const struct ov_fetch_request *request = run->request;
    TRY(write_head(run));
    for (size_t i = 0; i < request->get_count; i++) {
        TRY(write_get(run, &request->gets[i]));
    }
    for (size_t i = 0; i < request->post_count; i++) {
        TRY(write_post(run, &request->posts[i]));
    }
    TRY(ov_buf_status(&run->text));
    enum ov_status status = ov_fetch_job_decode(ov_buf_span(&run->text), &run->job, &run->items);
    return status != OV_DAMAGED ? status
                                : fail(run, OV_INVALID, "fetch",
                                       "no job that can be done (too many files, or no "
                                       "absolute path of the trusted certificates)");
}

// ---- start ------------------------------------------------------------------------------------

// The job as an open file that nobody changes any more.
static enum ov_status open_job(const struct run *run, int *ret_fd) {
    OV_AUTO_FD fd = memfd_create("overt-fetch-job", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        return OV_SYSTEM;
    }
    TRY(ov_fd_write_all(fd, ov_buf_span(&run->text)));
    int seals = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL;
    if (fcntl(fd, F_ADD_SEALS, seals) != 0) {
        return OV_SYSTEM;
    }
    *ret_fd = fd;
    fd = -1;
    return OV_OK;
}

static enum ov_status open_staging(struct run *run) {
    struct ov_fetch_result *result = run->result;
    enum ov_status status =
        ov_staging_open(run->request->folder, result->path, sizeof result->path, &result->folder);
    return status == OV_OK ? OV_OK
                           : fail(run, status, run->request->folder,
                                  status == OV_SYSTEM ? strerror(errno) : "the path is too long");
}

static enum ov_status start(struct run *run) {
    char path[PATH_MAX];
    char reason[256] = "";
    OV_AUTO_FD program = -1;
    OV_AUTO_FD job = -1;
    if (ov_install_find(OV_PART_FETCHER, path, sizeof path) != OV_OK) {
        return fail(run, OV_SYSTEM, path, "the fetching program is missing");
    }
    enum ov_status status = ov_child_program(path, &program, reason, sizeof reason);
    if (status != OV_OK) {
        return fail(run, status, "", reason);
    }
    status = open_job(run, &job);
    if (status == OV_OK) {
        const int passed[OV_CHILD_PASSED_MAX] = {job, run->result->folder};
        status = ov_child_start(OV_ROLE_FETCHER, program, passed, &run->child);
    }
    return status == OV_OK
               ? OV_OK
               : fail(run, status, "the fetching process could not be started", strerror(errno));
}

// ---- answers ----------------------------------------------------------------------------------

static enum ov_status refuse_unwritten(struct run *run) {
    return fail(run, OV_SYSTEM, "the journal", "it cannot be written");
}

static enum ov_status take_message(struct run *run, struct ov_span message) {
    struct ov_fetch_answer answer;
    if (!run->is_ready) {
        run->is_ready = true;
        TRY(ov_fetch_ready_decode(message, &run->result->cage));
        ov_child_ready(&run->child, run->result->cage.layers);
        return ov_acts_sync() == OV_OK ? OV_OK : refuse_unwritten(run);
    }
    TRY(ov_fetch_answer_decode(message, run->items, run->job.item_count, &answer));
    if (run->has_answered[answer.number]) {
        return OV_PEER;
    }
    run->has_answered[answer.number] = true;
    run->answered++;
    run->result->answers[answer.number] = answer;
    return OV_OK;
}

static bool is_over(const struct run *run) {
    return run->is_ready && run->answered == run->job.item_count;
}

// What comes behind the last answer. OV_END when that was all.
static enum ov_status take_bytes(struct run *run, struct ov_span message) {
    struct ov_fetch_bytes bytes;
    TRY(ov_fetch_bytes_decode(message, run->job.item_count, &bytes));
    if (bytes.number == OV_FETCH_BYTES_END) {
        run->has_bytes = true;
        return OV_END;
    }
    struct ov_fetch_bytes *known = &run->bytes[bytes.number];
    TRY(known->sent == 0 && known->received == 0 ? OV_OK : OV_PEER);
    *known = bytes;
    return OV_OK;
}

// Waits for one message until `end_ms`. OV_PEER when the fetcher is gone, OV_DAMAGED when it said
// what no fetcher says, OV_LIMIT when it took too long; OV_END and OV_SYSTEM are those of `take`.
static enum ov_status hear(struct run *run, uint64_t end_ms,
                           enum ov_status take(struct run *run, struct ov_span message)) {
    uint8_t message[MESSAGE_BYTES];
    struct pollfd wait = {.fd = run->child.channel, .events = POLLIN};
    uint64_t now = read_clock_ms();
    size_t size = 0;
    if (now >= end_ms) {
        return OV_LIMIT;
    }
    (void)poll(&wait, 1, end_ms - now < INT_MAX ? (int)(end_ms - now) : INT_MAX);
    enum ov_status status = ov_channel_receive(run->child.channel, message, sizeof message, &size);
    if (status != OV_OK) {
        return status == OV_END ? OV_OK : status; // nothing there yet
    }
    status = take(run, ov_span_make(message, size));
    return status == OV_PEER ? OV_DAMAGED : status;
}

// Until there is an answer to everything.
static enum ov_status take_all(struct run *run) {
    uint64_t end_ms = read_clock_ms() + run->request->deadline_ms + GRACE_MS;
    while (!is_over(run)) {
        TRY(hear(run, end_ms, take_message));
    }
    return OV_OK;
}

// And then what it sent. One that does not say so is no failure: that is not known then.
static enum ov_status take_rest(struct run *run) {
    uint64_t end_ms = read_clock_ms() + END_MS;
    enum ov_status status = OV_OK;
    while (status == OV_OK) {
        status = hear(run, end_ms, take_bytes);
    }
    return status == OV_DAMAGED ? OV_DAMAGED : OV_OK;
}

static enum ov_status explain_death(struct run *run, enum ov_status taken) {
    const char *what = "the fetching process";
    int end = run->child.end;
    if (taken == OV_SYSTEM && run->result->reason[0] != '\0') {
        return OV_SYSTEM;
    }
    if (taken == OV_LIMIT) {
        return fail(run, OV_LIMIT, what, "it did not end in time, and was ended");
    }
    if (taken == OV_DAMAGED) {
        return fail(run, OV_PEER, what, "it broke the protocol, and was ended");
    }
    if (end >= 0 && WIFSIGNALED(end)) {
        return fail(run, OV_PEER, what, strsignal(WTERMSIG(end)));
    }
    bool is_failed = end >= 0 && WIFEXITED(end) && WEXITSTATUS(end) == 127;
    return fail(run, OV_PEER, what,
                is_failed ? "it could not be started" : "it ended before its work was done");
}

// ---- judgement --------------------------------------------------------------------------------

static void write_name(const struct ov_fetch_request *request, size_t index, char *ret_text,
                       size_t size) {
    if (index >= request->get_count) {
        (void)snprintf(ret_text, size, "%s", request->posts[index - request->get_count].url);
        return;
    }
    size_t length = strlen(request->base);
    bool has_slash = length > 0 && request->base[length - 1] == '/';
    (void)snprintf(ret_text, size, "%s%s%s", request->base, has_slash ? "" : "/",
                   request->gets[index].path);
}

void ov_fetch_explain(const struct ov_fetch_request *request, const struct ov_fetch_result *result,
                      size_t index, char *ret_text, size_t size) {
    char name[OV_FETCH_URL_BYTES + OV_FETCH_PATH_BYTES + 2];
    char why[400];
    char proxy[OV_PROXY_BYTES] = "";
    struct ov_fetch_url url;
    bool is_get = index < request->get_count;
    write_name(request, index, name, sizeof name);
    struct ov_fetch_reason reason = {
        .answer = result->answers[index],
        .address =
            ov_span_text(is_get ? request->base : request->posts[index - request->get_count].url),
        .most_bytes = is_get ? request->gets[index].most_bytes
                             : request->posts[index - request->get_count].most_bytes,
    };
    if (ov_fetch_url_parse(reason.address, &url) == OV_OK &&
        ov_proxy_choose(request->proxy, &url, proxy) == OV_OK) {
        reason.proxy = ov_span_text(proxy);
    }
    ov_fetch_reason_write(&reason, why, sizeof why);
    (void)snprintf(ret_text, size, "%s: %s", name, why);
}

static bool is_fine(const struct ov_fetch_request *request, const struct ov_fetch_answer *answer) {
    return answer->end == OV_FETCH_GOT ||
           (answer->end == OV_FETCH_MISSING && request->gets[answer->number].may_miss);
}

// The first file that is not there by its own fault; the others were then not tried.
static enum ov_status judge(struct run *run) {
    const struct ov_fetch_request *request = run->request;
    struct ov_fetch_result *result = run->result;
    size_t worst = SIZE_MAX;
    for (size_t i = 0; i < request->get_count; i++) {
        bool is_worse = worst == SIZE_MAX || (result->answers[worst].end == OV_FETCH_UNTRIED &&
                                              result->answers[i].end != OV_FETCH_UNTRIED);
        if (!is_fine(request, &result->answers[i]) && is_worse) {
            worst = i;
        }
    }
    if (worst == SIZE_MAX) {
        return OV_OK;
    }
    ov_fetch_explain(request, result, worst, result->reason, sizeof result->reason);
    errno = (int)result->answers[worst].error;
    return ov_fetch_reason_status(result->answers[worst].end);
}

// ---- what left ----------------------------------------------------------------------------------

// Where the connections of an item went to: its proxy, or its host. SCHEME://HOST:PORT.
static void write_peer(const struct run *run, uint32_t number, char ret_peer[PEER_BYTES]) {
    const struct ov_fetch_item *item = &run->items[number];
    struct ov_span proxy = item->is_post ? item->proxy : run->job.proxy;
    struct ov_span target = item->is_post ? item->name : run->job.base;
    struct ov_fetch_url hop = {0};
    (void)!ov_fetch_url_parse(proxy.size > 0 ? proxy : target, &hop); // was parsed with the job
    (void)snprintf(ret_peer, PEER_BYTES, "%s://%s%.*s%s:%u", hop.is_tls ? "https" : "http",
                   hop.is_address ? "[" : "", (int)hop.host.size, (const char *)hop.host.data,
                   hop.is_address ? "]" : "", (unsigned)hop.port);
}

// One entry for each peer.
static void tell_sent(struct run *run) {
    if (!run->has_bytes) {
        ov_acts_sent_unknown();
        return;
    }
    for (uint32_t i = 0; i < run->job.item_count; i++) {
        struct ov_fetch_bytes sum = run->bytes[i];
        char peer[PEER_BYTES];
        char other[PEER_BYTES];
        write_peer(run, i, peer);
        for (uint32_t k = i + 1; k < run->job.item_count && run->items[k].is_post; k++) {
            write_peer(run, k, other);
            if (strcmp(peer, other) == 0) {
                sum.sent += run->bytes[k].sent;
                sum.received += run->bytes[k].received;
                run->bytes[k] = (struct ov_fetch_bytes){0};
            }
        }
        if (sum.sent > 0 || sum.received > 0) {
            ov_acts_sent(OV_ROLE_FETCHER, peer, sum.sent, sum.received);
        }
    }
}

static enum ov_status run_process(struct run *run) {
    TRY(start(run));
    enum ov_status taken = take_all(run);
    taken = taken == OV_OK ? take_rest(run) : taken;
    ov_child_end(&run->child, taken == OV_OK ? END_MS : 0);
    if (taken == OV_OK && run->child.end < 0) {
        // It can still write: nothing of what it wrote may be read.
        taken = OV_LIMIT;
    }
    tell_sent(run);
    if (ov_acts_sync() != OV_OK && taken == OV_OK) {
        return refuse_unwritten(run);
    }
    return taken == OV_OK ? judge(run) : explain_death(run, taken);
}

// ---- whole ------------------------------------------------------------------------------------

static enum ov_status make_answers(struct run *run) {
    struct ov_fetch_result *result = run->result;
    result->answers = calloc(result->count + 1, sizeof *result->answers);
    run->has_answered = calloc(result->count + 1, sizeof *run->has_answered);
    run->bytes = calloc(result->count + 1, sizeof *run->bytes);
    if (result->answers == NULL || run->has_answered == NULL || run->bytes == NULL) {
        return OV_MEMORY;
    }
    for (size_t i = 0; i < result->count; i++) {
        result->answers[i].number = (uint32_t)i;
    }
    return OV_OK;
}

static enum ov_status run_all(struct run *run) {
    if (run->result->count > OV_FETCH_ITEMS_MAX) {
        return fail(run, OV_INVALID, "fetch", "too many files");
    }
    TRY(make_answers(run));
    TRY(write_job(run));
    TRY(open_staging(run));
    return run_process(run);
}

enum ov_status ov_fetch_run(const struct ov_fetch_request *request,
                            struct ov_fetch_result *ret_result) {
    *ret_result =
        (struct ov_fetch_result){.count = request->get_count + request->post_count, .folder = -1};
    struct run run = {.request = request, .result = ret_result};
    enum ov_status status = run_all(&run);
    int error = errno;
    if (status == OV_MEMORY && ret_result->reason[0] == '\0') {
        (void)fail(&run, status, "fetch", ov_status_text(status));
    }
    if (run.child.end < 0 && run.child.channel != 0) {
        // One that is not gone for sure.
        for (size_t i = 0; i < ret_result->count && ret_result->answers != NULL; i++) {
            ret_result->answers[i] = (struct ov_fetch_answer){.number = (uint32_t)i};
        }
    }
    free(run.items);
    free(run.has_answered);
    free(run.bytes);
    ov_buf_release(&run.text);
    errno = error;
    return status;
}

enum ov_status ov_fetch_open(const struct ov_fetch_result *result, size_t index, int *ret_fd) {
    if (index >= result->count || result->answers[index].end != OV_FETCH_GOT) {
        return OV_END;
    }
    return ov_staging_file(result->folder, index, result->answers[index].size_bytes, ret_fd);
}

void ov_fetch_result_release(struct ov_fetch_result *result) {
    if (result->path[0] != '\0') {
        ov_staging_close(result->path, &result->folder);
    }
    free(result->answers);
    *result = (struct ov_fetch_result){.folder = -1};
}
