// SPDX-License-Identifier: Apache-2.0
// overt rules: check, compare, list, show and build rule files; add, update and verify sets.
#include "cmd/rules_common.h"

#include "base/say.h"
#include "cmd/rules_feeds.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "Usage: overt rules check [OPTION]... [SRC]...\n"
    "       overt rules list [OPTION]... [SRC]...\n"
    "       overt rules show [OPTION]... NAME [SRC]...\n"
    "       overt rules build [OPTION]... -o IMAGE.ovi [SRC]...\n"
    "       overt rules diff [OPTION]... OLD NEW\n"
    "       overt rules add URL|DIR [--policy FILE] [OPTION]...\n"
    "       overt rules update|verify [OPTION]... [NAME]...\n"
    "       overt rules remove NAME\n"
    "\n"
    "SRC is a rule file or a folder of them; without one, the installed rules. They are read in\n"
    "a caged process.\n"
    "\n"
    "  check   names every rule that cannot be read: file, line, reason\n"
    "  list    one line for each rule: name, kind, target, place; without SRC: the installed\n"
    "          sets, where they come from, and on whose word\n"
    "  show    the source text of a rule, its place, and what it asks for\n"
    "  build   compiles rules into an image for overt scan --rules IMAGE.ovi\n"
    "  diff    the rules that only OLD has (-) and only NEW has (+); both are files, or folders\n"
    "          with all that is in them\n"
    "  add     installs the rules of a feed, if they stand in its public log as its policy asks\n"
    "          (a folder, such as a stick, will do: no network is needed). Without --policy: a\n"
    "          ClamAV mirror, whose databases stand in no log\n"
    "  update  each feed's newest release, or those named; on any doubt the old rules stay active\n"
    "  verify  that what is installed is what was published: from what was kept, without network\n"
    "  remove  takes a feed away\n"
    "\n"
    "Options:\n"
    "  -o, --output FILE   build: where the image goes\n"
    "      --profile       build: name the rules that cost most\n"
    "      --strict        check, build: a rule that is skipped is a problem too\n"
    "      --pua           also rules for the potentially unwanted\n"
    "      --json          one JSON object a line\n"
    "      --quiet         no progress and no summary\n"
    "      --policy FILE   add: whose log and which witnesses are believed (C2SP tlog-policy)\n"
    "      --trust FILE    add: whose releases; without it overt.trust beside the policy\n"
    "      --name NAME     add: what the set is called here; else as in its log\n"
    "      --from URL|DIR  update: from here this time, such as a stick\n"
    "      --proxy URL     add, update: fetch through this HTTP proxy\n"
    "      --tiles         add, update: show from the log's tiles, too, that it only grew\n"
    "      --certificates FILE|DIR  whom .sign files of a ClamAV mirror are believed from (PEM)\n"
    "      --full          update: fetch a ClamAV mirror's databases whole\n"
    "      --rebuild       update: compile the installed rules again\n"
    "      --help          print this help\n"
    "\n"
    "Exit codes: 0 done, 1 a rule cannot be read (check, build --strict) or differs (diff),\n"
    "or a set is not what was published (verify), 2 an error, or an update was refused.\n"
    "\n"
    "Example:\n"
    "  overt rules check /var/lib/clamav\n"
    "  overt rules add https://rules.example.org --policy log.policy\n";

enum { OPTION_STRICT = 256, OPTION_PUA, OPTION_JSON, OPTION_QUIET, OPTION_PROFILE, OPTION_HELP };

static const struct option long_options[] = {
    {"strict", no_argument, NULL, OPTION_STRICT},   {"pua", no_argument, NULL, OPTION_PUA},
    {"json", no_argument, NULL, OPTION_JSON},       {"quiet", no_argument, NULL, OPTION_QUIET},
    {"profile", no_argument, NULL, OPTION_PROFILE}, {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, OPTION_HELP},       {NULL, 0, NULL, 0},
};

// A word about rule files takes the options that are read here; one about installed sets reads its
// own.
struct word {
    const char *name;
    int (*run)(const struct ov_rules_options *options);
    int (*run_own)(int argc, char **argv);
};

static const struct word words[] = {
    {"add", NULL, ov_rules_add},       {"build", ov_rules_build, NULL},
    {"check", ov_rules_check, NULL},   {"diff", ov_rules_diff, NULL},
    {"list", ov_rules_list, NULL},     {"remove", NULL, ov_rules_remove},
    {"show", ov_rules_show, NULL},     {"update", NULL, ov_rules_update},
    {"verify", NULL, ov_rules_verify},
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
        const struct word *word = &words[i];
        if (strcmp(argv[1], word->name) == 0) {
            struct ov_rules_options options;
            if (word->run_own != NULL) {
                return word->run_own(argc - 1, argv + 1);
            }
            int code = read_options(argc - 1, argv + 1, &options);
            return code >= 0 ? code : word->run(&options);
        }
    }
    ov_say_error(argc > 1 ? argv[1] : "rules",
                 argc > 1 ? "unknown word" : "a word is missing, such as check or build",
                 "overt rules --help");
    return OV_EXIT_ERROR;
}

const struct ov_command ov_command_rules = {
    .name = "rules",
    .summary = "rule files and installed rule sets: check, build, add, update, verify",
    .run = run,
    .help = help,
};
