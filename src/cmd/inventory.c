// SPDX-License-Identifier: Apache-2.0
// overt inventory: which security products are on a machine, and what they could do there.
#include "cmd/inventory.h"

#include "base/durable.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/inventory_collect.h"
#include "cmd/inventory_report.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE_MODE = 0644 };

static const char help[] =
    "Usage: overt inventory [OPTION]...\n"
    "       overt inventory plan --ban LIST [--root DIR] [-o PLAN] [--json] [--html FILE]\n"
    "       overt inventory apply [--yes] [--no-journal] PLAN\n"
    "       overt inventory verify [--json] PLAN\n"
    "       overt inventory sign --key KEY -o FILE REPORT\n"
    "       overt inventory merge [--keys FILE] [--days N] [--json] [--html FILE] REPORT...\n"
    "\n"
    "Says which security products are on this machine, by what each was recognised, what it could\n"
    "do here, and who on no list could do the same. Nothing is changed, and nothing is sent.\n"
    "Two kinds of evidence make a product \"installed\", one makes a \"trace\" of it.\n"
    "\n"
    "Options:\n"
    "      --root DIR       look at the system below DIR (a mounted disk, an unpacked container), "
    "or\n"
    "                       into an image file (docker save, OCI), and not at this machine\n"
    "      --json           one JSON object\n"
    "      --html FILE      a page to print, beside what is written to standard output; it needs\n"
    "                       nothing but itself\n"
    "      --engines        look into programs, libraries and databases for scanning engines of "
    "others;\n"
    "                       takes minutes\n"
    "      --quiet          no progress on a terminal\n"
    "      --help           print this help\n"
    "\n"
    "plan says how to remove products, with exact commands and the report about it:\n"
    "      --ban LIST       products, vendors or ids, separated by commas; @FILE: one a line\n"
    "  -o, --output PLAN    write the plan to a file\n"
    "apply carries it out, and stops at the first surprise; verify looks what is left, or came\n"
    "back:\n"
    "      --yes            do it; without, apply only says what it would do\n"
    "      --no-journal     without writing each act to the journal\n"
    "\n"
    "sign makes a signed note of a report in JSON; merge makes one report of those of many "
    "machines:\n"
    "      --key KEY        the secret key's file (overt log key)\n"
    "      --keys FILE      public keys of the machines, one a line\n"
    "      --days N         reports older than this are told as stale (30)\n"
    "\n"
    "Exit codes: 0 nothing was found, 1 something was found, 2 an error, 3 nothing was found but\n"
    "something could not be read.\n"
    "\n"
    "Example:\n"
    "  sudo overt inventory\n";

// One row for each word that is built.
static const struct ov_inventory_word *const words[] = {
    &ov_inventory_word_apply, &ov_inventory_word_merge,  &ov_inventory_word_plan,
    &ov_inventory_word_sign,  &ov_inventory_word_verify, NULL,
};

struct options {
    const char *root;
    const char *html; // where a page goes, or NULL
    bool is_json;
    bool is_quiet;
    bool has_engines;
};

static int reject(const char *what, const char *why) {
    ov_say_error(what, why, "overt inventory --help");
    return OV_EXIT_ERROR;
}

// -1: go on.
static int read_options(int argc, char **argv, struct options *options) {
    enum { OPT_ROOT = 256, OPT_JSON, OPT_HTML, OPT_QUIET, OPT_ENGINES };
    static const struct option long_options[] = {
        {"root", required_argument, NULL, OPT_ROOT},
        {"json", no_argument, NULL, OPT_JSON},
        {"html", required_argument, NULL, OPT_HTML},
        {"engines", no_argument, NULL, OPT_ENGINES},
        {"quiet", no_argument, NULL, OPT_QUIET},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    optind = 1;
    opterr = 0;
    for (int code = 0; (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        switch (code) {
        case OPT_ROOT:
            options->root = optarg;
            break;
        case OPT_JSON:
            options->is_json = true;
            break;
        case OPT_HTML:
            options->html = optarg;
            break;
        case OPT_ENGINES:
            options->has_engines = true;
            break;
        case OPT_QUIET:
            options->is_quiet = true;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return OV_EXIT_NOTHING;
        default:
            return reject(argv[optind - 1], "unknown option, or its value is missing");
        }
    }
    return optind < argc ? reject(argv[optind], "unknown word") : -1;
}

// ---- the report ---------------------------------------------------------------------------------

static bool write_page(const struct options *options, const struct ov_inventory_report *report) {
    OV_CLEANUP(ov_buf_release) struct ov_buf page = {0};
    ov_inventory_report_html(report, &page);
    errno = 0;
    if (ov_buf_status(&page) != OV_OK ||
        ov_durable_write(AT_FDCWD, options->html, ov_buf_span(&page), PAGE_MODE) != OV_OK) {
        ov_say_error(options->html, errno != 0 ? strerror(errno) : "could not be written", NULL);
        return false;
    }
    return true;
}

static bool print_report(const struct options *options, const struct ov_inventory *inventory) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    char machine[72];
    ov_inventory_machine(options->root, machine, sizeof machine);
    const struct ov_inventory_report report = {
        .inventory = inventory, .root = options->root, .machine = machine, .made_at = time(NULL)};
    (options->is_json ? ov_inventory_report_json : ov_inventory_report_text)(&report, &out);
    (void)fwrite(out.data, 1, out.size, stdout);
    if (out.has_failed) {
        (void)reject("inventory", "not enough memory for the report");
        return false;
    }
    return options->html == NULL || write_page(options, &report);
}

static int choose_exit(const struct ov_inventory *inventory) {
    return ov_inventory_status(inventory) != OV_OK     ? OV_EXIT_ERROR
           : ov_inventory_has_found(inventory)         ? OV_EXIT_FOUND
           : ov_inventory_problem_count(inventory) > 0 ? OV_EXIT_INCOMPLETE
                                                       : OV_EXIT_NOTHING;
}

static int run_report(const struct options *options, struct ov_inventory *inventory) {
    const struct ov_collect_options collect = {
        .root = options->root,
        .has_engines = options->has_engines,
        .has_progress =
            !options->is_quiet && getenv("NO_COLOR") == NULL && isatty(STDERR_FILENO) == 1,
    };
    enum ov_status status = ov_inventory_collect(&collect, inventory);
    if (status != OV_OK) {
        ov_say_error(options->root,
                     status == OV_SYSTEM        ? strerror(errno)
                     : status == OV_UNSUPPORTED ? "neither a folder nor a file"
                                                : ov_status_text(status),
                     NULL);
        return OV_EXIT_ERROR;
    }
    return print_report(options, inventory) ? choose_exit(inventory) : OV_EXIT_ERROR;
}

// ---- command ------------------------------------------------------------------------------------

static const struct ov_inventory_word *find_word(const char *name) {
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i]->name, name) == 0) {
            return words[i];
        }
    }
    return NULL;
}

static int run(int argc, char **argv) {
    const struct ov_inventory_word *word = argc > 1 ? find_word(argv[1]) : NULL;
    if (word != NULL) {
        bool is_asked = argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0);
        if (is_asked) {
            (void)fputs(word->help, stdout);
            return OV_EXIT_NOTHING;
        }
        return word->run(argc - 1, argv + 1);
    }
    struct options options = {.root = "/"};
    int code = read_options(argc, argv, &options);
    if (code >= 0) {
        return code;
    }
    struct ov_inventory *inventory;
    if (ov_inventory_new(&inventory) != OV_OK) {
        return reject("inventory", "not enough memory");
    }
    code = run_report(&options, inventory);
    ov_inventory_free(inventory);
    return code;
}

const struct ov_command ov_command_inventory = {
    .name = "inventory",
    .summary = "security products on a machine, and what they could do",
    .run = run,
    .help = help,
};
