// SPDX-License-Identifier: Apache-2.0
//
// What stands inside single streams of a compound file: packaged files, compressed storages, and
// the marks of encryption. Worker process only.
#pragma once

#include "format/office/ole_file.h"

// Tells what the bytes of a stream hold beside themselves: members, and OV_FACT_ENCRYPTED.
// OV_OK, OV_MEMORY, OV_LIMIT, or what the sink said.
enum ov_status ov_ole_tell_parts(struct ov_ole *ole, uint32_t entry, struct ov_span bytes);

// Whether the stream is what a password protects.
bool ov_ole_is_encrypted(const struct ov_ole_entry *entry);
