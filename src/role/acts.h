// SPDX-License-Identifier: Apache-2.0
//
// What the processes of this command do, for its journal: whoever starts one, ends it, or hears of
// it what it sent, tells it here. The keeper of the run is followed from its start to its end;
// while there is none, nothing is told.
//
// What is told waits until it is handed to the keeper, with the next entries of whoever writes
// them.
#pragma once

#include "role/keeper.h"
#include "role/roles.h"

// The next acts go to this keeper, which stays where it is until ov_acts_leave(); the sums begin at
// nothing.
void ov_acts_follow(struct ov_keeper *keeper);
void ov_acts_leave(void);

// Whether there are entries that wait; hands them to the keeper; and has them put on disk. Statuses
// as ov_keeper_sync.
bool ov_acts_has_waiting(void);
enum ov_status ov_acts_send(void);
enum ov_status ov_acts_sync(void);
// The same, with a heartbeat. As ov_keeper_beat.
enum ov_status ov_acts_beat(void);

// Another entry that can wait so long.
void ov_acts_add(enum ov_entry_type type, struct ov_span body);

// ---- processes ----------------------------------------------------------------------------------

// One of ours, from its start to its end.
struct ov_acting {
    enum ov_role_id role;
    pid_t pid; // 0: nothing is told of it
    uint8_t program[OV_SHA256_BYTES];
    bool has_program;
    bool is_told; // that it began
};

// It was started: with the program that is open at `program`, or as a fork of this one (-1).
void ov_acting_start(struct ov_acting *acting, enum ov_role_id role, pid_t pid, int program);
// It has said what confines it (OV_CAGE() bits). An entry `role`.
void ov_acting_ready(struct ov_acting *acting, uint32_t layers);
// It has ended so, as waitpid says; -1: it could not be waited for. An entry `gone`, after one that
// it began when it never said what confines it.
void ov_acting_end(struct ov_acting *acting, int end);

// The SHA-256 of the program that is open at `fd`; of one that was asked for lately it is known.
enum ov_status ov_program_digest(int fd, uint8_t ret_sha256[OV_SHA256_BYTES]);
// Somebody else knows it.
void ov_program_know(int fd, const uint8_t sha256[OV_SHA256_BYTES]);

// ---- what left the machine ----------------------------------------------------------------------

// Bytes of one process to a peer, and from it. An entry `sent`.
void ov_acts_sent(enum ov_role_id role, const char *peer, uint64_t bytes, uint64_t received);
// What one of them sent is not known: it ended before it said so.
void ov_acts_sent_unknown(void);

// "sent N" for the entry `stop`, or "sent -" when it is not known. Room: 32 bytes.
enum { OV_ACTS_SENT_BYTES = 32 };
void ov_acts_write_sent(char ret_text[OV_ACTS_SENT_BYTES]);
