// SPDX-License-Identifier: Apache-2.0
// Magics of compiled code for virtual machines.
#include "format/format.h"

enum { VERSION_OFFSET = 7, JAVA_VERSION_MIN = 0x20, JAVA_VERSION_MAX = 0x3f };

// Java shares its magic with universal binaries, which have the number of their architectures where
// Java has its version.
static bool is_java(struct ov_span first) {
    return first.size > VERSION_OFFSET && first.data[VERSION_OFFSET] >= JAVA_VERSION_MIN &&
           first.data[VERSION_OFFSET] <= JAVA_VERSION_MAX;
}

// Python's version is a number that grows with each change of the byte code. clamscan knows every
// number of one high byte from 3.3 on, and the published ones before.
static bool is_python(struct ov_span first) {
    static const uint8_t early3[] = {0x09, 0x13, 0x1d, 0x1f, 0x27, 0x3b, 0x45, 0x4f,
                                     0x58, 0x62, 0x6c, 0x76, 0x80, 0x8a, 0x94, 0x9e,
                                     0xb2, 0xbc, 0xc6, 0xd0, 0xda, 0xe4, 0xee, 0xf8};
    static const uint8_t late2[] = {0x03, 0x04, 0x0a};
    static const uint8_t early2[] = {0x3b, 0x3c, 0x45, 0x59, 0x63, 0x6d, 0x6e, 0x77,
                                     0x81, 0x8b, 0x8c, 0x95, 0x9f, 0xa9, 0xb3, 0xb4,
                                     0xc7, 0xd1, 0xd2, 0xdb, 0xe5, 0xef, 0xf9};
    if (first.size < 2) {
        return false;
    }
    int low = first.data[0];
    switch (first.data[1]) {
    case 0x0d:
        return true;
    case 0x0c:
        return memchr(early3, low, sizeof early3) != NULL;
    case 0xf3:
        return memchr(late2, low, sizeof late2) != NULL;
    case 0xf2:
        return memchr(early2, low, sizeof early2) != NULL;
    default:
        return false;
    }
}

static const struct ov_magic magics_java[] = {OV_MAGIC(0, "\xca\xfe\xba\xbe\0\0\0")};
static const struct ov_magic magics_python[] = {OV_MAGIC(2, "\r\n")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_JAVA, OV_MAGICS(magics_java), .is_sure = is_java},
    {.type = OV_FILETYPE_PYTHON_COMPILED, OV_MAGICS(magics_python), .is_sure = is_python},
};

OV_FORMAT_SET(program, formats);
