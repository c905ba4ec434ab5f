// SPDX-License-Identifier: Apache-2.0
// Lists for links in mails, as they stand in an image: hosts sorted from their end, then
// expressions.
#include "rules/emit_state.h"

#include <stdlib.h>

// By list, then by bytes from the last one on: as match/links.c looks for them.
static int compare_hosts(const void *a, const void *b) {
    const struct ov_link_rule *left = *(const struct ov_link_rule *const *)a;
    const struct ov_link_rule *right = *(const struct ov_link_rule *const *)b;
    if (left->is_allowed != right->is_allowed) {
        return left->is_allowed ? 1 : -1;
    }
    size_t x = left->text.size, y = right->text.size;
    while (x > 0 && y > 0) {
        x--;
        y--;
        if (left->text.data[x] != right->text.data[y]) {
            return left->text.data[x] < right->text.data[y] ? -1 : 1;
        }
    }
    return (x > y) - (x < y);
}

static uint32_t put_bytes(struct ov_buf *code, struct ov_span bytes) {
    uint32_t at = (uint32_t)code->size;
    ov_buf_add(code, bytes.data, bytes.size);
    ov_buf_align(code, 8);
    return at;
}

static void put_link(struct ov_emit *emit, const struct ov_link_rule *link) {
    struct ov_image_link record = {
        .list = link->is_allowed ? OV_LINK_LIST_ALLOWED : OV_LINK_LIST_PROTECTED,
        .is_regex = link->is_regex,
        .text_at = put_bytes(emit->code, link->text),
        .text_bytes = (uint32_t)link->text.size,
        .tail_bytes = (uint32_t)link->tail.size,
    };
    record.tail_at = link->tail.size > 0 ? put_bytes(emit->code, link->tail) : 0;
    ov_buf_add(emit->links, &record, sizeof record);
}

static enum ov_status put_hosts(struct ov_emit *emit, const struct ov_link_rule **hosts) {
    size_t count = 0;
    for (size_t i = 0; i < emit->set->link_count; i++) {
        if (!emit->set->links[i].is_regex) {
            hosts[count++] = &emit->set->links[i];
        }
    }
    qsort((void *)hosts, count, sizeof(void *), compare_hosts);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || compare_hosts(&hosts[i - 1], &hosts[i]) != 0) {
            put_link(emit, hosts[i]);
        }
    }
    for (size_t i = 0; i < emit->set->link_count; i++) {
        if (emit->set->links[i].is_regex) {
            put_link(emit, &emit->set->links[i]);
        }
    }
    TRY(ov_buf_status(emit->code));
    return ov_buf_status(emit->links);
}

enum ov_status ov_emit_links(struct ov_emit *emit) {
    if (emit->set->link_count == 0) {
        return OV_OK;
    }
    const struct ov_link_rule **hosts = calloc(emit->set->link_count, sizeof(void *));
    if (hosts == NULL) {
        return OV_MEMORY;
    }
    enum ov_status status = put_hosts(emit, hosts);
    free((void *)hosts);
    return status;
}
