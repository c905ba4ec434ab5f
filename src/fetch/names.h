// SPDX-License-Identifier: Apache-2.0
//
// Host names looked up once, before the transfers, and handed to libcurl.
//
// libcurl would start a thread for each lookup; the cage allows none. For the fetcher alone.
#pragma once

#include "base/status.h"
#include "wire/fetch.h"

#include <curl/curl.h>

struct ov_name {
    struct ov_span host; // borrowed of the job
    uint16_t port;
    bool is_found;
};

struct ov_names {
    struct ov_name *items;
    size_t count;
    struct curl_slist *found; // for CURLOPT_RESOLVE
};

// Keeps name lookups from asking more than files and DNS, or for long. Before the first of them.
void ov_names_limit(void);

// Looks up the host of that URL unless it has been. Addresses need no lookup. OV_MEMORY.
enum ov_status ov_names_add(struct ov_names *names, const struct ov_fetch_url *url);

// Whether it was added, and has addresses.
bool ov_names_has(const struct ov_names *names, const struct ov_fetch_url *url);

void ov_names_release(struct ov_names *names);
