// SPDX-License-Identifier: Apache-2.0
// Looks up host names in this very thread, with glibc's resolver.
#include "fetch/names.h"

#include "base/buf.h"

#include <netdb.h>
#include <nss.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_ROOM = 256 };

void ov_names_limit(void) {
    // No module of the system's configuration is loaded: that would be code from files, and some of
    // them talk to daemons.
    (void)__nss_configure_lookup("hosts", "files dns");
    (void)setenv("RES_OPTIONS", "timeout:2 attempts:2", 1);
    (void)setenv("LOCALDOMAIN", "", 1); // names are full: no search list
}

static const struct ov_name *find(const struct ov_names *names, const struct ov_fetch_url *url) {
    for (size_t i = 0; i < names->count; i++) {
        if (names->items[i].port == url->port &&
            ov_span_is_equal(names->items[i].host, url->host)) {
            return &names->items[i];
        }
    }
    return NULL;
}

// "HOST:PORT:ADDRESS,ADDRESS" (CURLOPT_RESOLVE).
static void write_entry(const struct ov_name *name, const struct addrinfo *first,
                        struct ov_buf *out) {
    char text[HOST_ROOM];
    unsigned count = 0;
    ov_buf_reset(out);
    ov_buf_add(out, name->host.data, name->host.size);
    ov_buf_printf(out, ":%u:", (unsigned)name->port);
    for (const struct addrinfo *at = first; at != NULL && count < 16; at = at->ai_next) {
        if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) !=
                0 ||
            strchr(text, '%') != NULL) { // an address that is good on one link alone
            continue;
        }
        bool is_ipv6 = at->ai_family == AF_INET6;
        ov_buf_printf(out, "%s%s%s%s", count > 0 ? "," : "", is_ipv6 ? "[" : "", text,
                      is_ipv6 ? "]" : "");
        count++;
    }
    ov_buf_add_u8(out, 0);
}

static enum ov_status look_up(struct ov_names *names, struct ov_name *name) {
    OV_CLEANUP(ov_buf_release) struct ov_buf entry = {0};
    char host[HOST_ROOM];
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *first = NULL;
    (void)snprintf(host, sizeof host, "%.*s", (int)name->host.size, (const char *)name->host.data);
    if (getaddrinfo(host, NULL, &hints, &first) != 0) {
        return OV_OK;
    }
    write_entry(name, first, &entry);
    freeaddrinfo(first);
    TRY(ov_buf_status(&entry));
    struct curl_slist *more = curl_slist_append(names->found, (const char *)entry.data);
    if (more == NULL) {
        return OV_MEMORY;
    }
    names->found = more;
    name->is_found = entry.data[entry.size - 2] != ':';
    return OV_OK;
}

enum ov_status ov_names_add(struct ov_names *names, const struct ov_fetch_url *url) {
    if (url->is_address || find(names, url) != NULL) {
        return OV_OK;
    }
    struct ov_name *items = realloc(names->items, (names->count + 1) * sizeof *items);
    if (items == NULL) {
        return OV_MEMORY;
    }
    names->items = items;
    items[names->count] = (struct ov_name){.host = url->host, .port = url->port};
    return look_up(names, &items[names->count++]);
}

bool ov_names_has(const struct ov_names *names, const struct ov_fetch_url *url) {
    const struct ov_name *name = find(names, url);
    return url->is_address || (name != NULL && name->is_found);
}

void ov_names_release(struct ov_names *names) {
    curl_slist_free_all(names->found);
    free(names->items);
    *names = (struct ov_names){0};
}
