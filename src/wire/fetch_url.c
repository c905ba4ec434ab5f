// SPDX-License-Identifier: Apache-2.0
// The addresses that may be fetched: a narrow part of RFC 3986, so that nobody reads them
// otherwise.
#include "wire/fetch.h"

#include <arpa/inet.h>

enum { HOST_BYTES_MAX = 253, HTTP_PORT = 80, HTTPS_PORT = 443 };

static bool is_letter_or_digit(uint8_t byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9');
}

static bool is_all(struct ov_span text, const char *others) {
    for (size_t i = 0; i < text.size; i++) {
        bool is_other = text.data[i] != '\0' && strchr(others, text.data[i]) != NULL;
        if (!is_letter_or_digit(text.data[i]) && !is_other) {
            return false;
        }
    }
    return true;
}

// Takes what stands before `stop`, or all when there is none; *text goes on after it.
static struct ov_span take_until(struct ov_span *text, uint8_t stop) {
    size_t at = ov_span_find(*text, 0, stop);
    struct ov_span taken = ov_span_part(*text, 0, at);
    *text = ov_span_from(*text, at + 1);
    return taken;
}

bool ov_fetch_path_is_sound(struct ov_span path) {
    if (path.size == 0 || path.size > OV_FETCH_PATH_BYTES || path.data[path.size - 1] == '/') {
        return false;
    }
    while (path.size > 0) {
        struct ov_span name = take_until(&path, '/');
        if (name.size == 0 || !is_all(name, "._+-") || ov_span_is_text(name, ".") ||
            ov_span_is_text(name, "..")) {
            return false;
        }
    }
    return true;
}

static bool is_ipv6(struct ov_span text) {
    char copy[INET6_ADDRSTRLEN] = "";
    struct in6_addr address;
    if (text.size >= sizeof copy || !is_all(text, ":.")) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    return inet_pton(AF_INET6, copy, &address) == 1;
}

// A name or an IPv4 address; or an IPv6 address in brackets. *text goes on after it.
static enum ov_status parse_host(struct ov_span *text, struct ov_fetch_url *url) {
    url->is_address = ov_span_has_prefix(*text, "[");
    if (url->is_address) {
        size_t end = ov_span_find(*text, 0, ']');
        bool is_closed = end < text->size;
        url->host = ov_span_part(*text, 1, end - 1);
        *text = ov_span_from(*text, end + 1);
        return is_closed && is_ipv6(url->host) ? OV_OK : OV_INVALID;
    }
    size_t end = 0;
    while (end < text->size && text->data[end] != ':') {
        end++;
    }
    url->host = ov_span_part(*text, 0, end);
    *text = ov_span_from(*text, end);
    bool is_sound = url->host.size >= 1 && url->host.size <= HOST_BYTES_MAX &&
                    is_all(url->host, ".-") && is_letter_or_digit(url->host.data[0]) &&
                    is_letter_or_digit(url->host.data[url->host.size - 1]);
    return is_sound ? OV_OK : OV_INVALID;
}

// Nothing, or a colon and a number.
static enum ov_status parse_port(struct ov_span text, struct ov_fetch_url *url) {
    unsigned port = 0;
    if (text.size == 0) {
        url->port = url->is_tls ? HTTPS_PORT : HTTP_PORT;
        return OV_OK;
    }
    if (text.size < 2 || text.size > 6 || text.data[0] != ':' || text.data[1] == '0') {
        return OV_INVALID;
    }
    for (size_t i = 1; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return OV_INVALID;
        }
        port = port * 10 + (text.data[i] - (unsigned)'0');
    }
    url->port = (uint16_t)port;
    return port <= UINT16_MAX ? OV_OK : OV_INVALID;
}

enum ov_status ov_fetch_url_parse(struct ov_span text, struct ov_fetch_url *ret_url) {
    struct ov_fetch_url url = {.is_tls = ov_span_has_prefix(text, "https://")};
    if (text.size > OV_FETCH_URL_BYTES || (!url.is_tls && !ov_span_has_prefix(text, "http://"))) {
        return OV_INVALID;
    }
    struct ov_span rest = ov_span_from(text, url.is_tls ? 8 : 7);
    size_t slash = ov_span_find(rest, 0, '/');
    struct ov_span place = ov_span_part(rest, 0, slash);
    url.path = ov_span_from(rest, slash);
    TRY(parse_host(&place, &url));
    TRY(parse_port(place, &url));
    // Without the slashes at both ends, nothing or a path like any other.
    struct ov_span inner = ov_span_from(url.path, 1);
    if (inner.size > 0 && inner.data[inner.size - 1] == '/') {
        inner.size--;
    }
    bool is_plain = url.path.size <= 1;
    if (!is_plain && !ov_fetch_path_is_sound(inner)) {
        return OV_INVALID;
    }
    *ret_url = url;
    return OV_OK;
}
