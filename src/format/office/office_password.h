// SPDX-License-Identifier: Apache-2.0
//
// Documents locked with the password that Excel tries by itself, "VelvetSweatshop": they open
// without a question, and hide what they hold from scanners ([MS-OFFCRYPTO]). Worker process only.
#pragma once

#include "format/walk.h"

// Appends what an EncryptedPackage stream holds (standard encryption, 2.3.4.5, or agile, 2.3.4.10).
// OV_OK: that was the password. OV_UNSUPPORTED: it was not, or this is another kind of encryption.
// OV_MEMORY, OV_LIMIT.
enum ov_status ov_package_open(struct ov_walk *walk, struct ov_span info, struct ov_span package,
                               struct ov_buf *plain);

// The same for a Workbook stream locked with RC4, with or without CryptoAPI (2.3.5, 2.3.6).
enum ov_status ov_workbook_open(struct ov_walk *walk, struct ov_span stream, struct ov_buf *plain);
