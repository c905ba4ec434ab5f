// SPDX-License-Identifier: Apache-2.0
//
// Which proxy stands between us and an address.
//
// For the files of this room alone.
#pragma once

#include "base/status.h"
#include "wire/fetch.h"

enum { OV_PROXY_BYTES = OV_FETCH_URL_BYTES + 16 };

// The proxy that was asked for; without one (NULL), what https_proxy, HTTPS_PROXY or http_proxy
// say, but for the hosts of no_proxy. An empty text when there is none. OV_INVALID when it is of a
// kind that is not understood: it is then written to `ret_proxy` all the same.
enum ov_status ov_proxy_choose(const char *asked, const struct ov_fetch_url *url,
                               char ret_proxy[OV_PROXY_BYTES]);
