// SPDX-License-Identifier: Apache-2.0
// overt log checkpoint: signs what was appended, has it cosigned, and publishes it.
#include "base/json.h"
#include "base/printable.h"
#include "base/say.h"
#include "cmd/log_cosign.h"
#include "cmd/log_run.h"
#include "cmd/log_secret.h"
#include "cmd/log_store.h"
#include "ledger/cosign.h"
#include "ledger/log_names.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILES_MAX = 64, LIMIT_SECONDS = 20, LIMIT_SECONDS_MAX = 600 };

struct options {
    const char *folder, *keys;
    const char *files[FILES_MAX]; // what witnesses said by another way
    size_t file_count;
    bool has_request;
    uint64_t request_size; // of the request that is printed
    uint64_t limit_seconds;
    bool is_json;
    bool is_unjournaled;
    char private_path[PATH_MAX];
};

enum {
    OPTION_KEYS = 256,
    OPTION_FILE,
    OPTION_REQUEST,
    OPTION_TIMEOUT,
    OPTION_NO_JOURNAL,
    OPTION_JSON,
    OPTION_HELP
};

static const struct option long_options[] = {
    {"keys", required_argument, NULL, OPTION_KEYS},
    {"witness-file", required_argument, NULL, OPTION_FILE},
    {"request", required_argument, NULL, OPTION_REQUEST},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"no-journal", no_argument, NULL, OPTION_NO_JOURNAL},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static bool take_value(int code, struct options *options) {
    switch (code) {
    case OPTION_KEYS:
        options->keys = optarg;
        return true;
    case OPTION_FILE:
        if (options->file_count == FILES_MAX) {
            return false;
        }
        options->files[options->file_count++] = optarg;
        return true;
    case OPTION_REQUEST:
        options->has_request = true;
        return ov_number_read(ov_span_text(optarg), &options->request_size) == OV_OK;
    case OPTION_TIMEOUT:
        return ov_number_read(ov_span_text(optarg), &options->limit_seconds) == OV_OK &&
               options->limit_seconds > 0 && options->limit_seconds <= LIMIT_SECONDS_MAX;
    case OPTION_NO_JOURNAL:
        options->is_unjournaled = true;
        return true;
    case OPTION_JSON:
        options->is_json = true;
        return true;
    default:
        return false;
    }
}

static int read_options(int argc, char **argv, struct options *options) {
    for (int code = 0; (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        if (code == 'h' || code == OPTION_HELP) {
            return ov_log_print_help();
        }
        if (!take_value(code, options)) {
            return ov_log_reject_option(argv);
        }
    }
    options->folder = optind + 1 == argc ? argv[optind] : NULL;
    if (options->folder == NULL) {
        ov_say_error("log checkpoint", "one log is needed", "overt log checkpoint DIR");
        return OV_EXIT_ERROR;
    }
    if (ov_log_private_path(options->folder, options->keys, options->private_path,
                            sizeof options->private_path) != OV_OK) {
        ov_say_error(options->folder, "the path is too long", NULL);
        return OV_EXIT_ERROR;
    }
    return -1;
}

// ---- signing ------------------------------------------------------------------------------------

static enum ov_status sign(const struct options *options, struct ov_store *store) {
    char path[PATH_MAX + sizeof "/" OV_LOG_KEY];
    OV_CLEANUP(ov_signer_release) struct ov_signer signer;
    ov_signer_init(&signer);
    (void)snprintf(path, sizeof path, "%s/" OV_LOG_KEY, options->private_path);
    enum ov_status status = ov_log_secret_load(path, &signer);
    if (status != OV_OK) {
        ov_log_secret_say(path, status);
        return status;
    }
    status = ov_store_sign(store, &signer);
    if (status != OV_OK) {
        ov_log_store_say(&store->error);
    }
    return status;
}

// ---- cosignatures -------------------------------------------------------------------------------

static enum ov_status take_files(const struct options *options, struct ov_store *store) {
    for (size_t i = 0; i < options->file_count; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf lines = {0};
        unsigned count;
        enum ov_status status =
            ov_log_file_load(options->files[i], OV_COSIGN_ANSWER_BYTES_MAX, &lines);
        if (status != OV_OK) {
            ov_say_error(options->files[i],
                         status == OV_SYSTEM ? strerror(errno) : ov_status_text(status), NULL);
            return status;
        }
        status = ov_store_take(store, ov_buf_span(&lines), &count);
        if (status != OV_OK) {
            ov_say_error(options->files[i], store->error.why, NULL);
            return status;
        }
    }
    return OV_OK;
}

static int print_request(const struct options *options, struct ov_store *store) {
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    if (ov_store_request(store, options->request_size, &body) != OV_OK) {
        ov_log_store_say(&store->error);
        return OV_EXIT_ERROR;
    }
    return ov_log_print(&body);
}

// ---- what is told -------------------------------------------------------------------------------

static void tell_json(const struct ov_log_cosign *cosign, bool is_published, struct ov_buf *out) {
    const struct ov_store *store = cosign->store;
    OV_CLEANUP(ov_buf_release) struct ov_buf root = {0};
    struct ov_json json;
    ov_tree_hash_add(&root, &store->head.root);
    ov_json_init(&json, out);
    ov_json_object(&json, NULL);
    ov_json_text(&json, "origin", store->policy.logs[0].key.name);
    ov_json_uint(&json, "size", store->head.size);
    ov_json_bytes(&json, "root", ov_buf_span(&root));
    ov_json_array(&json, "witnesses");
    for (size_t i = 0; i < cosign->asked_count; i++) {
        ov_json_object(&json, NULL);
        ov_json_bytes(&json, "name", cosign->asked[i].witness->name);
        ov_json_bool(&json, "cosigned", cosign->asked[i].has_cosigned);
        ov_json_text(&json, "answer", cosign->asked[i].answer);
        ov_json_object_end(&json);
    }
    ov_json_array_end(&json);
    ov_json_bool(&json, "published", is_published);
    ov_json_object_end(&json);
    ov_buf_add_u8(out, '\n');
}

static void tell_text(const struct ov_log_cosign *cosign, bool is_published, struct ov_buf *out) {
    const struct ov_store *store = cosign->store;
    size_t count = 0;
    for (size_t i = 0; i < cosign->asked_count; i++) {
        ov_buf_add_text(out, "witness ");
        ov_printable_add(out, cosign->asked[i].witness->name);
        ov_buf_add_text(out, ": ");
        ov_printable_add(out, ov_span_text(cosign->asked[i].answer));
        ov_buf_add_u8(out, '\n');
        count += cosign->asked[i].has_cosigned;
    }
    ov_printable_add(out, ov_span_text(store->policy.logs[0].key.name));
    ov_buf_printf(out, ": %llu entries, root ", (unsigned long long)store->head.size);
    ov_tree_hash_add(out, &store->head.root);
    ov_buf_printf(out, ", %zu cosignatures: %s\n", count,
                  is_published ? "published" : "NOT published");
}

static int tell(const struct options *options, const struct ov_log_cosign *cosign,
                bool is_published) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    if (options->is_json) {
        tell_json(cosign, is_published, &out);
    } else {
        tell_text(cosign, is_published, &out);
    }
    return ov_log_print(&out);
}

// ---- the word -----------------------------------------------------------------------------------

static int publish(const struct options *options, struct ov_log_cosign *cosign) {
    bool is_published =
        ov_log_cosign_ask(cosign) == OV_OK && ov_store_publish(cosign->store) == OV_OK;
    if (!is_published) {
        ov_log_store_say(&cosign->store->error);
    }
    int code = tell(options, cosign, is_published);
    return is_published ? code : OV_EXIT_ERROR;
}

// A log that was set back is to sign nothing: whoever was shown it could prove a fork.
static enum ov_status look(const struct options *options, struct ov_log_cosign *cosign) {
    struct ov_store *store = cosign->store;
    OV_CLEANUP(ov_buf_release) struct ov_buf unused = {0};
    enum ov_status status = OV_OK;
    if (options->has_request) {
        status = ov_store_request(store, options->request_size, &unused);
    } else if (store->head_note.size > 0 && ov_store_has_news(store)) {
        status = ov_log_cosign_look(cosign);
    }
    if (status != OV_OK) {
        ov_log_store_say(&store->error);
    }
    return status;
}

static int work(const struct options *options, struct ov_log_cosign *cosign) {
    struct ov_store *store = cosign->store;
    if (look(options, cosign) != OV_OK || sign(options, store) != OV_OK ||
        take_files(options, store) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    return options->has_request ? print_request(options, store) : publish(options, cosign);
}

static int run(const struct options *options, struct ov_store *store) {
    struct ov_log_cosign *cosign = calloc(1, sizeof *cosign);
    if (cosign == NULL) {
        ov_say_error("log checkpoint", ov_status_text(OV_MEMORY), NULL);
        return OV_EXIT_ERROR;
    }
    cosign->store = store;
    cosign->staging = options->private_path;
    cosign->limit_ms = (uint32_t)options->limit_seconds * 1000;
    int code = work(options, cosign);
    free(cosign);
    return code;
}

int ov_log_checkpoint(int argc, char **argv) {
    struct options options = {.limit_seconds = LIMIT_SECONDS};
    OV_CLEANUP(ov_log_store_free) struct ov_store *store = NULL;
    struct ov_keeper keeper;
    int code = read_options(argc, argv, &options);
    if (code >= 0) {
        return code;
    }
    if (ov_log_store_new(options.folder, options.keys, &store) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    if (ov_log_run_begin("log-checkpoint", options.is_unjournaled, &keeper) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    return ov_log_run_end(&keeper, run(&options, store));
}
