// SPDX-License-Identifier: Apache-2.0
// Single files compressed by Microsoft's COMPRESS.EXE, by libmspack.
#include "format/format.h"
#include "format/archive/mspack_memory.h"

static enum ov_status walk_szdd(struct ov_cursor *in, struct ov_walk *walk) {
    OV_CLEANUP(ov_mspack_release) struct ov_mspack mspack;
    ov_mspack_init(&mspack, walk, in->bytes);
    struct msszdd_decompressor *szdd = mspack_create_szdd_decompressor(&mspack.system);
    if (szdd == NULL) {
        return OV_MEMORY;
    }
    struct msszddd_header *header = szdd->open(szdd, ov_mspack_name);
    if (header == NULL) {
        enum ov_status status = ov_mspack_status(&mspack, szdd->last_error(szdd));
        mspack_destroy_szdd_decompressor(szdd);
        return status;
    }
    ov_mspack_start(&mspack);
    enum ov_status unpacked =
        ov_mspack_status(&mspack, szdd->extract(szdd, header, ov_mspack_name));
    struct ov_child child = {
        .kind = OV_CHILD_MEMBER,
        .bytes = ov_buf_span(&mspack.part),
        .packed_bytes = in->bytes.size,
        .plain_bytes = header->length > 0 ? (uint64_t)header->length : 0,
    };
    enum ov_status told = unpacked == OV_MEMORY ? unpacked : ov_walk_child(walk, &child);
    szdd->close(szdd, header);
    mspack_destroy_szdd_decompressor(szdd);
    return told != OV_OK ? told : unpacked;
}

static const struct ov_magic magics[] = {OV_MAGIC(0, "SZDD")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_MSSZDD, OV_MAGICS(magics), .walk = walk_szdd},
};

OV_FORMAT_SET(szdd, formats);
