// SPDX-License-Identifier: Apache-2.0
// Packs whole files with libzstd, as well as there is time for.
#include "format/codec/zstd_pack.h"

#include <zstd.h>
#include <zstd_errors.h>

enum {
    PIECE_BYTES = 128 << 10, // what libzstd gives at a time
    WINDOW_LOG_MIN = 17,
    WINDOW_LOG_PLAIN = 27, // 128 MB: what `zstd -d` takes without being told to
    WINDOW_LOG_MAX = 31,
};

static const uint64_t plain_bytes_max = 2ull << 30; // the largest window

// How hard libzstd tries, so that a release is packed in a minute or so on one core: bytes to look
// at, the prefix among them.
static const struct {
    uint64_t most_bytes;
    int level;
} efforts[] = {{32ull << 20, 19}, {128ull << 20, 15}, {512ull << 20, 9}, {UINT64_MAX, 7}};

static int choose_level(const struct ov_zstd_pack *pack) {
    uint64_t bytes = (uint64_t)pack->plain.size + pack->prefix.size;
    size_t i = 0;
    while (bytes > efforts[i].most_bytes) {
        i++;
    }
    return efforts[i].level;
}

// The prefix can be referred to for as long as no more than a window of the file is unpacked, so a
// delta has a window for all of it.
static int choose_window_log(const struct ov_zstd_pack *pack) {
    int most = pack->prefix.size > 0 ? WINDOW_LOG_MAX : WINDOW_LOG_PLAIN;
    int log = WINDOW_LOG_MIN;
    while (log < most && pack->plain.size > 1ull << log) {
        log++;
    }
    return log;
}

static enum ov_status prepare(const struct ov_zstd_pack *pack, ZSTD_CCtx *context) {
    const struct {
        ZSTD_cParameter parameter;
        int value;
    } settings[] = {
        {ZSTD_c_compressionLevel, choose_level(pack)},
        {ZSTD_c_windowLog, choose_window_log(pack)},
        {ZSTD_c_enableLongDistanceMatching, 1},
        {ZSTD_c_checksumFlag, 1},
    };
    size_t answer = ZSTD_CCtx_setPledgedSrcSize(context, pack->plain.size);
    for (size_t i = 0; i < sizeof settings / sizeof *settings && !ZSTD_isError(answer); i++) {
        answer = ZSTD_CCtx_setParameter(context, settings[i].parameter, settings[i].value);
    }
    if (!ZSTD_isError(answer) && pack->prefix.size > 0) {
        answer = ZSTD_CCtx_refPrefix(context, pack->prefix.data, pack->prefix.size);
    }
    return ZSTD_isError(answer) ? OV_MEMORY : OV_OK;
}

static enum ov_status run(const struct ov_zstd_pack *pack, ZSTD_CCtx *context) {
    static uint8_t piece[PIECE_BYTES]; // one at a time in a process
    ZSTD_inBuffer in = {.src = pack->plain.data, .size = pack->plain.size};
    size_t answer = 1;
    while (answer != 0) {
        ZSTD_outBuffer out = {.dst = piece, .size = sizeof piece};
        answer = ZSTD_compressStream2(context, &out, &in, ZSTD_e_end);
        if (ZSTD_isError(answer)) {
            return OV_MEMORY; // the only way to fail with settings that were accepted
        }
        TRY(out.pos > 0 ? pack->put(pack->arg, ov_span_make(piece, out.pos)) : OV_OK);
    }
    return OV_OK;
}

enum ov_status ov_zstd_pack_make(const struct ov_zstd_pack *pack) {
    if (pack->plain.size > plain_bytes_max) {
        return OV_LIMIT;
    }
    ZSTD_CCtx *context = ZSTD_createCCtx();
    if (context == NULL) {
        return OV_MEMORY;
    }
    enum ov_status status = prepare(pack, context);
    status = status == OV_OK ? run(pack, context) : status;
    (void)ZSTD_freeCCtx(context);
    return status;
}
