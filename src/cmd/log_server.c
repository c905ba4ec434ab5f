// SPDX-License-Identifier: Apache-2.0
// Listens for the words of overt log that serve, and tells how their process ended.
#include "cmd/log_server.h"

#include "base/say.h"
#include "cmd/command.h"
#include "cmd/log_run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool ov_log_listen(const char *address, int *ret_listener, char ret_url[OV_SERVE_URL_BYTES]) {
    enum ov_status status = ov_serve_listen(address, ret_listener, ret_url);
    if (status != OV_OK) {
        bool is_system = status == OV_SYSTEM;
        ov_say_error(address, is_system ? strerror(errno) : "is no address to listen at",
                     is_system ? NULL : "such as 127.0.0.1:8080, [::1]:8080 or localhost:0");
    }
    return status == OV_OK;
}

int ov_log_run_server(const struct ov_log_server *server, const struct ov_serve_request *request) {
    char reason[OV_SERVE_REASON_BYTES];
    struct ov_keeper keeper;
    if (ov_log_run_begin(server->command, server->is_unjournaled, &keeper) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    (void)fflush(NULL);
    enum ov_status status = ov_serve_run(request, reason);
    if (status != OV_OK && reason[0] != '\0') {
        ov_say_error(server->what, reason, NULL);
    }
    return ov_log_run_end(&keeper, status == OV_OK ? OV_EXIT_NOTHING : OV_EXIT_ERROR);
}
