// SPDX-License-Identifier: Apache-2.0
// Caged, then serving until the end.
#include "role/serving.h"

#include "base/fd.h"
#include "base/say.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

// What is missing is said: whoever runs a server should know what holds it.
static void tell_missing(const struct ov_role *role, const struct ov_cage_report *report) {
    for (unsigned layer = 0; layer < OV_LAYER_COUNT; layer++) {
        if ((role->layers & OV_CAGE(layer)) != 0 && (report->enforced & OV_CAGE(layer)) == 0) {
            char why[128];
            (void)snprintf(why, sizeof why, "not confined by this layer: %s",
                           strerror(report->refusals[layer]));
            ov_say_error(ov_cage_layer_name(layer), why, "overt status tells more");
        }
    }
}

static void enter_cage(const struct ov_serving *serving) {
    struct ov_cage_report report;
    struct ov_cage_spec spec = ov_role_cage(serving->role);
    spec.paths = &serving->folder; // as the row has it, and whether it is a fresh one
    spec.path_count = 1;
    spec.open_file_count = OV_HTTP_DESCRIPTORS;
    ov_cage_enter(&spec, &report);
    tell_missing(ov_role_get(serving->role), &report);
    if (serving->http->counts != NULL) {
        atomic_store(&serving->http->counts->cage, OV_SERVE_CAGED | report.enforced);
    }
}

enum ov_status ov_serving_run(const struct ov_serving *serving) {
    struct ov_http *http;
    enter_cage(serving);
    TRY(ov_http_open(serving->http, serving->service, &http));
    enum ov_status status = ov_fd_write_all(STDOUT_FILENO, ov_span_text(serving->ready));
    if (status == OV_OK) {
        status = ov_http_run(http);
    }
    ov_http_close(http);
    return status;
}
