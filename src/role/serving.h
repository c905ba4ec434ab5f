// SPDX-License-Identifier: Apache-2.0
//
// The cage of `overt-serve`, and the loop in it.
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
