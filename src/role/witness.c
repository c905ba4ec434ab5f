// SPDX-License-Identifier: Apache-2.0
// The witness: its key and its logs, and then the loop.
#include "base/fd.h"
#include "base/say.h"
#include "role/serving.h"
#include "serve/submit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_FILE_BYTES = 4096, BURST_SECONDS = 4, FIXED_WORDS = 3 };

// What it is made of; its parts point at one another.
struct parts {
    struct ov_signer signer;
    struct ov_key *logs;
    size_t log_count;
    struct ov_buf ready; // with a NUL
};

static void release_parts(struct parts *parts) {
    ov_signer_release(&parts->signer);
    free(parts->logs);
    ov_buf_release(&parts->ready);
}

// Before the cage: libsodium asks for locked memory and random bytes once.
static enum ov_status read_signer(struct ov_signer *ret_signer) {
    struct ov_buf text = {0};
    size_t size = 0;
    uint8_t *room = ov_buf_reserve(&text, KEY_FILE_BYTES);
    if (room == NULL) {
        return OV_MEMORY;
    }
    enum ov_status status = ov_fd_read_full(OV_SERVE_KEY, room, KEY_FILE_BYTES, &size);
    ov_buf_commit(&text, size);
    if (status == OV_OK) {
        status = ov_signer_read(ov_buf_span(&text), ret_signer);
    }
    ov_signer_wipe(&text);
    ov_buf_release(&text);
    (void)close(OV_SERVE_KEY);
    if (status == OV_DAMAGED || status == OV_UNSUPPORTED ||
        (status == OV_OK && ret_signer->key.type != OV_KEY_COSIGNATURE)) {
        ov_say_error("log witness", "the key is none that can cosign",
                     "overt log key NAME --witness -o FILE makes one");
        status = OV_INVALID;
    }
    return status;
}

static enum ov_status read_logs(char **vkeys, struct parts *parts) {
    parts->logs = calloc(parts->log_count, sizeof *parts->logs);
    if (parts->logs == NULL) {
        return OV_MEMORY;
    }
    for (size_t i = 0; i < parts->log_count; i++) {
        TRY(ov_key_read(ov_span_text(vkeys[i]), &parts->logs[i]));
    }
    return OV_OK;
}

static enum ov_status tell_ready(const char *url, struct parts *parts) {
    ov_buf_add_text(&parts->ready, "witness ");
    TRY(ov_key_add(&parts->ready, &parts->signer.key));
    ov_buf_printf(&parts->ready, "\nlistening on %s\n", url);
    ov_buf_add_u8(&parts->ready, '\0');
    return ov_buf_status(&parts->ready);
}

enum ov_status ov_witness_main(const struct ov_http_options *http, char **words, size_t count) {
    OV_CLEANUP(release_parts) struct parts parts = {.log_count = count - FIXED_WORDS};
    uint32_t rate = (uint32_t)strtoul(words[1], NULL, 10);
    TRY(read_logs(words + FIXED_WORDS, &parts));
    TRY(read_signer(&parts.signer));
    TRY(tell_ready(words[0], &parts));
    struct ov_submit submit = {
        .witness = {.signer = &parts.signer,
                    .logs = parts.logs,
                    .log_count = parts.log_count,
                    .folder = OV_SERVE_FOLDER},
        .rate = {.a_second = rate, .burst = rate * BURST_SECONDS},
    };
    struct ov_http_service service = {
        .arg = &submit, .body_bytes_max = OV_SUBMIT_BODY_BYTES, .answer = ov_submit_answer};
    struct ov_serving serving = {
        .role = OV_ROLE_WITNESS,
        .http = http,
        .service = &service,
        .folder = {.fd = OV_SERVE_FOLDER,
                   .is_writable = true,
                   .is_handed_over = strcmp(words[2], "fresh") == 0},
        .ready = (const char *)parts.ready.data,
    };
    return ov_serving_run(&serving);
}
