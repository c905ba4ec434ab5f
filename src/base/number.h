// SPDX-License-Identifier: Apache-2.0
//
// Decimal numbers, read strictly: without sign or leading zero, at most OV_NUMBER_MAX.
#pragma once

#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

#define OV_NUMBER_MAX ((uint64_t)INT64_MAX)

// A number, the whole of `text`. OV_DAMAGED for anything else.
enum ov_status ov_number_read(struct ov_span text, uint64_t *ret_number);
