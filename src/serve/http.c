// SPDX-License-Identifier: Apache-2.0
// Requests and replies by way of libmicrohttpd, with bounds on everything that a client may do.
#include "serve/http.h"

#include "base/fd.h"
#include "base/printable.h"

#include <errno.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    HEAD_SECONDS = 10,           // for a request's line and headers, from one reply to the next too
    BODY_SECONDS = 20,           // for what follows them
    REPLY_SECONDS = 15,          // for taking the reply, and
    REPLY_BYTES_A_SECOND = 8192, // this much more for a long one
    END_SECONDS = 5,             // for what is under way when we are asked to end
    WAIT_MS = 500,
    HEAD_BYTES = 16384, // of memory for a client: a request's line and headers must fit
};

// One connection, and what it is asking for just now.
struct client {
    bool is_used;
    int socket; // libmicrohttpd's
    uint64_t deadline_ns;
    char method[16];
    char target[OV_HTTP_TARGET_BYTES + 1]; // longer by one than what may be
    size_t target_size;
    bool is_asking; // a target has come, and its reply is not out
    bool has_begun; // headers have been looked at
    struct ov_buf body;
    unsigned status;
    uint64_t reply_bytes;
};

struct ov_http {
    struct ov_http_options options;
    struct ov_http_service service;
    struct MHD_Daemon *daemon;
    struct client clients[OV_HTTP_CONNECTIONS];
    struct ov_socket_bytes closed; // of connections that are no more
    uint64_t counted_ns;
};

static volatile sig_atomic_t is_ending;

static void on_end(int signal_number) {
    (void)signal_number;
    is_ending = 1;
}

static uint64_t read_clock(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void set_deadline(struct client *client, uint64_t seconds) {
    client->deadline_ns = read_clock() + seconds * 1000000000u;
}

void ov_http_reply_text(struct ov_http_reply *reply, unsigned status, const char *text) {
    reply->status = status;
    reply->content_type = "text/plain; charset=utf-8";
    ov_buf_add_text(&reply->body, text);
    ov_buf_add_u8(&reply->body, '\n');
}

// ---- replies ----------------------------------------------------------------------------------

static struct MHD_Response *make_response(struct ov_http_reply *reply) {
    struct MHD_Response *response = NULL;
    if (reply->file >= 0 && reply->file_bytes > 0) {
        response = MHD_create_response_from_fd64(reply->file_bytes, reply->file);
        reply->file = response != NULL ? -1 : reply->file;
    } else if (ov_buf_status(&reply->body) == OV_OK) {
        response = MHD_create_response_from_buffer(reply->body.size, reply->body.data,
                                                   MHD_RESPMEM_MUST_COPY);
    }
    return response;
}

static bool add_headers(struct MHD_Response *response, const struct ov_http_reply *reply) {
    const struct {
        const char *name;
        const char *value;
    } headers[] = {
        {MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type},
        {MHD_HTTP_HEADER_CACHE_CONTROL, reply->cache_control},
        {MHD_HTTP_HEADER_ALLOW, reply->allow},
        {MHD_HTTP_HEADER_X_CONTENT_TYPE_OPTIONS, "nosniff"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        if (headers[i].value != NULL &&
            MHD_add_response_header(response, headers[i].name, headers[i].value) != MHD_YES) {
            return false;
        }
    }
    return true;
}

// Hands the reply over and lets go of it. MHD_NO ends the connection.
static enum MHD_Result send_reply(struct MHD_Connection *connection, struct client *client,
                                  struct ov_http_reply *reply) {
    client->status = reply->status;
    client->reply_bytes = reply->file >= 0 ? reply->file_bytes : reply->body.size;
    set_deadline(client, REPLY_SECONDS + client->reply_bytes / REPLY_BYTES_A_SECOND);
    enum MHD_Result result = MHD_NO;
    struct MHD_Response *response = make_response(reply);
    if (response != NULL) {
        if (add_headers(response, reply)) {
            result = MHD_queue_response(connection, reply->status, response);
        }
        MHD_destroy_response(response);
    }
    ov_fd_close(&reply->file);
    ov_buf_release(&reply->body);
    return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, struct client *client,
                              unsigned status, const char *text) {
    struct ov_http_reply reply = {.file = -1};
    ov_http_reply_text(&reply, status, text);
    return send_reply(connection, client, &reply);
}

static enum MHD_Result answer(struct ov_http *http, struct MHD_Connection *connection,
                              struct client *client) {
    struct ov_http_reply reply = {.status = MHD_HTTP_INTERNAL_SERVER_ERROR, .file = -1};
    struct ov_http_request request = {
        .method = client->method,
        .target = ov_span_make(client->target, client->target_size),
        .body = ov_buf_span(&client->body),
    };
    http->service.answer(http->service.arg, &request, &reply);
    return send_reply(connection, client, &reply);
}

// ---- requests ---------------------------------------------------------------------------------

// The length that was announced goes to *ret_bytes: 0 without a body, UINT64_MAX when it is not
// known.
static void read_length(struct MHD_Connection *connection, uint64_t *ret_bytes) {
    const char *length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const char *encoding =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    // libmicrohttpd has refused what is no number already.
    *ret_bytes = encoding != NULL ? UINT64_MAX : length != NULL ? strtoull(length, NULL, 10) : 0;
}

// The first call for a request, when its headers have come. *ret_result is set when there is an
// answer before its body is read.
static bool refuse_early(struct ov_http *http, struct MHD_Connection *connection,
                         struct client *client, enum MHD_Result *ret_result) {
    uint64_t bytes;
    read_length(connection, &bytes);
    bool is_post = strcmp(client->method, MHD_HTTP_METHOD_POST) == 0;
    bool is_plain = strcmp(client->method, MHD_HTTP_METHOD_GET) == 0 ||
                    strcmp(client->method, MHD_HTTP_METHOD_HEAD) == 0;
    if (client->target_size > OV_HTTP_TARGET_BYTES) {
        *ret_result = refuse(connection, client, MHD_HTTP_URI_TOO_LONG, "address too long");
    } else if (bytes > 0 && is_plain) {
        *ret_result = refuse(connection, client, MHD_HTTP_BAD_REQUEST, "a body is not for this");
    } else if (bytes > 0 && (!is_post || http->service.body_bytes_max == 0)) {
        *ret_result = answer(http, connection, client); // which knows no such method
    } else if (bytes != UINT64_MAX && bytes > http->service.body_bytes_max) {
        *ret_result = refuse(connection, client, MHD_HTTP_CONTENT_TOO_LARGE, "too large");
    } else {
        return false;
    }
    return true;
}

// A body whose length was not announced is cut off when it is too long.
static enum MHD_Result take_body(struct ov_http *http, struct client *client, const char *data,
                                 size_t *size) {
    if (*size > http->service.body_bytes_max - client->body.size) {
        return MHD_NO;
    }
    ov_buf_add(&client->body, data, *size);
    *size = 0;
    return client->body.has_failed ? MHD_NO : MHD_YES;
}

// NOLINTNEXTLINE(readability-function-size): libmicrohttpd wants it so
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **request) {
    struct ov_http *http = arg;
    struct client *client = *request;
    (void)url;
    (void)version;
    if (client == NULL) {
        return MHD_NO;
    }
    if (!client->has_begun) {
        enum MHD_Result result;
        client->has_begun = true;
        size_t length = strnlen(method, sizeof client->method - 1);
        memcpy(client->method, method, length);
        client->method[length] = '\0';
        set_deadline(client, BODY_SECONDS);
        return refuse_early(http, connection, client, &result) ? result : MHD_YES;
    }
    if (*size > 0) {
        return take_body(http, client, data, size);
    }
    return answer(http, connection, client);
}

// The target before anybody has decoded or cut it.
static void *on_target(void *arg, const char *target, struct MHD_Connection *connection) {
    (void)arg;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct client *client = info != NULL ? info->socket_context : NULL;
    if (client == NULL) {
        return NULL;
    }
    client->target_size = strnlen(target, sizeof client->target);
    memcpy(client->target, target, client->target_size);
    client->is_asking = true;
    client->has_begun = false;
    client->status = 0;
    ov_buf_reset(&client->body);
    return client;
}

// Percent signs stay what they are.
static size_t keep_escaped(void *arg, struct MHD_Connection *connection, char *text) {
    (void)arg;
    (void)connection;
    return strlen(text);
}

static void log_request(const struct client *client) {
    OV_CLEANUP(ov_buf_release) struct ov_buf line = {0};
    ov_printable_add(&line, ov_span_text(client->method));
    ov_buf_add_u8(&line, ' ');
    ov_printable_add(&line, ov_span_make(client->target, client->target_size));
    uint64_t bytes = strcmp(client->method, MHD_HTTP_METHOD_HEAD) == 0 ? 0 : client->reply_bytes;
    ov_buf_printf(&line, " %u %llu\n", client->status, (unsigned long long)bytes);
    if (ov_buf_status(&line) == OV_OK) {
        (void)!ov_fd_write_all(STDOUT_FILENO, ov_buf_span(&line));
    }
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode code) {
    const struct ov_http *http = arg;
    struct client *client = *request;
    (void)connection;
    (void)code;
    if (client == NULL) {
        return;
    }
    if (http->options.has_log && client->status != 0) {
        log_request(client);
    }
    client->is_asking = false;
    ov_buf_release(&client->body);
    set_deadline(client, HEAD_SECONDS);
}

// ---- connections ------------------------------------------------------------------------------

static struct client *find_unused(struct ov_http *http) {
    for (size_t i = 0; i < OV_HTTP_CONNECTIONS; i++) {
        if (!http->clients[i].is_used) {
            return &http->clients[i];
        }
    }
    return NULL;
}

// What all clients were sent, and sent. The sockets of those that are here are asked now.
static void count_bytes(struct ov_http *http) {
    struct ov_serve_counts *counts = http->options.counts;
    struct ov_socket_bytes sum = http->closed;
    if (counts == NULL) {
        return;
    }
    for (size_t i = 0; i < OV_HTTP_CONNECTIONS; i++) {
        if (http->clients[i].is_used) {
            ov_socket_bytes_add(http->clients[i].socket, &sum);
        }
    }
    if (sum.sent >= counts->sent && sum.received >= counts->received) { // only ever added to
        atomic_store(&counts->sent, sum.sent);
        atomic_store(&counts->received, sum.received);
    }
}

static void count_sometimes(struct ov_http *http) {
    uint64_t now_ns = read_clock();
    if (now_ns - http->counted_ns >= WAIT_MS * 1000000ull) {
        http->counted_ns = now_ns;
        count_bytes(http);
    }
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code) {
    struct client *client = *context;
    struct ov_http *http = arg;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        client = find_unused(http);
        if (client != NULL && info != NULL) {
            *client = (struct client){.is_used = true, .socket = info->connect_fd};
            set_deadline(client, HEAD_SECONDS);
            *context = client;
        }
    } else if (client != NULL) {
        ov_socket_bytes_add(client->socket, &http->closed); // it is closed after this
        ov_buf_release(&client->body);
        client->is_used = false;
        *context = NULL;
    }
}

static void cut_off_slow(struct ov_http *http) {
    uint64_t now_ns = read_clock();
    for (size_t i = 0; i < OV_HTTP_CONNECTIONS; i++) {
        struct client *client = &http->clients[i];
        if (client->is_used && now_ns > client->deadline_ns) {
            (void)shutdown(client->socket, SHUT_RDWR); // libmicrohttpd sees the end and closes it
            client->deadline_ns = UINT64_MAX;
        }
    }
}

static size_t count_asking(const struct ov_http *http) {
    size_t count = 0;
    for (size_t i = 0; i < OV_HTTP_CONNECTIONS; i++) {
        count += http->clients[i].is_used && http->clients[i].is_asking;
    }
    return count;
}

// ---- life -------------------------------------------------------------------------------------

static struct MHD_Daemon *start_daemon(struct ov_http *http) {
    return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, http,             //
                            MHD_OPTION_LISTEN_SOCKET, http->options.listener,           //
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)OV_HTTP_CONNECTIONS, //
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_BYTES,     //
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)REPLY_SECONDS,     //
                            MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP,
                            1,                                                //
                            MHD_OPTION_URI_LOG_CALLBACK, on_target, http,     //
                            MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL, //
                            MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,  //
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_END);
}

static enum ov_status catch_signals(void) {
    struct sigaction end = {.sa_handler = on_end}; // no SA_RESTART: waiting ends, too
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigemptyset(&end.sa_mask);
    bool is_done = sigaction(SIGTERM, &end, NULL) == 0 && sigaction(SIGINT, &end, NULL) == 0 &&
                   sigaction(SIGPIPE, &ignore, NULL) == 0;
    return is_done ? OV_OK : OV_SYSTEM;
}

enum ov_status ov_http_open(const struct ov_http_options *options,
                            const struct ov_http_service *service, struct ov_http **ret_http) {
    TRY(catch_signals());
    struct ov_http *http = calloc(1, sizeof *http);
    if (http == NULL) {
        return OV_MEMORY;
    }
    http->options = *options;
    http->service = *service;
    http->daemon = start_daemon(http);
    if (http->daemon == NULL) {
        int error = errno;
        free(http);
        errno = error;
        return OV_SYSTEM;
    }
    *ret_http = http;
    return OV_OK;
}

enum ov_status ov_http_run(struct ov_http *http) {
    while (!is_ending) {
        if (MHD_run_wait(http->daemon, WAIT_MS) != MHD_YES) {
            return OV_SYSTEM;
        }
        cut_off_slow(http);
        count_sometimes(http);
    }
    // Whoever comes now is refused, whichever process still holds the socket.
    (void)shutdown(MHD_quiesce_daemon(http->daemon), SHUT_RDWR);
    uint64_t end_ns = read_clock() + END_SECONDS * 1000000000ull;
    while (count_asking(http) > 0 && read_clock() < end_ns) {
        if (MHD_run_wait(http->daemon, WAIT_MS / 10) != MHD_YES) {
            return OV_SYSTEM;
        }
    }
    return OV_OK;
}

void ov_http_close(struct ov_http *http) {
    MHD_stop_daemon(http->daemon); // which tells of each connection that it closes
    count_bytes(http);
    if (http->options.counts != NULL) {
        atomic_store(&http->options.counts->has_ended, 1);
    }
    free(http);
}
