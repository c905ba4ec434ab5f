// SPDX-License-Identifier: Apache-2.0
//
// Records for tests: one of each type that is given to a writer, `begin` first. For tests alone.
#pragma once

#include "trace/record.h"

#define SAMPLE_TEXT(text)                                                                          \
    { .data = (const uint8_t *)(text), .size = sizeof(text) - 1 }

static const struct ov_span sample_words[] = {SAMPLE_TEXT("scan"), SAMPLE_TEXT("-r"),
                                              SAMPLE_TEXT("/srv/my documents")};
static const struct ov_span sample_scope[] = {SAMPLE_TEXT("/srv/my documents")};
static const struct ov_span sample_own[] = {SAMPLE_TEXT("/var/lib/scan")};

#define SAMPLE_PROCESS                                                                             \
    { .pid = 42, .start_ns = 1000 }
#define SAMPLE_INODE                                                                               \
    { .device = 254u << 20 | 1, .inode = 77, .generation = 5 }

#define SAMPLE_FILE                                                                                \
    {                                                                                              \
        .process = SAMPLE_PROCESS, .inode = SAMPLE_INODE, .size_bytes = 100000, .first_ns = 2000,  \
        .last_ns = 3000, .open_count = 1, .read_count = 2, .read_bytes = 100000, .page_events = 3, \
        .page_bytes = 102400, .routes = 1 << OV_TRACE_ROUTE_CALL | 1 << OV_TRACE_ROUTE_PAGES,      \
        .scale = 1, .coverage = {0xff, 0xff, 0xff, 0x01},                                          \
    }
static const struct ov_trace_file sample_file = SAMPLE_FILE; // 25 pages

static const struct ov_trace_record samples[] = {
    {.type = OV_TRACE_BEGIN,
     .begin = {.version = SAMPLE_TEXT("0.1.0"),
               .boot = {1, 2, 3},
               .kernel = SAMPLE_TEXT("6.18.44"),
               .machine = SAMPLE_TEXT("x86_64"),
               .time_ns = 1790000000000000005,
               .mono_ns = 500,
               .page_bytes = 4096,
               .drain_ns = 250000000,
               .size_max_bytes = 1 << 30,
               .target = OV_TRACE_OF_COMMAND,
               .has_envelope = true,
               .scope = {sample_scope, 1, 1},
               .own = {sample_own, 1, 1},
               .words = {sample_words, 3, 3}}},
    {.type = OV_TRACE_PROGRAM,
     .program = {.what = SAMPLE_TEXT("recorder"),
                 .path = SAMPLE_TEXT("/usr/libexec/overt/overt-watch"),
                 .sha256 = {0xe3, 0xb0}}},
    {.type = OV_TRACE_LAYER, .layer = {.name = SAMPLE_TEXT("seccomp"), .state = OV_TRACE_STATE_ON}},
    {.type = OV_TRACE_EXCEPTION,
     .exception = {.name = SAMPLE_TEXT("io_uring"), .why = SAMPLE_TEXT("asked for")}},
    {.type = OV_TRACE_SENSOR,
     .sensor = {.at_ns = 600,
                .name = SAMPLE_TEXT("mm_filemap_get_pages"),
                .state = OV_TRACE_STATE_ON,
                .is_needed = true}},
    {.type = OV_TRACE_SELFTEST,
     .selftest = {.route = SAMPLE_TEXT("mmap of one page"),
                  .expected = OV_TRACE_OUTCOME_SEEN,
                  .outcome = OV_TRACE_OUTCOME_SEEN,
                  .want = 4096,
                  .most = 65536,
                  .seen = 65536}},
    {.type = OV_TRACE_PRIOR,
     .prior = {.process = SAMPLE_PROCESS,
               .kind = OV_TRACE_PRIOR_FD,
               .fd = 1,
               .inode = SAMPLE_INODE,
               .mode = OV_TRACE_MODE_BOTH,
               .path = SAMPLE_TEXT("/dev/null")}},
    {.type = OV_TRACE_AUDIT, .audit = {.rule = SAMPLE_TEXT("-a never,exit -F pid=42")}},
    {.type = OV_TRACE_PLANTED,
     .planted = {.inode = SAMPLE_INODE,
                 .size_bytes = 100000,
                 .path = SAMPLE_TEXT("/srv/my documents/plan.txt")}},
    {.type = OV_TRACE_PROCESS,
     .process = {.at_ns = 1000,
                 .event = OV_TRACE_EVENT_EXEC,
                 .process = SAMPLE_PROCESS,
                 .parent = {.pid = 1, .start_ns = 1},
                 .reason = OV_TRACE_BY_TARGET,
                 .uid = 1000,
                 .exe = SAMPLE_INODE,
                 .path = SAMPLE_TEXT("/usr/bin/scan"),
                 .words = {sample_words, 3, 3}}},
    {.type = OV_TRACE_NAME,
     .name = {.inode = SAMPLE_INODE,
              .kind = OV_TRACE_KIND_FILE,
              .presence = OV_TRACE_THERE,
              .size_bytes = 100000,
              .filesystem = SAMPLE_TEXT("ext4"),
              .path = SAMPLE_TEXT("/srv/my documents/plan.txt")}},
    {.type = OV_TRACE_FILE, .file = SAMPLE_FILE},
    {.type = OV_TRACE_SOCKET,
     .socket = {.process = SAMPLE_PROCESS,
                .cookie = 9,
                .family = 2,
                .type = 1,
                .protocol = 6,
                .local = SAMPLE_TEXT("10.0.0.2:40000"),
                .remote = SAMPLE_TEXT("192.0.2.1:443"),
                .first_ns = 2500,
                .last_ns = 3500,
                .send_count = 5,
                .sent_bytes = 50000,
                .receive_count = 1,
                .received_bytes = 100}},
    {.type = OV_TRACE_CANARY,
     .canary = {.at_ns = 2000,
                .process = SAMPLE_PROCESS,
                .inode = SAMPLE_INODE,
                .route = OV_TRACE_ROUTE_PRE_ACCESS,
                .from = 0,
                .to = 4096}},
    {.type = OV_TRACE_ACT,
     .act = {.at_ns = 2100,
             .process = SAMPLE_PROCESS,
             .call = SAMPLE_TEXT("process_vm_readv"),
             .result = -1,
             .arguments = {sample_words, 2, 6}}},
    {.type = OV_TRACE_DENIED,
     .denied = {.process = SAMPLE_PROCESS,
                .call = SAMPLE_TEXT("bpf"),
                .by = SAMPLE_TEXT("seccomp"),
                .first_ns = 2200,
                .last_ns = 2300,
                .count = 2}},
    {.type = OV_TRACE_NET,
     .net = {.protocol = 6,
             .remote = SAMPLE_TEXT("192.0.2.1:443"),
             .first_ns = 2500,
             .last_ns = 3500,
             .sent_packets = 40,
             .sent_bytes = 51400,
             .received_packets = 30,
             .received_bytes = 2000}},
    {.type = OV_TRACE_CAPTURE,
     .capture = {.path = SAMPLE_TEXT("net.pcapng"), .packets = 70, .bytes = 53400}},
    {.type = OV_TRACE_PLAINTEXT,
     .plaintext = {.process = SAMPLE_PROCESS,
                   .library = SAMPLE_TEXT("libssl.so.3"),
                   .first_ns = 2500,
                   .last_ns = 3400,
                   .call_count = 4,
                   .sent_bytes = 49000}},
    {.type = OV_TRACE_LOSS, .loss = {.name = SAMPLE_TEXT("files"), .count = 0}},
};

static const size_t sample_count = sizeof samples / sizeof *samples;
