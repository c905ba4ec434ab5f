// SPDX-License-Identifier: Apache-2.0
// overt log: the transparency log. The table of its words, and their help.
#include "base/say.h"
#include "cmd/log_words.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "Usage: overt log key NAME [--witness] -o FILE\n"
    "       overt log serve DIR --listen ADDR [--log]\n"
    "\n"
    "The transparency log: an append-only list of rule releases that anybody can check. A release\n"
    "counts when a log has signed it in and independent witnesses have cosigned the log.\n"
    "\n"
    "  key         makes a secret key, and prints the public one (a vkey) for a policy\n"
    "  serve       a log's folder over HTTP, as static files\n"
    "\n"
    "Options:\n"
    "  -o, --output FILE  key: where the secret key goes; a file that is there stays as it is\n"
    "      --witness      key: one that cosigns for a witness, not one that signs for a log\n"
    "      --listen ADDR  serve: HOST:PORT; HOST is a number or localhost, PORT 0 any that is "
    "free\n"
    "      --log          serve: print method, path, status and bytes of each request; without it\n"
    "                     nothing is kept of clients, and of their addresses nothing ever\n"
    "      --help         print this help\n"
    "\n"
    "Exit codes: 0 done, 1 a mismatch was found, 2 an error.\n"
    "\n"
    "Example:\n"
    "  overt log key example.org/rules -o log.key\n";

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} words[] = {
    {"key", ov_log_key},
    {"serve", ov_log_serve},
};

int ov_log_reject_option(char **argv) {
    ov_say_error(argv[optind - 1], "unknown option, or its value is missing", "overt log --help");
    return OV_EXIT_ERROR;
}

int ov_log_print_help(void) {
    (void)fputs(help, stdout);
    return OV_EXIT_NOTHING;
}

static int run(int argc, char **argv) {
    for (size_t i = 0; argc > 1 && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(argv[1], words[i].name) == 0) {
            optind = 1;
            opterr = 0;
            return words[i].run(argc - 1, argv + 1);
        }
    }
    ov_say_error(argc > 1 ? argv[1] : "log",
                 argc > 1 ? "unknown word" : "a word is missing, such as key",
                 "overt log --help lists them");
    return OV_EXIT_ERROR;
}

const struct ov_command ov_command_log = {
    .name = "log",
    .summary = "the transparency log: publish, witness, check",
    .run = run,
    .help = help,
};
