// SPDX-License-Identifier: Apache-2.0
// Sockets that lead out of the machine, that listen, or that hear the kernel's audit.
#include "inventory/live_state.h"

#include "base/cursor.h"
#include "base/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLACE_BYTES = 64, NETLINK_AUDIT_NUMBER = 9 };

static struct ov_live_socket *add_socket(struct ov_live *live, uint64_t number, const char *what) {
    if (live->socket_count == live->socket_room) {
        size_t room = live->socket_room > 0 ? 2 * live->socket_room : 64;
        void *grown = reallocarray(live->sockets, room, sizeof *live->sockets);
        if (grown == NULL) {
            ov_inventory_add_problem(live->inventory, "sockets", "out of memory", NULL);
            return NULL;
        }
        live->sockets = grown;
        live->socket_room = room;
    }
    struct ov_live_socket *socket = &live->sockets[live->socket_count++];
    *socket = (struct ov_live_socket){.number = number};
    (void)snprintf(socket->what, sizeof socket->what, "%s", what);
    return socket;
}

static void add_connected(void *arg, uint64_t number, const char *what) {
    struct ov_live_socket *socket = add_socket(arg, number, what);
    if (socket != NULL) {
        socket->is_outside = true;
    }
}

// "tcp port 80", "unix /run/x": evidence by itself, whoever holds it.
static void add_listening(void *arg, uint64_t number, const char *what) {
    struct ov_live *live = arg;
    char value[OV_PROCFS_TEXT_BYTES];
    bool is_unix = strncmp(what, "unix ", 5) == 0;
    if (is_unix) {
        (void)snprintf(value, sizeof value, "%s", what + 5);
    } else { // "tcp port 80" is the indicator "tcp 80"
        (void)snprintf(value, sizeof value, "%.3s %s", what, what + sizeof "tcp port");
    }
    (void)ov_inventory_see(live->inventory, &(struct ov_sight){.kind = is_unix ? OV_INDICATOR_SOCKET
                                                                               : OV_INDICATOR_PORT,
                                                               .value = value,
                                                               .detail = "listens"});
    if (!is_unix) {
        (void)add_socket(live, number, what);
    }
}

// /proc/net/netlink: "sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode". A socket of the audit
// whose groups are not none hears what is told to all (audit(7), AUDIT_NLGRP_READLOG).
static void add_audit(struct ov_live *live, pid_t pid) {
    enum { PROTOCOL_AT = 1, GROUPS_AT = 3, NUMBER_AT = 9 };
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    char place[PLACE_BYTES];
    (void)snprintf(place, sizeof place, "%d/net/netlink", (int)pid);
    if (ov_procfs_read(live->procfs, place, &text) != OV_OK) {
        return;
    }
    struct ov_cursor cursor = ov_cursor_init(ov_buf_span(&text));
    (void)ov_cursor_until(&cursor, '\n'); // the heads of its columns
    while (ov_cursor_left(&cursor) > 0) {
        struct ov_span rest = ov_cursor_until(&cursor, '\n');
        struct ov_span words[NUMBER_AT + 1];
        uint64_t protocol, number;
        for (size_t i = 0; i <= NUMBER_AT; i++) {
            words[i] = ov_procfs_word(&rest);
        }
        bool is_audit = ov_number_read(words[PROTOCOL_AT], &protocol) == OV_OK &&
                        protocol == NETLINK_AUDIT_NUMBER &&
                        ov_number_read(words[NUMBER_AT], &number) == OV_OK && number != 0;
        bool hears = is_audit && !ov_span_is_text(words[GROUPS_AT], "00000000");
        struct ov_live_socket *socket =
            is_audit ? add_socket(live, number,
                                  hears ? "hears all that the kernel's audit tells"
                                        : "is open to the kernel's audit")
                     : NULL;
        if (socket != NULL) {
            socket->is_audit = true;
            socket->hears = hears;
        }
    }
}

static int compare_numbers(const void *a, const void *b) {
    uint64_t first = ((const struct ov_live_socket *)a)->number;
    uint64_t second = ((const struct ov_live_socket *)b)->number;
    return (first > second) - (first < second);
}

void ov_live_add_network(struct ov_live *live, pid_t pid) {
    char link[PLACE_BYTES];
    char *name = live->networks[live->network_count];
    enum { NETWORKS_MAX = sizeof live->networks / sizeof live->networks[0] };
    if (live->network_count == NETWORKS_MAX - 1) {
        return;
    }
    (void)snprintf(link, sizeof link, "%d/ns/net", (int)pid);
    ssize_t size = readlinkat(live->procfs, link, name, sizeof live->networks[0] - 1);
    if (size <= 0) {
        return;
    }
    name[size] = '\0';
    for (size_t i = 0; i < live->network_count; i++) {
        if (strcmp(live->networks[i], name) == 0) {
            return;
        }
    }
    live->network_count++;
    if (live->network_count == NETWORKS_MAX - 1) {
        ov_inventory_add_problem(live->inventory, "sockets",
                                 "there are more networks than are looked at", NULL);
    }
    (void)!ov_procfs_connections(live->procfs, pid, live, add_connected);
    (void)!ov_procfs_listeners(live->procfs, pid, live, add_listening);
    add_audit(live, pid);
    if (live->socket_count > 0) {
        qsort(live->sockets, live->socket_count, sizeof *live->sockets, compare_numbers);
    }
}

const struct ov_live_socket *ov_live_socket(const struct ov_live *live, uint64_t number) {
    const struct ov_live_socket key = {.number = number};
    return live->socket_count > 0 ? bsearch(&key, live->sockets, live->socket_count,
                                            sizeof *live->sockets, compare_numbers)
                                  : NULL;
}
