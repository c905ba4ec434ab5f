// SPDX-License-Identifier: Apache-2.0
//
// What overt log serve and overt log witness share: an address, and a caged process behind it.
#pragma once

#include "role/serve_job.h"

#include <stdbool.h>

// Opens the socket at HOST:PORT; false when it said why it could not.
bool ov_log_listen(const char *address, int *ret_listener, char ret_url[OV_SERVE_URL_BYTES]);

// How it is told of.
struct ov_log_server {
    const char *what;    // in front of an error
    const char *command; // in the journal
    bool is_unjournaled; // --no-journal
};

// Serves until it is told to end, as a run of the journal; gives an enum ov_exit.
int ov_log_run_server(const struct ov_log_server *server, const struct ov_serve_request *request);
