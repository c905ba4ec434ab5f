// SPDX-License-Identifier: Apache-2.0
// Lists what the walkers tell of one file: members FILE [TYPE]. For tests beside other programs.
//
// One line for each part: kind, number, bytes, SHA-256, type if known, name (escaped), and for each
// alert; then facts and the status. Parts are not walked themselves; with -x DIR their bytes go to
// DIR/NUMBER. With -m, a line more for each: "meta", and packed size, plain size and checksum as
// the container tells. With -t, a first line with the type whose walker was taken. With
// -l, lines with the links of mails: "link", their kind, where they lead, "<", what is shown.
#include "base/digest.h"
#include "base/fd.h"
#include "base/hex.h"
#include "format/format.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *out_dir;
static bool has_meta, has_type, has_links;

struct listing {
    unsigned count;
    unsigned facts;
};

static void print_name(struct ov_span name) {
    for (size_t i = 0; i < name.size; i++) {
        unsigned char byte = name.data[i];
        if (byte == '\\' || !isprint(byte)) {
            printf("\\x%02x", byte);
        } else {
            putchar(byte);
        }
    }
}

static enum ov_status print_link(void *arg, const struct ov_link *link) {
    (void)arg;
    printf("link %u ", (unsigned)link->kind);
    print_name(link->leads_to);
    printf(" < ");
    print_name(link->shown);
    printf("\n");
    return OV_OK;
}

static void save(unsigned number, struct ov_span bytes) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%u", out_dir, number);
    FILE *file = fopen(path, "wb");
    bool is_written =
        file != NULL && (bytes.size == 0 || fwrite(bytes.data, bytes.size, 1, file) == 1);
    if (!is_written || fclose(file) != 0) {
        perror(path);
        exit(2);
    }
}

static enum ov_status print_child(void *arg, const struct ov_child *child) {
    struct listing *listing = arg;
    uint8_t digest[OV_SHA256_BYTES];
    ov_sha256(child->bytes, digest);
    listing->count++;
    printf("%s %u %zu ", child->kind == OV_CHILD_VIEW ? "view" : "member", listing->count,
           child->bytes.size);
    for (size_t i = 0; i < sizeof digest; i++) {
        printf("%02x", digest[i]);
    }
    printf(" %s%s ", child->type != OV_FILETYPE_NONE ? ov_filetype_name(child->type) : "-",
           child->is_encrypted ? " encrypted" : "");
    print_name(child->name);
    putchar('\n');
    if (has_meta) {
        printf("meta %llu %llu %08x\n", (unsigned long long)child->packed_bytes,
               (unsigned long long)child->plain_bytes, child->checksum);
    }
    if (out_dir != NULL) {
        save(listing->count, child->bytes);
    }
    return OV_OK;
}

static void note_fact(void *arg, enum ov_fact fact) {
    struct listing *listing = arg;
    listing->facts |= 1u << fact;
}

static void print_alert(void *arg, enum ov_heuristic heuristic) {
    (void)arg;
    printf("alert %s\n", ov_heuristic_name(heuristic));
}

static bool fits(const struct ov_format *format, struct ov_span file) {
    for (uint32_t i = 0; i < format->magic_count; i++) {
        const struct ov_magic *magic = &format->magics[i];
        struct ov_span there = ov_span_part(file, magic->offset, magic->size);
        if (magic->offset != OV_MAGIC_ANYWHERE &&
            ov_span_is_equal(there, ov_span_make(magic->bytes, magic->size)) &&
            (format->is_sure == NULL || format->is_sure(file))) {
            return true;
        }
    }
    return false;
}

// The first format with a walker that fits, or the one of the type that was asked for.
static const struct ov_format *choose(struct ov_span file, const char *type) {
    for (uint32_t s = 0; s < ov_format_set_count; s++) {
        for (uint32_t i = 0; i < ov_format_sets[s]->count; i++) {
            const struct ov_format *format = &ov_format_sets[s]->formats[i];
            bool is_it = type != NULL ? strcmp(ov_filetype_name(format->type), type) == 0
                                      : fits(format, file);
            if (format->walk != NULL && is_it) {
                return format;
            }
        }
    }
    return NULL;
}

int main(int argc, char **argv) {
    while (argc > 2 && argv[1][0] == '-') {
        int taken = 1;
        if (strcmp(argv[1], "-x") == 0) {
            out_dir = argv[2];
            taken = 2;
        } else if (strcmp(argv[1], "-m") == 0) {
            has_meta = true;
        } else if (strcmp(argv[1], "-t") == 0) {
            has_type = true;
        } else if (strcmp(argv[1], "-l") == 0) {
            has_links = true;
        }
        argv += taken;
        argc -= taken;
    }
    struct ov_file_map map;
    if (argc < 2 || argc > 3 || ov_file_map_open(argv[1], &map) != OV_OK) {
        (void)fprintf(stderr, "usage: members [-x DIR] [-m] [-t] [-l] FILE [CL_TYPE_...]\n");
        return 2;
    }
    const struct ov_format *format = choose(map.bytes, argc == 3 ? argv[2] : NULL);
    if (format == NULL) {
        printf("no walker\n");
        return 1;
    }
    if (has_type) {
        printf("type %s\n", ov_filetype_name(format->type));
    }
    struct listing listing = {0};
    struct ov_sink sink = {
        .arg = &listing, .child = print_child, .fact = note_fact, .alert = print_alert};
    sink.link = has_links ? print_link : NULL;
    struct ov_limits limits = ov_limits_default();
    struct ov_budget budget;
    struct ov_arena arena;
    ov_budget_init(&budget, &limits);
    ov_arena_init(&arena, 256 << 20);
    struct ov_walk walk = {.sink = &sink, .arena = &arena, .budget = &budget, .type = format->type};
    struct ov_cursor in = ov_cursor_init(map.bytes);
    enum ov_status status = format->walk(&in, &walk);
    printf("facts %x\nstatus %s\n", listing.facts, ov_status_text(status));
    ov_arena_release(&arena);
    ov_file_map_close(&map);
    return 0;
}
