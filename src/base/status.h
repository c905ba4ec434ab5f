// SPDX-License-Identifier: Apache-2.0
//
// How a function says that it did not do what it was asked, and what may still be done.
//
// A verdict on a scanned object is another type (scan/verdict.h): no status ever becomes "clean".
#pragma once

enum [[nodiscard]] ov_status{
    OV_OK = 0,      // done
    OV_END,         // nothing more to give; not an error: stop the loop
    OV_DAMAGED,     // the bytes break the format they claim: skip this input, others go on
    OV_UNSUPPORTED, // well formed, but asks for what is not built: skip it and say so
    OV_LIMIT,       // a budget ran out: the result is incomplete and must be told as such
    OV_MEMORY,      // an allocation failed: this job fails, the process may go on
    OV_SYSTEM,      // a system call failed and errno says why: report, then go on with the next
    OV_DENIED,      // permission or confinement forbids it: report, do not try again
    OV_INVALID,     // the caller's argument is wrong: tell the user what to write instead
    OV_PEER,        // the process at the other end broke the protocol or is gone: replace it
};

// A constant phrase for people, such as "damaged"; never NULL.
const char *ov_status_text(enum ov_status status);

// Returns the status of `expression` from the enclosing function unless it is OV_OK.
#define TRY(expression)                                                                            \
    do {                                                                                           \
        enum ov_status ov_try_status = (expression);                                               \
        if (ov_try_status != OV_OK) {                                                              \
            return ov_try_status;                                                                  \
        }                                                                                          \
    } while (0)

// Runs `function(&variable)` when the variable goes out of scope.
#define OV_CLEANUP(function) __attribute__((cleanup(function)))
