// SPDX-License-Identifier: Apache-2.0
//
// Detections that no rule makes: their names, their numbers, and the switches that ask for them.
//
// They are clamscan's heuristic alerts, under clamscan's names. In verdicts they have the rule
// numbers from OV_HEURISTIC_FIRST on, which no image reaches, so that worker and broker need no
// other word for them. Constant; any process.
#pragma once

#include "base/budget.h"

// Switches, bits. Options of `overt scan` (cmd/scan_options.c) with clamscan's names and defaults.
enum {
    OV_ALERT_HEURISTICS = 1 << 0, // what is told unless switched off
    OV_ALERT_ENCRYPTED_ARCHIVE = 1 << 1,
    OV_ALERT_ENCRYPTED_DOC = 1 << 2,
    OV_ALERT_MACROS = 1 << 3,
    OV_ALERT_BROKEN = 1 << 4,
    OV_ALERT_EXCEEDS_MAX = 1 << 5,
    OV_ALERT_PRECEDENCE = 1 << 6, // no alert of its own: heuristics and PUA count as strong
    OV_ALERT_BROKEN_MEDIA = 1 << 7,
    OV_ALERT_PARTITIONS = 1 << 8,
    OV_ALERT_NO_CERTIFICATES = 1 << 9, // no alert of its own: signatures of programs do not count
    OV_ALERT_PHISHING = 1 << 10,       // links in mails that show another host than they lead to
    OV_ALERT_PHISHING_SSL = 1 << 11,   // no name of its own: whatever host they show
    OV_ALERT_PHISHING_CLOAK = 1 << 12, // likewise
    OV_ALERT_ALL = (1 << 13) - 1,
};

enum ov_heuristic {
    OV_HEURISTIC_ENCRYPTED_ZIP = 0,
    OV_HEURISTIC_ENCRYPTED_RAR,
    OV_HEURISTIC_ENCRYPTED_7ZIP,
    OV_HEURISTIC_ENCRYPTED_EGG,
    OV_HEURISTIC_ENCRYPTED_PDF,
    OV_HEURISTIC_ENCRYPTED_OLE2,
    OV_HEURISTIC_MACROS_VBA,
    OV_HEURISTIC_MACROS_XLM,
    OV_HEURISTIC_BROKEN_EXECUTABLE,
    OV_HEURISTIC_ZIP_OVERLAPPING,
    OV_HEURISTIC_PDF_OBFUSCATED,
    OV_HEURISTIC_PHISHING_DOMAIN,
    OV_HEURISTIC_PHISHING_SSL,
    OV_HEURISTIC_PHISHING_CLOAKED,
    OV_HEURISTIC_LIMIT_FILE_SIZE,
    OV_HEURISTIC_LIMIT_SCAN_SIZE,
    OV_HEURISTIC_LIMIT_RECURSION,
    OV_HEURISTIC_LIMIT_FILES,
    OV_HEURISTIC_LIMIT_SCAN_TIME,
    OV_HEURISTIC_MEDIA_GIF_SCREEN,
    OV_HEURISTIC_MEDIA_GIF_COLORS,
    OV_HEURISTIC_MEDIA_GIF_NO_IMAGE,
    OV_HEURISTIC_MEDIA_GIF_EXTENSION,
    OV_HEURISTIC_MEDIA_GIF_EXTENSION_BLOCK,
    OV_HEURISTIC_MEDIA_GIF_IMAGE,
    OV_HEURISTIC_MEDIA_GIF_IMAGE_BLOCK,
    OV_HEURISTIC_MEDIA_GIF_LABEL,
    OV_HEURISTIC_MEDIA_JPEG_MARKER,
    OV_HEURISTIC_MEDIA_JPEG_SPURIOUS,
    OV_HEURISTIC_MEDIA_JPEG_NO_SIZE,
    OV_HEURISTIC_MEDIA_JPEG_SIZE,
    OV_HEURISTIC_MEDIA_JPEG_OUT_OF_FILE,
    OV_HEURISTIC_MEDIA_JPEG_JFIF_TWICE,
    OV_HEURISTIC_MEDIA_JPEG_JFIF_PLACE,
    OV_HEURISTIC_MEDIA_JPEG_JFIF_SHORT,
    OV_HEURISTIC_MEDIA_JPEG_EXIF_TWICE,
    OV_HEURISTIC_MEDIA_JPEG_EXIF_PLACE,
    OV_HEURISTIC_MEDIA_JPEG_EXIF_SHORT,
    OV_HEURISTIC_MEDIA_JPEG_SPIFF_TWICE,
    OV_HEURISTIC_MEDIA_JPEG_SPIFF_PLACE,
    OV_HEURISTIC_MEDIA_JPEG_SPIFF_SHORT,
    OV_HEURISTIC_MEDIA_JPEG_APP_BEFORE_JPG7,
    OV_HEURISTIC_MEDIA_JPEG_NO_IMAGE,
    OV_HEURISTIC_MEDIA_JPEG_DTT,
    OV_HEURISTIC_MEDIA_PNG_LENGTH,
    OV_HEURISTIC_MEDIA_PNG_NO_TYPE,
    OV_HEURISTIC_MEDIA_PNG_CHUNK,
    OV_HEURISTIC_MEDIA_PNG_NO_CHECKSUM,
    OV_HEURISTIC_MEDIA_TIFF_NO_OFFSET,
    OV_HEURISTIC_MEDIA_TIFF_OFFSET,
    OV_HEURISTIC_MEDIA_TIFF_NO_COUNT,
    OV_HEURISTIC_MEDIA_TIFF_ENTRY,
    OV_HEURISTIC_MEDIA_TIFF_OUT_OF_FILE,
    OV_HEURISTIC_MEDIA_TIFF_NO_NEXT,
    OV_HEURISTIC_MEDIA_TIFF_ORDER,
    OV_HEURISTIC_MS04_028,
    OV_HEURISTIC_MS05_002,
    OV_HEURISTIC_MBR_PARTITIONS,
    OV_HEURISTIC_GPT_PARTITIONS,
    OV_HEURISTIC_APM_PARTITIONS,
    OV_HEURISTIC_XZ_DICTIONARY,
    OV_HEURISTIC_MYDOOM_LOG,
    OV_HEURISTIC_PARITE_B,
    OV_HEURISTIC_KRIZ,
    OV_HEURISTIC_MAGISTR_A,
    OV_HEURISTIC_MAGISTR_A_DAMAGED,
    OV_HEURISTIC_MAGISTR_B,
    OV_HEURISTIC_MAGISTR_B_DAMAGED,
    OV_HEURISTIC_POLIPOS_A,
    OV_HEURISTIC_COUNT,
    OV_HEURISTIC_NONE = OV_HEURISTIC_COUNT,
};

#define OV_HEURISTIC_FIRST 0xffffff00u // rule number of the first; those of images lie below

// The rule number of a heuristic.
uint32_t ov_heuristic_rule(enum ov_heuristic heuristic);

// The heuristic behind a rule number; OV_HEURISTIC_NONE for the number of a rule, or of nothing.
enum ov_heuristic ov_heuristic_of_rule(uint32_t rule);

// What is told when that limit was hit, or OV_HEURISTIC_NONE where clamscan has no such limit.
enum ov_heuristic ov_heuristic_of_limit(enum ov_limit limit);

// The name, as clamscan prints it, misspelt ones too; "?" for OV_HEURISTIC_NONE.
const char *ov_heuristic_name(enum ov_heuristic heuristic);

// Whether it is told under these switches (OV_ALERT_*). Never for OV_HEURISTIC_NONE.
bool ov_heuristic_is_on(enum ov_heuristic heuristic, uint32_t alerts);
