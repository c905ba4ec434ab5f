// SPDX-License-Identifier: Apache-2.0
//
// Which words end the name of a host: top-level domains, as clamscan lists them, in small letters.
#pragma once

#include "base/span.h"

bool ov_domain_is_top(struct ov_span word);

// Those of countries, of which some are no top-level domains.
bool ov_domain_is_country(struct ov_span word);
