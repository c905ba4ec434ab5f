// SPDX-License-Identifier: Apache-2.0
//
// The network of the envelope: a network namespace with a link whose far end lies in a second one,
// where all that is sent is captured, and from where no way leads on.
//
// Both are held by descriptors alone: they go with the processes that have them.
#pragma once

#include "base/status.h"

struct ov_network {
    int inside;  // the namespace of what is watched
    int capture; // takes all frames at the far end
};

// Makes both. The calling thread is in its own network again when this returns. OV_SYSTEM (errno);
// `ret_what` says which step failed.
enum ov_status ov_network_open(struct ov_network *ret_network, const char **ret_what);
void ov_network_close(struct ov_network *network);

// Brings the calling process, which must have one thread, inside.
enum ov_status ov_network_enter(const struct ov_network *network);
