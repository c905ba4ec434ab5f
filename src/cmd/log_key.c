// SPDX-License-Identifier: Apache-2.0
// overt log key: a new secret key in a file of its own, and its public key for everybody.
#include "base/say.h"
#include "cmd/log_secret.h"
#include "cmd/log_words.h"
#include "ledger/key.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

struct options {
    const char *name;
    const char *output;
    enum ov_key_type type;
};

// Gives an exit code when the run ends here, else -1.
static int read_options(int argc, char **argv, struct options *ret_options) {
    enum { OPTION_WITNESS = 256, OPTION_HELP };
    static const struct option long_options[] = {{"output", required_argument, NULL, 'o'},
                                                 {"witness", no_argument, NULL, OPTION_WITNESS},
                                                 {"help", no_argument, NULL, OPTION_HELP},
                                                 {NULL, 0, NULL, 0}};
    struct options options = {.type = OV_KEY_NOTE};
    for (int code = 0; (code = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1;) {
        switch (code) {
        case 'o':
            options.output = optarg;
            break;
        case OPTION_WITNESS:
            options.type = OV_KEY_COSIGNATURE;
            break;
        case 'h':
        case OPTION_HELP:
            return ov_log_print_help();
        default:
            return ov_log_reject_option(argv);
        }
    }
    options.name = optind + 1 == argc ? argv[optind] : NULL;
    if (options.name == NULL || options.output == NULL) {
        ov_say_error("log key", "one name and one file are needed",
                     "overt log key NAME -o FILE; the name is like example.org/rules");
        return OV_EXIT_ERROR;
    }
    *ret_options = options;
    return -1;
}

static enum ov_status print_key(const struct ov_key *key) {
    OV_CLEANUP(ov_buf_release) struct ov_buf line = {0};
    TRY(ov_key_add(&line, key));
    ov_buf_add_u8(&line, '\n');
    TRY(ov_buf_status(&line));
    (void)fwrite(line.data, 1, line.size, stdout);
    return OV_OK;
}

int ov_log_key(int argc, char **argv) {
    struct options options = {0};
    OV_CLEANUP(ov_signer_release) struct ov_signer signer = {0};
    int code = read_options(argc, argv, &options);
    if (code >= 0) {
        return code;
    }
    enum ov_status status = ov_signer_new_random(options.name, options.type, &signer);
    if (status != OV_OK) {
        ov_say_error(options.name,
                     status == OV_INVALID ? "no name for a key" : ov_status_text(status),
                     "UTF-8 without blanks and plus signs, such as example.org/rules");
        return OV_EXIT_ERROR;
    }
    status = ov_log_secret_save(options.output, &signer);
    if (status != OV_OK) {
        ov_say_error(options.output, status == OV_SYSTEM ? strerror(errno) : ov_status_text(status),
                     errno == EEXIST ? "a key is never overwritten" : NULL);
        return OV_EXIT_ERROR;
    }
    return print_key(&signer.key) == OV_OK ? OV_EXIT_NOTHING : OV_EXIT_ERROR;
}
