// SPDX-License-Identifier: Apache-2.0
// Heuristic alerts: what walkers notice, under the names that clamscan has for it.
#include "scan/scanner_state.h"

void ov_subject_alert(struct ov_subject *subject, enum ov_heuristic heuristic) {
    struct ov_scanner *scanner = subject->scanner;
    if (!ov_heuristic_is_on(heuristic, scanner->options.alerts)) {
        return;
    }
    scanner->finds.count = 0;
    ov_finds_add_heuristic(&scanner->finds, heuristic);
    ov_subject_report(subject);
}

// What it means that a part of such an object needs a password.
static enum ov_heuristic name_encrypted(enum ov_filetype type) {
    switch (type) {
    case OV_FILETYPE_ZIP:
    case OV_FILETYPE_ZIPSFX:
    case OV_FILETYPE_OOXML_WORD:
    case OV_FILETYPE_OOXML_XL:
    case OV_FILETYPE_OOXML_PPT:
    case OV_FILETYPE_OOXML_HWP:
        return OV_HEURISTIC_ENCRYPTED_ZIP;
    case OV_FILETYPE_RAR:
    case OV_FILETYPE_RARSFX:
        return OV_HEURISTIC_ENCRYPTED_RAR;
    case OV_FILETYPE_7Z:
    case OV_FILETYPE_7ZSFX:
        return OV_HEURISTIC_ENCRYPTED_7ZIP;
    case OV_FILETYPE_EGG:
    case OV_FILETYPE_EGGSFX:
        return OV_HEURISTIC_ENCRYPTED_EGG;
    case OV_FILETYPE_PDF:
        return OV_HEURISTIC_ENCRYPTED_PDF;
    case OV_FILETYPE_MSOLE2:
    case OV_FILETYPE_MSWORD:
    case OV_FILETYPE_MSXL:
    case OV_FILETYPE_MSPPT:
    case OV_FILETYPE_HWP5:
        return OV_HEURISTIC_ENCRYPTED_OLE2;
    default:
        return OV_HEURISTIC_NONE; // clamscan tells nothing of these
    }
}

void ov_subject_alert_fact(struct ov_subject *subject, enum ov_fact fact) {
    enum ov_heuristic encrypted = name_encrypted(subject->type);
    bool is_zip = encrypted == OV_HEURISTIC_ENCRYPTED_ZIP;
    switch (fact) {
    case OV_FACT_ENCRYPTED:
        ov_subject_alert(subject, encrypted);
        break;
    case OV_FACT_OVERLAPPING:
        ov_subject_alert(subject, is_zip ? OV_HEURISTIC_ZIP_OVERLAPPING : OV_HEURISTIC_NONE);
        break;
    case OV_FACT_MACROS:
        ov_subject_alert(subject, OV_HEURISTIC_MACROS_VBA);
        break;
    case OV_FACT_MACROS_XLM:
        ov_subject_alert(subject, OV_HEURISTIC_MACROS_XLM);
        break;
    case OV_FACT_OBFUSCATED:
        ov_subject_alert(subject, OV_HEURISTIC_PDF_OBFUSCATED);
        break;
    default:
        break; // clamscan has no name for broken archives and documents
    }
}
