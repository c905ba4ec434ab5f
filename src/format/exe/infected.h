// SPDX-License-Identifier: Apache-2.0
//
// Viruses that change their form with each file, known by what none of their forms can change: the
// shape of a decryptor, a size, a jump into their section. Worker process only.
#pragma once

#include "format/exe/packed.h"

// Tells clamscan's alerts for W32.Parite.B, W32.Kriz, W32.Magistr.A and .B and W32.Polipos.A, which
// of them fit. OV_OK, OV_LIMIT: no time is left.
enum ov_status ov_infected_look(const struct ov_packed *packed, struct ov_walk *walk);
