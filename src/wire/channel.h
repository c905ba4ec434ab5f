// SPDX-License-Identifier: Apache-2.0
//
// The channel between the broker and one worker: a SOCK_SEQPACKET pair, one message at a time.
//
// Descriptors travel only from the broker to the worker. The broker receives without room for
// them, so one that a worker tries to send is dropped by the kernel and told to us as OV_PEER.
#pragma once

#include "base/span.h"
#include "base/status.h"

// A new pair, both ends close-on-exec; [0] is the broker's and does not block.
enum ov_status ov_channel_open(int ret_ends[2]);

// Sends one message with up to OV_WIRE_DESCRIPTORS_MAX descriptors, whole or not at all. OV_PEER
// when the other end is gone or its queue is full.
enum ov_status ov_channel_send(int channel, struct ov_span message, const int *descriptors,
                               size_t count);

// Receives one message without descriptors. OV_END: nothing there now; OV_PEER: the other end is
// gone, sent more than `room` bytes, or sent anything beside bytes.
enum ov_status ov_channel_receive(int channel, void *buffer, size_t room, size_t *ret_size);

// Waits for one message with up to `*count` descriptors, which the caller then owns; *count becomes
// their number. OV_END at the end of the conversation.
enum ov_status ov_channel_receive_descriptors(int channel, void *buffer, size_t room,
                                              size_t *ret_size, int *ret_descriptors,
                                              size_t *count);
