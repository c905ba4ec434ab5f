// SPDX-License-Identifier: Apache-2.0
// Runs one fetch as `overt` would and prints what came of it as JSON, for tests.
//
// fetch-run [--below DIR] [--proxy URL] [--ca FILE] [--deadline MS] [--total BYTES] [--base URL]
//           [get PATH BYTES must|may | post URL BYTES MS FILE]...
#include "base/digest.h"
#include "base/fd.h"
#include "base/hex.h"
#include "base/json.h"
#include "role/fetch_job.h"
#include "role/roles.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_MAX = 4096 };

static struct ov_fetch_get gets[ITEMS_MAX];
static struct ov_fetch_post posts[ITEMS_MAX];
static struct ov_file_map bodies[ITEMS_MAX];

static int read_option(char **arguments, struct ov_fetch_request *request) {
    const char *value = arguments[1];
    if (strcmp(arguments[0], "--below") == 0) {
        request->folder = value;
    } else if (strcmp(arguments[0], "--proxy") == 0) {
        request->proxy = value;
    } else if (strcmp(arguments[0], "--ca") == 0) {
        request->authorities = value;
    } else if (strcmp(arguments[0], "--deadline") == 0) {
        request->deadline_ms = (uint32_t)strtoul(value, NULL, 10);
    } else if (strcmp(arguments[0], "--total") == 0) {
        request->most_bytes = strtoull(value, NULL, 10);
    } else {
        request->base = value;
    }
    return 2;
}

static int read_get(char **arguments, struct ov_fetch_request *request) {
    gets[request->get_count++] =
        (struct ov_fetch_get){.path = arguments[1],
                              .most_bytes = strtoull(arguments[2], NULL, 10),
                              .may_miss = strcmp(arguments[3], "may") == 0};
    return 4;
}

static int read_post(char **arguments, struct ov_fetch_request *request) {
    struct ov_file_map *map = &bodies[request->post_count];
    if (ov_file_map_open(arguments[4], map) != OV_OK) {
        exit(2);
    }
    posts[request->post_count++] =
        (struct ov_fetch_post){.url = arguments[1],
                               .body = map->bytes,
                               .most_bytes = strtoull(arguments[2], NULL, 10),
                               .limit_ms = (uint32_t)strtoul(arguments[3], NULL, 10)};
    return 5;
}

static void add_content(struct ov_json *json, const struct ov_fetch_result *result, size_t index) {
    OV_AUTO_FD fd = -1;
    struct ov_file_map map;
    uint8_t digest[OV_SHA256_BYTES];
    char hex[2 * OV_SHA256_BYTES + 1];
    enum ov_status status = ov_fetch_open(result, index, &fd);
    ov_json_text(json, "open", ov_status_text(status));
    if (status == OV_OK && ov_file_map_open_fd(fd, &map) == OV_OK) {
        ov_sha256(map.bytes, digest);
        ov_hex_write(ov_span_make(digest, sizeof digest), hex);
        ov_json_text(json, "sha256", hex);
        ov_file_map_close(&map);
    }
}

static void print(const struct ov_fetch_request *request, const struct ov_fetch_result *result,
                  enum ov_status status) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_json json;
    ov_json_init(&json, &out);
    ov_json_object(&json, NULL);
    ov_json_text(&json, "status", ov_status_text(status));
    ov_json_text(&json, "reason", result->reason);
    ov_json_uint(&json, "layers", result->cage.layers);
    ov_json_uint(&json, "wanted", ov_role_get(OV_ROLE_FETCHER)->layers);
    ov_json_array(&json, "answers");
    for (size_t i = 0; i < result->count && result->answers != NULL; i++) {
        char why[1024];
        const struct ov_fetch_answer *answer = &result->answers[i];
        ov_fetch_explain(request, result, i, why, sizeof why);
        ov_json_object(&json, NULL);
        ov_json_uint(&json, "end", answer->end);
        ov_json_uint(&json, "http", answer->http_status);
        ov_json_uint(&json, "size", answer->size_bytes);
        ov_json_text(&json, "why", why);
        add_content(&json, result, i);
        ov_json_object_end(&json);
    }
    ov_json_array_end(&json);
    ov_json_object_end(&json);
    ov_buf_add_u8(&out, '\n');
    (void)fwrite(out.data, 1, out.size, stdout);
}

int main(int argc, char **argv) {
    struct ov_fetch_request request = {
        .folder = ".", .gets = gets, .posts = posts, .deadline_ms = 20000};
    struct ov_fetch_result result;
    char *none[5] = {NULL};
    for (int i = 1; i < argc;) {
        char **arguments =
            i + 4 < argc || argv[i][0] == '-' || strcmp(argv[i], "get") == 0 ? &argv[i] : none;
        if (arguments == none) {
            return 2;
        }
        i += argv[i][0] == '-'             ? read_option(arguments, &request)
             : strcmp(argv[i], "get") == 0 ? read_get(arguments, &request)
                                           : read_post(arguments, &request);
    }
    enum ov_status status = ov_fetch_run(&request, &result);
    print(&request, &result, status);
    ov_fetch_result_release(&result);
    return status == OV_OK ? 0 : 1;
}
