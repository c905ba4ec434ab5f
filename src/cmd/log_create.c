// SPDX-License-Identifier: Apache-2.0
// overt log create: a new log, its keys, and the files that say whom to believe.
#include "cmd/log_create.h"

#include "base/durable.h"
#include "base/json.h"
#include "base/say.h"
#include "cmd/log_secret.h"
#include "cmd/log_store.h"
#include "ledger/log_names.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// ---- options ------------------------------------------------------------------------------------

enum {
    OPTION_ORIGIN = 256,
    OPTION_FEED,
    OPTION_KEYS,
    OPTION_RELEASE_KEYS,
    OPTION_RELEASE_KEY,
    OPTION_THRESHOLD,
    OPTION_WITNESS,
    OPTION_QUORUM,
    OPTION_WARN_AGE,
    OPTION_MAX_AGE,
    OPTION_JSON,
    OPTION_HELP,
};

static const struct option long_options[] = {
    {"origin", required_argument, NULL, OPTION_ORIGIN},
    {"feed", required_argument, NULL, OPTION_FEED},
    {"keys", required_argument, NULL, OPTION_KEYS},
    {"release-keys", required_argument, NULL, OPTION_RELEASE_KEYS},
    {"release-key", required_argument, NULL, OPTION_RELEASE_KEY},
    {"threshold", required_argument, NULL, OPTION_THRESHOLD},
    {"witness", required_argument, NULL, OPTION_WITNESS},
    {"quorum", required_argument, NULL, OPTION_QUORUM},
    {"warn-age-days", required_argument, NULL, OPTION_WARN_AGE},
    {"max-age-days", required_argument, NULL, OPTION_MAX_AGE},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

enum { WARN_AGE_DAYS = 7, MAX_AGE_DAYS = 30 };

static int add_release_key(struct ov_log_create *create, const char *vkey) {
    if (create->vkey_count == OV_TRUST_KEYS_MAX) {
        ov_say_error(vkey, "more than 16 release keys", NULL);
        return OV_EXIT_ERROR;
    }
    create->vkeys[create->vkey_count++] = vkey;
    return -1;
}

static int add_witness(struct ov_log_create *create, const char *words) {
    if (create->witness_count == OV_POLICY_WITNESSES_MAX) {
        ov_say_error(words, "more than 64 witnesses", NULL);
        return OV_EXIT_ERROR;
    }
    create->witnesses[create->witness_count++] = words;
    return -1;
}

static int take_number(const char *text, uint64_t most, uint64_t *ret_number) {
    uint64_t number;
    if (ov_number_read(ov_span_text(text), &number) != OV_OK || number > most) {
        ov_say_error(text, "is no number that may stand here", "overt log --help");
        return OV_EXIT_ERROR;
    }
    *ret_number = number;
    return -1;
}

// One option; gives an exit code when the run ends here, else -1.
static int take_option(int code, struct ov_log_create *create) {
    switch (code) {
    case OPTION_ORIGIN:
        create->origin = optarg;
        return -1;
    case OPTION_FEED:
        create->feed = optarg;
        return -1;
    case OPTION_KEYS:
        create->keys = optarg;
        return -1;
    case OPTION_RELEASE_KEYS:
        return take_number(optarg, OV_TRUST_KEYS_MAX, &create->new_key_count);
    case OPTION_RELEASE_KEY:
        return add_release_key(create, optarg);
    case OPTION_THRESHOLD:
        return take_number(optarg, OV_TRUST_KEYS_MAX, &create->threshold);
    case OPTION_WITNESS:
        return add_witness(create, optarg);
    case OPTION_QUORUM:
        create->quorum = optarg;
        return -1;
    case OPTION_WARN_AGE:
        return take_number(optarg, OV_NUMBER_MAX, &create->warn_age_days);
    case OPTION_MAX_AGE:
        return take_number(optarg, OV_NUMBER_MAX, &create->max_age_days);
    case OPTION_JSON:
        create->is_json = true;
        return -1;
    case 'h':
    case OPTION_HELP:
        return ov_log_print_help();
    default:
        return OV_EXIT_INCOMPLETE;
    }
}

static int read_options(int argc, char **argv, struct ov_log_create *create) {
    for (int code = 0; (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        int end = take_option(code, create);
        if (end >= 0) {
            return end == OV_EXIT_INCOMPLETE ? ov_log_reject_option(argv) : end;
        }
    }
    create->folder = optind + 1 == argc ? argv[optind] : NULL;
    if (create->folder == NULL || create->origin == NULL) {
        ov_say_error("log create", "one folder and an origin are needed",
                     "overt log create DIR --origin example.org/rules");
        return OV_EXIT_ERROR;
    }
    if (create->new_key_count + create->vkey_count == 0) {
        create->new_key_count = 1;
    }
    if (create->threshold == 0) { // most of them
        create->threshold = (create->new_key_count + create->vkey_count) / 2 + 1;
    }
    return -1;
}

// ---- folders ------------------------------------------------------------------------------------

static int open_folder(const char *path, unsigned mode) {
    if (mkdir(path, (mode_t)mode) != 0 && errno != EEXIST) {
        return -1;
    }
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

// Whether the private folder lies in the public one, where everybody would be handed the keys.
static bool is_inside(const char *folder, const char *private_folder) {
    char outer[PATH_MAX], inner[PATH_MAX];
    if (realpath(folder, outer) == NULL || realpath(private_folder, inner) == NULL) {
        return true;
    }
    size_t length = strlen(outer);
    return strncmp(outer, inner, length) == 0 && (inner[length] == '/' || inner[length] == '\0');
}

static enum ov_status open_private(struct ov_log_create *create) {
    struct stat info;
    create->private_fd = open_folder(create->private_path, 0700);
    if (create->private_fd < 0 || fstat(create->private_fd, &info) != 0) {
        ov_say_error(create->private_path, strerror(errno), NULL);
        return OV_SYSTEM;
    }
    if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        ov_say_error(create->private_path, "others may look into the folder of the secret keys",
                     "chmod 700");
        return OV_DENIED;
    }
    if (is_inside(create->folder, create->private_path)) {
        ov_say_error(create->private_path, "secret keys must not stand in the public folder",
                     "--keys DIR elsewhere");
        return OV_DENIED;
    }
    return OV_OK;
}

static enum ov_status open_folders(struct ov_log_create *create) {
    struct ov_store_error error;
    TRY(ov_log_private_path(create->folder, create->keys, create->private_path,
                            sizeof create->private_path));
    create->fd = open_folder(create->folder, 0755);
    if (create->fd < 0) {
        ov_say_error(create->folder, strerror(errno), NULL);
        return OV_SYSTEM;
    }
    TRY(open_private(create));
    if (ov_store_check_new(create->fd, create->private_fd, &error) != OV_OK) {
        ov_say_error(create->folder, error.why, "choose another folder");
        return OV_DENIED;
    }
    return OV_OK;
}

// ---- files --------------------------------------------------------------------------------------

// Puts a public file in its place; one that is there must have the same bytes.
static enum ov_status put_file(const struct ov_log_create *create, const char *name,
                               const struct ov_buf *text) {
    char path[PATH_MAX];
    OV_CLEANUP(ov_buf_release) struct ov_buf old = {0};
    TRY(ov_buf_status(text));
    (void)snprintf(path, sizeof path, "%s/%s", create->folder, name);
    if (ov_log_file_load(path, OV_POLICY_BYTES_MAX, &old) == OV_OK &&
        !ov_span_is_equal(ov_buf_span(&old), ov_buf_span(text))) {
        ov_say_error(path, "is there already, and says something else", "remove it");
        return OV_DENIED;
    }
    enum ov_status status = ov_durable_write(create->fd, name, ov_buf_span(text), 0644);
    if (status != OV_OK) {
        ov_say_error(path, strerror(errno), NULL);
    }
    return status;
}

static enum ov_status put_files(struct ov_log_create *create) {
    OV_CLEANUP(ov_buf_release) struct ov_buf vkey = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf trust = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf policy = {0};
    struct ov_store_error error;
    TRY(ov_key_add(&vkey, &create->log_key));
    ov_buf_add_u8(&vkey, '\n');
    ov_trust_add(&trust, &create->trust);
    TRY(ov_log_create_policy(create, &policy));
    TRY(put_file(create, OV_LOG_VKEY, &vkey));
    TRY(put_file(create, OV_LOG_TRUST, &trust));
    TRY(put_file(create, OV_LOG_POLICY, &policy));
    enum ov_status status = ov_store_create(create->fd, create->private_fd, &error);
    if (status != OV_OK) {
        ov_log_store_say(&error);
    }
    return status;
}

// ---- the word -----------------------------------------------------------------------------------

static int print_json(const struct ov_log_create *create) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf vkey = {0};
    struct ov_json json;
    (void)!ov_key_add(&vkey, &create->log_key);
    ov_json_init(&json, &out);
    ov_json_object(&json, NULL);
    ov_json_text(&json, "folder", create->folder);
    ov_json_text(&json, "private_folder", create->private_path);
    ov_json_text(&json, "origin", create->origin);
    ov_json_bytes(&json, "vkey", ov_buf_span(&vkey));
    ov_json_text(&json, "feed", create->trust.feed.text);
    ov_json_uint(&json, "release_keys", create->trust.key_count);
    ov_json_uint(&json, "threshold", create->trust.threshold);
    ov_json_uint(&json, "witnesses", create->witness_count);
    ov_json_object_end(&json);
    ov_buf_add_u8(&out, '\n');
    return ov_log_print(&out);
}

static int print_text(const struct ov_log_create *create) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    (void)!ov_key_add(&out, &create->log_key);
    ov_buf_printf(&out,
                  "\n%s: log.policy, log.vkey and overt.trust: hand them to whoever shall check\n"
                  "%s: secret keys; keep it, and keep it to yourself. A copy of it that is older "
                  "than\nthe log is of no use: what was signed since would be forgotten\n",
                  create->folder, create->private_path);
    return ov_log_print(&out);
}

int ov_log_create(int argc, char **argv) {
    struct ov_log_create create = {.feed = "stable",
                                   .fd = -1,
                                   .private_fd = -1,
                                   .warn_age_days = WARN_AGE_DAYS,
                                   .max_age_days = MAX_AGE_DAYS};
    int code = read_options(argc, argv, &create);
    if (code >= 0) {
        return code;
    }
    enum ov_status status = open_folders(&create);
    if (status == OV_OK) {
        status = ov_log_create_keys(&create);
    }
    if (status == OV_OK) {
        status = put_files(&create);
    }
    ov_fd_close(&create.fd);
    ov_fd_close(&create.private_fd);
    if (status != OV_OK) {
        return OV_EXIT_ERROR;
    }
    if (create.witness_count == 0) {
        ov_say_error(OV_LOG_POLICY,
                     "NO WITNESS: nobody can tell whether this log shows everybody the same",
                     "overt log create --witness; log.policy says quorum none");
    }
    return create.is_json ? print_json(&create) : print_text(&create);
}
