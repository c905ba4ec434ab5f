// SPDX-License-Identifier: Apache-2.0
//
// What the readers of InstallShield's installers share: the cabinets among their files.
//
// A header (data1.hdr) lists the files, volumes (data1.cab, data2.cab ...) hold their bytes.
// Borrows all of it. Worker process only.
#pragma once

#include "format/walk.h"

enum { OV_SHIELD_VOLUMES_MAX = 64 };

struct ov_shield_set {
    struct ov_span header;                             // empty: none
    struct ov_span volumes[OV_SHIELD_VOLUMES_MAX + 1]; // by their numbers, from 1 on
};

// Where in the set a file of this name belongs, or NULL when it is none of it.
struct ov_span *ov_shield_place(struct ov_shield_set *set, struct ov_span name);

// Tells of the files in the cabinets. OV_OK also when there is no header or no volume; else as
// walkers do.
enum ov_status ov_shield_walk_set(const struct ov_shield_set *set, struct ov_walk *walk);

// Whether a file is a cabinet that holds its own header, and so needs no other.
bool ov_shield_is_whole(struct ov_span cabinet);

// The walker of files that are scrambled by their names, one after another behind a program.
// installshield_stream.c
enum ov_status ov_shield_walk_stream(struct ov_cursor *in, struct ov_walk *walk);

// Whether such files begin at the start of `rest`.
bool ov_shield_is_stream(struct ov_span rest);
