// SPDX-License-Identifier: Apache-2.0
// overt log verify: a proof, or a whole log's folder, held against a policy.
#include "cmd/log_verify.h"

#include "base/json.h"
#include "base/printable.h"
#include "base/say.h"
#include "ledger/log_names.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

// ---- what is told -------------------------------------------------------------------------------

int ov_log_verify_fail(const struct ov_log_verify *verify, const char *what, const char *why) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_json json;
    if (!verify->is_json) {
        ov_say_error(what, why, NULL);
        return OV_EXIT_FOUND;
    }
    ov_json_init(&json, &out);
    ov_json_object(&json, NULL);
    ov_json_text(&json, "path", verify->path);
    ov_json_bool(&json, "holds", false);
    ov_json_text(&json, "what", what);
    ov_json_text(&json, "why", why);
    ov_json_object_end(&json);
    ov_buf_add_u8(&out, '\n');
    return ov_log_print(&out) == OV_EXIT_NOTHING ? OV_EXIT_FOUND : OV_EXIT_ERROR;
}

void ov_log_verify_tell_json(const struct ov_log_verify *verify,
                             const struct ov_checkpoint_opened *opened, struct ov_json *json) {
    OV_CLEANUP(ov_buf_release) struct ov_buf root = {0};
    ov_tree_hash_add(&root, &opened->checkpoint.head.root);
    ov_json_text(json, "path", verify->path);
    ov_json_bool(json, "holds", true);
    ov_json_bytes(json, "origin", opened->checkpoint.origin);
    ov_json_uint(json, "size", opened->checkpoint.head.size);
    ov_json_bytes(json, "root", ov_buf_span(&root));
    ov_json_array(json, "witnesses");
    for (size_t i = 0; i < verify->policy_read->witness_count; i++) {
        if ((opened->witnesses >> i & 1) != 0) {
            ov_json_object(json, NULL);
            ov_json_bytes(json, "name", verify->policy_read->witnesses[i].name);
            ov_json_uint(json, "time", opened->times[i]);
            ov_json_object_end(json);
        }
    }
    ov_json_array_end(json);
    ov_json_uint(json, "quorum_time", opened->quorum_time);
}

static void add_time(struct ov_buf *out, uint64_t seconds) {
    time_t value = (time_t)seconds;
    struct tm parts;
    char text[64];
    if (gmtime_r(&value, &parts) != NULL &&
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts) > 0) {
        ov_buf_add_text(out, text);
    } else {
        ov_buf_printf(out, "%llu", (unsigned long long)seconds);
    }
}

void ov_log_verify_tell_text(const struct ov_log_verify *verify,
                             const struct ov_checkpoint_opened *opened, struct ov_buf *out) {
    ov_buf_add_text(out, "log ");
    ov_printable_add(out, opened->checkpoint.origin);
    ov_buf_printf(out, ": %llu entries, root ", (unsigned long long)opened->checkpoint.head.size);
    ov_tree_hash_add(out, &opened->checkpoint.head.root);
    ov_buf_add_u8(out, '\n');
    for (size_t i = 0; i < verify->policy_read->witness_count; i++) {
        if ((opened->witnesses >> i & 1) != 0) {
            ov_buf_add_text(out, "witness ");
            ov_printable_add(out, verify->policy_read->witnesses[i].name);
            ov_buf_add_text(out, ": cosigned ");
            add_time(out, opened->times[i]);
            ov_buf_add_u8(out, '\n');
        }
    }
    if (opened->quorum_time == 0) {
        ov_buf_add_text(out, "the policy asks for no witness: others may be shown another log\n");
    }
}

// ---- a folder -----------------------------------------------------------------------------------

static enum ov_status open_checkpoint(const struct ov_log_verify *verify, struct ov_buf *note,
                                      struct ov_checkpoint_opened *ret_opened,
                                      const char **ret_why) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/" OV_LOG_CHECKPOINT, verify->path);
    enum ov_status status = ov_log_file_load(path, OV_NOTE_BYTES_MAX, note);
    if (status != OV_OK) {
        *ret_why = status == OV_SYSTEM ? strerror(errno) : ov_status_text(status);
        return OV_SYSTEM;
    }
    return ov_checkpoint_open_witnessed(ov_buf_span(note), verify->policy_read, ret_opened,
                                        ret_why);
}

static int tell_folder(const struct ov_log_verify *verify,
                       const struct ov_checkpoint_opened *opened) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_json json;
    if (verify->is_json) {
        ov_json_init(&json, &out);
        ov_json_object(&json, NULL);
        ov_log_verify_tell_json(verify, opened, &json);
        ov_json_object_end(&json);
        ov_buf_add_u8(&out, '\n');
    } else {
        ov_log_verify_tell_text(verify, opened, &out);
        ov_buf_add_text(&out, "all entries and tiles are those of this root\n");
    }
    return ov_log_print(&out);
}

int ov_log_verify_folder(const struct ov_log_verify *verify) {
    OV_CLEANUP(ov_buf_release) struct ov_buf note = {0};
    struct ov_checkpoint_opened opened;
    struct ov_log_audit audit = {0};
    const char *why = NULL;
    OV_AUTO_FD folder = open(verify->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum ov_status status = open_checkpoint(verify, &note, &opened, &why);
    if (folder < 0 || status == OV_SYSTEM) {
        ov_say_error(verify->path, folder < 0 ? strerror(errno) : why, NULL);
        return OV_EXIT_ERROR;
    }
    if (status != OV_OK) {
        return ov_log_verify_fail(verify, OV_LOG_CHECKPOINT, why);
    }
    status = ov_log_audit(folder, &opened.checkpoint.head, &audit);
    if (status != OV_OK) {
        const char *system = strerror(errno);
        return ov_log_verify_fail(
            verify, audit.flaw.path.text[0] != '\0' ? audit.flaw.path.text : verify->path,
            status == OV_SYSTEM      ? system
            : audit.flaw.why != NULL ? audit.flaw.why
                                     : ov_status_text(status));
    }
    return tell_folder(verify, &opened);
}

// ---- the word -----------------------------------------------------------------------------------

enum { OPTION_POLICY = 256, OPTION_TRUST, OPTION_ENTRY, OPTION_JSON, OPTION_HELP };

static const struct option long_options[] = {
    {"policy", required_argument, NULL, OPTION_POLICY},
    {"trust", required_argument, NULL, OPTION_TRUST},
    {"entry", required_argument, NULL, OPTION_ENTRY},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static int read_options(int argc, char **argv, struct ov_log_verify *verify) {
    for (int code = 0; (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        switch (code) {
        case OPTION_POLICY:
            verify->policy = optarg;
            break;
        case OPTION_TRUST:
            verify->trust = optarg;
            break;
        case OPTION_ENTRY:
            verify->entry = optarg;
            break;
        case OPTION_JSON:
            verify->is_json = true;
            break;
        case 'h':
        case OPTION_HELP:
            return ov_log_print_help();
        default:
            return ov_log_reject_option(argv);
        }
    }
    verify->path = optind + 1 == argc ? argv[optind] : NULL;
    if (verify->path == NULL || verify->policy == NULL) {
        ov_say_error("log verify", "a proof or a log's folder, and a policy, are needed",
                     "overt log verify BUNDLE --policy POLICY");
        return OV_EXIT_ERROR;
    }
    return -1;
}

static int verify_path(struct ov_log_verify *verify) {
    struct stat info;
    if (ov_log_policy_load(verify->policy, &verify->policy_text, verify->policy_read) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    if (stat(verify->path, &info) != 0) {
        ov_say_error(verify->path, strerror(errno), NULL);
        return OV_EXIT_ERROR;
    }
    return S_ISDIR(info.st_mode) ? ov_log_verify_folder(verify) : ov_log_verify_proof(verify);
}

int ov_log_verify(int argc, char **argv) {
    struct ov_log_verify verify = {0};
    int code = read_options(argc, argv, &verify);
    if (code >= 0) {
        return code;
    }
    verify.policy_read = calloc(1, sizeof *verify.policy_read);
    if (verify.policy_read == NULL) {
        ov_say_error(verify.policy, ov_status_text(OV_MEMORY), NULL);
        return OV_EXIT_ERROR;
    }
    code = verify_path(&verify);
    ov_buf_release(&verify.policy_text);
    free(verify.policy_read);
    return code;
}
