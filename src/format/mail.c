// SPDX-License-Identifier: Apache-2.0
// First lines of mail messages and of what is sent in them.
#include "format/format.h"

static const struct ov_magic magics_mail[] = {
    OV_MAGIC(0, "From "),
    OV_MAGIC(0, ">From "),
    OV_MAGIC(0, "From: "),
    OV_MAGIC(0, "For: "),
    OV_MAGIC(0, "To: "),
    OV_MAGIC(0, "Date: "),
    OV_MAGIC(0, "Subject: "),
    OV_MAGIC(0, "Received: "),
    OV_MAGIC(0, "Return-Path: "),
    OV_MAGIC(0, "Return-path: "),
    OV_MAGIC(0, "Delivered-To: "),
    OV_MAGIC(0, "Delivery-date: "),
    OV_MAGIC(0, "Envelope-to: "),
    OV_MAGIC(0, "Message-ID: "),
    OV_MAGIC(0, "Message-Id: "),
    OV_MAGIC(0, "Hi. This is the qmail-se"),
    OV_MAGIC(0, "X-Apparently-To: "),
    OV_MAGIC(0, "X-EVS"),
    OV_MAGIC(0, "X-Envelope-From: "),
    OV_MAGIC(0, "X-Original-To: "),
    OV_MAGIC(0, "X-Real-To: "),
    OV_MAGIC(0, "X-Sieve: "),
    OV_MAGIC(0, "X-Symantec-"),
    OV_MAGIC(0, "X-UIDL: "),
};
static const struct ov_magic magics_mhtml[] = {OV_MAGIC(0, "MIME-Version: 1.0")};
static const struct ov_magic magics_tnef[] = {OV_MAGIC(0, "\x78\x9f\x3e\x22")};
static const struct ov_magic magics_uuencoded[] = {OV_MAGIC(0, "begin ")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_MAIL, OV_MAGICS(magics_mail)},
    {.type = OV_FILETYPE_MHTML, OV_MAGICS(magics_mhtml)},
    {.type = OV_FILETYPE_TNEF, OV_MAGICS(magics_tnef)},
    {.type = OV_FILETYPE_UUENCODED, OV_MAGICS(magics_uuencoded)},
};

OV_FORMAT_SET(mail, formats);
