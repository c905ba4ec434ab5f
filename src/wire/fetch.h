// SPDX-License-Identifier: Apache-2.0
//
// What the broker asks of a fetcher, and what the fetcher tells of it (docs/formats/wire.md).
//
// The job is text that the broker writes; URLs and paths in it are held to a strict form by both
// sides. The answers come from a process that talks to the network: what a hijacked one may say
// stands here, and their decoder accepts no more than an encoder could have written.
#pragma once

#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"

enum {
    OV_FETCH_ITEMS_MAX = 65536,
    OV_FETCH_URL_BYTES = 1024,
    OV_FETCH_PATH_BYTES = 255,
    OV_FETCH_BODY_BYTES = 1 << 20,      // of a POST
    OV_FETCH_JOB_BYTES = 64 << 20,      // all lines and bodies
    OV_FETCH_ANSWER_BYTES = 28,         // one message
    OV_FETCH_LAYERS = 16,               // errno bytes in `ready`
    OV_FETCH_DEADLINE_MS_MAX = 86400000 // a day
};

// ---- URLs -------------------------------------------------------------------------------------

// "http" or "https", a host (a name, an IPv4 address or [an IPv6 address]), maybe a port, a path.
// No user, no query, no fragment, no escapes; folders that are "." or ".." are refused.
struct ov_fetch_url {
    bool is_tls;
    struct ov_span host; // without brackets
    bool is_address;     // of IPv6, in brackets
    uint16_t port;       // 80 and 443 when none is written
    struct ov_span path; // "/" and what follows; empty when there is none
};

// OV_INVALID when it has another form. The parts point into `text`.
enum ov_status ov_fetch_url_parse(struct ov_span text, struct ov_fetch_url *ret_url);

// A path below a base URL: names of A-Z a-z 0-9 and . _ + - with single slashes between them.
bool ov_fetch_path_is_sound(struct ov_span path);

// ---- job (broker to fetcher) ------------------------------------------------------------------

struct ov_fetch_item {
    bool is_post;
    bool may_miss;       // GET: 404 does not end the whole
    uint64_t most_bytes; // of the answer
    uint32_t limit_ms;   // POST: for this one alone
    struct ov_span name; // GET: the path below the base; POST: the URL
    struct ov_span proxy;
    struct ov_span body; // POST
};

struct ov_fetch_job {
    uint32_t deadline_ms;       // for all
    uint64_t most_bytes;        // of all answers together
    struct ov_span authorities; // absolute path of a file of PEM certificates that TLS trusts
    struct ov_span base;        // URL that ends in a slash; empty when there is no GET
    struct ov_span proxy;       // for the GETs: URL, or empty
    uint32_t item_count;
};

// Items are added in the order of their numbers: first job, then each item.
void ov_fetch_job_encode(const struct ov_fetch_job *job, struct ov_buf *out);
void ov_fetch_item_encode(const struct ov_fetch_item *item, struct ov_buf *out);

// Reads a job and its items (`item_count` of them, from calloc, for the caller to free). All spans
// point into `text`. OV_DAMAGED when it breaks the form in any way; OV_MEMORY.
enum ov_status ov_fetch_job_decode(struct ov_span text, struct ov_fetch_job *ret_job,
                                   struct ov_fetch_item **ret_items);

// ---- answers (fetcher to broker) --------------------------------------------------------------

enum ov_fetch_end {
    OV_FETCH_UNTRIED,     // not begun: something before it ended the whole, or time ran out
    OV_FETCH_GOT,         // the answer is in the file, whole
    OV_FETCH_MISSING,     // GET: the server has no such file (404, 410)
    OV_FETCH_STATUS,      // another HTTP status, told
    OV_FETCH_REDIRECT,    // the server points elsewhere, which is not followed
    OV_FETCH_LARGE,       // more bytes than allowed, for this one or for all
    OV_FETCH_TIMEOUT,     // no whole answer in time
    OV_FETCH_NAME,        // the host's name (or the proxy's) could not be looked up
    OV_FETCH_CONNECT,     // no connection; errno told where there is one
    OV_FETCH_CLOSED,      // the connection ended before the answer did
    OV_FETCH_TLS,         // no encrypted connection could be agreed on
    OV_FETCH_CERTIFICATE, // the server could not prove who it is
    OV_FETCH_AUTHORITIES, // the file of trusted certificates is missing or not readable
    OV_FETCH_PROXY,       // the proxy refused
    OV_FETCH_PROTOCOL,    // not HTTP, or none that is understood
    OV_FETCH_STORE,       // the file could not be written; errno told
    OV_FETCH_TROUBLE,     // out of memory or a fault of ours
    OV_FETCH_END_COUNT,
};

struct ov_fetch_answer {
    uint32_t number;
    enum ov_fetch_end end;
    uint32_t http_status; // 100 to 599, or 0 when none came
    uint32_t error;       // errno, with CONNECT and STORE, or 0
    uint64_t size_bytes;  // GOT: of the file; else 0
};

// The end of an answer that came as a whole with this status. Of a POST every status but a redirect
// is GOT.
enum ov_fetch_end ov_fetch_end_of(uint32_t http_status, bool is_post);

void ov_fetch_answer_encode(const struct ov_fetch_answer *answer, struct ov_buf *out);

// OV_PEER unless it is what a fetcher could say of this item.
enum ov_status ov_fetch_answer_decode(struct ov_span message, const struct ov_fetch_item *items,
                                      uint32_t item_count, struct ov_fetch_answer *ret_answer);

// After the last answer, once every connection is closed: what went over those of one host. All
// GETs have one; it is told for the first of them. Then one with the number OV_FETCH_BYTES_END.
enum { OV_FETCH_BYTES_END = 0x7fffffff };

struct ov_fetch_bytes {
    uint32_t number; // of the item for which the connections were made
    uint64_t sent, received;
};

void ov_fetch_bytes_encode(const struct ov_fetch_bytes *bytes, struct ov_buf *out);

// OV_PEER unless the number is that of an item, or the end's, which has no bytes.
enum ov_status ov_fetch_bytes_decode(struct ov_span message, uint32_t item_count,
                                     struct ov_fetch_bytes *ret_bytes);

// The first message: what the fetcher is confined to.
struct ov_fetch_ready {
    uint32_t layers;                   // OV_CAGE() bits
    uint8_t refusals[OV_FETCH_LAYERS]; // errno of each layer that is not up
};

void ov_fetch_ready_encode(const struct ov_fetch_ready *ready, struct ov_buf *out);
enum ov_status ov_fetch_ready_decode(struct ov_span message, struct ov_fetch_ready *ret_ready);
