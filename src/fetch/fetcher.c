// SPDX-License-Identifier: Apache-2.0
// The loop over all items of a job: looks up names, keeps a few transfers going, tells each end.
#include "fetch/fetcher.h"

#include "fetch/names.h"
#include "fetch/transfer.h"

#include <stdlib.h>
#include <time.h>

enum {
    WINDOW = 32,          // transfers at a time
    HOST_CONNECTIONS = 4, // to one host
    POLL_MS = 1000,
    DNS_PORT = 53,
};

struct fetcher {
    const struct ov_fetcher_setup *setup;
    struct ov_transfer_scope scope;
    struct ov_names names;
    struct curl_slist *fields;
    struct ov_fetch_bytes *counts; // for each item
    CURLM *multi;
    struct ov_transfer transfers[WINDOW];
    bool is_used[WINDOW];
    unsigned active;
    uint32_t next;    // item that is begun next
    uint64_t end_ms;  // deadline of all
    bool is_given_up; // a file that must be there is not
};

static uint64_t read_clock_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

// ---- addresses --------------------------------------------------------------------------------

// The host that is connected to for this item, which may be its proxy; `is_tls` when any leg is
// encrypted.
static struct ov_fetch_url find_first_hop(const struct ov_fetch_job *job,
                                          const struct ov_fetch_item *item) {
    struct ov_fetch_url target = {0};
    struct ov_fetch_url hop = {0};
    struct ov_span proxy = item->is_post ? item->proxy : job->proxy;
    // Both were parsed when the job was read.
    (void)!ov_fetch_url_parse(item->is_post ? item->name : job->base, &target);
    if (proxy.size == 0 || ov_fetch_url_parse(proxy, &hop) != OV_OK) {
        return target;
    }
    hop.is_tls = hop.is_tls || target.is_tls;
    return hop;
}

size_t ov_fetcher_ports(const struct ov_fetcher_setup *setup, uint16_t *ret_ports, size_t room) {
    size_t count = 0;
    ret_ports[count++] = DNS_PORT; // answers that do not fit a datagram
    for (uint32_t i = 0; i < setup->job->item_count && count < room; i++) {
        uint16_t port = find_first_hop(setup->job, &setup->items[i]).port;
        size_t at = 0;
        while (at < count && ret_ports[at] != port) {
            at++;
        }
        if (at == count) {
            ret_ports[count++] = port;
        }
    }
    return count;
}

bool ov_fetcher_needs_trust(const struct ov_fetcher_setup *setup) {
    for (uint32_t i = 0; i < setup->job->item_count; i++) {
        if (find_first_hop(setup->job, &setup->items[i]).is_tls) {
            return true;
        }
    }
    return false;
}

// Half of the time at most: a name server that does not answer must not cost all of it.
static enum ov_status look_up_names(struct fetcher *fetcher) {
    const struct ov_fetcher_setup *setup = fetcher->setup;
    uint64_t enough_ms = read_clock_ms() + setup->job->deadline_ms / 2;
    ov_names_limit();
    for (uint32_t i = 0; i < setup->job->item_count; i++) {
        // All GETs have one host.
        bool is_same = i > 0 && !setup->items[i].is_post && !setup->items[i - 1].is_post;
        if (!is_same && read_clock_ms() < enough_ms) {
            struct ov_fetch_url hop = find_first_hop(setup->job, &setup->items[i]);
            TRY(ov_names_add(&fetcher->names, &hop));
        }
    }
    return OV_OK;
}

// ---- begin ------------------------------------------------------------------------------------

static void tell(struct fetcher *fetcher, const struct ov_fetch_answer *answer) {
    const struct ov_fetch_item *item = &fetcher->setup->items[answer->number];
    bool is_fine =
        answer->end == OV_FETCH_GOT || (answer->end == OV_FETCH_MISSING && item->may_miss);
    fetcher->is_given_up = fetcher->is_given_up || (!item->is_post && !is_fine);
    fetcher->setup->on_answer(fetcher->setup->arg, answer);
}

static void tell_end(struct fetcher *fetcher, uint32_t number, enum ov_fetch_end end) {
    tell(fetcher, &(struct ov_fetch_answer){.number = number, .end = end});
}

static uint32_t limit_of(const struct fetcher *fetcher, const struct ov_fetch_item *item) {
    uint64_t now = read_clock_ms();
    uint64_t left = now < fetcher->end_ms ? fetcher->end_ms - now : 0;
    return item->is_post && item->limit_ms < left ? item->limit_ms : (uint32_t)left;
}

static enum ov_fetch_end find_obstacle(const struct fetcher *fetcher, uint32_t number) {
    const struct ov_fetch_item *item = &fetcher->setup->items[number];
    struct ov_fetch_url hop = find_first_hop(fetcher->setup->job, item);
    if (!ov_names_has(&fetcher->names, &hop)) {
        return OV_FETCH_NAME;
    }
    if (hop.is_tls && fetcher->scope.authorities.size == 0) {
        return OV_FETCH_AUTHORITIES;
    }
    return limit_of(fetcher, item) == 0 ? OV_FETCH_TIMEOUT : OV_FETCH_GOT;
}

static unsigned find_free(const struct fetcher *fetcher) {
    unsigned at = 0;
    while (fetcher->is_used[at]) {
        at++;
    }
    return at;
}

static void begin(struct fetcher *fetcher, uint32_t number) {
    const struct ov_fetch_item *item = &fetcher->setup->items[number];
    enum ov_fetch_end obstacle = find_obstacle(fetcher, number);
    if (obstacle != OV_FETCH_GOT) {
        tell_end(fetcher, number, obstacle);
        return;
    }
    unsigned at = find_free(fetcher);
    struct ov_transfer *transfer = &fetcher->transfers[at];
    *transfer =
        (struct ov_transfer){.scope = &fetcher->scope, .item = item, .number = number, .file = -1};
    if (ov_transfer_init(transfer, limit_of(fetcher, item)) != OV_OK ||
        curl_multi_add_handle(fetcher->multi, transfer->easy) != CURLM_OK) {
        ov_transfer_release(transfer);
        tell_end(fetcher, number, OV_FETCH_TROUBLE);
        return;
    }
    fetcher->is_used[at] = true;
    fetcher->active++;
}

static void begin_some(struct fetcher *fetcher) {
    while (!fetcher->is_given_up && fetcher->active < WINDOW &&
           fetcher->next < fetcher->setup->job->item_count) {
        begin(fetcher, fetcher->next++);
    }
}

// ---- end --------------------------------------------------------------------------------------

static void end(struct fetcher *fetcher, struct ov_transfer *transfer) {
    (void)curl_multi_remove_handle(fetcher->multi, transfer->easy);
    ov_transfer_release(transfer);
    fetcher->is_used[transfer - fetcher->transfers] = false;
    fetcher->active--;
}

static void end_some(struct fetcher *fetcher) {
    int left = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(fetcher->multi, &left)) != NULL;) {
        struct ov_transfer *transfer = NULL;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE ||
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer) !=
                CURLE_OK) {
            continue;
        }
        struct ov_fetch_answer answer = ov_transfer_finish(transfer, code);
        end(fetcher, transfer);
        tell(fetcher, &answer);
    }
}

// What was begun, or not even that, when there is no going on. Of those whose time is over, libcurl
// tells one first: the others are as late as it.
static void end_rest(struct fetcher *fetcher) {
    for (unsigned i = 0; i < WINDOW; i++) {
        if (fetcher->is_used[i]) {
            uint32_t number = fetcher->transfers[i].number;
            bool is_late = limit_of(fetcher, fetcher->transfers[i].item) == 0;
            end(fetcher, &fetcher->transfers[i]);
            tell_end(fetcher, number, is_late ? OV_FETCH_TIMEOUT : OV_FETCH_UNTRIED);
        }
    }
    while (fetcher->next < fetcher->setup->job->item_count) {
        tell_end(fetcher, fetcher->next++, OV_FETCH_UNTRIED);
    }
}

static void run_all(struct fetcher *fetcher) {
    int running = 0;
    begin_some(fetcher);
    while (fetcher->active > 0 && !fetcher->is_given_up) {
        if (curl_multi_perform(fetcher->multi, &running) != CURLM_OK) {
            break;
        }
        end_some(fetcher);
        begin_some(fetcher);
        if (fetcher->active > 0 && !fetcher->is_given_up) {
            (void)curl_multi_poll(fetcher->multi, NULL, 0, POLL_MS, NULL);
        }
    }
    end_rest(fetcher);
}

// ---- life -------------------------------------------------------------------------------------

enum ov_status ov_fetcher_prepare(void) {
    return curl_global_init(CURL_GLOBAL_ALL) == CURLE_OK ? OV_OK : OV_MEMORY;
}

// A POST says nothing of its body's kind, and does not wait for leave to send it.
static bool make_fields(struct fetcher *fetcher) {
    static const char *const none[] = {"Content-Type:", "Expect:"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct curl_slist *more = curl_slist_append(fetcher->fields, none[i]);
        if (more == NULL) {
            return false;
        }
        fetcher->fields = more;
    }
    return true;
}

static bool make_multi(struct fetcher *fetcher) {
    fetcher->multi = curl_multi_init();
    return fetcher->multi != NULL &&
           curl_multi_setopt(fetcher->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                             (long)HOST_CONNECTIONS) == CURLM_OK;
}

static uint32_t find_first_get(const struct ov_fetcher_setup *setup) {
    uint32_t number = 0;
    while (number < setup->job->item_count && setup->items[number].is_post) {
        number++;
    }
    return number;
}

// Closes all connections, and tells what went over them.
static void tell_bytes(struct fetcher *fetcher) {
    const struct ov_fetcher_setup *setup = fetcher->setup;
    (void)curl_multi_cleanup(fetcher->multi);
    fetcher->multi = NULL;
    for (uint32_t i = 0; i < setup->job->item_count; i++) {
        struct ov_fetch_bytes bytes = fetcher->counts[i];
        bytes.number = i;
        if (bytes.sent > 0 || bytes.received > 0) {
            setup->on_bytes(setup->arg, &bytes);
        }
    }
    setup->on_bytes(setup->arg, &(struct ov_fetch_bytes){.number = OV_FETCH_BYTES_END});
}

static void release(struct fetcher *fetcher) {
    (void)curl_multi_cleanup(fetcher->multi);
    free(fetcher->counts);
    curl_slist_free_all(fetcher->fields);
    ov_names_release(&fetcher->names);
    free(fetcher);
}

enum ov_status ov_fetcher_run(const struct ov_fetcher_setup *setup) {
    struct fetcher *fetcher = calloc(1, sizeof *fetcher);
    if (fetcher == NULL) {
        return OV_MEMORY;
    }
    fetcher->setup = setup;
    fetcher->end_ms = read_clock_ms() + setup->job->deadline_ms;
    fetcher->counts = calloc((size_t)setup->job->item_count + 1, sizeof *fetcher->counts);
    bool is_made = fetcher->counts != NULL && make_fields(fetcher) && make_multi(fetcher);
    enum ov_status status = is_made ? look_up_names(fetcher) : OV_MEMORY;
    if (status == OV_OK) {
        fetcher->scope = (struct ov_transfer_scope){
            .job = setup->job,
            .authorities = setup->authorities,
            .names = fetcher->names.found,
            .fields = fetcher->fields,
            .bytes_left = setup->job->most_bytes,
            .folder = setup->folder,
            .counts = fetcher->counts,
            .first_get = find_first_get(setup),
        };
        run_all(fetcher);
        tell_bytes(fetcher);
    }
    release(fetcher);
    return status;
}
