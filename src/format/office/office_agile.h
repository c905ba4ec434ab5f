// SPDX-License-Identifier: Apache-2.0
//
// Agile encryption of Office 2010 and later ([MS-OFFCRYPTO] 2.3.4.10). Worker process only.
#pragma once

#include "format/walk.h"

// Appends what an EncryptedPackage stream holds if `password` (UTF-16LE) opens it; `info` is the
// document in EncryptionInfo behind its version and flags. OV_OK; OV_UNSUPPORTED: another password,
// or a cipher or hash that is not built; OV_MEMORY, OV_LIMIT.
enum ov_status ov_agile_open(struct ov_walk *walk, struct ov_span info, struct ov_span package,
                             struct ov_span password, struct ov_buf *plain);
