// SPDX-License-Identifier: Apache-2.0
// overt inventory sign: a report becomes a signed note, one file that any verifier of notes checks.
#include "base/durable.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/inventory.h"
#include "cmd/log_secret.h"
#include "cmd/log_store.h"
#include "ledger/note.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { NOTE_MODE = 0644 };

static const char help[] =
    "Usage: overt inventory sign --key KEY -o FILE REPORT\n"
    "\n"
    "Signs a report of overt inventory --json. The result is a signed note (C2SP signed-note): "
    "the\n"
    "report itself, and who signed it below. Keys are made by overt log key.\n"
    "\n"
    "Options:\n"
    "      --key KEY      the secret key's file\n"
    "  -o, --output FILE  where the signed report goes\n"
    "      --help         print this help\n"
    "\n"
    "Exit codes: 0 it was signed, 2 an error.\n"
    "\n"
    "Example:\n"
    "  sudo overt inventory --json >box7.json\n"
    "  overt inventory sign --key box7.key -o box7.report box7.json\n";

static int reject(const char *what, const char *why) {
    ov_say_error(what, why, "overt inventory sign --help");
    return OV_EXIT_ERROR;
}

static int sign_report(const char *path, const char *key, const char *output) {
    OV_CLEANUP(ov_buf_release) struct ov_buf report = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf note = {0};
    OV_CLEANUP(ov_signer_release) struct ov_signer signer;
    ov_signer_init(&signer);
    enum ov_status status = ov_log_file_load(path, OV_NOTE_BYTES_MAX, &report);
    if (status != OV_OK) {
        return reject(path, status == OV_SYSTEM  ? strerror(errno)
                            : status == OV_LIMIT ? "is larger than a signed note may be (1 MiB)"
                                                 : ov_status_text(status));
    }
    if (report.size == 0 || report.data[0] != '{' ||
        ov_note_check_text(ov_buf_span(&report)) != OV_OK) {
        return reject(path, "is no report of overt inventory --json");
    }
    status = ov_log_secret_load(key, &signer);
    if (status != OV_OK) {
        ov_log_secret_say(key, status);
        return OV_EXIT_ERROR;
    }
    if (signer.key.type != OV_KEY_NOTE) {
        return reject(key, "is a witness's key, which signs no reports");
    }
    ov_note_add_text(&note, ov_buf_span(&report));
    ov_note_sign(&note, ov_buf_span(&report), &signer, 0);
    if (ov_buf_status(&note) != OV_OK || note.size > OV_NOTE_BYTES_MAX) {
        return reject(path, "is larger than a signed note may be (1 MiB)");
    }
    if (ov_durable_write(AT_FDCWD, output, ov_buf_span(&note), NOTE_MODE) != OV_OK) {
        return reject(output, strerror(errno));
    }
    return OV_EXIT_NOTHING;
}

static int run(int argc, char **argv) {
    enum { OPT_KEY = 256 };
    static const struct option long_options[] = {{"key", required_argument, NULL, OPT_KEY},
                                                 {"output", required_argument, NULL, 'o'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    const char *key = NULL;
    const char *output = NULL;
    optind = 1;
    opterr = 0;
    for (int code = 0; (code = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1;) {
        switch (code) {
        case OPT_KEY:
            key = optarg;
            break;
        case 'o':
            output = optarg;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return OV_EXIT_NOTHING;
        default:
            return reject(argv[optind - 1], "unknown option, or its value is missing");
        }
    }
    if (key == NULL || output == NULL || optind + 1 != argc) {
        return reject("inventory sign", "one report, --key and -o are needed");
    }
    return sign_report(argv[optind], key, output);
}

const struct ov_inventory_word ov_inventory_word_sign = {.name = "sign", .run = run, .help = help};
