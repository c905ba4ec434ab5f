// SPDX-License-Identifier: Apache-2.0
// The program `overt`: finds the subcommand in the table and runs it.
#include "base/buf.h"
#include "base/say.h"
#include "cmd/command.h"
#include "config.h"

#include <stdio.h>
#include <string.h>

static void print_usage(FILE *out) {
    (void)fputs("Usage: overt COMMAND [OPTION]... [ARGUMENT]...\n"
                "\n"
                "Finds malware with open rules, in processes that can tell nobody but you.\n"
                "\n"
                "Commands:\n",
                out);
    for (size_t i = 0; i < ov_command_count; i++) {
        (void)fprintf(out, "  %-10s %s\n", ov_commands[i]->name, ov_commands[i]->summary);
    }
    (void)fputs("\n"
                "Options:\n"
                "  --help       print this help; overt COMMAND --help says more\n"
                "  --version    print the version\n"
                "\n"
                "Exit codes: 0 nothing found, 1 something found, 2 an error,\n"
                "3 nothing found but something was not fully scanned.\n"
                "\n"
                "Example:\n"
                "  overt scan ~/Downloads\n",
                out);
}

// A person's own output that was lost (disk full, pipe closed) is an error, not a success.
static int finish(int code) {
    if (fflush(stdout) != 0 || ferror(stdout)) {
        ov_say_error("standard output", "could not be written", NULL);
        return code == OV_EXIT_FOUND ? code : OV_EXIT_ERROR;
    }
    return code;
}

static int reject_word(const char *word) {
    const struct ov_command *nearest = ov_command_nearest(word);
    const char *kind = word[0] == '-' ? "unknown option" : "unknown command";
    if (nearest != NULL) {
        OV_CLEANUP(ov_buf_release) struct ov_buf hint = {0};
        ov_buf_printf(&hint, "did you mean \"overt %s\"?", nearest->name);
        ov_buf_add_u8(&hint, '\0');
        ov_say_error(word, kind, hint.has_failed ? NULL : (const char *)hint.data);
    } else {
        ov_say_error(word, kind, "overt --help lists the commands");
    }
    return OV_EXIT_ERROR;
}

// overt help [COMMAND]
static int run_help(int argc, char **argv) {
    if (argc < 2) {
        print_usage(stdout);
        return OV_EXIT_NOTHING;
    }
    const struct ov_command *command = ov_command_find(argv[1]);
    if (command == NULL) {
        return reject_word(argv[1]);
    }
    (void)fputs(command->help, stdout);
    return OV_EXIT_NOTHING;
}

static int run_command(int argc, char **argv) {
    const char *word = argv[0];
    if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        return run_help(argc, argv);
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        (void)puts("overt " OVERT_VERSION);
        return OV_EXIT_NOTHING;
    }
    const struct ov_command *command = ov_command_find(word);
    if (command == NULL) {
        return reject_word(word);
    }
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        (void)fputs(command->help, stdout);
        return OV_EXIT_NOTHING;
    }
    return command->run(argc, argv);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        print_usage(stderr);
        return OV_EXIT_ERROR;
    }
    return finish(run_command(argc - 1, argv + 1));
}
