// SPDX-License-Identifier: Apache-2.0
//
// Fetches what a job asks for, over HTTP, a few at a time. For the process `overt-fetch` alone.
#pragma once

#include "base/status.h"
#include "wire/fetch.h"

struct ov_fetcher_setup {
    const struct ov_fetch_job *job;
    const struct ov_fetch_item *items;
    struct ov_span authorities; // PEM certificates; empty when there are none
    int folder;                 // files are made here, named by their numbers
    void *arg;
    void (*on_answer)(void *arg, const struct ov_fetch_answer *answer); // one for each item
    // When all connections are closed: for each item that had some, and one for the end.
    void (*on_bytes)(void *arg, const struct ov_fetch_bytes *bytes);
};

// What libcurl and libcrypto read of the system, read before the cage closes. OV_MEMORY.
enum ov_status ov_fetcher_prepare(void);

// Where TCP will have to connect to, for the cage: at most `room` ports, without repetition.
size_t ov_fetcher_ports(const struct ov_fetcher_setup *setup, uint16_t *ret_ports, size_t room);

// Whether a connection of the job is to be encrypted.
bool ov_fetcher_needs_trust(const struct ov_fetcher_setup *setup);

// Runs the job to its end. Answers come in any order. OV_MEMORY when it could not begin.
enum ov_status ov_fetcher_run(const struct ov_fetcher_setup *setup);
