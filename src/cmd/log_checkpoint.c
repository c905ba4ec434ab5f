// SPDX-License-Identifier: Apache-2.0
// overt log checkpoint: signs what was appended, has it cosigned, and publishes it.
#include "base/json.h"
#include "base/say.h"
#include "cmd/log_secret.h"
#include "cmd/log_store.h"
#include "ledger/log_names.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>

struct options {
    const char *folder, *keys;
    bool is_json;
};

static int read_options(int argc, char **argv, struct options *ret_options) {
    enum { OPTION_KEYS = 256, OPTION_JSON, OPTION_HELP };
    static const struct option long_options[] = {{"keys", required_argument, NULL, OPTION_KEYS},
                                                 {"json", no_argument, NULL, OPTION_JSON},
                                                 {"help", no_argument, NULL, OPTION_HELP},
                                                 {NULL, 0, NULL, 0}};
    struct options options = {0};
    for (int code = 0; (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        switch (code) {
        case OPTION_KEYS:
            options.keys = optarg;
            break;
        case OPTION_JSON:
            options.is_json = true;
            break;
        case 'h':
        case OPTION_HELP:
            return ov_log_print_help();
        default:
            return ov_log_reject_option(argv);
        }
    }
    options.folder = optind + 1 == argc ? argv[optind] : NULL;
    if (options.folder == NULL) {
        ov_say_error("log checkpoint", "one log is needed", "overt log checkpoint DIR");
        return OV_EXIT_ERROR;
    }
    *ret_options = options;
    return -1;
}

// ---- signing ------------------------------------------------------------------------------------

static enum ov_status sign(const struct options *options, struct ov_store *store) {
    char folder[PATH_MAX];
    char path[PATH_MAX + sizeof "/" OV_LOG_KEY];
    OV_CLEANUP(ov_signer_release) struct ov_signer signer;
    ov_signer_init(&signer);
    TRY(ov_log_private_path(options->folder, options->keys, folder, sizeof folder));
    (void)snprintf(path, sizeof path, "%s/" OV_LOG_KEY, folder);
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

// ---- the word -----------------------------------------------------------------------------------

static int print_end(const struct options *options, const struct ov_store *store) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf root = {0};
    struct ov_json json;
    unsigned witnesses = (unsigned)__builtin_popcountll(store->witnesses);
    ov_tree_hash_add(&root, &store->head.root);
    ov_buf_add_u8(&root, 0);
    if (options->is_json) {
        ov_json_init(&json, &out);
        ov_json_object(&json, NULL);
        ov_json_text(&json, "origin", store->policy.logs[0].key.name);
        ov_json_uint(&json, "size", store->head.size);
        ov_json_text(&json, "root", (const char *)root.data);
        ov_json_uint(&json, "cosignatures", witnesses);
        ov_json_bool(&json, "published", true);
        ov_json_object_end(&json);
        ov_buf_add_u8(&out, '\n');
    } else {
        ov_buf_printf(&out, "%s: %llu entries, root %s, %u cosignatures: published\n",
                      store->policy.logs[0].key.name, (unsigned long long)store->head.size,
                      (const char *)root.data, witnesses);
    }
    return ov_log_print(&out);
}

static int publish(const struct options *options, struct ov_store *store) {
    if (sign(options, store) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    if (ov_store_publish(store) != OV_OK) {
        ov_log_store_say(&store->error);
        return OV_EXIT_ERROR;
    }
    return print_end(options, store);
}

int ov_log_checkpoint(int argc, char **argv) {
    struct options options = {0};
    OV_CLEANUP(ov_log_store_free) struct ov_store *store = NULL;
    int code = read_options(argc, argv, &options);
    if (code >= 0) {
        return code;
    }
    if (ov_log_store_new(options.folder, options.keys, &store) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    return publish(&options, store);
}
