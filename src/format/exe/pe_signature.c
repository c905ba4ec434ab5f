// SPDX-License-Identifier: Apache-2.0
// Where a program is signed: "Windows Authenticode Portable Executable Signature Format"
// (Microsoft, 2008), "Calculating the PE Image Hash", and the PE/COFF specification, "The Attribute
// Certificate Table". Sections are not put in order, as clamscan does not: what signers make is one
// run of bytes.
#include "base/cursor.h"
#include "format/exe.h"

enum {
    CHECKSUM_AT = 64, // in the optional header
    CHECKSUM_BYTES = 4,
    DIRECTORIES32_AT = 96,
    DIRECTORIES64_AT = 112,
    BEFORE_CERTIFICATES = 4 * 8, // directories before that of the certificates
    DIRECTORY_BYTES = 8,
    HEAD_BYTES = 8, // length, revision and type before a certificate
    REVISION_2 = 0x200,
    TYPE_PKCS7 = 2,
};

// The run of bytes [from, to); OV_DAMAGED when the file does not hold it.
static enum ov_status take_run(struct ov_span file, uint64_t from, uint64_t to,
                               struct ov_span *ret_run) {
    if (from > to || to > file.size) {
        return OV_DAMAGED;
    }
    *ret_run = ov_span_part(file, from, to - from);
    return OV_OK;
}

// The certificates are the last of the file (MS13-098), and the first one is a PKCS #7. That its
// length says something else is let pass.
static enum ov_status read_certificates(struct ov_span table, struct ov_span *ret_bytes) {
    struct ov_cursor in = ov_cursor_init(table);
    ov_cursor_skip(&in, 4); // length
    uint16_t revision = ov_cursor_u16le(&in);
    uint16_t type = ov_cursor_u16le(&in);
    if (in.has_failed || revision != REVISION_2 || type != TYPE_PKCS7) {
        return OV_DAMAGED;
    }
    *ret_bytes = ov_span_from(table, HEAD_BYTES);
    return OV_OK;
}

enum ov_status ov_pe_signature_find(struct ov_span file, const struct ov_exe *exe,
                                    struct ov_pe_signature *ret_signature) {
    struct ov_pe_signature found = {0};
    uint64_t checksum_at = exe->pe.optional_offset + CHECKSUM_AT;
    uint64_t directory_at = exe->pe.optional_offset +
                            (exe->is_64 ? DIRECTORIES64_AT : DIRECTORIES32_AT) +
                            BEFORE_CERTIFICATES;
    uint64_t rest_at = directory_at + DIRECTORY_BYTES;
    uint64_t end = exe->pe.certificates_offset != 0 ? exe->pe.certificates_offset : file.size;
    if (rest_at > exe->pe.header_bytes ||
        (exe->pe.certificates_offset != 0 && exe->pe.certificates_end != file.size)) {
        return OV_DAMAGED;
    }
    TRY(take_run(file, 0, checksum_at, &found.parts[0]));
    TRY(take_run(file, checksum_at + CHECKSUM_BYTES, directory_at, &found.parts[1]));
    TRY(take_run(file, rest_at, end, &found.parts[2]));
    if (exe->pe.certificates_offset != 0) {
        TRY(read_certificates(ov_span_from(file, end), &found.bytes));
    }
    *ret_signature = found;
    return OV_OK;
}
