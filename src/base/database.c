// SPDX-License-Identifier: Apache-2.0
// The words for what is told of a vendor's database.
#include "base/database.h"

static const char *const refusals[OV_DATABASE_REFUSAL_COUNT] = {
    [OV_DATABASE_ACCEPTED] = "accepted",
    [OV_DATABASE_NO_HEADER] = "no ClamAV-VDB header of 512 bytes at the start",
    [OV_DATABASE_BAD_HEADER] = "its header cannot be read",
    [OV_DATABASE_BAD_MD5] = "its body is not the one that its header names (MD5)",
    [OV_DATABASE_BAD_LEGACY] = "the signature in its header is not the vendor's",
    [OV_DATABASE_BAD_GZIP] = "its gzip data is damaged or ends too early",
    [OV_DATABASE_TOO_LARGE] = "it unpacks to more than is allowed",
    [OV_DATABASE_BAD_TAR] = "its tar data is damaged, or holds something else than plain files",
    [OV_DATABASE_NO_INFO] = "it has not exactly one list of members (.info)",
    [OV_DATABASE_BAD_INFO] = "its list of members (.info) cannot be read",
    [OV_DATABASE_BAD_INFO_SIGN] =
        "the signature of its list of members (.info) is not the vendor's",
    [OV_DATABASE_OTHER_INFO] = "its header and its list of members (.info) are of two versions",
    [OV_DATABASE_STRANGER] = "it has a member that its list of members (.info) does not name",
    [OV_DATABASE_MISSING] = "a member that its list (.info) names is not there",
    [OV_DATABASE_BAD_MEMBER] = "a member has another size or SHA-256 than its list (.info) says",
    [OV_DATABASE_UNSIGNED] = "nobody has signed it",
    [OV_DATABASE_BAD_SIGN_FILE] = "its .sign file cannot be read",
    [OV_DATABASE_BAD_SIGN] =
        "its .sign file is for other bytes, or no certificate given leads to who signed it",
    [OV_DATABASE_NO_SIGN] =
        "a checked .sign file is demanded, and there is none, or no certificate to check it",
    [OV_DATABASE_BAD_CERTIFICATE] = "it holds no certificate that can be read",
    [OV_DATABASE_NO_CDIFF] = "no ClamAV-Diff header at the start",
    [OV_DATABASE_BAD_CDIFF] = "its header or its footer cannot be read",
    [OV_DATABASE_BAD_CDIFF_SIGN] = "its signature is not the vendor's",
    [OV_DATABASE_BAD_SCRIPT_GZIP] =
        "its script cannot be unpacked, or is not as long as its header says",
    [OV_DATABASE_OTHER_VERSION] = "it does not follow on the version before it",
    [OV_DATABASE_BAD_COMMAND] = "a line of its script is no command",
    [OV_DATABASE_BAD_NAME] = "a command names what is no member, or cannot be one",
    [OV_DATABASE_BAD_ORDER] = "a command stands where it must not: a member is open, or none is",
    [OV_DATABASE_BAD_LINE] = "a line is not there, or does not begin as the command says",
    [OV_DATABASE_BAD_RESULT] = "what came out of it is not the version that it promised",
};

const char *ov_database_refusal_text(enum ov_database_refusal refusal) {
    return (unsigned)refusal < OV_DATABASE_REFUSAL_COUNT ? refusals[refusal] : "unknown";
}

const char *ov_database_trust_text(const struct ov_database_report *report) {
    if ((report->checks & OV_DATABASE_SIGN) != 0) {
        return "signed (PKCS #7); nobody can see whether others got the same file";
    }
    if ((report->checks & OV_DATABASE_LEGACY) != 0) {
        return "legacy signature only (MD5, RSA-1024); nobody can see whether others got the same "
               "file";
    }
    if ((report->checks & OV_DATABASE_INFO) != 0) {
        return "patched here; its members are signed (SHA-256, RSA-2048), and nobody can see "
               "whether others got the same";
    }
    return "not signed";
}
