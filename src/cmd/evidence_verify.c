// SPDX-License-Identifier: Apache-2.0
// overt evidence verify: what a file of evidence proves.
#include "base/fd.h"
#include "base/json.h"
#include "base/printable.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/evidence.h"
#include "cmd/log_store.h"
#include "journal/evidence_check.h"

#include <errno.h>
#include <stdio.h>

struct work {
    const struct ov_evidence_options *options;
    struct ov_json *json; // or NULL
    bool has_failed, has_unproven;
    struct ov_key key;
    struct ov_buf policy_text;
    struct ov_policy policy;
    struct ov_trust trust;
};

static const char *const result_names[] = {
    [OV_PROVEN] = "proven", [OV_NOT_PROVEN] = "not proven", [OV_FAILED] = "FAILED"};

static void print_step(void *arg, const struct ov_evidence_step *step) {
    struct work *work = arg;
    work->has_failed |= step->result == OV_FAILED;
    work->has_unproven |= step->result == OV_NOT_PROVEN;
    if (work->json != NULL) {
        ov_json_object(work->json, NULL);
        ov_json_text(work->json, "what", step->what);
        if (step->name.size > 0) {
            ov_json_bytes(work->json, "set", step->name);
        }
        ov_json_text(work->json, "result",
                     step->result == OV_FAILED ? "failed" : result_names[step->result]);
        if (step->why != NULL) {
            ov_json_text(work->json, "why", step->why);
        }
        ov_json_object_end(work->json);
        return;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf name = {0};
    if (step->name.size > 0) {
        ov_printable_add(&name, step->name);
    }
    (void)printf("%-11s %.*s%s%s%s%s\n", result_names[step->result], (int)name.size,
                 (const char *)name.data, name.size > 0 ? ": " : "", step->what,
                 step->why != NULL ? ": " : "", step->why != NULL ? step->why : "");
}

// What the verifier knows beforehand. OV_OK, or the error was printed.
static enum ov_status load_known(struct work *work, struct ov_evidence_check *check) {
    const struct ov_evidence_options *options = work->options;
    if (options->key != NULL) {
        if (ov_key_read(ov_span_text(options->key), &work->key) != OV_OK) {
            ov_say_error("--key", "no vkey", "journal.vkey has it");
            return OV_INVALID;
        }
        check->key = &work->key;
    }
    if (options->policy != NULL) {
        TRY(ov_log_policy_load(options->policy, &work->policy_text, &work->policy));
        check->policy = &work->policy;
    }
    if (options->trust != NULL) {
        TRY(ov_log_trust_load(options->trust, &work->trust));
        check->trust = &work->trust;
    }
    return OV_OK;
}

static enum ov_status verify(struct work *work, struct ov_span bytes) {
    struct ov_evidence evidence;
    struct ov_evidence_check check = {.arg = work, .on_step = print_step};
    TRY(load_known(work, &check));
    enum ov_status status = ov_evidence_read(bytes, &evidence);
    if (status == OV_OK) {
        if (work->json != NULL) {
            ov_json_array(work->json, "steps");
        }
        status = ov_evidence_verify(&evidence, &check);
    }
    if (status != OV_OK) {
        ov_say_error(work->options->bundle, "is no whole file of evidence", NULL);
        return status;
    }
    if (work->json != NULL) {
        ov_json_array_end(work->json);
    }
    ov_evidence_tell(work->options, &evidence, !work->has_failed, work->json);
    return OV_OK;
}

static int exit_of(const struct work *work) {
    if (work->has_failed) {
        return OV_EXIT_FOUND;
    }
    return work->has_unproven ? OV_EXIT_INCOMPLETE : OV_EXIT_NOTHING;
}

int ov_evidence_check_file(const struct ov_evidence_options *options) {
    static struct work work;
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_json json;
    work.options = options;
    if (ov_file_map_open(options->bundle, &map) != OV_OK) {
        ov_say_error(options->bundle, errno != 0 ? strerror(errno) : "is no file", NULL);
        return OV_EXIT_ERROR;
    }
    if (options->is_json) {
        work.json = &json;
        ov_json_init(&json, &out);
        ov_json_object(&json, NULL);
    }
    enum ov_status status = verify(&work, map.bytes);
    ov_buf_release(&work.policy_text);
    if (status != OV_OK) {
        return OV_EXIT_ERROR;
    }
    if (options->is_json) {
        ov_json_object_end(&json);
        ov_buf_add_u8(&out, '\n');
        if (ov_log_print(&out) != OV_EXIT_NOTHING) {
            return OV_EXIT_ERROR;
        }
    }
    return exit_of(&work);
}
