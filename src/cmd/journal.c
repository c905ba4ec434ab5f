// SPDX-License-Identifier: Apache-2.0
// overt journal: what Overt did here, and whether that was changed.
#include "base/fd.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/journal_prune.h"
#include "cmd/journal_run.h"
#include "cmd/journal_words.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "Usage: overt journal list [OPTION]...\n"
    "       overt journal verify [OPTION]...\n"
    "       overt journal prove NUMBER -o FILE [--entry FILE]\n"
    "       overt journal prune --older-than DAYS [--yes]\n"
    "       overt journal checkpoint\n"
    "\n"
    "Overt writes down what it does: each scan that was asked for, each file with its verdict,\n"
    "what was loaded and refused. The entries are an append-only log under signed checkpoints.\n"
    "\n"
    "  list        one line for each entry, or for each file when files are asked for; the newest\n"
    "              first. What is shown stands in the signed tree\n"
    "  verify      reads all of it again: every entry, hash, key and clock; names what is wrong\n"
    "  prove       writes a proof that an entry stands in the journal, for overt log verify and\n"
    "              other programs that know tlog-proof\n"
    "  checkpoint  signs what is there and prints the signed line: keep it elsewhere, and nobody\n"
    "              can put an older journal in the place of this one unseen\n"
    "  prune       removes old entries; their hashes stay (overt journal prune --help)\n"
    "\n"
    "What to list; all that is given must hold:\n"
    "      --since TIME        from this time on: 2026-11-22, 2026-11-22T10:30 (UTC), or how long\n"
    "                          ago: 30m, 2h, 3d, 1w\n"
    "      --until TIME        before this time\n"
    "      --path PATH         this file, or what is below this folder, as the scan named it\n"
    "      --rule TEXT         files in which a rule was found that has TEXT in its name\n"
    "      --verdict WORD      files with this verdict: found, error, limited or clean\n"
    "      --type TYPE         entries of this type, such as scan or files\n"
    "      --run RUN           what belongs to one command: 32 hexadecimal digits\n"
    "      --limit N           no more than N lines\n"
    "      --reverse           the oldest first\n"
    "      --no-index          do not look into the index, but read everything\n"
    "\n"
    "Options:\n"
    "      --journal DIR       another journal than this machine's\n"
    "      --key VKEY          verify: the first epoch's key, as it was noted down\n"
    "      --against FILE      verify: a checkpoint that was kept elsewhere\n"
    "  -o, --output FILE       prove: where the proof goes\n"
    "      --entry FILE        prove: the entry by itself, too\n"
    "      --json              one JSON object a line\n"
    "      --help              print this help\n"
    "\n"
    "Exit codes: 0 done, and all holds, 1 something does not hold, 2 an error.\n"
    "\n"
    "Example:\n"
    "  overt journal list --verdict found --since 3d\n";

static const struct {
    const char *name;
    int (*run)(const struct ov_journal_options *options, int fd);
    bool has_number;
} words[] = {
    {"checkpoint", ov_journal_checkpoint, false},
    {"list", ov_journal_list, false},
    {"prove", ov_journal_prove, true},
    {"verify", ov_journal_verify_word, false},
};

// ---- options ------------------------------------------------------------------------------------

enum {
    OPT_REVERSE = 256,
    OPT_NO_INDEX,
    OPT_JSON,
    OPT_HELP,
    OPT_VALUES, // from here on: those that have a value, in the order of `values`
};

static int reject(char **argv) {
    ov_say_error(argv[optind - 1], "unknown option, or its value is missing",
                 "overt journal --help");
    return OV_EXIT_ERROR;
}

// Where the value of an option goes.
static const char **find_value(struct ov_journal_options *options, int code) {
    const char **const values[] = {&options->folder, &options->key,     &options->against,
                                   &options->since,  &options->until,   &options->path,
                                   &options->rule,   &options->verdict, &options->type,
                                   &options->run,    &options->limit,   &options->entry};
    return code == 'o' ? &options->output : values[code - OPT_VALUES];
}

static int read_options(int argc, char **argv, struct ov_journal_options *options) {
    static const struct option long_options[] = {
        {"journal", required_argument, NULL, OPT_VALUES},
        {"key", required_argument, NULL, OPT_VALUES + 1},
        {"against", required_argument, NULL, OPT_VALUES + 2},
        {"since", required_argument, NULL, OPT_VALUES + 3},
        {"until", required_argument, NULL, OPT_VALUES + 4},
        {"path", required_argument, NULL, OPT_VALUES + 5},
        {"rule", required_argument, NULL, OPT_VALUES + 6},
        {"verdict", required_argument, NULL, OPT_VALUES + 7},
        {"type", required_argument, NULL, OPT_VALUES + 8},
        {"run", required_argument, NULL, OPT_VALUES + 9},
        {"limit", required_argument, NULL, OPT_VALUES + 10},
        {"entry", required_argument, NULL, OPT_VALUES + 11},
        {"output", required_argument, NULL, 'o'},
        {"reverse", no_argument, NULL, OPT_REVERSE},
        {"no-index", no_argument, NULL, OPT_NO_INDEX},
        {"json", no_argument, NULL, OPT_JSON},
        {"help", no_argument, NULL, OPT_HELP},
        {NULL, 0, NULL, 0},
    };
    optind = 1;
    opterr = 0;
    for (int code = 0; (code = getopt_long(argc, argv, "ho:", long_options, NULL)) != -1;) {
        switch (code) {
        case OPT_REVERSE:
            options->is_oldest_first = true;
            break;
        case OPT_NO_INDEX:
            options->has_no_index = true;
            break;
        case OPT_JSON:
            options->is_json = true;
            break;
        case 'h':
        case OPT_HELP:
            (void)fputs(help, stdout);
            return OV_EXIT_NOTHING;
        case '?':
            return reject(argv);
        default:
            *find_value(options, code) = optarg;
            break;
        }
    }
    return -1;
}

// ---- the command --------------------------------------------------------------------------------

static int run_word(struct ov_journal_options *options, size_t word) {
    if (options->folder == NULL) {
        if (ov_journal_folder_path(options->place, sizeof options->place) != OV_OK) {
            ov_say_error("journal", "no folder for it is known", "give --journal DIR");
            return OV_EXIT_ERROR;
        }
        options->folder = options->place;
    }
    OV_AUTO_FD folder = open(options->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        ov_say_error(options->folder, strerror(errno), "nothing was written down here yet?");
        return OV_EXIT_ERROR;
    }
    return words[word].run(options, folder);
}

static int read_and_run(int argc, char **argv, size_t word) {
    static struct ov_journal_options options;
    int code = read_options(argc, argv, &options);
    if (code >= 0) {
        return code;
    }
    int wanted = words[word].has_number ? 1 : 0;
    if (argc - optind > wanted) {
        ov_say_error(argv[optind + wanted], "is one word too many", "overt journal --help");
        return OV_EXIT_ERROR;
    }
    options.number = optind < argc ? argv[optind] : NULL;
    return run_word(&options, word);
}

static int run(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "prune") == 0) {
        return ov_journal_prune(argc - 1, argv + 1);
    }
    for (size_t i = 0; argc > 1 && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(argv[1], words[i].name) == 0) {
            return read_and_run(argc - 1, argv + 1, i);
        }
    }
    ov_say_error(argc > 1 ? argv[1] : "journal",
                 argc > 1 ? "unknown word" : "a word is missing, such as list or verify",
                 "overt journal --help");
    return OV_EXIT_ERROR;
}

const struct ov_command ov_command_journal = {
    .name = "journal",
    .summary = "what Overt did here, and whether that was changed",
    .run = run,
    .help = help,
};
