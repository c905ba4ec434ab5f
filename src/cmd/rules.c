// SPDX-License-Identifier: Apache-2.0
// overt rules: check, list, show, build and compare rule files.
#include "cmd/rules_common.h"

#include "base/say.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "Usage: overt rules check [OPTION]... [SRC]...\n"
    "       overt rules list [OPTION]... [SRC]...\n"
    "       overt rules show [OPTION]... NAME [SRC]...\n"
    "       overt rules build [OPTION]... -o IMAGE.ovi [SRC]...\n"
    "       overt rules diff [OPTION]... OLD NEW\n"
    "\n"
    "SRC is a rule file or a folder of them; without one, the installed rules. They are read in\n"
    "a caged process.\n"
    "\n"
    "  check   names every rule that cannot be read: file, line, reason\n"
    "  list    one line for each rule: name, kind, target, place\n"
    "  show    the source text of a rule, its place, and what it asks for\n"
    "  build   compiles rules into an image for overt scan --rules IMAGE.ovi\n"
    "  diff    the rules that only OLD has (-) and only NEW has (+); both are files, or folders\n"
    "          with all that is in them\n"
    "\n"
    "Options:\n"
    "  -o, --output FILE   build: where the image goes\n"
    "      --profile       build: name the rules that cost most\n"
    "      --strict        check, build: a rule that is skipped is a problem too\n"
    "      --pua           also rules for the potentially unwanted\n"
    "      --json          one JSON object a line\n"
    "      --quiet         no progress and no summary\n"
    "      --help          print this help\n"
    "\n"
    "Exit codes: 0 done, 1 a rule cannot be read (check, build --strict) or differs (diff), 2 an\n"
    "error.\n"
    "\n"
    "Example:\n"
    "  overt rules check /var/lib/clamav\n";

enum { OPTION_STRICT = 256, OPTION_PUA, OPTION_JSON, OPTION_QUIET, OPTION_PROFILE, OPTION_HELP };

static const struct option long_options[] = {
    {"strict", no_argument, NULL, OPTION_STRICT},   {"pua", no_argument, NULL, OPTION_PUA},
    {"json", no_argument, NULL, OPTION_JSON},       {"quiet", no_argument, NULL, OPTION_QUIET},
    {"profile", no_argument, NULL, OPTION_PROFILE}, {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, OPTION_HELP},       {NULL, 0, NULL, 0},
};

struct word {
    const char *name;
    int (*run)(const struct ov_rules_options *options);
};

static const struct word words[] = {
    {"build", ov_rules_build}, {"check", ov_rules_check}, {"diff", ov_rules_diff},
    {"list", ov_rules_list},   {"show", ov_rules_show},
};

// Reads the options; gives an exit code when the run ends here, else -1.
static int read_options(int argc, char **argv, struct ov_rules_options *ret_options) {
    struct ov_rules_options options = {0};
    optind = 1;
    opterr = 0;
    for (;;) {
        int code = getopt_long(argc, argv, "o:h", long_options, NULL);
        switch (code) {
        case OPTION_STRICT:
            options.is_strict = true;
            continue;
        case OPTION_PUA:
            options.with_pua = true;
            continue;
        case OPTION_JSON:
            options.is_json = true;
            continue;
        case OPTION_QUIET:
            options.is_quiet = true;
            continue;
        case OPTION_PROFILE:
            options.with_profile = true;
            continue;
        case 'o':
            options.output = optarg;
            continue;
        case 'h':
        case OPTION_HELP:
            (void)fputs(help, stdout);
            return OV_EXIT_NOTHING;
        case -1:
            options.argument_count = argc - optind;
            options.arguments = argv + optind;
            *ret_options = options;
            return -1;
        default:
            ov_say_error(argv[optind - 1], "unknown option, or its value is missing",
                         "overt rules --help");
            return OV_EXIT_ERROR;
        }
    }
}

static int run(int argc, char **argv) {
    for (size_t i = 0; argc > 1 && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(argv[1], words[i].name) == 0) {
            struct ov_rules_options options;
            int code = read_options(argc - 1, argv + 1, &options);
            return code >= 0 ? code : words[i].run(&options);
        }
    }
    ov_say_error(argc > 1 ? argv[1] : "rules",
                 argc > 1 ? "unknown word" : "a word is missing, such as check or build",
                 "overt rules --help");
    return OV_EXIT_ERROR;
}

const struct ov_command ov_command_rules = {
    .name = "rules",
    .summary = "check, list, show, build and compare rule files",
    .run = run,
    .help = help,
};
