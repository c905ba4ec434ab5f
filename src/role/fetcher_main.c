// SPDX-License-Identifier: Apache-2.0
// The program `overt-fetch`: takes a job, cages itself, and is then the one process of ours that
// speaks to the network.
#include "base/buf.h"
#include "base/fd.h"
#include "fetch/fetcher.h"
#include "role/roles.h"
#include "wire/fetch.h"

#include <assert.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PORTS_MAX = 64, OPEN_FILES = 256 };

static_assert((int)OV_LAYER_COUNT <= (int)OV_FETCH_LAYERS, "each layer has its byte in `ready`");

// A message is one write on the channel: the cage allows no other.
static void say(struct ov_buf *message) {
    struct ov_span bytes = ov_buf_span(message);
    if (ov_buf_status(message) != OV_OK ||
        write(OV_FETCHER_CHANNEL, bytes.data, bytes.size) != (ssize_t)bytes.size) {
        _exit(1); // nobody listens any more
    }
}

static void say_answer(void *arg, const struct ov_fetch_answer *answer) {
    ov_fetch_answer_encode(answer, arg);
    say(arg);
}

static void say_bytes(void *arg, const struct ov_fetch_bytes *bytes) {
    ov_fetch_bytes_encode(bytes, arg);
    say(arg);
}

static void say_ready(struct ov_buf *message, const struct ov_cage_report *report) {
    struct ov_fetch_ready ready = {.layers = report->enforced};
    memcpy(ready.refusals, report->refusals, sizeof report->refusals);
    ov_fetch_ready_encode(&ready, message);
    say(message);
}

// The certificates that are trusted, as they are; libcrypto reads them in the cage. Without them
// the transfers that need them fail, and say so.
static struct ov_span load_authorities(const struct ov_fetch_job *job) {
    static struct ov_file_map map;
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%.*s", (int)job->authorities.size,
                   (const char *)job->authorities.data);
    return ov_file_map_open(path, &map) == OV_OK ? map.bytes : ov_span_make(NULL, 0);
}

static void enter_cage(const struct ov_fetcher_setup *setup, uint64_t mapped_bytes,
                       struct ov_buf *message) {
    struct ov_cage_spec spec = ov_role_cage(OV_ROLE_FETCHER);
    struct ov_cage_report report;
    uint16_t ports[PORTS_MAX];
    spec.ports = ports;
    spec.port_count = ov_fetcher_ports(setup, ports, PORTS_MAX);
    spec.mapped_bytes = mapped_bytes;
    spec.file_bytes = setup->job->most_bytes > 0 ? setup->job->most_bytes : 1;
    spec.open_file_count = OPEN_FILES;
    ov_cage_enter(&spec, &report);
    say_ready(message, &report);
}

int main(int argc, char **argv) {
    static struct ov_file_map text;
    struct ov_buf message = {0};
    struct ov_fetch_job job;
    struct ov_fetch_item *items = NULL;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); // a write fails instead
    if (argc != 2 || strcmp(argv[1], ov_role_get(OV_ROLE_FETCHER)->name) != 0 ||
        ov_file_map_open_fd(OV_FETCHER_JOB, &text) != OV_OK ||
        ov_fetch_job_decode(text.bytes, &job, &items) != OV_OK || ov_fetcher_prepare() != OV_OK) {
        return 2;
    }
    struct ov_fetcher_setup setup = {.job = &job,
                                     .items = items,
                                     .folder = OV_FETCHER_FOLDER,
                                     .arg = &message,
                                     .on_answer = say_answer,
                                     .on_bytes = say_bytes};
    if (ov_fetcher_needs_trust(&setup)) {
        setup.authorities = load_authorities(&job);
    }
    enter_cage(&setup, text.bytes.size + setup.authorities.size, &message);
    // Straight out: what was allocated goes with the process.
    _exit(ov_fetcher_run(&setup) == OV_OK ? 0 : 1);
}
