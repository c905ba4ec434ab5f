// SPDX-License-Identifier: Apache-2.0
//
// Serving, for whoever asks for it: an address and an open folder in, and a caged process
// (`overt-serve`) that answers there until it is told to end.
//
// This is the broker's door to that process. It opens the socket and hands it over; no byte of a
// client's is read here.
#pragma once

#include "base/status.h"
#include "role/roles.h"

#include <stddef.h>

enum { OV_SERVE_URL_BYTES = 80, OV_SERVE_REASON_BYTES = 512 };

struct ov_serve_request {
    enum ov_role_id role;     // OV_ROLE_SERVER or OV_ROLE_WITNESS
    int listener;             // from ov_serve_listen
    int folder;               // open
    int key;                  // open file of a secret key; -1 for none
    const char *const *words; // what follows the role on its command line
    size_t word_count;
};

// Opens a socket that listens at `address`: HOST:PORT, HOST being an IPv4 address, an IPv6 address
// in brackets, or localhost (127.0.0.1). No name is looked up. PORT 0 takes a free one. *ret_url is
// what clients write in front of paths: "http://127.0.0.1:41234/". OV_INVALID for what is no such
// address; OV_SYSTEM (errno).
enum ov_status ov_serve_listen(const char *address, int *ret_listener,
                               char ret_url[OV_SERVE_URL_BYTES]);

// Runs the process until it ends, and tells role/acts.h of it: that it began, at each heartbeat and
// at the end what went to its clients and came from them (its own word for what the kernel
// counted), how it ended. When that cannot be written down, the process is ended. SIGTERM, SIGINT
// and SIGHUP are its own end, in good order. Standard output and error are its, too. OV_OK when it
// ended so; otherwise a reason stands in *ret_reason, empty when the process has told it itself.
enum ov_status ov_serve_run(const struct ov_serve_request *request,
                            char ret_reason[OV_SERVE_REASON_BYTES]);
