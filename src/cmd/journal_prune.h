// SPDX-License-Identifier: Apache-2.0
//
// overt journal prune.
#pragma once

// Arguments behind the word `prune`, argv[0] being that word; gives the exit code.
int ov_journal_prune(int argc, char **argv);
