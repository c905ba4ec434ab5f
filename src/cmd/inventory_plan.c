// SPDX-License-Identifier: Apache-2.0
// overt inventory plan: how to remove products, step by step, and the report about it.
#include "cmd/inventory_plan.h"

#include "base/digest.h"
#include "base/durable.h"
#include "base/fd.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/inventory.h"
#include "cmd/inventory_collect.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BANS_MAX = 256,
    LIST_BYTES_MAX = 65536,
    PLAN_BYTES_MAX = 64 << 20,
    FILE_MODE = 0600,
    PAGE_MODE = 0644
};

static const char help[] =
    "Usage: overt inventory plan --ban LIST [OPTION]...\n"
    "\n"
    "Makes a plan for removing products from this machine: steps in order, each with the command\n"
    "that a person could type, every file by its exact path; what the machine loses and what can\n"
    "take its place; and the report that a directive asks for in 30, 60 and 90 days, with blanks\n"
    "where only people know. Nothing is changed.\n"
    "\n"
    "Options:\n"
    "      --ban LIST    products, vendors or ids, separated by commas; @FILE: one a line\n"
    "      --root DIR    plan for the system below DIR, and not for this machine\n"
    "  -o, --output PLAN write the plan for overt inventory apply and verify\n"
    "      --json        the plan as one JSON object on standard output\n"
    "      --html FILE   a page to print, beside what is written to standard output\n"
    "      --help        print this help\n"
    "\n"
    "Exit codes: 0 nothing of these products was found, 1 there is something to remove, 2 an\n"
    "error, 3 nothing was found but something could not be read.\n"
    "\n"
    "Example:\n"
    "  sudo overt inventory plan --ban kaspersky -o removal.plan --html removal.html\n";

struct options {
    const char *root, *output, *html;
    bool is_json;
    char *list; // owned: the words point into it
    const char *bans[BANS_MAX];
    size_t ban_count;
};

static int reject(const char *what, const char *why) {
    ov_say_error(what, why, "overt inventory plan --help");
    return OV_EXIT_ERROR;
}

// ---- looking ------------------------------------------------------------------------------------

void ov_plan_view_init(struct ov_plan_view *ret_view) {
    ret_view->inventory = NULL;
    ret_view->tree = (struct ov_root){.root = -1};
    ov_plan_init(&ret_view->plan);
}

void ov_plan_view_release(struct ov_plan_view *view) {
    ov_inventory_free(view->inventory);
    ov_root_close(&view->tree);
    ov_plan_release(&view->plan);
}

static enum ov_status say(const char *what, enum ov_status status) {
    ov_say_error(what,
                 status == OV_SYSTEM        ? strerror(errno)
                 : status == OV_UNSUPPORTED ? "neither a folder nor a file"
                 : status == OV_LIMIT       ? "there is more to remove than a plan holds"
                                            : ov_status_text(status),
                 NULL);
    return status;
}

enum ov_status ov_plan_view_look(const struct ov_plan_look *look, struct ov_plan_view *view) {
    char machine[72];
    if (realpath(look->root, view->root) == NULL) {
        return say(look->root, OV_SYSTEM);
    }
    const struct ov_collect_options collect = {.root = view->root};
    enum ov_status status = ov_inventory_new(&view->inventory);
    status = status == OV_OK ? ov_root_open(view->root, &view->tree) : status;
    status = status == OV_OK ? ov_inventory_collect(&collect, view->inventory) : status;
    if (status != OV_OK) {
        return say(look->root, status);
    }
    ov_inventory_machine(view->root, machine, sizeof machine);
    const struct ov_plan_order order = {
        .inventory = view->inventory,
        .tree = &view->tree,
        .root = view->root,
        .machine = machine,
        .bans = look->bans,
        .ban_count = look->ban_count,
        .now = time(NULL),
        .before = look->before,
    };
    status = ov_plan_make(&order, &view->plan);
    return status == OV_OK ? OV_OK : say(look->root, status);
}

// ---- the file -----------------------------------------------------------------------------------

static enum ov_status map_plan(const char *path, struct ov_file_map *ret_map) {
    struct stat info;
    OV_AUTO_FD fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        ov_say_error(path, strerror(errno), NULL);
        return OV_SYSTEM;
    }
    bool is_own = info.st_uid == geteuid() || info.st_uid == 0;
    if (!S_ISREG(info.st_mode) || !is_own || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        ov_say_error(path, "others could have written it",
                     "a plan is a file of yours that nobody else can write to");
        return OV_DENIED;
    }
    if (info.st_size > PLAN_BYTES_MAX) {
        ov_say_error(path, "is too large for a plan", NULL);
        return OV_LIMIT;
    }
    enum ov_status status = ov_file_map_open_fd(fd, ret_map);
    return status == OV_OK ? OV_OK : say(path, status);
}

enum ov_status ov_plan_file_read(const char *path, struct ov_plan *plan, uint8_t ret_sha256[32]) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    const char *why = "no memory";
    TRY(map_plan(path, &map));
    ov_buf_add(&bytes, map.bytes.data, map.bytes.size); // what is read cannot change any more
    enum ov_status status = ov_buf_status(&bytes);
    status = status == OV_OK ? ov_plan_read_json(ov_buf_span(&bytes), plan, &why) : status;
    if (status != OV_OK) {
        ov_say_error(path, why, "overt inventory plan -o makes one");
        return status;
    }
    ov_sha256(ov_buf_span(&bytes), ret_sha256);
    return OV_OK;
}

// ---- options ------------------------------------------------------------------------------------

static bool read_list(const char *value, char **ret_list) {
    OV_AUTO_FD fd = -1;
    size_t size = 0;
    if (value[0] != '@') {
        *ret_list = strdup(value);
        return *ret_list != NULL;
    }
    char *text = calloc(1, LIST_BYTES_MAX + 1);
    fd = open(value + 1, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (text == NULL || fd < 0 || ov_fd_read_full(fd, text, LIST_BYTES_MAX, &size) != OV_OK ||
        size == LIST_BYTES_MAX || strlen(text) != size) {
        free(text);
        return false;
    }
    *ret_list = text;
    return true;
}

static bool is_known(const char *word) {
    for (size_t i = 0; i < ov_product_count; i++) {
        if (ov_product_is_named(&ov_products[i], word)) {
            return true;
        }
    }
    return false;
}

// A word that means no product would make a plan that says all is well.
static bool read_bans(const char *value, struct options *options) {
    char *place = NULL;
    free(options->list);
    options->list = NULL;
    options->ban_count = 0;
    if (!read_list(value, &options->list)) {
        (void)reject(value, "the list cannot be read");
        return false;
    }
    for (char *word = strtok_r(options->list, ",\n", &place); word != NULL;
         word = strtok_r(NULL, ",\n", &place)) {
        word += strspn(word, " \t\r");
        size_t size = strlen(word);
        while (size > 0 && strchr(" \t\r", word[size - 1]) != NULL) {
            word[--size] = 0;
        }
        if (size == 0 || word[0] == '#') {
            continue;
        }
        if (!is_known(word) || options->ban_count == BANS_MAX) {
            (void)reject(word, options->ban_count == BANS_MAX ? "too many words"
                                                              : "no known product is named so");
            return false;
        }
        options->bans[options->ban_count++] = word;
    }
    return true;
}

// -1: go on.
static int read_options(int argc, char **argv, struct options *options) {
    enum { OPT_ROOT = 256, OPT_JSON, OPT_HTML, OPT_BAN };
    static const struct option long_options[] = {
        {"root", required_argument, NULL, OPT_ROOT}, {"json", no_argument, NULL, OPT_JSON},
        {"html", required_argument, NULL, OPT_HTML}, {"ban", required_argument, NULL, OPT_BAN},
        {"output", required_argument, NULL, 'o'},    {NULL, 0, NULL, 0},
    };
    optind = 1;
    opterr = 0;
    for (int code = 0; (code = getopt_long(argc, argv, "o:", long_options, NULL)) != -1;) {
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
        case OPT_BAN:
            if (!read_bans(optarg, options)) {
                return OV_EXIT_ERROR;
            }
            break;
        case 'o':
            options->output = optarg;
            break;
        default:
            return reject(argv[optind - 1], "unknown option, or its value is missing");
        }
    }
    if (optind < argc) {
        return reject(argv[optind], "unknown word");
    }
    return options->ban_count > 0 ? -1 : reject("--ban", "names no product");
}

// ---- command ------------------------------------------------------------------------------------

static bool write_file(const char *path, const struct ov_buf *bytes, unsigned mode) {
    errno = 0;
    if (ov_buf_status(bytes) != OV_OK ||
        ov_durable_write(AT_FDCWD, path, ov_buf_span(bytes), mode) != OV_OK) {
        ov_say_error(path, errno != 0 ? strerror(errno) : "could not be written", NULL);
        return false;
    }
    return true;
}

static bool write_all(const struct options *options, const struct ov_plan_view *view) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plan = {0}, page = {0}, text = {0};
    ov_plan_write_json(&view->plan, &plan);
    if (options->output != NULL && !write_file(options->output, &plan, FILE_MODE)) {
        return false;
    }
    if (options->html != NULL) {
        ov_plan_report_html(view, &page);
        if (!write_file(options->html, &page, PAGE_MODE)) {
            return false;
        }
    }
    ov_plan_report_text(view, &text);
    const struct ov_buf *shown = options->is_json ? &plan : &text;
    if (ov_buf_status(shown) != OV_OK) {
        (void)reject("plan", "not enough memory for it");
        return false;
    }
    return fwrite(shown->data, 1, shown->size, stdout) == shown->size && fflush(stdout) == 0;
}

static int run_plan(const struct options *options) {
    static struct ov_plan_view view;
    const struct ov_plan_look look = {
        .root = options->root, .bans = options->bans, .ban_count = options->ban_count};
    ov_plan_view_init(&view);
    int code = OV_EXIT_ERROR;
    if (ov_plan_view_look(&look, &view) == OV_OK && write_all(options, &view)) {
        code = view.plan.product_count > 0                      ? OV_EXIT_FOUND
               : ov_inventory_problem_count(view.inventory) > 0 ? OV_EXIT_INCOMPLETE
                                                                : OV_EXIT_NOTHING;
    }
    ov_plan_view_release(&view);
    return code;
}

static int run(int argc, char **argv) {
    struct options options = {.root = "/"};
    int code = read_options(argc, argv, &options);
    if (code < 0) {
        code = run_plan(&options);
    }
    free(options.list);
    return code;
}

const struct ov_inventory_word ov_inventory_word_plan = {.name = "plan", .run = run, .help = help};
