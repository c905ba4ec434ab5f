// SPDX-License-Identifier: Apache-2.0
//
// What the Object Packager of Windows writes around a file. Worker process only.
#pragma once

#include "base/cursor.h"

// Reads what follows the size of an \x01Ole10Native stream, or stands as data of an OLE 1 object of
// class Package. False when it is something else. The file is as long as there are bytes;
// `ret_size` says how long it should be.
bool ov_ole_package_read(struct ov_span packed, struct ov_span *ret_file, struct ov_span *ret_label,
                         uint32_t *ret_size);
