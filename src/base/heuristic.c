// SPDX-License-Identifier: Apache-2.0
// The table of heuristic alerts.
#include "base/heuristic.h"

struct row {
    const char *name;
    uint32_t alert; // the switch that asks for it
};

static const struct row rows[OV_HEURISTIC_COUNT] = {
    [OV_HEURISTIC_ENCRYPTED_ZIP] = {"Heuristics.Encrypted.Zip", OV_ALERT_ENCRYPTED_ARCHIVE},
    [OV_HEURISTIC_ENCRYPTED_RAR] = {"Heuristics.Encrypted.RAR", OV_ALERT_ENCRYPTED_ARCHIVE},
    [OV_HEURISTIC_ENCRYPTED_7ZIP] = {"Heuristics.Encrypted.7Zip", OV_ALERT_ENCRYPTED_ARCHIVE},
    [OV_HEURISTIC_ENCRYPTED_EGG] = {"Heuristics.Encrypted.EGG", OV_ALERT_ENCRYPTED_ARCHIVE},
    [OV_HEURISTIC_ENCRYPTED_PDF] = {"Heuristics.Encrypted.PDF", OV_ALERT_ENCRYPTED_DOC},
    [OV_HEURISTIC_ENCRYPTED_OLE2] = {"Heuristics.Encrypted.OLE2", OV_ALERT_ENCRYPTED_DOC},
    [OV_HEURISTIC_MACROS_VBA] = {"Heuristics.OLE2.ContainsMacros.VBA", OV_ALERT_MACROS},
    [OV_HEURISTIC_MACROS_XLM] = {"Heuristics.OLE2.ContainsMacros.XLM", OV_ALERT_MACROS},
    [OV_HEURISTIC_BROKEN_EXECUTABLE] = {"Heuristics.Broken.Executable", OV_ALERT_BROKEN},
    [OV_HEURISTIC_ZIP_OVERLAPPING] = {"Heuristics.Zip.OverlappingFiles", OV_ALERT_HEURISTICS},
    [OV_HEURISTIC_PDF_OBFUSCATED] = {"Heuristics.PDF.ObfuscatedNameObject", OV_ALERT_HEURISTICS},
    [OV_HEURISTIC_LIMIT_FILE_SIZE] = {"Heuristics.Limits.Exceeded.MaxFileSize",
                                      OV_ALERT_EXCEEDS_MAX},
    [OV_HEURISTIC_LIMIT_SCAN_SIZE] = {"Heuristics.Limits.Exceeded.MaxScanSize",
                                      OV_ALERT_EXCEEDS_MAX},
    [OV_HEURISTIC_LIMIT_RECURSION] = {"Heuristics.Limits.Exceeded.MaxRecursion",
                                      OV_ALERT_EXCEEDS_MAX},
    [OV_HEURISTIC_LIMIT_FILES] = {"Heuristics.Limits.Exceeded.MaxFiles", OV_ALERT_EXCEEDS_MAX},
    [OV_HEURISTIC_LIMIT_SCAN_TIME] = {"Heuristics.Limits.Exceeded.MaxScanTime",
                                      OV_ALERT_EXCEEDS_MAX},
};

uint32_t ov_heuristic_rule(enum ov_heuristic heuristic) {
    return OV_HEURISTIC_FIRST + (uint32_t)heuristic;
}

enum ov_heuristic ov_heuristic_of_rule(uint32_t rule) {
    return rule >= OV_HEURISTIC_FIRST && rule - OV_HEURISTIC_FIRST < OV_HEURISTIC_COUNT
               ? (enum ov_heuristic)(rule - OV_HEURISTIC_FIRST)
               : OV_HEURISTIC_NONE;
}

enum ov_heuristic ov_heuristic_of_limit(enum ov_limit limit) {
    switch (limit) {
    case OV_LIMIT_FILE_SIZE:
        return OV_HEURISTIC_LIMIT_FILE_SIZE;
    case OV_LIMIT_SCAN_SIZE:
        return OV_HEURISTIC_LIMIT_SCAN_SIZE;
    case OV_LIMIT_RECURSION:
        return OV_HEURISTIC_LIMIT_RECURSION;
    case OV_LIMIT_FILES:
        return OV_HEURISTIC_LIMIT_FILES;
    case OV_LIMIT_SCAN_TIME:
        return OV_HEURISTIC_LIMIT_SCAN_TIME;
    default:
        return OV_HEURISTIC_NONE;
    }
}

const char *ov_heuristic_name(enum ov_heuristic heuristic) {
    return (unsigned)heuristic < OV_HEURISTIC_COUNT ? rows[heuristic].name : "?";
}

bool ov_heuristic_is_on(enum ov_heuristic heuristic, uint32_t alerts) {
    return (unsigned)heuristic < OV_HEURISTIC_COUNT && (rows[heuristic].alert & alerts) != 0;
}
