// SPDX-License-Identifier: Apache-2.0
// rooms: match base
//
// How much faster many digests side by side are than OpenSSL's one at a time.
//
// Prints, for sets of files of several sizes, GB/s of OpenSSL 3 (EVP_Digest, which uses the
// processor's own SHA instructions where there are any), of our single engine, and of each lane
// kernel of this processor, with the ratio to OpenSSL. All results are compared with OpenSSL's; one
// that differs ends the program with 1. OpenSSL is loaded at run time: without it there is nothing
// to compare with, and the program says so. OPENSSL_ia32cap=:~0x20000000 in the environment takes
// the SHA instructions away from OpenSSL, for what older processors would show.
#include "base/digest.h"
#include "match/digest_lanes.h"
#include "match/digest_many.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef const void *evp_kind_fn(void);
typedef int evp_digest_fn(const void *data, size_t size, unsigned char *digest, unsigned *ret_size,
                          const void *kind, void *engine);

struct openssl {
    evp_digest_fn *digest;
    const void *kind[OV_HASH_KINDS];
};

enum {
    FILES_MAX = 64,
    SIZE_MAX_BYTES = 1 << 20,
    STRIDE_BYTES = SIZE_MAX_BYTES + 5 * 4096, // page by page, as mapped files are, but not in step
    ROUNDS = 7,
    ALL_KINDS = 7,
};

static const char *const kind_names[] = {"md5", "sha1", "sha256", "all three"};

static double read_cpu_seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static bool load_openssl(struct openssl *ret_openssl) {
    static const char *const names[] = {"EVP_md5", "EVP_sha1", "EVP_sha256"};
    void *library = dlopen("libcrypto.so.3", RTLD_NOW);
    if (library == NULL) {
        return false;
    }
    void *symbol = dlsym(library, "EVP_Digest");
    memcpy(&ret_openssl->digest, &symbol, sizeof symbol);
    for (unsigned i = 0; i < OV_HASH_KINDS; i++) {
        evp_kind_fn *kind;
        symbol = dlsym(library, names[i]);
        memcpy(&kind, &symbol, sizeof symbol);
        ret_openssl->kind[i] = symbol != NULL ? kind() : NULL;
    }
    return ret_openssl->digest != NULL && ret_openssl->kind[OV_HASH_SHA256] != NULL;
}

static void run_openssl(const struct openssl *openssl, struct ov_digest_job *jobs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        for (unsigned kind = 0; kind < OV_HASH_KINDS; kind++) {
            unsigned char digest[64];
            unsigned size;
            if (jobs[i].kinds & 1u << kind) {
                openssl->digest(jobs[i].bytes.data, jobs[i].bytes.size, digest, &size,
                                openssl->kind[kind], NULL);
                memcpy(ov_digest_job_bytes(&jobs[i], kind), digest, ov_hash_bytes(kind));
            }
        }
    }
}

// Best CPU seconds for one pass over the jobs; `openssl` NULL means our own.
static double time_jobs(const struct openssl *openssl, struct ov_digest_job *jobs, size_t count,
                        unsigned passes) {
    double best = 1e9;
    for (unsigned round = 0; round < ROUNDS; round++) {
        double start = read_cpu_seconds();
        for (unsigned pass = 0; pass < passes; pass++) {
            if (openssl != NULL) {
                run_openssl(openssl, jobs, count);
            } else {
                ov_digest_many(jobs, count);
            }
        }
        double seconds = (read_cpu_seconds() - start) / passes;
        best = seconds < best ? seconds : best;
    }
    return best;
}

static void check_equal(struct ov_digest_job *ours, struct ov_digest_job *theirs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        for (unsigned kind = 0; kind < OV_HASH_KINDS; kind++) {
            if ((ours[i].kinds & 1u << kind) != 0 &&
                memcmp(ov_digest_job_bytes(&ours[i], kind), ov_digest_job_bytes(&theirs[i], kind),
                       ov_hash_bytes(kind)) != 0) {
                printf("WRONG %s of file %zu\n", kind_names[kind], i);
                exit(1);
            }
        }
    }
}

// Files of a set: how many, the longest, and whether the others are a half, a third, a fourth ...
// of it, as what a walk over programs brings, or of about the same length.
struct set {
    size_t count, size;
    bool is_uneven;
};

// Lengths of even sets differ by up to a quarter: lanes do not end together.
static size_t find_length(struct set set, size_t i) {
    return set.is_uneven ? set.size / (i + 1) : set.size - set.size / 4 * i / set.count;
}

static void bench_set(const struct openssl *openssl, const uint8_t *pool, struct set set,
                      unsigned kinds) {
    size_t count = set.count;
    static struct ov_digest_job theirs[FILES_MAX], ours[FILES_MAX];
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = find_length(set, i);
        theirs[i] = (struct ov_digest_job){.bytes = ov_span_make(pool + i * STRIDE_BYTES, length),
                                           .kinds = kinds};
        ours[i] = theirs[i];
        total += length;
    }
    unsigned passes = (unsigned)((8u << 20) / (total + 1)) + 1;
    double base = time_jobs(openssl, theirs, count, passes);
    const char *name = kinds == ALL_KINDS ? kind_names[3] : kind_names[__builtin_ctz(kinds)];
    double gigabytes = (double)total / 1e9;
    printf("%3zu %s of %7zu B  %-9s  openssl %5.2f GB/s", count, set.is_uneven ? "uneven" : "files",
           set.size, name, gigabytes / base);
    for (const struct ov_lanes_kernel *const *kernel = ov_lanes_list(); *kernel; kernel++) {
        ov_lanes_set(*kernel);
        double seconds = time_jobs(NULL, ours, count, passes);
        check_equal(ours, theirs, count);
        printf("   %s %5.2f (%4.1fx)", (*kernel)->name, gigabytes / seconds, base / seconds);
    }
    ov_lanes_set(NULL);
    printf("\n");
}

int main(void) {
    static const size_t sizes[] = {3072, 32 << 10, 256 << 10, SIZE_MAX_BYTES};
    static const size_t counts[] = {1, 16, 64};
    static const unsigned kinds[] = {1, 2, 4, ALL_KINDS};
    struct openssl openssl;
    if (!load_openssl(&openssl)) {
        printf("bench/digest: skipped, no libcrypto.so.3 here to compare with\n");
        return 0;
    }
    uint8_t *pool = malloc((size_t)FILES_MAX * STRIDE_BYTES);
    if (pool == NULL) {
        return 2;
    }
    uint64_t random = 1;
    for (size_t i = 0; i < (size_t)FILES_MAX * STRIDE_BYTES; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        pool[i] = (uint8_t)(random >> 56);
    }
    printf("single engine: %s; CPU time of one core, best of %d rounds\n", ov_digest_engine()->name,
           ROUNDS);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
                bench_set(&openssl, pool, (struct set){counts[c], sizes[s], false}, kinds[k]);
            }
        }
    }
    bench_set(&openssl, pool, (struct set){24, SIZE_MAX_BYTES, true}, 1);
    free(pool);
    return 0;
}
