// SPDX-License-Identifier: Apache-2.0
//
// A log's folder as static files over HTTP: GET and HEAD of the paths of serve/path.h (C2SP
// tlog-tiles).
//
// What the folder holds beside these is not there for a client, nor are links and whatever lies
// behind one.
#pragma once

#include "serve/http.h"

struct ov_log_files {
    int folder; // borrowed
};

// For struct ov_http_service; `arg` is a struct ov_log_files.
void ov_log_files_answer(void *arg, const struct ov_http_request *request,
                         struct ov_http_reply *reply);
