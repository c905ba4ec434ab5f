// SPDX-License-Identifier: Apache-2.0
// Microsoft cabinets, by libmspack: stored, MSZIP, Quantum and LZX.
#include "format/format.h"
#include "format/archive/mspack_memory.h"

// One file. What breaks off is told with what came before; what has its beginning or its end in
// another cabinet of a set as well.
static enum ov_status tell_file(struct ov_mspack *mspack, struct mscab_decompressor *cab,
                                struct mscabd_file *file, enum ov_status *worst) {
    ov_mspack_start(mspack);
    int answer = cab->extract(cab, file, ov_mspack_name);
    // How much of a folder is the file's, packed, is not said.
    return ov_mspack_tell(mspack, answer, file->filename, file->length, worst);
}

static enum ov_status walk_cabinet(struct ov_mspack *mspack, struct mscab_decompressor *cab) {
    // As lenient as the library can be: wrong checksums and blocks that break off stop nothing.
    (void)cab->set_param(cab, MSCABD_PARAM_FIXMSZIP, 1);
    (void)cab->set_param(cab, MSCABD_PARAM_SALVAGE, 1);
    struct mscabd_cabinet *cabinet = cab->open(cab, ov_mspack_name);
    if (cabinet == NULL) {
        return ov_mspack_status(mspack, cab->last_error(cab));
    }
    enum ov_status status = OV_OK, worst = OV_OK;
    for (struct mscabd_file *file = cabinet->files; file != NULL && status == OV_OK;
         file = file->next) {
        status = tell_file(mspack, cab, file, &worst);
    }
    bool is_split = (cabinet->flags & (MSCAB_HDR_PREVCAB | MSCAB_HDR_NEXTCAB)) != 0;
    cab->close(cab, cabinet);
    worst = worst == OV_OK && is_split ? OV_DAMAGED : worst;
    return status != OV_OK ? status : worst;
}

static enum ov_status walk_cab(struct ov_cursor *in, struct ov_walk *walk) {
    OV_CLEANUP(ov_mspack_release) struct ov_mspack mspack;
    ov_mspack_init(&mspack, walk, in->bytes);
    struct mscab_decompressor *cab = mspack_create_cab_decompressor(&mspack.system);
    if (cab == NULL) {
        return OV_MEMORY;
    }
    enum ov_status status = walk_cabinet(&mspack, cab);
    mspack_destroy_cab_decompressor(cab);
    return status;
}

static const struct ov_magic magics[] = {OV_MAGIC(0, "MSCF\0\0\0\0")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_MSCAB, OV_MAGICS(magics), .walk = walk_cab},
};

OV_FORMAT_SET(cab, formats);
