// SPDX-License-Identifier: Apache-2.0
// Tells libcurl what to ask for, in one way for all, and writes what comes.
#include "fetch/transfer.h"

#include "base/buf.h"
#include "base/fd.h"
#include "fetch/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
    CONNECT_MS = 15000,
    STALL_SECONDS = 30,        // without a byte
    HEADER_BYTES = 64 << 10,   // of one answer
    UNWANTED_BYTES = 64 << 10, // of a body that says why there is none; then the line is cut
};

// ---- bytes that come --------------------------------------------------------------------------

static bool open_file(struct ov_transfer *transfer) {
    char name[16];
    if (transfer->file < 0 && transfer->store_error == 0) {
        (void)snprintf(name, sizeof name, "%u", transfer->number);
        transfer->file = openat(transfer->scope->folder, name,
                                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        transfer->store_error = transfer->file < 0 ? errno : 0;
    }
    return transfer->file >= 0;
}

static long read_status(const struct ov_transfer *transfer) {
    long status = 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static bool is_wanted(const struct ov_transfer *transfer) {
    return ov_fetch_end_of((uint32_t)read_status(transfer), transfer->item->is_post) ==
           OV_FETCH_GOT;
}

// Gives the size when all is well; anything else makes libcurl stop.
static size_t take_body(const char *data, size_t one, size_t size, void *arg) {
    struct ov_transfer *transfer = arg;
    struct ov_transfer_scope *scope = transfer->scope;
    (void)one; // always 1
    if (!is_wanted(transfer)) {
        transfer->other_bytes += size;
        transfer->is_cut = transfer->other_bytes > UNWANTED_BYTES;
        return transfer->is_cut ? 0 : size;
    }
    if (size > transfer->item->most_bytes - transfer->size_bytes || size > scope->bytes_left) {
        transfer->is_large = true;
        return 0;
    }
    if (!open_file(transfer)) {
        return 0;
    }
    if (ov_fd_write_all(transfer->file, ov_span_make(data, size)) != OV_OK) {
        transfer->store_error = errno;
        return 0;
    }
    transfer->size_bytes += size;
    scope->bytes_left -= size;
    return size;
}

static size_t take_header(const char *data, size_t one, size_t size, void *arg) {
    struct ov_transfer *transfer = arg;
    struct ov_span line = ov_span_make(data, size);
    (void)one;
    if (ov_span_has_prefix(line, "HTTP/")) {
        transfer->is_headed = false; // another answer follows an informational one
    } else if (ov_span_is_text(line, "\r\n") || ov_span_is_text(line, "\n")) {
        transfer->is_headed = true;
    }
    transfer->other_bytes += size;
    return transfer->other_bytes <= HEADER_BYTES ? size : 0;
}

// ---- request ----------------------------------------------------------------------------------

#define SET(option, value) TRY(check(curl_easy_setopt(transfer->easy, option, value)))

static enum ov_status check(CURLcode code) {
    return code == CURLE_OK ? OV_OK : OV_MEMORY;
}

// The parts of an address one after the other; libcurl makes its own copy.
static enum ov_status set_address(CURL *easy, CURLoption option, struct ov_span one,
                                  struct ov_span other) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    ov_buf_add(&text, one.data, one.size);
    ov_buf_add(&text, other.data, other.size);
    ov_buf_add_u8(&text, 0);
    TRY(ov_buf_status(&text));
    return check(curl_easy_setopt(easy, option, (const char *)text.data));
}

// The same for every client and every run: no cookies, no user, no languages or codings, nothing of
// earlier answers.
static enum ov_status set_manners(const struct ov_transfer *transfer) {
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_USERAGENT, "overt");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_NOPROXY, "");
    SET(CURLOPT_BUFFERSIZE, 262144L);
    SET(CURLOPT_RESOLVE, transfer->scope->names);
    return OV_OK;
}

static enum ov_status set_trust(const struct ov_transfer *transfer) {
    struct ov_span authorities = transfer->scope->authorities;
    struct curl_blob blob = {.data = (void *)(uintptr_t)authorities.data,
                             .len = authorities.size,
                             .flags = CURL_BLOB_NOCOPY};
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    SET(CURLOPT_CAINFO, NULL);
    SET(CURLOPT_CAPATH, NULL);
    if (authorities.size > 0) {
        SET(CURLOPT_CAINFO_BLOB, &blob);
        SET(CURLOPT_PROXY_CAINFO_BLOB, &blob);
    }
    return OV_OK;
}

static enum ov_status set_limits(struct ov_transfer *transfer, uint32_t limit_ms) {
    SET(CURLOPT_TIMEOUT_MS, (long)limit_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, transfer);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_PRIVATE, transfer);
    return OV_OK;
}

// All GETs may share connections: the first of them has their bytes.
static enum ov_status set_counts(const struct ov_transfer *transfer) {
    struct ov_transfer_scope *scope = transfer->scope;
    uint32_t number = transfer->item->is_post ? transfer->number : scope->first_get;
    return ov_sockets_count(transfer->easy, &scope->counts[number]);
}

static enum ov_status set_target(const struct ov_transfer *transfer) {
    const struct ov_fetch_item *item = transfer->item;
    const struct ov_fetch_job *job = transfer->scope->job;
    struct ov_span none = ov_span_make(NULL, 0);
    if (!item->is_post) {
        TRY(set_address(transfer->easy, CURLOPT_PROXY, job->proxy, none));
        return set_address(transfer->easy, CURLOPT_URL, job->base, item->name);
    }
    TRY(set_address(transfer->easy, CURLOPT_PROXY, item->proxy, none));
    TRY(set_address(transfer->easy, CURLOPT_URL, item->name, none));
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)item->body.size);
    SET(CURLOPT_POSTFIELDS, item->body.size > 0 ? (const void *)item->body.data : "");
    SET(CURLOPT_HTTPHEADER, transfer->scope->fields);
    return OV_OK;
}

enum ov_status ov_transfer_init(struct ov_transfer *transfer, uint32_t limit_ms) {
    transfer->easy = curl_easy_init();
    if (transfer->easy == NULL) {
        return OV_MEMORY;
    }
    TRY(set_manners(transfer));
    TRY(set_trust(transfer));
    TRY(set_limits(transfer, limit_ms));
    TRY(set_counts(transfer));
    return set_target(transfer);
}

// ---- end --------------------------------------------------------------------------------------

static enum ov_fetch_end end_of_code(CURLcode code) {
    static const struct {
        CURLcode code;
        enum ov_fetch_end end;
    } rows[] = {
        {CURLE_COULDNT_RESOLVE_HOST, OV_FETCH_NAME},
        {CURLE_COULDNT_RESOLVE_PROXY, OV_FETCH_NAME},
        {CURLE_COULDNT_CONNECT, OV_FETCH_CONNECT},
        {CURLE_OPERATION_TIMEDOUT, OV_FETCH_TIMEOUT},
        {CURLE_FILESIZE_EXCEEDED, OV_FETCH_LARGE},
        {CURLE_SSL_CONNECT_ERROR, OV_FETCH_TLS},
        {CURLE_SSL_CIPHER, OV_FETCH_TLS},
        {CURLE_PEER_FAILED_VERIFICATION, OV_FETCH_CERTIFICATE},
        {CURLE_SSL_ISSUER_ERROR, OV_FETCH_CERTIFICATE},
        {CURLE_SSL_CACERT_BADFILE, OV_FETCH_AUTHORITIES},
        {CURLE_GOT_NOTHING, OV_FETCH_CLOSED},
        {CURLE_RECV_ERROR, OV_FETCH_CLOSED},
        {CURLE_SEND_ERROR, OV_FETCH_CLOSED},
        {CURLE_PARTIAL_FILE, OV_FETCH_CLOSED},
        {CURLE_PROXY, OV_FETCH_PROXY},
        {CURLE_WEIRD_SERVER_REPLY, OV_FETCH_PROTOCOL},
        {CURLE_UNSUPPORTED_PROTOCOL, OV_FETCH_PROTOCOL}, // HTTP/0.9
        {CURLE_BAD_CONTENT_ENCODING, OV_FETCH_PROTOCOL},
        {CURLE_WRITE_ERROR, OV_FETCH_PROTOCOL}, // too many headers, or a chunk that is none
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].code == code) {
            return rows[i].end;
        }
    }
    return OV_FETCH_TROUBLE;
}

static enum ov_fetch_end judge(struct ov_transfer *transfer, CURLcode code, long status) {
    long tunnel = 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &tunnel);
    if (transfer->is_large) {
        return OV_FETCH_LARGE;
    }
    if (transfer->store_error != 0) {
        return OV_FETCH_STORE;
    }
    // A connection that ends between two headers is an end for libcurl too, but none of an answer.
    if (code == CURLE_OK && !transfer->is_headed) {
        return OV_FETCH_CLOSED;
    }
    if (code == CURLE_OK || transfer->is_cut) {
        // Of an unknown status nothing was said to have a meaning.
        bool is_known = status >= 100 && status <= 599;
        return is_known ? ov_fetch_end_of((uint32_t)status, transfer->item->is_post)
                        : OV_FETCH_PROTOCOL;
    }
    if (code == CURLE_FILESIZE_EXCEEDED && !is_wanted(transfer)) {
        return ov_fetch_end_of((uint32_t)status, transfer->item->is_post);
    }
    return tunnel != 0 && tunnel / 100 != 2 ? OV_FETCH_PROXY : end_of_code(code);
}

struct ov_fetch_answer ov_transfer_finish(struct ov_transfer *transfer, CURLcode code) {
    struct ov_fetch_answer answer = {.number = transfer->number};
    long status = read_status(transfer);
    long error = 0;
    answer.end = judge(transfer, code, status);
    if (answer.end == OV_FETCH_GOT && !open_file(transfer)) { // an empty answer is a file too
        answer.end = OV_FETCH_STORE;
    }
    if (transfer->file >= 0) {
        bool is_closed = close(transfer->file) == 0;
        transfer->file = -1;
        if (answer.end == OV_FETCH_GOT && !is_closed) {
            transfer->store_error = errno;
            answer.end = OV_FETCH_STORE;
        }
    }
    if (answer.end == OV_FETCH_CONNECT &&
        curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &error) == CURLE_OK) {
        answer.error = (uint32_t)error;
    }
    if (answer.end == OV_FETCH_STORE) {
        answer.error = (uint32_t)transfer->store_error;
    }
    if (answer.end >= OV_FETCH_GOT && answer.end <= OV_FETCH_REDIRECT) {
        answer.http_status = (uint32_t)status;
    }
    answer.size_bytes = answer.end == OV_FETCH_GOT ? transfer->size_bytes : 0;
    return answer;
}

void ov_transfer_release(struct ov_transfer *transfer) {
    curl_easy_cleanup(transfer->easy);
    transfer->easy = NULL;
    ov_fd_close(&transfer->file);
}
