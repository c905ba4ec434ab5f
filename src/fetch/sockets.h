// SPDX-License-Identifier: Apache-2.0
//
// What went over the sockets of transfers, as the kernel counts it. For the fetcher alone.
#pragma once

#include "wire/fetch.h"

#include <curl/curl.h>

// Has the sockets that this transfer makes counted into `bytes`, which stays where it is until they
// are all closed. OV_MEMORY.
enum ov_status ov_sockets_count(CURL *easy, struct ov_fetch_bytes *bytes);
