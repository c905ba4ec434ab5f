// SPDX-License-Identifier: Apache-2.0
//
// Named characters of SGML and HTML.
#pragma once

#include "base/span.h"

// The character that `&name;` stands for. False when the name is not known.
bool ov_entity_find(struct ov_span name, uint16_t *ret_value);
