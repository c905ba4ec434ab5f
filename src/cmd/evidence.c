// SPDX-License-Identifier: Apache-2.0
// overt evidence: what Overt did, in a file that anybody can check.
#include "cmd/evidence.h"

#include "base/say.h"
#include "cmd/command.h"
#include "cmd/journal_run.h"

#include <getopt.h>
#include <stdio.h>
#include <time.h>

static const char help[] =
    "Usage: overt evidence export -o FILE [OPTION]...\n"
    "       overt evidence verify FILE [OPTION]...\n"
    "\n"
    "A file of evidence has a range of the journal's entries and all that it takes to check them\n"
    "elsewhere, without a network. It never has the content of any document.\n"
    "\n"
    "  export  writes one; that it was written is in the journal as well\n"
    "  verify  says what it proves, what it does not, and what was done: which rules were loaded,\n"
    "          which files were looked at, what was found, and what left the machine\n"
    "\n"
    "Options of export:\n"
    "  -o, --output FILE       where to write it\n"
    "      --range A-B         these entries of the journal; without it, all\n"
    "      --since TIME        or those from this time on,\n"
    "      --until TIME        and to this one: 2026-11-22T10:00:00Z, a day, or seconds\n"
    "      --file PATH         shows this name alone, as overt scan printed it\n"
    "      --redact            shows no names at all\n"
    "      --with-rules        the texts of all rules of the releases that were loaded\n"
    "      --witness FILE      a checkpoint of the journal that witnesses have cosigned\n"
    "      --watch TRACE       what overt watch recorded, whole, with all names in it; repeatable\n"
    "      --no-manifest       leaves out what each process of Overt may do on this machine\n"
    "      --journal DIR       another journal than this machine's\n"
    "\n"
    "Options of verify:\n"
    "      --key VKEY          the key of the journal, as it was noted down\n"
    "      --policy FILE       the log and witnesses of rules that you believe\n"
    "      --trust FILE        the release keys that you believe\n"
    "      --file PATH         says whether this file was looked at\n"
    "      --no-rule TEXT      says whether a rule that was loaded has this text\n"
    "      --json              one JSON object\n"
    "\n"
    "      --help              print this help\n"
    "\n"
    "Exit codes: 0 all is proven, 1 something is false, 2 it cannot be read, 3 nothing is false\n"
    "but not all is proven.\n"
    "\n"
    "Example:\n"
    "  overt evidence export -o week.evidence --redact\n";

enum {
    OPT_RANGE = 256,
    OPT_FILE,
    OPT_JOURNAL,
    OPT_KEY,
    OPT_POLICY,
    OPT_TRUST,
    OPT_WITNESS,
    OPT_NO_RULE,
    OPT_SINCE,
    OPT_UNTIL,
    OPT_WATCH, // those above have a value, this one any number of them
    OPT_REDACT,
    OPT_WITH_RULES,
    OPT_NO_MANIFEST,
    OPT_JSON,
    OPT_HELP
};

// Takes an option that has a value. False when it has none.
static bool take_value(int code, struct ov_evidence_options *options) {
    const char **const places[] = {
        [0] = &options->range,
        [OPT_FILE - OPT_RANGE] = &options->file,
        [OPT_JOURNAL - OPT_RANGE] = &options->journal,
        [OPT_KEY - OPT_RANGE] = &options->key,
        [OPT_POLICY - OPT_RANGE] = &options->policy,
        [OPT_TRUST - OPT_RANGE] = &options->trust,
        [OPT_WITNESS - OPT_RANGE] = &options->witness,
        [OPT_NO_RULE - OPT_RANGE] = &options->no_rule,
        [OPT_SINCE - OPT_RANGE] = &options->since_text,
        [OPT_UNTIL - OPT_RANGE] = &options->until_text,
    };
    if (code == 'o') {
        options->output = optarg;
        return true;
    }
    if (code == OPT_WATCH && options->watch_count < OV_EVIDENCE_WATCHES_MAX) {
        options->watches[options->watch_count++] = optarg;
        return true;
    }
    if (code < OPT_RANGE || code >= OPT_WATCH) {
        return false;
    }
    *places[code - OPT_RANGE] = optarg;
    return true;
}

static bool take_flag(int code, struct ov_evidence_options *options) {
    bool *flag = code == OPT_REDACT        ? &options->is_redacted
                 : code == OPT_WITH_RULES  ? &options->with_rules
                 : code == OPT_NO_MANIFEST ? &options->is_without_manifest
                 : code == OPT_JSON        ? &options->is_json
                                           : NULL;
    if (flag != NULL) {
        *flag = true;
    }
    return flag != NULL;
}

// A time, a day, or seconds since 1970; all in UTC.
static bool read_time(const char *text, uint64_t *ret_seconds) {
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct tm parts = {0};
        const char *end = strptime(text, forms[i], &parts);
        if (end != NULL && *end == '\0') {
            time_t seconds = timegm(&parts);
            *ret_seconds = seconds > 0 ? (uint64_t)seconds : 0;
            return true;
        }
    }
    return ov_number_read(ov_span_text(text), ret_seconds) == OV_OK;
}

static bool read_times(struct ov_evidence_options *options) {
    options->has_since = options->since_text != NULL;
    options->has_until = options->until_text != NULL;
    bool is_so = (!options->has_since || read_time(options->since_text, &options->since)) &&
                 (!options->has_until || read_time(options->until_text, &options->until));
    bool is_twice = options->range != NULL && (options->has_since || options->has_until);
    if (!is_so || is_twice) {
        ov_say_error(is_twice ? "--range" : "--since, --until",
                     is_twice ? "and a time cannot both be asked for" : "no time",
                     "such as 2026-11-22T10:00:00Z, or seconds since 1970");
    }
    return is_so && !is_twice;
}

static int read_options(int argc, char **argv, struct ov_evidence_options *options) {
    static const struct option long_options[] = {
        {"output", required_argument, NULL, 'o'},
        {"range", required_argument, NULL, OPT_RANGE},
        {"file", required_argument, NULL, OPT_FILE},
        {"redact", no_argument, NULL, OPT_REDACT},
        {"journal", required_argument, NULL, OPT_JOURNAL},
        {"key", required_argument, NULL, OPT_KEY},
        {"policy", required_argument, NULL, OPT_POLICY},
        {"trust", required_argument, NULL, OPT_TRUST},
        {"witness", required_argument, NULL, OPT_WITNESS},
        {"no-rule", required_argument, NULL, OPT_NO_RULE},
        {"watch", required_argument, NULL, OPT_WATCH},
        {"since", required_argument, NULL, OPT_SINCE},
        {"until", required_argument, NULL, OPT_UNTIL},
        {"with-rules", no_argument, NULL, OPT_WITH_RULES},
        {"no-manifest", no_argument, NULL, OPT_NO_MANIFEST},
        {"json", no_argument, NULL, OPT_JSON},
        {"help", no_argument, NULL, OPT_HELP},
        {NULL, 0, NULL, 0},
    };
    optind = 1;
    opterr = 0;
    for (int code = 0; (code = getopt_long(argc, argv, "ho:", long_options, NULL)) != -1;) {
        if (code == 'h' || code == OPT_HELP) {
            (void)fputs(help, stdout);
            return OV_EXIT_NOTHING;
        } else if (!take_flag(code, options) && !take_value(code, options)) {
            ov_say_error(argv[optind - 1], "unknown option, or its value is missing",
                         "overt evidence --help");
            return OV_EXIT_ERROR;
        }
    }
    options->bundle = optind < argc ? argv[optind++] : NULL;
    if (optind < argc) {
        ov_say_error(argv[optind], "one argument too many", "overt evidence --help");
        return OV_EXIT_ERROR;
    }
    return -1;
}

static int run_export(struct ov_evidence_options *options) {
    if (!read_times(options)) {
        return OV_EXIT_ERROR;
    }
    if (options->output == NULL || options->bundle != NULL) {
        ov_say_error("evidence export", "where to is missing", "-o FILE");
        return OV_EXIT_ERROR;
    }
    // A trace cannot be shown in part: its chain is over all of it, and names are in most records.
    if (options->watch_count > 0 && (options->is_redacted || options->file != NULL)) {
        ov_say_error("--watch", "a trace has names in it, and goes in whole or not at all",
                     "not with --redact or --file; give the trace away beside the file");
        return OV_EXIT_ERROR;
    }
    if (options->journal == NULL) {
        if (ov_journal_folder_path(options->path, sizeof options->path) != OV_OK) {
            ov_say_error("journal", "no folder for it is known", "give --journal DIR");
            return OV_EXIT_ERROR;
        }
        options->journal = options->path;
    }
    return ov_evidence_export(options);
}

static int run_verify(struct ov_evidence_options *options) {
    if (options->bundle == NULL) {
        ov_say_error("evidence verify", "a file is missing", "overt evidence --help");
        return OV_EXIT_ERROR;
    }
    return ov_evidence_check_file(options);
}

static int run(int argc, char **argv) {
    static struct ov_evidence_options options;
    bool is_export = argc > 1 && strcmp(argv[1], "export") == 0;
    if (!is_export && (argc < 2 || strcmp(argv[1], "verify") != 0)) {
        ov_say_error(argc > 1 ? argv[1] : "evidence",
                     argc > 1 ? "unknown word" : "a word is missing: export or verify",
                     "overt evidence --help");
        return OV_EXIT_ERROR;
    }
    int code = read_options(argc - 1, argv + 1, &options);
    if (code >= 0) {
        return code;
    }
    return is_export ? run_export(&options) : run_verify(&options);
}

const struct ov_command ov_command_evidence = {
    .name = "evidence",
    .summary = "what Overt did, in a file that anybody can check",
    .run = run,
    .help = help,
};
