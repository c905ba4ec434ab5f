// SPDX-License-Identifier: Apache-2.0
// Proxies by the variables that other programs use for them.
#include "role/fetch_proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *read_either(const char *name, const char *other) {
    const char *value = getenv(name);
    return value != NULL || other == NULL ? value : getenv(other);
}

// Whether the host is the entry's, or below it.
static bool is_host_of(struct ov_span host, struct ov_span entry) {
    if (entry.size > 0 && entry.data[0] == '.') {
        entry = ov_span_from(entry, 1);
    }
    if (entry.size == 0 || entry.size > host.size) {
        return false;
    }
    struct ov_span end = ov_span_from(host, host.size - entry.size);
    bool is_whole = entry.size == host.size || host.data[host.size - entry.size - 1] == '.';
    return is_whole &&
           strncasecmp((const char *)end.data, (const char *)entry.data, entry.size) == 0;
}

static bool is_exempt(struct ov_span host, const char *list) {
    const char *const separators = ", ";
    while (list != NULL && *list != '\0') {
        size_t size = strcspn(list, separators);
        struct ov_span entry = ov_span_make(list, size);
        if (ov_span_is_text(entry, "*") || is_host_of(host, entry)) {
            return true;
        }
        list += size;
        list += strspn(list, separators);
    }
    return false;
}

enum ov_status ov_proxy_choose(const char *asked, const struct ov_fetch_url *url,
                               char ret_proxy[OV_PROXY_BYTES]) {
    struct ov_fetch_url parsed;
    const char *proxy = asked;
    if (proxy == NULL && !is_exempt(url->host, read_either("no_proxy", "NO_PROXY"))) {
        // HTTP_PROXY in capitals is left alone: a web server would set it from a request's header.
        proxy = url->is_tls ? read_either("https_proxy", "HTTPS_PROXY")
                            : read_either("http_proxy", NULL);
    }
    if (proxy == NULL || *proxy == '\0') {
        ret_proxy[0] = '\0';
        return OV_OK;
    }
    bool has_scheme = strstr(proxy, "://") != NULL;
    int size = snprintf(ret_proxy, OV_PROXY_BYTES, "%s%s", has_scheme ? "" : "http://", proxy);
    bool is_sound = size > 0 && size < OV_PROXY_BYTES &&
                    ov_fetch_url_parse(ov_span_text(ret_proxy), &parsed) == OV_OK &&
                    parsed.path.size <= 1;
    return is_sound ? OV_OK : OV_INVALID;
}
