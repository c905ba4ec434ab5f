// SPDX-License-Identifier: Apache-2.0
//
// The few requests to the kernel's network that the envelope needs (rtnetlink(7)), each for the
// network namespace of the calling thread.
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

// A pair of linked interfaces: `name` here, `peer` in the namespace of that descriptor. Both have
// the same hardware address: what asks nobody for the other's (`is_quiet`) still reaches it.
enum ov_status ov_netlink_make_pair(const char *name, const char *peer, int peer_namespace);
// Brings an interface up; `is_quiet`: the kernel asks nobody there for addresses, and tells nobody
// of groups.
enum ov_status ov_netlink_raise(const char *name, bool is_quiet);
// Gives it an address: 4 or 16 bytes.
enum ov_status ov_netlink_add_address(const char *name, const uint8_t *address, uint8_t size,
                                      uint8_t prefix_bits);
// All that has no other way goes by this one.
enum ov_status ov_netlink_add_gateway(const uint8_t *address, uint8_t size);
