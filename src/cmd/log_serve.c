// SPDX-License-Identifier: Apache-2.0
// overt log serve: a log's folder over HTTP, for whoever has no web server at hand.
#include "base/fd.h"
#include "base/say.h"
#include "cmd/log_server.h"
#include "cmd/log_words.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct options {
    const char *folder;
    const char *address;
    bool has_log;
    bool is_unjournaled;
};

// Gives an exit code when the run ends here, else -1.
static int read_options(int argc, char **argv, struct options *ret_options) {
    enum { OPTION_LISTEN = 256, OPTION_LOG, OPTION_NO_JOURNAL, OPTION_HELP };
    static const struct option long_options[] = {
        {"listen", required_argument, NULL, OPTION_LISTEN},
        {"log", no_argument, NULL, OPTION_LOG},
        {"no-journal", no_argument, NULL, OPTION_NO_JOURNAL},
        {"help", no_argument, NULL, OPTION_HELP},
        {NULL, 0, NULL, 0}};
    struct options options = {0};
    for (int code = 0; (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        switch (code) {
        case OPTION_LISTEN:
            options.address = optarg;
            break;
        case OPTION_LOG:
            options.has_log = true;
            break;
        case OPTION_NO_JOURNAL:
            options.is_unjournaled = true;
            break;
        case 'h':
        case OPTION_HELP:
            return ov_log_print_help();
        default:
            return ov_log_reject_option(argv);
        }
    }
    options.folder = optind + 1 == argc ? argv[optind] : NULL;
    if (options.folder == NULL || options.address == NULL) {
        ov_say_error("log serve", "one folder and one address are needed",
                     "overt log serve DIR --listen 127.0.0.1:8080");
        return OV_EXIT_ERROR;
    }
    *ret_options = options;
    return -1;
}

// As root the server is another user, who could read none of a private folder.
static bool is_readable(const char *name, int folder) {
    struct stat info;
    if (geteuid() == 0 && fstat(folder, &info) == 0 && (info.st_mode & 05) != 05) {
        ov_say_error(name, "the server runs as a user of its own, who cannot read it",
                     "chmod o+rx, or run this as its owner");
        return false;
    }
    return true;
}

int ov_log_serve(int argc, char **argv) {
    struct options options = {0};
    char url[OV_SERVE_URL_BYTES];
    OV_AUTO_FD listener = -1;
    int code = read_options(argc, argv, &options);
    if (code >= 0 || options.folder == NULL) {
        return code;
    }
    OV_AUTO_FD folder = open(options.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        ov_say_error(options.folder, strerror(errno), "it is the folder of a log");
        return OV_EXIT_ERROR;
    }
    if (!is_readable(options.folder, folder) || !ov_log_listen(options.address, &listener, url)) {
        return OV_EXIT_ERROR;
    }
    const char *const words[] = {options.has_log ? "log" : "quiet", url};
    struct ov_serve_request request = {.role = OV_ROLE_SERVER,
                                       .listener = listener,
                                       .folder = folder,
                                       .key = -1,
                                       .words = words,
                                       .word_count = sizeof words / sizeof words[0]};
    const struct ov_log_server server = {
        .what = "log serve", .command = "log-serve", .is_unjournaled = options.is_unjournaled};
    return ov_log_run_server(&server, &request);
}
