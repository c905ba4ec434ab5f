// SPDX-License-Identifier: Apache-2.0
// rooms: role ledger cage catalog wire base
//
// What verifying an update costs beyond hashing the bundle, in this process and as the verifier.
//
//   update make FILE BYTES COUNT    writes a bundle of COUNT files of body rules, BYTES in all
//   update verify FILE ROUNDS       times hashing the bundle, and verifying an update to it
//   update leaves FILE ROUNDS       times the root over all rules of the bundle
//
// The world of `verify` is a log of ten years of four releases a day, whose last entry is ours, one
// log key, three witnesses that have all cosigned, and three release keys that have all signed.
// Times are wall time, since that is what somebody waits for, and CPU time with that of the child,
// which a busy machine does not blur as much; of the rounds, the fastest. Each round hashes,
// verifies in this process, and verifies by the caged process, on a fresh mapping each time, so
// that all three touch each page anew.
#include "base/fd.h"
#include "ledger/bundle.h"
#include "ledger/note.h"
#include "load.h"
#include "role/leaves_job.h"
#include "role/verifier.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    NOW = 1800000000,
    KEYS = 3,        // witnesses, and release keys
    ENTRIES = 14600, // ten years, four a day
    RULE_BYTES = 160,
    ROUNDS_MAX = 1000,
    PAUSE_US = 60000,
};

static void must(enum ov_status status, const char *what) {
    if (status != OV_OK) {
        bench_die(what, ov_status_text(status));
    }
}

// A moment, or how long something took.
struct span_of_time {
    double wall, cpu; // seconds
};

static double cpu_of(int who) {
    struct rusage usage;
    (void)getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static struct span_of_time read_time(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (struct span_of_time){.wall = (double)now.tv_sec + (double)now.tv_nsec * 1e-9,
                                 .cpu = cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN)};
}

static struct span_of_time time_since(struct span_of_time start) {
    struct span_of_time now = read_time();
    return (struct span_of_time){now.wall - start.wall, now.cpu - start.cpu};
}

static struct ov_file_map open_map(const char *path) {
    struct ov_file_map map = {0};
    must(ov_file_map_open(path, &map), path);
    return map;
}

// ---- a bundle -----------------------------------------------------------------------------------

// Lines of body rules, each another one; returns how many bytes there are.
static size_t fill_rules(char *text, size_t size, uint64_t *number) {
    size_t used = 0;
    while (used + RULE_BYTES < size) {
        uint64_t random = *number;
        int head =
            snprintf(text + used, RULE_BYTES, "Bench.Rule-%llu:0:*:", (unsigned long long)*number);
        used += (size_t)head;
        for (unsigned i = 0; i < 3; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            used += (size_t)sprintf(text + used, "%016llx", (unsigned long long)random);
        }
        text[used++] = '\n';
        ++*number;
    }
    return used;
}

static void make_bundle(const char *path, size_t bytes, unsigned count) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    size_t each = bytes / count;
    char *text = malloc(each + RULE_BYTES);
    uint8_t sha256[OV_SHA256_BYTES];
    uint64_t number = 0;
    struct ov_bundle_writer writer;
    if (fd < 0 || text == NULL) {
        bench_die(path, "cannot be written");
    }
    ov_bundle_write_init(fd, &writer);
    for (unsigned i = 0; i < count; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "rules-%05u.ndb", i);
        size_t used = fill_rules(text, each, &number);
        must(ov_bundle_write_file(&writer, name, ov_span_make(text, used)), name);
    }
    must(ov_bundle_write_end(&writer, sha256), path);
    free(text);
    (void)close(fd);
}

// ---- a log and what it says of the bundle -------------------------------------------------------

struct world {
    struct ov_signer log, witnesses[KEYS], releases[KEYS];
    struct ov_buf policy_text, trust_text, proof;
    struct ov_policy policy;
    struct ov_trust trust;
    struct ov_feed_state state;
    struct ov_tree_hash leaves[ENTRIES];
};

static void make_keys(struct world *world) {
    char name[32];
    must(ov_signer_new_random("log.example/rules", OV_KEY_NOTE, &world->log), "a key");
    for (unsigned i = 0; i < KEYS; i++) {
        (void)snprintf(name, sizeof name, "w%u.example", i);
        must(ov_signer_new_random(name, OV_KEY_COSIGNATURE, &world->witnesses[i]), "a key");
        (void)snprintf(name, sizeof name, "r%u.example", i);
        must(ov_signer_new_random(name, OV_KEY_NOTE, &world->releases[i]), "a key");
    }
}

static void make_files(struct world *world) {
    struct ov_policy_error error = {0};
    struct ov_buf *policy = &world->policy_text;
    struct ov_buf *trust = &world->trust_text;
    ov_buf_add_text(policy, "log ");
    must(ov_key_add(policy, &world->log.key), "a key");
    ov_buf_add_text(trust, "overt-trust/v1\nfeed stable\nversion 1\n");
    for (unsigned i = 0; i < KEYS; i++) {
        ov_buf_printf(policy, "\nwitness w%u ", i);
        must(ov_key_add(policy, &world->witnesses[i].key), "a key");
        ov_buf_add_text(trust, "release ");
        must(ov_key_add(trust, &world->releases[i].key), "a key");
        ov_buf_add_u8(trust, '\n');
    }
    ov_buf_add_text(policy, "\ngroup g 2 w0 w1 w2\nquorum g\n");
    ov_buf_add_text(trust, "threshold 2\nwarn-age-days 7\nmax-age-days 30\n");
    must(ov_policy_read(ov_buf_span(policy), &world->policy, &error), "the policy");
    must(ov_trust_read(ov_buf_span(trust), &world->trust, &error), "the trust file");
}

// The release as the last entry, behind entries that only their hashes matter of.
static void add_release(struct world *world, struct ov_span bundle, struct ov_buf *note) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    struct ov_release release = {.feed = {"stable"},
                                 .seq = 1,
                                 .time = NOW - 3600,
                                 .language = OV_RULES_LANGUAGE,
                                 .rule_count = 1,
                                 .bundle_bytes = bundle.size};
    ov_sha256(bundle, release.bundle_sha256);
    ov_release_add(&text, &release);
    ov_note_add_text(note, ov_buf_span(&text));
    for (unsigned i = 0; i < KEYS; i++) {
        ov_note_sign(note, ov_buf_span(&text), &world->releases[i], 0);
    }
    for (unsigned i = 0; i + 1 < ENTRIES; i++) {
        ov_leaf_hash(ov_span_make(&i, sizeof i), &world->leaves[i]);
    }
    ov_leaf_hash(ov_buf_span(note), &world->leaves[ENTRIES - 1]);
}

static enum ov_status read_subtree(void *arg, unsigned level, uint64_t index,
                                   struct ov_tree_hash *ret_hash) {
    const struct world *world = arg;
    if (level == 0) {
        *ret_hash = world->leaves[index];
        return OV_OK;
    }
    struct ov_tree_hash left;
    struct ov_tree_hash right;
    TRY(read_subtree(arg, level - 1, 2 * index, &left));
    TRY(read_subtree(arg, level - 1, 2 * index + 1, &right));
    ov_node_hash(&left, &right, ret_hash);
    return OV_OK;
}

static void make_proof(struct world *world, struct ov_span bundle) {
    OV_CLEANUP(ov_buf_release) struct ov_buf leaf = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf note = {0};
    struct ov_tree_source source = {.arg = world, .read = read_subtree};
    struct ov_checkpoint checkpoint = {.origin = ov_span_text(world->log.key.name),
                                       .head = {.size = ENTRIES}};
    struct ov_proof proof = {.index = ENTRIES - 1};
    add_release(world, bundle, &leaf);
    must(ov_tree_root_at(&source, ENTRIES, &checkpoint.head.root), "the root");
    must(ov_inclusion_prove(&source, ENTRIES - 1, ENTRIES, &proof.path), "the proof");
    ov_checkpoint_add(&text, &checkpoint);
    ov_note_add_text(&note, ov_buf_span(&text));
    ov_note_sign(&note, ov_buf_span(&text), &world->log, 0);
    for (unsigned i = 0; i < KEYS; i++) {
        ov_note_sign(&note, ov_buf_span(&text), &world->witnesses[i], NOW - 60);
    }
    proof.checkpoint = ov_buf_span(&note);
    ov_proof_add(&world->proof, &proof, ov_buf_span(&leaf));
    must(ov_buf_status(&world->proof), "the proof");
}

// ---- what is timed ------------------------------------------------------------------------------

static struct span_of_time time_hash(const char *path) {
    uint8_t sha256[OV_SHA256_BYTES];
    struct span_of_time start = read_time();
    struct ov_file_map map = open_map(path);
    ov_sha256(map.bytes, sha256);
    ov_file_map_close(&map);
    return time_since(start);
}

static struct span_of_time time_in_process(const struct world *world, const char *path) {
    static struct ov_update update;
    static char reason[OV_UPDATE_REASON_BYTES];
    struct ov_update_input input = {.policy = &world->policy,
                                    .trust = &world->trust,
                                    .state = &world->state,
                                    .proof = ov_buf_span(&world->proof),
                                    .now = NOW,
                                    .engine = {{0, 1, 0}}};
    struct span_of_time start = read_time();
    enum ov_status status = ov_update_check(&input, &update, reason);
    struct ov_file_map map = open_map(path);
    status = status == OV_OK ? ov_update_check_bundle(&update.release, map.bytes, reason) : status;
    ov_file_map_close(&map);
    struct span_of_time taken = time_since(start);
    if (status != OV_OK) {
        bench_die("refused", reason);
    }
    return taken;
}

// As an update does it: one process is asked about the proof, and then given the rules. The pause
// in between stands for fetching them; the kernel clears away the last cage meanwhile.
static struct span_of_time time_verifier(const struct world *world, const char *path,
                                         double *ret_proof) {
    static struct ov_verifier_result result;
    struct ov_verifier verifier;
    struct ov_verifier_request request = {.policy = ov_buf_span(&world->policy_text),
                                          .trust = ov_buf_span(&world->trust_text),
                                          .state = &world->state,
                                          .proof = ov_buf_span(&world->proof),
                                          .now = NOW};
    OV_AUTO_FD rules = open(path, O_RDONLY | O_CLOEXEC);
    struct span_of_time start = read_time();
    must(ov_verifier_open(&request, &verifier, &result), "the verifier");
    struct span_of_time proof = time_since(start);
    *ret_proof = proof.wall;
    (void)usleep(PAUSE_US);
    start = read_time();
    if (result.status == OV_OK) {
        must(ov_verifier_give(&verifier, rules, &result), "the verifier");
    }
    struct span_of_time taken = time_since(start);
    if (result.status != OV_OK) {
        bench_die("refused", result.reason);
    }
    return (struct span_of_time){proof.wall + taken.wall, proof.cpu + taken.cpu};
}

static int compare_doubles(const void *a, const void *b) {
    double left = *(const double *)a;
    double right = *(const double *)b;
    return left < right ? -1 : left > right;
}

// Sorts; the median.
static double sort_values(double *values, unsigned count) {
    qsort(values, count, sizeof *values, compare_doubles);
    return values[count / 2];
}

// The rounds of one way.
struct rounds {
    double wall[ROUNDS_MAX], cpu[ROUNDS_MAX], over[ROUNDS_MAX]; // over: beyond hashing, wall
};

static void keep_round(struct rounds *rounds, unsigned i, struct span_of_time taken,
                       struct span_of_time hash) {
    rounds->wall[i] = taken.wall;
    rounds->cpu[i] = taken.cpu;
    rounds->over[i] = taken.wall - hash.wall;
}

static void print_rounds(const char *name, struct rounds *rounds, unsigned count,
                         const struct rounds *hash) {
    (void)sort_values(rounds->wall, count);
    (void)sort_values(rounds->cpu, count);
    printf("program=%s wall=%.6f cpu=%.6f over=%.6f over_cpu=%.6f median=%.6f\n", name,
           rounds->wall[0], rounds->cpu[0], rounds->wall[0] - hash->wall[0],
           rounds->cpu[0] - hash->cpu[0], sort_values(rounds->over, count));
}

static void run_verify(const char *path, unsigned count) {
    static struct world world;
    static struct rounds hash, inside, caged;
    static double proof[ROUNDS_MAX];
    struct ov_file_map map = open_map(path);
    make_keys(&world);
    make_files(&world);
    make_proof(&world, map.bytes);
    ov_file_map_close(&map);
    for (unsigned i = 0; i < count; i++) {
        struct span_of_time one = time_hash(path);
        keep_round(&hash, i, one, one);
        keep_round(&inside, i, time_in_process(&world, path), one);
        keep_round(&caged, i, time_verifier(&world, path, &proof[i]), one);
    }
    print_rounds("hash", &hash, count, &hash);
    print_rounds("inside", &inside, count, &hash);
    print_rounds("verifier", &caged, count, &hash);
    (void)sort_values(proof, count);
    printf("program=proof wall=%.6f\n", proof[0]);
}

static void run_leaves(char *path, unsigned rounds) {
    struct ov_source source = {.path = path, .kind = OV_WIRE_SOURCE_BUNDLE};
    struct ov_sources sources = {.items = &source, .count = 1};
    struct ov_leaves_request request = {.sources = &sources};
    char reason[OV_LEAVES_REASON_BYTES];
    uint64_t count = 0;
    struct ov_tree_hash root;
    double best = 1e9;
    for (unsigned i = 0; i < rounds; i++) {
        struct span_of_time start = read_time();
        if (ov_leaves_run(&request, &count, &root, reason) != OV_OK) {
            bench_die(path, reason);
        }
        double seconds = time_since(start).wall;
        best = seconds < best ? seconds : best;
    }
    printf("program=leaves rules=%llu wall=%.6f\n", (unsigned long long)count, best);
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "";
    unsigned number = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    if (argc == 5 && strcmp(mode, "make") == 0) {
        make_bundle(argv[2], number, (unsigned)strtoul(argv[4], NULL, 10));
        return 0;
    }
    if (argc != 4 || number == 0 || number > ROUNDS_MAX) {
        bench_die("update", "make FILE BYTES COUNT | verify FILE ROUNDS | leaves FILE ROUNDS");
    }
    if (strcmp(mode, "verify") == 0) {
        run_verify(argv[2], number);
    } else {
        run_leaves(argv[2], number);
    }
    return 0;
}
