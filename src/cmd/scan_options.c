// SPDX-License-Identifier: Apache-2.0
// Reads the options of `overt scan`.
#include "cmd/scan_options.h"

#include "base/say.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char ov_scan_help[] =
    "Usage: overt scan [OPTION]... PATH...\n"
    "\n"
    "Scans files, folders (links inside are not followed) and, with -, standard input.\n"
    "\n"
    "Rules:\n"
    "  --rules SRC          a rule file or folder, or a compiled image (.ovi); repeatable;\n"
    "                       without it the installed rules, else the built-in ones\n"
    "  --pua                also rules for potentially unwanted programs\n"
    "  --all-matches        report every rule that matches, not the first alone\n"
    "\n"
    "Files:\n"
    "  --processes          scan the memory of running processes, and what they run; instead\n"
    "                       of paths, their numbers can be given\n"
    "  --include GLOB       only files of such a name or path; repeatable\n"
    "  --exclude GLOB       leave out such files and folders; repeatable\n"
    "  --changed            leave out files that were clean before, under the same rules,\n"
    "                       and have not changed since\n"
    "  --quarantine DIR     take what is found away, encrypted, into DIR (overt quarantine\n"
    "                       lists and restores it)\n"
    "  --quarantine-containers\n"
    "                       also a file of which only a member was found\n"
    "\n"
    "Output:\n"
    "  --json               one JSON object a line, and last a summary\n"
    "  --verbose            also name clean files and what was skipped\n"
    "  --quiet              no progress, no summary\n"
    "  --no-journal         write nothing of this scan to the journal\n"
    "  --digests            write the SHA-256 of every file to the journal, not only of\n"
    "                       what is found\n"
    "  --no-summary         no summary\n"
    "\n"
    "Limits (sizes take K, M or G; 0 = none). What they leave out is told as LIMITED:\n"
    "  --max-filesize SIZE  the largest file, or member of one (100M)\n"
    "  --max-scansize SIZE  bytes of all members of one file together (400M)\n"
    "  --max-recursion N    containers inside one another (17)\n"
    "  --max-files N        members of one file (10000)\n"
    "  --max-scantime MS    milliseconds for one file (120000)\n"
    "  --incomplete=ok      exit with 0, not 3, when something was not fully scanned\n"
    "\n"
    "Alerts without a rule (VALUE is yes or no, and yes when it is left out):\n"
    "  --heuristic-alerts=VALUE  overlapping zip members, disguised names in PDF, marks\n"
    "                       of an exploit and some viruses (yes)\n"
    "  --heuristic-scan-precedence[=VALUE]  such alerts count as much as rules (no)\n"
    "  --alert-encrypted[=VALUE]  what needs a password; for archives or documents alone:\n"
    "  --alert-encrypted-archive[=VALUE], --alert-encrypted-doc[=VALUE] (no)\n"
    "  --alert-macros[=VALUE]  documents with macros (no)\n"
    "  --alert-broken[=VALUE]  executables with headers that contradict themselves (no)\n"
    "  --alert-broken-media[=VALUE]  pictures that contradict themselves or break off (no)\n"
    "  --alert-partition-intersection[=VALUE]  images of disks whose partitions overlap (no)\n"
    "  --alert-exceeds-max[=VALUE]  what a limit left out: found, not limited (no)\n"
    "  --nocerts[=VALUE]    no look at who signed a program: rules on certificates and\n"
    "                       catalogs do not count (no)\n"
    "  --phishing-scan-urls[=VALUE]  links in mail that show another host than they lead\n"
    "                       to, for the hosts that rules protect (yes)\n"
    "  --alert-phishing-ssl[=VALUE]  links in mail that show https and lead to none, for\n"
    "                       any host (no)\n"
    "  --alert-phishing-cloak[=VALUE]  links in mail with a hidden zero, for any host (no)\n"
    "\n"
    "Processes:\n"
    "  --jobs N             scanner processes (one for each processor)\n"
    "  --require-confinement  refuse to scan unless every layer that `overt status` lists\n"
    "                       for a worker holds on this kernel\n"
    "\n"
    "Exit codes: 0 nothing found, 1 something found, 2 an error, 3 nothing found but\n"
    "something was not fully scanned.\n"
    "\n"
    "Example:\n"
    "  overt scan --rules /var/lib/clamav ~/Downloads\n";

enum option_code {
    OPT_RULES = 256,
    OPT_JSON,
    OPT_ALL_MATCHES,
    OPT_JOBS,
    OPT_PROCESSES,
    OPT_QUARANTINE,
    OPT_QUARANTINE_CONTAINERS,
    OPT_CHANGED,
    OPT_PUA,
    OPT_VERBOSE,
    OPT_QUIET,
    OPT_NO_JOURNAL,
    OPT_DIGESTS,
    OPT_NO_SUMMARY,
    OPT_MAX_FILESIZE,
    OPT_MAX_SCANSIZE,
    OPT_MAX_RECURSION,
    OPT_MAX_FILES,
    OPT_MAX_SCANTIME,
    OPT_INCOMPLETE,
    OPT_CONFINEMENT,
    OPT_INCLUDE,
    OPT_EXCLUDE,
    OPT_STRUCTURED,
    OPT_HELP,
    OPT_ALERT_FIRST, // the first of those that `switches` lists
};

// What each of the options from OPT_ALERT_FIRST on switches, OV_ALERT_*.
static const uint32_t switches[] = {
    OV_ALERT_HEURISTICS,
    OV_ALERT_PRECEDENCE,
    OV_ALERT_ENCRYPTED_ARCHIVE | OV_ALERT_ENCRYPTED_DOC,
    OV_ALERT_ENCRYPTED_ARCHIVE,
    OV_ALERT_ENCRYPTED_DOC,
    OV_ALERT_MACROS,
    OV_ALERT_BROKEN,
    OV_ALERT_EXCEEDS_MAX,
    OV_ALERT_BROKEN_MEDIA,
    OV_ALERT_PARTITIONS,
    OV_ALERT_NO_CERTIFICATES,
    OV_ALERT_PHISHING,
    OV_ALERT_PHISHING_SSL,
    OV_ALERT_PHISHING_CLOAK,
};

static const struct option long_options[] = {
    {"rules", required_argument, NULL, OPT_RULES},
    {"json", no_argument, NULL, OPT_JSON},
    {"all-matches", no_argument, NULL, OPT_ALL_MATCHES},
    {"jobs", required_argument, NULL, OPT_JOBS},
    {"processes", no_argument, NULL, OPT_PROCESSES},
    {"quarantine", required_argument, NULL, OPT_QUARANTINE},
    {"quarantine-containers", no_argument, NULL, OPT_QUARANTINE_CONTAINERS},
    {"changed", no_argument, NULL, OPT_CHANGED},
    {"pua", no_argument, NULL, OPT_PUA},
    {"verbose", no_argument, NULL, OPT_VERBOSE},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"no-journal", no_argument, NULL, OPT_NO_JOURNAL},
    {"digests", no_argument, NULL, OPT_DIGESTS},
    {"no-summary", no_argument, NULL, OPT_NO_SUMMARY},
    {"max-filesize", required_argument, NULL, OPT_MAX_FILESIZE},
    {"max-scansize", required_argument, NULL, OPT_MAX_SCANSIZE},
    {"max-recursion", required_argument, NULL, OPT_MAX_RECURSION},
    {"max-files", required_argument, NULL, OPT_MAX_FILES},
    {"max-scantime", required_argument, NULL, OPT_MAX_SCANTIME},
    {"incomplete", required_argument, NULL, OPT_INCOMPLETE},
    {"require-confinement", no_argument, NULL, OPT_CONFINEMENT},
    {"include", required_argument, NULL, OPT_INCLUDE},
    {"exclude", required_argument, NULL, OPT_EXCLUDE},
    {"help", no_argument, NULL, OPT_HELP},
    {"detect-structured", optional_argument, NULL, OPT_STRUCTURED},
    {"structured-ssn-format", required_argument, NULL, OPT_STRUCTURED},
    {"structured-ssn-count", required_argument, NULL, OPT_STRUCTURED},
    {"structured-cc-count", required_argument, NULL, OPT_STRUCTURED},
    {"structured-cc-mode", required_argument, NULL, OPT_STRUCTURED},
    {"heuristic-alerts", optional_argument, NULL, OPT_ALERT_FIRST},
    {"heuristic-scan-precedence", optional_argument, NULL, OPT_ALERT_FIRST + 1},
    {"alert-encrypted", optional_argument, NULL, OPT_ALERT_FIRST + 2},
    {"alert-encrypted-archive", optional_argument, NULL, OPT_ALERT_FIRST + 3},
    {"alert-encrypted-doc", optional_argument, NULL, OPT_ALERT_FIRST + 4},
    {"alert-macros", optional_argument, NULL, OPT_ALERT_FIRST + 5},
    {"alert-broken", optional_argument, NULL, OPT_ALERT_FIRST + 6},
    {"alert-exceeds-max", optional_argument, NULL, OPT_ALERT_FIRST + 7},
    {"alert-broken-media", optional_argument, NULL, OPT_ALERT_FIRST + 8},
    {"alert-partition-intersection", optional_argument, NULL, OPT_ALERT_FIRST + 9},
    {"nocerts", optional_argument, NULL, OPT_ALERT_FIRST + 10},
    {"phishing-scan-urls", optional_argument, NULL, OPT_ALERT_FIRST + 11},
    {"alert-phishing-ssl", optional_argument, NULL, OPT_ALERT_FIRST + 12},
    {"alert-phishing-cloak", optional_argument, NULL, OPT_ALERT_FIRST + 13},
    {NULL, 0, NULL, 0},
};

// ---- values -----------------------------------------------------------------------------------

static enum ov_status read_number(const char *text, const char **ret_rest, uint64_t *ret_value) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || errno != 0) {
        return OV_INVALID;
    }
    *ret_rest = end;
    *ret_value = value;
    return OV_OK;
}

enum ov_status ov_scan_size_read(const char *text, uint64_t *ret_bytes) {
    static const char units[] = "kmg";
    const char *rest;
    uint64_t value;
    TRY(read_number(text, &rest, &value));
    if (rest[0] != 0) {
        const char *unit = strchr(units, rest[0] | 0x20);
        if (unit == NULL || *unit == 0 || rest[1] != 0) {
            return OV_INVALID;
        }
        unsigned shift = 10 * (unsigned)(unit - units + 1);
        if (value > UINT64_MAX >> shift) {
            return OV_INVALID;
        }
        value <<= shift;
    }
    *ret_bytes = value;
    return OV_OK;
}

static enum ov_status read_count(const char *text, uint32_t max, uint32_t *ret_count) {
    const char *rest;
    uint64_t value;
    TRY(read_number(text, &rest, &value));
    if (rest[0] != 0 || value > max) {
        return OV_INVALID;
    }
    *ret_count = (uint32_t)value;
    return OV_OK;
}

static enum ov_status append(const char ***list, size_t *count, const char *text) {
    const char **longer = realloc((void *)*list, (*count + 1) * sizeof **list);
    if (longer == NULL) {
        return OV_MEMORY;
    }
    longer[(*count)++] = text;
    *list = longer;
    return OV_OK;
}

// ---- options ----------------------------------------------------------------------------------

static enum ov_status take_limit(struct ov_limits *limits, int code, const char *text) {
    uint32_t count = 0;
    switch (code) {
    case OPT_MAX_FILESIZE:
        return ov_scan_size_read(text, &limits->file_bytes);
    case OPT_MAX_SCANSIZE:
        return ov_scan_size_read(text, &limits->scan_bytes);
    case OPT_MAX_FILES:
        return read_count(text, UINT32_MAX - 1, &limits->files);
    case OPT_MAX_RECURSION:
        TRY(read_count(text, 17, &count));
        limits->depth = count != 0 ? count : 17;
        return OV_OK;
    default:
        TRY(read_count(text, UINT32_MAX, &count));
        limits->time_ms = count;
        return OV_OK;
    }
}

static enum ov_status take_alert(uint32_t *alerts, uint32_t changed, const char *text) {
    bool is_on = text == NULL || strcmp(text, "yes") == 0;
    if (!is_on && strcmp(text, "no") != 0) {
        return OV_INVALID;
    }
    *alerts = is_on ? *alerts | changed : *alerts & ~changed;
    return OV_OK;
}

static enum ov_status take_value(struct ov_scan_arguments *args, int code, const char *text) {
    switch (code) {
    case OPT_RULES:
        return append(&args->rules, &args->rule_count, text);
    case OPT_INCLUDE:
        return append(&args->includes, &args->include_count, text);
    case OPT_EXCLUDE:
        return append(&args->excludes, &args->exclude_count, text);
    case OPT_QUARANTINE:
        args->quarantine = text;
        return OV_OK;
    case OPT_JOBS:
        TRY(read_count(text, 256, &args->jobs));
        return args->jobs != 0 ? OV_OK : OV_INVALID;
    case OPT_INCOMPLETE:
        args->is_incomplete_ok = strcmp(text, "ok") == 0;
        return args->is_incomplete_ok ? OV_OK : OV_INVALID;
    default:
        return take_limit(&args->limits, code, text);
    }
}

static void take_flag(struct ov_scan_arguments *args, int code) {
    switch (code) {
    case OPT_PROCESSES:
        args->with_processes = true;
        break;
    case OPT_QUARANTINE_CONTAINERS:
        args->with_containers = true;
        break;
    case OPT_JSON:
        args->is_json = true;
        break;
    case OPT_ALL_MATCHES:
        args->is_all_matches = true;
        break;
    case OPT_CHANGED:
        args->is_changed_only = true;
        break;
    case OPT_PUA:
        args->with_pua = true;
        break;
    case OPT_VERBOSE:
        args->is_verbose = true;
        break;
    case OPT_NO_JOURNAL:
        args->is_unjournaled = true;
        break;
    case OPT_DIGESTS:
        args->with_digests = true;
        break;
    case OPT_QUIET:
        args->is_quiet = true;
        break;
    case OPT_NO_SUMMARY:
        args->has_summary = false;
        break;
    default:
        args->is_confinement_required = true;
        break;
    }
}

static const char *option_name(int code) {
    const struct option *option = long_options;
    while (option->name != NULL && option->val != code) {
        option++;
    }
    return option->name;
}

static enum ov_status complain(const char *option, const char *value) {
    char what[96];
    (void)snprintf(what, sizeof what, "--%.40s %.40s", option, value);
    ov_say_error(what, "not a value for this option", "overt scan --help lists them");
    return OV_INVALID;
}

// What clamscan has and Overt refuses to have: docs/decisions/0032. To switch it off is no error.
static enum ov_status refuse_structured(const struct option *option, const char *value) {
    if (option->has_arg == optional_argument && value != NULL && strcmp(value, "no") == 0) {
        return OV_OK;
    }
    char what[64];
    (void)snprintf(what, sizeof what, "--%s", option->name);
    ov_say_error(what, "Overt looks for malware, and not for card or social security numbers",
                 "leave the option out");
    return OV_INVALID;
}

static enum ov_status read_options(int argc, char **argv, struct ov_scan_arguments *args) {
    int code;
    int index = 0;
    optind = 0; // a fresh start for getopt, also in tests
    opterr = 0;
    while ((code = getopt_long(argc, argv, "", long_options, &index)) != -1) {
        if (code == OPT_HELP) {
            (void)fputs(ov_scan_help, stdout);
            return OV_END;
        }
        if (code == '?') {
            ov_say_error(argv[optind - 1], "unknown option, or its value is missing",
                         "overt scan --help lists them");
            return OV_INVALID;
        }
        if (code == OPT_STRUCTURED) {
            TRY(refuse_structured(&long_options[index], optarg));
            continue;
        }
        bool is_alert = code >= OPT_ALERT_FIRST;
        if (optarg == NULL && !is_alert) {
            take_flag(args, code);
            continue;
        }
        enum ov_status status =
            is_alert ? take_alert(&args->alerts, switches[code - OPT_ALERT_FIRST], optarg)
                     : take_value(args, code, optarg);
        if (status != OV_OK) {
            return status == OV_INVALID ? complain(option_name(code), optarg) : status;
        }
    }
    return OV_OK;
}

// With --processes the words are no paths but numbers.
static enum ov_status read_processes(int count, char **words, struct ov_scan_arguments *args) {
    args->processes = calloc((size_t)count + 1, sizeof *args->processes);
    if (args->processes == NULL) {
        return OV_MEMORY;
    }
    for (int i = 0; i < count; i++) {
        char *end;
        long pid = strtol(words[i], &end, 10);
        if (words[i][0] == '\0' || *end != '\0' || pid <= 0 || pid > INT_MAX) {
            ov_say_error(words[i], "is no number of a process", "overt scan --processes 1234");
            return OV_INVALID;
        }
        args->processes[args->process_count++] = (pid_t)pid;
    }
    return OV_OK;
}

// Options may stand behind paths too: getopt moves the paths to the end.
static enum ov_status read_all(int argc, char **argv, struct ov_scan_arguments *args) {
    TRY(read_options(argc, argv, args));
    if (args->with_processes) {
        return read_processes(argc - optind, argv + optind, args);
    }
    args->paths = (const char *const *)argv + optind;
    args->path_count = (size_t)(argc - optind);
    if (args->path_count == 0) {
        ov_say_error("scan", "no path given", "for example: overt scan ~/Downloads");
        return OV_INVALID;
    }
    return OV_OK;
}

enum ov_status ov_scan_arguments_read(int argc, char **argv, struct ov_scan_arguments *ret_args) {
    *ret_args = (struct ov_scan_arguments){.limits = ov_limits_default(),
                                           .alerts = OV_ALERT_HEURISTICS | OV_ALERT_PHISHING,
                                           .has_summary = true};
    return read_all(argc, argv, ret_args);
}

void ov_scan_arguments_release(struct ov_scan_arguments *args) {
    free((void *)args->rules);
    free((void *)args->includes);
    free((void *)args->excludes);
    free(args->processes);
    *args = (struct ov_scan_arguments){0};
}
