// SPDX-License-Identifier: Apache-2.0
// Phrases for the status values.
#include "base/status.h"

const char *ov_status_text(enum ov_status status) {
    switch (status) {
    case OV_OK:
        return "done";
    case OV_END:
        return "nothing more";
    case OV_DAMAGED:
        return "damaged";
    case OV_UNSUPPORTED:
        return "not supported";
    case OV_LIMIT:
        return "limit reached";
    case OV_MEMORY:
        return "out of memory";
    case OV_SYSTEM:
        return "system call failed";
    case OV_DENIED:
        return "denied";
    case OV_INVALID:
        return "invalid argument";
    case OV_PEER:
        return "the other process failed";
    }
    return "unknown status";
}
