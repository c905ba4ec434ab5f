// SPDX-License-Identifier: Apache-2.0
// overt log: the transparency log. The table of its words, and their help.
#include "base/say.h"
#include "cmd/log_words.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "Usage: overt log create DIR --origin NAME [OPTION]...\n"
    "       overt log append DIR [OPTION]... FILE...\n"
    "       overt log checkpoint DIR [OPTION]...\n"
    "       overt log prove DIR FILE -o BUNDLE\n"
    "       overt log verify BUNDLE|DIR --policy POLICY [OPTION]...\n"
    "       overt log sign ENTRY KEY...\n"
    "       overt log withdraw DIR --seq N --reason TEXT\n"
    "       overt log engine DIR VERSION FILE...\n"
    "       overt log rotate DIR --trust FILE [--policy FILE]\n"
    "       overt log key NAME [--witness] -o FILE\n"
    "       overt log serve DIR --listen ADDR [--log] [--no-journal]\n"
    "       overt log witness --state DIR --key FILE --listen ADDR [--log VKEY]...\n"
    "                         [--policy FILE] [--rate N] [--verbose] [--no-journal]\n"
    "       overt log monitor URL|DIR --policy FILE [--trust FILE] [--state DIR]\n"
    "                         [--once|--every SECONDS] [--full] [--json] [--no-journal]\n"
    "\n"
    "The transparency log: an append-only list of rule releases that anybody can check. A release\n"
    "counts when a log has signed it in and independent witnesses have cosigned the log.\n"
    "\n"
    "  create      makes a log, its keys, log.policy and overt.trust\n"
    "  append      adds entries; nothing is published by it. Rule files, and folders of them, "
    "become\n"
    "              the next release of the feed, beside the files that it had; any other file is "
    "an\n"
    "              entry as it is\n"
    "  checkpoint  signs the log, has it cosigned, and publishes it; also renews what is "
    "published\n"
    "  prove       writes a proof that an entry stands in the published log\n"
    "  verify      checks a proof, or all of a log's folder, without a network\n"
    "  sign        adds signatures to a release's entry, where its keys are kept\n"
    "  withdraw    says that a release is not to be loaded any more, and why\n"
    "  engine      logs the digests of an engine's files\n"
    "  rotate      brings new release keys and another policy, signed by old and new keys\n"
    "  key         makes a secret key, and prints the public one (a vkey) for a policy\n"
    "  serve       a log's folder over HTTP, as static files\n"
    "  witness     cosigns what a log has signed, if nothing was taken back (tlog-witness)\n"
    "  monitor     holds a log and its witnesses against each other, reads every new entry,\n"
    "              checks every bundle, tells rule by rule what a release changes, keeps it all\n"
    "\n"
    "Options:\n"
    "  -o, --output FILE  key: where the secret key goes; a file that is there stays as it is\n"
    "                     prove: where the proof goes\n"
    "      --keys DIR     the private folder; without it, DIR.private\n"
    "      --origin NAME  create: what the log is called, such as example.org/rules\n"
    "      --feed NAME    create: what its releases are called (stable); withdraw: the same\n"
    "      --release-keys N     create: how many keys that sign releases to make (1)\n"
    "      --release-key VKEY   create: one that is kept elsewhere\n"
    "      --threshold K        create: how many of them must sign (most of them)\n"
    "      --witness \"NAME VKEY URL\"  create: a witness; as often as there are some\n"
    "      --quorum K|all|any   create: how many witnesses must cosign (most of them)\n"
    "      --warn-age-days N, --max-age-days N  create: for overt.trust (7, 30); 0 is never\n"
    "      --only         append: the release has the files that are named, and no others\n"
    "      --remove NAME  append: a file that the release shall not have any more\n"
    "      --sign KEY     append, withdraw, engine, rotate: another release key; those in the\n"
    "                     private folder sign, too\n"
    "      --unsigned FILE     append: the release's entry goes here, for others to sign\n"
    "      --engine-min V      append: the oldest engine that may load the release\n"
    "      --time SECONDS      of a new entry, since 1970; without it, now\n"
    "      --seq N        withdraw: the number of the release\n"
    "      --reason TEXT  withdraw: why, in one line\n"
    "      --lines FILE   append: each line of it is an entry\n"
    "      --witness-file FILE  checkpoint: cosignatures that came by another way\n"
    "      --request N    checkpoint: print what a witness that has seen N entries is to be sent\n"
    "      --timeout SECONDS    checkpoint: how long to wait for witnesses (20)\n"
    "      --index N      prove: the entry of this number\n"
    "      --policy FILE  verify: which log and which witnesses are believed; rotate: the new one\n"
    "      --trust FILE   verify: the entry must be signed by the release keys of this file;\n"
    "                     rotate: the new one, its version one higher\n"
    "      --entry FILE   verify: the entry, when the proof does not bring it along\n"
    "                     prove: where the entry goes, by itself\n"
    "      --no-journal   checkpoint, serve, witness, monitor: write nothing of this run to the\n"
    "                     journal, which must be written to otherwise\n"
    "      --json         JSON, one object a line\n"
    "      --witness      key: one that cosigns for a witness, not one that signs for a log\n"
    "      --listen ADDR  serve, witness: HOST:PORT; HOST is a number or localhost, PORT 0 any\n"
    "      --log          serve: print method, path, status and bytes of each request; without it\n"
    "                     nothing is kept of clients, and of their addresses nothing ever\n"
    "      --log VKEY     witness: a log whose checkpoints are cosigned; any number of them\n"
    "      --policy FILE  witness: the same for all logs of a tlog-policy\n"
    "      --state DIR    witness: the folder of what was cosigned; made when it is not there\n"
    "      --key FILE     witness: its secret key, from overt log key NAME --witness\n"
    "      --rate N       witness: how many submissions a second are let through (50)\n"
    "      --verbose      witness: print each request as serve --log does\n"
    "      --policy FILE  monitor: which log is watched, and with which witnesses\n"
    "      --trust FILE   monitor: entries must be signed by the release keys of this file;\n"
    "                     without it, overt.trust beside the policy\n"
    "      --state DIR    monitor: what was seen, and the mirror; in the folder of Overt's data\n"
    "                     without it\n"
    "      --origin NAME  monitor: which log, when the policy has several\n"
    "      --monitor NAME=URL   monitor: where a witness shows what it cosigned, when that is not\n"
    "                     the policy's address; may be a folder\n"
    "      --once         monitor: one round, as without --every\n"
    "      --every SECONDS      monitor: a round, a pause of that many seconds, until it is ended\n"
    "      --full         monitor: fetch all that is mirrored again, and compare; without it,\n"
    "                     some 64 MB in each round\n"
    "      --help         print this help\n"
    "\n"
    "Exit codes: 0 done, 1 a mismatch or a finding, 2 an error.\n"
    "\n"
    "Example:\n"
    "  overt log create log --origin example.org/rules && overt log append log daily.ndb &&\n"
    "    overt log checkpoint log\n";

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} words[] = {
    {"append", ov_log_append},   {"checkpoint", ov_log_checkpoint},
    {"create", ov_log_create},   {"engine", ov_log_engine},
    {"key", ov_log_key},         {"monitor", ov_log_monitor},
    {"prove", ov_log_prove},     {"rotate", ov_log_rotate},
    {"serve", ov_log_serve},     {"sign", ov_log_sign},
    {"verify", ov_log_verify},   {"withdraw", ov_log_withdraw},
    {"witness", ov_log_witness},
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
