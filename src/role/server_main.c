// SPDX-License-Identifier: Apache-2.0
// The program `overt-serve`: a log's folder over HTTP, or a witness. Started by `overt log` with
// its socket, its folder and its key already open; it opens nothing by a path that it was not
// given.
#include "base/say.h"
#include "role/serving.h"
#include "serve/files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { EXIT_FAILED = 2 };

static enum ov_status run_server(const struct ov_http_options *http, const char *url) {
    struct ov_log_files files = {.folder = OV_SERVE_FOLDER};
    struct ov_http_service service = {.arg = &files, .answer = ov_log_files_answer};
    char ready[128];
    (void)snprintf(ready, sizeof ready, "listening on %.100s\n", url);
    struct ov_serving serving = {
        .role = OV_ROLE_SERVER,
        .http = http,
        .service = &service,
        .folder = {.fd = OV_SERVE_FOLDER},
        .ready = ready,
    };
    return ov_serving_run(&serving);
}

// Whoever started us reads along. Without the page nothing is counted, and they know that.
static struct ov_serve_counts *map_counts(void) {
    struct ov_serve_counts *counts =
        mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, OV_SERVE_COUNTS, 0);
    (void)close(OV_SERVE_COUNTS);
    return counts != MAP_FAILED ? counts : NULL;
}

// overt-serve server quiet|log URL
// overt-serve witness quiet|log URL RATE fresh|owned VKEY...
int main(int argc, char **argv) {
    enum ov_status status = OV_INVALID;
    struct ov_http_options http = {
        .listener = OV_SERVE_LISTENER,
        .has_log = argc > 2 && strcmp(argv[2], "log") == 0,
        .counts = map_counts(),
    };
    if (argc == 4 && strcmp(argv[1], ov_role_get(OV_ROLE_SERVER)->name) == 0) {
        status = run_server(&http, argv[3]);
    } else if (argc > 6 && strcmp(argv[1], ov_role_get(OV_ROLE_WITNESS)->name) == 0) {
        status = ov_witness_main(&http, argv + 3, (size_t)argc - 3);
    }
    if (status != OV_OK && status != OV_INVALID) { // which was told, or is no person's doing
        ov_say_error("overt-serve", status == OV_SYSTEM ? strerror(errno) : ov_status_text(status),
                     NULL);
    }
    // Straight out: nothing is to be flushed, and exit handlers call what the cage forbids.
    _exit(status == OV_OK ? 0 : EXIT_FAILED);
}
