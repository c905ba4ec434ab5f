// SPDX-License-Identifier: Apache-2.0
//
// durable-write PATH TEXT: replaces a file by base/durable.h, for tests/fault_test.py.
#include "base/durable.h"

#include <fcntl.h>

int main(int count, char **words) {
    if (count != 3) {
        return 2;
    }
    return ov_durable_write(AT_FDCWD, words[1], ov_span_text(words[2]), 0600) == OV_OK ? 0 : 1;
}
