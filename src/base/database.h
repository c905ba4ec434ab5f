// SPDX-License-Identifier: Apache-2.0
//
// What is told of a vendor's database (.cvd, .cld): how it was verified, or why it is refused.
//
// Made in the caged process that read it, and printed in another; so it has numbers where a text
// could be chosen by whoever wrote the database. docs/formats/clamav-feed.md.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    OV_DATABASE_NAME_BYTES = 32,   // with its NUL
    OV_DATABASE_SIGNER_BYTES = 64, // likewise
};

// What was checked, and holds.
enum {
    OV_DATABASE_LEGACY = 1 << 0, // the header: MD5 of the body, RSA with 1024 bits
    OV_DATABASE_INFO = 1 << 1,   // the list of members: SHA-256 of each, RSA-PSS with 2048 bits
    OV_DATABASE_SIGN = 1 << 2,   // the .sign file: PKCS #7, by a certificate of the user's choice
    OV_DATABASE_CHECKS = 7,
};

enum ov_database_refusal {
    OV_DATABASE_ACCEPTED,
    // Of the database, in the order in which it is looked at.
    OV_DATABASE_NO_HEADER,       // not 512 bytes that begin with ClamAV-VDB:
    OV_DATABASE_BAD_HEADER,      // a field is missing, or is no number
    OV_DATABASE_BAD_MD5,         // the body is not the one that the header names
    OV_DATABASE_BAD_LEGACY,      // the signature in the header is not the vendor's
    OV_DATABASE_BAD_GZIP,        // the body cannot be unpacked
    OV_DATABASE_TOO_LARGE,       // it unpacks to more than is allowed
    OV_DATABASE_BAD_TAR,         // the body holds something else than plain files
    OV_DATABASE_NO_INFO,         // not exactly one member NAME.info
    OV_DATABASE_BAD_INFO,        // that cannot be read
    OV_DATABASE_BAD_INFO_SIGN,   // its signature is not the vendor's
    OV_DATABASE_OTHER_INFO,      // it is that of another version than the header's
    OV_DATABASE_STRANGER,        // a member stands in no list
    OV_DATABASE_MISSING,         // a member that is listed is not there
    OV_DATABASE_BAD_MEMBER,      // a member has another size or digest than is listed
    OV_DATABASE_UNSIGNED,        // no signature of any kind holds
    OV_DATABASE_BAD_SIGN_FILE,   // the .sign file cannot be read
    OV_DATABASE_BAD_SIGN,        // it does not sign this file, or nobody known has signed it
    OV_DATABASE_NO_SIGN,         // there is none, or no certificate to check it, and it is demanded
    OV_DATABASE_BAD_CERTIFICATE, // a certificate of the user's cannot be read
    // Of an update.
    OV_DATABASE_NO_CDIFF,        // it does not begin with ClamAV-Diff:
    OV_DATABASE_BAD_CDIFF,       // its header or its footer cannot be read
    OV_DATABASE_BAD_CDIFF_SIGN,  // its signature is not the vendor's
    OV_DATABASE_BAD_SCRIPT_GZIP, // its script cannot be unpacked, or is not as long as it says
    OV_DATABASE_OTHER_VERSION,   // it does not follow the version before
    OV_DATABASE_BAD_COMMAND,     // a line of the script is no command
    OV_DATABASE_BAD_NAME,        // a command names what cannot be a member
    OV_DATABASE_BAD_ORDER,       // a command may not stand here: a member is open, or none is
    OV_DATABASE_BAD_LINE,        // a line is not there, or does not begin as the command says
    OV_DATABASE_BAD_RESULT,      // what came out has another version than was promised
    OV_DATABASE_REFUSAL_COUNT,
};

struct ov_database_report {
    enum ov_database_refusal refusal; // else the rest is of no account but for `source`, `line`
    uint32_t checks;                  // OV_DATABASE_ bits
    bool is_local;                    // .cld: made here, by updates; its header is not signed
    bool has_sign;                    // a .sign file was there
    uint32_t source;                  // the one that is refused, by its place in the request
    uint32_t line;                    // of its script, from 1; 0: not in a script
    uint32_t member_count;            // that are listed
    uint64_t version;
    uint64_t rule_count;                   // as the vendor counts
    uint64_t level;                        // of functions that a scanner must have
    uint64_t time;                         // when it was made, in seconds since 1970
    char name[OV_DATABASE_NAME_BYTES];     // "daily": letters, digits, - and _
    char signer[OV_DATABASE_SIGNER_BYTES]; // common name in the certificate; printable ASCII
};

// Why, in words that follow the name of the file; never NULL.
const char *ov_database_refusal_text(enum ov_database_refusal refusal);

// What the checks come to, in words for listings: which signature holds, and what it is worth.
const char *ov_database_trust_text(const struct ov_database_report *report);
