// SPDX-License-Identifier: Apache-2.0
//
// What the processes of `overt-serve` have in common: the cage, and the loop in it. And the
// witness, which is one of them.
#pragma once

#include "cage/cage.h"
#include "role/roles.h"
#include "serve/http.h"

struct ov_serving {
    enum ov_role_id role;
    const struct ov_http_options *http;
    const struct ov_http_service *service;
    struct ov_cage_path folder; // all that is in reach
    const char *ready;          // printed when all is set; ends with a LF
};

// Goes into the cage, tells of layers that are missing, and serves until SIGTERM or SIGINT.
enum ov_status ov_serving_run(const struct ov_serving *serving);

// The role witness; `words` are those of its command line: URL RATE fresh|owned VKEY...
enum ov_status ov_witness_main(const struct ov_http_options *http, char **words, size_t count);
