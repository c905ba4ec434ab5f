// SPDX-License-Identifier: Apache-2.0
//
// The words of `overt log`, and what they share. Each stands in a file log_WORD.c, reads its own
// options, and has a row in the table of log.c and its lines in the help there.
#pragma once

#include "cmd/command.h"

// argv[0] is the word; gives an enum ov_exit.
int ov_log_append(int argc, char **argv);
int ov_log_checkpoint(int argc, char **argv);
int ov_log_create(int argc, char **argv);
int ov_log_engine(int argc, char **argv);
int ov_log_key(int argc, char **argv);
int ov_log_monitor(int argc, char **argv);
int ov_log_prove(int argc, char **argv);
int ov_log_rotate(int argc, char **argv);
int ov_log_serve(int argc, char **argv);
int ov_log_sign(int argc, char **argv);
int ov_log_verify(int argc, char **argv);
int ov_log_withdraw(int argc, char **argv);
int ov_log_witness(int argc, char **argv);

// Tells of an option that getopt_long refused; gives OV_EXIT_ERROR.
int ov_log_reject_option(char **argv);

// Prints the help of `overt log`, which is that of all its words; gives OV_EXIT_NOTHING.
int ov_log_print_help(void);
