// SPDX-License-Identifier: Apache-2.0
// watch-routes FOLDER HELPER: tries every route, each read route on FOLDER/NAME, and prints
// `read NAME PID BYTES` or `send NAME COOKIE BYTES`; bytes below 0 are an errno: it could not be
// tried. PID -1: another process read it.
#include "routes.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    char path[4096];
    if (argc != 3) {
        return 2;
    }
    for (const struct route *route = read_routes; route->name != NULL; route++) {
        struct attempt attempt = {.path = path, .help = argv[2]};
        (void)snprintf(path, sizeof path, "%.2000s/%s", argv[1], route->name);
        route->run(&attempt);
        (void)printf("read %s %d %lld\n", route->name,
                     attempt.reader == 0 ? (int)getpid() : (int)attempt.reader,
                     (long long)attempt.bytes);
        (void)fflush(stdout); // not twice, by what is forked next
    }
    for (const struct route *route = send_routes; route->name != NULL; route++) {
        struct attempt attempt = {.path = path};
        (void)snprintf(path, sizeof path, "%.2000s/sent-%s", argv[1], route->name);
        route->run(&attempt);
        (void)printf("send %s %llu %lld\n", route->name, (unsigned long long)attempt.cookie,
                     (long long)attempt.bytes);
        (void)fflush(stdout);
    }
    return 0;
}
