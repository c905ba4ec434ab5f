// SPDX-License-Identifier: Apache-2.0
// Compiled help files, by libmspack.
#include "format/format.h"
#include "format/archive/mspack_memory.h"

static enum ov_status tell_file(struct ov_mspack *mspack, struct mschm_decompressor *chm,
                                struct mschmd_file *file, enum ov_status *worst) {
    ov_mspack_start(mspack);
    int answer = chm->extract(chm, file, ov_mspack_name);
    uint64_t size = file->length > 0 ? (uint64_t)file->length : 0;
    return ov_mspack_tell(mspack, answer, file->filename, size, worst);
}

static enum ov_status walk_help(struct ov_mspack *mspack, struct mschm_decompressor *chm) {
    struct mschmd_header *help = chm->open(chm, ov_mspack_name);
    if (help == NULL) {
        return ov_mspack_status(mspack, chm->last_error(chm));
    }
    enum ov_status status = OV_OK, worst = OV_OK;
    for (struct mschmd_file *file = help->files; file != NULL && status == OV_OK;
         file = file->next) {
        status = tell_file(mspack, chm, file, &worst);
    }
    chm->close(chm, help);
    return status != OV_OK ? status : worst;
}

static enum ov_status walk_chm(struct ov_cursor *in, struct ov_walk *walk) {
    OV_CLEANUP(ov_mspack_release) struct ov_mspack mspack;
    ov_mspack_init(&mspack, walk, in->bytes);
    struct mschm_decompressor *chm = mspack_create_chm_decompressor(&mspack.system);
    if (chm == NULL) {
        return OV_MEMORY;
    }
    enum ov_status status = walk_help(&mspack, chm);
    mspack_destroy_chm_decompressor(chm);
    return status;
}

static const struct ov_magic magics[] = {OV_MAGIC(0, "ITSF")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_MSCHM, OV_MAGICS(magics), .walk = walk_chm},
};

OV_FORMAT_SET(chm, formats);
