// SPDX-License-Identifier: Apache-2.0
//
// Looks up the perceptual hash of a picture: the trigger of rules that ask for one.
#pragma once

#include "match/matcher_state.h"

// Touches the rules of which a subsignature has the hash of the current object. The picture is
// decoded only when the conditions of some rule that asks for a hash leave it open.
void ov_pictures_touch(struct ov_matcher *matcher);
