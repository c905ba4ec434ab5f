// SPDX-License-Identifier: Apache-2.0
//
// What a role may do as we declare it, beside what the kernel says it can, and where they differ.
#pragma once

#include "base/buf.h"
#include "base/json.h"
#include "cmd/status_probe.h"

// Adds a line for each thing that the kernel lets a process of this role have or do and the table
// of roles does not; or of which the table says that it is taken away, and it is not. Gives their
// number.
unsigned ov_manifest_compare(enum ov_role_id role, const struct ov_probe *probe,
                             struct ov_buf *lines);

// The object `manifest`; `lines` are those of ov_manifest_compare.
void ov_manifest_add(struct ov_json *json, enum ov_role_id role, const struct ov_probe *probe,
                     const struct ov_buf *lines);
