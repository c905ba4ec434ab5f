// SPDX-License-Identifier: Apache-2.0
// overt evidence verify: what a file of evidence proves.
#include "base/fd.h"
#include "base/json.h"
#include "base/printable.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/evidence.h"
#include "cmd/log_store.h"
#include "role/caged.h"

#include <errno.h>
#include <stdio.h>

struct work {
    const struct ov_evidence_options *options;
    struct ov_span bytes; // the file
    struct ov_buf *out;
    struct ov_json *json; // or NULL
    const char *name_key; // what a step with a name is about
    bool has_failed, has_unproven;
    struct ov_key key;
    struct ov_buf policy_text;
    struct ov_policy policy;
    struct ov_trust trust;
    struct ov_evidence_check check;
};

enum { CODE_NO_FILE = 100 }; // of the caged process: what it was given is no file of evidence

static const char *const result_names[] = {
    [OV_PROVEN] = "proven", [OV_NOT_PROVEN] = "not proven", [OV_FAILED] = "FAILED"};

static void add_step(void *arg, const struct ov_evidence_step *step) {
    struct work *work = arg;
    work->has_failed |= step->result == OV_FAILED;
    work->has_unproven |= step->result == OV_NOT_PROVEN;
    if (work->json != NULL) {
        ov_json_object(work->json, NULL);
        ov_json_text(work->json, "what", step->what);
        if (step->name.size > 0) {
            ov_json_bytes(work->json, work->name_key, step->name);
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
    ov_buf_printf(work->out, "%-11s %.*s%s%s%s%s\n", result_names[step->result], (int)name.size,
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

// ---- in the cage --------------------------------------------------------------------------------

static void tell(struct work *work, const struct ov_evidence *evidence,
                 const struct ov_evidence_report *report) {
    if (!work->has_failed) {
        ov_evidence_tell(work->options, evidence, report, work->out, work->json);
        ov_evidence_tell_watches(evidence, work->out, work->json);
    } else if (work->json != NULL) {
        ov_json_null(work->json, "answers");
    } else {
        ov_buf_add_text(work->out, "Something is false: nothing that the file says is told.\n");
    }
}

static enum ov_status verify(struct work *work) {
    static struct ov_evidence evidence;
    struct ov_evidence_report report;
    TRY(ov_evidence_read(work->bytes, &evidence));
    if (work->json != NULL) {
        ov_json_object(work->json, NULL);
        ov_json_array(work->json, "steps");
    }
    work->name_key = "set";
    TRY(ov_evidence_verify(&evidence, &work->check, &report));
    work->name_key = "trace";
    TRY(ov_evidence_check_watches(&evidence, &work->check));
    if (work->json != NULL) {
        ov_json_array_end(work->json);
    }
    tell(work, &evidence, &report);
    if (work->json != NULL) {
        ov_json_object_end(work->json);
        ov_buf_add_u8(work->out, '\n');
    }
    return OV_OK;
}

static int run_caged(void *arg, struct ov_buf *out) {
    struct work *work = arg;
    struct ov_json json;
    work->out = out;
    if (work->options->is_json) {
        work->json = &json;
        ov_json_init(&json, out);
    }
    if (verify(work) != OV_OK) {
        return CODE_NO_FILE;
    }
    if (work->has_failed) {
        return OV_EXIT_FOUND;
    }
    return work->has_unproven ? OV_EXIT_INCOMPLETE : OV_EXIT_NOTHING;
}

// ---- outside ------------------------------------------------------------------------------------

static int ask(struct work *work) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    int code = OV_EXIT_ERROR;
    work->check.arg = work;
    work->check.on_step = add_step;
    (void)fflush(NULL);
    const struct ov_caged_work job = {
        .role = OV_ROLE_AUDITOR, .mapped_bytes = work->bytes.size, .tell = run_caged, .arg = work};
    enum ov_status status = ov_caged_run(&job, &text, &code);
    if (status != OV_OK) {
        ov_say_error(work->options->bundle,
                     status == OV_PEER ? "the caged process that reads it died" : strerror(errno),
                     NULL);
        return OV_EXIT_ERROR;
    }
    if (code != OV_EXIT_NOTHING && code != OV_EXIT_FOUND && code != OV_EXIT_INCOMPLETE) {
        ov_say_error(work->options->bundle, "is no whole file of evidence", NULL);
        return OV_EXIT_ERROR;
    }
    ov_printable_add_lines(&out, ov_buf_span(&text)); // it may have been hijacked
    return ov_log_print(&out) == OV_EXIT_NOTHING ? code : OV_EXIT_ERROR;
}

int ov_evidence_check_file(const struct ov_evidence_options *options) {
    static struct work work;
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    work.options = options;
    if (ov_file_map_open(options->bundle, &map) != OV_OK) {
        ov_say_error(options->bundle, errno != 0 ? strerror(errno) : "is no file", NULL);
        return OV_EXIT_ERROR;
    }
    work.bytes = map.bytes;
    int code = load_known(&work, &work.check) == OV_OK ? ask(&work) : OV_EXIT_ERROR;
    ov_buf_release(&work.policy_text);
    return code;
}
