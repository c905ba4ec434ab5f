// SPDX-License-Identifier: Apache-2.0
//
// The first word of every message. For the files of this room alone.
#pragma once

enum {
    OV_WIRE_SETUP = 0x5355564f,      // "OVUS"
    OV_WIRE_JOBS = 0x4a55564f,       // "OVUJ"
    OV_WIRE_READY = 0x5255564f,      // "OVUR"
    OV_WIRE_VERDICTS = 0x5655564f,   // "OVUV"
    OV_WIRE_DETECTIONS = 0x4455564f, // "OVUD"
    OV_WIRE_REQUEST = 0x5155564f,    // "OVUQ"
    OV_WIRE_SOURCE = 0x4655564f,     // "OVUF"
    OV_WIRE_REPORT = 0x5455564f,     // "OVUT"
    OV_WIRE_CONFINED = 0x4355564f,   // "OVUC"
    OV_WIRE_ANSWER = 0x4155564f,     // "OVUA"
    OV_WIRE_BYTES = 0x4255564f,      // "OVUB"
};
