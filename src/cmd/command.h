// SPDX-License-Identifier: Apache-2.0
//
// One subcommand of `overt`: what its file gives to the table.
//
// src/cmd/NAME.c defines `const struct ov_command ov_command_NAME`; the word NAME in the list of
// src/cmd/meson.build puts it into the table, which the build generates.
#pragma once

#include <stddef.h>

// Exit codes of all subcommands. For scan, FOUND wins over ERROR and INCOMPLETE.
enum ov_exit {
    OV_EXIT_NOTHING = 0,    // done, nothing found
    OV_EXIT_FOUND = 1,      // a detection, a finding, a mismatch
    OV_EXIT_ERROR = 2,      // something could not be done
    OV_EXIT_INCOMPLETE = 3, // nothing found, but something was not fully scanned
};

struct ov_command {
    const char *name;                  // the word on the command line
    const char *summary;               // a few words for the list of commands
    int (*run)(int argc, char **argv); // argv[0] is the name; gives an enum ov_exit
    const char *help;                  // whole text of --help, with an example, ends in newline
};

// All commands in alphabetical order; generated.
extern const struct ov_command *const ov_commands[];
extern const size_t ov_command_count;

// The command of that name, or NULL.
const struct ov_command *ov_command_find(const char *name);

// The command whose name is nearest to a mistyped word, or NULL when none is near.
const struct ov_command *ov_command_nearest(const char *word);
