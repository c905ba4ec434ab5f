// SPDX-License-Identifier: Apache-2.0
// The table of heuristic alerts.
#include "base/heuristic.h"

struct row {
    const char *name;
    uint32_t alert; // the switches that have to be on; none: it is always told
};

enum { MEDIA = OV_ALERT_HEURISTICS | OV_ALERT_BROKEN_MEDIA };

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
    [OV_HEURISTIC_PHISHING_DOMAIN] = {"Heuristics.Phishing.Email.SpoofedDomain", OV_ALERT_PHISHING},
    [OV_HEURISTIC_PHISHING_SSL] = {"Heuristics.Phishing.Email.SSL-Spoof", OV_ALERT_PHISHING},
    [OV_HEURISTIC_PHISHING_CLOAKED] = {"Heuristics.Phishing.Email.Cloaked.Null", OV_ALERT_PHISHING},
    [OV_HEURISTIC_LIMIT_FILE_SIZE] = {"Heuristics.Limits.Exceeded.MaxFileSize",
                                      OV_ALERT_EXCEEDS_MAX},
    [OV_HEURISTIC_LIMIT_SCAN_SIZE] = {"Heuristics.Limits.Exceeded.MaxScanSize",
                                      OV_ALERT_EXCEEDS_MAX},
    [OV_HEURISTIC_LIMIT_RECURSION] = {"Heuristics.Limits.Exceeded.MaxRecursion",
                                      OV_ALERT_EXCEEDS_MAX},
    [OV_HEURISTIC_LIMIT_FILES] = {"Heuristics.Limits.Exceeded.MaxFiles", OV_ALERT_EXCEEDS_MAX},
    [OV_HEURISTIC_LIMIT_SCAN_TIME] = {"Heuristics.Limits.Exceeded.MaxScanTime",
                                      OV_ALERT_EXCEEDS_MAX},
    [OV_HEURISTIC_MEDIA_GIF_SCREEN] = {"Heuristics.Broken.Media.GIF.TruncatedScreenDescriptor",
                                       MEDIA},
    [OV_HEURISTIC_MEDIA_GIF_COLORS] = {"Heuristics.Broken.Media.GIF.TruncatedGlobalColorTable",
                                       MEDIA},
    [OV_HEURISTIC_MEDIA_GIF_NO_IMAGE] = {"Heuristics.Broken.Media.GIF.MissingImageData", MEDIA},
    [OV_HEURISTIC_MEDIA_GIF_EXTENSION] = {"Heuristics.Broken.Media.GIF.TruncatedExtension", MEDIA},
    [OV_HEURISTIC_MEDIA_GIF_EXTENSION_BLOCK] =
        {"Heuristics.Broken.Media.GIF.TruncatedExtensionSubBlock", MEDIA},
    [OV_HEURISTIC_MEDIA_GIF_IMAGE] = {"Heuristics.Broken.Media.GIF.TruncatedImageDescriptor",
                                      MEDIA},
    [OV_HEURISTIC_MEDIA_GIF_IMAGE_BLOCK] = {"Heuristics.Broken.Media.GIF.TruncatedImageDataBlock",
                                            MEDIA},
    [OV_HEURISTIC_MEDIA_GIF_LABEL] = {"Heuristics.Broken.Media.GIF.UnknownBlockLabel", MEDIA},
    [OV_HEURISTIC_MEDIA_JPEG_MARKER] = {"Heuristics.Broken.Media.JPEG.CantReadMarker", MEDIA},
    [OV_HEURISTIC_MEDIA_JPEG_SPURIOUS] = {"Heuristics.Broken.Media.JPEG.SpuriousBytesBeforeSegment",
                                          MEDIA},
    [OV_HEURISTIC_MEDIA_JPEG_NO_SIZE] = {"Heuristics.Broken.Media.JPEG.CantReadSegmentSize", MEDIA},
    [OV_HEURISTIC_MEDIA_JPEG_SIZE] = {"Heuristics.Broken.Media.JPEG.InvalidSegmentSize", MEDIA},
    [OV_HEURISTIC_MEDIA_JPEG_OUT_OF_FILE] = {"Heuristics.Broken.Media.JPEG.SegmentDataOutOfFile",
                                             MEDIA},
    [OV_HEURISTIC_MEDIA_JPEG_JFIF_TWICE] = {"Heuristics.Broken.Media.JPEG.JFIFdupAppMarker", MEDIA},
    [OV_HEURISTIC_MEDIA_JPEG_JFIF_PLACE] = {"Heuristics.Broken.Media.JPEG.JFIFmarkerBadPosition",
                                            MEDIA},
    [OV_HEURISTIC_MEDIA_JPEG_JFIF_SHORT] = {"Heuristics.Broken.Media.JPEG.JFIFheaderTooShort",
                                            MEDIA},
    [OV_HEURISTIC_MEDIA_JPEG_EXIF_TWICE] = {"Heuristics.Broken.Media.JPEG.ExifDupAppMarker", MEDIA},
    [OV_HEURISTIC_MEDIA_JPEG_EXIF_PLACE] = {"Heuristics.Broken.Media.JPEG.ExifHeaderBadPosition",
                                            MEDIA},
    [OV_HEURISTIC_MEDIA_JPEG_EXIF_SHORT] = {"Heuristics.Broken.Media.JPEG.ExifHeaderTooShort",
                                            MEDIA},
    [OV_HEURISTIC_MEDIA_JPEG_SPIFF_TWICE] = {"Heuristics.Broken.Media.JPEG.SPIFFdupAppMarker",
                                             MEDIA},
    [OV_HEURISTIC_MEDIA_JPEG_SPIFF_PLACE] = {"Heuristics.Broken.Media.JPEG.SPIFFmarkerBadPosition",
                                             MEDIA},
    [OV_HEURISTIC_MEDIA_JPEG_SPIFF_SHORT] = {"Heuristics.Broken.Media.JPEG.SPIFFheaderTooShort",
                                             MEDIA},
    [OV_HEURISTIC_MEDIA_JPEG_APP_BEFORE_JPG7] = {"Heuristics.Broken.Media.JPEG.AppMarkerBeforeJPG7",
                                                 MEDIA},
    [OV_HEURISTIC_MEDIA_JPEG_NO_IMAGE] = {"Heuristics.Broken.Media.JPEG.NoImages", MEDIA},
    [OV_HEURISTIC_MEDIA_JPEG_DTT] = {"Heuristics.Broken.Media.JPEG.DTTMissingDTISegment", MEDIA},
    [OV_HEURISTIC_MEDIA_PNG_LENGTH] = {"Heuristics.Broken.Media.PNG.InvalidChunkLength", MEDIA},
    [OV_HEURISTIC_MEDIA_PNG_NO_TYPE] = {"Heuristics.Broken.Media.PNG.EOFReadingChunkType", MEDIA},
    [OV_HEURISTIC_MEDIA_PNG_CHUNK] = {"Heuristics.Broken.Media.PNG.EOFReadingChunk", MEDIA},
    [OV_HEURISTIC_MEDIA_PNG_NO_CHECKSUM] = {"Heuristics.Broken.Media.PNG.EOFReadingChunkCRC",
                                            MEDIA},
    [OV_HEURISTIC_MEDIA_TIFF_NO_OFFSET] = {"Heuristics.Broken.Media.TIFF.EOFReadingFirstIFDOffset",
                                           MEDIA},
    [OV_HEURISTIC_MEDIA_TIFF_OFFSET] = {"Heuristics.Broken.Media.TIFF.InvalidIFDOffset", MEDIA},
    [OV_HEURISTIC_MEDIA_TIFF_NO_COUNT] =
        {"Heuristics.Broken.Media.TIFF.EOFReadingNumIFDDirectoryEntries", MEDIA},
    [OV_HEURISTIC_MEDIA_TIFF_ENTRY] = {"Heuristics.Broken.Media.TIFF.EOFReadingIFDEntry", MEDIA},
    [OV_HEURISTIC_MEDIA_TIFF_OUT_OF_FILE] = {"Heuristics.Broken.Media.TIFF.OutOfBoundsAccess",
                                             MEDIA},
    [OV_HEURISTIC_MEDIA_TIFF_NO_NEXT] = {"Heuristics.Broken.Media.TIFF.EOFReadingChunkCRC", MEDIA},
    [OV_HEURISTIC_MEDIA_TIFF_ORDER] = {"Heuristics.Broken.Media.TIFF.OutOfOrderIFDOffset", MEDIA},
    [OV_HEURISTIC_MS04_028] = {"Heuristics.Exploit.W32.MS04-028", MEDIA},
    [OV_HEURISTIC_MS05_002] = {"Heuristics.Exploit.W32.MS05-002", OV_ALERT_HEURISTICS},
    [OV_HEURISTIC_MBR_PARTITIONS] = {"Heuristics.MBRPartitionnIntersect", OV_ALERT_PARTITIONS},
    [OV_HEURISTIC_GPT_PARTITIONS] = {"Heuristics.GPTPartitionIntersection", OV_ALERT_PARTITIONS},
    [OV_HEURISTIC_APM_PARTITIONS] = {"Heuristics.APMPartitionIntersection", OV_ALERT_PARTITIONS},
    [OV_HEURISTIC_XZ_DICTIONARY] = {"Heuristics.XZ.DicSizeLimit", 0}, // always
    [OV_HEURISTIC_MYDOOM_LOG] = {"Heuristics.Worm.Mydoom.M.log", OV_ALERT_HEURISTICS},
    [OV_HEURISTIC_PARITE_B] = {"Heuristics.W32.Parite.B", OV_ALERT_HEURISTICS},
    [OV_HEURISTIC_KRIZ] = {"Heuristics.W32.Kriz", OV_ALERT_HEURISTICS},
    [OV_HEURISTIC_MAGISTR_A] = {"Heuristics.W32.Magistr.A", OV_ALERT_HEURISTICS},
    [OV_HEURISTIC_MAGISTR_A_DAMAGED] = {"Heuristics.W32.Magistr.A.dam", OV_ALERT_HEURISTICS},
    [OV_HEURISTIC_MAGISTR_B] = {"Heuristics.W32.Magistr.B", OV_ALERT_HEURISTICS},
    [OV_HEURISTIC_MAGISTR_B_DAMAGED] = {"Heuristics.W32.Magistr.B.dam", OV_ALERT_HEURISTICS},
    [OV_HEURISTIC_POLIPOS_A] = {"Heuristics.W32.Polipos.A", OV_ALERT_HEURISTICS},
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
    return (unsigned)heuristic < OV_HEURISTIC_COUNT &&
           (rows[heuristic].alert & alerts) == rows[heuristic].alert;
}
