// SPDX-License-Identifier: Apache-2.0
// Why a file could not be fetched, in words for people.
#include "role/fetch_reason.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const plain_texts[OV_FETCH_END_COUNT] = {
    [OV_FETCH_UNTRIED] = "not tried",
    [OV_FETCH_GOT] = "got",
    [OV_FETCH_MISSING] = "the server has no such file",
    [OV_FETCH_TIMEOUT] = "no whole answer in time",
    [OV_FETCH_CLOSED] = "the connection was closed before the whole answer had come",
    [OV_FETCH_TLS] = "no encrypted connection could be agreed on",
    [OV_FETCH_CERTIFICATE] = "the server's certificate is not trusted for its name",
    [OV_FETCH_AUTHORITIES] = "the file of trusted certificates cannot be used",
    [OV_FETCH_PROXY] = "the proxy refused",
    [OV_FETCH_PROTOCOL] = "the answer is no HTTP that is understood",
    [OV_FETCH_TROUBLE] = "the fetching process ran out of memory",
};

// The host that was to be spoken to, as HOST or HOST:PORT.
static void write_hop(const struct ov_fetch_reason *reason, bool with_port, char *ret_text,
                      size_t size) {
    struct ov_fetch_url hop;
    bool is_proxy = reason->proxy.size > 0;
    if (ov_fetch_url_parse(is_proxy ? reason->proxy : reason->address, &hop) != OV_OK) {
        (void)snprintf(ret_text, size, "the server");
        return;
    }
    char port[8] = "";
    if (with_port) {
        (void)snprintf(port, sizeof port, ":%u", (unsigned)hop.port);
    }
    (void)snprintf(ret_text, size, "%s%s%.*s%s%s", is_proxy ? "the proxy " : "",
                   hop.is_address ? "[" : "", (int)hop.host.size, (const char *)hop.host.data,
                   hop.is_address ? "]" : "", port);
}

void ov_fetch_reason_write(const struct ov_fetch_reason *reason, char *ret_text, size_t size) {
    const struct ov_fetch_answer *answer = &reason->answer;
    char hop[300];
    write_hop(reason, answer->end == OV_FETCH_CONNECT, hop, sizeof hop);
    switch (answer->end) {
    case OV_FETCH_STATUS:
        (void)snprintf(ret_text, size, "the server answered with HTTP status %" PRIu32,
                       answer->http_status);
        break;
    case OV_FETCH_REDIRECT:
        (void)snprintf(ret_text, size,
                       "the server points to another address (HTTP status %" PRIu32
                       "), which is not followed",
                       answer->http_status);
        break;
    case OV_FETCH_LARGE:
        (void)snprintf(ret_text, size, "larger than the %" PRIu64 " bytes that are allowed",
                       reason->most_bytes);
        break;
    case OV_FETCH_NAME:
        (void)snprintf(ret_text, size, "could not look up the name of %s", hop);
        break;
    case OV_FETCH_CONNECT:
        (void)snprintf(ret_text, size, "could not connect to %s%s%s", hop,
                       answer->error != 0 ? ": " : "",
                       answer->error != 0 ? strerror((int)answer->error) : "");
        break;
    case OV_FETCH_STORE:
        (void)snprintf(ret_text, size, "could not be stored: %s", strerror((int)answer->error));
        break;
    default:
        (void)snprintf(ret_text, size, "%s",
                       answer->end < OV_FETCH_END_COUNT ? plain_texts[answer->end] : "unknown");
        break;
    }
}

enum ov_status ov_fetch_reason_status(enum ov_fetch_end end) {
    switch (end) {
    case OV_FETCH_GOT:
        return OV_OK;
    case OV_FETCH_MISSING:
        return OV_END;
    case OV_FETCH_LARGE:
    case OV_FETCH_TIMEOUT:
        return OV_LIMIT;
    case OV_FETCH_STORE:
    case OV_FETCH_AUTHORITIES:
        return OV_SYSTEM;
    case OV_FETCH_TROUBLE:
        return OV_MEMORY;
    default:
        return OV_PEER;
    }
}
