// SPDX-License-Identifier: Apache-2.0
// Hostile images: opened, verified, their names read, and a few objects scanned with them.
// rooms: rules scan format match base
//
// Input: one byte that chooses an image which the real builder makes at the start, one byte of
// flags, then changes to it: section, place, length and new bytes. Byte 255 instead: the rest is
// an image. The digests are made right afterwards, so that changes get past them.
#include "base/digest.h"
#include "base/heuristic.h"
#include "match/image.h"
#include "rules/emit.h"
#include "rules/reader.h"
#include "catalog/names.h"
#include "scan/scan.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    IMAGES = 7,
    RAW_IMAGE = 255,
    EDITS_MAX = 64,
    OBJECT_BYTES = 1536,
    OBJECTS = 8,
    TIME_MS = 200,    // what a scan of one object may take by its budget
    TIME_HANG_S = 10, // what all of them may really take
    NAMES_READ = 40,
};

enum { FLAG_KEEP_DIGESTS = 1, FLAG_ALL_MATCHES = 2 };

static struct ov_buf images[IMAGES];
static uint8_t objects[OBJECTS][OBJECT_BYTES];

// ---- what is scanned
// -----------------------------------------------------------------------------

static void put(uint8_t *object, size_t at, const char *text) {
    memcpy(object + at, text, strlen(text));
}

static void put32(uint8_t *object, size_t at, uint32_t value) {
    memcpy(object + at, &value, sizeof value);
}

static void put_table(uint8_t *object, size_t at, uint32_t id, uint32_t target) {
    put32(object, at, 0);
    put32(object, at + 12, 1 << 16); // one entry with a number
    put32(object, at + 16, id);
    put32(object, at + 20, target);
}

// Resources at 0x2f8: a group of icons, and an icon of which most is what stands there already.
static void put_icon(uint8_t *object) {
    const uint32_t folder = UINT32_C(1) << 31;
    put32(object, 0xc8, 0x10f8);
    put32(object, 0xcc, 0x100);
    put_table(object, 0x2f8, 3, folder | 0x20);
    object[0x2f8 + 14] = 2;
    put32(object, 0x310, 14);
    put32(object, 0x314, folder | 0x38);
    put_table(object, 0x318, 1, folder | 0x50);
    put_table(object, 0x330, 1, folder | 0x68);
    put_table(object, 0x348, 0x409, 0x80);
    put_table(object, 0x360, 0x409, 0x90);
    put32(object, 0x378, 0x11b0); // the icon, and its bytes
    put32(object, 0x37c, 176);
    put32(object, 0x388, 0x1198); // the group
    put32(object, 0x38c, 20);
    put32(object, 0x398, 1 << 16);
    put32(object, 0x39c, 1);
    put32(object, 0x3a8, 1 << 16); // number 1
    put32(object, 0x3b0, 40);
    put32(object, 0x3b4, 16);
    put32(object, 0x3b8, 32);
    put32(object, 0x3bc, 1 << 16 | 1);
    put32(object, 0x3dc, 0xffffff);
}

// A PE file with one section, enough for entry and section offsets, and with an icon.
static void make_pe(uint8_t *object) {
    put(object, 0, "MZ");
    put32(object, 0x3c, 0x40);
    put(object, 0x40, "PE");
    put32(object, 0x44, 0x0001014c); // i386, one section
    put32(object, 0x54, 0x010200e0); // 224 bytes of optional header, executable
    put32(object, 0x58, 0x10b);
    put32(object, 0x68, 0x1000); // entry point
    put32(object, 0x74, 0x400000);
    put32(object, 0x78, 0x1000);
    put32(object, 0x7c, 0x200);
    put32(object, 0x90, 0x2000);
    put32(object, 0x94, 0x200);
    put32(object, 0xb4, 16);
    put(object, 0x138, ".text");
    put32(object, 0x140, 0x400); // virtual size, address, raw size, raw offset
    put32(object, 0x144, 0x1000);
    put32(object, 0x148, 0x400);
    put32(object, 0x14c, 0x200);
    put(object, 0x200, "entrypointABCDEF0123");
    put_icon(object);
}

static void make_elf(uint8_t *object) {
    static const uint8_t head[] = {0x7f, 'E', 'L', 'F', 2,  1, 1, 0, 0, 0, 0, 0, 0, 0,
                                   0,    0,   2,   0,   62, 0, 1, 0, 0, 0, 0, 2, 0, 0};
    memcpy(object, head, sizeof head);
    put32(object, 0x20, 0x40); // program headers
    put32(object, 0x34, 0x00380040);
    put32(object, 0x38, 1);
    put32(object, 0x40, 1);
    put32(object, 0x60, OBJECT_BYTES);
    put32(object, 0x68, OBJECT_BYTES);
    put(object, 0x200, "entrypointABCDEF0123");
}

// A picture: BMP, 20 by 24 points of 24 bits, which are what stands there already.
static void make_picture(uint8_t *object) {
    memset(object, 0, 54);
    put(object, 0, "BM");
    put32(object, 10, 54);
    put32(object, 14, 40);
    put32(object, 18, 20);
    put32(object, 22, 24);
    put32(object, 26, 24 << 16 | 1);
}

// A tar archive with one member.
static void make_tar(uint8_t *object) {
    unsigned sum = 0;
    memset(object, 0, 0x200);
    put(object, 0, "folder/needle.exe");
    put(object, 100, "0000644");
    put(object, 124, "00000000100");
    put(object, 148, "        0");
    put(object, 257, "ustar");
    for (size_t i = 0; i < 0x200; i++) {
        sum += object[i];
    }
    char text[8];
    (void)snprintf(text, sizeof text, "%06o", sum);
    put(object, 148, text);
    object[154] = 0;
}

// A letter with links.
static void make_mail(uint8_t *object) {
    memset(object, ' ', OBJECT_BYTES);
    put(object, 0,
        "From: a@b.c\nMIME-Version: 1.0\nContent-Type: text/html\n\n"
        "<a href='http://evil.ru/x'>www.needle.com</a> <a href='http://x.haystack.org'>"
        "our needle.com</a> <a href='https://y.de'><img src='http://stack9.net'></a>");
}

static void make_objects(void) {
    for (size_t i = 0; i < OBJECTS; i++) {
        for (size_t k = 0; k < OBJECT_BYTES; k++) {
            objects[i][k] = (uint8_t)(i == 2 ? 'A' : k * 7 + (k >> 5));
        }
        put(objects[i], 700, "needle in a haystack; size=1234 [0x41] aXbXc abcdabcdabcd");
        put(objects[i], 1100, "AAAAAAAAAABBBBBBBBBBshortZZ\nline one\r\nline two\n");
        put(objects[i], OBJECT_BYTES - 12, "theveryend12");
    }
    memset(objects[3], 0, 0x200);
    memset(objects[4], 0, 0x200);
    make_pe(objects[3]);
    make_elf(objects[4]);
    make_tar(objects[5]);
    make_picture(objects[7]);
    make_mail(objects[6]);
}

// ---- the images
// ----------------------------------------------------------------------------------

static const char *const bodies[IMAGES] = {
    ("One:0:*:6e6565646c6520696e206120686179737461636b\n"
     "Two:0:*:6e6565{2-9}64??6c65*6861797374(61|62|6363)636b\n"
     "Three:0:*:4141??41!(42|43)4?41\nFour:0:0:414141\nFive:0:EOF-12:746865\n"
     "Six:0:700,50:6e65656c\nSeven:0:*:(L)6c696e65(W)\nEight:0:*:6c696e65{-200}6c696e65\n"),
    ("One:1:EP+0:656e747279\nTwo:1:S0+0:656e74\nThree:1:SL+0:656e74727970\nFour:1:SE0:414243\n"
     "Five:6:EP+0,20:414243\nSix:6:*:656e747279706f696e74\nSeven:1:VI:410042004300\n"
     "Eight:9:EP-4:41424344\nNine:1:*:4d5a{10-200}5045\n"),
    "",
    "",
    "One:2:*:6e6565646c65\n",
    "",
    "",
};

static const char *const logicals[IMAGES] = {
    ("A;Engine:81-255,Target:0;(0&1)>1,2|2=1;6e6565::iwa;5,4:414243;686179::f\n"
     "B;Engine:81-255,Target:0;0&1&2;73697a653d;0(>>5#de4#>1,<9999);0/s[a-z]ze=(\\d+)/g\n"
     "C;Engine:81-255,Target:0,FileSize:1-5000;0=0|(1|2|3)>3,2;7777777777;4141;4242;5a5a\n"
     "D;Engine:81-255,Target:0;0&1;616258::i;0/X.*X/s\n"),
    ("A;Engine:81-255,Target:1,EntryPoint:1-9999,NumberOfSections:1-5;0&1;EP+0:656e;S0+0,9:6e7472\n"
     "B;Engine:81-255,Target:1,IconGroup1:X;0;EP+0:656e\n"
     "C;Engine:81-255,Target:1,IconGroup1:*,IconGroup2:Z;0;EP+0:656e\n"),
    "",
    "",
    ("A;Engine:81-255,Container:CL_TYPE_POSIX_TAR,Target:0;0;6e65\n"
     "B;Engine:81-255,Intermediates:CL_TYPE_ANY>CL_TYPE_POSIX_TAR,Target:0;0;6e65\n"
     "C;Engine:150-255,Target:5;0;fuzzy_img#e74ff08235a2e05e\n"
     "D;Engine:150-255,Target:0;0|1;fuzzy_img#e74ff08235a2e05e;fuzzy_img#0123456789abcdef\n"),
    "",
    "",
};

static const char metadata[] = "One:CL_TYPE_POSIX_TAR:1-5000:(?i)NEEDLE\\.[a-e]+x?:*:64:0:1:*:*\n"
                               "Two:*:*:^folder/:1-99:60-70:*:*:*:*\nThree:*:*:*:*:*:1:*:*:*\n";

static const char magics[] = "0:0:414141:A:CL_TYPE_ANY:CL_TYPE_MSOLE2\n"
                             "0:600:00:B:CL_TYPE_ANY:CL_TYPE_GRAPHICS\n";

static const char icons[] =
    "I:X:Y:100620a0b05b0307055060b0350a0b0480307051060b8407008402058308058000008104098109096d020b6b"
    "0a046306031800001f040035080000000000\n"
    "J:X:Z:20050161704f041604e0d13040161704104160410d13870f0087141787050a82000084070f85111365150d64"
    "0808561503340000390a003c001700000000\n";

#define OV_MODULUS                                                                                 \
    "c35a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"                             \
    "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"                             \
    "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"                             \
    "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a0d"

static const char certificates[] =
    "T;1;0123456789abcdef0123456789abcdef01234567;;" OV_MODULUS ";010001;1;1;1;0;\n"
    "B;0;0123456789abcdef0123456789abcdef01234567;"
    "0123456789abcdef0123456789abcdef01234567;" OV_MODULUS ";010001;0;0;0;;\n";

// As two catalogs would have listed them.
static bool add_listed(struct ov_ruleset *set) {
    struct ov_listed_file file = {.is_program = true, .kind = OV_HASH_SHA1, .not_after = INT64_MAX};
    struct ov_listed_file other = {.kind = OV_HASH_SHA256, .digest = {1, 2, 3}, .not_before = 1};
    return ov_ruleset_add_listed(set, &file) == OV_OK &&
           ov_ruleset_add_listed(set, &other) == OV_OK;
}

static const char *const hashes[IMAGES] = {
    ("44d88612fea8a8f36de82e1278abb02f:1536:One\n3395856ce81f2b7382dee72602f798b642f14140:*:Two:"
     "73\n"),
    "",
    "",
    ("44d88612fea8a8f36de82e1278abb02f:*:One:73\n44d88612fea8a8f36de82e1278abb030:*:Two:73\n"
     "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f:1536:Three\n"),
    "",
    "",
    "",
};

static const char protected[] = "H:needle.com\nR:stack[0-9]\\.net\nH:other.de\n";
static const char allowed[] =
    "M:x.haystack.org:needle.com\nX:.+\\.y\\.de([/?].*)?:.+(a|b)stack9\\.net\n";

// Patterns of every length, so that gram classes 0 and 1 and the tail are in use.
static void add_many(struct ov_buf *text) {
    for (unsigned i = 0; i < 150; i++) {
        ov_buf_printf(text, "Many.%u:0:*:", i);
        for (unsigned k = 0; k < 2 + i % 12; k++) {
            ov_buf_printf(text, "%02x", (i * 7 + k * (3 + i % 5)) & 255);
        }
        ov_buf_add_text(text, i % 3 == 0 ? "\?\?4142\n" : "\n");
    }
}

// So many of four bytes that class 2 is.
static void add_short(struct ov_buf *text) {
    uint32_t bytes = 1;
    for (unsigned i = 0; i < 700; i++) {
        bytes = bytes * 1664525 + 1013904223;
        ov_buf_printf(text, "Short.%u:0:*:%08x\n", i, bytes);
    }
}

static void build(unsigned number) {
    static const struct ov_build_options options;
    struct ov_ruleset *set = NULL;
    struct ov_buf text = {0};
    ov_buf_add_text(&text, bodies[number]);
    if (number == 2) {
        add_many(&text);
    } else if (number == 6) {
        add_short(&text);
        ov_buf_add_text(&text, "Needle:0:*:6e6565646c6520\nWords:0:*:68617973\n");
    }
    if (ov_ruleset_new(NULL, &set) != OV_OK ||
        ov_ruleset_load_bytes(set, "a.ndb", ov_buf_span(&text), false) != OV_OK ||
        ov_ruleset_load_bytes(set, "a.ldb", ov_span_text(logicals[number]), true) != OV_OK ||
        ov_ruleset_load_bytes(set, "a.hsb", ov_span_text(hashes[number]), false) != OV_OK ||
        ov_ruleset_load_bytes(set, "a.cdb", ov_span_text(number == 4 ? metadata : ""), false) !=
            OV_OK ||
        ov_ruleset_load_bytes(set, "a.idb", ov_span_text(number == 1 ? icons : ""), false) !=
            OV_OK ||
        ov_ruleset_load_bytes(set, "a.crb", ov_span_text(number == 1 ? certificates : ""), false) !=
            OV_OK ||
        (number == 1 && !add_listed(set)) ||
        ov_ruleset_load_bytes(set, "a.ftm", ov_span_text(number == 4 ? magics : ""), false) !=
            OV_OK ||
        ov_ruleset_load_bytes(set, "a.pdb", ov_span_text(number == 5 ? protected : ""), false) !=
            OV_OK ||
        ov_ruleset_load_bytes(set, "a.wdb", ov_span_text(number == 5 ? allowed : ""), false) !=
            OV_OK ||
        set->problem_count > 0 || ov_image_build(set, &options, &images[number], NULL) != OV_OK) {
        (void)fprintf(stderr, "fuzz: image %u cannot be built\n", number);
        abort();
    }
    ov_ruleset_free(set);
    ov_buf_release(&text);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    make_objects();
    for (unsigned i = 0; i < IMAGES; i++) {
        build(i);
    }
    return 0;
}

// ---- changes
// -------------------------------------------------------------------------------------

// What is left of the input.
struct input {
    const uint8_t *data;
    size_t size;
};

static uint32_t take(struct input *input, size_t bytes) {
    uint32_t value = 0;
    for (size_t i = 0; i < bytes && input->size > 0; i++) {
        value |= (uint32_t)*input->data << 8 * i;
        input->data++;
        input->size--;
    }
    return value;
}

// Overwrites up to 16 bytes of a section, or of header and table for the section after the last.
static void edit(struct input *input, uint8_t *image, size_t image_bytes) {
    struct ov_image_header header;
    memcpy(&header, image, sizeof header);
    size_t room = (image_bytes - sizeof header) / sizeof(struct ov_image_section_record);
    uint32_t sections = header.section_count <= room ? header.section_count : 0;
    uint32_t section = take(input, 1) % (sections + 1);
    struct ov_image_section_record record = {.bytes = sizeof header + sections * sizeof record};
    if (section < sections) {
        memcpy(&record, image + sizeof header + section * sizeof record, sizeof record);
    }
    uint32_t at = take(input, 2), size = 1 + take(input, 1) % 16;
    if (record.bytes > 0) {
        at = (uint32_t)(at % record.bytes);
    }
    for (uint32_t i = 0; i < size; i++) {
        uint64_t place = record.offset + at + i;
        uint8_t byte = (uint8_t)take(input, 1);
        if (record.offset <= image_bytes && place < image_bytes) {
            image[place] = byte;
        }
    }
}

// Gives every section and the header the digest that they really have.
static void seal(uint8_t *image, size_t image_bytes, bool with_sections) {
    struct ov_image_header header;
    memcpy(&header, image, sizeof header);
    uint64_t table_bytes = (uint64_t)header.section_count * sizeof(struct ov_image_section_record);
    if (table_bytes > image_bytes - sizeof header) {
        return;
    }
    for (uint32_t i = 0; i < header.section_count && with_sections; i++) {
        uint8_t *at = image + sizeof header + i * sizeof(struct ov_image_section_record);
        struct ov_image_section_record record;
        memcpy(&record, at, sizeof record);
        if (record.offset <= image_bytes && record.bytes <= image_bytes - record.offset) {
            ov_sha256(ov_span_make(image + record.offset, record.bytes), record.digest);
            memcpy(at, &record, sizeof record);
        }
    }
    memset(header.digest, 0, sizeof header.digest);
    memcpy(image, &header, sizeof header);
    ov_sha256(ov_span_make(image, sizeof header + table_bytes), header.digest);
    memcpy(image, &header, sizeof header);
}

// ---- what must hold
// ------------------------------------------------------------------------------

static void read_names(struct ov_span image) {
    struct ov_rule_names names;
    char text[OV_NAME_TEXT_BYTES];
    if (ov_rule_names_open(image, &names) != OV_OK) {
        return;
    }
    for (uint32_t i = 0; i < NAMES_READ; i++) {
        uint32_t rule = i < NAMES_READ / 2 ? i : names.count - (i - NAMES_READ / 2);
        (void)ov_rule_names_get(&names, rule, text);
        struct ov_span source = ov_rule_names_source(&names, rule);
        if (memchr(text, '\0', sizeof text) == NULL || source.size > image.size) {
            abort();
        }
    }
}

static uint64_t count_seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec;
}

static void scan(struct ov_span image, bool is_all) {
    struct ov_scan_options options = {
        .limits = ov_limits_default(), .is_all_matches = is_all, .alerts = OV_ALERT_ALL};
    options.limits.time_ms = TIME_MS;
    struct ov_scanner *scanner = NULL;
    char reason[OV_IMAGE_REASON_BYTES] = "";
    enum ov_status status = ov_scanner_new(image, &options, reason, sizeof reason, &scanner);
    if (status != OV_OK) {
        if (status == OV_DAMAGED && reason[0] == '\0') {
            abort(); // refused without a reason
        }
        return;
    }
    struct ov_scan_job *jobs = calloc(OBJECTS, sizeof *jobs);
    uint64_t started = count_seconds();
    for (size_t i = 0; i < OBJECTS && jobs != NULL; i++) {
        jobs[i].bytes = ov_span_make(objects[i], OBJECT_BYTES - i);
    }
    if (jobs != NULL) {
        ov_scanner_run(scanner, jobs, OBJECTS);
    }
    for (size_t i = 0; i < OBJECTS && jobs != NULL; i++) {
        const struct ov_verdict *verdict = &jobs[i].verdict;
        bool has_found = verdict->kind == OV_VERDICT_FOUND;
        if (verdict->kind > OV_VERDICT_LIMITED || verdict->count > OV_DETECTIONS_MAX ||
            has_found != (verdict->count > 0)) {
            abort();
        }
    }
    if (count_seconds() - started > TIME_HANG_S) {
        abort(); // the budget was not asked
    }
    free(jobs);
    ov_scanner_free(scanner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input input = {.data = data, .size = size};
    uint32_t number = take(&input, 1), flags = take(&input, 1);
    bool is_raw = number == RAW_IMAGE;
    struct ov_span base =
        is_raw ? ov_span_make(input.data, input.size) : ov_buf_span(&images[number % IMAGES]);
    if (base.size < sizeof(struct ov_image_header)) {
        return 0;
    }
    uint8_t *image = malloc(base.size);
    if (image == NULL) {
        return 0;
    }
    memcpy(image, base.data, base.size);
    for (unsigned i = 0; i < EDITS_MAX && input.size > 0 && !is_raw; i++) {
        edit(&input, image, base.size);
    }
    struct ov_span bytes = ov_span_make(image, base.size);
    read_names(bytes);
    // A change after which no digest was made must be seen.
    bool is_changed = memcmp(image, base.data, base.size) != 0;
    struct ov_image opened;
    char reason[OV_IMAGE_REASON_BYTES];
    if (!is_raw && is_changed && ov_image_open(bytes, &opened, reason) == OV_OK &&
        ov_image_verify(&opened, reason) == OV_OK) {
        abort();
    }
    seal(image, base.size, (flags & FLAG_KEEP_DIGESTS) == 0);
    read_names(bytes);
    if (ov_image_open(bytes, &opened, reason) == OV_OK) {
        (void)!ov_image_verify(&opened, reason);
    }
    scan(bytes, (flags & FLAG_ALL_MATCHES) != 0);
    free(image);
    return 0;
}
