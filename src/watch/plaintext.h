// SPDX-License-Identifier: Apache-2.0
//
// The sensor of what is given to libraries of TLS, before they encrypt it: libssl and libgnutls, by
// probes on their functions in all processes, counted for those who are watched. Bytes are counted,
// and nothing of them is kept.
//
// Libraries are those of the usual folders, and any other that a watched process opens or maps
// under such a name; what it sent before that was seen is not counted. One that is part of a
// program (Go, rustls, BoringSSL) has no such function, and is not seen.
#pragma once

#include "watch/kernel_types.h"
#include "watch/event.h"
#include "watch/recorder.h"

struct ov_plaintext;

// Probes the libraries of the usual folders, and writes a sensor for each. OV_MEMORY, or a status
// of the writer.
enum ov_status ov_plaintext_open(struct ov_recorder *recorder, struct ov_plaintext **ret_plaintext);
void ov_plaintext_close(struct ov_plaintext *plaintext);

// A file that was opened or mapped: probed as well when it is such a library.
enum ov_status ov_plaintext_consider(struct ov_plaintext *plaintext, const char *path);

// Writes the counters that have changed.
enum ov_status ov_plaintext_write(struct ov_plaintext *plaintext);
